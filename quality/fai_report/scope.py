"""What a report must account for, taken from the golden sample, and whether the forms do."""

from __future__ import annotations

from collections.abc import Sequence

from evidence import GoldenReference
from golden.spec import Characteristic, Colour, Entered, GoldenSpec, Surface
from quality.errors import StepError
from quality.fai_report.events import FairOpened, RequiredCharacteristic, RequiredMaterial
from quality.fai_report.forms import CharacteristicRow, FairForms, FaiTrigger, FaiType


def fair_scope(
    spec: GoldenSpec,
    golden: GoldenReference,
    *,
    fai_type: FaiType,
    characteristics: Sequence[str] | None,
    baseline: str | None,
    reason: str | None,
    trigger: FaiTrigger | None,
) -> FairOpened:
    """Return what a report of this golden sample accounts for.

    A full one accounts for every characteristic and material. A partial one accounts for `characteristics`,
    and for the materials where the trigger is one of material or source.

    Raises:
        StepError: a partial report without characteristics, a full one with some, or one that the golden
            sample does not have.
    """
    if (fai_type == "partial") != (characteristics is not None):
        raise StepError("name the affected characteristics of a partial FAI; a full one takes all of them")
    chosen = [c.id for c in spec.characteristics] if characteristics is None else list(characteristics)
    unknown = sorted(set(chosen) - {c.id for c in spec.characteristics})
    if unknown or not chosen:
        raise StepError(f"the golden sample has no characteristic {', '.join(unknown) or '(none is named)'}")
    in_order = sorted(spec.characteristics, key=lambda c: c.number)
    with_materials = fai_type == "full" or trigger in ("material", "source")
    return FairOpened(
        golden=golden,
        part_number=spec.part.number,
        part_revision=spec.part.revision,
        part_name=spec.part.name,
        suppliers=tuple(p.name for p in spec.parties if p.role == "supplier"),
        buyers=tuple(p.name for p in spec.parties if p.role == "buyer"),
        approved_by=spec.plans.fai.approved_by,
        fai_type=fai_type,
        baseline=baseline,
        reason=reason,
        trigger=trigger,
        units=spec.plans.fai.units,
        required=tuple(_required(c) for c in in_order if c.id in chosen),
        materials=tuple(
            RequiredMaterial(
                name=m.name, specification=m.standard, approved_manufacturers=m.approved_manufacturers
            )
            for m in (spec.materials if with_materials else ())
        ),
    )


def _required(c: Characteristic) -> RequiredCharacteristic:
    counted = isinstance(c, Surface) or c.unit is None
    return RequiredCharacteristic(
        number=c.number, id=c.id, name=c.name, kind=c.kind, severity=c.severity, variables=not counted,
        unit=None if isinstance(c, Surface) else c.unit,
        lower=None if isinstance(c, Surface | Colour) else c.lower,
        upper=None if isinstance(c, Surface) else c.upper,
        rule=c.decision, method=c.method if isinstance(c, Entered) else None,
    )  # fmt: skip


def check_forms(identifier: str, opened: FairOpened, forms: FairForms) -> None:
    """Refuse forms that are not of the opened report, or do not account for all that it asks.

    Raises:
        StepError: naming form, field and what is missing.
    """
    where = f"fair {identifier}"
    form1 = forms.form1
    for name, expected in (
        ("fair_identifier", identifier),
        ("part_number", opened.part_number),
        ("part_name", opened.part_name),
        ("part_revision", opened.part_revision),
        ("fai_type", opened.fai_type),
        ("baseline", opened.baseline),
        ("reason", opened.reason),
    ):
        if getattr(form1, name) != expected:
            raise StepError(
                f"{where}: {form1.place(name)}: is {getattr(form1, name)!r}, expected {expected!r}"
            )
    if form1.organization not in opened.suppliers:
        raise StepError(f"{where}: {form1.place('organization')}: {form1.organization!r} is not its supplier")
    if form1.trigger != opened.trigger:
        raise StepError(f"{where}: form 1, trigger: is {form1.trigger!r}, expected {opened.trigger!r}")
    serials = forms.units
    if len(serials) < opened.units or len(set(serials)) != len(serials):
        raise StepError(
            f"{where}: {form1.place('serial_number')}: {len(set(serials))} units, "
            f"the plan asks for {opened.units}"
        )
    _check_rows(where, opened, forms)
    _check_form2(where, opened, forms)


def _check_rows(where: str, opened: FairOpened, forms: FairForms) -> None:
    rows = {row.id: row for row in forms.form3.rows}
    required = {c.id: c for c in opened.required}
    for missing in (c for c in opened.required if c.id not in rows):
        raise StepError(
            f"{where}: form 3: characteristic {missing.number} ({missing.id}) is not accounted for"
        )
    for row in forms.form3.rows:
        c = required.get(row.id)
        if c is None:
            raise StepError(f"{where}: form 3: characteristic {row.number} ({row.id}) is not in its scope")
        for name in ("number", "kind", "severity", "variables", "unit", "lower", "upper", "rule"):
            if getattr(row, name) != getattr(c, name):
                raise StepError(
                    f"{where}: form 3, characteristic {c.number} ({c.id}): {name} is {getattr(row, name)!r}, "
                    f"in the golden sample {getattr(c, name)!r}"
                )
        _check_units(where, row, forms.units)


def _check_units(where: str, row: CharacteristicRow, serials: Sequence[str]) -> None:
    found = {result.serial for result in row.results}
    if found != set(serials):
        raise StepError(
            f"{where}: {row.place('results')}: characteristic {row.number} ({row.id}) has results of "
            f"{', '.join(sorted(found))}, the report is of {', '.join(sorted(serials))}"
        )


def _check_form2(where: str, opened: FairOpened, forms: FairForms) -> None:
    accounted = {(row.name, row.specification): row for row in forms.form2.materials}
    for material in opened.materials:
        row = accounted.get((material.name, material.specification))
        if row is None:
            raise StepError(
                f"{where}: form 2, field 5: {material.name} ({material.specification}) is missing"
            )
        if row.supplier not in material.approved_manufacturers:
            raise StepError(
                f"{where}: {row.place('supplier')}: {row.supplier} is not an approved manufacturer of "
                f"{material.name}; these are: {', '.join(material.approved_manufacturers)}"
            )
    tested = {row.characteristic for row in forms.form2.functional_tests}
    for c in opened.required:
        if c.kind == "functional" and c.id not in tested:
            raise StepError(
                f"{where}: form 2, field 11: no procedure tests characteristic {c.number} ({c.id})"
            )
