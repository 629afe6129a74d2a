"""What a process and a measuring process do together over many items (JCGM 106:2012, clause 9)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from golden.conformity.probability import check_numbers, normal_cdf
from golden.errors import MeasurementError

_REACH = 12.0  # standard deviations beyond which a normal density adds nothing in double precision


@dataclass(frozen=True, slots=True)
class GlobalRisks:
    """Probabilities about an item drawn at random.

    `consumer` is that it does not conform and is accepted, `producer` that it conforms and is rejected;
    `nonconforming_given_accepted` is null where nothing is ever accepted.
    """

    consumer: float
    producer: float
    accepted: float
    conforming: float
    nonconforming_given_accepted: float | None


def global_risks(
    *,
    process_mean: float,
    process_sd: float,
    standard_uncertainty: float,
    lower: float | None,
    upper: float | None,
    guard_band: float = 0.0,
) -> GlobalRisks:
    """Return consumer's and producer's risk for a normal process and a normal measuring process.

    Items are accepted where the measured value lies inside the limits moved inwards by `guard_band` (outwards
    where it is negative). Adaptive quadrature of JCGM 106:2012, equations 17 to 20; absolute error below
    1e-9.

    Raises:
        MeasurementError: a number is not finite, a standard deviation is not positive, both limits are absent
            or lower is not below upper, or the guard band leaves no interval of acceptance.
    """
    check_numbers(process_mean, standard_uncertainty, lower, upper)
    if not (math.isfinite(process_sd) and math.isfinite(guard_band)):
        raise MeasurementError("process standard deviation and guard band must be finite")
    if process_sd <= 0 or standard_uncertainty == 0:
        raise MeasurementError(
            f"process standard deviation {process_sd} and standard uncertainty {standard_uncertainty} "
            "must be positive"
        )
    low = -math.inf if lower is None else lower
    high = math.inf if upper is None else upper
    if low + guard_band >= high - guard_band:
        raise MeasurementError(f"a guard band of {guard_band} leaves no interval of acceptance")

    def accept(item: float) -> float:
        u = standard_uncertainty
        return normal_cdf((high - guard_band - item) / u) - normal_cdf((low + guard_band - item) / u)

    def joint(z: float) -> float:
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return density * accept(process_mean + process_sd * z)

    z_low, z_high = (low - process_mean) / process_sd, (high - process_mean) / process_sd
    edge = standard_uncertainty / process_sd  # acceptance changes within some u of its limits
    kinks = [z + step * edge for z in (z_low, z_high) if math.isfinite(z) for step in (-6, -2, 0, 2, 6)]
    consumer = _integral(joint, -_REACH, z_low, kinks) + _integral(joint, z_high, _REACH, kinks)
    both = _integral(joint, z_low, z_high, kinks)
    conforming = normal_cdf(z_high) - normal_cdf(z_low)
    accepted = both + consumer
    return GlobalRisks(
        consumer=consumer,
        producer=max(0.0, conforming - both),
        accepted=accepted,
        conforming=conforming,
        nonconforming_given_accepted=consumer / accepted if accepted > 0 else None,
    )


def _integral(joint: Callable[[float], float], start: float, end: float, kinks: Sequence[float]) -> float:
    from scipy import integrate  # noqa: PLC0415 (golden stays light)

    # scipy publishes no types
    quad: Callable[..., tuple[float, float]] = integrate.quad  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

    start, end = max(start, -_REACH), min(end, _REACH)
    if start >= end:
        return 0.0
    inside = sorted({z for z in kinks if start < z < end})
    stops = [start, *inside, end]
    return math.fsum(quad(joint, a, b, epsabs=1e-12, epsrel=1e-10)[0] for a, b in pairwise(stops))
