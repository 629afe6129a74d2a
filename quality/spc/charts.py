"""Control charts: what is plotted, its limits and its signals (ISO 7870-2, -4 and -6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from quality.errors import ChartError
from quality.spc.constants import constants
from quality.spc.limits import Limits, estimate_limits, family
from quality.spc.memory import CusumDesign, EwmaDesign, cusum, ewma, since_zero
from quality.spc.rules import SHEWHART, Rule, RuleSet, Signal, evaluate
from quality.spc.samples import (
    ChartKind,
    CountedKind,
    Counts,
    Measured,
    MeasuredKind,
    Vector,
    check_kind,
    counted,
    measured,
)

# Ranges and standard deviations are skewed, so that zones of 1 and 2 sigma mean little; neighbouring moving
# ranges share a value, so that runs and trends of them mean nothing.
_SPREAD_PATTERNS = ("trend", "alternating")


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One plotted statistic: its points, centre line and limits (a vector each) and signals.

    `first` is the subgroup of the first point: 1 for moving ranges, else 0. Signals count subgroups.
    """

    statistic: str
    points: Vector
    centre: Vector
    lcl: Vector
    ucl: Vector
    signals: tuple[Signal, ...]
    first: int = 0

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "statistic": self.statistic,
            "points": self.points.tolist(),
            "centre": self.centre.tolist(),
            "lcl": self.lcl.tolist(),
            "ucl": self.ucl.tolist(),
            "signals": [signal.record() for signal in self.signals],
            "first": self.first,
        }


@dataclass(frozen=True, slots=True, eq=False)
class ChartResult:
    """A chart: its limits and where they come from, and one or two panels.

    The first panel is that of the process's level; the second that of its spread (Xbar-R, Xbar-S, I-MR) or
    the lower sum (CUSUM). `centre`, `lcl`, `ucl` and `points` are the first panel's.
    """

    kind: ChartKind
    names: tuple[str, ...]
    limits: Limits
    rules: str
    panels: tuple[Panel, ...]

    @property
    def points(self) -> Vector:
        """What the first panel plots."""
        return self.panels[0].points

    @property
    def centre(self) -> Vector:
        """Centre line of the first panel."""
        return self.panels[0].centre

    @property
    def sigma(self) -> float:
        """Standard deviation of a single value (`Limits.sigma`)."""
        return self.limits.sigma

    @property
    def lcl(self) -> Vector:
        """Lower control limits of the first panel."""
        return self.panels[0].lcl

    @property
    def ucl(self) -> Vector:
        """Upper control limits of the first panel."""
        return self.panels[0].ucl

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signals of all panels."""
        return tuple(signal for panel in self.panels for signal in panel.signals)

    @property
    def in_control(self) -> bool:
        """Whether nothing signals."""
        return not self.signals

    def record(self) -> dict[str, Any]:
        """Return the JSON object; it holds no NaN."""
        return {
            "kind": self.kind,
            "names": list(self.names),
            "limits": self.limits.record(),
            "rules": self.rules,
            "in_control": self.in_control,
            "panels": [panel.record() for panel in self.panels],
        }


def chart(
    kind: ChartKind,
    data: Measured | Counts,
    limits: Limits | None = None,
    rules: RuleSet | None = None,
    *,
    names: Sequence[str] | None = None,
    design: EwmaDesign | CusumDesign | None = None,
) -> ChartResult:
    """Chart subgroups in order of time.

    Without `limits` they are estimated from these data (phase I); with them (frozen: phase II) the data only
    are judged. Charts of measured values share limits, so do p and np, and c and u. `rules` defaults to one
    point beyond three standard errors; on ranges and standard deviations of its rules only that one, runs on
    one side, trend and alternation count, on moving ranges only that one. EWMA and CUSUM take a `design` and
    no rules. Limits of counts stay within what can occur (0, 1 or n).

    Raises:
        ChartError: data, limits, rules or names that do not fit the chart.
    """
    check_kind(kind, data)
    if kind in ("ewma", "cusum"):
        if rules is not None:
            raise ChartError(f"{kind} chart: its design tells when it signals; leave the rules out")
    elif design is not None:
        raise ChartError(f"{kind} chart: takes rules and no design")
    if limits is None:
        limits = estimate_limits(kind, data, names=names)
    elif family(limits.chart) != family(kind):
        raise ChartError(f"{kind} chart: limits of the {limits.chart} chart do not serve it")
    chosen = rules or SHEWHART
    if isinstance(data, Counts):
        panels = (_count_panel(kind, *counted(cast("CountedKind", kind), data), limits, chosen),)
    else:
        panels = _measured_panels(cast("MeasuredKind", kind), data, limits, chosen, design)
    count = panels[0].points.size
    labels = tuple(names) if names is not None else tuple(str(i + 1) for i in range(count))
    if len(labels) != count or len(set(labels)) != count:
        raise ChartError(
            f"{kind} chart: {len(labels)} names for {count} subgroups; needs as many different ones"
        )
    return ChartResult(kind, labels, limits, _told(kind, chosen, design), panels)


def _told(kind: ChartKind, rules: RuleSet, design: EwmaDesign | CusumDesign | None) -> str:
    if kind in ("ewma", "cusum"):
        return repr(design or _DESIGNS[kind])
    return rules.name


_DESIGNS: dict[str, EwmaDesign | CusumDesign] = {"ewma": EwmaDesign(), "cusum": CusumDesign()}


def _shewhart(
    statistic: str,
    points: Vector,
    centre: Vector | float,
    error: Vector | float,
    rules: Sequence[Rule],
    occurs: tuple[float, Vector | float] = (-math.inf, math.inf),
) -> Panel:
    """Return a panel with limits at three standard errors, within what can occur."""
    lines, errors = np.broadcast_to(centre, points.shape), np.broadcast_to(error, points.shape)
    return Panel(
        statistic,
        points,
        lines.copy(),
        np.maximum(lines - 3 * errors, occurs[0]),
        np.minimum(lines + 3 * errors, occurs[1]),
        evaluate(rules, (points - lines) / errors, statistic),
    )


def _count_panel(kind: ChartKind, counts: Vector, sizes: Vector, limits: Limits, rules: RuleSet) -> Panel:
    if kind in ("np", "c"):
        highest: Vector | float = sizes if kind == "np" else math.inf
        centre, errors = limits.centre * sizes, limits.sigma * np.sqrt(sizes)
        return _shewhart(kind, counts, centre, errors, rules.rules, (0.0, highest))
    highest = 1.0 if kind in ("p", "laney_p") else math.inf
    errors = limits.sigma / np.sqrt(sizes)
    return _shewhart(kind, counts / sizes, limits.centre, errors, rules.rules, (0.0, highest))


def _measured_panels(
    kind: MeasuredKind,
    data: Measured,
    limits: Limits,
    rules: RuleSet,
    design: EwmaDesign | CusumDesign | None,
) -> tuple[Panel, ...]:
    subgroups = measured(kind, data)
    means = np.array([s.mean() for s in subgroups])
    errors = limits.sigma / np.sqrt([s.size for s in subgroups])
    chosen = design or _DESIGNS.get(kind)
    if isinstance(chosen, EwmaDesign) and kind == "ewma":
        return (_ewma_panel(means, limits.centre, float(errors[0]), chosen),)
    if isinstance(chosen, CusumDesign) and kind == "cusum":
        return _cusum_panels((means - limits.centre) / errors, chosen)
    if chosen is not None:
        raise ChartError(f"{kind} chart: {chosen!r} is the design of another chart")
    if kind == "i_mr":
        return (
            _shewhart("value", means, limits.centre, errors, rules.rules),
            _moving_range_panel(np.abs(np.diff(means)), limits.sigma, rules),
        )
    return (
        _shewhart("mean", means, limits.centre, errors, rules.rules),
        _spread_panel(kind, subgroups, limits.sigma, rules),
    )


def _spread_panel(kind: MeasuredKind, subgroups: Sequence[Vector], sigma: float, rules: RuleSet) -> Panel:
    known = [constants(s.size) for s in subgroups]
    fit = [rule for rule in rules.rules if _fits_spread(rule)]
    if kind == "xbar_r":
        ranges = np.array([np.ptp(s) for s in subgroups])
        centre, errors = (sigma * np.array(v) for v in ([k.d2 for k in known], [k.d3 for k in known]))
        return _shewhart("range", ranges, centre, errors, fit, (0.0, math.inf))
    deviations = np.array([s.std(ddof=1) for s in subgroups])
    centre, errors = (sigma * np.array(v) for v in ([k.c4 for k in known], [k.c5 for k in known]))
    return _shewhart("standard deviation", deviations, centre, errors, fit, (0.0, math.inf))


def _fits_spread(rule: Rule) -> bool:
    return rule.pattern in _SPREAD_PATTERNS or (rule.pattern == "beyond" and rule.zone in (0.0, 3.0))


def _moving_range_panel(ranges: Vector, sigma: float, rules: RuleSet) -> Panel:
    known = constants(2)
    fit = [rule for rule in rules.rules if rule.pattern == "beyond" and rule.zone == 3.0]
    panel = _shewhart("moving range", ranges, known.d2 * sigma, known.d3 * sigma, fit, (0.0, math.inf))
    moved = tuple(replace(s, point=s.point + 1, points=(s.point, s.point + 1)) for s in panel.signals)
    return replace(panel, signals=moved, first=1)


def _ewma_panel(means: Vector, centre: float, error: float, design: EwmaDesign) -> Panel:
    averages, errors = ewma((means - centre) / error, design)
    half = design.width * errors
    beyond = np.flatnonzero(np.abs(averages) > half)
    signals = tuple(Signal("ewma", "ewma", int(i), (int(i),)) for i in beyond)
    lines = np.full(means.size, centre)
    return Panel(
        "ewma", centre + error * averages, lines, lines - error * half, lines + error * half, signals
    )


def _cusum_panels(z: Vector, design: CusumDesign) -> tuple[Panel, ...]:
    zeros, decision = np.zeros(z.size), np.full(z.size, design.decision)
    panels: list[Panel] = []
    for statistic, sums in zip(("upper sum", "lower sum"), cusum(z, design), strict=True):
        beyond = (int(i) for i in np.flatnonzero(sums > design.decision))
        signals = tuple(Signal(statistic, "cusum", i, since_zero(sums, i)) for i in beyond)
        panels.append(Panel(statistic, sums, zeros, zeros, decision, signals))
    return tuple(panels)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of production with limits of its own, such as before and after a change of tool.

    `limits` null: estimated from the stage's own data.
    """

    name: str
    data: Measured | Counts
    limits: Limits | None = None
    names: Sequence[str] | None = None


def staged_chart(
    kind: ChartKind,
    stages: Sequence[Stage],
    rules: RuleSet | None = None,
    design: EwmaDesign | CusumDesign | None = None,
) -> dict[str, ChartResult]:
    """Chart every stage by its own limits, by name and in order; runs and sums start anew with each stage.

    Raises:
        ChartError: as `chart`, no stage, or two stages of one name.
    """
    if not stages or len({stage.name for stage in stages}) < len(stages):
        raise ChartError(f"{kind} chart: needs one stage or more, each with a name of its own")
    return {s.name: chart(kind, s.data, s.limits, rules, names=s.names, design=design) for s in stages}
