"""Recall both ways: the index against a naive search of the same journal."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.journal import GENESIS, JournalLine
from quality import NewEvent, Person, StepError
from quality import genealogy as g
from tests.builders import BUYER, SUPPLIER
from tests.quality.records import GOLDEN, SPEC, Line

PACKER = Person(name="Li Wei", party=SUPPLIER.party, roles=("production",))
PERSON = PACKER.model_dump(mode="json")


def line(sequence: int, kind: str, subject: str, body: dict[str, Any]) -> JournalLine:
    """Return a line whose chain nobody checks."""
    return JournalLine.model_construct(
        sequence=sequence, time="2026-07-01T12:00:00Z", actor="t", kind=kind, subject=subject, body=body,
        previous=GENESIS, hash=GENESIS,
    )  # fmt: skip


def numbered(events: Iterable[tuple[str, str, dict[str, Any]]]) -> list[JournalLine]:
    return [line(n, *event) for n, event in enumerate(events, 1)]


def opened(lot: str) -> tuple[str, str, dict[str, Any]]:
    return "lot.opened", lot, {"golden": GOLDEN.model_dump()}


def seen(lot: str, serial: str, station: str = "line-1") -> tuple[str, str, dict[str, Any]]:
    return "inspection.recorded", lot, {"serial": serial, "station": station}


def received(material: str, kind: str = "resin") -> tuple[str, str, dict[str, Any]]:
    return "material.received", f"material:{material}", {"agreed": {"material": {"id": kind}}}


def booked(material: str, lot: str) -> tuple[str, str, dict[str, Any]]:
    return "material.booked", f"material:{material}", {"lot": lot}


def frozen(lot: str, *serials: str) -> tuple[str, str, dict[str, Any]]:
    return "lot.frozen", lot, {"serials": list(serials)}


def made(lot: str, *serials: str, cavity: str | None = None, materials: tuple[str, ...] = ()) -> Any:
    body = {"lot": lot, "serials": list(serials), "cavity": cavity, "materials": list(materials)}
    return "unit.made", f"units:{lot}", {**body, "person": PERSON}


def packed(carton: str, **units: list[str]) -> tuple[str, str, dict[str, Any]]:
    return "carton.packed", f"carton:{carton}", {"units": units, "person": PERSON}


def sent(shipment: str, *cartons: str) -> tuple[str, str, dict[str, Any]]:
    return "shipment.sent", f"shipment:{shipment}", {
        "cartons": list(cartons), "customer": "Nordic", "person": PERSON,
    }  # fmt: skip


def released(lot: str) -> tuple[str, str, dict[str, Any]]:
    return "lot.released", lot, {}


def story() -> list[tuple[str, str, dict[str, Any]]]:
    """Two lots, three material lots of two kinds, three cartons, one shipment."""
    return [
        opened("L1"), opened("L2"), received("R1"), received("R2"), received("P1", "paint"),
        booked("R1", "L1"), booked("R2", "L1"), booked("P1", "L1"), booked("R2", "L2"),
        made("L1", "a", "b", cavity="1", materials=("R1",)), made("L1", "c", cavity="2"),
        seen("L1", "a"), seen("L1", "a", "line-2"), seen("L1", "a"), seen("L1", "b"), seen("L1", "c"),
        seen("L1", "d"), seen("L2", "a"),
        frozen("L1", "a", "b", "c"), frozen("L2", "a"), packed("C1", L1=["a"]),
        packed("C2", L1=["c"], L2=["a"]), packed("C3", L1=["b"]), released("L1"), sent("S1", "C1"),
    ]  # fmt: skip


def test_a_unit_knows_where_it_comes_from_and_went() -> None:
    index = g.build_genealogy(numbered(story()))
    assert g.origin(index, "L1", "a") == g.Origin(
        unit=("L1", "a"), golden=GOLDEN, stations=("line-1", "line-2"), cavity="1", materials=("R1", "P1"),
        carton="C1", shipment="S1",
    )  # fmt: skip
    loose = g.origin(index, "L1", "d")
    assert (loose.cavity, loose.materials, loose.carton, loose.shipment) == (
        None, ("R1", "R2", "P1"), None, None,
    )  # fmt: skip
    assert g.origin(index, "L2", "a").materials == ("R2",)
    assert g.origin(index, "L2", "a").shipment is None
    for lot, serial in (("L2", "b"), ("L9", "a")):
        with pytest.raises(StepError, match=f"lot {lot} has no unit {serial}"):
            g.origin(index, lot, serial)


def test_a_material_lot_knows_its_units_cartons_and_shipments() -> None:
    index = g.build_genealogy(numbered(story()))
    assert g.units_with_material(index, "R1") == g.Affected(
        units=(("L1", "a"), ("L1", "b"), ("L1", "c"), ("L1", "d")), cartons=("C1", "C3", "C2"),
        shipments=("S1",), in_house=(("L1", "b"), ("L1", "c"), ("L1", "d")),
    )  # fmt: skip
    r2 = g.units_with_material(index, "R2")
    assert r2.units == (("L1", "c"), ("L1", "d"), ("L2", "a"))
    assert (r2.shipments, r2.cartons) == ((), ("C2",))
    assert g.units_with_material(index, "nothing") == g.Affected((), (), (), ())
    assert g.units_of_cavity(index, "L1", "1").units == (("L1", "a"), ("L1", "b"))
    assert g.units_of_cavity(index, "L1", "3").units == g.units_of_cavity(index, "L9", "1").units == ()


def test_a_resubmitted_unit_is_the_same_unit() -> None:
    again = {
        "golden": GOLDEN.model_dump(),
        "resubmission": {"lot": "L2", "units": {"a": ["line-1"], "b": []}},
    }
    index = g.build_genealogy(
        numbered([
            opened("L2"), received("R2"), received("P1", "paint"), booked("R2", "L2"), seen("L2", "a"),
            seen("L2", "b"), seen("L2", "c"), ("lot.opened", "L2-R", again), booked("P1", "L2-R"),
            seen("L2-R", "a", "line-9"), frozen("L2-R", "a"), packed("C1", **{"L2-R": ["a"]}),
            released("L2-R"), sent("S1", "C1"),
            ("lot.opened", "L2-RR", {**again, "resubmission": {"lot": "L2-R", "units": {"b": []}}}),
        ])
    )  # fmt: skip
    for lot in ("L2", "L2-R"):
        found = g.origin(index, lot, "a")
        assert (set(found.materials), found.shipment) == ({"R2", "P1"}, "S1")
        assert found.stations == ("line-1", "line-9")
    assert g.origin(index, "L2", "c").materials == ("R2",)
    assert set(g.origin(index, "L2-RR", "b").materials) == {"R2", "P1"}
    with pytest.raises(StepError, match="no unit c"):
        g.origin(index, "L2-R", "c")
    assert g.units_with_material(index, "R2").units == (("L2", "a"), ("L2", "b"), ("L2", "c"))
    paint = g.units_with_material(index, "P1")
    assert (paint.units, paint.shipments) == ((("L2", "a"), ("L2", "b")), ("S1",))
    assert paint.in_house == (("L2", "b"),)
    assert index.lots["L2-RR"].units["b"].lots == ("L2", "L2-R", "L2-RR")


def index_of(*events: tuple[str, str, dict[str, Any]]) -> g.Genealogy:
    return g.build_genealogy(numbered(events or story()))


def names(*events: tuple[str, str, dict[str, Any]], drop: int = 0) -> str:
    known = story()[: len(story()) - drop]
    with pytest.raises(StepError) as error:
        g.build_genealogy(numbered([*known, *events]))
    return str(error.value)


def test_what_cannot_be_is_refused() -> None:
    assert "carton C1 is packed already" in names(packed("C1", L2=["a"]))
    assert "unit a of lot L1 is in carton C1" in names(packed("C9", L1=["a"]))
    assert "unit d is not in the frozen manifest of lot L1" in names(packed("C9", L1=["d"]))
    assert "is not in the frozen manifest of lot L9" in names(packed("C9", L9=["d"]))
    assert "a is named twice" in names(packed("C9", L1=["a", "a"]))
    assert "shipment S1 is sent already" in names(sent("S1", "C3"))
    assert "carton C1 left with S1" in names(sent("S2", "C1"))
    assert "carton C7 is not packed" in names(sent("S2", "C7"))
    assert "C3 is named twice" in names(sent("S2", "C3", "C3"))
    assert "carton C2 holds lot L2, which is not released" in names(sent("S2", "C2"))
    assert "carton C1 holds lot L1, which is not released" in names(sent("S2", "C1"), drop=2)
    assert "how unit a was made is noted already" in names(made("L1", "a"))
    assert "material lot R1 is not booked to it" in names(made("L2", "a", materials=("R1",)))
    assert "lot L3 is not open" in names(made("L3", "a"))
    assert "material lot R9 was not received" in names(booked("R9", "L1"))


def test_forged_lines_are_refused() -> None:
    kind, subject, body = packed("C9", L2=["a"])
    worker = {**PERSON, "roles": ["inspector"]}
    for k, s, b in (packed("C9", L1=["d"]), sent("S2", "C3"), made("L1", "d")):
        assert "needs a person with the role production; Li Wei has inspector" in names(
            (k, s, {**b, "person": worker})
        )
    assert "not the body of carton.packed" in names((kind, subject, {}))
    assert "not the body of lot.frozen" in names(("lot.frozen", "L1", {}))
    lost = {"golden": GOLDEN.model_dump(), "resubmission": {"lot": "L1", "units": {"z": []}}}
    assert "not the body of lot.opened" in names(("lot.opened", "L5", lost))
    assert "not the body of lot.opened" in names(("lot.opened", "L5", {"golden": {"version": 0}}))
    assert "not the body of inspection.recorded" in names(("inspection.recorded", "L9", {"serial": "a"}))
    assert "is about 'units:L2', not about 'units:L1'" in names(("unit.made", "units:L2", made("L1", "d")[2]))
    assert "not the body of carton.packed" in names((kind, subject, {**body, "units": {"L2": []}}))
    index = index_of()
    with pytest.raises(StepError, match="comes after line 25 of the genealogy"):
        g.extend_genealogy(index, [line(25, *released("L2"))])


def test_a_line_that_is_refused_changes_nothing() -> None:
    index = index_of()
    with pytest.raises(StepError):
        g.extend_genealogy(index, [line(26, *packed("C9", L2=["a"], L1=["d"]))])
    assert index == index_of()


def test_lines_of_other_kinds_are_skipped() -> None:
    index = index_of()
    g.extend_genealogy(index, [line(90, "fai.decided", "L1", {}), line(26, *released("L2"))])
    assert index.sequence == 26


# steps


def test_steps_give_the_lines_that_the_index_takes() -> None:
    run = Line().produced(3)
    index = g.build_genealogy(run.lines)

    def follow(events: tuple[NewEvent, ...]) -> None:
        for event in events:
            at = index.sequence + 1
            g.extend_genealogy(index, [line(at, event.kind, event.subject, event.body)])

    follow(g.make_units(index, SPEC, "L1", ["U000"], PACKER, cavity="4"))
    assert g.origin(index, "L1", "U000").cavity == "4"
    with pytest.raises(StepError, match="frozen manifest"):
        g.pack_carton(index, SPEC, "C1", {"L1": ["U000"]}, PACKER)
    follow((NewEvent("lot.frozen", "L1", {"serials": ["U000", "U001"]}),))
    follow(g.pack_carton(index, SPEC, "C1", {"L1": ["U000"]}, PACKER))
    with pytest.raises(StepError, match="is not released"):
        g.send_shipment(index, SPEC, "S1", ["C1"], "Nordic", PACKER)
    follow((NewEvent("lot.released", "L1", {}),))
    follow(g.send_shipment(index, SPEC, "S1", ["C1"], "Nordic", PACKER))
    assert g.origin(index, "L1", "U000").shipment == "S1"
    assert index.shipments["S1"].customer == "Nordic"
    for step in (
        lambda: g.pack_carton(index, SPEC, "C2", {"L1": []}, PACKER),
        lambda: g.pack_carton(index, SPEC, "C2", {}, PACKER),
        lambda: g.send_shipment(index, SPEC, "S2", [], "Nordic", PACKER),
        lambda: g.make_units(index, SPEC, "L1", [], PACKER),
    ):
        with pytest.raises(StepError, match="at least 1 item"):
            step()


@pytest.mark.parametrize("role", ["inspector", "quality", "engineering", "production", "management"])
@pytest.mark.parametrize("party", [SUPPLIER.party, BUYER.party])
def test_the_suppliers_production_makes_packs_and_sends(role: Any, party: str) -> None:
    index = g.build_genealogy(numbered(e for e in story() if e[1] != "carton:C2"))
    who = Person(name="Li Wei", party=party, roles=(role,))
    steps = (
        lambda: g.make_units(index, SPEC, "L1", ["d"], who),
        lambda: g.pack_carton(index, SPEC, "C9", {"L2": ["a"]}, who),
        lambda: g.send_shipment(index, SPEC, "S2", ["C3"], "Nordic", who),
    )
    for step in steps:
        if (role, party) == ("production", SUPPLIER.party):
            assert len(step()) == 1
        else:
            needed = (
                f"needs a person with the role production at {SUPPLIER.party}; Li Wei has {role} at {party}"
            )
            with pytest.raises(StepError, match=needed):
                step()


# against a naive search


@st.composite
def journals(draw: st.DrawFn) -> list[tuple[str, str, dict[str, Any]]]:
    lots = ["L1", "L2", "L3"]
    materials = {"R1": "resin", "R2": "resin", "P1": "paint", "P2": "paint"}
    events = [received(m, kind) for m, kind in materials.items()] + [opened(lot) for lot in lots]
    loose: list[tuple[str, str]] = []
    for lot in lots:
        mine = draw(st.lists(st.sampled_from(sorted(materials)), unique=True))
        events += [booked(m, lot) for m in mine]
        serials = [f"{i}" for i in range(draw(st.integers(0, 6)))]
        for serial in serials:
            if draw(st.booleans()):
                known = tuple(m for m in mine if draw(st.booleans()))
                events.append(
                    made(lot, serial, cavity=draw(st.sampled_from([None, "1", "2"])), materials=known)
                )
            events += [seen(lot, serial, s) for s in draw(st.lists(st.sampled_from(["A", "B"]), min_size=1))]
        events += [frozen(lot, *serials), released(lot)]
        loose += [(lot, serial) for serial in serials]
    loose = draw(st.permutations(loose))
    for c in range(draw(st.integers(0, 4))):
        take, loose = loose[:2], loose[2:]
        if take:
            units: dict[str, list[str]] = {}
            for lot, serial in take:
                units.setdefault(lot, []).append(serial)
            events.append(packed(f"C{c}", **units))
            if draw(st.booleans()):
                events.append(sent(f"S{c}", f"C{c}"))
    return events


def naive_materials(events: list[Any], lot: str, serial: str) -> set[str]:
    kinds = {s[9:]: b["agreed"]["material"]["id"] for k, s, b in events if k == "material.received"}
    mine = {s[9:] for k, s, b in events if k == "material.booked" and b["lot"] == lot}
    for k, _, b in events:
        if k == "unit.made" and b["lot"] == lot and serial in b["serials"]:
            known = set(b["materials"])
            return known | {m for m in mine if kinds[m] not in {kinds[x] for x in known}}
    return mine


def naive_carton(events: list[Any], lot: str, serial: str) -> str | None:
    return next(
        (s[7:] for k, s, b in events if k == "carton.packed" and serial in b["units"].get(lot, [])), None
    )


def naive_shipment(events: list[Any], carton: str | None) -> str | None:
    return next((s[9:] for k, s, b in events if k == "shipment.sent" and carton in b["cartons"]), None)


@settings(max_examples=80, deadline=None)
@given(journals())
def test_the_index_answers_as_a_naive_search(events: list[Any]) -> None:
    lines = numbered(events)
    index = g.build_genealogy(lines)
    stepwise = g.Genealogy()
    for one in lines:
        g.extend_genealogy(stepwise, [one])
    assert stepwise == index
    units = [(lot, s) for k, lot, b in events if k == "lot.frozen" for s in b["serials"]]
    for lot, serial in units:
        found = g.origin(index, lot, serial)
        assert set(found.materials) == naive_materials(events, lot, serial)
        assert found.carton == naive_carton(events, lot, serial)
        assert found.shipment == naive_shipment(events, found.carton)
        assert set(found.stations) == {
            b["station"]
            for k, s, b in events
            if k == "inspection.recorded" and (s, b["serial"]) == (lot, serial)
        }
    for material in ("R1", "R2", "P1", "P2"):
        affected = g.units_with_material(index, material)
        expected = {unit for unit in units if material in naive_materials(events, *unit)}
        assert set(affected.units) == expected
        assert len(affected.units) == len(expected)
        cartons = {naive_carton(events, *unit) for unit in expected} - {None}
        assert set(affected.cartons) == cartons
        assert set(affected.shipments) == {naive_shipment(events, c) for c in cartons} - {None}
        gone = {u for u in expected if naive_shipment(events, naive_carton(events, *u))}
        assert set(affected.in_house) == expected - gone


def large(units: int, per_lot: int = 1000) -> list[JournalLine]:
    events: list[Any] = []
    for n in range(units // per_lot):
        lot, serials = f"L{n}", [f"{i:04d}" for i in range(per_lot)]
        events += [received(f"M{n}"), opened(lot), booked(f"M{n}", lot)]
        events += [seen(lot, s) for s in serials]
        events += [frozen(lot, *serials)]
        events += [packed(f"C{n}-{i}", **{lot: serials[i : i + 50]}) for i in range(0, per_lot, 50)]
        events += [released(lot), sent(f"S{n}", *(f"C{n}-{i}" for i in range(0, per_lot, 50)))]
    return numbered(events)


def test_building_is_linear_and_queries_do_not_grow_with_the_journal() -> None:
    """The ratios allow for a busy machine; what other tests left is not collected meanwhile."""
    took: list[tuple[float, float]] = []
    for units in (10_000, 80_000):
        lines, asked = large(units), list[float]()
        gc.collect()
        gc.disable()
        try:
            start = time.process_time()
            index = g.build_genealogy(lines)
            built = time.process_time() - start
            for _ in range(20):
                start = time.process_time()
                assert g.units_with_material(index, "M3").shipments == ("S3",)
                assert g.origin(index, "L3", "0007").materials == ("M3",)
                asked.append(time.process_time() - start)
        finally:
            gc.enable()
        took.append((built, min(asked)))
    assert took[1][0] < 8 * 4 * took[0][0]
    assert took[1][1] < 4 * took[0][1]
