"""How two colours differ in the words of a colourist; always the sample less the reference.

Positive dL* is lighter, da* redder, db* yellower, dC* brighter (more saturated), dH* a larger hue angle (from
red over yellow and green to blue). What chance explains gets no word.
"""

from __future__ import annotations

import math

import numpy as np

from golden.colour_difference import lab_difference
from kernels.compiled import F64

_CHROMATIC = 8.0  # C* of a reference below which hue says little and a* and b* say it better
# Half way between the unique hues of CIE 159:2004, table 2: red 20.14, yellow 90, green 164.25, blue 237.53.
_HUES = (
    (55.07, "yellower", "bluer"),  # red: to a larger angle, to a smaller one
    (127.13, "greener", "redder"),  # yellow
    (200.89, "bluer", "yellower"),  # green
    (308.84, "redder", "greener"),  # blue
    (360.0, "yellower", "bluer"),
)


def words(reference: F64, sample: F64, covariance: F64, coverage: float = 2.0) -> tuple[str, ...]:
    """Return what a colourist would say of the sample, the largest difference first.

    Lightness, chroma and hue; of a nearly neutral reference lightness, a* and b*. A difference within
    `coverage` standard uncertainties gets no word.

    Args:
        reference: (3,) L*a*b*.
        sample: (3,) L*a*b*.
        covariance: (3, 3) of their difference.
        coverage: standard uncertainties that a difference must exceed.
    """
    (l1, a1, b1), (l2, a2, b2) = reference.tolist(), sample.tolist()
    found = lab_difference((l1, a1, b1), (l2, a2, b2))
    chroma = math.hypot(a1, b1)
    spoken = [(found.dl, (1.0, 0.0, 0.0), "lighter", "darker")]
    if chroma < _CHROMATIC:
        spoken += [
            (found.da, (0.0, 1.0, 0.0), "redder", "greener"),
            (found.db, (0.0, 0.0, 1.0), "yellower", "bluer"),
        ]
    else:
        cosine, sine = a1 / chroma, b1 / chroma
        angle = math.degrees(math.atan2(sine, cosine)) % 360
        _, larger, smaller = next(hue for hue in _HUES if angle <= hue[0])
        spoken += [
            (found.dc, (0.0, cosine, sine), "brighter", "duller"),
            (found.dh, (0.0, -sine, cosine), larger, smaller),
        ]
    said: list[tuple[float, str]] = []
    for value, direction, more, less in spoken:
        along = np.array(direction)
        if abs(value) > coverage * math.sqrt(max(float(along @ covariance @ along), 0.0)):
            said.append((abs(value), more if value > 0 else less))
    return tuple(word for _, word in sorted(said, reverse=True))
