"""A small labelled folder of continuous tone in MVTec's layout: units shifted and lit by known amounts.

Stains are labelled; light marks beside them are not, and teach what is no defect.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from golden.sample import GoldenSample
from tests.vision import board

U8 = npt.NDArray[np.uint8]
SIDE = 640
SHIFT = 3.0, -2.0  # x, y by which a unit lies elsewhere than the golden picture
MM_PER_PX = 0.05
LEAST_PX = 3  # extent of a candidate, as pairs are prepared
_PLACES = tuple((x, y, x + 16, y + 12) for y in range(70, 560, 80) for x in range(90, 580, 80))
DEFECTS, MARKS = _PLACES[::2], _PLACES[1::2]
"""x1 y1 x2 y2 of stains and of marks, in pixels of the unit."""
Boxes = Iterable[tuple[int, int, int, int]]


def golden() -> U8:
    """A board in colours between black and white, with parts at random; nothing in it repeats."""
    rng = np.random.default_rng(5)
    picture = np.full((SIDE, SIDE, 3), (60, 110, 90), np.uint8)
    for _ in range(60):
        x, y = (int(n) for n in rng.integers(15, SIDE - 15, 2))
        colour = tuple(int(c) for c in rng.integers(70, 200, 3))
        cv2.rectangle(
            picture, (x, y), (x + int(rng.integers(8, 30)), y + int(rng.integers(8, 30))), colour, -1
        )
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.8), np.uint8)


def unit(seed: int, stains: Boxes = (), marks: Boxes = ()) -> U8:
    """The golden picture shifted by SHIFT, darker by 4 %, with noise, with stains and marks."""
    moved = np.roll(golden(), (int(SHIFT[1]), int(SHIFT[0])), (0, 1)).astype(np.float64)
    for boxes, colour in ((stains, (30, 20, 15)), (marks, (120, 165, 150))):
        for x1, y1, x2, y2 in boxes:
            moved[y1:y2, x1:x2] = colour
    noisy = 0.96 * moved + np.random.default_rng(seed).normal(0, 1.5, moved.shape)
    return np.asarray(np.clip(np.rint(noisy), 0, 255), np.uint8)


def write(path: Path, picture: U8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture[..., ::-1] if picture.ndim == 3 else picture)


def anomalib(root: Path, units: int = 2) -> Path:
    """So many good units, and so many with stains and marks, and masks of the stains."""
    write(root / "golden.png", golden())
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for x1, y1, x2, y2 in DEFECTS:
        mask[y1:y2, x1:x2] = 255
    for n in range(units):
        write(root / "train" / "good" / f"{n}.png", unit(n))
        write(root / "test" / "stain" / f"{n}.png", unit(100 + n, DEFECTS, MARKS))
        write(root / "ground_truth" / "stain" / f"{n}_mask.png", mask)
    return root


def fields(margin: int = 0) -> dict[str, Any]:
    """The JSON fields of a specification whose one zone is the golden picture but a margin."""
    viewing = {"distance_mm": 300, "time_s": 10, "illuminance_lx": 1000}
    side = SIDE - 2 * margin
    region = {"type": "rectangle", "x": margin, "y": margin, "width": side, "height": side}
    return {
        "schema": "hallmark.golden/1",
        "part": {"number": "H1", "revision": "A", "name": "Housing"},
        "parties": [
            {"name": "Shenzhen Housings", "role": "supplier"},
            {"name": "Nordic Instruments", "role": "buyer"},
        ],
        "views": [{"id": "top", "image": "images/top.png", "width_px": SIDE, "height_px": SIDE,
                   "mm_per_px": MM_PER_PX}],
        "characteristics": [{"kind": "surface", "number": 1, "id": "surface", "name": "Surface",
                             "severity": "major", "zones": ["all"]}],
        "zones": [{"id": "all", "name": "All", "view": "top", "viewing": viewing, "region": region}],
        "catalogue": {"smallest_mm": LEAST_PX * MM_PER_PX,
                      "rules": [{"id": "stain", "defect_class": "stain", "severity": "major"}]},
        "plans": {},
    }  # fmt: skip


def sample(picture: bytes) -> GoldenSample:
    """A golden sample of this file, all of it one zone, as if its seal had been verified."""
    return board.sample(fields(), {"images/top.png": picture})
