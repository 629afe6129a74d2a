"""The meters of the benchmark on the populated board: what they count on pictures whose truth is drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.uno.alignment import differences, not_by_rows, recaptures
from benchmarks.uno.characters import cells, replaced
from kernels.compiled import U8

_SAME = np.eye(2, 3)


def _scene() -> U8:
    rng = np.random.default_rng(1)
    image = cv2.GaussianBlur(rng.uniform(0, 255, (120, 160, 3)), (0, 0), 6)
    image = 40 + 150 * (image - image.min()) / (image.max() - image.min())
    return np.asarray(np.round(image), np.uint8)


def test_a_wave_along_the_rows_is_taken_out_and_one_part_that_moved_is_not() -> None:
    rng = np.random.default_rng(2)
    centres = np.column_stack((rng.uniform(250, 950, 60), np.linspace(150, 690, 60)))
    wave = 0.1 * np.sin(2 * np.pi * centres[:, 1] / 400)
    offsets = np.column_stack((0.02 * (centres[:, 0] - 600) / 400, wave))
    assert np.abs(not_by_rows(centres, offsets)).max() < 0.02
    offsets[30, 0] += 0.5
    assert np.hypot(*not_by_rows(centres, offsets).T).max() == pytest.approx(0.5, abs=0.12)


def test_another_exposure_is_no_difference_and_a_speck_is_one() -> None:
    golden = _scene()
    darker = np.round(255 * (golden / 255.0) ** 1.2).astype(np.uint8)
    found = differences(golden, darker, _SAME)
    assert (found["above_40"], found["above_40_grey"], found["above_40_as_taken"]) == (0, 0, 0)
    y, x = np.unravel_index(int(np.argmin(golden[20:-20, 20:-20, 0])), (80, 120))
    y, x = int(y) + 20, int(x) + 20
    darker[y - 1 : y + 2, x - 1 : x + 2, 0] += 90  # in red alone: a third of it in grey
    found = differences(golden, darker, _SAME)
    assert (found["above_40"], found["above_40_grey"], found["above_40_as_taken"]) == (9, 0, 9)
    assert all(abs(a - x) < 2 and abs(b - y) < 2 for a, b in found["largest_at"])


def test_recaptures_are_as_far_apart_as_the_pictures() -> None:
    golden = _scene()
    noise = np.random.default_rng(3).normal(0, 5, golden.shape)
    unit = np.clip(np.round(golden + noise), 0, 255).astype(np.uint8)
    first, second = recaptures(golden, unit, _SAME, 2)
    inner = np.s_[12:-12, 12:-12]
    for taken in (first, second):
        assert (taken.astype(float) - golden)[inner].std() == pytest.approx(5, rel=0.15)
    assert not np.array_equal(first, second)


def test_every_character_reads_as_each_other_of_its_line() -> None:
    changes = replaced()
    assert len(changes) == len(set(changes)) == 540
    assert (
        "atmega-marking: 9 at 441,312 reads 2",
        "atmega-marking",
        (432, 312, 9, 15),
        (441, 312),
    ) in changes
    assert len(cells()) == 90
