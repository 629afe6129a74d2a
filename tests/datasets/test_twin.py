"""Determinism, real captures of board S4, and refused arguments."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

from datasets import DatasetError, pcb_s4
from datasets.twin import DEMO_RANGES, HoleDiameter, Stain, Twin
from tests.datasets.scene_board import BOARD, HOLES, MM_PER_PX

SCRIPT = """
import hashlib, sys
import cv2
cv2.setNumThreads(int(sys.argv[1]))
from datasets.twin import HoleDiameter, Stain, Twin
from tests.datasets.scene_board import BOARD, HOLES, MM_PER_PX
twin = Twin(BOARD.light(), MM_PER_PX)
changes = [HoleDiameter(HOLES[0].center_px, HOLES[0].radius_px, 0.1), Stain((60.0, 200.0), 0.4, seed=8)]
for seed in (5, 3):
    frame = twin.capture(seed, changes)
    print(seed, hashlib.sha256(frame.pixels.tobytes()).hexdigest(), frame.truth)
"""


def fresh_process(threads: int, hash_seed: int) -> list[str]:
    environment = os.environ | {"PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(threads)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_the_same_seed_gives_the_same_bytes_in_each_process() -> None:
    first, second = fresh_process(1, 1), fresh_process(2, 77)
    assert first == second
    twin = Twin(BOARD.light(), MM_PER_PX)
    changes = [HoleDiameter(HOLES[0].center_px, HOLES[0].radius_px, 0.1), Stain((60.0, 200.0), 0.4, seed=8)]
    for seed, line in zip((5, 3), first, strict=True):
        frame = twin.capture(seed, changes)
        assert line == f"{seed} {hashlib.sha256(frame.pixels.tobytes()).hexdigest()} {frame.truth}"


def test_a_capture_leaves_the_twin_as_it_was() -> None:
    twin = Twin(BOARD.light(), MM_PER_PX)
    before = twin.capture(1).pixels
    twin.capture(2, [Stain((60.0, 200.0), 0.4)])
    np.testing.assert_array_equal(twin.capture(1).pixels, before)


def test_a_real_board_is_recaptured_in_place() -> None:
    """Resampled back by its truth, the frame is the scan, but for blur, light and noise."""
    scan = cv2.imdecode(np.frombuffer(pcb_s4.good_scan(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    frame = Twin(scan, pcb_s4.MM_PER_PX).capture(11)
    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.shape == (2078, 1830, 3)
    height, width = scan.shape[:2]
    back = cv2.warpPerspective(
        frame.pixels,
        np.array(frame.truth.homography),
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    grey, golden = (
        back[..., 1].astype(np.float64),
        cv2.GaussianBlur(scan[..., 1], (0, 0), 0.8).astype(np.float64),
    )
    assert np.corrcoef(grey.ravel(), golden.ravel())[0, 1] > 0.97
    moved = np.roll(grey, 2, axis=1)
    assert np.corrcoef(moved.ravel(), golden.ravel())[0, 1] < 0.95


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"golden_rgb": np.zeros((40, 40), np.uint8)}, "shape"),
        ({"golden_rgb": np.zeros((8, 40, 3), np.uint8)}, "at least 16 x 16"),
        ({"golden_rgb": np.zeros((40, 40, 3), np.uint16)}, "type uint16"),
        ({"golden_rgb": np.full((40, 40, 3), 1.5, np.float32)}, "outside 0 to 1"),
        ({"golden_rgb": np.full((40, 40, 3), np.nan)}, "outside 0 to 1"),
        ({"mm_per_px": 0.0}, "mm_per_px"),
        ({"mm_per_px": math.nan}, "mm_per_px"),
        ({"sensor_px": (4, 900)}, "sensor_px"),
    ],
)
def test_impossible_twins_are_refused(arguments: dict[str, object], says: str) -> None:
    good = {"golden_rgb": np.zeros((40, 40, 3), np.uint8), "mm_per_px": 0.02}
    with pytest.raises(DatasetError, match=says):
        Twin(**(good | arguments))


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(DatasetError, match="seed is -1"):
        Twin(np.zeros((40, 40, 3), np.uint8), 0.02).capture(-1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("angle_deg", -1.0),
        ("angle_deg", math.nan),
        ("shift_fraction", 0.6),
        ("tilt", 1.0),
        ("gradient", math.inf),
        ("blur_sigma_px", (0.9, 0.6)),
        ("blur_sigma_px", (0.0, 0.6)),
        ("full_well_e", 0.0),
        ("full_well_e", math.nan),
        ("read_noise_e", -1.0),
        ("read_noise_e", math.inf),
    ],
)
def test_impossible_ranges_are_refused(name: str, value: object) -> None:
    with pytest.raises(DatasetError, match=f"CaptureRanges.{name} is"):
        replace(DEMO_RANGES, **{name: value})


def test_ranges_print_every_constant() -> None:
    lines = DEMO_RANGES.lines()
    assert "angle_deg = 2.0" in lines
    assert len(lines) == 10
