"""The uncertainty of a colour difference: every source by name, and an interval that is right near zero too.

A colour difference is the length of a vector of L*a*b* in the formula's metric. Each source adds a covariance
to that vector. What differs from reading to reading (noise, flat field, placement) stays the same however far
apart two colours are; what the camera's model gets wrong acts on both readings alike, so that only its change
from one to the other is left, which grows with the difference.

Noise makes a length too long on average, and two equal colours are never found equal: so the value is
corrected for it, and the interval comes from the exact distribution of the length, which near zero is far
from Gaussian.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

import numpy as np

from calibration.colour.camera import ColourCalibration
from calibration.colour.slope import ORDINARY
from calibration.errors import CalibrationError
from golden.colours import Formula
from golden.uncertainty import Component, combine
from kernels.compiled import F64
from vision.colour.difference import delta_e
from vision.colour.quadratic_form import Length
from vision.dimension.budget import Line

_STEP = 0.05  # L*a*b*, of second differences: the square of a formula is a parabola over that
_NOTHING = 1e-6  # Delta E: a smaller difference has no direction
_FEWEST_DEGREES = 2.5  # a t distribution of fewer has no standard deviation
_FLATTEST = 1e-6  # of a metric: no direction of L*a*b* is invisible to a formula
_NORMAL = NormalDist()


class Reading(Protocol):
    """One reading of a region, such as a `RegionReading`, or the mean of several."""

    @property
    def rgb(self) -> F64:
        """Mean linear light, (3,)."""
        ...

    @property
    def covariance(self) -> F64:
        """Covariance of that mean, (3, 3)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Repeatability:
    """By how much a region's light differs from one placement of the same part to the next.

    Attributes:
        covariance: (3, 3) of the mean light of a single placement.
        degrees_of_freedom: of that covariance.
        placements: how many the golden sample's reading is the mean of.
    """

    covariance: F64
    degrees_of_freedom: float
    placements: int

    @classmethod
    def of(cls, readings: Sequence[Reading]) -> Repeatability:
        """Estimate it from the readings of two or more placements of one part; their noise is taken out.

        Two variances, relative to the light: of a brightness that all channels share (height, tilt) and of
        each channel by itself. A free 3 x 3 matrix would need more placements than anybody makes.
        """
        n, light = len(readings), np.stack([r.rgb for r in readings])
        mean = light.mean(axis=0)
        noise = np.mean([r.covariance for r in readings], axis=0) / np.outer(mean, mean)
        relative = light / mean - 1
        shared = relative.mean(axis=1)
        own = float(((relative - shared[:, None]) ** 2).sum()) / (2 * (n - 1))
        own = max(own - float(np.trace(noise) - noise.sum() / 3) / 2, 0.0)
        both = float((shared**2).sum()) / (n - 1) - float(noise.sum()) / 9
        brightness = max(both - own / 3, 0.0)
        return cls(np.outer(mean, mean) * brightness + np.diag(mean**2) * own, float(n - 1), n)


@dataclass(frozen=True, slots=True, eq=False)
class Contribution:
    """What one source adds to a difference of L*a*b*.

    Attributes:
        name: of the source.
        covariance: (3, 3) of dL*, da*, db*.
        common: to all units of the station, so that it does not average out over a lot.
        grows: in proportion to the difference; the covariance is the one at the measured difference.
        degrees_of_freedom: of the covariance.
        systematic: an error that stays rather than noise. The value is not corrected for it: how large such
            errors are is known as a bound, not as a variance to be taken off.
    """

    name: str
    covariance: F64
    common: bool
    grows: bool = False
    degrees_of_freedom: float = math.inf
    systematic: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ColourDifference:
    """A colour difference with what is not known about it.

    Attributes:
        value: Delta E, corrected for what noise adds on average; 0 where noise explains all of it.
        uncorrected: Delta E of the two readings by the formula, exactly.
        standard_uncertainty: of the vector's component along the measured direction, in Delta E; widened
            where degrees of freedom are few, as in `vision.dimension.budget`. Near zero read the interval.
        common_uncertainty: of the common lines alone, not widened.
        degrees_of_freedom: effective, Welch-Satterthwaite.
        low: lower bound, one-sided at Phi(coverage factor); at least 0.
        high: upper bound, the same.
        lines: the budget, in Delta E, zero lines left out.
        difference: (3,) dL*, da*, db*: unit less golden sample.
        covariance: (3, 3) of it, not widened.
    """

    value: float
    uncorrected: float
    standard_uncertainty: float
    common_uncertainty: float
    degrees_of_freedom: float
    low: float
    high: float
    lines: tuple[Line, ...]
    difference: F64
    covariance: F64


def colour_difference(
    golden: Reading,
    unit: Reading,
    calibration: ColourCalibration,
    *,
    formula: Formula = "CIEDE2000",
    coverage_factor: float = 2.0,
    repeatability: Repeatability | None = None,
    lamp: F64 | None = None,
    golden_calibration: ColourCalibration | None = None,
) -> ColourDifference:
    """Compare a region of a unit with the golden sample's; the golden sample is the formula's reference.

    Args:
        golden: the golden sample's reading, on the same station unless `golden_calibration` is given.
        unit: the unit's reading, corrected for the lamp where it is watched.
        calibration: of the camera; without a slope residual an ordinary camera's is taken.
        formula: of the difference.
        coverage_factor: of the interval, k: each bound holds with the probability Phi(k).
        repeatability: of placements; None: it is in the readings' covariances.
        lamp: (3, 3) relative covariance of the gains by which the unit's light was corrected for the lamp.
        golden_calibration: of the other station that read the golden sample. Then nothing cancels: both
            cameras' absolute errors count in full.

    Raises:
        CalibrationError: the two cameras report under different illuminants or observers.
    """
    other = golden_calibration is not None
    reference_by = golden_calibration if golden_calibration is not None else calibration
    reports = [f"{by.illuminant}/{by.observer}" for by in (reference_by, calibration)]
    if reports[0] != reports[1]:
        raise CalibrationError(
            f"the golden sample was read under {reports[0]} and the unit under {reports[1]}: such L*a*b* "
            "have no difference; calibrate both cameras for one illuminant and observer"
        )
    first, second = reference_by.lab(golden.rgb), calibration.lab(unit.rgb)
    at_golden, at_unit = reference_by.lab_jacobian(golden.rgb), calibration.lab_jacobian(unit.rgb)

    def in_lab(jacobian: F64, covariance: F64) -> F64:
        return jacobian @ covariance @ jacobian.T

    found = [
        Contribution("golden reading", in_lab(at_golden, golden.covariance), common=True),
        Contribution("unit reading", in_lab(at_unit, unit.covariance), common=False),
    ]
    if repeatability is not None:
        once = in_lab(at_unit, repeatability.covariance)
        freedom = repeatability.degrees_of_freedom
        found.append(Contribution("placement", once, common=False, degrees_of_freedom=freedom))
        found.append(Contribution("golden placement", once / repeatability.placements, True, False, freedom))
    if lamp is not None:
        light = np.outer(unit.rgb, unit.rgb) * lamp
        found.append(Contribution("lamp", in_lab(at_unit, light), common=True))
    if other:
        cameras = ("golden camera", reference_by, golden), ("camera", calibration, unit)
        found += [
            Contribution(name, by.absolute_covariance(reading.rgb), common=True, systematic=True)
            for name, by, reading in cameras
        ]
        return assess(first, second - first, found, formula=formula, coverage_factor=coverage_factor)
    change = calibration.parameter_jacobian(unit.rgb) - calibration.parameter_jacobian(golden.rgb)
    model = in_lab(change, np.array(calibration.model.covariance))
    found.append(Contribution("camera model", model, True, True, calibration.model.degrees_of_freedom))
    slope = ORDINARY if calibration.slope_residual is None else calibration.slope_residual
    return assess(
        first, second - first, found,
        slope_residual=slope, formula=formula, coverage_factor=coverage_factor,
    )  # fmt: skip


def assess(
    reference: F64,
    difference: F64,
    contributions: Sequence[Contribution],
    *,
    slope_residual: float = 0.0,
    formula: Formula = "CIEDE2000",
    coverage_factor: float = 2.0,
) -> ColourDifference:
    """Return the size of a difference of L*a*b* with its interval.

    The true vector is taken to lie along the measured one; its length is bounded as in `Length.bounds`, and
    both bounds go back through the formula itself.

    Args:
        reference: (3,) L*a*b* of the formula's reference.
        difference: (3,) dL*, da*, db* of the sample to it.
        contributions: what is not known of the difference.
        slope_residual: relative standard uncertainty of a small difference of one material, that of the
            contributions that grow included.
        formula: of the difference.
        coverage_factor: see `colour_difference`.
    """
    metric, uncorrected = _metric(reference, difference, formula)
    into = np.asarray(np.linalg.cholesky(metric).T, np.float64)  # |into @ d| is Delta E
    measured = into @ difference
    fixed = into @ _sum([c for c in contributions if not c.grows]) @ into.T
    along = _direction(measured, fixed)
    there = max(uncorrected, _NOTHING) ** 2
    growth = into @ _sum([c for c in contributions if c.grows]) @ into.T / there
    beyond = max(slope_residual**2 - float(along @ growth @ along), 0.0)  # patches show the model's part too
    slopes = np.asarray(np.linalg.inv(metric), np.float64) * (beyond * uncorrected**2)
    sources = [*contributions, Contribution("small differences", slopes, common=True, grows=True)]
    lines = _lines(sources, into.T @ along)
    u, common, freedom = _combined(lines)
    wider = freedom / (freedom - 2) if math.isfinite(freedom) else 1.0
    noise = float(np.trace(metric @ _sum([c for c in contributions if not (c.grows or c.systematic)])))
    value = math.sqrt(max(uncorrected**2 - noise, 0.0))
    length = Length(along, uncorrected, fixed * wider, (growth + beyond * np.eye(3)) * wider)
    low, high = length.bounds(_NORMAL.cdf(coverage_factor))
    if uncorrected > _NOTHING:
        ends = np.array([low, high])[:, None] / uncorrected * difference + reference
        low, high = (float(v) for v in delta_e(np.broadcast_to(reference, (2, 3)), ends, formula))
    return ColourDifference(
        value=value, uncorrected=uncorrected, standard_uncertainty=u * math.sqrt(wider),
        common_uncertainty=common, degrees_of_freedom=freedom, low=min(low, value), high=max(high, value),
        lines=tuple(lines), difference=difference, covariance=_sum(sources),
    )  # fmt: skip


def _sum(sources: Sequence[Contribution]) -> F64:
    total: F64 = np.zeros((3, 3))
    for source in sources:
        total = total + source.covariance
    return total


def _metric(reference: F64, difference: F64, formula: Formula) -> tuple[F64, float]:
    """Return G (3, 3) with d' G d = Delta E^2 at the difference d, and Delta E by the formula.

    Half the second derivatives of Delta E^2 by the sample, half way along the difference: that is their mean
    along it up to fourth order, and so gives the slope of Delta E at its end too.
    """
    steps = _STEP * np.eye(3)
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], np.float64)
    corners = [s[0] * steps[i] + s[1] * steps[j] for i in range(3) for j in range(3) for s in signs]
    places = np.stack([reference + difference, *(reference + difference / 2 + c for c in corners)])
    squares = delta_e(np.broadcast_to(reference, places.shape), places, formula) ** 2
    curvature = (squares[1:].reshape(3, 3, 4) @ np.array([1.0, -1.0, -1.0, 1.0])) / (8 * _STEP**2)
    values, axes = np.linalg.eigh((curvature + curvature.T) / 2)
    metric = (axes * np.maximum(values, _FLATTEST)) @ axes.T
    length = float(difference @ metric @ difference)
    scale = squares[0] / length if length > _NOTHING**2 else 1.0
    return metric * scale, math.sqrt(squares[0])


def _direction(measured: F64, fixed: F64) -> F64:
    """Return the unit vector along a measured one; of none the one along which least is known."""
    length = float(np.linalg.norm(measured))
    return measured / length if length > _NOTHING else np.linalg.eigh(fixed)[1][:, -1]


def _lines(sources: Sequence[Contribution], gradient: F64) -> list[Line]:
    found = (
        Line(
            s.name,
            math.sqrt(max(float(gradient @ s.covariance @ gradient), 0.0)),
            s.degrees_of_freedom,
            s.common,
        )
        for s in sources
    )
    return [line for line in found if line.standard_uncertainty > 0]


def _combined(lines: Sequence[Line]) -> tuple[float, float, float]:
    """Return the standard uncertainty of all lines, that of the common ones and the degrees of freedom."""
    if not lines:
        return 0.0, 0.0, math.inf
    total = combine([Component(c.name, c.standard_uncertainty, c.degrees_of_freedom) for c in lines])
    common = math.hypot(*(line.standard_uncertainty for line in lines if line.common))
    return total.standard_uncertainty, common, max(total.degrees_of_freedom, _FEWEST_DEGREES)
