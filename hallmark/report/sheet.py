"""The inspection sheet: one unit's record over its own frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evidence import REASONS, Inspection, because
from golden.sample import GoldenSample
from hallmark.report.colours import colours_in_detail
from hallmark.report.drawing import labelled, pair
from hallmark.report.explained import explained
from hallmark.report.marks import characteristic_marks, defect_marks, numbered, words
from hallmark.report.paper import Block, Cell, Column, Figure, Gallery, Heading, Paper, Table, Text, Thumbnail
from hallmark.report.pictures import Absent, Picture, as_seen, cutouts, golden_picture
from hallmark.report.rows import Row, inspection_rows, measured_table, rule_sentences
from hallmark.report.sections import (
    deviations,
    missing,
    readable,
    require_own,
    running,
    unit_digests,
    unit_facts,
)
from hallmark.report.signs import COLOURS, DECISIONS, SEVERITIES, VERDICTS, WEIGHED, State, state_of
from vision import Explanation

MOST_THUMBNAILS = 8


def inspection_sheet(
    sample: GoldenSample,
    inspection: Inspection,
    pictures: Sequence[Picture | Absent],
    *,
    issued: str,
    note: str = "",
    why: Sequence[Explanation] = (),
) -> Paper:
    """Return one unit's sheet.

    Args:
        sample: the golden sample that judged.
        inspection: the unit's record.
        pictures: the unit's frames, or why they cannot be shown; a frame in which the unit was not found is
            shown without features.
        issued: time of issue, UTC, RFC 3339.
        note: a sentence above the picture, for example where the unit comes from.
        why: what the inspector shows of the deviations, see `vision.Inspector.explain`; one that is not among
            them is shown without difference and heat map.

    Raises:
        ReportError: the golden sample is not the one that judged this inspection.
    """
    require_own(sample, inspection)
    spec = sample.spec
    rows = inspection_rows(spec, inspection)
    states = {r.id: r.decision for r in inspection.characteristics}
    conform = sum(r.decision == "conform" for r in rows)
    shown = [as_seen(p, spec.view(p.view)) for p in pictures if isinstance(p, Picture)]
    timing = inspection.timing_ms
    spent = timing.get("total", sum(timing.values()))
    return Paper(
        kind="Inspection sheet",
        title=f"{spec.part.name}{', ' if inspection.serial else ''}{inspection.serial or ''}",
        verdict=(inspection.verdict, VERDICTS[inspection.verdict], "verdict on this unit"),
        running=running(spec, inspection.lot, inspection.serial),
        issued=issued,
        reference=inspection.id,
        blocks=(
            unit_facts(
                sample, inspection,
                ("Items that conform", f"{conform} of {len(rows)}"),
                ("Time of inspection", f"{spent:.0f} ms" if timing else ""),
                ("Issued (UTC)", readable(issued)),
            ),
            *([Text(note)] if note else []),
            *_reasons(inspection),
            *missing(pictures),
            *deviations(spec, inspection, [block for p in shown for block in _surface_figure(inspection, p)]),
            *_gallery(sample, inspection, shown, {e.number: e for e in why if e.number is not None}),
            *(block for p in shown for block in _measured_figure(sample, inspection, p, rows)),
            Heading("Characteristics", f"{conform} of {len(rows)} conform"),
            measured_table(rows),
            *(Text(rule, "quiet") for rule in rule_sentences(spec, set(states))),
            *colours_in_detail(spec, inspection.characteristics),
            Heading("What this sheet rests on"),
            unit_digests(inspection),
            *_timing(timing),
        ),
    )  # fmt: skip


def _reasons(inspection: Inspection) -> list[Block]:
    if not inspection.reasons:
        return []
    columns = (Column("Reason", 54), Column("What it means"), Column("What to do", 56))
    rows = [
        [Cell(c, code=True), Cell(REASONS[c].meaning), Cell(REASONS[c].remedy)] for c in inspection.reasons
    ]
    return [Heading("Why"), Table(columns, rows)]


def _surface_figure(inspection: Inspection, picture: Picture) -> list[Block]:
    marks = defect_marks(picture.view, inspection.defects)
    found = any(f.view == picture.view and f.pose is not None for f in inspection.frames)
    if not marks and found:
        return []
    svg, others = labelled(picture, marks)
    caption = f"{picture.caption}." if found else f"{picture.caption}. The unit was not found in this frame."
    if others:
        caption += (
            f" The {others} deviations beyond the {len(marks) - others} gravest are outlined without a label."
        )
    seen = {m.state for m in marks}
    legend: list[tuple[State, str]] = [(s, WEIGHED[s]) for s in SEVERITIES if s in seen]
    return [Figure(svg, f"{picture.caption}, with its deviations", caption, legend, 150)]


def _measured_figure(
    sample: GoldenSample, inspection: Inspection, picture: Picture, rows: Sequence[Row]
) -> list[Block]:
    """Return the figure of where the calipers and colour regions lie; none where the unit was not found."""
    if picture.pose is None:
        return []
    numbers = {c.id: c.number for c in sample.spec.characteristics if c.kind in ("dimension", "colour")}
    states: dict[str, State] = {r.id: r.decision for r in inspection.characteristics if r.id in numbers}
    by_number = {r.number: r for r in rows}
    said: Mapping[str, str] = {
        i: by_number[n].result or "not measured" for i, n in numbers.items() if i in states
    }
    marks = characteristic_marks(sample.spec, picture.view, picture.pose, states, said)
    if not marks:
        return []
    svg, _ = labelled(picture, marks)
    caption = (
        f"{picture.caption}. Strokes across an edge are calipers, arrows distances, dashed frames colour "
        "regions, placed by the pose in which the unit was found."
    )
    legend: list[tuple[State, str]] = [(s, DECISIONS[s]) for s in ("conform", "nonconform", "undecided")]
    return [
        Heading("Where it was measured"),
        Figure(svg, f"{picture.caption}, with calipers and measured values", caption, legend, 140),
    ]


def _gallery(
    sample: GoldenSample,
    inspection: Inspection,
    shown: Sequence[Picture],
    why: Mapping[int, Explanation],
) -> list[Block]:
    """Return the gravest deviations close up, the golden view beside the unit."""
    units = {p.view: p for p in shown}
    items: list[Thumbnail] = []
    golden: dict[str, Picture | Absent] = {}
    for i, (label, defect) in enumerate(numbered(inspection.defects)[:MOST_THUMBNAILS], start=1):
        if defect.view not in units:
            continue
        view = sample.spec.view(defect.view)
        state = state_of(defect.severity)
        if i in why:
            svg = explained(why[i], view)
        else:
            reference = golden.setdefault(view.id, golden_picture(sample, view))
            known = reference if isinstance(reference, Picture) else None
            bx, by, bw, bh = defect.box_px
            centre = (bx + bw / 2, by + bh / 2)
            left, right, px_per_mm = cutouts(known, units[view.id], view.mm_per_px, defect.box_mm, centre)
            svg = pair(left, right, COLOURS[state], px_per_mm)
        items.append(Thumbnail(svg, f"{label} {words(defect.defect_class)}", because(defect), state))
    if not items:
        return []
    rest = len(inspection.defects) - len(items)
    note = f"the {len(items)} gravest" if rest else ""
    return [Heading("Close up: golden view and unit", note), Gallery(items)]


def _timing(timing: Mapping[str, float]) -> list[Block]:
    if not timing:
        return []
    said = ", ".join(f"{name.replace('_', ' ')} {ms:.1f}" for name, ms in timing.items())
    return [Text(f"Time by stage in milliseconds: {said}.", "quiet")]
