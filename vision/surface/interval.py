# pyright: reportUnknownMemberType=false
"""The interval of codes that each pixel may have: foreseen from one golden image, then learned from units.

Foreseen: the golden codes nearby (edges move by registration) and a tolerance for noise and texture. Learned:
the normal model's predictive interval of one more unit (Gelman et al., Bayesian Data Analysis, 3rd edition,
section 3.3): about their mean, with a width that starts as foreseen and becomes their own as they grow
in number. Its factor is Student's: few units tell little, and pixels of one unit are no units, since they
share its light, sheen and batch. The golden sample is a good unit but need not be a typical one: its own
codes pass, and it moves and widens nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.special import stdtrit

from kernels.comparison import BENT
from kernels.compiled import F32, U8, Mask
from vision.surface.tally import Spread

_BASE_TOLERANCE = 9  # codes: noise and residual shading
_TEXTURE_TOLERANCE = 0.25  # of the golden interval's width
_OUTSIDE = 0.001  # share of good pixels that an interval leaves outside
_FORESEEN_FREEDOM = 4.0  # degrees of freedom that the foreseen width counts for
_SET_ASIDE = 3.0  # by it over n is the mean of n units without the farthest less sure than that of all
_LEAST = 9.0  # codes of half an interval's width: what one light or camera adds to others
_POOLED = 15  # pixels of the square over which variances are averaged


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """What each pixel at half resolution may be: `low - tolerance` to `high + tolerance`, in codes.

    Attributes:
        low: (h, w, 3) uint8 least code.
        high: (h, w, 3) uint8 greatest code.
        tolerance: (h, w) uint8 codes that are tolerated beyond both.
    """

    low: U8
    high: U8
    tolerance: U8

    @property
    def bounds(self) -> tuple[F32, F32]:
        """Return the least and the greatest code that passes, each (h, w, 3) float32."""
        tolerance = self.tolerance[..., None].astype(np.float32)
        return self.low - tolerance, self.high + tolerance

    def wider_than(self, other: Interval) -> U8:
        """Return (h, w) uint8, by how many codes it reaches beyond the other; 0 where nowhere."""
        (low, high), (other_low, other_high) = self.bounds, other.bounds
        reach = np.maximum(high - other_high, other_low - low).max(axis=2)
        return np.clip(np.rint(reach), 0, 255).astype(np.uint8)


def golden_interval(golden: U8, reach: int = 1) -> Interval:
    """Return the interval of (h, w, 3) uint8 golden codes nearby: edges are tolerated to `reach` pixels.

    Where the golden image is nearly saturated there is no greatest code: it may be brighter than it shows.
    """
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    soft = np.asarray(cv2.GaussianBlur(golden, (3, 3), 0.5), np.uint8)
    low = np.minimum(np.asarray(cv2.erode(golden, kernel), np.uint8), soft)
    high = np.maximum(np.asarray(cv2.dilate(golden, kernel), np.uint8), soft)
    width = (high.astype(np.int16) - low).max(axis=2)
    tolerance = np.clip(_BASE_TOLERANCE + _TEXTURE_TOLERANCE * width, 0, 255).astype(np.uint8)
    return Interval(low, np.where(high >= BENT, np.uint8(255), high), tolerance)


def learned_interval(
    foreseen: Interval, units: Spread, count: int, foreseen_only: Mask, shared: Mask | None = None
) -> Interval:
    """Return the interval after `count` units, about their mean: where the golden sample lies is no matter.

    The variance of a pixel is the foreseen one times what the units around it vary more or less than foreseen
    (mean over a square and all channels). A single place can therefore not buy itself a wide tolerance, and
    one unit less or more does not make it narrow. Where the foreseen interval stays, and in places that units
    share, they tell nothing of the pixels beside, either.

    Args:
        foreseen: by the golden image alone.
        units: mean and variance of the units.
        count: how many they are, the one set aside included.
        foreseen_only: (h, w) bool, where the foreseen interval stays.
        shared: (h, w) bool, places that units share; None for none.
    """
    low, high = foreseen.bounds
    variance = ((high - low) / 2 / _reach(_FORESEEN_FREEDOM, 1.0)) ** 2  # the golden sample is one unit
    more = np.asarray((units.variance / variance).mean(axis=2), np.float32)
    apart = np.zeros_like(foreseen_only) if shared is None else shared
    more = _pooled(more, ~foreseen_only & ~apart) + _pooled(more, ~foreseen_only & apart)
    f0, f = _FORESEEN_FREEDOM, units.degrees_of_freedom
    after = variance * (f0 + f * more[..., None]) / (f0 + f)
    of_mean = (1 + _SET_ASIDE / count) / count
    wide = np.maximum(_reach(f0 + f, of_mean) * np.sqrt(after), _LEAST)
    tolerance = np.clip(np.floor(wide.min(axis=2)), 0, 255)
    beside = wide - tolerance[..., None]
    learned_low = np.clip(np.ceil(units.mean - beside), 0, 255).astype(np.uint8)
    learned_high = np.clip(np.floor(units.mean + beside), 0, 255).astype(np.uint8)
    keep = foreseen_only[..., None]
    return Interval(
        np.where(keep, foreseen.low, np.minimum(learned_low, learned_high)),
        np.where(keep, foreseen.high, np.maximum(learned_low, learned_high)),
        np.where(foreseen_only, foreseen.tolerance, tolerance.astype(np.uint8)),
    )


def holding(learned: Interval, golden: U8, foreseen: Interval) -> Interval:
    """Return the interval that lets the golden sample pass, too, wherever it lies among the units.

    Its own codes pass with what the golden image alone tolerates or with what units tolerate, whichever is
    less, and so does what lies between them and the learned interval. The side that is away from the golden
    sample stays as it was learned.

    Args:
        learned: from units.
        golden: (h, w, 3) uint8 golden codes; nearly saturated ones may be brighter than they show.
        foreseen: by the golden image alone.
    """
    tolerance = learned.tolerance
    spare = (tolerance - np.minimum(foreseen.tolerance, tolerance))[..., None].astype(np.int16)
    least, greatest = np.minimum(golden + spare, 255), np.maximum(golden - spare, 0)
    greatest = np.where(golden >= BENT, 255, greatest)
    return Interval(
        np.minimum(learned.low, least.astype(np.uint8)),
        np.maximum(learned.high, greatest.astype(np.uint8)),
        tolerance,
    )


def _pooled(values: F32, of: Mask) -> F32:
    """Return the means of (h, w) values over squares, of a mask's pixels alone and 0 beside them."""
    counted = of.astype(np.float32)
    side = (_POOLED, _POOLED)
    share = np.maximum(cv2.blur(counted, side), np.float32(1 / _POOLED**2))
    return np.asarray(cv2.blur(values * counted, side) / share * counted, np.float32)


def _reach(freedom: float, of_mean: float) -> float:
    """Return half a predictive interval's width in standard deviations, the mean's own variance given."""
    return float(stdtrit(freedom, 1 - _OUTSIDE / 2)) * math.sqrt(1 + of_mean)
