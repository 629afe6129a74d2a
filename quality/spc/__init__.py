"""Statistical process control: control charts, run rules, their false alarms, and process capability.

    chart(kind, data, limits=None, rules=SHEWHART, names=, design=) -> ChartResult
        kinds: xbar_r, xbar_s, i_mr, ewma, cusum (measured values); p, np, c, u, laney_p, laney_u (Counts)
        ChartResult: points, centre, lcl, ucl, sigma, signals, in_control, panels, limits;
        record() -> JSON object
    estimate_limits(kind, data, names=, exclude={name: cause}) -> Limits           phase I
    entered_limits(kind, centre, sigma, reason=, person=) -> Limits
    Limits.freeze(previous=None) -> Limits with the next version                   phase II
    staged_chart(kind, [Stage(name, data, limits)]) -> dict[name, ChartResult]
    rule_set("nelson" | "western_electric" | "aiag", *numbers) -> RuleSet; rule_set_named("nelson 1 2 5")
    false_alarm_arl(RuleSet | EwmaDesign | CusumDesign) -> FalseAlarmArl      show it where rules are chosen
    capability(data, lsl=, usl=) -> Capability; percentile_capability(values, control=, distribution=)

Specification limits belong to capability alone; no chart has them. Errors: ChartError, OutOfControlError.
"""

from quality.spc.capability import Capability, capability
from quality.spc.charts import ChartResult, Panel, Stage, chart, staged_chart
from quality.spc.constants import Constants, constants
from quality.spc.indices import Fractions, Index
from quality.spc.limits import Entered, Estimated, Excluded, Limits, entered_limits, estimate_limits
from quality.spc.memory import CusumDesign, EwmaDesign
from quality.spc.normality import anderson_darling
from quality.spc.percentiles import PercentileCapability, percentile_capability
from quality.spc.rules import (
    AIAG,
    NELSON,
    SHEWHART,
    WESTERN_ELECTRIC,
    Rule,
    RuleSet,
    Signal,
    evaluate,
    rule_set,
    rule_set_named,
)
from quality.spc.run_length import FalseAlarmArl, false_alarm_arl
from quality.spc.samples import ChartKind, Counts
from quality.spc.sigma import SigmaMethod

__all__ = [
    "AIAG", "NELSON", "SHEWHART", "WESTERN_ELECTRIC", "Capability", "ChartKind", "ChartResult", "Constants",
    "Counts", "CusumDesign", "Entered", "Estimated", "EwmaDesign", "Excluded", "FalseAlarmArl", "Fractions",
    "Index", "Limits", "Panel", "PercentileCapability", "Rule", "RuleSet", "SigmaMethod", "Signal", "Stage",
    "anderson_darling", "capability", "chart", "constants", "entered_limits", "estimate_limits", "evaluate",
    "false_alarm_arl", "percentile_capability", "rule_set", "rule_set_named", "staged_chart",
]  # fmt: skip
