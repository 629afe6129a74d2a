"""Operating characteristics of attribute plans, and plans found by them. Pure.

Plans: SinglePlan(n, Ac), DoublePlan(n, Ac, Re). `model` is "binomial" (default), "poisson" (nonconformities
per unit; only there Ac may reach n) or "hypergeometric" (one lot: give lot_size; exact).

Curves, vectorised in p: acceptance_probability (OC), average_outgoing_quality, average_sample_number;
Points: producer_point, consumer_point, risk_points, average_outgoing_quality_limit, oc_table
Plans by what they must do: find_single_plan(producer, consumer), zero_acceptance_size(p, consumer_risk),
    isolated_lot_plan(lot_size, limiting_quality, consumer_risk, Ac), computed, not ISO 2859-2's tables

All raise `quality.errors.PlanError` for numbers that cannot be.
"""

from quality.curves.acceptance import (
    acceptance_probability,
    average_outgoing_quality,
    average_sample_number,
)
from quality.curves.plans import DoublePlan, Model, Plan, SinglePlan
from quality.curves.points import (
    OcPoint,
    OutgoingLimit,
    RiskPoints,
    average_outgoing_quality_limit,
    consumer_point,
    oc_table,
    producer_point,
    risk_points,
)
from quality.curves.search import (
    CurvePoint,
    IsolatedLotPlan,
    find_single_plan,
    isolated_lot_plan,
    zero_acceptance_size,
)

__all__ = [
    "CurvePoint", "DoublePlan", "IsolatedLotPlan", "Model", "OcPoint", "OutgoingLimit", "Plan", "RiskPoints",
    "SinglePlan", "acceptance_probability", "average_outgoing_quality", "average_outgoing_quality_limit",
    "average_sample_number", "consumer_point", "find_single_plan", "isolated_lot_plan", "oc_table",
    "producer_point", "risk_points", "zero_acceptance_size",
]  # fmt: skip
