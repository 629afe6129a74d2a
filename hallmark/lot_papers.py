"""The papers of a lot, made from what the server holds: its state, its records, their frames."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence import Inspection
from golden.keys import TrustStore
from golden.sample import GoldenSample
from hallmark.paper_format import PaperFormat
from hallmark.report import (
    Absent,
    Picture,
    first_article_report,
    inspection_sheet,
    lot_summary,
    standing,
    unit_picture,
)
from hallmark.report.files import write_paper
from quality import FirstArticleDecision

if TYPE_CHECKING:
    import httpx

_NOT_FOUND = 404

Get = Callable[
    ..., "httpx.Response"
]  # a path and query parameters -> the server's answer, whatever its status


def write_lot_papers(
    lot: str, get: Get, trust: TrustStore, out: Path, formats: Sequence[PaperFormat], now: datetime
) -> list[Path]:
    """Write the lot's summary, its first-article reports and a sheet of each unit that did not pass.

    Args:
        lot: the lot's id.
        get: asks the server; raises where it refuses, except that something is not found.
        trust: the keys trusted here, for the seal of the golden sample.
        out: folder to write to; made where it does not exist.
        formats: which files to write of each paper.
        now: aware current time; the date of the papers.

    Raises:
        GoldenError: the seal does not hold, or a file cannot be written.
        ReportError: the records do not belong together.
    """
    state = get(f"/lots/{lot}").json()
    sample = GoldenSample.from_bytes(
        get(f"/goldens/{state['golden']['digest']}").content, trust=trust, now=now
    )
    inspections = [
        Inspection.model_validate(get(f"/inspections/{line['id']}").json()["inspection"])
        for line in pages(get, "/inspections", lot)
        if line["counted"]
    ]
    issued = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    (out / "sheets").mkdir(parents=True, exist_ok=True)
    summary = lot_summary(
        sample, state, inspections, list(pages(get, "/nonconformances", lot)), issued=issued
    )
    paths = write_paper(summary, out, "lot", formats)
    if state["first_article"] is not None:
        decision = FirstArticleDecision.model_validate(state["first_article"])
        for record in (i for i in inspections if i.id in decision.inspections):
            report = first_article_report(sample, record, decision, issued=issued)
            paths += write_paper(report, out, f"first-article-{_file_name(record)}", formats)
    for record in standing(inspections):
        if record.verdict != "ACCEPT":
            sheet = inspection_sheet(sample, record, _pictures(get, record), issued=issued)
            paths += write_paper(sheet, out / "sheets", _file_name(record), formats)
    return paths


def pages(get: Get, path: str, lot: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield every item of a list, of one lot or of all."""
    narrowed = {} if lot is None else {"lot": lot}
    cursor: str | None = None
    while True:
        page = get(path, limit=100, **narrowed, **({} if cursor is None else {"cursor": cursor})).json()
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def _pictures(get: Get, record: Inspection) -> list[Picture | Absent]:
    pictures: list[Picture | Absent] = []
    for frame in record.frames:
        answer = get(f"/inspections/{record.id}/frames/{frame.view}")
        pictures.append(
            unit_picture(record, frame, None if answer.status_code == _NOT_FOUND else answer.content)
        )
    return pictures


def _file_name(record: Inspection) -> str:
    """Return the serial where it can name a file, else the record's id."""
    serial = record.serial or ""
    return serial if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", serial) else record.id
