"""Noise of a camera by photon transfer: pairs of flat frames at several exposures, and dark frames.

EMVA 1288 release 4.0 (Linear), 2.2 and 6.6 to 6.9: of a linear camera the temporal variance of a code grows
in proportion to its mean; slope and intercept are its gain and dark noise. Two frames of one light differ by
temporal noise only, so fixed patterns and falloff cancel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from calibration.errors import FramesError
from calibration.mosaic import Bayer, Codes, check_alike, plane_names, planes
from golden.regions import Closed
from kernels.compiled import F64, Mask

FEWEST_LEVELS = 5
SMALLEST_PLANE = 4096  # pixels: a variance is then known to 2 %

_CLIPPED = 1e-3  # share of pixels at the lowest or highest code that biases a variance
_QUANTISED = 0.24  # codes squared; below, a code's variance is mostly rounding (EMVA 1288, 6.9)
_QUANTISATION = 1 / 12  # codes squared
_LINEAR_PART = 0.7  # of saturation (EMVA 1288, 6.6)
_STEADY = 0.01  # relative difference of the two means of a pair
_ROLLING = 0.05  # share of the variance that lies in whole rows or columns
_CORRELATED = 0.1  # between neighbouring pixels
_BENT = 0.3  # relative change of slope over the levels
_SIGNIFICANT = 5.0  # standard deviations

Fraction = Annotated[float, Field(ge=0, le=1)]


class Noise(Closed):
    """Noise in linear light (0..1): variance = `gain` * signal + `read`**2 (EMVA 1288 release 4.0, 2.3).

    Rounding to codes is not in it: it adds step**2 / 12.
    """

    gain: Fraction = 1 / 20000
    read: Fraction = 0.001


class PlaneTransfer(Closed):
    """What photon transfer found of one colour plane; light is (code - black level) / (white - black level).

    Attributes:
        name: "grey", "red", ..., see `mosaic.plane_names`.
        gain: slope of the variance over the signal, in light: one over the electrons at light 1.
        u_gain: its standard uncertainty.
        read: dark noise in light, rounding taken out.
        u_read: its standard uncertainty.
        black_level: mean code without light.
        saturation: light beyond which codes stop following, to the spacing of the levels;
            None where no level reached it.
        linearity_error: mean relative deviation of the codes from a straight line over the exposures, between
            5 and 95 % of saturation (EMVA 1288, 6.7); None where exposures are not known.
        levels: how many levels decided.
        degrees_of_freedom: of both uncertainties.
    """

    name: str
    gain: Fraction
    u_gain: Annotated[float, Field(ge=0)]
    read: Fraction
    u_read: Annotated[float, Field(ge=0)]
    black_level: Annotated[float, Field(ge=0)]
    saturation: Annotated[float, Field(gt=0, le=1)] | None = None
    linearity_error: Annotated[float, Field(ge=0)] | None = None
    levels: Annotated[int, Field(ge=FEWEST_LEVELS)]
    degrees_of_freedom: Annotated[int, Field(ge=1)]


class PhotonTransfer(Closed):
    """A camera's noise by photon transfer, plane by plane."""

    white: Annotated[int, Field(ge=255, le=65535)]
    planes: Annotated[tuple[PlaneTransfer, ...], Field(min_length=1, max_length=4)]

    @property
    def noise(self) -> Noise:
        """The noise of the noisiest plane."""
        return Noise(gain=max(p.gain for p in self.planes), read=max(p.read for p in self.planes))

    @property
    def black_level(self) -> float:
        """Mean code without light."""
        return sum(p.black_level for p in self.planes) / len(self.planes)

    @property
    def quantisation(self) -> float:
        """Standard uncertainty of rounding to codes, in light: it is not part of the dark noise."""
        return math.sqrt(_QUANTISATION) / (self.white - self.black_level)


@dataclass(frozen=True, slots=True, eq=False)
class FlatPair:
    """Two frames of one evenly lit surface, taken one after the other with nothing changed.

    Attributes:
        first: codes, (h, w) or (h, w, 3), uint8 or uint16; a mosaic before it is interpolated.
        second: the same.
        exposure_us: exposure time of both, or any other measure of light; None where it is not known.
    """

    first: Codes
    second: Codes
    exposure_us: float | None = None


def photon_transfer(
    pairs: Sequence[FlatPair], darks: Sequence[Codes], *, white: int, bayer: Bayer | None = None
) -> PhotonTransfer:
    """Find gain, dark noise, saturation and linearity from pairs of flats and at least two dark frames.

    Half the variance of a pair's difference is the temporal variance; a straight line, weighted by how well
    each variance is known, gives gain and dark noise. Where the line leaves more than chance explains, the
    uncertainties grow with it (Birge). Dark frames that the lowest code clips or whose noise rounding hides
    give the black level only; the line's intercept then gives the dark noise.

    Args:
        pairs: at different levels of light, in any order; at least FEWEST_LEVELS of use.
        darks: frames without light, at the same settings.
        white: the highest code that the pixel format has: 255 for 8 bits, 4095 for 12.
        bayer: colours of the first four pixels, row by row, of raw mosaic frames.

    Raises:
        FramesError: too few levels, saturated, light that changed within a pair, codes that do not follow
            light (gamma), noise that neighbours share (JPEG, interpolated colours, filtering), mixed or small
            frames.
    """
    if len(darks) < 2 or len(pairs) < FEWEST_LEVELS:
        raise FramesError(
            f"{len(pairs)} pairs of flats and {len(darks)} dark frames are too few: take at least "
            f"{FEWEST_LEVELS} pairs at different exposures and 2 dark frames"
        )
    frames = [*darks, *(f for pair in pairs for f in (pair.first, pair.second))]
    check_alike(frames, white)
    names = plane_names(frames[0].shape, bayer)
    if frames[0].size // len(names) < SMALLEST_PLANE:
        raise FramesError(
            f"frames of {frames[0].shape} have too few pixels to know a variance: give whole frames"
        )
    dark_planes = [tuple(planes(f, bayer)) for f in darks]
    found: list[PlaneTransfer] = []
    for k, name in enumerate(names):
        dark = _Level.of(dark_planes[0][k], dark_planes[1][k], 0.0, white)
        black = float(np.mean([d[k].mean() for d in dark_planes]))
        levels = [
            _Level.of(
                tuple(planes(p.first, bayer))[k], tuple(planes(p.second, bayer))[k], p.exposure_us, white
            )
            for p in pairs
        ]
        found.append(_plane(name, sorted(levels, key=lambda level: level.mean), dark, black, white))
    return PhotonTransfer(white=white, planes=tuple(found))


@dataclass(frozen=True, slots=True)
class _Level:
    """One pair's mean, temporal variance and what may be wrong with it, in codes."""

    mean: float
    variance: float
    u_variance: float
    exposure: float | None
    clipped_low: bool
    clipped_high: bool
    drift: float
    rolling: float
    correlation: float

    @classmethod
    def of(cls, first: Codes, second: Codes, exposure: float | None, white: int) -> _Level:
        difference = first.astype(np.float32)
        difference -= second
        drift = float(difference.mean(dtype=np.float64))
        difference -= np.float32(drift)
        h, w = difference.shape
        total = float(np.einsum("yx,yx->", difference, difference, dtype=np.float64)) / (h * w - 1)
        scale = max(total, 1e-12)
        bands = [
            float(difference.mean(axis=1, dtype=np.float64).var()) - total / w,
            float(difference.mean(axis=0, dtype=np.float64).var()) - total / h,
        ]
        beside = float(np.einsum("yx,yx->", difference[:, 1:], difference[:, :-1], dtype=np.float64))
        below = float(np.einsum("yx,yx->", difference[1:], difference[:-1], dtype=np.float64))
        return cls(
            mean=(float(first.mean()) + float(second.mean())) / 2,
            variance=total / 2, u_variance=total / 2 * math.sqrt(2 / (h * w - 1)), exposure=exposure,
            clipped_low=bool(np.count_nonzero(first == 0) > _CLIPPED * first.size),
            clipped_high=bool(np.count_nonzero(first == white) > _CLIPPED * first.size),
            drift=drift, rolling=max(bands) / scale,
            correlation=max(abs(beside), abs(below)) / (h * w * scale),
        )  # fmt: skip


def _plane(name: str, levels: list[_Level], dark: _Level, black: float, white: int) -> PlaneTransfer:
    _check_steady(levels, black)
    saturation = _saturation(levels, black, white)
    usable = [
        level for level in levels
        if not (level.clipped_low or level.clipped_high) and level.variance >= _QUANTISED
        and (saturation is None or level.mean - black <= _LINEAR_PART * (saturation - black))
    ]  # fmt: skip
    if len(usable) < FEWEST_LEVELS:
        clipped = sum(level.clipped_high for level in levels)
        raise FramesError(
            f"{name}: only {len(usable)} of {len(levels)} levels can be used ({clipped} are saturated): "
            f"take at least {FEWEST_LEVELS} between the dark frames and 70 % of saturation"
        )
    correlation = float(np.median([level.correlation for level in usable]))
    if correlation > _CORRELATED:
        raise FramesError(
            f"{name}: neighbouring pixels share noise (correlation {correlation:.2f}): these are not raw "
            "frames; turn off JPEG, colour interpolation, sharpening and noise reduction"
        )
    if not dark.clipped_low and dark.variance >= _QUANTISED:
        usable = [dark, *usable]
    signal = np.array([level.mean - black for level in usable])
    variance = np.array([level.variance for level in usable])
    sigma = np.array([level.u_variance for level in usable])
    _check_straight(name, signal, variance, sigma)
    (intercept, slope), covariance = _fit(signal, variance, sigma, 1)
    read = math.sqrt(max(intercept - _QUANTISATION, 0))
    u_intercept = math.sqrt(covariance[0, 0])
    span = white - black
    return PlaneTransfer(
        name=name, gain=slope / span, u_gain=math.sqrt(covariance[1, 1]) / span,
        read=read / span, u_read=u_intercept / (2 * max(read, math.sqrt(u_intercept))) / span,
        black_level=black, saturation=None if saturation is None else min((saturation - black) / span, 1.0),
        linearity_error=_linearity_error(levels, black, saturation),
        levels=len(usable), degrees_of_freedom=len(usable) - 2,
    )  # fmt: skip


def _check_steady(levels: Sequence[_Level], black: float) -> None:
    for level in levels:
        if level.clipped_high or level.variance < _QUANTISED:
            continue
        if abs(level.drift) > max(_STEADY * (level.mean - black), 0.1) or level.rolling > _ROLLING:
            raise FramesError(
                f"the light changed within the pair at mean code {level.mean:.1f}: fix exposure and gain, "
                "use a lamp that does not flicker, and take both frames one after the other"
            )


def _saturation(levels: Sequence[_Level], black: float, white: int) -> float | None:
    """Return the mean code at which the variance is greatest, if it falls to half beyond (EMVA 1288, 6.6).

    Beyond saturation codes hardly grow; where they do, it is gamma that makes the variance fall.
    """
    peak = max(range(len(levels)), key=lambda i: levels[i].variance)
    top = levels[peak].mean
    beyond = [level for level in levels[peak + 1 :] if level.variance < 0.5 * levels[peak].variance]
    if beyond and beyond[-1].mean - black < 1.4 * (top - black):
        return top
    return float(white) if any(level.clipped_high for level in levels) else None


def _fit(x: F64, y: F64, sigma: F64, degree: int) -> tuple[F64, F64]:
    """Return coefficients, lowest power first, and their covariance, scaled up by misfit (Birge)."""
    design = np.vander(x, degree + 1, increasing=True) / sigma[:, None]
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ (y / sigma)
    misfit = float(np.sum((y / sigma - design @ coefficients) ** 2)) / (len(x) - degree - 1)
    return np.asarray(coefficients, np.float64), np.asarray(inverse * max(misfit, 1.0), np.float64)


def _check_straight(name: str, signal: F64, variance: F64, sigma: F64) -> None:
    (_, linear, bend), covariance = _fit(signal, variance, sigma, 2)
    low, high = float(signal.min()), float(signal.max())
    slope = linear + bend * (low + high)
    bent = (
        abs(bend) > _SIGNIFICANT * math.sqrt(covariance[2, 2])
        and 2 * abs(bend) * (high - low) > _BENT * slope
    )
    if slope <= 0 or bent:
        raise FramesError(
            f"{name}: variance does not grow in proportion to light: the codes do not follow light; "
            "set the camera's gamma to 1 and turn off tone curves"
        )


def _linearity_error(levels: Sequence[_Level], black: float, saturation: float | None) -> float | None:
    top = max(level.mean for level in levels) if saturation is None else saturation
    if any(level.exposure is None for level in levels):
        return None
    signal = np.array([level.mean - black for level in levels])
    exposure = np.array([level.exposure for level in levels], np.float64)
    kept: Mask = (signal >= 0.05 * (top - black)) & (signal <= 0.95 * (top - black))
    kept &= ~np.array([level.clipped_high for level in levels], np.bool_)
    if np.count_nonzero(kept) < 3 or float(np.ptp(exposure[kept])) == 0:
        return None
    (offset, slope), _ = _fit(exposure[kept], signal[kept], signal[kept], 1)
    line = offset + slope * exposure[kept]
    return float((np.abs(signal[kept] - line) / line).mean())
