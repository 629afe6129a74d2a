"""A colour station: spectra become linear camera light, and light becomes noisy readings and pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from datasets.errors import DatasetError
from datasets.twin.colour.cameras import camera
from datasets.twin.colour.light import Light
from datasets.twin.colour.spectra import F64, WAVELENGTHS
from datasets.twin.metrology import Sensor


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a region's pixels say.

    Attributes:
        rgb: (3,) mean linear light, 0..1 of full scale, black removed; falloff and fixed pattern are in it.
        covariance: (3, 3) of that mean, from the scatter of the pixels.
        codes: (n, 3) uint8 or uint16, the pixels themselves.
        clipped: share of the pixels with a channel at either end of the scale.
    """

    rgb: F64
    covariance: F64
    codes: NDArray[np.uint8] | NDArray[np.uint16]
    clipped: float


@dataclass(frozen=True, slots=True)
class Texture:
    """Lightness of a material's surface that differs from place to place.

    Attributes:
        contrast: relative standard deviation of the reflected light.
        grain_px: side of a grain, within which it is constant.
    """

    contrast: float
    grain_px: int = 1

    def drawn(self, height: int, width: int, rng: np.random.Generator) -> F64:
        """Return (height, width) factors whose mean is 1 exactly: the region's mean colour is not changed."""
        g = self.grain_px
        grains = rng.standard_normal((-(-height // g), -(-width // g)))
        factors = 1 + self.contrast * np.repeat(np.repeat(grains, g, 0), g, 1)[:height, :width]
        return np.maximum(factors / factors.mean(), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class ColourStation:
    """A camera over a lit field. `rgb` is exact; `read`, `chart` and `picture` see it through the sensor.

    Attributes:
        camera: name of its sensitivities, or these (81, 3).
        light: the lamp as it is now.
        sensor: well, noise, codes, falloff and fixed pattern; the point spread acts in pictures only.
        exposure: linear light of the perfect diffuser in its brightest channel under `set_for`.
        size: width and height of the frame, px.
        set_for: the lamp for which the exposure was set; None: `light` itself.
    """

    camera: str | F64 = "industrial-1"
    light: Light = field(default_factory=Light)
    sensor: Sensor = field(default_factory=Sensor)
    exposure: float = 0.85
    size: tuple[int, int] = (1600, 1200)
    set_for: Light | None = None

    def __post_init__(self) -> None:
        if self.sensor.bayer is not None:
            raise DatasetError("a colour station's sensor has no mosaic: its pictures are RGB")
        if self.exposure <= 0:
            raise DatasetError("exposure must be above 0")

    def under(self, light: Light) -> ColourStation:
        """Return the station with another lamp or the same one aged: gain and shutter stay as they were."""
        return replace(self, light=light, set_for=self.set_for or self.light)

    def drifted(self, hours: float) -> ColourStation:
        """Return the station after its lamp has burnt so many more hours."""
        return self.under(self.light.drifted(hours))

    @property
    def response(self) -> F64:
        """(81, 3): `reflectance @ response` is linear camera light."""
        sensitivity = camera(self.camera) if isinstance(self.camera, str) else self.camera
        if sensitivity.shape != (len(WAVELENGTHS), 3):
            raise DatasetError(
                f"sensitivities have shape {sensitivity.shape}; ({len(WAVELENGTHS)}, 3) needed"
            )
        brightest = ((self.set_for or self.light).spectrum @ sensitivity).max()
        return self.light.spectrum[:, None] * sensitivity * (self.exposure / brightest)

    def rgb(self, reflectance: F64) -> F64:
        """Return exact linear light (..., 3) of reflectances (..., 81): no falloff, noise or clipping."""
        return reflectance @ self.response

    def read(
        self,
        reflectance: F64,
        rng: np.random.Generator,
        pixels: int = 400,
        at: tuple[float, float] | None = None,
        texture: Texture | None = None,
    ) -> Reading:
        """Return what `pixels` pixels around a place in the frame say of a reflectance (81,).

        Args:
            reflectance: of the whole region.
            rng: source of noise, flicker and texture; the fixed pattern is the sensor's own.
            pixels: how many, in rows of a square window.
            at: middle of the window, x and y; the frame's middle by default.
            texture: of the material; none by default.

        Raises:
            DatasetError: fewer than 4 pixels, or the window leaves the frame.
        """
        side = math.isqrt(pixels - 1) + 1 if pixels > 3 else 0
        x, y = at or ((self.size[0] - 1) / 2, (self.size[1] - 1) / 2)
        x0, y0 = round(x - (side - 1) / 2), round(y - (side - 1) / 2)
        if side == 0 or min(x0, y0) < 0 or x0 + side > self.size[0] or y0 + side > self.size[1]:
            raise DatasetError(
                f"{pixels} pixels around ({x:g}, {y:g}) do not fit the frame, or are fewer than 4"
            )
        factors = self.sensor.response(self.size, (x0, y0, side, side)) * self.flicker(rng)
        if texture is not None:
            factors = factors * texture.drawn(side, side, rng)
        factors = np.broadcast_to(factors, (side, side)).reshape(-1, 1)[:pixels]
        codes = self.sensor.read(factors * self.rgb(reflectance), rng)
        light = self.sensor.light_of_codes().astype(np.float64)[codes]
        ends = (codes == 0) | (codes == self.sensor.top_code)
        covariance = np.cov(light, rowvar=False) / pixels
        return Reading(light.mean(axis=0), covariance, codes, float(ends.any(axis=1).mean()))

    def flicker(self, rng: np.random.Generator) -> float:
        """Draw the relative power of the lamp in one exposure."""
        return 1 + self.light.flicker * float(rng.standard_normal()) if self.light.flicker else 1.0
