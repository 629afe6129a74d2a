"""Pairs of binary artwork with defects: a template, and a board of the same design as a line delivers it.

Copper is black on white. Everything comes from the template and the generator: no picture of a defect is
needed. The kinds of shapes, their sizes and the differences of acquisition follow what was written down for
this family of pictures before; no shape was fitted to a labelled defect of a data set.
"""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.deeppcb import MARGIN_PX, TYPES, Box
from datasets.drawn.artwork.acquisition import good_unit
from datasets.drawn.artwork.defects import Change, draw_defects
from datasets.errors import DatasetError

__all__ = ["DrawnPair", "draw"]

_COPPER_BELOW: Final = 128
_LEAST_SIDE: Final = 96
_CLEAR_PX: Final = 3  # storing changes nothing farther away, and no other defect is so near


@dataclass(frozen=True, eq=False)
class DrawnPair:
    """Template and tested picture, (h, w) uint8 grey each and not aligned, and a box round every defect.

    A box is the extent of the pixels that the defect changed, as much wider each way as labels are
    (`datasets.deeppcb.MARGIN_PX`), clipped to the picture.
    """

    template: NDArray[np.uint8]
    tested: NDArray[np.uint8]
    boxes: tuple[Box, ...]


def draw(template: NDArray[np.uint8], rng: np.random.Generator) -> DrawnPair:
    """Draw a board of the template's design with 5 to 14 defects, of all six types where they find a place.

    Each type is true of the board: an open splits a conductor or opens a loop of it, a short joins two,
    mousebite and spur touch an edge, reach 3 px deep and leave every conductor in one piece,
    pin-hole and copper lie clear of edges.
    Fewer defects, or none, come out where the template offers them no place.

    Args:
        template: (h, w) uint8 grey, copper black, at least 96 px each way; not changed.
        rng: all that is random; the same state draws the same pair.

    Raises:
        DatasetError: the template is not such a picture.
    """
    if template.ndim != 2 or template.dtype != np.uint8 or min(template.shape) < _LEAST_SIDE:
        raise DatasetError(
            f"template: {template.dtype} of shape {template.shape} is no grey picture of at least "
            f"{_LEAST_SIDE} px each way: give (h, w) uint8 with copper black"
        )
    good = good_unit(template < _COPPER_BELOW, rng)
    copper, changes = draw_defects(good, rng)
    tested = _stored(copper, rng)
    visible = (tested < _COPPER_BELOW) != good
    return DrawnPair(template, tested, tuple(_box(change, visible) for change in changes))


def _stored(copper: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the thresholded picture as a line stores it: most often JPEG of quality 75."""
    quality = 75 if rng.random() < 0.7 else int(rng.integers(60, 97))
    picture = np.where(copper, np.uint8(0), np.uint8(255))
    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)


def _box(change: Change, visible: NDArray[np.bool_]) -> Box:
    """Return the label of a defect, as far as the stored picture shows it."""
    framed = change.mark.framed(_CLEAR_PX, visible.shape)
    left, top, right, bottom = replace(framed, pixels=visible[framed.window]).extent
    return Box(
        max(left - MARGIN_PX, 0),
        max(top - MARGIN_PX, 0),
        min(right + MARGIN_PX, visible.shape[1]),
        min(bottom + MARGIN_PX, visible.shape[0]),
        TYPES.index(change.type) + 1,
    )
