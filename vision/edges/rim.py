"""The rim of a round part among the rings, shadows and reliefs beside it.

A coin, a washer or a hole in a pad shows several edges along each radius, and side light throws a shadow
whose own edge is no rim. The rim is the outermost circle that a fair share of the directions agree on (or
the innermost, or the clearest). Edges are judged by the relative change of light, which a shadow leaves as
it is; the edge of a shadow is soft and drops out.
"""

# scipy's image functions are partly untyped.
# pyright: reportUnknownVariableType=false
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.ndimage import gaussian_filter1d, map_coordinates

from calibration.plane_map import PlaneMap
from kernels.compiled import F32, F64, I64
from kernels.edges import edges_across
from vision.edges.association import Associated, NotMeasured
from vision.edges.fit import Shade, curvature_shift
from vision.edges.raw import RawLight
from vision.edges.start import circles_through
from vision.robust import median

_MOST_DIRECTIONS = 360
_PX_PER_DIRECTION = 3.0
_SMOOTH_PX = 1.2  # of a profile before its slope is taken
_WEBER = 0.08  # relative change of light per pixel: weaker is texture or shadow
_FLOOR = 0.01  # of full scale: light below it is black
_NEAR_PX = 1.0  # of a circle: how far its edges may lie
_ONE_RING_PX = 3.0  # circles nearer than that are one
_SAMPLES = ((1 / 3, 2 / 3), (0.22, 0.44))  # of a turn: where the three directions of a sample lie
_PER_DIRECTION = 6  # the strongest edges of each
_BATCH = 400
_FIT_PX = 4.0  # half length of a caliper on the rim found, and of its fit
_MOST_BLUR_PX = 3.0  # softer is a shadow's edge
_AGREED_PX = 3.0  # of the rim found: how far its points may lie at first
_TUKEY = 4.0  # spreads of the residuals beyond which a point is set aside
_ROUNDS = 30
_SECTORS = 24  # of the rim: what lies in one errs together
_LEAST_SHARE = 0.35


Ring = Literal["outermost", "innermost", "clearest"]


@dataclass(frozen=True, slots=True)
class Rim:
    """A rim good to about a pixel: raw pixels, and the share of directions whose edge lies on it, 0..1."""

    x: float
    y: float
    radius: float
    support: float


def fit_rim(
    raw: RawLight, plane: PlaneMap, center_px: tuple[float, float], radius_px: float, *,
    reach_px: float, inside: Shade = "dark", ring: Ring = "outermost", least_support: float = 0.4,
) -> Associated | NotMeasured:  # fmt: skip
    """Find the rim and fit a circle to the part of it that is seen; arguments as `find_rim`.

    Where an edge is rough, scalloped or hidden here and there, its points and not the pixels' noise say how
    well it is known: calipers across the rim, a circle by least squares with Tukey's weights in mm, and a
    covariance that takes what lies in one 24th of the turn as one (Liang and Zeger 1986,
    doi:10.1093/biomet/73.1.13).
    Use `fit_circle` for smooth, whole edges: it is more precise.

    Returns:
        The associated circle, or why there is none: as `find_rim`, or "edge_disputed".
    """
    rim = find_rim(
        raw, plane, center_px, radius_px, reach_px=reach_px, inside=inside, ring=ring,
        least_support=least_support,
    )  # fmt: skip
    if isinstance(rim, NotMeasured):
        return rim
    window = raw.window(
        *(np.array([rim.x, rim.y]) - rim.radius - 9), *(np.array([rim.x, rim.y]) + rim.radius + 9)
    )
    if window is None:
        return NotMeasured("unit_out_of_frame")
    return _fitted(window, plane, rim, 1.0 if inside == "dark" else -1.0)


def _fitted(window: tuple[F32, int, int], plane: PlaneMap, rim: Rim, sign: float) -> Associated | NotMeasured:
    light, left, top = window
    centre = np.array([[rim.x, rim.y]])
    unit = float(np.sqrt(abs(np.linalg.det(plane.jacobians(centre)[0]))))
    shape = np.array([*plane.to_mm(centre)[0], unit * rim.radius])
    count = _count(rim.radius)
    angles = np.arange(count) * (2 * np.pi / count)
    normals = np.column_stack((np.cos(angles), np.sin(angles)))
    on_rim = shape[:2] + shape[2] * normals
    middles = plane.to_px(on_rim)
    directions = plane.to_px(on_rim + unit * normals) - middles
    directions /= np.hypot(directions[:, 0], directions[:, 1])[:, None]
    seen = edges_across(
        light,
        middles - (left, top),
        directions,
        _FIT_PX + 1,
        _FIT_PX,
        sign,
        np.full(len(middles), 1 / rim.radius),
    )
    good = (seen[:, 4] > 0) & (seen[:, 1] < _MOST_BLUR_PX) & (np.abs(seen[:, 0]) < _FIT_PX)
    if good.sum() < _LEAST_SHARE * count:
        return NotMeasured("edge_not_found")
    px = (middles + seen[:, :1] * directions)[good]
    blur = median(seen[good, 1])
    points = plane.to_mm(px) + unit * curvature_shift(blur, rim.radius) * normals[good]
    agreed = _tukey_circle(points, shape, _AGREED_PX * unit)
    if agreed is None:
        return NotMeasured("edge_disputed")
    shape, weights = agreed
    kept = weights > 0
    if kept.sum() < _LEAST_SHARE * count:
        return NotMeasured("edge_disputed")
    outward = points - shape[:2]
    distance = np.hypot(outward[:, 0], outward[:, 1])
    outward /= distance[:, None]
    basis = np.column_stack((outward, np.ones(len(points))))
    normal = basis.T @ (weights[:, None] * basis)
    gain = np.asarray(np.linalg.solve(normal, (basis * weights[:, None]).T), np.float64)
    residuals = distance - shape[2]
    covariance, free = _clustered(gain * residuals, (angles[good] * _SECTORS / (2 * np.pi)).astype(np.int64))
    return Associated(
        form="circle", parameters=shape, covariance=covariance, degrees_of_freedom=free, points_px=px,
        points_mm=points, normals=outward, residuals=residuals, kept=kept, gain=gain, bright=sign,
        inlier_share=float(kept.sum()) / count, blur_px=blur, contrast=median(np.abs(seen[good, 2])),
    )  # fmt: skip


def _tukey_circle(points: F64, shape: F64, agreed: float) -> tuple[F64, F64] | None:
    """Fit a circle (x, y, radius) with redescending weights, first among points within `agreed` of it."""
    weights = np.zeros(len(points))
    for turn in range(_ROUNDS):
        delta = points - shape[:2]
        distance = np.hypot(delta[:, 0], delta[:, 1])
        off = distance - shape[2]
        off -= median(off) if turn == 0 else 0.0
        near = np.abs(off) < agreed
        if near.sum() < 6:
            return None
        cut = min(_TUKEY * 1.4826 * median(np.abs(off[near])), agreed)
        weights = np.where(np.abs(off) < cut, (1 - (off / cut) ** 2) ** 2, 0.0)
        basis = np.column_stack((delta / distance[:, None], np.ones(len(points)))) * weights[:, None] ** 0.5
        step = np.linalg.lstsq(basis, (distance - shape[2]) * weights**0.5)[0]
        shape = shape + np.asarray(step, np.float64)
        if float(np.abs(step).max()) < 1e-7:
            break
    return shape, weights


def _clustered(influence: F64, sector: I64) -> tuple[F64, float]:
    """Return covariance (3, 3) and degrees of freedom from each point's pull (3, n) on the parameters."""
    sums = np.stack([np.bincount(sector, row, _SECTORS) for row in influence])
    used = int((np.bincount(sector, minlength=_SECTORS) > 0).sum())
    free = max(used - 3, 1)
    return np.asarray(sums @ sums.T * (used / free), np.float64), float(free)


def _count(radius: float) -> int:
    return int(np.clip(2 * np.pi * radius / _PX_PER_DIRECTION, 48, _MOST_DIRECTIONS))


def find_rim(
    raw: RawLight, plane: PlaneMap, center_px: tuple[float, float], radius_px: float, *,
    reach_px: float, inside: Shade = "dark", ring: Ring = "outermost", least_support: float = 0.4,
) -> Rim | NotMeasured:  # fmt: skip
    """Find the rim of a round part, or of a hole.

    Args:
        raw: the frame.
        plane: raw pixels to mm: a circle is a circle there.
        center_px: rough centre, raw pixels, within half of `reach_px`.
        radius_px: rough radius, raw pixels.
        reach_px: how far from it edges are looked for; may hold several rings.
        inside: whether the rim's inner side is dark or bright.
        ring: which of several circles is meant: the outermost or innermost, or the best supported.
        least_support: share of the directions that must show an edge on the rim, 0..1.

    Returns:
        The rim. Or why there is none: "unit_out_of_frame", "edge_not_found".
    """
    centre = np.array(center_px)
    got = raw.window(*(centre - radius_px - reach_px - 2), *(centre + radius_px + reach_px + 2))
    if got is None:
        return NotMeasured("unit_out_of_frame")
    light, left, top = got
    count = _count(radius_px)
    sign = 1.0 if inside == "dark" else -1.0
    direction, points = _edges(light, centre - (left, top), radius_px, reach_px, count, sign)
    unit = float(np.sqrt(abs(np.linalg.det(plane.jacobians(centre[None])[0]))))
    origin = plane.to_mm(centre[None])
    local = (plane.to_mm(points + np.array([left, top])) - origin) / unit
    circles = _circles(direction, local, count)
    near = (np.hypot(circles[:, 0], circles[:, 1]) < reach_px / 2) & (
        np.abs(circles[:, 2] - radius_px) < reach_px
    )
    circles = circles[near]
    support = _support(circles, direction, local, count)
    agreed = support >= least_support
    if not agreed.any():
        return NotMeasured("edge_not_found")
    circles, support = circles[agreed], support[agreed]
    if ring == "clearest":
        best = int(np.argmax(support))
    else:
        best = _outermost(circles[:, 2] * (1.0 if ring == "outermost" else -1.0), support)
    x, y = plane.to_px(origin + unit * circles[best, :2][None])[0]
    return Rim(float(x), float(y), float(circles[best, 2]), float(support[best]))


def _edges(light: F32, centre: F64, radius: float, reach: float, count: int, sign: float) -> tuple[I64, F64]:
    """Return the direction (n,) and the place (n, 2) in the window of every edge of the sign asked for."""
    angles = np.arange(count) * (2 * np.pi / count)
    radii = np.arange(radius - reach, radius + reach + 0.5)
    c, s = np.cos(angles)[:, None], np.sin(angles)[:, None]
    values = map_coordinates(light, (centre[1] + s * radii, centre[0] + c * radii), order=1, mode="nearest")
    log = np.log(np.maximum(values.astype(np.float64), 0) + _FLOOR)
    slope = sign * np.asarray(gaussian_filter1d(log, _SMOOTH_PX, axis=1, order=1), np.float64)
    middle = slope[:, 1:-1]
    peak = (middle > _WEBER) & (middle >= slope[:, :-2]) & (middle > slope[:, 2:])
    strength = np.where(peak, middle, 0.0)
    faintest = np.sort(strength, axis=1)[:, -_PER_DIRECTION][:, None]
    i, j = np.nonzero(peak & (strength >= faintest))
    before, at, after = slope[i, j], slope[i, j + 1], slope[i, j + 2]
    r = radii[j + 1] + 0.5 * (before - after) / (before - 2 * at + after)
    return i, centre + r[:, None] * np.column_stack((np.cos(angles[i]), np.sin(angles[i])))


def _circles(direction: I64, points: F64, count: int) -> F64:
    """Return circles (m, 3) through edges in three directions each, for every choice among their edges."""
    by: list[I64] = [np.flatnonzero(direction == k) for k in range(count)]
    triples: list[I64] = []
    for second, third in _SAMPLES:
        for k in range(0, count, 2):
            sets = by[k], by[(k + int(second * count)) % count], by[(k + int(third * count)) % count]
            triples.append(np.stack(np.meshgrid(*sets, indexing="ij"), axis=-1).reshape(-1, 3))
    a, b, c = np.concatenate(triples).T
    return circles_through(points[a], points[b], points[c])


def _support(circles: F64, direction: I64, points: F64, count: int) -> F64:
    """Return the share (m,) of directions with an edge on each circle."""
    support = np.zeros(len(circles))
    starts = np.searchsorted(direction, np.arange(count))
    present = np.unique(direction)
    for first in range(0, len(circles), _BATCH):
        some = circles[first : first + _BATCH]
        off = np.hypot(points[:, 0] - some[:, 0, None], points[:, 1] - some[:, 1, None]) - some[:, 2, None]
        on = np.abs(off) < _NEAR_PX
        support[first : first + _BATCH] = np.logical_or.reduceat(on, starts[present], axis=1).sum(axis=1)
    return support / count


def _outermost(size: F64, support: F64) -> int:
    """Return the best supported circle of the outermost ring."""
    best = int(np.argmax(size))
    while True:
        ring = np.flatnonzero(np.abs(size - size[best]) < _ONE_RING_PX)
        better = int(ring[np.argmax(support[ring])])
        if support[better] <= support[best]:
            return best
        best = better
