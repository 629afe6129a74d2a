"""Counting rules of the catalogue: what deviations are together, by number, density and distance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal, Protocol, Self, TypeVar

from pydantic import Field, model_validator

from golden.catalogue_lines import (
    ANY,
    GRAVEST_FIRST,
    UNCLASSIFIED,
    CharacteristicClass,
    DefectRule,
    DefectSeverity,
    names,
)
from golden.regions import Closed, Identifier, Stated

_DECIMALS = 4  # of a millimetre, as records write boxes

_Millimetre = Annotated[float, Field(gt=0, le=1000)]


class Weighed(Protocol):
    """A deviation that a line has weighed or not (`severity` null), as far as counting looks at it.

    `box_mm` is x, y, width, height in its view.
    """

    @property
    def view(self) -> str: ...  # noqa: D102
    @property
    def defect_class(self) -> str: ...  # noqa: D102
    @property
    def zone(self) -> str: ...  # noqa: D102
    @property
    def severity(self) -> DefectSeverity | None: ...  # noqa: D102
    @property
    def box_mm(self) -> tuple[float, float, float, float]: ...  # noqa: D102


W = TypeVar("W", bound=Weighed)


class CountingRule(Closed):
    """Deviations that are bearable alone but not together: `at_least` so many are one finding of `severity`.

    Counted are the deviations of a unit whose class is among `classes` (as in a line, "any" is every named
    class), whose line made them one of `weighed`, and whose zone, the one in which they were weighed, is
    `zone`. A deviation that no line weighs is not counted: it holds the unit by itself. All that are counted
    take part, over all views, unless the rule says how near they must lie, in one view, in one of three ways:

    * `within_mm`: those take part that lie within that distance of one of them that has at least `at_least`
      so near, itself included: centre to centre of their boxes, rounded to 0.0001 mm, the limit inclusive.
    * `within_area_mm2`: a density. Those take part whose centres lie in any circle of that area that holds
      at least `at_least`, its rim included.
    * `closer_than_mm`: a least spacing. Those take part that have less than that free between their boxes
      and that of one that has at least `at_least` so close, itself included; the spacing itself is allowed.

    Every counting rule that is met applies, in whatever order the deviations came. A deviation that takes
    part keeps its own severity and line, and no rule counts what another has made.
    """

    id: Identifier
    classes: Annotated[tuple[Identifier, ...], Field(min_length=1)] = (ANY,)
    weighed: Annotated[tuple[DefectSeverity, ...], Field(min_length=1)] = GRAVEST_FIRST
    zone: Identifier | Literal["any"] = "any"
    at_least: Annotated[int, Field(ge=2, le=1000)]
    within_mm: _Millimetre | None = None
    within_area_mm2: Stated[Annotated[float, Field(gt=0, le=1_000_000)]] = None
    closer_than_mm: Stated[_Millimetre] = None
    severity: CharacteristicClass
    description: Annotated[str, Field(max_length=1000)] = ""

    @model_validator(mode="after")
    def _graver(self) -> Self:
        if all(GRAVEST_FIRST.index(self.severity) >= GRAVEST_FIRST.index(w) for w in self.weighed):
            raise ValueError(
                f"severity {self.severity} is not graver than what is counted, {' or '.join(self.weighed)}: "
                "correct one of them"
            )
        return self

    @model_validator(mode="after")
    def _near_in_one_way(self) -> Self:
        ways = [w for w in ("within_mm", "within_area_mm2", "closer_than_mm") if getattr(self, w) is not None]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)}: a rule says in one way what is near; make two rules")
        return self

    def counts(self, found: Weighed) -> bool:
        """Return whether a deviation is one of those that the rule counts."""
        of_class = any(names(c, found.defect_class) for c in self.classes)
        return of_class and self.zone in (ANY, found.zone) and found.severity in self.weighed

    def taking_part(self, found: Sequence[W]) -> list[W]:
        """Return the deviations that meet the rule, in the order given; none where it is not met."""
        counted = [f for f in found if self.counts(f)]
        if len(counted) < self.at_least:
            return []
        if self.within_area_mm2 is not None:
            part = _in_circles(counted, math.sqrt(self.within_area_mm2 / math.pi), self.at_least)
        elif self.within_mm is not None or self.closer_than_mm is not None:
            near = ([i for i, other in enumerate(counted) if self._are_near(f, other)] for f in counted)
            part = {i for places in near if len(places) >= self.at_least for i in places}
        else:
            return counted
        return [counted[i] for i in sorted(part)]

    def _are_near(self, one: Weighed, other: Weighed) -> bool:
        if one.view != other.view:
            return False
        if self.closer_than_mm is not None:
            return round(_gap(one.box_mm, other.box_mm), _DECIMALS) < self.closer_than_mm
        assert self.within_mm is not None
        return round(math.dist(_centre(one), _centre(other)), _DECIMALS) <= self.within_mm

    def could_count(self, line: DefectRule, defect_class: str) -> bool:
        """Return whether the line can weigh a deviation of one of `classes` so that it is counted."""
        of_class = defect_class == line.defect_class or (
            UNCLASSIFIED not in (defect_class, line.defect_class) and ANY in (defect_class, line.defect_class)
        )
        return (
            of_class
            and line.severity in self.weighed
            and (ANY in (self.zone, line.zone) or self.zone == line.zone)
        )


def _in_circles(found: Sequence[Weighed], radius: float, at_least: int) -> set[int]:
    """Return the places of those that lie in any circle of a radius with at least so many centres.

    A circle that holds some centres can be moved, without losing any, until two of them lie on its rim (or
    until it is about the one place where all lie), so only circles with a centre on the rim are looked at:
    once around each, see `_round`.
    """
    radius += 0.5 * 10**-_DECIMALS  # centres are known to that; the rim is inclusive
    part: set[int] = set()
    for i, one in enumerate(found):
        near = [
            j for j, other in enumerate(found)
            if other.view == one.view and math.dist(_centre(one), _centre(other)) <= 2 * radius
        ]  # fmt: skip
        if len(near) >= at_least and not part.issuperset(near):
            places = {j: _centre(found[j]) for j in near}
            for inside in _round(places, i, radius):
                if len(inside) >= at_least:
                    part |= inside
    return part


def _round(places: dict[int, tuple[float, float]], i: int, radius: float) -> list[set[int]]:
    """Return the fullest sets of places in circles of a radius whose rim goes through place `i`.

    The circle's middle goes once round place i. Another place lies in the circle while the middle is within
    acos(d / 2r) of its direction; each time one enters, those inside are a set.
    """
    x, y = places[i]
    inside = {j for j, place in places.items() if place == (x, y)}
    events: list[tuple[float, int, int]] = []
    for j in places.keys() - inside:
        dx, dy = places[j][0] - x, places[j][1] - y
        reach = math.acos(min(math.hypot(dx, dy) / (2 * radius), 1.0))
        start = (math.atan2(dy, dx) - reach) % math.tau
        events += [(start, 0, j), ((start + 2 * reach) % math.tau, 1, j)]
        if start + 2 * reach >= math.tau:
            inside.add(j)
    fullest = [set(inside)]
    for _, leaves, j in sorted(events):
        if leaves:
            inside.discard(j)
        else:
            inside.add(j)
            fullest.append(set(inside))
    return fullest


def _gap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Return the free distance between two boxes, 0 where they touch or overlap."""
    across = max(a[0] - b[0] - b[2], b[0] - a[0] - a[2], 0.0)
    down = max(a[1] - b[1] - b[3], b[1] - a[1] - a[3], 0.0)
    return math.hypot(across, down)


def _centre(found: Weighed) -> tuple[float, float]:
    x, y, width, height = found.box_mm
    return x + width / 2, y + height / 2
