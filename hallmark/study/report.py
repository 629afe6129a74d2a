"""The report of a detection-probability study: a paper, and the same as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hallmark.report.paper import Block, Cell, Column, Facts, Figure, Heading, Paper, Table, Text
from hallmark.study.chart import pod_chart
from quality.pod import ALL, FalseCalls, PodCurve, PodStudy

_METHOD = (
    "Hits and misses are fitted by maximum likelihood on the log of the size (MIL-HDBK-1823A), logit or "
    "probit by the greater likelihood; a90/95 is the 95 % upper bound of a90 by the penalised likelihood "
    "ratio (Firth), since the plain one covers less than it says at such numbers of trials. Each defect of "
    "a curve is on a unit of its own. Seen, let go: how many the comparison alone reports, and how many of "
    "these the model dismissed."
)
_SIMULATED = (
    "Simulated: the defects were drawn on the golden picture and captured by the twin. These figures plan an "
    "inspection and its study; they decide nothing about units or lots, and the records say so."
)


def by_zone_said(study: PodStudy) -> str | None:
    """Return what a study claims too much by defects without a stated place, or None."""
    if not study.by_zone:
        return None
    return (
        f"{study.by_zone} of {len(study.trials)} defects have no stated place: anything reported in the "
        "zone, a false call too, counts as found, and one finding may count for several. Probabilities are "
        "too high, a50, a90 and a90/95 too small, by an unknown amount; no decision rests on them."
    )


def pod_paper(study: PodStudy, curves: Sequence[PodCurve], title: str, issued: str) -> Paper:
    """Return the report of a study.

    Args:
        study: the trials.
        curves: what they say, see `quality.pod.pod_curves`.
        title: what it is about: the part.
        issued: UTC, RFC 3339.
    """
    blocks: list[Block] = []
    if study.source == "simulated":
        blocks.append(Text(_SIMULATED, "warning"))
    limitation = by_zone_said(study)
    if limitation is not None:
        blocks.append(Text(limitation, "warning"))
    blocks.append(
        Facts((
            ("Trials", str(len(study.trials))),
            ("Held before any defect was looked for", str(study.not_judged)),
            ("Source", study.source),
            ("Least size reported", f"{study.smallest_mm:g} mm"),
            ("Model", study.model or "none"),
        ))
    )  # fmt: skip
    blocks += [
        Figure(
            pod_chart(study, curves), "Probability of detection by size, for each class",
            "Probability of detection by size. Ticks: trials found (above), missed (below); dots: a90/95.",
            mm=190,
        ),
        Heading("Sizes found", "mm"),
        _table([c for c in curves if c.zone == ALL]),
    ]  # fmt: skip
    by_zone = [c for c in curves if c.zone != ALL]
    if by_zone:
        blocks += [Heading("By zone", "mm"), _table(by_zone)]
    blocks += [Heading("False calls", "on units without any defect"), _calls(study), Text(_METHOD, "quiet")]
    blocks += [Heading("Conditions"), *(Text(line, "quiet") for line in study.conditions)]
    return Paper(
        kind="Detection-probability study",
        title=title,
        verdict=None,
        running=("simulated",) if study.source == "simulated" else (),
        issued=issued,
        reference=study.golden[:19],
        blocks=blocks,
    )


def pod_record(study: PodStudy, curves: Sequence[PodCurve]) -> dict[str, Any]:
    """Return the study and its figures as JSON."""
    return {
        "source": study.source,
        "limitations": [said for said in (by_zone_said(study),) if said],
        "curves": [c.record() for c in curves],
        "false_calls": [_call_record(name, calls) for name, calls in false_calls_by_conditions(study)],
        "study": study.model_dump(mode="json"),
    }


def pod_lines(study: PodStudy, curves: Sequence[PodCurve]) -> Iterator[str]:
    """Yield the report's figures as text."""
    if study.source == "simulated":
        yield "SIMULATED: plans a study, decides nothing"
    limitation = by_zone_said(study)
    if limitation is not None:
        yield f"LIMITATION: {limitation}"
    yield (
        f"{'class':<18} {'level':<8} {'zone':<12} {'found':>9} {'a50':>7} {'a90':>7} {'a90/95':>7} "
        f"{'ratio':>7} {'Wald':>7} {'compared':>9} {'dismissed':>9}"
    )
    for c in curves:
        yield (
            f"{c.defect_class:<18} {c.level:<8} {c.zone:<12} {c.found:>4}/{c.trials:<4} {_mm(c.a50):>7} "
            f"{_mm(c.a90):>7} {_mm(c.a90_95):>7} {_mm(c.a90_95_ratio):>7} "
            f"{_mm(c.a90_95_wald):>7} {_count(c.compared):>9} "
            f"{_count(c.dismissed):>9}"
        )
        for sentence in (*([c.failure] if c.failure else []), *c.cautions):
            yield f"    {sentence}"
    for name, calls in false_calls_by_conditions(study):
        yield f"false calls, {name}: {_calls_said(calls)}"
    if study.not_judged:
        yield f"{study.not_judged} defects lay on units held before any was looked for; they are no trials"


def false_calls_by_conditions(study: PodStudy) -> list[tuple[str, FalseCalls]]:
    """Return the false-call rates of units without defect, for each of the conditions."""
    return [(name, study.false_calls(name)) for name in dict.fromkeys(u.conditions for u in study.good)]


def _calls_said(calls: FalseCalls) -> str:
    return (
        f"{calls.calls} on {calls.units} units, {calls.rate:.3g} per unit ({calls.lower:.3g} to "
        f"{calls.upper:.3g}); {calls.stopped.count} units with any, at most "
        f"{100 * calls.stopped_upper:.2g} % (95 %)"
    )


def _call_record(name: str, calls: FalseCalls) -> dict[str, Any]:
    return {
        "conditions": name, "units": calls.units, "calls": calls.calls, "rate": calls.rate,
        "lower": calls.lower, "upper": calls.upper, "units_with_calls": calls.stopped.count,
        "share_upper_95": calls.stopped_upper, "clustered_p": calls.clustered,
    }  # fmt: skip


def _table(curves: Sequence[PodCurve]) -> Table:
    columns = (
        Column("Class", 34), Column("Contrast", 18), Column("Zone", 22), Column("Found", 20, "right"),
        Column("a50", 14, "right"), Column("a90", 14, "right"), Column("a90/95", 16, "right"),
        Column("Seen, let go", 0, "right"),
    )  # fmt: skip
    rows = [
        [
            Cell(c.defect_class.replace("_", " "), note=c.failure or "; ".join(c.cautions)),
            Cell(c.level), Cell(c.zone), Cell(f"{c.found} of {c.trials}"), Cell(_mm(c.a50)),
            Cell(_mm(c.a90)), Cell(_mm(c.a90_95), strong=True),
            Cell("" if c.compared is None else f"{c.compared}, {c.dismissed}"),
        ]
        for c in curves
    ]  # fmt: skip
    return Table(columns, rows)


def _calls(study: PodStudy) -> Table:
    columns = (
        Column("Conditions"), Column("Units", 16, "right"), Column("Calls", 16, "right"),
        Column("Per unit", 22, "right"), Column("95 % interval", 34, "right"),
        Column("Units with any, at most", 36, "right"),
    )  # fmt: skip
    rows = [
        [
            Cell(name), Cell(str(c.units)), Cell(str(c.calls)), Cell(f"{c.rate:.3g}"),
            Cell(f"{c.lower:.3g} to {c.upper:.3g}"), Cell(f"{100 * c.stopped_upper:.2g} % (95 %)"),
        ]
        for name, c in false_calls_by_conditions(study)
    ]  # fmt: skip
    return Table(columns, rows)


def _mm(size: float | None) -> str:
    return "-" if size is None else f"{size:.3g}"


def _count(count: int | None) -> str:
    return "" if count is None else str(count)
