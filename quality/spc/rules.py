"""Run rules: patterns of plotted points that an in-control process seldom makes.

Nelson 1984 (doi:10.1080/00224065.1984.11978921); Western Electric 1956, Statistical Quality Control Handbook;
AIAG SPC, 2nd ed. 2005. Points are taken as z = (value - centre) / standard error. The signal is at the last
point of a pattern. A point on the centre line breaks a run; a point on a zone's limit is not beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from quality.errors import ChartError
from quality.spc.samples import Flags, Vector

RuleFamily = Literal["nelson", "western_electric", "aiag"]
Pattern = Literal["beyond", "trend", "alternating", "within", "outside"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    `beyond`: `hits` of the last `window` points, the last one among them, lie beyond `zone` on one side.
    `trend`, `alternating`: `hits` points in a row rise, fall, or go up and down in turn. `within`, `outside`:
    `hits` points in a row lie within or beyond `zone` on either side. `zone` is in standard errors.
    """

    name: str
    pattern: Pattern
    hits: int
    window: int
    zone: float = 0.0


def _numbered(family: str, same_side: int) -> tuple[Rule, ...]:
    return (
        Rule(f"{family}1", "beyond", 1, 1, 3.0),
        Rule(f"{family}2", "beyond", same_side, same_side),
        Rule(f"{family}3", "trend", 6, 6),
        Rule(f"{family}4", "alternating", 14, 14),
        Rule(f"{family}5", "beyond", 2, 3, 2.0),
        Rule(f"{family}6", "beyond", 4, 5, 1.0),
        Rule(f"{family}7", "within", 15, 15, 1.0),
        Rule(f"{family}8", "outside", 8, 8, 1.0),
    )


_RULES: dict[RuleFamily, tuple[Rule, ...]] = {
    "nelson": _numbered("nelson", 9),
    "western_electric": (
        Rule("we1", "beyond", 1, 1, 3.0),
        Rule("we2", "beyond", 2, 3, 2.0),
        Rule("we3", "beyond", 4, 5, 1.0),
        Rule("we4", "beyond", 8, 8),
    ),
    "aiag": _numbered("aiag", 7),
}


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules of one family by their numbers; `false_alarm_arl` tells how often they alarm for nothing."""

    family: RuleFamily
    numbers: tuple[int, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules."""
        return tuple(_RULES[self.family][number - 1] for number in self.numbers)

    @property
    def name(self) -> str:
        """Family and numbers, as in "nelson 1 2 5"; `rule_set_named` reads it."""
        return " ".join((self.family, *map(str, self.numbers)))


def rule_set(family: RuleFamily, *numbers: int) -> RuleSet:
    """Return the numbered rules of a family, or all of them where no number is given.

    Raises:
        ChartError: a family or a number that is not held.
    """
    if family not in _RULES:
        raise ChartError(f"rules {family!r}: not held; held are {', '.join(_RULES)}")
    held = range(1, len(_RULES[family]) + 1)
    if not set(numbers) <= set(held):
        raise ChartError(f"rules {family} {numbers}: the family has rules 1 to {held[-1]}")
    return RuleSet(family, tuple(sorted(set(numbers or held))))


def rule_set_named(name: str) -> RuleSet:
    """Return the rule set of a name such as "nelson 1 2 5"; raise ChartError where there is none."""
    family, *numbers = name.split() or [""]
    if not all(number.isdecimal() for number in numbers):
        raise ChartError(f"rule set {name!r}: give a family and numbers, as in 'nelson 1 2 5'")
    return rule_set(family, *map(int, numbers))  # pyright: ignore[reportArgumentType] (refused there)


SHEWHART = rule_set("nelson", 1)
NELSON = rule_set("nelson")
WESTERN_ELECTRIC = rule_set("western_electric")
AIAG = rule_set("aiag")


@dataclass(frozen=True, slots=True)
class Signal:
    """A rule was met: on which plotted statistic, at which point, and by which points (indices from 0)."""

    statistic: str
    rule: str
    point: int
    points: tuple[int, ...]

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "statistic": self.statistic,
            "rule": self.rule,
            "point": self.point,
            "points": list(self.points),
        }


def evaluate(rules: Sequence[Rule], z: Vector, statistic: str = "z") -> tuple[Signal, ...]:
    """Return the signals of standardised points, by point and then in the rules' order."""
    found = [
        Signal(statistic, rule.name, points[-1], points) for rule in rules for points in _patterns(rule, z)
    ]
    return tuple(sorted(found, key=lambda signal: signal.point))


def _patterns(rule: Rule, z: Vector) -> list[tuple[int, ...]]:
    if rule.pattern == "beyond":
        return _beyond(z > rule.zone, rule) + _beyond(z < -rule.zone, rule)
    if rule.pattern == "within":
        return _runs(np.abs(z) <= rule.zone, rule.hits, 0)
    if rule.pattern == "outside":
        return _runs(np.abs(z) > rule.zone, rule.hits, 0)
    steps = np.sign(np.diff(z))
    if rule.pattern == "trend":
        return _runs(steps > 0, rule.hits - 1, 1) + _runs(steps < 0, rule.hits - 1, 1)
    return _runs(steps[1:] * steps[:-1] < 0, rule.hits - 2, 2)


def _beyond(flags: Flags, rule: Rule) -> list[tuple[int, ...]]:
    places = [int(i) for i in np.flatnonzero(flags)]
    ends = range(rule.hits - 1, len(places))
    groups = (tuple(places[end - rule.hits + 1 : end + 1]) for end in ends)
    return [group for group in groups if group[-1] - group[0] < rule.window]


def _runs(flags: Flags, length: int, before: int) -> list[tuple[int, ...]]:
    """Return the points of every run of `length` flags; flag i is about points i to i + `before`."""
    found: list[tuple[int, ...]] = []
    run = 0
    for end, flag in enumerate(flags):
        run = run + 1 if flag else 0
        if run >= length:
            found.append(tuple(range(end - length + 1, end + before + 1)))
    return found
