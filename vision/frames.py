# pyright: reportUnknownMemberType=false
"""Files become frames, frames become light; what cannot be judged is told from what cannot be read."""

from __future__ import annotations

import math

import cv2
import numpy as np

from evidence import Frame, FrameError
from golden.errors import ImageError
from golden.images import header
from kernels.compiled import F32, F64, I64, U8
from kernels.light import difference_counts, luma_counts
from vision.pyramid import Pyramid

LARGEST_FILE = 200_000_000
LARGEST_PIXELS = 100_000_000
SMALLEST_SIDE = 64

_SPARSE = 64, 4  # rows of a frame, and each fourth pixel of these, tell how bright it is
_DARK = 0.25  # of the golden image's median code
_SATURATED_SHARE = 0.05  # of pixels beyond those saturated in the golden image
_BLURRED = 0.5  # of the sharpness of the golden image through a camera of _TYPICAL_BLUR_PX
_TYPICAL_BLUR_PX = 0.75
_FLAT_SHARES = (0.99, 0.995, 0.998)
_DIFFERENCES = {2: 75_000, 8: 50_000}  # at each scale, about: some hundreds of them are the steepest
_LEVELS = 1023  # of light that differences are counted by


def read_frame(
    data: bytes, *, view: str, camera: str, captured_at: str | None = None, source: str = "frame"
) -> Frame:
    """Decode an encoded picture (PNG or JPEG) into a frame of (h, w, 3) uint8 RGB.

    Pixels are taken as the file stores them: an orientation tag turns nothing, grey becomes three equal
    channels, 16 bits are cut to 8.

    Raises:
        FrameError: empty, too large, another format, truncated, animated, CMYK, or too small to hold a unit.
    """
    if not data:
        raise FrameError(f"{source}: the file is empty; capture the picture again")
    if len(data) > LARGEST_FILE:
        raise FrameError(
            f"{source}: {len(data)} bytes are more than {LARGEST_FILE}; is it a picture of one unit?"
        )
    try:
        head = header(data, source)
    except ImageError as error:
        raise FrameError(str(error)) from error
    if head.width * head.height > LARGEST_PIXELS:
        raise FrameError(
            f"{source}: {head.width} x {head.height} px are more than "
            f"{LARGEST_PIXELS // 1_000_000} megapixels; crop or shrink the picture"
        )
    if min(head.width, head.height) < SMALLEST_SIDE:
        raise FrameError(f"{source}: {head.width} x {head.height} px are too small to hold a unit")
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise FrameError(f"{source}: does not decode ({error.err}); capture the picture again") from error
    if pixels is None or pixels.shape != (head.height, head.width, 3):  # pyright: ignore[reportUnnecessaryComparison]
        raise FrameError(f"{source}: does not decode; the file is damaged, capture the picture again")
    return Frame(
        pixels=np.asarray(pixels, np.uint8), data=data, view=view, camera=camera, captured_at=captured_at
    )


class Exposure:
    """Tells frames that are too dark, saturated or blurred, relative to the golden image.

    Args:
        golden: (h, w, 3) uint8 codes of the golden image.
        table: (256,) float32 code to light.
    """

    def __init__(self, golden: U8, table: F32) -> None:
        """Keep the golden image's brightness, saturation and sharpness."""
        counts = _lumas(golden)
        self._median = _quantile(counts, 0.5)
        self._saturated = float(counts[254:].sum() / counts.sum())
        blurred = np.empty_like(golden)
        for channel in range(3):
            light = cv2.GaussianBlur(table[golden[..., channel]], (0, 0), _TYPICAL_BLUR_PX)
            blurred[..., channel] = np.searchsorted((table[1:] + table[:-1]) / 2, light)
        self._sharpness = sharpness(Pyramid.of(blurred, table))

    def fault(self, frame: U8) -> str | None:
        """Return `frame_dark`, `frame_saturated` or None for a frame of (h, w, 3) uint8 codes."""
        counts = _lumas(frame)
        if _quantile(counts, 0.75) < _DARK * self._median:
            return "frame_dark"
        if counts[254:].sum() / counts.sum() > self._saturated + _SATURATED_SHARE:
            return "frame_saturated"
        return None

    def blurred(self, frame: Pyramid) -> bool:
        """Return whether fine structure is missing that coarse structure calls for."""
        return bool((sharpness(frame, sparse=True) < _BLURRED * self._sharpness).all())


def _lumas(codes: U8) -> I64:
    rows, columns = _SPARSE
    return luma_counts(codes, max(codes.shape[0] // rows, 1), columns)


def _quantile(counts: I64, share: float) -> float:
    """Return the code that this share of the counted codes stays below, between two of them in proportion."""
    below = np.cumsum(counts)
    place = share * (int(below[-1]) - 1)
    low, high = np.searchsorted(below, [math.floor(place), math.ceil(place)], side="right").tolist()
    return low + (high - low) * (place - math.floor(place))


def sharpness(image: Pyramid, *, sparse: bool = False) -> F64:
    """Return how steep the steepest edges are at 1/2 scale against 1/8, where blur hardly shows.

    One ratio for each of _FLAT_SHARES: glare or dirt can spoil one, only blur lowers all. Contrast cancels,
    and so does how much of the picture is edge. Falls to a half at a blur with a sigma of 1.7 to 4 px. Sparse
    ones are of fewer pixels, and within an eighth of those of all.
    """
    fine, coarse = (
        _steepest(image.at(scale), image.table, most if sparse else None)
        for scale, most in _DIFFERENCES.items()
    )
    return np.where(coarse > 0, fine / np.maximum(coarse, 1), 0.0)


def _steepest(codes: U8, table: F32, most: int | None) -> F64:
    """Return the differences of light over two pixels that all but each of _FLAT_SHARES stays below."""
    step = 1 if most is None else max(2 * codes.shape[0] * codes.shape[1] // most, 1)
    counts = difference_counts(codes, table, step, _LEVELS)
    return np.searchsorted(np.cumsum(counts) / counts.sum(), _FLAT_SHARES).astype(np.float64)
