"""What a pack of a lot is made of, asked of the server that holds it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from evidence.journal import JournalLine
from hallmark.dispute.pack import Head, write_pack
from hallmark.lot_papers import Get, pages

_NOT_FOUND = 404
_MOST_LINES = 1000  # of the journal in one answer


def collect_pack(lot: str, get: Get, *, whole_journal: bool, frames: bool, now: datetime) -> bytes:
    """Return the pack of a lot.

    Args:
        lot: the lot's id.
        get: asks the server with an auditor's key; raises where it refuses, except that a frame is not found.
        whole_journal: take every line of the journal, so that its chain can be checked end to end; else the
            lines of the lot, its draw, series, in-process control, first pieces, non-conformances,
            corrective actions and records.
        frames: take the frames' files; they are most of the size.
        now: aware time.

    Raises:
        DisputeError: the pack would be larger than one may be.
    """
    state = get(f"/lots/{lot}").json()
    golden = get(f"/goldens/{state['golden']['digest']}").content
    inspections = [line["id"] for line in pages(get, "/inspections", lot)]
    records = [get(f"/inspections/{id_}").json()["inspection"] for id_ in inspections]
    chain = get("/journal/verification").json()
    head = Head(state=chain["state"], lines=chain["lines"], last_hash=chain["last_hash"])
    subjects = (None,) if whole_journal else subjects_of(lot, state, inspections)
    lines = {line.sequence: line for subject in subjects for line in _lines(get, subject)}
    if whole_journal:  # lines that came after the check are not of this pack
        lines = {n: line for n, line in lines.items() if n <= head.lines or head.state == "broken"}
    return write_pack(
        state,
        golden,
        [lines[n] for n in sorted(lines)],
        {record["digest"]: record for record in records},
        _frames(get, records) if frames else (),
        head=head,
        whole_journal=whole_journal,
        now=now,
    )


def subjects_of(lot: str, state: dict[str, Any], inspections: list[str]) -> tuple[str, ...]:
    """Return the journal subjects that belong to a lot."""
    causes = [nonconformance["id"] for nonconformance in state["nonconformances"]]
    series = [] if state["series"] is None else [state["series"]]
    return (
        lot, f"draw:{lot}", f"ipqc:{lot}", f"firstpiece:{lot}", state["golden"]["digest"], *series, *causes,
        *(f"capa:{cause}" for cause in causes), *inspections,
    )  # fmt: skip


def _lines(get: Get, subject: str | None) -> Iterator[JournalLine]:
    narrowed: dict[str, str] = {} if subject is None else {"subject": subject}
    after = 0
    while True:
        items = get("/journal", after=after, limit=_MOST_LINES, **narrowed).json()["items"]
        for item in items:
            yield JournalLine.model_validate(item)
        if len(items) < _MOST_LINES:
            return
        after = items[-1]["sequence"]


def _frames(get: Get, records: list[dict[str, Any]]) -> Iterator[bytes]:
    seen: set[str] = set()
    for record in records:
        for frame in record["frames"]:
            if frame["digest"] in seen:
                continue
            seen.add(frame["digest"])
            answer = get(f"/inspections/{record['id']}/frames/{frame['view']}")
            if answer.status_code != _NOT_FOUND:
                yield answer.content
