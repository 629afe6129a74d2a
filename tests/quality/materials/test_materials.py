"""Incoming control: what is asked of a material lot, who signs, and what may go into production."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import quality
from golden.plans import IqcItem
from quality import NewEvent, Person, StepError
from quality import materials as m
from quality.materials.series import series_after
from quality.sampling import Scheme, begin
from tests.builders import BUYER, SUPPLIER
from tests.quality.materials.deliveries import (
    BUYERS_INSPECTOR,
    BUYERS_QUALITY,
    CHECKS,
    GAUGE,
    INSPECTOR,
    LATER,
    NOW,
    PRODUCTION,
    QUALITY,
    SPEC,
    STRANGER,
    Store,
    delivery,
    person,
    proof,
    released,
    spec,
)
from tests.quality.records import GOLDEN

WHAT = "substitution:manufacturer"
RECEIVES = Person(name="Li Wei", party=SUPPLIER.party, roles=("inspector", "quality"))


def test_a_conforming_delivery_is_released_and_booked() -> None:
    store = Store()
    assert store.receive() == ["material.received"]
    store.prove()
    assert store.measure() == ["material.inspected"]
    store.look()
    assert store.decide() == ["material.decided"]
    assert store.state.phase == "released"
    store.book("60.5")
    store.book("39.5", "L2")
    assert store.state.remaining == 0
    assert [(b.lot, b.quantity) for b in store.state.bookings] == [
        ("L1", Decimal("60.5")),
        ("L2", Decimal("39.5")),
    ]


@pytest.mark.parametrize(
    ("changes", "causes", "found"),
    [
        ({}, [], ""),
        ({"manufacturer": "KINGBOARD", "part_number": "kb-6160"}, [], ""),
        ({"manufacturer": "Isola"}, [], ""),
        ({"manufacturer": "Nan Ya"}, [WHAT], "Nan Ya"),
        ({"part_number": "KB-6150"}, ["substitution:part_number"], "KB-6150"),
        ({"manufacturer": "Nan Ya", "part_number": "X"}, [WHAT, "substitution:part_number"], "Nan Ya"),
    ],
)
def test_another_manufacturer_or_part_number_is_a_nonconformance(
    changes: dict[str, Any], causes: list[str], found: str
) -> None:
    store = Store()
    assert store.receive(delivery(**changes)) == ["material.received"] + ["material.nonconforming"] * len(
        causes
    )
    assert list(store.state.findings) == list(store.state.noted) == causes
    if causes:
        first = store.state.findings[causes[0]]
        assert (first.found, first.severity) == (found, "major")
        assert first.agreed == ("Kingboard, Isola" if causes[0] == WHAT else "KB-6160")
        store.decide()
        assert store.state.phase == "rejected"


def test_a_material_without_part_numbers_may_have_any() -> None:
    store = Store()
    assert store.receive(delivery(part_number="X"), spec(part_numbers=[])) == ["material.received"]


def test_evidence_that_states_another_origin_is_a_nonconformance() -> None:
    store = Store()
    store.receive()
    label = proof("lot label", manufacturer="Nan Ya", manufacturer_lot="KB-1", part_number="KB-6160")
    kinds = store.add(m.add_evidence(store.state, label, now=NOW))
    assert kinds == ["material.evidence_added", "material.nonconforming", "material.nonconforming"]
    assert list(store.state.findings) == [WHAT, "evidence:lot label"]
    other = store.state.findings["evidence:lot label"]
    assert (other.agreed, other.found) == ("Kingboard", "Nan Ya")
    again = proof("lot label", "d", manufacturer="Nan Ya")
    assert store.add(m.add_evidence(store.state, again, now=NOW)) == ["material.evidence_added"]


def test_evidence_of_another_approved_manufacturer_contradicts_the_delivery_alone() -> None:
    store = Store()
    store.receive()
    label = proof("lot label", manufacturer="isola", manufacturer_lot="I-9")
    assert store.add(m.add_evidence(store.state, label, now=NOW))[1:] == ["material.nonconforming"]
    found = store.state.findings["evidence:lot label"]
    assert (found.agreed, found.found) == ("Kingboard, KB-1", "isola, I-9")


def test_the_same_document_counts_once() -> None:
    store = Store().inspected()
    with pytest.raises(StepError, match=r"is its evidence for 'lot label' already"):
        m.add_evidence(store.state, proof("lot label"), now=NOW)
    m.add_evidence(store.state, proof("another"), now=NOW)


# samples

PLANS = [
    (None, 50, (1, 0, 1)),
    ({"every_item": True}, 50, (50, 0, 1)),
    ({"every_item": True}, 1, (1, 0, 1)),
    ({"share": 0.1}, 30, (3, 0, 1)),
    ({"share": 0.1}, 31, (4, 0, 1)),
    ({"share": 0.001}, 2, (1, 0, 1)),
    ({"aql": "4.0"}, 1, (1, 0, 1)),
    ({"aql": "4.0"}, 100, (20, 2, 3)),
    ({"aql": "4.0", "level": "I"}, 100, (13, 1, 2)),
    ({"aql": "1.0"}, 100, (13, 0, 1)),
]


@pytest.mark.parametrize(("sampling", "lot_size", "numbers"), PLANS)
def test_the_sample_of_a_check(sampling: Any, lot_size: int, numbers: tuple[int, int, int]) -> None:
    """Truth: ISO 2859-1:1999, Tables 1 and 2-A (arrows followed); shares round up."""
    item = IqcItem.model_validate({**CHECKS[0], "sampling": sampling})
    plan = m.check_plan(item, lot_size, "normal")
    assert (plan.n, plan.Ac, plan.Re) == numbers
    assert (plan.sampling is not None) == (sampling is not None and "aql" in sampling and lot_size > 1)


def test_tightened_inspection_tightens_the_sample() -> None:
    """Truth: Table 2-B, letter F, AQL 4.0: 20, 1, 2."""
    plan = m.check_plan(IqcItem.model_validate(CHECKS[0]), 100, "tightened")
    assert (plan.n, plan.Ac, plan.Re) == (20, 1, 2)


@pytest.mark.parametrize(
    ("wrong", "accepted"),
    [((), True), ((1.5, 1.7), True), ((1.4999, 1.7001), True), ((1.4999, 1.7001, 2.0), False)],
)
def test_readings_are_weighed_by_the_limits_and_the_acceptance_number(
    wrong: tuple[float, ...], accepted: bool
) -> None:
    store = Store()
    store.receive()
    store.prove().look()
    store.measure(*wrong)
    assert store.state.checks["thickness"].event.nonconforming == sum(not 1.5 <= w <= 1.7 for w in wrong)
    assert ("check:thickness" in store.state.findings) is not accepted
    store.decide()
    assert (store.state.phase == "released") is accepted


def test_a_failed_check_tells_what_was_found() -> None:
    store = Store()
    store.receive()
    assert store.look(1) == ["material.inspected", "material.nonconforming"]
    finding = store.state.findings["check:check-2"]
    assert (finding.severity, finding.found) == ("minor", "1 of 10 do not conform")
    assert finding.agreed == "Copper free of oxide: at most 0 of 10"


def test_a_sample_is_the_plans_or_rejects_before_it_is_complete() -> None:
    store = Store()
    store.receive()
    for n, wrong in ((19, (2.0, 2.0)), (21, ()), (21, (2.0, 2.0, 2.0))):
        with pytest.raises(StepError, match=rf"inspects 20 items \(accept 2, reject 3\), not {n}"):
            store.measure(*wrong, n=n)
    store.measure(2.0, 2.0, 2.0, n=3)
    assert store.state.findings["check:thickness"].found == "3 of 3 do not conform"


def measured(store: Store, values: list[float], due: str = "2026-07-01", at: datetime = NOW) -> Any:
    gauge = m.Instrument.model_validate({"id": "MIC-7", "calibration_due": due})
    return m.inspect_measured(store.state, "thickness", values, gauge, INSPECTOR, now=at)


def test_what_an_inspection_cannot_say() -> None:
    store = Store()
    store.receive()
    good = [1.6] * 20
    with pytest.raises(StepError, match="calibration of MIC-7 ended on 2026-06-30"):
        measured(store, good, "2026-06-30")
    measured(store, good)
    for values, problem in (([], "no readings"), ([float("nan")] * 20, r"readings\.0.*finite")):
        with pytest.raises(StepError, match=problem):
            measured(store, values)
    with pytest.raises(StepError, match="has no zone"):
        measured(store, good, at=NOW.replace(tzinfo=None))
    with pytest.raises(StepError, match=r"no check 'width'; it has: thickness, check-2"):
        m.inspect_measured(store.state, "width", good, GAUGE, INSPECTOR, now=NOW)
    with pytest.raises(StepError, match="conform or not: give counts"):
        m.inspect_measured(store.state, "check-2", [1.0] * 10, GAUGE, INSPECTOR, now=NOW)
    with pytest.raises(StepError, match="is measured: name the instrument"):
        m.inspect_attribute(store.state, "thickness", 20, 0, INSPECTOR, now=NOW)
    with pytest.raises(StepError, match="nonconforming 11 of 10"):
        store.look(11)
    store.look()
    with pytest.raises(StepError, match="check-2 has its result; a sample is not taken twice"):
        store.look()


def test_a_lot_is_held_until_everything_is_there() -> None:
    store = Store()
    store.receive()
    waits = (
        "held until there is evidence 'certificate of conformity', evidence 'lot label', check thickness, "
        "check check-2"
    )
    with pytest.raises(StepError, match=waits):
        store.decide()
    store.prove().measure()
    with pytest.raises(StepError, match=r"held until there is check check-2$"):
        store.decide()
    assert store.state.record()["decision"] == "hold"
    store.look()
    store.decide()


# people


def concession(who: Person) -> Callable[[Store], Any]:
    return lambda s: m.concede_material(
        s.state, who, quantity=Decimal(1), reason="urgent", expires=LATER, now=NOW
    )


def rejected() -> Store:
    store = Store()
    store.receive(delivery(manufacturer="Nan Ya"))
    store.decide()
    return store


def fresh() -> Store:
    store = Store()
    store.receive()
    return store


Step = Callable[[Store, Person], Any]
SIGNED: list[tuple[str, str, tuple[str, ...], Callable[[], Store], Step]] = [
    (
        "receiving", "inspector", (SUPPLIER.party, BUYER.party), Store,
        lambda s, p: m.receive_material(s.state, SPEC, GOLDEN, "laminate", delivery(), p, now=NOW),
    ),
    (
        "inspecting", "inspector", (SUPPLIER.party, BUYER.party), fresh,
        lambda s, p: m.add_evidence(s.state, proof(person=p), now=NOW),
    ),
    (
        "inspecting", "inspector", (SUPPLIER.party, BUYER.party), fresh,
        lambda s, p: m.inspect_attribute(s.state, "check-2", 10, 0, p, now=NOW),
    ),
    (
        "deciding", "quality", (SUPPLIER.party,), lambda: Store().inspected(),
        lambda s, p: m.decide_material(s.state, p, now=NOW),
    ),
    ("a concession", "quality", (BUYER.party,), rejected, lambda s, p: concession(p)(s)),
    (
        "booking", "production", (SUPPLIER.party,), released,
        lambda s, p: m.book_material(s.state, "L1", Decimal(1), p, now=NOW),
    ),
]  # fmt: skip
ROLES = ("inspector", "quality", "engineering", "production", "management")


@pytest.mark.parametrize(("step", "role", "parties", "before", "take"), SIGNED)
def test_every_signature_needs_its_role_and_party(
    step: str, role: str, parties: tuple[str, ...], before: Callable[[], Store], take: Step
) -> None:
    store = before()
    for who in (person(r, p) for r in ROLES for p in (SUPPLIER.party, BUYER.party, STRANGER)):
        if who.roles == (role,) and who.party in parties:
            assert all(isinstance(event, NewEvent) for event in take(store, who))
            continue
        needed = f"material:M1: {step} needs a person with the role {role} at {' or '.join(parties)}; Li Wei"
        with pytest.raises(StepError, match=f"{needed} has {who.roles[0]} at {who.party}"):
            take(store, who)
    with pytest.raises(StepError, match="has no role at"):
        take(store, Person(name="Li Wei", party=parties[0]))


# booking and concession


def test_only_released_material_is_booked_and_no_more_than_remains() -> None:
    store = Store()
    for before in (store.state, fresh().state, rejected().state):
        with pytest.raises(StepError, match="only released or conceded material goes into production"):
            m.book_material(before, "L1", Decimal(1), PRODUCTION, now=NOW)
    store = released()
    store.book("99.999999")
    with pytest.raises(StepError, match=r"0\.000002 sheet booked to lot L1, but 0\.000001 remain"):
        store.book("0.000002")
    store.book("0.000001")
    for quantity, problem in (("0.000001", "but 0.000000 remain"), ("0", "quantity"), ("-1", "quantity")):
        with pytest.raises(StepError, match=problem):
            store.book(quantity)


def test_a_concession_has_a_quantity_and_an_end() -> None:
    store = rejected()
    before = store.state
    for quantity, expires, problem in (
        ("100.1", LATER, r"100\.1 conceded of 100 received"),
        ("40", NOW, "has expired already"),
        ("40", LATER.replace(tzinfo=None), "has no zone"),
    ):
        with pytest.raises(StepError, match=problem):
            m.concede_material(
                before, BUYERS_QUALITY, quantity=Decimal(quantity), reason="urgent", expires=expires, now=NOW
            )
    with pytest.raises(StepError, match="reason"):
        m.concede_material(before, BUYERS_QUALITY, quantity=Decimal(1), reason="", expires=LATER, now=NOW)
    with pytest.raises(StepError, match="concedes a rejected lot"):
        concession(BUYERS_QUALITY)(released())
    assert concession(BUYERS_QUALITY)(store)
    store.concede("40")
    assert (store.state.phase, store.state.remaining) == ("conceded", 40)
    store.book("40", at=LATER - timedelta(microseconds=1))
    with pytest.raises(StepError, match="but 0 remain"):
        store.book("1")
    other = rejected()
    other.concede("100")
    with pytest.raises(StepError, match="its concession expired at 2026-07-31T12:00:00Z"):
        other.book("1", at=LATER)
    with pytest.raises(StepError, match="once"):
        other.concede()


def test_what_cannot_be_received() -> None:
    store = Store()
    for given, problem in (
        (delivery(unit="kg"), "unit 'kg' is not the bill of materials' 'sheet'"),
        (delivery(received_at="2026-07-01T12:00:01Z"), "lies in the future"),
        (delivery(received_at="2026-02-30T12:00:01Z"), "is not a time"),
    ):
        with pytest.raises(StepError, match=problem):
            store.receive(given)
    with pytest.raises(
        StepError, match=r"no material 'steel' in the bill of materials of T1; it holds: laminate"
    ):
        m.receive_material(store.state, SPEC, GOLDEN, "steel", delivery(), INSPECTOR, now=NOW)
    store.receive()
    with pytest.raises(StepError, match="a material lot is received once"):
        store.receive()


def test_a_sample_that_no_standard_gives_is_refused_at_receipt() -> None:
    item = m.agreed_material(SPEC, "laminate").items[0]
    assert item.sampling is not None
    odd = item.model_copy(update={"sampling": item.sampling.model_copy(update={"standard": "ISO 2859-1"})})
    with pytest.raises(quality.SamplingError):
        m.check_plan(odd, 100, "normal")


def test_the_record_is_complete() -> None:
    store = released()
    store.book("30")
    record = store.state.record()
    assert record["record_id"] == "M1"
    assert (record["decision"], record["disposition"], record["remaining"]) == ("accept", "released", "70")
    assert record["golden"] == {"digest": GOLDEN.digest, "version": 1}
    assert record["signed_by"] == {"name": "Li Wei", "party": SUPPLIER.party, "roles": ["quality"]}
    assert record["signed_at"] == "2026-07-01T12:00:00Z"
    assert record["required_evidence"] == ["certificate of conformity", "lot label"]
    assert record["switching_state_after"] == {"thickness": "normal"}
    assert record["missing"] == record["nonconformities"] == []
    assert record["booked"][0]["quantity"] == "30"
    thickness, oxide = record["checks"]
    plan = ("sampling_standard", "inspection_level", "aql", "switching_severity")
    assert [thickness[k] for k in plan] == ["ISO 2859-1:1999", "II", "4.0", "normal"]
    assert [oxide[k] for k in plan] == [None] * 4
    numbers = ("code_letter", "sample_size", "acceptance_number", "rejection_number", "inspected")
    assert [thickness[k] for k in numbers] == ["F", 20, 2, 3, 20]
    assert (thickness["instrument"], thickness["calibration_due"]) == ("MIC-7", "2026-07-01")
    assert (thickness["outcome"], thickness["readings"]) == ("accept", [1.6] * 20)
    assert [oxide[k] for k in numbers] == [None, 10, 0, 1, 10]
    assert oxide["inspector"]["party"] == BUYERS_INSPECTOR.party
    assert (oxide["instrument"], oxide["inspected_at"]) == (None, "2026-07-01T12:00:00Z")


def test_the_record_of_a_rejected_lot() -> None:
    store = fresh()
    store.measure(2.0, 2.0, 2.0)
    assert [c["outcome"] for c in store.state.record()["checks"]] == ["reject", "hold"]
    store.decide()
    record = store.state.record()
    assert (record["decision"], record["disposition"], record["remaining"]) == ("reject", "rejected", "0")
    assert record["nonconformities"][0]["cause"] == "check:thickness"
    store.concede("12.5")
    assert store.state.record()["concession"]["quantity"] == "12.5"
    with pytest.raises(StepError, match="material:M9: nothing was received"):
        m.MaterialState("M9").record()


# series, bill of materials


def in_house(name: str, series: Any, restart: str | None = None) -> Store:
    store = Store(name)
    store.add(
        m.receive_material(
            store.state, SPEC, GOLDEN, "laminate", delivery(), RECEIVES, now=NOW, series=series,
            restart=restart,
        )
    )  # fmt: skip
    return store


def decided(name: str, series: Any, *wrong: float, restart: str | None = None) -> Store:
    return inspected(in_house(name, series, restart), series, *wrong)


def inspected(store: Store, series: Any, *wrong: float) -> Store:
    store.prove().measure(*wrong)
    store.look()
    store.add(m.decide_material(store.state, QUALITY, now=NOW, series=series))
    return store


def test_two_rejected_deliveries_tighten_the_inspection_of_the_next() -> None:
    """Truth: ISO 2859-1:1999, 9.3.1 and 9.4, counted by hand."""
    done: list[m.MaterialState] = []
    severities: list[str] = []
    for i in range(7):
        store = decided(f"M{i}", m.iqc_series(done), 2.0, 2.0, 2.0)
        assert store.state.decision is not None
        severities.append(store.state.decision.switching_after["thickness"])
        assert store.state.receipt.severities == {"thickness": "normal" if i < 2 else "tightened"}
        done.append(store.state)
    assert severities == ["normal", *["tightened"] * 5, "discontinued"]
    with pytest.raises(StepError, match="inspection of thickness is discontinued"):
        decided("M9", m.iqc_series(done))
    done.append(decided("M9", m.iqc_series(done), restart="8D 7").state)
    assert done[-1].receipt.severities == {"thickness": "tightened"}
    series = m.iqc_series([m.MaterialState("absent"), *done])
    assert (series["thickness"].severity, series["thickness"].accepted_in_row) == ("tightened", 1)


def test_a_delivery_in_house_before_the_switch_is_decided_and_does_not_count() -> None:
    beside = in_house("M9", {})
    done = [decided("M0", {}, 2.0, 2.0, 2.0).state]
    done.append(decided("M1", m.iqc_series(done), 2.0, 2.0, 2.0).state)
    assert m.iqc_series(done)["thickness"].severity == "tightened"
    done.append(inspected(beside, m.iqc_series(done)).state)
    assert done[-1].phase == "released"
    assert done[-1].decision is not None
    assert done[-1].decision.switching_after == {"thickness": "tightened"}
    assert m.iqc_series(done)["thickness"].accepted_in_row == 0


def test_a_delivery_inspected_at_normal_ends_reduced_inspection_only_by_its_rejection() -> None:
    bad, good = Store(), Store()
    for store, wrong in ((bad, (2.0, 2.0, 2.0)), (good, ())):
        store.receive()
        store.measure(*wrong)
    plan = good.state.checks["thickness"].plan.sampling
    assert plan is not None
    scheme = Scheme(plan.standard, plan.aql, plan.counting)
    before = begin(scheme, "reduced", production_steady=True, reduced_approved=True)
    assert series_after(good.state, {"thickness": before}) == {"thickness": before}
    after = series_after(bad.state, {"thickness": before})["thickness"]
    assert (after.severity, after.reason) == ("normal", "material:M1, at normal, was rejected")


def test_only_discontinued_inspection_restarts_and_the_suppliers_quality_says_so() -> None:
    with pytest.raises(StepError, match="nothing to restart"):
        in_house("M0", {}, restart="8D 7")
    done: list[m.MaterialState] = []
    for i in range(7):
        done.append(decided(f"M{i}", m.iqc_series(done), 2.0, 2.0, 2.0).state)
    with pytest.raises(StepError, match="restarting inspection needs a person with the role quality"):
        m.receive_material(
            m.MaterialState("M9"), SPEC, GOLDEN, "laminate", delivery(), INSPECTOR, now=NOW,
            series=m.iqc_series(done), restart="8D 7",
        )  # fmt: skip
