"""Charts of a lot: where its deviations lie, and which classes cause most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evidence import Defect
from hallmark.report.marks import words
from hallmark.report.pages import render
from hallmark.report.pictures import Picture, data_uri, faded
from hallmark.report.signs import SEVERITIES, State, state_of


@dataclass(frozen=True, slots=True)
class Spot:
    """A deviation in the golden view: centre and radius of its sign, in golden pixels."""

    x: float
    y: float
    radius: float
    state: State


def defect_map(golden: Picture, mm_per_px: float, defects: Sequence[Defect]) -> str:
    """Return the golden picture, pale, with a sign for each deviation at its place, as SVG.

    A sign is as large as the deviation, at least large enough to be seen; the gravest lie on top.
    """
    height, width = golden.pixels.shape[:2]
    least = max(width, height) / 130
    spots = [
        Spot(
            (d.box_mm[0] + d.box_mm[2] / 2) / mm_per_px,
            (d.box_mm[1] + d.box_mm[3] / 2) / mm_per_px,
            max(least, d.size_mm / mm_per_px / 2),
            state_of(d.severity),
        )
        for d in defects
        if d.view == golden.view
    ]
    spots.sort(key=lambda s: (-SEVERITIES.index(s.state), -s.radius))
    return render(
        "map.svg.j2",
        caption=golden.caption,
        data_uri=data_uri(faded(golden.pixels)),
        width=width,
        height=height,
        spots=spots,
        least=least,
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """A class in the Pareto chart: words in lines, count, and the share of it and all before, in per cent."""

    lines: tuple[str, ...]
    count: int
    share: float


def pareto_bars(counts: Mapping[str, int]) -> list[Bar]:
    """Return the bars of a Pareto chart: the most frequent first, those of one count by name."""
    ordered = sorted(((n, name) for name, n in counts.items() if n), key=lambda p: (-p[0], p[1]))
    total = sum(n for n, _ in ordered)
    bars: list[Bar] = []
    so_far = 0
    for n, name in ordered:
        so_far += n
        bars.append(Bar(tuple(words(name).split(" ")), n, 100 * so_far / total))
    return bars


def pareto(bars: Sequence[Bar]) -> str:
    """Return the Pareto chart as SVG: bars by class, and the line of what they make up together."""
    total = sum(bar.count for bar in bars)
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**9) if total / s <= 6)
    return render("pareto.svg.j2", bars=bars, total=total, ticks=range(0, total + 1, step))
