# pyright: reportUnknownMemberType=false
"""The comparator's resolution: half that of the golden image, reached by one resampling of the frame."""

from __future__ import annotations

import cv2
import numpy as np

from kernels.comparison import fill_bent_maps
from kernels.compiled import F32, I64, U8
from kernels.warp import halve
from vision.field import NO_FIELD, Field
from vision.mapping import QuadraticMap

SCALE = 2


def half(image: U8) -> U8:
    """Return a (h, w, 3) image averaged over squares of SCALE pixels, what is beyond them left out."""
    out = np.empty((image.shape[0] // SCALE, image.shape[1] // SCALE, 3), np.uint8)
    halve(np.ascontiguousarray(image), out)
    return out


def resampled(
    image: U8,
    mapping: QuadraticMap,
    field: Field | None,
    scale: int,
    columns: I64,
    rows: I64,
    border: int = cv2.BORDER_REPLICATE,
) -> U8:
    """Resample an image, shrunk by `scale`, at listed columns and rows of the equally shrunk golden view."""
    map_x = np.empty((len(rows), len(columns)), np.float32)
    map_y = np.empty_like(map_x)
    spacing, controls = NO_FIELD if field is None else (field.spacing, field.coefficients)
    fill_bent_maps(
        mapping.coefficients, *mapping.centre, mapping.extent, scale, spacing, controls, columns, rows,
        map_x, map_y,
    )  # fmt: skip
    return np.asarray(cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=border), np.uint8)


def every(length: int) -> I64:
    """Return the places 0 to `length` - 1 of all pixels along an axis."""
    return np.arange(length, dtype=np.int64)


def place(pixels: I64, length: int) -> F32:
    """Return where full pixels lie in an image of `length` shrunk ones that spans -1..1."""
    shrunk = (pixels + 0.5) / SCALE - 0.5
    return (2 * shrunk / (length - 1) - 1).astype(np.float32)


def middles(length: int) -> F32:
    """Return where the shrunk pixels of an axis lie when they span -1..1."""
    return (2 * np.arange(length) / (length - 1) - 1).astype(np.float32)
