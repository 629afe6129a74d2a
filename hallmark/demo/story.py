"""The main job, step by step: seal, first article, lot, outgoing inspection, what a QC system reads."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from datasets import pcb_s4
from datasets.twin import DEMO_RANGES, Twin
from evidence import Defect, Inspection
from hallmark.demo.plant import LINES, LOT, OQC, Plant, Server, build_plant, run_stations, serving
from hallmark.demo.truth import Unit, deviations_at, matches, plan_lot
from hallmark.report.marks import words
from quality import EnteredResult, FirstArticleDecision, first_article
from stations.process import ImageJob, StationConfig, TwinJob
from stations.process import Progress as UnitDone

FAULTY = "S4-REAL-2"
FIRST = "S4-FA-1"
FALSE_STOPS_ALLOWED = 1
TOLD = 6  # deviations of a unit that the screen tells of; its sheet has all


@dataclass
class Story:
    """What happened, for the summary."""

    plant: Plant
    seed: int
    started: datetime
    units: list[Unit]
    twin: Twin
    first_inspection: Inspection | None = None
    first_decision: FirstArticleDecision | None = None
    inspections: dict[str, Inspection] = field(default_factory=dict[str, Inspection])
    frames: dict[str, bytes] = field(default_factory=dict[str, bytes])
    matched: set[str] = field(default_factory=set[str])
    deviations: dict[str, list[Defect]] = field(default_factory=dict[str, list[Defect]])
    lot: dict[str, Any] = field(default_factory=dict[str, Any])
    nonconformances: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    http: list[tuple[str, int, str]] = field(default_factory=list[tuple[str, int, str]])

    @property
    def missed(self) -> list[Unit]:
        """Faulty units that were not stopped for their fault."""
        return [u for u in self.units if u.seeded is not None and u.serial not in self.matched]

    @property
    def false_stops(self) -> list[Unit]:
        """Good units that were stopped."""
        return [u for u in self.units if u.seeded is None and self.inspections[u.serial].verdict != "ACCEPT"]

    @property
    def holds(self) -> bool:
        """Whether the demo shows what it claims: faults found, real board stopped, few false stops."""
        real_stopped = self.inspections[FAULTY].verdict != "ACCEPT"
        return not self.missed and real_stopped and len(self.false_stops) <= FALSE_STOPS_ALLOWED


def tell(root: Path, seed: int, console: Console) -> Story:
    """Run the main job in the empty folder `root`.

    Raises:
        DemoError: a step did not happen.
    """
    started = datetime.now(UTC).replace(microsecond=0)
    plant = build_plant(root, started)
    scan = np.frombuffer(pcb_s4.good_scan(), np.uint8)
    golden_rgb = np.asarray(cv2.imdecode(scan, cv2.IMREAD_COLOR_RGB), np.uint8)
    story = Story(plant, seed, started, plan_lot(seed), Twin(golden_rgb, pcb_s4.MM_PER_PX))
    _tell_golden(story, console)
    with serving(plant) as server:
        console.print(f"[bold]Server[/] {server.url}")
        _register(story, server)
        _first_article(story, server, console)
        _production(story, server, console)
        _outgoing(story, server, console)
        _read_as_qc(story, server, console)
    return story


def _tell_golden(story: Story, console: Console) -> None:
    golden = story.plant.golden
    spec = golden.spec
    kinds = [c.kind for c in spec.characteristics]
    counts = ", ".join(f"{kinds.count(k)} {k}" for k in dict.fromkeys(kinds))
    console.print(
        f"[bold]Golden sample[/] {spec.part.number} {spec.part.revision}, version {golden.version}, "
        f"sealed by {' and '.join(p.name for p in spec.parties)}\n  {counts}; {len(spec.zones)} zones, "
        f"{len(spec.catalogue.rules)} catalogue rules\n  {golden.digest}"
    )
    console.print("[bold]Simulated capture[/], what one capture may draw:")
    for line in DEMO_RANGES.lines():
        console.print(f"  {line}", highlight=False)


def _register(story: Story, server: Server) -> None:
    server.ask("engineer", "POST", "/goldens", content=story.plant.golden_file.read_bytes())
    server.ask("qc", "POST", "/lots", json={"lot": LOT, "golden": story.plant.golden.digest})


def _first_article(story: Story, server: Server, console: Console) -> None:
    job = TwinJob(FIRST, story.seed * 1000 + 1, (), story.started)
    with _bar(console, "first article", 1) as seen:
        run_stations([story.plant.station(LINES[0], [job], server)], seen)
    inspection = _fetch(server, FIRST, LINES[0])
    spec = story.plant.golden.spec
    entered = [
        EnteredResult(serial=FIRST, characteristic=name, conform=True, evidence=proof)
        for name, proof in (
            ("laminate", "certificate KB-88121"),
            ("continuity", "flying probe report FP-0001"),
            ("marking", "label photograph 0001"),
        )
    ]
    decision = first_article(spec, [inspection], entered)
    state = server.ask(
        "qc", "POST", f"/lots/{LOT}/fai",
        json={"inspections": [inspection.id], "entered": [e.model_dump(mode="json") for e in entered]},
    )  # fmt: skip
    story.frames[FIRST] = server.frame("qc", inspection.id, "top")
    story.first_inspection, story.first_decision, story.lot = inspection, decision, state
    _print_first_article(decision, console)
    server.ask("buyer", "POST", f"/lots/{LOT}/fai/approval")
    console.print(f"  approved by I. Lind for {spec.party('buyer').name}: production may start")


def _print_first_article(decision: FirstArticleDecision, console: Console) -> None:
    table = Table(title=f"First article {FIRST}, item by item", title_justify="left", box=None)
    for heading in ("No.", "characteristic", "limits", "measured", "U (k=2)", "outcome"):
        table.add_column(heading, justify="right" if heading in ("No.", "measured", "U (k=2)") else "left")
    for item in decision.items:
        limits = " to ".join("" if v is None else f"{v:g}" for v in (item.lower, item.upper))
        u = "" if item.standard_uncertainty is None else f"{2 * item.standard_uncertainty:.3f}"
        value = item.evidence or "" if item.value is None else f"{item.value:.3f} {item.unit}"
        table.add_row(str(item.number), item.name, limits if item.unit else "", value, u, item.outcome)
    console.print(table)


def _production(story: Story, server: Server, console: Console) -> None:
    halves = (story.units[::2], story.units[1::2])
    configs: list[StationConfig] = []
    for name, units in zip(LINES, halves, strict=True):
        jobs: list[TwinJob | ImageJob] = [unit.job(story.started) for unit in units]
        if name == LINES[1]:
            jobs.append(ImageJob(FAULTY, {"top": _real_board(story)}))
        configs.append(story.plant.station(name, jobs, server))
    with _bar(console, "lot", sum(len(c.jobs) for c in configs)) as seen:
        run_stations(configs, seen)
    for config in configs:
        for job in config.jobs:
            story.inspections[job.serial] = _fetch(server, job.serial, config.station)
    for serial, inspection in story.inspections.items():
        if inspection.verdict != "ACCEPT":
            story.frames[serial] = server.frame("qc", inspection.id, "top")
    for unit in story.units:
        if matches(unit, story.inspections[unit.serial], story.twin):
            story.matched.add(unit.serial)
        story.deviations[unit.serial] = deviations_at(unit, story.inspections[unit.serial], story.twin)


def _real_board(story: Story) -> Path:
    path = story.plant.root / f"{FAULTY}.jpg"
    path.write_bytes(pcb_s4.faulty_scan())
    return path


def _outgoing(story: Story, server: Server, console: Console) -> None:
    server.ask("qc", "POST", f"/lots/{LOT}/freeze")
    drawn = server.ask("qc", "POST", f"/lots/{LOT}/draw")["draw"]["serials"]
    by_serial = {unit.serial: unit for unit in story.units}
    jobs: list[TwinJob] = []
    for serial in drawn:
        # the second station sees the same unit: same change, another capture
        unit = by_serial.get(serial) or Unit(serial, story.seed * 1000 + 1, None)
        jobs.append(Unit(serial, unit.seed ^ 0x5A5A5A5A, unit.seeded).job(story.started))
    with _bar(console, "outgoing sample", len(jobs)) as seen:
        run_stations([story.plant.station(OQC, jobs, server)], seen)
    story.lot = server.ask("qc", "POST", f"/lots/{LOT}/oqc")
    oqc = story.lot["oqc"]
    for c in oqc["classes"]:
        console.print(f"  {_class_line(c)}", highlight=False)
    if oqc["outcome"] == "accept":
        story.lot = server.ask("buyer", "POST", f"/lots/{LOT}/release")
        console.print("  released by the buyer")


def _class_line(c: dict[str, Any]) -> str:
    s = c["sampling"]
    plan = (
        "every unit"
        if s["every_unit"]
        else f"AQL {s['plan']['aql']}, letter {s['plan']['final_code_letter']}"
    )
    line = f"{s['severity']:<8} {plan:<20} n {s['n']:>2}  Ac {s['Ac']}  Re {s['Re']}  "
    return f"{line}found {c['found']}  {c['outcome']}"


def _read_as_qc(story: Story, server: Server, console: Console) -> None:
    console.print("[bold]What a QC system reads[/]")
    stopped = server.ask("qc", "GET", f"/inspections?lot={LOT}&verdict=REJECT&limit=100")["items"]
    story.nonconformances = server.ask("qc", "GET", f"/nonconformances?lot={LOT}")["items"]
    lot = server.ask("qc", "GET", f"/lots/{LOT}")
    chain = server.ask("auditor", "GET", "/journal/verification")
    story.http = [
        (f"GET /api/v1/lots/{LOT}", 200, f"phase {lot['phase']}, units {lot['units']}"),
        (f"GET /api/v1/inspections?lot={LOT}&verdict=REJECT", 200,
         "; ".join(f"{i['serial']} {', '.join(i['reasons'])}" for i in stopped[:3])),
        (f"GET /api/v1/nonconformances?lot={LOT}", 200,
         "; ".join(f"{n['cause']} ({n['severity']}, {n['status']})" for n in story.nonconformances[:4])),
        ("GET /api/v1/journal/verification", 200, str(chain)),
    ]  # fmt: skip
    for request, status, answer in story.http:
        console.print(f"  {request}\n    {status}  {answer}", highlight=False)


def tell_truth(story: Story, console: Console) -> None:
    """Print what was found, named, missed and falsely stopped against the known truth."""
    console.print(f"[bold]Against the truth[/] (seed {story.seed})")
    faults = [(u, u.seeded) for u in story.units if u.seeded is not None]
    right = 0
    for unit, seeded in faults:
        outcome = "found" if unit.serial in story.matched else "MISSED"
        verdict = story.inspections[unit.serial].verdict
        console.print(f"  {unit.serial}  {verdict:<6}  {outcome}: {seeded.description}")
        deviations = story.deviations[unit.serial]
        _print_deviations(story, deviations, console)
        classes = {d.defect_class for d in deviations}
        right += classes == {seeded.defect_class}
        if seeded.defect_class is not None and classes != {seeded.defect_class}:
            console.print(f"      MISNAMED: should be {words(seeded.defect_class)}")
    real = story.inspections[FAULTY]
    console.print(f"  {FAULTY}  {real.verdict}: a real scan, {real.dismissed} deviations dismissed")
    _print_deviations(story, real.defects, console)
    of_surface = sum(seeded.defect_class is not None for _, seeded in faults)
    console.print(f"  found {len(faults) - len(story.missed)} of {len(faults)} known faults")
    console.print(f"  rightly named {right} of {of_surface} faults of the surface")
    console.print(
        f"  falsely stopped {len(story.false_stops)} of {len(story.units) - len(faults)} good units"
    )
    console.print(f"  real faulty board {real.verdict}")


def _print_deviations(story: Story, deviations: Sequence[Defect], console: Console) -> None:
    """Print the gravest deviations, each with the line of the catalogue that weighed it."""
    lines = {rule.id: rule.description for rule in story.plant.golden.spec.catalogue.rules}
    for d in deviations[:TOLD]:
        why = "no line weighs it" if d.rule is None else f"{d.rule}: {lines.get(d.rule, d.rule)}"
        console.print(
            f"      {words(d.defect_class)} {d.size_mm:.1f} mm, {d.severity or 'not weighed'}, {why}",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    if len(deviations) > TOLD:
        console.print(f"      and {len(deviations) - TOLD} more")


def _fetch(server: Server, serial: str, station: str) -> Inspection:
    found = server.ask("qc", "GET", f"/inspections?lot={LOT}&serial={serial}&station={station}")["items"]
    return Inspection.model_validate(server.ask("qc", "GET", f"/inspections/{found[-1]['id']}")["inspection"])


@contextmanager
def _bar(console: Console, what: str, total: int) -> Generator[Callable[[UnitDone], None]]:
    """Show a progress bar with the verdicts so far; where no person watches, one line at the end."""
    counts: dict[str, int] = {}
    columns = (TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[verdicts]}"), console=console) as progress:
        task = progress.add_task(what, total=total, verdicts="")

        def seen(done: UnitDone) -> None:
            counts[done.verdict] = counts.get(done.verdict, 0) + 1
            verdicts = "  ".join(f"{n} {verdict}" for verdict, n in sorted(counts.items()))
            progress.update(task, advance=1, verdicts=verdicts)

        yield seen
