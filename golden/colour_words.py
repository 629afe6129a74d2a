"""How two colours differ in the words of a colourist; always the sample less the reference.

Positive dL* is lighter, da* redder, db* yellower, dC* brighter (more saturated), dH* a larger hue angle (from
red over yellow and green to blue). What chance explains gets no word.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from golden.colour_difference import LabValues, lab_difference

_CHROMATIC = 8.0  # C* of a reference below which hue says little and a* and b* say it better
# Half way between the unique hues of CIE 159:2004, table 2: red 20.14, yellow 90, green 164.25, blue 237.53.
_HUES = (
    (55.07, "yellower", "bluer"),  # red: to a larger angle, to a smaller one
    (127.13, "greener", "redder"),  # yellow
    (200.89, "bluer", "yellower"),  # green
    (308.84, "redder", "greener"),  # blue
    (360.0, "yellower", "bluer"),
)


def words(
    reference: LabValues, sample: LabValues, covariance: Sequence[Sequence[float]], coverage: float = 2.0
) -> tuple[str, ...]:
    """Return what a colourist would say of the sample, the largest difference first.

    Lightness, chroma and hue; of a nearly neutral reference lightness, a* and b*. A difference within
    `coverage` standard uncertainties gets no word.

    Args:
        reference: L*a*b*.
        sample: L*a*b*.
        covariance: 3 x 3, of their difference.
        coverage: standard uncertainties that a difference must exceed.
    """
    said: list[tuple[float, str]] = []
    for value, along, more, less in _spoken(reference, sample):
        variance = math.fsum(along[i] * along[j] * covariance[i][j] for i in range(3) for j in range(3))
        if abs(value) > coverage * math.sqrt(max(variance, 0.0)):
            said.append((abs(value), more if value > 0 else less))
    return tuple(word for _, word in sorted(said, reverse=True))


def _spoken(reference: LabValues, sample: LabValues) -> list[tuple[float, LabValues, str, str]]:
    """Return each difference with its direction, and the words for more and for less of it."""
    found = lab_difference(reference, sample)
    _, a, b = reference
    chroma = math.hypot(a, b)
    spoken = [(found.dl, (1.0, 0.0, 0.0), "lighter", "darker")]
    if chroma < _CHROMATIC:
        return [
            *spoken,
            (found.da, (0.0, 1.0, 0.0), "redder", "greener"),
            (found.db, (0.0, 0.0, 1.0), "yellower", "bluer"),
        ]
    angle = math.degrees(math.atan2(b, a)) % 360
    _, larger, smaller = next(hue for hue in _HUES if angle <= hue[0])
    return [
        *spoken,
        (found.dc, (0.0, a / chroma, b / chroma), "brighter", "duller"),
        (found.dh, (0.0, -b / chroma, a / chroma), larger, smaller),
    ]
