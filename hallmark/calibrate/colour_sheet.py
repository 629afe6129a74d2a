"""The picture of a colour calibration: patches measured beside reference, the chart as found, figures."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np

from calibration import CameraCalibration
from calibration.colour import Chart, ColourCalibration
from calibration.colour.patches import INNER, homography, project
from calibration.mosaic import Codes
from hallmark.calibrate.colour_text import figures
from hallmark.svg import BLUE, GREY, INK, RED, document, photograph, text
from hallmark.swatch import hexadecimal
from kernels.compiled import F32, F64

_WIDTH = 1500
_LEFT, _TOP = 40, 104
_GRID = 880  # width of the patches
_SHOWN = 480  # width of the photograph
_ROUND = 0.4  # of the chart's sides, shown around it
_SMALL = 84  # a narrower patch has no room for its numbers in full


@dataclass(frozen=True)
class Competitor:
    """One model that was tried: its mean left-out CIEDE2000, and how often it was best without one patch."""

    name: str
    mean: float
    folds: int
    chosen: bool


def draw(
    colour: ColourCalibration, chart: Chart, competitors: tuple[Competitor, ...], codes: Codes, corners: F64,
    table: F32, title: str, certificate: CameraCalibration,
) -> str:  # fmt: skip
    """Return the sheet as an SVG document.

    Args:
        colour: what was found.
        chart: which chart.
        competitors: models that were tried.
        codes: (h, w, 3) of the photograph.
        corners: (4, 2) of the chart in it.
        table: codes to linear light.
        title: of the sheet.
        certificate: for its validity.
    """
    patches, grid_height = _patches(colour, chart)
    shown, shown_height = _chart(codes, corners, chart, table, np.array(colour.white))
    models, models_height = _models(competitors, _TOP + shown_height + 50)
    below = _TOP + max(grid_height, shown_height + 50 + models_height) + 50
    words, words_height = _words(colour, certificate, below)
    total = below + words_height + 30
    left = colour.left_out
    serial = f", serial {colour.chart.serial}" if colour.chart.serial else ""
    told = (
        f"chart {chart.id}{serial}: CIEDE2000 of {left.patches} patches left out in turn: mean "
        f"{left.mean:.2f}, median {left.median:.2f}, 95 % below {left.p95:.2f}, largest {left.max:.2f}"
    )
    parts = [text(_LEFT, 42, title, size=26, weight=600), text(_LEFT, 76, told)]
    return document(_WIDTH, total, [*parts, *patches, *shown, *models, *words])


def _patches(colour: ColourCalibration, chart: Chart) -> tuple[list[str], float]:
    """Return each patch, its reference above its reading, with both errors; and the height of all."""
    pitch = _GRID / chart.columns
    side, roomy = 0.9 * pitch, pitch >= _SMALL
    row_height = pitch + (26 if roomy else 4)
    size = 15 if roomy else 9
    out: list[str] = []
    for i, patch in enumerate(colour.patches):
        x, y = _LEFT + i % chart.columns * pitch, _TOP + i // chart.columns * row_height
        should, seen = (
            hexadecimal(np.array(lab), colour.illuminant, colour.observer)
            for lab in (patch.reference, patch.measured)
        )
        for down, fill in ((0.0, should), (side / 2, seen)):  # whole below half, so that no seam shows
            out.append(
                f'<rect x="{x:.1f}" y="{y + down:.1f}" width="{side:.1f}" height="{side - down:.1f}" '
                f'fill="{fill}"/>'
            )
        if roomy:
            out += [
                text(x + 7, y + 19, patch.id, size=14, colour=_on(patch.reference[0])),
                text(x + 7, y + side - 9, "measured", size=13, colour=_on(patch.measured[0])),
            ]
        if patch.excluded is not None:
            said, tone = f"excluded: {patch.excluded}" if roomy else patch.excluded, RED
        else:
            said, tone = f"{patch.delta_e:.1f}  /  {patch.delta_e_left_out:.1f}", INK
        under = y + side + 18 if roomy else y + side - 4
        out.append(text(x + (0 if roomy else 3), under, said, size=size,
                         colour=tone if roomy else _on(patch.measured[0])))  # fmt: skip
    height = chart.rows * row_height
    out.append(
        text(
            _LEFT, _TOP + height + 12,
            "upper half: the chart's value; lower half: measured. CIEDE2000 fitted / left out",
            size=15, colour=GREY,
        )
    )  # fmt: skip
    return out, height + 12


def _chart(codes: Codes, corners: F64, chart: Chart, table: F32, white: F64) -> tuple[list[str], float]:
    """Return the part of the photograph with the chart, what was read of each patch drawn over it."""
    width, height = codes.shape[1], codes.shape[0]
    index = np.arange(len(chart.patches))
    places = np.stack((index % chart.columns, index // chart.columns), axis=1).astype(np.float64)
    matrix = homography(corners, chart)
    half = 0.5 * INNER * chart.patch_to_pitch
    around = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
    read = project(matrix, places[:, None] + around)
    low, high = read.min(axis=(0, 1)), read.max(axis=(0, 1))
    room = _ROUND * (high - low)
    left, top = np.maximum(np.floor(low - room), 0).astype(int)
    right, bottom = np.minimum(np.ceil(high + room), (width, height)).astype(int)
    part = codes[top:bottom, left:right]
    zoom = _SHOWN / part.shape[1]
    x0, y0 = _WIDTH - _LEFT - _SHOWN, _TOP

    def placed(points: F64) -> str:
        drawn = (points - (left, top) + 0.5) * zoom + (x0, y0)
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn.tolist())

    out = [photograph((x0, y0, _SHOWN), part, table, white)]
    for width_, colour in ((3.0, "black"), (1.4, "white")):
        out += [
            f'<polygon points="{placed(square)}" fill="none" stroke="{colour}" stroke-width="{width_}"/>'
            for square in read
        ]
    shown = part.shape[0] * zoom
    said = f"what was read of each patch, white balanced; a ring marks patch {chart.patches[0].id}"
    x, y = np.asarray((project(matrix, places[0]) - (left, top) + 0.5) * zoom + (x0, y0)).tolist()
    out += [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="none" stroke="{tone}" stroke-width="{w}"/>'
        for w, tone in ((4, "black"), (2, "#ffd400"))
    ]
    out.append(text(x0, y0 + shown + 20, said, size=15, colour=GREY))
    return out, shown + 20


def _models(competitors: tuple[Competitor, ...], top: float) -> tuple[list[str], float]:
    """Return the models as bars."""
    x = _WIDTH - _LEFT - _SHOWN
    out = [text(x, top, "models, by mean CIEDE2000 of patches left out", weight=600)]
    worst = max(each.mean for each in competitors)
    for row, each in enumerate(competitors):
        y = top + 28 + 24 * row
        length = max(130 * each.mean / worst, 1)
        tone = BLUE if each.chosen else "#9db4cc"
        out += [
            text(x, y, each.name, size=14, weight=600 if each.chosen else 400),
            f'<rect x="{x + 250}" y="{y - 12:.1f}" width="{length:.1f}" height="14" fill="{tone}"/>',
            text(x + 258 + length, y, f"{each.mean:.2f}{' chosen' if each.chosen else ''}", size=14,
                  weight=600 if each.chosen else 400),
        ]  # fmt: skip
    y = top + 28 + 24 * len(competitors)
    out.append(
        text(x, y, "the figures above choose anew without the patch that is judged", size=14, colour=GREY)
    )
    return out, 28 + 24 * len(competitors)


def _words(colour: ColourCalibration, certificate: CameraCalibration, top: float) -> tuple[list[str], float]:
    """Return figures, rule and statements in words, and their height."""
    valid = (
        f"valid        {certificate.issued:%Y-%m-%d} to {certificate.valid_until:%Y-%m-%d}, for this camera, "
        "lens, aperture and light"
    )
    out: list[str] = []
    y = top
    for paragraph in (*figures(colour), valid):
        head, said = paragraph[:13].strip(), paragraph[13:]
        if head:
            out.append(text(_LEFT, y, head, size=15, weight=600))
        for line in textwrap.wrap(said, 190):
            out.append(text(_LEFT + 130, y, line, size=15))
            y += 21
        y += 4
    return out, y - top


def _on(lightness: float) -> str:
    return "black" if lightness > 55 else "white"
