"""How evenly a chart is lit, told by its own patches: a plane of light, and light of two colours.

Terms of a linear model grow with the light, so M t = E(x) XYZ for the light E(x) = 1 + g . x at the patch:
model and gradient are one linear least squares problem. It is a plane on purpose: two dozen patches cannot
tell curvature from the errors of the camera's colours. On the industrial photographs of the benchmark a
curved surface makes the left-out errors smaller by 0.1 and misses the light on the card around the chart by
25 % at one patch, where the plane agrees within 3 % (rms) and 10 % at worst. Frames of an even surface
(`calibration.flat_field`) are better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibration.colour.fitting import Reference
from calibration.colour.model import powers, terms
from calibration.errors import CharacterisationError
from calibration.flat_field import DEGREE, FlatField, FlatPlane
from kernels.compiled import F64

_PRIOR = 0.3  # standard deviation of the relative change of light from the frame's middle to its edge
_RESIDUAL = 2.5  # of L*a*b* of a linear model: a small chart cannot tell a gradient from that
_STEEPEST = 0.9  # of |gx| + |gy|: beyond, a corner of the frame gets hardly any light
_MIXED = 0.08  # relative change of X to Y or Z to Y of the light across the chart
_SIGNIFICANT = 4.0  # standard uncertainties


def frame_places(centres: F64, frame: tuple[int, int]) -> F64:
    """Return places (n, 2), -1..1 from edge to edge, of pixels (n, 2) in a frame of width, height."""
    return (2 * centres + 1) / np.array(frame, np.float64) - 1


def gradient(rgb: F64, reference: Reference, places: F64) -> F64:
    """Return g (2,): the relative change of light from the frame's middle to its right and its lower edge.

    A prior of 30 % holds what a chart that is small in the frame cannot tell.

    Args:
        rgb: (n, 3) linear light.
        reference: of the same patches.
        places: (n, 2) see `frame_places`.
    """
    columns = -np.einsum("nij,nj,nk->nik", reference.slopes, reference.xyz, places)
    return _solve(rgb, reference, columns, prior=_RESIDUAL / _PRIOR)[0]


def light_at(slope: F64, places: F64) -> F64:
    """Return the relative light, (n,), at places (n, 2)."""
    return 1 + places @ slope


def flat_field(slope: F64, frame: tuple[int, int], level: float, unevenness: float) -> FlatField:
    """Return the plane of light as a flat field of the frame.

    Args:
        slope: g (2,).
        frame: width and height, px.
        level: light of white in the frame.
        unevenness: rms deviation of the patches' light from the plane.

    Raises:
        CharacterisationError: the plane leaves a corner of the frame in the dark.
    """
    if float(np.abs(slope).sum()) > _STEEPEST:
        raise CharacterisationError(
            f"the light changes by {slope[0]:+.0%} to the right and {slope[1]:+.0%} downwards over half the "
            "frame, or codes do not follow light (a tone curve): light the chart evenly, or give frames of "
            "an even surface as flat field"
        )
    response = [0.0] * ((DEGREE + 1) * (DEGREE + 2) // 2)
    response[0], response[1], response[DEGREE + 1] = 1.0, float(slope[1]), float(slope[0])
    planes = tuple(
        FlatPlane(name=name, dark=0.0, level=level, response=tuple(response), unevenness=unevenness)
        for name in ("red", "green", "blue")
    )
    return FlatField(width=frame[0], height=frame[1], planes=planes)


@dataclass(frozen=True, slots=True)
class Mixture:
    """How the colour of the light changes over the chart.

    Attributes:
        red: relative change of X to Y across the chart.
        u_red: its standard uncertainty.
        blue: relative change of Z to Y.
        u_blue: its standard uncertainty.
    """

    red: float
    u_red: float
    blue: float
    u_blue: float

    @property
    def mixed(self) -> bool:
        """Whether the light has two colours, beyond doubt and beyond what does no harm."""
        pairs = ((self.red, self.u_red), (self.blue, self.u_blue))
        return any(change > max(_MIXED, _SIGNIFICANT * u) for change, u in pairs)


def mixture(rgb: F64, reference: Reference, places: F64) -> Mixture:
    """Find whether X, Y and Z of the light change alike over the chart.

    Args:
        rgb: (n, 3) linear light.
        reference: of the same patches.
        places: (n, 2) in any one scale, such as px.
    """
    middle = places.mean(axis=0)
    half = max(float(np.abs(places - middle).max()), 1e-9)
    at = (places - middle) / half
    lone = np.einsum("nij,nj,nk->nijk", reference.slopes, reference.xyz, at)
    columns = -lone.reshape(len(rgb), 3, 6)
    slopes, covariance = _solve(terms(rgb, powers("root_polynomial", 2)), reference, columns)
    ends = np.array([[sx, sy] for sx in (-1.0, 1.0) for sy in (-1.0, 1.0)]) * np.abs(at).max(axis=0)
    found: list[tuple[float, float]] = []
    for axis in (0, 2):
        contrast = np.zeros((2, 6))
        contrast[:, 2 * axis : 2 * axis + 2] = np.eye(2)
        contrast[:, 2:4] -= np.eye(2)
        tilt = contrast @ slopes
        far = ends[int(np.argmax(ends @ tilt))]
        change = 2 * float(far @ tilt)
        variance = float(far @ contrast @ covariance @ contrast.T @ far)
        found.append((change, 2 * float(np.sqrt(variance))))
    return Mixture(found[0][0], found[0][1], found[1][0], found[1][1])


def _solve(basis: F64, reference: Reference, columns: F64, prior: float = 0.0) -> tuple[F64, F64]:
    """Return the coefficients of columns (n, 3, k) beside a model's terms (n, t), and their covariance.

    `prior` is the weight with which each coefficient is held at 0.
    """
    n, _, k = columns.shape
    own = 3 * basis.shape[1]
    model = np.einsum("nij,nt->nijt", reference.slopes, basis).reshape(3 * n, own)
    design: F64 = np.hstack((model, columns.reshape(3 * n, k)))
    target: F64 = np.einsum("nij,nj->ni", reference.slopes, reference.xyz).reshape(3 * n)
    scale: F64 = np.sqrt(np.mean(design**2, axis=0))
    held: F64 = np.diag(np.repeat((0.0, prior), (own, k))) / scale
    q, r = np.linalg.qr(np.vstack((design / scale, held)))
    inverse: F64 = np.linalg.inv(r) / scale[:, None]
    solution: F64 = inverse @ q[: 3 * n].T @ target
    residual: F64 = target - design @ solution
    variance = float(residual @ residual) / (3 * n - own - k)
    covariance: F64 = variance * (inverse @ inverse.T)
    return solution[own:], covariance[own:, own:]
