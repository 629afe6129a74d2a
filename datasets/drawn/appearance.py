"""How a drawn defect looks: laid-in material, molten solder, a film, foreign matter."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math

import cv2
import numpy as np

from datasets.drawn.shapes import Patch, shifted
from datasets.drawn.texture import Surface
from datasets.light import Floats


def inlaid(rng: np.random.Generator, codes: Floats, patch: Patch, surface: Surface) -> None:
    """Show the material in the patch, with the bright or dark line that an edge throws."""
    h, w = patch.cover.shape
    part = codes[patch.window]
    fresh = surface.base[patch.window] + surface.sample(rng, w, h)
    fresh = fresh + np.float32(rng.normal(0, 4)) + rng.normal(0, 1.5, 3).astype(np.float32)
    cover = np.asarray(cv2.GaussianBlur(patch.cover, (0, 0), float(rng.uniform(0.5, 1.0))), np.float32)
    part += cover[..., None] * (fresh - part)
    light = rng.uniform(0, 2 * math.pi)
    slope = math.cos(light) * cv2.Sobel(cover, cv2.CV_32F, 1, 0) + math.sin(light) * cv2.Sobel(
        cover, cv2.CV_32F, 0, 1
    )
    slope = np.asarray(slope) / 4
    strength = float(rng.uniform(0, 90))
    part += (np.maximum(slope, 0) * strength - np.maximum(-slope, 0) * 0.5 * strength)[..., None]


def solder(rng: np.random.Generator, codes: Floats, patch: Patch) -> None:
    """Cover the patch with molten metal: a smooth heap that mirrors bright and dark surroundings."""
    h, w = patch.cover.shape
    size = math.sqrt(float((patch.cover > 0.5).sum()) + 1)
    inside = cv2.distanceTransform(np.pad((patch.cover > 0.5).astype(np.uint8), 1), cv2.DIST_L2, 5)[
        1:-1, 1:-1
    ]
    height = np.sqrt(np.maximum(np.asarray(inside), 0)) * float(rng.uniform(0.5, 2.0))
    for share, wave in ((1.0, 0.35), (0.9, 0.15), (0.7, 0.06)):
        sigma = max(wave * size, 1.5)
        noise = cv2.GaussianBlur(rng.standard_normal((h, w)).astype(np.float32), (0, 0), sigma)
        noise /= max(float(np.std(noise)), 1e-6)
        height = height + noise * np.float32(share * sigma * rng.uniform(0.3, 1.1))
    height = np.asarray(cv2.GaussianBlur(height.astype(np.float32), (0, 0), float(rng.uniform(1.0, 2.5))))
    sx, sy = (
        cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=1 / 8),
        cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=1 / 8),
    )
    tilt = np.hypot(np.asarray(sx), np.asarray(sy))
    turn = np.arctan2(np.asarray(sy), np.asarray(sx))
    phase = rng.uniform(0, 2 * math.pi, 2)
    mirror = (
        np.cos(turn - phase[0]) * np.tanh(2 * tilt)
        + 0.6 * np.cos(2 * turn - phase[1]) * np.tanh(tilt)
        - float(rng.uniform(0.2, 0.9)) * np.tanh(1.5 * tilt)
        + float(rng.uniform(0.1, 0.6))
    )
    # a mirror shows the lamp or the dark, with little between
    steep, middle = float(rng.uniform(1.5, 6.0)), float(rng.normal(-0.25, 0.3))
    low, high = float(rng.uniform(20, 110)), float(rng.uniform(200, 285))
    grey = np.clip(low + (high - low) / (1 + np.exp(-steep * (mirror - middle))), 0, 255).astype(np.float32)
    metal = grey[..., None] * (1 + rng.normal(0, 0.015, 3)).astype(np.float32)
    metal = metal + rng.normal(0, float(rng.uniform(0, 6)), (h, w, 1)).astype(np.float32)
    cover = np.asarray(cv2.GaussianBlur(patch.cover, (0, 0), float(rng.uniform(0.6, 1.3))), np.float32)[
        ..., None
    ]
    part = codes[patch.window]
    part += cover * (metal - part)
    if rng.uniform() < 0.6:  # its shadow and the flux around it
        halo = cv2.GaussianBlur(patch.cover, (0, 0), float(rng.uniform(2, 7)))[..., None] * (1 - cover)
        part *= 1 - np.float32(rng.uniform(0.1, 0.5)) * halo


def film(rng: np.random.Generator, codes: Floats, patch: Patch) -> Patch:
    """Lay a film over the patch; return where it is to be seen."""
    h, w = patch.cover.shape
    edge = float(rng.uniform(0.7, 5.0))
    cover = np.asarray(cv2.GaussianBlur(patch.cover, (0, 0), edge), np.float32)
    uneven = rng.standard_normal((max(h // 8, 2), max(w // 8, 2))).astype(np.float32)
    uneven = np.asarray(
        cv2.resize(cv2.GaussianBlur(uneven, (0, 0), 1.5), (w, h), interpolation=cv2.INTER_CUBIC)
    )
    thick = cover * np.clip(1 + float(rng.uniform(0, 1.2)) * uneven, 0.25, 2)
    if rng.uniform() < 0.4:  # dried from its rim
        rim = cover * (1 - cover) * 4
        thick = 0.5 * thick + float(rng.uniform(0.3, 1.0)) * rim
    part = codes[patch.window]
    strength = float(rng.uniform(0.15, 0.6))
    if rng.uniform() < 0.7:
        absorbs = np.array([0.6, 0.75, 1.0]) * rng.uniform(0.6, 1.4, 3)
        part *= np.exp(-strength * 1.4 * thick[..., None] * absorbs.astype(np.float32))
    else:
        veil = rng.uniform(170, 240) * (1 + rng.normal(0, 0.05, 3))
        part += (np.clip(strength * thick, 0, 0.85))[..., None] * (veil.astype(np.float32) - part)
    return Patch(patch.x0, patch.y0, (cover > 0.4).astype(np.float32))


def fibre_colour(rng: np.random.Generator) -> Floats:
    """Return a colour of foreign matter, codes: dark, light or coloured."""
    if rng.uniform() < 0.6:
        grey = float(rng.choice([rng.uniform(15, 75), rng.uniform(200, 245)]))
        return (grey * (1 + rng.normal(0, 0.06, 3))).astype(np.float32)
    return rng.uniform(20, 230, 3).astype(np.float32)


def lump(rng: np.random.Generator, codes: Floats, patch: Patch, colour: Floats, relief: float) -> Patch:
    """Put opaque matter on the patch, shaded by its relief, with a shadow beside it."""
    h, w = patch.cover.shape
    cover = np.asarray(cv2.GaussianBlur(patch.cover, (0, 0), float(rng.uniform(0.5, 1.2))), np.float32)
    grain = cv2.GaussianBlur(rng.standard_normal((h, w)).astype(np.float32), (0, 0), float(rng.uniform(1, 4)))
    grain /= max(float(np.std(grain)), 1e-6)
    shade = 1 + np.float32(relief * rng.uniform(0.02, 0.25)) * grain
    part = codes[patch.window]
    dx, dy = (int(n) for n in rng.integers(-3, 4, 2))
    soft = np.asarray(cv2.GaussianBlur(patch.cover, (0, 0), 1.5), np.float32)
    shadow = shifted(soft, dx, dy) * (1 - cover)
    part *= 1 - np.float32(rng.uniform(0, 0.4)) * shadow[..., None]
    part += cover[..., None] * (colour * shade[..., None] - part)
    return patch
