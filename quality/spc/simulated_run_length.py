"""Simulates in-control run lengths of rule sets with a trend or alternation rule, which no small chain holds.

`python -m quality.spc.simulated_run_length > quality/spc/simulated_arl.json` makes the data of
`false_alarm_arl` (a few minutes). One simulation serves all: a set's run length is the least of its rules'.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from quality.spc.rules import AIAG, NELSON, Rule, RuleSet
from quality.spc.samples import Flags, Vector

RUNS, SEED, _BATCH = 1_000_000, 20_261_123, 50_000
_ORDERED = (3, 4)  # the rules about order, which decide how long is simulated
_NEVER = np.iinfo(np.int32).max
_Counts = NDArray[np.int32]


class _Pattern:
    """One rule's memory of many processes at once."""

    def __init__(self, rule: Rule, runs: int) -> None:
        self.rule = rule
        self.recent = np.zeros((2, runs), np.int32)

    def keep(self, still: Flags) -> None:
        self.recent = self.recent[:, still]

    def signals(self, z: Vector, step: Vector, turned: Flags) -> Flags:
        rule = self.rule
        flags = {
            "beyond": lambda: (z > rule.zone, z < -rule.zone),
            "within": lambda: (np.abs(z) <= rule.zone,),
            "outside": lambda: (np.abs(z) > rule.zone,),
            "trend": lambda: (step > 0, step < 0),
            "alternating": lambda: (turned,),
        }[rule.pattern]()
        # Steps are between two points, turns between three.
        needed = rule.hits - {"trend": 1, "alternating": 2}.get(rule.pattern, 0)
        met = np.zeros(z.size, np.bool_)
        for side, flag in enumerate(flags):
            if rule.hits == rule.window:
                self.recent[side] = (self.recent[side] + 1) * flag
                met |= self.recent[side] >= needed
            else:
                self.recent[side] = (2 * self.recent[side] + flag) & ((1 << rule.window) - 1)
                met |= flag & (np.bitwise_count(self.recent[side]) >= needed)
        return met


def first_signals(
    rules: Sequence[Rule], runs: int, rng: np.random.Generator, *, until: Sequence[int]
) -> _Counts:
    """Return the first point (from 1) at which each rule (row) signals in each run.

    A run goes on until all rules whose places are in `until` have signalled.
    """
    firsts = np.full((len(rules), runs), _NEVER, np.int32)
    alive = np.arange(runs)
    patterns = [_Pattern(rule, runs) for rule in rules]
    last, last_step = np.full(runs, np.nan), np.zeros(runs)
    point = 0
    while alive.size:
        point += 1
        z = rng.standard_normal(alive.size)
        step = np.zeros(alive.size) if point == 1 else np.sign(z - last)
        turned = step * last_step < 0
        for row, pattern in enumerate(patterns):
            met = alive[pattern.signals(z, step, turned)]
            firsts[row, met] = np.minimum(firsts[row, met], point)
        still = (firsts[list(until)][:, alive] == _NEVER).any(axis=0)
        last, last_step, alive = z[still], step[still], alive[still]
        for pattern in patterns:
            pattern.keep(still)
    return firsts


def _all_rules() -> dict[str, Rule]:
    """Return the different rules of both families by name; AIAG differs from Nelson in rule 2 alone."""
    return {rule.name: rule for rule in (*NELSON.rules, AIAG.rules[1])}


def _sets() -> list[RuleSet]:
    numbers = [c for size in range(1, 9) for c in combinations(range(1, 9), size) if set(c) & set(_ORDERED)]
    return [RuleSet(family, c) for family in ("nelson", "aiag") for c in numbers]


def simulate(runs: int, seed: int) -> dict[str, tuple[float, float]]:
    """Return mean run length and its standard error of every rule set with a trend or alternation rule."""
    rules = _all_rules()
    places = {name: row for row, name in enumerate(rules)}
    rng = np.random.default_rng(seed)
    sums = {chosen: np.zeros(2) for chosen in _sets()}
    done = 0
    while done < runs:
        batch = min(_BATCH, runs - done)
        firsts = first_signals(list(rules.values()), batch, rng, until=[n - 1 for n in _ORDERED])
        for chosen, total in sums.items():
            rows = [
                places.get(rule.name, places[f"nelson{number}"])
                for rule, number in zip(chosen.rules, chosen.numbers, strict=True)
            ]
            lengths = firsts[rows].min(axis=0).astype(np.float64)
            sums[chosen] = total + np.array([lengths.sum(), (lengths**2).sum()])
        done += batch
    return {
        chosen.name: (
            round(float(first) / runs, 4),
            round(float(np.sqrt((square / runs - (first / runs) ** 2) / runs)), 4),
        )
        for chosen, (first, square) in sums.items()
    }


if __name__ == "__main__":
    made = {
        "made_by": "python -m quality.spc.simulated_run_length > quality/spc/simulated_arl.json",
        "runs": RUNS,
        "seed": SEED,
        "arl": simulate(RUNS, SEED),
    }
    sys.stdout.write(json.dumps(made) + "\n")
