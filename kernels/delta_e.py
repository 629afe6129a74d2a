"""Colour differences of whole images in one pass: codes, linear light, flat field, L*a*b*, CIEDE2000.

Each row is read from the frame into buffers that stay in the cache; then loops without branches or
trigonometric calls, of which compilers make vector instructions, turn it into differences. Single precision:
within 0.001 of `colour.ciede2000` but where hues are opposite.

Hues that are 180 degrees apart are a tie, where the formula jumps by up to 4 and leaves the side to rounding.
Here hues within 1e-6 rad of it have the mean of their angles in 0..360 degrees as mean hue, which is how the
published pairs decide it (10 and 14 are ties).
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F32, Codes, contracted, inlined

_f = np.float32
_0, _HALF, _1, _2 = _f(0), _f(0.5), _f(1), _f(2)
# L*a*b* (CIE 15:2018)
_LINEAR_BELOW, _SLOPE, _OFFSET = _f((6 / 29) ** 3), _f(1 / (3 * (6 / 29) ** 2)), _f(4 / 29)
_116, _16, _500, _200 = _f(116), _f(16), _f(500), _f(200)
_DARKEST = _f(1e-4)  # roots of less light are those of this
# inverse cube root: exponent by integer arithmetic, a third-order step, a Newton step (error 1e-7)
_EXPONENT, _THIRD, _TWO_NINTHS = _f(0x54A21D29), _f(1 / 3), _f(2 / 9)
# CIEDE2000
_25_7, _50, _20 = _f(25.0**7), _f(50), _f(20)
_KL, _KC, _TINY, _TIE = _f(0.015), _f(0.045), _f(1e-20), _f(1e-6)
_COS_1, _SIN_1 = (_f(0.17 * v) for v in (math.cos(math.radians(30)), math.sin(math.radians(30))))
_COS_2 = _f(0.24)
_COS_3, _SIN_3 = (_f(0.32 * v) for v in (math.cos(math.radians(6)), math.sin(math.radians(6))))
_COS_4, _SIN_4 = (_f(0.20 * v) for v in (math.cos(math.radians(63)), math.sin(math.radians(63))))
_COS_275, _SIN_275 = _f(math.cos(math.radians(275))), _f(math.sin(math.radians(275)))
# exp(-(h - 275)^2 / 5000) by 1 - cos(h - 275), least squares on 0..1 (error 6e-7 of its eighth power)
_E0, _E1, _E2, _E3, _E4 = (_f(v) for v in (0.99999998, -1.31311826, 0.64319422, -0.14769733, 0.01554325))
# sin(60 degrees x) on 0..1 (error 5e-8)
_Q1, _Q3, _Q5, _Q7 = (_f(v) for v in (1.04719745, -0.191395215, 0.0104884276, -0.00026529639))


@inlined
def _cube_root(t: np.float32) -> np.float32:
    """Return the cube root of a positive number."""
    z = np.int32(_EXPONENT - np.float32(np.float32(t).view(np.int32)) * _THIRD).view(np.float32)
    q = _1 - t * z * z * z
    z = z * (_1 + q * (_THIRD + q * _TWO_NINTHS))
    z = z + z * (_1 - t * z * z * z) * _THIRD
    return t * z * z


@inlined
def _companded(x: np.float32) -> np.float32:
    """Return the f of L*a*b*: the cube root, or its tangent near zero."""
    root = _cube_root(max(x, _LINEAR_BELOW))
    return root if x > _LINEAR_BELOW else x * _SLOPE + _OFFSET


@inlined
def _ciede2000(
    l1: np.float32, a1: np.float32, b1: np.float32, l2: np.float32, a2: np.float32, b2: np.float32
) -> np.float32:
    """Return the difference of two colours; hues are handled as vectors."""
    c = _HALF * (np.sqrt(a1 * a1 + b1 * b1) + np.sqrt(a2 * a2 + b2 * b2))
    c2 = c * c
    c7 = c2 * c2 * c2 * c
    stretch = _1 + _HALF * (_1 - np.sqrt(c7 / (c7 + _25_7)))
    da, db = stretch * (a2 - a1), b2 - b1
    a1, a2 = a1 * stretch, a2 * stretch
    chroma1, chroma2 = np.sqrt(a1 * a1 + b1 * b1), np.sqrt(a2 * a2 + b2 * b2)
    dc, c = chroma2 - chroma1, _HALF * (chroma1 + chroma2)
    # products of like colours cancel, so what is small is made from differences
    dot, both = a1 * a2 + b1 * b2, chroma1 * chroma2
    cross = min(max(a1 * db - b1 * da, -both), both)  # beside a grey the products' rounding is larger
    acute = dot > _0
    clockwise = b1 < _0 if not acute and abs(cross) <= _TIE * both else cross < _0
    wide = both + abs(dot)
    # mean hue: along the sum of the unit vectors, where that is short across their difference
    across_a, across_b = b2 * chroma1 - b1 * chroma2, a1 * chroma2 - a2 * chroma1
    across_a = -across_a if clockwise else across_a
    across_b = -across_b if clockwise else across_b
    mean_a = a1 * chroma2 + a2 * chroma1 if acute else across_a
    mean_b = b1 * chroma2 + b2 * chroma1 if acute else across_b
    norm = _1 / np.sqrt(_2 * both * wide + _TINY)  # of that vector
    cos1, sin1 = mean_a * norm, mean_b * norm
    turned = -wide if clockwise else wide
    dh = (cross if acute else turned) * (_2 * np.sqrt(both) * norm)  # 2 sqrt(C'1 C'2) sin(dh / 2)
    cos2, sin2 = cos1 * cos1 - sin1 * sin1, _2 * cos1 * sin1
    cos3, sin3 = cos1 * cos2 - sin1 * sin2, sin1 * cos2 + cos1 * sin2
    cos4, sin4 = cos2 * cos2 - sin2 * sin2, _2 * cos2 * sin2
    t = _1 - _COS_1 * cos1 - _SIN_1 * sin1 + _COS_2 * cos2
    t = t + _COS_3 * cos3 - _SIN_3 * sin3 - _COS_4 * cos4 - _SIN_4 * sin4
    away = min(_1 - (cos1 * _COS_275 + sin1 * _SIN_275), _1)
    e = _E0 + away * (_E1 + away * (_E2 + away * (_E3 + away * _E4)))
    e = e * e
    e = e * e
    e = e * e
    e2 = e * e
    turn = e * (_Q1 + e2 * (_Q3 + e2 * (_Q5 + e2 * _Q7)))
    c2 = c * c
    c7 = c2 * c2 * c2 * c
    l50 = _HALF * (l1 + l2) - _50
    l50 = l50 * l50
    root = np.sqrt(_20 + l50)
    # weights over one common denominator, since a division costs as much as ten products
    sl, sc, sh, sr = root + _KL * l50, _1 + _KC * c, _1 + _KL * c * t, c7 + _25_7
    lr, ch = sl * sr, sc * sh
    inverse = _1 / (lr * ch)
    x = (l2 - l1) * root * (ch * sr * inverse)
    lr = lr * inverse
    y, z = dc * (sh * lr), dh * (sc * lr)
    rotation = -_2 * np.sqrt(c7 * (sl * ch * inverse)) * turn
    return np.sqrt(x * x + y * y + z * z + rotation * y * z)  # |rotation| < 2: not negative


@contracted
def _light_row(codes: Codes, tables: F32, flat: F32, first: int, step: int, r: F32, g: F32, b: F32) -> None:
    """Fill (w,) linear light with the means of `step` x `step` pixels from row `first` on."""
    if step == 1:
        for x in range(len(r)):
            r[x] = tables[0, codes[first, x, 0]] * flat[0, first, x]
            g[x] = tables[1, codes[first, x, 1]] * flat[1, first, x]
            b[x] = tables[2, codes[first, x, 2]] * flat[2, first, x]
        return
    share = _f(1.0 / (step * step))
    for x in range(len(r)):
        red = green = blue = _0
        for y in range(first, first + step):
            for n in range(step * x, step * x + step):
                red += tables[0, codes[y, n, 0]] * flat[0, y, n]
                green += tables[1, codes[y, n, 1]] * flat[1, y, n]
                blue += tables[2, codes[y, n, 2]] * flat[2, y, n]
        r[x], g[x], b[x] = red * share, green * share, blue * share


@contracted
def _root_row(one: F32, two: F32, out: F32) -> None:
    for n in range(len(out)):
        out[n] = np.sqrt(max(one[n], _DARKEST) * max(two[n], _DARKEST))


@contracted
def _cube_root_row(light: F32, out: F32) -> None:
    for n in range(len(out)):
        out[n] = _cube_root(max(light[n], _DARKEST))


@contracted
def _product_row(one: F32, two: F32, three: F32, out: F32) -> None:
    for n in range(len(out)):
        out[n] = one[n] * two[n] * three[n]


# One output per loop: with more, the compiler cannot rule out that arrays overlap, and makes no vectors.


@contracted
def _linear_row(m: F32, r: F32, g: F32, b: F32, out: F32) -> None:
    m0, m1, m2 = m[0], m[1], m[2]
    for n in range(len(out)):
        out[n] = _companded(m0 * r[n] + m1 * g[n] + m2 * b[n])


@contracted
def _rooted_row(m: F32, r: F32, g: F32, b: F32, rg: F32, gb: F32, rb: F32, out: F32) -> None:
    m0, m1, m2, m3, m4, m5 = m[0], m[1], m[2], m[3], m[4], m[5]
    for n in range(len(out)):
        light = m0 * r[n] + m1 * g[n] + m2 * b[n]
        out[n] = _companded(light + m3 * rg[n] + m4 * gb[n] + m5 * rb[n])


@contracted
def _added_row(factor: np.float32, term: F32, out: F32) -> None:
    for n in range(len(out)):
        out[n] += factor * term[n]


@contracted
def _companded_row(out: F32) -> None:
    for n in range(len(out)):
        out[n] = _companded(out[n])


@contracted
def _roots(t: F32) -> None:
    """Fill terms 3 to 5: sqrt of rg, gb, rb."""
    _root_row(t[0], t[1], t[3])
    _root_row(t[1], t[2], t[4])
    _root_row(t[0], t[2], t[5])


@contracted
def _higher_terms(count: int, t: F32) -> None:
    """Fill the terms after the first six of a root polynomial of degree 3, or after three of a polynomial.

    The order is that of `calibration.colour.model`.
    """
    if count == 9:
        one = np.ones(t.shape[1], np.float32)
        for k, (i, j) in enumerate(((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2))):
            _product_row(t[i], t[j], one, t[3 + k])
        return
    _roots(t)
    root = np.empty((3, t.shape[1]), np.float32)
    for k in range(3):
        _cube_root_row(t[k], root[k])
    for k, (i, j) in enumerate(((0, 1), (1, 2), (0, 2))):
        _product_row(root[i], root[j], root[j], t[6 + k])
        _product_row(root[i], root[i], root[j], t[9 + k])
    _product_row(root[0], root[1], root[2], t[12])


@contracted
def _companded_rows(
    codes: Codes, tables: F32, flat: F32, matrix: F32, y: int, step: int, buffers: F32
) -> None:
    """Fill the first three of (16, w) buffers with companded XYZ of row `y` of the map; others hold terms."""
    t = buffers[3:]
    _light_row(codes, tables, flat, y * step, step, t[0], t[1], t[2])
    count = matrix.shape[1]
    if count == 3:
        for k in range(3):
            _linear_row(matrix[k], t[0], t[1], t[2], buffers[k])
    elif count == 6:
        _roots(t)
        for k in range(3):
            _rooted_row(matrix[k], t[0], t[1], t[2], t[3], t[4], t[5], buffers[k])
    else:
        _higher_terms(count, t)
        for k in range(3):
            buffers[k] = _0
            for n in range(count):
                _added_row(matrix[k, n], t[n], buffers[k])
            _companded_row(buffers[k])


@contracted
def _scaled_row(one: F32, two: F32, scale: np.float32, out: F32) -> None:
    for n in range(len(out)):
        out[n] = scale * (one[n] - two[n])


@contracted
def _difference_row(light1: F32, red1: F32, yellow1: F32, fx: F32, fy: F32, fz: F32, out: F32) -> None:
    """Fill the differences of companded XYZ to L*a*b*, all (w,) float32."""
    for n in range(len(out)):
        out[n] = _ciede2000(
            light1[n], red1[n], yellow1[n],
            _116 * fy[n] - _16, _500 * (fx[n] - fy[n]), _200 * (fy[n] - fz[n]),
        )  # fmt: skip


@contracted
def lab_map(codes: Codes, tables: F32, flat: F32, matrix: F32, step: int, out: F32) -> None:
    """Fill an image of L*a*b*.

    Args:
        codes: (h, w, 3) uint8 or uint16 camera codes.
        tables: (3, n) float32 from code to linear light, black removed, one for each channel.
        flat: (3, h, w) float32 factors of light.
        matrix: (3, p) float32 from the terms of `calibration.colour.model` to XYZ over the white's: p is
            3 of linear models, 6 and 13 of root polynomials of degree 2 and 3, 9 of polynomials of degree 2.
        step: means of step x step pixels of light are taken; 1 or more.
        out: (3, h // step, w // step) float32 L*a*b*.
    """
    buffers = np.empty((16, out.shape[2]), np.float32)
    nothing = np.full(out.shape[2], _16 / _116, np.float32)
    for y in range(out.shape[1]):
        _companded_rows(codes, tables, flat, matrix, y, step, buffers)
        fx, fy, fz = buffers[0], buffers[1], buffers[2]
        _scaled_row(fy, nothing, _116, out[0, y])
        _scaled_row(fx, fy, _500, out[1, y])
        _scaled_row(fy, fz, _200, out[2, y])


@contracted
def delta_e_map(
    codes: Codes, tables: F32, flat: F32, matrix: F32, reference: F32, step: int, out: F32
) -> None:
    """Fill the map of CIEDE2000 of a frame to a reference image.

    Args:
        codes: (h, w, 3) uint8 or uint16 camera codes, see `lab_map` for it and the next four.
        tables: from code to linear light.
        flat: factors of light.
        matrix: from light to XYZ over that of the white.
        reference: (3, h // step, w // step) float32 L*a*b* of the golden sample, as `lab_map` makes it.
        step: means of step x step pixels of light are taken before the difference, since noise makes the
            difference of single pixels too large on average.
        out: (h // step, w // step) float32.
    """
    buffers = np.empty((16, out.shape[1]), np.float32)
    fx, fy, fz = buffers[0], buffers[1], buffers[2]
    for y in range(out.shape[0]):
        _companded_rows(codes, tables, flat, matrix, y, step, buffers)
        _difference_row(reference[0, y], reference[1, y], reference[2, y], fx, fy, fz, out[y])


@contracted
def delta_e_images(reference: F32, sample: F32, out: F32) -> None:
    """Fill (h, w) float32 CIEDE2000 of two (3, h, w) float32 images of L*a*b*, the reference first."""
    for y in range(out.shape[0]):
        l1, a1, b1 = reference[0, y], reference[1, y], reference[2, y]
        l2, a2, b2 = sample[0, y], sample[1, y], sample[2, y]
        row = out[y]
        for n in range(len(row)):
            row[n] = _ciede2000(l1[n], a1[n], b1[n], l2[n], a2[n], b2[n])
