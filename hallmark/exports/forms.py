"""The three forms of a first article inspection report as sheets: numbered fields, then tables of rows.

Workbook and PDF are written from the same sheets, so that they cannot differ in content. Numbers and names
of the fields are those of AS9102 Rev C, as `quality.fai_report.forms` holds them; the rest stands beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from hallmark.errors import ExportError
from hallmark.exports.cells import Value
from quality.fai_report import FairForms, SignedPartNumberAccountability
from quality.fai_report.forms import (
    CharacteristicRow,
    Form,
    FormField,
    FunctionalTestRow,
    IndexRow,
    MaterialRow,
)

_SIGNED = (
    "verified_by", "verified_on", "approved_by", "approved_on", "customer_approval", "customer_approved_on",
)  # fmt: skip
_UNNUMBERED = (
    "serial", "measured value", "measured in", "standard uncertainty", "coverage factor", "lower limit",
    "upper limit", "decision rule", "decision", "instrument", "evidence",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FormTable:
    """Rows of a form under the titles of their fields."""

    titles: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One form: its title, its fields and its tables."""

    title: str
    fields: tuple[tuple[str, Value], ...]
    tables: tuple[FormTable, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A first article inspection report: identifier, part, phase, revision of the part, its three forms."""

    identifier: str
    part: str
    revision: str
    phase: str
    nonconforming: int
    sheets: tuple[Sheet, Sheet, Sheet]


def read_report(record: Mapping[str, Any]) -> Report:
    """Return the report that a server's record (`GET /fairs/{id}`) tells.

    Raises:
        ExportError: the report has no forms yet, or it is no such record.
    """
    identifier = record.get("identifier")
    if record.get("forms") is None:
        raise ExportError(
            f"report {identifier}: it has no forms yet; they are submitted before it can be exported"
        )
    try:
        forms = FairForms.model_validate(record["forms"])
        opened, phase = record["opened"], str(record["phase"])
        signatures = _signatures(record)
        revision, part = str(opened["part_revision"]), f"{opened['part_number']} {opened['part_name']}"
    except (ValidationError, KeyError, TypeError) as error:
        raise ExportError(
            f"report {identifier}: not the record of a first article report: {error}"
        ) from error
    sheets = (_form1(forms, signatures), _form2(forms), _form3(forms))
    return Report(str(identifier), part, revision, phase, len(forms.nonconforming), sheets)


def _signatures(record: Mapping[str, Any]) -> dict[str, Value]:
    found: dict[str, Value] = dict.fromkeys(_SIGNED)
    for key, who, on in (("verified", *_SIGNED[:2]), ("approved", *_SIGNED[2:4]), ("customer", *_SIGNED[4:])):
        signed = record[key]
        if signed is not None:
            remote = f", remote: {signed['evidence']}" if signed["manner"] == "remote" else ""
            found[who] = f"{signed['person']['name']}, {signed['person']['party']}{remote}"
            found[on] = str(signed["on"])
    return found


def _form1(forms: FairForms, signatures: Mapping[str, Value]) -> Sheet:
    form = forms.form1
    fields = [
        (_title(SignedPartNumberAccountability, name), _said(signatures.get(name, getattr(form, name, None))))
        for name in _numbered(SignedPartNumberAccountability)
    ]
    return Sheet("Form 1", tuple(fields), (_table(IndexRow, form.index),) if form.index else ())


def _form2(forms: FairForms) -> Sheet:
    form = forms.form2
    fields = tuple((_title(type(form), name), _said(getattr(form, name))) for name in _numbered(type(form)))
    tables = [
        _table(model, rows)
        for model, rows in ((MaterialRow, form.materials), (FunctionalTestRow, form.functional_tests))
        if rows
    ]
    return Sheet("Form 2", fields, tuple(tables))


def _form3(forms: FairForms) -> Sheet:
    form = forms.form3
    fields = tuple((_title(type(form), name), _said(getattr(form, name))) for name in _numbered(type(form)))
    names = [name for name in _numbered(CharacteristicRow) if name != "results"]
    before, after = names[:4], names[4:]
    titles = (
        *(_title(CharacteristicRow, name) for name in before),
        f"{_title(CharacteristicRow, 'results')}: {_UNNUMBERED[0]}",
        *_UNNUMBERED[1:],
        *(_title(CharacteristicRow, name) for name in after),
    )
    rows = tuple(
        (
            *(_said(getattr(row, name)) for name in before),
            result.serial,
            "conform" if result.conform else "nonconform" if result.conform is False else result.value,
            row.unit,
            result.standard_uncertainty,
            None if result.standard_uncertainty is None else row.rule.coverage_factor,
            row.lower,
            row.upper,
            row.rule.rule,
            result.decision,
            result.instrument,
            result.evidence,
            *(_said(getattr(row, name)) for name in after),
        )
        for row in form.rows
        for result in row.results
    )
    return Sheet("Form 3", fields, (FormTable(titles, rows),))


def _table(model: type[Form], rows: Sequence[Form]) -> FormTable:
    names = _numbered(model)
    titles = tuple(_title(model, name) for name in names)
    return FormTable(titles, tuple(tuple(_said(getattr(row, n)) for n in names) for row in rows))


def _numbered(model: type[Form]) -> list[str]:
    """Return the names of the model's numbered fields in the order of their numbers."""
    marks = {name: _mark(model, name) for name in model.model_fields}
    return [n for n, m in sorted(marks.items(), key=lambda pair: pair[1].number if pair[1] else 0) if m]


def _mark(model: type[Form], name: str) -> FormField | None:
    return next((m for m in model.model_fields[name].metadata if isinstance(m, FormField)), None)


def _title(model: type[Form], name: str) -> str:
    mark = _mark(model, name)
    return name if mark is None else f"{mark.number}. {mark.name}"


def _said(value: object) -> Value:
    """Return a field's value as a cell: names of choices as words, several serials in one cell."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, tuple):
        return ", ".join(str(one) for one in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)
