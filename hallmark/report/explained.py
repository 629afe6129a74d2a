"""Why a deviation is, or is not, a defect, as pictures: golden view, unit, signed difference and heat map."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from html import escape

import cv2
import numpy as np

from evidence import Inspection, named
from golden.spec import GoldenSpec, View
from hallmark.report.drawing import labelled
from hallmark.report.marks import defect_marks, words
from hallmark.report.pictures import Picture, Pixels, as_seen, data_uri, faded
from hallmark.report.present import judged, presence_marks
from hallmark.report.signs import COLOURS, State, state_of
from hallmark.svg import GREY, document, text
from vision import Explanation

_SIDE, _GAP, _FOOT = 360, 20, 40
_STRONGEST = 0.8  # of a pixel's colour that the heat map takes where it is hottest
_LEAST_FULL = 32  # codes of excess that are drawn hottest at the least
_BARS_MM = (20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05)


def explained(e: Explanation, view: View, columns: int = 2) -> str:
    """Return the four pictures of an explanation in so many columns, as an SVG document."""
    rows = -(-4 // columns)
    width, height = columns * (_SIDE + _GAP) - _GAP, rows * (_SIDE + _FOOT)
    drawn = document(width, height, _panels(e, view, columns, (0.0, 0.0), letters=24))
    label = f"golden view, unit, difference and heat map of a deviation: {e.because}"
    return drawn.replace("<svg ", f'<svg class="pair" role="img" aria-label="{escape(label)}" ', 1)


def explained_sheet(e: Explanation, view: View) -> str:
    """Return the four pictures in a row under what is said of the deviation, as an SVG document."""
    title = f"#{e.number} {words(e.defect_class)}" if e.number else words(e.defect_class)
    said = [e.because] if e.defect is None else [e.because, named(e.defect)]
    margin, top = 30, 96
    colour = COLOURS[_state(e)]
    parts = [
        text(margin, 40, title, size=26, weight=600, colour=colour),
        text(margin, 72, ". ".join(filter(None, said)), size=19),
        *_panels(e, view, 4, (margin, top), letters=17),
    ]
    return document(4 * (_SIDE + _GAP) - _GAP + 2 * margin, top + _SIDE + _FOOT + 16, parts)


def overview(spec: GoldenSpec, inspection: Inspection, picture: Picture, view: View) -> str:
    """Return the unit's picture, as SVG, with a numbered box for each defect, component, print and code.

    Labels are for what does not conform first, then for defects.
    """
    found = judged(spec, inspection, view.id)
    marks = presence_marks(spec, view, picture, found)
    stops = sum(j.result.decision != "conform" for j in found)
    defects = defect_marks(view.id, inspection.defects)
    return labelled(picture, [*marks[:stops], *defects, *marks[stops:]])[0]


def _panels(
    e: Explanation, view: View, columns: int, corner: tuple[float, float], *, letters: int
) -> list[str]:
    golden, unit = (as_seen(Picture(view.id, p, ""), view).pixels for p in (e.golden, e.unit))
    heat, most = _heated(e, unit)
    shown = (
        (_enlarged(golden, cv2.INTER_CUBIC), "golden"),
        (_enlarged(unit, cv2.INTER_CUBIC), "unit"),
        (_enlarged(_signed(e), cv2.INTER_CUBIC), "unit less golden (grey: alike)"),
        (_enlarged(heat, cv2.INTER_NEAREST), most),
    )
    scale = _SIDE / len(e.golden)
    parts: list[str] = []
    for i, (pixels, caption) in enumerate(shown):
        x = corner[0] + i % columns * (_SIDE + _GAP)
        y = corner[1] + i // columns * (_SIDE + _FOOT)
        parts.append(
            f'<image x="{x:.1f}" y="{y:.1f}" width="{_SIDE}" height="{_SIDE}" '
            f'xlink:href="{data_uri(pixels, _SIDE)}"/>'
        )
        parts += _box(e, (x, y), scale, dashed=i == 0) if i < 3 else _contour(e, (x, y), scale)
        parts.append(text(x, y + _SIDE + letters + 3, caption, size=letters, colour=GREY))
        if i == 1:
            parts += _bar(x + _SIDE, y + _SIDE + letters + 3, scale / view.mm_per_px, letters)
    return parts


def _contour(e: Explanation, corner: tuple[float, float], scale: float) -> list[str]:
    """Return the outline of the deviation's own pixels in a panel."""
    mask = e.inside.astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    paths = [
        " ".join(
            f"{corner[0] + (x + 0.5) * scale:.1f},{corner[1] + (y + 0.5) * scale:.1f}" for x, y in points
        )
        for points in (np.asarray(contour).reshape(-1, 2).tolist() for contour in contours)
    ]
    colour = COLOURS[_state(e)]
    return [f'<polygon points="{p}" fill="none" stroke="{colour}" stroke-width="2.5"/>' for p in paths]


def _state(e: Explanation) -> State:
    return state_of(None if e.defect is None else e.defect.severity)


def _box(e: Explanation, corner: tuple[float, float], scale: float, *, dashed: bool) -> Sequence[str]:
    """Return the deviation's box in a panel, white around its colour."""
    x, y, w, h = e.box
    left, top = corner[0] + (x + 0.5) * scale, corner[1] + (y + 0.5) * scale
    dash = ' stroke-dasharray="10 7"' if dashed else ""
    return [
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{w * scale:.1f}" height="{h * scale:.1f}" fill="none" '
        f'stroke="{colour}" stroke-width="{width}"{extra}/>'
        for colour, width, extra in (("#ffffff", 5, ""), (COLOURS[_state(e)], 2.5, dash))
    ]


def _bar(right: float, y: float, px_per_mm: float, letters: int) -> list[str]:
    mm = next((mm for mm in _BARS_MM if mm * px_per_mm < 0.4 * _SIDE), _BARS_MM[-1])
    left = right - mm * px_per_mm
    ends = f"M{left:.1f} {y - 11}V{y + 1}M{right:.1f} {y - 11}V{y + 1}"
    return [
        f'<path d="M{left:.1f} {y - 5}H{right:.1f}{ends}" fill="none" stroke="#16202b" stroke-width="2"/>',
        f'<text x="{left - 8:.1f}" y="{y}" text-anchor="end" font-size="{letters}">{mm:g} mm</text>',
    ]


def _signed(e: Explanation) -> Pixels:
    """Return the difference about mid grey: lighter where the unit has more light, with its change of hue."""
    return np.clip(128 + e.difference, 0, 255).astype(np.uint8)


def _heated(e: Explanation, unit: Pixels) -> tuple[Pixels, str]:
    """Return the heat map over the pale unit, and its caption."""
    known = np.nan_to_num(e.heat, nan=0.0)
    if e.shows == "probability":
        share, caption = known, f"probability of a defect, to {known.max():.2f}"
    else:
        most = max(float(known.max()), _LEAST_FULL)
        share, caption = known / most, f"codes beyond tolerance, to {known.max():.0f}"
    colours = cv2.applyColorMap(np.rint(255 * share).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    weight = (_STRONGEST * share)[..., None]
    ground = faded(unit)[..., None].astype(np.float64)
    return np.rint(ground * (1 - weight) + colours * weight).astype(np.uint8), caption


def _enlarged(pixels: Pixels, interpolation: int) -> Pixels:
    shrunk = len(pixels) > _SIDE
    how = cv2.INTER_AREA if shrunk else interpolation
    return np.asarray(cv2.resize(np.ascontiguousarray(pixels), (_SIDE, _SIDE), interpolation=how), np.uint8)
