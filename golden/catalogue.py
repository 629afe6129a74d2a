"""The written defect catalogue: what each deviation of the surface is, alone and together with others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal, Protocol, Self, TypeVar

from pydantic import Field, model_validator

from golden.regions import Closed, Identifier

DefectSeverity = Literal["critical", "major", "minor", "allowed"]
CharacteristicClass = Literal["critical", "major", "minor"]

ANY = "any"
UNCLASSIFIED = "unclassified"
_GRAVEST_FIRST: tuple[DefectSeverity, ...] = ("critical", "major", "minor", "allowed")
_DECIMALS = 4  # of a millimetre, as records write boxes


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


class DefectRule(Closed):
    """One line of the written catalogue: class x zone x size (longest extent, mm) -> severity.

    Rules are read in order and the first that matches decides. `defect_class` "any" matches every named
    class, "unclassified" a deviation that no classifier has named; "unclassified" deviations match nothing
    else. `size_mm` is `[from, to)`: from is inclusive, to is exclusive, null is open.
    """

    id: Identifier
    defect_class: Identifier
    zone: Identifier | Literal["any"] = "any"
    from_mm: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    to_mm: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    severity: DefectSeverity
    description: Annotated[str, Field(max_length=1000)] = ""

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.to_mm is not None and self.to_mm <= self.from_mm:
            raise ValueError(f"to_mm {self.to_mm:g} must be above from_mm {self.from_mm:g}: correct them")
        return self

    def speaks_of(self, defect_class: str, zone: str) -> bool:
        """Return whether the line is about this class in this zone, whatever the size."""
        return _names(self.defect_class, defect_class) and self.zone in (ANY, zone)


class CountingRule(Closed):
    """Deviations that are bearable alone but not together: `at_least` so many are one finding of `severity`.

    Counted are the deviations of a unit whose class is among `classes` (as in a line, "any" is every named
    class), whose line made them one of `weighed`, and whose zone, the one in which they were weighed, is
    `zone`. A deviation that no line weighs is not counted: it holds the unit by itself. Without `within_mm`
    all that are counted take part, over all views. With it, those take part that lie within `within_mm` of
    one of them that has at least `at_least` so near, itself included: centre to centre of their boxes, in
    one view, the distance rounded to 0.0001 mm, the limit inclusive.

    Every counting rule that is met applies, in whatever order the deviations came. A deviation that takes
    part keeps its own severity and line, and no rule counts what another has made.
    """

    id: Identifier
    classes: Annotated[tuple[Identifier, ...], Field(min_length=1)] = (ANY,)
    weighed: Annotated[tuple[DefectSeverity, ...], Field(min_length=1)] = _GRAVEST_FIRST
    zone: Identifier | Literal["any"] = "any"
    at_least: Annotated[int, Field(ge=2, le=1000)]
    within_mm: Annotated[float, Field(gt=0, le=1000)] | None = None
    severity: CharacteristicClass
    description: Annotated[str, Field(max_length=1000)] = ""

    @model_validator(mode="after")
    def _graver(self) -> Self:
        if all(_GRAVEST_FIRST.index(self.severity) >= _GRAVEST_FIRST.index(w) for w in self.weighed):
            raise ValueError(
                f"severity {self.severity} is not graver than what is counted, {' or '.join(self.weighed)}: "
                "correct one of them"
            )
        return self

    def counts(self, found: Weighed) -> bool:
        """Return whether a deviation is one of those that the rule counts."""
        of_class = any(_names(c, found.defect_class) for c in self.classes)
        return of_class and self.zone in (ANY, found.zone) and found.severity in self.weighed

    def taking_part(self, found: Sequence[W]) -> list[W]:
        """Return the deviations that meet the rule, in the order given; none where it is not met."""
        counted = [f for f in found if self.counts(f)]
        if self.within_mm is None:
            return counted if len(counted) >= self.at_least else []
        near = (_near(f, counted, self.within_mm) for f in counted)
        part = {i for places in near if len(places) >= self.at_least for i in places}
        return [counted[i] for i in sorted(part)]

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


class DefectCatalogue(Closed):
    """The written defect catalogue: lines that weigh each deviation, and rules that count them.

    `rejects` are the severities that reject a unit, of one deviation or of a counting rule that is met.
    `smallest_mm` is the smallest deviation that the parties want reported at all.
    """

    rules: Annotated[tuple[DefectRule, ...], Field(min_length=1)]
    counts: Annotated[tuple[CountingRule, ...], Field(max_length=100)] = ()
    rejects: tuple[CharacteristicClass, ...] = ("critical", "major", "minor")
    smallest_mm: Annotated[float, Field(gt=0, le=1000)]

    @model_validator(mode="after")
    def _critical_rejects(self) -> Self:
        if "critical" not in self.rejects:
            raise ValueError("rejects must hold critical: a critical defect is never accepted")
        return self

    @model_validator(mode="after")
    def _countable(self) -> Self:
        for i, rule in enumerate(self.counts):
            for defect_class in rule.classes:
                if not any(rule.could_count(line, defect_class) for line in self.rules):
                    raise ValueError(
                        f"counts[{i}].classes: no line weighs {defect_class!r} so that rule {rule.id!r} "
                        "could count it: correct the class, its zone or severities, or add a line to rules"
                    )
        return self

    def named_classes(self) -> set[str]:
        """Return the classes that its lines and counting rules name, "any" and "unclassified" left out."""
        named = {c for rule in self.counts for c in rule.classes} | {rule.defect_class for rule in self.rules}
        return named - {ANY, UNCLASSIFIED}

    def weigh(self, defect_class: str, zone: str, size_mm: float) -> DefectRule | None:
        """Return the first rule that matches, or None: nothing defaults to allowed."""
        for rule in self.rules:
            size_matches = rule.from_mm <= size_mm and (rule.to_mm is None or size_mm < rule.to_mm)
            if size_matches and rule.speaks_of(defect_class, zone):
                return rule
        return None

    def counted(self, found: Sequence[W]) -> list[tuple[CountingRule, list[W]]]:
        """Return the counting rules that a unit's deviations meet, in order, each with those taking part."""
        met = ((rule, rule.taking_part(found)) for rule in self.counts)
        return [(rule, part) for rule, part in met if part]


def _names(written: str, defect_class: str) -> bool:
    return written == defect_class or (written == ANY and defect_class != UNCLASSIFIED)


def _near(found: Weighed, others: Sequence[Weighed], within_mm: float) -> list[int]:
    """Return the places of those in the same view and so near, centre to centre; its own among them."""
    centre = _centre(found)
    return [
        i
        for i, other in enumerate(others)
        if other.view == found.view and round(math.dist(centre, _centre(other)), _DECIMALS) <= within_mm
    ]


def _centre(found: Weighed) -> tuple[float, float]:
    x, y, width, height = found.box_mm
    return x + width / 2, y + height / 2
