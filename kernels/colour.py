"""Colour: linear sRGB to CIE L*a*b* (D65, 2 degrees) and the colour differences, exact, of single pairs.

In every difference the first colour is the reference, which is the golden sample: CIE94 and CMC weigh by its
chroma and hue alone. Each colour is L*a*b*, (3,) float64.

Sources: IEC 61966-2-1:1999; CIE 15:2018; ISO/CIE 11664-6:2014; Sharma, Wu and Dalal (2005),
doi:10.1002/col.20070, whose 34 pairs are met to 1e-4; CIE 116-1995; ISO 105-J03:2009; DIN 6176:2018.
"""

from __future__ import annotations

import math

import numpy as np

from kernels.compiled import F64, compiled

_M = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = _M.sum(axis=1)  # D65 of the matrix itself, so that equal channels are exactly neutral
_25_7 = 25.0**7


def lab_from_linear(rgb: F64) -> F64:
    """Convert linear sRGB in 0..1, shape (..., 3), to L*a*b* of the same shape, float64."""
    xyz: F64 = np.asarray(rgb, np.float64) @ _M.T / _WHITE
    cube_root: F64 = np.cbrt(xyz)
    f: F64 = np.where(xyz > (6 / 29) ** 3, cube_root, xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack(
        (116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])), axis=-1
    )


@compiled
def ciede2000_each(reference: F64, sample: F64) -> F64:
    """Return the CIEDE2000 difference of each pair of rows of L*a*b*, both (n, 3) float64; (n,)."""
    out = np.empty(len(reference))
    for i in range(len(reference)):
        out[i] = ciede2000(reference[i], sample[i])
    return out


@compiled
def ciede2000(reference: F64, sample: F64) -> float:
    """Return the CIEDE2000 difference of two L*a*b* colours, each (3,) float64; kL = kC = kH = 1.

    A hue difference of 180 degrees is a tie that the formula leaves to rounding: here |dh| <= 180 holds
    within 1e-9 degrees, which gives 4.8045 for Sharma's pair 14.
    """
    l1, a1, b1 = reference[0], reference[1], reference[2]
    l2, a2, b2 = sample[0], sample[1], sample[2]
    c_mean = 0.5 * (math.hypot(a1, b1) + math.hypot(a2, b2))
    c7 = c_mean**7
    g = 0.5 * (1.0 - math.sqrt(c7 / (c7 + _25_7)))
    a1p, a2p = (1.0 + g) * a1, (1.0 + g) * a2
    c1, c2 = math.hypot(a1p, b1), math.hypot(a2p, b2)
    h1 = math.degrees(math.atan2(b1, a1p)) % 360.0 if c1 > 0.0 else 0.0
    h2 = math.degrees(math.atan2(b2, a2p)) % 360.0 if c2 > 0.0 else 0.0
    dl, dc = l2 - l1, c2 - c1
    dh = h2 - h1
    h_mean = h1 + h2
    if c1 * c2 == 0.0:
        dh = 0.0
    elif abs(h2 - h1) <= 180.0 + 1e-9:
        h_mean *= 0.5
    else:
        dh += 360.0 if h2 <= h1 else -360.0
        h_mean = 0.5 * (h_mean + 360.0) if h_mean < 360.0 else 0.5 * (h_mean - 360.0)
    dhh = 2.0 * math.sqrt(c1 * c2) * math.sin(math.radians(0.5 * dh))
    l_mean, cp = 0.5 * (l1 + l2), 0.5 * (c1 + c2)
    t = (
        1.0
        - 0.17 * math.cos(math.radians(h_mean - 30.0))
        + 0.24 * math.cos(math.radians(2.0 * h_mean))
        + 0.32 * math.cos(math.radians(3.0 * h_mean + 6.0))
        - 0.20 * math.cos(math.radians(4.0 * h_mean - 63.0))
    )
    cp7 = cp**7
    rt = (
        -2.0
        * math.sqrt(cp7 / (cp7 + _25_7))
        * math.sin(math.radians(60.0 * math.exp(-(((h_mean - 275.0) / 25.0) ** 2))))
    )
    l50 = (l_mean - 50.0) ** 2
    sl = 1.0 + 0.015 * l50 / math.sqrt(20.0 + l50)
    sc = 1.0 + 0.045 * cp
    sh = 1.0 + 0.015 * cp * t
    x, y, z = dl / sl, dc / sc, dhh / sh
    return math.sqrt(max(x * x + y * y + z * z + rt * y * z, 0.0))


@compiled
def cie76(reference: F64, sample: F64) -> float:
    """Return the CIE 1976 difference, the distance in L*a*b* (ISO/CIE 11664-4)."""
    dl, da, db = sample[0] - reference[0], sample[1] - reference[1], sample[2] - reference[2]
    return math.sqrt(dl * dl + da * da + db * db)


@compiled
def cie94(reference: F64, sample: F64, kl: float, k1: float, k2: float) -> float:
    """Return the CIE 1994 difference (CIE 116-1995), weighted by the chroma of the reference.

    Graphic arts: kl 1, k1 0.045, k2 0.015; textiles: kl 2, k1 0.048, k2 0.014.
    """
    c1 = math.hypot(reference[1], reference[2])
    dl, dc2, dh2 = _lightness_chroma_hue(reference, sample)
    sc, sh = 1.0 + k1 * c1, 1.0 + k2 * c1
    return math.sqrt((dl / kl) ** 2 + dc2 / (sc * sc) + dh2 / (sh * sh))


@compiled
def cmc(reference: F64, sample: F64, lightness: float, chroma: float) -> float:
    """Return the CMC(l:c) difference (ISO 105-J03:2009): 2:1 for acceptability, 1:1 for perceptibility."""
    l1, c1 = reference[0], math.hypot(reference[1], reference[2])
    hue = math.degrees(math.atan2(reference[2], reference[1])) % 360.0
    sl = 0.511 if l1 < 16.0 else 0.040975 * l1 / (1.0 + 0.01765 * l1)
    sc = 0.0638 * c1 / (1.0 + 0.0131 * c1) + 0.638
    if 164.0 <= hue <= 345.0:
        t = 0.56 + abs(0.2 * math.cos(math.radians(hue + 168.0)))
    else:
        t = 0.36 + abs(0.4 * math.cos(math.radians(hue + 35.0)))
    f = c1 * c1 / math.sqrt(c1**4 + 1900.0)
    sh = sc * (f * t + 1.0 - f)
    dl, dc2, dh2 = _lightness_chroma_hue(reference, sample)
    return math.sqrt((dl / (lightness * sl)) ** 2 + dc2 / (chroma * sc) ** 2 + dh2 / (sh * sh))


@compiled
def din99o(reference: F64, sample: F64) -> float:
    """Return the DIN99o difference (DIN 6176:2018), kE = kCH = 1: the distance in that space."""
    l1, a1, b1 = _din99o_place(reference)
    l2, a2, b2 = _din99o_place(sample)
    return math.sqrt((l2 - l1) ** 2 + (a2 - a1) ** 2 + (b2 - b1) ** 2)


@compiled
def _lightness_chroma_hue(reference: F64, sample: F64) -> tuple[float, float, float]:
    """Return dL and the squares of dC and dH."""
    dl, da, db = sample[0] - reference[0], sample[1] - reference[1], sample[2] - reference[2]
    dc = math.hypot(sample[1], sample[2]) - math.hypot(reference[1], reference[2])
    return dl, dc * dc, max(da * da + db * db - dc * dc, 0.0)


@compiled
def _din99o_place(lab: F64) -> tuple[float, float, float]:
    cos26, sin26 = math.cos(math.radians(26.0)), math.sin(math.radians(26.0))
    red = lab[1] * cos26 + lab[2] * sin26
    yellow = 0.83 * (lab[2] * cos26 - lab[1] * sin26)
    g = math.hypot(red, yellow)
    chroma = math.log(1.0 + 0.075 * g) / 0.0435
    hue = math.atan2(yellow, red) + math.radians(26.0)
    return 303.67 * math.log(1.0 + 0.0039 * lab[0]), chroma * math.cos(hue), chroma * math.sin(hue)


@compiled
def differences(formula: int, reference: F64, sample: F64) -> F64:
    """Return the differences (n,) of rows of (n, 3) L*a*b*.

    `formula` counts CIEDE2000, CIE94 for graphic arts and for textiles, CMC(2:1), CMC(1:1), CIE76, DIN99o
    from 0.
    """
    out = np.empty(len(reference))
    for n in range(len(reference)):
        one, two = reference[n], sample[n]
        if formula == 0:
            out[n] = ciede2000(one, two)
        elif formula == 1:
            out[n] = cie94(one, two, 1.0, 0.045, 0.015)
        elif formula == 2:
            out[n] = cie94(one, two, 2.0, 0.048, 0.014)
        elif formula == 3:
            out[n] = cmc(one, two, 2.0, 1.0)
        elif formula == 4:
            out[n] = cmc(one, two, 1.0, 1.0)
        elif formula == 5:
            out[n] = cie76(one, two)
        else:
            out[n] = din99o(one, two)
    return out
