"""One cell of a table that people open in a spreadsheet: what may stand in it, and what is only text.

A spreadsheet runs text that begins like a formula (CWE-1236). In a workbook such text is a cell of type text;
in CSV, which has no types, an apostrophe stands before it, as spreadsheets themselves write text.
"""

from __future__ import annotations

import math
import re

from hallmark.errors import ExportError

Value = str | float | int | bool | None

# "=", "+", "-" and "@" begin a formula, in their full-width forms too; spaces before them are skipped
_FORMULA = re.compile(r"[\s]*[=+\-@\uff0b\uff0d\uff1d\uff20']|[\t\r\n]")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def checked(value: Value, where: str) -> Value:
    """Return the value; text without the characters that no XML holds.

    Raises:
        ExportError: the number is not finite: such a value is written as empty, never as NaN.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ExportError(f"{where}: {value} is not a finite number; leave the value empty and say why")
    return xml_text(value) if isinstance(value, str) else value


def xml_text(text: str) -> str:
    """Return text with a replacement character for each that XML 1.0 does not hold."""
    return _NOT_IN_XML.sub("\ufffd", text)


def csv_cell(value: Value, where: str) -> str:
    """Return what CSV holds of a value: numbers as they are, text never as a formula, nothing for None.

    An apostrophe stands before text that begins like a formula or with an apostrophe; whoever removes one
    leading apostrophe has the text again.

    Raises:
        ExportError: as `checked`.
    """
    value = checked(value, where)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    return repr(value)
