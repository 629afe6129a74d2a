"""How often a90/95 lies above the true a90 in simulated hit/miss studies: it should in 95 of 100.

    python -m benchmarks.pod_coverage [--studies 1000] [--trials 60 120 300]

Sizes log-uniform within a factor of 3.3 of a50, slope 4 by ln size, logit; about 25 s of one core per 1000
studies of 60 trials.
"""

from __future__ import annotations

import argparse
import math

import numpy as np
from scipy.special import expit

from quality.errors import SeparationError
from quality.pod import fit_hit_miss
from quality.proportions import clopper_pearson

_A50, _SLOPE, _REACH = 0.5, 4.0, 1.2


def main() -> None:
    """Print the share of studies in which each bound held, with its 95 % interval."""
    parser = argparse.ArgumentParser(description="Coverage of a90/95.")
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--trials", type=int, nargs="+", default=[60, 120, 300])
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"{'trials':>6}  {'bound':<28} {'held':>7}  95 % interval")
    for trials in given.trials:
        for name, held in coverage(trials, given.studies, given.seed).items():
            share = clopper_pearson(held, given.studies)
            print(f"{trials:>6}  {name:<28} {share.value:>7.3f}  {share.lower:.3f} to {share.upper:.3f}")


def coverage(trials: int, studies: int, seed: int) -> dict[str, int]:
    """Return in how many studies each bound held; a study that sets none claims nothing, and holds."""
    rng = np.random.default_rng([seed, trials])
    true = _A50 * math.exp(math.log(9) / _SLOPE)
    held = {"likelihood ratio (handbook)": 0, "Wald": 0, "penalised likelihood ratio": 0}
    for _ in range(studies):
        sizes = _A50 * np.exp(rng.uniform(-_REACH, _REACH, trials))
        found = rng.uniform(size=trials) < expit(_SLOPE * np.log(sizes / _A50))
        bounds: list[float | None] = [None, None]
        try:
            fit = fit_hit_miss(sizes, found)
            bounds = [fit.size_bound(), fit.size_bound(interval="wald")]
        except SeparationError:  # no estimate, no claim
            pass
        bounds.append(fit_hit_miss(sizes, found, estimator="firth").size_bound())
        for name, bound in zip(held, bounds, strict=True):
            held[name] += bound is None or bound >= true
    return held


if __name__ == "__main__":
    main()
