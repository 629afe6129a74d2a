"""Run over run: figures with intervals, and which change is real."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quality
from quality import trend as runs
from quality.corrective import CapaState, capa_id
from quality.errors import ProportionError
from quality.proportions import clopper_pearson
from tests.builders import BUYER
from tests.quality.records import SPEC, Line, bad, inspection


def figures(lot: str, **fields: Any) -> runs.LotFigures:
    return runs.LotFigures.model_validate({
        "lot": lot, "units": 1000, "first_pass": 950, "inspected": 1000,
        "nonconforming": {"critical": 0, "major": 20, "minor": 40, **fields.pop("found", {})}, **fields,
    })  # fmt: skip


def changes(*lots: runs.LotFigures, **options: Any) -> dict[str, runs.Change]:
    return {c.measure: c for c in runs.trend(lots, **options).changes}


def test_ppm_and_first_pass_yield_have_exact_intervals() -> None:
    (lot,) = runs.trend([figures("A", units=500, first_pass=480, inspected=400)], confidence=0.9).lots
    share = clopper_pearson(20, 400, 0.9)
    assert lot.ppm["major"].value == 50_000
    assert (lot.ppm["major"].lower, lot.ppm["major"].upper) == (1e6 * share.lower, 1e6 * share.upper)
    assert lot.ppm["critical"].lower == 0
    assert lot.ppm["critical"].upper == pytest.approx(1e6 * (1 - 0.05 ** (1 / 400)))
    assert lot.first_pass_yield == clopper_pearson(480, 500, 0.9)


def test_nonconformities_have_poisson_intervals() -> None:
    found = {"critical": 0, "major": 10, "minor": 2000}
    (lot,) = runs.trend([figures("A", found=found, counting="nonconformities_per_100_units")]).lots
    # Garwood's 95 % limits of 10 and of 0 counts, as printed: 4.7954 to 18.3904, and 0 to 3.6889.
    major, critical = lot.ppm["major"], lot.ppm["critical"]
    assert (major.value, major.lower, major.upper) == pytest.approx((10_000, 4795.4, 18390.4), abs=0.05)
    assert (critical.lower, critical.upper) == (0, pytest.approx(1000 * -math.log(0.025)))
    assert lot.ppm["minor"].value == 2_000_000


def test_a_change_is_tested_against_all_lots_before() -> None:
    a, b = figures("A"), figures("B")
    found = changes(a, b, figures("C", found={"major": 1}))
    major = found["major"]
    assert list(found) == ["critical", "major", "minor", "first_pass"]
    assert (major.before, major.after) == (0.02, 0.001)
    both = math.comb(3000, 41)
    less = sum(math.comb(1000, i) * math.comb(2000, 41 - i) for i in range(2)) / both
    seen = math.comb(1000, 1) * math.comb(2000, 40)
    tables = (math.comb(1000, i) * math.comb(2000, 41 - i) for i in range(2, 42))
    more = sum(t for t in tables if t <= seen) / both
    assert major.p_value == pytest.approx(less + more, rel=1e-9)
    assert major.adjusted_p == pytest.approx(4 * major.p_value)
    assert major.real
    assert found["critical"].p_value == 1.0
    assert [m for m, c in found.items() if c.real] == ["major"]


def test_a_change_that_one_test_alone_would_call_real_is_not() -> None:
    found = changes(figures("A"), figures("B", found={"major": 37}))
    assert found["major"].p_value < 0.05 < found["major"].adjusted_p
    assert not found["major"].real
    assert changes(figures("A"), figures("B", found={"major": 37}), alpha=0.2)["major"].real


def test_holm_steps_down() -> None:
    # Holm 1979: 0.01, 0.04, 0.03, 0.005 become 0.03, 0.06, 0.06, 0.02.
    assert runs.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert runs.holm([0.6, 0.9]) == [1.0, 1.0]
    assert runs.holm([0.04, 0.9]) == [0.08, 0.9]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_keeps_the_order_and_never_shrinks(p_values: list[float]) -> None:
    adjusted = runs.holm(p_values)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    pairs = sorted(zip(p_values, adjusted, strict=True))
    assert [a for _, a in pairs] == sorted(adjusted)


def test_nonconformities_are_compared_by_the_conditional_test() -> None:
    one = figures("A", counting="nonconformities_per_100_units", found={"major": 10})
    two = figures("B", counting="nonconformities_per_100_units", found={"major": 2}, inspected=500)
    major = changes(one, two)["major"]
    # Given 12 in all, those of B are binomial with 1/3; the two-sided p adds what is no more probable.
    probability = [math.comb(12, i) * (1 / 3) ** i * (2 / 3) ** (12 - i) for i in range(13)]
    assert major.p_value == pytest.approx(sum(p for p in probability if p <= probability[2] * (1 + 1e-9)))
    assert (major.before, major.after) == (0.01, 0.004)
    assert changes(one, two)["critical"].p_value == 1.0


def test_several_latest_lots_are_pooled_and_too_few_are_not_tested() -> None:
    lots = [figures(name) for name in "ABC"]
    assert changes(*lots, figures("D", found={"major": 80}), latest=2)["major"].after == 0.05
    assert changes(figures("A")) == {}
    assert changes(*lots, latest=3) == {}
    assert changes(*lots, latest=2) != {}


def test_causes_recur_and_stay_open() -> None:
    lots = [
        figures("A", causes=["defect:crack:front", "characteristic:hole"]), figures("B"),
        figures("C", causes=["defect:crack:front"], open_causes=["defect:crack:front"]),
    ]  # fmt: skip
    crack, hole = runs.trend(lots).causes
    assert (crack.cause, crack.lots, crack.open_in, crack.recurring) == (
        "defect:crack:front", ("A", "C"), ("C",), True,
    )  # fmt: skip
    assert (hole.lots, hole.open_in, hole.recurring) == (("A",), (), False)
    assert crack.share == clopper_pearson(2, 3)


def test_cost_of_poor_quality_where_the_unit_cost_is_given() -> None:
    costs = {"scrapped": 10, "reworked": 30, "unit_cost": 4.0, "rework_cost": 1.5}
    free, dear, scrap = runs.trend([
        figures("A", scrapped=10), figures("B", **costs), figures("C", scrapped=10, unit_cost=4.0),
    ]).lots  # fmt: skip
    assert free.cost is None
    assert dear.cost is not None
    assert scrap.cost is not None
    scrapped, reworked = clopper_pearson(10, 1000, 0.975), clopper_pearson(30, 1000, 0.975)
    assert dear.cost.value == 85.0
    assert dear.cost.lower == pytest.approx(4000 * scrapped.lower + 1500 * reworked.lower)
    assert dear.cost.upper == pytest.approx(4000 * scrapped.upper + 1500 * reworked.upper)
    assert (scrap.cost.value, scrap.cost.upper) == (40.0, pytest.approx(4000 * scrapped.upper))


def test_cpk_and_inspection_state_go_along() -> None:
    cpk = {"hole": {"value": 1.4, "lower": 1.2, "upper": 1.6}}
    found = runs.trend([figures("A", cpk=cpk, inspection="tightened"), figures("B")])
    assert found.lots[0].cpk["hole"].value == 1.4
    assert (found.lots[0].inspection, found.lots[1].inspection) == ("tightened", None)
    record = found.record()
    assert json.loads(json.dumps(record)) == json.loads(json.dumps(record))
    assert record["lots"][0]["cpk"] == cpk
    assert (record["alpha"], record["confidence"]) == (0.05, 0.95)
    assert [c["measure"] for c in record["changes"]] == ["critical", "major", "minor", "first_pass"]


@pytest.mark.parametrize(("fields", "word"), [
    ({"first_pass": 1001}, "parts of units 1000"), ({"scrapped": 600, "reworked": 401}, "parts of units"),
    ({"found": {"minor": 1001}}, "1001 of 1000"), ({"open_causes": ["a"]}, "each is one of causes"),
    ({"unit_cost": 1, "reworked": 1}, "rework_cost"), ({"units": 0, "first_pass": 0}, "units"),
    ({"cpk": {"x": {"value": 1, "lower": 1.1, "upper": 2}}}, "outside its interval"),
    ({"nonconforming": {"major": 1}}, "critical, major and minor"), ({"unit_cost": math.nan}, "unit_cost"),
])  # fmt: skip
def test_figures_that_do_not_add_up_are_refused(fields: dict[str, Any], word: str) -> None:
    body = {**figures("A").model_dump(), **{k: v for k, v in fields.items() if k != "found"}}
    body["nonconforming"] = {**body["nonconforming"], **fields.get("found", {})}
    with pytest.raises(ValueError, match=word):
        runs.LotFigures.model_validate(body)


def test_limits_of_what_adds_up() -> None:
    whole = figures("A", first_pass=1000, scrapped=500, reworked=500, found={"minor": 1000})
    assert whole.nonconforming["minor"] == 1000


@pytest.mark.parametrize(("lots", "options", "word"), [
    ([], {}, "0 lots"), (["A", "A"], {}, "each once"), (["A", "B"], {"latest": 0}, "latest 0"),
    (["A"], {"alpha": 0.0}, "alpha"), (["A"], {"confidence": 1.0}, "confidence"),
    (["A"], {"confidence": math.nan}, "confidence"),
])  # fmt: skip
def test_what_cannot_be_compared_is_refused(lots: list[str], options: dict[str, Any], word: str) -> None:
    with pytest.raises(ProportionError, match=word):
        runs.trend([figures(name) for name in lots], **options)


def test_units_and_nonconformities_are_not_compared() -> None:
    with pytest.raises(ProportionError, match="cannot be compared"):
        runs.trend([figures("A"), figures("B", counting="nonconformities_per_100_units")])


def test_a_lot_is_counted_from_its_journal() -> None:
    line = Line().in_production().record(
        inspection("U1"), inspection("U2", "HOLD"), inspection("U2", sequence=2), bad("U3", "critical"),
        inspection("U3", sequence=2), bad("U4", "minor"), inspection("U5", "HOLD"),
    )  # fmt: skip
    known = quality.replay_nonconformances(line.lines)
    found = runs.lot_figures("L1", line.lines, known, {}, unit_cost=2.0, scrapped=1)
    assert (found.units, found.first_pass, found.inspected) == (5, 1, 4)
    assert found.nonconforming == {"critical": 1, "major": 0, "minor": 1}
    assert found.causes == found.open_causes == ("characteristic:continuity",)
    assert (found.unit_cost, found.scrapped) == (2.0, 1)
    with pytest.raises(ProportionError, match="lot L2: no unit"):
        runs.lot_figures("L2", line.lines, known, {})


def test_a_cause_is_open_until_its_units_are_disposed_and_its_action_is_closed() -> None:
    line = Line().in_production().record(bad("U3", "critical"))
    (nc,) = line.nonconformances()
    boss = quality.Person(name="B", party=BUYER.party, roles=("quality",))
    line.add(quality.dispose(nc, SPEC, "scrap", boss, quantity=1, reason="cracked", serials=("U3",)))  # pyright: ignore[reportArgumentType]
    known = quality.replay_nonconformances(line.lines)

    def is_open(capas: dict[str, CapaState]) -> bool:
        return bool(runs.lot_figures("L1", line.lines, known, capas).open_causes)

    name = capa_id(nc.id)
    assert not is_open({})
    assert is_open({name: CapaState(name, phase="effective")})
    assert not is_open({name: CapaState(name, phase="closed")})
