"""The optical against the mechanical edge, by substitution with a calibrated workpiece (ISO 15530-3:2011).

A camera sees where light changes, a contact probe where material ends: bevels, lighting and chromatic shift
put a step between them that no model of the lens knows. Measuring a calibrated workpiece over and over,
re-placed each time and under the conditions of use, shows it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import numpy as np
from pydantic import Field

from calibration.artefacts import CalibratedSize, Workpiece
from calibration.errors import CheckError
from golden.regions import Closed
from golden.uncertainty import Component, combine

FEWEST_READINGS = 20  # ISO 15530-3:2011, 7.3
COVERAGE_FACTOR = 2.0


class EdgeDefinition(Closed):
    """How far edges appear too far towards their bright side, and how well that is known.

    A dark part before a light then measures too large by twice the correction, a bright hole in it too small
    by twice it; pitches are right.

    Attributes:
        correction_mm: what is taken out at each edge.
        common_mm: its standard uncertainty, the same for every edge and unit.
        local_mm: standard deviation of one feature's edge within the series by bevel, roughness and side
            light; independent between features.
        degrees_of_freedom: of `common_mm`; None where it is taken as exactly known.
        workpiece: serial number and certificate of what it was found with; "" where it is stated.
    """

    correction_mm: Annotated[float, Field(ge=-10, le=10)]
    common_mm: Annotated[float, Field(ge=0, le=10)]
    local_mm: Annotated[float, Field(ge=0, le=10)] = 0.0
    degrees_of_freedom: Annotated[float, Field(ge=1)] | None = None
    workpiece: Annotated[str, Field(max_length=640)] = ""


@dataclass(frozen=True, slots=True)
class SizeSubstitution:
    """One size of the workpiece, in mm.

    Attributes:
        id: of the size.
        readings: how many.
        bias: mean of the readings less the calibrated value.
        u_procedure: standard deviation of a single reading.
        corrected_bias: bias less what the edge's correction takes out of the size.
        u_bias: standard uncertainty of the bias: the certificate's and the mean's.
        expanded: U = 2 sqrt(u_cal^2 + u_p^2 + u_w^2) of a corrected value (ISO 15530-3:2011, 8).
    """

    id: str
    readings: int
    bias: float
    u_procedure: float
    corrected_bias: float
    u_bias: float
    expanded: float


@dataclass(frozen=True, slots=True)
class Substitution:
    """What substitution found.

    Attributes:
        edge: of all sizes together.
        sizes: one by one.
        misfit: by which the sizes disagree about the correction, as a factor on its uncertainty; 1 or more
            and part of `edge.common_mm`. Well above 1, something else than the edge is wrong: the scale, or
            the light.
    """

    edge: EdgeDefinition
    sizes: tuple[SizeSubstitution, ...]
    misfit: float


def substitute(
    workpiece: Workpiece, readings: Mapping[str, Sequence[float]], *, today: date, local_mm: float
) -> Substitution:
    """Estimate the edge's correction from repeated readings of a calibrated workpiece.

    Sizes are weighted by what is known of their biases. What their certificate does not know is taken to be
    common to all of them, so it does not average out.

    Args:
        workpiece: its sizes; at least one with `edges` other than 0.
        readings: mm by size id, uncorrected, at least FEWEST_READINGS of each, the workpiece re-placed and
            the conditions varied as in use.
        today: for the workpiece's certificate.
        local_mm: standard deviation of one feature's edge within the series: bevel, roughness.

    Raises:
        CheckError: the certificate has expired, sizes or readings are missing, or do not vary at all.
    """
    if workpiece.expired(today):
        raise CheckError(
            f"workpiece {workpiece.serial}: its certificate expired on {workpiece.expires}: "
            "have it calibrated again"
        )
    if not (math.isfinite(local_mm) and local_mm >= 0):
        raise CheckError(f"local_mm {local_mm} must be finite and not negative")
    _check_readings(workpiece, readings)
    turned = [size for size in workpiece.sizes if size.edges]
    if not turned:
        raise CheckError("no size of the workpiece depends on its edges: state edges: 2 or -2 of one")
    means = {size.id: _mean(readings[size.id]) for size in workpiece.sizes}
    a = np.array([size.edges for size in turned], np.float64)
    bias = np.array([means[size.id][0] - size.value_mm for size in turned])
    u_certificate = np.array([size.u_mm for size in turned])
    u_mean = np.array([means[size.id][1] / math.sqrt(len(readings[size.id])) for size in turned])
    weight = 1 / (u_certificate**2 + u_mean**2)
    gain = weight * a / float(weight @ a**2)
    correction = float(gain @ bias)
    freedom = len(turned) - 1
    excess = float(weight @ (bias - a * correction) ** 2) / freedom if freedom else 1.0
    misfit = math.sqrt(max(excess, 1.0))
    u_common, u_random = float(np.abs(gain) @ u_certificate), float(np.sqrt(gain**2 @ u_mean**2))
    fewest = min(len(readings[size.id]) for size in turned)
    total = combine(
        [
            Component("certificate", misfit * u_common),
            Component("readings", misfit * u_random, fewest - 1),
        ]
    )
    edge = EdgeDefinition(
        correction_mm=correction, common_mm=total.standard_uncertainty, local_mm=local_mm,
        degrees_of_freedom=total.degrees_of_freedom if math.isfinite(total.degrees_of_freedom) else None,
        workpiece=f"{workpiece.serial} {workpiece.certificate}".strip(),
    )  # fmt: skip
    found = tuple(_size(s, *means[s.id], len(readings[s.id]), correction, local_mm) for s in workpiece.sizes)
    return Substitution(edge, found, misfit)


def _size(
    size: CalibratedSize, mean: float, deviation: float, readings: int, correction: float, local: float
) -> SizeSubstitution:
    bias = mean - size.value_mm
    return SizeSubstitution(
        id=size.id, readings=readings, bias=bias, u_procedure=deviation,
        corrected_bias=bias - size.edges * correction,
        u_bias=math.hypot(size.u_mm, deviation / math.sqrt(readings)),
        expanded=COVERAGE_FACTOR * math.hypot(size.u_mm, deviation, size.edges * local),
    )  # fmt: skip


def _mean(values: Sequence[float]) -> tuple[float, float]:
    array = np.array(values, np.float64)
    return float(array.mean()), float(array.std(ddof=1))


def _check_readings(workpiece: Workpiece, readings: Mapping[str, Sequence[float]]) -> None:
    ids = {size.id for size in workpiece.sizes}
    if set(readings) != ids:
        strange = ", ".join(sorted(set(readings) ^ ids))
        raise CheckError(
            f"workpiece {workpiece.serial}: readings and sizes differ in {strange}: give one for one"
        )
    for name, values in readings.items():
        if len(values) < FEWEST_READINGS:
            raise CheckError(f"{name}: {len(values)} readings are too few: take at least {FEWEST_READINGS}")
        if not all(math.isfinite(value) for value in values):
            raise CheckError(f"{name}: a reading is no number: leave out pictures without it")
        if len(set(values)) == 1:
            raise CheckError(
                f"{name}: all readings are {values[0]}: re-place the workpiece before each picture"
            )
