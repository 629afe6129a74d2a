"""Write what statsmodels says of the hit/miss data sets in reference.json; the tests need no statsmodels.

pip install statsmodels && python tests/quality/pod/make_reference.py
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("reference.json")


def hit_miss(case: dict[str, Any]) -> dict[str, Any]:
    import numpy as np
    import statsmodels.api as sm

    x = np.array(case["size"], float)
    x = np.log(x) if case["scale"] == "log" else x
    design = sm.add_constant(x)
    return {link: of_link(np.array(case["found"]), design, link) for link in ("logit", "probit")}


def of_link(found: Any, design: Any, link: str) -> dict[str, Any]:
    import numpy as np
    import statsmodels.api as sm
    from scipy.stats import norm

    x = design[:, 1]
    links = sm.families.links
    family = sm.families.Binomial(links.Logit() if link == "logit" else links.Probit())
    fit = sm.GLM(found, design, family=family).fit(tol=1e-12, maxiter=200)
    flat = sm.GLM(found, np.ones((len(x), 1)), family=family).fit()
    covariance = np.asarray(fit.cov_params())
    (b0, b1), z = fit.params, norm.ppf(0.95)
    goal = math.log(9) if link == "logit" else norm.ppf(0.9)

    def lower(at: float) -> float:
        se = math.sqrt(covariance[0, 0] + 2 * at * covariance[0, 1] + at * at * covariance[1, 1])
        return b0 + b1 * at - z * se - goal

    def profile(at: float) -> float:  # an intercept-free GLM through (at, goal) by its offset
        one = sm.GLM(found, (x - at)[:, None], family=family, offset=np.full(len(x), goal))
        return 2 * (fit.llf - one.fit(tol=1e-12, maxiter=200).llf) - z * z

    centre = (goal - b0) / b1
    return {
        "intercept": b0, "slope": b1, "covariance": covariance.tolist(), "log_likelihood": fit.llf,
        "slope_statistic": 2 * (fit.llf - flat.llf), "x90": centre,
        "x90_95_wald": bisected(lower, centre, centre + 5 / b1),
        "x90_95_likelihood_ratio": bisected(profile, centre, centre + 5 / b1),
    }  # fmt: skip


def bisected(f: Any, low: float, high: float) -> float:
    for _ in range(200):
        middle = (low + high) / 2
        if (f(middle) > 0) == (f(high) > 0):
            high = middle
        else:
            low = middle
    return (low + high) / 2


def main() -> None:
    """Compute what other implementations say of each case."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    for case in data["hit_miss"]:
        case["statsmodels"] = hit_miss(case)
    import statsmodels

    data["versions"] = {"statsmodels": statsmodels.__version__}
    FILE.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
