# pyright: reportUnknownMemberType=false
"""A rectangle of the golden view about a region, and a unit as it shows there at native resolution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from golden.regions import Region
from kernels.compiled import F32, F64, I64, U8, Mask
from vision.field import Field
from vision.mapping import QuadraticMap
from vision.presence.row_wave import RowWave
from vision.regions import mask, outline
from vision.surface.sampling import resampled

_ROUND = 32  # points about a region where the local field is read


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture of something: (h, w, 3) float32 codes, and (h, w) bool, which of them show it."""

    values: F32
    inside: Mask

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.values.shape[1], self.values.shape[0]

    def turned(self, quarters: int) -> Picture:
        """Return it turned by quarters of a full turn, from x towards y."""
        return Picture(
            np.ascontiguousarray(np.rot90(self.values, -quarters)),
            np.ascontiguousarray(np.rot90(self.inside, -quarters)),
        )

    def tilted(self, angle_deg: float) -> Picture:
        """Return it turned about its centre from x towards y, in a picture of the same size."""
        (w, h), centre = self.size, ((self.size[0] - 1) / 2, (self.size[1] - 1) / 2)
        turn = cv2.getRotationMatrix2D(centre, -angle_deg, 1.0)
        values = cv2.warpAffine(
            self.values, turn, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        inside = cv2.warpAffine(self.inside.astype(np.uint8), turn, (w, h), flags=cv2.INTER_NEAREST)
        return Picture(np.asarray(values, np.float32), inside > 0)

    def shrunk(self, by: int) -> Picture:
        """Return it averaged over blocks of `by` pixels."""
        return (
            self
            if by == 1
            else Picture(shrink(self.values, by), shrink(self.inside.astype(np.float32), by) > 0.5)
        )


class Window:
    """A region of the golden view with its surroundings.

    Args:
        golden: (h, w, 3) uint8 golden image.
        region: what is looked at.
        grow: how many pixels more than the region its picture shows on each side.
        pad: how many pixels more than the picture a unit is looked at on each side.
    """

    def __init__(self, golden: U8, region: Region, grow: int, pad: int) -> None:
        """Cut the picture; where it reaches over the image's border, the border is repeated."""
        height, width = golden.shape[:2]
        points = outline(region)
        (left, top), (right, bottom) = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
        self.left, self.top = int(left) - grow, int(top) - grow
        self.width, self.height = int(right) + grow + 1 - self.left, int(bottom) + grow + 1 - self.top
        self.grow, self.pad = grow, pad
        whole = mask(region, height, width)
        rows, columns = self.places(0)
        rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
        core = whole[np.ix_(rows, columns)]
        self.core: Mask = core
        grown = core.astype(np.uint8)
        if grow:
            grown = np.asarray(cv2.dilate(grown, np.ones((2 * grow + 1, 2 * grow + 1), np.uint8)), np.uint8)
        self.picture = Picture(golden[np.ix_(rows, columns)].astype(np.float32), grown > 0)
        self._variance = _variance(self.picture)

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the picture in the golden view: what it is turned about."""
        return self.left + (self.width - 1) / 2, self.top + (self.height - 1) / 2

    def places(self, pad: int) -> tuple[I64, I64]:
        """Return the rows and columns of the golden view, with `pad` more on each side."""
        rows = np.arange(self.top - pad, self.top + self.height + pad, dtype=np.int64)
        return rows, np.arange(self.left - pad, self.left + self.width + pad, dtype=np.int64)

    def see(self, frame: U8, mapping: QuadraticMap, field: Field | None, wave: RowWave | None = None) -> F32:
        """Return a unit's codes in the window, (height + 2 pad, width + 2 pad, 3), resampled once.

        Where the frame has a wave of its rows, it is followed in place of a local field.
        """
        rows, columns = self.places(self.pad)
        if wave is None:
            return resampled(frame, mapping, field, 1, columns, rows).astype(np.float32)
        x, y = np.meshgrid(columns, rows)
        at = mapping.points(np.column_stack((x.ravel(), y.ravel())).astype(np.float64))
        at += wave.shifts(at)
        map_x, map_y = (np.asarray(at[:, axis].reshape(x.shape), np.float32) for axis in range(2))
        seen = cv2.remap(frame, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(seen, np.float32)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """First and last column and row of the picture in the golden view: left, top, right, bottom."""
        return self.left, self.top, self.left + self.width - 1, self.top + self.height - 1

    def structure(self, wide: F32) -> float:
        """Return the variance of a unit's codes in the picture's place, over that of the picture's own.

        Args:
            wide: the unit's codes as `see` returns them.
        """
        here = wide[self.pad : self.pad + self.height, self.pad : self.pad + self.width]
        return _variance(Picture(here, self.picture.inside)) / max(self._variance, 1e-9)

    def about(self, field: Field | None, size: tuple[int, int]) -> tuple[Field | None, float]:
        """Return the local field that the surroundings have here, and its standard uncertainty in pixels.

        What sits in the window may have moved and drawn the field with it; its surroundings have not.

        Args:
            field: the unit's local field.
            size: width and height of the golden image.
        """
        if field is None:
            return None, 0.0
        t = np.linspace(0, 2 * np.pi, _ROUND, endpoint=False)
        half = np.array([self.width, self.height]) / 2 + 0.5 * field.spacing
        points = np.array(self.centre) + half * np.stack((np.cos(t), np.sin(t)), axis=1)
        design = np.column_stack((np.ones(_ROUND), points))
        moved = field.points(points)
        plane, *_ = np.linalg.lstsq(design, moved, rcond=None)
        left = float(np.sqrt(((moved - design @ plane) ** 2).sum() / (2 * (_ROUND - 3))))
        return _linear(np.asarray(plane, np.float64), size), left


def _linear(plane: F64, size: tuple[int, int]) -> Field:
    """Return the field of (3, 2) coefficients of 1, x, y: cubic B-splines hold a linear function exactly."""
    spacing = float(max(size))
    at = (np.arange(5) - 1) * spacing
    x, y = np.meshgrid(at, at)
    controls = np.stack((np.ones_like(x), x, y), axis=2) @ plane
    corners = np.array([[1, x, y] for x in (0, size[0] - 1) for y in (0, size[1] - 1)]) @ plane
    return Field(spacing, controls, size, float(np.hypot(*corners.T).max()))


def _variance(picture: Picture) -> float:
    _, deviation = cv2.meanStdDev(picture.values, mask=picture.inside.astype(np.uint8))
    return float((np.asarray(deviation, np.float64) ** 2).sum())


def shrink(image: F32, by: int) -> F32:
    """Return the image averaged over blocks of `by` pixels; what is beyond whole blocks is left out."""
    h, w = image.shape[0] // by, image.shape[1] // by
    cut = image[: h * by, : w * by]
    return np.asarray(cv2.resize(cut, (w, h), interpolation=cv2.INTER_AREA), np.float32)


def scale_of(inside: Mask, most: int) -> int:
    """Return by how much a picture is shrunk so that it shows what it shows by about `most` pixels."""
    return max(1, math.floor(math.sqrt(int(inside.sum()) / most)))
