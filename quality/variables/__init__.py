"""Sampling by variables: one measured, normal characteristic decides the lot with fewer units. Pure.

variables_plan(letter, aql, severity)     n, k and M of ANSI/ASQ Z1.9, s-method, where two sources agree
variables_sample(values)                  VariablesSample(n, mean, deviation, sigma_known)
estimate_nonconforming(sample, lower, upper)             minimum variance unbiased estimate
decide_by_k(sample, lower=KLimit, upper=KLimit)          Form 1: one limit, or two separately
decide_by_m(sample, lower=MLimit, upper=MLimit)          Form 2: one limit, or two with their own AQL
decide_combined(sample, lower, upper, M)                 Form 2: one AQL for both limits together
variables_acceptance_probability(n, k, p, sigma=...)     OC of one limit, exact
find_variables_plan(producer, consumer, sigma=...)       smallest n for two points of the curve
"""

from quality.variables.acceptance import (
    VariablesTwoPointPlan,
    find_variables_plan,
    variables_acceptance_probability,
)
from quality.variables.estimates import (
    KLimit,
    MLimit,
    NonconformingEstimate,
    VariablesDecision,
    VariablesSample,
    decide_by_k,
    decide_by_m,
    decide_combined,
    estimate_nonconforming,
    variables_sample,
)
from quality.variables.plans import VARIABLES_AQLS, VariablesPlan, variables_plan

__all__ = [
    "VARIABLES_AQLS", "KLimit", "MLimit", "NonconformingEstimate", "VariablesDecision", "VariablesPlan",
    "VariablesSample", "VariablesTwoPointPlan", "decide_by_k", "decide_by_m", "decide_combined",
    "estimate_nonconforming", "find_variables_plan", "variables_acceptance_probability", "variables_plan",
    "variables_sample",
]  # fmt: skip
