"""Average and range against the worksheet of AIAG MSA and exact constants."""

from __future__ import annotations

import math
from typing import Any

import pytest

from quality.errors import StudyError
from quality.msa import RangeConstants, Reading, average_range, crossed_study, range_constants
from tests.quality.msa.test_gage_rr import HAND, aiag, study


def test_the_published_worksheet() -> None:
    """AIAG MSA 4th ed., figure III-B 16: EV 0.20188, AV 0.22963, GRR 0.30575, PV 1.10456, ndc 5."""
    found = average_range(aiag(), range_constants_used=RangeConstants(0.5908, 0.5231, 0.3146), tolerance=8)
    assert found.ev == pytest.approx(0.20188, abs=5e-5)
    assert found.av == pytest.approx(0.22963, abs=5e-5)
    assert found.gage_rr == pytest.approx(0.30575, abs=5e-5)
    assert found.pv == pytest.approx(1.10456, abs=5e-5)
    assert found.tv == pytest.approx(1.14610, abs=5e-5)
    assert found.percent_of_study(found.gage_rr) == pytest.approx(26.68, abs=0.01)
    assert found.percent_of_tolerance(found.gage_rr) == pytest.approx(600 * found.gage_rr / 8)
    assert (found.ndc, found.factor, found.set_to_zero) == (5, "operator", False)


@pytest.mark.parametrize(
    ("shape", "printed"),
    [
        ((10, 3, 3), (0.5908, 0.5231, 0.3146)), ((10, 2, 2), (0.8862, 0.7071, 0.3146)),
        ((5, 3, 4), (1 / 2.07, 0.5231, 0.4030)), ((8, 2, 3), (0.5908, 0.7071, 0.3375)),
    ],
)  # fmt: skip
def test_constants_as_printed(shape: tuple[int, int, int], printed: tuple[float, ...]) -> None:
    """AIAG's K1 to K3 (d2* of Duncan's table up to 15 ranges: 2.07 for 15 ranges of 4)."""
    k = range_constants(*shape)
    assert (k.k1, k.k2, k.k3) == pytest.approx(printed, abs=6e-4)


def test_d2_star_always_or_only_for_few_ranges() -> None:
    assert range_constants(5, 3, 3).k1 == range_constants(5, 3, 3, repeatability="d2_star").k1
    assert range_constants(8, 2, 3).k1 == pytest.approx(1 / 1.6925687506432688, rel=1e-9)  # d2 of 3, exact
    assert range_constants(8, 2, 3, repeatability="d2_star").k1 < range_constants(8, 2, 3).k1
    exact = math.sqrt(1.1283791670955126**2 + 0.8525024664274243**2 / 4)  # d2 = 2 / sqrt(pi), d3 of 2
    assert range_constants(2, 2, 2).k1 == pytest.approx(1 / exact, rel=1e-9)
    assert range_constants(2, 2, 2).k2 == pytest.approx(1 / math.sqrt(2), rel=1e-9)


def test_by_hand() -> None:
    """Ranges 2, 2, 2, 6; stations 6 and 12; parts 4 and 14."""
    found = average_range(study(HAND), range_constants_used=RangeConstants(0.5, 0.25, 0.125))
    assert found.mean_range_by_level == (2.0, 4.0)
    assert (found.mean_range, found.range_of_levels, found.range_of_parts) == (3.0, 6.0, 10.0)
    assert found.ev == 1.5
    assert found.av_squared == pytest.approx(1.5**2 - 1.5**2 / 4)
    assert found.pv == 1.25
    assert found.upper_range_limit == pytest.approx(3 * 3.2665, abs=1e-3)
    assert found.ndc_raw == pytest.approx(1.41 * 1.25 / math.hypot(1.5, found.av))


def test_reproducibility_that_comes_out_negative_is_zero_and_says_so() -> None:
    same = {("1", "A"): [0.0, 4.0], ("1", "B"): [0.0, 4.0], ("2", "A"): [5.0, 8.0], ("2", "B"): [5.0, 8.0]}
    found = average_range(study(same))
    assert found.av_squared < 0
    assert (found.av, found.set_to_zero, found.gage_rr) == (0.0, True, found.ev)


def test_ranges_serve_up_to_25() -> None:
    assert range_constants(25, 25, 25).k1 > 0
    for shape in ((26, 2, 2), (2, 26, 2), (2, 2, 26), (1, 2, 2), (2, 1, 2), (2, 2, 1)):
        with pytest.raises(StudyError, match="ranges serve 2 to 25"):
            range_constants(*shape)
    many = [Reading(str(p), s, float(p + t)) for p in range(26) for s in "AB" for t in range(2)]
    with pytest.raises(StudyError, match="26 parts"):
        average_range(crossed_study(many, factor="station"))


@pytest.mark.parametrize("arguments", [{"tolerance": 0.0}, {"tolerance": math.nan}, {"sigmas": -1.0}])
def test_arguments_outside_their_range(arguments: dict[str, Any]) -> None:
    with pytest.raises(StudyError, match="must be positive"):
        average_range(study(HAND), **arguments)


def test_percent_of_tolerance_needs_one() -> None:
    with pytest.raises(StudyError, match="needs a tolerance"):
        average_range(study(HAND)).percent_of_tolerance(1.0)
