"""Raw frames as linear light: what edges are fitted to. Nothing is resampled."""

from __future__ import annotations

import math
from typing import Self, cast

import numpy as np
import numpy.typing as npt

from calibration.certificate import Noise
from kernels.compiled import F32, F64, U8
from kernels.light import decoding_table, luminance_window

_LEVELS = 256
_LUMINANCE_NOISE = 0.2126**2 + 0.7152**2 + 0.0722**2  # of three equally noisy channels
_TYPICAL = Noise()

Codes = U8 | npt.NDArray[np.uint16]


class RawLight:
    """Linear light of a frame as the camera took it, window by window, with its noise.

    Attributes:
        shape: (h, w) of the frame.
        variance: (256,) float64 noise variance of light from 0 to 1 in equal steps.
        noise_known: whether that was measured; else fits scale it by their residuals.
    """

    def __init__(
        self, pixels: Codes | F32, table: F32 | None, variance: F64, *, noise_known: bool, flat: F32 | None
    ) -> None:
        """Keep the frame; use `of_codes` or `of_light`."""
        self._pixels, self._table, self._flat = pixels, table, flat
        self.shape: tuple[int, int] = (pixels.shape[0], pixels.shape[1])
        self.variance, self.noise_known = variance, noise_known

    @classmethod
    def of_codes(
        cls, pixels: Codes, table: F32, *, noise: Noise | None = None, flat: F32 | None = None
    ) -> Self:
        """Take a frame's codes.

        Args:
            pixels: (h, w) or (h, w, 3) RGB, uint8 or uint16.
            table: (n,) float32 code to light, see `kernels.light.decoding_table`; no code may exceed it.
            noise: the camera's noise in linear light without quantisation; None where it was not measured.
            flat: (h, w) float32 factors that make equally lit pixels equal, or None.
        """
        light = np.linspace(0, 1, _LEVELS)
        step = np.interp(light, table, np.gradient(table.astype(np.float64)))
        model = noise or _TYPICAL
        variance = model.gain * light + model.read**2 + step**2 / 12
        if noise is None:  # weights that nobody measured would only favour one side of an edge
            variance = np.full(_LEVELS, float(np.median(variance)))
        if pixels.ndim == 3:
            variance = variance * _LUMINANCE_NOISE
        return cls(pixels, table, variance, noise_known=noise is not None, flat=flat)

    @classmethod
    def of_light(cls, light: F32, *, noise: Noise | None = None) -> Self:
        """Take (h, w) float32 linear light, 1 being full scale."""
        model = noise or _TYPICAL
        variance = model.gain * np.linspace(0, 1, _LEVELS) + model.read**2
        if noise is None:
            variance = np.full(_LEVELS, float(np.median(variance)))
        return cls(light, None, variance, noise_known=noise is not None, flat=None)

    def window(
        self, x0: float, y0: float, x1: float, y1: float, margin: float = 0.0
    ) -> tuple[F32, int, int] | None:
        """Return the light of the whole pixels that hold x0..x1, y0..y1, their first column and row.

        `margin` pixels on each side may lie outside the frame and are left out there; None where more does.
        """
        height, width = self.shape
        if min(x0, y0) + margin < 0 or x1 - margin > width - 1 or y1 - margin > height - 1:
            return None
        left, top = max(math.floor(x0), 0), max(math.floor(y0), 0)
        right, bottom = min(math.ceil(x1) + 1, width), min(math.ceil(y1) + 1, height)
        part = slice(top, bottom), slice(left, right)
        pixels, table = self._pixels, self._table
        light: F32
        if table is None:
            light = np.ascontiguousarray(pixels[part], np.float32)
        elif pixels.ndim == 2:
            light = np.take(table, pixels[part].astype(np.intp))
        else:
            codes = cast("U8", pixels)  # numba compiles the kernel for uint16 too
            light = luminance_window(codes, table, left, top, right - left, bottom - top)
        return (light if self._flat is None else light * self._flat[part]), left, top

    def variance_of(self, light: F64) -> F64:
        """Return the noise variance at (n,) levels of light."""
        steps = np.clip(light * (_LEVELS - 1) + 0.5, 0, _LEVELS - 1).astype(np.intp)
        return np.take(self.variance, steps)


def table_for(pixels: Codes, transfer: str, white: int | None = None) -> F32:
    """Return the decoding table for a frame's codes; `white` is by default the highest of its type."""
    return decoding_table(transfer, white or int(np.iinfo(pixels.dtype).max))
