"""A lot's colours: where they lie from the golden sample, how far they scatter, and whether they drift.

Differences are vectors of dL*, da*, db*, unit less reference: a mean of Delta E would hide their direction,
and noise alone makes it larger than zero. Units count in the order in which they are given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from evidence import CharacteristicResult, ColourResult, Inspection
from golden.colour_difference import delta_e
from golden.colours import Formula
from golden.spec import Colour, GoldenSpec
from quality.proportions import check_probability
from quality.trend import holm

_FEWEST = 6  # units: two more than a test of a line through three coordinates must have
_FLAT = 1e-9  # variance, relative to the largest: a scatter without width in some direction has no test

Vector = tuple[float, float, float]
_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ellipse:
    """Where the next unit lies in the plane of da* and db*, about the lot's mean, with that coverage.

    Half axes in L*a*b* units; `angle_deg` is that of the longer one, from +a* towards +b*, -90 to 90.
    """

    coverage: float
    major: float
    minor: float
    angle_deg: float


@dataclass(frozen=True, slots=True)
class Drift:
    """The straight line through the lot's differences in order: its change from the first unit to the last.

    `delta_e` is the size of that change at the lot's mean colour. `p_value` is the probability of as much
    where nothing drifts (Hotelling's T-squared of the slope, normal and independent scatter); `adjusted_p` is
    corrected for the number of colours tested (Holm), and `real` says whether it is at most alpha.
    """

    change: Vector
    delta_e: float
    p_value: float
    adjusted_p: float
    real: bool


@dataclass(frozen=True, slots=True)
class ColourTrend:
    """A colour of a lot. `mean` is the mean difference and `u_mean` its standard error by scatter alone.

    `delta_e` is what the lot's mean colour differs by, in `formula`; `common_uncertainty` is what of every
    unit's uncertainty does not average out. `worst` is the unit farthest from its reference.
    """

    characteristic: str
    name: str
    source: Literal["camera", "instrument"]
    formula: Formula
    units: int
    mean: Vector
    u_mean: Vector | None
    delta_e: float
    common_uncertainty: float | None
    standard_deviations: Vector | None
    ellipse: Ellipse | None
    drift: Drift | None
    worst: str
    worst_delta_e: float
    worst_difference: Vector

    def record(self) -> dict[str, Any]:
        """Return the JSON object."""
        return asdict(self)


def lot_colours(
    spec: GoldenSpec, inspections: Sequence[Inspection], *, alpha: float = 0.05, coverage: float = 0.95
) -> tuple[ColourTrend, ...]:
    """Return how the colours of a lot lie, scatter and drift, in the specification's order.

    Of means and matches, that is: the other quantities have no direction. What a camera has seen and what an
    instrument has read are kept apart. A unit without a valid colour is left out; scatter needs two units,
    the ellipse three, and the test of drift six.

    Args:
        spec: the golden sample's specification.
        inspections: one record of each unit, in order of production.
        alpha: level of the test of drift.
        coverage: of the ellipse.

    Raises:
        ProportionError: alpha or coverage lies outside 0 to 1.
    """
    check_probability("alpha", alpha)
    check_probability("coverage", coverage)
    found: list[ColourTrend] = []
    for c in spec.characteristics:
        if not isinstance(c, Colour) or c.quantity not in ("mean", "match"):
            continue  # the others are no vectors
        for source in ("camera", "instrument"):
            own = [
                (i.serial or i.id, r, r.colour)
                for i in inspections
                for r in i.characteristics
                if r.id == c.id and r.valid and r.colour and (r.source == "vision") == (source == "camera")
            ]
            if own:
                found.append(_trend(c, source, own, coverage))
    drifts = [t.drift for t in found if t.drift is not None]
    adjusted = iter(holm([drift.p_value for drift in drifts]))
    return tuple(t if t.drift is None else _adjusted(t, t.drift, next(adjusted), alpha) for t in found)


def _adjusted(t: ColourTrend, drift: Drift, p: float, alpha: float) -> ColourTrend:
    return replace(t, drift=replace(drift, adjusted_p=p, real=p <= alpha))


def _trend(
    c: Colour,
    source: Literal["camera", "instrument"],
    own: Sequence[tuple[str, CharacteristicResult, ColourResult]],
    coverage: float,
) -> ColourTrend:
    d = np.array([np.subtract(colour.lab, colour.reference) for _, _, colour in own], np.float64)
    reference = np.mean([colour.reference for _, _, colour in own], axis=0)
    n, mean = len(d), d.mean(axis=0)
    deviations = d.std(axis=0, ddof=1) if n > 1 else None
    sizes = [delta_e(colour.reference, colour.lab, c.formula) for _, _, colour in own]
    far = int(np.argmax(sizes))
    common = [r.common_uncertainty for _, r, _ in own if r.common_uncertainty is not None]
    return ColourTrend(
        characteristic=c.id, name=c.name, source=source, formula=c.formula, units=n,
        mean=_vector(mean), u_mean=None if deviations is None else _vector(deviations / math.sqrt(n)),
        delta_e=delta_e(_vector(reference), _vector(reference + mean), c.formula),
        common_uncertainty=max(common, default=None),
        standard_deviations=None if deviations is None else _vector(deviations),
        ellipse=_ellipse(d[:, 1:], coverage), drift=_drift(d, reference + mean, c.formula),
        worst=own[far][0], worst_delta_e=sizes[far], worst_difference=_vector(d[far]),
    )  # fmt: skip


def _ellipse(ab: _Array, coverage: float) -> Ellipse | None:
    """Return the prediction ellipse of one more unit (Chew, JASA 61 (1966) 605)."""
    from scipy.special import fdtri  # noqa: PLC0415 (scipy loads slowly)

    n = len(ab)
    if n <= 2:
        return None
    variances, axes = np.linalg.eigh(np.cov(ab.T))
    scale = 2 * (n + 1) * (n - 1) / (n * (n - 2)) * float(fdtri(2, n - 2, coverage))
    minor, major = np.sqrt(np.maximum(variances, 0.0) * scale).tolist()
    a, b = axes[:, 1].tolist()
    angle = math.degrees(math.atan2(b, a))
    return Ellipse(coverage, major, minor, (angle + 90) % 180 - 90)


def _drift(d: _Array, colour: _Array, formula: Formula) -> Drift | None:
    """Test the slope against the order: T^2 = s' S^-1 s Sxx, F = T^2 (n - 4) / (3 (n - 2)) of 3 and n - 4."""
    from scipy.special import fdtrc  # noqa: PLC0415 (scipy loads slowly)

    n = len(d)
    if n < _FEWEST:
        return None
    order = np.arange(n, dtype=np.float64) - (n - 1) / 2
    sxx = float(order @ order)
    slope: _Array = order @ d / sxx
    rest = d - d.mean(axis=0) - np.outer(order, slope)
    scatter = rest.T @ rest / (n - 2)
    least, *_, largest = np.linalg.eigvalsh(scatter).tolist()
    if least <= _FLAT * max(largest, _FLAT):
        return None
    t_squared = float(slope @ np.asarray(np.linalg.solve(scatter, slope), np.float64)) * sxx
    p = float(fdtrc(3, n - 4, t_squared * (n - 4) / (3 * (n - 2))))
    change = slope * (n - 1)
    ends = _vector(colour - change / 2), _vector(colour + change / 2)
    return Drift(_vector(change), delta_e(*ends, formula), p, adjusted_p=p, real=False)


def _vector(values: _Array) -> Vector:
    one, two, three = values.tolist()
    return one, two, three
