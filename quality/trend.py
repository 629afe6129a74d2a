"""One product run over run: what its lots show, each figure with its interval, and which change is real."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from evidence.inspection import Name, Verdict
from evidence.journal import JournalLine
from golden.catalogue import CharacteristicClass
from golden.plans import CountingBasis
from golden.regions import Closed
from quality.corrective.effectiveness import fisher_p_value
from quality.corrective.events import capa_id
from quality.corrective.states import CapaState
from quality.errors import ProportionError
from quality.events import InspectionRecorded
from quality.nonconformances import Nonconformance
from quality.proportions import Proportion, check_probability, clopper_pearson
from quality.unit_findings import CLASSES

Count = Annotated[int, Field(ge=0)]
Cost = Annotated[float, Field(ge=0)]
InspectionState = Literal["normal", "tightened", "reduced", "discontinued"]


class Cpk(Closed):
    """A characteristic's Cpk with its confidence interval, as `quality.spc` gives it."""

    value: float
    lower: float
    upper: float

    @model_validator(mode="after")
    def _around(self) -> Self:
        if not self.lower <= self.value <= self.upper:
            raise ValueError(f"cpk {self.value} lies outside its interval {self.lower} to {self.upper}")
        return self


class LotFigures(Closed):
    """A lot in numbers. `nonconforming` counts by class what `counting` says, on `inspected` units.

    `first_pass` of the `units` conformed when they were first judged. Costs are per unit, in one currency;
    without `unit_cost` there is no cost of poor quality.
    """

    lot: Name
    units: Annotated[int, Field(ge=1)]
    first_pass: Count
    inspected: Annotated[int, Field(ge=1)]
    nonconforming: dict[CharacteristicClass, Count]
    counting: CountingBasis = "nonconforming_units"
    causes: tuple[Name, ...] = ()
    open_causes: tuple[Name, ...] = ()
    cpk: dict[Name, Cpk] = Field(default_factory=dict)
    inspection: InspectionState | None = None
    scrapped: Count = 0
    reworked: Count = 0
    unit_cost: Cost | None = None
    rework_cost: Cost | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if max(self.first_pass, self.scrapped + self.reworked) > self.units:
            raise ValueError(
                f"first_pass {self.first_pass}, and scrapped {self.scrapped} with reworked {self.reworked}, "
                f"are parts of units {self.units}"
            )
        if set(self.nonconforming) != set(CLASSES):
            raise ValueError("nonconforming: give a number for critical, major and minor")
        worst = max(self.nonconforming.values())
        if self.counting == "nonconforming_units" and worst > self.inspected:
            raise ValueError(f"nonconforming: {worst} of {self.inspected} inspected units")
        if not set(self.open_causes) <= set(self.causes):
            raise ValueError("open_causes: each is one of causes")
        if self.unit_cost is not None and self.reworked and self.rework_cost is None:
            raise ValueError("rework_cost: needed for the cost of reworked units")
        return self


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its two-sided interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class LotTrend:
    """A lot's figures: `ppm` by class (nonconforming units, or nonconformities, per million units).

    `cost` is what such a lot's scrap and rework are expected to cost.
    """

    lot: str
    ppm: dict[CharacteristicClass, Estimate]
    first_pass_yield: Proportion
    cpk: dict[str, Cpk]
    inspection: InspectionState | None
    cost: Estimate | None


@dataclass(frozen=True, slots=True)
class Change:
    """Whether a rate of the latest lots differs from that of the lots before.

    `measure` is a class or "first_pass". `adjusted_p` is corrected for the number of measures (Holm);
    `real` says whether it is at most alpha.
    """

    measure: str
    before: float
    after: float
    p_value: float
    adjusted_p: float
    real: bool


@dataclass(frozen=True, slots=True)
class CauseTrend:
    """A cause, the lots that it opened a non-conformance in, and those where it is still open.

    `share` is the fraction of lots with it; it recurs where there are two or more.
    """

    cause: str
    lots: tuple[str, ...]
    open_in: tuple[str, ...]
    share: Proportion
    recurring: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """A product's lots in order, the test of the latest against those before (alpha, Holm), and causes."""

    lots: tuple[LotTrend, ...]
    changes: tuple[Change, ...]
    causes: tuple[CauseTrend, ...]
    alpha: float
    confidence: float

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        lots = [
            {**asdict(t), "cpk": {name: c.model_dump(mode="json") for name, c in t.cpk.items()}}
            for t in self.lots
        ]
        return {**asdict(self), "lots": lots}


def trend(
    lots: Sequence[LotFigures], *, latest: int = 1, alpha: float = 0.05, confidence: float = 0.95
) -> Trend:
    """Return how one product's lots, in order of production, go, and what changed in the `latest` of them.

    Units are compared by Fisher's exact test, nonconformities by the exact conditional (binomial) test, both
    two-sided, corrected by Holm's method over the three classes and the first-pass yield. Intervals are
    exact: Clopper-Pearson for units, Garwood for nonconformities. With too few lots nothing is tested.

    Raises:
        ProportionError: no lot, one twice, different counting, `latest` below 1, or alpha or confidence
            outside 0 to 1.
    """
    names = [f.lot for f in lots]
    if not names or len(set(names)) < len(names):
        raise ProportionError(f"{len(names)} lots: give at least one, each once")
    if len({f.counting for f in lots}) > 1:
        raise ProportionError("some lots count units, others nonconformities: they cannot be compared")
    if latest < 1:
        raise ProportionError(f"latest {latest}: at least one lot is compared with those before")
    check_probability("alpha", alpha)
    check_probability("confidence", confidence)
    before, after = lots[:-latest], lots[-latest:]
    return Trend(
        lots=tuple(_lot_trend(f, confidence) for f in lots),
        changes=_changes(before, after, alpha) if before else (),
        causes=_causes(lots, confidence),
        alpha=alpha,
        confidence=confidence,
    )


def lot_figures(
    lot: str,
    lines: Iterable[JournalLine],
    nonconformances: Mapping[str, Nonconformance],
    capas: Mapping[str, CapaState],
    **given: Any,  # noqa: ANN401 (the other fields of LotFigures)
) -> LotFigures:
    """Count a lot from its journal lines: units judged in production, once each.

    A unit passes first if its first record accepts it; it is nonconforming in every class that a record
    found, and not inspected while it is held. A cause is open while its non-conformance has units
    without a disposition, or its corrective action is not closed.

    Raises:
        ProportionError: no unit of the lot was judged in production.
    """
    first: dict[str, Verdict] = {}
    last: dict[str, Verdict] = {}
    found: dict[str, set[str]] = {}
    for line in lines:
        if line.subject != lot or line.kind != InspectionRecorded.kind:
            continue
        record = InspectionRecorded.model_validate(line.body)
        if record.checkpoint != "production":
            continue
        first.setdefault(record.serial, record.verdict)
        # As in the lot's state, a rejection stands.
        last[record.serial] = "REJECT" if last.get(record.serial) == "REJECT" else record.verdict
        severities = (n.severity for n in record.findings.nonconformities)
        found.setdefault(record.serial, set()).update(severities)
    judged = [serial for serial, verdict in last.items() if verdict != "HOLD"]
    if not judged:
        raise ProportionError(f"lot {lot}: no unit was judged in production")
    own = [n for n in nonconformances.values() if n.lot == lot]
    return LotFigures(
        lot=lot,
        units=len(first),
        first_pass=sum(verdict == "ACCEPT" for verdict in first.values()),
        inspected=len(judged),
        nonconforming={c: sum(c in found[serial] for serial in judged) for c in CLASSES},
        causes=tuple(n.cause for n in own),
        open_causes=tuple(n.cause for n in own if _is_open(n, capas)),
        **given,
    )


def _is_open(nonconformance: Nonconformance, capas: Mapping[str, CapaState]) -> bool:
    capa = capas.get(capa_id(nonconformance.id))
    return nonconformance.status == "open" or (capa is not None and capa.phase != "closed")


def _lot_trend(f: LotFigures, confidence: float) -> LotTrend:
    return LotTrend(
        lot=f.lot,
        ppm={c: _ppm(f, c, confidence) for c in CLASSES},
        first_pass_yield=clopper_pearson(f.first_pass, f.units, confidence),
        cpk=dict(f.cpk),
        inspection=f.inspection,
        cost=_cost(f, confidence),
    )


def _ppm(f: LotFigures, severity: CharacteristicClass, confidence: float) -> Estimate:
    count = f.nonconforming[severity]
    if f.counting == "nonconforming_units":
        p = clopper_pearson(count, f.inspected, confidence)
        return Estimate(1e6 * p.value, 1e6 * p.lower, 1e6 * p.upper)
    from scipy.special import gammaincinv  # noqa: PLC0415 (scipy loads slowly)

    # Garwood, Biometrika 28 (1936) 437, doi:10.1093/biomet/28.3-4.437.
    tail, million = (1 - confidence) / 2, 1e6 / f.inspected
    lower = 0.0 if count == 0 else float(gammaincinv(count, tail))
    return Estimate(million * count, million * lower, million * float(gammaincinv(count + 1, 1 - tail)))


def _cost(f: LotFigures, confidence: float) -> Estimate | None:
    """Return scrap and rework cost; each share has half of the risk (Bonferroni)."""
    if f.unit_cost is None:
        return None
    parts = [(f.scrapped, f.unit_cost), (f.reworked, f.rework_cost)]
    value = lower = upper = 0.0
    for count, cost in parts:
        if cost is not None:
            share = clopper_pearson(count, f.units, 1 - (1 - confidence) / 2)
            value += cost * count
            lower += cost * f.units * share.lower
            upper += cost * f.units * share.upper
    return Estimate(value, lower, upper)


def _changes(before: Sequence[LotFigures], after: Sequence[LotFigures], alpha: float) -> tuple[Change, ...]:
    tested: list[tuple[str, float, float, float]] = []
    for measure in (*CLASSES, "first_pass"):
        one, other = _pooled(after, measure), _pooled(before, measure)
        by_units = measure == "first_pass" or after[0].counting == "nonconforming_units"
        p = fisher_p_value(one, other, "two-sided") if by_units else _conditional(one, other)
        tested.append((measure, other[0] / other[1], one[0] / one[1], p))
    adjusted = holm([p for *_, p in tested])
    return tuple(Change(*t, a, a <= alpha) for t, a in zip(tested, adjusted, strict=True))


def _pooled(lots: Sequence[LotFigures], measure: str) -> tuple[int, int]:
    if measure == "first_pass":
        return sum(f.first_pass for f in lots), sum(f.units for f in lots)
    counts = [n for f in lots for severity, n in f.nonconforming.items() if severity == measure]
    return sum(counts), sum(f.inspected for f in lots)


def _conditional(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Return the two-sided p of equal rates: given the sum, a count is binomial (Przyborowski 1940)."""
    # scipy loads slowly, and types this function only in part
    from scipy.stats import binomtest  # noqa: PLC0415  # pyright: ignore[reportUnknownVariableType]

    total = one[0] + other[0]
    if total == 0:
        return 1.0
    return min(1.0, float(binomtest(one[0], total, one[1] / (one[1] + other[1])).pvalue))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values, in the given order (Scand. J. Statist. 6 (1979) 65)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _causes(lots: Sequence[LotFigures], confidence: float) -> tuple[CauseTrend, ...]:
    """Return every cause in order of first appearance."""
    causes = dict.fromkeys(cause for f in lots for cause in f.causes)
    found: list[CauseTrend] = []
    for cause in causes:
        seen = tuple(f.lot for f in lots if cause in f.causes)
        still = tuple(f.lot for f in lots if cause in f.open_causes)
        share = clopper_pearson(len(seen), len(lots), confidence)
        found.append(CauseTrend(cause, seen, still, share, len(seen) > 1))
    return tuple(found)
