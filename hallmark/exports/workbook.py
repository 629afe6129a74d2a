"""A first article inspection report as an AS9102 workbook (XLSX), one sheet for each form."""

from __future__ import annotations

import io
from typing import cast

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from hallmark.exports.cells import Value, checked
from hallmark.exports.forms import Report, Sheet

_BOLD, _WRAP = Font(bold=True), Alignment(wrap_text=True, vertical="top")
_WIDEST = 48


def to_workbook(report: Report) -> bytes:
    """Return the report as an XLSX file: numbers are numbers, all other cells text, no cell a formula.

    Raises:
        ExportError: a number is not finite.
    """
    book = Workbook()
    book.remove(book.worksheets[0])
    for sheet in report.sheets:
        _write(book.create_sheet(sheet.title), report, sheet)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _write(page: Worksheet, report: Report, sheet: Sheet) -> None:
    _cell(page, 1, 1, f"First article inspection report {report.identifier}, {sheet.title}", bold=True)
    _cell(page, 2, 1, f"{report.part}, revision {report.revision}; report {report.phase}")
    row = 4
    for title, value in sheet.fields:
        _cell(page, row, 1, title, bold=True)
        _cell(page, row, 2, value)
        row += 1
    for table in sheet.tables:
        row += 1
        for line in (table.titles, *table.rows):
            for column, value in enumerate(line, start=1):
                _cell(page, row, column, value, bold=line is table.titles)
            row += 1
    for column in range(1, page.max_column + 1):
        cells = [page.cell(r, column).value for r in range(4, page.max_row + 1)]
        longest = max((len(str(value)) for value in cells if value is not None), default=0)
        page.column_dimensions[get_column_letter(column)].width = min(longest + 2, _WIDEST)


def _cell(page: Worksheet, row: int, column: int, value: Value, *, bold: bool = False) -> None:
    """Write a cell; text is written as text, whatever it begins with."""
    value = checked(value, f"{page.title}, row {row}, column {column}")
    cell = cast("Cell", page.cell(row, column))  # nothing is merged
    if isinstance(value, str):
        cell.value = value
        cell.data_type = "s"
        cell.quotePrefix = True
    else:
        cell.value = value
    cell.alignment = _WRAP
    if bold:
        cell.font = _BOLD
