"""Do the intervals of colour differences hold the truth, and how far off are the differences?

Run `python -m benchmarks.colour_coverage [--scenes N] [--seed N] [--slopes]`. Each station draws a camera
(two measured ones, others drawn), a lamp (D50, D65, TL84, A, LED-B3), 8 or 12 bits, noise, fixed pattern and
how repeatably parts are placed; it reads a 24-patch chart whose certificate is not exact, under the chart's
own light or reporting D50, and is characterised as a user would. Each scene draws a material and another
batch of it at a true CIEDE2000 of 0 (one in six) or evenly from 0 to 3. The golden sample was placed five
times when the station was set up, the unit is placed once, up to 500 hours of the lamp's burning later; both
are corrected by a white in their frames. Nothing is told to the product but what it would know.

"One station": golden sample and unit by the same camera. "Two stations": the golden sample was measured by
another camera, characterised with the same chart.

Printed per band of the true difference: number, share of 95 % intervals that hold it (and how many lie wholly
above or below it), mean width, mean error and bias of the difference, median standard uncertainty; and the
same by lamp, camera and bits.

`--slopes` prints instead what `calibration.colour.slope.SAME_MATERIAL` is set from: on other cameras and
materials, without noise, the error of small differences over what the chart says of it.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from calibration.colour.camera import ColourCalibration
from calibration.colour.characterise import characterise
from calibration.colour.chart import Chart
from calibration.colour.drift import FEWEST, LightReference, LightWatch, WatchPlan
from calibration.colour.patches import Patches
from calibration.colour.slope import SAME_MATERIAL
from calibration.errors import CharacterisationError
from datasets.twin.colour import (
    ColourStation,
    Light,
    Reading,
    drawn_camera,
    material,
    near,
    reflectances,
    true_ciede2000,
    true_lab,
)
from datasets.twin.metrology import Sensor
from vision.colour.region import NotRead, RegionReading, read_region
from vision.colour.uncertainty import ColourDifference, Repeatability, colour_difference

F64 = npt.NDArray[np.float64]
CAMERAS = ("nikon-5100", "sigma-sd-merrill", "drawn", "drawn")
LIGHTS = ("D50", "D65", "TL84", "A", "LED-B3")
SCENES_OF_STATION = 25
PLACEMENTS, WHITE_SIDE, CHART_PIXELS = 5, 64, 1600
SIDES = (40, 160)  # of a region, px
U_CHART = 0.3  # CIEDE2000
WHITE = np.full(81, 0.9)
K95 = 1.959964
BANDS = ((0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 3.01))


@dataclass(frozen=True)
class Cell:
    """A station, and what it knows of itself."""

    camera: str
    light: str
    station: ColourStation
    calibration: ColourCalibration
    watch: LightWatch
    placed: float  # relative standard deviation of the light from one placement to the next


@dataclass(frozen=True)
class Scene:
    """What became of one comparison."""

    cell: Cell
    true: float
    found: ColourDifference

    @property
    def held(self) -> bool:
        """Whether the interval holds the truth."""
        return self.found.low <= self.true <= self.found.high


@dataclass(frozen=True)
class Corrected:
    """A reading in the light of the calibration."""

    rgb: F64
    covariance: F64


def chart_of(illuminant: str, rng: np.random.Generator) -> Chart:
    """Return a chart whose certificate is off by U_CHART."""
    chart = Chart.open("classic-after-2014")
    true = true_lab(reflectances("classic"), illuminant)
    patches = []
    for patch, lab in zip(chart.patches, true, strict=True):
        off = rng.standard_normal(3)
        off *= U_CHART * abs(rng.standard_normal()) / true_ciede2000(lab, lab + off * 1e-3) * 1e-3
        values = tuple(float(v) for v in lab + off)
        patches.append(patch.model_copy(update={"lab": values, "u_delta_e": U_CHART}))
    return chart.model_copy(update={"patches": tuple(patches), "illuminant": illuminant})


def patches_of(station: ColourStation, rng: np.random.Generator) -> Patches:
    """Read all patches of the chart."""
    read = [station.read(r, rng, CHART_PIXELS) for r in reflectances("classic")]
    n = len(read)
    table = station.sensor.light_of_codes().astype(np.float64)
    return Patches(
        rgb=np.stack([r.rgb for r in read]), covariance=np.stack([r.covariance for r in read]),
        spread=np.stack([table[r.codes].std(axis=0) for r in read]),
        codes=np.stack([r.codes.mean(axis=0) for r in read]), clipped=np.array([r.clipped for r in read]),
        left_out=np.zeros(n), pixels=np.full(n, CHART_PIXELS),
        centres=np.array([[100.0 * (i % 6), 100.0 * (i // 6)] for i in range(n)]),
    )  # fmt: skip


def cell_of(camera: str, light: str, report: str, rng: np.random.Generator) -> Cell:
    """Set up a station and characterise it."""
    bits = int(rng.choice([8, 12]))
    sensor = Sensor(
        bits=bits, full_well_e=float(rng.uniform(8e3, 2.5e4)), read_noise_e=float(rng.uniform(3, 12)),
        gain_spread=float(rng.uniform(0.001, 0.005)), pattern=int(rng.integers(1 << 30)),
    )  # fmt: skip
    sensitivity = drawn_camera(rng) if camera == "drawn" else camera
    lamp = Light(light, flicker=float(rng.uniform(0, 0.003)))
    station = ColourStation(sensitivity, lamp, sensor, exposure=float(rng.uniform(0.6, 0.9)), size=(640, 480))
    chart = chart_of(report, rng)
    found = characterise(
        patches_of(station, rng), chart, light=light, transfer="linear", highest_code=sensor.top_code
    )
    white = np.stack([station.read(WHITE, rng, WHITE_SIDE**2).rgb for _ in range(2 * FEWEST)])
    watch = LightWatch(LightReference.of(white), found.colour, WatchPlan())
    return Cell(camera, light, station, found.colour, watch, float(rng.uniform(0.0003, 0.002)))


def read(
    cell: Cell, station: ColourStation, reflectance: F64, side: int, rng: np.random.Generator
) -> Corrected | NotRead:
    """Place a part, read it and the white in the same frame, and correct the lamp."""
    exposed = replace(station.light, power=station.light.power * station.flicker(rng), flicker=0.0)
    tilted = replace(exposed, power=exposed.power * (1 + cell.placed * float(rng.standard_normal())))
    x, y = rng.uniform(-10, 10, 2)
    part = region(cell, station.under(tilted).read(reflectance, rng, side * side, at=(320 + x, 240 + y)))
    white = region(cell, station.under(exposed).read(WHITE, rng, WHITE_SIDE**2, at=(100.0, 100.0)))
    if isinstance(part, NotRead) or isinstance(white, NotRead):
        return part if isinstance(part, NotRead) else NotRead("white not read")
    gain = cell.watch.frame_gain(white.rgb, white.covariance)
    rgb = part.rgb * gain.factors
    scale = np.outer(gain.factors, gain.factors)
    return Corrected(rgb, part.covariance * scale + gain.covariance * np.outer(rgb, rgb))


def region(cell: Cell, seen: Reading) -> RegionReading | NotRead:
    """Read the region of these pixels as the product does."""
    side = math.isqrt(len(seen.codes))
    outline = np.array([[0, 0], [side - 1, 0], [side - 1, side - 1], [0, side - 1]], np.float64)
    table = cell.station.sensor.light_of_codes()
    white = np.array(cell.calibration.white)
    return read_region(seen.codes.reshape(side, side, 3), outline, table, white=white)


def golden_of(
    cell: Cell, reflectance: F64, side: int, rng: np.random.Generator
) -> tuple[Corrected, Repeatability] | NotRead:
    """Measure the golden sample, placed a few times."""
    placed: list[Corrected] = []
    for _ in range(PLACEMENTS):
        found = read(cell, cell.station, reflectance, side, rng)
        if isinstance(found, NotRead):
            return found
        placed.append(found)
    rgb = np.mean([p.rgb for p in placed], axis=0)
    noise = np.mean([p.covariance for p in placed], axis=0)
    return Corrected(rgb, noise / PLACEMENTS), Repeatability.of(placed)


def play(cell: Cell, other: Cell | None, rng: np.random.Generator) -> Scene | str:
    """Compare two batches of a material; the golden sample by the other station where there is one.

    A reason code where a colour could not be read.
    """
    report = cell.calibration.illuminant
    batch = material(rng)
    asked = 0.0 if rng.random() < 1 / 6 else float(rng.uniform(0, 3))
    changed = near(batch, rng, asked, report)
    true = float(true_ciede2000(true_lab(batch, report), true_lab(changed, report)))
    side = round(float(np.exp(rng.uniform(*np.log(SIDES)))))
    golden = golden_of(other or cell, batch, side, rng)
    unit = read(cell, cell.station.drifted(float(rng.uniform(0, 500))), changed, side, rng)
    if isinstance(golden, NotRead) or isinstance(unit, NotRead):
        return (golden if isinstance(golden, NotRead) else cast("NotRead", unit)).reason
    found = colour_difference(
        golden[0], unit, cell.calibration, coverage_factor=K95, repeatability=golden[1],
        golden_calibration=None if other is None else other.calibration,
    )  # fmt: skip
    return Scene(cell, true, found)


def stations(count: int, rng: np.random.Generator) -> Iterable[tuple[Cell, Cell]]:
    """Draw pairs of stations with one lamp; the second has another camera."""
    for number in range(count):
        light = LIGHTS[number % len(LIGHTS)]
        report = light if rng.random() < 0.5 else "D50"
        cameras = CAMERAS
        first, second = rng.choice(4, 2, replace=False)
        yield (
            cell_of(cameras[first], light, report, rng),
            cell_of(cameras[second], light, report, rng),
        )


def row(name: str, scenes: list[Scene]) -> str:
    """Return one line of the table."""
    if not scenes:
        return f"{name:22} {0:6}"
    off = np.array([s.found.value - s.true for s in scenes])
    width = np.mean([s.found.high - s.found.low for s in scenes])
    above = np.mean([s.found.low > s.true for s in scenes])
    below = np.mean([s.found.high < s.true for s in scenes])
    u = np.median([s.found.standard_uncertainty for s in scenes])
    return (
        f"{name:22} {len(scenes):6} {np.mean([s.held for s in scenes]):8.2%} {above:7.2%} {below:7.2%} "
        f"{width:7.3f} {np.abs(off).mean():7.3f} {off.mean():+7.3f} {u:7.3f}"
    )


def table(title: str, played: list[Scene | str], *, by: bool) -> None:
    """Print the table of one kind of comparison."""
    scenes = [s for s in played if isinstance(s, Scene)]
    held = Counter(s for s in played if isinstance(s, str))
    print(f"\n{title}; held: {dict(held) or 'none'}")
    names = ("above", "below", "width", "error", "bias", "u")
    print(f"{'':22} {'scenes':>6} {'covered':>8} " + " ".join(f"{name:>7}" for name in names))
    print(row("all", scenes))
    for low, high in BANDS:
        chosen = [s for s in scenes if (s.true == 0 if high == 0 else low < s.true <= high)]
        print(row("true 0" if high == 0 else f"true {low:g} to {high:.2g}", chosen))
    if not by:
        return
    keys: tuple[tuple[str, Callable[[Scene], Any]], ...] = (
        ("light", lambda s: s.cell.light),
        ("camera", lambda s: s.cell.camera),
        ("bits", lambda s: s.cell.station.sensor.bits),
        (
            "report",
            lambda s: "own light" if s.cell.calibration.illuminant == s.cell.calibration.light else "D50",
        ),
    )
    for name, key in keys:
        for value in sorted({key(s) for s in scenes}, key=str):
            print(row(f"{name} {value}", [s for s in scenes if key(s) == value]))


def slopes(rng: np.random.Generator, count: int) -> None:
    """Print the error of small differences over what the chart says, before `SAME_MATERIAL`."""
    ratios = []
    for number in range(count):
        light = LIGHTS[number % len(LIGHTS)]
        try:
            cell = cell_of(str(rng.choice(CAMERAS)), light, light, rng)
        except CharacterisationError:
            continue
        relative = []
        for _ in range(100):
            batch = material(rng)
            changed = near(batch, rng, 1.0, light)
            seen = cell.calibration.lab(np.stack([cell.station.rgb(batch), cell.station.rgb(changed)]))
            relative.append(float(true_ciede2000(seen[0], seen[1])) - 1)
        chart = (cell.calibration.slope_residual or math.nan) / SAME_MATERIAL
        error = np.array(relative)
        p95 = np.quantile(np.abs(error), 0.95) / K95
        ratios.append((np.sqrt(np.mean(error**2)) / chart, p95 / chart))
        print(
            f"{cell.camera:18} {light:7} {cell.calibration.model.kind:16} chart {chart:.3f} rms "
            f"{np.sqrt(np.mean(error**2)):.3f} p95/1.96 {p95:.3f} bias {error.mean():+.3f}"
        )
    for name, column in zip(("rms", "p95/1.96"), np.array(ratios).T, strict=True):
        print(
            f"{name} over chart: quantiles 10, 50, 90 % {np.round(np.quantile(column, [0.1, 0.5, 0.9]), 2)}"
        )


def main(arguments: list[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slopes", action="store_true")
    asked = parser.parse_args(arguments)
    rng = np.random.default_rng(asked.seed)
    each = min(SCENES_OF_STATION, asked.scenes)
    count = math.ceil(asked.scenes / each)
    if asked.slopes:
        slopes(rng, count)
        return
    began = time.monotonic()
    alone: list[Scene | str] = []
    across: list[Scene | str] = []
    for first, second in stations(count, rng):
        alone += [play(first, None, rng) for _ in range(each)]
        across += [play(first, second, rng) for _ in range(each)]
    print(f"{count} stations, seed {asked.seed}, {time.monotonic() - began:.0f} s")
    table("One station", alone[: asked.scenes], by=True)
    table("Two stations", across[: asked.scenes], by=False)


if __name__ == "__main__":
    main()
