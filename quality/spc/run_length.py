"""How often a chart alarms for nothing: the average run length (ARL) in control.

Points are taken as independent and normal about a known centre, so these are the best that a rule set can do;
limits estimated from few subgroups alarm more often. Zone rules are a Markov chain (Champ and Woodall 1987,
doi:10.1080/00401706.1987.10488266); EWMA (Crowder 1987, doi:10.1080/00401706.1987.10488267) and CUSUM (Page
1954) are integral equations, solved by Gauss-Legendre quadrature; trends and alternations are simulated
(`simulated_run_length`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quality.spc.memory import CusumDesign, EwmaDesign, ewma_errors
from quality.spc.rules import Rule, RuleSet
from quality.spc.samples import Vector

SIMULATED = Path(__file__).with_name("simulated_arl.json")


@dataclass(frozen=True, slots=True)
class FalseAlarmArl:
    """Points between false alarms, on average; `standard_error` is 0 where it is computed, not simulated."""

    arl: float
    standard_error: float
    method: Literal["computed", "simulated"]

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        return asdict(self)


@cache
def false_alarm_arl(chosen: RuleSet | EwmaDesign | CusumDesign) -> FalseAlarmArl:
    """Return the in-control ARL of a rule set on one panel, an EWMA with exact limits, or a two-sided CUSUM.

    Computed values are good to 1e-6 relative; simulated ones (sets with a trend or alternation rule) have
    their standard error, about 0.1 %.
    """
    if isinstance(chosen, EwmaDesign):
        return FalseAlarmArl(ewma_arl(chosen), 0.0, "computed")
    if isinstance(chosen, CusumDesign):
        return FalseAlarmArl(cusum_arl(chosen), 0.0, "computed")
    if any(rule.pattern in ("trend", "alternating") for rule in chosen.rules):
        arl, error = _simulated()[chosen.name]
        return FalseAlarmArl(arl, error, "simulated")
    return FalseAlarmArl(zone_rules_arl(chosen.rules), 0.0, "computed")


@cache
def _simulated() -> dict[str, tuple[float, float]]:
    return {name: (arl, error) for name, (arl, error) in json.loads(SIMULATED.read_bytes())["arl"].items()}


_State = tuple[int, ...]


def zone_rules_arl(rules: Sequence[Rule], shift: float = 0.0) -> float:
    """Return the ARL of rules without trend and alternation, the mean `shift` standard errors off centre."""
    cells = _cells(rules, shift)
    start: _State = tuple(0 for _ in range(2 * len(rules)))
    places: dict[_State, int] = {start: 0}
    waiting: list[_State] = [start]
    entries: list[tuple[int, int, float]] = []
    for state in waiting:  # grows while it is walked through
        for z, probability in cells:
            after = _after(rules, state, z)
            if after is None:
                continue
            if after not in places:
                places[after] = len(places)
                waiting.append(after)
            entries.append((places[state], places[after], probability))
    staying = np.zeros((len(places), len(places)))
    for row, column, chance in entries:
        staying[row, column] += chance
    return float(np.linalg.solve(np.eye(len(places)) - staying, np.ones(len(places)))[0])


def _cells(rules: Sequence[Rule], shift: float) -> list[tuple[float, float]]:
    """Return a point of each cell between the rules' zone limits, and the cell's probability."""
    from scipy.special import ndtr  # noqa: PLC0415 (quality stays light)

    edges = sorted({side * rule.zone for rule in rules for side in (-1.0, 1.0)})
    bounds = [-math.inf, *edges, math.inf]
    inner = [edges[0] - 1, *((a + b) / 2 for a, b in pairwise(edges)), edges[-1] + 1]
    chances = np.diff(ndtr(np.array(bounds) - shift))
    return [(z, float(p)) for z, p in zip(inner, chances, strict=True)]


def _after(rules: Sequence[Rule], state: _State, z: float) -> _State | None:
    """Return the state after a point, null where a rule signals. Two numbers for each rule, one a side."""
    after: list[int] = []
    for i, rule in enumerate(rules):
        if rule.pattern == "beyond":
            flags = (z > rule.zone, z < -rule.zone)
        else:
            flags = ((abs(z) > rule.zone) == (rule.pattern == "outside"), False)
        for flag, memory in zip(flags, state[2 * i : 2 * i + 2], strict=True):
            recent = 2 * memory + flag  # the last points as bits
            if flag and recent.bit_count() >= rule.hits:
                return None
            after.append(_kept(recent, rule))
    return tuple(after)


def _kept(recent: int, rule: Rule) -> int:
    """Return the bits that can still matter; of a run only the unbroken ones."""
    kept = recent & ((1 << (rule.window - 1)) - 1)
    if rule.hits < rule.window:
        return kept
    run = 0
    while kept >> run & 1:
        run += 1
    return (1 << run) - 1


def _nodes(low: float, high: float, scale: float) -> tuple[Vector, Vector]:
    """Return Gauss-Legendre nodes and weights fit for a normal kernel of standard deviation `scale`."""
    nodes, weights = np.polynomial.legendre.leggauss(40 + math.ceil(8 * (high - low) / scale))
    half = (high - low) / 2
    return low + half * (nodes + 1), half * weights


def _normal(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def cusum_arl(design: CusumDesign, shift: float = 0.0) -> float:
    """Return the ARL of a two-sided CUSUM.

    From the one-sided ones by L = (U(s) D(0) + U(0) D(s) - U(0) D(0)) / (U(0) + D(0)), s the head start
    (Lucas and Crosier 1982), which holds where one sum cannot signal while the other is above 0.
    """
    up, up_zero = _one_sided_cusum(design, shift)
    down, down_zero = _one_sided_cusum(design, -shift)
    return (up * down_zero + up_zero * down - up_zero * down_zero) / (up_zero + down_zero)


def _one_sided_cusum(design: CusumDesign, shift: float) -> tuple[float, float]:
    """Return the ARL from the head start and from zero: L(u) = 1 + L(0) P(0 | u) + int L(y) p(y | u) dy."""
    from scipy.special import ndtr  # noqa: PLC0415 (quality stays light)

    allowance = design.allowance - shift
    nodes, weights = _nodes(0.0, design.decision, 1.0)
    places = np.concatenate([[0.0, design.head_start], nodes])
    moves = np.zeros((places.size, places.size))
    moves[:, 0] = ndtr(allowance - places)
    moves[:, 2:] = weights * _normal(nodes[None, :] + allowance - places[:, None])
    lengths = np.linalg.solve(np.eye(places.size) - moves, np.ones(places.size))
    return float(lengths[1]), float(lengths[0])


def ewma_arl(design: EwmaDesign, shift: float = 0.0, *, asymptotic: bool = False) -> float:
    """Return the ARL of an EWMA with exact (time-varying) or asymptotic limits.

    While the limits still widen (until they are within 1e-12 of the asymptotic ones) the average's density is
    followed; then L(x) = 1 + int L(y) p(y | x) dy holds.
    """
    weight = design.weight
    widest = design.width * math.sqrt(weight / (2 - weight))
    nodes, weights = _nodes(-widest, widest, weight)

    def moved(to: Vector, start: Vector) -> NDArray[np.float64]:
        return _normal((to[None, :] - (1 - weight) * start[:, None]) / weight - shift) / weight

    lengths = np.linalg.solve(np.eye(nodes.size) - weights * moved(nodes, nodes), np.ones(nodes.size))
    steps = 0 if asymptotic or weight == 1 else math.ceil(math.log(1e-12) / (2 * math.log1p(-weight)))
    starts, mass = np.zeros(1), np.ones(1)
    total = 0.0
    for limit in design.width * ewma_errors(steps, weight):
        total += float(mass.sum())
        there = nodes * float(limit) / widest
        mass = (mass @ moved(there, starts)) * weights * float(limit) / widest
        starts = there
    return total + float(mass @ (1 + moved(nodes, starts) @ (weights * lengths)))
