"""Scenes whose image is known in closed form: disks, half-planes and bars at sub-pixel positions.

Coordinates are pixels with centres at integers, x right, y down. A pixel holds the mean over its square of
the scene blurred by a Gaussian, in linear light. Shapes are painted in turn, each over what lies below; that
is exact while no shape's edge comes within four sigma of another's.
"""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.errors import DatasetError
from datasets.light import Floats
from datasets.sensor import add_noise, quantise

Doubles = NDArray[np.float64]
Point = tuple[float, float]

_FINE: Final = 8  # sub-pixels per pixel for disks, whose blurred image has no closed form
_erf = np.vectorize(math.erf, otypes=[np.float64])


class Shape(Protocol):
    """Something of one brightness in a scene."""

    @property
    def level(self) -> float:
        """Linear light of the shape, 0..1."""
        ...

    def cover(self, width: int, height: int, sigma: float) -> Doubles:
        """Return how much of each pixel (height, width) the blurred shape covers."""
        ...


@dataclass(frozen=True)
class HalfPlane:
    """All points p with (p - point) . n <= 0, where n = (cos, sin) of `angle_deg` points out of the shape."""

    point_px: Point
    angle_deg: float
    level: float

    def cover(self, width: int, height: int, sigma: float) -> Doubles:
        """Return the coverage, exact for any angle and sigma above 0."""
        return _edge(width, height, self.point_px, self.angle_deg, sigma)


@dataclass(frozen=True)
class Bar:
    """An endless bar through `center_px`, `width_px` wide along the direction `angle_deg` across it."""

    center_px: Point
    angle_deg: float
    width_px: float
    level: float

    def cover(self, width: int, height: int, sigma: float) -> Doubles:
        """Return the coverage, exact for any angle and sigma above 0."""
        if not self.width_px > 0:
            raise DatasetError(f"Bar.width_px is {self.width_px}; give a width above 0")
        turn, half = math.radians(self.angle_deg), self.width_px / 2
        nx, ny = half * math.cos(turn), half * math.sin(turn)
        x, y = self.center_px
        far = _edge(width, height, (x + nx, y + ny), self.angle_deg, sigma)
        return far - _edge(width, height, (x - nx, y - ny), self.angle_deg, sigma)


@dataclass(frozen=True)
class Disk:
    """A full circle: a hole where `level` is below the background, a pad where it is above."""

    center_px: Point
    radius_px: float
    level: float

    def cover(self, width: int, height: int, sigma: float) -> Doubles:
        """Return the coverage: areas exact on a grid eight times finer, blurred there."""
        if not 0 < self.radius_px <= 8192:
            raise DatasetError(f"Disk.radius_px is {self.radius_px}; give a radius above 0, at most 8192")
        reach = self.radius_px + 6 * sigma + 1
        x0, y0 = (math.floor(at - reach) for at in self.center_px)
        x1, y1 = (math.ceil(at + reach) + 1 for at in self.center_px)
        edges_x = np.arange((x1 - x0) * _FINE + 1) / _FINE - 0.5 + x0 - self.center_px[0]
        edges_y = np.arange((y1 - y0) * _FINE + 1) / _FINE - 0.5 + y0 - self.center_px[1]
        corners = _disk_quadrant(edges_x[None, :], edges_y[:, None], self.radius_px)
        fine = np.diff(np.diff(corners, axis=0), axis=1) * _FINE**2
        own = math.sqrt((sigma * _FINE) ** 2 - 1 / 12)  # the rest of the blur is the fine pixel's square
        size = 2 * math.ceil(6 * own) + 1
        blurred = np.asarray(cv2.GaussianBlur(fine, (size, size), own, borderType=cv2.BORDER_CONSTANT))
        pixels = blurred.reshape(y1 - y0, _FINE, x1 - x0, _FINE).mean(axis=(1, 3))
        cover = np.zeros((height, width), dtype=np.float64)
        left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
        if left < right and top < bottom:
            cover[top:bottom, left:right] = pixels[top - y0 : bottom - y0, left - x0 : right - x0]
        return cover


@dataclass(frozen=True)
class Scene:
    """A background of one brightness with shapes painted on it in turn, seen with Gaussian blur.

    Raises:
        DatasetError: A size, sigma or level is out of range.
    """

    width: int
    height: int
    background: float
    shapes: tuple[Shape, ...]
    blur_sigma_px: float = 0.7

    def __post_init__(self) -> None:
        """Refuse a scene that cannot be drawn."""
        if not (1 <= self.width <= 16_384 and 1 <= self.height <= 16_384):
            raise DatasetError(f"a scene of {self.width} x {self.height} px; give 1 to 16384 px each way")
        if not 0.05 <= self.blur_sigma_px <= 50:
            raise DatasetError(f"Scene.blur_sigma_px is {self.blur_sigma_px}; give 0.05 to 50 px")
        for level in (self.background, *(shape.level for shape in self.shapes)):
            if not 0 <= level <= 1:
                raise DatasetError(f"a scene has a level of {level}; give linear light from 0 to 1")

    def light(self) -> Floats:
        """Return linear light (height, width, 3) float32, three equal channels."""
        grey = np.full((self.height, self.width), self.background, dtype=np.float64)
        for shape in self.shapes:
            grey += shape.cover(self.width, self.height, self.blur_sigma_px) * (shape.level - grey)
        return np.repeat(np.clip(grey, 0, 1).astype(np.float32)[:, :, None], 3, axis=2)

    def codes(
        self, seed: int = 0, *, full_well_e: float = math.inf, read_noise_e: float = 0.0
    ) -> NDArray[np.uint8]:
        """Return 8-bit sRGB codes (height, width, 3), noisy where a full well is given, by `seed`."""
        light = self.light()
        rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed)))
        add_noise(light, rng, full_well_e=full_well_e, read_noise_e=read_noise_e)
        return quantise(light)


def _disk_quadrant(x: Doubles, y: Doubles, radius: float) -> Doubles:
    """Return the area of a disk about the origin that lies left of x and above y, broadcast."""
    x, y = np.broadcast_arrays(np.clip(x, -radius, radius), np.clip(y, -radius, radius))

    def under_arc(u: Doubles) -> Doubles:
        """Integrate the half chord from 0 to u."""
        return (u * np.sqrt(np.maximum(radius**2 - u * u, 0)) + radius**2 * np.arcsin(u / radius)) / 2

    left_of_x = 2 * under_arc(x) + math.pi * radius**2 / 2
    half_chord = np.sqrt(np.maximum(radius**2 - y * y, 0))
    until = np.clip(x, -half_chord, half_chord)
    beyond_y = under_arc(until) + under_arc(half_chord) - np.abs(y) * (until + half_chord)
    return np.where(y > 0, left_of_x - beyond_y, beyond_y)


def _edge(width: int, height: int, point: Point, angle_deg: float, sigma: float) -> Doubles:
    """Return the blurred half-plane's mean over each pixel.

    Across a straight edge, averaging over a square pixel is averaging over two boxes, of |cos| and |sin| of
    the normal's angle: differences of the repeated integrals of the Gaussian's distribution function.
    """
    turn = math.radians(angle_deg)
    nx, ny = math.cos(turn), math.sin(turn)
    x = (np.arange(width) - point[0]) * nx
    y = (np.arange(height) - point[1]) * ny
    inward = -(x[None, :] + y[:, None]) / sigma
    a, b = sorted((abs(nx) / (2 * sigma), abs(ny) / (2 * sigma)), reverse=True)
    cover = (inward > 0).astype(np.float64)
    near = np.abs(inward) < 8 + a + b
    d = inward[near]
    if b < 1e-5:
        cover[near] = (_integral(d + a) - _integral(d - a)) / (2 * a)
    else:
        outer = _second_integral(d + a + b) + _second_integral(d - a - b)
        cover[near] = (outer - _second_integral(d + a - b) - _second_integral(d - a + b)) / (4 * a * b)
    return np.clip(cover, 0, 1)


def _distribution(x: Doubles) -> Doubles:
    return 0.5 * (1 + _erf(x / math.sqrt(2)))


def _density(x: Doubles) -> Doubles:
    return np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _integral(x: Doubles) -> Doubles:
    return x * _distribution(x) + _density(x)


def _second_integral(x: Doubles) -> Doubles:
    return 0.5 * ((x * x + 1) * _distribution(x) + x * _density(x))
