"""The forms of a report, filled from a first-article decision; what only people know is given beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quality.errors import EvidenceError
from quality.fai import FaiItem, FirstArticleDecision
from quality.fai_report.events import FairOpened, RequiredCharacteristic
from quality.fai_report.forms import (
    CharacteristicAccountability,
    CharacteristicRow,
    FairForms,
    FunctionalTestRow,
    MaterialRow,
    PartNumberAccountability,
    ProductAccountability,
    UnitResult,
    decide_value,
)


def prepare_forms(
    identifier: str,
    opened: FairOpened,
    decision: FirstArticleDecision,
    *,
    form1: Mapping[str, Any],
    materials: Sequence[MaterialRow] = (),
    nonconformances: Mapping[str, str] | None = None,
    instruments: Mapping[str, str] | None = None,
) -> FairForms:
    """Return the filled forms.

    Args:
        identifier: the report's.
        opened: what the report accounts for.
        decision: of `first_article`, on the units of the report.
        form1: the fields of form 1 that no record holds, by their names in `PartNumberAccountability`:
            at least `process_reference` and `fai_of`.
        materials: rows of form 2, fields 5 to 10.
        nonconformances: the nonconformance number of each characteristic that does not conform.
        instruments: identity of what measured a characteristic, where the decision does not hold it.

    Raises:
        EvidenceError: a result is missing or undecided by attribute, or no instrument is known.
        ValueError: (pydantic) naming form, field and name of what is required.
    """
    items = {(i.id, i.serial): i for i in decision.items}
    rows = tuple(
        _row(c, [items.get((c.id, s)) for s in decision.serials], nonconformances or {}, instruments or {})
        for c in opened.required
    )
    shared = {
        "part_number": opened.part_number, "part_name": opened.part_name, "fair_identifier": identifier,
        "serial_number": decision.serials,
    }  # fmt: skip
    tests = tuple(
        FunctionalTestRow(procedure=c.method or c.name, report=row.results[0].evidence, characteristic=c.id)
        for c, row in zip(opened.required, rows, strict=True)
        if c.kind == "functional"
    )
    return FairForms(
        form1=PartNumberAccountability.model_validate({
            "part_revision": opened.part_revision, "organization": opened.suppliers[0],
            "fai_type": opened.fai_type, "baseline": opened.baseline, "reason": opened.reason,
            "trigger": opened.trigger,
            "documented_nonconformance": any(not row.conforms for row in rows), **shared, **form1,
        }),
        form2=ProductAccountability.model_validate(
            {**shared, "materials": tuple(materials), "functional_tests": tests}
        ),
        form3=CharacteristicAccountability.model_validate({**shared, "rows": rows}),
    )  # fmt: skip


def _row(
    c: RequiredCharacteristic,
    items: Sequence[FaiItem | None],
    nonconformances: Mapping[str, str],
    instruments: Mapping[str, str],
) -> CharacteristicRow:
    results = tuple(_result(c, item, instruments.get(c.id)) for item in items)
    return CharacteristicRow(
        number=c.number,
        id=c.id,
        kind=c.kind,
        severity=c.severity,
        variables=c.variables,
        reference_location=f"balloon {c.number}",
        designator="critical" if c.severity == "critical" else None,
        requirement=_requirement(c),
        results=results,
        tooling=None if c.variables else results[0].instrument,
        nonconformance=nonconformances.get(c.id),
        unit=c.unit,
        lower=c.lower,
        upper=c.upper,
        rule=c.rule,
    )


def _result(c: RequiredCharacteristic, item: FaiItem | None, instrument: str | None) -> UnitResult:
    where = f"characteristic {c.number} ({c.id})"
    if item is None or item.outcome == "missing" or item.evidence is None:
        raise EvidenceError(f"form 3, field 9: {where} has no result on {item.serial if item else 'a unit'}")
    where += f" on {item.serial}"
    name = item.instrument or instrument
    if name is None:
        raise EvidenceError(f"form 3, field 9: {where}: name the instrument that gave the result")
    found: dict[str, Any] = {"serial": item.serial, "instrument": name, "evidence": item.evidence}
    if c.variables:
        if item.value is None:
            raise EvidenceError(f"form 3, field 9: {where} has no measured value, yet a technique gives one")
        u = item.standard_uncertainty
        decided = decide_value(item.value, u, c.lower, c.upper, c.rule)
        return UnitResult.model_validate(
            {**found, "value": item.value, "standard_uncertainty": u, "decision": decided}
        )
    if item.outcome == "undecided":
        raise EvidenceError(f"form 3, field 9: {where} is undecided; let a person decide it first")
    return UnitResult.model_validate(
        {**found, "conform": item.outcome == "conform", "decision": item.outcome}
    )


def _requirement(c: RequiredCharacteristic) -> str:
    if not c.variables:
        return f"{c.name}: {c.method}" if c.method else f"{c.name}: as the golden sample"
    low = "" if c.lower is None else f"{c.lower:g} <= "
    high = "" if c.upper is None else f" <= {c.upper:g}"
    return f"{low}{c.name}{high} {c.unit}"
