"""The picture that `hallmark colour` draws: regions over the photograph, each colour beside its reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from golden.colours import Formula
from golden.sample import write_file
from hallmark.calibrate.drawing import to_png
from hallmark.colour_view import ColourPicture, Region
from hallmark.svg import GREY, RED, document, photograph, text
from hallmark.swatch import hexadecimal
from vision.colour.region import NotRead

_WIDTH = 1500
_LEFT, _TOP = 40, 100
_SHOWN = 880  # width of the photograph
_ROW = 104
_SWATCH = 84


def write_picture(
    path: Path, view: ColourPicture, regions: Sequence[Region], title: str, formula: Formula
) -> None:
    """Write a PNG or SVG file.

    Raises:
        golden.errors.BundleError: the file cannot be written there.
    """
    svg = draw(view, regions, title, formula)
    write_file(path, svg.encode() if path.suffix.lower() == ".svg" else to_png(svg))


def draw(view: ColourPicture, regions: Sequence[Region], title: str, formula: Formula) -> str:
    """Return the sheet as an SVG document."""
    height, width = view.pixels.shape[:2]
    zoom = _SHOWN / width
    colour = view.colour
    under = f"L*a*b* for {colour.illuminant}, {colour.observer} degrees; light: {colour.light}"
    parts = [
        text(_LEFT, 42, title, size=26, weight=600),
        text(_LEFT, 74, under, colour=GREY),
        photograph((_LEFT, _TOP, _SHOWN), view.pixels, view.table, np.array(colour.white), 1400),
        *(part for region in regions for part in _outlined(region, zoom)),
        *(
            part
            for row, region in enumerate(regions)
            for part in _row(view, region, _TOP + row * _ROW, formula)
        ),
    ]
    return document(_WIDTH, _TOP + max(height * zoom, _ROW * len(regions)) + 30, parts)


def _outlined(region: Region, zoom: float) -> list[str]:
    x, y, w, h = (value * zoom for value in region.box)
    x, y = x + _LEFT, y + _TOP
    drawn = [
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="none" stroke="{tone}" '
        f'stroke-width="{width}"/>'
        for tone, width in (("black", 4), ("white", 2))
    ]
    at = y - 8 if y - _TOP > 24 else y + h + 18
    wide = 9 * len(region.name) + 10
    return [
        *drawn,
        f'<rect x="{x:.1f}" y="{at - 16:.1f}" width="{wide}" height="21" fill="black" fill-opacity="0.7"/>',
        text(x + 5, at, region.name, size=16, colour="white"),
    ]


def _row(view: ColourPicture, region: Region, top: float, formula: Formula) -> list[str]:
    """Return a region's colour, the reference below it where there is one, and both in numbers."""
    x = _LEFT + _SHOWN + 40
    words = x + _SWATCH + 18
    if isinstance(region.reading, NotRead) or region.lab is None:
        why = region.reading.reason if isinstance(region.reading, NotRead) else ""
        return [
            f'<rect x="{x}" y="{top}" width="{_SWATCH}" height="{_SWATCH}" fill="none" stroke="{RED}"/>',
            text(words, top + 20, region.name, weight=600),
            text(words, top + 44, f"not read: {why.replace('_', ' ')}", size=15, colour=RED),
        ]
    compared = region.compared[-1] if region.compared else None
    lower = region.lab if compared is None else compared.reference
    swatches = [
        f'<rect x="{x}" y="{top + down}" width="{_SWATCH}" height="{_SWATCH - down}" '
        f'fill="{hexadecimal(lab, view.colour.illuminant, view.colour.observer)}"/>'
        for lab, down in ((region.lab, 0), (lower, _SWATCH // 2))
    ]
    lightness, a, b = region.lab.tolist()
    told = [
        *swatches,
        text(words, top + 16, f"{region.name}   L* {lightness:.1f}   a* {a:.1f}   b* {b:.1f}", weight=600),
    ]
    if compared is None:
        return told
    found = compared.found
    to = "below: stated" if compared.to == "stated" else "below: reference region"
    told += [
        text(
            words, top + 40,
            f"Delta E {found.value:.2f} {formula}, 95 % {found.low:.2f} to {found.high:.2f}", size=15,
        ),
        text(words, top + 61, ", ".join(compared.words) or "no difference beyond chance", size=15),
        text(words, top + 81, to if compared.decision is None else f"{compared.decision}; {to}", size=14,
             colour=RED if compared.decision == "nonconform" else GREY),
    ]  # fmt: skip
    return told
