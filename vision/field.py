# pyright: reportUnknownMemberType=false
"""The local field: where the unit's artwork lies beside the smooth map of the whole unit.

Artwork exposed by hand shifts by many pixels within one board. Blocks of the golden image are looked for in
the unit, coarse to fine, and one smooth spline is drawn through what they tell, against which defects and
texture are outliers. Where nothing is known it falls back to the map; where the map fits, there is no field.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from kernels.compiled import F32, F64, I32, U8, Mask
from kernels.field import (
    block_tensors,
    brightness_and_hue,
    fit_spline,
    limited_contrast,
    search_blocks,
    spline_values,
    step_blocks,
)
from vision.robust import median

NO_FIELD: tuple[float, F64] = (1.0, np.zeros((0, 0, 2)))

_FINE, _COARSE = 4, 8  # how much the images are shrunk that blocks are cut from
_SIZE = 12  # of a block, in shrunk pixels
_REACH = 5  # of the coarse search, in shrunk pixels: 40 px
_NOTICED = 0.7  # px: a median block that is farther off asks for a field
_COHERENT = 1.5  # px: so does a group of neighbours that agree to be so far off
_CELL = 4  # shrunk pixels
_SURROUND = (3, 4)  # cells of two means, one after the other, that are a place's surroundings: 24 pixels
_MOST = np.array([20.0, 30.0], np.float32)  # codes of brightness and of weighted hue: a hole counts no more
_TEXTURE = 12.0  # squared codes per pixel: a structure tensor of less is texture
_STIFFNESS, _RIDGE = 0.004, 0.002
_SAMPLE_SPACING, _ROUGH_SPACING, _SPACING = 256.0, 192.0, 96.0
_SAMPLE_CUTS = (6.0, 5.0)
_ROUGH_CUTS = (60.0, 30.0, 16.0, 10.0)  # px, beyond which a block does not count, round by round
_CUTS = (10.0, 6.0, 4.0)
_BY_CHANCE = {_COARSE: 0.4, _FINE: 0.3}  # correlation that a block has with strange texture, 95th percentile
_ALIKE = 0.6  # median correlation of the blocks: below, the check of the map alone means nothing


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A smooth displacement of golden points, applied before the map to the frame: a cubic B-spline.

    Attributes:
        spacing: of the controls, in native golden pixels; control (j, i) lies at x = (i - 1) * spacing,
            y = (j - 1) * spacing.
        coefficients: (m, n, 2) displacement x, y of the controls, native golden pixels.
        size: width and height of the golden image; beyond it the border's displacement holds.
        largest_px: greatest displacement within the image.
    """

    spacing: float
    coefficients: F64
    size: tuple[int, int]
    largest_px: float

    def points(self, golden: F64) -> F64:
        """Return the displacement (n, 2) of (n, 2) golden points, native golden pixels."""
        inside = np.clip(golden, 0, np.array(self.size) - 1.0) / self.spacing
        return spline_values(inside, self.coefficients)


@dataclass(frozen=True, slots=True, eq=False)
class _Blocks:
    """Blocks of the golden image at one scale, with what each can know."""

    scale: int
    image: F32
    corners: I32
    centres: F64  # native golden pixels
    knowledge: F64  # (n, 3): xx, xy, yy, eigenvalues 0..1
    step: int  # from block to block

    def steps(self, seen: F32) -> F64:
        """Return (n, 3): one step of each block towards the unit, in shrunk pixels, and its correlation."""
        return step_blocks(self.image, seen, self.corners, _SIZE, 0.1 * _TEXTURE)

    def trusted(self, correlation: F64) -> F64:
        """Return what the blocks know, (n, 3), as far as the unit resembles them."""
        chance = _BY_CHANCE[self.scale]
        trust = np.clip((correlation - chance) / (1 - chance), 0, 1)
        return self.knowledge * trust[:, None]


class FieldFinder:
    """Finds the local field of units; everything that does not depend on the unit is computed here.

    Args:
        golden: (h, w, 3) uint8 RGB golden image, averaged over blocks of `_FINE` pixels.
        usable: (h, w) bool, where blocks may lie.
        size: width and height of the golden image in native pixels.
    """

    def __init__(self, golden: U8, usable: Mask, size: tuple[int, int]) -> None:
        """Cut and weigh the blocks."""
        self._size = size
        fine = _feature(golden)
        self._fine = _cut(fine, usable, _FINE, _SIZE)
        self._sample = _cut(fine, usable, _FINE, 2 * _SIZE)
        shrunk, room = _shrink(fine), _shrink(usable.astype(np.float32)) == 1
        self._coarse = _cut(shrunk, room, _COARSE, 8)

    def find(self, aligned: U8, resample: Callable[[Field | None], U8]) -> Field | None:
        """Return the field of a unit, or None where its map alone fits.

        Args:
            aligned: (h, w, 3) uint8 unit in the golden view by its map alone, shrunk like the golden image.
            resample: returns the same through a field and the map.
        """
        seen = _feature(aligned)
        if self._fits(seen):
            return None
        blocks = self._coarse
        found = search_blocks(blocks.image, _shrink(seen), blocks.corners, _SIZE, _REACH)
        told = blocks.trusted(found[:, 2])
        field = self._spline(blocks, found[:, :2] * _COARSE, told, _ROUGH_SPACING, _ROUGH_CUTS, None)
        for cut in _CUTS:
            blocks = self._fine
            steps = blocks.steps(_feature(resample(field)))
            told, shifts = blocks.trusted(steps[:, 2]), steps[:, :2] * _FINE + field.points(blocks.centres)
            field = self._spline(blocks, shifts, told, _SPACING, (cut,), field)
        return field if self._needed(field) else None

    def _fits(self, seen: F32) -> bool:
        """Return whether the unit lies where the map says, which costs far less to see than the field."""
        blocks = self._sample
        if len(blocks.corners) == 0:
            return True
        steps = blocks.steps(seen)
        told, shifts = blocks.trusted(steps[:, 2]), steps[:, :2] * _FINE
        if median(steps[:, 2]) < _ALIKE or median(_along(shifts, blocks.knowledge)) > _NOTICED:
            return False
        rough = self._spline(blocks, shifts, told, _SAMPLE_SPACING, _SAMPLE_CUTS[:1], None)
        left = _along(shifts - rough.points(blocks.centres), told)
        if left.max() < _SAMPLE_CUTS[1] / 2 and not self._needed(rough, 0.5):
            return True  # no block is so far off that leaving it out would change much
        rough = self._spline(blocks, shifts, told, _SAMPLE_SPACING, _SAMPLE_CUTS[1:], rough)
        return not self._needed(rough)

    def _needed(self, field: Field, share: float = 1.0) -> bool:
        """Return whether the unit lies a share of what asks for a field beside the map, or farther."""
        off = _along(field.points(self._fine.centres), self._fine.knowledge)
        return median(off) > share * _NOTICED or float(off.max(initial=0)) > share * _COHERENT

    def _spline(
        self,
        blocks: _Blocks,
        shifts: F64,
        told: F64,
        spacing: float,
        cuts: tuple[float, ...],
        start: Field | None,
    ) -> Field:
        columns, rows = (int((n - 1) / spacing) + 4 for n in self._size)
        places = blocks.centres / spacing
        field = start
        for cut in cuts:
            weights = np.ones(len(shifts))
            if field is not None:
                off = _along(shifts - field.points(blocks.centres), told)
                weights = np.clip(1 - (off / cut) ** 2, 0, None) ** 2
            density = (spacing / (blocks.step * blocks.scale)) ** 2
            controls = fit_spline(
                places, shifts, told * weights[:, None], rows, columns, _STIFFNESS * density, _RIDGE * density
            )
            field = Field(spacing, controls, self._size, 0.0)
        assert field is not None
        largest = float(np.hypot(*field.points(self._fine.centres).T).max())
        return Field(spacing, field.coefficients, self._size, largest)


def _along(shifts: F64, told: F64) -> F64:
    """Return the length of (n, 2) shifts, each direction as far as it is known."""
    x, y = shifts.T
    square = told[:, 0] * x * x + 2 * told[:, 1] * x * y + told[:, 2] * y * y
    return np.sqrt(np.maximum(square, 0))


def _cut(image: F32, usable: Mask, scale: int, step: int) -> _Blocks:
    h, w = image.shape
    first = range(2, h - _SIZE - 1, step), range(2, w - _SIZE - 1, step)
    corners = np.array([(x, y) for y in first[0] for x in first[1]], np.int32).reshape(-1, 2)
    sums = np.asarray(cv2.integral(usable.astype(np.uint8)), np.int64)
    x, y = corners.T
    room = sums[y + _SIZE, x + _SIZE] - sums[y, x + _SIZE] - sums[y + _SIZE, x] + sums[y, x]
    corners = np.ascontiguousarray(corners[room == _SIZE**2])
    tensors = block_tensors(image, corners, _SIZE)
    # eigenvalues l become l / (l + texture)
    xx, xy, yy = (tensors + np.array([_TEXTURE, 0, _TEXTURE])).T
    inverse = np.stack((yy, -xy, xx), axis=1) / (xx * yy - xy * xy)[:, None]
    knowledge = np.array([1.0, 0, 1]) - _TEXTURE * inverse
    centres: F64 = (corners.astype(np.float64) + _SIZE / 2) * scale - 0.5
    kept = knowledge[:, 0] + knowledge[:, 2] > 0.3
    return _Blocks(scale, image, np.ascontiguousarray(corners[kept]), centres[kept], knowledge[kept], step)


def _feature(rgb: U8) -> F32:
    """Return (h, w) float32: brightness and hue against their surroundings, limited."""
    h, w = rgb.shape[:2]
    both = np.empty((2, h, w), np.float32)
    brightness_and_hue(rgb, both)
    rows, columns = max(h // _CELL, 1), max(w // _CELL, 1)
    around = np.empty((2, rows, w), np.float32)
    for plane, wide in zip(both, around, strict=True):
        cells = cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA)
        for size in _SURROUND:
            cells = cv2.blur(cells, (size, size))
        cv2.resize(cells, (w, rows), dst=wide, interpolation=cv2.INTER_LINEAR)
    out = np.empty((h, w), np.float32)
    limited_contrast(both, around, _MOST, out)
    return out


def _shrink(image: F32) -> F32:
    h, w = image.shape[0] // 2, image.shape[1] // 2
    return np.asarray(cv2.resize(image[: 2 * h, : 2 * w], (w, h), interpolation=cv2.INTER_AREA), np.float32)
