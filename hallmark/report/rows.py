"""The tables of characteristics and deviations, worded and formatted once for every paper."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from evidence import REASONS, CharacteristicResult, Defect, Inspection, because, named
from golden.spec import (
    Characteristic,
    Code,
    Colour,
    Component,
    DecisionRule,
    Dimension,
    Entered,
    GoldenSpec,
    Print,
    Surface,
)
from hallmark.colour_names import DELTA_E, colour_detail
from hallmark.report.marks import numbered, words
from hallmark.report.numbers import alike, between, measured, plain
from hallmark.report.pages import render
from hallmark.report.paper import Cell, Column, Table, aligned
from hallmark.report.signs import DECISIONS, WEIGHED, State, state_of
from quality import FaiItem

_OPERATORS = {
    "least_squares": "least squares",
    "two_point": "two-point",
    "maximum_inscribed": "maximum inscribed",
    "minimum_circumscribed": "minimum circumscribed",
    "minimum_zone": "minimum zone",
}


WORTH_SAYING = 0.05


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value within its limits as a small picture; positions are per cent of its width."""

    low: float
    high: float
    value: float
    reach_from: float
    reach_to: float


@dataclass(frozen=True, slots=True)
class Row:
    """One characteristic as printed: text only, except the gauge.

    `uncertainty` is U; where it reaches farther to one side, its reach above, and `below` that below.
    """

    number: int
    kind: str
    name: str
    detail: str
    severity: str
    nominal: str
    lower: str
    upper: str
    value: str
    uncertainty: str
    below: str
    k: float | None
    unit: str
    decision: State
    source: str
    reason: str
    gauge: Gauge | None

    @property
    def result(self) -> str:
        """The value with its uncertainty and unit in one text; empty where there is none."""
        spread = f" \u00b1 {self.uncertainty}" if self.uncertainty else ""
        if self.below:
            spread = f" {self.uncertainty} {self.below}"
        return f"{self.value}{spread} {self.unit}".strip() if self.value else ""


def inspection_rows(spec: GoldenSpec, inspection: Inspection) -> list[Row]:
    """Return the rows of one unit's inspection, in balloon order."""
    results = {r.id: r for r in inspection.characteristics}
    by = _cameras(spec, inspection)
    return [
        _row(c, results[c.id], results[c.id].decision, by.get(c.id, ""))
        for c in sorted(spec.characteristics, key=lambda c: c.number)
        if c.id in results
    ]


def fai_rows(spec: GoldenSpec, inspection: Inspection, items: Sequence[FaiItem]) -> list[Row]:
    """Return the rows of one unit's first-article items, in balloon order."""
    characteristics = {c.id: c for c in spec.characteristics}
    by = _cameras(spec, inspection)
    return [
        _row(characteristics[i.id], i, i.outcome, by.get(i.id, ""))
        for i in sorted(items, key=lambda i: i.number)
    ]


def measured_table(rows: Sequence[Row]) -> Table:
    """Return the table of what was measured: limits, value and uncertainty aligned at the point."""
    factors = {r.k for r in rows if r.k is not None}
    one = f"U (k\u00a0=\u00a0{plain(factors.pop())})" if len(factors) == 1 else "U"
    numbers = [
        aligned([getattr(r, name) for r in rows])
        for name in ("nominal", "lower", "upper", "value", "uncertainty")
    ]
    columns = (
        Column("No.", 9), Column("Characteristic"), Column("Nominal", 14, "right"),
        Column("Lower", 14, "right"), Column("Upper", 14, "right"), Column("Measured", 16, "right"),
        Column(one, 15, "right"), Column("Unit", 10), Column("In its limits", 20), Column("Decision", 31),
    )  # fmt: skip
    table: list[list[Cell]] = []
    for i, r in enumerate(rows):
        nominal, lower, upper, value, spread = (n[i] for n in numbers)
        own = f"k = {plain(r.k)}" if one == "U" and r.k is not None else ""
        own = _join(r.below, own)
        table.append([
            Cell(mark=str(r.number), sign=r.decision),
            Cell(r.name, f"{r.severity}; {r.detail}"),
            Cell(r.nominal, pad=nominal), Cell(r.lower, pad=lower), Cell(r.upper, pad=upper),
            Cell(r.value, pad=value, strong=True), Cell(r.uncertainty, own, pad=spread), Cell(r.unit),
            Cell(svg=render("gauge.svg.j2", g=r.gauge) if r.gauge else ""),
            Cell(DECISIONS[r.decision], _join(r.reason, r.source), sign=r.decision),
        ])  # fmt: skip
    return Table(columns, table)


def entered_table(spec: GoldenSpec, rows: Sequence[Row]) -> Table:
    """Return the table of what people and instruments proved: material, function, attribute."""
    methods = {c.number: c.method for c in spec.characteristics if isinstance(c, Entered)}
    columns = (
        Column("No.", 9), Column("Characteristic", 44), Column("Method or requirement"), Column("Result", 32),
        Column("Proven by", 34), Column("Decision", 29),
    )  # fmt: skip
    return Table(columns, [
        [
            Cell(mark=str(r.number), sign=r.decision),
            Cell(r.name, f"{r.severity}; {r.kind}"),
            Cell(methods[r.number], _limits(r)),
            Cell(r.result or {"conform": "as required", "nonconform": "not as required"}.get(r.decision, "")),
            Cell(r.reason, r.source),
            Cell(DECISIONS[r.decision], sign=r.decision),
        ]
        for r in rows
    ])  # fmt: skip


def deviations_table(spec: GoldenSpec, defects: Sequence[Defect], most: int) -> Table:
    """Return the table of the first `most` deviations, each with the line of the catalogue that weighs it."""
    zones = {z.id: z.name for z in spec.zones}
    columns = (
        Column("Mark", 11), Column("Class", 34), Column("Longest extent, mm", 17, "right"),
        Column("Place x, y, mm", 23, "right"), Column("Zone", 31), Column("Severity", 30),
        Column("Why"),
    )  # fmt: skip
    rows: list[list[Cell]] = []
    for label, d in numbered(defects)[:most]:
        state = state_of(d.severity)
        line = spec.catalogue.line(d.rule)
        x, y, w, h = d.box_mm
        rows.append([
            Cell(mark=label, sign=state),
            Cell(words(d.defect_class), named(d), strong=True),
            Cell(f"{d.size_mm:.2f}"),
            Cell(f"{x + w / 2:.1f}, {y + h / 2:.1f}"),
            Cell(zones.get(d.zone, d.zone)),
            Cell(WEIGHED[state], sign=state),
            Cell(because(d), line.description if line else ""),
        ])  # fmt: skip
    return Table(columns, rows)


def rule_sentences(spec: GoldenSpec, shown: Container[str]) -> list[str]:
    """Return one sentence per distinct decision rule, naming the shown items that it decides."""
    items: dict[DecisionRule, list[int]] = {}
    for c in sorted(spec.characteristics, key=lambda c: c.number):
        if c.id in shown and getattr(c, "unit", None) is not None:
            items.setdefault(c.decision, []).append(c.number)
    return [f"{_items(numbers)}: {_sentence(rule)}" for rule, numbers in items.items()]


def _sentence(rule: DecisionRule) -> str:
    largest = rule.largest_u_over_tolerance
    demand = f" Nothing is accepted where U is more than {largest:.3g} of the tolerance." if largest else ""
    if rule.rule == "simple":
        limit = f"U = {rule.coverage_factor:g} u" if largest else "whatever U is"
        return f"simple acceptance (ILAC-G8:09/2019): a value inside its limits conforms, {limit}.{demand}"
    whose = {"supplier": "the supplier must prove conformity", "buyer": "the buyer must prove nonconformity"}
    band = "U" if rule.guard_factor == 1 else f"{rule.guard_factor:g} U"
    return (
        f"guarded acceptance with guard band {band}, U = {rule.coverage_factor:g} u (ISO 14253-1:2017, "
        "JCGM 106:2012). A value conforms if it lies inside its limits by at least the band and does not "
        f"conform if it lies outside by more; between the two it is undecided, and {whose[rule.who_proves]}."
        f"{demand}"
    )


def _items(numbers: Sequence[int]) -> str:
    """Return "Items 1-6, 9": runs of consecutive numbers are joined."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    return "Items " + ", ".join(f"{r[0]}\u2013{r[-1]}" if len(r) > 1 else str(r[0]) for r in runs)


def _join(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _cameras(spec: GoldenSpec, inspection: Inspection) -> dict[str, str]:
    """Return by characteristic the cameras that saw it."""
    cameras = {f.view: f.camera for f in inspection.frames}
    zones = {z.id: z.view for z in spec.zones}
    views: dict[str, list[str]] = {}
    for c in spec.characteristics:
        if isinstance(c, Dimension):
            views[c.id] = [c.feature.view]
        elif isinstance(c, Colour | Component | Print | Code):
            views[c.id] = [c.view]
        elif isinstance(c, Surface):
            views[c.id] = list(dict.fromkeys(zones[z] for z in c.zones))
    return {i: ", ".join(cameras[v] for v in seen if v in cameras) for i, seen in views.items()}


def _row(c: Characteristic, result: CharacteristicResult | FaiItem, decision: State, camera: str) -> Row:
    nominal, lower, upper = alike(result.nominal, result.lower, result.upper)
    value, uncertainty, below = _value(result)
    return Row(
        number=c.number,
        kind=c.kind,
        name=c.name,
        detail=_detail(c),
        severity=c.severity,
        nominal=nominal or "",
        lower=lower or "",
        upper=upper or "",
        value=value,
        uncertainty=uncertainty,
        below=below,
        k=result.coverage_factor if uncertainty else None,
        unit=_unit(result.unit),
        decision=decision,
        source=_source(result, camera),
        reason=_reason(result),
        gauge=_gauge(result),
    )


def _source(result: CharacteristicResult | FaiItem, camera: str) -> str:
    """Return who or what found a result."""
    if result.colour is not None and result.colour.reading is not None:
        return result.colour.reading.instrument
    known = {"vision": f"camera {camera}", "manual": "entered by a person", "imported": "from an instrument"}
    return known.get(result.source or "", "")


def _value(result: CharacteristicResult | FaiItem) -> tuple[str, str, str]:
    """Return the value, U, and where U differs below the value, that."""
    if result.value is None:
        return "", "", ""
    if result.interval is not None:
        value, above, below = between(result.value, *result.interval)
        return (value, above, "") if above == below else (value, f"+{above}", f"\u2212{below}")
    u, k = result.standard_uncertainty, result.coverage_factor
    if u is None or k is None:
        return plain(result.value), "", ""
    return *measured(result.value, u, k), ""


def _unit(unit: str | None) -> str:
    return DELTA_E.get(unit or "", "" if unit == "1" else unit or "")


def _limits(row: Row) -> str:
    """Return the limits in one text, for rows without columns of their own."""
    if not row.lower and not row.upper:
        return ""
    if not row.lower:
        return f"\u2264 {row.upper} {row.unit}"
    if not row.upper:
        return f"\u2265 {row.lower} {row.unit}"
    return f"{row.lower} \u2026 {row.upper} {row.unit}"


def _reason(result: CharacteristicResult | FaiItem) -> str:
    if result.reason == "characteristic_nonconform":
        return ""  # the decision beside it says the same
    if result.reason in REASONS:
        return REASONS[result.reason].meaning
    # What vision measured has this very report as its evidence.
    evidence = getattr(result, "evidence", None) if result.source != "vision" else None
    return result.reason or evidence or _set_aside(result)


def _set_aside(result: CharacteristicResult | FaiItem) -> str:
    """Say so where a fit did not follow a notable part of the edge: a burr can be in it."""
    share = getattr(result, "set_aside", None) or 0.0
    return f"{share:.0%} of the edge lies off the form" if share >= WORTH_SAYING else ""


def _detail(c: Characteristic) -> str:
    if isinstance(c, Dimension):
        return f"dimension, {_OPERATORS[c.association]}"
    if isinstance(c, Colour):
        return colour_detail(c)
    if isinstance(c, Surface):
        return "surface, zones " + ", ".join(c.zones)
    if isinstance(c, Component | Print):
        return f"{c.kind}, offset from its place"
    if isinstance(c, Code):
        return f"code, {c.symbology}"
    return f"{c.kind}: {c.method}"


def _gauge(result: CharacteristicResult | FaiItem) -> Gauge | None:
    """Return the gauge of a value: the tolerance is its middle 60 %, what lies beyond stays at the end."""
    upper = result.upper
    lower = 0.0 if result.lower is None and result.unit in DELTA_E else result.lower
    u, k = result.standard_uncertainty, result.coverage_factor
    if result.value is None or u is None or k is None or lower is None or upper is None:
        return None
    low, high = result.interval or (result.value - k * u, result.value + k * u)

    def at(x: float) -> float:
        return round(min(max(20 + 60 * (x - lower) / (upper - lower), 1), 99), 1)

    return Gauge(20, 80, at(result.value), at(low), at(high))
