"""The uncertainty of one dimension: every source by name, combined as the GUM says (JCGM 100:2008).

What happens independently at each edge (noise, roughness, shadows) is kept apart from what is common to a
frame and to every unit of the station (lens, target, height, how light draws an edge, temperature): the first
averages out over a lot and differs between unit and golden sample, the second does neither.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calibration import EdgeDefinition
from calibration.plane_map import PlaneMap
from golden.uncertainty import Component, combine
from kernels.compiled import F64
from vision.dimension.value import Parts, PointParts, Value
from vision.edges.association import Associated

EXACT_EDGE = EdgeDefinition(correction_mm=0, common_mm=0, local_mm=0)
_FEWEST_DEGREES = 2.5  # a t distribution of fewer has no standard deviation


@dataclass(frozen=True, slots=True)
class Thermal:
    """The part's temperature against the reference of 20 degrees C (ISO 1:2022).

    Attributes:
        expansion_per_k: coefficient of linear expansion of the part, per kelvin.
        u_expansion_per_k: its standard uncertainty.
        temperature_c: of the part when measured.
        u_temperature_c: its standard uncertainty.
    """

    expansion_per_k: float = 0.0
    u_expansion_per_k: float = 0.0
    temperature_c: float = 20.0
    u_temperature_c: float = 0.0


@dataclass(frozen=True, slots=True)
class Repeatability:
    """Standard deviation of repeated measurements of this characteristic, from a gage study, in its unit."""

    standard_deviation: float
    degrees_of_freedom: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a budget: what it adds, in the value's unit."""

    name: str
    standard_uncertainty: float
    degrees_of_freedom: float
    common: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """A value corrected for what is known, with what is not.

    Attributes:
        value: corrected, in the unit of the value that was given.
        lines: by source; zero lines are left out.
        standard_uncertainty: of all lines. Few degrees of freedom widen it: it is the standard deviation of
            the t distribution that they leave (JCGM 101:2008, 6.4.9), so that k = 2 covers about 95 %.
        common_uncertainty: of the common lines alone.
        degrees_of_freedom: effective, Welch-Satterthwaite.
    """

    value: float
    lines: tuple[Line, ...]
    standard_uncertainty: float
    common_uncertainty: float
    degrees_of_freedom: float


@dataclass(frozen=True, slots=True)
class _Moves:
    """How a value follows its points: the pieces of `Value` that say so."""

    parts: Parts
    point_parts: PointParts

    @property
    def features(self) -> list[Associated]:
        return [f for f, _ in self.parts] + [f for f, _, _ in self.point_parts]

    def along(self, displacements: Mapping[int, F64]) -> F64:
        """Return the change, (m,), for (m, n) displacements in mm along the normals of each feature's points.

        By the identity of the features; one that is not there does not move.
        """
        total: F64 = np.zeros(1)
        for feature, gradient in self.parts:
            if id(feature) in displacements:
                total = total + displacements[id(feature)] @ (gradient @ feature.gain)
        for feature, points, weights in self.point_parts:
            if id(feature) in displacements:
                total = total + displacements[id(feature)][:, points] @ weights
        return total

    def by(self, displacements: Sequence[F64]) -> F64:
        """Return the change, (m,), for (m, n, 2) displacements in mm of the points of each feature."""
        total: F64 = np.zeros(1)
        for (feature, gradient), moved in zip(self.parts, displacements, strict=False):
            total = total + feature.moved(moved) @ gradient
        rest = displacements[len(self.parts) :]
        for (feature, points, weights), moved in zip(self.point_parts, rest, strict=True):
            along = np.einsum("mnx,nx->mn", moved[:, points], feature.normals[points])
            total = total + along @ weights
        return total


def budget(
    measured: Value,
    plane: PlaneMap,
    *,
    edge: EdgeDefinition = EXACT_EDGE,
    thermal: Thermal = Thermal(),
    repeatability: Repeatability | None = None,
) -> Budget:
    """Return the budget of one measured value.

    Args:
        measured: the value, with its gradient by what was fitted.
        plane: the map that its points went through.
        edge: optical against mechanical edge.
        thermal: temperature of the part and its expansion.
        repeatability: from a gage study; it replaces the noise of the edges where it is larger, since it
            holds it already.
    """
    moves = _Moves(measured.parts, measured.point_parts)
    noise = _noise(measured.parts, measured.noise, measured.degrees_of_freedom)
    if repeatability is not None and repeatability.standard_deviation > noise.standard_uncertainty:
        noise = Line(
            "repeatability", repeatability.standard_deviation, repeatability.degrees_of_freedom, False
        )
    lines = [noise, *_displaced(moves, plane, edge)]
    value = measured.value
    if measured.offset is not None:
        along, across = (
            _total([_noise(parts, 0.0, math.inf), *_displaced(_Moves(parts, ()), plane, edge)])[0]
            for parts in (measured.offset.along, measured.offset.across)
        )
        value = measured.corrected(along, across)
    value -= _towards_bright(moves) * edge.correction_mm
    value, warmth = _at_20(value, measured.unit, thermal)
    lines.append(Line("temperature", warmth, math.inf, common=True))
    lines = [line for line in lines if line.standard_uncertainty > 0]
    u, freedom = _total(lines)
    if math.isfinite(freedom):
        freedom = max(freedom, _FEWEST_DEGREES)
        u *= math.sqrt(freedom / (freedom - 2))
    return Budget(value, tuple(lines), u, _total([line for line in lines if line.common])[0], freedom)


def _total(lines: Sequence[Line]) -> tuple[float, float]:
    if not lines:
        return 0.0, math.inf
    total = combine([Component(c.name, c.standard_uncertainty, c.degrees_of_freedom) for c in lines])
    return total.standard_uncertainty, total.degrees_of_freedom


def _noise(parts: Parts, points: float, degrees_of_freedom: float) -> Line:
    """Return what noise and roughness of the edges add; features are independent of each other."""
    components = [
        Component("feature", math.sqrt(max(float(g @ f.covariance @ g), 0.0)), max(f.degrees_of_freedom, 1.0))
        for f, g in parts
    ]
    components.append(Component("points", points, max(degrees_of_freedom, 1.0)))
    total = combine(components)
    return Line("edge noise", total.standard_uncertainty, total.degrees_of_freedom, common=False)


def point_noise(feature: Associated) -> float:
    """Return the standard uncertainty of one edge point along its normal, mm: what its neighbours differ by.

    Second differences along the edge leave out the form itself (von Neumann's estimate), so that a part that
    is not round has no noisier points.
    """
    off = feature.residuals[feature.kept]
    if len(off) < 4:
        return float(np.abs(off).max(initial=0.0))
    second = off[2:] - 2 * off[1:-1] + off[:-2]
    return math.sqrt(float((second**2).mean()) / 6)


def _displaced(moves: _Moves, plane: PlaneMap, edge: EdgeDefinition) -> list[Line]:
    """Return what displaces whole features: where their edges are, and what is uncertain about the map."""
    features = moves.features
    if not features:
        return []
    freedom = math.inf if edge.degrees_of_freedom is None else edge.degrees_of_freedom
    lines = [
        Line("edge shift", _each(moves) * edge.local_mm, math.inf, common=False),
        Line("edge definition", abs(_towards_bright(moves)) * edge.common_mm, freedom, common=True),
    ]
    cuts = np.cumsum([len(f.points_px) for f in features])[:-1]
    for mode in plane.modes(np.concatenate([f.points_px for f in features])):
        change = moves.by(np.split(mode.displacements, cuts, axis=1))
        lines.append(Line(mode.name, float(np.hypot.reduce(change)), mode.degrees_of_freedom, common=True))
    return lines


def _towards_bright(moves: _Moves) -> float:
    """Return the value's change where every edge lies 1 mm farther towards its bright side."""
    return float(moves.along({id(f): np.full((1, len(f.normals)), f.bright) for f in moves.features})[0])


def _each(moves: _Moves) -> float:
    """Return the value's standard change where each feature by itself is shifted by 1 mm.

    A line is shifted along its normal; a closed form along x, along y and in its size. A feature that occurs
    twice moves once.
    """
    square = 0.0
    for own in {id(f): f for f in moves.features}.values():
        ways = np.full((1, len(own.normals)), own.bright)
        if own.form != "line":
            ways = np.concatenate((own.normals.T, ways))
        square += float((moves.along({id(own): ways}) ** 2).sum())
    return math.sqrt(square)


def _at_20(value: float, unit: str, thermal: Thermal) -> tuple[float, float]:
    """Return the value at 20 degrees C and the standard uncertainty of getting there."""
    power = {"mm": 1.0, "mm2": 2.0}.get(unit, 0.0)
    warmer = thermal.temperature_c - 20.0
    uncertain = math.hypot(
        thermal.expansion_per_k * thermal.u_temperature_c, thermal.u_expansion_per_k * warmer
    )
    return value * (1 - power * thermal.expansion_per_k * warmer), abs(value) * power * uncertain
