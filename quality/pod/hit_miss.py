"""Hit/miss: the probability of detection by size from trials that found a defect or missed it.

g(POD(a)) = intercept + slope x with g logit or probit and x = ln a or a, by maximum likelihood
(MIL-HDBK-1823A, appendix G; Berens, ASM Handbook 17 (1989) 689). Each trial is of its own defect and capture:
looking again at one defect tells little new, and is no further trial.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quality.errors import SeparationError, StudyError
from quality.pod.links import Link, expected_weight, log_probability, predictor_at, probability_at
from quality.pod.maximum import maximum
from quality.pod.search import greatest, greatest_of_two, root
from quality.proportions import check_probability

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Scale = Literal["log", "linear"]
Estimator = Literal["maximum_likelihood", "firth"]
Interval = Literal["likelihood_ratio", "wald"]

_LEAST_TRIALS = 10
_FARTHEST = 200.0  # in units of 1 / slope: beyond, no size is told


@dataclass(frozen=True, slots=True, eq=False)
class HitMissFit:
    """A fitted curve of detection by size, and the trials that it was fitted to.

    Attributes:
        link: g.
        scale: whether x is the log of the size or the size.
        estimator: "firth" is penalised likelihood; `log_likelihood` then includes the penalty.
        intercept: of the linear predictor.
        slope: of the linear predictor by x.
        covariance: (2, 2) of intercept and slope, by the expected information.
        log_likelihood: at the estimate.
        slope_statistic: twice the log-likelihood ratio to a probability that does not change with size;
            below 2.706 no size has a 95 % bound.
        x: (n,) ln size or size of each trial.
        found: (n,) whether it was found.
    """

    link: Link
    scale: Scale
    estimator: Estimator
    intercept: float
    slope: float
    covariance: Floats
    log_likelihood: float
    slope_statistic: float
    x: Floats
    found: Mask

    def probability(self, sizes: ArrayLike) -> Floats:
        """Return the probability of detection at sizes."""
        return probability_at(self.link, self.intercept + self.slope * scaled(sizes, self.scale))

    def size_at(self, probability: float) -> float | None:
        """Return the size found with this probability, or None where detection does not rise with size.

        Raises:
            ProportionError: the probability is not within (0, 1).
        """
        check_probability("probability", probability)
        if self.slope <= 0:
            return None
        return self._size((predictor_at(self.link, probability) - self.intercept) / self.slope)

    def size_bound(
        self, probability: float = 0.9, confidence: float = 0.95, interval: Interval = "likelihood_ratio"
    ) -> float | None:
        """Return the upper bound of `size_at`, a90/95 by default, or None where the trials set none.

        One-sided and pointwise: the size found with `probability` lies below it with `confidence`.
        "likelihood_ratio" inverts the likelihood-ratio test (one degree of freedom); "wald" is where the
        lower bound of the linear predictor reaches g(probability) (Cheng and Iles, Technometrics 25 (1983)
        77, doi:10.1080/00401706.1983.10487822, at one degree of freedom).

        Raises:
            ProportionError: a probability or confidence that is not within (0, 1) or (0.5, 1).
        """
        predictor = predictor_at(self.link, check_probability("probability", probability))
        if check_probability("confidence", confidence) <= 0.5:
            raise StudyError(f"confidence {confidence:g}: an upper bound needs more than 0.5")
        if self.slope <= 0:
            return None
        z = predictor_at("probit", confidence)
        centre = (predictor - self.intercept) / self.slope
        bound = (
            self._by_wald(predictor, z)
            if interval == "wald"
            else self._by_likelihood(predictor, centre, z * z)
        )
        return None if bound is None else self._size(bound)

    def _size(self, x: float) -> float | None:
        if self.scale == "linear":
            return x
        return math.exp(x) if abs(x) < 700 else None

    def _by_wald(self, predictor: float, z: float) -> float | None:
        v = self.covariance
        a = self.slope**2 - z * z * v[1, 1]
        if a <= 0:  # the slope could be 0
            return None
        at = self.intercept - predictor
        b = at * self.slope - z * z * v[0, 1]
        c = at * at - z * z * v[0, 0]
        return float((-b + math.sqrt(max(b * b - a * c, 0.0))) / a)

    def _by_likelihood(self, predictor: float, centre: float, most: float) -> float | None:
        if self.slope_statistic <= most:
            return None

        def excess(x: float) -> float:
            return 2 * (self.log_likelihood - self._profile(predictor, x)) - most

        reach = 0.5 / self.slope
        while excess(centre + reach) < 0:
            reach *= 2
            if reach * self.slope > _FARTHEST:
                return None
        return root(excess, centre, centre + reach, 1e-10 / self.slope)

    def _profile(self, predictor: float, at: float) -> float:
        """Return the greatest log-likelihood of all curves whose linear predictor is `predictor` at `at`."""
        away = (self.x - at)[:, None]
        offset = np.full(len(self.x), predictor)
        if self.estimator == "maximum_likelihood":
            return _maximised(self.link, away, offset, self.found)[1]

        def value(slope: float) -> float:
            return _penalised(self.link, np.array([predictor - slope * at, slope]), self.x, self.found)

        return greatest(value, (0.5 * self.slope, self.slope))


def scaled(sizes: ArrayLike, scale: Scale) -> Floats:
    """Return ln size or size.

    Raises:
        StudyError: a size that is not finite, or not above 0 where its log is taken.
    """
    given = np.atleast_1d(np.asarray(sizes, np.float64))
    if not np.isfinite(given).all() or (scale == "log" and (given <= 0).any()):
        raise StudyError("sizes must be finite numbers, above 0 where their logarithm is taken")
    return np.log(given) if scale == "log" else given


def fit_hit_miss(
    sizes: ArrayLike,
    found: ArrayLike,
    *,
    link: Link = "logit",
    scale: Scale = "log",
    estimator: Estimator = "maximum_likelihood",
) -> HitMissFit:
    """Fit the probability of detection by size.

    Args:
        sizes: (n,) of the defects, all known, missed ones too; above 0 with scale "log".
        found: (n,) whether each was found.
        link: "logit" or "probit".
        scale: "log" fits by ln size.
        estimator: "firth" maximises the likelihood times Jeffreys' prior, which has a maximum where hits and
            misses are separated too, and whose interval is of the penalised likelihood ratio (Firth,
            Biometrika 80 (1993) 27, doi:10.1093/biomet/80.1.27; Heinze and Schemper, Statistics in Medicine
            21 (2002) 2409, doi:10.1002/sim.1047).

    Returns:
        The fit; estimates to about 1e-9 (maximum likelihood) or 1e-5 (Firth), relative.

    Raises:
        SeparationError: a size parts all hits from all misses: maximum likelihood has no estimate.
        StudyError: fewer than 10 trials, one size only, all found or all missed, or broken numbers.
    """
    x, hits = scaled(sizes, scale), np.atleast_1d(np.asarray(found, np.bool_))
    if x.shape != hits.shape or x.ndim != 1:
        raise StudyError(f"{x.shape} sizes and {hits.shape} outcomes: give one of each for every trial")
    _require_curve(x, hits)
    if estimator == "maximum_likelihood":
        separated = _separation(x, hits)
        if separated is not None:
            raise SeparationError(separated)
    middle, spread = float(x.mean()), float(x.std())  # Newton goes straightest on a centred, scaled x
    t = (x - middle) / spread
    design = np.column_stack((np.ones_like(t), t))
    if estimator == "firth":
        at, value = greatest_of_two(lambda at: _penalised(link, at, t, hits))
        constant = greatest(lambda at: _penalised(link, np.array([at, 0.0]), t, hits), (-1.0, 1.0))
        shift = math.log(spread)  # the penalty is of the information about intercept and slope by x
        value, constant = value + shift, constant + shift
    else:
        at, value = _maximised(link, design, np.zeros_like(t), hits)
        share = hits.mean()
        constant = float(len(hits) * (share * np.log(share) + (1 - share) * np.log1p(-share)))
    weight = expected_weight(link, design @ at)
    of_t = np.linalg.inv(design.T @ (design * weight[:, None]))
    to_x = np.array([[1.0, -middle / spread], [0.0, 1 / spread]])
    intercept, slope = to_x @ at
    return HitMissFit(
        link=link,
        scale=scale,
        estimator=estimator,
        intercept=float(intercept),
        slope=float(slope),
        covariance=np.asarray(to_x @ of_t @ to_x.T, np.float64),
        log_likelihood=float(value),
        slope_statistic=max(2 * float(value - constant), 0.0),
        x=x,
        found=hits,
    )


def lack_of_fit(fit: HitMissFit) -> float | None:
    """Return the p-value of a curve whose linear predictor bends, x squared added, against the fitted one.

    A small one says that the curve has another shape: a floor of false calls, a ceiling below 1, the other
    scale. None where the trials do not determine the bent curve. Of a penalised fit there is none.
    """
    from scipy.special import chdtrc  # noqa: PLC0415 (scipy loads slowly)

    if fit.estimator != "maximum_likelihood":
        return None
    t = (fit.x - fit.x.mean()) / fit.x.std()
    design = np.column_stack((np.ones_like(t), t, t * t))
    try:
        _, value = _maximised(fit.link, design, np.zeros_like(t), fit.found)
    except StudyError:
        return None
    return float(chdtrc(1, max(2 * (value - fit.log_likelihood), 0.0)))


def _require_curve(x: Floats, hits: Mask) -> None:
    n, count = len(x), int(hits.sum())
    if n < _LEAST_TRIALS:
        raise StudyError(f"{n} trials: a curve of detection needs at least {_LEAST_TRIALS}, better 60")
    if count in (0, n):
        what = "found" if count else "missed"
        which = "smaller" if count else "larger"
        raise StudyError(f"all {n} defects were {what}: no curve is determined; add {which} ones")
    if np.ptp(x) == 0:
        raise StudyError("all defects have one size: a curve needs several; use a binomial test")


def _separation(x: Floats, hits: Mask) -> str | None:
    """Return how hits and misses are separated, or None: then the estimate exists (Silvapulle 1981)."""
    hit, miss = x[hits], x[~hits]
    if miss.max() <= hit.min():
        return (
            "every defect above a size was found and every one below it missed: maximum likelihood gives no "
            "slope; add defects of sizes about there, or fit by penalised likelihood (firth)"
        )
    if hit.max() <= miss.min():
        return "only the smaller defects were found: detection does not rise with size; check the sizes"
    return None


def _maximised(link: Link, design: Floats, offset: Floats, hits: Mask) -> tuple[Floats, float]:
    sign = _signs(hits)

    def likelihood(at: Floats) -> tuple[float, Floats, Floats]:
        value, slope, bend = log_probability(link, np.asarray(sign * (offset + design @ at), np.float64))
        return float(value.sum()), design.T @ (sign * slope), design.T @ (design * bend[:, None])

    return maximum(likelihood, np.zeros_like(design[0]))


def _penalised(link: Link, at: Floats, x: Floats, hits: Mask) -> float:
    """Return the log-likelihood plus half the log of the determinant of the expected information."""
    predictor = np.asarray(at[0] + at[1] * x, np.float64)
    value, _, _ = log_probability(link, _signs(hits) * predictor)
    weight = expected_weight(link, predictor)
    total: float = float(np.sum(weight))
    # det = sum w * sum w (x - mean)^2, mean weighted: no digits are lost
    if total < 1e-280:
        return -math.inf
    mean = float(np.dot(weight, x)) / total
    spread = float(np.dot(weight, (x - mean) ** 2))
    return -math.inf if spread < 1e-280 else float(value.sum()) + 0.5 * math.log(total * spread)


def _signs(hits: Mask) -> Floats:
    return 2.0 * hits.astype(np.float64) - 1.0
