"""Each change alters what it says, where it says, by as much as it says, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2lab
from skimage.draw import polygon2mask

from datasets import DatasetError
from datasets.scenes import Disk
from datasets.twin import (
    VISIBLE_CODES,
    Change,
    ColourShift,
    Discoloration,
    ExcessMaterial,
    HoleDiameter,
    HoleShift,
    MissingMaterial,
    Scratch,
    Stain,
    Twin,
    bar,
    blob,
    rectangle,
)
from datasets.twin.canvas import Window, cover_polygon, longest_extent
from tests.datasets.scene_board import BOARD, HOLE, HOLES, MM_PER_PX, PAD, PLATE, disk_moments, even, ranges

CHANGES: list[Change] = [
    HoleDiameter(HOLES[0].center_px, HOLES[0].radius_px, 0.08),
    HoleDiameter(HOLES[1].center_px, HOLES[1].radius_px, -0.05),
    HoleShift(HOLES[1].center_px, HOLES[1].radius_px, 0.06, -0.03),
    ColourShift(rectangle(20.5, 150.2, 60.0, 40.0), rgb_factors=(0.8, 1.0, 1.2)),
    ColourShift(rectangle(20.5, 150.2, 60.0, 40.0), lab_offset=(0.0, 3.0, -4.0)),
    MissingMaterial(bar((150.0, 66.4), (190.0, 66.4), 6.0), (120.0, 200.0)),
    ExcessMaterial(blob((120.0, 200.0), 11.0, seed=4), (170.2, 66.4)),
    Scratch(((100.0, 150.0), (140.5, 170.2), (190.0, 160.0)), 0.03, 1.6),
    Stain((60.0, 200.0), 0.4),
    Discoloration((60.0, 200.0), 0.6),
]
NAMES = [f"{change.kind}-{number}" for number, change in enumerate(CHANGES)]


@pytest.fixture(scope="module")
def twin() -> Twin:
    return Twin(BOARD.light(), MM_PER_PX, even())


def codes(light: np.ndarray) -> np.ndarray:
    """Decode nothing: the sRGB curve of IEC 61966-2-1, in codes that are not rounded."""
    return 255 * np.where(
        light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055
    )


def extent(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


@pytest.mark.parametrize("change", CHANGES, ids=NAMES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_frame_box_is_where_the_frame_changed(twin: Twin, change: Change, seed: int) -> None:
    clean, _ = twin.expose(seed)
    light, truth = twin.expose(seed, [change])
    (told,) = truth.changes
    assert told.kind == change.kind
    assert told.box_frame is not None
    x, y, w, h = told.box_frame
    difference = np.abs(codes(light) - codes(clean)).max(axis=2)
    assert extent(difference >= VISIBLE_CODES) == pytest.approx((x, y, x + w - 1, y + h - 1), abs=1)
    # What is visible lies inside; beyond the reach of blur and sampling nothing changed.
    outside = difference.copy()
    outside[y : y + h, x : x + w] = 0
    assert outside.max() < VISIBLE_CODES + 0.01
    outside[max(y - 70, 0) : y + h + 70, max(x - 70, 0) : x + w + 70] = 0
    assert outside.max() < 0.02


@pytest.mark.parametrize("change", CHANGES, ids=NAMES)
def test_the_golden_box_maps_onto_the_frame_box(twin: Twin, change: Change) -> None:
    _, truth = twin.expose(5, [change])
    (told,) = truth.changes
    assert told.box_golden is not None
    assert told.box_frame is not None
    x, y, w, h = told.box_golden
    corners = truth.to_frame(
        [(x - 0.5, y - 0.5), (x + w - 0.5, y - 0.5), (x + w - 0.5, y + h - 0.5), (x - 0.5, y + h - 0.5)]
    )
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    fx, fy, fw, fh = told.box_frame
    # Blur spreads a change by up to three pixels; a turned box is larger than the turned change.
    assert (fx - 0.5, fy - 0.5, fx + fw - 0.5, fy + fh - 0.5) == pytest.approx(
        (left, top, right, bottom), abs=6
    )


@pytest.mark.parametrize("change", CHANGES, ids=NAMES)
def test_a_unit_shows_the_same_change_in_each_capture(twin: Twin, change: Change) -> None:
    first, second = (twin.expose(seed, [change])[1].changes[0] for seed in (1, 9))
    assert first.box_golden == second.box_golden
    assert first.size_mm == second.size_mm


def test_changes_lie_over_one_another(twin: Twin) -> None:
    """A stain over a widened hole's rim: both are seen, and neither undoes the other."""
    hole = HoleDiameter(HOLES[0].center_px, HOLES[0].radius_px, 0.12)
    x, y = HOLES[0].center_px
    stain = Stain((x + 45, y), 0.3, opacity=1.0, colour=(0, 0, 0))
    light, truth = twin.expose(3, [hole, stain])
    alone, _ = twin.expose(3, [hole])
    assert [told.kind for told in truth.changes] == ["hole_diameter", "stain"]
    in_stain, in_rim = truth.to_frame([(x + 47, y), (x - HOLES[0].radius_px - 1.5, y)]).round().astype(int)
    assert light[in_stain[1], in_stain[0], 0] < 0.01
    assert light[in_rim[1], in_rim[0], 0] == alone[in_rim[1], in_rim[0], 0] < 0.2


@pytest.mark.parametrize("delta_mm", [0.02, 0.1, 0.2, -0.1])
@pytest.mark.parametrize("hole", HOLES)
def test_a_hole_becomes_larger_by_what_was_asked(hole: Disk, delta_mm: float) -> None:
    still = even(angle_deg=0.0, tilt=0.0, scale_jitter=0.0)
    twin = Twin(BOARD.light(), MM_PER_PX, still)
    light, truth = twin.expose(1, [HoleDiameter(hole.center_px, hole.radius_px, delta_mm)])
    centre = truth.to_frame([hole.center_px])[0]
    area, at = disk_moments(light[..., 0], centre, hole.radius_px + 12, PLATE, HOLE)
    # A blurred rim's moments gain by sigma^2 / R; a rim that moved keeps the gain of its old radius.
    asked = 2 * hole.radius_px + delta_mm / MM_PER_PX
    assert 2 * math.sqrt(area / math.pi) == pytest.approx(asked, abs=0.008)
    assert at == pytest.approx(centre, abs=0.005)
    assert truth.changes[0].size_mm == pytest.approx(abs(delta_mm))


@settings(max_examples=8, deadline=None)
@given(dx=st.floats(-0.2, 0.2), dy=st.floats(-0.2, 0.2))
def test_a_hole_moves_by_what_was_asked(dx: float, dy: float) -> None:
    twin = Twin(BOARD.light(), MM_PER_PX, even(angle_deg=0.0, tilt=0.0, scale_jitter=0.0))
    hole = HOLES[1]
    light, truth = twin.expose(1, [HoleShift(hole.center_px, hole.radius_px, dx, dy)])
    centre = truth.to_frame([hole.center_px])[0] + np.array([dx, dy]) / MM_PER_PX
    area, at = disk_moments(light[..., 0], centre, hole.radius_px + 10, PLATE, HOLE)
    assert at == pytest.approx(centre, abs=0.005)
    assert math.sqrt(area / math.pi) == pytest.approx(hole.radius_px, abs=0.005)
    assert truth.changes[0].size_mm == pytest.approx(math.hypot(dx, dy))


def test_a_colour_moves_by_what_was_asked() -> None:
    twin = Twin(np.full((100, 100, 3), (0.2, 0.25, 0.3), np.float32), MM_PER_PX, even())
    change = ColourShift(rectangle(30, 30, 40, 40), lab_offset=(1.0, 3.0, -4.0))
    (before, _), (after, truth) = twin.expose(2), twin.expose(2, [change])
    x, y = truth.to_frame([(50, 50)])[0].round().astype(int)
    lab = [
        rgb2lab((codes(light[y, x].astype(np.float64)) / 255)[None, None])[0, 0] for light in (before, after)
    ]
    assert lab[1] - lab[0] == pytest.approx([1.0, 3.0, -4.0], abs=0.02)
    factors = ColourShift(rectangle(30, 30, 40, 40), rgb_factors=(0.5, 1.0, 1.5))
    assert twin.expose(2, [factors])[0][y, x] / before[y, x] == pytest.approx([0.5, 1.0, 1.5], rel=1e-4)


def test_a_scratch_adds_light_by_its_length_and_width() -> None:
    twin = Twin(np.full((100, 140, 3), 0.3, np.float32), MM_PER_PX, even(tilt=0.0, scale_jitter=0.0))
    line = ((20.3, 30.7), (110.9, 60.2))
    before, _ = twin.expose(2)
    after, truth = twin.expose(2, [Scratch(line, 2.5 * MM_PER_PX, 2.0)])
    length = math.dist(*line)
    # A line with round ends.
    assert (after - before)[..., 0].sum() / 0.3 == pytest.approx(length * 2.5 + math.pi * 1.25**2, rel=0.01)
    assert truth.changes[0].size_mm == pytest.approx(length * MM_PER_PX)


def test_material_shows_the_surface_of_its_source() -> None:
    plain = np.full((120, 160, 3), 0.3, np.float32)
    plain[:, 100:] = 0.7
    twin = Twin(plain, MM_PER_PX, even())
    for change, level in [
        (ExcessMaterial(blob((40, 60), 12, seed=1), (130, 60)), 0.7),
        (MissingMaterial(blob((130, 60), 12, seed=1), (40, 60)), 0.3),
    ]:
        light, truth = twin.expose(4, [change])
        centre = (40, 60) if level == 0.7 else (130, 60)
        x, y = truth.to_frame([centre])[0].round().astype(int)
        assert light[y, x] == pytest.approx([level] * 3, abs=1e-4)


def test_a_change_too_faint_to_see_has_no_box(twin: Twin) -> None:
    faint = ColourShift(rectangle(20, 150, 60, 40), rgb_factors=(1.0001, 1.0, 1.0))
    (told,) = twin.expose(0, [faint])[1].changes
    assert told.box_golden is None
    assert told.box_frame is None


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), radius=st.floats(2, 20), roughness=st.floats(0, 0.3))
def test_a_polygon_covers_its_area(seed: int, radius: float, roughness: float) -> None:
    corners = np.array(blob((30.2, 29.7), radius, roughness=roughness, seed=seed))
    x, y = corners.T
    area = abs((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) / 2
    cover = cover_polygon(Window(0, 0, 60, 60), [tuple(corner) for corner in corners])
    assert cover.sum() == pytest.approx(area, rel=0.01)
    inside = polygon2mask((60, 60), corners[:, ::-1])
    assert cover[inside].min() > 0.2
    assert (
        longest_extent([tuple(corner) for corner in corners]) <= 2 * np.hypot(x - 30.2, y - 29.7).max() + 1e-9
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (HoleDiameter((70, 80), 30.0, -1.2), "radius below 2 px"),
        (HoleDiameter((900, 900), 30.0, 0.1), "outside the golden image"),
        (HoleDiameter((math.nan, 80), 30.0, 0.1), "not finite"),
        (HoleShift((70, 80), 1.0, 0.1, 0.1), "radius above 2 px"),
        (ColourShift(((1, 1), (2, 2))), "three corners"),
        (ColourShift(rectangle(10, 10, 5, 5), rgb_factors=(-1, 1, 1)), "negative"),
        (MissingMaterial(rectangle(10, 10, 50, 50), (5, 5)), "too near the image's edge"),
        (Scratch(((10, 10),), 0.1, 1.5), "at least two points"),
        (Scratch(((10, 10), (20, 20)), 0.0, 1.5), "width above 0"),
        (Stain((60, 60), -1.0), "radius_mm"),
        (Stain((60, 60), 0.5, opacity=1.5), "opacity"),
        (Stain((60, 60), 0.5, colour=(300, 0, 0)), "codes from 0 to 255"),
        (Discoloration((60, 60), 0.0), "radius_mm"),
        (Discoloration((60, 60), 0.2, rgb_factors=(1, -1, 1)), "negative"),
    ],
)
def test_impossible_changes_are_refused(twin: Twin, change: Change, says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        twin.expose(0, [change])


@pytest.mark.parametrize(
    "shape",
    [
        lambda: bar((1, 1), (1, 1), 3),
        lambda: bar((1, 1), (2, 2), 0),
        lambda: blob((1, 1), 0),
        lambda: blob((1, 1), 3, roughness=0.7),
    ],
)
def test_impossible_outlines_are_refused(shape: Callable[[], object]) -> None:
    with pytest.raises(DatasetError):
        shape()


def test_light_and_noise_do_not_move_a_box() -> None:
    lit = Twin(BOARD.light(), MM_PER_PX, ranges())
    dark = Twin(BOARD.light(), MM_PER_PX, ranges(exposure=0.9))
    change = Stain((60.0, 200.0), 0.4)
    assert lit.expose(3, [change])[1].changes == dark.expose(3, [change])[1].changes


def test_pads_and_holes_of_the_test_part_differ_from_the_plate() -> None:
    """Guards the other tests: the part has contrast."""
    assert HOLE < PLATE < PAD
