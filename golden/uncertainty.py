"""Standard uncertainties: their sources, combination and expansion (JCGM 100:2008, GUM)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from golden.errors import MeasurementError


@dataclass(frozen=True, slots=True)
class Component:
    """One source of uncertainty: what it is called, its standard uncertainty and how well that is known.

    `standard_uncertainty` is in the source's unit and not negative; `sensitivity` is the change of the result
    per unit of the source; `degrees_of_freedom` is at least 1, infinite where the uncertainty is taken as
    exactly known (GUM G.4.3). Raises MeasurementError on other numbers.
    """

    name: str
    standard_uncertainty: float
    degrees_of_freedom: float = math.inf
    sensitivity: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.standard_uncertainty) and self.standard_uncertainty >= 0):
            raise MeasurementError(
                f"{self.name}: standard uncertainty {self.standard_uncertainty} must be finite, not negative"
            )
        if not self.degrees_of_freedom >= 1:
            raise MeasurementError(
                f"{self.name}: degrees of freedom {self.degrees_of_freedom} must be at least 1"
            )
        if not math.isfinite(self.sensitivity):
            raise MeasurementError(f"{self.name}: sensitivity {self.sensitivity} must be finite")

    @property
    def contribution(self) -> float:
        """What it adds to the result: |sensitivity| times the standard uncertainty, in the result's unit."""
        return abs(self.sensitivity) * self.standard_uncertainty


@dataclass(frozen=True, slots=True)
class Combined:
    """A combined standard uncertainty with its effective degrees of freedom (infinite if all are)."""

    standard_uncertainty: float
    degrees_of_freedom: float


@dataclass(frozen=True, slots=True)
class Expanded:
    """Expanded uncertainty U = k u; `coverage` is the probability that it covers."""

    uncertainty: float
    coverage_factor: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is known of an item after measuring it: a normal distribution."""

    mean: float
    standard_deviation: float


def combine(components: Sequence[Component]) -> Combined:
    """Return the root sum of squares of uncorrelated components and its effective degrees of freedom.

    GUM 5.1.2 and the Welch-Satterthwaite formula, G.4.1.

    Raises:
        MeasurementError: there is no component.
    """
    if not components:
        raise MeasurementError("a combined uncertainty needs a component")
    u = math.hypot(*(c.contribution for c in components))
    if u == 0:
        return Combined(0.0, math.inf)
    share = math.fsum((c.contribution / u) ** 4 / c.degrees_of_freedom for c in components)
    return Combined(u, 1 / share if share > 0 else math.inf)


def expand(
    combined: Combined,
    coverage: float = 0.95,
    *,
    degrees_of_freedom: Literal["truncated", "as_is"] = "truncated",
) -> Expanded:
    """Return U = t u for a two-sided coverage, t of the effective degrees of freedom (GUM G.3, G.6.4).

    Args:
        combined: what to expand.
        coverage: in (0, 1); 0.9545 gives k = 2 where the degrees of freedom are infinite.
        degrees_of_freedom: "truncated" to the next lower integer, as G.4.1 advises, or used "as_is".

    Raises:
        MeasurementError: the coverage is outside its range.
    """
    if not 0 < coverage < 1:
        raise MeasurementError(f"coverage {coverage} must lie between 0 and 1")
    nu = combined.degrees_of_freedom
    if math.isinf(nu):
        k = NormalDist().inv_cdf((1 + coverage) / 2)
    else:
        from scipy.special import stdtrit  # noqa: PLC0415 (golden stays light)

        # 1e-9: a sum of reciprocals may fall a rounding error short of the integer that it is
        k = float(
            stdtrit(math.floor(nu + 1e-9) if degrees_of_freedom == "truncated" else nu, (1 + coverage) / 2)
        )
    return Expanded(k * combined.standard_uncertainty, k, coverage)


def rectangular(half_width: float) -> float:
    """Return the standard uncertainty of a uniform distribution: a / sqrt(3) (GUM 4.3.7)."""
    return _not_negative(half_width) / math.sqrt(3)


def triangular(half_width: float) -> float:
    """Return the standard uncertainty of a symmetrical triangular distribution: a / sqrt(6) (GUM 4.3.9)."""
    return _not_negative(half_width) / math.sqrt(6)


def arcsine(half_width: float) -> float:
    """Return the standard uncertainty of an arcsine (U-shaped) distribution: a / sqrt(2) (GUM H.1.3.4)."""
    return _not_negative(half_width) / math.sqrt(2)


def resolution(step: float) -> float:
    """Return the standard uncertainty of reading in steps: step / sqrt(12) (GUM F.2.2.1)."""
    return _not_negative(step) / math.sqrt(12)


def from_expanded(expanded_uncertainty: float, coverage_factor: float) -> float:
    """Return U / k, as a certificate states them (GUM 4.3.3)."""
    if not (math.isfinite(coverage_factor) and coverage_factor > 0):
        raise MeasurementError(f"coverage factor {coverage_factor} must be positive")
    return _not_negative(expanded_uncertainty) / coverage_factor


def from_interval(half_width: float, coverage: float) -> float:
    """Return the standard uncertainty of a normal distribution whose interval of that coverage is given."""
    if not 0 < coverage < 1:
        raise MeasurementError(f"coverage {coverage} must lie between 0 and 1")
    return from_expanded(half_width, NormalDist().inv_cdf((1 + coverage) / 2))


def posterior(*, prior_mean: float, prior_sd: float, value: float, standard_uncertainty: float) -> Posterior:
    """Return what a process known to be normal and one measured value say together (JCGM 106:2012, 6.4).

    Raises:
        MeasurementError: a number is not finite or a standard deviation is not positive.
    """
    if not all(map(math.isfinite, (prior_mean, prior_sd, value, standard_uncertainty))):
        raise MeasurementError("prior, value and uncertainty must be finite")
    if prior_sd <= 0 or standard_uncertainty <= 0:
        raise MeasurementError(
            f"prior standard deviation {prior_sd} and standard uncertainty {standard_uncertainty} "
            "must be positive"
        )
    weight = 1 / (1 + (standard_uncertainty / prior_sd) ** 2)  # of the value
    return Posterior(
        mean=prior_mean + weight * (value - prior_mean),
        standard_deviation=standard_uncertainty * math.sqrt(weight),
    )


def _not_negative(width: float) -> float:
    if not (math.isfinite(width) and width >= 0):
        raise MeasurementError(f"width {width} must be finite, not negative")
    return width
