"""Drawings of characteristics: courses of fitted forms and arrows, from object plane to raw frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from calibration.plane_map import PlaneMap
from kernels.compiled import F64
from vision.dimension.geometry import direction
from vision.dimension.value import Drawing, Primitive
from vision.edges.association import Associated

_PIECES = 72  # of a full turn


def drawing(plane: PlaneMap, features: Sequence[Associated], *measured: Primitive) -> Drawing:
    """Return the features' courses, each once, then what is measured."""
    every = {id(a): a for a in features}.values()
    return Drawing(measured, lambda: tuple(course(plane, a) for a in every))


def course(plane: PlaneMap, a: Associated) -> Primitive:
    """Return a fitted form over the length of its points; a lens may bend it."""
    if a.form == "line":
        along = (a.points_mm - a.parameters[:2]) @ direction(a.parameters)
        ends = np.linspace(float(along.min()), float(along.max()), 9)
        mm = a.parameters[:2] + ends[:, None] * direction(a.parameters)
        return Primitive("line", plane.to_px(mm))
    x, y, *shape = a.parameters
    if a.form == "ellipse":
        t, turn = np.linspace(0, 2 * math.pi, _PIECES + 1), float(shape[2])
        u, v = shape[0] * np.cos(t), shape[1] * np.sin(t)
        c, s = math.cos(turn), math.sin(turn)
        return Primitive("arc", plane.to_px(np.column_stack((x + c * u - s * v, y + s * u + c * v))))
    t = np.linspace(0, 2 * math.pi, _PIECES + 1)
    if a.form == "arc":
        # points are in order, so unwrapping them never jumps
        turns = np.unwrap(np.arctan2(a.normals[:, 1], a.normals[:, 0]))
        t = np.linspace(float(turns[0]), float(turns[-1]), _PIECES // 2)
    return Primitive(
        "arc", plane.to_px(np.column_stack((x + shape[0] * np.cos(t), y + shape[0] * np.sin(t))))
    )


def circle(plane: PlaneMap, center: F64, radius: float) -> Primitive:
    """Return a circle on the object plane."""
    t = np.linspace(0, 2 * math.pi, _PIECES + 1)
    return Primitive("arc", plane.to_px(center + radius * np.column_stack((np.cos(t), np.sin(t)))))


def arrow(plane: PlaneMap, start: F64, end: F64) -> Primitive:
    """Return an arrow between two points on the object plane."""
    return Primitive("arrow", plane.to_px(np.stack((start, end))))


def point(plane: PlaneMap, at: F64) -> Primitive:
    """Return a point on the object plane."""
    return Primitive("point", plane.to_px(at[None]))
