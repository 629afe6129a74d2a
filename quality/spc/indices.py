"""Capability indices of one spread (within subgroups or overall), with their confidence limits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from quality.spc.roots import falling_root

Bounds = Literal["two_sided", "lower"]
_LARGEST_SHIFT = 5000.0  # beyond it scipy's non-central t may be NaN, and the normal approximation serves


@dataclass(frozen=True, slots=True)
class Index:
    """A capability index with its confidence limits; `upper` is null where a lower bound was asked for."""

    value: float
    lower: float
    upper: float | None


@dataclass(frozen=True, slots=True)
class Fractions:
    """Fractions of units below and above the specification limits; 0 on a side without limit."""

    below: float
    above: float


@dataclass(frozen=True, slots=True)
class Spread:
    """A normal process as estimated from `n` values.

    `bias` * sigma / true sigma is distributed as chi / sqrt(degrees).
    """

    mean: float
    sigma: float
    degrees: float
    bias: float
    n: int
    confidence: float
    bounds: Bounds

    def both(self, lsl: float | None, usl: float | None) -> Index | None:
        """Return (usl - lsl) / 6 sigma; interval from chi-squared."""
        if lsl is None or usl is None:
            return None
        return self._by_chi_squared((usl - lsl) / (6 * self.sigma), self.degrees)

    def below(self, lsl: float | None) -> Index | None:
        """Return (mean - lsl) / 3 sigma; interval from the non-central t."""
        return None if lsl is None else self._one_sided((self.mean - lsl) / (3 * self.sigma))

    def above(self, usl: float | None) -> Index | None:
        """Return (usl - mean) / 3 sigma; interval from the non-central t."""
        return None if usl is None else self._one_sided((usl - self.mean) / (3 * self.sigma))

    def nearer(self, lsl: float | None, usl: float | None) -> Index:
        """Return the smaller one-sided index; Bissell's interval."""
        sides = [side.value for side in (self.below(lsl), self.above(usl)) if side is not None]
        return self._by_bissell(min(sides))

    def about_target(
        self, lsl: float | None, usl: float | None, target: float | None, weight: float
    ) -> Index | None:
        """Return `both` over sqrt(1 + weight a^2), a = (mean - target) / sigma; Boyles' interval."""
        if lsl is None or usl is None or target is None:
            return None
        off = weight * ((self.mean - target) / self.sigma) ** 2
        value = (usl - lsl) / (6 * self.sigma) / math.sqrt(1 + off)
        return self._by_chi_squared(value, (self.degrees + 1) * (1 + off) ** 2 / (1 + 2 * off))

    def expected(self, lsl: float | None, usl: float | None) -> Fractions:
        """Return the fractions of a normal process outside the limits."""
        from scipy.special import ndtr  # noqa: PLC0415 (quality stays light)

        below = 0.0 if lsl is None else float(ndtr((lsl - self.mean) / self.sigma))
        above = 0.0 if usl is None else float(ndtr((self.mean - usl) / self.sigma))
        return Fractions(below, above)

    @property
    def _tail(self) -> float:
        return (1 - self.confidence) / (2 if self.bounds == "two_sided" else 1)

    def _by_chi_squared(self, value: float, degrees: float) -> Index:
        from scipy.special import chdtri  # noqa: PLC0415 (quality stays light)

        def limit(tail: float) -> float:  # chdtri takes the upper tail
            return value / self.bias * math.sqrt(float(chdtri(degrees, tail)) / degrees)

        upper = limit(self._tail) if self.bounds == "two_sided" else None
        return Index(value, limit(1 - self._tail), upper)

    def _by_bissell(self, value: float) -> Index:
        from scipy.special import ndtri  # noqa: PLC0415 (quality stays light)

        error = math.sqrt(1 / (9 * self.n) + value**2 / (2 * self.degrees))
        reach = float(ndtri(1 - self._tail)) * error
        return Index(value, value - reach, value + reach if self.bounds == "two_sided" else None)

    def _one_sided(self, value: float) -> Index:
        from scipy.special import nctdtr  # noqa: PLC0415 (quality stays light)

        # 3 sqrt(n) value / bias is non-central t about 3 sqrt(n) times the true index.
        scale = 3 * math.sqrt(self.n)
        seen = scale * value / self.bias
        if abs(seen) > _LARGEST_SHIFT:
            return self._by_bissell(value)

        def limit(below: float) -> float:
            return _crossing(lambda shift: float(nctdtr(self.degrees, shift, seen)) - below, seen) / scale

        upper = limit(self._tail) if self.bounds == "two_sided" else None
        return Index(value, limit(1 - self._tail), upper)


def _crossing(falling: Callable[[float], float], start: float) -> float:
    """Return where a falling function crosses 0, looking outwards from `start`."""
    reach = 1.0 + abs(start) / 4
    low, high = start - reach, start + reach
    while falling(low) < 0:
        low -= reach
    while falling(high) > 0:
        high += reach
    return falling_root(falling, low, high)
