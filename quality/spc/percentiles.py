"""Capability of values that are not normal, by percentiles (ISO 22514-2:2017, general geometric method).

The place of mean -3 sigma, mean and mean +3 sigma is taken by the 0.135 %, 50 % and 99.865 % points.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quality.errors import ChartError
from quality.spc.capability import allowed, check_specification, observed
from quality.spc.charts import ChartResult
from quality.spc.indices import Fractions, Index
from quality.spc.rules import Signal
from quality.spc.samples import Vector, as_vector

Distribution = Literal["empirical", "lognormal", "weibull"]
LOW, HIGH = 0.00135, 0.99865
FEWEST_EMPIRICAL = math.ceil(1 / LOW)
_DRAWS = 999


@dataclass(frozen=True, slots=True)
class PercentileCapability:
    """Performance by percentiles; `pp` is null where a limit is missing, `ppl` or `ppu` where theirs is.

    `low`, `median`, `high`: the 0.135 %, 50 % and 99.865 % points. `expected`: fractions outside the limits
    by the distribution. Limits are percentile bootstrap limits of 999 seeded draws.
    """

    n: int
    distribution: Distribution
    low: float
    median: float
    high: float
    confidence: float
    pp: Index | None
    ppl: Index | None
    ppu: Index | None
    ppk: Index
    observed: Fractions
    expected: Fractions
    signals: tuple[Signal, ...]
    despite: str | None

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {**asdict(self), "signals": [signal.record() for signal in self.signals]}


def percentile_capability(
    data: Vector | list[float],
    *,
    control: ChartResult | None,
    distribution: Distribution,
    lsl: float | None = None,
    usl: float | None = None,
    confidence: float = 0.95,
    despite: str | None = None,
    seed: int = 1,
) -> PercentileCapability:
    """Return performance by percentiles of single values.

    `control` is the control chart of the process (null: none was kept, which needs a reason in `despite`).
    `lognormal` and `weibull` start at 0 (flatness, runout, roughness) and are fitted by maximum likelihood;
    `empirical` interpolates between the values and takes 741 of them at least.

    Raises:
        OutOfControlError: the control chart signals or is missing, and no reason to go on is given.
        ChartError: limits that do not fit, constant data, too few values, values not above 0 where the
            distribution starts there.
    """
    check_specification(lsl, usl, None, confidence)
    reason = allowed(control, despite)
    values = as_vector(data, "values")
    _check_values(values, distribution)
    low, median, high = (float(x) for x in _points(values[None, :], distribution)[0])
    rng = np.random.default_rng(seed)
    drawn = _points(values[rng.integers(0, values.size, (_DRAWS, values.size))], distribution)

    def index(value: float, draws: Vector) -> Index:
        lower, upper = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
        return Index(value, float(lower), float(upper))

    of_sample = _ratios(np.array([[low, median, high]]), lsl, usl)
    of_draws = _ratios(drawn, lsl, usl)
    found = {name: index(float(ratio[0]), of_draws[name]) for name, ratio in of_sample.items()}
    return PercentileCapability(
        n=values.size, distribution=distribution, low=low, median=median, high=high, confidence=confidence,
        pp=found.get("pp"), ppl=found.get("ppl"), ppu=found.get("ppu"), ppk=found["ppk"],
        observed=observed(values, lsl, usl), expected=_expected(values, distribution, lsl, usl),
        signals=control.signals if control else (), despite=reason,
    )  # fmt: skip


def _check_values(values: Vector, distribution: Distribution) -> None:
    if values.size < 8 or np.ptp(values) == 0:
        raise ChartError(f"percentiles: {values.size} values, or constant data; needs 8 or more that differ")
    if distribution == "empirical" and values.size < FEWEST_EMPIRICAL:
        raise ChartError(
            f"percentiles: {values.size} values tell nothing of the 0.135 % point; empirical ones need"
            f" {FEWEST_EMPIRICAL}, else name a distribution"
        )
    if distribution != "empirical" and values.min() <= 0:
        raise ChartError(f"percentiles: {values.min():g} is not above 0, where the {distribution} starts")


def _points(samples: NDArray[np.float64], distribution: Distribution) -> NDArray[np.float64]:
    """Return the three percentiles of each row."""
    from scipy.special import ndtri  # noqa: PLC0415 (quality stays light)

    if distribution == "empirical":
        return np.quantile(samples, [LOW, 0.5, HIGH], axis=1).T
    place, spread = _fit(samples, distribution)
    at = ndtri([LOW, 0.5, HIGH]) if distribution == "lognormal" else np.log(-np.log1p([-LOW, -0.5, -HIGH]))
    return np.exp(place[:, None] + spread[:, None] * at)


def _fit(samples: NDArray[np.float64], distribution: Distribution) -> tuple[Vector, Vector]:
    """Return location and scale of each row's logarithms (normal, or least extreme value) by likelihood."""
    logs = np.log(samples)
    mean, deviation = logs.mean(axis=1), logs.std(axis=1)
    if distribution == "lognormal":
        return mean, deviation
    shape = math.pi / math.sqrt(6) / deviation
    centred = logs - logs.max(axis=1, keepdims=True)
    off = centred.mean(axis=1)
    for _ in range(50):  # Newton on sum(x^k ln x) / sum(x^k) - 1/k - mean(ln x) = 0
        weights = np.exp(shape[:, None] * centred)
        weights /= weights.sum(axis=1, keepdims=True)
        first = (weights * centred).sum(axis=1)
        slope = (weights * centred**2).sum(axis=1) - first**2 + 1 / shape**2
        step = (first - 1 / shape - off) / slope
        shape = np.maximum(shape - step, shape / 3)
        if np.all(np.abs(step) < 1e-12 * shape):
            break
    scale = np.log(np.exp(shape[:, None] * centred).mean(axis=1)) / shape + logs.max(axis=1)
    return scale, 1 / shape


def _ratios(points: NDArray[np.float64], lsl: float | None, usl: float | None) -> dict[str, Vector]:
    low, median, high = points.T
    found: dict[str, Vector] = {}
    if lsl is not None:
        found["ppl"] = (median - lsl) / (median - low)
    if usl is not None:
        found["ppu"] = (usl - median) / (high - median)
    sides = list(found.values())
    if lsl is not None and usl is not None:
        found["pp"] = (usl - lsl) / (high - low)
    found["ppk"] = np.min(sides, axis=0)
    return found


def _expected(values: Vector, distribution: Distribution, lsl: float | None, usl: float | None) -> Fractions:
    from scipy.special import ndtr  # noqa: PLC0415 (quality stays light)

    if distribution == "empirical":
        return observed(values, lsl, usl)
    place, spread = (float(x[0]) for x in _fit(values[None, :], distribution))

    def below(limit: float) -> float:
        if limit <= 0:
            return 0.0
        at = (math.log(limit) - place) / spread
        return float(ndtr(at)) if distribution == "lognormal" else -math.expm1(-math.exp(at))

    return Fractions(0.0 if lsl is None else below(lsl), 0.0 if usl is None else 1 - below(usl))
