"""What a colour station reads is what its light, its camera and the photon model say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.light import encode
from datasets.twin.colour import (
    Ageing,
    ColourStation,
    Light,
    Texture,
    camera,
    illuminant,
    reflectances,
)
from datasets.twin.metrology import Sensor

WHITE = np.ones(81)
RED = reflectances("classic")[14]
QUIET = Sensor(full_well_e=math.inf, bits=16)


def test_light_is_the_sum_over_the_spectrum() -> None:
    power, sensitivity = illuminant("LED-B3"), camera("nikon-5100")
    by_hand = np.array([
        [sum(p * s[k] * r for p, s, r in zip(power, sensitivity, sample, strict=True)) for k in range(3)]
        for sample in (RED, WHITE)
    ])  # fmt: skip
    station = ColourStation("nikon-5100", Light("LED-B3"), exposure=0.8)
    seen = station.rgb(np.stack([RED, WHITE]))
    np.testing.assert_allclose(seen, 0.8 * by_hand / by_hand[1].max(), rtol=1e-12)
    assert seen[1].max() == pytest.approx(0.8)
    balanced = ColourStation(sensitivity, Light("LED-B3"), exposure=0.8, balanced=True)
    np.testing.assert_allclose(balanced.rgb(WHITE), 0.8)
    np.testing.assert_allclose(balanced.rgb(RED), 0.8 * by_hand[0] / by_hand[1])


def test_exposure_stays_when_the_lamp_changes() -> None:
    station = ColourStation(light=Light(ageing=Ageing(power=0.1, tilt=0.0, phosphor=0.0)))
    aged = station.drifted(500).drifted(500)
    np.testing.assert_allclose(aged.rgb(RED), station.rgb(RED) * math.exp(-0.1))
    warm = station.under(Light("A"))
    assert not np.allclose(warm.rgb(WHITE) / warm.rgb(WHITE)[1], station.rgb(WHITE) / station.rgb(WHITE)[1])
    again = warm.under(Light("D65"))
    np.testing.assert_allclose(again.rgb(RED), station.rgb(RED))


def test_a_reading_scatters_as_its_covariance_says() -> None:
    sensor = Sensor(full_well_e=9000, read_noise_e=20, bits=12, black_level=64)
    station = ColourStation(sensor=sensor, size=(64, 64))
    rng = np.random.default_rng(0)
    readings = [station.read(RED, rng, pixels=150) for _ in range(400)]
    means = np.array([r.rgb for r in readings])
    stated = np.mean([r.covariance for r in readings], axis=0)
    light = station.rgb(RED)
    np.testing.assert_allclose(means.mean(axis=0), light, atol=5 * np.sqrt(stated.diagonal().max() / 400))
    np.testing.assert_allclose(means.var(axis=0, ddof=1), stated.diagonal(), rtol=0.3)
    photon = (light / 9000 + (20 / 9000) ** 2 + (1 / (4095 - 64)) ** 2 / 12) / 150
    np.testing.assert_allclose(stated.diagonal(), photon, rtol=0.05)
    assert readings[0].codes.shape == (150, 3)
    assert readings[0].codes.dtype == np.uint16
    assert readings[0].clipped == 0


def test_srgb_codes_are_read_back_as_light() -> None:
    station = ColourStation(sensor=Sensor(transfer="srgb"), size=(64, 64))
    reading = station.read(RED, np.random.default_rng(0), pixels=2500)
    assert reading.codes.dtype == np.uint8
    np.testing.assert_allclose(reading.codes.mean(axis=0), 255 * encode(station.rgb(RED)), atol=0.5)
    np.testing.assert_allclose(reading.rgb, station.rgb(RED), rtol=0.01)


def test_falloff_and_fixed_pattern_belong_to_the_place() -> None:
    still = Sensor(full_well_e=math.inf, bits=16, vignetting=0.3, gain_spread=0.02)
    station = ColourStation(sensor=still, size=(401, 301))
    rng = np.random.default_rng(0)
    middle, corner = (station.read(WHITE * 0.5, rng, 1600, at) for at in (None, (20.0, 20.0)))
    lost = 1 - 0.3 * (180**2 + 130**2) / (200**2 + 150**2)
    np.testing.assert_allclose(corner.rgb / middle.rgb, lost, rtol=0.01)
    np.testing.assert_array_equal(corner.codes, station.read(WHITE * 0.5, rng, 1600, (20.0, 20.0)).codes)
    assert np.ptp(corner.codes[:, 1]) > 500


def test_flicker_texture_and_clipping() -> None:
    rng = np.random.default_rng(0)
    small = (64, 64)
    station = ColourStation(light=Light(flicker=0.01), sensor=QUIET, size=small)
    power = np.array([station.read(RED, rng, 16).rgb for _ in range(500)]) / station.rgb(RED)
    assert power.std(axis=0) == pytest.approx([0.01] * 3, rel=0.15)
    np.testing.assert_allclose(power[:, 0], power[:, 2], rtol=1e-3)  # the lamp's power, not a channel's
    rough = ColourStation(sensor=QUIET, size=small).read(RED, rng, 2500, texture=Texture(0.05, grain_px=5))
    np.testing.assert_allclose(rough.rgb, station.rgb(RED), rtol=1e-4)
    assert rough.codes[:, 0].std() / rough.codes[:, 0].mean() == pytest.approx(0.05, rel=0.25)
    bright = ColourStation(exposure=1.5, size=small).read(WHITE, rng)
    assert bright.clipped > 0.9
    assert bright.codes[:, 1].max() == 255


def test_what_cannot_be_read_is_refused() -> None:
    rng = np.random.default_rng(0)
    station = ColourStation(size=(64, 64))
    for arguments in ((3, None), (400, (2.0, 30.0)), (400, (30.0, 60.0)), (10_000, None)):
        with pytest.raises(DatasetError, match="do not fit"):
            station.read(RED, rng, *arguments)
    with pytest.raises(DatasetError, match="no mosaic"):
        ColourStation(sensor=Sensor(bayer="RGGB"))
    with pytest.raises(DatasetError, match="exposure"):
        ColourStation(exposure=0)
    with pytest.raises(DatasetError, match="sensitivities"):
        ColourStation(camera=np.ones((3, 81))).rgb(RED)
