"""How colour characteristics are called on papers and at the terminal; light to import."""

from __future__ import annotations

from collections.abc import Mapping

from golden.colours import ColourConditions
from golden.spec import Colour

DELTA_E: Mapping[str, str] = {
    "CIEDE2000": "\u0394E\u2080\u2080", "CIE94_graphic_arts": "\u0394E*94 (1:1)",
    "CIE94_textiles": "\u0394E*94 (2:1)", "CMC_2_1": "\u0394E CMC(2:1)", "CMC_1_1": "\u0394E CMC(1:1)",
    "CIE76": "\u0394E*ab", "DIN99o": "\u0394E99o",
}  # fmt: skip
_QUANTITIES = {
    "mean": "mean colour", "p95": "95th percentile of places", "mottle": "mottle", "gradient": "gradient",
    "match": "match of two regions",
}  # fmt: skip


def colour_detail(c: Colour) -> str:
    """Return in words what a colour is compared with, and under what."""
    if c.reference is not None:
        lab = ", ".join(f"{v:g}" for v in c.reference.lab)
        return f"absolute colour against L*a*b* {lab} ({conditions_in_words(c.reference.conditions)})"
    under = "" if c.conditions is None else f" ({conditions_in_words(c.conditions)})"
    seen = "" if c.viewing_distance_mm is None else f", seen from {c.viewing_distance_mm:g} mm"
    return f"{_QUANTITIES[c.quantity]} against the golden sample{under}{seen}"


def conditions_in_words(conditions: ColourConditions) -> str:
    """Return for example "D65/10\u00b0, d/8 SCI, on black"."""
    geometry = " ".join(filter(None, (conditions.geometry, conditions.specular)))
    backing = {"white": "on white", "black": "on black", "self": "on itself", None: ""}[conditions.backing]
    light = f"{conditions.illuminant}/{conditions.observer}\u00b0"
    return ", ".join(filter(None, (light, geometry, backing)))
