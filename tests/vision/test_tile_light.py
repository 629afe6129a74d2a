"""The lamp over a station's units: held before its colour has moved far, seldom without cause."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks import lamp_drift
from benchmarks.colour_coverage import cell_of
from calibration.colour.drift import LightReference
from evidence import LightStateRecord
from vision.colour.golden_colours import Tile
from vision.colour.region import NotRead
from vision.colour.tile_light import SeenLight, TileLight

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
START = LightStateRecord(
    status="ok", why="within_limits", since="2026-03-01T00:00:00.000000Z", time="2026-03-01T00:00:00.000000Z",
    steady="2026-03-01T00:00:00.000000Z", average=(0.0, 0.0, 0.0), delta_e=0.0, power=1.0,
)  # fmt: skip
Share = Callable[[float], float]  # of a drift of 0.3 Delta E, at so many hours


@functools.cache
def station_tile() -> lamp_drift.Tile:
    rng = np.random.default_rng(1)
    return lamp_drift.Tile.of(cell_of("nikon-5100", "D65", "D65", rng), rng)


class Lamp:
    """A station of the colour twin with a tile: each frame is read, and taken for what `pixels` shows."""

    def __init__(self, seed: int) -> None:
        self.rng, self.tile = np.random.default_rng(seed), station_tile()
        station = self.tile.cell.station
        light = LightReference.of(
            np.stack([self.tile.read(station.light, 1.2 * i, self.rng) for i in range(20)])
        )
        noise = self.tile.noise @ self.tile.noise.T
        reader: Any = SimpleNamespace(
            calibration=self.tile.cell.calibration,
            read=lambda rgb, _: SimpleNamespace(rgb=rgb, covariance=noise),
        )
        outline = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0))
        self.watched = TileLight(Tile(polygon_px=outline, light=light), reader, tolerance=1.0)

    def seen(self, hours: float, drift: float, before: LightStateRecord | None) -> SeenLight:
        lamp = lamp_drift.aged(self.tile.cell.station.light, drift) if drift else self.tile.cell.station.light
        pixels: Any = self.tile.read(lamp, hours, self.rng)
        found = self.watched.seen(pixels, at(hours), before)
        assert isinstance(found, SeenLight)
        return found

    def moved(self, drift: float) -> float:
        lamp = self.tile.cell.station.light
        return lamp_drift.moved(lamp, lamp_drift.aged(lamp, drift))


def at(hours: float) -> str:
    return (BEGAN + timedelta(hours=hours)).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def held(
    lamp: Lamp, every: float, hours: float, share: Share, restarts: Iterable[int] = ()
) -> list[SeenLight]:
    """Follow the lamp; at restarts nothing is left but what the record says."""
    state, found = START, []
    for n in range(1, round(hours / every) + 1):
        light = lamp.seen(n * every, share(n * every), state)
        found.append(light)
        assert light.record.after is not None
        state = light.record.after
        if n in restarts:
            state = LightStateRecord.model_validate_json(state.model_dump_json())
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_a_lamp_that_drifts_over_hours_is_held_before_it_uses_a_third_of_the_tolerance(seed: int) -> None:
    lamp = Lamp(seed)
    found = held(lamp, 1 / 12, 12.0, lambda hours: hours / 8)  # 0.3 Delta E in 8 hours, 0.45 at the end
    first = next(n for n, light in enumerate(found, 1) if light.reason is not None)
    assert 0.1 < lamp.moved(first / 12 / 8) < 1 / 3
    assert {light.reason for light in found[first:]} == {"light_drifted"}
    last = found[-1].record.after
    assert last is not None
    assert (last.status, last.since) == ("alarm", at(first / 12))
    assert START.steady < last.steady < last.since
    assert last.delta_e == pytest.approx(lamp.moved(1.5), abs=0.1)


def test_a_steady_lamp_is_hardly_ever_held_in_30_days() -> None:
    found = held(Lamp(3), 1.0, 30 * 24, lambda _: 0.0)
    states = [light.record.after for light in found]
    begun = [s.since for s in states if s is not None and s.status != "ok"]
    assert len(set(begun)) <= 1


def test_a_lamp_that_comes_back_releases() -> None:
    found = held(Lamp(4), 0.1, 8.0, lambda hours: 2.0 if 2 < hours <= 4 else 0.0)
    reasons = [light.reason for light in found]
    assert set(reasons[:20]) == {None}
    assert set(reasons[20:40]) == {"light_drifted"}
    assert set(reasons[50:]) == {None}


def test_a_restart_changes_nothing() -> None:
    share: Share = lambda hours: hours / 8  # noqa: E731
    whole, cut = (held(Lamp(5), 0.1, 9.0, share, restarts) for restarts in ((), (3, 40, 41, 70)))
    assert [light.record for light in whole] == [light.record for light in cut]


def test_a_frame_that_is_not_later_says_nothing_new_but_is_judged_alone() -> None:
    lamp = Lamp(6)
    after = lamp.seen(2.0, 0.0, START).record.after
    assert after is not None
    assert after.time == at(2.0)
    for hours in (2.0, 1.0):
        assert lamp.seen(hours, 0.0, after).record.after == after
        assert lamp.seen(hours, 0.0, after).reason is None
        assert lamp.seen(hours, 8.0, after).record.after == after
        assert lamp.seen(hours, 8.0, after).reason == "light_drifted"


def test_a_tile_without_light_is_not_read() -> None:
    dark: Any = np.array([0.2, 0.0, 0.2])
    assert Lamp(7).watched.seen(dark, at(1), START) == NotRead("light_drifted")
