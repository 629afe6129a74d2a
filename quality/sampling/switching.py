"""Switching between normal, tightened and reduced inspection.

ISO 2859-1:1999, 9.3 and 9.4, and ANSI/ASQ Z1.4-2003 (R2018), 8.3 to 8.5.

The state of one series of lots (one product, one supplier, one AQL) is folded from the results of the lots
in their order. Two counts since the severity in force began are all that the rules need: how many lots were
accepted in a row, and how many were not accepted. A resubmitted lot is inspected, and never counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, Literal

from golden.plans import AQLS, CountingBasis, SamplingStandard
from quality.errors import SamplingError, StepError
from quality.sampling.plans import DoublePlan, SamplingPlan, judge, single_plan
from quality.sampling.tables import ISO_2859_1_1999, Z14_2003, InspectionSeverity, single_cell

# ISO 9.3.1: the second lot not accepted within five; 9.3.2: five in a row; 9.4: five in all. Z1.4 8.3, 8.4.
WINDOW = 5
ACCEPTED_FOR_NORMAL = 5
NOT_ACCEPTED_TO_DISCONTINUE = 5
SCORE_FOR_REDUCED = 30  # ISO 9.3.3.1
LOTS_FOR_REDUCED = 10  # Z1.4 8.3.3

Transition = Literal[
    "normal_to_tightened", "tightened_to_normal", "normal_to_reduced", "reduced_to_normal", "discontinued",
    "restarted",
]  # fmt: skip
_TRANSITIONS: dict[tuple[InspectionSeverity, InspectionSeverity], Transition] = {
    ("normal", "tightened"): "normal_to_tightened",
    ("tightened", "normal"): "tightened_to_normal",
    ("normal", "reduced"): "normal_to_reduced",
    ("reduced", "normal"): "reduced_to_normal",
}


@dataclass(frozen=True, slots=True)
class Scheme:
    """By which rules a series is switched.

    `limit_numbers` (Z1.4 alone) keeps the condition 8.3.3b on the findings of the last ten lots; the parties
    may drop it (8.5). Table VIII is not held: each lot's result brings its limit number.
    """

    standard: SamplingStandard
    aql: str
    counting: CountingBasis = "nonconforming_units"
    limit_numbers: bool = False


@dataclass(frozen=True, slots=True)
class LotResult:
    """What the inspection of a lot's sample found.

    Args:
        plan: the plan that the lot was inspected by: of the series' standard, AQL and counting, and of the
            severity in force; that of a resubmitted lot is for the authority to choose.
        found: what the (first) sample holds; `found_second` what the second alone holds.
        original: false for a resubmitted lot.
        limit_number: Table VIII's number for the sample units of the last ten lots, this one included; None
            where the table asks for more lots, or the scheme does without.
    """

    plan: SamplingPlan | DoublePlan
    found: int
    found_second: int | None = None
    original: bool = True
    limit_number: int | None = None


@dataclass(frozen=True, slots=True)
class Switching:
    """Where a series stands: `severity` is that of the next lot, unless inspection is discontinued.

    `score` is ISO's switching score; in reduced inspection it stays what opened it, and it is None under
    Z1.4. `accepted_in_row` and `not_accepted` count original lots since the severity in force began.
    `transition` and `reason` say what the last step changed; both are empty where it changed nothing.
    `recent` and `limit_number` are of the last ten lots of normal inspection, where limit numbers are kept.
    """

    scheme: Scheme
    severity: InspectionSeverity
    score: int | None
    production_steady: bool
    reduced_approved: bool
    accepted_in_row: int = 0
    not_accepted: int = 0
    discontinued: bool = False
    transition: Transition | None = None
    reason: str = ""
    recent: tuple[int, ...] = ()
    limit_number: int | None = None

    def record(self) -> dict[str, Any]:
        """Return the state as a JSON object."""
        return {**asdict(self), "recent": list(self.recent)}


def begin(
    scheme: Scheme,
    severity: InspectionSeverity = "normal",
    *,
    score: int = 0,
    production_steady: bool = False,
    reduced_approved: bool = False,
) -> Switching:
    """Return a series before its first lot: normal inspection unless the authority directs otherwise (9.1).

    `score` continues ISO's switching score of normal inspection where the series was kept elsewhere.

    Raises:
        SamplingError: the edition is not held, the AQL is not printed or does not go with the counting, limit
            numbers are asked of a standard that has none, or a score is given where none is kept.
        StepError: reduced inspection is asked for without its conditions.
    """
    single_plan("A", scheme.aql, severity, scheme.standard, scheme.counting)
    iso = scheme.standard == ISO_2859_1_1999
    if scheme.limit_numbers and iso:
        raise SamplingError(f"limit numbers belong to {Z14_2003}; {scheme.standard} has a switching score")
    if score < 0 or (score > 0 and not (iso and severity == "normal")):
        raise SamplingError(f"a score of {score} is not kept: {scheme.standard}, {severity} inspection")
    if severity == "reduced" and not (production_steady and reduced_approved):
        raise StepError("reduced inspection needs steady production and the responsible authority's approval")
    return Switching(scheme, severity, score if iso else None, production_steady, reduced_approved)


def trace(state: Switching, results: Iterable[LotResult]) -> Iterator[Switching]:
    """Yield the state after each lot; raises as `after_lot`."""
    for result in results:
        state = after_lot(state, result)
        yield state


def after_lot(state: Switching, result: LotResult) -> Switching:
    """Return the state after one more lot.

    Raises:
        StepError: inspection is discontinued, or the plan is of another standard, AQL, counting or severity.
        SamplingError: the counts do not fit the plan, or a second sample is missing.
    """
    _follows(state, result)
    judgement = judge(result.plan, result.found, result.found_second)
    if judgement == "take_second_sample":
        raise SamplingError("the first sample does not decide; inspect the second sample and give its count")
    if not result.original:
        return replace(state, transition=None, reason="")
    accepted = judgement != "reject"
    if state.severity == "normal":
        return _after_normal(state, result, accepted)
    if state.severity == "tightened":
        return _after_tightened(state, accepted)
    if not accepted:
        return _switched(state, "normal", "a lot was not accepted in reduced inspection")
    if judgement == "accept_and_return_to_normal":
        return _switched(state, "normal", "a lot was accepted between Ac and Re of its reduced plan")
    return _counted(state, accepted, state.score)


def set_conditions(
    state: Switching, *, production_steady: bool | None = None, reduced_approved: bool | None = None
) -> Switching:
    """Return the state under other conditions of reduced inspection; None leaves one as it is.

    Both are needed to enter reduced inspection, and losing one ends it.
    """
    steady = state.production_steady if production_steady is None else production_steady
    approved = state.reduced_approved if reduced_approved is None else reduced_approved
    state = replace(state, production_steady=steady, reduced_approved=approved, transition=None, reason="")
    if state.severity == "reduced" and not steady:
        return _switched(state, "normal", "production is not steady")
    if state.severity == "reduced" and not approved:
        return _switched(state, "normal", "the responsible authority no longer approves reduced inspection")
    return _reduced_if_due(state)


def return_to_normal(state: Switching, reason: str) -> Switching:
    """Return the state after the authority ended reduced inspection for other reasons (ISO 9.3.4d).

    Raises:
        StepError: inspection is not reduced, or no reason is given.
    """
    if state.severity != "reduced":
        raise StepError(
            f"inspection is {state.severity}; only reduced inspection returns to normal by decision"
        )
    if not reason.strip():
        raise StepError("returning to normal inspection needs a reason")
    return _switched(state, "normal", reason)


def restart_inspection(state: Switching, corrective_action: str) -> Switching:
    """Return the state after discontinued inspection was taken up again, tightened (ISO 9.4, Z1.4 8.4).

    Raises:
        StepError: inspection is not discontinued, or no effective corrective action is named.
    """
    if not state.discontinued:
        raise StepError("inspection is not discontinued; there is nothing to restart")
    if not corrective_action.strip():
        raise StepError("discontinued inspection restarts only after a corrective action; name it")
    return replace(_switched(state, "tightened", corrective_action), transition="restarted")


def _follows(state: Switching, result: LotResult) -> None:
    if state.discontinued:
        raise StepError(
            "inspection is discontinued: no lot is inspected until a corrective action restarts it (9.4)"
        )
    scheme, plan = state.scheme, result.plan
    if plan.standard != scheme.standard or plan.aql != scheme.aql or plan.counting != scheme.counting:
        raise StepError(
            f"the plan is of {plan.standard}, AQL {plan.aql}, {plan.counting}; "
            f"this series is of {scheme.standard}, AQL {scheme.aql}, {scheme.counting}"
        )
    if result.original and plan.severity != state.severity:
        raise StepError(f"the plan is {plan.severity}; this series is at {state.severity} inspection")


def _after_normal(state: Switching, result: LotResult, accepted: bool) -> Switching:
    if not accepted and state.not_accepted and state.accepted_in_row < WINDOW - 1:
        return _switched(state, "tightened", f"2 of {WINDOW} or fewer consecutive lots were not accepted")
    counted = _counted(state, accepted, _score(state, result, accepted))
    if state.scheme.limit_numbers:
        total = result.found + (result.found_second or 0)
        counted = replace(
            counted,
            recent=(*state.recent, total)[-LOTS_FOR_REDUCED:],
            limit_number=result.limit_number,
        )
    return _reduced_if_due(counted)


def _after_tightened(state: Switching, accepted: bool) -> Switching:
    counted = _counted(state, accepted, state.score)
    if counted.accepted_in_row == ACCEPTED_FOR_NORMAL:
        return _switched(state, "normal", f"{ACCEPTED_FOR_NORMAL} consecutive lots were accepted")
    if counted.not_accepted == NOT_ACCEPTED_TO_DISCONTINUE:
        return replace(
            counted,
            discontinued=True,
            transition="discontinued",
            reason=f"{NOT_ACCEPTED_TO_DISCONTINUE} lots were not accepted in tightened inspection",
        )
    return counted


def _score(state: Switching, result: LotResult, accepted: bool) -> int | None:
    """Return ISO's switching score after a lot of normal inspection (9.3.3.2, single sampling).

    "One step tighter" is taken in the row of the letter that was inspected, so that n is the same.
    """
    if state.score is None:
        return None
    plan = result.plan
    if not accepted or isinstance(plan, DoublePlan):
        return 0
    if plan.Ac < 2:
        return state.score + 2
    return state.score + 3 if result.found <= _tighter_ac(plan.final_code_letter, plan.aql) else 0


@cache
def _tighter_ac(letter: str, aql: str) -> int:
    return single_cell(ISO_2859_1_1999, "normal", letter, AQLS[AQLS.index(aql) - 1]).Ac


def _reduced_if_due(state: Switching) -> Switching:
    if state.severity != "normal" or not (state.production_steady and state.reduced_approved):
        return state
    if state.score is not None:
        if state.score < SCORE_FOR_REDUCED:
            return state
        return _switched(state, "reduced", f"the switching score reached {SCORE_FOR_REDUCED}")
    if state.accepted_in_row < LOTS_FOR_REDUCED or not _within_limit(state):
        return state
    return _switched(state, "reduced", f"{LOTS_FOR_REDUCED} consecutive lots were accepted")


def _within_limit(state: Switching) -> bool:
    """Return whether Z1.4's 8.3.3b holds: what the last ten lots held is at most the limit number."""
    if not state.scheme.limit_numbers:
        return True
    return state.limit_number is not None and sum(state.recent) <= state.limit_number


def _counted(state: Switching, accepted: bool, score: int | None) -> Switching:
    """Return the state with one more lot counted; written out, since `replace` takes three times as long."""
    return Switching(
        state.scheme,
        state.severity,
        score,
        state.production_steady,
        state.reduced_approved,
        state.accepted_in_row + 1 if accepted else 0,
        state.not_accepted if accepted else state.not_accepted + 1,
        recent=state.recent,
        limit_number=state.limit_number,
    )


def _switched(state: Switching, severity: InspectionSeverity, reason: str) -> Switching:
    """Return the state at the start of another severity: both counts begin again.

    Entering reduced inspection leaves the score as it is; normal and tightened begin at 0 (ISO 9.3.3.2).
    """
    return Switching(
        state.scheme,
        severity,
        state.score if severity == "reduced" or state.score is None else 0,
        state.production_steady,
        state.reduced_approved,
        transition=_TRANSITIONS.get((state.severity, severity)),
        reason=reason,
    )
