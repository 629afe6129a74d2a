"""Attribute agreement counted by hand; its figures on JASP's data are in the oracle."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from scipy import stats

from quality.errors import ProportionError, StudyError
from quality.msa import AttributeAgreement, Rating, attribute_agreement, cohen_kappa, fleiss_kappa_of_ratings

# two trials on each part; parts 1 and 2 are good, 3 and 4 bad
SAID = {
    "north": {"1": "ok ok", "2": "ok ng", "3": "ng ng", "4": "ok ng"},
    "south": {"1": "ok ok", "2": "ok ok", "3": "ng ng", "4": "ok ok"},
}
TRUE = {"1": "ok", "2": "ok", "3": "ng", "4": "ng"}


def ratings(said: dict[str, dict[str, str]] | None = None) -> list[Rating]:
    rows = SAID if said is None else said
    return [Rating(p, s, r) for s, row in rows.items() for p, text in row.items() for r in text.split()]


def study(**changes: Any) -> AttributeAgreement:
    given: dict[str, Any] = {"factor": "station", "conforming": "ok", "references": TRUE}
    return attribute_agreement(ratings(), **{**given, **changes})


def test_counts_by_hand() -> None:
    found = study()
    assert (found.factor, found.parts, found.trials) == ("station", 4, 2)
    north, south = found.levels
    assert (north.level, south.level) == ("north", "south")
    for level, within, effective, miss, alarm in ((north, 2, 2, 1, 1), (south, 4, 3, 2, 0)):
        assert level.within is not None
        assert level.effectiveness is not None
        assert level.miss is not None
        assert level.false_alarm is not None
        assert (level.within.count, level.within.n) == (within, 4)
        assert (level.effectiveness.count, level.effectiveness.n) == (effective, 4)
        assert (level.miss.count, level.miss.n) == (miss, 4)
        assert (level.false_alarm.count, level.false_alarm.n) == (alarm, 4)
    assert (found.between.count, found.between.n) == (2, 4)
    assert found.all_reference is not None
    assert found.all_reference.count == 2


def test_kappas_are_of_all_trials_in_the_order_of_parts() -> None:
    found = study()
    north = ["ok", "ok", "ok", "ng", "ng", "ng", "ok", "ng"]
    south = ["ok", "ok", "ok", "ok", "ng", "ng", "ok", "ok"]
    true = ["ok", "ok", "ok", "ok", "ng", "ng", "ng", "ng"]
    assert found.pairs == {("north", "south"): cohen_kappa(north, south)}
    assert found.levels[0].reference_kappa == cohen_kappa(north, true)
    assert found.levels[1].within_kappa == fleiss_kappa_of_ratings(
        [["ok"] * 2, ["ok"] * 2, ["ng"] * 2, ["ok"] * 2]
    )
    together = [["ok"] * 4, ["ok", "ng", "ok", "ok"], ["ng"] * 4, ["ok", "ng", "ok", "ok"]]
    assert found.between_kappa == fleiss_kappa_of_ratings(together)


def test_the_order_in_which_parts_come_does_not_matter() -> None:
    shuffled = {s: {p: SAID[s][p] for p in order} for s, order in (("north", "3142"), ("south", "1234"))}
    again = attribute_agreement(ratings(shuffled), factor="station", conforming="ok", references=TRUE)
    assert again.pairs[("north", "south")].value == pytest.approx(study().pairs[("north", "south")].value)
    assert again.levels == study().levels


def test_intervals_are_exact_or_wilsons() -> None:
    exact = stats.binomtest(2, 4).proportion_ci(0.9, "exact")
    score = stats.binomtest(2, 4).proportion_ci(0.9, "wilson")
    a, b = study(coverage=0.9), study(coverage=0.9, interval="wilson")
    assert (a.between.lower, a.between.upper) == pytest.approx((exact.low, exact.high))
    assert (b.between.lower, b.between.upper) == pytest.approx((score.low, score.high))


def test_without_references_only_agreement_is_told() -> None:
    found = study(references=None)
    assert found.all_reference is None
    for level in found.levels:
        assert level.within is not None
        assert (level.effectiveness, level.reference_kappa, level.miss, level.false_alarm) == (None,) * 4


def test_one_trial_has_no_agreement_within() -> None:
    once = {s: {p: text.split()[0] for p, text in row.items()} for s, row in SAID.items()}
    found = attribute_agreement(ratings(once), factor="appraiser", conforming="ok", references=TRUE)
    assert found.trials == 1
    assert [(level.within, level.within_kappa) for level in found.levels] == [(None, None)] * 2
    assert found.levels[0].effectiveness is not None


def test_a_study_without_bad_parts_has_no_miss_rate() -> None:
    found = study(references=dict.fromkeys(TRUE, "ok"))
    assert [level.miss for level in found.levels] == [None, None]
    assert found.levels[0].false_alarm is not None
    assert (found.levels[0].false_alarm.count, found.levels[0].false_alarm.n) == (4, 8)
    found = study(references=dict.fromkeys(TRUE, "ng"))
    assert [level.false_alarm for level in found.levels] == [None, None]
    assert found.levels[0].miss is not None
    assert (found.levels[0].miss.count, found.levels[0].miss.n) == (4, 8)


def test_any_other_category_fails_a_part() -> None:
    three = {"a": {"1": "ok dent", "2": "dent scratch"}, "b": {"1": "ok ok", "2": "dent dent"}}
    found = attribute_agreement(
        ratings(three), factor="station", conforming="ok", references={"1": "ok", "2": "dent"}
    )
    assert found.levels[0].miss is not None
    assert found.levels[0].miss.count == 0  # called a scratch: failed for another reason, not missed
    assert found.levels[0].effectiveness is not None
    assert found.levels[0].effectiveness.count == 0


@pytest.mark.parametrize(
    ("said", "changes", "what"),
    [
        ({}, {}, "0 parts and 0 levels of station"),
        ({"a": {"1": "ok", "2": "ng"}}, {}, "2 parts and 1 levels"),
        ({"a": {"1": "ok"}, "b": {"1": "ok"}}, {}, "1 parts and 2 levels"),
        ({"a": {"1": "ok", "2": "ng"}, "b": {"1": "ok"}}, {}, "'b' judged part '2' 0 times, others 1"),
        ({"a": {"1": "ok", "2": "ng ng"}, "b": {"1": "ok", "2": "ok"}}, {}, "'a' judged part '2' 2 times"),
        (SAID, {"conforming": "pass"}, "conforming 'pass': no rating"),
        (SAID, {"references": {"1": "ok"}}, "part '2' has no reference"),
    ],
)
def test_what_is_no_study(said: dict[str, dict[str, str]], changes: dict[str, Any], what: str) -> None:
    given: dict[str, Any] = {"factor": "station", "conforming": "ok", "references": None}
    with pytest.raises(StudyError, match=what):
        attribute_agreement(ratings(said), **{**given, **changes})


def test_a_coverage_outside_its_range() -> None:
    with pytest.raises((StudyError, ProportionError)):
        study(coverage=1.0)


def test_importing_the_room_loads_no_scipy() -> None:
    code = "import sys, quality, quality.msa\nassert 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
