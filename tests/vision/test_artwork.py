"""Binary artwork: shifts and stretches are undone, differences found at any width, boxes given once."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import ModelReference
from models.detector import SIDE, Found
from models.detector.calibration import TOPOLOGIES
from vision.artwork import detect, prepare
from vision.artwork.align import align, aligned
from vision.artwork.candidates import MOST, find

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]
H, W = 240, 280


def board(margin: int = 0) -> U8:
    """Return artwork that is nowhere periodic, `margin` px larger on each side than (H, W)."""
    rng = np.random.default_rng(4)
    picture = np.full((H + 2 * margin, W + 2 * margin), 255, np.uint8)
    for _ in range(26 * picture.size // (H * W)):
        x, y = rng.integers(0, picture.shape[1]), rng.integers(0, picture.shape[0])
        w, h = rng.integers(10, 70), rng.integers(8, 24)
        cv2.rectangle(picture, (int(x), int(y)), (int(x + w), int(y + h)), 0, -1)
    return picture


@settings(max_examples=25, deadline=None)
@given(st.integers(-40, 40), st.integers(-40, 40))
def test_a_shift_is_undone_and_what_it_uncovers_is_the_unit_s(dx: int, dy: int) -> None:
    large = board(48)
    golden = large[48 : 48 + H, 48 : 48 + W]
    unit = large[48 - dy : 48 - dy + H, 48 - dx : 48 - dx + W]
    np.testing.assert_array_equal(aligned(golden, unit), unit)
    np.testing.assert_array_equal(
        align(golden, unit).golden_points(np.array([[7.0, 9.0]])), [[7 - dx, 9 - dy]]
    )


def test_a_smooth_stretch_is_followed_to_a_fraction_of_a_pixel() -> None:
    large = cv2.GaussianBlur(board(48), (0, 0), 1.0)
    v, u = np.mgrid[0:H, 0:W].astype(np.float32)
    by_x, by_y = 2.5 * (2 * v / H - 1) ** 2 - 1, 2.0 * (2 * u / W - 1)
    unit = np.asarray(cv2.remap(large, u + 48 - by_x, v + 48 - by_y, cv2.INTER_CUBIC), np.uint8)
    golden = np.ascontiguousarray(large[48 : 48 + H, 48 : 48 + W])
    assert len(find(golden, unit)[0]) > 10
    moved, candidates = prepare(golden, unit)
    inner = np.s_[8:-8, 8:-8]
    off = np.abs(moved[inner].astype(float) - unit[inner]).mean()
    assert off < 0.2 * np.abs(golden[inner].astype(float) - unit[inner]).mean()
    assert [c for c in candidates.boxes.tolist() if min(c[2], c[3], W - c[0], H - c[1]) > 2] == []
    places = np.stack((u, v), axis=-1)[20:-20:9, 20:-20:9].reshape(-1, 2).astype(np.float64)
    there = places - np.stack((by_x, by_y), axis=-1)[20:-20:9, 20:-20:9].reshape(-1, 2)
    assert np.abs(align(golden, unit).golden_points(places) - there).max() < 0.7


def test_a_stretch_of_several_pixels_is_followed_past_a_large_defect() -> None:
    large = cv2.GaussianBlur(board(48), (0, 0), 1.0)
    v, u = np.mgrid[0:H, 0:W].astype(np.float32)
    by_x = 4.5 * (2 * v / H - 1)
    unit = np.asarray(cv2.remap(large, u + 48 - by_x, v + 48, cv2.INTER_CUBIC), np.uint8)
    unit[100:140, 110:170] = 255 - unit[100:140, 110:170]
    moved = aligned(np.ascontiguousarray(large[48 : 48 + H, 48 : 48 + W]), unit)
    rest = np.ones((H, W), np.bool_)
    rest[96:144, 106:174] = rest[:, :8] = rest[:, -8:] = False
    assert (np.abs(moved.astype(int) - unit)[rest] > 128).sum() <= 2


def test_periodic_artwork_stays_where_it_is() -> None:
    golden = np.full((H, W), 255, np.uint8)
    golden[:, ::16] = 0
    for k in range(5):
        golden[:, k::16] = 0
    unit = golden.copy()
    unit[100:140, 96:120] = 0
    np.testing.assert_array_equal(aligned(golden, unit), golden)


def line(width: int, value: int, ground: int) -> U8:
    picture = np.full((H, W), ground, np.uint8)
    picture[100 : 100 + width, 20:260] = value
    return picture


@pytest.mark.parametrize("width", [2, 3, 5, 12])
@pytest.mark.parametrize(("value", "ground"), [(0, 255), (255, 0)])
def test_a_gap_is_found_in_a_trace_of_any_width(width: int, value: int, ground: int) -> None:
    golden = line(width, value, ground)
    unit = golden.copy()
    unit[:, 120:130] = ground
    for one, other in ((golden, unit), (unit, golden)):
        ((x1, y1, x2, y2),) = find(one, other)[0].tolist()
        assert 119 <= x1 <= 122
        assert 128 <= x2 <= 131
        assert 100 <= y1 < y2 <= 100 + width


@pytest.mark.parametrize("radius", [2, 4])
def test_a_pinhole_is_found_and_an_edge_that_is_off_by_a_pixel_is_not(radius: int) -> None:
    golden = board()
    golden[60:130, 60:200] = 0
    unit = np.asarray(cv2.erode(golden, np.ones((3, 3), np.uint8)), np.uint8)
    assert len(find(golden, unit)[0]) == 0
    cv2.circle(unit, (130, 95), radius, 255, -1)
    ((x1, y1, x2, y2),) = find(golden, unit)[0].tolist()
    assert (x1 + x2) / 2 == pytest.approx(130.5, abs=1)
    assert (y1 + y2) / 2 == pytest.approx(95.5, abs=1)
    assert x2 - x1 == pytest.approx(2 * radius + 1, abs=2)


def test_a_speck_counts_in_the_open_and_a_shallow_step_of_an_edge_only_where_it_is_long() -> None:
    golden = line(40, 0, 255)
    speck, short_step, long_step = golden.copy(), golden.copy(), golden.copy()
    speck[40:43, 60:63] = 0
    short_step[98:100, 60:66] = 0
    long_step[98:100, 60:72] = 0
    assert find(golden, speck)[0].tolist() == [[60, 40, 63, 43]]
    assert len(find(golden, short_step)[0]) == 0
    assert len(find(golden, long_step)[0]) == 1


def test_a_long_difference_is_split_and_its_parts_know_each_other() -> None:
    golden = np.full((H, W), 255, np.uint8)
    unit = golden.copy()
    unit[50:56, 30:130] = 0
    unit[200:210, 200:210] = 0
    boxes, whole, _, complete = find(golden, unit)
    assert len(boxes) == 4
    assert complete
    assert (boxes[:, 2:] - boxes[:, :2]).max() <= 40
    assert whole[0] == whole[1] == whole[2] != whole[3]
    assert boxes[:3, 0].min() == 30
    assert boxes[:3, 2].max() == 130


def test_two_pixels_beyond_the_tolerance_are_a_candidate_and_one_is_a_speck() -> None:
    golden = np.full((H, W), 255, np.uint8)
    one, two = golden.copy(), golden.copy()
    one[60, 60] = two[60, 60:62] = 0
    assert len(find(golden, one).boxes) == 0
    assert find(golden, two).boxes.tolist() == [[60, 60, 62, 61]]


def test_a_littered_picture_has_more_candidates_than_are_told() -> None:
    golden = np.full((2400, 2400), 255, np.uint8)
    unit = golden.copy()
    unit[4::9, 4::9] = unit[4::9, 5::9] = 0  # 70,756 specks
    found = find(golden, unit)
    assert (len(found.boxes), found.complete) == (MOST, False)


def test_so_many_candidates_the_largest_first() -> None:
    golden = np.full((480, 480), 255, np.uint8)
    unit = golden.copy()
    for k in range(100):
        x, y = 10 + 46 * (k % 10), 10 + 46 * (k // 10)
        unit[y : y + 5, x : x + 5 + (k == 77)] = 0
    boxes, _, _, complete = find(golden, unit)
    assert len(boxes) == MOST
    assert not complete
    assert boxes[0].tolist() == [10 + 46 * 7, 10 + 46 * 7, 16 + 46 * 7, 15 + 46 * 7]


@pytest.mark.parametrize("count", [MOST - 1, MOST, MOST + 1])
def test_one_candidate_too_many_is_told(count: int) -> None:
    golden = np.full((480, 480), 255, np.uint8)
    unit = golden.copy()
    for k in range(count):
        x, y = 10 + 46 * (k % 10), 10 + 46 * (k // 10)
        unit[y : y + 5, x : x + 5] = 0
    found = find(golden, unit)
    assert (len(found.boxes), found.complete) == (min(count, MOST), count <= MOST)


class Knowing:
    """A detector that calls what differs in a crop by its material, bounded by 2 px; sure by its size."""

    reference = ModelReference(name="knowing", digest="sha256:" + "0" * 64)
    classes = ("not_a_defect", "lost", "added")
    hold_below = operating = 0.5
    channels = 1
    golden_image: str | None = None

    def __init__(self) -> None:
        self.crops: list[U8] = []
        self.topology: list[int] = []

    def find(self, golden: U8, unit: U8, topology: I64) -> Found:
        assert golden.shape == unit.shape == (len(golden), SIDE, SIDE, 1)
        self.crops += [*golden, *unit]
        self.topology = topology.tolist()
        probabilities = np.zeros((len(golden), 3), np.float32)
        boxes = np.zeros((len(golden), 4), np.float32)
        for k, (one, other) in enumerate(zip(golden[..., 0], unit[..., 0], strict=True)):
            ys, xs = np.nonzero(one != other)
            sure = min(0.5 + len(ys) / 2000, 0.99)
            probabilities[k, 1 + int(one[ys, xs].mean() > 127)] = sure
            probabilities[k, 0] = 1 - sure
            boxes[k] = xs.min() - 2, ys.min() - 2, xs.max() + 3, ys.max() + 3
        return Found(probabilities, boxes)


def test_each_defect_gets_one_box_in_the_picture_the_surest_first() -> None:
    golden = board()
    golden[:40, :60] = 255
    golden[90:150, 90:190] = 0
    unit = golden.copy()
    unit[0:6, 0:8] = 0
    unit[110:125, 120:150] = 255
    knowing = Knowing()
    found = detect(golden, unit, knowing, 0.1)
    assert sorted(TOPOLOGIES[k] for k in knowing.topology) == ["added apart", "lost inside"]
    assert [(f.defect_class, f.box) for f in found] == [
        ("lost", (118, 108, 152, 127)),
        ("added", (0, 0, 10, 8)),
    ]
    assert found[0].confidence > found[1].confidence > 0.5
    assert detect(golden, unit, Knowing(), 0.7) == found[:1]
    assert detect(golden, golden, Knowing(), 0.1) == []


def test_a_defect_longer_than_a_crop_gets_the_box_round_its_parts() -> None:
    golden = np.full((H, W), 255, np.uint8)
    unit = golden.copy()
    unit[50:56, 30:190] = 0
    (found,) = detect(golden, unit, Knowing(), 0.1)
    assert found.box == (28, 48, 192, 58)


def test_what_two_crops_bound_alike_is_one_defect() -> None:
    class Wide(Knowing):
        """Bounds everything by the same 40 px about the middle of both candidates, the larger one surer."""

        def find(self, golden: U8, unit: U8, topology: I64) -> Found:
            found = super().find(golden, unit, topology)
            for k, crop in enumerate(unit[..., 0]):
                x = np.nonzero((crop != golden[k, ..., 0]).any(axis=0))[
                    0
                ].min()  # the left one's first column
                found.boxes[k] = x, 20, x + 40, 60
            return found

    golden = np.full((H, W), 255, np.uint8)
    unit = golden.copy()
    unit[100:110, 100:106] = 0
    unit[100:110, 116:124] = 0
    assert len(find(golden, unit)[0]) == 2
    (found,) = detect(golden, unit, Wide(), 0.1)
    assert (found.box[0], found.box[2]) == (100, 140)


def test_a_crop_over_the_border_shows_the_picture_mirrored() -> None:
    golden = board()
    unit = golden.copy()
    unit[4:12, 4:12] = 255 - golden[4, 4]
    knowing = Knowing()
    detect(golden, unit, knowing, 0.1)
    crop = knowing.crops[0][..., 0]
    x = 8 - SIDE // 2
    np.testing.assert_array_equal(crop[-x:, -x:], golden[: SIDE + x, : SIDE + x])
    np.testing.assert_array_equal(crop[-x + 1, -x - 5 : -x], golden[1, 1:6][::-1])
