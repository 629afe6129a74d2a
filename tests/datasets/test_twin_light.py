"""Lighting, blur and noise of a capture against what its truth says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from datasets.scenes import HalfPlane, Scene
from datasets.twin import Twin
from tests.datasets.scene_board import MM_PER_PX, even, ranges


def flat(level: float = 0.3) -> np.ndarray:
    return np.full((120, 160, 3), level, np.float32)


def centre_box(twin: Twin, half: int = 40) -> tuple[slice, slice]:
    x, y = (side // 2 for side in twin.sensor_px)
    return slice(y - half, y + half), slice(x - half, x + half)


@pytest.mark.parametrize("seed", range(4))
def test_light_falls_as_the_truth_says(seed: int) -> None:
    twin = Twin(flat(), MM_PER_PX, ranges(gradient=0.3, colour_drift=0.1))
    light, truth = twin.expose(seed)
    lamp = truth.lighting
    width, height = twin.sensor_px
    rows, columns = np.mgrid[0:height, 0:width]
    u, v = 2 * columns / (width - 1) - 1, 2 * rows / (height - 1) - 1
    factor = lamp.exposure * (
        1 + lamp.u * u + lamp.v * v + lamp.uu * u * u + lamp.uv * u * v + lamp.vv * v * v
    )
    for channel in range(3):
        expected = 0.3 * factor * lamp.colour[channel]
        np.testing.assert_allclose(
            light[centre_box(twin)][..., channel], expected[centre_box(twin)], rtol=2e-4
        )
    assert np.abs(factor / lamp.exposure - 1).max() <= 0.3 + 1e-9
    assert abs(lamp.exposure - 1) <= twin.ranges.exposure


def test_light_varies_between_captures_and_colour_does_not_unless_asked() -> None:
    twin = Twin(flat(), MM_PER_PX, ranges())
    lamps = [twin.expose(seed)[1].lighting for seed in range(5)]
    assert len({lamp.exposure for lamp in lamps}) == 5
    assert {lamp.colour for lamp in lamps} == {(1.0, 1.0, 1.0)}


@pytest.mark.parametrize("sigma", [0.6, 0.9, 2.0])
def test_blur_is_as_wide_as_the_truth_says(sigma: float) -> None:
    """The variance of an edge's line spread is the golden image's, the optics' and the pixels'."""
    edge = Scene(160, 120, 0.1, (HalfPlane((80.3, 60), 0.0, 0.7),), blur_sigma_px=0.8).light()
    ask = even(angle_deg=0.0, shift_fraction=0.01, tilt=0.0, scale_jitter=0.0, blur_sigma_px=(sigma, sigma))
    twin = Twin(edge, MM_PER_PX, ask)
    found = []
    for seed in range(8):  # the phase of sampling differs from capture to capture
        light, truth = twin.expose(seed)
        assert truth.blur_sigma_px == sigma
        row = light[twin.sensor_px[1] // 2, :, 0].astype(np.float64)
        at = round(float(truth.to_frame([(80.3, 60)])[0, 0]))
        spread = -np.diff(row[at - 20 : at + 21])
        where = np.arange(len(spread))
        mean = (spread * where).sum() / spread.sum()
        found.append((spread * (where - mean) ** 2).sum() / spread.sum())
    # 1/12 for the golden pixel's square, 1/12 for the difference taken between neighbours.
    assert np.mean(found) == pytest.approx(0.8**2 + 1 / 12 + sigma**2 + 1 / 12, rel=0.04)


@pytest.mark.parametrize("level", [0.05, 0.3, 0.7])
def test_noise_is_as_large_as_the_truth_says(level: float) -> None:
    twin = Twin(flat(level), MM_PER_PX, even(full_well_e=4000.0, read_noise_e=20.0))
    frame = twin.capture(3)
    values = frame.pixels[centre_box(twin)].astype(np.float64) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    variance_e2 = linear.var() * 4000**2
    # One code is this much light; rounding adds a twelfth of its square.
    step = 2.4 * 1.055 ** (-1) * level ** (1 - 1 / 2.4) / 255
    assert variance_e2 == pytest.approx(level * 4000 + 20**2 + (step * 4000) ** 2 / 12, rel=0.05)
    # Channels are independent.
    assert abs(np.corrcoef(linear[..., 0].ravel(), linear[..., 1].ravel())[0, 1]) < 4 / math.sqrt(
        linear[..., 0].size
    )


def test_noise_differs_between_captures() -> None:
    twin = Twin(flat(), MM_PER_PX, even(full_well_e=4000.0, angle_deg=0.0, shift_fraction=0.0))
    assert (twin.capture(1).pixels != twin.capture(2).pixels).mean() > 0.5
