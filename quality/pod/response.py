"""A-hat versus a: the probability of detection from how strongly defects of known size answered.

f(a-hat) = intercept + slope x + noise, x = ln a or a, f the log or nothing, the noise normal and alike at
all sizes; answers below a floor or at a ceiling are censored (MIL-HDBK-1823A, appendix G; Berens, ASM
Handbook 17 (1989) 689). A defect is detected where its answer exceeds the decision threshold: a probit curve.

Fitted in Olsen's parameters (Econometrica 46 (1978) 1211, doi:10.2307/1911445), in which the censored
likelihood is concave: h = 1 / noise, d = (intercept, slope) h.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quality.errors import StudyError
from quality.pod.hit_miss import Interval, Scale, scaled
from quality.pod.links import log_probability, predictor_at, probability_at
from quality.pod.maximum import Likelihood, maximum
from quality.pod.search import root
from quality.proportions import check_probability

Floats = NDArray[np.float64]
Codes = NDArray[np.int8]

_LEAST_ANSWERS = 8
_FARTHEST = 200.0
_BELOW, _EXACT, _ABOVE = -1, 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class ResponseFit:
    """A fitted line of answers by size, and the curve of detection that a threshold makes of it.

    Attributes:
        scale: of the sizes.
        response_scale: of the answers.
        intercept: of f(a-hat).
        slope: of f(a-hat) by x.
        noise: standard deviation about the line, in f's unit.
        threshold: answers above it are detections; in the answers' own unit.
        covariance: (3, 3) of (d0, d1, h), by the observed information.
        log_likelihood: of f(a-hat) at the estimate.
        exact: how many answers were not censored.
        below: how many lay below the floor.
        above: how many lay at or above the ceiling.
        x: (n,) of the sizes.
        y: (n,) f(a-hat), of censored answers the floor's or the ceiling's.
        kind: (n,) -1 below the floor, 0 answered, 1 at the ceiling.
    """

    scale: Scale
    response_scale: Scale
    intercept: float
    slope: float
    noise: float
    threshold: float
    covariance: Floats
    log_likelihood: float
    exact: int
    below: int
    above: int
    x: Floats
    y: Floats
    kind: Codes

    @property
    def _decision(self) -> float:
        return float(scaled(self.threshold, self.response_scale)[0])

    def probability(self, sizes: ArrayLike) -> Floats:
        """Return the probability of detection at sizes."""
        line = self.intercept + self.slope * scaled(sizes, self.scale)
        return probability_at("probit", (line - self._decision) / self.noise)

    def size_at(self, probability: float) -> float | None:
        """Return the size detected with this probability, or None where answers do not rise with size.

        Raises:
            ProportionError: the probability is not within (0, 1).
        """
        z = predictor_at("probit", check_probability("probability", probability))
        return None if self.slope <= 0 else self._size(self._centre(z))

    def size_bound(
        self, probability: float = 0.9, confidence: float = 0.95, interval: Interval = "wald"
    ) -> float | None:
        """Return the upper bound of `size_at`, a90/95 by default, or None where the answers set none.

        One-sided and pointwise. "wald" is the handbook's: the standard error of x by the delta method;
        "likelihood_ratio" inverts the likelihood-ratio test.

        Raises:
            ProportionError: a probability or confidence that is not within (0, 1).
        """
        z = predictor_at("probit", check_probability("probability", probability))
        q = predictor_at("probit", check_probability("confidence", confidence))
        if self.slope <= 0:
            return None
        centre = self._centre(z)
        if interval == "wald":
            rate = self.slope / self.noise
            gradient = np.array([-1.0, -centre, self._decision]) / rate
            return self._size(centre + q * math.sqrt(float(gradient @ self.covariance @ gradient)))
        bound = self._by_likelihood(z, centre, q * q)
        return None if bound is None else self._size(bound)

    def at_threshold(self, threshold: float) -> ResponseFit:
        """Return the same line with another decision threshold.

        Raises:
            StudyError: the threshold is no answer of the fit's scale.
        """
        scaled(threshold, self.response_scale)
        return replace(self, threshold=threshold)

    def _centre(self, z: float) -> float:
        return (self._decision + z * self.noise - self.intercept) / self.slope

    def _size(self, x: float) -> float | None:
        if self.scale == "linear":
            return x
        return math.exp(x) if abs(x) < 700 else None

    def _by_likelihood(self, z: float, centre: float, most: float) -> float | None:
        def excess(x: float) -> float:
            return 2 * (self.log_likelihood - self._profile(z, x)) - most

        reach = 0.1 * self.noise / self.slope
        while excess(centre + reach) < 0:
            reach *= 2
            if reach * self.slope > _FARTHEST * self.noise:
                return None
        return root(excess, centre, centre + reach, 1e-10 * self.noise / self.slope)

    def _profile(self, z: float, at: float) -> float:
        """Return the greatest log-likelihood of all lines that are detected with z at `at`."""
        # d0 = z - d1 at + h decision; parameters left: d1, h
        design = np.column_stack((-(self.x - at), self.y - self._decision))
        offset = np.full(len(self.x), -z)
        start = np.array([self.slope, 1.0]) / self.noise
        return _maximised(design, offset, self.kind, 1, start)[1]


def fit_response(
    sizes: ArrayLike,
    responses: ArrayLike,
    *,
    threshold: float,
    floor: float | None = None,
    ceiling: float | None = None,
    scale: Scale = "log",
    response_scale: Scale = "log",
) -> ResponseFit:
    """Fit answers by size, by maximum likelihood.

    Args:
        sizes: (n,) of the defects.
        responses: (n,) answers (a-hat); NaN where a defect gave none, which needs a floor.
        threshold: answers above it are detections.
        floor: answers at or below it say only that they are no greater.
        ceiling: answers at or above it say only that they are no less (saturation).
        scale: of the sizes.
        response_scale: of the answers, the floor, the ceiling and the threshold.

    Returns:
        The fit; estimates to about 1e-9, relative.

    Raises:
        StudyError: fewer than 8 answers between floor and ceiling, one size only, a floor at or above the
            ceiling, an answer missing without a floor, answers without any noise, or broken numbers.
    """
    x = scaled(sizes, scale)
    given = np.atleast_1d(np.asarray(responses, np.float64))
    if x.shape != given.shape:
        raise StudyError(f"{x.shape} sizes and {given.shape} responses: give one of each for every defect")
    if floor is not None and ceiling is not None and floor >= ceiling:
        raise StudyError(f"floor {floor:g} must lie below the ceiling {ceiling:g}")
    absent = np.isnan(given)
    if absent.any() and floor is None:
        raise StudyError(f"{int(absent.sum())} defects gave no response: state the floor below which none is")
    kind = np.zeros(len(given), np.int8)
    lowered = given.copy()
    if floor is not None:
        kind[absent | (given <= floor)] = _BELOW
        lowered[kind == _BELOW] = floor
    if ceiling is not None:
        kind[lowered >= ceiling] = _ABOVE
        lowered[kind == _ABOVE] = ceiling
    y = scaled(lowered, response_scale)
    scaled(threshold, response_scale)
    exact = kind == _EXACT
    if exact.sum() < _LEAST_ANSWERS:
        raise StudyError(
            f"{int(exact.sum())} responses between floor and ceiling: a line needs {_LEAST_ANSWERS} or more"
        )
    if np.ptp(x[exact]) == 0:
        raise StudyError("all defects that responded have one size: a line needs several")
    middle, spread = float(x.mean()), float(x.std())
    t = (x - middle) / spread
    start = _start(t[exact], y[exact])
    design = np.column_stack((-np.ones_like(t), -t, y))
    at, value = _maximised(design, np.zeros_like(t), kind, 2, start)
    of_t = np.linalg.inv(-_derivatives(design, np.zeros_like(t), kind, 2)(at)[2])
    to_x = np.array([[1.0, -middle / spread, 0.0], [0.0, 1 / spread, 0.0], [0.0, 0.0, 1.0]])
    d0, d1, h = to_x @ at
    return ResponseFit(
        scale=scale,
        response_scale=response_scale,
        intercept=float(d0 / h),
        slope=float(d1 / h),
        noise=float(1 / h),
        threshold=threshold,
        covariance=np.asarray(to_x @ of_t @ to_x.T, np.float64),
        log_likelihood=float(value),
        exact=int(exact.sum()),
        below=int((kind == _BELOW).sum()),
        above=int((kind == _ABOVE).sum()),
        x=x,
        y=y,
        kind=kind,
    )


def _start(t: Floats, y: Floats) -> Floats:
    """Return d0, d1, h of the least-squares line through what is not censored."""
    slope, intercept = (float(v) for v in np.polyfit(t, y, 1))
    noise = float(np.sqrt(np.mean((y - intercept - slope * t) ** 2)))
    if not noise > 1e-9 * max(float(np.ptp(y)), 1e-300):
        raise StudyError("the responses lie on a line without any noise: no probability can be fitted")
    return np.array([intercept, slope, 1.0]) / noise


def _maximised(design: Floats, offset: Floats, kind: Codes, h: int, start: Floats) -> tuple[Floats, float]:
    return maximum(_derivatives(design, offset, kind, h), start)


def _derivatives(design: Floats, offset: Floats, kind: Codes, h: int) -> Likelihood:
    """Return the log-likelihood whose standardised residuals are offset + design @ parameters.

    `h` is the place of 1 / noise among the parameters.
    """
    exact, below, above = kind == _EXACT, kind == _BELOW, kind == _ABOVE
    count = int(exact.sum())
    constant = -0.5 * count * math.log(2 * math.pi)

    def likelihood(at: Floats) -> tuple[float, Floats, Floats]:
        scale = float(at[h])
        if scale <= 0:
            k = len(at)
            return -math.inf, np.zeros(k), np.zeros((k, k))
        u = offset + design @ at
        slope, bend = -u.copy(), -np.ones_like(u)
        value = constant + count * math.log(scale) - 0.5 * float((u[exact] ** 2).sum())
        for where, sign in ((below, 1.0), (above, -1.0)):
            log, first, second = log_probability("probit", sign * u[where])
            value += float(log.sum())
            slope[where], bend[where] = sign * first, second
        gradient = np.asarray(design.T @ slope, np.float64)
        hessian = np.asarray(design.T @ (design * bend[:, None]), np.float64)
        gradient[h] += count / scale
        hessian[h, h] -= count / scale**2
        return value, gradient, hessian

    return likelihood
