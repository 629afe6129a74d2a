"""Linear, sRGB or neither: decided by the grey patches, and never guessed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.colour import Chart, find_linearity
from calibration.errors import CharacterisationError
from tests.calibration.chart_readings import SPECTRA, in_frame, measured_chart, reading, station
from tests.calibration.charts import srgb

CHART = measured_chart()
LIGHT = station().rgb(SPECTRA)


def coded(codes: Any) -> Any:
    return reading(LIGHT, codes=codes)


@settings(max_examples=40)
@given(
    exposure=st.floats(0.25, 1.1),
    slope=st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)),
    camera=st.sampled_from(["nikon-5100", "industrial-2", "industrial-5"]),
    lamp=st.sampled_from(["D65", "TL84", "LED-B3"]),
)
def test_the_greys_tell_linear_from_srgb_at_any_exposure_and_falloff(
    exposure: float, slope: Any, camera: str, lamp: str
) -> None:
    light = station(camera, lamp).rgb(SPECTRA) * in_frame(slope)[:, None] * exposure
    linear = find_linearity(coded(np.round(255 * np.minimum(light, 1))), CHART)
    assert linear.verdict != "srgb"
    assert linear.slope_linear is not None
    assert abs(linear.slope_linear - 1) < 3 * (linear.u_slope_linear or 0)
    encoded = find_linearity(coded(np.round(srgb(light))), CHART)
    assert encoded.verdict == "srgb"
    assert encoded.slope_srgb == pytest.approx(1, abs=3 * (encoded.u_slope_srgb or 0))


@pytest.mark.parametrize("slope", [(0.0, 0.0), (-0.15, 0.1)])
def test_a_linear_camera_at_an_ordinary_exposure_is_known_as_such(slope: Any) -> None:
    found = find_linearity(coded(255 * LIGHT * in_frame(slope)[:, None]), CHART)
    assert found.verdict == "linear"
    assert found.decide(None) == found.decide("linear") == "linear"
    assert (found.departure("linear") or 1) < 0.08 < (found.departure("srgb") or 0)


@pytest.mark.parametrize("exposure", [0.4, 0.6])
def test_a_short_exposure_of_a_linear_camera_is_known_by_what_srgb_would_bend(exposure: float) -> None:
    found = find_linearity(coded(np.round(255 * LIGHT * exposure)), CHART)
    assert found.verdict == "linear"


def test_between_the_two_nothing_is_guessed() -> None:
    found = find_linearity(coded(255 * LIGHT ** (1 / 1.5)), CHART)
    assert found.verdict == "undecided"
    with pytest.raises(CharacterisationError, match=r"cannot be told.*state --transfer"):
        found.decide(None)
    assert found.decide("srgb") == "srgb"


def test_what_is_stated_must_not_contradict_the_greys() -> None:
    found = find_linearity(coded(255 * LIGHT), CHART)
    with pytest.raises(
        CharacterisationError, match="transfer srgb is stated, but the grey patches show linear"
    ):
        found.decide("srgb")


def test_a_tone_curve_is_told_by_its_departure() -> None:
    plain = find_linearity(coded(srgb(LIGHT)), CHART)
    curve = srgb(LIGHT) / 255
    curve += 0.25 * curve * (1 - curve) * (2 * curve - 1)  # contrast, as a telephone adds it
    bent = find_linearity(coded(255 * curve), CHART)
    assert (plain.departure("srgb") or 1) < 0.05
    assert (bent.departure("srgb") or 0) > 0.1


def test_black_and_deep_codes_are_taken_off() -> None:
    black, white = 240.0, 4095
    codes = black + (white - black) * LIGHT * 0.5
    assert find_linearity(coded(codes), CHART, white=white, black=black).verdict == "linear"
    ignored = find_linearity(coded(codes), CHART, white=white)
    assert (ignored.slope_linear or 1) < 0.85  # an unknown black level bends the row


def test_greys_that_are_clipped_or_dark_do_not_count() -> None:
    patches = coded(255 * np.minimum(LIGHT * 2.5, 1))
    patches.clipped[18:20] = 1.0
    assert find_linearity(patches, CHART).patches == ("21", "22", "23", "24")
    assert find_linearity(coded(255 * LIGHT * 0.02), CHART).verdict == "undecided"


def test_a_chart_without_greys_leaves_it_open() -> None:
    found = find_linearity(coded(255 * LIGHT), CHART.model_copy(update={"grey": ()}))
    assert found.verdict == "undecided"
    with pytest.raises(CharacterisationError, match="too few usable grey patches"):
        found.decide(None)


def test_an_lab_picture_given_as_rgb_is_refused() -> None:
    lab = CHART.lab
    codes = np.column_stack((lab[:, 0] * 2.55, lab[:, 1] + 128, lab[:, 2] + 128))
    with pytest.raises(
        CharacterisationError, match=r"green and blue stay near half scale.*L\*a\*b\* or YCbCr"
    ):
        find_linearity(coded(codes), CHART)


def test_a_mirrored_grey_row_is_refused() -> None:
    mirrored = LIGHT.reshape(4, 6, 3)[:, ::-1].reshape(24, 3)
    with pytest.raises(CharacterisationError, match=r"codes R, G, B .* for the lightest.*one that is turned"):
        find_linearity(coded(255 * mirrored), CHART)


def test_the_built_in_chart_serves_too() -> None:
    assert find_linearity(coded(255 * LIGHT), Chart.open("classic-before-2014")).verdict == "linear"
