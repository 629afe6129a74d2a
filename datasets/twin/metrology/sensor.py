"""What the camera makes of the light on it: point spread, falloff, photon and read noise, codes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from datasets.errors import DatasetError
from datasets.light import Floats, to_linear
from datasets.sensor import quantise
from datasets.twin.metrology.cover import Lobe, Window
from datasets.twin.metrology.shapes import Doubles

Codes = NDArray[np.uint8] | NDArray[np.uint16]
Bayer = Literal["RGGB", "BGGR", "GRBG", "GBRG"]


@dataclass(frozen=True, slots=True)
class Coma:
    """A second Gaussian that makes the point spread lopsided: the sum keeps its centre of gravity at 0.

    Attributes:
        weight: its share of the light, 0..1.
        x_px: where it lies from the first, px.
        y_px: the same down the frame.
        sigma_px: its own standard deviation.
    """

    weight: float
    x_px: float
    y_px: float
    sigma_px: float


@dataclass(frozen=True, slots=True)
class Sensor:
    """A linear sensor (EMVA 1288) behind its optics' point spread; light 1 is a full well.

    Electrons have the variance of their mean plus that of the read noise, here Gaussian, which a Poisson
    count is nearly above some tens of electrons. A pixel covers its whole square.

    Attributes:
        psf_sigma_px: standard deviation of the optics' Gaussian point spread, the pixel not included.
        full_well_e: electrons at saturation, where the highest code is reached; infinite: no noise at all.
        read_noise_e: standard deviation, electrons.
        bits: of a code, 8 to 16; above 8 stored in uint16.
        transfer: codes proportional to light, or sRGB (8 bits, black level 0).
        bayer: colours of the first four pixels, row by row, or None for a sensor without mosaic.
        black_level: code without light.
        vignetting: relative loss of light in the frame's corners, growing with the squared radius.
        gain_spread: relative standard deviation of the pixels' response, a fixed pattern.
        dark_spread_e: standard deviation of the pixels' dark level, electrons, a fixed pattern.
        pattern: seed of both fixed patterns: which individual sensor this is.
        coma: a lopsided point spread, or None.
    """

    psf_sigma_px: float = 1.0
    full_well_e: float = 20000.0
    read_noise_e: float = 5.0
    bits: int = 8
    transfer: Literal["linear", "srgb"] = "linear"
    bayer: Bayer | None = None
    black_level: float = 0.0
    vignetting: float = 0.0
    gain_spread: float = 0.0
    dark_spread_e: float = 0.0
    pattern: int = 0
    coma: Coma | None = None

    def __post_init__(self) -> None:
        if self.psf_sigma_px < 0.2 or (self.coma is not None and self.coma.sigma_px < 0.2):
            raise DatasetError("the point spread needs a standard deviation of at least 0.2 px")
        if not 8 <= self.bits <= 16 or not 0 <= self.black_level < self.top_code:
            raise DatasetError("codes have 8 to 16 bits, and the black level lies below the highest of them")
        if self.transfer == "srgb" and (self.bits != 8 or self.black_level != 0):
            raise DatasetError("sRGB codes have 8 bits and black level 0")
        if self.full_well_e <= 0 or self.read_noise_e < 0 or not 0 <= self.vignetting < 1:
            raise DatasetError("a full well must be above 0, read noise at least 0 and vignetting 0..1")

    @property
    def top_code(self) -> int:
        """The highest code."""
        return 2**self.bits - 1

    @property
    def gain_dn_per_e(self) -> float:
        """Codes per electron of a linear sensor: what a photon transfer should find."""
        return (self.top_code - self.black_level) / self.full_well_e

    @property
    def lobes(self) -> tuple[Lobe, ...]:
        """The point spread as Gaussians (weight, shift x, shift y, standard deviation) around 0, px."""
        coma = self.coma
        if coma is None:
            return ((1.0, 0.0, 0.0, self.psf_sigma_px),)
        w, x, y = coma.weight, coma.x_px, coma.y_px
        return ((1 - w, -w * x, -w * y, self.psf_sigma_px), (w, (1 - w) * x, (1 - w) * y, coma.sigma_px))

    def light_of_codes(self) -> Floats:
        """Return the linear light that each code stands for: float32 (2 ** bits,), 1 being a full well."""
        if self.transfer == "srgb":
            return to_linear(np.arange(256, dtype=np.uint8))
        codes = np.arange(self.top_code + 1)
        return ((codes - self.black_level) / (self.top_code - self.black_level)).astype(np.float32)

    def response(self, size: tuple[int, int], window: Window) -> Doubles:
        """Return each pixel's relative response in a window of a frame (width, height): falloff and gain.

        (h, w), or (1, 1) where all pixels are alike.
        """
        falloff = self._falloff(size, window) if self.vignetting else np.ones((1, 1))
        if not self.gain_spread:
            return falloff
        return falloff * (1 + self.gain_spread * _cropped(_pattern(self.pattern, size), window))

    def dark(self, size: tuple[int, int], window: Window) -> Doubles:
        """Return each pixel's dark level in a window, as light: (h, w), or (1, 1) without a dark spread."""
        if not self.dark_spread_e:
            return np.zeros((1, 1))
        pattern = _cropped(_pattern(self.pattern + 1_000_003, size), window)
        return self.dark_spread_e / self.full_well_e * pattern

    def mosaic(self, light: Doubles, window: Window) -> Doubles:
        """Return (h, w) of light (h, w, 3): at each pixel the one colour that its Bayer filter passes."""
        if self.bayer is None:
            raise DatasetError("this sensor has no mosaic")
        out = np.empty(light.shape[:2])
        for place, colour in enumerate(self.bayer):
            rows = slice((place // 2 - window[1]) % 2, None, 2)
            columns = slice((place % 2 - window[0]) % 2, None, 2)
            out[rows, columns] = light[rows, columns, "RGB".index(colour)]
        return out

    def read(self, light: Doubles, rng: np.random.Generator) -> Codes:
        """Return codes of light, with noise from the generator: uint8, or uint16 above 8 bits."""
        noisy = light.astype(np.float32)
        if np.isfinite(self.full_well_e):
            deviation = np.maximum(noisy, 0)
            deviation *= np.float32(1 / self.full_well_e)
            deviation += np.float32((self.read_noise_e / self.full_well_e) ** 2)
            np.sqrt(deviation, out=deviation)
            deviation *= rng.standard_normal(light.shape, dtype=np.float32)
            noisy += deviation
        if self.transfer == "srgb":
            return quantise(noisy)
        codes = noisy * np.float32(self.top_code - self.black_level)
        codes += np.float32(self.black_level)
        np.rint(codes, out=codes)
        np.clip(codes, 0, self.top_code, out=codes)
        return codes.astype(np.uint8) if self.bits == 8 else codes.astype(np.uint16)

    def _falloff(self, size: tuple[int, int], window: Window) -> Doubles:
        x0, y0, w, h = window
        middle_x, middle_y = (size[0] - 1) / 2, (size[1] - 1) / 2
        x, y = np.arange(x0, x0 + w) - middle_x, np.arange(y0, y0 + h) - middle_y
        corner = max(middle_x**2 + middle_y**2, 1.0)
        return 1 - self.vignetting * (x[None, :] ** 2 + y[:, None] ** 2) / corner


def _cropped(frame: Doubles, window: Window) -> Doubles:
    x0, y0, w, h = window
    return frame[y0 : y0 + h, x0 : x0 + w]


@lru_cache(maxsize=4)
def _pattern(seed: int, size: tuple[int, int]) -> Doubles:
    """The fixed pattern of one sensor: unit variance, the same in each window of each frame."""
    return np.random.default_rng(seed).standard_normal((size[1], size[0]))
