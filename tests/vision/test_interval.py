"""Learned intervals: centred on the units wherever the golden sample lies, which passes all the same."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.compiled import F32, U8
from vision.surface.interval import golden_interval, holding, learned_interval
from vision.surface.tally import Tally

SIDE, MEAN, SIGMA = 60, 120.0, 6.0
NOWHERE = np.zeros((SIDE, SIDE), np.bool_)


def drawn(rng: np.random.Generator, mean: float, sigma: float, units: int) -> U8:
    """Return units of normal codes, (units, SIDE, SIDE, 3)."""
    codes = rng.normal(mean, sigma, (units, SIDE, SIDE, 3))
    return np.clip(np.rint(codes), 0, 255).astype(np.uint8)


def tallied(units: U8) -> Tally:
    tally = Tally.empty(SIDE, SIDE)
    for codes in units:
        tally = tally.plus(codes, NOWHERE)
    return tally


def learned_from(units: U8, golden: U8) -> tuple[F32, F32]:
    foreseen = golden_interval(golden)
    learned = learned_interval(foreseen, tallied(units).spread(), len(units), NOWHERE)
    return holding(learned, golden, foreseen).bounds


def outside(codes: U8, bounds: tuple[F32, F32]) -> float:
    return float(((codes < bounds[0]) | (codes > bounds[1])).mean())


@pytest.mark.parametrize("n", [4, 5, 10, 20, 60])
@pytest.mark.parametrize("away", [0, 1, 2, 3, -3])
def test_wherever_the_golden_sample_lies_good_units_pass_and_defects_on_either_side_do_not(
    n: int, away: int
) -> None:
    """Mean of units and golden sample are `away` standard deviations apart; 0.001 of good values may fail."""
    rng = np.random.default_rng([n, away + 3])
    golden = np.full((SIDE, SIDE, 3), MEAN + away * SIGMA, np.uint8)
    bounds = learned_from(drawn(rng, MEAN, SIGMA, n), golden)
    assert outside(drawn(rng, MEAN, SIGMA, 40), bounds) < 0.0015
    assert outside(drawn(rng, float(golden[0, 0, 0]), 2.0, 40), bounds) < 0.0001  # the golden sample again
    # 4.2 to 3.4 standard deviations are the interval of 4 to 60 units, whose mean is not sure
    for side in (-1, 1):
        defect = drawn(rng, MEAN + side * 7.2 * SIGMA, 1.0, 5)
        assert outside(defect, bounds) > 0.998, side
    far = bounds[1] if away <= 0 else -bounds[0] + 2 * MEAN
    reach = (float(np.median(far)) - MEAN) / SIGMA
    assert reach < {4: 4.3, 5: 4.2, 10: 3.9, 20: 3.7, 60: 3.5}[n], "no wider where the golden sample is not"


def test_a_golden_sample_far_off_passes_with_its_own_tolerance_and_no_more() -> None:
    rng = np.random.default_rng(1)
    golden = np.full((SIDE, SIDE, 3), 60, np.uint8)
    low, high = learned_from(drawn(rng, 150, 2.0, 10), golden)
    assert (low == 60 - 9).all()
    assert np.median(high) == pytest.approx(150 + 9, abs=1)


@pytest.mark.parametrize(("golden", "units"), [(250, 225), (241, 180), (3, 12), (252, 250)])
def test_at_the_ends_of_the_scale_both_the_golden_sample_and_the_units_pass(golden: int, units: int) -> None:
    rng = np.random.default_rng(2)
    image = np.full((SIDE, SIDE, 3), golden, np.uint8)
    bounds = learned_from(drawn(rng, units, 1.5, 8), image)
    assert outside(drawn(rng, units, 1.5, 20), bounds) < 0.001
    assert outside(drawn(rng, golden, 1.5, 20), bounds) < 0.001
    if golden >= 240:
        assert (bounds[1] >= 255).all(), "may be brighter than it shows"


def test_beside_an_edge_the_units_mean_is_the_middle_not_that_of_the_codes_nearby() -> None:
    rng = np.random.default_rng(3)
    golden = np.full((SIDE, SIDE, 3), 60, np.uint8)
    golden[:, 30:] = 160
    units = np.clip(np.rint(golden + rng.normal(0, 2.0, (10, SIDE, SIDE, 3))), 0, 255).astype(np.uint8)
    low, high = learned_from(units, golden)
    for column, code in ((29, 60.0), (30, 160.0)):
        middle = (low[:, column] + high[:, column]) / 2
        assert np.median(middle) == pytest.approx(code, abs=1.5)
        assert (low[:, column] <= code - 9).all()
        assert (high[:, column] >= code + 9).all()


def test_the_mean_without_the_farthest_is_as_unsure_as_its_draws_say() -> None:
    """By Monte Carlo, independent of the intervals: (1 + 3 / n) / n of a unit's variance."""
    rng = np.random.default_rng(4)
    for n in (4, 5, 7, 10, 20, 60):
        values = rng.normal(size=(60_000, n))
        farthest = np.abs(values - values.mean(axis=1, keepdims=True)).argmax(axis=1)
        kept = (values.sum(axis=1) - values[np.arange(len(values)), farthest]) / (n - 1)
        assert kept.var() == pytest.approx((1 + 3 / n) / n, rel=0.12)


def test_an_edge_that_units_repeat_is_tolerated_as_they_show_it() -> None:
    golden = np.full((SIDE, SIDE, 3), 60, np.uint8)
    golden[:, 30:] = 160
    low, high = learned_from(np.stack([golden] * 20), golden)
    for column, code in ((29, 60), (30, 160)):  # 34 codes by the golden image alone, and those of either side
        assert (np.abs(np.stack((low, high))[:, :, column] - code) < 16).all()


@pytest.mark.parametrize("confirmed", [False, True])
def test_what_varies_in_a_place_that_units_share_widens_nothing_beside_it(confirmed: bool) -> None:
    units = drawn(np.random.default_rng(6), MEAN, 2.0, 10)
    units[::2, :, 20:40] += np.uint8(80)
    shared = NOWHERE.copy()
    shared[:, 20:40] = True
    spread = tallied(units).spread()
    foreseen = golden_interval(np.full((SIDE, SIDE, 3), 120, np.uint8))
    alone = NOWHERE if confirmed else shared
    low, high = learned_interval(foreseen, spread, 10, alone, shared).bounds
    width = (high - low).max(axis=2)
    assert width[~shared].max() <= 22
    assert (width[:, 22:38].min() > 160) == confirmed
    low, high = learned_interval(foreseen, spread, 10, NOWHERE).bounds
    assert (high - low)[:, 14:46].min() > 60, "or it would"
