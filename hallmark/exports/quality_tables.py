"""In-process control and non-conformances as tables, from what the server's records say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from hallmark.errors import ExportError
from hallmark.exports.cells import Value
from hallmark.exports.tables import Column, Table
from quality.ipqc.events import Judgement, KeyScope, Sampled
from quality.spc import Limits

_SPC = (
    Column("lot"), Column("sample", "count"), Column("characteristic"), Column("serial"),
    Column("value", "number"), Column("unit"), Column("standard_uncertainty", "number"),
    Column("coverage_factor", "number"), Column("conform", "flag"), Column("instrument"),
    Column("lower", "number"), Column("upper", "number"), Column("chart"), Column("outcome"), Column("rules"),
    Column("centre", "number"), Column("sigma", "number"), Column("limits_version", "count"),
    Column("operator"), Column("sop_version"),
)  # fmt: skip
_NCR = (
    Column("id"), Column("lot"), Column("cause"), Column("severity"), Column("status"), Column("opened_at"),
    Column("triggers"), Column("serials"), Column("inspections"), Column("quantity", "number"),
    Column("quantity_unit"), Column("dispositions"),
)  # fmt: skip


def spc_table(record: Mapping[str, Any]) -> Table:
    """Return one row for each reading of each sample, with what was decided of it.

    `lower` and `upper` are specification limits; `centre` and `sigma` (of a single value, in its unit) are
    those of the frozen control limits in force at the export, absent where none are.

    Raises:
        ExportError: in-process control of the lot is not started, or it is no such record.
    """
    if record.get("started") is None:
        raise ExportError(
            f"lot {record.get('lot')}: in-process control is not started; there is nothing to export"
        )
    try:
        keys = {k.characteristic: k for k in map(KeyScope.model_validate, record["started"]["keys"])}
        limits = {name: Limits.model_validate(known) for name, known in record["limits"].items()}
        samples = [Sampled.model_validate(sample) for sample in record["samples"]]
        rows = [row for s in samples for row in _readings(str(record["lot"]), s, keys, limits)]
    except (ValidationError, KeyError, TypeError) as error:
        raise ExportError(f"not the record of a lot's in-process control: {error}") from error
    return Table(_SPC, rows)


def _readings(
    lot: str, sample: Sampled, keys: Mapping[str, KeyScope], limits: Mapping[str, Limits]
) -> Iterable[tuple[Value, ...]]:
    judged = {j.characteristic: j for j in sample.judgements}
    for r in sample.readings:
        key, frozen = keys[r.characteristic], limits.get(r.characteristic)
        judgement = judged.get(
            r.characteristic, Judgement(characteristic=r.characteristic, outcome="undecided")
        )
        yield (
            lot, sample.number, r.characteristic, r.serial, r.value, key.unit, r.standard_uncertainty,
            None if r.standard_uncertainty is None else key.rule.coverage_factor, r.conform, r.instrument,
            key.lower, key.upper, key.chart, judgement.outcome, "; ".join(judgement.rules),
            None if frozen is None else frozen.centre, None if frozen is None else frozen.sigma,
            None if frozen is None else frozen.version, sample.operator.name, sample.sop_version,
        )  # fmt: skip


def ncr_table(records: Iterable[Mapping[str, Any]]) -> Table:
    """Return one row for each non-conformance; what is many in one cell is separated by `; `.

    Raises:
        ExportError: it is no such record.
    """
    try:
        return Table(_NCR, [_nonconformance(record) for record in records])
    except (KeyError, TypeError, ValueError) as error:
        raise ExportError(f"not the record of a non-conformance: {error!r}") from error


def _nonconformance(record: Mapping[str, Any]) -> tuple[Value, ...]:
    decided = [
        f"{d['decision']} of {d['quantity']} by {d['person']['name']}, {d['person']['party']}: {d['reason']}"
        for d in record["dispositions"]
    ]
    return (
        record["id"], record["lot"], record["cause"], record["severity"], record["status"],
        record["opened_at"], "; ".join(record["triggers"]), "; ".join(record["serials"]),
        "; ".join(record["inspections"]), float(record["quantity"]), "units", "; ".join(decided),
    )  # fmt: skip
