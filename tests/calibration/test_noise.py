"""Photon transfer: what a simulated sensor was made of is found; pictures that cannot tell are refused."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from calibration.errors import FramesError
from calibration.mosaic import Bayer, planes
from calibration.noise import FlatPair, Noise, PhotonTransfer, photon_transfer
from datasets.twin.metrology import Sensor

SIZE = (160, 128)  # w, h
WINDOW = (0, 0, *SIZE)
LEVELS = (0.04, 0.08, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65)


class Camera:
    """Flats and darks of the twin's sensor, whose truth is in its attributes."""

    def __init__(self, seed: int = 1, **sensor: Any) -> None:
        self.sensor = Sensor(
            **{"bits": 12, "black_level": 64, "full_well_e": 10000.0, "read_noise_e": 12.0, **sensor}
        )
        self.rng = np.random.default_rng(seed)

    def frame(self, level: Any) -> Any:
        light = np.broadcast_to(level, (SIZE[1], SIZE[0])) * self.sensor.response(SIZE, WINDOW)
        return self.sensor.read(light + self.sensor.dark(SIZE, WINDOW), self.rng)

    def pairs(self, levels: Any = LEVELS) -> list[FlatPair]:
        return [FlatPair(self.frame(x), self.frame(x), 1000 * x) for x in levels]

    def darks(self) -> list[Any]:
        return [self.frame(0.0) for _ in range(4)]

    def transfer(self, levels: Any = LEVELS, bayer: Bayer | None = None) -> PhotonTransfer:
        return photon_transfer(self.pairs(levels), self.darks(), white=self.sensor.top_code, bayer=bayer)


def refused(pairs: list[FlatPair], darks: list[Any], white: int = 4095) -> str:
    with pytest.raises(FramesError) as caught:
        photon_transfer(pairs, darks, white=white)
    return str(caught.value)


def test_gain_and_dark_noise_lie_within_their_uncertainty() -> None:
    """Over many cameras, the deviations divided by their uncertainties have a spread of 1."""
    gains, reads = [], []
    for seed in range(24):
        (plane,) = Camera(seed).transfer().planes
        gains.append((plane.gain - 1e-4) / plane.u_gain)
        reads.append((plane.read - 12 / 10000) / plane.u_read)
        assert plane.u_gain < 0.01 * plane.gain
        assert plane.levels == len(LEVELS) + 1  # the dark frames are one
    for z in (np.array(gains), np.array(reads)):
        assert abs(z.mean()) < 0.7
        assert 0.6 < z.std() < 1.4


def test_fixed_patterns_and_falloff_cancel() -> None:
    (plane,) = Camera(gain_spread=0.05, dark_spread_e=10.0, vignetting=0.3).transfer().planes
    assert plane.gain == pytest.approx(1e-4, abs=4 * plane.u_gain)
    assert plane.read == pytest.approx(12e-4, abs=4 * plane.u_read)


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_rounding_is_not_taken_for_noise(bits: int) -> None:
    found = Camera(bits=bits, black_level=2, read_noise_e=20.0).transfer()
    (plane,) = found.planes
    assert plane.gain == pytest.approx(1e-4, rel=0.02)
    assert plane.read == pytest.approx(20e-4, abs=4 * plane.u_read)
    assert found.quantisation == pytest.approx(1 / np.sqrt(12) / (2**bits - 3), rel=1e-3)


def test_dark_frames_that_are_all_black_leave_the_dark_noise_to_the_intercept() -> None:
    (plane,) = Camera(bits=8, black_level=0, read_noise_e=30.0).transfer().planes
    assert plane.gain == pytest.approx(1e-4, abs=4 * plane.u_gain)
    assert plane.read == pytest.approx(30e-4, abs=4 * plane.u_read)
    assert plane.levels == len(LEVELS)


def test_saturation_and_linearity_are_found() -> None:
    found = Camera().transfer((*LEVELS, 0.8, 0.9, 0.97, 1.05, 1.2))
    (plane,) = found.planes
    assert plane.saturation == pytest.approx(1.0, abs=0.04)
    assert plane.linearity_error is not None
    assert plane.linearity_error < 0.002
    assert plane.gain == pytest.approx(1e-4, abs=4 * plane.u_gain)


def test_a_well_that_is_full_below_the_highest_code_is_told() -> None:
    camera = Camera()
    light = [*LEVELS, 0.75, 0.8, 0.85]
    pairs = [FlatPair(*(np.minimum(camera.frame(x), 2900) for _ in range(2)), x) for x in light]
    (plane,) = photon_transfer(pairs, camera.darks(), white=4095).planes
    assert plane.saturation == pytest.approx((2900 - 64) / (4095 - 64), abs=0.06)  # spacing of the levels


def test_a_response_that_bends_shows_in_its_linearity_error() -> None:
    camera = Camera()
    pairs = [FlatPair(*(camera.frame(x * (1 - 0.05 * x)) for _ in range(2)), x) for x in LEVELS]
    (plane,) = photon_transfer(pairs, camera.darks(), white=4095).planes
    assert plane.linearity_error is not None
    assert 0.002 < plane.linearity_error < 0.02
    assert plane.gain == pytest.approx(1e-4, abs=4 * plane.u_gain)  # photons stay what they are


def test_without_exposures_linearity_is_not_known() -> None:
    camera = Camera()
    pairs = [FlatPair(p.first, p.second) for p in camera.pairs()]
    assert photon_transfer(pairs, camera.darks(), white=4095).planes[0].linearity_error is None


def test_each_plane_of_a_mosaic_is_measured_and_the_noisiest_counts() -> None:
    camera = Camera()
    mosaic = np.ones((SIZE[1], SIZE[0]))
    for part, gain in zip(planes(mosaic, "RGGB"), (0.5, 1, 1, 0.7), strict=True):
        np.multiply(part, gain, out=part)

    def frame(x: float) -> Any:
        return np.round((camera.frame(x) - 64.0) * mosaic + 64).clip(0).astype(np.uint16)

    pairs = [FlatPair(frame(x), frame(x), x) for x in LEVELS]
    found = photon_transfer(pairs, [frame(0), frame(0)], white=4095, bayer="RGGB")
    assert [p.name for p in found.planes] == ["red", "green-1", "green-2", "blue"]
    expected = (0.5e-4, 1e-4, 1e-4, 0.7e-4)
    for plane, gain in zip(found.planes, expected, strict=True):
        assert plane.gain == pytest.approx(gain, abs=4 * plane.u_gain)
    assert found.noise == Noise(
        gain=max(p.gain for p in found.planes), read=max(p.read for p in found.planes)
    )


def test_too_few_levels_are_refused() -> None:
    camera = Camera()
    assert "too few" in refused(camera.pairs(LEVELS[:4]), camera.darks())
    assert "too few" in refused(camera.pairs(), camera.darks()[:1])


def test_saturated_levels_are_refused_with_their_number() -> None:
    camera = Camera()
    message = refused(camera.pairs((0.1, 0.3, 0.6, 1.0, 1.1, 1.2)), camera.darks())
    assert "3 are saturated" in message


def test_light_that_changes_within_a_pair_is_refused() -> None:
    camera = Camera()
    pairs = camera.pairs()
    brighter = FlatPair(camera.frame(0.45), camera.frame(0.46))
    assert "light changed" in refused([*pairs, brighter], camera.darks())
    rows = 1 + 0.02 * np.sin(np.arange(SIZE[1]) / 9)[:, None]
    rolling = FlatPair(camera.frame(0.45), camera.frame(0.45 * rows))
    assert "light changed" in refused([*pairs, rolling], camera.darks())


@pytest.mark.parametrize("gamma", [1.25, 1.5, 2.2])
def test_codes_that_do_not_follow_light_are_refused(gamma: float) -> None:
    camera = Camera()

    def encoded(x: float) -> Any:
        light = np.clip((camera.frame(x) - 64.0) / 4031, 0, 1)
        return np.round(65535 * light ** (1 / gamma)).astype(np.uint16)

    pairs = [FlatPair(encoded(x), encoded(x), x) for x in (*LEVELS, 0.8, 0.95)]
    assert "gamma" in refused(pairs, [encoded(0), encoded(0)], white=65535)


def test_srgb_pictures_are_refused() -> None:
    camera = Camera(bits=8, transfer="srgb", black_level=0, read_noise_e=5.0, full_well_e=2000.0)
    assert "gamma" in refused(camera.pairs((*LEVELS, 0.8, 0.95)), camera.darks(), white=255)


@pytest.mark.parametrize("quality", [75, 90, 95])
def test_compressed_pictures_are_refused(quality: int) -> None:
    camera = Camera(bits=8, black_level=2, full_well_e=5000.0)

    def compressed(x: float) -> Any:
        ok, data = cv2.imencode(".jpg", camera.frame(x), [cv2.IMWRITE_JPEG_QUALITY, quality])
        assert ok
        return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)

    pairs = [FlatPair(compressed(x), compressed(x)) for x in LEVELS]
    assert "JPEG" in refused(pairs, [compressed(0), compressed(0)], white=255)


def test_filtered_pictures_are_refused() -> None:
    camera = Camera()
    pairs = [FlatPair(*(cv2.blur(camera.frame(x), (2, 1)) for _ in range(2))) for x in LEVELS]
    assert "share noise" in refused(pairs, camera.darks())


def test_mixed_and_misread_frames_are_refused() -> None:
    camera = Camera()
    pairs, darks = camera.pairs(), camera.darks()
    assert "mixed" in refused(pairs, [darks[0], darks[1][:-2]])
    assert "above 1023" in refused(pairs, darks, white=1023)
    assert "too few pixels" in refused(
        [FlatPair(p.first[:40, :40], p.second[:40, :40]) for p in pairs], [d[:40, :40] for d in darks]
    )
    with pytest.raises(FramesError, match="even sides"):
        photon_transfer(
            [FlatPair(p.first[1:], p.second[1:]) for p in pairs],
            [d[1:] for d in darks],
            white=4095,
            bayer="RGGB",
        )
    floats: Any = [d.astype(np.float32) for d in darks]
    assert "codes" in refused(pairs, floats)
