"""Studies: false calls, curves by class and zone, and that simulated figures decide nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from quality.curves import SinglePlan
from quality.errors import ProportionError, SimulatedEvidenceError, StudyError
from quality.inspection_error import Source, effective_curve
from quality.pod import ALL, DefectTrial, GoodUnit, PodStudy, false_calls, fit_hit_miss, pod_curves

REAL: Source = "measured on real parts"


def trial(i: int, size: float, found: bool, **more: Any) -> DefectTrial:
    given = {"unit": f"u{i}", "defect_class": "scratch", "zone": "front", "size_mm": size, "found": found}
    return DefectTrial.model_validate(given | more)


def study(trials: list[DefectTrial], source: Source = REAL, **more: Any) -> PodStudy:
    good = tuple(
        GoodUnit(unit=f"g{i}", conditions="line", calls=int(i < 2), verdict="HOLD" if i < 2 else "ACCEPT")
        for i in range(40)
    )
    given = {"golden": "sha256:0", "model": None, "source": source, "conditions": (), "smallest_mm": 0.4,
             "trials": tuple(trials), "good": good}  # fmt: skip
    return PodStudy.model_validate(given | more)


def many(n: int = 120, **more: Any) -> list[DefectTrial]:
    rng = np.random.default_rng(8)
    sizes = np.exp(rng.uniform(math.log(0.15), math.log(2), n))
    found = rng.uniform(size=n) < expit(4 * np.log(sizes / 0.5))
    return [
        trial(i, float(s), bool(f), zone="front" if i % 3 else "back", **more)
        for i, (s, f) in enumerate(zip(sizes, found, strict=True))
    ]


def test_false_calls_have_exact_intervals() -> None:
    none = false_calls([0] * 50)
    assert (none.rate, none.lower, none.clustered) == (0, 0, None)
    assert none.upper == pytest.approx(3.688879454 / 50, rel=1e-9)  # Garwood's table
    assert none.stopped_upper == pytest.approx(1 - 0.05 ** (1 / 50), rel=1e-9)
    five = false_calls([1] * 5 + [0] * 15)
    assert (five.lower * 20, five.upper * 20) == pytest.approx((1.6235, 11.6683), abs=1e-4)
    assert (five.stopped.count, five.stopped.n, five.clustered) == (5, 20, None)


def test_calls_that_come_together_are_told() -> None:
    together = false_calls([12] + [0] * 39)
    apart = false_calls([2, 1, 1, 1, 1, 1, 1, 1, 1, 2] + [0] * 30)
    assert together.rate == apart.rate == 0.3
    assert together.clustered is not None
    assert together.clustered < 1e-6
    assert apart.clustered is not None
    assert apart.clustered > 0.1


def test_counts_that_cannot_be_are_refused() -> None:
    for wrong in ([], [0, -1]):
        with pytest.raises(StudyError):
            false_calls(wrong)
    with pytest.raises(ProportionError):
        false_calls([0], confidence=1.0)


def test_curves_are_of_each_class_and_then_of_its_zones() -> None:
    trials = many()
    curves = pod_curves(study(trials + [trial(500 + i, 1.0, True, defect_class="stain") for i in range(3)]),
                        use="decision")  # fmt: skip
    assert [(c.defect_class, c.zone) for c in curves] == [
        ("scratch", ALL), ("scratch", "back"), ("scratch", "front"), ("stain", ALL),
    ]  # fmt: skip
    whole, back, _, stain = curves
    direct = [fit_hit_miss([t.size_mm for t in trials], [t.found for t in trials], link=k) for k in
              ("logit", "probit")]  # fmt: skip
    best = max(direct, key=lambda f: f.log_likelihood)
    assert whole.fit is not None
    assert whole.fit.link == best.link
    assert (whole.a50, whole.a90) == (best.size_at(0.5), best.size_at(0.9))
    penalised = fit_hit_miss(best.x, best.found, link=best.link, scale="linear", estimator="firth")
    assert whole.a90_95 == pytest.approx(math.exp(penalised.size_bound() or 0), rel=1e-6)
    assert whole.a90_95_ratio == pytest.approx(best.size_bound())
    assert whole.a90_95_wald == pytest.approx(best.size_bound(interval="wald"))
    assert back.trials == 40
    assert whole.trials == 120
    assert whole.found == sum(t.found for t in trials)
    assert stain.fit is None
    assert stain.failure is not None
    assert "3 trials" in stain.failure
    beyond = [t.found for t in trials if t.size_mm >= (whole.a90_95 or 0)]
    assert whole.beyond is not None
    assert (whole.beyond.count, whole.beyond.n) == (sum(beyond), len(beyond))


def test_no_size_is_claimed_beyond_the_largest_tried() -> None:
    (curve, *_) = pod_curves(study([t for t in many() if t.size_mm < 0.6]), use="study")
    assert curve.a90 is not None
    assert curve.a90_95 is None
    assert any("no size is claimed" in sentence for sentence in curve.cautions)


def test_separated_trials_are_fitted_by_firth_and_said_so() -> None:
    trials = [trial(i, 0.2 + 0.05 * i, i >= 12) for i in range(24)]
    (curve,) = pod_curves(study(trials), use="study")
    assert curve.fit is not None
    assert curve.fit.estimator == "firth"
    assert curve.a90_95 is not None
    assert any("Firth" in sentence for sentence in curve.cautions)


def test_a_ceiling_below_90_percent_is_told() -> None:
    rng = np.random.default_rng(5)
    sizes = np.linspace(0.2, 3, 300)
    found = (sizes > 0.5) & (rng.uniform(size=300) < 0.8)
    (curve,) = pod_curves(study([trial(i, float(s), bool(f)) for i, (s, f) in
                                 enumerate(zip(sizes, found, strict=True))]), use="study")  # fmt: skip
    assert curve.p_fit is not None
    assert curve.p_fit < 0.05
    assert any("do not follow the curve's shape" in sentence for sentence in curve.cautions)


def test_what_the_comparison_saw_and_the_model_let_go_is_counted() -> None:
    trials = [trial(i, 0.1 * i, i > 14, compared=i > 10, response_mm=0.1 * i if i > 3 else None)
              for i in range(1, 25)]  # fmt: skip
    (curve,) = pod_curves(study(trials), use="study")
    assert (curve.compared, curve.dismissed) == (14, 4)
    (unasked,) = pod_curves(study([trial(i, 0.1 * i, i > 14) for i in range(1, 25)]), use="study")
    assert (unasked.compared, unasked.dismissed, unasked.response) == (None, None, None)


def test_the_comparisons_sizes_are_fitted_as_a_hat() -> None:
    rng = np.random.default_rng(6)
    sizes = np.exp(rng.uniform(math.log(0.15), math.log(2), 100))
    seen = sizes * np.exp(rng.normal(0, 0.2, 100))
    answers = [float(a) if a > 0.15 else None for a in seen]
    trials = [
        trial(i, float(s), (a or 0) > 0.4, response_mm=a, compared=(a or 0) > 0.4)
        for i, (s, a) in enumerate(zip(sizes, answers, strict=True))
    ]
    (curve,) = pod_curves(study(trials), use="study")
    assert curve.response is not None
    assert curve.response.threshold == 0.4
    assert curve.response.size_at(0.9) == pytest.approx(0.4 * math.exp(1.2816 * 0.2), rel=0.05)


def test_simulated_trials_decide_nothing() -> None:
    simulated = study(many(), source="simulated")
    with pytest.raises(SimulatedEvidenceError, match="real defects"):
        pod_curves(simulated, use="decision")
    curves = pod_curves(simulated, use="study")
    assert {c.source for c in curves} == {"simulated"}
    assert {c.record()["source"] for c in curves} == {"simulated"}
    error = simulated.inspection_error("scratch", from_mm=0.6)
    assert error.source == "simulated"
    with pytest.raises(SimulatedEvidenceError):
        effective_curve(SinglePlan(80, 5), [0.01], error, use="decision")
    assert effective_curve(SinglePlan(80, 5), [0.01], error, use="study").source == "simulated"
    again = PodStudy.model_validate_json(simulated.model_dump_json())
    assert again == simulated
    assert again.source == "simulated"


def test_a_study_without_a_source_is_none() -> None:
    record = study(many()).model_dump(mode="json")
    del record["source"]
    with pytest.raises(ValueError, match="source"):
        PodStudy.model_validate(record)


def test_measured_trials_feed_the_curve_of_an_imperfect_inspection() -> None:
    real = study(many())
    error = real.inspection_error("scratch", from_mm=0.6, to_mm=1.0)
    inside = [t for t in real.trials if 0.6 <= t.size_mm < 1.0]
    assert (error.detection.parts, error.detection.called_nonconforming) == (
        len(inside), sum(t.found for t in inside)
    )  # fmt: skip
    assert (error.false_alarm.parts, error.false_alarm.called_nonconforming) == (40, 2)
    assert effective_curve(SinglePlan(80, 5), [0.01], error, use="decision").source == REAL
    for wrong in ({"from_mm": 50.0}, {"from_mm": 0.6, "conditions": "dark"}):
        with pytest.raises(StudyError, match="needs both"):
            real.inspection_error("scratch", **wrong)  # type: ignore[arg-type]
