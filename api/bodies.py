"""What clients send and read as JSON, beside the records of `evidence` and `quality`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from api.guard import PREFIX
from api.store.inspections import Stored
from evidence import Inspection, because, together
from evidence.inspection import Digest, Name
from golden.catalogue import CharacteristicClass
from golden.regions import Closed, Identifier
from quality import NONCONFORMITY_CAUSES, EnteredResult, Nonconformity
from quality.colour_readings import ColourReadings


def _is_no_other_subject(lot: str) -> str:
    if lot.startswith(("insp-", "nc-", "key-")):
        raise ValueError("a lot's id does not begin with insp-, nc- or key-: other journal lines do")
    return lot


LotId = Annotated[Identifier, AfterValidator(_is_no_other_subject)]
Nonconformities = Annotated[tuple[Nonconformity, ...], Field(max_length=100)]
Sentence = Annotated[str, Field(min_length=1, max_length=1000)]
Serials = Annotated[tuple[Name, ...], Field(min_length=1, max_length=10_000)]
SeriesId = Annotated[str, Field(max_length=128, pattern="^switching:")]


class NewLot(Closed):
    """A lot to open, the golden sample that it is made by, and the rejected lot that comes again in it."""

    lot: LotId = Field(examples=["L-2026-07"])
    golden: Digest = Field(examples=["sha256:" + "5a" * 32])
    resubmits: LotId | None = None


class FirstArticle(Closed):
    """The inspections of the first-article units, and what people entered about them."""

    inspections: Annotated[tuple[Name, ...], Field(min_length=1, max_length=100)] = Field(
        examples=[["insp-0123456789abcdef0123456789abcdef"]]
    )
    entered: Annotated[tuple[EnteredResult, ...], Field(max_length=10_000)] = ()


class Resolution(Closed):
    """What a person decides about a sample unit that a station left undecided."""

    serial: Name = Field(examples=["S4-0007"])
    reason: Sentence = Field(examples=["flux residue, wiped off"])
    nonconformities: Nonconformities = ()
    readings: ColourReadings = ()


def _opens_nothing(cause: str) -> str:
    if cause.startswith(NONCONFORMITY_CAUSES):
        raise ValueError("a nonconformity is quarantined by what found it; give a cause such as handling:3")
    return cause


class Quarantine(Closed):
    """Units to take from the accepted ones, and why."""

    serials: Serials
    cause: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_opens_nothing)] = Field(
        examples=["drift:cell-3"]
    )
    reason: Sentence


class Clearance(Closed):
    """Quarantined units that a person clears, and why."""

    serials: Serials
    reason: Sentence


class UnitJudgement(Closed):
    """What a person finds on a unit that no station has judged; without nonconformities it conforms."""

    serial: Name = Field(examples=["S4-0007"])
    evidence: Sentence = Field(examples=["seen at 1000 lx, 40 cm, 5 s"])
    nonconformities: Nonconformities = ()
    readings: ColourReadings = ()


class ItemAnswer(Closed):
    """A person's answer to an item of the outgoing checklist, and what was seen."""

    item: Identifier
    conforms: bool
    evidence: Sentence


class Commitment(Closed):
    """What binds a party to its secret for a draw: see `quality.neutral_draw.commitment`."""

    commitment: Digest


class Reveal(Closed):
    """The secret that a party had committed to."""

    secret: Annotated[str, Field(min_length=32, max_length=128)] = Field(examples=["5a" * 16])


class Conditions(Closed):
    """Whether production is steady and reduced inspection approved in a series."""

    series: SeriesId
    production_steady: bool
    reduced_approved: bool
    reason: Sentence


class ReducedEnd(Closed):
    """A class of a series whose reduced inspection ends by decision."""

    series: SeriesId
    severity: CharacteristicClass
    reason: Sentence


class Restart(Closed):
    """A class of a series whose discontinued inspection is taken up again, after what corrective action."""

    series: SeriesId
    severity: CharacteristicClass
    corrective_action: Sentence


def inspection_body(stored: Stored) -> dict[str, Any]:
    """Return one inspection as it is read: the record, when and by whom, whether its lot counts it.

    `explained` says of each defect and each counting rule that is met, in their order, what decided it.
    """
    record = stored.fields()
    frames = {
        frame["view"]: f"{PREFIX}/inspections/{record['id']}/frames/{frame['view']}"
        for frame in record["frames"]
    }
    inspection = Inspection.model_validate(record)
    explained = {
        "defects": [because(defect) for defect in inspection.defects],
        "counts": [together(met) for met in inspection.counts],
    }
    return {**_about(stored, record), "inspection": record, "explained": explained, "frames": frames}


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
