"""Edges fitted as forms: circles, arcs and lines by maximum likelihood on raw pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from calibration.plane_map import PlaneMap
from kernels.compiled import F32, F64, Mask
from vision.edges.association import Associated, NotMeasured
from vision.edges.band import Band, Edge, Start, by_calipers, fit_edge, off_form
from vision.edges.local import Local
from vision.edges.raw import RawLight
from vision.edges.start import agreed_circle, agreed_line
from vision.robust import median, spread

LEAST_SHARE = 0.6  # of the places looked at must show the edge, on the form
_FIT_REACH_PX = 6.0  # of one caliper about its steepest place
_SECTOR_PX = 4.0  # least length of an edge that is one place
_MOST_SECTORS, _LEAST_SECTORS = 128, 8
_OFF_FORM = 4.0  # spreads of the places' offsets from the form
_ROUGH, _ROUGH_IN_PART, _NEARLY_ALL = 0.06, 0.02, 0.8  # of its radius: what is rougher is no circle
_SMOOTH_PX = 0.05  # no edge is smoother than that to one place
_CLIPPED = 0.05  # share of clipped light in the band that moves an edge
_LINEAR = 0.3  # blurs: of a form that departs further the band's offsets fall short, calipers' do not
_CLEAN = 0.6  # share of a place's pixels that must be clean

Shade = Literal["dark", "bright"]
Side = Literal["left", "right"]


def fit_circle(
    raw: RawLight,
    plane: PlaneMap,
    center_px: tuple[float, float],
    radius_px: float,
    *,
    reach_px: float,
    inside: Shade | None = None,
    start_deg: float | None = None,
    end_deg: float | None = None,
) -> Associated | NotMeasured:
    """Fit a circle, or an arc where angles are given, near a rough one.

    Args:
        raw: the frame.
        plane: raw pixels to mm.
        center_px: rough centre, raw pixels.
        radius_px: rough radius, raw pixels, above 4.
        reach_px: how far from it the edge is searched.
        inside: which side is dark; None takes the side that fits better.
        start_deg: angle where an arc starts, from x towards y; None for a full circle.
        end_deg: angle where it ends, reached from the start by turning from x towards y.

    Returns:
        The associated circle or arc. Its radius is that of the object's edge: the shift of a curved edge by
        blur, sigma^2 / 2R, is taken out. Or why it was not measured.
    """
    centre = np.array(center_px)
    extent = np.full(2, radius_px + reach_px + 5.0)
    got = raw.window(*(centre - extent), *(centre + extent), margin=reach_px + 4)
    if got is None:
        return NotMeasured("unit_out_of_frame")
    full = start_deg is None or end_deg is None
    start, turn = 0.0, 2 * math.pi
    if start_deg is not None and end_deg is not None:
        start, turn = math.radians(start_deg), math.radians((end_deg - start_deg) % 360 or 360)
    local = Local.about(plane, centre, extent)
    if not full:  # angles are told in the picture; the plane may be turned or mirrored against it
        middle = start + turn / 2
        u, v = local.stretch @ (math.cos(middle), math.sin(middle))
        start = math.atan2(v, u) - turn / 2
    sectors = _sectors(radius_px * turn)
    edge = Edge("circle" if full else "arc", local, np.array([start, turn]), sectors, full)
    rough = np.array([0.0, 0.0, radius_px])
    asked = None if inside is None else (1.0 if inside == "dark" else -1.0)
    return _either(asked, lambda bright: _fit(raw, plane, edge, rough, reach_px, bright, got))


def fit_line(
    raw: RawLight,
    plane: PlaneMap,
    start_px: tuple[float, float],
    end_px: tuple[float, float],
    *,
    reach_px: float,
    dark: Side | None = None,
) -> Associated | NotMeasured:
    """Fit a straight edge near a rough one.

    Args:
        raw: the frame.
        plane: raw pixels to mm.
        start_px: where the edge starts, raw pixels.
        end_px: where it ends.
        reach_px: how far to either side it is searched.
        dark: which side is dark, looking from start to end in the picture; None takes what fits better.

    Returns:
        The associated line, directed from start to end, or why it was not measured.
    """
    ends = np.array([start_px, end_px])
    length = math.dist(start_px, end_px)
    lo, hi = ends.min(axis=0) - reach_px - 5, ends.max(axis=0) + reach_px + 5
    got = raw.window(*lo, *hi, margin=reach_px + 4)
    if got is None:
        return NotMeasured("unit_out_of_frame")
    if length < 4:
        return NotMeasured("edge_not_found")
    middle = ends.mean(axis=0)
    straight = plane.to_mm(ends)
    along = straight[1] - straight[0]
    local = Local.about(plane, middle, (hi - lo) / 2, math.atan2(along[1], along[0]))
    half = float(np.hypot(*along)) / local.mm_per_u / 2
    edge = Edge("line", local, np.array([-half, 2 * half]), _sectors(length), full=False)
    rough = np.zeros(3)
    hand = math.copysign(1.0, float(np.linalg.det(local.stretch)))  # the plane may be mirrored in the picture
    asked = None if dark is None else (hand if dark == "right" else -hand)
    return _either(asked, lambda bright: _fit(raw, plane, edge, rough, reach_px, bright, got))


def _sectors(length: float) -> int:
    return max(_LEAST_SECTORS, min(_MOST_SECTORS, int(length / _SECTOR_PX)))


def _either(
    bright: float | None, fit: Callable[[float], Associated | NotMeasured]
) -> Associated | NotMeasured:
    """Fit with the bright side that was asked for, or with the one that shows the edge better."""
    if bright is not None:
        return fit(bright)
    first, second = fit(1.0), fit(-1.0)
    if isinstance(first, NotMeasured):
        return second
    if isinstance(second, NotMeasured):
        return first
    return max((first, second), key=lambda a: a.contrast * a.inlier_share)


def _fit(
    raw: RawLight,
    plane: PlaneMap,
    edge: Edge,
    rough: F64,
    reach: float,
    bright: float,
    got: tuple[F32, int, int],
) -> Associated | NotMeasured:
    light, left, top = got
    window = light, np.array([left, top], np.float64) - edge.local.origin_px
    shape, seen = rough, np.empty((0, 4))
    kept: Mask = np.zeros(edge.sectors, np.bool_)
    for near, far in ((0.0, reach), (_FIT_REACH_PX, max(_FIT_REACH_PX, 0.6 * reach))):
        seen = edge.calipers(window, shape, far, near, bright)
        found = np.isfinite(seen[:, 0])
        uv = seen[found, :2]
        if len(uv) < max(6, LEAST_SHARE * edge.sectors):
            return NotMeasured("edge_not_found")
        if edge.form == "arc" and near == 0:  # places good to a pixel do not tell a short arc's radius
            shape = rough + np.array([0.0, 0.0, median(off_form(edge, rough, uv))])
            continue
        agreed = agreed_line(uv) if edge.form == "line" else agreed_circle(uv)
        if agreed is None:
            return NotMeasured("edge_disputed")
        shape = np.array([*agreed[0], 0.0]) if edge.form == "line" else agreed[0]
        if edge.form == "line":
            shape[1] = math.atan(shape[1])
        elif not _plausible(shape, rough, reach):
            return NotMeasured("edge_disputed")
        kept[:] = False
        kept[np.flatnonzero(found)[agreed[1]]] = True
    if kept.sum() < LEAST_SHARE * edge.sectors:
        return NotMeasured("edge_disputed")
    blur, rise = median(seen[kept, 2]), median(np.abs(seen[kept, 3]))
    start = Start(shape, float(np.clip(blur, 0.3, 4.0)), rise, kept, seen[:, :2])
    return _refine(raw, plane, edge, start, reach, bright, window)


def _plausible(shape: F64, rough: F64, reach: float) -> bool:
    """Return whether a circle is the one that was drawn: its size and place are within twice the search."""
    off = math.hypot(shape[0] - rough[0], shape[1] - rough[1])
    return bool(shape[2] >= 2 and abs(shape[2] - rough[2]) <= 2 * reach and off <= 2 * reach)


def _refine(
    raw: RawLight,
    plane: PlaneMap,
    edge: Edge,
    start: Start,
    reach: float,
    bright: float,
    window: tuple[F32, F64],
) -> Associated | NotMeasured:
    """Fit the band, set aside the places off the form, and fit again until none is left."""
    kept = start.kept
    band, clipped = fit_edge(raw, edge, start, kept, reach, bright, window)
    if clipped > _CLIPPED:
        return NotMeasured("feature_saturated")
    for _ in range(3):
        near = kept if band is None else kept & _on_form(band, kept)
        if (near == kept).all():
            break
        if near.sum() < LEAST_SHARE * edge.sectors:
            band = None
            break
        kept = near
        band, _ = fit_edge(raw, edge, start, kept, reach, bright, window)
    if band is None or spread(off_form(edge, band.shape, start.uv)[kept]) > _LINEAR * band.blur:
        kept = start.kept
        band = by_calipers(edge, start, _derivatives(edge, start.shape, edge.points(start.shape)[1])[0])
    if edge.form != "line":
        rough = spread(band.offsets[kept]) / float(band.shape[2])
        if rough > (_ROUGH if kept.mean() > _NEARLY_ALL else _ROUGH_IN_PART):
            return NotMeasured("edge_disputed")
    return _associated(raw, plane, edge, start, kept, band, bright)


def _on_form(band: Band, kept: Mask) -> Mask:
    """Return which places lie on the form: within their common spread, or what their own noise allows."""
    common = max(spread(band.offsets[kept]), _SMOOTH_PX)
    own = np.sqrt(band.mean_square / np.maximum(band.information, 1e-12))
    return np.asarray(
        (np.abs(band.offsets) <= _OFF_FORM * np.maximum(common, own)) & (band.clean > _CLEAN), np.bool_
    )


def _associated(
    raw: RawLight, plane: PlaneMap, edge: Edge, start: Start, kept: Mask, band: Band, bright: float
) -> Associated:
    local, unit = edge.local, edge.local.mm_per_u
    on_form, normals = edge.points(band.shape)
    offsets = band.offsets.copy()
    aside = ~kept & np.isfinite(start.uv[:, 0])  # a place off the form is where its caliper saw the edge
    offsets[aside] = off_form(edge, band.shape, start.uv[aside])
    seen = kept | aside
    grown = 0.0 if edge.form == "line" else curvature_shift(band.blur, float(band.shape[2]))
    points = on_form + (offsets + grown)[:, None] * normals
    basis, to_mm = _derivatives(edge, band.shape, normals)
    weights = np.where(kept, band.information, 0.0)
    gain = np.linalg.solve(basis.T @ (weights[:, None] * basis), (basis * weights[:, None]).T)
    noise = band.mean_square if band.of_pixels and not raw.noise_known else 1.0
    free = int(kept.sum()) - len(gain)
    rough = float(weights @ offsets**2) / (noise * free)  # clearly above 1 the edge itself is not smooth
    rough = rough if rough > _chance(free) else 1.0
    covariance = to_mm @ band.covariance @ to_mm.T * (noise * rough)
    where = local.to_mm(band.shape[None, :2] if edge.form != "line" else np.array([[0.0, band.shape[0]]]))[0]
    turned = math.atan2(local.turn[1, 0], local.turn[0, 0])
    last = turned + band.shape[1] if edge.form == "line" else unit * (band.shape[2] + grown)
    return Associated(
        form=edge.form,
        parameters=np.array([*where, last]),
        covariance=covariance,
        degrees_of_freedom=math.inf if band.of_pixels and rough == 1.0 else float(free),
        points_px=plane.to_px(local.to_mm(points - grown * normals))[seen],
        points_mm=local.to_mm(points)[seen],
        normals=(normals @ local.turn.T)[seen],
        residuals=(offsets * unit)[seen],
        kept=kept[seen],
        gain=(to_mm @ gain / unit)[:, seen],
        bright=bright,
        inlier_share=float(kept.sum()) / edge.sectors,
        blur_px=band.blur,
        contrast=band.rise,
    )


def _derivatives(edge: Edge, shape: F64, normals: F64) -> tuple[F64, F64]:
    """Return how parameters move the places along their normals, and how they become mm.

    (n, k) d(offset) / d(local parameters) and (3, k) d(parameters in mm) / d(local parameters).
    """
    unit, turn = edge.local.mm_per_u, edge.local.turn
    if edge.form == "line":
        c = math.cos(shape[1])
        along = edge.places / c
        across = -unit * c * (turn @ normals[0])  # a line that slides along itself has not moved
        return np.column_stack((np.full(len(along), -c), -along)), np.array(
            [[across[0], 0.0], [across[1], 0.0], [0.0, 1.0]]
        )
    to_mm = np.eye(3) * unit
    to_mm[:2, :2] = unit * turn
    return np.column_stack((normals, np.ones(len(normals)))), to_mm


def _chance(degrees_of_freedom: int) -> float:
    """Return the mean square that one in five smooth edges exceeds (Wilson and Hilferty 1931)."""
    part = 2 / (9 * max(degrees_of_freedom, 1))
    return (1 - part + 0.8416 * math.sqrt(part)) ** 3


def curvature_shift(blur: float, radius: float) -> float:
    """Return by how much a disk or a hole blurred by a Gaussian measures too small, in the radius's unit.

    R - r = blur^2 / 2R, which holds to second order in blur / R where `blur` and `radius` r are both what
    the fit of an erf step gives: it finds the blur greater by a share of (blur / 2R)^2, and the exact image
    of a disk (a noncentral chi-square distribution) asks for just that. Below 1e-5 R up to blur = R / 10.
    """
    return (math.sqrt(radius**2 + 2 * blur**2) - radius) / 2
