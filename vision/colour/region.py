# pyright: reportUnknownMemberType=false
"""The colour of a region of the raw frame: linear light of what is body, with what was left out and why.

Everything works on bins of 2 x 2 pixels: their means are means of whole pixels, and masks cost a quarter.

* Edge: pixels nearer to the outline than blur, demosaicing and registration reach.
* Clipped: bins with a pixel at either end of the codes. Where the body itself reaches there, no mean is true.
* Glare: brighter than the body and less chromatic, over 12 pixels or more. With r the brightness over the
  body's, light reflected at the surface brings the chroma down to 1 / r of the body's, more of the body's own
  light leaves it at 1 (the dichromatic model: Shafer 1985, doi:10.1002/col.5080100409); half way decides. On
  a neutral body only brightness tells. The rim of glare goes with it.
* Dust: darker or brighter than the median about it.

All limits count robust standard deviations of the region itself, so what is textured everywhere is body.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np

from kernels.bins import HIGHEST, LOWEST, light_bins, moments, tile_sums
from kernels.compiled import F32, F64, U8, Codes, Mask

Cause = Literal["edge", "clipped", "glare", "dust"]
CAUSES: tuple[Cause, ...] = get_args(Cause)

BORDER_PX = 3  # along the outline
_FEWEST_BINS = 16
_LEAST_SHARE = 0.5  # of the bins inside the border
_FAR = 5.0  # robust standard deviations
_BRIGHTER = 0.05  # of the body's light, at least, is what glare adds
_NEUTRAL = 0.02  # chroma of a body, of whose glare only brightness tells
_RIM = 2  # bins round glare
_WIDE = 6  # bins along each side of glare
_ABOUT = 5  # every second bin along each side of the window whose median dust is compared with
_TILES = 8  # along each side
_MOST_MISSED = 0.4
_SAMPLE = 8_192  # bins are enough for a median
_EVEN = np.ones((1, 1, 3), np.float32)
_SHIFT = 4  # sub-pixel bits of OpenCV's polygon filling


@dataclass(frozen=True, slots=True)
class NotRead:
    """A region whose colour cannot be read: a reason code of the registry, and what more it takes."""

    reason: str
    needs: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class RegionReading:
    """The colour of one region in one frame.

    Attributes:
        rgb: (3,) mean linear light of the body, 0..1 of full scale.
        covariance: (3, 3) of that mean: what differs from frame to frame by chance. From differences between
            neighbouring tiles, so noise that neighbouring pixels share and texture count in full and smooth
            shading does not; with rounding to codes that noise does not average out.
        degrees_of_freedom: of that covariance.
        excluded: share of the polygon's pixels left out, by cause.
        pixels: how many pixels were averaged.
        light: (rows, columns, 3) float32 light of the bins of the window about the region.
        used: (rows, columns) bool, the bins that are body.
        corner: x, y of the window's first pixel.
    """

    rgb: F64
    covariance: F64
    degrees_of_freedom: float
    excluded: Mapping[Cause, float]
    pixels: int
    light: F32
    used: Mask
    corner: tuple[int, int]

    @property
    def excluded_share(self) -> float:
        """Share of the polygon's pixels left out inside its border."""
        return sum(share for cause, share in self.excluded.items() if cause != "edge")

    @property
    def unseen(self) -> float:
        """Share of what the border leaves that was left out."""
        return unseen(self.excluded)

    @property
    def gloss(self) -> float:
        """Share of the polygon's pixels left out because light is reflected there."""
        return self.excluded["clipped"] + self.excluded["glare"]


def unseen(excluded: Mapping[Cause, float]) -> float:
    """Return the share of what the border leaves that was left out, from shares of the whole region."""
    left = sum(share for cause, share in excluded.items() if cause != "edge")
    return min(1.0, left / max(1 - excluded["edge"], 1e-9))


def read_region(
    pixels: Codes,
    polygon: F64,
    table: F32,
    *,
    flat: F32 | None = None,
    white: F64 | None = None,
) -> RegionReading | NotRead:
    """Read the colour of a polygon in a frame as the camera took it; nothing is resampled.

    Args:
        pixels: (h, w, 3) uint8 or uint16 codes.
        polygon: (n, 2) float64 outline, x and y in pixels of the frame.
        table: (white + 1,) float32 code to linear light.
        flat: (h, w, 3) float32 factors of light, see `FlatField.gain_map`.
        white: (3,) linear light of a white surface in any unit, which tells glare; equal channels if None.

    Returns:
        The reading; or `region_unusable` where less than half of what the border leaves, or fewer than 64
        pixels, can be judged; or `colour_saturated` where the body itself is clipped.
    """
    found = _inside(polygon, pixels.shape[0], pixels.shape[1])
    if found is None:
        return NotRead("region_unusable")
    (left, top), inside, area = found
    light, within, clipping = light_bins(
        pixels,
        table,
        _EVEN if flat is None else flat,
        left,
        top,
        *inside.shape,
    )
    count = int(np.count_nonzero(inside))
    clipped: Mask = inside & (clipping > 0)
    body: Mask = inside & ~clipped
    if np.count_nonzero(body) < max(_FEWEST_BINS, _LEAST_SHARE * count):
        mostly = np.count_nonzero(clipped) > _LEAST_SHARE * count
        return NotRead("colour_saturated" if mostly else "region_unusable")
    balance = np.ones(3, np.float32) if white is None else (np.mean(white) / white).astype(np.float32)
    brightness = light @ balance
    code = float(balance @ _code_steps(np.median(_sample(light[body]), axis=0), table))
    glare = _glare(light, brightness, balance, body, code) | _grown(inside & (clipping & HIGHEST > 0), _RIM)
    glare &= body
    body &= ~glare
    dust = _dust(brightness, body, code) if np.count_nonzero(body) >= _FEWEST_BINS else ~body
    dust &= body
    body &= ~dust
    used = int(np.count_nonzero(body))
    if used == 0:
        return NotRead("region_unusable")
    rgb, variance, inner = moments(light, within, body)
    if _reaches_ends(rgb, 4 * np.sqrt(variance), clipping[inside], table):
        return NotRead("colour_saturated")
    if used < max(_FEWEST_BINS, _LEAST_SHARE * count):
        return NotRead("region_unusable")
    covariance, freedom = _covariance(light, body, rgb, float((variance - 0.75 * inner).sum()))
    covariance += np.diag(_rounding(rgb, inner, table))
    per_bin = 4.0 / area
    excluded: dict[Cause, float] = {
        "edge": max(0.0, 1 - per_bin * count),
        **{
            cause: per_bin * int(np.count_nonzero(part))
            for cause, part in zip(CAUSES[1:], (clipped, glare, dust), strict=True)
        },
    }
    return RegionReading(rgb, covariance, freedom, excluded, 4 * used, light, body, (left, top))


def _inside(polygon: F64, height: int, width: int) -> tuple[tuple[int, int], Mask, float] | None:
    """Return a window's first pixel, its bins that lie wholly inside the border, and the polygon's area, px.

    None where no bin does, or half of the polygon lies outside the frame.
    """
    low = np.maximum(np.floor(polygon.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(polygon.max(axis=0)).astype(int) + 2, (width, height))
    columns, rows = (int(n) for n in (high - low) // 2)
    if rows < 2 or columns < 2:
        return None
    canvas = np.zeros(
        (2 * rows + 2, 2 * columns + 2), np.uint8
    )  # a frame of zeros, so that its ends erode too
    points = np.asarray(np.round((polygon - low + 1) * (1 << _SHIFT)), np.int32)
    cv2.fillPoly(canvas, [points], 1, shift=_SHIFT)
    _clear_frame(canvas)
    seen = float(np.count_nonzero(canvas))
    area = max(seen, float(cv2.contourArea(polygon.astype(np.float32))), 1.0)
    if seen < _LEAST_SHARE * area:
        return None
    side = 2 * BORDER_PX + 1
    disk = np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
    inner = np.asarray(cv2.erode(canvas, disk, borderType=cv2.BORDER_CONSTANT, borderValue=0), np.bool_)[
        1:-1, 1:-1
    ]
    bins: Mask = inner[::2, ::2] & inner[1::2, ::2] & inner[::2, 1::2] & inner[1::2, 1::2]
    return ((int(low[0]), int(low[1])), bins, area) if bins.any() else None


def _clear_frame(canvas: U8) -> None:
    canvas[[0, -1]] = 0
    canvas[:, [0, -1]] = 0


def _grown(part: Mask, reach: int) -> Mask:
    if not part.any():
        return part
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.dilate(part.astype(np.uint8), kernel), np.bool_)


def _sample(values: F32) -> F32:
    """Return enough of (n, ...) values for a median."""
    return values[:: len(values) // _SAMPLE + 1]


def _centre_and_spread(values: F32) -> tuple[float, float]:
    """Return the median and the robust standard deviation of (n,) values, n >= 1."""
    sample = _sample(values)
    middle = len(sample) // 2
    centre = float(np.partition(sample, middle)[middle])
    return centre, 1.4826 * float(np.partition(np.abs(sample - np.float32(centre)), middle)[middle])


def _glare(light: F32, brightness: F32, balance: F32, body: Mask, code: float) -> Mask:
    """Return which bins are light reflected at the surface, with their rim; `code` as in `_dust`."""
    centre, spread = _centre_and_spread(brightness[body])
    bright = body & (brightness > centre + max(_FAR * spread, _BRIGHTER * abs(centre), code))
    if centre <= 0 or not bright.any():
        return np.zeros_like(body)
    colour = np.median(_sample(light[body]), axis=0) * balance
    chroma = colour / colour.sum() - 1 / 3
    if float(np.abs(chroma).max()) > _NEUTRAL:
        seen = brightness[bright][:, None]
        left = (light[bright] * balance / seen - 1 / 3) @ chroma / float(chroma @ chroma)
        bright[bright] = left < (1 + centre / seen[:, 0]) / 2
    return _grown(_wide(bright), _RIM)


def _wide(part: Mask) -> Mask:
    """Return the pieces that hold a square of _WIDE bins: what is smaller may be dust as well as a glint."""
    core = cv2.erode(part.astype(np.uint8), np.ones((_WIDE, _WIDE), np.uint8), borderValue=0)
    if not np.any(core):
        return np.zeros_like(part)
    _, labels = cv2.connectedComponents(part.astype(np.uint8), connectivity=8)
    return part & np.isin(labels, labels[np.asarray(core, np.bool_)])


def _dust(brightness: F32, body: Mask, code: float) -> Mask:
    """Return which bins stand out from the median about them, and their neighbours.

    A plane is taken off first: beside the region, where the window holds nothing, its median is then that of
    the body. `code` is the brightness of one code in each channel: where most pixels have the same few codes,
    the median of deviations says nothing, and rounding alone makes neighbours differ by as much.
    """
    rest = brightness - _plane(brightness, body)
    _, spread = _centre_and_spread(rest[body])
    step = max(spread, 1e-6) / 4  # of the eight bits that the median is taken of
    level = np.where(body, np.clip(np.rint(rest / step) + 128, 0, 255), 128).astype(np.uint8)
    sparse = np.asarray(cv2.medianBlur(np.ascontiguousarray(level[::2, ::2]), _ABOUT), np.float32)
    about = np.repeat(np.repeat(sparse, 2, axis=0), 2, axis=1)[: rest.shape[0], : rest.shape[1]]
    off = np.asarray(rest - (about - 128) * step, np.float32)
    centre, spread = _centre_and_spread(off[body])
    out: Mask = body & (np.abs(off - np.float32(centre)) > max(_FAR * spread, 2 * step, code))
    return _grown(out, 1)


def _plane(values: F32, body: Mask) -> F32:
    """Return the plane, of the window's shape, through those bins that lie near their median."""
    centre, spread = _centre_and_spread(values[body])
    rows, columns = np.nonzero(body & (np.abs(values - np.float32(centre)) <= max(4 * spread, 1e-6)))
    step = len(rows) // _SAMPLE + 1
    rows, columns = rows[::step], columns[::step]
    h, w = values.shape
    design = np.column_stack((np.ones(len(rows)), columns / w, rows / h))
    level, across, down = np.linalg.lstsq(design, values[rows, columns].astype(np.float64), rcond=None)[0]
    down_rows: F64 = level + down / h * np.arange(h, dtype=np.float64)
    along_columns: F64 = across / w * np.arange(w, dtype=np.float64)
    return (down_rows[:, None] + along_columns).astype(np.float32)


def _reaches_ends(mean: F64, reach: F64, clipping: U8, table: F32) -> bool:
    """Return whether the body's own spread reaches an end of the codes that bins do reach."""
    least = 0.001 * len(clipping)
    high = int(np.count_nonzero(clipping & HIGHEST)) > least and bool((mean + reach >= table[-1]).any())
    low = int(np.count_nonzero(clipping & LOWEST)) > least and bool((mean - reach <= table[0]).any())
    return high or low


def _covariance(light: F32, body: Mask, mean: F64, scatter: float) -> tuple[F64, float]:
    """Return the covariance of the bins' mean and its degrees of freedom.

    About 64 tiles; with d the difference of two tiles of n and m bins, next but one to each other, d d' /
    (1/n + 1/m) is the covariance of one bin's share (von Neumann's successive differences, in two
    directions). The mean difference of each direction is shading. Where one bin's share is A times its own
    variance, `scatter`, noise reaches over an area of A bins, and means of tiles of side T miss about
    2 sqrt(A) / (pi T) of it at their borders.
    """
    h, w = body.shape
    rows, columns = max(1, -(-h // _TILES)), max(1, -(-w // _TILES))
    sums, counts = tile_sums(light, body, rows, columns)
    total = counts.sum()
    filled: Mask = counts >= 0.25 * rows * columns
    means = sums / np.maximum(counts, 1)[..., None]
    covariance, pairs = np.zeros((3, 3)), 0
    for a, b in ((np.s_[:, 2:], np.s_[:, :-2]), (np.s_[2:], np.s_[:-2])):
        both = filled[a] & filled[b]
        n = int(np.count_nonzero(both))
        if n > 1:
            weight = 1 / (1 / counts[a][both] + 1 / counts[b][both])
            d = means[a][both] - means[b][both]
            d = d - weight @ d / weight.sum()
            covariance += (d * weight[:, None]).T @ d
            pairs += n - 1
    if pairs == 0:  # nothing tells what neighbours share
        off = light[body].astype(np.float64) - mean
        return 4 * off.T @ off / total**2, 3.0
    covariance /= pairs
    area = max(float(np.trace(covariance)) / max(scatter, 1e-20) - 1, 0.0)
    missed = min(math.sqrt(area / (rows * columns)) / math.pi, _MOST_MISSED)
    return covariance / total / (1 - missed) ** 2, max(1.0, pairs / 2)


def _code_steps(light: F32 | F64, table: F32) -> F64:
    """Return the light, (3,), of one code at light (3,)."""
    code = np.clip(np.searchsorted(table, light), 1, len(table) - 1)
    return (table[code] - table[code - 1]).astype(np.float64)


def _rounding(rgb: F64, variance: F64, table: F32) -> F64:
    """Return the variances, (3,), that rounding to codes gives a mean which noise does not dither.

    Of rounded values with noise of s codes the mean is off by at most exp(-2 pi^2 s^2) / pi codes (Widrow
    and Kollar 2008, Quantization Noise, 4.3); without noise it lies anywhere within a code.
    """
    step = _code_steps(rgb, table)
    noise = np.maximum(variance / np.maximum(step, 1e-12) ** 2 - 1 / 12, 0)
    off = np.minimum(math.sqrt(1 / 12), np.exp(-2 * math.pi**2 * noise) / (math.pi * math.sqrt(2)))
    return (off * step) ** 2
