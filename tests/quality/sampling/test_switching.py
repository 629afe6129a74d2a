"""Switching rules: traces by hand from the clauses, the published sequences, refusals, and a second reducer.

K at AQL 1.0 is traced: normal 125, 3/4 (tighter AQL: 2); tightened 125, 2/3; reduced 50, 2/3 (Z1.4: 1/4).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.plans import SamplingStandard
from hallmark.eligibility.sampling import ADAPTERS
from quality.errors import SamplingError, StepError
from quality.sampling import (
    DoublePlan,
    InspectionSeverity,
    LotResult,
    SamplingPlan,
    Scheme,
    Switching,
    after_lot,
    begin,
    double_plan,
    restart_inspection,
    return_to_normal,
    set_conditions,
    single_plan,
    trace,
)
from tests.quality.sampling.builders import ISO, PER_100, SEVERITIES, Z14, cases, editions

GOOD, BAD = 0, 40


def series(
    standard: SamplingStandard = ISO, severity: InspectionSeverity = "normal", **given_: Any
) -> Switching:
    conditions = {"production_steady": True, "reduced_approved": True, **given_}
    return begin(Scheme(standard, "1.0"), severity, **conditions)


def plan_of(state: Switching, letter: str = "K") -> SamplingPlan:
    scheme = state.scheme
    return single_plan(letter, scheme.aql, state.severity, scheme.standard, scheme.counting)


def inspect(state: Switching, *found: int, original: bool = True) -> Switching:
    for count in found:
        state = after_lot(state, LotResult(plan_of(state), count, original=original))
    return state


# Normal and tightened: the same in both standards


@pytest.mark.parametrize("standard", [ISO, Z14])
@pytest.mark.parametrize("between", [0, 1, 2, 3])
def test_two_of_five_lots_not_accepted_tighten(standard: SamplingStandard, between: int) -> None:
    state = inspect(series(standard), BAD, *[GOOD] * between)
    assert (state.severity, state.transition, state.not_accepted) == ("normal", None, 1)
    state = inspect(state, BAD)
    assert (state.severity, state.transition) == ("tightened", "normal_to_tightened")
    assert state.reason == "2 of 5 or fewer consecutive lots were not accepted"
    assert (state.accepted_in_row, state.not_accepted) == (0, 0)


@pytest.mark.parametrize("standard", [ISO, Z14])
def test_two_lots_five_apart_do_not_tighten(standard: SamplingStandard) -> None:
    state = inspect(series(standard), BAD, GOOD, GOOD, GOOD, GOOD, BAD)
    assert (state.severity, state.not_accepted, state.accepted_in_row) == ("normal", 2, 0)
    assert inspect(state, GOOD, GOOD, GOOD, BAD).severity == "tightened"
    assert inspect(state, GOOD, GOOD, GOOD, GOOD, BAD).severity == "normal"


@pytest.mark.parametrize("standard", [ISO, Z14])
def test_acceptance_is_at_ac_and_not_above(standard: SamplingStandard) -> None:
    assert inspect(series(standard), 4, 3, 3, 3, 4).severity == "tightened"
    assert inspect(series(standard), 4, 3, 3, 3, 3).severity == "normal"


@pytest.mark.parametrize("standard", [ISO, Z14])
def test_five_lots_accepted_in_a_row_end_tightened_inspection(standard: SamplingStandard) -> None:
    state = inspect(series(standard, "tightened"), 2, 2, 2, 2)
    assert (state.severity, state.accepted_in_row, state.transition) == ("tightened", 4, None)
    ended = inspect(state, 2)
    assert (ended.severity, ended.transition) == ("normal", "tightened_to_normal")
    assert ended.reason == "5 consecutive lots were accepted"
    assert (ended.accepted_in_row, ended.not_accepted) == (0, 0)
    broken = inspect(state, 3)
    assert (broken.severity, broken.accepted_in_row, broken.not_accepted) == ("tightened", 0, 1)


@pytest.mark.parametrize("standard", [ISO, Z14])
def test_what_happened_before_a_switch_does_not_count_after_it(standard: SamplingStandard) -> None:
    normal = inspect(series(standard, "tightened"), BAD, *[GOOD] * 5)
    assert normal.severity == "normal"
    assert inspect(normal, BAD).severity == "normal"


@pytest.mark.parametrize("standard", [ISO, Z14])
def test_five_lots_not_accepted_in_tightened_inspection_discontinue_it(standard: SamplingStandard) -> None:
    state = inspect(series(standard, "tightened"), BAD, GOOD, BAD, GOOD, GOOD, GOOD, BAD, BAD)
    assert (state.not_accepted, state.discontinued, state.transition) == (4, False, None)
    stopped = inspect(state, BAD)
    assert (stopped.discontinued, stopped.transition, stopped.not_accepted) == (True, "discontinued", 5)
    assert stopped.severity == "tightened"
    assert stopped.reason == "5 lots were not accepted in tightened inspection"
    for original in (True, False):
        with pytest.raises(StepError, match="discontinued: no lot is inspected until a corrective action"):
            inspect(stopped, GOOD, original=original)
    restarted = restart_inspection(stopped, "CAPA 7: new fixture")
    assert (restarted.severity, restarted.discontinued) == ("tightened", False)
    assert (restarted.transition, restarted.reason) == ("restarted", "CAPA 7: new fixture")
    assert (restarted.accepted_in_row, restarted.not_accepted) == (0, 0)
    assert inspect(restarted, BAD, BAD, BAD, BAD).discontinued is False
    assert inspect(restarted, *[GOOD] * 5).severity == "normal"


def test_a_restart_needs_a_discontinued_series_and_a_corrective_action() -> None:
    with pytest.raises(StepError, match="not discontinued; there is nothing to restart"):
        restart_inspection(series(ISO, "tightened"), "new fixture")
    with pytest.raises(StepError, match="only after a corrective action; name it"):
        restart_inspection(inspect(series(ISO, "tightened"), *[BAD] * 5), "  ")


# ISO 9.3.3: the switching score


@pytest.mark.parametrize(("found", "score"), [(0, 3), (2, 3), (3, 0), (4, 0)])
def test_with_ac_2_or_more_the_score_needs_acceptance_one_aql_tighter(found: int, score: int) -> None:
    assert inspect(series(), found).score == score
    assert inspect(series(score=6), found).score == (9 if score else 0)


@pytest.mark.parametrize(
    ("letter", "found", "score"),
    [("F", 0, 12), ("F", 1, 0), ("H", 1, 12), ("H", 2, 0), ("J", 1, 13), ("J", 2, 0)],
)  # F: arrow to E, Ac 0; H: Ac 1; J: Ac 2, one AQL tighter 1
def test_with_ac_0_or_1_an_accepted_lot_adds_2(letter: str, found: int, score: int) -> None:
    state = series(score=10)
    assert after_lot(state, LotResult(plan_of(state, letter), found)).score == score


def test_where_an_arrow_was_followed_tighter_is_of_the_letter_inspected() -> None:
    state = begin(Scheme(ISO, "40", PER_100))
    plan = single_plan("J", "40", "normal", ISO, PER_100)
    assert (plan.final_code_letter, plan.n, plan.Ac) == ("G", 32, 21)
    assert after_lot(state, LotResult(plan, 14)).score == 3  # G at AQL 25: 32, Ac 14
    assert after_lot(state, LotResult(plan, 15)).score == 0


def test_a_score_of_30_opens_reduced_inspection() -> None:
    state = inspect(series(score=24), GOOD)
    assert (state.score, state.severity) == (27, "normal")
    state = inspect(state, GOOD)
    assert (state.score, state.severity, state.transition) == (30, "reduced", "normal_to_reduced")
    assert state.reason == "the switching score reached 30"
    state = inspect(state, 2)
    assert (state.score, state.severity, state.transition, state.accepted_in_row) == (30, "reduced", None, 1)
    back = inspect(state, 3)
    assert (back.score, back.severity, back.transition) == (0, "normal", "reduced_to_normal")
    assert back.reason == "a lot was not accepted in reduced inspection"
    assert inspect(back, BAD).severity == "normal"  # the lot of reduced inspection is not one of the two


def test_a_score_of_28_is_not_enough() -> None:
    state = series(score=26)
    assert after_lot(state, LotResult(plan_of(state, "H"), 0)).severity == "normal"
    state = series(score=28)
    assert after_lot(state, LotResult(plan_of(state, "H"), 0)).severity == "reduced"


def test_tightening_and_its_end_leave_the_score_at_0() -> None:
    state = inspect(series(score=27), BAD, GOOD)
    assert state.score == 3
    state = inspect(state, BAD)
    assert (state.severity, state.score) == ("tightened", 0)
    assert inspect(state, GOOD).score == 0
    assert inspect(state, *[GOOD] * 5).score == 0


@pytest.mark.parametrize("missing", ["production_steady", "reduced_approved"])
@pytest.mark.parametrize("standard", [ISO, Z14])
def test_reduced_inspection_needs_steady_production_and_approval(
    standard: SamplingStandard, missing: str
) -> None:
    state = inspect(series(standard, **{missing: False}), *[GOOD] * 12)
    assert (state.severity, state.accepted_in_row) == ("normal", 12)
    assert state.score == (36 if standard == ISO else None)
    opened = set_conditions(state, **{missing: True})
    assert (opened.severity, opened.transition) == ("reduced", "normal_to_reduced")
    closed = set_conditions(opened, **{missing: False})
    assert (closed.severity, closed.transition) == ("normal", "reduced_to_normal")
    assert closed.reason == (
        "production is not steady"
        if missing == "production_steady"
        else "the responsible authority no longer approves reduced inspection"
    )
    assert closed.score == (0 if standard == ISO else None)
    assert getattr(closed, missing) is False


def test_conditions_alone_do_not_reduce_and_leave_each_other_as_they_are() -> None:
    state = begin(Scheme(ISO, "1.0"))
    assert (state.production_steady, state.reduced_approved) == (False, False)
    steady = set_conditions(state, production_steady=True)
    assert (steady.production_steady, steady.reduced_approved) == (True, False)
    both = set_conditions(steady, reduced_approved=True)
    assert (both.production_steady, both.reduced_approved, both.severity) == (True, True, "normal")
    ended = return_to_normal(series(ISO, "reduced"), "new subcontractor")
    after = set_conditions(ended, production_steady=True)
    assert (after.transition, after.reason) == (None, "")
    tightened = set_conditions(series(ISO, "tightened"), production_steady=False)
    assert (tightened.severity, tightened.transition) == ("tightened", None)


# Z1.4-2003, 8.3.3 and 8.3.4


def test_ten_lots_accepted_in_a_row_open_reduced_inspection_under_z14() -> None:
    state = inspect(series(Z14), *[3] * 9)
    assert (state.severity, state.score, state.accepted_in_row) == ("normal", None, 9)
    state = inspect(state, 3)
    assert (state.severity, state.transition) == ("reduced", "normal_to_reduced")
    assert state.reason == "10 consecutive lots were accepted"
    assert inspect(series(Z14), *[GOOD] * 9, BAD, *[GOOD] * 9).severity == "normal"


@pytest.mark.parametrize(
    ("found", "severity", "reason"),
    [
        (1, "reduced", ""),
        (2, "normal", "a lot was accepted between Ac and Re of its reduced plan"),
        (3, "normal", "a lot was accepted between Ac and Re of its reduced plan"),
        (4, "normal", "a lot was not accepted in reduced inspection"),
    ],
)
def test_a_lot_in_the_gap_ends_reduced_inspection(found: int, severity: str, reason: str) -> None:
    state = inspect(series(Z14, "reduced"), found)
    assert (state.severity, state.reason) == (severity, reason)
    assert state.transition == (None if severity == "reduced" else "reduced_to_normal")


def test_double_plans_switch_by_both_samples() -> None:
    state = series(Z14, "reduced")
    plan = double_plan("K", "1.0", "reduced")
    assert isinstance(plan, DoublePlan)
    with pytest.raises(SamplingError, match="inspect the second sample and give its count"):
        after_lot(state, LotResult(plan, 2))
    assert after_lot(state, LotResult(plan, 1, 0)).severity == "reduced"
    assert after_lot(state, LotResult(plan, 1, 1)).reason.startswith("a lot was accepted between")
    assert after_lot(state, LotResult(plan, 1, 4)).reason.startswith("a lot was not accepted")


def limited(state: Switching, *lots: tuple[int, int | None]) -> Switching:
    for found, limit in lots:
        state = after_lot(state, LotResult(plan_of(state), found, limit_number=limit))
    return state


def test_limit_numbers_bound_what_the_last_ten_lots_held() -> None:
    scheme = Scheme(Z14, "1.0", limit_numbers=True)
    state = begin(scheme, production_steady=True, reduced_approved=True)
    nine = limited(state, (3, None), *[(1, None)] * 8)
    assert nine.recent == (3, *[1] * 8)
    assert limited(nine, (1, None)).severity == "normal"  # the table asks for more lots
    assert limited(nine, (1, 11)).severity == "normal"  # 12 found
    assert limited(nine, (1, 12)).severity == "reduced"
    eleven = limited(nine, (1, 11), (2, 10))
    assert (eleven.recent, eleven.severity) == ((*[1] * 9, 2), "normal")  # the first lot is out
    assert limited(nine, (1, 11), (2, 11)).severity == "reduced"
    waiting = limited(set_conditions(nine, reduced_approved=False), (1, 12))
    assert (waiting.severity, waiting.limit_number) == ("normal", 12)
    assert set_conditions(waiting, reduced_approved=True).severity == "reduced"


def test_limit_numbers_count_both_samples() -> None:
    state = begin(Scheme(Z14, "1.0", limit_numbers=True))
    plan = double_plan("K", "1.0")
    assert after_lot(state, LotResult(plan, 2, 1)).recent == (3,)


# Whatever the standard


@pytest.mark.parametrize("standard", [ISO, Z14])
@pytest.mark.parametrize("severity", ["normal", "tightened", "reduced"])
@pytest.mark.parametrize("found", [GOOD, BAD])
def test_a_resubmitted_lot_never_counts(
    standard: SamplingStandard, severity: InspectionSeverity, found: int
) -> None:
    state = series(standard, severity)
    assert inspect(state, *[found] * 20, original=False) == state
    others = [single_plan("K", "1.0", s, standard) for s in SEVERITIES]  # the authority chooses its severity
    assert all(after_lot(state, LotResult(plan, found, original=False)) == state for plan in others)
    tightened = inspect(series(standard), BAD, BAD)
    after = inspect(tightened, GOOD, original=False)
    assert after == replace(tightened, transition=None, reason="")


def test_the_authority_ends_reduced_inspection_with_a_reason() -> None:
    state = return_to_normal(series(ISO, "reduced"), "new subcontractor")
    assert (state.severity, state.transition, state.reason) == (
        "normal", "reduced_to_normal", "new subcontractor",
    )  # fmt: skip
    with pytest.raises(StepError, match="needs a reason"):
        return_to_normal(series(ISO, "reduced"), " ")
    with pytest.raises(StepError, match="inspection is tightened; only reduced inspection returns"):
        return_to_normal(series(ISO, "tightened"), "new subcontractor")


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (single_plan("K", "1.0", "tightened"), "the plan is tightened; this series is at normal inspection"),
        (single_plan("K", "1.5"), "AQL 1.5, nonconforming_units; this series is of ISO 2859-1:1999, AQL 1.0"),
        (single_plan("K", "1.0", standard=Z14), "the plan is of ANSI/ASQ Z1.4"),
        (single_plan("K", "1.0", counting=PER_100), "AQL 1.0, nonconformities_per_100_units; this series"),
    ],
)
def test_a_lot_inspected_by_another_plan_does_not_follow(plan: SamplingPlan, sentence: str) -> None:
    with pytest.raises(StepError, match=sentence):
        after_lot(series(), LotResult(plan, 0))
    if plan.severity == "normal":
        with pytest.raises(StepError, match=sentence):
            after_lot(series(), LotResult(plan, 0, original=False))


@pytest.mark.parametrize(
    ("scheme", "given_", "error", "sentence"),
    [
        (Scheme(ISO, "2"), {}, SamplingError, "neighbours are 1.5 and 2.5"),
        (Scheme(ISO, "15"), {}, SamplingError, "above 10"),
        (Scheme("ISO 2859-1", "1.0"), {}, SamplingError, "names no edition"),  # type: ignore[arg-type]
        (Scheme(ISO, "1.0"), {"severity": "strict"}, SamplingError, "normal, tightened, reduced"),
        (Scheme(ISO, "1.0", limit_numbers=True), {}, SamplingError, "limit numbers belong to ANSI/ASQ Z1.4"),
        (Scheme(Z14, "1.0"), {"score": 3}, SamplingError, "a score of 3 is not kept"),
        (Scheme(ISO, "1.0"), {"score": -1}, SamplingError, "a score of -1 is not kept"),
        (Scheme(ISO, "1.0"), {"score": 1, "severity": "tightened"}, SamplingError, "not kept.*tightened"),
        (Scheme(ISO, "1.0"), {"severity": "reduced"}, StepError, "steady production and the responsible"),
        (Scheme(Z14, "1.0"), {"severity": "reduced", "production_steady": True}, StepError, "approval"),
        (Scheme(Z14, "1.0"), {"severity": "reduced", "reduced_approved": True}, StepError, "approval"),
    ],
)
def test_a_series_that_cannot_begin(
    scheme: Scheme, given_: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        begin(scheme, **given_)


def test_a_state_is_a_json_object() -> None:
    state = inspect(series(), 2)
    assert json.loads(json.dumps(state.record())) == {
        "scheme": {
            "standard": ISO, "aql": "1.0", "counting": "nonconforming_units", "limit_numbers": False,
        },
        "severity": "normal", "score": 3, "accepted_in_row": 1, "not_accepted": 0, "discontinued": False,
        "production_steady": True, "reduced_approved": True, "transition": None, "reason": "", "recent": [],
        "limit_number": None,
    }  # fmt: skip


def test_published_sequences() -> None:
    for case in cases("a9"):
        answer = ADAPTERS["a9"].answer(case["input"])
        assert answer is not None
        for ours, theirs in zip(answer["after_lot"], case["expected"]["after_lot"], strict=True):
            assert {key: ours[key] for key in theirs} == theirs, case["id"]


# A second reducer, by the whole history since the severity began


def clause_by_clause(standard: SamplingStandard, found: Sequence[int]) -> list[str]:
    """Return the severity after each lot of letter K, AQL 1.0, or "stopped", production steady, approved."""
    numbers = {"normal": (3, 4), "tightened": (2, 3), "reduced": (2, 3) if standard == ISO else (1, 4)}
    severity, since, severities = "normal", list[int](), list[str]()
    for count in found:
        since.append(count)
        ac, re = numbers[severity]
        accepted = [c < re for c in since]
        before = severity
        if severity == "normal":
            run = accepted[::-1].index(False) if False in accepted else len(accepted)
            score = 0
            for c in since:
                score = score + 3 if c <= 2 else 0
            if accepted[-5:].count(False) >= 2:
                severity = "tightened"
            elif (score >= 30) if standard == ISO else (run >= 10):
                severity = "reduced"
        elif severity == "tightened":
            if accepted[-5:] == [True] * 5:
                severity = "normal"
            elif accepted.count(False) >= 5:
                severity = "stopped"
        elif count > ac:
            severity = "normal"
        if severity != before:
            since.clear()
        severities.append(severity)
        if severity == "stopped":
            break
    return severities


@given(editions, st.lists(st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2, 3, 4]), max_size=120))
def test_both_reducers_agree(standard: SamplingStandard, found: list[int]) -> None:
    state, severities = series(standard), list[str]()
    for count in found:
        state = inspect(state, count)
        severities.append("stopped" if state.discontinued else state.severity)
        if state.discontinued:
            break
    assert severities == clause_by_clause(standard, found)


@given(editions, st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 2, 3, 4]), st.booleans()), max_size=60))
def test_folding_at_once_is_folding_lot_by_lot(
    standard: SamplingStandard, lots: list[tuple[int, bool]]
) -> None:
    stepwise, results, states = series(standard), list[LotResult](), list[Switching]()
    for found, original in lots:
        if stepwise.discontinued:
            break
        results.append(LotResult(plan_of(stepwise), found, original=original))
        before, stepwise = stepwise, after_lot(stepwise, results[-1])
        states.append(stepwise)
        # severity and transition tell the same story
        moved = before.severity != stepwise.severity
        assert moved == (stepwise.transition not in (None, "discontinued"))
        assert bool(stepwise.reason) == (stepwise.transition is not None)
        assert original or (stepwise.accepted_in_row, stepwise.score) == (
            before.accepted_in_row,
            before.score,
        )
    assert list(trace(series(standard), results)) == states
