"""What speaks against a unit after the freeze does not vanish: the lot waits until a person clears it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import quality
from evidence import Inspection
from tests.quality.records import INSPECTOR, MAKER, SEED, SPEC, Line, bad, inspection, spec_with


def frozen(count: int = 3) -> Line:
    line = Line().produced(count)
    line.add(quality.freeze_lot(line.state))
    return line


def sampled(line: Line) -> Line:
    return line.record(*(inspection(s, station="oqc-1", sequence=9) for s in line.sample))


def accepted(count: int = 3) -> Line:
    line = sampled(Line().drawn(count))
    line.add(quality.decide_oqc(line.state, line.spec))
    return line


def clear(line: Line, serial: str) -> None:
    line.add(quality.resolve_unit(line.state, line.spec, serial, INSPECTOR, reason="dust on the lens"))


@pytest.mark.parametrize("station", ["line-1", "line-2", "oqc-1"])
@pytest.mark.parametrize(
    "late", [lambda **f: bad("U001", "major", **f), lambda **f: inspection("U001", "HOLD", **f)]
)
def test_a_frozen_lot_is_not_drawn_until_a_person_clears_the_unit(
    late: Callable[..., Inspection], station: str
) -> None:
    line = frozen().record(late(sequence=77, station=station))
    with pytest.raises(quality.StepError, match="U001 came after the freeze"):
        quality.draw_sample(line.state, SPEC, SEED)
    with pytest.raises(quality.StepError, match="cannot follow"):  # an ACCEPT does not clear it
        quality.record_inspection(line.state, SPEC, inspection("U001", sequence=78, station=station))
    clear(line, "U001")
    line.add(quality.draw_sample(line.state, SPEC, SEED))
    assert quality.replay("L1", line.lines) == line.state


def test_a_drawn_lot_is_not_accepted_until_a_person_clears_the_unit() -> None:
    plan = spec_with(oqc={"level": "S-1", "major": {"aql": "10"}, "minor": {"aql": "10"}})
    line = Line(plan).drawn(60)
    outside = next(s for s in line.state.serials if s not in line.sample)
    for serial in (outside, line.sample[0]):  # in the sample, the record of a station that made it counts too
        sampled(line.record(bad(serial, "critical", sequence=77, spec=plan)))
        with pytest.raises(quality.StepError, match=f"{serial} came after the freeze"):
            quality.decide_oqc(line.state, plan)
        clear(line, serial)
    line.add(quality.decide_oqc(line.state, plan))
    assert line.state.phase == "oqc_accepted"


def test_a_sample_may_reject_the_lot_over_a_late_finding() -> None:
    line = Line().drawn(3).record(bad("U001", "minor", sequence=77))
    line.record(*(bad(s, "major", station="oqc-1", sequence=9) for s in line.sample))
    line.add(quality.decide_oqc(line.state, SPEC))
    assert line.state.phase == "oqc_rejected"
    with pytest.raises(quality.StepError, match="oqc_rejected"):
        quality.record_inspection(line.state, SPEC, bad("U002", "minor", sequence=78))


@pytest.mark.parametrize("station", ["line-1", "oqc-1", "oqc-2"])
def test_an_accepted_lot_is_not_released_until_a_person_clears_the_unit(station: str) -> None:
    line = accepted().record(bad("U001", "major", sequence=77, station=station))
    with pytest.raises(quality.StepError, match="REJECT of unit U001 came after the freeze"):
        quality.release_lot(line.state, SPEC, INSPECTOR)
    clear(line, "U001")
    line.record(inspection("U001", "HOLD", sequence=78, station=station))  # a clearance is for what was known
    with pytest.raises(quality.StepError, match="HOLD of unit U001 came after the freeze"):
        quality.release_lot(line.state, SPEC, INSPECTOR)
    clear(line, "U001")
    line.add(quality.release_lot(line.state, SPEC, INSPECTOR))
    assert quality.replay("L1", line.lines) == line.state


@pytest.mark.parametrize("severity", ["critical", "major", "minor"])
def test_a_late_finding_opens_a_nonconformance_of_any_severity(severity: str) -> None:
    line = frozen().record(bad("U001", severity, sequence=77), bad("U002", severity, sequence=78))
    (only,) = line.nonconformances()
    assert (only.severity, only.serials, only.triggers) == (severity, ("U001", "U002"), ("late_finding",))
    assert list(line.state.causes) == [only.cause]


def test_a_late_hold_opens_a_nonconformance_of_its_reason() -> None:
    line = frozen().record(inspection("U001", "HOLD", sequence=77))
    assert [n.cause for n in line.nonconformances()] == ["reason:frame_blurred"]


def test_the_record_keeps_who_cleared_a_unit_and_why() -> None:
    late = bad("U001", "major", sequence=77)
    line = frozen().record(late)
    (listed,) = line.state.record()["late_findings"]
    assert listed == {
        "serial": "U001", "verdict": "REJECT", "inspections": [late.id], "resolution": None,
    }  # fmt: skip
    clear(line, "U001")
    (listed,) = line.state.record()["late_findings"]
    assert (listed["resolution"]["person"]["name"], listed["resolution"]["reason"]) == (
        "Ada Berg",
        "dust on the lens",
    )


def test_who_may_clear_and_with_what() -> None:
    line = frozen().record(bad("U001", "major", sequence=77))
    with pytest.raises(quality.StepError, match=f"acts for {MAKER.party}"):
        quality.resolve_unit(line.state, SPEC, "U001", MAKER, reason="fine")
    found = [quality.Nonconformity(cause="characteristic:hole", severity="major")]
    with pytest.raises(quality.StepError, match="came after the freeze and stands"):
        quality.resolve_unit(line.state, SPEC, "U001", INSPECTOR, reason="true", nonconformities=found)
    clear(line, "U001")
    with pytest.raises(quality.StepError, match="nothing to resolve"):
        quality.resolve_unit(line.state, SPEC, "U001", INSPECTOR, reason="again")


def test_a_late_finding_given_twice_counts_once_even_after_its_clearance() -> None:
    late = bad("U001", "major", sequence=77)
    line = frozen().record(late)
    assert quality.record_inspection(line.state, SPEC, late) == ()
    clear(line, "U001")
    assert quality.record_inspection(line.state, SPEC, late) == ()


@pytest.mark.parametrize("serial", ["U900", "FA-1"])
def test_units_outside_the_manifest_are_no_late_findings(serial: str) -> None:
    with pytest.raises(quality.StepError, match="cannot follow"):
        quality.record_inspection(frozen().state, SPEC, bad(serial, "major", sequence=77))


def test_a_sample_record_keeps_its_place_though_the_lot_was_accepted() -> None:
    line = Line(spec_with(oqc={"minor": {"aql": "10"}})).drawn(20)
    (first, *rest) = line.sample
    minor = bad(first, "minor", station="oqc-1", sequence=9, spec=line.spec)
    line.record(minor, *(inspection(s, station="oqc-1", sequence=9, spec=line.spec) for s in rest))
    line.add(quality.decide_oqc(line.state, line.spec))
    assert line.state.phase == "oqc_accepted"
    assert quality.record_inspection(line.state, line.spec, minor) == ()


@pytest.mark.parametrize("kind", ["oqc.drawn", "oqc.decided", "lot.released"])
def test_replay_refuses_a_step_over_a_late_finding(kind: str) -> None:
    late: Any = bad("U001", "major", sequence=77)
    plain = accepted()
    plain.add(quality.release_lot(plain.state, SPEC, INSPECTOR))
    step = next(x for x in plain.lines if x.kind == kind)
    line = {"oqc.drawn": frozen, "oqc.decided": lambda: sampled(Line().drawn(3)), "lot.released": accepted}[
        kind
    ]()
    line.record(late)
    with pytest.raises(quality.StepError, match="came after the freeze"):
        quality.apply(line.state, step.model_copy(update={"sequence": len(line.lines) + 1}))
