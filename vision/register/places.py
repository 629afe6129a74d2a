# pyright: reportUnknownMemberType=false
"""Where patches of the golden image are worth tracking."""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np

from kernels.compiled import F32, F64, Mask


def spread_places(image: F32, usable: Mask, half: int, count: int) -> F64:
    """Choose up to `count` patch centres (n, 2) rich in two-dimensional structure, spread over the image.

    Args:
        image: (h, w) float32.
        usable: (h, w) bool; a patch and two pixels around it lie inside.
        half: half size of a patch.
        count: how many cells of equal size each give their best place, strongest first.
    """
    size = 2 * half + 1
    strength = cv2.cornerMinEigenVal(image, size)
    ok = cv2.erode(usable.astype(np.uint8), np.ones((size + 4, size + 4), np.uint8), borderValue=0)
    strength = np.where(ok > 0, strength, 0)
    h, w = image.shape
    cell = max(math.sqrt(h * w / count), 1.0)
    best: list[tuple[float, int, int]] = []
    for top, bottom in pairwise(_cuts(h, cell)):
        for left, right in pairwise(_cuts(w, cell)):
            block = strength[top:bottom, left:right]
            y, x = np.unravel_index(int(np.argmax(block)), block.shape)
            if block[y, x] > 0:
                best.append((float(block[y, x]), int(left + x), int(top + y)))
    best.sort(key=lambda b: (-b[0], b[1], b[2]))
    return np.array([(x, y) for _, x, y in best[:count]], np.float64).reshape(-1, 2)


def _cuts(length: int, cell: float) -> list[int]:
    n = max(round(length / cell), 1)
    return [round(length * i / n) for i in range(n + 1)]
