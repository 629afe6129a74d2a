"""Stability: does the measuring system stay where it is, on a reference measured again and again?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from quality.errors import StudyError
from quality.spc.charts import ChartResult, chart
from quality.spc.limits import Limits
from quality.spc.rules import AIAG, RuleSet


@dataclass(frozen=True, slots=True, eq=False)
class Stability:
    """A control chart of a reference; `bias` is its centre less the reference value, in data units."""

    reference: float
    chart: ChartResult

    @property
    def stable(self) -> bool:
        """Whether no panel signals: neither the level nor the spread of the measuring system has changed."""
        return not any(panel.signals for panel in self.chart.panels)

    @property
    def bias(self) -> float:
        """Centre line less reference."""
        return self.chart.limits.centre - self.reference


def stability_study(
    readings: Sequence[float] | Sequence[Sequence[float]],
    reference: float,
    *,
    limits: Limits | None = None,
    rules: RuleSet = AIAG,
    names: Sequence[str] | None = None,
) -> Stability:
    """Chart readings of one reference in order of time: Xbar-R of subgroups, I-MR of single readings.

    Args:
        readings: subgroups of equal size (2 to 25), or single values.
        reference: the reference value, data units.
        limits: frozen limits of an earlier study, or None to estimate them here.
        rules: what counts as a signal.
        names: of the subgroups: when they were taken.

    Raises:
        StudyError: the reference is no number, or there are no readings.
        ChartError: readings, limits or names that do not fit the chart; constant readings.
    """
    if not math.isfinite(reference):
        raise StudyError(f"reference {reference} is no number: state the reference value and its certificate")
    if len(readings) == 0:
        raise StudyError("stability study: no readings")
    single = isinstance(readings[0], int | float)
    return Stability(reference, chart("i_mr" if single else "xbar_r", readings, limits, rules, names=names))
