"""The twin's truth against moments of analytic disks, areas and the similarity's own definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.scenes import Disk
from datasets.twin import DEMO_RANGES, WIDE_RANGES, CaptureRanges, Twin
from tests.datasets.scene_board import (
    BOARD,
    HOLE,
    HOLES,
    MM_PER_PX,
    PAD,
    PADS,
    PLATE,
    disk_moments,
    even,
    ranges,
)

SEEDS = range(6)
Matrix = tuple[tuple[float, float, float], ...]


@pytest.fixture(scope="module")
def wide() -> Twin:
    return Twin(BOARD.light(), MM_PER_PX, even(WIDE_RANGES, tilt=0.002))


def apply(homography: Matrix, points: np.ndarray) -> np.ndarray:
    mapped = np.column_stack([points, np.ones(len(points))]) @ np.array(homography).T
    return mapped[:, :2] / mapped[:, 2:]


def projected_disk(homography: Matrix, disk: Disk) -> tuple[float, tuple[float, float]]:
    """Area and centroid of a disk's image, as a polygon of 2000 corners."""
    turn = np.arange(2000) * 2 * math.pi / 2000
    x, y = apply(
        homography,
        np.column_stack(
            [
                disk.center_px[0] + disk.radius_px * np.cos(turn),
                disk.center_px[1] + disk.radius_px * np.sin(turn),
            ]
        ),
    ).T
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    area = cross.sum() / 2
    return area, (
        ((x + np.roll(x, -1)) * cross).sum() / (6 * area),
        ((y + np.roll(y, -1)) * cross).sum() / (6 * area),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_disks_lie_where_the_truth_says(wide: Twin, seed: int) -> None:
    light, truth = wide.expose(seed)
    for disk, level in [(HOLES[0], HOLE), (HOLES[1], HOLE), (PADS[0], PAD)]:
        area, centre = projected_disk(truth.homography, disk)
        measured, at = disk_moments(light[..., 1], centre, disk.radius_px + 8, PLATE, level)
        assert math.sqrt(measured / math.pi) == pytest.approx(math.sqrt(area / math.pi), abs=0.001)
        assert at == pytest.approx(centre, abs=0.001)


def test_eight_bit_noisy_frames_keep_their_geometry() -> None:
    """The whole chain, light and noise included, decoded by the standard's formula."""
    twin = Twin(BOARD.light(), MM_PER_PX, even(full_well_e=20_000.0, read_noise_e=12.0))
    for seed in SEEDS:
        frame = twin.capture(seed)
        values = frame.pixels.astype(np.float64) / 255
        linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).mean(axis=2)
        area, centre = projected_disk(frame.truth.homography, HOLES[0])
        measured, at = disk_moments(linear, centre, HOLES[0].radius_px + 8, PLATE, HOLE)
        assert math.sqrt(measured / math.pi) == pytest.approx(math.sqrt(area / math.pi), abs=0.02)
        assert at == pytest.approx(centre, abs=0.03)


def test_the_part_ends_at_its_outermost_pixels_edges() -> None:
    """A plain part over the dark fixture has the area of its projected outline."""
    twin = Twin(np.full((150, 200, 3), 0.5, np.float32), MM_PER_PX, even(tilt=0.001))
    for seed in SEEDS:
        light, truth = twin.expose(seed)
        x, y = apply(
            truth.homography, np.array([(-0.5, -0.5), (199.5, -0.5), (199.5, 149.5), (-0.5, 149.5)])
        ).T
        area = (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2
        fixture = np.median(light[:4, :, 0])
        shown = ((light[..., 0] - fixture) / (0.5 - fixture)).sum()
        assert fixture < 0.03
        assert shown == pytest.approx(
            area, abs=700 * 0.01 + 25
        )  # 700 px of rim, and the fixture's own texture


def test_the_pose_is_the_mapping_where_there_is_no_tilt() -> None:
    twin = Twin(BOARD.light(), MM_PER_PX, even(tilt=0.0, scale_jitter=0.01))
    points = np.random.default_rng(2).uniform(0, 260, (20, 2))
    for seed in SEEDS:
        truth = twin.expose(seed)[1]
        pose, turn = truth.pose, math.radians(truth.pose.angle_deg)
        x = pose.scale * (math.cos(turn) * points[:, 0] - math.sin(turn) * points[:, 1]) + pose.x_px
        y = pose.scale * (math.sin(turn) * points[:, 0] + math.cos(turn) * points[:, 1]) + pose.y_px
        np.testing.assert_allclose(truth.to_frame(points), np.column_stack([x, y]), atol=1e-9)


def test_tilt_leaves_the_centre_and_changes_the_magnification_no_more_than_asked(wide: Twin) -> None:
    width, height = BOARD.width, BOARD.height
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    largest = 0.0
    for seed in range(12):
        truth = wide.expose(seed)[1]
        pose, turn = truth.pose, math.radians(truth.pose.angle_deg)
        at = (
            pose.scale
            * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
            @ centre
        )
        assert truth.to_frame([centre])[0] == pytest.approx([at[0] + pose.x_px, at[1] + pose.y_px], abs=1e-9)
        corners = [(0, 0), (width, 0), (width, height), (0, height)]
        scales = []
        for x, y in corners:
            a, b, c = truth.to_frame([(x, y), (x + 1, y), (x, y + 1)])
            scales.append(math.sqrt(np.linalg.det(np.column_stack([b - a, c - a]))))
        largest = max(largest, max(scales) / min(scales) - 1)
    assert 0.0008 < largest <= 0.002 * 1.01


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 5), x=st.floats(-50, 350), y=st.floats(-50, 350))
def test_to_golden_undoes_to_frame(wide: Twin, seed: int, x: float, y: float) -> None:
    truth = wide.expose(seed)[1]
    assert truth.to_golden(truth.to_frame([(x, y)]))[0] == pytest.approx((x, y), abs=1e-7)


@pytest.mark.parametrize("base", [DEMO_RANGES, WIDE_RANGES])
@pytest.mark.parametrize("size", [(40, 200), (166, 188)])
def test_the_default_sensor_holds_the_part_wholly(base: CaptureRanges, size: tuple[int, int]) -> None:
    width, height = size
    twin = Twin(np.full((height, width, 3), 128, np.uint8), MM_PER_PX, ranges(base))
    assert all(side % 2 == 0 for side in twin.sensor_px)
    assert twin.sensor_px[0] >= 1.1 * width
    assert twin.sensor_px[1] >= 1.1 * height
    angles = []
    for seed in range(60):
        truth = twin.expose(seed)[1]
        corners = truth.to_frame(
            [(-0.5, -0.5), (width - 0.5, -0.5), (width - 0.5, height - 0.5), (-0.5, height - 0.5)]
        )
        assert corners.min() > 0
        assert (corners < np.array(twin.sensor_px) - 1).all()
        angles.append(truth.pose.angle_deg)
    assert -base.angle_deg <= min(angles) < -0.8 * base.angle_deg
    assert 0.8 * base.angle_deg < max(angles) <= base.angle_deg
