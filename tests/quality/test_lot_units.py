"""A unit after one more record: what stands, what is over, whose judgement it was."""

from __future__ import annotations

from typing import Any

import pytest

from evidence.inspection import Verdict
from quality.events import InspectionRecorded, Person, UnitResolved
from quality.lot_units import LateFinding, judged, observed, suspected
from tests.builders import BUYER


def record(verdict: Verdict, *, station: str = "s1", sequence: int = 1, **fields: Any) -> InspectionRecorded:
    """Return a recorded inspection; a HOLD leaves major undecided."""
    findings = {"nonconformities": [], "undecided": ["major"] if verdict == "HOLD" else []}
    return InspectionRecorded.model_validate({
        "inspection": f"insp-{station}-{sequence}", "digest": "sha256:" + "a" * 64, "serial": "U1",
        "station": station, "verdict": verdict, "checkpoint": "production", "findings": findings,
        "sequence": sequence, **fields,
    })  # fmt: skip


RESOLVED = UnitResolved(
    serial="U1", person=Person(name="Ada Berg", party=BUYER.party), reason="wiped off", nonconformities=()
)


@pytest.mark.parametrize(
    ("known", "cleared", "again", "then"),
    [
        ("REJECT", False, "HOLD", "REJECT"),
        ("REJECT", True, "HOLD", "HOLD"),
        ("HOLD", False, "HOLD", "HOLD"),
        ("HOLD", False, "REJECT", "REJECT"),
    ],
)
def test_a_late_rejection_stands_until_a_person_clears_it(
    known: Verdict, cleared: bool, again: Verdict, then: str
) -> None:
    before = LateFinding(known, ("insp-s1-1",), RESOLVED if cleared else None)
    after = suspected(before, record(again, sequence=2))
    assert (after.verdict, after.inspections) == (then, ("insp-s1-1", "insp-s1-2"))
    assert after.resolution is None


def test_a_rejected_unit_stays_rejected_and_remembers_every_station() -> None:
    unit = judged(judged(None, record("REJECT")), record("ACCEPT", station="s2"))
    assert (unit.status, unit.verdict, unit.inspection) == ("rejected", "REJECT", "insp-s1-1")
    assert unit.stations == ("s1", "s2")
    assert judged(unit, record("ACCEPT", sequence=2)).stations == ("s1", "s2")


def test_a_sample_unit_rests_on_the_record_that_decides_it() -> None:
    held = observed(None, record("HOLD", sequence=5))
    earlier = observed(held, record("ACCEPT", sequence=4))
    assert (earlier.verdict, earlier.inspection) == ("HOLD", "insp-s1-5"), (
        "not certainly later: it clears nothing"
    )
    assert earlier.findings.undecided == ("major",)
    later = observed(held, record("ACCEPT", sequence=6))
    assert (later.verdict, later.inspection, later.findings.undecided) == ("ACCEPT", "insp-s1-6", ())
    again = observed(held, record("HOLD", sequence=4))
    assert (again.verdict, again.inspection) == ("HOLD", "insp-s1-4")
    settled = observed(observed(None, record("ACCEPT")), record("ACCEPT", sequence=2))
    assert settled.inspection == "insp-s1-2"
