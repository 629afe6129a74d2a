"""What would have come out under other limits or AQLs: which units, which decision.

The agreed rules decide every record again; nothing else changes. The sample stays the one that was drawn:
where an AQL asks for more units, the same seed draws on, and a unit that nobody judged there is undecided. A
unit that would not have been accepted in production would not have been in the manifest; it is named, and the
draw is not made again without it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import ValidationError

import quality
from evidence import REASONS, CharacteristicResult, Inspection, colour_reason, entered_colour
from evidence.inspection import Verdict
from golden import conformity
from golden.spec import Characteristic, Colour, Component, GoldenSpec, Print, Surface
from hallmark.dispute.checks import Case, entered_results, recorded_events
from hallmark.errors import DisputeError
from quality.events import InspectionRecorded
from quality.lot_state import LotState, agreement, failed_items
from quality.outgoing import OqcDecision, decide_outgoing, oqc_plans, sample_size
from quality.unit_findings import CLASSES, UnitFindings, findings

Bounds = tuple[float | None, float | None]
Sampled = Literal["major", "minor"]


@dataclass(frozen=True, slots=True)
class UnitChange:
    """A record that would have come out differently: its unit, checkpoint, verdicts, and results by name."""

    serial: str
    inspection: str
    checkpoint: str
    before: Verdict
    after: Verdict
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What would have come out; None where nothing of the kind was decided.

    `left` are the units of the manifest that would not have been accepted in production; `unjudged` how many
    units an AQL asks for beyond those that were drawn.
    """

    units: tuple[UnitChange, ...]
    left: tuple[str, ...]
    first_article: tuple[bool, bool] | None
    outgoing: tuple[OqcDecision, OqcDecision] | None
    unjudged: int

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "units": [
                {**asdict(u), "results": list(u.results)} for u in self.units
            ],
            "left": list(self.left),
            "first_article": None if self.first_article is None else list(self.first_article),
            "outgoing": None
            if self.outgoing is None
            else [decision.model_dump(mode="json") for decision in self.outgoing],
            "unjudged": self.unjudged,
        }  # fmt: skip


def recompute(case: Case, limits: Mapping[str, Bounds], aqls: Mapping[Sampled, str]) -> Recomputed:
    """Decide a lot again under other limits of characteristics and other AQLs.

    Args:
        case: the pack, opened.
        limits: lower and upper limit by characteristic, None for no limit; they replace the agreed ones.
        aqls: AQL by class, as printed in the standard.

    Raises:
        DisputeError: no such characteristic, it has no such limits, or the lot's lines do not follow.
        SamplingError: the standard holds no plan for the AQL.
    """
    if case.state is None:
        raise DisputeError(
            f"the lot's journal lines do not follow, nothing can be decided again: {case.refusal}"
        )
    spec = _with_limits(case.spec, limits, aqls)
    other = {name: _redecided(spec, record, set(limits)) for name, record in case.records.items()}
    units = tuple(_changes(case, other))
    manifest = set(case.state.serials)
    left = {
        u.serial
        for u in units
        if u.checkpoint in ("production", "screening") and u.after != "ACCEPT" and u.serial in manifest
    }
    before = case.state.oqc
    outgoing, unjudged = None, 0
    if case.state.draw is not None and before is not None:
        after, unjudged = _outgoing(case, case.state, spec, other)
        outgoing = (before, after)
    return Recomputed(units, tuple(sorted(left)), _first_article(case.state, spec, other), outgoing, unjudged)


def read_limit(text: str) -> tuple[str, Bounds]:
    """Return characteristic and limits of `ID=LOWER:UPPER`; an empty side is no limit.

    Raises:
        DisputeError: it is written otherwise.
    """
    name, _, rest = text.partition("=")
    low, colon, high = rest.partition(":")
    try:
        bounds = tuple(float(side) if side.strip() else None for side in (low, high))
    except ValueError:
        bounds = ()
    if not name or not colon or len(bounds) != 2 or not all(b is None or math.isfinite(b) for b in bounds):
        raise DisputeError(f"--limit {text!r}: write CHARACTERISTIC=LOWER:UPPER, for example hole=0.76:0.84")
    return name, (bounds[0], bounds[1])


def read_aql(text: str) -> tuple[Sampled, str]:
    """Return class and AQL of `major=0.65`.

    Raises:
        DisputeError: it is written otherwise, or the class is not sampled.
    """
    name, equals, aql = text.partition("=")
    if not equals or name not in ("major", "minor"):
        raise DisputeError(
            f"--aql {text!r}: write major=AQL or minor=AQL, for example major=0.65; critical is inspected on "
            "every unit"
        )
    return ("major" if name == "major" else "minor"), aql


def _with_limits(spec: GoldenSpec, limits: Mapping[str, Bounds], aqls: Mapping[Sampled, str]) -> GoldenSpec:
    fields = spec.model_dump(mode="json", by_alias=True)
    known: dict[str, dict[str, Any]] = {c["id"]: c for c in fields["characteristics"]}
    for name, (lower, upper) in limits.items():
        c = known.get(name)
        if c is None or c.get("unit") is None:
            measured = ", ".join(i for i, one in known.items() if one.get("unit") is not None)
            raise DisputeError(
                f"--limit {name}: no characteristic with limits has this id; these have: {measured}"
            )
        if c["kind"] == "colour" and lower is not None:
            raise DisputeError(
                f"--limit {name}: a colour difference has no lower limit; write {name}=:{upper}"
            )
        c |= {"upper": upper} if c["kind"] == "colour" else {"lower": lower, "upper": upper}
    for severity, aql in aqls.items():
        fields["plans"]["oqc"][severity] = {"aql": aql}
    try:
        return GoldenSpec.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise DisputeError(f"such limits cannot be agreed: {place}: {problem['msg']}") from error


def _redecided(spec: GoldenSpec, record: Inspection, changed: set[str]) -> Inspection:
    """Return a record as it would be under other limits of some characteristics."""
    characteristics = {c.id: c for c in spec.characteristics}
    results = tuple(
        _result(characteristics[r.id], r) if r.id in changed and r.id in characteristics else r
        for r in record.characteristics
    )
    gave, gives = _reasons(record.characteristics), _reasons(results)
    reasons = (set(record.reasons) - (gave - gives)) | (gives - gave)
    verdict: Verdict = "HOLD" if reasons else "ACCEPT"
    if any(REASONS[code].verdict == "REJECT" for code in reasons):
        verdict = "REJECT"
    ordered = tuple(code for code in REASONS if code in reasons)
    return record.model_copy(update={"characteristics": results, "reasons": ordered, "verdict": verdict})


def _result(c: Characteristic, r: CharacteristicResult) -> CharacteristicResult:
    assert not isinstance(c, Surface)
    lower = None if isinstance(c, Colour) else c.lower
    moved = r.model_copy(update={"lower": lower, "upper": c.upper})
    if r.value is None or not r.valid:
        return moved
    looks = isinstance(c, Component | Print) and (r.reason or "").startswith(f"{c.kind}_")
    if looks and r.reason != f"{c.kind}_shifted":
        return moved  # by what it looks like, wherever it lies
    if isinstance(c, Colour) and r.interval is not None:
        return _colour(c, moved, r.value, r.interval)
    u = r.standard_uncertainty
    decision = conformity.decide(r.value, u or 0.0, lower, c.upper, c.decision)
    if u is None and c.decision.needs_uncertainty:
        # nobody stated the uncertainty: such a number may stand against a unit, never for it
        decision = "nonconform" if decision == "nonconform" else "undecided"
    reason = None if decision == "conform" else f"characteristic_{decision}"
    if decision == "undecided" and u is not None and not conformity.capable(u, lower, c.upper, c.decision):
        reason = "measurement_not_capable"
    return moved.model_copy(update={"decision": decision, "reason": reason})


def _colour(
    c: Colour, r: CharacteristicResult, value: float, interval: tuple[float, float]
) -> CharacteristicResult:
    reading = None if r.colour is None else r.colour.reading
    if reading is not None and r.source != "vision":
        return entered_colour(c, reading, r.source)
    decision = conformity.decide_camera(c, value, *interval)
    reason = colour_reason(c, decision, value, interval)
    if decision == "undecided" and c.reference is not None:
        reason = "colour_absolute"
    return r.model_copy(update={"decision": decision, "reason": reason})


def _reasons(results: Sequence[CharacteristicResult]) -> set[str]:
    return {r.reason or f"characteristic_{r.decision}" for r in results if r.decision != "conform"}


def _changes(case: Case, other: Mapping[str, Inspection]) -> list[UnitChange]:
    found: list[UnitChange] = []
    for event in recorded_events(case.lines):
        record = case.records.get(event.inspection)
        if record is None:
            continue
        again = other[record.id]
        results = tuple(
            f"{r.id} {r.value} {r.unit} (u {r.standard_uncertainty}): {r.decision} -> {n.decision}"
            for r, n in zip(record.characteristics, again.characteristics, strict=True)
            if r.decision != n.decision
        )
        if results or record.verdict != again.verdict:
            found.append(
                UnitChange(event.serial, record.id, event.checkpoint, record.verdict, again.verdict, results)
            )
    return found


def _first_article(
    state: LotState, spec: GoldenSpec, other: Mapping[str, Inspection]
) -> tuple[bool, bool] | None:
    decided = state.first_article
    if decided is None or any(name not in other for name in decided.inspections):
        return None
    units = [other[name] for name in decided.inspections]
    again = quality.first_article(spec, units, entered_results(decided))
    return decided.accepted, again.accepted


def _outgoing(
    case: Case, state: LotState, spec: GoldenSpec, other: Mapping[str, Inspection]
) -> tuple[OqcDecision, int]:
    """Return the outgoing decision under other limits, and how many units it asks for beyond the sample."""
    assert state.draw is not None
    plan, size = spec.plans.oqc, len(state.serials)
    needed = sample_size(oqc_plans(plan, size, state.severities))
    drawn = state.draw.serials
    if needed > len(drawn):
        drawn = quality.draw(state.lot, state.serials, needed, state.draw.seed).serials
    events = [e for e in recorded_events(case.lines) if e.checkpoint == "oqc"]
    judged = {
        serial: _unit(unit.findings, [e for e in events if e.serial == serial], spec, other)
        for serial, unit in state.sample.items()
    }
    decision = decide_outgoing(
        plan,
        size,
        drawn,
        judged,
        severities=state.severities,
        failed=failed_items(agreement(state).oqc, state.checks.values()),
    )
    return decision, max(0, len(drawn) - len(state.draw.serials))


def _unit(
    stood: UnitFindings,
    events: Sequence[InspectionRecorded],
    spec: GoldenSpec,
    other: Mapping[str, Inspection],
) -> UnitFindings:
    """Return a sample unit's findings: its records' own, decided again; what a person said stays."""
    known = [event for event in events if event.inspection in other]
    again = [findings(spec, other[event.inspection], "oqc") for event in known]
    was = [n for event in known for n in event.findings.nonconformities]
    now = dict.fromkeys(n for found in again for n in found.nonconformities)
    kept = dict.fromkeys(n for n in stood.nonconformities if n not in was or n in now)
    undecided = set(stood.undecided)
    for event, found in zip(known, again, strict=True):
        before, after = set(event.findings.undecided), set(found.undecided)
        undecided = (undecided - (before - after)) | (after - before)
    return UnitFindings(
        nonconformities=tuple(kept | {n: None for n in now if n not in was}),
        undecided=tuple(c for c in CLASSES if c in undecided),
    )
