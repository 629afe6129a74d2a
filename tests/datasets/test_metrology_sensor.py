"""The metrology twin's sensor against the photon model (EMVA 1288) and the transfer functions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.light import encode
from datasets.twin.metrology import Camera, Coma, Disk, Scene, Sensor, dark_frame, expose, flat_frame, render

SIZE = (400, 300)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_photon_transfer_finds_the_sensor(bits: int) -> None:
    sensor = Sensor(
        full_well_e=12000, read_noise_e=60, bits=bits, black_level=2 ** (bits - 5), gain_spread=0.01
    )
    rng = np.random.default_rng(0)
    means, variances = [], []
    for exposure in np.linspace(0, 0.9, 7):
        a, b = (flat_frame(sensor, SIZE, float(exposure), rng).astype(np.float64) for _ in range(2))
        means.append((a + b).mean() / 2 - sensor.black_level)
        variances.append(np.square(a - b).mean() / 2 - 1 / 12)  # the fixed pattern drops out of a pair
        unsure = 5 * math.sqrt(variances[-1] / (2 * a.size))
        assert means[-1] == pytest.approx(exposure * 12000 * sensor.gain_dn_per_e, rel=5e-4, abs=unsure)
    gain, dark = np.polyfit(means, variances, 1)
    assert gain == pytest.approx(sensor.gain_dn_per_e, rel=0.02)
    assert math.sqrt(dark) / gain == pytest.approx(60, rel=0.05)
    frame = flat_frame(sensor, SIZE, 1.2, rng)
    assert frame.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert (frame == sensor.top_code).mean() > 0.99


def test_fixed_patterns_are_the_sensors_own() -> None:
    sensor = Sensor(full_well_e=math.inf, bits=16, gain_spread=0.02, black_level=1000, vignetting=0.3)
    rng = np.random.default_rng(0)
    flat = flat_frame(sensor, SIZE, 0.5, rng).astype(np.float64)
    np.testing.assert_array_equal(flat, flat_frame(sensor, SIZE, 0.5, rng))  # no noise: the same each time
    y, x = np.mgrid[:300, :400]
    r2 = ((x - 199.5) ** 2 + (y - 149.5) ** 2) / (199.5**2 + 149.5**2)
    response = (flat - 1000) / (0.5 * (65535 - 1000)) / (1 - 0.3 * r2)
    assert response.std() == pytest.approx(0.02, rel=0.02)
    assert response.mean() == pytest.approx(1, abs=2e-4)
    assert (
        flat_frame(Sensor(full_well_e=math.inf, bits=16, gain_spread=0.02, pattern=1), SIZE, 0.5, rng) != flat
    ).mean() > 0.9
    dark = dark_frame(Sensor(read_noise_e=0, dark_spread_e=30, bits=12, black_level=300), SIZE, rng)
    assert dark.std() == pytest.approx(30 * (4095 - 300) / 20000, rel=0.02)
    assert dark.mean() == pytest.approx(300, abs=0.1)


def test_the_same_generator_gives_the_same_frame_and_noise_is_drawn_from_it() -> None:
    scene, camera = Scene(0.7, (Disk(0, 0, 3, 0.1),)), Camera.scale(90, 70, 0.1)
    first, again, other = (render(scene, camera, Sensor(), np.random.default_rng(s)) for s in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.3


def test_codes_stand_for_light() -> None:
    scene, camera = Scene(0.7, (Disk(0, 0, 3, 0.1),)), Camera.scale(90, 70, 0.1)
    rng = np.random.default_rng(0)
    for sensor, step in (
        (Sensor(full_well_e=math.inf), 1 / 255),
        (Sensor(full_well_e=math.inf, bits=12, black_level=64), 1 / 4031),
        (Sensor(full_well_e=math.inf, transfer="srgb"), 2.3 / 255),
    ):
        light = expose(scene, camera, sensor)
        codes = render(scene, camera, sensor, rng)
        assert np.abs(sensor.light_of_codes()[codes] - light).max() < 0.52 * step
        assert len(sensor.light_of_codes()) == 2**sensor.bits
    np.testing.assert_allclose(codes, encode(light) * 255, atol=0.54)  # the last is sRGB


def test_a_mosaic_passes_one_colour_per_pixel() -> None:
    scene = Scene((0.8, 0.5, 0.2), (Disk(0, 0, 3, (0.1, 0.3, 0.6)),))
    camera = Camera.scale(90, 70, 0.1)
    full = expose(scene, camera, Sensor())
    assert full.shape == (70, 90, 3)
    mosaic = expose(scene, camera, Sensor(bayer="GBRG"))
    assert mosaic.shape == (70, 90)
    for rows, columns, colour in ((0, 0, 1), (0, 1, 2), (1, 0, 0), (1, 1, 1)):
        np.testing.assert_array_equal(mosaic[rows::2, columns::2], full[rows::2, columns::2, colour])
    assert render(scene, camera, Sensor(), np.random.default_rng(0)).shape == (70, 90, 3)
    assert expose(Scene(0.5), camera, Sensor(bayer="RGGB")).shape == (70, 90)


@pytest.mark.parametrize(
    "wrong",
    [
        {"psf_sigma_px": 0.1},
        {"coma": Coma(0.2, 1, 0, 0.1)},
        {"bits": 17},
        {"black_level": 255},
        {"transfer": "srgb", "bits": 12},
        {"full_well_e": 0},
        {"vignetting": 1.0},
    ],
)
def test_sensors_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(DatasetError):
        Sensor(**wrong)  # type: ignore[arg-type]
