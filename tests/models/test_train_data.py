"""Drawn pairs become crops: each cell's target is what covers it, and each crop is turned as one piece."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.classifier import CELL, CLASSES, CROP
from models.train.data import IGNORED, Pairs, cell_targets, crops, read_pairs

HEIGHT, WIDTH = 340, 420


def labels(seed: int) -> np.ndarray:
    """Return labels with one square of each class."""
    rng = np.random.default_rng(seed)
    plane = np.zeros((HEIGHT, WIDTH), np.uint8)
    for c in range(1, len(CLASSES)):
        y, x = 8 + 150 * (c % 2) + int(rng.integers(40)), 4 + 40 * c + int(rng.integers(8))
        plane[y : y + 33, x : x + 22] = c
    return plane


def places() -> np.ndarray:
    """Return a golden image whose every pixel tells where it is."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack((x & 255, y & 255, (x >> 8) + 2 * (y >> 8)), axis=2).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pairs as `hallmark model draw` writes them; the units are grey, the second lighter."""
    files = {}
    np.save(tmp_path / "golden.npy", places())
    np.save(tmp_path / "islands.npy", np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8))
    for i in (0, 1):
        unit = np.full((HEIGHT, WIDTH, 3), 60 + 120 * i, np.uint8)
        np.savez(tmp_path / f"{i:04d}.npz", unit=unit, labels=labels(i))
        data = (tmp_path / f"{i:04d}.npz").read_bytes()
        files[f"{i:04d}.npz"] = "sha256:" + hashlib.sha256(data).hexdigest()
    (tmp_path / "index.json").write_text(json.dumps({"classes": list(CLASSES), "seed": 3, "files": files}))
    return tmp_path


@pytest.fixture
def pairs(folder: Path) -> Pairs:
    return read_pairs(folder)


def by_hand(cell: np.ndarray) -> set[int]:
    """Return the targets that a cell of 16 labels may have."""
    counts = Counter(int(c) for c in cell.ravel() if c)
    if not counts:
        return {0}
    if counts.total() < 6:
        return {IGNORED}
    majority = {c for c, n in counts.items() if 2 * n > counts.total()}
    return majority or set(counts)


@given(arrays(np.uint8, (8, 12), elements=st.sampled_from((0, 0, 0, 1, 4, 9))))
def test_a_cell_is_what_covers_most_of_it(plane: np.ndarray) -> None:
    (targets,) = cell_targets(plane[None])
    assert targets.dtype == np.uint8
    assert targets.shape == (2, 3)
    for y in range(2):
        for x in range(3):
            cell = plane[y * CELL : (y + 1) * CELL, x * CELL : (x + 1) * CELL]
            assert int(targets[y, x]) in by_hand(cell)


def test_a_cell_covered_a_little_is_ignored() -> None:
    for covered, target in ((0, 0), (1, IGNORED), (5, IGNORED), (6, 7), (16, 7)):
        cell = np.zeros(16, np.uint8)
        cell[:covered] = 7
        assert cell_targets(cell.reshape(1, 4, 4)).tolist() == [[[target]]]


def test_crops_are_turned_as_one_piece(pairs: Pairs) -> None:
    inputs, targets = crops(pairs, 60, np.random.default_rng(1))
    assert (inputs.dtype, targets.dtype) == (np.uint8, np.uint8)
    assert inputs.shape == (60, CROP, CROP, 6)
    assert targets.shape == (60, CROP // CELL, CROP // CELL)
    ways = set()
    for pair, target in zip(inputs.astype(np.int64), targets, strict=True):
        x, y = pair[..., 0] + 256 * (pair[..., 2] & 1), pair[..., 1] + 256 * (pair[..., 2] >> 1)
        ways.add(
            (int(x[0, 1] - x[0, 0]), int(y[0, 1] - y[0, 0]), int(x[1, 0] - x[0, 0]), int(y[1, 0] - y[0, 0]))
        )
        unit = int(pair[..., 3:].mean() > 120)
        truth = pairs.labels[unit][y, x]  # whatever the turn: each pixel says where it was
        for row in range(0, CROP // CELL, 3):
            for column in range(0, CROP // CELL, 3):
                cell = truth[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
                assert int(target[row, column]) in by_hand(cell)
    assert len(ways) == 8, "every turn and mirror image"


def test_every_class_is_shown(pairs: Pairs) -> None:
    _, targets = crops(pairs, 60, np.random.default_rng(2))
    assert set(range(len(CLASSES))) <= set(np.unique(targets).tolist())


def test_many_crops_show_a_defect_however_rare_they_are(pairs: Pairs) -> None:
    """One small defect in a corner, which only 1 of 20 crops cut anywhere would show."""
    plane = np.zeros((1200, 1200), np.uint8)
    plane[60:72, 60:72] = 3
    blank = np.zeros((1200, 1200, 3), np.uint8)
    here = [np.array([(0, 72, 72)], np.int64)] * (len(CLASSES) - 1)
    rare = replace(pairs, golden=blank, units=[blank], labels=[plane], places=here)
    _, targets = crops(rare, 60, np.random.default_rng(2))
    shown = np.mean([(t == 3).any() for t in targets])
    assert 0.25 < shown < 0.6, "more crops show none"


def test_a_class_that_was_never_drawn_is_no_trouble(pairs: Pairs) -> None:
    none = [np.zeros((0, 3), np.int64) for _ in CLASSES[1:]]
    good = replace(pairs, labels=[p * 0 for p in pairs.labels], places=none)
    _, targets = crops(good, 5, np.random.default_rng(3))
    assert not targets.any()


def test_units_are_relit_a_little(pairs: Pairs) -> None:
    inputs, _ = crops(pairs, 60, np.random.default_rng(4))
    means = inputs[..., 3:].mean(axis=(1, 2, 3))
    for grey in (60, 180):
        near = means[np.abs(means - grey) < 40]
        assert len(near) > 10
        assert 0.3 < near.std() < 12
        assert abs(near.mean() - grey) < 4


def test_the_generator_decides(pairs: Pairs) -> None:
    first, again, other = (crops(pairs, 4, np.random.default_rng(s)) for s in (5, 5, 6))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != other[0]).any()


def test_places_lie_in_the_squares_of_their_class(pairs: Pairs) -> None:
    assert len(pairs.places) == len(CLASSES) - 1
    for c, found in enumerate(pairs.places, 1):
        assert set(found[:, 0].tolist()) == {0, 1}
        for i, x, y in found:
            assert (pairs.labels[i][y - 24 : y + 24, x - 24 : x + 24] == c).any()


def test_the_digest_is_of_the_index(folder: Path, pairs: Pairs) -> None:
    assert pairs.digest == "sha256:" + hashlib.sha256((folder / "index.json").read_bytes()).hexdigest()
    assert pairs.index["seed"] == 3


def test_altered_absent_and_foreign_pairs_are_refused(folder: Path, tmp_path: Path) -> None:
    with (folder / "0001.npz").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ValueError, match=r"0001\.npz.*draw again"):
        read_pairs(folder)
    (folder / "0001.npz").unlink()
    with pytest.raises(FileNotFoundError):
        read_pairs(folder)
    other = shutil.copytree(folder, tmp_path / "other")
    index = json.loads((other / "index.json").read_text())
    (other / "index.json").write_text(json.dumps({**index, "classes": ["not_a_defect", "dent"]}))
    with pytest.raises(ValueError, match="dent"):
        read_pairs(other)
