"""Form, orientation and profile: the smallest zone that holds an edge (ISO 1101:2017)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from calibration.plane_map import PlaneMap
from golden.spec import Dimension
from golden.tolerances import LineProfile
from kernels.compiled import F64
from vision.dimension import drawing as draw
from vision.dimension.datum import frame_of
from vision.dimension.extremes import Extreme, disputed, noise_of, placed, solve
from vision.dimension.geometry import direction, normal
from vision.dimension.value import Drawing, Primitive, Value, differentiate, of_extreme
from vision.edges.association import Associated, NotMeasured

_ROUNDS = 8  # of linearising: each squares the error
_CLOSE = 1e-10  # mm and rad by which the last round may still move


def straightness(dimension: Dimension, a: Associated, plane: PlaneMap) -> Value | NotMeasured:
    """Return the distance of the two closest parallel lines that hold an edge, or of two along its fit.

    The minimum zone (ISO 12780-1) is exact; `least_squares` is peak to valley about the fitted line.
    """
    if disputed(a, inward=True, outward=True):
        return NotMeasured("edge_disputed")
    extreme, line = _along_fit(a) if dimension.association == "least_squares" else _closest_lines(a)
    return of_extreme(solve(extreme), [a], _zone(plane, [a], a, line, _middle(a, line), extreme))


def roundness(dimension: Dimension, a: Associated, plane: PlaneMap) -> Value | NotMeasured:
    """Return the difference of the radii of two concentric circles that hold an edge.

    The minimum zone (ISO 12181-1 MZCI) is exact; `least_squares` is about the fitted circle's centre (LSCI).
    """
    if disputed(a, inward=True, outward=True):
        return NotMeasured("edge_disputed")
    if dimension.association == "least_squares":
        extreme, center = _along_fit(a)[0], a.parameters[:2]
    else:
        extreme, center = _closest_circles(a)
    distance = np.hypot(*(a.points_mm[a.kept] - center).T)
    rings = [draw.circle(plane, center, float(r)) for r in (distance.min(), distance.max())]
    return of_extreme(solve(extreme), [a], draw.drawing(plane, [a], *rings))


def orientation(a: Associated, datum: Associated, turn: float, plane: PlaneMap) -> Value | NotMeasured:
    """Return the distance of two lines that hold an edge, `turn` radians from the datum line."""
    if disputed(a, inward=True, outward=True):
        return NotMeasured("edge_disputed")
    line = np.array([*a.parameters[:2], datum.parameters[2] + turn])
    kept = np.flatnonzero(a.kept)
    # a datum that turns moves a point across the zone by its place along it
    along = (a.points_mm[kept] - a.parameters[:2]) @ direction(line)
    turning = np.zeros((len(kept), len(datum.parameters)))
    turning[:, 2] = along
    heights = (a.points_mm[kept] - a.parameters[:2]) @ normal(line)
    own = a.normals[kept] @ normal(line)
    extreme = _range(a, np.ones((len(kept), 1)), heights, own, ((datum, turning),), along)
    drawn = _zone(plane, [a, datum], a, line, _middle(a, line), extreme)
    return of_extreme(solve(extreme), [a, datum], drawn)


def line_profile(
    dimension: Dimension, feature: LineProfile, edges: Sequence[Associated], plane: PlaneMap
) -> Value | NotMeasured:
    """Return the width of the profile zone of a straight edge: free, or to both sides of its true line."""
    a, datums = edges[0], edges[1:]
    system = feature.datums
    if system is None:
        return straightness(dimension, a, plane)
    if disputed(a, inward=True, outward=True):
        return NotMeasured("edge_disputed")
    turn, kept = math.radians(feature.angle_deg), np.flatnonzero(a.kept)
    points = a.points_mm[kept]
    # offset is along the true line's normal to the right of its direction, where y points down: x towards y
    right = np.array([-math.sin(turn), math.cos(turn)])

    def heights(parameters: Sequence[F64]) -> F64:
        return frame_of(system, parameters).of_mm(points) @ right - feature.offset_mm

    off, jacobians = differentiate(heights, datums)
    frame = frame_of(system, [d.parameters for d in datums])
    start = frame.to_mm(right * feature.offset_mm)
    true = np.array([*start, frame.angle + turn])
    own = -(a.normals[kept] @ normal(true))
    extreme = _range(a, np.zeros((len(kept), 0)), off, own, jacobians, (points - start) @ direction(true))
    return of_extreme(solve(extreme), edges, _zone(plane, edges, a, true, start, extreme))


def _range(
    a: Associated,
    columns: F64,
    heights: F64,
    own: F64,
    others: tuple[tuple[Associated, F64], ...] = (),
    along: F64 | None = None,
) -> Extreme:
    """Return twice the least largest deviation of kept points' heights from what columns (n, p) follow."""
    kept = np.flatnonzero(a.kept)
    mix = np.zeros((len(kept), len(a.residuals)))
    mix[np.arange(len(kept)), kept] = own
    both = np.concatenate((heights, -heights))
    by_others = tuple((f, np.vstack((change, -change))) for f, change in others)
    return Extreme(
        features=(a,),
        rows=np.vstack((columns, -columns)),
        values=both,
        mix=np.vstack((mix, -mix)),
        factor=2.0,
        others=by_others,
        lies=() if along is None else _lies(a, heights, along, others),
    )


def _lies(
    a: Associated, heights: F64, along: F64, others: tuple[tuple[Associated, F64], ...]
) -> tuple[tuple[F64, float], ...]:
    """Return the pieces of the heights by distance and by angle, and how many standard deviations each is."""
    centred = along - along.mean()
    pieces: list[tuple[F64, float]] = []
    for column in (np.ones(len(along)), centred):
        taken = column / float(column @ column)
        square = noise_of(a) ** 2 * float(taken @ taken)
        square += sum(float((taken @ change) @ f.covariance @ (taken @ change)) for f, change in others)
        size = float(taken @ heights)
        piece = size * column
        pieces.append((np.concatenate((piece, -piece)), size / math.sqrt(square) if square > 0 else math.inf))
    return tuple(pieces)


def _along_fit(a: Associated) -> tuple[Extreme, F64]:
    """Return peak to valley of the residuals, which follow the fit when points move."""
    kept = np.flatnonzero(a.kept)
    extreme = _range(a, np.ones((len(kept), 1)), a.residuals[kept], np.ones(len(kept)))
    if a.form == "line":
        last = -(a.points_mm - a.parameters[:2]) @ direction(a.parameters)
    else:
        last = np.ones(len(a.residuals))
    follows = np.column_stack((a.normals, last)) @ a.gain
    mix = (np.eye(len(a.residuals)) - follows)[kept]
    return Extreme((a,), extreme.rows, extreme.values, np.vstack((mix, -mix)), 2.0), a.parameters


def _closest_lines(a: Associated) -> tuple[Extreme, F64]:
    kept, line = np.flatnonzero(a.kept), a.parameters

    def about(line: F64) -> Extreme:
        off = a.points_mm[kept] - line[:2]
        columns = np.column_stack((off @ direction(line), np.ones(len(kept))))
        return _range(a, columns, off @ normal(line), a.normals[kept] @ normal(line))

    extreme = about(line)
    for _ in range(_ROUNDS):
        slope = float(placed(extreme)[0][0])
        # the normal is to the left, so that a positive slope turns against the sense of angles
        line = np.array([*line[:2], line[2] - math.atan(slope)])
        extreme = about(line)
        if abs(slope) < _CLOSE:
            break
    return extreme, line


def _closest_circles(a: Associated) -> tuple[Extreme, F64]:
    kept, center, radius = np.flatnonzero(a.kept), a.parameters[:2], float(a.parameters[2])

    def about(center: F64) -> Extreme:
        away = a.points_mm[kept] - center
        distance = np.hypot(away[:, 0], away[:, 1])
        outward = away / distance[:, None]
        own = np.einsum("nx,nx->n", outward, a.normals[kept])
        return _range(a, np.column_stack((outward, np.ones(len(kept)))), distance - radius, own)

    extreme = about(center)
    for _ in range(_ROUNDS):
        shift = placed(extreme)[0][:2]
        center = center + shift
        extreme = about(center)
        if float(np.hypot(shift[0], shift[1])) < _CLOSE:
            break
    return extreme, center


def _middle(a: Associated, line: F64) -> F64:
    """Return a point of the line midway between the kept points' extremes across it."""
    across = (a.points_mm[a.kept] - line[:2]) @ normal(line)
    return line[:2] + normal(line) * float(across.min() + across.max()) / 2


def _zone(
    plane: PlaneMap, features: Sequence[Associated], a: Associated, line: F64, middle: F64, extreme: Extreme
) -> Drawing:
    """Return the drawing of a zone along the line, to both sides of its middle, over the edge's length."""
    along = (a.points_mm - middle) @ direction(line)
    half = placed(extreme)[1] / 2 * normal(line)
    ends = middle + np.array([[along.min()], [along.max()]]) * direction(line)
    borders = [Primitive("line", plane.to_px(ends + side * half)) for side in (-1.0, 1.0)]
    return draw.drawing(plane, features, *borders)
