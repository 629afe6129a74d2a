"""The uncertainty of one dimension: every source by name, combined as the GUM says (JCGM 100:2008).

What happens independently at each edge (noise, roughness, shadows) is kept apart from what is common to a
frame and to every unit of the station (lens, target, height, how light draws an edge, temperature): the first
averages out over a lot and differs between unit and golden sample, the second does neither.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from calibration.plane_map import PlaneMap
from golden.uncertainty import Component, combine
from kernels.compiled import F64, I64
from vision.edges.association import Associated


class Sensitive(Protocol):
    """What a budget asks of a measured value."""

    @property
    def value(self) -> float:
        """In `unit`."""
        ...

    @property
    def unit(self) -> str:
        """mm, deg or mm2."""
        ...

    @property
    def parts(self) -> tuple[tuple[Associated, F64], ...]:
        """Features and the value's gradient by their (k,) parameters, per mm and rad."""
        ...

    @property
    def point_parts(self) -> tuple[tuple[Associated, I64, F64], ...]:
        """Features, which of their points decide by themselves, and the value's change per mm of those."""
        ...


@dataclass(frozen=True, slots=True)
class EdgeDefinition:
    """Where light shows an edge against where a gauge would touch it (ISO 15530-3: by substitution).

    Attributes:
        correction_mm: how far edges appear too far towards their bright side; taken out of values.
        common_mm: standard uncertainty of that, the same for every edge and unit.
        local_mm: standard uncertainty with which one feature's edge appears shifted, in any direction, by
            side light and bevel; independent between features.
        degrees_of_freedom: of `common_mm`.
    """

    correction_mm: float = 0.0
    common_mm: float = 0.0
    local_mm: float = 0.0
    degrees_of_freedom: float = math.inf


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
        standard_uncertainty: of all lines.
        common_uncertainty: of the common lines alone.
        degrees_of_freedom: effective, Welch-Satterthwaite.
    """

    value: float
    lines: tuple[Line, ...]
    standard_uncertainty: float
    common_uncertainty: float
    degrees_of_freedom: float


def budget(
    measured: Sensitive,
    plane: PlaneMap,
    *,
    edge: EdgeDefinition = EdgeDefinition(),
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
    noise = _noise(measured)
    if repeatability is not None and repeatability.standard_deviation > noise.standard_uncertainty:
        noise = Line(
            "repeatability", repeatability.standard_deviation, repeatability.degrees_of_freedom, False
        )
    shift = _by_edge(measured)
    value = measured.value - shift * edge.correction_mm
    lines = [noise, Line("edge shift", _local(measured) * edge.local_mm, math.inf, False)]
    lines += [Line(name, size, freedom, common=True) for name, size, freedom in _modes(measured, plane)]
    lines.append(Line("edge definition", abs(shift) * edge.common_mm, edge.degrees_of_freedom, common=True))
    value, warmth = _at_20(value, measured.unit, thermal)
    lines.append(Line("temperature", warmth, math.inf, common=True))
    lines = [line for line in lines if line.standard_uncertainty > 0]
    total = _combined(lines)
    return Budget(
        value, tuple(lines), total[0], _combined([line for line in lines if line.common])[0], total[1]
    )


def _combined(lines: Sequence[Line]) -> tuple[float, float]:
    if not lines:
        return 0.0, math.inf
    total = combine([Component(c.name, c.standard_uncertainty, c.degrees_of_freedom) for c in lines])
    return total.standard_uncertainty, total.degrees_of_freedom


def _noise(measured: Sensitive) -> Line:
    """Return what noise and roughness of the edges add; features are independent of each other."""
    components = [
        Component("feature", math.sqrt(max(float(g @ f.covariance @ g), 0.0)), max(f.degrees_of_freedom, 1.0))
        for f, g in measured.parts
    ]
    for feature, _, weights in measured.point_parts:
        size = float(np.hypot.reduce(weights)) * point_noise(feature)
        components.append(Component("points", size, max(float(feature.kept.sum()) - 3, 1.0)))
    if not components:
        return Line("edge noise", 0.0, math.inf, common=False)
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


def _moved(measured: Sensitive, displacements: Sequence[F64]) -> F64:
    """Return the value's change, (m,), for (m, n, 2) displacements in mm of each feature's points."""
    total: F64 = np.zeros(1)
    i = 0
    for feature, gradient in measured.parts:
        total = total + feature.moved(displacements[i]) @ gradient
        i += 1
    for feature, points, weights in measured.point_parts:
        along = np.einsum("mnx,nx->mn", displacements[i][:, points], feature.normals[points])
        total = total + along @ weights
        i += 1
    return total


def _features(measured: Sensitive) -> list[Associated]:
    return [f for f, _ in measured.parts] + [f for f, _, _ in measured.point_parts]


def _modes(measured: Sensitive, plane: PlaneMap) -> list[tuple[str, float, float]]:
    features = _features(measured)
    if not features:
        return []
    points = np.concatenate([f.points_px for f in features])
    cuts = np.cumsum([len(f.points_px) for f in features])[:-1]
    found: list[tuple[str, float, float]] = []
    for mode in plane.modes(points):
        change = _moved(measured, np.split(mode.displacements, cuts, axis=1))
        found.append((mode.name, float(np.hypot.reduce(change)), mode.degrees_of_freedom))
    return found


def _by_edge(measured: Sensitive) -> float:
    """Return the value's change where every edge lies 1 mm farther towards its bright side."""
    shifted = [(f.bright * f.normals)[None] for f in _features(measured)]
    return float(_moved(measured, shifted)[0]) if shifted else 0.0


def _local(measured: Sensitive) -> float:
    """Return the value's standard change where each feature by itself is shifted by 1 mm in all directions.

    Each moves along x, along y and towards its bright side; a feature that occurs twice moves once.
    """
    features = _features(measured)
    unique: dict[int, list[int]] = {}
    for i, feature in enumerate(features):
        unique.setdefault(id(feature), []).append(i)
    square = 0.0
    for places in unique.values():
        feature = features[places[0]]
        still = [np.zeros((3, len(f.points_px), 2)) for f in features]
        ways = np.zeros((3, len(feature.points_px), 2))
        ways[0, :, 0] = ways[1, :, 1] = 1.0
        ways[2] = feature.bright * feature.normals
        if feature.form == "line":  # its normal already is one of all directions
            ways[:2] = 0.0
        for i in places:
            still[i] = ways
        square += float((_moved(measured, still) ** 2).sum())
    return math.sqrt(square)


def _at_20(value: float, unit: str, thermal: Thermal) -> tuple[float, float]:
    """Return the value at 20 degrees C and the standard uncertainty of getting there."""
    power = {"mm": 1.0, "mm2": 2.0}.get(unit, 0.0)
    warmer = thermal.temperature_c - 20.0
    uncertain = math.hypot(
        thermal.expansion_per_k * thermal.u_temperature_c, thermal.u_expansion_per_k * warmer
    )
    return value * (1 - power * thermal.expansion_per_k * warmer), abs(value) * power * uncertain
