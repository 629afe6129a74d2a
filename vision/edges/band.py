"""The band of light along an edge: gathered, cleaned of what does not belong to it, and fitted as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from kernels.band import CIRCLE, LINE, gather_band
from kernels.band_fit import fit_band
from kernels.calipers import calipers, looks
from kernels.compiled import F32, F64, I32, Mask
from vision.edges.association import Form
from vision.edges.local import Local
from vision.edges.raw import RawLight

_WIDE_BAND = (5.0, 6.0)  # half width of the band: so many blurs and so many pixels more
_NARROW_BAND = (3.0, 1.0)  # where light beside the edge is no two levels
_UNEVEN = 0.05  # of the rise: residual rms beyond which it is not
_NOISY = 2.0  # times the variance that the camera's noise explains
FULL = 0.996  # light that may have been more
_LEAST_VARIANCE = 1e-10  # of a caliper, squared pixels


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """One edge to fit: its form in local coordinates and where along it is looked.

    `places` are the middles of the sectors, angles or u of a line; `rays` the unit vectors of these angles.
    """

    form: Form
    local: Local
    span: F64  # as gather_band takes it
    sectors: int
    full: bool
    places: F64 = field(init=False)
    rays: F64 = field(init=False)

    def __post_init__(self) -> None:
        """Compute what every look along the edge needs."""
        at = self.span[0] + (np.arange(self.sectors) + 0.5) * self.span[1] / self.sectors
        object.__setattr__(self, "places", at)
        object.__setattr__(self, "rays", np.column_stack((np.cos(at), np.sin(at))))

    @property
    def code(self) -> int:
        """What the kernels call the form."""
        return LINE if self.form == "line" else CIRCLE

    def calipers(self, window: tuple[F32, F64], shape: F64, reach: float, near: float, bright: float) -> F64:
        """Return what calipers across a form see at the places, see `kernels.calipers`."""
        light, corner = window
        return calipers(
            light, corner[0], corner[1], self.local.cubic, self.code, shape, self.places, reach, near, bright
        )

    def points(self, shape: F64) -> tuple[F64, F64]:
        """Return points and unit normals of the form at the places, local coordinates."""
        if self.form == "line":
            s, c = math.sin(shape[1]), math.cos(shape[1])
            points = np.column_stack((self.places, shape[0] + self.places * s / c))
            return points, np.broadcast_to(np.array([s, -c]), points.shape)
        return shape[:2] + shape[2] * self.rays, self.rays


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """What calipers say: form, blur in pixels, rise, which places agree, each place's point (NaN: none)."""

    shape: F64
    blur: float
    rise: float
    kept: Mask
    uv: F64


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """An edge's fit, local coordinates; `offsets`, `information` and the `clean` share are per place.

    `of_pixels` tells a fit of all pixels of the band from one of calipers alone.
    """

    shape: F64
    blur: float
    rise: float
    covariance: F64
    offsets: F64
    information: F64
    clean: F64
    mean_square: float
    of_pixels: bool


def fit_edge(
    raw: RawLight,
    edge: Edge,
    start: Start,
    kept: Mask,
    reach: float,
    bright: float,
    window: tuple[F32, F64],
) -> tuple[Band | None, float]:
    """Fit the band of an edge by maximum likelihood.

    Args:
        raw: the frame, for its noise.
        edge: what is fitted.
        start: what calipers say of it.
        kept: (places,) bool, which places count.
        reach: how far from the edge it was searched, pixels.
        bright: +1 where the bright side lies along the form's normals, else -1.
        window: (h, w) linear light about the edge, and (2,) its first pixel beside the local origin.

    Returns:
        The fit in the widest band whose light is two levels that vary slowly, None where it is not; and the
        share of clipped light in the band.
    """
    clipped = 0.0
    # blur is even in the picture, not on the plane
    per_u = 1 / looks(edge.local.cubic, edge.code, start.shape, edge.places)[:, 4]
    for blurs, more in (_WIDE_BAND, _NARROW_BAND):
        width = min(blurs * start.blur + more, reach + 4)
        pixels, sector = _gather(edge, start.shape, width, window)
        band = _fitted(raw, edge, start, kept, bright, per_u, pixels, sector)
        clipped = 0.0
        if pixels[2].max(initial=0.0) >= FULL and kept[sector].any():
            clipped = float(np.mean(pixels[2, kept[sector]] >= FULL))
        if band is not None and not _uneven(raw, band):
            return band, clipped
    return None, clipped


def _uneven(raw: RawLight, band: Band) -> bool:
    """Return whether the light beside the edge is more than two levels that vary slowly."""
    if raw.noise_known and band.mean_square < _NOISY:
        return False
    return band.mean_square * float(raw.variance_of(np.array([0.5]))[0]) > (_UNEVEN * band.rise) ** 2


def _gather(edge: Edge, shape: F64, width: float, window: tuple[F32, F64]) -> tuple[F64, I32]:
    light, corner = window
    ring = np.array([0.0, 1e6])
    if edge.form != "line":
        most, least = edge.local.stretches
        away = math.hypot(shape[0], shape[1]) + width + 2
        ring[:] = max(shape[2] / most - away, 0), shape[2] / least + away
    return gather_band(
        light, corner[0], corner[1], edge.local.cubic, ring, edge.code, shape, width, edge.sectors, edge.span
    )


def _fitted(
    raw: RawLight,
    edge: Edge,
    start: Start,
    kept: Mask,
    bright: float,
    per_u: F64,
    pixels: F64,
    sector: I32,
) -> Band | None:
    p, inverse, places, mean_square, ok = fit_band(
        pixels, sector, kept, edge.code, edge.full, per_u, raw.variance, raw.noise_known, bright,
        start.shape, start.blur,
    )  # fmt: skip
    if not ok:
        return None
    count = 2 if edge.form == "line" else 3
    return Band(
        p[:count], float(p[count]), float(p[count + 1 + (3 if edge.full else 2)]), inverse[:count, :count],
        places[:, 0], places[:, 1], places[:, 2], mean_square, of_pixels=True,
    )  # fmt: skip


def off_form(edge: Edge, shape: F64, uv: F64) -> F64:
    """Return the signed distance of (n, >= 2) local points from the form along its normals."""
    if edge.form == "line":
        return np.asarray(math.sin(shape[1]) * uv[:, 0] - math.cos(shape[1]) * (uv[:, 1] - shape[0]))
    return np.hypot(uv[:, 0] - shape[0], uv[:, 1] - shape[1]) - shape[2]


def by_calipers(edge: Edge, start: Start, basis: F64) -> Band:
    """Return what calipers alone say: a least-squares form through the places that agree.

    It stands where the light beside an edge is no two levels: rough surfaces, print, edges beside edges.

    Args:
        edge: what is fitted.
        start: what calipers say of it; its form is the least-squares one.
        basis: (places, k) how the parameters move the places along their normals.
    """
    kept = start.kept
    offsets = np.where(np.isfinite(start.uv[:, 0]), off_form(edge, start.shape, start.uv), 0.0)
    free = max(int(kept.sum()) - basis.shape[1], 1)
    variance = max(float((offsets[kept] ** 2).sum()) / free, _LEAST_VARIANCE)
    inner = np.linalg.inv(basis[kept].T @ basis[kept])
    count = basis.shape[1]
    return Band(
        start.shape[:count], start.blur, start.rise, inner * variance, offsets,
        np.full(edge.sectors, 1 / variance), np.ones(edge.sectors), 1.0, of_pixels=False,
    )  # fmt: skip
