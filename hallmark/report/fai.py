"""The first-article inspection report: ballooned picture, item by item, decision, signatures."""

from __future__ import annotations

from collections.abc import Sequence

from evidence import Inspection
from golden.sample import GoldenSample
from golden.spec import GoldenSpec
from hallmark.report.colours import colours_in_detail
from hallmark.report.drawing import ballooned
from hallmark.report.marks import characteristic_marks
from hallmark.report.paper import (
    Block,
    Cell,
    Column,
    Digests,
    Figure,
    Heading,
    Paper,
    ReportError,
    Signature,
    Signatures,
    Table,
    Text,
)
from hallmark.report.pictures import Picture, golden_picture
from hallmark.report.rows import Row, entered_table, fai_rows, measured_table, rule_sentences
from hallmark.report.sections import (
    deviations,
    missing,
    readable,
    require_own,
    running,
    signature_line,
    unit_digests,
    unit_facts,
)
from hallmark.report.signs import DECISIONS, State
from quality import FirstArticleDecision

_ENTERED = ("material", "functional", "attribute")


def first_article_report(
    sample: GoldenSample,
    inspection: Inspection,
    decision: FirstArticleDecision,
    *,
    issued: str,
    inspector: Signature | None = None,
    approver: Signature | None = None,
) -> Paper:
    """Return the report of one first-article unit.

    Args:
        sample: the golden sample that judged; its pictures carry the balloons.
        inspection: the unit's record.
        decision: the first article's decision, of which the unit's items are shown.
        issued: time of issue, UTC, RFC 3339.
        inspector: who made the report for the supplier, or None for an empty line to sign.
        approver: who approved it for the party that the plan names, or None.

    Raises:
        ReportError: the decision or the golden sample is not this inspection's.
    """
    require_own(sample, inspection)
    if inspection.id not in decision.inspections:
        raise ReportError(
            f"the decision is about {', '.join(decision.inspections)}, not about {inspection.id}: "
            "give the record of a unit of this first article"
        )
    spec = sample.spec
    items = [i for i in decision.items if i.serial == inspection.serial]
    rows = fai_rows(spec, inspection, items)
    conform = sum(r.decision == "conform" for r in rows)
    state: State = "conform" if decision.accepted else "nonconform"
    return Paper(
        kind="First article inspection report",
        title=spec.part.name,
        verdict=("ACCEPTED" if decision.accepted else "NOT ACCEPTED", state, "first article"),
        running=running(spec, inspection.lot, inspection.serial),
        issued=issued,
        reference=inspection.id,
        blocks=(
            unit_facts(
                sample, inspection,
                ("Units of the first article", ", ".join(decision.serials)),
                ("Items that conform", f"{conform} of {len(rows)}"),
                ("Issued (UTC)", readable(issued)),
            ),
            *_figures(sample, {i.id: i.outcome for i in items}),
            Heading("Dimensions, colour, surface"),
            measured_table([r for r in rows if r.kind not in _ENTERED]),
            Text(
                "Limits are inclusive (limits of size, ISO 286-1). U is the expanded uncertainty of the "
                "measured value, U = k u (JCGM 100).", "quiet",
            ),
            *colours_in_detail(spec, items),
            *_entered(spec, [r for r in rows if r.kind in _ENTERED]),
            *_materials(spec),
            Heading("Decision rule"),
            *(Text(rule) for rule in rule_sentences(spec, {i.id for i in items})),
            *deviations(spec, inspection),
            *_decision(spec, decision),
            Signatures((
                signature_line(sample, "Inspected and submitted by", "supplier", inspector),
                signature_line(sample, "Approved by", spec.plans.fai.approved_by, approver),
            )),
            Heading("What this report rests on"),
            Digests((*unit_digests(inspection).items, ("seal", _seal(sample)))),
            Text(
                "The content follows the fields of the AS9102 forms (part, product and special process "
                "accountability, characteristics); conformity with AS9102 is not claimed.", "quiet",
            ),
        ),
    )  # fmt: skip


def _figures(sample: GoldenSample, states: dict[str, State]) -> list[Block]:
    pictures = [golden_picture(sample, view) for view in sample.spec.views]
    blocks: list[Block] = missing(pictures)
    legend: list[tuple[State, str]] = [(s, DECISIONS[s]) for s in ("conform", "nonconform", "undecided")]
    for picture in pictures:
        if isinstance(picture, Picture):
            marks = characteristic_marks(sample.spec, picture.view, None, states, {})
            blocks.append(Figure(
                ballooned(picture, marks), f"{picture.caption}, with a balloon for each characteristic",
                f"{picture.caption}. Balloons carry the item numbers of the tables.", legend, 148,
            ))  # fmt: skip
    return blocks


def _entered(spec: GoldenSpec, rows: Sequence[Row]) -> list[Block]:
    if not rows:
        return []
    return [Heading("Material, function, attributes"), entered_table(spec, rows)]


def _materials(spec: GoldenSpec) -> list[Block]:
    """Return what was agreed on materials; the items above say what was proven."""
    if not spec.materials:
        return []
    columns = (
        Column("Material", 50),
        Column("Standard", 30),
        Column("Approved manufacturers"),
        Column("Evidence"),
    )
    rows = [
        [
            Cell(m.name),
            Cell(m.standard),
            Cell(", ".join(m.approved_manufacturers)),
            Cell(", ".join(m.required_evidence)),
        ]
        for m in spec.materials
    ]
    return [Heading("Materials as agreed"), Table(columns, rows)]


def _decision(spec: GoldenSpec, decision: FirstArticleDecision) -> list[Block]:
    party = spec.party(spec.plans.fai.approved_by)
    against = ", ".join(f"{c.cause} ({c.severity})" for c in decision.causes)
    blocks: list[Block] = [
        Heading("Decision"),
        Text(
            "The first article is accepted if every required item conforms on every unit and nothing else "
            f"stopped a unit. No unit of the lot may be produced before {party.name} ({party.role}) has "
            "approved this report."
        ),
    ]
    if against:
        blocks.append(Text(f"Against acceptance: {against}.", "warning"))
    return blocks


def _seal(sample: GoldenSample) -> str:
    signed = "; ".join(f"{s.party} ({s.role}) by key {s.keyid}" for s in sample.signatures)
    return f"version {sample.version}, issued {sample.issued:%Y-%m-%d}; {signed}"
