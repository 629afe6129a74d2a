"""Dimensions of one view in one frame: edges fitted in raw linear light, values with their budget.

Only positions come from the registered map. What is measured is fitted in the frame as the camera took it,
and the fitted points go through lens and plane to millimetres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calibration import CameraCalibration, EdgeDefinition
from calibration.plane_map import PlaneMap
from golden.elements import Arc, Edge, Ellipse, Line
from golden.spec import Dimension, GoldenSpec, View
from kernels.compiled import F32, F64, U8
from vision.dimension import Drawing, Value, evaluate
from vision.dimension.budget import Budget, Thermal, budget
from vision.edges import Associated, NotMeasured, RawLight, fit_circle, fit_ellipse, fit_line
from vision.mapping import QuadraticMap

_REACH_PX = (6.0, 15.0)  # of the search across an edge
_REACH_SHARE = 0.4  # of a radius
_LINE_REACH_PX = 8.0
_EDGE_COMMON_PX, _EDGE_LOCAL_PX = 0.04, 0.05


def uncompared_edge(mm_per_px: float) -> EdgeDefinition:
    """Return what holds where nobody has compared camera and gauge: light and bevel move edges a little."""
    return EdgeDefinition(
        correction_mm=0, common_mm=_EDGE_COMMON_PX * mm_per_px, local_mm=_EDGE_LOCAL_PX * mm_per_px
    )


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A dimension's value with its budget.

    Attributes:
        value: corrected, in the dimension's unit.
        budget: where its uncertainty comes from.
        set_aside: share of places along the edges that found no edge, or one off the fitted form.
        drawing: for the overlay, raw frame.
        points_px: (n, 2) edge points that decided, raw frame.
    """

    value: float
    budget: Budget
    set_aside: float
    drawing: Drawing
    points_px: F64

    @property
    def standard_uncertainty(self) -> float:
        """Of the value, in its unit."""
        return self.budget.standard_uncertainty


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """What all dimensions of a view share and no frame changes.

    Attributes:
        table: code to linear light.
        flat: (h, w) float32 factors of light, or None.
        calibration: certificate of the camera.
        plane: raw pixels to mm on the plane of the part's edges.
        edge: optical against mechanical edge.
        thermal: temperature of the part.
    """

    table: F32
    flat: F32 | None
    calibration: CameraCalibration
    plane: PlaneMap
    edge: EdgeDefinition
    thermal: Thermal

    @classmethod
    def of(cls, spec: GoldenSpec, view: View, calibration: CameraCalibration) -> Conditions:
        """Compile the conditions of one view under one certificate."""
        edge = calibration.edge_definition
        if edge is None:
            edge = uncompared_edge(calibration.mm_per_px)
        room, part = calibration.temperature, spec.part
        thermal = Thermal(
            expansion_per_k=(part.expansion_ppm_per_k or 0.0) * 1e-6,
            u_expansion_per_k=(part.u_expansion_ppm_per_k or 0.0) * 1e-6,
            temperature_c=20.0 if room is None else room.celsius,
            u_temperature_c=0.0 if room is None else room.u_celsius,
        )
        return cls(
            table=calibration.table(),
            flat=None if calibration.flat_field is None else calibration.flat_field.factors(),
            calibration=calibration,
            plane=calibration.plane(view.height_mm or 0.0, view.u_height_mm or 0.0),
            edge=edge,
            thermal=thermal,
        )


class Gauge:
    """Measures the dimensions of one view in one frame; each edge is fitted once.

    Args:
        pixels: (h, w, 3) uint8 frame.
        mapping: golden to frame.
        conditions: what the view's dimensions share.
    """

    def __init__(self, pixels: U8, mapping: QuadraticMap, conditions: Conditions) -> None:
        """Keep what all dimensions of the frame share."""
        measured = conditions.calibration.photon_transfer is not None
        noise = conditions.calibration.noise if measured else None
        self._raw = RawLight.of_codes(pixels, conditions.table, noise=noise, flat=conditions.flat)
        self._mapping, self._conditions = mapping, conditions
        self._edges: dict[Edge, Associated | NotMeasured] = {}

    def measure(self, dimension: Dimension) -> Measured | NotMeasured:
        """Measure one dimension; failure is a value with its reason."""
        conditions = self._conditions
        found = [self._fitted(edge) for edge in dimension.feature.edges]
        value = evaluate(dimension, found, conditions.plane)
        if not isinstance(value, Value):
            return value
        with_budget = budget(value, conditions.plane, edge=conditions.edge, thermal=conditions.thermal)
        return Measured(with_budget.value, with_budget, value.set_aside, value.drawing, value.points_px)

    def _fitted(self, edge: Edge) -> Associated | NotMeasured:
        if edge not in self._edges:
            self._edges[edge] = self._fit(edge)
        return self._edges[edge]

    def _fit(self, edge: Edge) -> Associated | NotMeasured:
        plane = self._conditions.plane
        if isinstance(edge, Line):
            start, end = self._mapping.points(np.array([edge.start_px, edge.end_px]))
            return fit_line(
                self._raw, plane, _pair(start), _pair(end), reach_px=_LINE_REACH_PX, dark=edge.dark
            )
        at = np.array([edge.center_px])
        centre = _pair(self._mapping.points(at)[0])
        stretch = self._mapping.jacobians(at)[0]
        scale = math.sqrt(abs(float(np.linalg.det(stretch))))
        turned = math.degrees(math.atan2(stretch[1, 0] - stretch[0, 1], stretch[0, 0] + stretch[1, 1]))
        if isinstance(edge, Ellipse):
            return fit_ellipse(
                self._raw, plane, centre, edge.a_px * scale, edge.b_px * scale, edge.angle_deg + turned,
                reach_px=_reach(min(edge.a_px, edge.b_px) * scale), inside=edge.inside,
            )  # fmt: skip
        radius = edge.radius_px * scale
        start = edge.start_deg + turned if isinstance(edge, Arc) else None
        end = start + edge.sweep_deg if start is not None and isinstance(edge, Arc) else None
        return fit_circle(
            self._raw, plane, centre, radius, reach_px=_reach(radius), inside=edge.inside,
            start_deg=start, end_deg=end,
        )  # fmt: skip


def _reach(radius: float) -> float:
    return max(_REACH_PX[0], min(_REACH_PX[1], _REACH_SHARE * radius))


def _pair(point: F64) -> tuple[float, float]:
    return float(point[0]), float(point[1])


__all__ = ["Conditions", "Gauge", "Measured", "NotMeasured"]
