"""Whether a record follows from its own numbers and from the golden sample: no verdict is taken on trust."""

from __future__ import annotations

import math
from collections.abc import Iterator

from evidence import MOST_DEFECTS, CharacteristicResult, CountResult, Defect, Inspection, misstated
from golden import conformity
from golden.catalogue import UNCLASSIFIED, CountingRule, DefectCatalogue
from golden.colour_difference import delta_e
from golden.spec import Code, Colour, Component, Dimension, Entered, GoldenSpec, Print, Surface, is_required
from quality.errors import EvidenceError

_Number = Dimension | Colour | Component | Print | Entered

_ROUNDING = 0.01  # Delta E and L*a*b*: what is written has four decimals


def check_results(spec: GoldenSpec, inspection: Inspection) -> None:
    """Refuse a record that this golden sample does not bear out.

    Of every record, each decision on a number is made again with the golden sample's limits and rule, and
    each defect must have the severity of the rule that it names. Without a model nothing can have been named
    or dismissed. The counting rules that it says are met must be those that its defects meet. An ACCEPT is
    moreover complete: all that each unit has to prove is there, valid and conform, no defect and no counting
    rule stands against it, and the unit was found in a frame of every view.

    A defect that states the zones into which it reaches is weighed again, with the numbers on record: zone,
    line and limits must come out the same, and what a classifier could not name is let pass by no line. A
    record of an older release does not state them; there the line is compared by class and zone alone. A
    record that lists as many defects as it can may have counted others too: there the counts may be higher.

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
        if isinstance(c, Code):
            _check_code(c, result, inspection)
        elif not isinstance(c, Surface) and c.unit is not None:
            _check_number(c, result, inspection)


def _check_code(c: Code, result: CharacteristicResult, record: Inspection) -> None:
    """Refuse a code whose decision is not that of what it says."""
    right = "undecided"
    if result.code is not None:
        right = "conform" if c.conforms(result.code.content) else "nonconform"
    if result.decision != right:
        what = "no code was read" if result.code is None else f"it says {result.code.content!r}"
        raise EvidenceError(
            f"inspection {record.id}, characteristic {c.id}: {what}, which is {right}, yet the record calls "
            f"it {result.decision}"
        )


def _check_number(c: _Number, result: CharacteristicResult, record: Inspection) -> None:
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
    c: _Number, lower: float | None, result: CharacteristicResult, where: str
) -> tuple[conformity.Decision, ...]:
    """Return the decisions that a valid result's number bears out."""
    looks = isinstance(c, Component | Print) and (result.reason or "").startswith(f"{c.kind}_")
    if looks and result.reason != f"{c.kind}_shifted":
        return ("nonconform",)  # by what it looks like, wherever it lies
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
    named = any(
        d.defect_class != UNCLASSIFIED or d.confidence is not None or d.named_by not in (None, "comparison")
        for d in inspection.defects
    )
    if inspection.model is None and (inspection.dismissed or named):
        raise EvidenceError(
            f"inspection {inspection.id}: it says that defects were named or dismissed, but by no model"
        )


def _check_weighings(spec: GoldenSpec, inspection: Inspection) -> None:
    for defect in inspection.defects:
        if not _is_weighed_so(spec.catalogue, defect):
            raise EvidenceError(
                f"inspection {inspection.id}: defect {defect.defect_class!r} in zone {defect.zone!r} is "
                f"called {defect.severity or 'not weighed'} by rule {defect.rule!r}; "
                "the catalogue does not say so"
            )


def _is_weighed_so(catalogue: DefectCatalogue, defect: Defect) -> bool:
    """Return whether the catalogue gives a defect the zone, line, limits and severity that it has."""
    line = catalogue.line(defect.rule)
    severity = None if line is None else line.severity
    if (line is None) != (defect.rule is None) or severity != defect.severity:
        return False
    if defect.zones is None:
        return line is None or line.speaks_of(defect.defect_class, defect.zone)
    asked = defect.named_by != "comparison"
    again = catalogue.weigh_in(defect.defect_class, defect.zones, defect.measures, asked=asked)
    limits = {} if line is None else line.limits()
    said = {limit.measure: (limit.from_ or 0.0, limit.to) for limit in defect.limits or ()}
    return again == (defect.zone, line) and said == limits


def _check_counts(spec: GoldenSpec, inspection: Inspection) -> None:
    catalogue = spec.catalogue
    listed = {rule.id: len(part) for rule, part in catalogue.counted(inspection.defects)}
    said = {met.rule: met.count for met in inspection.counts}
    rules = {rule.id: rule for rule in catalogue.counts}
    if len(inspection.defects) >= MOST_DEFECTS:
        listed |= {rule: max(count, listed.get(rule, 0)) for rule, count in said.items()}
    in_order = [rule for rule in rules if rule in listed]
    if (
        said != listed
        or [met.rule for met in inspection.counts] != in_order
        or any(not _is_of_rule(met, rules[met.rule]) for met in inspection.counts)
    ):
        raise EvidenceError(
            f"inspection {inspection.id}: by the catalogue its defects meet the counting rules {listed}, "
            f"each with the rule's severity and in the catalogue's order; it says {said}"
        )


def _is_of_rule(met: CountResult, rule: CountingRule) -> bool:
    """Return whether severity and, where the record states them, number and nearness are the rule's."""
    near = (met.at_least, met.within_mm, met.within_area_mm2, met.closer_than_mm)
    stated = near != (None, None, None, None)
    of_rule = (rule.at_least, rule.within_mm, rule.within_area_mm2, rule.closer_than_mm)
    return met.severity == rule.severity and (not stated or near == of_rule)
