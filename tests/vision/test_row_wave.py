"""The wave of a frame's rows: analytic scenes whose rows were displaced as stated."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.special import erfc

from evidence import Frame, Inspection
from golden.sample import GoldenSample
from kernels.compiled import F64, U8
from tests.vision import board, populated
from vision import Inspector
from vision.mapping import Similarity, from_similarity
from vision.presence.row_wave import RowWave, RowWaveFinder
from vision.register import Registered

WIDTH, HEIGHT = 720, 1000
Wave = Callable[[F64], F64]  # displacement (n, 2) of (n,) rows of the frame


def wave(amplitude: float, period: float) -> Wave:
    return lambda y: (
        amplitude * np.column_stack((np.sin(y * 2 * np.pi / period), np.cos(y * 2 * np.pi / period)))
    )


def still(y: F64) -> F64:
    return np.zeros((len(y), 2))


@functools.cache
def dots() -> F64:
    """Return x, y, radius and contrast of dots all over the scene, none of them in line."""
    rng = np.random.default_rng(5)
    x, y = np.meshgrid(np.arange(20, WIDTH - 20, 30), np.arange(20, HEIGHT - 20, 30))
    places = np.column_stack((x.ravel(), y.ravel())) + rng.uniform(-8, 8, (x.size, 2))
    return np.column_stack((places, rng.uniform(4, 8, x.size), rng.choice((-50, 70, 110), x.size)))


def scene(
    moved: Wave = still,
    part: Callable[[F64], F64] | None = None,
    turn: Similarity | None = None,
    seed: int = 0,
) -> U8:
    """Return the picture of the dots by their exact, blurred outlines.

    What row y of the frame shows is displaced by moved(y); `part` tells how far dots themselves have moved.
    """
    image = np.full((HEIGHT, WIDTH), 90.0)
    own = np.zeros((len(dots()), 2)) if part is None else part(dots()[:, :2])
    centres = dots()[:, :2] + own if turn is None else turn.points(dots()[:, :2] + own)
    for (cx, cy), (radius, contrast) in zip(centres, dots()[:, 2:], strict=True):
        left, top = max(int(cx) - 14, 0), max(int(cy) - 14, 0)
        x, y = np.meshgrid(np.arange(left, min(left + 29, WIDTH)), np.arange(top, min(top + 29, HEIGHT)))
        if x.size == 0:
            continue
        off = moved(y[:, 0].astype(float))
        distance = np.hypot(x - off[:, :1] - cx, y - off[:, 1:] - cy)
        image[y, x] += contrast / 2 * erfc((distance - radius) / (0.8 * math.sqrt(2)))
    noisy = image + np.random.default_rng(seed).normal(0, 2, image.shape)
    return np.repeat(np.clip(np.round(noisy), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@functools.cache
def finder() -> RowWaveFinder:
    return RowWaveFinder(scene(), np.ones((HEIGHT, WIDTH), np.bool_))


def registered(pose: Similarity, residual_px: float = 0.1) -> Registered:
    mapping = from_similarity(pose, ((WIDTH - 1) / 2, (HEIGHT - 1) / 2), HEIGHT / 2)
    return Registered(
        pose, mapping, "projective", np.zeros((12, 12)), 0.0, 0.0, residual_px, residual_px, 0.9, 1.0
    )


UPRIGHT = Similarity(0.0, 0.0, 0.0, 1.0)
TURNED = Similarity(40.0, -30.0, 4.0, 1.01)


def errors(found: RowWave, moved: Wave, x: float = 300.0) -> F64:
    """Return how far the found displacement is from the stated one, rows 40 to the last but 40."""
    rows = np.arange(40.0, HEIGHT - 40)
    at = rows.copy()
    for _ in range(20):
        at = rows + moved(at)[:, 1]  # what the map puts into a row is seen in another
    return np.hypot(*(found.shifts(np.column_stack((np.full_like(rows, x), rows))) - moved(at)).T)


def rms(values: F64) -> float:
    return math.sqrt(float((values**2).mean()))


@pytest.mark.parametrize("pose", [UPRIGHT, TURNED], ids=["upright", "turned"])
@pytest.mark.parametrize("period", [100, 330, 1000])
@pytest.mark.parametrize("amplitude", [0.1, 0.5])
def test_a_wave_of_the_rows_is_followed(amplitude: float, period: float, pose: Similarity) -> None:
    moved = wave(amplitude, period)
    found = finder().find(scene(moved, turn=pose, seed=1), registered(pose))
    assert found is not None
    error = errors(found, moved)
    # a patch of 17 rows sees 5 % less of a wave of 100 rows
    assert rms(error) < 0.012 + (0.08 * amplitude if period == 100 else 0)
    assert error.max() < 0.05 + (0.2 * amplitude if period == 100 else 0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("off", [0.0, 0.06], ids=["map true", "map off by 0.06 px"])
def test_a_scene_without_a_wave_is_left_alone(off: float, seed: int) -> None:
    pose = Similarity(off, -off, 0.003, 1.0)
    assert finder().find(scene(seed=seed + 2), registered(pose)) is None


def test_nothing_is_looked_for_where_the_map_fits() -> None:
    assert finder().find(scene(wave(0.5, 330)), registered(UPRIGHT, residual_px=0.02)) is None


def test_what_goes_farther_than_a_pixel_is_no_wave() -> None:
    assert finder().find(scene(wave(0.9, 330), seed=1), registered(UPRIGHT)) is not None
    assert finder().find(scene(wave(1.2, 330), seed=1), registered(UPRIGHT)) is None


def header(at: F64) -> F64:
    """What stands on the left, in a quarter of the columns and 80 rows high, moved."""
    return np.where(((at[:, 0] < 200) & (np.abs(at[:, 1] - 600) < 40))[:, None], (0.3, -0.6), (0.0, 0.0))


def test_what_moved_in_one_place_is_no_wave_and_bends_none() -> None:
    assert finder().find(scene(part=header, seed=3), registered(UPRIGHT)) is None
    moved = wave(0.2, 330)
    found = finder().find(scene(moved, part=header, seed=3), registered(UPRIGHT))
    assert found is not None
    assert errors(found, moved).max() < 0.06


PRINT = (10, 480, 710, 545)  # left, top, right, bottom: all there is in its rows


def shifted(at: F64) -> F64:
    left, top, right, bottom = PRINT
    inside = (at[:, 0] > left) & (at[:, 0] < right) & (at[:, 1] > top) & (at[:, 1] < bottom)
    return np.where(inside[:, None], (0.0, 0.2), (0.0, 0.0))


@pytest.mark.parametrize("moved", [wave(0.2, 330), wave(0.1, 150)], ids=["330 rows", "150 rows"])
def test_what_is_judged_does_not_draw_the_wave_with_it(moved: Wave) -> None:
    found = finder().find(scene(moved, part=shifted, seed=4), registered(UPRIGHT))
    assert found is not None
    within = np.s_[PRINT[1] - 25 : PRINT[3] - 55]  # errors begin at row 40
    assert errors(found, moved)[within].max() > 0.15
    beside = found.beside(*PRINT)
    assert errors(beside, moved)[within].max() < 0.06
    centre = np.array([(PRINT[0] + PRINT[2]) / 2, (PRINT[1] + PRINT[3]) / 2])
    assert beside.u_px(centre) > 2 * found.u_px(centre)


@functools.cache
def inspector() -> Inspector:
    golden = GoldenSample(
        spec=populated.spec(), digest="sha256:" + "6" * 64, version=1, issued=board.ISSUED, expires=None,
        predecessor=None, images={"images/top.png": board.png(populated.picture())}, signatures=(),
    )  # fmt: skip
    return Inspector(golden, {})


def waved(image: U8, moved: Wave) -> U8:
    """Return the frame whose row y shows what the image has where it is displaced back."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(float)
    off = moved(y[:, 0])
    at = np.stack((y - off[:, 1:], x - off[:, :1]))
    seen = [map_coordinates(image[..., c].astype(float), at, order=5, mode="nearest") for c in range(3)]
    return np.clip(np.round(np.stack(seen, axis=-1)), 0, 255).astype(np.uint8)


def inspected(pixels: U8) -> Inspection:
    return inspector().inspect({"top": Frame(pixels, b"drawn", "top", "cell")}, serial=None)


def offsets(record: Inspection) -> dict[str, tuple[F64, str | None]]:
    """Return how far components and prints lie from their places, pixels, and what is said of them."""
    seen = [(c.id, c.presence, c.reason) for c in record.characteristics if c.presence is not None]
    return {
        name: (np.array([p.dx_mm or 0.0, p.dy_mm or 0.0]) / populated.MM, reason) for name, p, reason in seen
    }


def test_a_record_tells_of_no_wave_where_none_is() -> None:
    pose = inspected(populated.picture(seed=2)).frames[0].pose
    assert pose is not None
    assert pose.wave_px is None
    assert "wave_px" not in pose.model_dump()


@pytest.mark.parametrize("moved", [wave(0.3, 150), wave(0.5, 400)], ids=["150 rows", "400 rows"])
def test_a_good_unit_lies_where_it_does_whatever_its_rows_did(moved: Wave) -> None:
    record = inspected(waved(populated.picture(seed=2), moved))
    assert record.frames[0].pose is not None
    amplitude = float(np.abs(moved(np.arange(400.0))).max())
    # the map, drawn through moved patches, takes a share of it
    assert amplitude < (record.frames[0].pose.wave_px or 0) < 2 * amplitude
    for off, reason in offsets(record).values():
        assert reason is None
        assert np.hypot(*off) < 0.06


@pytest.mark.parametrize("shift", [(10.0, 0.0), (0.0, 3.6), (0.0, -2.4), (0.4, 0.3)])
def test_a_component_that_moved_is_told_as_without_a_wave(shift: tuple[float, float]) -> None:
    at = populated.CHIP[0] + shift[0], populated.CHIP[1] + shift[1]
    moved = populated.picture(at=at, seed=3)
    (still_off, still_reason), (off, reason) = (
        offsets(inspected(picture))["chip"] for picture in (moved, waved(moved, wave(0.3, 150)))
    )
    assert reason == still_reason == ("component_shifted" if math.hypot(*shift) > 3.3 else None)
    np.testing.assert_allclose(still_off, shift, atol=0.04)
    np.testing.assert_allclose(off, shift, atol=0.06)
