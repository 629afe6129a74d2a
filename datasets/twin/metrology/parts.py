"""Parts as sets of shapes: patterns of holes, a thread's shadow, and edges that no edge model describes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from datasets.errors import DatasetError
from datasets.twin.metrology.shapes import Disk, Doubles, Polygon, Reflectance


def bolt_circle(
    x: float,
    y: float,
    pitch_diameter: float,
    hole_diameter: float,
    count: int,
    reflectance: Reflectance,
    *,
    start_deg: float = 0.0,
    height: float = 0.0,
) -> tuple[Disk, ...]:
    """Return `count` holes evenly on a circle around (x, y), the first at `start_deg` from x towards y."""
    angles = [math.radians(start_deg) + 2 * math.pi * k / count for k in range(count)]
    r = pitch_diameter / 2
    return tuple(
        Disk(x + r * math.cos(a), y + r * math.sin(a), hole_diameter / 2, reflectance, height) for a in angles
    )


def hole_grid(
    x: float,
    y: float,
    columns: int,
    rows: int,
    pitch: tuple[float, float],
    hole_diameter: float,
    reflectance: Reflectance,
    *,
    height: float = 0.0,
) -> tuple[Disk, ...]:
    """Return columns x rows holes, row by row, the first at (x, y), spaced by `pitch` along x and y."""
    return tuple(
        Disk(x + c * pitch[0], y + r * pitch[1], hole_diameter / 2, reflectance, height)
        for r in range(rows)
        for c in range(columns)
    )


def thread_profile(
    x: float,
    y: float,
    pitch: float,
    major_diameter: float,
    turns: int,
    reflectance: Reflectance,
    *,
    height: float = 0.0,
) -> Polygon:
    """Return the shadow of an external metric thread along x, centred on (x, y).

    The basic profile of ISO 68-1: flanks at 60 degrees to each other, crests flat over pitch / 8, roots over
    pitch / 4. The two sides are half a pitch apart, as a helix of one start shows them. With H = sqrt(3) / 2
    pitch, the pitch diameter is the major less 3/4 H and the minor diameter the major less 5/4 H.

    Raises:
        DatasetError: no whole turn, or a pitch too coarse for the diameter.
    """
    crest = major_diameter / 2
    root = crest - 5 / 8 * math.sqrt(3) / 2 * pitch
    if turns < 1 or pitch <= 0 or root <= 0:
        raise DatasetError("a thread needs at least one turn and a core inside its roots")
    half = turns * pitch / 2
    tooth = (
        np.array([2, 7, 9, 14]) / 16 * pitch
    )  # root, crest, crest, root; the root goes on to the next tooth
    along = (np.arange(-1, turns + 1)[:, None] * pitch + tooth - half).ravel()
    out = np.tile([root, crest, crest, root], turns + 2)
    near = _clipped(along, out, half)
    far = _clipped(along + pitch / 2, out, half)
    points = [*near, *((u, -v) for u, v in reversed(far))]
    return Polygon(tuple((x + u, y + v) for u, v in points), reflectance, height)


def _clipped(along: Doubles, out: Doubles, half: float) -> list[tuple[float, float]]:
    """One side of a profile between -half and half, cut off there."""
    inside = np.abs(along) < half
    at = np.concatenate([[-half], along[inside], [half]])
    return [(float(u), float(v)) for u, v in zip(at, np.interp(at, along, out), strict=True)]


def bevelled(disk: Disk, width_mm: float, reflectance: Reflectance) -> tuple[Disk, Disk]:
    """Return a disk with a ring of another reflectance along its edge, in the order in which to paint them.

    The ring is `width_mm` wide, outside the disk's edge, or inside it where negative.

    Raises:
        DatasetError: a ring as wide as the disk.
    """
    if width_mm > 0:
        return replace(disk, radius=disk.radius + width_mm, reflectance=reflectance), disk
    return replace(disk, reflectance=reflectance), replace(disk, radius=disk.radius + width_mm)


def burr(
    disk: Disk, angle_deg: float, length_mm: float, width_mm: float, reflectance: Reflectance
) -> Polygon:
    """Return a spike on a disk's edge at `angle_deg`: `length_mm` outwards, or inwards where negative.

    Painted over the disk; with the disk's own reflectance an outward spike is a burr, with the ground's an
    inward one is a notch or the burr of a hole. It is `width_mm` wide where it leaves the edge.
    """
    a, half = math.radians(angle_deg), width_mm / 2
    # The sides go on beyond the edge to a base that the disk, or the ground, hides.
    back = -math.copysign(min(width_mm, disk.radius / 2), length_mm)
    wider = half * (1 - back / length_mm)
    local = ((disk.radius + back, -wider), (disk.radius + length_mm, 0.0), (disk.radius + back, wider))
    turned = [
        (disk.x + u * math.cos(a) - v * math.sin(a), disk.y + u * math.sin(a) + v * math.cos(a))
        for u, v in local
    ]
    return Polygon(tuple(turned), reflectance, disk.height)
