"""A first article inspection report as a paper, which `hallmark.report` prints as PDF or HTML."""

from __future__ import annotations

from hallmark.exports.cells import Value
from hallmark.exports.forms import FormTable, Report, Sheet
from hallmark.report import Paper
from hallmark.report.paper import Block, Cell, Column, Facts, Heading, Table, Text
from hallmark.report.signs import State

_MOST_COLUMNS = 6  # of a table on a page of A4; a wider one is printed as a block for each row


def fair_paper(report: Report, *, issued: str) -> Paper:
    """Return the report as a paper: the same fields and rows as its workbook.

    Args:
        report: the report.
        issued: time of issue, UTC, RFC 3339.
    """
    state: State = "nonconform" if report.nonconforming else "conform"
    blocks: list[Block] = []
    for sheet in report.sheets:
        blocks += _blocks(sheet)
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
                "Limits are limits of size, inclusive; the standard uncertainty is that of the measured "
                "value, in its unit.", "quiet",
            ),
        ),
    )  # fmt: skip


def _blocks(sheet: Sheet) -> list[Block]:
    facts = Facts(tuple((title, _text(value)) for title, value in sheet.fields))
    blocks: list[Block] = [Heading(sheet.title), facts]
    for table in sheet.tables:
        blocks += _wide(table) if len(table.titles) > _MOST_COLUMNS else [_narrow(table)]
    return blocks


def _narrow(table: FormTable) -> Table:
    columns = [Column(title) for title in table.titles]
    return Table(columns, [[Cell(_text(value)) for value in row] for row in table.rows])


def _wide(table: FormTable) -> list[Block]:
    """Return the rows as blocks of named values."""
    return [
        Facts(tuple((title, _text(value)) for title, value in zip(table.titles, row, strict=True)))
        for row in table.rows
    ]


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)
