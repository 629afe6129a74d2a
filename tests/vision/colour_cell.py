"""A simulated colour cell for tests: camera, lamp and chart of the twin, characterised as a user would."""

from __future__ import annotations

import functools

import numpy as np

from calibration.colour.camera import ColourCalibration
from calibration.colour.characterise import characterise
from calibration.colour.chart import Chart
from calibration.colour.patches import Patches
from datasets.twin.colour import ColourStation, Light, Surface, reflectances, true_lab
from datasets.twin.metrology import Sensor
from kernels.compiled import F32, F64

SIZE = (320, 240)
ILLUMINANT = "D65"


@functools.cache
def station(bits: int = 8, size: tuple[int, int] = SIZE) -> ColourStation:
    """Return a steady station under D65."""
    sensor = Sensor(bits=bits, full_well_e=12000, read_noise_e=6, gain_spread=0.002, pattern=5)
    return ColourStation("industrial-1", Light(ILLUMINANT), sensor, exposure=0.8, size=size)


@functools.cache
def calibration() -> ColourCalibration:
    """Return the station's colours, from exact light of a chart whose values are its true ones."""
    chart = Chart.open("classic-after-2014")
    true = true_lab(reflectances("classic"), ILLUMINANT)
    patches = tuple(
        patch.model_copy(update={"lab": tuple(lab.tolist())})
        for patch, lab in zip(chart.patches, true, strict=True)
    )
    chart = chart.model_copy(update={"patches": patches, "illuminant": ILLUMINANT})
    rgb = station().rgb(reflectances("classic"))
    n = len(rgb)
    read = Patches(
        rgb=rgb, covariance=np.tile(1e-8 * np.eye(3), (n, 1, 1)), spread=np.full((n, 3), 1e-3),
        codes=255 * rgb, clipped=np.zeros(n), left_out=np.zeros(n), pixels=np.full(n, 900),
        centres=np.array([[100.0 * (i % 6), 100.0 * (i // 6)] for i in range(n)]),
    )  # fmt: skip
    return characterise(read, chart, light=ILLUMINANT, transfer="linear").colour


def table(bits: int = 8) -> F32:
    """Return the table from code to light."""
    return station(bits).sensor.light_of_codes()


def square(left: float, top: float, side: float) -> F64:
    """Return an upright square's corners."""
    return np.array([[left, top], [left + side, top], [left + side, top + side], [left, top + side]])


__all__ = ["ILLUMINANT", "SIZE", "Surface", "calibration", "square", "station", "table"]
