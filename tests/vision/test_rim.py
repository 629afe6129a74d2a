"""Rims of round parts: found among rings, shadow and texture, and as large as they were drawn."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.plane_map import ScaleMap
from datasets.twin.metrology import Camera, Disk, Scene, Sensor, Slot, expose
from kernels.compiled import F32, F64
from vision.edges import Associated, NotMeasured, RawLight
from vision.edges.find import find_circles
from vision.edges.rim import find_rim, fit_rim

MM_PER_PX = 0.05
SIZE = 620
SENSOR = Sensor(psf_sigma_px=1.1)


def _expose(background: float, *shapes: Disk | Slot) -> F64:
    return expose(Scene(background, shapes), Camera.scale(SIZE, SIZE, MM_PER_PX, x=0, y=0), SENSOR)


def _coin(
    radius: float, *, x: float = 15.4, y: float = 15.1, shadow: float = 0.6, seed: int = 1, rim: float = 0.12
) -> F32:
    """A coin with a dark rim, a bright ring and relief on a textured table; a soft shadow lies to its right.

    `shadow` is the share of light that it takes. The coin covers the table by exact area, so its rim lies
    where the disk is drawn whatever the table does.
    """
    rng = np.random.default_rng(seed)
    covered = _expose(0.0, Disk(x, y, radius, 1.0))
    coin = _expose(
        rim, Disk(x, y, radius - 0.35, 0.62), Disk(x, y, radius - 0.8, 0.3), Disk(x + 1, y - 2, 2.0, 0.5),
        Slot(x - 3, y + 2, 6.0, 1.5, 0.2, 0.55),
    )  # fmt: skip
    v, u = np.mgrid[0:SIZE, 0:SIZE] * MM_PER_PX
    off = np.hypot(u - x - 1.2, v - y - 0.5) - radius
    dark = shadow / (1 + np.exp(off / 0.35))
    table = 0.55 * (1 - dark) * (1 + 0.03 * rng.standard_normal((SIZE, SIZE)))
    light = covered * coin + (1 - covered) * table
    return (light + 0.003 * rng.standard_normal(light.shape)).astype(np.float32)


def _fit(light: F32, radius: float, **options: object) -> Associated | NotMeasured:
    plane = ScaleMap(MM_PER_PX)
    return fit_rim(
        RawLight.of_light(light), plane, (15.6 / MM_PER_PX, 15.0 / MM_PER_PX), radius / MM_PER_PX,
        **{"reach_px": 40.0, **options},  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(("radius", "shadow", "seed"), [(9.6, 0.6, 1), (10.3, 0.75, 2), (11.2, 0.0, 3)])
def test_a_rim_beside_rings_relief_and_shadow_is_as_large_as_it_was_drawn(
    radius: float, shadow: float, seed: int
) -> None:
    found = _fit(_coin(radius, shadow=shadow, seed=seed), radius - 0.6)
    assert isinstance(found, Associated)
    x, y, r = found.parameters
    # in the shadow the table is hardly brighter than the rim, and no longer even
    assert (x, y) == pytest.approx((15.4, 15.1), abs=0.004 if shadow == 0 else 0.016)  # 0.08, 0.3 px
    assert r == pytest.approx(radius, abs=0.003 if shadow == 0 else 0.016)
    assert found.inlier_share > 0.6
    assert found.bright == 1.0
    u = float(np.sqrt(found.covariance[2, 2]))
    assert 1e-5 < u < 2e-3


def test_a_shadow_alone_is_no_rim() -> None:
    light = _coin(10.0)
    shadow_only = np.where(np.hypot(*(np.mgrid[0:SIZE, 0:SIZE] * MM_PER_PX - 15)) < 14, 0.55, 0.55)
    v, u = np.mgrid[0:SIZE, 0:SIZE] * MM_PER_PX
    shadow_only *= 1 - 0.6 / (1 + np.exp((np.hypot(u - 15.4, v - 15.1) - 10.0) / 0.35))
    assert isinstance(_fit(light, 10.0), Associated)
    assert _fit(shadow_only.astype(np.float32), 10.0) == NotMeasured("edge_not_found")


def test_a_third_of_the_rim_hidden_by_something_moves_nothing() -> None:
    radius = 10.0
    light = _coin(radius)
    light[:, 440:] = 0.5  # a sheet over the right of the coin, with a straight edge of its own
    found = _fit(light, radius)
    assert isinstance(found, Associated)
    assert found.parameters[2] == pytest.approx(radius, abs=0.012)
    assert 0.4 < found.inlier_share < 0.85


def test_uncertainty_of_a_scalloped_rim_is_that_of_its_scallops() -> None:
    # 24 sectors see about two of 47 scallops each: the mean radius of a rim that waves by +-0.04 mm is known
    # to far better than one scallop, and errors over seeds agree with what is stated
    errors, stated = [], []
    v, u = np.mgrid[0:SIZE, 0:SIZE] * MM_PER_PX
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x, y = 15.5 + rng.uniform(-0.2, 0.2, 2)
        angle = np.arctan2(v - y, u - x) + rng.uniform(0, 1)
        rim = 10 + 0.04 * np.cos(47 * angle)
        covered = 1 / (1 + np.exp((np.hypot(u - x, v - y) - rim) / (0.6 * MM_PER_PX)))
        light = 0.55 - 0.4 * covered + 0.004 * rng.standard_normal(covered.shape)
        found = _fit(light.astype(np.float32), 10.0)
        assert isinstance(found, Associated)
        errors.append(float(found.parameters[2]) - 10.0)
        stated.append(float(np.sqrt(found.covariance[2, 2])))
    assert np.abs(errors).max() < 0.006
    assert np.sqrt(np.mean(np.square(errors))) < 3 * np.mean(stated) + 0.002


def test_which_ring_is_meant_can_be_said() -> None:
    # dark hole of 3.0 mm in a pad that ends at 5.0 mm before a brighter board: two rings, both dark inside
    light = _expose(0.8, Disk(15.4, 15.1, 5.0, 0.45), Disk(15.4, 15.1, 3.0, 0.05)).astype(np.float32)
    raw, plane = RawLight.of_light(light), ScaleMap(MM_PER_PX)
    radii = {}
    for ring in ("innermost", "outermost"):
        rim = find_rim(raw, plane, (308, 302), 80, reach_px=40, ring=ring)  # type: ignore[arg-type]
        assert not isinstance(rim, NotMeasured)
        radii[ring] = rim.radius * MM_PER_PX
    assert radii["innermost"] == pytest.approx(3.0, abs=0.06)
    assert radii["outermost"] == pytest.approx(5.0, abs=0.06)


def test_a_rim_beyond_the_frame_is_refused() -> None:
    light = _coin(10.0)
    raw, plane = RawLight.of_light(light), ScaleMap(MM_PER_PX)
    assert fit_rim(raw, plane, (100, 300), 200, reach_px=30) == NotMeasured("unit_out_of_frame")


def test_every_coin_is_found_once_and_nothing_else() -> None:
    rng = np.random.default_rng(4)
    light = np.full((1500, 2000), 0.55) * (1 + 0.02 * rng.standard_normal((1500, 2000)))
    truth = [(330.0, 340.0, 9.0), (1000.0, 350.0, 10.5), (1650.0, 380.0, 8.0), (400.0, 1100.0, 11.0)]
    for i, (x, y, radius) in enumerate(truth):
        coin = _coin(radius, seed=i)
        left, top = int(x) - 308, int(y) - 302
        light[top : top + SIZE, left : left + SIZE] = coin
    squares = np.kron(np.indices((6, 8)).sum(0) % 2, np.ones((120, 120)))  # a chessboard has no circles
    light[760:1480, 1030:1990] = 0.05 + 0.7 * squares
    found = find_circles(light.astype(np.float32), least_px=140, greatest_px=240)
    assert len(found) == len(truth)
    for x, y, radius in truth:
        near = [c for c in found if np.hypot(c.x - x, c.y - y) < 20]
        assert len(near) == 1
        assert abs(near[0].radius - radius / MM_PER_PX) < 0.12 * radius / MM_PER_PX
        assert near[0].support > 0.5


def test_an_empty_table_holds_no_circles() -> None:
    rng = np.random.default_rng(5)
    light = (0.5 * (1 + 0.03 * rng.standard_normal((900, 1200)))).astype(np.float32)
    assert find_circles(light, least_px=100, greatest_px=250) == []


def test_radii_that_are_no_range_are_an_error() -> None:
    with pytest.raises(ValueError, match="no range"):
        find_circles(np.zeros((100, 100), np.float32), least_px=20, greatest_px=10)
