"""A table with typed columns, as CSV (RFC 4180, UTF-8) or Parquet."""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hallmark.errors import ExportError
from hallmark.exports.cells import Value, checked, csv_cell

Kind = Literal["text", "number", "count", "flag"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, and what stands in it or is absent."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; every row has one value or None for each column."""

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Value]]


def to_csv(table: Table) -> bytes:
    """Return the table as CSV: a header, CRLF, an empty cell where nothing is known.

    Raises:
        ExportError: a number is not finite.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.name for column in table.columns])
    for number, row in enumerate(table.rows, start=1):
        cells = zip(table.columns, row, strict=True)
        writer.writerow([csv_cell(value, f"row {number}, {column.name}") for column, value in cells])
    return text.getvalue().encode()


def to_parquet(table: Table) -> bytes:
    """Return the table as a Parquet file; text, float64, int64 and boolean columns, null where absent.

    Raises:
        ExportError: a number is not finite, or pyarrow is not installed (the extra `parquet` brings it).
    """
    try:
        arrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ExportError(
            "Parquet needs pyarrow: install the extra, pip install 'hallmark[parquet]', or write CSV"
        ) from error
    types = {"text": arrow.string(), "number": arrow.float64(), "count": arrow.int64(), "flag": arrow.bool_()}
    columns = {
        column.name: arrow.array(
            [checked(row[i], f"row {n}, {column.name}") for n, row in enumerate(table.rows, start=1)],
            type=types[column.kind],
        )
        for i, column in enumerate(table.columns)
    }
    sink = io.BytesIO()
    parquet.write_table(arrow.table(columns), sink)
    return sink.getvalue()
