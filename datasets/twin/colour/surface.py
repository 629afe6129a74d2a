"""What lies on a region of one material: mottle, a gradient of its colour, dust, fibres, glare."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.errors import DatasetError
from datasets.twin.colour.spectra import F64, WAVELENGTHS
from datasets.twin.colour.truth import lab_of, weights

Mask = NDArray[np.bool_]

DUST_LIGHT: Final = 0.7 - 0.25 * np.exp(-(WAVELENGTHS - 380) / 80)
DUST_DARK: Final = 0.06 + 0.03 * (WAVELENGTHS - 380) / 400
_VISIBLE: Final = 0.002  # of the perfect diffuser's light: glare below it is no glare


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """What to draw. Where `mix` is m, the material reflects R + m (other - R).

    Attributes:
        other: reflectance (81,) towards which mottle and gradient go, `near` the region's own; None for
            neither.
        mottle: standard deviation of `mix` over the region.
        grain_px: standard deviation of the Gaussian that smooths the mottle: half a patch's size, about.
        gradient: change of `mix` from the frame's left side to its right.
        dust: number of particles, light or dark, 2 to 8 px across.
        fibres: number of hairs about 1.5 px thick.
        glare: number of highlights: the lamp's own light on top, of Gaussian profile.
        glare_px: their standard deviation.
        glare_level: their height: light of so many perfect diffusers.
        gloss: light of a uniform sheen, in perfect diffusers: what a wrong geometry lets into the lens.
    """

    other: F64 | None = None
    mottle: float = 0.0
    grain_px: float = 8.0
    gradient: float = 0.0
    dust: int = 0
    fibres: int = 0
    glare: int = 0
    glare_px: float = 12.0
    glare_level: float = 1.5
    gloss: float = 0.0

    def __post_init__(self) -> None:
        if (self.mottle or self.gradient) and self.other is None:
            raise DatasetError("mottle and gradient need another reflectance to go towards")
        if min(self.mottle, self.glare_level, self.gloss) < 0 or min(self.grain_px, self.glare_px) <= 0:
            raise DatasetError("mottle, glare and gloss are at least 0, sizes above 0")

    def drawn(self, reflectance: F64, size: tuple[int, int], rng: np.random.Generator) -> DrawnSurface:
        """Return it drawn on a material in a frame (width, height)."""
        width, height = size
        mix = np.zeros((height, width))
        if self.mottle:
            field = np.asarray(cv2.GaussianBlur(rng.standard_normal((height, width)), (0, 0), self.grain_px))
            mix += self.mottle * (field - field.mean()) / field.std()
        mix += self.gradient * (np.arange(width) / max(width - 1, 1) - 0.5)
        dirt = np.zeros((height, width), np.uint8)
        for _ in range(self.dust):
            _speck(dirt, 1 + int(rng.integers(2)), rng)
        for _ in range(self.fibres):
            _fibre(dirt, 1 + int(rng.integers(2)), rng)
        sheen = np.full((height, width), self.gloss)
        x, y = np.arange(width), np.arange(height)[:, None]
        for _ in range(self.glare):
            at_x, at_y = rng.uniform(0, width), rng.uniform(0, height)
            sheen += self.glare_level * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * self.glare_px**2))
        other = reflectance if self.other is None else self.other
        return DrawnSurface(reflectance, other, mix, dirt, sheen, sheen - self.gloss > _VISIBLE)


@dataclass(frozen=True, slots=True, eq=False)
class DrawnSurface:
    """A surface as drawn: the truth of a region picture.

    Attributes:
        reflectance: (81,) of the material.
        other: (81,) what mottle and gradient go towards.
        mix: (h, w) how far, see `Surface`.
        dirt: (h, w) 0 clean, 1 light dust, 2 dark dust.
        sheen: (h, w) light added by the surface, in perfect diffusers.
        glaring: (h, w) where highlights add more than 0.002.
    """

    reflectance: F64
    other: F64
    mix: F64
    dirt: NDArray[np.uint8]
    sheen: F64
    glaring: Mask

    @property
    def clean(self) -> Mask:
        """(h, w) where there is neither dust nor glare."""
        return (self.dirt == 0) & ~self.glaring

    def light(self, response: F64) -> F64:
        """Return exact linear light (h, w, 3) for a station's response (81, 3), sharp and without falloff."""
        specks = np.array([np.zeros(len(WAVELENGTHS)), DUST_LIGHT, DUST_DARK]) @ response
        body = np.where((self.dirt == 0)[..., None], self._mixed(response), specks[self.dirt])
        return body + self.sheen[..., None] * response.sum(axis=0)

    def lab(self, illuminant: str | F64, observer: str = "2") -> F64:
        """Return the true L*a*b* (h, w, 3) of the material itself: mottle and gradient, no dust, no gloss."""
        table = weights(illuminant, observer)
        return lab_of(self._mixed(table) / table.sum(axis=0))

    def mean_lab(self, illuminant: str | F64, observer: str = "2") -> F64:
        """Return the true L*a*b* (3,) of the material's mean reflectance over the frame."""
        table = weights(illuminant, observer)
        return lab_of(self._mixed(table).mean(axis=(0, 1)) / table.sum(axis=0))

    def _mixed(self, table: F64) -> F64:
        own, other = self.reflectance @ table, self.other @ table
        return own + self.mix[..., None] * (other - own)


def _speck(dirt: NDArray[np.uint8], kind: int, rng: np.random.Generator) -> None:
    """Draw a particle of 2 to 8 px."""
    h, w = dirt.shape
    centre = (int(rng.integers(w)), int(rng.integers(h)))
    axes = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    cv2.ellipse(dirt, centre, axes, float(rng.uniform(0, 180)), 0.0, 360.0, kind, cv2.FILLED)


def _fibre(dirt: NDArray[np.uint8], kind: int, rng: np.random.Generator) -> None:
    """Draw a bent hair of 20 to 80 px."""
    h, w = dirt.shape
    turn, bend = rng.uniform(0, 2 * np.pi), rng.uniform(-0.06, 0.06)
    angles = turn + bend * np.arange(int(rng.integers(10, 40)))
    steps = 2 * np.column_stack([np.cos(angles), np.sin(angles)])
    line = rng.uniform((0, 0), (w, h)) + np.cumsum(steps, axis=0)
    cv2.polylines(dirt, [np.rint(line).astype(np.int32)], isClosed=False, color=kind, thickness=2)
