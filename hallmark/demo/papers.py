"""The demo's papers: first-article report, a sheet for each stopped unit, the summary."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from datasets.twin import DEMO_RANGES
from evidence import Inspection
from golden.sample import write_file
from hallmark.demo.plant import LOT
from hallmark.demo.story import FAULTY, FIRST, Story
from hallmark.paper_format import PaperFormat
from hallmark.report import (
    DemoSummary,
    HttpExample,
    Link,
    Signature,
    Step,
    UnitLine,
    first_article_report,
    inspection_sheet,
    lot_summary,
    render_summary,
    unit_picture,
)
from hallmark.report.files import write_paper
from hallmark.report.lot import named_in
from quality import Draw, Nonconformance, OqcDecision

FORMATS = tuple(PaperFormat)
_OUTCOMES: dict[str, Literal["passed", "failed", "open"]] = {
    "accept": "passed",
    "reject": "failed",
    "undecided": "open",
}


def write_papers(story: Story, duration_s: float) -> Path:
    """Write all papers beside the plant and return the summary's path."""
    root = story.plant.root
    spec = story.plant.golden.spec
    first, decision = story.first_inspection, story.first_decision
    assert first is not None
    assert decision is not None
    sample = story.plant.golden
    issued = f"{story.started:%Y-%m-%dT%H:%M:%SZ}"
    report = first_article_report(
        sample, first, decision, issued=issued,
        inspector=Signature("Chen Wei", spec.party("supplier").name, issued),
        approver=Signature("I. Lind", spec.party("buyer").name, issued),
    )  # fmt: skip
    write_paper(report, root, "first-article", FORMATS)
    records = [first, *story.inspections.values()]
    write_paper(
        lot_summary(sample, story.lot, records, story.nonconformances, issued=issued), root, "lot", FORMATS
    )
    (root / "sheets").mkdir(exist_ok=True)
    for serial in story.frames:
        if serial != FIRST:
            inspection = story.inspections[serial]
            pictures = [unit_picture(inspection, f, story.frames[serial]) for f in inspection.frames]
            sheet = inspection_sheet(sample, inspection, pictures, issued=issued, note=_note(story, serial))
            write_paper(sheet, root / "sheets", serial, FORMATS)
    write_file(root / "summary.html", render_summary(_summary(story, issued, duration_s)).encode())
    return root / "summary.html"


def _note(story: Story, serial: str) -> str:
    if serial == FAULTY:
        return "A real scan of a real faulty board of this design; nothing here is simulated."
    seeded = next(u.seeded for u in story.units if u.serial == serial)
    return "A good unit that was stopped." if seeded is None else f"Known fault: {seeded.description}."


def _line(story: Story, serial: str, seeded: str | None, *, matched: bool) -> UnitLine:
    inspection = story.inspections[serial]
    return UnitLine(
        serial=serial,
        station=inspection.station or "",
        verdict=inspection.verdict,
        reasons=inspection.reasons,
        inspection=inspection.id,
        seeded=seeded,
        found=named_in(inspection),
        matched=matched,
        href=f"sheets/{serial}.html" if serial in story.frames else None,
    )


def _summary(story: Story, issued: str, duration_s: float) -> DemoSummary:
    spec, golden = story.plant.golden.spec, story.plant.golden
    lines = [
        _line(story, u.serial, u.seeded and u.seeded.description, matched=u.serial in story.matched)
        for u in story.units
    ]
    real = story.inspections[FAULTY]
    lines.append(
        _line(story, FAULTY, "Real faulty board: solder bridge, excess solder, extra copper",
              matched=any(d.defect_class == "short" for d in real.defects))
    )  # fmt: skip
    made = len(lines)
    size = story.lot["size"]
    oqc = OqcDecision.model_validate(story.lot["oqc"])
    draw = Draw.model_validate(story.lot["draw"])
    fai = story.first_decision
    assert fai is not None
    steps = (
        Step("Golden sample", "passed", f"version {golden.version}, {len(golden.signatures)} signatures"),
        Step("IQC", "not part of this run", "planned in the golden sample"),
        Step("FAI", "passed" if fai.accepted else "failed", f"{len(fai.items)} items, approved", made),
        Step("IPQC", "not part of this run", "every unit was inspected", size),
        Step("OQC", _OUTCOMES[oqc.outcome],
             f"{len(draw.serials)} of {size} drawn, judged on a second station", size),
        Step("Non-conformance", "open", f"{len(story.nonconformances)} opened"),
    )  # fmt: skip
    return DemoSummary(
        title=f"Board {spec.part.number}, lot {LOT}",
        made=issued,
        facts=(
            ("Part", f"{spec.part.number} {spec.part.revision}, {spec.part.name}"),
            ("Supplier", spec.party("supplier").name),
            ("Buyer", spec.party("buyer").name),
            ("Seed", str(story.seed)),
            ("Duration", f"{duration_s:.0f} s"),
        ),
        steps=steps,
        units=lines,
        papers=(
            Link("First-article report", "first-article.html", "Item by item, with ballooned picture"),
            Link("First-article report, PDF", "first-article.pdf", "The same, to sign"),
            Link(
                "Lot summary", "lot.html", "Decision by class, map of the deviations, units that did not pass"
            ),
            Link("Lot summary, PDF", "lot.pdf", "The same, to sign"),
            Link(
                "The real faulty board", f"sheets/{FAULTY}.html", "What was found, named, sized and weighed"
            ),
            Link("The real faulty board, PDF", f"sheets/{FAULTY}.pdf", "The same, to print"),
        ),
        lot_size=size,
        oqc=oqc,
        draw=draw,
        nonconformances=[_nonconformance(n) for n in story.nonconformances],
        timing_ms=_medians([story.inspections[u.serial] for u in story.units]),
        digests={"golden sample": golden.digest, "manifest of the lot": draw.manifest},
        http=[HttpExample(request, status, answer) for request, status, answer in story.http],
        capture={name: value for name, _, value in (line.partition(" = ") for line in DEMO_RANGES.lines())},
    )


def _nonconformance(record: dict[str, object]) -> Nonconformance:
    known = {k: tuple(v) if isinstance(v, list) else v for k, v in record.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return Nonconformance(**known)  # pyright: ignore[reportArgumentType]


def _medians(inspections: Iterable[Inspection]) -> dict[str, float]:
    """Return the median milliseconds of each stage, and of their sum as `total`."""
    timings = [i.timing_ms for i in inspections if i.timing_ms]
    stages = {name: None for timing in timings for name in timing}
    medians = {name: statistics.median(t[name] for t in timings if name in t) for name in stages}
    medians["total"] = statistics.median(sum(t.values()) for t in timings)
    return medians
