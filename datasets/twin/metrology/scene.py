"""What stands before the camera: a background, shapes painted over it in turn, and the light on them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from datasets.errors import DatasetError
from datasets.twin.metrology.shapes import Doubles, Reflectance, Shape


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


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Board(Scene):
    """A calibration target with its true points.

    Attributes:
        corners_mm: (n, 3) points by id 0 ... n - 1, mm, row by row from (0, 0, 0): x along the first row, y
            down the columns, z = 0. Seen at `camera.project(board.corners_mm)`.
    """

    corners_mm: Doubles

    @property
    def centre_mm(self) -> tuple[float, float]:
        """The middle of the points."""
        x, y, _ = self.corners_mm.mean(axis=0)
        return float(x), float(y)
