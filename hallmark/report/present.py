"""Components, prints and codes of a unit, as pictures and in words: what was agreed and what was found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from evidence import CharacteristicResult, Inspection, PresenceResult
from golden.regions import Disk, Polygon, Rectangle
from golden.sample import GoldenSample
from golden.spec import Code, Component, GoldenSpec, Print, View
from hallmark.report.drawing import pair
from hallmark.report.marks import Mark, Shape, characteristic_marks, outline, to_picture
from hallmark.report.pictures import Box, Picture, cutouts, golden_picture
from hallmark.report.rows import inspection_rows
from hallmark.report.signs import COLOURS, DECISIONS, State
from hallmark.svg import document, text

_ORDER: tuple[State, ...] = ("nonconform", "undecided", "conform")
_MOST_PLACES = 3  # of a print that are named in words; all are drawn
_PAIR, _MARGIN, _LINE = (740, 396), 30, 26  # the size of a pair of cutouts; pixels


@dataclass(frozen=True, slots=True)
class Judged:
    """A component, print or code with its result, and what decided it, each part a short text."""

    characteristic: Component | Print | Code
    result: CharacteristicResult
    because: tuple[str, ...]


def judged(spec: GoldenSpec, inspection: Inspection, view: str) -> list[Judged]:
    """Return the components, prints and codes of a view: what does not conform first, then by number."""
    results = {r.id: r for r in inspection.characteristics}
    said = {row.number: (row.reason, row.result) for row in inspection_rows(spec, inspection)}
    found = [
        Judged(c, results[c.id], tuple(_because(spec, c, results[c.id], *said[c.number])))
        for c in spec.characteristics
        if isinstance(c, Component | Print | Code) and c.view == view and c.id in results
    ]
    return sorted(found, key=lambda j: (_ORDER.index(j.result.decision), j.characteristic.number))


def presence_marks(spec: GoldenSpec, view: View, picture: Picture, found: Sequence[Judged]) -> list[Mark]:
    """Return a mark for each: its agreed place, and where it lies or differs unless it conforms."""
    states: dict[str, State] = {j.characteristic.id: j.result.decision for j in found}
    said = {j.characteristic.id: _label(j) for j in found}
    marks = characteristic_marks(spec, view.id, picture.pose, states, said)
    by_number = {mark.label: mark for mark in marks}
    drawn: list[Mark] = []
    for j in found:
        mark = by_number[str(j.characteristic.number)]
        more = tuple(to_picture(s, picture.pose) for s in _found_shapes(j, view.mm_per_px))
        drawn.append(replace(mark, shapes=mark.shapes + more))
    return drawn


def close_up(sample: GoldenSample, view: View, picture: Picture, j: Judged) -> str:
    """Return, as SVG, the golden view beside the unit at a place, under what is said of it."""
    reference = golden_picture(sample, view)
    x, y, w, h = _bounds(j.characteristic.region)
    ((cx, cy),) = to_picture(Shape("line", ((x + w / 2, y + h / 2),)), picture.pose).points
    box_mm = (x * view.mm_per_px, y * view.mm_per_px, w * view.mm_per_px, h * view.mm_per_px)
    known = reference if isinstance(reference, Picture) else None
    golden, unit, px_per_mm = cutouts(known, picture, view.mm_per_px, box_mm, (cx, cy))
    colour = COLOURS[j.result.decision]
    drawn = pair(golden, unit, colour, px_per_mm)
    top = 2 * _MARGIN + _LINE * (len(j.because) + 1)
    width, height = _PAIR
    place = f'<svg x="{_MARGIN}" y="{top}" width="{width}" height="{height}" '
    title = f"{j.characteristic.number}  {j.characteristic.name}: {DECISIONS[j.result.decision]}"
    lines = [text(_MARGIN, _MARGIN + 10, title, size=24, weight=600, colour=colour)]
    lines += [text(_MARGIN, _MARGIN + 10 + _LINE * i, s, size=19) for i, s in enumerate(j.because, start=1)]
    parts = [*lines, drawn.replace("<svg ", place, 1)]
    return document(width + 2 * _MARGIN, top + height + _MARGIN, parts)


def _because(
    spec: GoldenSpec, c: Component | Print | Code, result: CharacteristicResult, reason: str, value: str
) -> Iterator[str]:
    yield reason or DECISIONS[result.decision]
    if isinstance(c, Code):
        if result.code is not None:
            yield f"reads {result.code.content!r}"
        if c.content is not None or c.pattern is not None:
            yield f"agreed: {c.content!r}" if c.content is not None else f"agreed: the pattern {c.pattern!r}"
        return
    seen = result.presence
    if value:
        rule = result.rule
        band = f" with U = {rule.coverage_factor:g} u" if result.standard_uncertainty is not None else ""
        yield f"{value} from its place, at most {c.upper:g} mm ({rule.rule} acceptance{band})"
    if seen is None:
        return
    if isinstance(c, Component) and seen.angle_deg is not None:
        yield f"turned by {seen.angle_deg:+.1f} degrees, at most {c.upper_angle_deg:g}"
    if seen.resembles is not None:
        others = {o.id: o.name for o in spec.characteristics}
        yield f"looks like {others.get(seen.resembles, seen.resembles)}"
    if seen.differs_mm:
        places = [f"{x + w / 2:.1f}, {y + h / 2:.1f}" for x, y, w, h in seen.differs_mm]
        rest = f", in {len(places)} places in all" if len(places) > _MOST_PLACES else ""
        yield f"differs at {' and '.join(places[:_MOST_PLACES])} mm{rest}"
    if result.reason == "print_discoloured" and seen.ink_differs is not None:
        yield f"its ink's contrast departs by {seen.ink_differs:.0%} of the golden sample's"
    yield f"correlation with the golden sample {seen.score:.2f}"


def _label(j: Judged) -> str:
    reason = j.result.reason
    return f"{j.characteristic.name}: {reason.replace('_', ' ') if reason else DECISIONS[j.result.decision]}"


def _found_shapes(j: Judged, mm_per_px: float) -> Iterator[Shape]:
    """Yield, in golden pixels, where something that does not conform lies, and where a print differs."""
    seen = j.result.presence
    if seen is None or j.result.decision == "conform":
        return
    if seen.dx_mm is not None and seen.dy_mm is not None:
        yield _moved(j.characteristic.region, seen, (seen.dx_mm / mm_per_px, seen.dy_mm / mm_per_px))
    for x, y, w, h in seen.differs_mm or ():
        corners = ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
        yield Shape("polygon", tuple((a / mm_per_px, b / mm_per_px) for a, b in corners))


def _moved(region: Rectangle | Disk | Polygon, seen: PresenceResult, offset: tuple[float, float]) -> Shape:
    """Return a region's outline turned about its middle, from x towards y, and shifted."""
    shape = outline(region)
    x, y, w, h = _bounds(region)
    cx, cy = x + w / 2, y + h / 2
    c, s = math.cos(math.radians(seen.angle_deg or 0.0)), math.sin(math.radians(seen.angle_deg or 0.0))
    points = tuple(
        (cx + offset[0] + c * (a - cx) - s * (b - cy), cy + offset[1] + s * (a - cx) + c * (b - cy))
        for a, b in shape.points
    )
    return replace(shape, points=points)


def _bounds(region: Rectangle | Disk | Polygon) -> Box:
    """Return x, y, width, height of a region in golden pixels."""
    shape = outline(region)
    xs, ys = ([p[i] for p in shape.points] for i in (0, 1))
    x, y = min(xs) - shape.radius, min(ys) - shape.radius
    return x, y, max(xs) + shape.radius - x, max(ys) + shape.radius - y
