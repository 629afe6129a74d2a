"""A table of a study as a CSV file with a heading."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from hallmark.errors import ReadingFileError


def read_rows(file: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """Return the cells of each line by column, blanks around them left out; what is absent is empty.

    Raises:
        ReadingFileError: the file cannot be read, is no CSV, or lacks a column that is needed.
    """
    try:
        reader = csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines())
        rows = list(reader)
    except OSError as error:
        raise ReadingFileError(f"{file}: {error.strerror}: give a table (CSV) that can be read") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReadingFileError(f"{file}: cannot be read as a table: {error}") from error
    missing = [name for name in needed if name not in (reader.fieldnames or ())]
    if missing:
        raise ReadingFileError(f"{file}: the heading lacks {', '.join(missing)}; it needs {','.join(needed)}")
    return [{k: (v or "").strip() for k, v in row.items() if isinstance(k, str)} for row in rows]
