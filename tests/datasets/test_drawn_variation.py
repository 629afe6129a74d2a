"""Other good units: the artwork stays, texture is another, holes move no more than a hand's drill."""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.drawn.variation import smooth_field
from tests.datasets import drawn_board as board

SEEDS = range(10)
PLANE = np.s_[400:510, 130:390]  # metal, far from edges and holes


@functools.cache
def unit(seed: int) -> NDArray[np.uint8]:
    return board.units().draw(np.random.default_rng(seed), ()).pixels


def reddish(pixels: NDArray[np.uint8]) -> board.Mask:
    """Return where metal is: on this board it is redder than blue, laminate is not."""
    calm = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), 2.0)
    return calm[..., 0] - calm[..., 2] > 3


def detail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    green = pixels[..., 1].astype(np.float32)
    return (green - cv2.GaussianBlur(green, (0, 0), 3.0))[PLANE]


def test_the_artwork_is_where_it_was() -> None:
    clear = ~board.wider(board.artwork(), 7) | ~board.wider(~board.artwork(), 7)
    clear &= ~board.wider(board.holes(), 20)
    assert (reddish(board.picture()) == board.artwork())[clear].all()
    right = [(reddish(unit(seed)) == board.artwork())[clear].mean() for seed in SEEDS]
    assert np.median(right) > 0.99
    assert min(right) > 0.8, "a strong blotch of tint hides what is reddish, and nothing else does"


def test_edges_move() -> None:
    near = (
        board.wider(board.artwork(), 4) & board.wider(~board.artwork(), 4) & ~board.wider(board.holes(), 20)
    )
    moved = [(reddish(unit(s)) != reddish(board.picture()))[near].mean() for s in SEEDS]
    assert max(moved) > 0.05


def test_texture_is_another_on_most_units_and_the_same_on_some() -> None:
    golden = detail(board.picture()).ravel()
    likeness = np.array([np.corrcoef(golden, detail(unit(s)).ravel())[0, 1] for s in SEEDS])
    assert (np.abs(likeness) < 0.15).mean() >= 0.3
    assert (likeness > 0.7).any()
    strength = [float(detail(unit(s)).std() / golden.std()) for s in SEEDS]
    assert min(strength) > 0.5
    assert max(strength) < 2.0


def test_two_units_do_not_share_their_texture() -> None:
    fresh = [detail(unit(s)).ravel() for s in SEEDS]
    golden = detail(board.picture()).ravel()
    fresh = [d for d in fresh if abs(np.corrcoef(golden, d)[0, 1]) < 0.15]
    assert len(fresh) >= 3
    assert abs(np.corrcoef(fresh[0], fresh[1])[0, 1]) < 0.15


def test_holes_move_as_a_drill_does_and_no_more() -> None:
    every = []
    holes = [(at, board.SMALL_RADIUS, 0.6 * board.SMALL_RADIUS) for at in board.SMALL_HOLES]
    for at, radius, limit in (*holes, (board.LARGE_HOLE, board.LARGE_RADIUS, 18.0)):
        reach = radius + 17
        around = np.s_[at[1] - reach : at[1] + reach + 1, at[0] - reach : at[0] + reach + 1]
        for seed in SEEDS:
            dark = (cv2.GaussianBlur(unit(seed)[around], (0, 0), 1.5).max(axis=2) < 70).astype(np.uint8)
            _, _, stats, centres = cv2.connectedComponentsWithStats(dark)
            largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
            far = float(np.hypot(*(centres[largest] - reach)))
            size = float(np.sqrt(stats[largest, cv2.CC_STAT_AREA] / np.pi))
            assert far <= limit + 1.5
            assert abs(size - radius) < 4
            every.append(far)
    assert np.median(every) > 1
    assert max(every) > 4


def test_a_smooth_field_is_standard_and_smooth() -> None:
    rng = np.random.default_rng(3)
    fields = [smooth_field(rng, (200, 300), wave) for wave in (20.0, 60.0) for _ in range(20)]
    assert all(f.shape == (200, 300) and f.dtype == np.float32 for f in fields)
    assert abs(np.mean([f.mean() for f in fields])) < 0.1
    assert 0.7 < np.mean([f.std() for f in fields]) < 1.3
    slopes = [np.abs(np.diff(f, axis=1)).mean() for f in fields]
    assert np.mean(slopes[20:]) < 0.5 * np.mean(slopes[:20]), "a longer wave is smoother"
