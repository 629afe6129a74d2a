"""The summary of a lot: decision per class, units by verdict, where its deviations lie, which cause most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from evidence import REASONS, Inspection
from golden.sample import GoldenSample
from hallmark.colour_names import DELTA_E
from hallmark.report.charts import defect_map, pareto, pareto_bars
from hallmark.report.colours import lot_trend
from hallmark.report.marks import words
from hallmark.report.paper import (
    Block,
    Cell,
    Column,
    Digests,
    Facts,
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
from hallmark.report.sections import missing, readable, require_own, running, signature_line
from hallmark.report.signs import SEVERITIES, VERDICTS, WEIGHED, State, state_of
from quality import ClassSampling, Draw, FirstArticleDecision, OqcDecision
from quality.colour_trend import lot_colours

_OUTCOMES: dict[str, State] = {"accept": "conform", "reject": "nonconform", "undecided": "undecided"}
_SAID = {"accept": "accepted", "reject": "rejected", "undecided": "undecided"}


def standing(inspections: Sequence[Inspection]) -> list[Inspection]:
    """Return one record of each unit: its newest that stopped it, or else its newest. Order as first seen.

    Args:
        inspections: the lot's records, oldest first.
    """
    by_unit: dict[str, Inspection] = {}
    for record in inspections:
        unit = record.serial or record.id
        known = by_unit.get(unit)
        if known is None or record.verdict != "ACCEPT" or known.verdict == "ACCEPT":
            by_unit[unit] = record
    return list(by_unit.values())


def lot_summary(
    sample: GoldenSample,
    lot: Mapping[str, Any],
    inspections: Sequence[Inspection],
    nonconformances: Sequence[Mapping[str, Any]] = (),
    *,
    issued: str,
) -> Paper:
    """Return the summary of a lot.

    Args:
        sample: the golden sample of the lot.
        lot: the lot's state as the server gives it (`LotState.record()`).
        inspections: the lot's records, oldest first.
        nonconformances: the lot's, as the server gives them.
        issued: time of issue, UTC, RFC 3339.

    Raises:
        ReportError: the lot or one of the records is of another golden sample or lot.
    """
    _require_one(sample, lot, inspections)
    spec, units = sample.spec, standing(inspections)
    person = lot["released_by"]
    released = Signature(person["name"], person["party"], "") if person else None
    oqc = None if lot["oqc"] is None else OqcDecision.model_validate(lot["oqc"])
    stopped = [u for u in units if u.verdict != "ACCEPT"]
    return Paper(
        kind="Lot summary",
        title=f"{spec.part.name}, lot {lot['lot']}",
        verdict=_verdict(lot, oqc),
        running=running(spec, lot["lot"]),
        issued=issued,
        reference=f"lot {lot['lot']}",
        blocks=(
            _facts(sample, lot, issued),
            Heading("Units", f"{len(units)} inspected"),
            _units(lot),
            *_outgoing(lot, oqc),
            *_map(sample, units),
            *_pareto(units),
            *lot_trend(spec, lot_colours(spec, units)),
            Heading("Units that did not pass", str(len(stopped))),
            _stopped(stopped) if stopped else Text("Every unit passed."),
            *_nonconformances(nonconformances),
            Signatures((
                signature_line(sample, "Inspected and submitted by", "supplier", None),
                signature_line(sample, "Released by", spec.plans.fai.approved_by, released),
            )),
            Heading("What this summary rests on"),
            _digests(sample, lot, units),
        ),
    )  # fmt: skip


def _require_one(sample: GoldenSample, lot: Mapping[str, Any], inspections: Sequence[Inspection]) -> None:
    if lot["golden"]["digest"] != sample.digest:
        raise ReportError(
            f"lot {lot['lot']} is made by golden sample {lot['golden']['digest']}, not by {sample.digest}: "
            "give its own"
        )
    for record in inspections:
        require_own(sample, record)
        if record.lot != lot["lot"]:
            raise ReportError(
                f"inspection {record.id} is of lot {record.lot}, not of {lot['lot']}: leave it away"
            )


def _verdict(lot: Mapping[str, Any], oqc: OqcDecision | None) -> tuple[str, State, str]:
    if lot["phase"] == "released":
        return "RELEASED", "conform", "lot"
    if oqc is None:
        return "OPEN", "undecided", lot["phase"].replace("_", " ")
    return _SAID[oqc.outcome].upper(), _OUTCOMES[oqc.outcome], "lot, outgoing inspection"


def _facts(sample: GoldenSample, lot: Mapping[str, Any], issued: str) -> Facts:
    spec, oqc = sample.spec, sample.spec.plans.oqc
    return Facts((
        ("Part", f"{spec.part.number}, revision {spec.part.revision}"),
        ("Lot", lot["lot"]),
        ("Supplier", spec.party("supplier").name),
        ("Buyer", spec.party("buyer").name),
        ("State", lot["phase"].replace("_", " ")),
        ("Size of the lot", "not frozen yet" if lot["size"] is None else f"{lot['size']} units"),
        ("Sampling", f"{oqc.standard}, level {oqc.level}, {oqc.severity}"),
        ("Golden sample", f"version {sample.version}"),
        ("First article", _first_article(lot)),
        ("Released by", _person(lot["released_by"])),
        ("Issued (UTC)", readable(issued)),
    ))  # fmt: skip


def _first_article(lot: Mapping[str, Any]) -> str:
    if lot["first_article"] is None:
        return "not decided"
    decision = FirstArticleDecision.model_validate(lot["first_article"])
    said = f"{', '.join(decision.serials)}: {'accepted' if decision.accepted else 'not accepted'}"
    return said + (f", approved by {_person(lot['approved_by'])}" if lot["approved_by"] else "")


def _person(person: Mapping[str, str] | None) -> str:
    return f"{person['name']}, {person['party']}" if person else ""


def _units(lot: Mapping[str, Any]) -> Table:
    signs: dict[str, State] = {
        "accepted": "conform", "rejected": "nonconform", "held": "undecided", "quarantined": "undecided",
    }  # fmt: skip
    means = {
        "accepted": "part of the lot",
        "rejected": "left the lot",
        "held": "not decided: left the lot at its freeze",
        "quarantined": "made before the first article was approved: not part of the lot",
    }
    return Table(
        (Column("Status", 34), Column("Units", 16, "right"), Column("What it means")),
        [[Cell(s, sign=signs[s]), Cell(str(lot["units"][s]), strong=True), Cell(means[s])] for s in signs],
    )


def _outgoing(lot: Mapping[str, Any], oqc: OqcDecision | None) -> list[Block]:
    if oqc is None:
        return [Heading("Outgoing inspection"), Text("The outgoing inspection is not decided yet.")]
    columns = (
        Column("Class", 24), Column("Plan"), Column("n", 13, "right"), Column("Ac", 11, "right"),
        Column("Re", 11, "right"), Column("Found", 15, "right"), Column("Undecided units", 40),
        Column("Decision", 28),
    )  # fmt: skip
    rows = [
        [
            Cell(c.sampling.severity, sign=state_of(c.sampling.severity)),
            Cell(_plan(c.sampling)),
            Cell(str(c.sampling.n)), Cell(str(c.sampling.Ac)), Cell(str(c.sampling.Re)),
            Cell(str(c.found), strong=True),
            Cell(", ".join(c.undecided) or "none"),
            Cell(_SAID[c.outcome], sign=_OUTCOMES[c.outcome]),
        ]
        for c in oqc.classes
    ]  # fmt: skip
    blocks: list[Block] = [
        Heading("Outgoing inspection", f"counting {oqc.counting.replace('_', ' ')}"),
        Table(columns, rows),
    ]
    if lot["draw"] is not None:
        draw = Draw.model_validate(lot["draw"])
        blocks.append(Text(
            f"{len(draw.serials)} units drawn at random from the frozen manifest, in this order: "
            f"{', '.join(draw.serials)}. Who has the manifest and the seed can repeat the draw.", "quiet",
        ))  # fmt: skip
    return blocks


def _plan(sampling: ClassSampling) -> str:
    limit = sampling.limiting_quality
    if limit is not None:
        return f"limiting quality {limit.fraction:g}, consumer's risk {limit.consumer_risk:g}"
    if sampling.plan is None:
        return "every unit, by agreement"
    return f"AQL {sampling.plan.aql}, code letter {sampling.plan.final_code_letter}"


def _map(sample: GoldenSample, units: Sequence[Inspection]) -> list[Block]:
    defects = [d for u in units for d in u.defects]
    if not defects:
        return [
            Heading("Where the deviations lie"),
            Text("No unit of the lot has a deviation of its surface."),
        ]
    blocks: list[Block] = [
        Heading("Where the deviations lie", f"{len(defects)}, on {_units_with(units)} of {len(units)} units")
    ]
    seen = Counter(state_of(d.severity) for d in defects)
    legend: list[tuple[State, str]] = [(s, f"{WEIGHED[s]}: {seen[s]}") for s in SEVERITIES if seen[s]]
    for view in sample.spec.views:
        picture = golden_picture(sample, view)
        if isinstance(picture, Picture):
            blocks.append(Figure(
                defect_map(picture, view.mm_per_px, defects), f"map of the deviations, view {view.id}",
                f"{picture.caption}: every deviation of the lot at its place, its sign as large as the "
                "deviation. Of a unit with several records the newest that stopped it counts.", legend, 115,
            ))  # fmt: skip
        else:
            blocks += missing([picture])
    return blocks


def _units_with(units: Sequence[Inspection]) -> int:
    return sum(bool(u.defects) for u in units)


def _pareto(units: Sequence[Inspection]) -> list[Block]:
    counts: Counter[str] = Counter(
        d.defect_class for u in units for d in u.defects if d.severity != "allowed"
    )
    for unit in units:
        for r in unit.characteristics:
            if r.decision == "nonconform" and r.unit not in (None, "1"):
                counts["colour off limits" if r.unit in DELTA_E else "dimension off limits"] += 1
    if not counts:
        return []
    svg = pareto(pareto_bars(counts))
    caption = (
        "Deviations that the catalogue does not allow, by class, and characteristics outside their limits; "
        "the line is the share of each class with all before it."
    )
    return [
        Heading("What they are", f"{sum(counts.values())} in {len(counts)} classes"),
        Figure(svg, "Pareto chart of the deviations by class", caption, (), 80),
    ]


def _stopped(stopped: Sequence[Inspection]) -> Table:
    columns = (
        Column("Serial", 30), Column("Verdict", 22), Column("Reasons"), Column("Found"), Column("Record", 30),
    )  # fmt: skip
    return Table(columns, [
        [
            Cell(u.serial or "none", u.station or "", strong=True),
            Cell(u.verdict, sign=VERDICTS[u.verdict]),
            Cell("; ".join(REASONS[r].meaning for r in u.reasons)),
            Cell(named_in(u)),
            Cell(u.id[:17], code=True),
        ]
        for u in stopped
    ])  # fmt: skip


def named_in(unit: Inspection) -> str:
    """Return what a record names: characteristics outside their limits, deviations by class."""
    names = [c.name for c in unit.characteristics if c.decision == "nonconform" and c.unit != "1"]
    largest: dict[str, float] = {}
    for d in unit.defects:
        if d.severity != "allowed":
            largest[d.defect_class] = max(largest.get(d.defect_class, 0.0), d.size_mm)
    counts = Counter(d.defect_class for d in unit.defects if d.severity != "allowed")
    names += [f"{counts[c]} {words(c)}, largest {mm:.1f} mm" for c, mm in largest.items()]
    return "; ".join(names) or "nothing named"


def _nonconformances(nonconformances: Sequence[Mapping[str, Any]]) -> list[Block]:
    if not nonconformances:
        return [Heading("Non-conformances"), Text("None was opened.")]
    columns = (
        Column("Number", 34),
        Column("Cause"),
        Column("Class", 24),
        Column("State", 20),
        Column("Units", 52),
    )
    return [
        Heading("Non-conformances", str(len(nonconformances))),
        Table(columns, [
            [
                Cell(n["id"][:15], code=True), Cell(n["cause"]),
                Cell(n["severity"], sign=state_of(n["severity"])), Cell(n["status"]),
                Cell(", ".join(n["serials"])),
            ]
            for n in nonconformances
        ]),
    ]  # fmt: skip


def _digests(sample: GoldenSample, lot: Mapping[str, Any], units: Sequence[Inspection]) -> Digests:
    models = sorted({f"{u.model.name}, {u.model.digest}" for u in units if u.model})
    calibrations = sorted({f.calibration for u in units for f in u.frames if f.calibration})
    items = [("golden sample", sample.digest)]
    if lot["draw"] is not None:
        items += [("manifest", lot["draw"]["manifest"]), ("seed of the draw", lot["draw"]["seed"])]
    if lot["first_article"] is not None:
        items += [("first article", i) for i in lot["first_article"]["inspections"]]
    items += [("model", m) for m in models] or [("model", "none")]
    items += [("calibration", c) for c in calibrations]
    return Digests(tuple(items))
