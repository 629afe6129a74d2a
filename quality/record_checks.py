"""Whether a record follows from its own numbers and from the golden sample: no verdict is taken on trust."""

from __future__ import annotations

import math
from collections.abc import Iterator

from evidence import MOST_DEFECTS, CharacteristicResult, Inspection, misstated
from golden import conformity
from golden.catalogue import UNCLASSIFIED
from golden.colour_difference import delta_e
from golden.spec import Colour, Dimension, Entered, GoldenSpec, Surface, is_required
from quality.errors import EvidenceError

_ROUNDING = 0.01  # Delta E and L*a*b*: what is written has four decimals


def check_results(spec: GoldenSpec, inspection: Inspection) -> None:
    """Refuse a record that this golden sample does not bear out.

    Of every record, each decision on a number is made again with the golden sample's limits and rule, and
    each defect must have the severity of the rule that it names. Without a model nothing can have been named
    or dismissed. The counting rules that it says are met must be those that its defects meet. An ACCEPT is
    moreover complete: all that each unit has to prove is there, valid and conform, no defect and no counting
    rule stands against it, and the unit was found in a frame of every view.

    A defect that reaches into several zones carries zone and rule of its gravest weighing, and its size in
    all of them; so its rule is compared by class and zone, and is not chosen again by size. A record that
    lists as many defects as it can may have counted others too: there the counts may be higher.

    Raises:
        EvidenceError: naming the result, defect, counting rule or view.
    """
    _check_decisions(spec, inspection)
    _check_names(inspection)
    _check_weighings(spec, inspection)
    _check_counts(spec, inspection)
    if inspection.verdict == "ACCEPT":
        _check_conforming(spec, inspection)
        check_judged(spec, inspection)


def check_judged(spec: GoldenSpec, inspection: Inspection) -> None:
    """Refuse a record as proof of conformity where a view was not judged or a defect stands against it.

    Raises:
        EvidenceError: naming the view, defect or counting rule.
    """
    found = {frame.view for frame in inspection.frames if frame.pose is not None}
    for view in spec.views:
        if view.id not in found:
            raise EvidenceError(
                f"inspection {inspection.id}: view {view.id!r} has no frame in which the unit was found; "
                "the unit was not judged there"
            )
    for defect in inspection.defects:
        if defect.severity is None or defect.severity in spec.catalogue.rejects:
            raise EvidenceError(
                f"inspection {inspection.id}: defect {defect.defect_class!r} in zone {defect.zone!r} is "
                f"{defect.severity or 'not weighed'}; the unit does not conform"
            )
    for met in inspection.counts:
        if met.severity in spec.catalogue.rejects:
            raise EvidenceError(
                f"inspection {inspection.id}: {met.count} defects together are {met.severity} by rule "
                f"{met.rule!r}; the unit does not conform"
            )


def _check_conforming(spec: GoldenSpec, inspection: Inspection) -> None:
    results = {r.id: r for r in inspection.characteristics}
    for required in _each_unit_proves(spec):
        if required not in results:
            raise EvidenceError(f"inspection {inspection.id}: ACCEPT without a result of {required!r}")
    for result in results.values():
        if not result.valid or result.decision != "conform":
            raise EvidenceError(
                f"inspection {inspection.id}: ACCEPT, yet {result.id!r} is "
                f"{result.decision if result.valid else 'not valid'}"
            )


def _each_unit_proves(spec: GoldenSpec) -> Iterator[str]:
    """Yield the characteristics without which no unit is accepted."""
    return (c.id for c in spec.characteristics if is_required(c))


def _check_decisions(spec: GoldenSpec, inspection: Inspection) -> None:
    characteristics = {c.id: c for c in spec.characteristics}
    seen: set[str] = set()
    for result in inspection.characteristics:
        c = characteristics.get(result.id)
        if c is None or result.id in seen:
            what = "is not in the golden sample" if c is None else "occurs twice"
            raise EvidenceError(f"inspection {inspection.id}: characteristic {result.id!r} {what}")
        seen.add(result.id)
        if not isinstance(c, Surface) and c.unit is not None:
            _check_number(c, result, inspection)


def _check_number(c: Dimension | Colour | Entered, result: CharacteristicResult, record: Inspection) -> None:
    where = f"inspection {record.id}, characteristic {c.id}"
    lower = None if isinstance(c, Colour) else c.lower
    if (result.unit, result.lower, result.upper, result.rule) != (c.unit, lower, c.upper, c.decision):
        raise EvidenceError(f"{where}: limits, unit or rule are not those of the golden sample")
    if isinstance(c, Colour) and c.reference is not None and result.source != "vision":
        wrong = misstated(c, result)
        if wrong is not None:
            raise EvidenceError(f"{where}: {wrong}")
        return
    possible = _decisions(c, lower, result, where)
    if isinstance(c, Colour) and result.decision == "conform" and result.interval is not None:
        _check_shown(c, result, result.interval[1], where)
    if result.valid and result.decision not in possible:
        raise EvidenceError(
            f"{where}: value {result.value} with standard uncertainty {result.standard_uncertainty} is "
            f"{possible[0]}, yet the record calls it {result.decision}"
        )


def _check_shown(c: Colour, result: CharacteristicResult, high: float, where: str) -> None:
    """Refuse a colour that conforms by an interval which its own L*a*b* contradict.

    The upper bound is never below the difference as it was read: noise makes that too long, not too short.
    """
    colour = result.colour
    if colour is None:
        raise EvidenceError(f"{where}: conforms by an interval, yet the L*a*b* are missing")
    if c.reference is not None and math.dist(colour.reference, c.reference.lab) > _ROUNDING:
        raise EvidenceError(f"{where}: {colour.reference} is not the agreed reference {c.reference.lab}")
    read = delta_e(colour.reference, colour.lab, c.formula) if c.quantity == "mean" else 0.0
    if read > high + _ROUNDING:
        raise EvidenceError(
            f"{where}: its L*a*b* differ by {read:.3f}, yet the difference is said to be at most {high:.3f}"
        )


def _decisions(
    c: Dimension | Colour | Entered, lower: float | None, result: CharacteristicResult, where: str
) -> tuple[conformity.Decision, ...]:
    """Return the decisions that a valid result's number bears out."""
    if result.value is None:
        return ("undecided",)
    u = result.standard_uncertainty
    try:
        if isinstance(c, Colour) and result.interval is not None:
            return (conformity.decide_camera(c, result.value, *result.interval),)
        if isinstance(c, Colour) and (c.needs_calibration or result.colour is not None):
            return ("undecided",)  # by a characterised camera that does not say how sure it is
        decided = conformity.decide(result.value, u or 0.0, lower, c.upper, c.decision)
    except ValueError as error:
        raise EvidenceError(f"{where}: {error}") from error
    if u is None and c.decision.needs_uncertainty:
        # nobody stated the uncertainty: such a number may stand against a unit, never for it
        return ("undecided", "nonconform") if decided == "nonconform" else ("undecided",)
    return (decided,)


def _check_names(inspection: Inspection) -> None:
    named = (d for d in inspection.defects if d.defect_class != UNCLASSIFIED or d.confidence is not None)
    if inspection.model is None and (inspection.dismissed or any(named)):
        raise EvidenceError(
            f"inspection {inspection.id}: it says that defects were named or dismissed, but by no model"
        )


def _check_weighings(spec: GoldenSpec, inspection: Inspection) -> None:
    rules = {rule.id: rule for rule in spec.catalogue.rules}
    for defect in inspection.defects:
        rule = None if defect.rule is None else rules.get(defect.rule)
        if defect.rule is None and defect.severity is None:
            continue
        if (
            rule is None
            or rule.severity != defect.severity
            or not rule.speaks_of(defect.defect_class, defect.zone)
        ):
            raise EvidenceError(
                f"inspection {inspection.id}: defect {defect.defect_class!r} in zone {defect.zone!r} is "
                f"called {defect.severity or 'not weighed'} by rule {defect.rule!r}; "
                "the catalogue does not say so"
            )


def _check_counts(spec: GoldenSpec, inspection: Inspection) -> None:
    catalogue = spec.catalogue
    listed = {rule.id: len(part) for rule, part in catalogue.counted(inspection.defects)}
    said = {met.rule: met.count for met in inspection.counts}
    severities = {rule.id: rule.severity for rule in catalogue.counts}
    if len(inspection.defects) >= MOST_DEFECTS:
        listed |= {rule: max(count, listed.get(rule, 0)) for rule, count in said.items()}
    in_order = [rule for rule in severities if rule in listed]
    if (
        said != listed
        or [met.rule for met in inspection.counts] != in_order
        or any(met.severity != severities[met.rule] for met in inspection.counts)
    ):
        raise EvidenceError(
            f"inspection {inspection.id}: by the catalogue its defects meet the counting rules {listed}, "
            f"each with the rule's severity and in the catalogue's order; it says {said}"
        )
