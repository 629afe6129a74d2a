"""What a detector's pairs are made from: labelled pairs, or golden pictures that defects are drawn on."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from datasets.drawn.artwork import draw
from datasets.labelled import LabelledPair, LabelledSet, read_pixels
from datasets.labelled.pictures import picture
from golden.digests import canonical_json, sha256
from hallmark.errors import TrainingError
from kernels.compiled import U8
from vision.artwork import LEAST_SIDE
from vision.colour_naming import LONGEST_PX

_UNSEEN: Final = 1 << 32  # beyond every seed that a command is given
_MIDDLE: Final = (64, 192)  # codes that are neither of two materials
_MOST_BETWEEN: Final = 0.1  # of the pixels of artwork; photographs of boards and parts have 0.18 to 0.95


@dataclass(frozen=True, eq=False)
class Raw:
    """A pair before it is aligned: pictures, and boxes x1 y1 x2 y2 class, classes from 1.

    Pictures are (h, w) uint8 of artwork, or (h, w, 3) uint8 RGB of continuous tone.
    """

    golden: U8
    unit: U8
    boxes: tuple[tuple[int, int, int, int, int], ...]


@dataclass(frozen=True)
class LabelledItem:
    """A labelled pair of a set with these classes, of artwork or, in colour, of continuous tone."""

    pair: LabelledPair
    classes: tuple[str, ...]
    colour: bool = False

    def raw(self) -> Raw:
        """Decode the pair.

        Raises:
            TrainingError: it is no artwork.
            DatasetError: see `datasets.labelled.read_pixels`.
        """
        pixels = read_pixels(self.pair, colour=self.colour)
        if not self.colour:
            _check_artwork(pixels.golden, self.pair.golden or self.pair.unit)
        numbers = {name: n for n, name in enumerate(self.classes, start=1)}
        boxes = tuple((b.x1, b.y1, b.x2, b.y2, numbers[b.defect_class]) for b in pixels.boxes)
        return Raw(pixels.golden, pixels.unit, boxes)


@dataclass(frozen=True)
class DrawnItem:
    """A golden picture and the seed of the unit that is drawn on it."""

    pair: LabelledPair
    seed: tuple[int, int]

    def raw(self) -> Raw:
        """Draw the unit; the same item gives the same pixels.

        Raises:
            TrainingError: the picture is no artwork.
            DatasetError: the picture does not decode, or is too small to draw on.
        """
        rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(self.seed)))
        drawn = draw(_template(self.pair.unit), rng)
        boxes = tuple((b.x1, b.y1, b.x2, b.y2, b.type) for b in drawn.boxes)
        return Raw(drawn.template, drawn.tested, boxes)


Item = LabelledItem | DrawnItem


@dataclass(frozen=True)
class Source:
    """Pairs to be made: what of, in words, and one item each, in the order of their files."""

    description: str
    labelled: LabelledSet
    items: tuple[Item, ...]
    settings: Mapping[str, Any]
    channels: Literal[1, 3] = 1

    @property
    def licence(self) -> str:
        """Return what lies beside the data about its use."""
        texts = [f"{licence.file}:\n{licence.text}" for licence in self.labelled.licences]
        return "\n\n".join(texts) or "nothing beside the data says how it may be used"

    @property
    def golden_image(self) -> str | None:
        """Return the digest of the one golden picture of units in colour; None: several, or of artwork."""
        if self.channels == 1:
            return None
        files = {item.pair.golden for item in self.items if item.pair.golden is not None}
        digests = {sha256(file.read_bytes()) for file in files}
        return digests.pop() if len(digests) == 1 else None

    @property
    def plan(self) -> dict[str, Any]:
        """Return what decides every byte of the prepared pairs, apart from the versions of libraries."""
        items = [[item.pair.name, item.pair.group or ""] for item in self.items]
        return {
            "schema": "hallmark.plan/2", "source": self.description, "classes": list(self.labelled.classes),
            "source_digest": self.labelled.digest, "pairs": len(self.items),
            "items_digest": sha256(canonical_json(items)), **self.settings,
        }  # fmt: skip


def labelled_source(labelled: LabelledSet, *, colour: bool = False) -> Source:
    """Return a labelled set as a source, one pair for each of its own; `colour` for continuous tone."""
    items = tuple(LabelledItem(pair, labelled.classes, colour) for pair in labelled.pairs)
    tone = " in colour" if colour else ""
    description = f"{len(items)} labelled pairs{tone} in the layout {labelled.layout}"
    settings: dict[str, Any] = {"layout": labelled.layout}
    if not colour:
        return Source(description, labelled, items, settings)
    return Source(
        description, labelled, items, {**settings, "channels": 3, "longest_px": LONGEST_PX}, channels=3
    )


def drawn_source(golden: LabelledSet, units: int, seed: int) -> Source:
    """Return units drawn on golden pictures as a source; pictures take turns."""
    items = tuple(DrawnItem(golden.pairs[i % len(golden.pairs)], (seed, i)) for i in range(units))
    description = f"{units} units drawn on {len(golden.pairs)} golden pictures, no real defect seen"
    return Source(description, golden, items, {"layout": golden.layout, "drawing_seed": seed})


def check_source(golden: LabelledSet, units: int, seed: int) -> Source:
    """Return units that no fit to `drawn_source` has seen, an eighth as many, to set calibration on."""
    return drawn_source(golden, max(units // 8, 1), seed + _UNSEEN)


@functools.lru_cache(maxsize=4)
def _template(path: Path) -> U8:
    pixels = picture(path)
    _check_artwork(pixels, path)
    return pixels


def _check_artwork(pixels: U8, path: Path) -> None:
    h, w = pixels.shape
    if min(h, w) < LEAST_SIDE:
        raise TrainingError(f"{path}: {w} x {h} px: alignment needs sides of at least {LEAST_SIDE} px")
    between = float(np.mean((pixels >= _MIDDLE[0]) & (pixels < _MIDDLE[1])))
    if between > _MOST_BETWEEN:
        raise TrainingError(
            f"{path}: {between:.0%} of its pixels are neither black nor white, as of binary artwork: give "
            "pictures made so; train on labelled units of continuous tone with --colour; or, for a coloured "
            "golden sample, draw on it with 'hallmark model draw' (see 'make train')"
        )
