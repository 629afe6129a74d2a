# pyright: reportUnknownMemberType=false
"""The wave of a frame's rows: what a rolling shutter, a trembling line or an encoder moves row by row.

A row of the sensor is exposed at a time of its own, so that what moves meanwhile displaces the picture as a
function of the row alone, left and right alike. Patches of the golden image that lie on no component are
looked for in the frame, and a spline of the row is drawn through what they tell, as stiff as foretells best
what patches in other columns show (docs/decisions/0021-a-wave-of-the-rows.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from kernels.compiled import F32, F64, I64, U8, Mask
from kernels.light import decoding_table, luminance_window
from kernels.patches import SAMPLING_BLUR_PX, prepare_patches, track_patches
from kernels.row_wave import TUKEY, fit_rows, row_values, row_variances
from vision.register import Registered
from vision.register.places import spread_places
from vision.robust import median

SPACING: Final = 32
"""Rows from one control of the spline to the next: a period of 100 rows is followed."""

_ASKED_PX: Final = 0.05  # rms of the registration's patches from the map: below, nothing is looked for
_MOST_PX: Final = 1.0  # a wave that goes farther is none
_DENSITY: Final = 32  # places for patches to each control
_HALF, _STEPS, _SETTLED_PX = 8, 8, 0.02  # half size of a patch, steps of the tracker, the last of them
_FEWEST: Final = 40  # patches that tell
_CORRELATION: Final = 0.7  # of a patch that is found
_NEAR_PX: Final = 2.0  # what lies farther off is another thing
_CORRELATED: Final = 4.0  # neighbouring pixels share noise: so many count as one, as in `placement`
_FLOOR_PX: Final = 0.03  # of a patch's place beyond its misfit: what stands above the board, texture
_STRAIGHT: Final = 1e9  # stiffness, per squared pixel of a second difference, of what does not bend
_STIFFNESSES: Final = (1e4, 1e3, 1e2, 1e1, 1.0)  # bends of 0.01 to 1 px from control to control
_QUARTERS: Final = 4
_BETTER: Final = 0.9  # of the loss of a straight line: what foretells no better is no wave
_ALIKE: Final = (
    0.02  # of it: of splines that foretell nearly as well the stiffest, which swings least in gaps
)
_ROUNDS: Final = 6
_CODES: Final = decoding_table("linear")  # patches are compared by their codes


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """What patches tell.

    Attributes:
        golden: (n, 2) their centres in the golden view.
        places: (n,) rows of the frame in units of SPACING.
        across: (n,) columns of the frame, from -1 to 1.
        shifts: (n, 2) how far they lie from where the map puts them, pixels of the frame.
        weights: (n,) one over the variance of a shift.
        count: of the spline's controls.
    """

    golden: F64
    places: F64
    across: F64
    shifts: F64
    weights: F64
    count: int

    def of(self, which: Mask) -> _Told:
        """Return what chosen patches tell."""
        return _Told(
            self.golden[which], self.places[which], self.across[which], self.shifts[which],
            self.weights[which], self.count,
        )  # fmt: skip

    def fitted(self, stiffness: F64, rounds: int) -> tuple[F64, F64, float]:
        """Return controls, weights and spread as `fit_rows` does."""
        return fit_rows(self.places, self.across, self.shifts, self.weights, stiffness, self.count, rounds)


@dataclass(frozen=True, slots=True, eq=False)
class RowWave:
    """A displacement in the frame as a smooth function of the row, with a tilt along it.

    Attributes:
        told: what it is drawn through.
        weights: (n,) of that, by what the wave leaves.
        stiffness: (2,) of the splines of x and y.
        controls: (2, n + 1) of these and their tilts, as `fit_rows` gives them.
        width: of the frame.
        largest_px: greatest displacement of a patch that it is drawn through.
    """

    told: _Told
    weights: F64
    stiffness: F64
    controls: F64
    width: int
    largest_px: float

    def shifts(self, points: F64) -> F64:
        """Return the displacement (n, 2), pixels, of (n, 2) points of the frame where the map puts them."""
        known = self.told.places
        places = np.clip(points[:, 1] / SPACING, known.min(), known.max())
        return row_values(places, _across(points[:, 0], self.width), self.controls)

    def u_px(self, point: F64) -> float:
        """Return the standard uncertainty per axis of the displacement of a point (2,) of the frame."""
        told = self.told
        place = min(max(float(point[1]) / SPACING, 0.0), told.count - 3 - 1e-9)
        variances = row_variances(
            told.places, told.across, self.weights, self.stiffness, told.count, place,
            float(_across(point[:1], self.width)[0]),
        )  # fmt: skip
        return math.sqrt(float(variances.mean()))

    def beside(self, left: float, top: float, right: float, bottom: float) -> RowWave:
        """Return it as told by the patches that do not reach into a box of the golden view.

        What sits there may have moved, and must not draw the wave with it.
        """
        x, y = self.told.golden.T
        outside = (x < left - _HALF) | (x > right + _HALF) | (y < top - _HALF) | (y > bottom + _HALF)
        if outside.all():
            return self
        told = self.told.of(outside)
        controls, weights, _ = told.fitted(self.stiffness, _ROUNDS)
        return replace(self, told=told, weights=weights, controls=controls)


class RowWaveFinder:
    """Finds the wave of frames; what does not depend on the frame is computed here.

    Args:
        golden: (h, w, 3) uint8 RGB golden image.
        usable: (h, w) bool, where patches may lie.
    """

    def __init__(self, golden: U8, usable: Mask) -> None:
        """Choose and cut the patches."""
        luma = luminance_window(golden, _CODES, 0, 0, golden.shape[1], golden.shape[0])
        rows, columns = np.flatnonzero(usable.any(axis=1)), np.flatnonzero(usable.any(axis=0))
        self._centres: F64 = np.empty((0, 2))
        if len(rows):
            box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            count = math.ceil(_DENSITY * (rows[-1] + 1 - rows[0]) / SPACING)
            first = np.array([columns[0], rows[0]])
            self._centres = first + spread_places(luma[box], usable[box], _HALF, count)
        seen = np.asarray(cv2.GaussianBlur(luma, (0, 0), SAMPLING_BLUR_PX), np.float32)
        self._patches: tuple[F32, F32, F64] = prepare_patches(seen, self._centres, _HALF)[:3]

    def find(self, frame: U8, found: Registered) -> RowWave | None:
        """Return the wave of a (h, w, 3) uint8 RGB frame; None where the map alone fits or none is told."""
        if found.map_residual_px < _ASKED_PX or len(self._centres) < _FEWEST:
            return None
        told = self._told(frame, found)
        if len(told.places) < _FEWEST:
            return None
        stiffness = _stiffness(told)
        controls, weights, spread = told.fitted(stiffness, _ROUNDS)
        if (stiffness == _STRAIGHT).all() or math.isinf(spread):
            return None
        largest = float(np.hypot(*row_values(told.places, told.across, controls).T).max())
        wave = RowWave(told, weights, stiffness, controls, frame.shape[1], largest)
        return wave if largest < _MOST_PX else None

    def _told(self, frame: U8, found: Registered) -> _Told:
        predicted = found.mapping.points(self._centres)
        jacobians = found.mapping.jacobians(self._centres)
        tracked = track_patches(
            frame, _CODES, *self._patches, _HALF, predicted, jacobians, _STEPS, _SETTLED_PX
        )
        shifts = tracked[:, :2] - predicted
        variances = _CORRELATED * (tracked[:, 3] + tracked[:, 5]) / 2 + _FLOOR_PX**2
        good = (tracked[:, 2] > _CORRELATION) & (np.hypot(*shifts.T) < _NEAR_PX)
        if good.any():  # the half that is known best: the rest would tell no more than the noise
            good &= variances <= median(variances[good])
        height, width = frame.shape[:2]
        places, across = predicted[good, 1] / SPACING, _across(predicted[good, 0], width)
        count = (height - 1) // SPACING + 4
        return _Told(self._centres[good], places, across, shifts[good], 1 / variances[good], count)


def _stiffness(told: _Told) -> F64:
    """Return how stiff the spline of each axis is: `_STRAIGHT` where a wave foretells nothing.

    What the patches in three quarters of the columns tell must show in the fourth. So it does where it goes
    by rows; what stands in one place and moved does not, however many patches lie on it.
    """
    _, _, spread = told.fitted(np.full(2, _STIFFNESSES[-1]), _ROUNDS)
    quarters = np.empty(len(told.across), np.int64)
    quarters[np.argsort(told.across, kind="stable")] = np.arange(len(quarters)) * _QUARTERS // len(quarters)
    straight = _unforetold(told, quarters, _STRAIGHT, spread)
    bent = np.array([_unforetold(told, quarters, stiffness, spread) for stiffness in _STIFFNESSES])
    best = bent.min(axis=0)
    stiffest = (bent <= best + _ALIKE * straight).argmax(axis=0)
    return np.where(best < _BETTER * straight, np.array(_STIFFNESSES)[stiffest], _STRAIGHT)


def _unforetold(told: _Told, quarters: I64, stiffness: float, spread: float) -> F64:
    """Return Tukey's loss on each axis, (2,), of each quarter's patches against what the others tell."""
    loss = np.zeros(2)
    for quarter in range(_QUARTERS):
        own = told.of(quarters == quarter)
        controls, _, _ = told.of(quarters != quarter).fitted(np.full(2, stiffness), _ROUNDS)
        left = own.shifts - row_values(own.places, own.across, controls)
        scaled = left * np.sqrt(own.weights)[:, None] / (spread * TUKEY)
        loss += (1 - np.clip(1 - scaled**2, 0, None) ** 3).sum(axis=0)
    return loss


def _across(x: F64, width: int) -> F64:
    return 2 * x / (width - 1) - 1
