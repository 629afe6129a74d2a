"""The inspection sheet: one unit's record over its own frames."""

from __future__ import annotations

from collections.abc import Sequence

from evidence import Inspection
from golden.spec import GoldenSpec
from hallmark.report.pages import render
from hallmark.report.pictures import Picture, State, draw
from hallmark.report.rows import inspection_rows, rule_sentences


def render_sheet(
    spec: GoldenSpec, inspection: Inspection, pictures: Sequence[Picture], *, note: str = ""
) -> str:
    """Return one unit's sheet as one HTML page.

    Args:
        spec: the golden sample's specification.
        inspection: the unit's record.
        pictures: the unit's frames with their poses; a frame in which the unit was not found is shown without
            features.
        note: a sentence above the picture, for example where the unit comes from.
    """
    found = {f.view for f in inspection.frames if f.pose is not None}
    states: dict[str, State] = {r.id: r.decision for r in inspection.characteristics}
    return render(
        "sheet.html.j2",
        title=f"Inspection {inspection.serial or inspection.id}",
        spec=spec,
        inspection=inspection,
        rows=inspection_rows(spec, inspection),
        rules=rule_sentences(spec, set(states)),
        drawings=[draw(spec, p, states if p.view in found else {}, inspection.defects) for p in pictures],
        note=note,
    )
