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
_ON_DEFECTS: Final = 0.42  # of all crops
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
            units.append(_in_planes(stored["unit"]))
            labels.append(stored["labels"])
    return Pairs(
        _in_planes(np.load(folder / "golden.npy", allow_pickle=False)),
        np.load(folder / "islands.npy", allow_pickle=False), units, labels, _places(labels), index,
        "sha256:" + hashlib.sha256(text).hexdigest(),
    )  # fmt: skip


def _in_planes(image: U8) -> U8:
    """Return the same (h, w, 3) image, each channel's plane in one piece."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0)


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
    inputs = np.empty((count, 6, side, side), np.uint8).transpose(0, 2, 3, 1)  # planes are copied fast
    labels = np.empty((count, side, side), np.uint8)
    for k in range(count):
        i, x, y = _corner(pairs, rng, side)
        at, turn = np.s_[y : y + side, x : x + side], int(rng.integers(8))
        inputs[k, ..., :3] = _turned(pairs.golden[at], turn)
        inputs[k, ..., 3:] = _turned(pairs.units[i][at], turn)
        labels[k] = _turned(pairs.labels[i][at], turn)
    _relight(inputs[..., 3:], rng)
    return inputs, cell_targets(labels)


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
    """Return (n, h / CELL, w / CELL) targets of (n, h, w) labels: the class that covers most of a cell."""
    n, h, w = labels.shape
    cells = labels.reshape(n, h // CELL, CELL, w // CELL, CELL).swapaxes(2, 3)
    target = np.zeros(cells.shape[:3], np.uint8)
    rows = np.ascontiguousarray(labels).view(np.uint32).reshape(n, h // CELL, CELL, w // CELL)
    touched = np.bitwise_or.reduce(rows, axis=2) > 0
    some = cells[touched].reshape(-1, CELL * CELL)
    covered = (some > 0).sum(axis=1)
    best = some.max(axis=1, initial=0)
    for c in range(1, len(CLASSES)):  # two classes in one cell: the one with more of it
        best[(some == c).sum(axis=1) * 2 > covered] = c
    best[covered < _COVERED] = IGNORED
    target[touched] = best
    return target


def _relight(units: U8, rng: np.random.Generator) -> None:
    """Make each of n units a little lighter or darker, as an illumination estimated wrongly leaves it."""
    n = len(units)
    gain = 1 + rng.normal(0, 0.02, (n, 1, 1, 1)) + rng.normal(0, 0.008, (n, 1, 1, 3))
    lit = units * gain.astype(np.float32)
    lit += rng.normal(0, 1.5, (n, 1, 1, 1)).astype(np.float32)
    units[...] = np.clip(lit, 0, 255, out=lit)


def _turned(image: U8, turn: int) -> U8:
    if turn & 1:
        image = image[::-1]
    if turn & 2:
        image = image[:, ::-1]
    if turn & 4:
        image = image.swapaxes(0, 1)
    return image


def class_weights(pairs: Pairs, rng: np.random.Generator, side: int) -> npt.NDArray[np.float32]:
    """Return how much a cell of each class counts: classes with few cells more."""
    _, targets = crops(pairs, 400, rng, side)
    counts = np.bincount(targets.ravel(), minlength=256)[: len(CLASSES)].astype(np.float64)
    weights = np.sqrt(counts[1:].max() / np.maximum(counts[1:], 1))
    return np.concatenate(([1.0], np.clip(weights, 1, 2.5))).astype(np.float32)
