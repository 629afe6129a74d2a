"""A colour station: spectra become linear camera light, and light becomes noisy readings and pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from datasets.errors import DatasetError
from datasets.twin.colour.cameras import camera
from datasets.twin.colour.chart import ChartPicture, ChartScene, Codes, coloured
from datasets.twin.colour.light import Light
from datasets.twin.colour.materials import material
from datasets.twin.colour.spectra import F64, WAVELENGTHS
from datasets.twin.colour.spectra import reflectances as published
from datasets.twin.colour.surface import DrawnSurface, Surface
from datasets.twin.metrology import Sensor, expose


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
    codes: Codes
    clipped: float


@dataclass(frozen=True, slots=True, eq=False)
class RegionPicture:
    """A picture of one material and what is true of it.

    Attributes:
        pixels: (h, w, 3) RGB uint8, or uint16 above 8 bits.
        surface: what was drawn: true L*a*b*, dust, glare. Not blurred: dust spreads over the point spread.
    """

    pixels: Codes
    surface: DrawnSurface


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
        balanced: each channel has its own exposure time, so that the perfect diffuser is grey; without it the
            channels differ as the sensitivities do, as an industrial camera is delivered.
    """

    camera: str | F64 = "industrial-1"
    light: Light = field(default_factory=Light)
    sensor: Sensor = field(default_factory=Sensor)
    exposure: float = 0.85
    size: tuple[int, int] = (1600, 1200)
    set_for: Light | None = None
    balanced: bool = False

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
        white = (self.set_for or self.light).spectrum @ sensitivity
        gain = self.exposure / (white if self.balanced else white.max())
        return self.light.spectrum[:, None] * sensitivity * gain

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

    def capture(self, light: F64, rng: np.random.Generator) -> Codes:
        """Return the frame (h, w, 3), uint8 or uint16, that exact linear light (h, w, 3) makes.

        Point spread, falloff, fixed pattern, flicker, noise and codes are added; w and h may be any.
        """
        h, w = light.shape[:2]
        blurred = np.asarray(cv2.GaussianBlur(light, (0, 0), self.sensor.psf_sigma_px), np.float64)
        response = np.atleast_3d(self.sensor.response((w, h), (0, 0, w, h)))
        return self.sensor.read(blurred * response * self.flicker(rng), rng)

    def picture(
        self, reflectance: F64, rng: np.random.Generator, surface: Surface | None = None
    ) -> RegionPicture:
        """Return a picture of one material over the whole frame, with what `surface` says is on it.

        Its `pixels` are codes of the whole frame (h, w, 3); its other fields are the truth.
        """
        drawn = (surface or Surface()).drawn(reflectance, self.size, rng)
        return RegionPicture(self.capture(drawn.light(self.response), rng), drawn)

    def chart(
        self, rng: np.random.Generator, reflectances: F64 | None = None, scene: ChartScene | None = None
    ) -> ChartPicture:
        """Return a picture of a chart, by default a ColorChecker Classic lying tilted in the frame.

        Args:
            rng: source of the placement, what is around the chart, and noise.
            reflectances: (n, 81) of the patches in reading order; "classic" by default.
            scene: how the chart lies and what is wrong.
        """
        patches = published("classic") if reflectances is None else reflectances
        scene = scene or ChartScene()
        view = scene.placed(self.size, rng)
        shapes = scene.painted(patches, rng)
        ground = material(rng) if scene.background is None else scene.background
        light = expose(coloured(shapes, ground, self.response, scene.gradient), view, self.sensor)
        if scene.right is not None:
            other = self.under(scene.right).response
            right = expose(coloured(shapes, ground, other, scene.gradient), view, self.sensor)
            half = 1 / (1 + np.exp(-(np.arange(self.size[0]) - self.size[0] / 2) / (0.02 * self.size[0])))
            light += (right - light) * half[None, :, None]
        centres = view.project(np.column_stack([scene.centres_mm(), np.zeros(len(patches))]))
        if not scene.plate:
            centres[:] = np.nan
        pixels = self.sensor.read(light * self.flicker(rng), rng)
        n = scene.columns
        corners = centres[[0, n - 1, len(centres) - 1, len(centres) - n]]
        return ChartPicture(pixels, corners, centres, self.rgb(patches), _seen(light, centres))

    def flicker(self, rng: np.random.Generator) -> float:
        """Draw the relative power of the lamp in one exposure."""
        return 1 + self.light.flicker * float(rng.standard_normal()) if self.light.flicker else 1.0


def _seen(light: F64, at: F64) -> F64:
    """(n, 3) light at the nearest pixels, NaN outside the frame."""
    x, y = np.rint(np.nan_to_num(at, nan=-1)).astype(np.int64).T
    inside = (x >= 0) & (y >= 0) & (x < light.shape[1]) & (y < light.shape[0])
    out = np.full((len(at), 3), np.nan)
    out[inside] = light[y[inside], x[inside]]
    return out
