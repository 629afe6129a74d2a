"""What the measurements share: light, lengths with their budget, tiles of a contact sheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from calibration import EdgeDefinition
from calibration.plane_map import PlaneMap
from golden.elements import Circle
from golden.sizes import CentreDistance, CircleDiameter
from golden.spec import Dimension
from golden.uncertainty import Combined, expand
from vision.dimension import evaluate
from vision.dimension.budget import Budget, budget
from vision.edges import Associated, NotMeasured, RawLight, table_for

TILE = 240
_ANY = Circle(center_px=(0.0, 0.0), radius_px=10.0, inside="dark")
_OTHER = Circle(center_px=(100.0, 0.0), radius_px=10.0, inside="dark")


def light_of(rgb: Any) -> RawLight:
    """Return the linear light of an sRGB picture (h, w, 3) uint8."""
    return RawLight.of_codes(rgb, table_for(rgb, "srgb"))


@dataclass(frozen=True, slots=True)
class Length:
    """A length in mm with U for 95 % and its budget's lines."""

    value: float
    uncorrected: float
    expanded: float
    coverage_factor: float
    lines: dict[str, float]


def diameter(circle: Associated, plane: PlaneMap, edge: EdgeDefinition) -> Length:
    """Return a circle's least squares diameter."""
    dimension = Dimension(
        number=1, id="d", name="diameter", severity="major", kind="dimension", nominal=20, upper=30,
        feature=CircleDiameter(type="circle_diameter", view="top", circle=_ANY),
    )  # fmt: skip
    return _length(dimension, [circle], plane, edge)


def distance(a: Associated, b: Associated, plane: PlaneMap, edge: EdgeDefinition) -> Length:
    """Return the distance of two circles' centres."""
    dimension = Dimension(
        number=1, id="p", name="pitch", severity="major", kind="dimension", nominal=20, upper=30,
        feature=CentreDistance(type="centre_distance", view="top", a=_ANY, b=_OTHER),
    )  # fmt: skip
    return _length(dimension, [a, b], plane, edge)


def _length(dimension: Dimension, edges: list[Associated], plane: PlaneMap, edge: EdgeDefinition) -> Length:
    value = evaluate(dimension, edges, plane)
    assert not isinstance(value, NotMeasured), value
    found: Budget = budget(value, plane, edge=edge)
    wide = expand(Combined(found.standard_uncertainty, found.degrees_of_freedom), coverage=0.95)
    lines = {line.name: line.standard_uncertainty for line in found.lines}
    return Length(found.value, value.value, wide.uncertainty, wide.coverage_factor, lines)


def tile(rgb: Any, circle: Associated, radius_px: float, label: str) -> Any:
    """Return a picture (TILE, TILE, 3) RGB of a circle: green points decided, red ones were set aside."""
    x, y = (circle.points_px.min(axis=0) + circle.points_px.max(axis=0)) / 2
    half = 1.12 * radius_px
    scale = TILE / (2 * half)
    matrix = np.array([[scale, 0, TILE / 2 - scale * x], [0, scale, TILE / 2 - scale * y]])
    out = cv2.warpAffine(rgb, matrix, (TILE, TILE), flags=cv2.INTER_AREA)
    at = circle.points_px @ matrix[:, :2].T + matrix[:, 2]
    for (u, v), kept in zip(at, circle.kept, strict=True):
        colour = (0, 255, 0) if kept else (255, 0, 0)
        cv2.circle(out, (round(float(u)), round(float(v))), 1, colour, -1)
    for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(out, label, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, width, cv2.LINE_AA)
    return out


def sheet(tiles: list[Any], across: int = 7) -> Any:
    """Return the tiles in rows."""
    blank = np.zeros((TILE, TILE, 3), np.uint8)
    rows = [tiles[i : i + across] for i in range(0, len(tiles), across)]
    return np.vstack([np.hstack(row + [blank] * (across - len(row))) for row in rows])
