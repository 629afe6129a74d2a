"""Decision rules against published examples, and what must hold for every number."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from golden.conformity import decide
from golden.spec import DecisionRule

SIMPLE = DecisionRule(rule="simple")
GUARDED = DecisionRule()
ORDER = {"nonconform": 0, "undecided": 1, "conform": 2}

# Exact in binary, so that limits plus guard bands are exact and no rounding blurs a boundary.
exact = st.integers(-(2**20), 2**20).map(lambda n: n / 1024)
uncertainty = st.integers(0, 2**12).map(lambda n: n / 1024)
rules = st.builds(
    DecisionRule,
    rule=st.sampled_from(["simple", "guarded"]),
    coverage_factor=st.sampled_from([1.0, 2.0, 3.0]),
    guard_factor=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
)


def test_zener_diode_of_jcgm_106() -> None:
    """JCGM 106:2012, example in clause 7: limit -5.40 V from above, v = -5.47 V, u = 0.05 V.

    The conformance probability published there is 92 %: accepted by the simple rule, not by one that asks
    for a guard band of U = 2u (which asks for 97.7 %).
    """
    assert decide(-5.47, 0.05, None, -5.40, SIMPLE) == "conform"
    assert decide(-5.47, 0.05, None, -5.40, GUARDED) == "undecided"
    probability = 0.5 * math.erfc(-((-5.40 + 5.47) / 0.05) / math.sqrt(2))
    assert round(probability, 2) == 0.92


@pytest.mark.parametrize(
    ("value", "decision"),
    [
        (9.8, "nonconform"), (9.87, "nonconform"), (9.88, "undecided"), (9.9, "undecided"),
        (9.91, "undecided"), (9.93, "conform"), (10.0, "conform"), (10.07, "conform"),
        (10.09, "undecided"), (10.1, "undecided"),
        (10.12, "undecided"), (10.13, "nonconform"), (10.5, "nonconform"),
    ],
)  # fmt: skip
def test_a_shaft_under_iso_14253_1(value: float, decision: str) -> None:
    """ISO 14253-1 worked out for 10 +-0.1 mm with U = 0.025 mm (k = 2).

    Conformity is proven within 9.925 to 10.075, nonconformity below 9.875 and above 10.125.
    """
    assert decide(value, 0.0125, 9.9, 10.1, GUARDED) == decision


@pytest.mark.parametrize(
    ("guard_factor", "value", "decision"),
    [(0.0, 10.0, "conform"), (0.5, 10.0, "undecided"), (0.5, 9.5, "conform")],
)
def test_the_guard_band_is_agreed(guard_factor: float, value: float, decision: str) -> None:
    """ILAC-G8:09/2019: w = r U; r = 0 is simple acceptance, r = 1 the guard band of ISO 14253-1."""
    assert decide(value, 0.25, None, 10.0, DecisionRule(guard_factor=guard_factor)) == decision


@pytest.mark.parametrize(
    ("value", "u", "lower", "upper", "simple", "u_of_k_2", "at_95_percent"),
    [
        (24.955, 0.004, 24.95, 25.05, "conform", "undecided", "undecided"),
        (24.957, 0.004, 24.95, 25.05, "conform", "undecided", "conform"),
        (25.0, 0.004, 24.95, 25.05, "conform", "conform", "conform"),
        (25.0434, 0.004, 24.95, 25.05, "conform", "undecided", "conform"),
        (25.0435, 0.004, 24.95, 25.05, "conform", "undecided", "undecided"),
        (25.049, 0.004, 24.95, 25.05, "conform", "undecided", "undecided"),
        (0.2835, 0.01, None, 0.3, "conform", "undecided", "conform"),
        (0.284, 0.01, None, 0.3, "conform", "undecided", "undecided"),
        (0.3, 0.01, None, 0.3, "conform", "undecided", "undecided"),
        (99.9, 0.05, 100.0, None, "nonconform", "undecided", "nonconform"),
        (100.0, 0.05, 100.0, None, "conform", "undecided", "undecided"),
        (100.08, 0.05, 100.0, None, "conform", "undecided", "undecided"),
    ],
)
def test_the_project_oracle_of_decision_rules(
    value: float,
    u: float,
    lower: float | None,
    upper: float | None,
    simple: str,
    u_of_k_2: str,
    at_95_percent: str,
) -> None:
    """Oracle `e2_decision_rules`: simple, guard band U (k = 2), and the 95 % default of ISO 14253-1:2017."""
    assert decide(value, u, lower, upper, SIMPLE) == simple
    assert decide(value, u, lower, upper, GUARDED) == u_of_k_2
    one_sided = DecisionRule(coverage_factor=NormalDist().inv_cdf(0.95))
    assert decide(value, u, lower, upper, one_sided) == at_95_percent


def test_limits_of_size_belong_to_the_tolerance() -> None:
    assert decide(9.9, 0.0, 9.9, 10.1, GUARDED) == decide(10.1, 0.0, 9.9, 10.1, SIMPLE) == "conform"


def test_where_the_guard_band_leaves_nothing_the_middle_is_undecided() -> None:
    assert decide(10.0, 1.0, 9.9, 10.1, GUARDED) == "undecided"


@given(exact, uncertainty, exact, uncertainty)
def test_the_simple_rule_compares(value: float, u: float, lower: float, width: float) -> None:
    decision = decide(value, u, lower, lower + width, SIMPLE)
    assert decision == ("conform" if lower <= value <= lower + width else "nonconform")


@given(exact, exact, uncertainty)
def test_guarded_without_uncertainty_is_simple(value: float, lower: float, width: float) -> None:
    assert decide(value, 0, lower, lower + width, GUARDED) == decide(value, 0, lower, lower + width, SIMPLE)


@given(exact, uncertainty, exact, uncertainty, rules)
def test_guard_bands_are_symmetrical(
    value: float, u: float, lower: float, width: float, rule: DecisionRule
) -> None:
    """Mirrored limits and value give the same decision; so do two one-sided ones."""
    upper = lower + width
    assert decide(value, u, lower, upper, rule) == decide(-value, u, -upper, -lower, rule)
    assert decide(value, u, lower, None, rule) == decide(-value, u, None, -lower, rule)


@given(st.tuples(exact, exact), uncertainty, exact, uncertainty, rules)
def test_nearer_to_the_middle_is_never_worse(
    values: tuple[float, float], u: float, lower: float, width: float, rule: DecisionRule
) -> None:
    middle = lower + width / 2
    near, far = sorted(values, key=lambda value: abs(value - middle))
    assume(abs(near - middle) < abs(far - middle))
    upper = lower + width
    assert ORDER[decide(near, u, lower, upper, rule)] >= ORDER[decide(far, u, lower, upper, rule)]


@given(exact, uncertainty, uncertainty, exact, uncertainty)
def test_more_uncertainty_never_proves_more(
    value: float, u: float, more: float, lower: float, width: float
) -> None:
    less_sure = decide(value, u + more, lower, lower + width, GUARDED)
    assert less_sure in (decide(value, u, lower, lower + width, GUARDED), "undecided")


@given(exact, uncertainty, exact, uncertainty)
def test_what_is_proven_agrees_with_plain_comparison(
    value: float, u: float, lower: float, width: float
) -> None:
    guarded = decide(value, u, lower, lower + width, GUARDED)
    assert guarded in (decide(value, u, lower, lower + width, SIMPLE), "undecided")


@pytest.mark.parametrize(
    ("value", "u", "lower", "upper"),
    [
        (math.nan, 0.1, 0, 1), (math.inf, 0.1, 0, 1), (0, math.nan, 0, 1), (0, math.inf, 0, 1),
        (0, -0.1, 0, 1), (0, 0.1, None, None), (0, 0.1, math.nan, 1), (0, 0.1, 0, math.nan),
        (0, 0.1, -math.inf, 1), (0, 0.1, 2, 1),
    ],
)  # fmt: skip
def test_no_decision_without_numbers(
    value: float, u: float, lower: float | None, upper: float | None
) -> None:
    for rule in (SIMPLE, GUARDED):
        with pytest.raises(ValueError, match=r"finite|negative|needs a limit|above"):
            decide(value, u, lower, upper, rule)


@pytest.mark.parametrize(
    ("value", "at", "beyond"),
    [
        (-0.5, "undecided", "nonconform"), (8.5, "undecided", "nonconform"),
        (0.5, "conform", "undecided"), (7.5, "conform", "undecided"),
    ],
)  # fmt: skip
def test_the_edge_of_each_zone_belongs_to_the_inner_one(value: float, at: str, beyond: str) -> None:
    """Limits 0 and 8, guard band 0.5, all exact in binary."""
    assert decide(value, 0.25, 0.0, 8.0, GUARDED) == at
    outwards = math.nextafter(value, math.copysign(math.inf, value - 4))
    assert decide(outwards, 0.25, 0.0, 8.0, GUARDED) == beyond
