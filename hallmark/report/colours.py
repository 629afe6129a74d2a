"""How colours differ, beside the number that decides: L*a*b*, its differences, words, what was left out."""

from __future__ import annotations

from collections.abc import Sequence

from evidence import CharacteristicResult, ColourResult
from golden.spec import GoldenSpec
from hallmark.colour_names import DELTA_E, conditions_in_words
from hallmark.report.paper import Block, Cell, Column, Heading, Table, Text
from hallmark.report.signs import State
from quality import FaiItem
from quality.colour_trend import ColourTrend

_DELTA, _MINUS = "\u0394", "\u2212"
_CAUTIONS = {
    "gloss": "glossy: what is reflected is left out",
    "gamut": "outside the chart's colours",
}


def colours_in_detail(spec: GoldenSpec, results: Sequence[CharacteristicResult | FaiItem]) -> list[Block]:
    """Return a table of how the colours of a unit differ; nothing where no result says so."""
    numbers = {c.id: c.number for c in spec.characteristics}
    told = sorted((r for r in results if r.colour is not None), key=lambda r: numbers[r.id])
    if not told:
        return []
    columns = (
        Column("No.", 9), Column("Colour"), Column("L*, a*, b*", 33),
        *(Column(f"{_DELTA}{name}*", 12, "right") for name in "LabCH"),
        Column("In words", 27), Column("Left out", 21),
    )  # fmt: skip
    rows = [_cells(numbers[r.id], r, r.colour) for r in told if r.colour is not None]
    said = (
        f"Differences are the unit's less the reference's; {_DELTA}H* is positive from red to yellow. A "
        "difference that chance explains gets no word. Left out is the share of the region that was glare, "
        "dust or clipped; its edge is never judged."
    )
    return [Heading("How the colours differ"), Table(columns, rows), Text(said, "quiet")]


def _cells(number: int, result: CharacteristicResult | FaiItem, colour: ColourResult) -> list[Cell]:
    state: State = result.outcome if isinstance(result, FaiItem) else result.decision
    return [
        Cell(mark=str(number), sign=state),
        Cell(result.name, _under(colour)),
        Cell(_triple(colour.lab), f"reference {_triple(colour.reference)}"),
        *(Cell(_signed(d)) for d in (colour.dl, colour.da, colour.db, colour.dc, colour.dh)),
        Cell(", ".join(colour.words), "; ".join(_CAUTIONS[c] for c in colour.cautions)),
        Cell("" if colour.reading else f"{colour.excluded:.1%}", _causes(colour)),
    ]


def _under(colour: ColourResult) -> str:
    by = "" if colour.reading is None else f"{colour.reading.instrument}; "
    return by + conditions_in_words(colour.conditions)


def _causes(colour: ColourResult) -> str:
    shares = ((cause, share) for cause, share in colour.excluded_by.items() if cause != "edge")
    return ", ".join(f"{cause} {share:.1%}" for cause, share in shares if share >= 0.0005)


def _triple(lab: tuple[float, float, float]) -> str:
    return ", ".join(f"{v:z.2f}".replace("-", _MINUS) for v in lab)


def _signed(difference: float) -> str:
    return f"{difference:+z.2f}".replace("-", _MINUS)


def lot_trend(spec: GoldenSpec, trends: Sequence[ColourTrend]) -> list[Block]:
    """Return a table of how a lot's colours lie, scatter and drift; nothing where there are none."""
    if not trends:
        return []
    numbers = {c.id: c.number for c in spec.characteristics}
    columns = (
        Column("No.", 9), Column("Colour"), Column("Mean difference", 40), Column("Scatter of units", 40),
        Column("Drift from first unit to last", 40), Column("Worst unit", 24),
    )  # fmt: skip
    rows = [
        [
            Cell(str(numbers[t.characteristic])),
            Cell(t.name, f"{t.units} units by {t.source}"),
            Cell(f"{t.delta_e:.2f} {DELTA_E[t.formula]}", _by_axis(t.mean), strong=True),
            Cell(*_scatter(t)),
            Cell(*_drift(t)),
            Cell(f"{t.worst_delta_e:.2f} {DELTA_E[t.formula]}", t.worst),
        ]
        for t in trends
    ]  # fmt: skip
    said = (
        "Differences are the units' less the reference's. The ellipse holds the next unit in the plane of a* "
        "and b* with the probability given. Drift is tested by Hotelling's T-squared of the slope in order "
        "of production, corrected for the number of colours (Holm)."
    )
    return [Heading("Colours of the lot"), Table(columns, rows), Text(said, "quiet")]


def _scatter(t: ColourTrend) -> tuple[str, str]:
    if t.standard_deviations is None:
        return "", ""
    said = f"s {_by_axis(t.standard_deviations, sign=False)}"
    e = t.ellipse
    return said, "" if e is None else (
        f"{e.coverage:.0%} ellipse {e.major:.2f} by {e.minor:.2f} at {e.angle_deg:.0f}\u00b0"
    )


def _drift(t: ColourTrend) -> tuple[str, str]:
    d = t.drift
    if d is None:
        return "not tested", ""
    found = f"{d.delta_e:.2f} {DELTA_E[t.formula]}" if d.real else "none proven"
    return found, f"{_by_axis(d.change)}; p = {d.adjusted_p:.2g}"


def trend_lines(t: ColourTrend) -> list[str]:
    """Return a lot's colour in words, for people at a terminal."""
    unit = DELTA_E[t.formula]
    scatter, drift = " ".join(filter(None, _scatter(t))), ", ".join(filter(None, _drift(t)))
    return [
        f"{t.name} by {t.source}, {t.units} units",
        f"  mean {t.delta_e:.2f} {unit}: {_by_axis(t.mean)}",
        f"  scatter {scatter or 'not known of one unit'}",
        f"  drift from first unit to last: {drift}",
        f"  worst unit {t.worst}: {t.worst_delta_e:.2f} {unit}: {_by_axis(t.worst_difference)}",
    ]


def _by_axis(values: Sequence[float], *, sign: bool = True) -> str:
    form = "+z.2f" if sign else ".2f"
    return ", ".join(
        f"{_DELTA if sign else ''}{name}* {value:{form}}".replace("-", _MINUS)
        for name, value in zip("Lab", values, strict=True)
    )
