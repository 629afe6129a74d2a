"""Check a dispute pack offline: what holds, what does not, and what cannot be told from the pack alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

import quality
from evidence import Inspection, canonical_json, sha256, verify_digest
from evidence.journal import BrokenChain, JournalLine, line_hash, verify_chain
from golden import bundle, seal
from golden.errors import GoldenError
from golden.keys import TrustStore
from golden.spec import GoldenSpec
from hallmark.dispute.pack import Pack
from hallmark.errors import DisputeError
from quality.events import InspectionRecorded, SampleDrawn
from quality.folding import instant
from quality.neutral_draw import draw_record, replay_draw
from quality.record_checks import check_results
from quality.series import SERIES_EVENTS, LotDrawn
from quality.unit_findings import findings, late_findings

_STORED = "inspection.stored"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked: whether it holds, None where the pack cannot tell, and why."""

    name: str
    holds: bool | None
    said: str

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"name": self.name, "holds": self.holds, "said": self.said}


@dataclass(frozen=True, slots=True)
class Case:
    """A pack, opened: its specification, its records, and its lot as the journal lines tell it.

    `lines` are the lot's own; `state` is None where they do not follow from one another.
    """

    pack: Pack
    opened: bundle.Bundle
    records: Mapping[str, Inspection]
    lines: Sequence[JournalLine]
    state: quality.LotState | None
    refusal: str

    @property
    def spec(self) -> GoldenSpec:
        """The specification that both parties sealed."""
        return self.opened.spec


def open_case(pack: Pack) -> Case:
    """Return what a pack holds, read but not believed.

    Raises:
        DisputeError: golden sample or a record cannot be read, or the pack has no line of its lot.
    """
    try:
        opened = bundle.read(pack.golden)
    except GoldenError as error:
        raise DisputeError(f"refused: its golden sample: {error}") from error
    records: dict[str, Inspection] = {}
    for digest, data in pack.records.items():
        try:
            record = Inspection.model_validate_json(data)
        except ValidationError as error:
            raise DisputeError(f"refused: record {digest} is no inspection record") from error
        records[record.id] = record
    lines = [line for line in pack.lines if line.subject == pack.manifest.lot]
    if not lines:
        raise DisputeError(f"refused: it holds no journal line of lot {pack.manifest.lot}")
    state, refusal = None, ""
    try:
        state = quality.replay(pack.manifest.lot, lines)
    except quality.QualityError as error:
        refusal = str(error)
    return Case(pack, opened, records, lines, state, refusal)


def verify(case: Case, trust: TrustStore | None) -> list[Check]:
    """Check everything that a pack says; see the names of the checks.

    Args:
        case: the pack, opened.
        trust: the keys trusted here, or None: then the seal's signatures are not checked.
    """
    checks: list[tuple[str, Callable[[], tuple[bool | None, str]]]] = [
        ("golden sample", lambda: _golden(case)),
        ("seal", lambda: _seal(case, trust)),
        ("journal lines", lambda: _lines(case.pack)),
        ("journal chain", lambda: _chain(case.pack)),
        ("records", lambda: _records(case)),
        ("frames", lambda: _frames(case)),
        ("results", lambda: _results(case)),
        ("lot", lambda: _lot(case)),
        ("findings", lambda: _findings(case)),
        ("first article", lambda: _first_article(case)),
        ("draw", lambda: _draw(case)),
        ("severity of inspection", lambda: _severity(case)),
        ("outgoing decision", lambda: _outgoing(case)),
    ]
    return [Check(name, *_run(check)) for name, check in checks]


def _run(check: Callable[[], tuple[bool | None, str]]) -> tuple[bool | None, str]:
    try:
        return check()
    except (quality.QualityError, GoldenError, BrokenChain, ValidationError) as error:
        return False, str(error)


def _golden(case: Case) -> tuple[bool | None, str]:
    digest, manifest = case.opened.digest, case.opened.manifest
    counted = {event.inspection for event in _recorded(case)}  # a lot refuses those of another golden sample
    told = {case.pack.manifest.golden, *(case.records[i].golden.digest for i in counted & set(case.records))}
    if case.state is not None and case.state.golden is not None:
        told.add(case.state.golden.digest)
    if told != {digest}:
        return False, f"the pack holds {digest}; lot and records name {', '.join(sorted(told - {digest}))}"
    return True, f"{manifest.part} {manifest.revision}, version {manifest.version}, {digest}"


def _seal(case: Case, trust: TrustStore | None) -> tuple[bool | None, str]:
    if trust is None:
        parties = ", ".join(s.name for s in case.opened.manifest.signatories)
        return None, f"no trusted keys were given; whether {parties} signed it is not known: give --trust"
    opened = instant(case.lines[0].time)
    signatures = seal.verify(case.opened, trust, opened)
    signed = ", ".join(f"{s.party} ({s.role})" for s in signatures)
    return True, f"signed by {signed}; in force when the lot was opened, {case.lines[0].time}"


def _lines(pack: Pack) -> tuple[bool | None, str]:
    for line in pack.lines:
        if line.hash != line_hash(line.model_dump(mode="json")):
            return False, f"line {line.sequence}: its content does not match its hash"
    for before, after in pairwise(pack.lines):
        if after.sequence <= before.sequence:
            return False, f"line {after.sequence} comes after line {before.sequence}"
        if after.sequence == before.sequence + 1 and after.previous != before.hash:
            return False, f"line {after.sequence} does not follow line {before.sequence}"
    return True, f"{len(pack.lines)} lines, each with the hash of its content"


def _chain(pack: Pack) -> tuple[bool | None, str]:
    head = pack.manifest.head
    if head.state == "broken":
        return False, "the server's own check found its journal broken when the pack was made"
    if pack.manifest.whole_journal:
        last = verify_chain(pack.lines)
        found = (0, None) if last is None else (last.sequence, last.hash)
        if found != (head.lines, head.last_hash):
            return (
                False,
                f"the chain ends at line {found[0]}, {found[1]}; the head is {head.lines}, {head.last_hash}",
            )
        return True, f"whole, from the first line to line {head.lines}, {head.last_hash}"
    gaps = sum(b.sequence != a.sequence + 1 for a, b in pairwise(pack.lines))
    return None, (
        f"{gaps} gaps: lines of other matters are not in the pack, and the chain over them cannot be told; "
        f"the journal ended at line {head.lines}, {head.last_hash}: compare with what you noted, or ask for "
        "a pack with --whole-journal"
    )


def _records(case: Case) -> tuple[bool | None, str]:
    stored = {line.subject: line.body.get("record") for line in case.pack.lines if line.kind == _STORED}
    by_digest = {record.digest: record for record in case.records.values()}
    for digest, data in case.pack.records.items():
        record = by_digest.get(digest)
        if record is None or not verify_digest(record) or record.to_json() != data:
            return False, f"record {digest} does not have the digest that it is named by"
        if stored.get(record.id) != sha256(data):
            return False, f"record {record.id} is not the one whose journal line is in the pack"
    for event in _recorded(case):
        record = case.records.get(event.inspection)
        if record is None or record.digest != event.digest:
            return False, f"record {event.inspection}, which the lot rests on, is not in the pack"
    return True, f"{len(case.records)} records, each as it was stored"


def _frames(case: Case) -> tuple[bool | None, str]:
    named = {frame.digest for record in case.records.values() for frame in record.frames}
    for digest, data in case.pack.frames.items():
        if sha256(data) != digest:
            return False, f"frame {digest} is another picture"
        if digest not in named:
            return False, f"frame {digest} belongs to no record"
    missing = named - set(case.pack.frames)
    if missing:
        return None, f"{len(named) - len(missing)} of {len(named)} frames are in the pack, each as recorded"
    return True, f"all {len(named)} frames, each as recorded"


def _results(case: Case) -> tuple[bool | None, str]:
    counted = [event.inspection for event in _recorded(case)]
    for name in counted:
        if name in case.records:
            check_results(case.spec, case.records[name])
    return True, f"{len(counted)} counted records decided again by the agreed limits and rules"


def _lot(case: Case) -> tuple[bool | None, str]:
    if case.state is None:
        return False, case.refusal
    told, follows = canonical_json(dict(case.pack.lot)), canonical_json(case.state.record())
    if told != follows:
        return False, "what the server said of the lot is not what its journal lines tell"
    return True, f"{len(case.lines)} lines, each following from those before; the lot is {case.state.phase}"


def _findings(case: Case) -> tuple[bool | None, str]:
    events = _recorded(case)
    for event in events:
        record = case.records.get(event.inspection)
        if record is None:
            return None, f"record {event.inspection} is not in the pack"
        if event.checkpoint == "late":
            found = late_findings(case.spec, record)
        else:
            found = findings(case.spec, record, "oqc" if event.checkpoint == "oqc" else None)
        told = (event.serial, event.station, event.verdict, event.findings)
        if told != (record.serial, record.station, record.verdict, found):
            return False, f"line of record {event.inspection}: it says other than the record"
    return True, f"{len(events)} lines say what their records say"


def _first_article(case: Case) -> tuple[bool | None, str]:
    if case.state is None or case.state.first_article is None:
        return None, "none was decided" if case.state is not None else "the lot's lines do not follow"
    decided = case.state.first_article
    missing = [name for name in decided.inspections if name not in case.records]
    if missing:
        return None, f"record {missing[0]} is not in the pack"
    units = [case.records[name] for name in decided.inspections]
    again = quality.first_article(case.spec, units, entered_results(decided))
    if again != decided:
        return False, "decided again from its records it comes out differently"
    return True, f"{'accepted' if decided.accepted else 'not accepted'}, item by item as decided"


def entered_results(decided: quality.FirstArticleDecision) -> list[quality.EnteredResult]:
    """Return the results that people entered, from the items of the decision that rests on them."""
    return [
        quality.EnteredResult(
            serial=item.serial,
            characteristic=item.id,
            **_found(item),
            evidence=item.evidence,
            source=item.source,
            instrument=item.instrument,
        )
        for item in decided.items
        if item.source in ("manual", "imported")
        and item.evidence is not None
        and item.evidence not in decided.inspections
    ]


def _found(item: quality.FaiItem) -> dict[str, Any]:
    """Return what was entered: a colour's reading, a value, or whether it conforms."""
    if item.colour is not None:
        return {"reading": item.colour.reading}
    if item.value is not None:
        return {"value": item.value, "standard_uncertainty": item.standard_uncertainty}
    return {"conform": item.outcome == "conform"}


def _draw(case: Case) -> tuple[bool | None, str]:
    if case.state is None or case.state.draw is None:
        return None, "no sample was drawn" if case.state is not None else "the lot's lines do not follow"
    drawn = case.state.draw
    said = f"{len(drawn.serials)} of {len(case.state.serials)} units, as seed and manifest give them; "
    event = next(
        SampleDrawn.model_validate(line.body) for line in case.lines if line.kind == SampleDrawn.kind
    )
    if event.neutral is None:
        return True, f"{said}one party made the seed, after the manifest was frozen"
    agreed = draw_record(replay_draw(case.pack.manifest.lot, case.pack.lines))
    if agreed != event.neutral:
        return False, "commitments and secrets in the journal are not those that the draw names"
    return True, f"{said}{' and '.join(agreed.commitments)} committed, then revealed"


def _severity(case: Case) -> tuple[bool | None, str]:
    if case.state is None or case.state.draw is None:
        return None, "no sample was drawn"
    if case.state.series is None:
        return True, "the lot counts in no series"
    quality.replay_series(case.state.series, case.pack.lines)
    told = [
        LotDrawn.model_validate(line.body)
        for line in case.pack.lines
        if line.subject == case.state.series and line.kind in SERIES_EVENTS and line.kind == LotDrawn.kind
    ]
    own = next((event for event in told if event.lot == case.pack.manifest.lot), None)
    if own is None or {c: d.severity for c, d in own.classes.items()} != dict(case.state.severities):
        return False, f"the lot was drawn at another severity than its series {case.state.series} says"
    said = ", ".join(f"{c} {severity}" for c, severity in case.state.severities.items())
    return True, f"{said}, as the series of {len(told)} drawn lots gives it"


def _outgoing(case: Case) -> tuple[bool | None, str]:
    if case.state is None or case.state.oqc is None:
        return None, "none was made" if case.state is not None else "the lot's lines do not follow"
    counts = "; ".join(
        f"{c.sampling.severity} {c.found + (c.found_second or 0)} in {c.units}, Ac {c.sampling.Ac}, "
        f"Re {c.sampling.Re}"
        for c in case.state.oqc.classes
    )
    return True, f"{case.state.oqc.outcome}, decided again from the sample: {counts}"


def _recorded(case: Case) -> list[InspectionRecorded]:
    return list(recorded_events(case.lines))


def recorded_events(lines: Sequence[JournalLine]) -> Iterator[InspectionRecorded]:
    """Yield the inspections that a lot counts, in order."""
    for line in lines:
        if line.kind == InspectionRecorded.kind:
            yield InspectionRecorded.model_validate(line.body)
