"""Regions of colour: what is body is read to its noise, what is not is left out and told."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from datasets.twin.colour import Surface, material
from kernels.compiled import F32, F64
from tests.vision.colour_cell import SIZE, calibration, square, station, table
from vision.colour.difference import delta_e
from vision.colour.region import NotRead, RegionReading, read_region

BODY = np.array([0.45, 0.2, 0.1])
LINEAR = np.arange(256, dtype=np.float32) / 255


def read(pixels: np.ndarray, polygon: F64, codes: F32 = LINEAR, **more: F64 | F32) -> RegionReading:
    found = read_region(pixels, polygon, codes, **more)  # type: ignore[arg-type]
    assert isinstance(found, RegionReading), found
    return found


def noisy(light: np.ndarray, seed: int, noise: float = 0.01, blur: float = 0.0) -> np.ndarray:
    """Return codes of light with noise, which neighbours share where it is blurred."""
    field = np.random.default_rng(seed).standard_normal(light.shape)
    if blur:
        field = cv2.GaussianBlur(field, (0, 0), blur)
    return np.clip(np.round(255 * (light + noise * field / field.std())), 0, 255).astype(np.uint8)


def flat(height: int = 120, width: int = 120) -> np.ndarray:
    return np.broadcast_to(BODY, (height, width, 3))


@pytest.mark.parametrize("blur", [0.0, 1.5])
def test_the_mean_is_off_by_what_its_covariance_says(blur: float) -> None:
    chi = []
    for seed in range(60):
        found = read(noisy(flat(), seed, blur=blur), square(10, 10, 90))
        off = found.rgb - BODY
        chi.append(off @ np.linalg.solve(found.covariance, off))
    # mean of chi-square with 3 degrees of freedom over 60 draws: 3 +- 0.32; an estimated covariance adds 5 %
    assert np.mean(chi) == pytest.approx(3.15, abs=1.0)


def test_shading_is_no_noise_of_the_mean() -> None:
    slope = np.linspace(0.85, 1.15, 120)[None, :, None]
    plain = read(noisy(flat(), 1), square(10, 10, 90))
    shaded = read(noisy(flat() * slope, 1), square(10, 10, 90))
    assert np.trace(shaded.covariance) < 2 * np.trace(plain.covariance)


def test_a_mean_of_few_codes_is_known_to_no_better_than_they_are() -> None:
    pixels = np.full((60, 60, 3), 40, np.uint8)
    found = read(pixels, square(5, 5, 50))
    np.testing.assert_allclose(found.rgb, 40 / 255, rtol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), 1 / 255 / np.pi / np.sqrt(2), rtol=1e-3)


def test_an_even_body_of_few_codes_is_not_taken_for_dust() -> None:
    dark = np.broadcast_to(np.array([15.3, 18.2, 7.3]) / 255, (160, 160, 3))
    bgr = noisy(dark, 1, 0.8 / 255)[:, :, ::-1]
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])
    pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)
    found = read(pixels, square(5, 5, 150))
    assert found.excluded_share < 0.05  # over half where the limit does not know the codes' steps
    np.testing.assert_allclose(found.rgb, pixels.mean(axis=(0, 1)) / 255, atol=0.1 / 255)


def test_what_surrounds_a_region_does_not_reach_into_it() -> None:
    light = np.ones((120, 120, 3)) * 0.9
    light[20:100, 20:100] = BODY
    blurred = cv2.GaussianBlur(light, (0, 0), 0.9)
    inside = read(noisy(blurred, 3, 0.002), square(20, 20, 79))
    np.testing.assert_allclose(inside.rgb, BODY, atol=2e-4)
    assert inside.excluded["edge"] == pytest.approx(1 - (74 / 80) ** 2, abs=0.04)


def test_codes_of_sixteen_bits_and_a_flat_field_are_followed_to_their_places() -> None:
    rng = np.random.default_rng(4)
    factors = np.ascontiguousarray(
        np.broadcast_to(np.linspace(1, 1.5, 200)[None, :, None], (100, 200, 3)), np.float32
    )
    light = BODY / factors + 0.002 * rng.standard_normal((100, 200, 3))
    codes = np.round(4095 * light).astype(np.uint16)
    found = read(codes, square(121, 33, 60), np.arange(4096, dtype=np.float32) / 4095, flat=factors)
    np.testing.assert_allclose(found.rgb, BODY, atol=1e-4)


@pytest.mark.parametrize(
    ("surface", "cause", "worst"),
    [
        (Surface(dust=40), "dust", 0.15),
        (Surface(fibres=6), "dust", 0.15),
        (Surface(glare=2, glare_level=0.4), "glare", 0.15),
        (Surface(glare=2, dust=40, fibres=4), "glare", 0.2),
    ],
)
def test_dust_and_glare_of_the_twin_leave_the_material(surface: Surface, cause: str, worst: float) -> None:
    rng = np.random.default_rng(8)
    cell, colours = station(), calibration()
    factors = 1 / np.asarray(cell.sensor.response(cell.size, (0, 0, *SIZE)))
    field = np.ascontiguousarray(
        np.broadcast_to(factors.reshape(*SIZE[::-1], -1), (*SIZE[::-1], 3)), np.float32
    )
    cleaned, plain = [], []
    while len(cleaned) < 6:
        reflectance = material(rng)
        truth = colours.lab(cell.rgb(reflectance))
        if truth[0] < 25:  # eight linear bits hold few codes below
            continue
        pixels = cell.picture(reflectance, rng, surface).pixels
        found = read(pixels, square(30, 20, 190), table(), flat=field, white=np.array(colours.white))
        assert found.excluded[cause] > 0.003  # type: ignore[literal-required]
        raw = (table()[pixels] * field)[20:211, 30:221].mean(axis=(0, 1), dtype=np.float64)
        cleaned.append(float(delta_e(truth, colours.lab(found.rgb))))
        plain.append(float(delta_e(truth, colours.lab(raw))))
    assert max(cleaned) < worst
    assert np.mean(plain) > 5 * np.mean(cleaned)


def test_light_dust_is_no_gloss() -> None:
    light = np.ones((160, 160, 3)) * BODY
    for x, y in np.random.default_rng(5).integers(20, 140, (12, 2)):
        cv2.circle(light, (int(x), int(y)), 3, (0.9, 0.85, 0.8), cv2.FILLED)
    found = read(noisy(light, 6, 0.004), square(10, 10, 140))
    assert found.excluded["dust"] > 0.01
    assert found.gloss == 0
    np.testing.assert_allclose(found.rgb, BODY, rtol=2e-3)


def test_brighter_body_of_the_same_chroma_is_no_glare() -> None:
    light = np.ones((160, 160, 3)) * BODY
    light[60:100, 60:100] *= 1.3
    found = read(noisy(light, 7, 0.004), square(10, 10, 140))
    assert found.excluded["glare"] == 0
    light[60:100, 60:100] = BODY + 0.3 * BODY.sum() / 3
    assert read(noisy(light, 7, 0.004), square(10, 10, 140)).excluded["glare"] > 0.07


def test_a_body_at_the_end_of_the_codes_is_saturated() -> None:
    assert read_region(noisy(flat() * 2.2, 8), square(10, 10, 90), LINEAR) == NotRead("colour_saturated")
    assert read_region(noisy(flat() * 0.02, 8), square(10, 10, 90), LINEAR) == NotRead("colour_saturated")


@pytest.mark.parametrize(
    "polygon", [square(500, 500, 50), square(-300, 5, 200), square(10, 10, 9), square(100, 10, 60)]
)
def test_a_region_of_which_too_little_is_seen_is_told(polygon: F64) -> None:
    """Outside the frame, too small, or mostly outside."""
    found = read_region(noisy(flat(), 9), polygon, LINEAR)
    assert found == NotRead("region_unusable")


def test_a_masked_region_is_told() -> None:
    light = np.ones((120, 120, 3)) * BODY
    light[10:64, 10:100] = 1.4  # glare over more than half of it
    assert isinstance(read_region(noisy(light, 10), square(10, 10, 88), LINEAR), NotRead)
