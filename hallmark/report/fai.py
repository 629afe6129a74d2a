"""The first-article inspection report: ballooned picture, item by item, decision, signatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evidence import Inspection
from golden.spec import GoldenSpec
from hallmark.report.pages import render
from hallmark.report.pictures import Picture, State, draw
from hallmark.report.rows import fai_rows, rule_sentences
from quality import FirstArticleDecision


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, for which party, and when (UTC, RFC 3339)."""

    name: str
    party: str
    time: str


def render_fai(
    spec: GoldenSpec,
    inspection: Inspection,
    decision: FirstArticleDecision,
    pictures: Sequence[Picture],
    *,
    issued: str,
    inspector: Signature | None = None,
    approver: Signature | None = None,
) -> str:
    """Return the report of one first-article unit as one HTML page.

    Args:
        spec: the golden sample's specification.
        inspection: the unit's record.
        decision: the first article's decision, of which the unit's items are shown.
        pictures: one per view, to draw the balloons on.
        issued: time of issue, UTC, RFC 3339.
        inspector: who made the report, or None for an empty line to sign.
        approver: who approved it for the party that the plan names, or None.

    Raises:
        ValueError: the decision is not about this inspection.
    """
    if inspection.id not in decision.inspections:
        raise ValueError(
            f"the decision is about {', '.join(decision.inspections)}, not about {inspection.id}"
        )
    items = [i for i in decision.items if i.serial == inspection.serial]
    states: dict[str, State] = {i.id: i.outcome for i in items}
    return render(
        "fai.html.j2",
        title=f"First article {spec.part.number} {spec.part.revision}, {inspection.serial}",
        spec=spec,
        inspection=inspection,
        decision=decision,
        rows=fai_rows(spec, items),
        rules=rule_sentences(spec, set(states)),
        drawings=[draw(spec, p, states, inspection.defects if p.pose else ()) for p in pictures],
        issued=issued,
        inspector=inspector,
        approver=approver,
        approving_party=spec.party(spec.plans.fai.approved_by),
    )
