"""Prepared pairs in memory, and the crops that a fit draws from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.detector.contract import SIDE
from models.detector.crops import crop, first

U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]

_BELONGS: Final = 4  # pixels round a labelled box in which a candidate's centre shows its defect
_JITTER: Final = 4  # pixels that a candidate's centre is moved by
_MISPLACED: Final = 14  # pixels that a positive made from a box's own centre may be off
_TEMPLATE: Final = 1  # pixels that the golden crop is moved by, as alignment leaves it


@dataclass(frozen=True, eq=False)
class Prepared:
    """Pairs aligned, with candidates.

    Attributes:
        golden: n of (h, w, c) uint8, aligned to the unit.
        units: n of (h, w, c) uint8.
        boxes: n of (m, 5) int32 x1 y1 x2 y2 class.
        candidates: n of (m, 5) int32 x1 y1 x2 y2 topology.
        groups: n names of groups, whole ones of which are held out.
        classes: names, the first `not_a_defect`.
        index: what the folder says of itself.
        digest: SHA-256 over the index, which names the digest of every file.
    """

    golden: list[U8]
    units: list[U8]
    boxes: list[I32]
    candidates: list[I32]
    groups: list[str]
    classes: tuple[str, ...]
    index: dict[str, Any]
    digest: str

    def subset(self, keep: Callable[[str], bool]) -> Prepared:
        """Return the pairs whose group is kept."""
        at = [i for i, group in enumerate(self.groups) if keep(group)]
        return Prepared(
            [self.golden[i] for i in at], [self.units[i] for i in at], [self.boxes[i] for i in at],
            [self.candidates[i] for i in at], [self.groups[i] for i in at],
            self.classes, self.index, self.digest,
        )  # fmt: skip


def joined(parts: Sequence[Prepared]) -> Prepared:
    """Return pairs of several folders as one, to learn from them together; index and digest are the first's.

    Raises:
        ValueError: their classes or channels differ.
    """
    first = parts[0]
    for other in parts[1:]:
        if other.classes != first.classes or other.golden[0].shape[2] != first.golden[0].shape[2]:
            raise ValueError(f"classes {other.classes} do not go with {first.classes}: prepare both alike")
    return Prepared(
        [p for part in parts for p in part.golden], [p for part in parts for p in part.units],
        [b for part in parts for b in part.boxes], [c for part in parts for c in part.candidates],
        [g for part in parts for g in part.groups], first.classes, first.index, first.digest,
    )  # fmt: skip


def read_prepared(folder: Path) -> Prepared:
    """Read a folder of prepared pairs.

    `index.json` holds `classes`, `files` (digests) and `groups` (both by file name), beside what it says of
    source and licence; `hallmark.training.prepared` writes it.

    Raises:
        OSError: a file is missing.
        ValueError: a file's digest is not the one that the index names, or it is of an earlier form.
    """
    text = (folder / "index.json").read_bytes()
    index = json.loads(text)
    golden: list[U8] = []
    units: list[U8] = []
    boxes: list[I32] = []
    candidates: list[I32] = []
    for name, digest in index["files"].items():
        data = (folder / name).read_bytes()
        if "sha256:" + hashlib.sha256(data).hexdigest() != digest:
            raise ValueError(
                f"{folder / name}: its bytes are not the ones that the index names; prepare again"
            )
        with np.load(folder / name, allow_pickle=False) as stored:
            golden.append(stored["golden"])
            units.append(stored["unit"])
            boxes.append(stored["boxes"].astype(np.int32).reshape(-1, 5))
            found = stored["candidates"].astype(np.int32)
            if found.ndim != 2 or found.shape[1] != 5:
                raise ValueError(f"{folder / name}: candidates without their topology; prepare again")
            candidates.append(found)
    groups = [index["groups"][name] for name in index["files"]]
    digest = "sha256:" + hashlib.sha256(text).hexdigest()
    return Prepared(golden, units, boxes, candidates, groups, tuple(index["classes"]), index, digest)


@dataclass(frozen=True, eq=False)
class Places:
    """Where crops are cut: one row per candidate or labelled box.

    Attributes:
        pair: (n,) index of the pair.
        centre: (n, 2) float32 x, y of the crop's centre.
        box: (n, 4) float32 x1 y1 x2 y2 of the defect there; zeros for none.
        kind: (n,) class, 0 for none.
        own: (n,) whether the place is a labelled box's own centre, not a candidate's.
        topology: (n,) of the candidate, 0 where it is none.
    """

    pair: I32
    centre: F32
    box: F32
    kind: I32
    own: npt.NDArray[np.bool_]
    topology: I64

    def fewer(self, negatives: int, rng: np.random.Generator) -> Places:
        """Return the places with at most so many of each pair that show nothing, drawn at random."""
        order = rng.permutation(len(self.pair))
        seen: dict[int, int] = {}
        kept: list[int] = []
        for i in order.tolist():
            if self.kind[i] == 0:
                pair = int(self.pair[i])
                seen[pair] = seen.get(pair, 0) + 1
                if seen[pair] > negatives:
                    continue
            kept.append(i)
        at = np.sort(np.array(kept, np.int64))
        return Places(
            self.pair[at], self.centre[at], self.box[at], self.kind[at], self.own[at], self.topology[at]
        )


def places(pairs: Prepared) -> Places:
    """Return every candidate with what it shows, and every labelled box's own centre.

    A candidate shows the defect in whose box, four pixels larger, its centre lies; the nearest of several.
    """
    rows: list[tuple[int, float, float, float, float, float, float, int, bool, int]] = []
    for i, (boxes, candidates) in enumerate(zip(pairs.boxes, pairs.candidates, strict=True)):
        middles = (boxes[:, :2] + boxes[:, 2:4]) / 2
        for x1, y1, x2, y2, topology in candidates.tolist():
            x, y = (x1 + x2) / 2, (y1 + y2) / 2
            inside = (
                (boxes[:, 0] - _BELONGS <= x) & (x <= boxes[:, 2] + _BELONGS)
                & (boxes[:, 1] - _BELONGS <= y) & (y <= boxes[:, 3] + _BELONGS)
            )  # fmt: skip
            if inside.any():
                off = np.where(inside, np.hypot(middles[:, 0] - x, middles[:, 1] - y), np.inf)
                b = boxes[int(off.argmin())].tolist()
                rows.append((i, x, y, *b[:4], b[4], False, topology))
            else:
                rows.append((i, x, y, 0, 0, 0, 0, 0, False, topology))
        for b, (x, y) in zip(boxes.tolist(), middles.tolist(), strict=True):
            rows.append((i, x, y, *b[:4], b[4], True, 0))
    table = np.array([row[:8] for row in rows], np.float32).reshape(-1, 8)
    return Places(
        table[:, 0].astype(np.int32), table[:, 1:3], table[:, 3:7], table[:, 7].astype(np.int32),
        np.array([row[8] for row in rows], np.bool_), np.array([row[9] for row in rows], np.int64),
    )  # fmt: skip


class Crops:
    """Cuts crops out of prepared pairs; what lies outside a picture is its reflection."""

    def __init__(self, pairs: Prepared) -> None:
        """Take the pairs."""
        self.channels = pairs.golden[0].shape[2]
        self._golden, self._units = pairs.golden, pairs.units

    def cut(self, pair: int, x: float, y: float, off: tuple[int, int] = (0, 0)) -> tuple[U8, tuple[int, int]]:
        """Return a crop (SIDE, SIDE, 2c) about a place, and its first pixel x, y in the picture.

        `off` moves the golden half alone.
        """
        h, w = self._units[pair].shape[:2]
        left, top = first(x, w), first(y, h)
        golden = crop(self._golden[pair], left + off[0], top + off[1])
        return np.concatenate((golden, crop(self._units[pair], left, top)), axis=2), (left, top)


def candidate_crops(pairs: Prepared) -> tuple[U8, I64, I32]:
    """Return each candidate's crop (n, SIDE, SIDE, 2c) as a station cuts it, topology (n,) and class (n,)."""
    crops, at = Crops(pairs), places(pairs)
    chosen = np.flatnonzero(~at.own)
    pictures = np.empty((len(chosen), SIDE, SIDE, 2 * crops.channels), np.uint8)
    for k, c in enumerate(chosen.tolist()):
        pictures[k], _ = crops.cut(int(at.pair[c]), float(at.centre[c, 0]), float(at.centre[c, 1]))
    return pictures, at.topology[chosen], at.kind[chosen]


def batch(crops: Crops, at: Places, chosen: I32, rng: np.random.Generator) -> tuple[U8, I32, F32]:
    """Draw augmented crops (n, SIDE, SIDE, 2c), classes (n,) and boxes (n, 4) in crop pixels, 0 for none.

    Each crop is moved, turned and mirrored at random; its golden half by up to a pixel more. A labelled
    box's own centre is moved so far that the defect lies anywhere a fragment of it may put it.
    """
    n = len(chosen)
    pictures = np.empty((n, SIDE, SIDE, 2 * crops.channels), np.uint8)
    boxes = np.zeros((n, 4), np.float32)
    kinds = at.kind[chosen]
    for k, c in enumerate(chosen.tolist()):
        reach = _MISPLACED if at.own[c] else _JITTER
        x, y = at.centre[c] + rng.integers(-reach, reach + 1, 2)
        dx, dy = rng.integers(-_TEMPLATE, _TEMPLATE + 1, 2).tolist()
        picture, (left, top) = crops.cut(int(at.pair[c]), float(x), float(y), (dx, dy))
        box = at.box[c] - np.array([left, top, left, top], np.float32)
        turn = int(rng.integers(8))
        pictures[k] = turned(picture, turn)
        boxes[k] = turned_box(box, turn) if kinds[k] else 0
    return pictures, kinds, boxes


def turned(picture: U8, turn: int) -> U8:
    """Return a square (s, s, ...) picture in one of its eight positions."""
    if turn & 1:
        picture = picture[::-1]
    if turn & 2:
        picture = picture[:, ::-1]
    if turn & 4:
        picture = picture.swapaxes(0, 1)
    return picture


def turned_box(box: F32, turn: int) -> F32:
    """Return x1 y1 x2 y2 as `turned` moves it, pixel edges from 0 to SIDE."""
    x1, y1, x2, y2 = box.tolist()
    if turn & 1:
        y1, y2 = SIDE - y2, SIDE - y1
    if turn & 2:
        x1, x2 = SIDE - x2, SIDE - x1
    if turn & 4:
        x1, y1, x2, y2 = y1, x1, y2, x2
    return np.array([x1, y1, x2, y2], np.float32)
