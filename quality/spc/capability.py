"""Process capability and performance against specification limits (ISO 22514-2:2017, ISO 22514-4:2016).

Cp, CPL, CPU, Cpk are about sigma within subgroups (what the process could do), Pp, PPL, PPU, Ppk about the
overall standard deviation (what it did).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from quality.errors import ChartError, OutOfControlError
from quality.spc.charts import ChartResult, chart
from quality.spc.constants import c4
from quality.spc.indices import Bounds, Fractions, Index, Spread
from quality.spc.limits import estimate_limits
from quality.spc.normality import anderson_darling
from quality.spc.rules import SHEWHART, RuleSet, Signal
from quality.spc.samples import Measured, MeasuredKind, Vector, measured
from quality.spc.sigma import SigmaMethod

WithinDegrees = Literal["equivalent", "all_observations"]
NORMALITY_ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Capability:
    """Capability of a process and how sure it is.

    An index that needs a limit or a target that is not there is null. `cpm_within` is Cp over
    sqrt(1 + ((mean - target) / sigma within)^2) and `cpm` Taguchi's, with the mean square from the target.
    `despite` and `signals`: the reason to go on although the control chart signals, and its signals.
    `normality_p` is Anderson and Darling's; null below 8 values. `cautions` are sentences to be shown.
    """

    n: int
    mean: float
    sigma_within: float
    sigma_overall: float
    degrees_within: float
    degrees_overall: float
    confidence: float
    bounds: Bounds
    target: float | None
    cp: Index | None
    cpl: Index | None
    cpu: Index | None
    cpk: Index
    pp: Index | None
    ppl: Index | None
    ppu: Index | None
    ppk: Index
    cpm: Index | None
    cpm_within: Index | None
    observed: Fractions
    expected_within: Fractions
    expected_overall: Fractions
    normality_p: float | None
    rules: str
    signals: tuple[Signal, ...]
    despite: str | None
    cautions: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            **asdict(self),
            "signals": [signal.record() for signal in self.signals],
            "cautions": list(self.cautions),
        }


def capability(
    data: Measured,
    *,
    lsl: float | None = None,
    usl: float | None = None,
    target: float | None = None,
    confidence: float = 0.95,
    bounds: Bounds = "two_sided",
    method: SigmaMethod | None = None,
    within_degrees: WithinDegrees = "equivalent",
    rules: RuleSet = SHEWHART,
    despite: str | None = None,
) -> Capability:
    """Return capability from subgroups (Xbar-S chart), or single values in order of time (I-MR chart).

    The target defaults to the middle of two limits. Intervals of `cp`, `pp` are chi-squared (exact for `pp`),
    of `cpl`, `cpu`, `ppl`, `ppu` from the non-central t, of `cpk`, `ppk` Bissell's normal approximation
    (1990, Applied Statistics 39, 331), of `cpm` Boyles' (doi:10.1080/00224065.1991.11979279).
    `within_degrees`: those that sigma within is worth, or N - 1 as R's qcc has it, which promises too much.

    Raises:
        OutOfControlError: the control chart of these data signals, and no reason to go on is given.
        ChartError: no limit, limits in the wrong order, target outside them, data that do not fit.
    """
    check_specification(lsl, usl, target, confidence)
    control, degrees = _control(data, method, rules)
    reason = allowed(control, despite)
    kind: MeasuredKind = "i_mr" if control.kind == "i_mr" else "xbar_s"
    values = np.concatenate(measured(kind, data))
    n, mean, overall = values.size, float(values.mean()), float(values.std(ddof=1))
    if target is None and lsl is not None and usl is not None:
        target = (lsl + usl) / 2
    worth = float(n - 1) if within_degrees == "all_observations" else degrees
    # An unbiased sigma is s / c4; qcc takes it for s itself.
    bias = 1.0 if within_degrees == "all_observations" else c4(worth)
    within = Spread(mean, control.sigma, worth, bias, n, confidence, bounds)
    whole = Spread(mean, overall, float(n - 1), 1.0, n, confidence, bounds)
    normality = anderson_darling(values)[1] if n >= 8 else None
    return Capability(
        n=n, mean=mean, sigma_within=control.sigma, sigma_overall=overall,
        degrees_within=worth, degrees_overall=float(n - 1), confidence=confidence, bounds=bounds,
        target=target,
        cp=within.both(lsl, usl), cpl=within.below(lsl), cpu=within.above(usl), cpk=within.nearer(lsl, usl),
        pp=whole.both(lsl, usl), ppl=whole.below(lsl), ppu=whole.above(usl), ppk=whole.nearer(lsl, usl),
        cpm=whole.about_target(lsl, usl, target, n / (n - 1)),
        cpm_within=within.about_target(lsl, usl, target, 1.0),
        observed=observed(values, lsl, usl),
        expected_within=within.expected(lsl, usl), expected_overall=whole.expected(lsl, usl),
        normality_p=normality, rules=rules.name, signals=control.signals, despite=reason,
        cautions=_cautions(n, normality, reason),
    )  # fmt: skip


def check_specification(
    lsl: float | None, usl: float | None, target: float | None, confidence: float
) -> None:
    """Refuse specification limits that do not fit together; raise ChartError."""
    given = [x for x in (lsl, target, usl) if x is not None]
    if lsl is None and usl is None:
        raise ChartError("capability: no specification limit; give lsl, usl or both")
    if not np.isfinite(given).all() or not 0 < confidence < 1:
        raise ChartError(
            f"capability: lsl {lsl}, usl {usl}, target {target}, confidence {confidence}: not finite"
        )
    if sorted(given) != given or (lsl is not None and lsl == usl):
        raise ChartError(f"capability: needs lsl {lsl} <= target {target} <= usl {usl}, and lsl < usl")


def _control(data: Measured, method: SigmaMethod | None, rules: RuleSet) -> tuple[ChartResult, float]:
    single = all(np.size(row) == 1 for row in data)
    kind: MeasuredKind = (
        "i_mr" if single else "xbar_r" if method in ("mean_range", "weighted_range") else "xbar_s"
    )
    limits = estimate_limits(kind, data, method=method)
    assert limits.origin.source == "estimated"
    degrees = limits.origin.degrees
    assert degrees is not None
    return chart(kind, data, limits, rules), degrees


def allowed(control: ChartResult | None, despite: str | None) -> str | None:
    """Return the reason to go on that the result has to carry, null where the process is in control.

    Raises:
        OutOfControlError: the chart signals or is missing, and there is no reason.
    """
    if control is not None and control.in_control:
        return None
    if despite is not None and despite.strip():
        return despite
    if control is None:
        raise OutOfControlError(
            "capability: no control chart shows that the process is stable; give it, or why not"
        )
    first = control.signals[0]
    raise OutOfControlError(
        f"capability: the {control.kind} chart has {len(control.signals)} signals, the first {first.rule}"
        f" of the {first.statistic} at subgroup {control.names[first.point]}; find and remove the causes, or"
        " state why an index is wanted nevertheless"
    )


def observed(values: Vector, lsl: float | None, usl: float | None) -> Fractions:
    """Return the fractions of the values outside the limits."""
    below = 0.0 if lsl is None else float((values < lsl).mean())
    above = 0.0 if usl is None else float((values > usl).mean())
    return Fractions(below, above)


def _cautions(n: int, normality: float | None, despite: str | None) -> tuple[str, ...]:
    found: list[str] = []
    if despite is not None:
        found.append("the process is not in control: the indices describe no future production")
    if normality is None:
        found.append(f"{n} values are too few to test normality")
    elif normality < NORMALITY_ALPHA:
        found.append(
            f"not normal (Anderson-Darling p = {normality:.3g}): expected fractions and indices mislead; use"
            " percentile_capability"
        )
    return tuple(found)
