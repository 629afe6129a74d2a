"""Dimensions: sub-pixel calipers in raw linear-light pixels, with a standard uncertainty.

Only positions come from the registered map; what is measured is fitted in the frame as the camera took it,
and only the result is turned into millimetres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calibration import CameraCalibration
from golden.spec import CentreDistance, Circle, CircleDiameter, Dimension, EdgeWidth
from kernels.compiled import F32, F64, U8, Mask
from kernels.edges import edges_across
from kernels.light import luminance_window
from vision.mapping import QuadraticMap
from vision.robust import median, spread

_LEAST_SHARE = 0.6  # of the calipers must find their edge and lie on the fitted form
_EDGE_SYSTEMATIC_PX = 0.05  # standard uncertainty of where an edge "is": blur, side light, bevel
_FIT_REACH_PX = 6.0
_HUBER = 1.345
_ROUNDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A length in mm with its standard uncertainty; `points_px` (n, 2) are the edge points that decided.

    `set_aside` is the share of calipers that found no edge, or one off the fitted form.
    """

    value: float
    standard_uncertainty: float
    points_px: F64
    set_aside: float


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """Nothing could be measured: a reason code of the registry."""

    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class _FittedCircle:
    x: float
    y: float
    radius: float
    u_centre: float
    u_radius: float
    points: F64
    set_aside: float


class Caliper:
    """Measures the dimensions of one view in one frame; equal circles are fitted once.

    Args:
        pixels: (h, w, 3) uint8 frame.
        table: (256,) float32 code to linear light.
        mapping: golden to frame.
        calibration: certificate of the camera.
    """

    def __init__(self, pixels: U8, table: F32, mapping: QuadraticMap, calibration: CameraCalibration) -> None:
        """Keep what all dimensions of the frame share."""
        self._pixels, self._table, self._mapping, self._calibration = pixels, table, mapping, calibration
        self._circles: dict[Circle, _FittedCircle | NotMeasured] = {}

    def measure(self, dimension: Dimension) -> Measured | NotMeasured:
        """Measure one dimension; failure is a value with its reason."""
        if dimension.association != "least_squares":
            return NotMeasured("operator_unsupported")
        feature = dimension.feature
        if isinstance(feature, CircleDiameter):
            return self._diameter(feature)
        if isinstance(feature, CentreDistance):
            return self._distance(feature)
        return self._width(feature)

    def _diameter(self, feature: CircleDiameter) -> Measured | NotMeasured:
        fitted = self._circle(feature.circle)
        if isinstance(fitted, NotMeasured):
            return fitted
        u = math.hypot(2 * fitted.u_radius, 2 * _EDGE_SYSTEMATIC_PX)
        return self._in_mm(2 * fitted.radius, u, fitted.points, fitted.set_aside)

    def _distance(self, feature: CentreDistance) -> Measured | NotMeasured:
        a, b = self._circle(feature.a), self._circle(feature.b)
        if isinstance(a, NotMeasured):
            return a
        if isinstance(b, NotMeasured):
            return b
        u = math.sqrt(a.u_centre**2 + b.u_centre**2 + 2 * _EDGE_SYSTEMATIC_PX**2)
        points = np.concatenate((a.points, b.points))
        return self._in_mm(math.hypot(b.x - a.x, b.y - a.y), u, points, max(a.set_aside, b.set_aside))

    def _in_mm(self, pixels: float, u_pixels: float, points: F64, set_aside: float) -> Measured:
        scale = self._calibration.mm_per_px
        u = scale * math.hypot(u_pixels, pixels * self._calibration.relative_uncertainty)
        return Measured(pixels * scale, u, points, set_aside)

    def _circle(self, circle: Circle) -> _FittedCircle | NotMeasured:
        if circle not in self._circles:
            self._circles[circle] = self._fit(circle)
        return self._circles[circle]

    def _fit(self, circle: Circle) -> _FittedCircle | NotMeasured:
        golden = np.array([circle.center_px])
        x, y = self._mapping.points(golden)[0]
        radius = circle.radius_px * math.sqrt(abs(np.linalg.det(self._mapping.jacobians(golden)[0])))
        reach = max(6.0, min(14.0, 0.3 * radius))
        rough = self._fit_near(float(x), float(y), radius, circle.inside, reach, 0.0)
        if isinstance(rough, NotMeasured):
            return rough
        return self._fit_near(
            rough.x, rough.y, rough.radius, circle.inside, max(6.0, 0.7 * reach), _FIT_REACH_PX
        )

    def _fit_near(
        self, x: float, y: float, radius: float, inside: str, reach: float, near: float
    ) -> _FittedCircle | NotMeasured:
        window = self._window(x - radius - reach, y - radius - reach, x + radius + reach, y + radius + reach)
        if window is None:
            return NotMeasured("unit_out_of_frame")
        light, left, top = window
        count = max(24, min(96, int(2 * math.pi * radius / 3)))
        angles = np.arange(count) * (2 * math.pi / count)
        directions = np.stack((np.cos(angles), np.sin(angles)), axis=1)
        centres = np.array([x - left, y - top]) + radius * directions
        sign = 1.0 if inside == "dark" else -1.0
        edges = edges_across(light, centres, directions, reach, near, sign, np.full(count, 1.0 / radius))
        found = edges[:, 4] > 0
        if found.sum() < max(12, _LEAST_SHARE * count):
            return NotMeasured("edge_not_found")
        points = (centres + edges[:, :1] * directions)[found] + (left, top)
        cx, cy, r, residuals, weights = _fit_circle(points, x, y, radius)
        scatter = max(spread(residuals), 0.02)
        on_form = np.abs(residuals) <= 4 * scatter
        if on_form.sum() < _LEAST_SHARE * count or scatter > 0.1 * radius:
            return NotMeasured("edge_disputed")
        blur = median(edges[found, 1])
        sigma = math.sqrt(float(weights @ residuals**2) / max(float(weights.sum()) - 3, 1))
        n = float(weights.sum())
        # Under blur a straight edge keeps its place, a convex one moves inward by s^2 / 2R.
        return _FittedCircle(
            x=cx,
            y=cy,
            radius=r + blur**2 / (2 * r),
            u_centre=sigma * math.sqrt(2 / n),
            u_radius=sigma / math.sqrt(n),
            points=points[on_form],
            set_aside=1 - float(on_form.sum()) / count,
        )

    def _width(self, feature: EdgeWidth) -> Measured | NotMeasured:
        start, end = self._mapping.points(np.array([feature.start_px, feature.end_px]))
        length = math.hypot(*(end - start))
        along = (end - start) / length
        across = np.array([-along[1], along[0]])
        reach = max(6.0, min(10.0, 0.45 * length))
        band = np.arange(-(feature.band_px - 1) / 2, feature.band_px / 2, 1.0)
        offset, slope, variance, set_aside = 0.0, 0.0, 0.0, 0.0
        points: list[F64] = []
        for middle, outward in ((start, -along), (end, along)):
            centres = middle + band[:, None] * across
            lo, hi = centres.min(axis=0) - reach - 2, centres.max(axis=0) + reach + 2
            window = self._window(lo[0], lo[1], hi[0], hi[1])
            if window is None:
                return NotMeasured("unit_out_of_frame")
            light, left, top = window
            sign = 1.0 if feature.inside == "dark" else -1.0
            directions = np.broadcast_to(outward, centres.shape).copy()
            edges = edges_across(
                light, centres - (left, top), directions, reach, _FIT_REACH_PX, sign, np.zeros(len(band))
            )
            found = edges[:, 4] > 0
            if found.sum() < max(3, _LEAST_SHARE * len(band)):
                return NotMeasured("edge_not_found")
            a, b, u, on_form = _fit_line(band[found], edges[found, 0])
            if on_form.sum() < _LEAST_SHARE * len(band):
                return NotMeasured("edge_disputed")
            offset += a
            slope += b if outward is along else -b
            variance += u * u
            set_aside = max(set_aside, 1 - float(on_form.sum()) / len(band))
            points.append((centres[found] + edges[found, :1] * outward)[on_form])
        tilt = math.cos(math.atan(slope / 2))
        u = math.sqrt(variance + 2 * _EDGE_SYSTEMATIC_PX**2)
        return self._in_mm((length + offset) * tilt, u, np.concatenate(points), set_aside)

    def _window(self, x0: float, y0: float, x1: float, y1: float) -> tuple[F32, int, int] | None:
        left, top, right, bottom = math.floor(x0), math.floor(y0), math.ceil(x1) + 1, math.ceil(y1) + 1
        height, width = self._pixels.shape[:2]
        if left < 0 or top < 0 or right > width or bottom > height:
            return None
        return luminance_window(self._pixels, self._table, left, top, right - left, bottom - top), left, top


def _huber(residuals: F64) -> F64:
    scale = max(spread(residuals), 1e-3)
    return np.minimum(1.0, _HUBER * scale / np.maximum(np.abs(residuals), 1e-12))


def _fit_circle(points: F64, x: float, y: float, radius: float) -> tuple[float, float, float, F64, F64]:
    """Fit a circle by geometric least squares with Huber weights (ISO 14405-1 GG where no point is far)."""
    weights = np.ones(len(points))
    residuals = np.zeros(len(points))
    for _ in range(_ROUNDS):
        delta = points - (x, y)
        distance = np.hypot(delta[:, 0], delta[:, 1])
        residuals = distance - radius
        weights = _huber(residuals)
        jacobian = np.column_stack((delta / distance[:, None], np.ones(len(points))))
        weighted = jacobian * weights[:, None]
        step = np.linalg.solve(weighted.T @ jacobian, weighted.T @ residuals)
        x, y, radius = x + float(step[0]), y + float(step[1]), radius + float(step[2])
        if float(np.abs(step).max()) < 1e-6:
            break
    return x, y, radius, residuals, weights


def _fit_line(s: F64, t: F64) -> tuple[float, float, float, Mask]:
    """Fit t = a + b s with Huber weights; return a, b, the standard uncertainty of a, and who lies on it.

    Neighbouring calipers share pixels, so that only about half of them are independent.
    """
    a, b = median(t), 0.0
    weights = np.ones(len(s))
    for _ in range(_ROUNDS):
        weights = _huber(t - a - b * s)
        basis = np.column_stack((np.ones_like(s), s))
        weighted = basis * weights[:, None]
        a, b = (float(v) for v in np.linalg.solve(weighted.T @ basis, weighted.T @ t))
    residuals = t - a - b * s
    scatter = max(spread(residuals), 0.02)
    sigma = math.sqrt(float(weights @ residuals**2) / max(float(weights.sum()) - 2, 1))
    return a, b, sigma * math.sqrt(2 / float(weights.sum())), np.abs(residuals) <= 4 * scatter
