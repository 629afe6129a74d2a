"""Is a lamp's change of colour alarmed in time, and how often is there a false alarm?

Run `python -m benchmarks.lamp_drift [--scenes N] [--seed N] [--every HOURS ...]`. Each scene is a station of
the colour twin with a white tile in the frame, read every ten minutes or once a shift. Its lamp flickers, its
colour wanders from reading to reading and with the time of day; camera noise is that of 4096 pixels. Twenty
readings over the first days make the reference.

Printed for each way of reading: false alarms in 30 days without any ageing (readings at which the light
becomes suspect or alarmed; both hold units); and for lamps that age so fast that the tile moves by 0.3
Delta E in 3, 10, 30 and 90 days, how far it had truly moved when the alarm came; the same for a sudden 0.3.
Last, what ageing by 0.3 Delta E does to the difference of a unit to the golden sample: uncorrected, with the
power corrected, with each channel corrected by the tile, as the product does.

The tile's true movement is CIEDE2000 in the light's own white before, brightness taken out, from the spectra.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from benchmarks.colour_coverage import CAMERAS, LIGHTS, WHITE, WHITE_SIDE, Cell, cell_of
from calibration.colour.drift import FEWEST, LightReading, LightReference, LightState, LightWatch, WatchPlan
from datasets.twin.colour import Light, material, true_ciede2000, true_xyz
from datasets.twin.colour.truth import lab_of
from vision.colour.difference import delta_e

F64 = npt.NDArray[np.float64]
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
EVERY_HOURS = (1 / 6, 8.0)
DAYS, AGEING_DAYS = 30.0, (3.0, 10.0, 30.0, 90.0)
DRIFT, THIRD = 0.3, 1 / 3
WANDER, DAILY = 0.0004, 0.0003  # of the lamp's tilt: about 0.03 Delta E
REFERENCE = 2 * FEWEST


@dataclass(frozen=True)
class Tile:
    """A station's tile: what it shows of a lamp, with noise."""

    cell: Cell
    noise: F64

    @classmethod
    def of(cls, cell: Cell, rng: np.random.Generator) -> Tile:
        """Find the noise of a reading from one."""
        return cls(cell, np.linalg.cholesky(cell.station.read(WHITE, rng, WHITE_SIDE**2).covariance))

    def read(self, lamp: Light, hours: float, rng: np.random.Generator) -> F64:
        """Return a reading's mean light (3,)."""
        wander = WANDER * rng.standard_normal() + DAILY * np.sin(2 * np.pi * hours / 24)
        power = lamp.power * (1 + 0.003 * rng.standard_normal())
        seen = self.cell.station.under(replace(lamp, tilt=lamp.tilt + wander, power=power))
        return seen.rgb(WHITE) + self.noise @ rng.standard_normal(3)

    def watch(self, every: float, rng: np.random.Generator) -> LightWatch:
        """Make the reference, over one shift or some days."""
        hours = np.arange(REFERENCE) * max(every, 1.2)
        lamp = self.cell.station.light
        rgb = np.stack([self.read(lamp, float(h), rng) for h in hours])
        return LightWatch(LightReference.of(rgb), self.cell.calibration, WatchPlan(every_hours=every))


def moved(lamp: Light, aged: Light) -> float:
    """Return by how much the tile truly moved in colour."""
    before, after = lamp.spectrum, aged.spectrum
    white = true_xyz(np.ones(81), before)
    places = (lab_of(true_xyz(WHITE, spectrum) / white) for spectrum in (before, after))
    return float(true_ciede2000(*places))


def aged(lamp: Light, share: float) -> Light:
    """Return the lamp aged so far that its tile has moved by about this share of DRIFT."""
    kilohours = DRIFT / moved(lamp, lamp.drifted(1000.0))
    return lamp.drifted(1000.0 * kilohours * share)


def alarm(
    tile: Tile, every: float, share: Callable[[float], float], days: float, rng: np.random.Generator
) -> tuple[float, LightState] | None:
    """Return after how many hours the first alarm came, and the state; None: none in these days.

    `share` of DRIFT is a function of the hours passed.
    """
    watch, lamp = tile.watch(every, rng), tile.cell.station.light
    state = watch.start(BEGAN)
    for hours in np.arange(every, days * 24, every):
        rgb = tile.read(aged(lamp, share(float(hours))), float(hours), rng)
        state = watch.after(state, LightReading(BEGAN + timedelta(hours=float(hours)), rgb))
        if state.status == "alarm":
            return float(hours), state
    return None


def false_alarms(tile: Tile, every: float, rng: np.random.Generator) -> int:
    """Count how often in DAYS a lamp that does not age becomes suspect or alarmed."""
    watch, lamp = tile.watch(every, rng), tile.cell.station.light
    state, count = watch.start(BEGAN), 0
    for hours in np.arange(every, DAYS * 24, every):
        rgb = tile.read(lamp, float(hours), rng)
        after = watch.after(state, LightReading(BEGAN + timedelta(hours=float(hours)), rgb))
        count += state.status == "ok" and after.status != "ok"
        state = after
    return count


def units(cell: Cell, rng: np.random.Generator) -> F64:
    """Return what ageing by DRIFT does to units: uncorrected, power corrected, channels corrected; (n, 3)."""
    later = cell.station.under(aged(cell.station.light, 1.0))
    batches = [material(rng) for _ in range(20)]
    before, after = (np.stack([station.rgb(r) for r in batches]) for station in (cell.station, later))
    channels = cell.station.rgb(WHITE) / later.rgb(WHITE)
    lab = cell.calibration.lab
    power = lab(cell.station.rgb(WHITE))[0], lab(later.rgb(WHITE))[0]
    brightness = ((power[0] + 16) / (power[1] + 16)) ** 3
    return np.stack([delta_e(lab(before), lab(after * gain)) for gain in (1.0, brightness, channels)], axis=1)


def main(arguments: list[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, nargs="+", default=EVERY_HOURS, metavar="HOURS")
    asked = parser.parse_args(arguments)
    rng = np.random.default_rng(asked.seed)
    began = time.monotonic()
    tiles = []
    for number in range(asked.scenes):
        light = LIGHTS[number % len(LIGHTS)]
        tiles.append(Tile.of(cell_of(str(rng.choice(CAMERAS)), light, light, rng), rng))
    for every in asked.every:
        counts = [false_alarms(tile, every, rng) for tile in tiles]
        detectable = np.median([tile.watch(every, rng).detectable for tile in tiles])
        print(
            f"\nTile read every {every:.3g} hours: alarmed from {detectable:.3f} Delta E (median of stations)"
        )
        print(f"  false alarms in {DAYS:g} days: mean {np.mean(counts):.3f}, worst station {max(counts)}")
        for days in AGEING_DAYS:
            rate = 24 * days
            found = [alarm(tile, every, lambda h, r=rate: h / r, 2 * days, rng) for tile in tiles]
            print(f"  {DRIFT} in {days:3g} days: " + at_alarm(tiles, found, lambda h, r=rate: h / r))
        found = [alarm(tile, every, lambda _: 1.0, 10.0, rng) for tile in tiles]
        hours = [f[0] for f in found if f is not None]
        print(
            f"  sudden {DRIFT}: {len(hours)} of {len(tiles)} alarmed, after {np.median(hours) / every:.0f} "
            f"readings (most {max(hours) / every:.0f})"
        )
    change = np.concatenate([units(tile.cell, rng) for tile in tiles])
    print(f"\nA unit's colour when the tile has moved by {DRIFT}, Delta E, mean and 95th percentile:")
    for name, column in zip(("uncorrected", "power corrected", "channels corrected"), change.T, strict=True):
        print(f"  {name:20} {column.mean():.3f} {np.quantile(column, 0.95):.3f}")
    print(f"\n{asked.scenes} stations, seed {asked.seed}, {time.monotonic() - began:.0f} s")


def at_alarm(
    tiles: list[Tile], found: list[tuple[float, LightState] | None], share: Callable[[float], float]
) -> str:
    """Return how far the tile had truly moved when the alarm came."""
    true = [
        moved(lamp, aged(lamp, share(hit[0])))
        for tile, hit in zip(tiles, found, strict=True)
        if hit is not None
        for lamp in (tile.cell.station.light,)
    ]
    late = sum(value > THIRD for value in true) + len(tiles) - len(true)
    return (
        f"{len(true)} of {len(tiles)} alarmed, at a true {np.median(true):.3f} (least {min(true):.3f}, "
        f"most {max(true):.3f}); later than a third of 1: {late}"
    )


if __name__ == "__main__":
    main()
