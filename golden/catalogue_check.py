"""What is wrong with a catalogue as a whole: lines that never decide, and lines that contradict each other.

Found when a specification is written, not when a sealed one is opened. A line's reach is a box in the space
of `MEASURES`; what it decides of a class in a zone is that box without those of the lines before it. With
half-open limits the rest is again a list of boxes, so every answer is exact. Boxes that no shape can have
are left out: a length is never more than the size, an area at most that of a disk of the size (isodiametric
inequality).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from golden.catalogue import DefectCatalogue
from golden.catalogue_lines import ANY, GRAVEST_FIRST, MEASURES, UNCLASSIFIED, DefectRule
from golden.catalogue_words import Limit, limits_said

_OTHER = "other"  # stands for each class that no line names
_Box = tuple[tuple[float, float], ...]  # [from, to) of each measure
_ALL: _Box = ((0.0, math.inf),) * len(MEASURES)
_SIZE, _LENGTH, _AREA = (MEASURES.index(m) for m in ("size_mm", "length_mm", "area_mm2"))


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the line of an index, and what to do."""

    line: int
    sentence: str


@dataclass(frozen=True, slots=True)
class _Decided:
    """What a line decides of one class in one zone: the boxes that are left to it."""

    line: int
    boxes: list[_Box]


def faults(catalogue: DefectCatalogue, zones: Sequence[str]) -> list[Fault]:
    """Return the lines that can decide nothing, and those by which something larger is milder.

    Args:
        catalogue: the catalogue.
        zones: ids of all zones of the golden sample.
    """
    lines = catalogue.rules
    tables = list(_tables(lines, zones))
    found = [Fault(i, _unreached(lines, i)) for i in _never(lines, tables)]
    said: set[tuple[int, int]] = set()
    for defect_class, zone, table in tables:
        for smaller, larger, where in _inverted(lines, table):
            if (smaller, larger) not in said:
                said.add((smaller, larger))
                found.append(
                    Fault(larger, _inversion(lines[smaller], lines[larger], defect_class, zone, where))
                )
    return sorted(found, key=lambda fault: fault.line)


def notes(catalogue: DefectCatalogue, zones: Sequence[str]) -> list[str]:
    """Return what is allowed but may not be meant, one sentence each.

    A milder line read before a graver one that names its class or its zone more closely; a line only for
    what is too small to be reported; a line that lets pass what nobody has named; sizes of a named class for
    which no line is written.
    """
    lines = catalogue.rules
    tables = list(_tables(lines, zones))
    return [
        *_shadows(lines, tables),
        *_too_small(catalogue),
        *_passing_unnamed(catalogue),
        *_gaps(catalogue, tables),
    ]


def _tables(lines: Sequence[DefectRule], zones: Sequence[str]) -> Iterator[tuple[str, str, list[_Decided]]]:
    """Yield, for each class in each zone, what the lines that speak of it decide, in order."""
    named = dict.fromkeys(line.defect_class for line in lines if line.defect_class != ANY)
    for defect_class in (*named, _OTHER):
        for zone in zones or (ANY,):
            table: list[_Decided] = []
            before: list[_Box] = []
            for i, line in enumerate(lines):
                if line.speaks_of(defect_class, zone):
                    box = _box(line)
                    table.append(_Decided(i, _without(box, before)))
                    before.append(box)
            yield defect_class, zone, table


def _never(lines: Sequence[DefectRule], tables: Iterable[tuple[str, str, list[_Decided]]]) -> list[int]:
    reached = {decided.line for _, _, table in tables for decided in table if decided.boxes}
    return [i for i in range(len(lines)) if i not in reached]


def _unreached(lines: Sequence[DefectRule], i: int) -> str:
    line = lines[i]
    if not _without(_box(line), []):
        limits = limits_said([(m, low, high) for m, (low, high) in line.limits().items()])
        return f"line {line.id!r} can match nothing: no shape has {limits}; correct its limits"
    before = [
        other.id for other in lines[:i]
        if _meet(_box(other), _box(line)) and _overlap(other.defect_class, line.defect_class)
        and (ANY in (other.zone, line.zone) or other.zone == line.zone)
    ]  # fmt: skip
    return (
        f"line {line.id!r} never decides: all that it could is decided before it, by {', '.join(before)}; "
        "move it up, narrow what is before it, or remove it"
    )


def _inverted(lines: Sequence[DefectRule], table: list[_Decided]) -> Iterator[tuple[int, int, Limit]]:
    """Yield pairs of lines of which the second is milder and takes over from the first as a measure grows."""
    for one in table:
        for other in table:
            if _grade(lines[other.line]) <= _grade(lines[one.line]):
                continue
            places = (_grown(a, b) for a in one.boxes for b in other.boxes)
            where = next((place for place in places if place is not None), None)
            if where is not None:
                yield one.line, other.line, where


def _grown(a: _Box, b: _Box) -> Limit | None:
    """Return from where on box b goes on as a measure grows beyond box a, or None."""
    for m, measure in enumerate(MEASURES):
        others = [k for k in range(len(MEASURES)) if k != m]
        if a[m][1] == b[m][0] and all(max(a[k][0], b[k][0]) < min(a[k][1], b[k][1]) for k in others):
            return measure, a[m][1], None
    return None


def _inversion(smaller: DefectRule, larger: DefectRule, defect_class: str, zone: str, where: Limit) -> str:
    which = "deviation of another class" if defect_class == _OTHER else repr(defect_class)
    return (
        f"line {larger.id!r} makes a {which} of {limits_said([where])} in zone {zone!r} {larger.severity}, "
        f"yet line {smaller.id!r} makes one of less {smaller.severity}: more must not be milder; correct one "
        "of them"
    )


def _shadows(lines: Sequence[DefectRule], tables: Iterable[tuple[str, str, list[_Decided]]]) -> Iterator[str]:
    """Yield a sentence for each milder line that is read before one that names its case more closely."""
    said: set[tuple[int, int]] = set()
    for defect_class, zone, table in tables:
        for n, early in enumerate(table):
            for late in table[n + 1 :]:
                first, then = lines[early.line], lines[late.line]
                closer = (first.defect_class == ANY != then.defect_class) or (first.zone == ANY != then.zone)
                box = _box(then)
                shared = [b for b in early.boxes if _meet(b, box)]
                if closer and shared and _grade(first) > _grade(then) and (early.line, late.line) not in said:
                    said.add((early.line, late.line))
                    yield (
                        f"a {defect_class!r} in zone {zone!r} can be {first.severity} by line {first.id!r}, "
                        f"read before {then.id!r}, which names it more closely and would make it "
                        f"{then.severity}; move {then.id!r} up if that is not meant"
                    )


def _too_small(catalogue: DefectCatalogue) -> Iterator[str]:
    for line in catalogue.rules:
        if line.to_mm is not None and line.to_mm <= catalogue.smallest_mm:
            yield (
                f"line {line.id!r} is for sizes below {line.to_mm:g} mm, and nothing below smallest_mm, "
                f"{catalogue.smallest_mm:g} mm, is reported"
            )


def _passing_unnamed(catalogue: DefectCatalogue) -> Iterator[str]:
    for line in catalogue.rules:
        if line.defect_class == UNCLASSIFIED and line.severity not in catalogue.rejects:
            yield (
                f"line {line.id!r} lets pass what nobody has named; it decides only where no classifier "
                "judges: what a classifier could not name is held"
            )


def _gaps(catalogue: DefectCatalogue, tables: Iterable[tuple[str, str, list[_Decided]]]) -> Iterator[str]:
    """Yield a sentence for each named class of which some, but not all, is weighed."""
    reported = (catalogue.smallest_mm, math.inf)
    everything: _Box = tuple(reported if i == _SIZE else span for i, span in enumerate(_ALL))
    said: dict[tuple[str, str], list[str]] = {}
    for defect_class, zone, table in tables:
        left = _without(everything, [_box(catalogue.rules[d.line]) for d in table])
        if defect_class not in (_OTHER, UNCLASSIFIED) and left:
            parts = " or ".join(dict.fromkeys(_said(box, catalogue.smallest_mm) for box in left))
            said.setdefault((defect_class, parts), []).append(zone)
    for (defect_class, parts), where in said.items():
        which = f" of {parts}" if parts else ""
        yield f"no line weighs a {defect_class!r}{which} in zone {', '.join(where)}: it holds the unit"


def _said(box: _Box, smallest_mm: float) -> str:
    limits: list[Limit] = []
    for measure, (low, high) in zip(MEASURES, box, strict=True):
        start, end = None if low in (0.0, smallest_mm) else low, None if math.isinf(high) else high
        if (start, end) != (None, None):
            limits.append((measure, start, end))
    return limits_said(limits)


def _box(line: DefectRule) -> _Box:
    spans = (line.interval(measure) for measure in MEASURES)
    return tuple((low, math.inf if high is None else high) for low, high in spans)


def _grade(line: DefectRule) -> int:
    return GRAVEST_FIRST.index(line.severity)


def _overlap(a: str, b: str) -> bool:
    return a == b or (ANY in (a, b) and UNCLASSIFIED not in (a, b))


def _meet(a: _Box, b: _Box) -> bool:
    return all(max(p[0], q[0]) < min(p[1], q[1]) for p, q in zip(a, b, strict=True))


def _without(box: _Box, others: Iterable[_Box]) -> list[_Box]:
    """Return what is left of a box without others, as boxes that some shape can have."""
    left = [box] if _possible(box) else []
    for other in others:
        left = [part for b in left for part in _minus(b, other) if _possible(part)]
    return left


def _minus(box: _Box, other: _Box) -> Iterator[_Box]:
    """Yield the disjoint boxes that make up a box without another."""
    if not _meet(box, other):
        yield box
        return
    for m, (low, high) in enumerate(box):
        start, end = max(low, other[m][0]), min(high, other[m][1])
        for span in ((low, start), (end, high)):
            if span[0] < span[1]:
                yield (*box[:m], span, *box[m + 1 :])
        box = (*box[:m], (start, end), *box[m + 1 :])


def _possible(box: _Box) -> bool:
    size = box[_SIZE][1]
    return box[_LENGTH][0] < size and box[_AREA][0] < math.pi / 4 * size * size
