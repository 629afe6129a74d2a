"""A-hat curves: against independent optimisation, least squares, and the handbook's formula."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from quality.errors import StudyError
from quality.pod import ResponseFit, fit_noise, fit_response

CASES = {
    case["id"]: case
    for case in json.loads(Path(__file__).with_name("reference.json").read_text())["response"]
}


def fitted(name: str, **more: Any) -> ResponseFit:
    c = CASES[name]
    return fit_response(
        c["size"], c["response"], threshold=c["threshold"], floor=c["floor"], ceiling=c["ceiling"], **more
    )


def loss(name: str, p: Any) -> float:
    """Minus the censored log-likelihood in intercept, slope and log noise, written anew."""
    c = CASES[name]
    x, y = np.log(c["size"]), np.log(c["response"])
    mean, sd = p[0] + p[1] * x, math.exp(p[2])
    each = norm.logpdf(y, mean, sd)
    below = np.array(c["response"]) <= c["floor"]
    each = np.where(below, norm.logcdf(math.log(c["floor"]), mean, sd), each)
    if c["ceiling"] is not None:
        above = np.array(c["response"]) >= c["ceiling"]
        each = np.where(above, norm.logsf(math.log(c["ceiling"]), mean, sd), each)
    return -float(each.sum())


@pytest.mark.parametrize("name", CASES)
def test_the_fit_is_that_of_an_independent_optimiser(name: str) -> None:
    fit = fitted(name)
    best = minimize(
        lambda p: loss(name, p), [3.0, 1.0, -0.5], method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000},
    )  # fmt: skip
    assert [fit.intercept, fit.slope, math.log(fit.noise)] == pytest.approx(best.x, abs=2e-6)
    assert fit.log_likelihood == pytest.approx(-best.fun, abs=1e-8)


def test_what_lies_below_and_above_is_counted() -> None:
    handbook, berens = fitted("mil-hdbk-1823a-example-1"), fitted("berens-1989-probe-a")
    assert (handbook.exact, handbook.below, handbook.above) == (89, 3, 0)
    # counts of 150, 223 and twice 250 say no more than 250; five are saturated
    assert (berens.exact, berens.below, berens.above) == (19, 4, 5)


@pytest.mark.parametrize("name", CASES)
def test_a90_95_is_the_handbooks(name: str) -> None:
    """x90 + 1.645 standard errors, from mu, sigma and the observed information of the plain parameters."""
    c, fit = CASES[name], fitted(name)
    at = np.array([fit.intercept, fit.slope, math.log(fit.noise)])
    step = 1e-4
    hessian = np.array([
        [
            (loss(name, at + step * (a + b)) - loss(name, at + step * (a - b))
             - loss(name, at - step * (a - b)) + loss(name, at - step * (a + b))) / (4 * step * step)
            for b in np.eye(3)
        ]
        for a in np.eye(3)
    ])  # fmt: skip

    def x90(p: Any) -> float:
        return float((math.log(c["threshold"]) - p[0] + norm.ppf(0.9) * math.exp(p[2])) / p[1])

    gradient = np.array([(x90(at + 1e-6 * e) - x90(at - 1e-6 * e)) / 2e-6 for e in np.eye(3)])
    error = math.sqrt(gradient @ np.linalg.inv(hessian) @ gradient)
    assert fit.size_at(0.9) == pytest.approx(math.exp(x90(at)), rel=1e-9)
    assert fit.size_bound() == pytest.approx(math.exp(x90(at) + norm.ppf(0.95) * error), rel=1e-4)


def test_the_likelihood_bound_is_where_the_ratio_is_that_of_its_confidence() -> None:
    name = "mil-hdbk-1823a-example-1"
    fit = fitted(name)
    bound = fit.size_bound(interval="likelihood_ratio")
    assert bound is not None
    x, decision, z = math.log(bound), math.log(CASES[name]["threshold"]), norm.ppf(0.9)

    def through(p: Any) -> float:  # the line is at decision + z noise where x is
        return loss(name, [decision + z * math.exp(p[1]) - p[0] * x, p[0], p[1]])

    best = minimize(through, [fit.slope, math.log(fit.noise)], method="Nelder-Mead",
                    options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}).fun  # fmt: skip
    assert 2 * (best + fit.log_likelihood) == pytest.approx(norm.ppf(0.95) ** 2, rel=1e-5)


def test_without_censoring_it_is_least_squares() -> None:
    rng = np.random.default_rng(1)
    sizes = rng.uniform(1, 9, 50)
    answers = 3 + 2 * sizes + rng.normal(0, 1.5, 50)
    fit = fit_response(sizes, answers, threshold=10, scale="linear", response_scale="linear")
    slope, intercept = np.polyfit(sizes, answers, 1)
    rest = answers - intercept - slope * sizes
    assert (fit.intercept, fit.slope) == pytest.approx((intercept, slope), rel=1e-9)
    assert fit.noise == pytest.approx(math.sqrt(float(np.mean(rest**2))), rel=1e-9)
    assert fit.probability([(10 - fit.intercept) / fit.slope]) == pytest.approx([0.5])
    a90 = fit.size_at(0.9)
    assert a90 is not None
    assert fit.probability(a90)[0] == pytest.approx(0.9)
    assert a90 == pytest.approx((10 + 1.2815515655 * fit.noise - fit.intercept) / fit.slope, rel=1e-9)


def test_a_missing_answer_is_one_below_the_floor() -> None:
    c = CASES["mil-hdbk-1823a-example-1"]
    answers = np.array(c["response"], float)
    answers[answers <= 50] = np.nan
    with pytest.raises(StudyError, match="3 defects gave no response"):
        fit_response(c["size"], answers, threshold=200)
    same = fit_response(c["size"], answers, threshold=200, floor=50)
    assert same.size_bound() == pytest.approx(fitted("mil-hdbk-1823a-example-1").size_bound(), rel=1e-9)


def test_a_lower_threshold_finds_smaller_defects() -> None:
    fit = fitted("mil-hdbk-1823a-example-1")
    lower = fit.at_threshold(100)
    a, b = fit.size_at(0.9), lower.size_at(0.9)
    assert a is not None
    assert b is not None
    assert b < a
    assert a / b == pytest.approx(2 ** (1 / fit.slope), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"floor": 500, "ceiling": 400}, "below the ceiling"),
        ({"floor": 1300}, "between floor and ceiling"),
        ({"threshold": -1}, "above 0"),
        ({"sizes": [5] * 20}, "one size"),
        ({"responses": [100.0 * s for s in range(1, 21)]}, "without any noise"),
        ({"sizes": [1, 2]}, "give one of each"),
    ],
)
def test_answers_that_determine_no_line_are_refused(change: dict[str, Any], says: str) -> None:
    rng = np.random.default_rng(4)
    given = {"sizes": np.arange(1, 21), "responses": np.arange(1, 21) * 50 * rng.uniform(0.8, 1.2, 20),
             "threshold": 200} | change  # fmt: skip
    with pytest.raises(StudyError, match=says):
        fit_response(given.pop("sizes"), given.pop("responses"), **given)


def test_noise_gives_the_false_calls_of_a_threshold() -> None:
    rng = np.random.default_rng(2)
    noise = fit_noise(np.exp(rng.normal(3, 0.4, 400)))
    assert (noise.mean, noise.deviation) == pytest.approx((3, 0.4), abs=0.05)
    threshold = noise.threshold_for(0.01)
    assert threshold == pytest.approx(math.exp(noise.mean + 2.3263479 * noise.deviation), rel=1e-7)
    assert noise.false_call_probability(threshold) == pytest.approx(0.01, rel=1e-9)
    with pytest.raises(StudyError, match="noise"):
        fit_noise([1.0] * 9)
