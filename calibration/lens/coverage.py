"""What the pictures taken so far show of the field and of tilts, and which pose is missing next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.lens.adjustment import Model, adjust
from calibration.lens.choice import FEWEST_POSES, PINHOLE
from calibration.lens.observations import Corners, Observations, gather
from calibration.lens.projection import Kind
from calibration.lens.start import first_estimate, prior_for, tilts_of
from kernels.compiled import I64

ROWS, COLUMNS = 4, 5
TILT_DEG: dict[Kind, float] = {"perspective": 15.0, "telecentric": 2.0}
_ENOUGH_CELLS = 0.9
_PLACES = (("top", "middle", "bottom"), ("left", "centre", "right"))


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """How far the pictures cover what a calibration needs.

    Attributes:
        pictures: how many there are.
        cells: (rows, columns) number of corners in each cell of the frame.
        tilted: of "flat", "top away", "bottom away", "left away", "right away", those shown so far.
        missing: the next pose to show, as a sentence; None where nothing is missing.
    """

    pictures: int
    cells: I64
    tilted: tuple[str, ...]
    missing: str | None

    @property
    def share(self) -> float:
        """Share of the frame's cells that hold corners, 0..1."""
        return float((self.cells > 0).mean())


def next_pose(
    detections: Sequence[Corners], size: tuple[int, int], *, kind: Kind = "perspective"
) -> Coverage:
    """Say what the pictures cover and which pose is missing next.

    Args:
        detections: the target's corners in the pictures so far; none is allowed.
        size: of the frame (width, height), px.
        kind: of lens: what counts as tilted (15 degrees; telecentric 2, for its depth of field is small).

    Raises:
        LensError: a picture is refused: see `calibrate_lens`.
    """
    if not detections:
        return Coverage(0, np.zeros((ROWS, COLUMNS), np.int64), (), _FLAT)
    seen = gather(detections, size)
    cells = _cells(seen)
    tilted = _tilted(seen, kind)
    missing = next((sentence for name, sentence in _WANTED.items() if name not in tilted), None)
    if missing is None and (cells > 0).mean() < _ENOUGH_CELLS:
        missing = f"move the target to the {_emptiest(cells)} of the frame"
    if missing is None and seen.poses < FEWEST_POSES:
        missing = "show the target once more, tilted and turned about the camera's axis"
    return Coverage(seen.poses, cells, tilted, missing)


_FLAT = "show the target square to the camera, as large as the frame allows"
_WANTED = {
    "flat": _FLAT,
    "top away": "tilt the target: its upper edge away from the camera",
    "bottom away": "tilt the target: its lower edge away from the camera",
    "left away": "tilt the target: its left edge away from the camera",
    "right away": "tilt the target: its right edge away from the camera",
}


def _cells(seen: Observations) -> I64:
    width, height = seen.size
    column = np.clip(((seen.px[:, 0] + 0.5) * COLUMNS / width).astype(np.int64), 0, COLUMNS - 1)
    row = np.clip(((seen.px[:, 1] + 0.5) * ROWS / height).astype(np.int64), 0, ROWS - 1)
    return np.bincount(row * COLUMNS + column, minlength=ROWS * COLUMNS).reshape(ROWS, COLUMNS)


def _tilted(seen: Observations, kind: Kind) -> tuple[str, ...]:
    start, prior = first_estimate(seen, kind, prior_for(seen, kind))
    fit = adjust(seen, Model(kind, (*PINHOLE, "k1")), start, prior)
    least = TILT_DEG[kind]
    shown: set[str] = set()
    for about_x, about_y in tilts_of(fit.estimate.rotations):
        if max(abs(about_x), abs(about_y)) < least:
            shown.add("flat")
        if kind == "telecentric":  # which way it tilts does not show
            about_x, about_y = abs(about_x), abs(about_y)  # noqa: PLW2901
        both = kind == "telecentric"
        shown.update({"top away"} if about_x <= -least or (both and about_x >= least) else ())
        shown.update({"bottom away"} if about_x >= least else ())
        shown.update({"left away"} if about_y >= least else ())
        shown.update({"right away"} if about_y <= -least or (both and about_y >= least) else ())
    return tuple(name for name in _WANTED if name in shown)


def _emptiest(cells: I64) -> str:
    empty = np.argwhere(cells == 0)
    middle = (np.array(cells.shape) - 1) / 2
    row, column = empty[np.argmax(np.abs(empty - middle).sum(axis=1))]
    vertical = _PLACES[0][int(np.sign(row - middle[0])) + 1]
    side = _PLACES[1][int(np.sign(column - middle[1])) + 1]
    return f"{vertical} {side}"
