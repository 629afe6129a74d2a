"""The whole-pixel shift between a template and a tested board, as a line's fixture leaves it."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]

REACH: Final = 48
"""Largest shift looked for, in pixels: 4 more than the data set's README knows of."""
_SCALE: Final = 4
_FINE: Final = 4  # refinement about a coarse answer, in pixels
_EDGE: Final = REACH + _FINE
_CLEARLY: Final = 0.7  # of the difference: periodic artwork fits about as well a period away


def shift(template: U8, tested: U8) -> tuple[int, int]:
    """Return (dx, dy), whole pixels, such that tested(x + dx, y + dy) shows template(x, y).

    Squared differences at a quarter of the resolution find it, absolute ones at full resolution refine it;
    only the middle of the template is compared, which the tested picture covers at each shift. A shift that
    is not about zero must fit clearly better than those that are; of equal ones the smallest counts.

    Args:
        template: (h, w) uint8, each side longer than 2 * (REACH + 4).
        tested: (h, w) uint8.
    """
    size = template.shape[1] // _SCALE, template.shape[0] // _SCALE
    coarse, searched = (cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (template, tested))
    margin = REACH // _SCALE
    middle = coarse[margin:-margin, margin:-margin]
    _, _, (x, y), _ = cv2.minMaxLoc(cv2.matchTemplate(searched, middle, cv2.TM_SQDIFF))
    far = _refined(template, tested, (x - margin) * _SCALE, (y - margin) * _SCALE)
    near = _refined(template, tested, 0, 0)
    _, dx, dy = far if far[0] < _CLEARLY * near[0] else near
    return dx, dy


def _refined(template: U8, tested: U8, x: int, y: int) -> tuple[float, int, int]:
    middle = template[_EDGE:-_EDGE, _EDGE:-_EDGE]
    h, w = middle.shape

    def cost(dx: int, dy: int) -> float:
        under = tested[_EDGE + dy : _EDGE + dy + h, _EDGE + dx : _EDGE + dx + w]
        return cv2.norm(middle, under, cv2.NORM_L1)

    fine = range(-_FINE, _FINE + 1)
    tried = [(cost(x + i, y + j), x + i, y + j) for i in fine for j in fine]
    return min(tried, key=lambda t: (t[0], t[1] ** 2 + t[2] ** 2))


def moved(template: U8, tested: U8, dx: int, dy: int) -> U8:
    """Return the template moved onto the tested picture.

    Where it does not reach, the tested picture stands in: nothing can be found where there is nothing to
    compare with.
    """
    h, w = template.shape
    out = tested.copy()
    out[max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)] = template[
        max(-dy, 0) : h - max(dy, 0), max(-dx, 0) : w - max(dx, 0)
    ]
    return out
