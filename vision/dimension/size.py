"""Sizes by association operator (ISO 14405-1): diameters of circles and widths between opposite edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from calibration.plane_map import PlaneMap
from golden.spec import Dimension
from kernels.compiled import F64
from vision.dimension import drawing as draw
from vision.dimension.extremes import Extreme, disputed, noise_of, placed, solve
from vision.dimension.geometry import apart, between_lines, direction, normal
from vision.dimension.value import Drawing, Value, of_extreme, of_parameters
from vision.edges.association import Associated, NotMeasured

_ROUNDS = 8  # of linearising: each squares the error
_CUTS = 40  # where two points opposite decide, each quarters it
_CLOSE = 1e-10  # mm and rad by which the last round may still move


def diameter(dimension: Dimension, a: Associated, plane: PlaneMap) -> Value | NotMeasured:
    """Return a circle's diameter by the dimension's operator.

    Two-point sizes are the lengths of chords through the least squares centre. Maximum inscribed and minimum
    circumscribed circles are exact. edge_disputed where a point that the fit set aside would change them.
    """
    operator = dimension.association
    x, y, r = a.parameters
    arrow = draw.arrow(plane, np.array([x - r, y]), np.array([x + r, y]))
    drawn = draw.drawing(plane, [a], arrow)
    if operator == "least_squares":
        return of_parameters(lambda p: 2 * float(p[0][2]), [a], drawn)
    if disputed(a, inward=operator != "minimum_circumscribed", outward=operator != "maximum_inscribed"):
        return NotMeasured("edge_disputed")
    if operator == "two_point":
        return _local(dimension, _chords(a), [a], drawn)
    extreme, center = _envelope(a, inscribed=operator == "maximum_inscribed")
    touching = draw.circle(plane, center, placed(extreme)[1] / 2)
    return of_extreme(solve(extreme), [a], replace(drawn, measured=(touching,)))


def width(dimension: Dimension, a: Associated, b: Associated, plane: PlaneMap) -> Value | NotMeasured:
    """Return the distance of two opposite edges by the dimension's operator.

    Least squares: of their middles along their common normal. Two-point sizes lie across the middle line;
    maximum inscribed is the widest pair of parallel lines between the edges, minimum circumscribed the
    closest around them. edge_disputed where a point that a fit set aside would change them.
    """
    middle = between_lines(a.parameters, b.parameters)
    if float((b.parameters[:2] - a.parameters[:2]) @ normal(middle)) < 0:
        middle[2] += math.pi  # its normal points from a to b
    half = apart(a.parameters, b.parameters) / 2 * normal(middle)
    drawn = draw.drawing(plane, [a, b], draw.arrow(plane, middle[:2] - half, middle[:2] + half))
    operator = dimension.association
    if operator == "least_squares":
        return of_parameters(lambda p: apart(p[0], p[1]), [a, b], drawn)
    between, around = operator != "minimum_circumscribed", operator != "maximum_inscribed"
    for edge, beyond in ((a, -1.0), (b, 1.0)):
        leaves = beyond * float(edge.normals[0] @ normal(middle)) > 0  # its normals leave what lies between
        inward, outward = (between, around) if leaves else (around, between)
        if disputed(edge, inward=inward, outward=outward):
            return NotMeasured("edge_disputed")
    if operator == "two_point":
        return _local(dimension, _crossings(a, b, middle), [a, b], drawn)
    return of_extreme(solve(_pair(a, b, middle, inscribed=not around)), [a, b], drawn)


def _envelope(a: Associated, *, inscribed: bool) -> tuple[Extreme, F64]:
    """Return the largest circle within the kept points, or the smallest around them, and its centre."""
    kept = np.flatnonzero(a.kept)
    start, radius = a.parameters[:2], float(a.parameters[2])
    sign = -1.0 if inscribed else 1.0

    def about(center: F64) -> Extreme:
        away = a.points_mm[kept] - center
        distance = np.hypot(away[:, 0], away[:, 1])
        outward = away / distance[:, None]
        mix = np.zeros((len(kept), len(a.residuals)))
        mix[np.arange(len(kept)), kept] = sign * np.einsum("nx,nx->n", outward, a.normals[kept])
        return Extreme((a,), sign * outward, sign * (distance - radius), mix, 2 * sign, 2 * radius)

    center, extreme = start, about(start)
    planes = extreme
    for _ in range(_CUTS):
        shift, reached = placed(planes)
        if abs(2 * radius + 2 * sign * float(extreme.values.max()) - reached) < _CLOSE:
            break
        if inscribed:  # the linear problem promises no more than the circles hold: its own next is better
            center = center + shift
            planes = extreme = about(center)
        else:  # it promises too much: all tangent planes together bound what can be reached (Kelley 1960)
            center = start + shift
            extreme = about(center)
            values = extreme.values + extreme.rows @ shift
            rows = np.vstack((planes.rows, extreme.rows))
            planes = replace(planes, rows=rows, values=np.concatenate((planes.values, values)))
    return extreme, center


def _pair(a: Associated, b: Associated, middle: F64, *, inscribed: bool) -> Extreme:
    """Return the pair of parallel lines between two edges, or around them."""
    sign = -1.0 if inscribed else 1.0
    kept = np.concatenate((a.kept, b.kept))
    # outward along the normal for b, against it for a: where the edges lie away from each other
    out = np.where(np.arange(len(kept)) < len(a.kept), -1.0, 1.0)[kept]
    points = np.concatenate((a.points_mm, b.points_mm))[kept]
    normals = np.concatenate((a.normals, b.normals))[kept]
    base = apart(a.parameters, b.parameters)

    def about(line: F64) -> Extreme:
        along, across = (points - line[:2]) @ direction(line), (points - line[:2]) @ normal(line)
        mix = np.zeros((len(points), len(kept)))
        mix[np.arange(len(points)), np.flatnonzero(kept)] = sign * out * (normals @ normal(line))
        rows = (sign * out)[:, None] * np.column_stack((along, np.ones(len(points))))
        return Extreme((a, b), rows, sign * (out * across - base / 2), mix, 2 * sign, base)

    line = middle
    extreme = about(line)
    for _ in range(_ROUNDS):
        slope, shift = placed(extreme)[0]
        # the normal is to the left, so that a positive slope turns against the sense of angles
        line = np.array([*(line[:2] + shift * normal(line)), line[2] - math.atan(slope)])
        extreme = about(line)
        if abs(float(slope)) < _CLOSE:
            break
    return extreme


def _chords(a: Associated) -> tuple[F64, F64]:
    """Return the lengths of chords through the centre, one from each kept point, and their (m, n) mix."""
    kept = np.flatnonzero(a.kept)
    away = a.points_mm[kept] - a.parameters[:2]
    turn, radius = np.arctan2(away[:, 1], away[:, 0]), np.hypot(away[:, 0], away[:, 1])
    order = np.argsort(turn)
    across = _interpolation(
        turn[order], np.mod(turn + 2 * math.pi, 2 * math.pi) - math.pi, period=2 * math.pi
    )
    mix = np.zeros((len(kept), len(a.residuals)))
    mix[:, kept[order]] = across
    sizes = radius + across @ radius[order]
    mix[np.arange(len(kept)), kept] += 1.0
    return sizes, mix


def _crossings(a: Associated, b: Associated, middle: F64) -> tuple[F64, F64]:
    """Return the distances across the middle line from each point to the other edge, and their (m, n) mix."""
    mixes: list[F64] = []
    sizes: list[F64] = []
    across, count = normal(middle), len(a.residuals)
    edges = (a, b)
    for own, other in ((0, 1), (1, 0)):
        here, there = edges[own], edges[other]
        at, of = ((e.points_mm[e.kept] - middle[:2]) @ direction(middle) for e in (here, there))
        order = np.argsort(of)
        within = (at >= of.min()) & (at <= of.max())
        if not within.any():
            continue
        reached = _interpolation(of[order], at[within])
        height, beyond = ((e.points_mm[e.kept] - middle[:2]) @ across for e in (here, there))
        sign = 1.0 if own == 1 else -1.0
        sizes.append(sign * (height[within] - reached @ beyond[order]))
        mix = np.zeros((int(within.sum()), count + len(b.residuals)))
        start = (0, count)
        mine = start[own] + np.flatnonzero(here.kept)[within]
        mix[np.arange(len(mine)), mine] = sign * (here.normals[here.kept][within] @ across)
        others = np.flatnonzero(there.kept)[order]
        mix[:, start[other] + others] = -sign * reached * (there.normals[others] @ across)
        mixes.append(mix)
    return np.concatenate(sizes), np.concatenate(mixes)


def _interpolation(at: F64, wanted: F64, period: float | None = None) -> F64:
    """Return the (m, n) weights that interpolate linearly between (n,) ascending places."""
    unit = np.eye(len(at))
    return np.stack([np.interp(wanted, at, row, period=period) for row in unit], axis=1)


def _local(
    dimension: Dimension, sized: tuple[F64, F64], features: Sequence[Associated], drawn: Drawing
) -> Value:
    """Return the local size that the rank asks for, or the one nearest to or farthest beyond a limit."""
    sizes, mix = sized
    if dimension.rank == "average":
        return _average(sizes, mix, features, drawn)
    rows, base = np.zeros((len(sizes), 0)), float(sizes.mean())
    largest = Extreme(tuple(features), rows, sizes - base, mix, 1.0, base)
    smallest = replace(largest, values=base - sizes, mix=-mix, factor=-1.0)
    ranks = {"maximum": [largest], "minimum": [smallest]}.get(dimension.rank or "", [largest, smallest])
    found = [of_extreme(solve(e), features, drawn) for e in ranks]

    def margin(value: Value) -> float:
        below = math.inf if dimension.upper is None else dimension.upper - value.value
        above = math.inf if dimension.lower is None else value.value - dimension.lower
        return min(below, above)

    return min(found, key=margin)


def _average(sizes: F64, mix: F64, features: Sequence[Associated], drawn: Drawing) -> Value:
    extreme = Extreme(
        tuple(features), np.zeros((1, 0)), np.array([sizes.mean()]), mix.mean(axis=0)[None], 1.0
    )
    sigma = np.concatenate([np.full(len(a.residuals), noise_of(a)) for a in features])
    return replace(
        of_extreme(solve(extreme), features, drawn),
        value=float(sizes.mean()),
        noise=float(np.hypot.reduce(extreme.mix[0] * sigma)),
    )
