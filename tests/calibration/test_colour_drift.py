"""The watch over the lamp: run lengths as published, what is corrected, what is alarmed and since when."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks import lamp_drift
from benchmarks.colour_coverage import Cell, cell_of
from calibration.colour.drift import (
    MATTERS,
    LightReading,
    LightReference,
    LightState,
    LightWatch,
    WatchPlan,
    average_run_length,
    limit,
)
from calibration.errors import CheckError
from evidence.reasons import REASONS
from vision.colour.difference import delta_e

F64 = npt.NDArray[np.float64]
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
TILE = np.array([0.6, 0.7, 0.5])
NOISE = 2e-4  # relative, each channel; on top of it a power that flickers by 0.5 %


@pytest.fixture(scope="module")
def cell() -> Cell:
    return cell_of("nikon-5100", "D65", "D65", np.random.default_rng(5))


def seen(rng: np.random.Generator, n: int, noise: float = NOISE) -> F64:
    return TILE * (1 + 0.005 * rng.standard_normal((n, 1)) + noise * rng.standard_normal((n, 3)))


def watch_of(cell: Cell, noise: float = NOISE, *, tolerance: float = 1.0, every: float = 8.0) -> LightWatch:
    reference = LightReference.of(seen(np.random.default_rng(1), 40, noise))
    return LightWatch(reference, cell.calibration, WatchPlan(every_hours=every, tolerance=tolerance))


def followed(watch: LightWatch, light: F64) -> tuple[LightState, ...]:
    every = timedelta(hours=watch.plan.every_hours)
    readings = [LightReading(BEGAN + (i + 1) * every, rgb) for i, rgb in enumerate(light)]
    return watch.follow(readings, BEGAN)


def redder(share: float | F64) -> F64:
    """Factors (3,) or (n, 3) of a light whose red grows by this share."""
    return 1 + np.multiply.outer(share, np.array([1.0, 0.0, 0.0]))


# --- run lengths ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("weight", "h_squared"), [(0.05, 7.35), (0.1, 8.66), (0.2, 9.65)])
def test_limits_give_the_published_run_length(weight: float, h_squared: float) -> None:
    """Lowry, Woodall, Champ and Rigdon (1992), table for two variables and a run length of 200."""
    assert average_run_length(math.sqrt(h_squared), weight) == pytest.approx(200, rel=0.015)


def test_a_simulated_average_runs_as_long_as_computed() -> None:
    rng, weight, runs = np.random.default_rng(2), 0.2, 4000
    h = limit(40.0, weight)
    average, length = np.zeros((runs, 2)), np.zeros(runs)
    going = np.ones(runs, bool)
    while going.any():
        average += weight * (rng.standard_normal((runs, 2)) - average)
        length += going
        going &= (average**2).sum(axis=1) <= h**2 * weight / (2 - weight)
    assert length.mean() == pytest.approx(40, rel=0.05)


@pytest.mark.parametrize("run_length", [2.0, 90.0, 1e6])
def test_the_limit_has_the_run_length_asked(run_length: float) -> None:
    assert average_run_length(limit(run_length, 0.2), 0.2) == pytest.approx(run_length, rel=1e-4)


# --- what is corrected ------------------------------------------------------------------------------------


def test_a_change_of_power_is_corrected_and_no_alarm(cell: Cell) -> None:
    rng, watch = np.random.default_rng(3), watch_of(cell)
    states = followed(watch, 0.9 * seen(rng, 60))
    assert {s.status for s in states} == {"ok"}
    assert states[-1].power == pytest.approx(0.9, rel=0.02)
    assert states[-1].delta_e < 0.05
    assert watch.gain(states[-1]).factors == pytest.approx(1 / 0.9, rel=0.005)


def test_the_power_of_a_coloured_tile_is_no_colour(cell: Cell) -> None:
    rng, tile = np.random.default_rng(3), np.array([0.5, 0.1, 0.05])
    flickering = seen(rng, 40) / TILE * tile * (1 + 0.05 * rng.standard_normal((40, 1)))
    watch = LightWatch(LightReference.of(flickering), cell.calibration, WatchPlan())
    assert watch.detectable == MATTERS
    states = followed(watch, 0.9 * seen(rng, 60) / TILE * tile)
    assert {s.status for s in states} == {"ok"}
    assert states[-1].delta_e < 0.05


def test_a_power_that_no_gain_corrects_is_alarmed(cell: Cell) -> None:
    states = followed(watch_of(cell), 0.7 * seen(np.random.default_rng(3), 3))
    assert [(s.status, s.why) for s in states] == [
        ("suspect", "power"),
        ("alarm", "power"),
        ("alarm", "power"),
    ]
    assert states[2].since == states[1].time


def test_the_tile_in_the_frame_restores_the_light(cell: Cell) -> None:
    watch, now = watch_of(cell), TILE * [1.01, 0.95, 0.97]
    gain = watch.frame_gain(now, np.eye(3) * 1e-10)
    assert now * gain.factors == pytest.approx(np.array(watch.reference.rgb))
    assert (np.linalg.eigvalsh(gain.covariance) > 0).all()
    # power alone: the channels follow alike, and a quarter of the change may be the tile's own
    darker = watch.frame_gain(0.95 * np.array(watch.reference.rgb), np.eye(3) * 1e-10)
    alike = (0.25 * np.log(0.95)) ** 2
    np.testing.assert_allclose(darker.covariance, np.full((3, 3), alike), atol=1e-3 * alike)
    # colour alone, at the same power: half of each channel's change may not be other colours'
    share = watch.calibration.model.jacobian(np.array(watch.reference.rgb))[1] * np.array(watch.reference.rgb)
    change = np.array([0.02, -0.01, 0.0])
    change = change - share @ change / share.sum()
    tinted = watch.frame_gain(np.array(watch.reference.rgb) * np.exp(change), np.eye(3) * 1e-10)
    np.testing.assert_allclose(np.diag(tinted.covariance), (0.5 * change) ** 2, rtol=1e-3, atol=1e-8)


# --- what is alarmed --------------------------------------------------------------------------------------


def test_a_slow_drift_is_alarmed_before_a_third_of_the_tolerance(cell: Cell) -> None:
    rng, watch = np.random.default_rng(4), watch_of(cell)
    red = np.linspace(0, 0.006, 200)
    states = followed(watch, seen(rng, 200) * redder(red))
    first = next(i for i, s in enumerate(states) if s.status != "ok")
    before, after = (cell.calibration.lab(TILE * factors) for factors in (np.ones(3), redder(red[first])))
    assert states[first].status == "alarm"
    assert states[first].why == "drift"
    after[0] = before[0]  # power is no drift
    assert 0.15 < float(delta_e(before, after)) < 1 / 3
    assert states[-1].since == states[first].since == states[first].time
    doubt = states[-1].doubt
    assert doubt is not None
    assert BEGAN < doubt.after < states[first].time
    assert states[-1].reason == "light_drifted"
    assert "light_drifted" in REASONS


def test_a_drift_that_does_not_matter_is_no_alarm_however_sure(cell: Cell) -> None:
    rng = np.random.default_rng(6)
    light = seen(rng, 100, 5e-5) * redder(0.0015)
    coarse, fine = (followed(watch_of(cell, 5e-5, tolerance=t), light)[-1] for t in (1.0, 0.3))
    assert 0.3 * MATTERS < coarse.delta_e < MATTERS
    assert coarse.status == "ok"
    assert fine.status == "alarm"


def test_a_hand_over_the_tile_is_no_drift(cell: Cell) -> None:
    rng, watch = np.random.default_rng(7), watch_of(cell)
    light = seen(rng, 20)
    light[10] *= [1.2, 1.0, 0.8]
    states = followed(watch, light)
    assert [s.status for s in states[9:12]] == ["ok", "suspect", "ok"]
    assert (states[10].average == states[9].average).all()
    assert states[10].reason == "light_drifted"
    assert states[11].doubt is None


def test_another_lamp_is_alarmed_at_the_second_reading(cell: Cell) -> None:
    states = followed(watch_of(cell), seen(np.random.default_rng(8), 5) * redder(0.05))
    assert [s.status for s in states] == ["suspect", "alarm", "alarm", "alarm", "alarm"]
    assert states[-1].why == "jump"


def test_light_that_comes_back_is_ok_again(cell: Cell) -> None:
    rng = np.random.default_rng(9)
    light = seen(rng, 60)
    light[10:20] *= redder(0.005)
    states = followed(watch_of(cell), light)
    assert "alarm" in {s.status for s in states[10:20]}
    assert states[-1].status == "ok"
    assert states[-1].since > states[20].time - timedelta(days=1)


def test_false_alarms_keep_within_what_was_asked(cell: Cell) -> None:
    """12 references, each with 400 readings: 133 days at one reading a shift; one in 60 days is asked."""
    rng, count = np.random.default_rng(10), 0
    for _ in range(12):
        reference = LightReference.of(seen(rng, 40, 2e-3))  # so noisy that every excess matters
        watch = LightWatch(reference, cell.calibration, WatchPlan())
        count += excesses(watch, seen(rng, 400, 2e-3))
    assert count / 12 / (400 / 3) * 60 < 1.3


def excesses(watch: LightWatch, light: F64) -> int:
    """Return how often the light stops being ok."""
    status = ["ok", *(s.status for s in followed(watch, light))]
    return sum(a == "ok" and b != "ok" for a, b in pairwise(status))


def test_a_tile_that_is_read_coarsely_says_so(cell: Cell) -> None:
    assert watch_of(cell).detectable == MATTERS
    assert watch_of(cell, 3e-3).detectable > 0.4


# --- bad input --------------------------------------------------------------------------------------------


def test_readings_out_of_order_are_refused(cell: Cell) -> None:
    watch = watch_of(cell)
    state = watch.after(watch.start(BEGAN), LightReading(BEGAN + timedelta(hours=2), TILE))
    with pytest.raises(CheckError, match="put them in order"):
        watch.after(state, LightReading(BEGAN + timedelta(hours=2), TILE))


def test_a_tile_without_light_is_refused(cell: Cell) -> None:
    watch = watch_of(cell)
    with pytest.raises(CheckError, match="not three values above 0"):
        watch.after(watch.start(BEGAN), LightReading(BEGAN + timedelta(hours=1), TILE * [1, 0, 1]))


@pytest.mark.parametrize(
    ("light", "said"),
    [(np.tile(TILE, (12, 1)), "all alike"), (np.tile(TILE, (5, 1)), "at least 10 readings")],
)
def test_a_reference_needs_readings_that_differ(light: F64, said: str) -> None:
    with pytest.raises(CheckError, match=said):
        LightReference.of(light)


def test_a_reference_travels_as_json() -> None:
    reference = LightReference.of(seen(np.random.default_rng(1), 12))
    assert LightReference.model_validate_json(reference.model_dump_json()) == reference
    broken = reference.model_dump()
    broken["repeatability"] = ((1e-6, 0, 0), (0, 1e-6, 0), (0, 1e-6, 1e-6))
    with pytest.raises(ValueError, match="not symmetric"):
        LightReference.model_validate(broken)


def test_the_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    lamp_drift.main(["--scenes", "1", "--every", "24"])
    assert "false alarms in 30 days" in capsys.readouterr().out
