"""Sampling by attributes: ISO 2859-1:1999 and ANSI/ASQ Z1.4-2003 (R2018), two stored editions.

Plans
    code_letter(lot_size, level); single_plan(letter, aql, severity, standard, counting) and
    lot_plan(lot_size, level, ...) -> SamplingPlan; double_plan, double_lot_plan (Z1.4 alone) -> DoublePlan,
    or the SamplingPlan where the table says single; judge(plan, found, found_second=None) -> Judgement

Switching (one series of lots, one AQL): pure, each returns the next state
    begin(Scheme(standard, aql, ...), severity="normal") -> Switching
    after_lot(state, LotResult(plan, found, ...)), trace(state, results) for many
    set_conditions(state, production_steady=, reduced_approved=); return_to_normal(state, reason)
    restart_inspection(state, corrective_action)
"""

from quality.sampling.plans import (
    DoublePlan,
    Judgement,
    SamplingPlan,
    double_lot_plan,
    double_plan,
    judge,
    lot_plan,
    single_plan,
)
from quality.sampling.switching import (
    LotResult,
    Scheme,
    Switching,
    after_lot,
    begin,
    restart_inspection,
    return_to_normal,
    set_conditions,
    trace,
)
from quality.sampling.tables import (
    EDITIONS,
    ISO_2859_1_1999,
    LETTERS,
    STANDARD,
    Z14_2003,
    InspectionSeverity,
    code_letter,
    edition_named,
    severity_named,
)

__all__ = [
    "EDITIONS", "ISO_2859_1_1999", "LETTERS", "STANDARD", "Z14_2003", "DoublePlan", "InspectionSeverity",
    "Judgement", "LotResult", "SamplingPlan", "Scheme", "Switching", "after_lot", "begin", "code_letter",
    "double_lot_plan", "double_plan", "edition_named", "judge", "lot_plan", "restart_inspection",
    "return_to_normal", "set_conditions", "severity_named", "single_plan", "trace",
]  # fmt: skip
