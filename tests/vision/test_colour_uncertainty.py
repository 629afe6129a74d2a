"""The uncertainty of colour differences: exact distributions, coverage, what cancels; the benchmark runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import chi2, ncx2

from benchmarks import colour_coverage
from calibration.colour.colorimetry import lab_from_xyz
from calibration.colour.slope import ORDINARY, slope_residual
from calibration.errors import CalibrationError
from golden.colours import Formula
from vision.colour.difference import delta_e
from vision.colour.quadratic_form import probability
from vision.colour.uncertainty import Contribution, Repeatability, assess, colour_difference

F64 = npt.NDArray[np.float64]
K95 = 1.959964
NOISE = np.array([[4.0, 1.0, 0.5], [1.0, 6.0, -2.0], [0.5, -2.0, 9.0]]) * 1e-3
SKIN, GREY, BLUE = np.array([65.0, 18.0, 18.0]), np.array([50.0, 0.3, -0.2]), np.array([35.0, 12.0, -45.0])


@dataclass(frozen=True)
class Light:
    rgb: F64
    covariance: F64


@pytest.fixture(scope="module")
def cell() -> colour_coverage.Cell:
    return colour_coverage.cell_of("nikon-5100", "D65", "D65", np.random.default_rng(5))


def noise(covariance: F64 = NOISE) -> list[Contribution]:
    return [Contribution("noise", covariance, common=False)]


# --- the distribution -------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0.0, 0.3, 2.0, 10.0, 300.0])
@pytest.mark.parametrize("share", [0.001, 0.025, 0.5, 0.975])
def test_alike_directions_give_noncentral_chi_square(length: float, share: float) -> None:
    law = ncx2(3, length**2) if length else chi2(3)
    mean = length * np.array([0.6, 0.0, 0.8])
    assert probability(float(law.ppf(share)), mean, np.eye(3)) == pytest.approx(share, abs=1e-5)


def imhof(square: float, mean: F64, covariance: F64) -> float:
    """Imhof (1961), equation 3.2: by the characteristic function."""
    weights, axes = np.linalg.eigh(covariance)
    shift = (axes.T @ mean) ** 2 / weights

    def term(u: float) -> float:
        w = weights * u
        angle = 0.5 * np.sum(np.arctan(w) + shift * w / (1 + w**2)) - 0.5 * square * u
        size = np.prod((1 + w**2) ** 0.25) * np.exp(0.5 * np.sum(shift * w**2 / (1 + w**2)))
        return float(np.sin(angle) / (u * size))

    ends = [1e-12, 1, 10, 100, 1000]
    parts = [quad(term, a, b, limit=2000)[0] for a, b in pairwise(ends)]
    return 0.5 - sum(parts) / math.pi


@pytest.mark.parametrize("square", [0.05, 0.7, 3.0])
@pytest.mark.parametrize("mean", [(0.0, 0.0, 0.0), (0.3, -0.2, 0.6)])
def test_unlike_directions_agree_with_imhof(square: float, mean: tuple[float, float, float]) -> None:
    covariance = np.array([[0.5, 0.2, 0.0], [0.2, 0.3, -0.05], [0.0, -0.05, 0.1]])
    expected = imhof(square, np.array(mean), covariance)
    assert probability(square, np.array(mean), covariance) == pytest.approx(expected, abs=2e-5)


def test_a_direction_without_noise_is_no_trouble() -> None:
    flat = np.diag([0.0, 0.0, 1.0])
    assert probability(1.0, np.zeros(3), flat) == pytest.approx(float(chi2(1).cdf(1.0)), abs=1e-6)


# --- value and interval -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "reference", "size"),
    [
        ("CIEDE2000", SKIN, 0.1), ("CIEDE2000", GREY, 0.4), ("CIEDE2000", BLUE, 6.0), ("CMC_2_1", SKIN, 5.0),
        ("CIE94_textiles", BLUE, 8.0), ("DIN99o", SKIN, 6.0), ("CIE76", GREY, 1.0),
    ],
)  # fmt: skip
def test_a_true_difference_at_a_bound_shows_the_measured_one_as_rarely_as_stated(
    formula: Formula, reference: F64, size: float
) -> None:
    """By Monte Carlo through the formula itself, near and far."""
    rng = np.random.default_rng(2)
    direction = np.array([0.4, -0.7, 0.6])
    measured = direction * size / float(delta_e(reference, reference + direction, formula))
    for _ in range(20):
        measured *= size / float(delta_e(reference, reference + measured, formula))
    spread = NOISE * max(1.0, size)
    found = assess(reference, measured, noise(spread), formula=formula, coverage_factor=K95)
    draws = rng.multivariate_normal(np.zeros(3), spread, 100_000)
    for bound, beyond in ((found.low, np.greater_equal), (found.high, np.less_equal)):
        if bound == 0:
            continue
        at = measured.copy()
        for _ in range(20):
            at *= bound / float(delta_e(reference, reference + at, formula))
        shown = delta_e(reference, reference + at + draws, formula)
        assert float(np.mean(beyond(shown, size))) == pytest.approx(0.025, abs=0.003)


@pytest.mark.parametrize("size", [0.0, 0.1, 0.5])
def test_intervals_hold_small_differences_as_often_as_stated(size: float) -> None:
    rng = np.random.default_rng(3)
    true = np.array([0.0, 0.8, 0.6])
    true *= size / float(delta_e(SKIN, SKIN + true)) if size else 0.0
    true_size = float(delta_e(SKIN, SKIN + true))
    seen = true + rng.multivariate_normal(np.zeros(3), NOISE, 100)
    found = [assess(SKIN, d, noise(), coverage_factor=K95) for d in seen]
    above = np.mean([f.low > true_size for f in found])
    below = np.mean([f.high < true_size for f in found])
    assert above <= 0.08
    assert below <= 0.08
    if size == 0:
        assert below == 0
    if size > 0.3:  # the square is right on average
        assert np.mean([f.value for f in found]) == pytest.approx(true_size, abs=0.02)


def test_the_value_is_without_what_noise_adds() -> None:
    found = assess(GREY, np.array([0.1, 0.2, 0.2]), noise(), formula="CIE76")
    assert found.uncorrected == pytest.approx(0.3)
    assert found.value == pytest.approx(math.sqrt(0.09 - float(np.trace(NOISE))))


def test_equal_colours_are_not_proven_equal() -> None:
    found = assess(SKIN, np.zeros(3), noise())
    assert found.value == found.low == found.uncorrected == 0
    assert 0.05 < found.high < 0.5
    assert found.standard_uncertainty > 0


def test_noise_that_cancels_narrows_no_bound() -> None:
    nothing, little, more = (assess(SKIN, np.array([d, 0, 0.0]), noise()).high for d in (1e-4, 0.03, 0.2))
    assert nothing == pytest.approx(little, rel=0.02)
    assert more > 1.2 * nothing


def test_without_any_uncertainty_the_formula_decides() -> None:
    found = assess(SKIN, np.array([1.0, 0.0, 0.0]), [])
    assert found.low == pytest.approx(found.value) == found.high == pytest.approx(found.uncorrected)


def test_an_error_that_stays_is_not_taken_off() -> None:
    camera = [Contribution("camera", np.eye(3), common=True, systematic=True)]
    found = assess(SKIN, np.array([1.0, 0.0, 0.0]), camera)
    assert found.value == found.uncorrected
    assert found.low == 0


def test_large_differences_are_known_to_a_share() -> None:
    small, large = (assess(SKIN, np.array([0, d, 0.0]), noise(), slope_residual=0.08) for d in (0.5, 6.0))
    assert large.standard_uncertainty == pytest.approx(0.08 * large.uncorrected, rel=0.05)
    assert small.standard_uncertainty < 0.08
    line = next(line for line in large.lines if line.name == "small differences")
    assert line.common


def test_what_the_model_explains_is_not_counted_twice() -> None:
    d = np.array([0.0, 3.0, 0.0])
    model = Contribution("camera model", np.eye(3) * 0.01, common=True, grows=True)
    with_model, without = (assess(SKIN, d, c, slope_residual=0.1) for c in ([model], []))
    assert with_model.standard_uncertainty == pytest.approx(without.standard_uncertainty)


def test_the_budget_adds_up() -> None:
    parts = [*noise(), Contribution("lamp", NOISE / 2, common=True), Contribution("none", 0 * NOISE, True)]
    found = assess(SKIN, np.array([0.5, 1.0, 0.0]), parts)
    assert [line.name for line in found.lines] == ["noise", "lamp"]
    assert math.hypot(*(line.standard_uncertainty for line in found.lines)) == pytest.approx(
        found.standard_uncertainty
    )
    assert found.common_uncertainty == pytest.approx(found.lines[1].standard_uncertainty)
    assert np.allclose(found.covariance, 1.5 * NOISE)


def test_few_degrees_of_freedom_widen() -> None:
    d = np.array([1.0, 0.0, 0.0])
    few = assess(SKIN, d, [Contribution("placement", NOISE, False, degrees_of_freedom=4)])
    assert few.standard_uncertainty == pytest.approx(
        assess(SKIN, d, noise()).standard_uncertainty * math.sqrt(2)
    )
    assert few.high > assess(SKIN, d, noise()).high


@given(
    st.tuples(st.floats(5, 95), st.floats(-60, 60), st.floats(-60, 60)),
    st.tuples(*[st.floats(-4, 4)] * 3),
    st.floats(1e-4, 1.0),
)
@settings(max_examples=25, deadline=None)
def test_the_interval_holds_the_value(
    reference: tuple[float, float, float], difference: tuple[float, float, float], scale: float
) -> None:
    found = assess(np.array(reference), np.array(difference), noise(NOISE * scale), slope_residual=0.1)
    assert 0 <= found.low <= found.value <= found.high < math.inf


# --- two readings of one camera ---------------------------------------------------------------------------


def test_errors_of_the_model_cancel_on_one_station_only(cell: colour_coverage.Cell) -> None:
    reading = Light(np.array([0.4, 0.3, 0.2]), np.eye(3) * 1e-8)
    alone = colour_difference(reading, reading, cell.calibration)
    assert {line.name for line in alone.lines} == {"golden reading", "unit reading"}
    two = colour_difference(reading, reading, cell.calibration, golden_calibration=cell.calibration)
    assert two.high > 20 * alone.high
    assert {"golden camera", "camera"} <= {line.name for line in two.lines}


def test_the_covariance_is_that_of_drawn_readings_and_models(cell: colour_coverage.Cell) -> None:
    """Monte Carlo through the camera's model: noise of both readings, and the model's parameters."""
    rng, n, colour = (
        np.random.default_rng(8),
        40_000,
        cell.calibration.model_copy(update={"slope_residual": 0.0}),
    )
    cov = np.array([[4, 1, 0], [1, 2, 0.5], [0, 0.5, 3.0]]) * 1e-9
    golden, unit = Light(np.array([0.4, 0.3, 0.2]), cov / 5), Light(np.array([0.42, 0.3, 0.18]), cov)
    found = colour_difference(golden, unit, colour)
    model = colour.model
    drawn = rng.multivariate_normal(model.matrix.ravel(), np.array(model.covariance), n)
    matrices = drawn.reshape(n, 3, -1)

    def lab(reading: Light) -> F64:
        light = rng.multivariate_normal(reading.rgb, reading.covariance, n)
        return lab_from_xyz(np.einsum("nij,nj->ni", matrices, model.terms(light)), colour.white_xyz)

    assert np.cov(lab(unit) - lab(golden), rowvar=False) == pytest.approx(found.covariance, rel=0.1, abs=2e-4)


def test_the_lamps_correction_counts(cell: colour_coverage.Cell) -> None:
    reading = Light(np.array([0.4, 0.3, 0.2]), np.eye(3) * 1e-8)
    lamp = np.ones((3, 3)) * 0.01**2  # 1 % of brightness: dL* = (L* + 16) / 3 %
    found = colour_difference(reading, reading, cell.calibration, lamp=lamp, formula="CIE76")
    lightness = float(cell.calibration.lab(reading.rgb)[0])
    wanted = (lightness + 16) / 300
    line = next(line for line in found.lines if line.name == "lamp")
    assert line.common
    assert found.covariance[0, 0] ** 0.5 == pytest.approx(wanted, rel=0.05)


def test_two_illuminants_have_no_difference(cell: colour_coverage.Cell) -> None:
    reading = Light(np.array([0.4, 0.3, 0.2]), np.eye(3) * 1e-8)
    foreign = cell.calibration.model_copy(update={"illuminant": "A"})
    with pytest.raises(CalibrationError, match="A/2 and the unit under D65/2"):
        colour_difference(reading, reading, cell.calibration, golden_calibration=foreign)


def test_placements_tell_brightness_from_colour_and_noise() -> None:
    rng = np.random.default_rng(6)
    mean, n = np.array([0.5, 0.3, 0.2]), 4000
    factors = 1 + 0.01 * rng.standard_normal((n, 1)) + 0.003 * rng.standard_normal((n, 3))
    noisy = factors * mean + 0.001 * rng.standard_normal((n, 3))
    found = Repeatability.of([Light(rgb, np.eye(3) * 1e-6) for rgb in noisy])
    relative = found.covariance / np.outer(mean, mean)
    assert math.sqrt(relative[0, 1]) == pytest.approx(0.01, rel=0.05)
    assert math.sqrt(np.trace(relative) / 3 - relative[0, 1]) == pytest.approx(0.003, rel=0.1)
    assert found.placements == n


# --- slopes -----------------------------------------------------------------------------------------------


def test_slopes_are_found_and_shrunk() -> None:
    rng = np.random.default_rng(7)
    lab = np.column_stack((rng.uniform(20, 90, 60), rng.uniform(-50, 50, (60, 2))))
    perfect, bent = slope_residual(lab, lab), slope_residual(lab, lab + rng.normal(0, 2.0, lab.shape))
    assert 0 < perfect < 0.4 * ORDINARY
    assert bent > 2 * ORDINARY
    few = slope_residual(lab[:6], lab[:6])
    assert perfect < few < ORDINARY


def test_slopes_need_patches() -> None:
    with pytest.raises(CalibrationError, match="at least 4 patches"):
        slope_residual(np.zeros((3, 3)), np.zeros((3, 3)))


def test_the_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    colour_coverage.main(["--scenes", "6", "--seed", "4"])
    said = capsys.readouterr().out
    assert "One station" in said
    assert "Two stations" in said
