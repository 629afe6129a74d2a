"""Drawn artwork: the types are true by another implementation's count of parts, boxes bound what changed."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label

from datasets.deeppcb import TYPES
from datasets.drawn.artwork import DrawnPair, defects, draw
from datasets.drawn.artwork.acquisition import good_unit
from datasets.drawn.artwork.conductors import material, ways
from datasets.drawn.artwork.defects import Change, draw_defects
from datasets.errors import DatasetError

Mask = NDArray[np.bool_]
SPECK, CONDUCTOR = 8, 100  # px: smaller parts neither conduct nor part


def artwork() -> NDArray[np.uint8]:
    """Return a board of traces, pads with holes, a pour with a slot and fine pitch: copper black."""
    board = np.full((320, 360), 255, np.uint8)
    for k in range(6):
        cv2.line(board, (10, 20 + 18 * k), (150 + 10 * k, 20 + 18 * k), 0, 5 + k % 3)
        cv2.line(board, (150 + 10 * k, 20 + 18 * k), (210, 90 + 18 * k), 0, 5 + k % 3)
    for k in range(5):
        cv2.circle(board, (260 + 20 * (k % 2), 30 + 30 * k), 11, 0, -1)
        cv2.circle(board, (260 + 20 * (k % 2), 30 + 30 * k), 4, 255, -1)
    board[210:300, 20:200] = 0
    board[250:256, 20:150] = 255
    for k in range(8):
        board[210:300, 225 + 14 * k : 232 + 14 * k] = 0
    return board


@pytest.fixture(scope="module")
def drawings() -> list[tuple[Mask, Mask, tuple[Change, ...]]]:
    out: list[tuple[Mask, Mask, tuple[Change, ...]]] = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        good = good_unit(artwork() < 128, rng)
        out.append((good, *draw_defects(good, rng)))
    return out


def parts(mask: Mask, connectivity: int, *least: int) -> tuple[int, ...]:
    sizes = np.bincount(label(mask, connectivity=connectivity).ravel())[1:]
    return tuple(int((sizes >= n).sum()) for n in least)


def alone(good: Mask, change: Change) -> Mask:
    board = good.copy()
    board[change.mark.window] ^= change.mark.pixels
    return board


def test_every_type_is_true_of_the_board(drawings: list[tuple[Mask, Mask, tuple[Change, ...]]]) -> None:
    seen: dict[str, int] = dict.fromkeys(TYPES, 0)
    for good, _, changes in drawings:
        (copper, nets), (bare,) = parts(good, 2, SPECK, CONDUCTOR), parts(~good, 1, SPECK)
        for change in changes:
            board = alone(good, change)
            now_copper, now_nets = parts(board, 2, SPECK, CONDUCTOR)
            new_copper, new_nets = now_copper - copper, now_nets - nets
            new_bare = parts(~board, 1, SPECK)[0] - bare
            true: dict[str, Any] = {
                # a conductor in two, or the ground inside a loop joined to that outside
                "open": new_nets >= 1 or new_bare <= -1,
                "short": new_nets <= -1,
                "mousebite": (new_copper, new_bare) == (0, 0),
                "spur": (new_copper, new_bare) == (0, 0),
                "copper": (new_copper, new_bare) == (1, 0),
                "pin-hole": (new_copper, new_bare) == (0, 1),
            }
            assert true[change.type], change
            seen[change.type] += 1
    assert min(seen.values()) >= 10, seen


def test_a_defect_takes_only_what_its_type_takes(
    drawings: list[tuple[Mask, Mask, tuple[Change, ...]]],
) -> None:
    for good, board, changes in drawings:
        assert 5 <= len(changes) <= 14
        rebuilt, touched = good.copy(), np.zeros_like(good)
        for change in changes:
            was = good[change.mark.window][change.mark.pixels]
            assert was.all() if change.type in {"open", "mousebite", "pin-hole"} else not was.any()
            assert len(was) >= 8
            assert not touched[change.mark.window][change.mark.pixels].any()
            touched[change.mark.window] |= change.mark.pixels
            rebuilt = alone(rebuilt, change)
        np.testing.assert_array_equal(rebuilt, board)


def many(drawer: str, on_copper: bool, tries: int) -> tuple[Mask, list[Change]]:
    """Return a good board, and what one drawer draws on it again and again."""
    rng = np.random.default_rng(11)
    good = artwork() < 128
    copper, bare = material(good, 8, rng), material(~good, 4, rng)
    taken, given = (copper, bare) if on_copper else (bare, copper)
    side = defects._Side(taken, given, ways(taken, given), on_copper, 8 if on_copper else CONDUCTOR)
    marks = [getattr(defects, drawer)(rng, side) for _ in range(tries)]
    return good, [Change(drawer, mark) for mark in marks if mark is not None]


@pytest.mark.parametrize("on_copper", [True, False])
def test_bites_are_deep_and_holes_clear_of_edges(on_copper: bool) -> None:
    good, bites = many("_bite", on_copper, 500)
    depth = np.asarray(ndimage.distance_transform_edt(good if on_copper else ~good))
    reached = [depth[change.mark.window][change.mark.pixels] for change in bites]
    assert len(bites) > 100
    assert min((deep >= 2.9).sum() for deep in reached) >= 3  # OpenCV's distances are a little off
    assert max(deep.min() for deep in reached) == 1.0  # each starts at the edge
    _, holes = many("_hole", on_copper, 500)
    clear = [float(depth[change.mark.window][change.mark.pixels].min()) for change in holes]
    assert len(holes) > 100
    assert 2.1 < min(clear) < 3


def test_a_short_that_does_not_reach_across_is_none() -> None:
    good, shorts = many("_through", False, 400)
    (nets,) = parts(good, 2, CONDUCTOR)
    assert len(shorts) > 50
    for change in shorts:
        assert parts(alone(good, change), 2, CONDUCTOR)[0] < nets


def test_all_types_come_before_any_comes_again(
    drawings: list[tuple[Mask, Mask, tuple[Change, ...]]],
) -> None:
    for _, _, changes in drawings:
        types = [change.type for change in changes[:6]]
        assert len(set(types)) == len(types)


def test_a_good_unit_breaks_and_joins_nothing_and_moves_little() -> None:
    design = artwork() < 128
    far = ndimage.distance_transform_edt(~design) > 26
    (nets,) = parts(design, 2, CONDUCTOR)
    widths: list[float] = []
    for seed in range(20):
        unit = good_unit(design, np.random.default_rng(seed))
        inner = np.s_[20:-20, 20:-20]  # what a shift brings in at the border is another matter
        assert parts(unit[inner] & far[inner], 2, 6) == (0,)
        assert abs(parts(unit, 2, CONDUCTOR)[0] - nets) <= 1  # a reflected border may show part of one more
        widths.append(float(unit.mean() / design.mean()))
    assert 0.97 < float(np.median(widths)) < 1.03
    assert np.std(widths) > 0.003  # but units do differ


def test_conductors_that_no_border_cuts_stay_as_many() -> None:
    design = np.zeros((200, 200), np.bool_)
    for k in range(8):
        design[40:160, 40 + 15 * k : 43 + 15 * k] = True  # 3 px wide: a break is near
    for seed in range(30):
        unit = good_unit(design, np.random.default_rng(seed))
        assert parts(unit, 2, 30) == (8,), seed


def test_a_pair_is_as_a_line_delivers_it() -> None:
    template = artwork()
    pair = draw(template, np.random.default_rng(5))
    assert pair.template is template
    assert pair.tested.dtype == np.uint8
    assert pair.tested.shape == template.shape
    assert ((pair.tested > 70) & (pair.tested < 186)).mean() < 0.002  # thresholded before it was stored
    assert ((pair.tested > 0) & (pair.tested < 255)).mean() > 0.01  # with loss
    assert (np.abs(pair.tested.astype(int) - template) > 128).mean() < 0.2


def test_boxes_bound_all_that_changed_with_the_margin() -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        good = good_unit(artwork() < 128, rng)
        pair = draw(artwork(), np.random.default_rng(seed))
        changed = (pair.tested < 128) != good
        outside = changed.copy()
        h, w = good.shape
        for box in pair.boxes:
            assert 0 <= box.x1 < box.x2 <= w
            assert 0 <= box.y1 < box.y2 <= h
            inner = changed[
                box.y1 + 12 * (box.y1 > 0) : box.y2 - 12 * (box.y2 < h),
                box.x1 + 12 * (box.x1 > 0) : box.x2 - 12 * (box.x2 < w),
            ]
            for side, cut in (
                (inner[0], box.y1 == 0),
                (inner[-1], box.y2 == h),
                (inner[:, 0], box.x1 == 0),
                (inner[:, -1], box.x2 == w),
            ):
                assert cut or side.any()  # tight
            outside[box.y1 : box.y2, box.x1 : box.x2] = False
        assert not outside.any()  # nothing outside the boxes, JPEG notwithstanding


def same(a: DrawnPair, b: DrawnPair) -> bool:
    return bool(a.boxes == b.boxes and np.array_equal(a.tested, b.tested))


def test_the_generator_alone_decides_and_the_template_is_left_as_it_was() -> None:
    template = artwork()
    before = template.copy()
    first = draw(template, np.random.default_rng([7, 1]))
    np.testing.assert_array_equal(template, before)
    np.random.seed(3)  # noqa: NPY002  the global generator must play no part
    assert same(first, draw(template, np.random.default_rng([7, 1])))
    assert not same(first, draw(template, np.random.default_rng([7, 2])))


def test_where_there_is_no_copper_only_stray_copper_is_drawn() -> None:
    pair = draw(np.full((128, 200), 255, np.uint8), np.random.default_rng(1))
    assert pair.boxes
    assert {TYPES[box.type - 1] for box in pair.boxes} == {"copper"}


def test_a_lone_conductor_is_never_shorted() -> None:
    template = np.full((160, 160), 255, np.uint8)
    template[30:130, 70:90] = 0
    for seed in range(6):
        types = {TYPES[box.type - 1] for box in draw(template, np.random.default_rng(seed)).boxes}
        assert "short" not in types
        assert {"mousebite", "spur"} & types


@pytest.mark.parametrize(
    "template",
    [
        np.zeros((200, 200, 3), np.uint8),
        np.zeros((200, 200), np.float32),
        np.zeros((95, 200), np.uint8),
    ],
)
def test_what_is_no_grey_picture_is_refused(template: Any) -> None:
    with pytest.raises(DatasetError, match="96 px each way"):
        draw(template, np.random.default_rng(0))
