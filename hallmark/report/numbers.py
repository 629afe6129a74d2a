"""How a measured number is written: the uncertainty decides the digits (GUM, JCGM 100:2008, 7.2.6)."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

_FINEST = 6  # decimals: nanometres, where the unit is a millimetre


def measured(value: float, standard_uncertainty: float, coverage_factor: float) -> tuple[str, str]:
    """Return the value and its expanded uncertainty U = k u as text, without unit.

    U has two significant digits and the value the same last place. A zero uncertainty says nothing about
    digits: the value is then written in full.
    """
    expanded = Decimal(repr(standard_uncertainty)) * Decimal(repr(coverage_factor))
    if not expanded:
        return plain(value), "0"
    # Rounding may carry into a new digit (0.0996 -> 0.10), so the last place is found twice.
    rounded = _round(expanded, expanded.adjusted() - 1)
    place = rounded.adjusted() - 1
    return f"{_round(Decimal(repr(value)), place):f}", f"{_round(expanded, place):f}"


def between(value: float, low: float, high: float) -> tuple[str, str, str]:
    """Return a value and how far its expanded interval reaches above and below it, as text, without unit.

    The longer reach has two significant digits, and the others the same last place.
    """
    exact = Decimal(repr(value))
    above, below = Decimal(repr(high)) - exact, exact - Decimal(repr(low))
    longer = max(above, below)
    if not longer:
        return plain(value), "0", "0"
    place = _round(longer, longer.adjusted() - 1).adjusted() - 1
    return f"{_round(exact, place):f}", f"{_round(above, place):f}", f"{_round(below, place):f}"


def alike(*values: float | None) -> tuple[str | None, ...]:
    """Return the numbers of one row with the same decimals: as many as the longest needs, up to six.

    Agreed limits are short; digits beyond the sixth are what binary arithmetic left (28.740000000000002).
    """
    exact = [None if v is None else _round(Decimal(repr(v)), -_FINEST).normalize() for v in values]
    place = min((int(d.as_tuple().exponent) for d in exact if d is not None), default=0)
    return tuple(None if d is None else f"{_round(d, min(place, 0)):f}" for d in exact)


def plain(value: float) -> str:
    """Return the shortest text that reads back as the same number, without an exponent."""
    return (
        f"{_round(Decimal(repr(value)).normalize(), 0):f}"
        if value == int(value)
        else f"{Decimal(repr(value)):f}"
    )


def _round(number: Decimal, place: int) -> Decimal:
    """Round to the place of 10**place; a place left of the point leaves zeros, never an exponent."""
    rounded = number.quantize(Decimal(1).scaleb(place), rounding=ROUND_HALF_EVEN)
    return rounded.quantize(Decimal(1)) if place > 0 else rounded + 0
