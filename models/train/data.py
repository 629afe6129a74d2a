"""Training pairs as crops: which are drawn, how they are turned, and what each cell is to be called."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.classifier import CELL, CLASSES, CROP

U8 = npt.NDArray[np.uint8]

IGNORED: Final = 255
"""Target of a cell that a defect covers only partly: either answer is right."""

_COVERED: Final = 6  # pixels of 16 that make a cell a defect's
_ON_DEFECTS: Final = 0.6  # of all crops
_OFF_CENTRE: Final = 0.4  # of a crop's side that a defect may lie from its centre


@dataclass(frozen=True, eq=False)
class Pairs:
    """Drawn pairs in memory.

    Attributes:
        golden: (h, w, 3) uint8.
        islands: (h / 2, w / 2) uint8, see `models.Classifier`.
        units: n of (h, w, 3) uint8.
        labels: n of (h, w) uint8, 0 or an index into `CLASSES`.
        places: for each class from 1, where its defects are: (m, 3) pair, x, y.
        index: what the folder says of itself.
        digest: SHA-256 over the index, which names the digest of every file.
    """

    golden: U8
    islands: U8
    units: list[U8]
    labels: list[U8]
    places: list[npt.NDArray[np.int64]]
    index: dict[str, Any]
    digest: str


def read_pairs(folder: Path) -> Pairs:
    """Read a folder of pairs.

    Raises:
        OSError: a file is missing.
        ValueError: a file's digest is not the one that the index names, or the classes are others.
    """
    text = (folder / "index.json").read_bytes()
    index = json.loads(text)
    if tuple(index["classes"]) != CLASSES:
        raise ValueError(f"{folder}: its classes are {index['classes']}; draw the pairs with this release")
    units: list[U8] = []
    labels: list[U8] = []
    for name, digest in index["files"].items():
        data = (folder / name).read_bytes()
        if "sha256:" + hashlib.sha256(data).hexdigest() != digest:
            raise ValueError(f"{folder / name}: its bytes are not the ones that the index names; draw again")
        with np.load(folder / name, allow_pickle=False) as stored:
            units.append(stored["unit"])
            labels.append(stored["labels"])
    return Pairs(
        np.load(folder / "golden.npy", allow_pickle=False),
        np.load(folder / "islands.npy", allow_pickle=False), units, labels, _places(labels), index,
        "sha256:" + hashlib.sha256(text).hexdigest(),
    )  # fmt: skip


def _places(labels: list[U8]) -> list[npt.NDArray[np.int64]]:
    """Return one place for each 48-pixel square that a class shows in: large defects count often."""
    places: list[npt.NDArray[np.int64]] = []
    for c in range(1, len(CLASSES)):
        found: list[tuple[int, int, int]] = []
        for i, label in enumerate(labels):
            ys, xs = np.nonzero(label == c)
            squares = np.unique(np.column_stack((xs // 48, ys // 48)), axis=0)
            found.extend((i, int(x) * 48 + 24, int(y) * 48 + 24) for x, y in squares)
        places.append(np.array(found, np.int64).reshape(-1, 3))
    return places


def crops(pairs: Pairs, count: int, rng: np.random.Generator, side: int = CROP) -> tuple[U8, U8]:
    """Draw crops: (count, side, side, 6) uint8 and their targets (count, side / CELL, side / CELL) uint8."""
    inputs = np.empty((count, side, side, 6), np.uint8)
    targets = np.empty((count, side // CELL, side // CELL), np.uint8)
    for k in range(count):
        i, x, y = _corner(pairs, rng, side)
        at = np.s_[y : y + side, x : x + side]
        unit = _relit(pairs.units[i][at], rng)
        pair = np.concatenate((pairs.golden[at], unit), axis=2)
        turned, target = _turned(pair, cell_targets(pairs.labels[i][at]), int(rng.integers(8)))
        inputs[k], targets[k] = turned, target
    return inputs, targets


def _corner(pairs: Pairs, rng: np.random.Generator, side: int) -> tuple[int, int, int]:
    h, w = pairs.golden.shape[:2]
    here = pairs.places[int(rng.integers(len(pairs.places)))]
    if len(here) and rng.uniform() < _ON_DEFECTS:
        i, x, y = (int(n) for n in here[int(rng.integers(len(here)))])
        off = round(_OFF_CENTRE * side)
        x += int(rng.integers(-off, off + 1)) - side // 2
        y += int(rng.integers(-off, off + 1)) - side // 2
    else:
        i = int(rng.integers(len(pairs.units)))
        x, y = int(rng.integers(0, w - side + 1)), int(rng.integers(0, h - side + 1))
    return i, min(max(x, 0), w - side), min(max(y, 0), h - side)


def cell_targets(labels: U8) -> U8:
    """Return (h / CELL, w / CELL) targets of (h, w) labels: the class that covers most of a cell."""
    h, w = labels.shape
    cells = labels.reshape(h // CELL, CELL, w // CELL, CELL).transpose(0, 2, 1, 3)
    cells = cells.reshape(h // CELL, w // CELL, CELL * CELL)
    covered = (cells > 0).sum(axis=2)
    target = cells.max(axis=2)
    for c in np.unique(labels[labels > 0]):  # two classes in one cell: the one with more of it
        target[(cells == c).sum(axis=2) * 2 > covered] = c
    target[covered < _COVERED] = IGNORED
    target[covered == 0] = 0
    return target.astype(np.uint8)


def _relit(unit: U8, rng: np.random.Generator) -> U8:
    """Return the unit a little lighter or darker, as an illumination that was estimated wrongly leaves it."""
    gain = 1 + rng.normal(0, 0.02) + rng.normal(0, 0.008, 3)
    table = np.clip(np.arange(256)[:, None] * gain + rng.normal(0, 1.5), 0, 255).astype(np.uint8)
    return np.stack([table[:, c][unit[..., c]] for c in range(3)], axis=2)


def _turned(pair: U8, target: U8, turn: int) -> tuple[U8, U8]:
    if turn & 1:
        pair, target = pair[::-1], target[::-1]
    if turn & 2:
        pair, target = pair[:, ::-1], target[:, ::-1]
    if turn & 4:
        pair, target = pair.transpose(1, 0, 2), target.T
    return pair, target


def class_weights(pairs: Pairs, rng: np.random.Generator, side: int) -> npt.NDArray[np.float32]:
    """Return how much a cell of each class counts: classes with few cells more."""
    _, targets = crops(pairs, 400, rng, side)
    counts = np.bincount(targets.ravel(), minlength=256)[: len(CLASSES)].astype(np.float64)
    weights = np.sqrt(counts[1:].max() / np.maximum(counts[1:], 1))
    return np.concatenate(([1.0], np.clip(weights, 1, 2.5))).astype(np.float32)
