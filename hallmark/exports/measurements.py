"""Measurement data of inspection records: one row for each characteristic of each unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evidence import CharacteristicResult, ColourResult, Inspection
from hallmark.errors import ExportError
from hallmark.exports.tables import Column, Table

_COLUMNS = (
    Column("lot"), Column("serial"), Column("part"), Column("revision"), Column("station"),
    Column("sequence", "count"), Column("captured_at"), Column("characteristic"), Column("name"),
    Column("value", "number"), Column("unit"), Column("standard_uncertainty", "number"),
    Column("coverage_factor", "number"), Column("nominal", "number"), Column("lower", "number"),
    Column("upper", "number"), Column("rule"), Column("valid", "flag"), Column("decision"), Column("reason"),
    Column("source"), Column("verdict"), Column("inspection"), Column("record"), Column("golden"),
    Column("interval_low", "number"), Column("interval_high", "number"), Column("dl", "number"),
    Column("da", "number"), Column("db", "number"), Column("dc", "number"), Column("dh", "number"),
    Column("words"), Column("excluded", "number"), Column("instrument"),
)  # fmt: skip


def measurement_table(inspections: Iterable[Inspection]) -> Table:
    """Return every result of the records, those without a value too: `reason` says why there is none.

    The last columns are of colours: the interval that decides, differences of L*a*b*, chroma and hue, words,
    the share of the region that was not judged, and the instrument where no camera decided.
    """
    rows = [
        (
            i.lot, i.serial, i.part, i.revision, i.station, i.sequence, captured(i), r.id, r.name, r.value,
            r.unit, r.standard_uncertainty, r.coverage_factor, r.nominal, r.lower, r.upper, r.rule.rule,
            r.valid, r.decision, r.reason, r.source, i.verdict, i.id, i.digest, i.golden.digest,
            *(r.interval or (None, None)), *_colour(r.colour),
        )
        for i in inspections
        for r in i.characteristics
    ]  # fmt: skip
    return Table(_COLUMNS, rows)


def _colour(c: ColourResult | None) -> tuple[float | str | None, ...]:
    if c is None:
        return (None,) * 8
    instrument = None if c.reading is None else c.reading.instrument
    excluded = c.excluded if c.reading is None else None
    return c.dl, c.da, c.db, c.dc, c.dh, ", ".join(c.words), excluded, instrument


def captured(inspection: Inspection) -> str | None:
    """Return when the first frame was taken (RFC 3339, UTC), or None."""
    return min((f.captured_at for f in inspection.frames if f.captured_at is not None), default=None)


def definitions(inspections: Sequence[Inspection]) -> dict[str, CharacteristicResult]:
    """Return each measured characteristic by id as the first record that has a unit for it tells it.

    Raises:
        ExportError: there is no record or no measured characteristic, the records are of several parts, or
            two of them give one characteristic other limits or another unit.
    """
    if not inspections:
        raise ExportError(
            "there is no inspection record to export: name a lot that has some, or give --record"
        )
    parts = sorted({f"{i.part} {i.revision}" for i in inspections})
    if len(parts) > 1:
        raise ExportError(f"the records are of {', '.join(parts)}: export each part by itself")
    found: dict[str, CharacteristicResult] = {}
    for inspection in inspections:
        for result in (r for r in inspection.characteristics if r.unit is not None):
            known = found.setdefault(result.id, result)
            if (known.unit, known.lower, known.upper) != (result.unit, result.lower, result.upper):
                raise ExportError(
                    f"{result.id}: record {inspection.id} has limits {result.lower} to {result.upper} "
                    f"{result.unit}, another record {known.lower} to {known.upper} {known.unit}: export the "
                    "records of one golden sample at a time"
                )
    if not found:
        raise ExportError("no record holds a measured characteristic: CSV and Parquet list attributes too")
    return found
