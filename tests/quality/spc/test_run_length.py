"""Average run lengths against published tables, closed forms, and other ways to compute them."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from quality.spc import (
    AIAG,
    NELSON,
    SHEWHART,
    WESTERN_ELECTRIC,
    CusumDesign,
    EwmaDesign,
    false_alarm_arl,
    rule_set,
)
from quality.spc.run_length import SIMULATED, cusum_arl, ewma_arl, zone_rules_arl
from quality.spc.simulated_run_length import first_signals, simulate


def test_one_point_beyond_three_standard_errors() -> None:
    shown = false_alarm_arl(SHEWHART)
    assert shown.arl == pytest.approx(1 / (2 * stats.norm.sf(3)), rel=1e-12)
    assert round(shown.arl, 1) == 370.4
    assert shown.record() == {"arl": shown.arl, "standard_error": 0.0, "method": "computed"}


# Champ and Woodall 1987, table 1, in control (shift 0), and at a shift of one standard error.
@pytest.mark.parametrize(
    ("numbers", "in_control", "shifted"),
    [((1,), 370.40, 43.89), ((1, 2), 225.44, 20.01), ((1, 3), 166.05, 12.66), ((1, 4), 152.73, 14.58),
     ((1, 2, 3, 4), 91.75, 9.22)],
)  # fmt: skip
def test_western_electric_rules_as_published(
    numbers: tuple[int, ...], in_control: float, shifted: float
) -> None:
    chosen = rule_set("western_electric", *numbers)
    assert false_alarm_arl(chosen).arl == pytest.approx(in_control, abs=0.006)
    assert zone_rules_arl(chosen.rules, shift=1.0) == pytest.approx(shifted, abs=0.006)


@pytest.mark.parametrize(("family", "run"), [("nelson", 9), ("aiag", 7)])
def test_runs_on_one_side_have_a_closed_form(family: str, run: int) -> None:
    # Waiting for `run` equal throws of a coin takes 2^run - 1 on average.
    assert false_alarm_arl(rule_set(family, 2)).arl == pytest.approx(2**run - 1, rel=1e-9)


@pytest.mark.parametrize(("number", "run", "chance"), [(7, 15, 0.6826894921), (8, 8, 0.3173105079)])
def test_runs_within_and_outside_have_a_closed_form(number: int, run: int, chance: float) -> None:
    expected = (1 - chance**run) / ((1 - chance) * chance**run)
    assert false_alarm_arl(rule_set("nelson", number)).arl == pytest.approx(expected, rel=1e-7)


# Montgomery, Introduction to Statistical Quality Control, tables 9.3, 9.4; Lucas and Crosier 1982.
@pytest.mark.parametrize(
    ("design", "shift", "published", "digits"),
    [(CusumDesign(0.5, 4), 0.0, 168, 0), (CusumDesign(0.5, 5), 0.0, 465, 0),
     (CusumDesign(0.5, 5), 1.0, 10.4, 1), (CusumDesign(0.5, 4), 1.0, 8.38, 2),
     (CusumDesign(0.5, 5), 0.5, 38.0, 1),
     (CusumDesign(0.5, 5), 2.0, 4.01, 2),
     (CusumDesign(0.5, 5, 2.5), 0.0, 430, 0), (CusumDesign(0.5, 4, 2.0), 0.0, 149, 0)],
)  # fmt: skip
def test_cusum_as_published(design: CusumDesign, shift: float, published: float, digits: int) -> None:
    assert round(cusum_arl(design, shift), digits) == published
    assert cusum_arl(design, -shift) == pytest.approx(cusum_arl(design, shift), rel=1e-12)


def test_cusum_designs_for_an_arl_of_370() -> None:
    for k, h in ((0.25, 8.01), (0.5, 4.77), (0.75, 3.34), (1.0, 2.52), (1.25, 1.99), (1.5, 1.61)):
        assert false_alarm_arl(CusumDesign(k, h)).arl == pytest.approx(370, rel=0.02)  # h is printed to 0.01


# Lucas and Saccucci 1990, doi:10.1080/00401706.1990.10484583: weight and width for 500; ARL at a shift of 1.
@pytest.mark.parametrize(
    ("weight", "width", "shifted"), [(0.1, 2.814, 10.3), (0.25, 2.998, 11.1), (0.4, 3.054, 14.3)]
)
def test_ewma_as_published(weight: float, width: float, shifted: float) -> None:
    design = EwmaDesign(weight, width)
    assert ewma_arl(design, asymptotic=True) == pytest.approx(500, rel=0.001)
    assert round(ewma_arl(design, 1.0, asymptotic=True), 1) == shifted


def test_exact_ewma_limits_by_simulation() -> None:
    design, runs = EwmaDesign(0.1, 2.2), 20_000
    rng = np.random.default_rng(5)
    average, lengths = np.zeros(runs), np.zeros(runs)
    alive, point = np.arange(runs), 0
    while alive.size:
        point += 1
        average = 0.9 * average + 0.1 * rng.standard_normal(alive.size)
        stays = np.abs(average) <= 2.2 * math.sqrt(0.1 / 1.9 * (1 - 0.9 ** (2 * point)))
        lengths[alive[~stays]] = point
        average, alive = average[stays], alive[stays]
    error = lengths.std() / math.sqrt(runs)
    assert ewma_arl(design) == pytest.approx(lengths.mean(), abs=4 * error)
    assert ewma_arl(design, asymptotic=True) > lengths.mean() + 4 * error
    assert false_alarm_arl(EwmaDesign(1.0, 3.0)).arl == pytest.approx(370.398, abs=0.001)


def monotone(steps: int, cells: int, *, alternating: bool) -> float:
    """ARL of `steps` steps in a row up or down, or in turn, of values on a grid; error about cells^-2."""
    v = (np.arange(cells) + 0.5) / cells
    above = (np.triu(np.ones((cells, cells)), 1) + np.eye(cells) / 2) / cells
    below = above.T
    mirror = np.eye(cells)[::-1]
    size = steps - 1
    moves = np.zeros((size * cells, size * cells))
    for r in range(size):  # state r: r + 1 steps count, the last one went up; mirrored if it went down
        rows = slice(r * cells, (r + 1) * cells)
        counting, breaking = (below @ mirror, above) if alternating else (above, below @ mirror)
        if r + 1 < size:
            moves[rows, (r + 1) * cells : (r + 2) * cells] += counting
        moves[rows, :cells] += breaking
    lengths = np.linalg.solve(np.eye(size * cells) - moves, np.ones(size * cells))[:cells]
    after_first = 1 + above @ lengths + below @ mirror @ lengths
    assert v.size == cells
    return 1 + float(after_first.mean())


@pytest.mark.parametrize(("number", "steps", "cells", "alternating"), [(3, 5, 150, False), (4, 13, 60, True)])
def test_trend_and_alternation_agree_with_an_integral_equation(
    number: int, steps: int, cells: int, alternating: bool
) -> None:
    coarse, fine = (monotone(steps, c, alternating=alternating) for c in (cells, 2 * cells))
    exact = fine + (fine - coarse) / 3
    shown = false_alarm_arl(rule_set("nelson", number))
    assert shown.method == "simulated"
    assert shown.standard_error < 0.001 * shown.arl
    assert shown.arl == pytest.approx(exact, abs=4 * shown.standard_error)


def test_all_nelson_rules_alarm_about_every_74_points() -> None:
    nelson, aiag = false_alarm_arl(NELSON), false_alarm_arl(AIAG)
    assert nelson.arl == pytest.approx(73.5, abs=0.3)
    assert aiag.arl < nelson.arl < false_alarm_arl(WESTERN_ELECTRIC).arl < false_alarm_arl(SHEWHART).arl
    assert nelson.standard_error == pytest.approx(0.068, abs=0.01)


def test_the_simulation_agrees_with_the_chain() -> None:
    chosen = rule_set("nelson", 1, 2, 5, 6, 7, 8)
    rng = np.random.default_rng(8)
    lengths = first_signals(chosen.rules, 4_000, rng, until=[0]).min(axis=0)
    exact = false_alarm_arl(chosen)
    assert exact.method == "computed"
    assert lengths.mean() == pytest.approx(exact.arl, abs=4 * lengths.std() / math.sqrt(4_000))


def test_the_data_are_what_their_command_makes() -> None:
    data = json.loads(SIMULATED.read_bytes())
    assert data["runs"] == 1_000_000
    assert data["made_by"].startswith("python -m quality.spc.simulated_run_length")
    few = simulate(500, seed=3)
    assert few.keys() == data["arl"].keys()
    for name, (arl, error) in few.items():
        assert data["arl"][name][0] == pytest.approx(arl, abs=5 * error)
    assert simulate(40, seed=3) == simulate(40, seed=3)
