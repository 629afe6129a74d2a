# pyright: reportUnknownMemberType=false
"""From a picture to a chart, or to what is wrong: even quadrilaterals, lattices, colours, edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calibration.colour.chart import Chart
from calibration.colour.detection.colours import fit_robustly
from calibration.colour.detection.lattice import Lattice, grow_lattices
from calibration.colour.detection.quads import find_quads, lifted, reduced
from calibration.colour.detection.refinement import refine
from calibration.colour.detection.result import ChartNotFound, FoundChart
from calibration.colour.detection.windows import SAMPLES, Reading, grid, read_cells, read_lattice
from calibration.colour.patches import project
from calibration.errors import PatchesError
from calibration.mosaic import Codes
from kernels.compiled import F64, U8, Mask

ACCEPTED = 0.6  # score
_AHEAD = 0.15  # of the next best orientation
_SIDES = (850, 1700)  # longest sides of the picture at which charts are looked for
_WORTH_A_WORD = 9  # quadrilaterals of a lattice whose colours do not fit
_BEYOND = 4  # quadrilaterals beside the window that show a larger lattice
_SMALLEST = 32  # pixels
_RANK = {"ambiguous": 4, "mirrored": 4, "incomplete": 3, "wrong_chart": 2, "absent": 1}


def find_chart(pixels: Codes, chart: Chart) -> FoundChart | ChartNotFound:
    """Find a colour chart in a photograph, whole and uncovered, at any angle and under whatever light.

    Args:
        pixels: (h, w, 3) uint8 or uint16 codes, RGB, linear or sRGB.
        chart: which chart.

    Returns:
        Where it is. Or why it was not found.

    Raises:
        PatchesError: the picture is no (h, w, 3) uint8 or uint16, or has a side below 32 pixels.
    """
    picture = _eight_bits(pixels)
    outcomes: list[FoundChart | ChartNotFound] = []
    for scale in sorted({-(-max(picture.shape) // side) for side in _SIDES}, reverse=True):
        outcomes.append(_find(picture, chart, scale))
        if isinstance(outcomes[-1], FoundChart):
            break
    return max(outcomes, key=_rank)


def _rank(outcome: FoundChart | ChartNotFound) -> tuple[int, float]:
    return (5 if isinstance(outcome, FoundChart) else _RANK[outcome.reason]), outcome.score


def _eight_bits(pixels: Codes) -> U8:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise PatchesError(
            f"a picture of a chart must be (h, w, 3) uint8 or uint16, not {pixels.shape} {pixels.dtype}"
        )
    if min(pixels.shape[:2]) < _SMALLEST:
        raise PatchesError(
            f"a picture of {pixels.shape[1]} x {pixels.shape[0]} pixels is too small for a chart"
        )
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels, np.uint8)
    full = max(float(np.percentile(pixels[::4, ::4], 99.9)), 255.0)
    return np.asarray(np.minimum(pixels * np.float32(255 / full), 255).round(), np.uint8)


def _find(picture: U8, chart: Chart, scale: int) -> FoundChart | ChartNotFound:
    """Look at the picture reduced by a whole number."""
    small, enlarge = reduced(picture, scale)
    lattices = grow_lattices(find_quads(lifted(small)), chart.patch_to_pitch)
    readings = [reading for lattice in lattices for reading in read_lattice(small, lattice, chart)]
    if not readings:
        return _no_chart(lattices, chart, 0.0)
    best = max(readings, key=lambda r: (r.kept_score >= ACCEPTED, r.kept_score * r.cells.seen.mean()))
    if best.kept_score < ACCEPTED:
        return _no_chart(lattices, chart, best.score * float(best.cells.seen.mean()))
    return _decided(picture, replace(best, matrix=enlarge @ best.matrix), chart)


def _no_chart(lattices: list[Lattice], chart: Chart, score: float) -> ChartNotFound:
    largest = max(lattices, key=lambda found: len(found.places), default=None)
    if largest is None or len(largest.places) < _WORTH_A_WORD:
        return ChartNotFound(
            "absent",
            f"no chart was seen: show {chart.title} whole, flat and in focus, patches 12 pixels wide or more",
        )
    across = np.ptp(largest.places, axis=0) + 1
    return ChartNotFound(
        "wrong_chart",
        f"a lattice of {across.max()} x {across.min()} even fields is seen, but its colours are not those of "
        f"{chart.id}, {chart.columns} x {chart.rows}: name the chart that is shown, or show it whole",
        score=max(score, 0.0),
    )


def _decided(picture: U8, reading: Reading, chart: Chart) -> FoundChart | ChartNotFound:
    """Fit the chart to its edges in the full picture and say what is wrong with it, if anything."""
    refined = refine(picture, reading.matrix, reading.size, chart.patch_to_pitch)
    places = grid(reading.size)
    cells = read_cells(*_suited(picture, refined.matrix, places), places, refined.patch_to_pitch)
    lab = np.empty((len(places), 3))
    lab[reading.order] = chart.lab
    score, strange = fit_robustly(cells.codes, cells.fair, lab, places)
    corners = _corners(refined.matrix, reading, chart)
    if reading.outside >= max(_BEYOND, 0.25 * reading.support):
        return ChartNotFound(
            "wrong_chart",
            f"colours of {chart.id} are seen, but in a lattice that goes on beyond its {chart.columns} x "
            f"{chart.rows} patches: name the chart that is shown",
            score=score,
        )
    if reading.orientation.mirrored:
        return ChartNotFound(
            "mirrored",
            f"{chart.id} is seen mirrored: give the picture as it was taken, not through a mirror or flipped",
            score=score,
            corners=corners,
        )
    wrong = ((~cells.seen) | strange | cells.covered)[reading.order]
    if wrong.any():
        return _incomplete(chart, wrong, (~cells.seen)[reading.order], score, corners)
    if score < ACCEPTED or score - reading.runner_up < _AHEAD:
        return ChartNotFound(
            "ambiguous",
            f"the colours of {chart.id} do not tell which way up it lies (score {score:.2f}, next "
            f"{reading.runner_up:.2f}): give its corners",
            score=score,
        )
    along = corners[1] - corners[0]
    return FoundChart(
        corners=corners,
        score=score,
        runner_up=reading.runner_up,
        turned_deg=float(np.degrees(np.arctan2(along[1], along[0])) % 360),
        patch_to_pitch=refined.patch_to_pitch,
        residual_px=refined.residual_px,
    )


def _suited(picture: U8, matrix: F64, places: F64) -> tuple[U8, F64]:
    """Return the picture, reduced until a patch's samples are neighbouring pixels, and the way to it."""
    middle = places.mean(axis=0)
    pitch = np.hypot(*(project(matrix, middle + np.eye(2)) - project(matrix, middle)).T).min()
    small, enlarge = reduced(picture, max(1, int(pitch / SAMPLES)))
    return small, np.linalg.inv(enlarge) @ matrix


def _corners(matrix: F64, reading: Reading, chart: Chart) -> F64:
    last = chart.columns * chart.rows - 1
    ends = reading.order[[0, chart.columns - 1, last, last - chart.columns + 1]]
    return project(
        matrix, np.stack((ends % reading.size[0], ends // reading.size[0]), axis=1).astype(np.float64)
    )


def _incomplete(
    chart: Chart,
    wrong: Mask,
    cut: Mask,
    score: float,
    corners: F64,
) -> ChartNotFound:
    names = tuple(patch.id for patch, bad in zip(chart.patches, wrong, strict=True) if bad)
    causes = ["cut off by the picture's border"] * bool(cut.any())
    causes += ["covered, damaged or not in their places"] * bool((wrong & ~cut).any())
    listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return ChartNotFound(
        "incomplete",
        f"{chart.id} is present but incomplete: patches {listed} are {', '.join(causes)}: show all of it",
        patches=names,
        score=score,
        corners=corners,
    )
