"""A small labelled folder of continuous tone in MVTec's layout: units shifted and lit by known amounts."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
SIDE = 640
SHIFT = 3.0, -2.0  # x, y by which a unit lies elsewhere than the golden picture
DEFECTS = tuple((x, y, x + 16, y + 12) for y in range(70, 560, 80) for x in range(90, 580, 80))
"""x1 y1 x2 y2 of stains, in pixels of the unit."""


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


def unit(seed: int, *, stained: bool) -> U8:
    """The golden picture shifted by SHIFT, darker by 4 %, with noise; with stains or without."""
    moved = np.roll(golden(), (int(SHIFT[1]), int(SHIFT[0])), (0, 1)).astype(np.float64)
    for x1, y1, x2, y2 in DEFECTS if stained else ():
        moved[y1:y2, x1:x2] = (30, 20, 15)
    noisy = 0.96 * moved + np.random.default_rng(seed).normal(0, 1.5, moved.shape)
    return np.asarray(np.clip(np.rint(noisy), 0, 255), np.uint8)


def write(path: Path, picture: U8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture[..., ::-1] if picture.ndim == 3 else picture)


def anomalib(root: Path, units: int = 2) -> Path:
    """So many good units, and so many with stains, and their masks."""
    write(root / "golden.png", golden())
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for x1, y1, x2, y2 in DEFECTS:
        mask[y1:y2, x1:x2] = 255
    for n in range(units):
        write(root / "train" / "good" / f"{n}.png", unit(n, stained=False))
        write(root / "test" / "stain" / f"{n}.png", unit(100 + n, stained=True))
        write(root / "ground_truth" / "stain" / f"{n}_mask.png", mask)
    return root
