"""Artwork that is bent, slipped or nearly blank: what is known of it is followed, and no defect is."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from datasets.drawn.artwork.example import template
from vision.artwork import prepare
from vision.artwork.align import align

U8 = npt.NDArray[np.uint8]
F64 = npt.NDArray[np.float64]
SIDE = 400


def irregular(seed: int = 8) -> U8:
    """Return artwork that is nowhere periodic and nowhere narrower than 7 px, (SIDE, SIDE)."""
    rng = np.random.default_rng(seed)
    picture = np.full((SIDE, SIDE), 255, np.uint8)
    for x, y, w, h in rng.integers((0, 0, 12, 10), (SIDE, SIDE, 80, 30), (60, 4)).tolist():
        cv2.rectangle(picture, (x, y), (x + w, y + h), 0, -1)
    square = np.ones((7, 7), np.uint8)
    opened = cv2.morphologyEx(picture, cv2.MORPH_OPEN, square)
    return np.asarray(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, square), np.uint8)


def waves(x: F64, y: F64) -> tuple[F64, F64]:
    return 3.0 * np.sin(x / 24) * np.cos(y / 30), 3.0 * np.cos(x / 28 + 1) * np.sin(y / 26)


def slipped_rows(x: F64, y: F64) -> tuple[F64, F64]:
    """Rows 150 to 270 lie 5 px to the right, sliding there over 10 px."""
    return 5.0 * np.clip((y - 150) / 10, 0, 1) * np.clip((270 - y) / 10, 0, 1), np.zeros_like(x)


def slipped_columns(x: F64, y: F64) -> tuple[F64, F64]:
    return slipped_rows(y, x)[::-1]


Bend = Callable[[F64, F64], tuple[F64, F64]]


def displaced(picture: U8, bend: Bend) -> U8:
    """Return a unit, two materials, whose pixel x, y shows the golden picture's x - bend x, y - bend y."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float64)
    by_x, by_y = bend(x, y)
    soft = cv2.GaussianBlur(picture, (0, 0), 0.8)
    shown = cv2.remap(
        soft, np.float32(x - by_x), np.float32(y - by_y), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.where(np.asarray(shown) < 128, np.uint8(0), np.uint8(255))


def inner(boxes: npt.NDArray[np.int64], width: int = SIDE) -> list[list[int]]:
    """Return the boxes that lie away from the border, beyond which nothing is known."""
    return [b for b in boxes.tolist() if min(b[:2]) >= 8 and b[2] <= width - 8 and b[3] <= SIDE - 8]


@pytest.mark.parametrize("bend", [waves, slipped_rows, slipped_columns])
@pytest.mark.parametrize("golden", [irregular(), template()], ids=["irregular", "parallel"])
def test_a_good_unit_that_is_bent_or_slipped_hardly_differs(golden: U8, bend: Bend) -> None:
    _, candidates = prepare(golden, displaced(golden, bend))
    assert inner(candidates.boxes) == []


def test_a_wide_frame_is_bent_as_a_small_one_is() -> None:
    golden = np.hstack([irregular(seed) for seed in range(8, 14)])
    _, candidates = prepare(golden, displaced(golden, waves))
    assert len(inner(candidates.boxes, golden.shape[1])) <= 6  # slivers; 64 and more where nothing is bent


@pytest.mark.parametrize("bend", [waves, slipped_rows])
@pytest.mark.parametrize(("wide", "deep"), [(24, 9), (14, 6), (40, 12)])
def test_a_bite_out_of_an_edge_that_is_bent_stays_as_large_as_it_is(wide: int, deep: int, bend: Bend) -> None:
    golden = irregular()
    golden[190:340, 40:360] = 0
    unit = displaced(golden, bend)
    edge = 160 + int((unit[160:230, 200] > 128).argmin())
    unit[edge - 3 : edge + deep, 200 : 200 + wide] = 255
    aligned, candidates = prepare(golden, unit)
    ((x1, y1, x2, y2),) = inner(candidates.boxes)
    assert 198 <= x1 <= x2 <= 202 + wide
    missing = (aligned < 128) & (unit >= 128)
    assert missing[y1 - 2 : y2 + 2, x1 - 2 : x2 + 2].sum() >= 0.7 * wide * deep


def test_where_a_bent_unit_shows_what_is_told_both_ways() -> None:
    golden = irregular()
    unit = displaced(golden, waves)
    alignment = align(golden, unit)
    y, x = np.mgrid[24 : SIDE - 24 : 3, 24 : SIDE - 24 : 3].astype(np.float64)
    places = np.column_stack((x.ravel(), y.ravel()))
    there = alignment.golden_points(places)
    shown = ndimage.map_coordinates(golden.astype(np.float64), there.T[::-1], order=1)
    off = np.abs(shown - alignment.picture[24 : SIDE - 24 : 3, 24 : SIDE - 24 : 3].ravel())
    assert off.max() <= 4  # 1/128 px
    assert np.abs(alignment.unit_points(there) - places).max() < 0.02
    np.testing.assert_array_equal(alignment.move(golden, unit), alignment.picture)
    slope = np.stack(np.gradient(ndimage.gaussian_filter(unit.astype(np.float64), 2))[::-1], axis=-1)
    slope = slope[24 : SIDE - 24 : 3, 24 : SIDE - 24 : 3].reshape(-1, 2)
    steep = np.hypot(*slope.T)
    truth = places - np.column_stack([d.ravel() for d in waves(x, y)])
    across = np.abs(((there - truth) * slope).sum(axis=1)) / np.maximum(steep, 1)  # along edges none tells
    assert across[steep > 20].mean() < 0.4
    assert np.percentile(across[steep > 20], 95) < 1.2


def turned(x: F64, y: F64) -> tuple[F64, F64]:
    return 3 * (y - 200) / 200, -3 * (x - 60) / 200


def stretched(x: F64, y: F64) -> tuple[F64, F64]:
    return 3 * (x / 100) ** 2, 2.5 * (y - 200) / 200


@pytest.mark.parametrize("bend", [waves, turned, stretched])
@pytest.mark.parametrize("shown", [60, 80])
def test_a_field_does_not_run_away_where_a_board_is_blank(shown: int, bend: Bend) -> None:
    golden = irregular()
    golden[:, shown:] = 255
    unit = displaced(golden, bend)
    alignment = align(golden, unit)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    moved = alignment.displacements(np.column_stack((x.ravel(), y.ravel())))
    assert np.hypot(*moved.T).max() < 10
    assert inner(prepare(golden, unit)[1].boxes) == []


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("upright", [True, False])
def test_along_parallel_traces_nothing_is_moved_that_nothing_tells(seed: int, upright: bool) -> None:
    golden = np.full((SIDE, SIDE), 255, np.uint8)
    golden[:, 80:180] = golden[:, 240:300] = 0
    ragged = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 10, (SIDE, SIDE)), (0, 0), 6)
    unit = displaced(golden, lambda x, _: (10 + ragged, np.zeros_like(x)))
    if not upright:
        golden, unit = np.ascontiguousarray(golden.T), np.ascontiguousarray(unit.T)
    across, along = align(golden, unit).shift[:: 1 if upright else -1]
    assert across == 10
    assert abs(along) <= 4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_another_design_is_not_bent_into_this_one(seed: int) -> None:
    field = align(irregular(), irregular(seed)).field
    assert field is None or field.ndim == 2
