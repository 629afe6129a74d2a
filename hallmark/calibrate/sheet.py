"""The picture of a calibration: residuals over the frame, what the target covered, and each picture's fit."""

from __future__ import annotations

import numpy as np

from calibration.detection import Detection
from calibration.lens import Coverage, LensCalibration
from hallmark.calibrate.series import Look
from hallmark.svg import BLUE, GREY, INK, RED, document, text

_WIDTH = 1500
_FRAME = 960  # width of the frame's drawing
_LEFT, _TOP = 40, 110
_STEPS = (
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
)  # px of the arrow that is the scale
_SCALE = 60  # its length in the drawing


def draw(lens: LensCalibration, coverage: Coverage, looks: list[Look], title: str) -> str:
    """Return the sheet as an SVG document."""
    width, height = lens.size
    zoom = _FRAME / width
    frame_height = height * zoom
    bars = _pictures(lens, looks)
    total = max(_TOP + frame_height + 90, _TOP + 40 + 24 * len(looks) + 60)
    parts = [
        text(_LEFT, 42, title, size=26, weight=600),
        text(
            _LEFT, 74,
            f"rms {lens.rms_px:.4f} px, hold-out {lens.hold_out_px:.4f} px, {len(lens.seen)} corners in "
            f"{lens.seen.poses} pictures; {lens.model.kind} lens, {', '.join(lens.model.free)}; the target "
            f"covered {coverage.share:.0%} of the frame",
        ),
        *_cells(coverage, frame_height),
        *_residuals(lens, zoom, frame_height),
        *bars,
    ]  # fmt: skip
    return document(_WIDTH, total, parts)


def _cells(coverage: Coverage, frame_height: float) -> list[str]:
    rows, columns = coverage.cells.shape
    w, h = _FRAME / columns, frame_height / rows
    out: list[str] = []
    for row in range(rows):
        for column in range(columns):
            count = int(coverage.cells[row, column])
            x, y = _LEFT + column * w, _TOP + row * h
            fill = "#dbeafe" if count else "#fee2e2"
            out.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="{fill}" '
                f'stroke="white"/>'
            )
            words = f"{count} corners" if count else "no corner"
            out.append(text(x + 8, y + h - 9, words, size=14, colour=GREY if count else RED))
    return out


def _residuals(lens: LensCalibration, zoom: float, frame_height: float) -> list[str]:
    lengths = np.hypot(*lens.residuals.T)
    typical = float(np.percentile(lengths, 90))
    step = next((s for s in _STEPS if s >= typical), _STEPS[-1])
    grown = _SCALE / step
    whole = f'<rect x="{_LEFT}" y="{_TOP}" width="{_FRAME}" height="{frame_height:.1f}"'
    out = [f'<clipPath id="frame">{whole}/></clipPath><g clip-path="url(#frame)">']
    for (x, y), (dx, dy) in zip(lens.seen.px.tolist(), (lens.residuals * grown).tolist(), strict=True):
        x0, y0 = _LEFT + (x + 0.5) * zoom, _TOP + (y + 0.5) * zoom
        out.append(
            f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x0 + dx:.1f}" y2="{y0 + dy:.1f}" stroke="{BLUE}" '
            f'stroke-width="1.2" stroke-opacity="0.75"/>'
            f'<circle cx="{x0:.1f}" cy="{y0:.1f}" r="1.9" fill="{BLUE}"/>'
        )
    y = _TOP + frame_height + 34
    out += [
        "</g>",
        f'{whole} fill="none" stroke="{INK}"/>',
        f'<path d="M{_LEFT} {y:.1f}h{_SCALE}" stroke="{BLUE}" stroke-width="3"/>',
        text(
            _LEFT + _SCALE + 12, y + 6,
            f"{step:g} px: how far each corner was found from where lens and pose put it (the dot)",
        ),
    ]  # fmt: skip
    return out


def _pictures(lens: LensCalibration, looks: list[Look]) -> list[str]:
    x = _LEFT + _FRAME + 40
    width = _WIDTH - x - _LEFT
    by_picture = iter(lens.rms_px_by_picture.tolist())
    largest = max(float(lens.rms_px_by_picture.max()), 1e-9)
    out = [text(x, _TOP + 14, "rms of each picture, px", weight=600)]
    for row, look in enumerate(looks):
        y = _TOP + 44 + 24 * row
        out.append(text(x, y, _shortened(look.path.name), size=14))
        if isinstance(look.found, Detection):
            rms = next(by_picture)
            length = (width - 260) * rms / largest
            out.append(
                f'<rect x="{x + 190}" y="{y - 12}" width="{max(length, 1):.1f}" height="14" fill="{BLUE}"/>'
            )
            out.append(text(x + 198 + length, y, f"{rms:.4f}", size=14))
        else:
            out.append(text(x + 190, y, look.found.reason.replace("_", " "), size=14, colour=RED))
    return out


def _shortened(name: str) -> str:
    return name if len(name) <= 24 else f"...{name[-21:]}"
