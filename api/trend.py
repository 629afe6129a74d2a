"""A part's lots run over run, put together from the journal, the stored measurements and the claims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import select

import quality
from api.past import Past
from api.problems import Problem
from api.recurrence import capas, nonconformances
from api.store.tables import inspections, measurements
from quality import claims, trend
from quality.corrective import CapaState

_TIGHTEST_FIRST = ("tightened", "normal", "reduced")
_FEWEST_FOR_CPK = 25  # single values: fewer make an interval too wide to compare lots by


def part_trend(
    past: Past,
    part: str,
    *,
    lots: int,
    latest: int,
    alpha: float,
    confidence: float,
    **costs: float | None,
) -> dict[str, Any]:
    """Return the trend of a part's newest `lots`, as JSON; see `quality.trend`.

    `without_results` are lots of which no unit was judged in production. Cpk is that of single values in the
    order of recording; a characteristic that is not in control, or has too few values, has none.
    """
    opened = [line.subject for line in past.lines(kinds=("lot.opened",)) if line.body["part"] == part]
    if not opened:
        raise Problem("not-found", f"no lot of part {part!r}")
    known, actions = nonconformances(past), capas(past)
    figures: list[trend.LotFigures] = []
    empty: list[str] = []
    for lot in opened[-lots:]:
        found = _figures(past, lot, known, actions, costs)
        if found is None:
            empty.append(lot)
        else:
            figures.append(found)
    shown = trend.trend(figures, latest=latest, alpha=alpha, confidence=confidence)
    return {"part": part, **shown.record(), "without_results": empty, "arrival": _arrival(past, part)}


def _figures(
    past: Past,
    lot: str,
    known: Mapping[str, quality.Nonconformance],
    actions: Mapping[str, CapaState],
    costs: Mapping[str, float | None],
) -> trend.LotFigures | None:
    lines = past.lines(subject=lot, kinds=("inspection.recorded",))
    produced = [line.body for line in lines if line.body["checkpoint"] == "production"]
    if all(record["verdict"] == "HOLD" for record in produced):
        return None
    units = {str(record["serial"]) for record in produced}
    fate = {
        decision: units.intersection(
            s for n in known.values() if n.lot == lot
            for d in n.dispositions if d.decision == decision for s in d.serials
        )
        for decision in ("scrap", "rework")
    }  # fmt: skip
    drawn = {s.plan.severity for s in past.lot(lot).samplings if s.plan is not None}
    return trend.lot_figures(
        lot, lines, known, actions, cpk=_cpk(past, lot, produced),
        inspection=next((s for s in _TIGHTEST_FIRST if s in drawn), None),
        scrapped=len(fate["scrap"]), reworked=len(fate["rework"] - fate["scrap"]), **costs,
    )  # fmt: skip


def _cpk(past: Past, lot: str, produced: Sequence[Mapping[str, Any]]) -> dict[str, trend.Cpk]:
    from quality import spc  # noqa: PLC0415 (scipy loads slowly)

    # of a unit that was judged again, the first record
    first = set({record["serial"]: record["inspection"] for record in reversed(produced)}.values())
    columns = measurements.c
    query = (
        select(columns.inspection, columns.characteristic, columns.value, columns.lower, columns.upper)
        .join(inspections, inspections.c.id == columns.inspection)
        .where(inspections.c.lot == lot, columns.valid, columns.value.is_not(None))
        .where(columns.standard_uncertainty.is_not(None))  # a count of defects has none, nor a distribution
        .order_by(inspections.c.journal_sequence)
    )
    values: defaultdict[tuple[str, float | None, float | None], list[float]] = defaultdict(list)
    for inspection, name, value, lower, upper in past.connection.execute(query):
        if inspection in first and (lower is not None or upper is not None):
            values[name, lower, upper].append(value)
    found: dict[str, trend.Cpk] = {}
    for (name, lower, upper), series in values.items():
        if len(series) >= _FEWEST_FOR_CPK:
            try:
                index = spc.capability([[v] for v in series], lsl=lower, usl=upper).cpk
            except quality.QualityError:
                continue
            assert index.upper is not None, "a two-sided interval has both ends"
            found[name] = trend.Cpk(value=index.value, lower=index.lower, upper=index.upper)
    return found


def _arrival(past: Past, part: str) -> dict[str, Any] | None:
    known = claims.replay_claims(past.lines(kinds=tuple(claims.CLAIM_EVENTS))).values()
    try:
        return asdict(claims.arrival_rate(c for c in known if c.reported and c.reported.part == part))
    except quality.EvidenceError:  # nothing is reported, or all of it withdrawn
        return None
