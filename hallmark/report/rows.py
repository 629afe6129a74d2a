"""Rows of the item table, worded and formatted once for every paper."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from evidence import REASONS, CharacteristicResult, Inspection
from golden.spec import Characteristic, Colour, DecisionRule, Dimension, GoldenSpec, Surface
from hallmark.report.numbers import alike, measured, plain
from hallmark.report.pictures import State
from quality import FaiItem

_OPERATORS = {
    "least_squares": "least squares",
    "two_point": "two-point",
    "maximum_inscribed": "maximum inscribed",
    "minimum_circumscribed": "minimum circumscribed",
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
    """One characteristic as printed: text only, except the gauge."""

    number: int
    id: str
    name: str
    detail: str
    severity: str
    nominal: str
    limits: str
    value: str
    uncertainty: str
    unit: str
    decision: State
    source: str
    reason: str
    gauge: Gauge | None


def inspection_rows(spec: GoldenSpec, inspection: Inspection) -> list[Row]:
    """Return the rows of one unit's inspection, in balloon order."""
    results = {r.id: r for r in inspection.characteristics}
    return [
        _row(c, results[c.id], results[c.id].decision)
        for c in sorted(spec.characteristics, key=lambda c: c.number)
        if c.id in results
    ]


def fai_rows(spec: GoldenSpec, items: Sequence[FaiItem]) -> list[Row]:
    """Return the rows of one unit's first-article items, in balloon order."""
    characteristics = {c.id: c for c in spec.characteristics}
    return [_row(characteristics[i.id], i, i.outcome) for i in sorted(items, key=lambda i: i.number)]


def rule_sentences(spec: GoldenSpec, shown: Container[str]) -> list[str]:
    """Return one sentence per distinct decision rule, naming the shown items that it decides."""
    items: dict[DecisionRule, list[int]] = {}
    for c in sorted(spec.characteristics, key=lambda c: c.number):
        if c.id in shown and getattr(c, "unit", None) is not None:
            items.setdefault(c.decision, []).append(c.number)
    return [f"{_items(numbers)}: {_sentence(rule)}" for rule, numbers in items.items()]


def _sentence(rule: DecisionRule) -> str:
    if rule.rule == "simple":
        return "simple acceptance (ILAC-G8:09/2019): a value inside its limits conforms, whatever U is."
    whose = {"supplier": "the supplier must prove conformity", "buyer": "the buyer must prove nonconformity"}
    band = "U" if rule.guard_factor == 1 else f"{rule.guard_factor:g} U"
    return (
        f"guarded acceptance with guard band {band}, U = {rule.coverage_factor:g} u (ISO 14253-1:2017, "
        "JCGM 106:2012). A value conforms if it lies inside its limits by at least the band and does not "
        f"conform if it lies outside by more; between the two it is undecided, and {whose[rule.who_proves]}."
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


def _row(c: Characteristic, result: CharacteristicResult | FaiItem, decision: State) -> Row:
    nominal, lower, upper = alike(result.nominal, result.lower, result.upper)
    value, uncertainty = _value(result)
    return Row(
        number=c.number,
        id=c.id,
        name=c.name,
        detail=_detail(c),
        severity=c.severity,
        nominal=nominal or "",
        limits=_limits(lower, upper),
        value=value,
        uncertainty=uncertainty,
        unit=_unit(result.unit),
        decision=decision,
        source=result.source or "",
        reason=_reason(result),
        gauge=_gauge(result),
    )


def _value(result: CharacteristicResult | FaiItem) -> tuple[str, str]:
    if result.value is None:
        return "", ""
    u, k = result.standard_uncertainty, result.coverage_factor
    if u is None or k is None:
        return plain(result.value), ""
    return measured(result.value, u, k)


def _unit(unit: str | None) -> str:
    return {"CIEDE2000": "\u0394E\u2080\u2080", "1": "", None: ""}.get(unit, unit or "")


def _limits(lower: str | None, upper: str | None) -> str:
    if lower is None and upper is None:
        return ""
    if lower is None:
        return f"\u2264 {upper}"
    if upper is None:
        return f"\u2265 {lower}"
    return f"{lower} \u2026 {upper}"


def _reason(result: CharacteristicResult | FaiItem) -> str:
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
        return "colour against the golden sample"
    if isinstance(c, Surface):
        return "surface, zones " + ", ".join(c.zones)
    return f"{c.kind}: {c.method}"


def _gauge(result: CharacteristicResult | FaiItem) -> Gauge | None:
    """Return the gauge of a value: the tolerance is its middle 60 %, what lies beyond stays at the end."""
    upper = result.upper
    lower = 0.0 if result.lower is None and result.unit == "CIEDE2000" else result.lower
    u, k = result.standard_uncertainty, result.coverage_factor
    if result.value is None or u is None or k is None or lower is None or upper is None:
        return None

    def at(x: float) -> float:
        return round(min(max(20 + 60 * (x - lower) / (upper - lower), 1), 99), 1)

    return Gauge(20, 80, at(result.value), at(result.value - k * u), at(result.value + k * u))
