"""What stands before the camera: a background, shapes painted over it in turn, and the light on them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from datasets.errors import DatasetError
from datasets.twin.metrology.shapes import Reflectance, Shape


@dataclass(frozen=True, slots=True)
class Light:
    """Light on the scene, in frame coordinates: level (1 + gradient . (p - centre) / frame size).

    Attributes:
        level: at the frame's centre; 1 fills the sensor where the reflectance is 1.
        gradient: relative change from the frame's left side to its right, and from its top to its bottom.
    """

    level: float = 1.0
    gradient: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.level < 0 or abs(self.gradient[0]) + abs(self.gradient[1]) >= 2:
            raise DatasetError("light must be at least 0, and its gradient must leave some in each corner")


@dataclass(frozen=True, slots=True)
class Scene:
    """Shapes over a background, later ones hiding earlier ones.

    Edges of different shapes may cross but must not run along one another: what is seen there is not defined.
    Shapes at different heights hide one another by this order; their walls are not drawn.
    """

    background: Reflectance
    shapes: tuple[Shape, ...] = ()
    light: Light = Light()

    def lit(self, light: Light) -> Scene:
        """Return the same scene in other light."""
        return replace(self, light=light)

    def over(self, *shapes: Shape) -> Scene:
        """Return the same scene with more shapes on top: something that hides a part of it, say."""
        return replace(self, shapes=(*self.shapes, *shapes))


@dataclass(frozen=True, slots=True, eq=False)
class Board(Scene):
    """A calibration target with its true points.

    Attributes:
        corners_mm: (n, 3) points by id 0 ... n - 1, mm, ids along the rows: x along the first row, y down the
            columns, z = 0, from the outer corner of the first square (of dots: from the first dot).
    """

    corners_mm: NDArray[np.float64] = ()  # type: ignore[assignment]  # boards always give it
