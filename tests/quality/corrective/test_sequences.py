"""No sequence of steps closes a corrective action without cause, action and proof."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import quality.corrective as cap
from quality.errors import QualityError
from quality.events import Person
from tests.quality.corrective.cases import (
    BUYS,
    CHECKER,
    MAKER,
    OWNER,
    Case,
    hours,
    lot,
    stamp,
)

# --- any sequence of steps ---------------------------------------------------------------------------------

_PEOPLE = (MAKER, OWNER, CHECKER, BUYS)
_STEP = st.one_of(
    st.tuples(st.just("submit"), st.sampled_from(cap.DISCIPLINES), st.sampled_from(_PEOPLE)),
    st.tuples(st.just("approve"), st.sampled_from(cap.DISCIPLINES), st.sampled_from(_PEOPLE)),
    st.tuples(st.just("reject"), st.sampled_from(cap.DISCIPLINES), st.sampled_from(_PEOPLE)),
    st.tuples(st.just("next"), st.just(""), st.just(BUYS)),
    st.tuples(
        st.just("observe"), st.integers(0, 9).map(lambda i: 1 if i == 0 else 0), st.sampled_from(_PEOPLE)
    ),
    st.tuples(st.just("verify"), st.sampled_from(("effective", "not_effective")), st.sampled_from(_PEOPLE)),
    st.tuples(st.just("recur"), st.just(""), st.just(BUYS)),
    st.tuples(st.just("review"), st.sampled_from(("confirmed", "dismissed")), st.sampled_from(_PEOPLE)),
)


def attempt(case: Case, step: tuple[str, Any, Person], at: float) -> None:
    what, detail, person = step
    fields = {"D6": {"implemented_at": stamp(hours(at - 0.1))}, "D8": {"closed_at": stamp(hours(at))}}
    if what == "next":  # the honest next report, so that random walks get far
        missing = next((d for d in cap.DISCIPLINES if d not in case.state.reports), "D8")
        case.submit(missing, at, **fields.get(missing, {}))
        case.approve(missing, at + 0.5)
    elif what == "submit":
        case.submit(detail, at, by=person, **fields.get(detail, {}))
    elif what == "approve":
        case.approve(detail, at, by=person)
    elif what == "reject":
        case.add(cap.reject_report(case.state, detail, person, reason="no", now=hours(at)), at)
    elif what == "observe":
        case.observe(lot(f"G{at}", detail, at=at - 0.1), at, by=person)
    elif what == "verify":
        case.verify(detail, at, by=person)
    elif what == "recur":
        case.recur(f"R{at}", at)
    else:
        pending = next((r.nonconformance for r in case.state.recurrences if r.status == "pending"), "nc-0")
        case.review(pending, detail, at, by=person)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.just(("next", "", BUYS)), _STEP), min_size=10, max_size=45))
def test_no_sequence_of_steps_closes_without_cause_action_and_proof(
    steps: list[tuple[str, Any, Person]],
) -> None:
    case = Case().opened()
    for i, step in enumerate(steps):
        before = case.state
        try:
            attempt(case, step, 10.0 + i)
        except QualityError:
            done = step[0] == "next" and "D8" not in before.reports
            assert case.state == before or done
        state = case.state
        if state.phase in ("implemented", "verifying", "effective", "closed"):
            assert all(state.reports[d].status == "approved" for d in ("D3", "D4", "D5", "D6"))
        if state.phase in ("effective", "closed"):
            verdict = state.verdict()
            assert verdict is not None
            assert verdict.outcome == "effective"
            assert state.verified_by is not None
            assert state.verified_by.name not in {"Chen Bo", "Zhao Min", "Li Wei"}
        assert (state.phase == "closed") <= (
            "D8" in state.reports and state.reports["D8"].status == "approved"
        )
        assert (state.phase in ("contained", "verifying")) <= state.containment_in_force
    assert cap.replay_capas(case.lines)[case.state.id] == case.state
