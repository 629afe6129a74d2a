"""The written defect catalogue: what each deviation of the surface is, alone and together with others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from golden.catalogue_lines import (
    ANY,
    GRAVEST_FIRST,
    MEASURES,
    UNCLASSIFIED,
    CharacteristicClass,
    DefectRule,
    DefectSeverity,
    Measure,
    Measures,
)
from golden.counting import CountingRule, W, Weighed
from golden.regions import Closed

__all__ = [
    "ANY", "GRAVEST_FIRST", "MEASURES", "UNCLASSIFIED", "CharacteristicClass", "CountingRule",
    "DefectCatalogue", "DefectRule", "DefectSeverity", "Measure", "Measures", "Weighed",
]  # fmt: skip

_HELD = 3  # the rank of what no line weighs: after each severity that rejects, before each that passes


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

    def line(self, line_id: str | None) -> DefectRule | None:
        """Return the line of that id, or None."""
        return next((line for line in self.rules if line.id == line_id), None)

    def weigh(
        self, defect_class: str, zone: str, measures: Measures, *, asked: bool = False
    ) -> DefectRule | None:
        """Return the first line that matches, or None: nothing defaults to allowed.

        Two things are held whatever is written further down: a deviation of which a line asks what is not
        known, and one that a classifier was `asked` for and did not name (it stays "unclassified"): lines
        may reject such a one, but none lets it pass.
        """
        for line in self.rules:
            if not line.speaks_of(defect_class, zone):
                continue
            holds = line.holds_for(measures)
            if holds is None:
                return None
            if holds:
                passes = line.severity not in self.rejects
                return None if asked and passes and defect_class == UNCLASSIFIED else line
        return None

    def weigh_in(
        self, defect_class: str, zones: Sequence[str], measures: Measures, *, asked: bool = False
    ) -> tuple[str, DefectRule | None]:
        """Return the zone and line that decide a deviation: the gravest of all zones that it reaches into.

        A rejecting severity is graver than no line at all, which holds, and that than a severity that passes.
        """
        found = [(zone, self.weigh(defect_class, zone, measures, asked=asked)) for zone in zones]
        return min(found, key=lambda pair: self.rank(None if pair[1] is None else pair[1].severity))

    def rank(self, severity: DefectSeverity | None) -> int:
        """Return the rank of a severity, or of none, gravest lowest."""
        if severity is None:
            return _HELD
        rank = GRAVEST_FIRST.index(severity)
        return rank if severity in self.rejects else _HELD + 1 + rank

    def counted(self, found: Sequence[W]) -> list[tuple[CountingRule, list[W]]]:
        """Return the counting rules that a unit's deviations meet, in order, each with those taking part."""
        met = ((rule, rule.taking_part(found)) for rule in self.counts)
        return [(rule, part) for rule, part in met if part]
