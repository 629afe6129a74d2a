"""Ballooned pictures: features and defects drawn over a picture of the unit, each with its balloon."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from evidence import Defect, Pose
from golden.regions import Disk, Polygon, Rectangle
from golden.spec import (
    CentreDistance,
    Characteristic,
    Circle,
    CircleDiameter,
    Colour,
    Dimension,
    GoldenSpec,
    Surface,
)
from hallmark.report import balloons

LONGEST_PX = 1400  # of the embedded picture; the drawing over it keeps full coordinates
JPEG_QUALITY = 85
MOST_DEFECT_BALLOONS = 20

Point = tuple[float, float]
State = Literal["conform", "nonconform", "undecided", "missing"]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture of one view: (h, w, 3) RGB or (h, w) grey uint8.

    `pose` takes points of the golden view to this picture; None for the golden reference image itself.
    """

    view: str
    pixels: npt.NDArray[np.uint8]
    caption: str
    pose: Pose | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """One outline in picture pixels: an SVG `circle`, open `line` or closed `polygon`."""

    kind: Literal["circle", "line", "polygon"]
    points: tuple[Point, ...]
    radius: float = 0.0

    @property
    def path(self) -> str:
        """The points as SVG writes them."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that a balloon points at; `kind` and `state` choose how it is drawn."""

    label: str
    title: str
    kind: Literal["dimension", "region", "zone", "defect"]
    state: State
    shapes: tuple[Shape, ...]
    anchor: Point


@dataclass(frozen=True, slots=True)
class Balloon:
    """A mark with its balloon's centre and the end of its leader, at the feature's outline."""

    mark: Mark
    center: Point
    tip: Point
    start: Point


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the template draws: sizes in picture pixels, `margin` outside the picture on all sides.

    `unlabelled` are outlined without a balloon: defects beyond the MOST_DEFECT_BALLOONS largest.
    """

    caption: str
    data_uri: str
    width: int
    height: int
    margin: float
    radius: float
    stroke: float
    balloons: tuple[Balloon, ...]
    unlabelled: tuple[Mark, ...]

    @property
    def view_box(self) -> str:
        """The SVG view box; pixel centres are at integers, so the picture begins at -0.5."""
        m = self.margin
        return f"{-0.5 - m:.1f} {-0.5 - m:.1f} {self.width + 2 * m:.1f} {self.height + 2 * m:.1f}"


def draw(
    spec: GoldenSpec, picture: Picture, states: Mapping[str, State], defects: Sequence[Defect] = ()
) -> Drawing:
    """Draw one view: every characteristic that has a place in it and every defect found in it.

    Args:
        spec: the golden specification.
        picture: the picture to draw over.
        states: decision by characteristic id; a characteristic that is not named is not drawn.
        defects: defects of the unit, largest first; labelled D1, D2, ... by their place in this sequence.
    """
    height, width = picture.pixels.shape[:2]
    found = [*_defects(picture.view, defects)]
    marks = [*_characteristics(spec, picture, states), *found[:MOST_DEFECT_BALLOONS]]
    radius = max(width, height) / 46
    centers = balloons.place([m.anchor for m in marks], width, height, radius)
    return Drawing(
        caption=picture.caption,
        data_uri=data_uri(picture.pixels),
        width=width,
        height=height,
        margin=balloons.margin(len(marks), width, height, radius),
        radius=radius,
        stroke=max(width, height) / 430,
        balloons=tuple(_lead(m, c, radius) for m, c in zip(marks, centers, strict=True)),
        unlabelled=tuple(found[MOST_DEFECT_BALLOONS:]),
    )


def data_uri(pixels: npt.NDArray[np.uint8]) -> str:
    """Return the picture as a JPEG data URI, made smaller where it is longer than LONGEST_PX."""
    height, width = pixels.shape[:2]
    bgr = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    factor = LONGEST_PX / max(height, width)
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        bgr = cv2.resize(np.ascontiguousarray(bgr), size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(bgr), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")


def _characteristics(spec: GoldenSpec, picture: Picture, states: Mapping[str, State]) -> Iterable[Mark]:
    for c in sorted(spec.characteristics, key=lambda c: c.number):
        if c.id not in states:
            continue
        shapes = tuple(_to_picture(s, picture.pose) for s in _shapes(spec, c, picture.view))
        if shapes:
            kind = "dimension" if isinstance(c, Dimension) else "zone" if isinstance(c, Surface) else "region"
            # A zone is wide: its leader stops in the middle of its first edge, not of its area.
            points = shapes[0].points[:2] if kind == "zone" else shapes[0].points
            yield Mark(str(c.number), c.name, kind, states[c.id], shapes, _middle(points))


def _defects(view: str, defects: Sequence[Defect]) -> Iterable[Mark]:
    for i, defect in enumerate(defects, start=1):
        if defect.view != view:
            continue
        x, y, w, h = defect.box_px
        box = Shape("polygon", ((x, y), (x + w, y), (x + w, y + h), (x, y + h)))
        state: State = "undecided" if defect.severity is None else "nonconform"
        if defect.severity == "allowed":
            state = "conform"
        title = f"{defect.defect_class}, {defect.size_mm:.2f} mm"
        yield Mark(f"D{i}", title, "defect", state, (box,), (x + w / 2, y + h / 2))


def _shapes(spec: GoldenSpec, c: Characteristic, view: str) -> Iterable[Shape]:
    """Yield the outlines of a characteristic in one view, in golden pixels."""
    if isinstance(c, Dimension) and c.feature.view == view:
        feature = c.feature
        if isinstance(feature, CircleDiameter):
            yield _circle(feature.circle)
        elif isinstance(feature, CentreDistance):
            yield Shape("line", (feature.a.center_px, feature.b.center_px))
        else:
            yield Shape("line", (feature.start_px, feature.end_px))
    elif isinstance(c, Colour) and c.view == view:
        yield _outline(c.region)
    elif isinstance(c, Surface):
        yield from (_outline(z.region) for z in spec.zones if z.id in c.zones and z.view == view)


def _circle(circle: Circle) -> Shape:
    return Shape("circle", (circle.center_px,), circle.radius_px)


def _outline(region: Rectangle | Disk | Polygon) -> Shape:
    if isinstance(region, Disk):
        return Shape("circle", (region.center_px,), region.radius_px)
    if isinstance(region, Polygon):
        return Shape("polygon", region.points_px)
    left, top = region.x - 0.5, region.y - 0.5
    right, bottom = left + region.width, top + region.height
    return Shape("polygon", ((left, top), (right, top), (right, bottom), (left, bottom)))


def _to_picture(shape: Shape, pose: Pose | None) -> Shape:
    """Take a shape of the golden view to the picture, by `p = scale * R(angle) * p_golden + (x, y)`."""
    if pose is None:
        return shape
    c = pose.scale * math.cos(math.radians(pose.angle_deg))
    s = pose.scale * math.sin(math.radians(pose.angle_deg))
    points = tuple((c * x - s * y + pose.x_px, s * x + c * y + pose.y_px) for x, y in shape.points)
    return Shape(shape.kind, points, shape.radius * pose.scale)


def _middle(points: Sequence[Point]) -> Point:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _lead(mark: Mark, center: Point, radius: float) -> Balloon:
    """Shorten the leader at both ends: it leaves the balloon's rim and stops at the feature's outline."""
    (ax, ay), (cx, cy) = mark.anchor, center
    length = math.dist(mark.anchor, center)
    ux, uy = (ax - cx) / length, (ay - cy) / length
    reach = length - max((_inside(s, mark.anchor, (-ux, -uy)) for s in mark.shapes), default=0.0)
    return Balloon(
        mark, center, start=(cx + ux * radius, cy + uy * radius), tip=(cx + ux * reach, cy + uy * reach)
    )


def _inside(shape: Shape, point: Point, direction: Point) -> float:
    """How far a ray from the point runs before it leaves the outline; 0 where it does not start inside."""
    if shape.kind == "circle":
        return shape.radius if shape.points[0] == point else 0.0
    if shape.kind == "line":
        return 0.0
    (px, py), (dx, dy) = point, direction
    exits: list[float] = []
    for (x0, y0), (x1, y1) in zip(shape.points, (*shape.points[1:], shape.points[0]), strict=True):
        ex, ey = x1 - x0, y1 - y0
        across = dx * ey - dy * ex
        if across:
            along = ((x0 - px) * ey - (y0 - py) * ex) / across
            on_edge = ((x0 - px) * dy - (y0 - py) * dx) / across
            if along > 0 and 0 <= on_edge <= 1:
                exits.append(along)
    return min(exits) if len(exits) % 2 else 0.0
