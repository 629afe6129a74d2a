"""Readings of charts by the twin's cameras: spectra in, `Patches` out, without a picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from calibration.colour import Chart, Patches
from datasets.twin.colour import ColourStation, Light, reflectances, true_lab

FRAME = (1600, 1200)
PLACES = np.array([[300 + 200 * (i % 6), 300 + 200 * (i // 6)] for i in range(24)], np.float64)
SPECTRA = reflectances("classic")


def measured_chart(u_delta_e: float = 0.3) -> Chart:
    """The Classic whose values are those of the twin's own spectra."""
    chart = Chart.open("classic-after-2014")
    lab = true_lab(SPECTRA, "D50").tolist()
    patches = tuple(
        patch.model_copy(update={"lab": tuple(values), "u_delta_e": u_delta_e})
        for patch, values in zip(chart.patches, lab, strict=True)
    )
    return chart.model_copy(update={"patches": patches})


def station(camera: str = "industrial-1", light: str = "D65") -> ColourStation:
    return ColourStation(camera=camera, light=Light(light))


def in_frame(slope: Any) -> Any:
    """Relative light at the patches for a plane that rises by `slope` to the frame's right and lower edge."""
    return 1 + ((2 * PLACES + 1) / np.array(FRAME) - 1) @ np.asarray(slope, np.float64)


def reading(
    light: Any, *, codes: Any = None, noise: float = 2e-4, seed: int = 1, white: int = 255
) -> Patches:
    """Patches of linear light (n, 3); codes are linear unless given."""
    rgb = light + noise * np.random.default_rng(seed).standard_normal(light.shape)
    n = len(rgb)
    return Patches(
        rgb=np.clip(rgb, 0, 1), covariance=np.tile(np.eye(3) * noise**2, (n, 1, 1)),
        spread=np.full((n, 3), 1e-3), codes=np.clip(rgb, 0, 1) * white if codes is None else codes,
        clipped=((rgb <= 0) | (rgb >= 1)).any(axis=1).astype(np.float64), left_out=np.zeros(n),
        pixels=np.full(n, 900), centres=np.resize(PLACES, (n, 2)),
    )  # fmt: skip
