"""Topology: what joins two islands and what parts one, on maps drawn by hand."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vision.topology import joins, parts

U8 = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Box = tuple[int, int, int, int]  # x, y, width, height

SIDE = 4  # pixels of a letter's side: a cell either way


def drawn(picture: str) -> U8:
    """Return letters as pixels: digits are islands, '.' none, and '#' a region's."""
    rows = [[0 if c == "." else 255 if c == "#" else int(c) for c in line] for line in picture.split()]
    return np.array(rows, np.uint8).repeat(SIDE, axis=0).repeat(SIDE, axis=1)


def window(region: Mask) -> tuple[tuple[int, int], Mask]:
    """Return the corner x, y of a region's window, and the region in it."""
    x, y, w, h = cv2.boundingRect(region.astype(np.uint8))
    return (x, y), region[y : y + h, x : x + w]


def boxes_in(shape: tuple[int, int], *boxes: Box) -> U8:
    """Return boxes, numbered from 1."""
    image = np.zeros(shape, np.uint8)
    for i, (x, y, w, h) in enumerate(boxes):
        image[y : y + h, x : x + w] = i + 1
    return image


JOINING = {
    "one": ("11....22 11....22 11....22", "........ ..##.... ........", False),
    "both": ("11....22 11....22 11....22", "........ ..####.. ........", True),
    "both, diagonally": ("11....... 11....... .......22", "......... ..###.... .....##..", True),
    "both, one at a corner": ("11....... ......... .......22", "......... ..#####.. .........", True),
    "none": ("11......22 11......22", "....##.... ....##....", False),
    "each piece another": ("11..........22 11..........22", ".............. ..##......##..", False),
    "each piece another, one both": (
        "11..........22 11..........22 11..........22",
        "..##......##.. .............. ..##########..",
        True,
    ),
    "one twice": ("11....11 11....11 11111111", "..####.. ..####.. ........", False),
    "a third between": ("11..3..22 11..3..22 11..3..22", "......... ..####### .........", True),
    "over both": ("11....22 11....22", "######## ########", True),
}


@pytest.mark.parametrize("case", JOINING)
def test_a_piece_that_meets_two_islands_joins_them(case: str) -> None:
    islands, region, expected = JOINING[case]
    assert joins(drawn(islands), *window(drawn(region) > 0)) is expected


@pytest.mark.parametrize(("gap", "joined"), [(0, True), (1, True), (2, False), (4, False)])
def test_a_piece_nearer_than_a_cell_to_the_second_island_joins_it(gap: int, joined: bool) -> None:
    islands = boxes_in((20, 60), (0, 0, 20, 20), (40, 0, 20, 20))
    assert joins(islands, (20, 8), np.ones((4, 20 - gap), np.bool_)) is joined


@pytest.mark.parametrize(("gap", "joined"), [(0, True), (1, False)])
def test_a_corner_that_a_piece_hardly_reaches_is_not_joined(gap: int, joined: bool) -> None:
    islands = boxes_in((40, 60), (0, 0, 20, 20), (40, 20, 20, 20))
    assert joins(islands, (20, 10), np.ones((10 - gap, 20 - gap), np.bool_)) is joined


PARTING = {
    "across": (" ".join(["1" * 12] * 2), ".....##..... .....##.....", True),
    "nothing": ("1" * 12 + " ............" * 2, "." * 12 + " ............ .....##.....", False),
    "all of it": (". . 1", ". . #", False),
    "its end": ("1" * 12, "." * 9 + "###", False),
    "its corner": ("1" * 12 + " 111111111111", "." * 9 + "### ............", False),
    "half": (" ".join(["1" * 12] * 3), ".....##..... ............ ............", False),
    "half from either side": (
        " ".join(["1" * 12] * 4), ".....#...... ............ ............ .....#......", False,
    ),
    "half of each of two, and the laminate between them": (
        "111111111111 111111111111 ............ ............ 222222222222 222222222222",
        "............ .....##..... .....##..... .....##..... .....##..... ............",
        False,
    ),
    "one of two": (
        "111111111111 111111111111 ............ 222222222222 222222222222",
        "............ .....##..... .....##..... .....##..... .....##.....",
        True,
    ),
    "a hole's ring, once": (
        "111111111111 1111....1111 1111....1111 111111111111",
        ".....##..... ............ ............ ............",
        False,
    ),
    "a hole's ring, twice": (
        "111111111111 1111....1111 1111....1111 111111111111",
        ".....##..... ............ ............ .....##.....",
        True,
    ),
    "around a small middle": (
        " ".join(["1" * 13] * 7),
        "............. ...######.... " + "...#....#.... " * 3 + "...######.... .............",
        False,
    ),
    "around a large middle": (
        " ".join(["1" * 13] * 9),
        "............. .###########. " + ".#.........#. " * 5 + ".###########. .............",
        True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PARTING)
def test_a_gap_after_which_an_island_has_more_parts_parts_it(case: str) -> None:
    islands, region, expected = PARTING[case]
    assert parts(drawn(islands), *window(drawn(region) > 0)) is expected


@pytest.mark.parametrize(("left", "parted"), [(0, True), (2, True), (3, False), (6, False)])
def test_a_gap_that_leaves_no_more_than_a_cell_parts_a_track(left: int, parted: bool) -> None:
    islands = boxes_in((60, 80), (0, 20, 80, 16))
    assert parts(islands, (36, 20), np.ones((16 - left, 8), np.bool_)) is parted


def test_parts_that_meet_at_a_corner_are_apart() -> None:
    """Grown by half a cell, the gap leaves two squares of 20 pixels that touch diagonally."""
    region = np.zeros((40, 40), np.bool_)
    region[:18, :18] = region[22:, 22:] = True
    assert parts(np.ones((40, 40), np.uint8), (0, 0), region)


@pytest.mark.parametrize(("rest", "parted"), [(9, False), (12, True)])
def test_a_gap_beside_a_sliver_parts_nothing(rest: int, parted: bool) -> None:
    """A rest of 12 x (9 - 2) pixels is less than 100, one of 12 x (12 - 2) more."""
    islands = boxes_in((60, 80), (0, 20, 80, 12))
    assert parts(islands, (80 - rest - 8, 20), np.ones((12, 8), np.bool_)) is parted


def test_what_a_sliver_was_before_is_no_part_either() -> None:
    islands = boxes_in((60, 80), (0, 20, 80, 12)) | boxes_in((60, 80), (34, 38, 8, 8))
    assert not parts(islands, (34, 30), np.ones((12, 8), np.bool_))


places = st.tuples(st.integers(0, 63), st.integers(0, 63))


@given(places, places, st.integers(1, 4), st.integers(5, 12))
def test_what_covers_a_straight_path_between_two_islands_joins_them(
    start: tuple[int, int], end: tuple[int, int], width: int, side: int
) -> None:
    islands = np.zeros((64, 64), np.uint8)
    for island, (x, y) in ((7, start), (255, end)):
        islands[max(y - side, 0) : y + side + 1, max(x - side, 0) : x + side + 1] = island
    assume((islands == 7).sum() >= 25)  # the second may lie over the first
    assume(islands[start[1], start[0]] == 7)
    path = cv2.line(np.zeros((64, 64), np.uint8), start, end, 1, width) > 0
    assert joins(islands, *window(path))


@given(st.integers(30, 90), st.integers(0, 59), st.integers(0, 59), st.integers(3, 8))
def test_what_covers_a_straight_path_across_a_track_parts_it(
    x: int, above: int, below: int, width: int
) -> None:
    islands = boxes_in((60, 160), (0, 22, 160, 16))
    start, end = (x + above // 4, 14), (x + below // 4, 46)
    path = cv2.line(np.zeros((60, 160), np.uint8), start, end, 1, width) > 0
    assert parts(islands, *window(path))


boxes = st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 40), st.integers(1, 40))


@given(st.lists(boxes, min_size=1, max_size=5), st.lists(boxes, min_size=1, max_size=4))
def test_mirrored_and_turned_the_answers_are_the_same(conductor: list[Box], found: list[Box]) -> None:
    islands, region = boxes_in((110, 120), *conductor), boxes_in((110, 120), *found) > 0
    expected = joins(islands, *window(region)), parts(islands, *window(region))
    for turned in (np.fliplr, np.flipud, np.transpose):
        other, place = np.ascontiguousarray(turned(islands)), window(np.ascontiguousarray(turned(region)))
        assert (joins(other, *place), parts(other, *place)) == expected
