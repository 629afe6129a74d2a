"""Colour differences of single pairs in plain Python: what a reading that is entered differs by.

The first colour is the reference: CIE94 and CMC weigh by its lightness, chroma and hue alone, so that
exchanging the two changes the number. `kernels.colour` holds the same formulas for images.

Sources: ISO/CIE 11664-4:2019 (CIE76), ISO/CIE 11664-6:2022 (CIEDE2000) with Sharma, Wu and Dalal (2005),
doi:10.1002/col.20070, whose 34 pairs are met to 1e-4, CIE 116-1995 (CIE94), ISO 105-J03:2009 (CMC),
DIN 6176:2018 (DIN99o).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from golden.colours import Formula

LabValues = tuple[float, float, float]

_TIE = 1e-9  # degrees: rounding does not decide on which side of 180 a hue difference lies


@dataclass(frozen=True, slots=True)
class LabDifference:
    """Sample less reference in L*, a*, b*, chroma C*ab and hue H*ab; hue is positive anticlockwise."""

    dl: float
    da: float
    db: float
    dc: float
    dh: float


def delta_e(reference: LabValues, sample: LabValues, formula: Formula = "CIEDE2000") -> float:
    """Return the colour difference of a sample to its reference, parametric factors as the name says.

    CIEDE2000 and DIN99o have all factors 1, CIE94 those of graphic arts (1:1) or textiles (2:1), CMC(l:c) is
    2:1 for acceptability or 1:1 for perceptibility. In CIEDE2000 two hues 180 degrees apart are a tie: within
    1e-9 degrees they count as at most 180 apart, which gives 4.8045 for pair 14 of Sharma, Wu and Dalal.
    """
    return _FORMULAS[formula](reference, sample)


def lab_difference(reference: LabValues, sample: LabValues) -> LabDifference:
    """Return the differences that colourists speak of."""
    (l1, a1, b1), (l2, a2, b2) = reference, sample
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    turn = math.atan2(a1 * b2 - b1 * a2, a1 * a2 + b1 * b2)  # from the reference's hue to the sample's
    return LabDifference(l2 - l1, a2 - a1, b2 - b1, c2 - c1, 2 * math.sqrt(c1 * c2) * math.sin(turn / 2))


def _cie76(reference: LabValues, sample: LabValues) -> float:
    return math.dist(reference, sample)


def _cie94(kl: float, k1: float, k2: float) -> Callable[[LabValues, LabValues], float]:
    def difference(reference: LabValues, sample: LabValues) -> float:
        d = lab_difference(reference, sample)
        chroma = math.hypot(reference[1], reference[2])
        return math.hypot(d.dl / kl, d.dc / (1 + k1 * chroma), d.dh / (1 + k2 * chroma))

    return difference


def _cmc(lightness: float, chroma: float) -> Callable[[LabValues, LabValues], float]:
    def difference(reference: LabValues, sample: LabValues) -> float:
        d = lab_difference(reference, sample)
        l1, a1, b1 = reference
        c1, h1 = math.hypot(a1, b1), math.degrees(math.atan2(b1, a1)) % 360
        sl = 0.511 if l1 < 16 else 0.040975 * l1 / (1 + 0.01765 * l1)
        sc = 0.0638 * c1 / (1 + 0.0131 * c1) + 0.638
        if 164 <= h1 <= 345:
            t = 0.56 + abs(0.2 * math.cos(math.radians(h1 + 168)))
        else:
            t = 0.36 + abs(0.4 * math.cos(math.radians(h1 + 35)))
        f = math.sqrt(c1**4 / (c1**4 + 1900))
        return math.hypot(d.dl / (lightness * sl), d.dc / (chroma * sc), d.dh / (sc * (f * t + 1 - f)))

    return difference


def _ciede2000(reference: LabValues, sample: LabValues) -> float:
    (l1, a1, b1), (l2, a2, b2) = reference, sample
    grey = _seventh((math.hypot(a1, b1) + math.hypot(a2, b2)) / 2)
    a1, a2 = a1 * (1.5 - 0.5 * grey), a2 * (1.5 - 0.5 * grey)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1 = math.degrees(math.atan2(b1, a1)) % 360 if c1 else 0.0
    h2 = math.degrees(math.atan2(b2, a2)) % 360 if c2 else 0.0
    turn, hue = h2 - h1, (h1 + h2) / 2
    if c1 == 0 or c2 == 0:
        turn, hue = 0.0, h1 + h2
    elif abs(turn) > 180 + _TIE:
        turn -= math.copysign(360, turn)
        hue += 180 if hue < 180 else -180
    dh = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * math.cos(math.radians(hue - 30))
        + 0.24 * math.cos(math.radians(2 * hue))
        + 0.32 * math.cos(math.radians(3 * hue + 6))
        - 0.20 * math.cos(math.radians(4 * hue - 63))
    )
    rotation = math.sin(math.radians(60 * math.exp(-(((hue - 275) / 25) ** 2))))
    far = (lightness - 50) ** 2
    x = (l2 - l1) / (1 + 0.015 * far / math.sqrt(20 + far))
    y = (c2 - c1) / (1 + 0.045 * chroma)
    z = dh / (1 + 0.015 * chroma * t)
    return math.sqrt(max(x * x + y * y + z * z - 2 * _seventh(chroma) * rotation * y * z, 0.0))


def _seventh(chroma: float) -> float:
    """Return sqrt(C^7 / (C^7 + 25^7)): 0 of grey, 1 of saturated colours."""
    return math.sqrt(chroma**7 / (chroma**7 + 25.0**7))


def _din99o(reference: LabValues, sample: LabValues) -> float:
    return math.dist(_din99o_place(reference), _din99o_place(sample))


def _din99o_place(lab: LabValues) -> LabValues:
    lightness, a, b = lab
    cos, sin = math.cos(math.radians(26)), math.sin(math.radians(26))
    red, yellow = a * cos + b * sin, 0.83 * (b * cos - a * sin)
    chroma = math.log(1 + 0.075 * math.hypot(red, yellow)) / 0.0435
    hue = math.atan2(yellow, red) + math.radians(26)
    return (
        303.67 * math.log(1 + 0.0039 * lightness),
        chroma * math.cos(hue),
        chroma * math.sin(hue),
    )


_FORMULAS: Mapping[Formula, Callable[[LabValues, LabValues], float]] = {
    "CIEDE2000": _ciede2000,
    "CIE94_graphic_arts": _cie94(1, 0.045, 0.015),
    "CIE94_textiles": _cie94(2, 0.048, 0.014),
    "CMC_2_1": _cmc(2, 1),
    "CMC_1_1": _cmc(1, 1),
    "CIE76": _cie76,
    "DIN99o": _din99o,
}
