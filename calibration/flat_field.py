"""Flat field: what makes equally lit pixels equal, from dark frames and frames of an evenly lit surface.

The falloff of lens and light is smooth and a certificate holds it as a few coefficients per colour plane; the
pattern of single pixels is a map of the frame's size that is kept in a file beside the certificate.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from numpy.polynomial import legendre
from pydantic import Field, model_validator

from calibration.errors import CalibrationAlteredError, FramesError
from calibration.mosaic import Bayer, Codes, check_alike, plane_names, planes
from evidence.inspection import Digest
from golden.digests import sha256
from golden.regions import Closed
from kernels.compiled import F32, F64

DEGREE = 6
_TERMS = tuple((i, j) for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i))  # powers of x and y
_BLOCKS = 24  # along each side

_CLIPPED = 1e-3  # share of pixels
_DARKEST = 0.1  # light of a flat above its dark frames
_BRIGHTEST_DARK = 0.2  # of the flat's light
_STEADY = 0.02  # relative difference of the levels of two flats
_ONE_SIDED = 0.3  # relative difference of two opposite edges
_UNEVEN = 0.02  # largest relative deviation of a block from the smooth response
_WEAKEST = 0.1  # response relative to the mean
_LUMINANCE = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709-6


class FlatPlane(Closed):
    """One colour plane.

    Attributes:
        name: see `mosaic.plane_names`.
        dark: mean light of the dark frames.
        level: mean light of the flats above that.
        response: coefficients of the relative response, mean 1, over Legendre polynomials
            P_i(2 (x + 1/2) / width - 1) P_j(2 (y + 1/2) / height - 1), i from 0 and within it j, i + j <= 6.
        unevenness: rms deviation of blocks' means from it.
        pattern: relative standard deviation of single pixels' response; None with a single flat.
    """

    name: str
    dark: float
    level: Annotated[float, Field(gt=0)]
    response: Annotated[tuple[float, ...], Field(min_length=len(_TERMS), max_length=len(_TERMS))]
    unevenness: Annotated[float, Field(ge=0)]
    pattern: Annotated[float, Field(ge=0)] | None = None


class FlatField(Closed):
    """The smooth flat field of a camera with its lens, aperture and light.

    Attributes:
        width: of the frame, px.
        height: of the frame, px.
        bayer: colours of the first four pixels of raw mosaic frames, or None.
        planes: in the order of `mosaic.plane_names`.
        fine: digest of the file with the pattern of single pixels, or None.
    """

    width: Annotated[int, Field(ge=1, le=65535)]
    height: Annotated[int, Field(ge=1, le=65535)]
    bayer: Bayer | None = None
    planes: Annotated[tuple[FlatPlane, ...], Field(min_length=1, max_length=4)]
    fine: Digest | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = tuple(p.name for p in self.planes)
        shape = (2, 2) if self.bayer is not None or len(names) == 1 else (2, 2, 3)
        if names != plane_names(shape, self.bayer):
            raise ValueError(f"planes {', '.join(names)} are not those of bayer {self.bayer}")
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the frames that it corrects."""
        return (self.height, self.width, 3) if len(self.planes) == 3 else (self.height, self.width)

    def gain_map(self, fine: F32 | None = None) -> F32:
        """Return the factors of light, float32 of `shape`; `fine` is what `read_fine` gave, or None."""
        out = np.empty(self.shape, np.float32)
        parts = [*planes(out, self.bayer)]
        for place, (part, plane) in enumerate(zip(parts, self.planes, strict=True)):
            x, y = _axes(part.shape, place, self.bayer, self.width, self.height)
            part[...] = 1 / _surface(plane.response, x, y)
        return out if fine is None else out * fine

    def factors(self, fine: F32 | None = None) -> F32:
        """Return the factors of luminance, (height, width) float32: what measuring of edges reads.

        Of colour frames they are exact for grey surfaces.
        """
        gain = self.gain_map(fine)
        if gain.ndim == 2:
            return gain
        return np.asarray(1 / (1 / gain @ np.array(_LUMINANCE, np.float32)), np.float32)

    def correct(self, light: F32, fine: F32 | None = None) -> F32:
        """Return the light of a whole frame, float32 of `shape`, without dark level and falloff.

        Raises:
            FramesError: the frame has another size, or other planes.
        """
        if light.shape != self.shape:
            raise FramesError(f"a frame of {light.shape} does not fit a flat field of {self.shape}")
        out = light.astype(np.float32)
        for part, plane in zip([*planes(out, self.bayer)], self.planes, strict=True):
            np.subtract(part, np.float32(plane.dark), out=part)
        return out * self.gain_map(fine)

    def read_fine(self, data: bytes) -> F32:
        """Return the factors of single pixels from their file's bytes.

        Raises:
            CalibrationAlteredError: they are not the ones that the certificate names.
        """
        if sha256(data) != self.fine:
            raise CalibrationAlteredError(
                "the flat field's map of single pixels is not the certificate's: fetch the original"
            )
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class FlatMeasurement:
    """A flat field and the pattern of single pixels.

    Attributes:
        field: the smooth part; names the digest of `fine`.
        fine: bytes of the .npy file of factors, float32 of the frame's shape; None with a single flat.
        u_fine: relative standard uncertainty of one of those factors; None with a single flat.
    """

    field: FlatField
    fine: bytes | None
    u_fine: float | None


def measure_flat(
    darks: Sequence[Codes], flats: Sequence[Codes], *, table: F32, bayer: Bayer | None = None
) -> FlatMeasurement:
    """Find dark level, falloff and pixel pattern, each colour plane by itself.

    Args:
        darks: one or more frames without light.
        flats: one or more frames of an evenly lit, empty surface, one exposure; more tell the pattern better.
        table: (white + 1,) float32 code to linear light; codes are 8 to 16 bits.
        bayer: colours of the first four pixels of raw mosaic frames, before interpolation.

    Raises:
        FramesError: no frames, mixed sizes, saturated or black, dark frames with light, levels that differ,
            a surface that falls off to one side, or one with something on it.
    """
    if not darks or not flats:
        raise FramesError("a flat field needs at least one dark frame and one flat: add what is missing")
    white = len(table) - 1
    check_alike([*darks, *flats], white)
    _check_exposed(flats, white)
    shape = flats[0].shape
    names = plane_names(shape, bayer)
    if min(shape[:2]) < 4 * _BLOCKS:
        raise FramesError(f"frames of {shape} are too small for a flat field: give whole frames")
    dark, light, spread = _mean(darks, table)[0], *_mean(flats, table)
    fine = np.ones(shape, np.float32)
    found: list[FlatPlane] = []
    variances: list[float] = []
    parts = zip(*(planes(a, bayer) for a in (dark, light, spread, fine)), strict=True)
    for place, (name, (d, f, s, out)) in enumerate(zip(names, parts, strict=True)):
        level = float(f.mean(dtype=np.float64)) - float(d.mean(dtype=np.float64))
        plane, surface = _fit(name, d, f, _axes(f.shape, place, bayer, shape[1], shape[0]))
        relative = (f - np.float32(plane.dark)) / (surface * np.float32(level))
        np.divide(1, np.maximum(relative, np.float32(_WEAKEST)), out=out)
        noise = float((s / surface**2).mean(dtype=np.float64)) / level**2 / len(flats)
        if len(flats) > 1:
            pattern = math.sqrt(max(float(relative.var(dtype=np.float64)) - noise, 0.0))
            plane = plane.model_copy(update={"pattern": pattern})
        found.append(plane)
        variances.append(noise)
    data = _npy(fine) if len(flats) > 1 else None
    field = FlatField(
        width=shape[1], height=shape[0], bayer=bayer, planes=tuple(found),
        fine=None if data is None else sha256(data),
    )  # fmt: skip
    return FlatMeasurement(field, data, math.sqrt(max(variances)) if data is not None else None)


def _check_exposed(flats: Sequence[Codes], white: int) -> None:
    for number, flat in enumerate(flats, 1):
        for code, what, remedy in ((white, "saturated", "lower"), (0, "black", "raise")):
            share = np.count_nonzero(flat == code) / flat.size
            if share > _CLIPPED:
                raise FramesError(
                    f"flat {number}: {100 * share:.1f} % of the pixels are {what}: {remedy} exposure or light"
                )


def _mean(frames: Sequence[Codes], table: F32) -> tuple[F32, F32]:
    """Return the mean light of frames, pixel by pixel, and the variance of one frame (0 of a single one)."""
    total, squares = np.zeros(frames[0].shape), np.zeros(frames[0].shape)
    levels: list[float] = []
    for frame in frames:
        light = table[frame]
        levels.append(float(light.mean(dtype=np.float64)))
        total += light
        squares += np.square(light, dtype=np.float64)
    middle = sum(levels) / len(levels)
    if max(levels) - min(levels) > max(_STEADY * middle, 1e-3):
        raise FramesError(
            f"the frames' mean light differs from {min(levels):.3f} to {max(levels):.3f}: fix exposure "
            "and gain, and use a lamp that does not flicker"
        )
    mean = total / len(frames)
    variance = (squares - len(frames) * mean**2) / max(len(frames) - 1, 1)
    return mean.astype(np.float32), np.maximum(variance, 0).astype(np.float32)


def _fit(name: str, dark: F32, flat: F32, axes: tuple[F64, F64]) -> tuple[FlatPlane, F32]:
    """Return a plane and its response at each pixel, from mean frames; what does not fit is told."""
    black = float(dark.mean(dtype=np.float64))
    level = float(flat.mean(dtype=np.float64)) - black
    if black > _BRIGHTEST_DARK * (level + black):
        raise FramesError(f"{name}: the dark frames have light {black:.3f}: put the lens cap on")
    if level < _DARKEST:
        raise FramesError(f"{name}: the flats reach light {level:.3f} only: raise exposure or light")
    columns, rows = _blocks(flat.shape[1]), _blocks(flat.shape[0])
    blocks = (np.array([[_typical(flat[r, c]) for c in columns] for r in rows]) - black) / level
    x = np.array([float(axes[0][c].mean()) for c in columns])
    y = np.array([float(axes[1][r].mean()) for r in rows])
    _check_sides(name, blocks)
    design = np.stack([np.outer(_basis(y)[j], _basis(x)[i]).ravel() for i, j in _TERMS], axis=1)
    coefficients = np.linalg.lstsq(design, blocks.ravel(), rcond=None)[0]
    deviation = blocks.ravel() / (design @ coefficients) - 1
    worst = int(np.argmax(np.abs(deviation)))
    if not abs(deviation[worst]) <= _UNEVEN:
        raise FramesError(
            f"{name}: {100 * deviation[worst]:+.0f} % off the smooth field at "
            f"x {(x[worst % _BLOCKS] + 1) / 2:.0%}, y {(y[worst // _BLOCKS] + 1) / 2:.0%} of the frame: "
            "something lies there, or the surface ends; use a clean, even surface that fills the frame"
        )
    response = tuple(float(c) for c in coefficients / coefficients[0])
    surface = _surface(response, *axes)
    if not float(surface.min()) >= _WEAKEST:
        raise FramesError(f"{name}: parts of the frame get less than a tenth of the mean light: light them")
    rms = float(np.sqrt((deviation**2).mean()))
    return FlatPlane(name=name, dark=black, level=level, response=response, unevenness=rms), surface


def _blocks(length: int) -> list[slice]:
    return [slice(length * i // _BLOCKS, length * (i + 1) // _BLOCKS) for i in range(_BLOCKS)]


def _typical(block: F32) -> float:
    """Return the mean of the middle three fifths: dust does not count, and codes are not rounded again."""
    ordered = np.sort(block, axis=None)
    return float(ordered[len(ordered) // 5 : -(len(ordered) // 5)].mean(dtype=np.float64))


def _check_sides(name: str, blocks: F64) -> None:
    strip = _BLOCKS // 8
    sides = (
        ("left", "right", blocks[:, :strip], blocks[:, -strip:]),
        ("top", "bottom", blocks[:strip], blocks[-strip:]),
    )
    for one, other, first, second in sides:
        a, b = float(first.mean()), float(second.mean())
        if abs(a - b) > _ONE_SIDED:
            raise FramesError(
                f"{name}: {a:.2f} of the mean light at the {one} edge, {b:.2f} at the {other}: the surface "
                "is not evenly lit; turn it, or light it from all sides"
            )


def _axes(
    shape: tuple[int, ...], place: int, bayer: Bayer | None, width: int, height: int
) -> tuple[F64, F64]:
    """Return the columns' and the rows' places in the frame, -1..1, of a plane's pixels."""
    step, left, top = (1, 0, 0) if bayer is None else (2, place % 2, place // 2)
    x = 2 * (left + step * np.arange(shape[1]) + 0.5) / width - 1
    y = 2 * (top + step * np.arange(shape[0]) + 0.5) / height - 1
    return x, y


def _basis(t: F64) -> F64:
    return np.asarray(legendre.legvander(t, DEGREE).T, np.float64)


def _surface(response: Sequence[float], x: F64, y: F64) -> F32:
    matrix = np.zeros((DEGREE + 1, DEGREE + 1))
    for (i, j), value in zip(_TERMS, response, strict=True):
        matrix[j, i] = value
    rows = (_basis(y).T @ matrix).astype(np.float32)
    return rows @ _basis(x).astype(np.float32)


def _npy(array: F32) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()
