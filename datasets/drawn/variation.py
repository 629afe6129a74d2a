"""Another good unit of the same design: what differs between units that are both right.

Polishing scratches, sheen, stripes of the light, shade of the laminate, the depth of etching, drilling by
hand: none of it is a defect, all of it is drawn, each time with other strengths.
"""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np

from datasets.drawn.materials import Mask, Materials
from datasets.drawn.texture import Surface
from datasets.light import Floats

_EDGE_PX: Final = 7  # the golden image's own profile is kept so near to an edge of the conductor


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], wavelength: float) -> Floats:
    """Return a smooth random field (h, w) of mean about 0 and standard deviation about 1."""
    h, w = shape
    step = max(wavelength / 4, 1.0)
    grid = rng.standard_normal((math.ceil(h / step) + 4, math.ceil(w / step) + 4)).astype(np.float32)
    grid = cv2.GaussianBlur(grid, (0, 0), 1.0) * np.float32(3.5)
    fine = cv2.resize(grid, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine[:h, :w], np.float32)


def other_unit(
    rng: np.random.Generator, codes: Floats, materials: Materials, conductor: Surface, substrate: Surface
) -> Floats:
    """Return the codes (h, w, 3) float32 of another good unit, its conductors where the golden's are."""
    out = _retextured(rng, codes, materials, conductor, substrate)
    _shade(rng, out, materials)
    _polish(rng, out, materials)
    _speckle(rng, out)
    _light_stripes(rng, out)
    return _moved_edges(rng, out, materials)


def _retextured(
    rng: np.random.Generator, codes: Floats, materials: Materials, conductor: Surface, substrate: Surface
) -> Floats:
    """Exchange part or all of the texture for another sample of it, away from edges."""
    h, w = codes.shape[:2]
    out = codes.copy()
    for surface in (conductor, substrate):
        keep = float(rng.choice([0.0, 0.0, rng.uniform(0, 1), 1.0]))
        if keep == 1.0:
            continue
        strength = float(rng.uniform(0.6, 1.5))
        fresh = surface.sample(rng, w, h) * np.float32(strength * math.sqrt(1 - keep * keep))
        inside = cv2.GaussianBlur(surface.seen.astype(np.float32), (0, 0), 3)[..., None]
        out += inside * (fresh - np.float32(1 - keep) * surface.detail)
    rims = np.asarray(cv2.GaussianBlur(_near_edges(materials).astype(np.float32), (0, 0), 2))[..., None]
    calm = cv2.GaussianBlur(out, (0, 0), 6)
    gain = np.float32(rng.uniform(-0.6, 0.5)) + np.float32(0.2) * smooth_field(rng, (h, w), 500)[..., None]
    out += rims * gain * np.maximum(out - calm, 0)  # the bright line along an etched edge
    return out


def _near_edges(materials: Materials) -> Mask:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _EDGE_PX + 1,) * 2)
    return np.asarray(cv2.morphologyEx(materials.conductor.astype(np.uint8), cv2.MORPH_GRADIENT, kernel)) > 0


def _shade(rng: np.random.Generator, out: Floats, materials: Materials) -> None:
    """Change each material's colour slowly: sheen of metal, shade of laminate, blotches of tint."""
    shape = out.shape[:2]
    soft = cv2.GaussianBlur(materials.conductor.astype(np.float32), (0, 0), 2.0)
    for cover, lightness, tint in ((soft, 9.0, 1.6), (1 - soft, 5.0, 1.3)):
        light = np.float32(rng.normal(0, lightness * 0.7)) + sum(
            np.float32(rng.uniform(0, lightness) * share) * smooth_field(rng, shape, wave)
            for wave, share in ((90.0, 0.25), (250.0, 0.5), (800.0, 0.6))
        )
        out += (cover * light)[..., None]
        for channel in range(3):
            shift = np.float32(rng.normal(0, tint)) + np.float32(rng.uniform(0, tint)) * smooth_field(
                rng, shape, float(rng.uniform(100, 900))
            )
            out[..., channel] += cover * shift
    for _ in range(int(rng.integers(0, 6))):
        _blotch(rng, out, np.asarray(1 - 0.6 * soft, np.float32))


def _blotch(rng: np.random.Generator, out: Floats, cover: Floats) -> None:
    """Tint a large area, roundish or rectangular: the golden image's own blotches reach 15 codes."""
    h, w = out.shape[:2]
    mask = np.zeros((h, w), np.float32)
    size = rng.uniform(60, 330, 2)
    x, y = float(rng.uniform(0, w)), float(rng.uniform(0, h))
    box = [int(v) for v in (x - size[0], y - size[1], x + size[0], y + size[1])]
    cv2.rectangle(mask, (box[0], box[1]), (box[2], box[3]), 1.0, -1)
    ragged = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(3, 60)))
    ragged = ragged * (1 + 0.3 * smooth_field(rng, (h, w), 60))
    colour = rng.normal(0, 1, 3)
    colour *= rng.uniform(2, 20) / max(float(np.abs(colour).max()), 1e-6)
    out += (ragged * cover)[..., None] * colour.astype(np.float32)


def _polish(rng: np.random.Generator, out: Floats, materials: Materials) -> None:
    """Draw many fine polishing scratches, stronger on metal."""
    h, w = out.shape[:2]
    where = cv2.GaussianBlur(materials.conductor.astype(np.float32), (0, 0), 1.5)
    count = int(rng.choice([0, 1, 1, 1])) * int(np.exp(rng.uniform(math.log(15), math.log(500))))
    main = float(rng.uniform(0, math.pi))
    spread = float(rng.choice([0.15, 0.5, 3.0]))
    for _ in range(5):
        mask = np.zeros((h, w), np.uint8)
        for _ in range(count // 5):
            _stroke(rng, mask, main + float(rng.normal(0, spread)))
        soft = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), float(rng.uniform(0.4, 0.9)))
        amplitude = float(rng.choice([-1, 1, 1])) * float(rng.uniform(5, 34))
        bare = float(rng.uniform(0.1, 0.6))
        tint = (1 + rng.normal(0, 0.12, 3)).astype(np.float32)
        out += (soft * (bare + (1 - bare) * where))[..., None] * np.float32(amplitude) * tint


def _stroke(rng: np.random.Generator, mask: Floats | np.ndarray, angle: float) -> None:
    h, w = mask.shape
    length = float(np.exp(rng.uniform(math.log(25), math.log(600))))
    bend = float(rng.normal(0, 0.5)) / max(length, 100)
    t = np.linspace(-0.5, 0.5, 12) * length
    turn = angle + bend * t
    x = rng.uniform(0, w) + np.cumsum(np.cos(turn)) * length / 12
    y = rng.uniform(0, h) + np.cumsum(np.sin(turn)) * length / 12
    points = np.round(np.column_stack((x, y)) * 8).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(mask, [points], False, int(rng.integers(90, 256)), 1, cv2.LINE_AA, 3)


def _speckle(rng: np.random.Generator, out: Floats) -> None:
    """Draw dust smaller than any catalogue counts."""
    h, w = out.shape[:2]
    for _ in range(int(rng.integers(0, 40))):
        x, y = float(rng.uniform(0, w)), float(rng.uniform(0, h))
        radius = float(rng.uniform(0.6, 3.5))
        left, top = max(int(x) - 8, 0), max(int(y) - 8, 0)
        part = out[top : top + 17, left : left + 17]
        yy, xx = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
        cover = np.clip(radius + 0.5 - np.hypot((xx - x) * rng.uniform(0.6, 1.6), yy - y), 0, 1)
        part += cover[..., None].astype(np.float32) * np.float32(rng.uniform(-60, 70))


def _light_stripes(rng: np.random.Generator, out: Floats) -> None:
    """Add stripes of the light along one axis, as a lamp or a scan makes them."""
    h, w = out.shape[:2]
    upright = bool(rng.integers(4))
    length = w if upright else h
    along = np.arange(length, dtype=np.float32)
    profile = np.zeros(length, np.float32)
    for _ in range(int(rng.integers(0, 5))):
        period = float(np.exp(rng.uniform(math.log(8), math.log(90))))
        profile += np.float32(rng.uniform(0, 3.5)) * np.sin(
            2 * math.pi * along / np.float32(period) + np.float32(rng.uniform(0, 6.3))
        ).astype(np.float32)
    profile += cv2.GaussianBlur(
        rng.normal(0, rng.uniform(0, 3.0), (1, length)).astype(np.float32), (0, 0), 1.2
    )[0]
    stripes = profile[None, :] if upright else profile[:, None]
    strength = np.clip(1 + 0.4 * smooth_field(rng, (h, w), 700), 0, 2)
    out += (stripes * strength)[..., None]


def _moved_edges(rng: np.random.Generator, out: Floats, materials: Materials) -> Floats:
    """Etch a little more or less, raggedly, and drill the holes where a hand would."""
    h, w = out.shape[:2]
    mask = materials.conductor | materials.dark
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    distance = distance - cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    distance = np.asarray(cv2.GaussianBlur(distance, (0, 0), 2.0), np.float32)
    nx, ny = (
        cv2.Sobel(distance, cv2.CV_32F, 1, 0, scale=1 / 8),
        cv2.Sobel(distance, cv2.CV_32F, 0, 1, scale=1 / 8),
    )
    reach = np.clip(1.5 - np.abs(distance) / 16, 0, 1)
    ragged = np.clip(0.6 + smooth_field(rng, (h, w), 400), 0, 2) * smooth_field(rng, (h, w), 28)
    amount = np.float32(rng.normal(0, 0.7)) + np.float32(rng.uniform(0, 0.9)) * ragged
    amount = np.clip(amount, -4.5, 4.5) * reach
    dx, dy = np.asarray(nx * amount, np.float32), np.asarray(ny * amount, np.float32)
    drift = float(rng.uniform(0, 7))
    common = rng.normal(0, drift, 2)
    for hole in materials.holes:
        _drill(
            hole.x, hole.y, hole.radius, common + rng.normal(0, drift, 2), float(rng.normal(0, 0.8)), dx, dy
        )
    x = np.arange(w, dtype=np.float32)[None, :] + dx
    y = np.arange(h, dtype=np.float32)[:, None] + dy
    moved = cv2.remap(out, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def _drill(
    x: float, y: float, radius: float, shift: np.ndarray, growth: float, dx: Floats, dy: Floats
) -> None:
    """Add the displacement that moves one hole by `shift` and widens it by `growth` pixels of radius."""
    h, w = dx.shape
    limit = 0.6 * radius if radius < 40 else 18.0
    shift = shift * min(1.0, limit / max(float(np.hypot(*shift)), 1e-6))
    reach = int(radius + 10 + 3 * float(np.hypot(*shift)) + 8)
    cx, cy = x + shift[0], y + shift[1]
    x0, x1 = max(int(cx) - reach, 0), min(int(cx) + reach + 1, w)
    y0, y1 = max(int(cy) - reach, 0), min(int(cy) + reach + 1, h)
    yy, xx = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    from_x, from_y = xx - np.float32(cx), yy - np.float32(cy)
    r = np.hypot(from_x, from_y)
    share = np.clip(1 - (r - radius - 3) / max(reach - radius - 3, 1), 0, 1)
    share = share * share * (3 - 2 * share)
    pull = growth * share * np.clip(r / radius, 0, 1) / np.maximum(r, 1)
    for field, offset, away in ((dx, shift[0], from_x), (dy, shift[1], from_y)):
        part = field[y0:y1, x0:x1]
        part *= 1 - share  # the rim follows the drill, not the etching
        part -= (share * np.float32(offset) + pull * away).astype(np.float32)
