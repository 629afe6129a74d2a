"""What clients send and read as JSON, beside the records of `evidence` and `quality`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from api.guard import PREFIX
from api.store.inspections import Stored
from evidence.inspection import Digest, Name
from golden.regions import Closed, Identifier
from quality import EnteredResult, Nonconformity


def _is_no_other_subject(lot: str) -> str:
    if lot.startswith(("insp-", "nc-", "key-")):
        raise ValueError("a lot's id does not begin with insp-, nc- or key-: other journal lines do")
    return lot


LotId = Annotated[Identifier, AfterValidator(_is_no_other_subject)]


class NewLot(Closed):
    """A lot to open, and the golden sample that it is made by."""

    lot: LotId = Field(examples=["L-2026-07"])
    golden: Digest = Field(examples=["sha256:" + "5a" * 32])


class FirstArticle(Closed):
    """The inspections of the first-article units, and what people entered about them."""

    inspections: Annotated[tuple[Name, ...], Field(min_length=1, max_length=100)] = Field(
        examples=[["insp-0123456789abcdef0123456789abcdef"]]
    )
    entered: Annotated[tuple[EnteredResult, ...], Field(max_length=10_000)] = ()


class Resolution(Closed):
    """What a person decides about a sample unit that a station left undecided."""

    serial: Name = Field(examples=["S4-0007"])
    reason: Annotated[str, Field(min_length=1, max_length=1000)] = Field(examples=["flux residue, wiped off"])
    nonconformities: Annotated[tuple[Nonconformity, ...], Field(max_length=100)] = ()


def inspection_body(stored: Stored) -> dict[str, Any]:
    """Return one inspection as it is read: the record, when and by whom, whether its lot counts it."""
    record = stored.fields()
    frames = {
        frame["view"]: f"{PREFIX}/inspections/{record['id']}/frames/{frame['view']}"
        for frame in record["frames"]
    }
    return {**_about(stored, record), "inspection": record, "frames": frames}


def inspection_summary(stored: Stored) -> dict[str, Any]:
    """Return one line of a list of inspections."""
    record = stored.fields()
    names = ("part", "revision", "serial", "lot", "station", "sequence", "verdict", "reasons", "golden")
    severities = [defect["severity"] or "unweighed" for defect in record["defects"]]
    counts = {severity: severities.count(severity) for severity in sorted(set(severities))}
    return {**_about(stored, record), **{n: record[n] for n in names}, "defects": counts}


def _about(stored: Stored, record: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": record["id"],
        "digest": record["digest"],
        "recorded_at": stored.recorded_at,
        "recorded_by": stored.actor,
        "journal_sequence": stored.journal_sequence,
        "counted": None if record["lot"] is None else stored.refused is None,
        "refused": stored.refused,
    }
