"""What each drawer promises, checked against a board whose artwork the test knows, over many seeds."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from datasets import DatasetError
from datasets.drawn import KINDS, Drawn
from datasets.drawn.defects import visible
from tests.datasets import drawn_board as board

SEEDS = range(12)


@functools.cache
def drawn(kind: str, seed: int) -> Drawn:
    return board.units().draw(np.random.default_rng(seed), (kind,), varied=False)


def label(kind: str, seed: int) -> board.Mask:
    return drawn(kind, seed).labels == KINDS.index(kind) + 1


def change(kind: str, seed: int) -> NDArray[np.int16]:
    return drawn(kind, seed).pixels.astype(np.int16) - board.picture()


def at_border(mask: board.Mask) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_short_joins_islands(seed: int) -> None:
    assert board.joined(board.wider(label("short", seed), 2)) < board.ISLANDS


@pytest.mark.parametrize("seed", SEEDS)
def test_an_open_parts_an_island(seed: int) -> None:
    cut = board.wider(label("open", seed), 2)
    assert board.parts(board.artwork() & ~cut) > board.ISLANDS


@pytest.mark.parametrize("seed", SEEDS)
def test_excess_joins_nothing(seed: int) -> None:
    assert board.joined(label("excess_material", seed)) == board.ISLANDS


def test_missing_material_parts_nothing_and_lies_on_conductor() -> None:
    """What is told to be conductor reaches over its edge by some 3 px, since texture is seen around it.

    So one bite in some may leave a sliver that is none.
    """
    whole = []
    for seed in SEEDS:
        missing = label("missing_material", seed)
        assert not (missing & ~board.wider(board.conductor(), 4)).any()
        whole.append(board.parts(board.conductor() & ~missing) == board.ISLANDS)
    assert np.mean(whole) > 0.7


def test_a_missing_feature_covers_a_hole_or_an_island() -> None:
    """A hole is covered by an ellipse, so that its rim may still be seen at two sides."""
    rows, columns = np.mgrid[: board.HEIGHT, : board.WIDTH]
    disks = [np.hypot(columns - x, rows - y) <= board.SMALL_RADIUS for x, y in board.SMALL_HOLES]
    disks.append(np.hypot(columns - board.LARGE_HOLE[0], rows - board.LARGE_HOLE[1]) <= board.LARGE_RADIUS)
    count, numbers = cv2.connectedComponents(board.artwork().astype(np.uint8))
    rings = [(numbers == i) & ~board.wider(board.holes(), 4) for i in range(1, count)]
    kinds = set[str]()
    for seed in SEEDS:
        gone = label("missing_feature", seed)
        hole, island = (max(gone[f].mean() for f in features) for features in (disks, rings))
        assert hole > 0.6 or island > 0.99
        kinds.add("hole" if hole > 0.6 else "island")
        if hole > 0.6:  # the dark is gone where the label says so
            assert np.median(drawn("missing_feature", seed).pixels[gone & board.holes()]) > 70
    assert kinds == {"hole", "island"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_labelled_has_changed_and_little_else(kind: str) -> None:
    for seed in SEEDS:
        mask = label(kind, seed)
        assert mask.any(), f"seed {seed} found no place"
        calm = np.abs(cv2.GaussianBlur(change(kind, seed).astype(np.float32), (0, 0), 2.0)).max(axis=2)
        assert (calm[mask] > 3).mean() > 0.7, f"seed {seed}: the label is wider than the defect"
        if at_border(mask):
            continue  # what its shadow does there is not promised
        beside = np.abs(change(kind, seed)).max(axis=2)[~board.wider(mask, 16)]
        assert beside.max() <= 10, f"seed {seed}: the defect is wider than its label"


@pytest.mark.parametrize("kind", KINDS)
def test_box_and_size_are_the_labels(kind: str) -> None:
    at_edge = np.pad(np.zeros((board.HEIGHT - 2, board.WIDTH - 2), np.bool_), 1, constant_values=True)
    for seed in SEEDS:
        (defect,) = drawn(kind, seed).defects
        mask = drawn(kind, seed).labels > 0
        assert defect.kind == kind
        ys, xs = np.nonzero(mask)
        assert defect.box == (xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1)
        # the longest caliper over the corners of the outline's pixels, by turning it
        ys, xs = np.nonzero(mask & board.wider(~mask, 1) | mask & at_edge)
        corners = np.concatenate([np.column_stack((xs + i, ys + j)) for i in (0, 1) for j in (0, 1)])
        turns = np.radians(np.arange(0, 180, 0.5))
        along = corners @ np.stack((np.cos(turns), np.sin(turns)))
        assert defect.size_mm == pytest.approx(np.ptp(along, axis=0).max() * board.MM_PER_PX, rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_defects_inside_the_picture_are_not_below_the_least_size(kind: str) -> None:
    """The card of the released model says that defects below 0.4 mm were not drawn."""
    whole = [s for s in SEEDS if not at_border(label(kind, s))]
    assert len(whole) >= 4
    assert min(drawn(kind, s).defects[0].size_mm for s in whole) >= 0.4


def test_no_two_defects_touch() -> None:
    for seed in range(3):
        kinds = [KINDS[i] for i in np.random.default_rng(seed).permutation(len(KINDS))]
        unit = board.units().draw(np.random.default_rng(seed), kinds)
        assert len(unit.defects) >= len(kinds) - 1
        order = [d.kind for d in unit.defects]
        assert order == [k for k in kinds if k in order]
        square = np.ones((17, 17), np.uint8)
        for d in unit.defects:
            own = unit.labels == KINDS.index(d.kind) + 1
            ys, xs = np.nonzero(own)
            assert d.box == (xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1), "none covers another"
            near = np.asarray(cv2.dilate(own.astype(np.uint8), square)) > 0
            assert not (near & (unit.labels > 0) & ~own).any()


def test_a_try_that_finds_no_clear_place_leaves_nothing() -> None:
    crowd = ("stain", "discoloration", "short", "excess_material", "missing_material") * 3
    for seed in range(3):
        unit = board.units().draw(np.random.default_rng(seed), crowd, varied=False)
        beside = ~board.wider(unit.labels > 0, 16)
        assert beside.mean() > 0.1
        assert np.abs(unit.pixels.astype(np.int16) - board.picture())[beside].max() <= 10


def test_a_change_is_visible_where_half_of_it_is_five_codes_or_more() -> None:
    before = np.full((40, 60, 3), 100, np.float32)
    cover = np.zeros((40, 60), np.float32)
    cover[:, 20:40] = 1
    for codes, columns, seen in ((6, 20, True), (4, 20, False), (40, 5, False), (30, 14, True)):
        after = before.copy()
        after[:, 20 : 20 + columns, 1] += codes
        assert visible(before, after, cover) is seen
    noise = np.random.default_rng(1).normal(0, 15, before.shape).astype(np.float32)
    assert not visible(before, before + noise, cover), "grain is not a defect"


def test_labels_number_the_kinds_and_are_0_elsewhere() -> None:
    unit = board.units().draw(np.random.default_rng(8), ("stain", "scratch", "stain"))
    assert unit.pixels.dtype == unit.labels.dtype == np.uint8
    assert unit.pixels.shape == board.picture().shape
    assert [d.kind for d in unit.defects] == ["stain", "scratch", "stain"]
    assert set(np.unique(unit.labels)) == {0, KINDS.index("stain") + 1, KINDS.index("scratch") + 1}


def test_without_defects_and_differences_it_is_the_golden_image() -> None:
    unit = board.units().draw(np.random.default_rng(1), (), varied=False)
    np.testing.assert_array_equal(unit.pixels, board.picture())
    assert not unit.labels.any()
    assert unit.defects == ()


def test_drawing_leaves_the_golden_image_as_it_was() -> None:
    for varied in (True, False):
        board.units().draw(np.random.default_rng(2), KINDS, varied=varied)
    unit = board.units().draw(np.random.default_rng(1), (), varied=False)
    np.testing.assert_array_equal(unit.pixels, board.picture())


def test_the_seed_decides() -> None:
    first, again, other = (board.units().draw(np.random.default_rng(s), KINDS) for s in (4, 4, 5))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert first.defects == again.defects
    assert (first.labels != other.labels).any()


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"\['solder_ball'\]"):
        board.units().draw(np.random.default_rng(1), ("stain", "solder_ball"))
