"""Pictures with what is marked in them, as SVG: with balloons around, or with labels in two columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hallmark.report import balloons
from hallmark.report.marks import Mark, Point, Shape
from hallmark.report.pages import render
from hallmark.report.pictures import Cutout, Picture, data_uri

MOST_LABELS = 20
_RADIUS_SHARE = 0.023  # of the picture's width: a label's number; its words are as high
_LETTER = 0.62  # a letter's width by its height, in the widest fonts that browsers fall back to


@dataclass(frozen=True, slots=True)
class Balloon:
    """A mark with its balloon's centre, its leader from `start` to `tip`, and where its words begin.

    `words` is None where the balloon stands alone; `side` is the side of the picture on which they stand.
    """

    mark: Mark
    center: Point
    start: Point
    tip: Point
    words: Point | None = None
    side: str = "left"


def ballooned(picture: Picture, marks: Sequence[Mark]) -> str:
    """Return the picture with a numbered balloon for each mark on a ring around it, as SVG."""
    height, width = picture.pixels.shape[:2]
    radius = max(width, height) / 46
    slots = balloons.ring(len(marks), width, height, radius)
    centers = balloons.place([m.anchor for m in marks], slots)
    led: list[Balloon] = []
    for mark, center in zip(marks, centers, strict=True):
        tip = _tip(mark, center)
        length = math.dist(center, tip) or 1.0
        ux, uy = (tip[0] - center[0]) / length, (tip[1] - center[1]) / length
        led.append(Balloon(mark, center, (center[0] + ux * radius, center[1] + uy * radius), tip))
    m = balloons.margin(slots[: len(slots) if marks else 0], width, height, radius)
    return _draw(picture, led, (), radius, (m, m))


def labelled(picture: Picture, marks: Sequence[Mark]) -> tuple[str, int]:
    """Return the picture with a label beside it for each mark, as SVG, and how many are without.

    The first MOST_LABELS marks have labels, the others are outlined only.
    """
    height, width = picture.pixels.shape[:2]
    radius = _RADIUS_SHARE * max(width, height * 0.6)
    longest = max((len(line) for m in marks[:MOST_LABELS] for line in m.lines), default=0)
    side = radius * (4 + 1.2 * _LETTER * longest)  # digits are wider than letters on average
    shown, others = marks[:MOST_LABELS], marks[MOST_LABELS:]
    slots = balloons.columns(len(shown), width, height, radius * 1.4, radius * 3.4)
    led: list[Balloon] = []
    for mark, start in zip(shown, balloons.place([m.anchor for m in shown], slots), strict=True):
        left = start[0] < 0
        out = -1 if left else 1
        center = (start[0] + out * radius, start[1])
        words = (start[0] + out * radius * 2.4, start[1])
        led.append(Balloon(mark, center, start, _tip(mark, start), words, "left" if left else "right"))
    beyond = max((max(-b.center[1], b.center[1] - height) for b in led), default=0) + radius * 1.6
    return _draw(picture, led, others, radius, (side if led else 0.0, max(beyond, 0.0))), len(others)


def pair(golden: Cutout | None, unit: Cutout, colour: str, px_per_mm: float) -> str:
    """Return two cutouts side by side, golden left, with the defect's box and a scale bar, as SVG."""
    bar = next(mm for mm in (20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05) if mm * px_per_mm < 160 or mm <= 0.05)
    return render("pair.svg.j2", golden=golden, unit=unit, colour=colour, bar=bar, px_per_mm=px_per_mm)


def _draw(
    picture: Picture,
    led: Sequence[Balloon],
    plain: Sequence[Mark],
    radius: float,
    margin: tuple[float, float],
) -> str:
    height, width = picture.pixels.shape[:2]
    mx, my = margin
    # pixel centres are at integers, so the picture begins at -0.5
    box = f"{-0.5 - mx:.1f} {-0.5 - my:.1f} {width + 2 * mx:.1f} {height + 2 * my:.1f}"
    return render(
        "drawing.svg.j2",
        caption=picture.caption,
        data_uri=data_uri(picture.pixels),
        width=width,
        height=height,
        view_box=box,
        balloons=led,
        plain=plain,
        radius=radius,
        stroke=max(width, height) / 430,
    )


def _tip(mark: Mark, start: Point) -> Point:
    """Return where the leader from `start` meets the outline of what it points at."""
    (ax, ay), (sx, sy) = mark.anchor, start
    length = math.dist(mark.anchor, start) or 1.0
    ux, uy = (ax - sx) / length, (ay - sy) / length
    reach = length - max((_inside(s, mark.anchor, (-ux, -uy)) for s in mark.shapes), default=0.0)
    return sx + ux * reach, sy + uy * reach


def _inside(shape: Shape, point: Point, direction: Point) -> float:
    """How far a ray from the point runs before it leaves the outline; 0 where it does not start inside."""
    if shape.kind == "circle":
        return shape.radius if shape.points[0] == point else 0.0
    if shape.kind != "polygon":
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
