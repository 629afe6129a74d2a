"""Fused colour differences of images against the exact formula, scikit-image and closed forms."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from skimage.color import deltaE_ciede2000

from kernels.colour import ciede2000, differences, lab_from_linear
from kernels.delta_e import delta_e_images, delta_e_map, lab_map
from kernels.light import decoding_table
from tests.kernels.test_colour import SHARMA

F32 = npt.NDArray[np.float32]
# linear sRGB to XYZ over its own white, IEC 61966-2-1
MATRIX = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
MATRIX = (MATRIX / MATRIX.sum(axis=1, keepdims=True)).astype(np.float32)
TABLES = np.stack([decoding_table("srgb")] * 3)


def planes(lab: npt.ArrayLike) -> F32:
    """Return (n, 3) colours as an image (3, 1, n)."""
    return np.ascontiguousarray(np.asarray(lab, np.float32).T[:, None])


def fused(one: npt.ArrayLike, two: npt.ArrayLike) -> F32:
    reference, sample = planes(one), planes(two)
    out = np.empty(reference.shape[1:], np.float32)
    delta_e_images(reference, sample, out)
    return out[0]


def unlike_hues(one: npt.NDArray[np.float64], two: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return whether hues, as the formula sees them, are clear of 180 degrees apart by a hundredth."""
    c = (np.hypot(one[:, 1], one[:, 2]) + np.hypot(two[:, 1], two[:, 2])) / 2
    g = 1.5 - 0.5 * np.sqrt(c**7 / (c**7 + 25.0**7))
    hue = [np.degrees(np.arctan2(lab[:, 2], g * lab[:, 1])) for lab in (one, two)]
    return np.abs(np.mod(hue[0] - hue[1], 360) - 180) > 0.01


def test_published_pairs_are_met_in_single_precision() -> None:
    rows = np.array(SHARMA)  # pairs 10 and 14 are ties of the hue
    np.testing.assert_allclose(fused(rows[:, :3], rows[:, 3:6]), rows[:, 6], atol=1e-4)
    np.testing.assert_allclose(fused(rows[:, 3:6], rows[:, :3]), rows[:, 6], atol=1e-4)


def test_random_pairs_agree_with_the_exact_formula_and_with_scikit_image() -> None:
    rng = np.random.default_rng(11)
    one = rng.uniform((0, -110, -110), (100, 110, 110), (200_000, 3))
    near = one + rng.normal(0, 2, one.shape) * rng.random((200_000, 1))
    two = np.where(rng.random((200_000, 1)) < 0.6, near, rng.permutation(one))
    one, two = one.astype(np.float32).astype(np.float64), two.astype(np.float32).astype(np.float64)
    clear = unlike_hues(one, two)
    assert clear.mean() > 0.999
    got = fused(one, two)[clear]
    np.testing.assert_allclose(got, differences(0, one, two)[clear], atol=1e-3)
    np.testing.assert_allclose(got, deltaE_ciede2000(one, two)[clear], atol=1e-3)


@pytest.mark.parametrize("chroma", [0.0, 1e-7, 1e-3])
def test_greys_have_no_hue_and_no_nan(chroma: float) -> None:
    grey, beside = [[50.0, chroma, 0.0]] * 3, [[50.0, 0.0, 0.0], [60.0, 0.0, 0.0], [50.0, 0.0, -chroma]]
    exact = [ciede2000(np.array(a), np.array(b)) for a, b in zip(grey, beside, strict=True)]
    np.testing.assert_allclose(fused(grey, beside), exact, atol=1e-4)


@pytest.mark.parametrize("chroma", [0.0, 5.6e-14, 1e-9, 1e-4])
def test_a_grey_beside_strong_colours_has_no_hue_difference(chroma: float) -> None:
    rng = np.random.default_rng(12)
    colours = rng.uniform((20, -70, -70), (90, 70, 70), (500, 3)).astype(np.float32).astype(np.float64)
    greys = np.column_stack((rng.uniform(10, 95, 500), np.full(500, chroma), np.full(500, -chroma / 2)))
    greys = greys.astype(np.float32).astype(np.float64)
    np.testing.assert_allclose(fused(colours, greys), differences(0, colours, greys), atol=2e-3)
    np.testing.assert_allclose(fused(greys, colours), differences(0, greys, colours), atol=2e-3)


def frame(rng: np.random.Generator, height: int = 12, width: int = 37) -> npt.NDArray[np.uint8]:
    return rng.integers(0, 256, (height, width, 3), np.uint8)


def test_a_map_of_codes_is_what_the_exact_steps_give() -> None:
    rng = np.random.default_rng(5)
    codes, golden = frame(rng), frame(rng)
    golden = (0.7 * golden + 0.3 * codes).astype(np.uint8)
    flat = rng.uniform(0.8, 1.2, (3, 12, 37)).astype(np.float32)
    reference = np.empty((3, 12, 37), np.float32)
    lab_map(golden, TABLES, np.ones_like(flat), MATRIX, 1, reference)
    exact_golden = lab_from_linear(TABLES[0][golden].astype(np.float64))
    np.testing.assert_allclose(np.moveaxis(reference, 0, 2), exact_golden, atol=2e-4)
    out = np.empty((12, 37), np.float32)
    delta_e_map(codes, TABLES, flat, MATRIX, reference, 1, out)
    light = TABLES[0][codes].astype(np.float64) * np.moveaxis(flat, 0, 2)
    lab = lab_from_linear(light).reshape(-1, 3)
    golden_lab = exact_golden.reshape(-1, 3)
    clear = unlike_hues(golden_lab, lab)
    np.testing.assert_allclose(out.ravel()[clear], differences(0, golden_lab, lab)[clear], atol=1.5e-3)


def test_means_of_pixels_are_taken_in_light_and_an_odd_rest_is_left_out() -> None:
    rng = np.random.default_rng(6)
    codes = frame(rng, 13, 21)
    flat = rng.uniform(0.8, 1.2, (3, 13, 21)).astype(np.float32)
    lab = np.empty((3, 6, 10), np.float32)
    lab_map(codes, TABLES, flat, MATRIX, 2, lab)
    light = TABLES[0][codes].astype(np.float64) * np.moveaxis(flat, 0, 2)
    means = light[:12, :20].reshape(6, 2, 10, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(np.moveaxis(lab, 0, 2), lab_from_linear(means), atol=2e-4)
    out = np.empty((6, 10), np.float32)
    delta_e_map(codes, TABLES, flat, MATRIX, lab, 2, out)
    np.testing.assert_allclose(out, 0, atol=1e-3)


# powers of r, g and b: Finlayson, Mackiewicz and Hurlbert (2015), tables I and II, in the certificate's order
LINEAR = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
ROOTS_2 = [[1 / 2, 1 / 2, 0], [0, 1 / 2, 1 / 2], [1 / 2, 0, 1 / 2]]
ROOTS_3 = [[1, 2, 0], [0, 1, 2], [1, 0, 2], [2, 1, 0], [0, 2, 1], [2, 0, 1], [1, 1, 1]]
SQUARES = [[2, 0, 0], [0, 2, 0], [0, 0, 2], [1, 1, 0], [0, 1, 1], [1, 0, 1]]
MODELS = {
    "roots of degree 2": [*LINEAR, *ROOTS_2],
    "roots of degree 3": [*LINEAR, *ROOTS_2, *(np.array(ROOTS_3) / 3).tolist()],
    "squares": [*LINEAR, *SQUARES],
}


@pytest.mark.parametrize("model", MODELS)
def test_higher_terms_enter_by_the_last_columns(model: str) -> None:
    rng = np.random.default_rng(8)
    codes = frame(rng)
    powers = np.array(MODELS[model])
    more = rng.uniform(0, 0.25 / (len(powers) - 3), (3, len(powers) - 3)).astype(np.float32)
    matrix = np.hstack((0.8 * MATRIX, more))
    flat = np.ones((3, 12, 37), np.float32)
    lab = np.empty((3, 12, 37), np.float32)
    lab_map(codes, TABLES, flat, matrix, 1, lab)
    light = TABLES[0][codes].astype(np.float64)
    fractional = (powers % 1 != 0).any(axis=1)[:, None]
    terms = np.prod(
        np.where(fractional, np.maximum(light, 1e-4)[..., None, :], light[..., None, :]) ** powers, -1
    )
    xyz = terms @ matrix.T.astype(np.float64)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    exact = np.stack((116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])))
    np.testing.assert_allclose(lab, exact, atol=5e-4)


def test_twelve_bits_read_their_own_table() -> None:
    codes = np.full((2, 9, 3), 2048, np.uint16)
    tables = np.stack([decoding_table("linear", 4095)] * 3)
    lab = np.empty((3, 2, 9), np.float32)
    lab_map(codes, tables, np.ones((3, 2, 9), np.float32), MATRIX, 1, lab)
    # L* of a grey of 2048 / 4095
    np.testing.assert_allclose(lab[0], 116 * np.cbrt(2048 / 4095) - 16, atol=1e-4)
    np.testing.assert_allclose(lab[1:], 0, atol=1e-4)
