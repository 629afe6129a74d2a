"""A later lot's evidence is what its journal lines say, unit by unit."""

from __future__ import annotations

from typing import Any

import pytest

from evidence.journal import GENESIS, JournalLine
from quality.corrective import Counts, lot_evidence
from quality.errors import StepError

CAUSE = "defect:crack:front"
BAD = {"nonconformities": [{"cause": CAUSE, "severity": "major"}], "undecided": []}
OTHER = {"nonconformities": [{"cause": "characteristic:hole", "severity": "major"}], "undecided": []}
CLEAN: dict[str, Any] = {"nonconformities": [], "undecided": []}
PERSON = {"name": "Ada Berg", "party": "Nordic", "roles": ["quality"]}


def line(sequence: int, kind: str, body: dict[str, Any]) -> JournalLine:
    return JournalLine(
        sequence=sequence, time=f"2026-07-01T12:00:{sequence:02}Z", actor="t", kind=kind, subject="L2",
        body=body, previous=GENESIS, hash=GENESIS,
    )  # fmt: skip


def lines(*events: tuple[str, dict[str, Any]]) -> list[JournalLine]:
    return [line(n, kind, body) for n, (kind, body) in enumerate([("lot.opened", {}), *events], 1)]


def seen(
    serial: str, verdict: str = "ACCEPT", findings: dict[str, Any] = CLEAN, checkpoint: str = "production"
) -> tuple[str, dict[str, Any]]:
    return "inspection.recorded", {
        "inspection": f"insp-{serial}", "digest": "sha256:" + "a" * 64, "serial": serial, "station": "s",
        "verdict": verdict, "checkpoint": checkpoint, "findings": findings,
    }  # fmt: skip


def judged(serial: str, *causes: str) -> tuple[str, dict[str, Any]]:
    found = [{"cause": cause, "severity": "major"} for cause in causes]
    return "oqc.judged", {"serial": serial, "person": PERSON, "evidence": "seen", "nonconformities": found}


def counts(*events: tuple[str, dict[str, Any]]) -> tuple[int, int]:
    found = lot_evidence("L2", CAUSE, lines(*events)).counts
    return found.nonconforming, found.inspected


def test_units_count_once_and_only_for_the_cause() -> None:
    assert counts(seen("a"), seen("b", "REJECT", BAD), seen("c", "REJECT", OTHER)) == (1, 3)
    assert counts(seen("a"), seen("a", "REJECT", BAD), seen("a")) == (1, 1)  # a later ACCEPT does not undo it
    assert counts(seen("a"), seen("b", checkpoint="oqc"), seen("c", checkpoint="screening")) == (0, 3)


def test_what_is_held_or_a_first_article_is_not_counted() -> None:
    assert counts(seen("a"), seen("b", "HOLD"), seen("c", checkpoint="first_article")) == (0, 1)
    assert counts(seen("a", "HOLD", BAD), seen("a")) == (0, 1)


def test_what_a_person_judged_counts() -> None:
    assert counts(seen("a"), judged("b", CAUSE), judged("c", "characteristic:hole"), judged("d")) == (1, 4)


def test_it_was_produced_from_its_opening_or_earlier_than_its_first_record() -> None:
    events = (seen("a"), seen("b"))
    assert lot_evidence("L2", CAUSE, lines(*events)).produced_from == "2026-07-01T12:00:01Z"
    at = "2026-07-01T12:00:02Z"
    assert lot_evidence("L2", CAUSE, lines(*events), produced_from=at).produced_from == at
    with pytest.raises(StepError, match="lies after its first record at 2026-07-01T12:00:02Z"):
        lot_evidence("L2", CAUSE, lines(*events), produced_from="2026-07-01T12:00:02.000001Z")


def test_given_counts_take_the_place_of_the_journals() -> None:
    given = Counts(nonconforming=1, inspected=20)
    found = lot_evidence("L2", CAUSE, lines(seen("a")), counts=given)
    assert (found.lot, found.counts) == ("L2", given)
    assert lot_evidence("L2", CAUSE, lines(), counts=given).counts == given
    with pytest.raises(StepError, match="lot L2: no unit was judged for defect:crack:front"):
        lot_evidence("L2", CAUSE, lines(seen("a", "HOLD")))
