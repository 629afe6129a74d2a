"""What stands on a board: parts of copper and of bare substrate, their edges, and the ways through them."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.light import Floats

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]

SPECK_PX: Final = 8  # parts of fewer pixels are specks: they neither conduct nor part
LEAST_CONDUCTOR_PX: Final = 100
_EDGE_SAMPLES: Final = 800
_MOST_WAY_PX: Final = 100


@dataclass(frozen=True, eq=False)
class Ways:
    """Shortest ways through a material: from an edge straight to the one opposite.

    Attributes:
        start: (n, 2) x, y of the first pixel of the material.
        end: (n, 2) of the last.
        along: (n, 2) unit vectors from start to end.
        length: (n,) px.
        far: (n,) label of the other material's part behind the end.
        near: (n,) and before the start.
    """

    start: Points
    end: Points
    along: Points
    length: NDArray[np.float64]
    far: NDArray[np.int32]
    near: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Material:
    """Copper, or what is not copper.

    Attributes:
        mask: (h, w) bool where it is.
        connectivity: 8 for copper, 4 for substrate: what meets at corners conducts.
        labels: (h, w) int32, which part, 0 elsewhere.
        boxes: (parts + 1, 5) int32 left, top, width, height, area of each part.
        depth: (h, w) float32 distance to the nearest pixel of the other material.
        edges: (n, 2) x, y of pixels at an edge, at random.
        inward: (n, 2) unit vectors from those into the material.
    """

    mask: Mask
    connectivity: int
    labels: NDArray[np.int32]
    boxes: NDArray[np.int32]
    depth: Floats
    edges: Points
    inward: Points

    def box(self, label: int) -> tuple[slice, slice]:
        """Return rows and columns that a part covers."""
        left, top, width, height = (int(n) for n in self.boxes[label, :4])
        return slice(top, top + height), slice(left, left + width)


def material(mask: Mask, connectivity: int, rng: np.random.Generator) -> Material:
    """Describe where a material is."""
    whole = mask.astype(np.uint8)
    _, found, stats, _ = cv2.connectedComponentsWithStats(whole, connectivity=connectivity)
    labels, boxes = np.asarray(found, np.int32), np.asarray(stats, np.int32)
    depth = np.asarray(cv2.distanceTransform(whole, cv2.DIST_L2, 5), np.float32)
    rows, columns = np.divmod(np.flatnonzero((depth > 0) & (depth <= 1)), mask.shape[1])
    take = rng.integers(0, max(len(rows), 1), _EDGE_SAMPLES if len(rows) else 0)
    rows, columns = rows[take] + 1, columns[take] + 1
    soft = cv2.GaussianBlur(whole * np.uint8(255), (0, 0), 2.0)
    soft = np.pad(np.asarray(soft, np.uint8), 1, mode="edge").astype(np.int16)
    across = soft[rows, columns + 1] - soft[rows, columns - 1]
    along = soft[rows + 1, columns] - soft[rows - 1, columns]
    slope = np.column_stack((across, along)).astype(np.float64)
    steep = np.hypot(slope[:, 0], slope[:, 1])
    keep = steep > 6  # specks have no direction
    edges = np.column_stack((columns - 1, rows - 1)).astype(np.float64)[keep]
    return Material(mask, connectivity, labels, boxes, depth, edges, slope[keep] / steep[keep, None])


def ways(through: Material, other: Material) -> Ways:
    """Return the ways through a material that leave it again within the picture and about square to it."""
    h, w = through.mask.shape
    steps = np.arange(0, _MOST_WAY_PX + 2)
    x = np.rint(through.edges[:, :1] + steps * through.inward[:, :1]).astype(np.int32)
    y = np.rint(through.edges[:, 1:] + steps * through.inward[:, 1:]).astype(np.int32)
    inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
    x, y = np.clip(x, 0, w - 1), np.clip(y, 0, h - 1)
    leaves = ~through.mask[y, x] | ~inside
    first = np.argmax(leaves, axis=1)
    every = np.arange(len(first))
    back = np.rint(through.edges - 1.5 * through.inward).astype(np.int32)
    back = np.clip(back, 0, (w - 1, h - 1))
    near = other.labels[back[:, 1], back[:, 0]]
    far = other.labels[y[every, first], x[every, first]]
    last = np.maximum(first - 1, 0)
    end = through.edges + last[:, None] * through.inward
    # the way is a shortest one where its middle is about as deep as the way is half long
    middle = np.rint(through.edges + 0.5 * last[:, None] * through.inward).astype(np.int32)
    middle = np.clip(middle, 0, (w - 1, h - 1))
    square = through.depth[middle[:, 1], middle[:, 0]] > 0.8 * (0.5 * first)
    keep = leaves.any(axis=1) & inside[every, first] & square & (far > 0) & (near > 0) & (first >= 2)
    return Ways(
        through.edges[keep],
        end[keep],
        through.inward[keep],
        first[keep].astype(np.float64),
        far[keep],
        near[keep],
    )


def parts(mask: Mask, connectivity: int) -> int:
    """Return how many parts a window shows, specks aside."""
    return _count(mask, connectivity, SPECK_PX)


def conductors(mask: Mask, connectivity: int) -> int:
    """Return how many parts are large enough to be conductors."""
    return _count(mask, connectivity, LEAST_CONDUCTOR_PX)


def _count(mask: Mask, connectivity: int, least_px: int) -> int:
    stats = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=connectivity)[2]
    return int((stats[1:, cv2.CC_STAT_AREA] >= least_px).sum())
