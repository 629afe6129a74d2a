"""Measurement data in the Q-DAS ASCII transfer format (AQDEF), as one `.dfq` file.

Follows the public descriptions: ISO/TR 11462-5 (exchange of SPC data), the Q-DAS ASCII Transfer Format manual
V12 and the published list of value fields (Hexagon Nexus, Q-DAS data format). Every value is written by K
fields, no control characters are used. Written are

    K0100 number of characteristics            K2002/i name             K2110/i lower limit
    K1001 part number                          K2003/i our id           K2111/i upper limit
    K1002 part description                     K2004/i 0, variable      K2142/i unit
    K1004 revision                             K2022/i decimal places
    K2001/i number of the characteristic       K2101/i nominal
    K0001/i value  K0002/i 0 valid, 129 not valid  K0004/i time (UTC)  K0009/i text  K0014/i serial number

AQDEF has no field for the uncertainty of a single value: `K0009` says it, with its coverage factor, the
decision, lot and record. A characteristic without a value has no lines for that unit: a zero would be taken
for a measurement. Attributes are not written. No reader of Q-DAS was at hand to try a file on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from evidence import CharacteristicResult, Inspection
from hallmark.exports.decimals import decimal_text, places
from hallmark.exports.measurements import captured, definitions

_SIGNS = str.maketrans({
    "\u00b5": "u", "\u03bc": "u", "\u03a9": "Ohm", "\u2126": "Ohm", "\u00b0": "deg", "\u0394": "Delta ",
    "\u00df": "ss", "\u00b1": "+-",
})  # fmt: skip
_VALID, _NOT_VALID = 0, 129


def to_dfq(inspections: Sequence[Inspection], *, part_name: str | None = None) -> bytes:
    """Return the measured values of records of one golden sample, in the order given; ASCII, CRLF.

    Raises:
        ExportError: as `definitions`, or a number is not finite.
    """
    known = definitions(inspections)
    lines = [
        *_part(inspections[0], len(known), part_name),
        *(line for i, c in enumerate(known.values(), start=1) for line in _characteristic(i, c, inspections)),
        *(line for inspection in inspections for line in _values(inspection, list(known))),
    ]
    return "".join(f"{ascii_text(line)}\r\n" for line in lines).encode("ascii")


def ascii_text(text: str) -> str:
    """Return the text in printable ASCII: signs spelled, accents dropped, what is left becomes `?`."""
    spelled = unicodedata.normalize("NFKD", text.translate(_SIGNS))
    plain = "".join(c for c in spelled if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else " " if c.isspace() else "?" for c in plain)


def _part(first: Inspection, count: int, name: str | None) -> Iterator[str]:
    yield f"K0100 {count}"
    yield f"K1001 {first.part}"
    if name:
        yield f"K1002 {name}"
    yield f"K1004 {first.revision}"


def _characteristic(i: int, c: CharacteristicResult, inspections: Sequence[Inspection]) -> Iterator[str]:
    values = [r.value for record in inspections for r in record.characteristics if r.id == c.id]
    numbers = [n for n in (c.nominal, c.lower, c.upper, *values) if n is not None]
    decimals = max((places(decimal_text(n, c.id)) for n in numbers), default=0)
    yield f"K2001/{i} {i}"
    yield f"K2002/{i} {c.name}"
    yield f"K2003/{i} {c.id}"
    yield f"K2004/{i} 0"
    yield f"K2022/{i} {decimals}"
    for field, number in ((2101, c.nominal), (2110, c.lower), (2111, c.upper)):
        if number is not None:
            yield f"K{field}/{i} {decimal_text(number, c.id)}"
    yield f"K2142/{i} {c.unit}"


def _values(inspection: Inspection, order: list[str]) -> Iterator[str]:
    results = {r.id: r for r in inspection.characteristics}
    taken = captured(inspection)
    for i, name in enumerate(order, start=1):
        result = results.get(name)
        if result is None or result.value is None:
            continue
        yield f"K0001/{i} {decimal_text(result.value, f'{inspection.id}, {name}')}"
        yield f"K0002/{i} {_VALID if result.valid else _NOT_VALID}"
        if taken is not None:
            yield f"K0004/{i} {datetime.fromisoformat(taken).astimezone(UTC):%d.%m.%Y/%H:%M:%S}"
        yield f"K0009/{i} {_said(inspection, result)}"
        if inspection.serial is not None:
            yield f"K0014/{i} {inspection.serial}"


def _said(inspection: Inspection, result: CharacteristicResult) -> str:
    u, where = result.standard_uncertainty, f"{inspection.id}, {result.id}"
    said = "u not stated" if u is None else f"u = {decimal_text(u, where)} {result.unit}"
    if result.coverage_factor is not None:
        said += f", k = {decimal_text(result.coverage_factor, where)}"
    lot = "" if inspection.lot is None else f", lot {inspection.lot}"
    return f"{said}, {result.decision}{lot}, record {inspection.id}"
