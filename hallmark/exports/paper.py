"""A first article inspection report as a paper, which `hallmark.report` prints as PDF or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from hallmark.exports.cells import Value
from hallmark.exports.forms import FormTable, Report
from hallmark.report import Paper
from hallmark.report.paper import Block, Cell, Column, Facts, Heading, Table, Text
from hallmark.report.signs import DECISIONS, State

_RESULTS = (
    Column("5. No.", 10), Column("8. Requirement"), Column("9. Unit", 16), Column("9. Result", 25),
    Column("Limits", 27), Column("Decision", 23), Column("Instrument, evidence", 34), Column("11. NCR", 15),
)  # fmt: skip


def fair_paper(report: Report, *, issued: str) -> Paper:
    """Return the report as a paper: the same fields and rows as its workbook.

    Args:
        report: the report.
        issued: time of issue, UTC, RFC 3339.
    """
    state: State = "nonconform" if report.nonconforming else "conform"
    blocks: list[Block] = []
    for sheet in report.sheets:
        facts = tuple((title, _text(value)) for title, value in sheet.fields)
        blocks += [Heading(sheet.title), Facts(facts)]
        blocks += [_results(t) if sheet is report.sheets[2] else _table(t) for t in sheet.tables]
    return Paper(
        kind="First article inspection report",
        title=f"{report.part}, {report.identifier}",
        verdict=(report.phase.upper(), state if report.phase == "approved" else "undecided", "report"),
        running=[f"Report {report.identifier}", report.part, f"revision {report.revision}"],
        issued=issued,
        reference=report.identifier,
        blocks=(
            *blocks,
            Text(
                "Numbers and names of the fields follow AS9102 Rev C; conformity with AS9102 is not claimed. "
                "Limits are limits of size, inclusive; u is the standard uncertainty of the measured value, "
                "in its unit.", "quiet",
            ),
        ),
    )  # fmt: skip


def _table(table: FormTable) -> Table:
    columns = [Column(title) for title in table.titles]
    return Table(columns, [[Cell(_text(value)) for value in row] for row in table.rows])


def _results(table: FormTable) -> Table:
    """Return form 3's rows; what has no column of its own is noted below what it belongs to."""
    return Table(_RESULTS, [_result(table.titles, row) for row in table.rows])


def _result(titles: Sequence[str], row: Sequence[Value]) -> list[Cell]:
    named = {title: _text(value) for title, value in zip(titles, row, strict=True)}
    by_number = {title.partition(".")[0]: said for title, said in named.items()}
    limits = " to ".join(filter(None, (named["lower limit"], named["upper limit"])))
    if not (named["lower limit"] and named["upper limit"]) and limits:
        limits = f"{'from' if named['lower limit'] else 'up to'} {limits}"
    unit = named["measured in"]
    u = named["standard uncertainty"]
    decision = cast("State", named["decision"])
    return [
        Cell(by_number["5"]),
        Cell(by_number["8"], note=_joined(by_number["6"], by_number["7"])),
        Cell(by_number["9"]),
        Cell(f"{named['measured value']} {unit}".strip(), note=u and f"u {u}, k {named['coverage factor']}"),
        Cell(f"{limits} {unit}".strip(), note=limits and f"rule {named['decision rule']}"),
        Cell(DECISIONS[decision], sign=decision),
        Cell(
            named["instrument"], note=_joined(named["evidence"], by_number["10"] and f"10. {by_number['10']}")
        ),
        Cell(by_number["11"], note=by_number["12"]),
    ]


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)
