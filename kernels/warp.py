"""Resampling of a colour image: to half its size, and through a smooth map, bilinear.

Where a row comes from neighbours in one row of the image, which a nearly upright unit of nearly the golden
size gives for hundreds of pixels on end, whole runs are interpolated as vectors of 16-bit fixed point.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from kernels.compiled import F32, F64, I32, U8, compiled
from kernels.fixed_point import add, scale, shift_left, shift_right, subtract

_I16 = npt.NDArray[np.int16]
_LANES = 32
_NEXT = np.uint64(3)  # codes to the next pixel
_FAR = 2**29  # a place's fixed point stays below, so that a sum of three places does not overflow
_PLACE_BITS = 16  # of a fraction of a pixel, less in images of more than 8192 pixels
_CODE_BITS = np.int16(6)  # of a fraction of a code
_HALF_CODE = np.int16(32)
_ONE, _TWO, _SEVEN = np.int16(1), np.int16(2), np.int16(7)


@compiled
def halve(image: U8, out: U8) -> None:
    """Write the means over squares of 2 x 2 pixels, rounded; what is beyond whole squares is left out.

    Args:
        image: (h, w, 3) uint8.
        out: (h // 2, w // 2, 3) uint8, receives the means.
    """
    height, width = out.shape[:2]
    for j in range(height):
        upper, lower, codes = image[2 * j].reshape(-1), image[2 * j + 1].reshape(-1), out[j].reshape(-1)
        for i in range(width):
            for c in range(3):
                # indices without a sign cannot count from the end, or no vectors would be made
                at, beside = np.uint64(6 * i + c), np.uint64(6 * i + c + 3)
                left = add(np.int16(upper[at]), np.int16(lower[at]))
                right = add(np.int16(upper[beside]), np.int16(lower[beside]))
                codes[np.uint64(3 * i + c)] = np.uint8(shift_right(add(add(left, right), _TWO), _TWO))


@compiled
def warp(image: U8, coefficients: F64, cx: float, cy: float, extent: float, shrunk: int, out: U8) -> None:
    """Resample an image shrunk by `shrunk` into the equally shrunk golden view.

    Args:
        image: (h, w, 3) uint8, at least 2 x 2; beyond its border its border is repeated.
        coefficients: (6, 2) float64 of a quadratic map between full-scale images, see `vision.mapping`.
        cx: centre of the map's basis, x.
        cy: centre of the map's basis, y.
        extent: scale of the map's basis.
        shrunk: how much both images are shrunk.
        out: (p, q, 3) uint8, receives the codes: within 0.54 of the exact ones, on average within 0.01.
    """
    height, width = out.shape[:2]
    bits = _PLACE_BITS
    while max(image.shape[0], image.shape[1], width) << bits > _FAR:
        bits -= 1
    u = np.empty(width, np.float32)
    for i in range(width):
        u[i] = ((i + 0.5) * shrunk - 0.5 - cx) / extent
    origin = np.zeros((width + 7) // 8 * 8, np.int32)
    ends = np.zeros(len(origin), np.uint8)
    # a weight for each code of a pixel, so that a run of pixels is one loop
    right, down = np.empty(3 * width, np.int16), np.empty(3 * width, np.int16)
    flat, codes, stride = image.reshape(-1), out.reshape(-1), 3 * image.shape[1]
    for j in range(height):
        v = ((j + 0.5) * shrunk - 0.5 - cy) / extent
        _places(coefficients, u, v, cx, extent, shrunk, bits, image.shape[:2], origin, right, down)
        for i in range(width - 1):
            ends[i] = origin[i + 1] != origin[i]
        ends[width - 1] = 1
        row, start = codes[3 * j * width : 3 * (j + 1) * width], 0
        for eight, any_of_eight in enumerate(ends.view(np.uint64)):
            if any_of_eight:
                for i in range(8 * eight, 8 * eight + 8):
                    if ends[i]:
                        first = 3 * (origin[start] + start)
                        _run(flat, first, first + stride, right, down, row, 3 * start, 3 * (i + 1 - start))
                        start = i + 1


@compiled
def _places(
    coefficients: F64, u: F32, v: float, cx: float, extent: float, shrunk: int, bits: int,
    shape: tuple[int, int], origin: I32, right: _I16, down: _I16,
) -> None:  # fmt: skip
    """Fill in where the pixels of a row come from: from where on in the image, and weights of the next ones.

    `origin` is the first pixel of the four, counted through the image, less the pixel's own number.
    """
    c, (height, width) = coefficients, shape
    unit = float(1 << bits)
    ax = c[0, 0] + v * (c[2, 0] + v * c[5, 0]) - cx  # of x beside where the identity leads: small
    ay = c[0, 1] + v * (c[2, 1] + v * c[5, 1])
    ax, ay = ax / shrunk * unit, ((ay + 0.5) / shrunk - 0.5) * unit
    whole_x, whole_y = (
        math.floor(ax / unit) * unit,
        math.floor(ay / unit) * unit,
    )  # floats hold the rest better
    ax, bx = np.float32(ax - whole_x), np.float32((c[1, 0] + v * c[4, 0] - extent) / shrunk * unit)
    ay, by = np.float32(ay - whole_y), np.float32((c[1, 1] + v * c[4, 1]) / shrunk * unit)
    sx, sy = np.float32(c[3, 0] / shrunk * unit), np.float32(c[3, 1] / shrunk * unit)
    base_x = np.int32(min(max(whole_x, -float(_FAR)), float(_FAR)))
    base_y = np.int32(min(max(whole_y, -float(_FAR)), float(_FAR)))
    far, nothing, one = np.float32(_FAR), np.int32(0), np.int32(1)
    most_x, most_y = np.int32((width - 1) << bits), np.int32((height - 1) << bits)
    last_x, last_y, stride = np.int32(width - 2), np.int32(height - 2), np.int32(width)
    b, rest, most = np.int32(bits), np.int32(16 - bits), np.int32(32767)
    for i in range(len(u)):
        beside_x = np.int32(min(max(ax + u[i] * (bx + u[i] * sx), -far), far))
        beside_y = np.int32(min(max(ay + u[i] * (by + u[i] * sy), -far), far))
        own = np.int32(i)
        x, y = add(beside_x, add(base_x, shift_left(own, b))), add(beside_y, base_y)
        x, y = min(max(x, nothing), most_x), min(max(y, nothing), most_y)
        left, top = min(shift_right(x, b), last_x), min(shift_right(y, b), last_y)
        origin[i] = add(np.int32(top * stride), subtract(left, own))
        beyond_x, beyond_y = subtract(x, shift_left(left, b)), subtract(y, shift_left(top, b))
        fx = np.int16(min(shift_right(shift_left(beyond_x, rest), one), most))
        fy = np.int16(min(shift_right(shift_left(beyond_y, rest), one), most))
        right[3 * i], down[3 * i] = fx, fy
        right[3 * i + 1], down[3 * i + 1] = fx, fy
        right[3 * i + 2], down[3 * i + 2] = fx, fy


@compiled
def _run(image: U8, here: int, below: int, right: _I16, down: _I16, out: U8, start: int, count: int) -> None:
    """Interpolate at least `count` codes from those that start at `here` and in the next row at `below`.

    Whole vectors are made where there is room: what is too much is made anew by the next run.
    """
    p, q, s = np.uint64(here), np.uint64(below), np.uint64(start)
    whole = (count + _LANES - 1) // _LANES * _LANES
    count = max(min(whole, len(out) - start, len(image) - below - 3), count)
    for i in range(count):
        k = np.uint64(i)
        a, b = np.int16(image[p + k]), np.int16(image[p + k + _NEXT])
        c, d = np.int16(image[q + k]), np.int16(image[q + k + _NEXT])
        upper = add(shift_left(a, _CODE_BITS), scale(shift_left(subtract(b, a), _SEVEN), right[s + k]))
        lower = add(shift_left(c, _CODE_BITS), scale(shift_left(subtract(d, c), _SEVEN), right[s + k]))
        code = add(upper, scale(shift_left(subtract(lower, upper), _ONE), down[s + k]))
        out[s + k] = np.uint8(shift_right(add(code, _HALF_CODE), _CODE_BITS))
