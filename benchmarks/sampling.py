"""A million lots through the switching rules, and the curves of every stored plan, on one core.

Run `python -m benchmarks.sampling [--json] [--lots N] [--seed N]`. Lots of letter K at AQL 1.0 come from a
process that is good (half the AQL) until it goes bad (2.5 times the AQL), each for a hundred lots on
average; a discontinued series restarts at once, with the process corrected. Needs no data.
"""

from __future__ import annotations

import argparse
import json
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.stats import binom

from golden.plans import AQLS, SamplingStandard
from quality import curves
from quality.sampling import (
    EDITIONS,
    LETTERS,
    Z14_2003,
    DoublePlan,
    InspectionSeverity,
    LotResult,
    SamplingPlan,
    Scheme,
    after_lot,
    begin,
    double_plan,
    restart_inspection,
    single_plan,
)

SEVERITIES: tuple[InspectionSeverity, ...] = ("normal", "tightened", "reduced")
LETTER, AQL = "K", "1.0"
GOOD, BAD, STAYS = 0.005, 0.025, 0.99


def simulate(standard: SamplingStandard, lots: int, seed: int) -> dict[str, Any]:
    """Return seconds of processor time, the share of lots in each severity, and the discontinuations.

    The process is drawn before the time begins.
    """
    plans = {s: single_plan(LETTER, AQL, s, standard) for s in SEVERITIES}
    below = {
        (s, p): binom.cdf(np.arange(plan.n + 1), plan.n, p).tolist()
        for s, plan in plans.items()
        for p in (GOOD, BAD)
    }
    chance = np.random.default_rng(seed).random((2, lots))
    begun = time.process_time()
    state = begin(Scheme(standard, AQL), production_steady=True, reduced_approved=True)
    inspected, accepted, discontinued, p = Counter[str](), 0, 0, GOOD
    for turns, draw in zip(chance[0].tolist(), chance[1].tolist(), strict=True):
        if turns > STAYS:
            p = BAD if p == GOOD else GOOD
        found = bisect_left(below[state.severity, p], draw)
        inspected[state.severity] += 1
        accepted += found < plans[state.severity].Re
        state = after_lot(state, LotResult(plans[state.severity], found))
        if state.discontinued:
            state, p = restart_inspection(state, "the process is corrected"), GOOD
            discontinued += 1
    seconds = time.process_time() - begun
    return {
        "standard": standard, "lots": lots, "seconds": round(seconds, 2),
        "shares": {s: round(inspected[s] / lots, 4) for s in SEVERITIES},
        "accepted": round(accepted / lots, 4), "discontinued": discontinued,
    }  # fmt: skip


def stored_plans() -> Iterator[SamplingPlan | DoublePlan]:
    """Yield the plan of every cell of the stored tables."""
    for letter in LETTERS[:16]:
        for aql in AQLS:
            for severity in SEVERITIES:
                for edition in EDITIONS:
                    yield single_plan(letter, aql, severity, edition, "nonconformities_per_100_units")
                yield double_plan(letter, aql, severity, Z14_2003, "nonconformities_per_100_units")


def tabulate() -> dict[str, Any]:
    """Return the processor time of the OC tables of all different stored plans, in the Poisson model.

    A lot between Ac and Re is accepted, so that the curve is of Re - 1.
    """
    cells = list(stored_plans())
    different = {
        curves.SinglePlan(plan.n, plan.Re - 1)
        if isinstance(plan, SamplingPlan)
        else curves.DoublePlan((plan.n1, plan.n2), (plan.Ac1, plan.Re2 - 1), plan.Re1)
        for plan in cells
    }
    begun = time.process_time()
    for plan in different:
        curves.oc_table(plan, model="poisson")
    seconds = round(time.process_time() - begun, 2)
    return {"cells": len(cells), "plans": len(different), "seconds": seconds}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sampling", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--lots", type=int, default=1_000_000, help="lots of each simulation")
    parser.add_argument("--seed", type=int, default=1, help="seed of the simulated process")
    options = parser.parse_args()
    runs = [simulate(edition, options.lots, options.seed) for edition in EDITIONS]
    tables = tabulate()
    if options.json:
        print(json.dumps({"switching": runs, "oc_tables": tables}))
        return
    for run in runs:
        shares = ", ".join(f"{share:.2%} {severity}" for severity, share in run["shares"].items())
        print(f"{run['standard']}: {run['lots']} lots in {run['seconds']} s; {shares}")
        print(f"  {run['accepted']:.2%} accepted, inspection discontinued {run['discontinued']} times")
    print(f"OC tables of {tables['plans']} plans ({tables['cells']} cells) in {tables['seconds']} s")


if __name__ == "__main__":
    main()
