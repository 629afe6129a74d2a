"""The local field: where the unit's artwork lies beside the smooth map of the whole unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.compiled import F64

NO_FIELD: tuple[float, F64] = (1.0, np.zeros((0, 0, 2)))


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A smooth displacement of golden points, applied before the map to the frame: a cubic B-spline.

    Attributes:
        spacing: of the controls, in native golden pixels; control (i, j) lies at x = (j - 1) * spacing,
            y = (i - 1) * spacing.
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
        first = inside.astype(np.int64)
        along_x, along_y = (_weights(t) for t in (inside - first).T)
        total = np.zeros(golden.shape)
        for j in range(4):
            for i in range(4):
                at = self.coefficients[first[:, 1] + j, first[:, 0] + i]
                total += (along_y[j] * along_x[i])[:, None] * at
        return total


def _weights(t: F64) -> F64:
    """Return the four cubic B-spline weights, (4, n), at (n,) places in 0..1."""
    r = 1 - t
    return np.stack((r**3, (3 * t - 6) * t**2 + 4, (3 * r - 6) * r**2 + 4, t**3)) / 6
