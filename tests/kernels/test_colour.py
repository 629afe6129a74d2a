"""CIEDE2000 and L*a*b* against the published pairs and against scikit-image."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000, rgb2lab

from kernels.colour import ciede2000, lab_from_linear

# Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula: implementation notes, supplementary
# test data, and mathematical observations", Color Research and Application 30 (2005) 21-30, table 1.
# Columns: L1, a1, b1, L2, a2, b2, Delta E00.
SHARMA = (
    (50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425),
    (50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615),
    (50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412),
    (50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669),
    (50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461),
    (50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065),
    (50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492),
    (50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977),
    (50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030),
    (50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000),
    (60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644),
    (63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630),
    (61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731),
    (35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645),
    (22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373),
    (36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146),
    (90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441),
    (90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381),
    (6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377),
    (2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082),
)


@pytest.mark.parametrize("pair", range(1, 35))
def test_published_pairs_are_met_in_both_directions(pair: int) -> None:
    row = SHARMA[pair - 1]
    one, two = np.array(row[:3]), np.array(row[3:6])
    assert ciede2000(one, two) == pytest.approx(row[6], abs=1e-4)
    assert ciede2000(two, one) == pytest.approx(row[6], abs=1e-4)


def test_random_pairs_agree_with_scikit_image_away_from_opposite_hues() -> None:
    rng = np.random.default_rng(7)
    one = rng.uniform((0, -110, -110), (100, 110, 110), (20_000, 3))
    two = np.where(rng.random((20_000, 1)) < 0.5, one + rng.normal(0, 3, one.shape), rng.permutation(one))
    hue = [np.degrees(np.arctan2(c[:, 2], c[:, 1])) for c in (one, two)]
    apart = np.abs(np.mod(hue[0] - hue[1], 360) - 180) > 30  # a' differs from a by up to half
    one, two = one[apart], two[apart]
    assert len(one) > 10_000
    ours = np.array([ciede2000(a, b) for a, b in zip(one, two, strict=True)])
    np.testing.assert_allclose(ours, deltaE_ciede2000(one, two), atol=1e-9)


lab = st.tuples(st.floats(0, 100), st.floats(-128, 128), st.floats(-128, 128))


@given(lab, lab)
def test_the_difference_is_finite_symmetric_and_zero_of_a_colour_to_itself(
    one: tuple[float, float, float], two: tuple[float, float, float]
) -> None:
    a, b = np.array(one), np.array(two)
    value = ciede2000(a, b)
    assert math.isfinite(value)
    assert value >= 0
    assert ciede2000(a, a) == pytest.approx(0, abs=1e-7)
    hue = [math.degrees(math.atan2(c[2], c[1])) for c in (a, b)]
    if abs((hue[0] - hue[1]) % 360 - 180) > 30:
        assert ciede2000(b, a) == pytest.approx(value, abs=1e-7)


def test_lab_agrees_with_scikit_image_to_the_rounding_of_the_matrix() -> None:
    rng = np.random.default_rng(3)
    codes = np.concatenate((rng.random((20_000, 3)), rng.random((2_000, 3)) * 0.03))
    codes = np.concatenate((codes, [[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]))
    linear = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    theirs = rgb2lab(codes, illuminant="D65", observer="2")
    np.testing.assert_allclose(lab_from_linear(linear), theirs, atol=0.02)


def test_equal_channels_are_neutral_and_white_is_100() -> None:
    grey = np.repeat(np.linspace(0, 1, 101)[:, None], 3, axis=1)
    converted = lab_from_linear(grey)
    np.testing.assert_allclose(converted[:, 1:], 0, atol=1e-10)
    assert converted[0, 0] == pytest.approx(0, abs=1e-12)
    assert converted[-1, 0] == pytest.approx(100, abs=1e-12)
    # CIE 15: L* of 18.418 651 85 % reflectance is 50
    assert lab_from_linear(np.full(3, 0.184186518))[0] == pytest.approx(50, abs=1e-5)


def test_lab_keeps_the_shape() -> None:
    assert lab_from_linear(np.zeros(3)).shape == (3,)
    assert lab_from_linear(np.zeros((4, 5, 3))).shape == (4, 5, 3)
