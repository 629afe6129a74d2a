"""Numbers as the exchange formats write them: decimal, without exponent, exactly what the record holds."""

from __future__ import annotations

import math
from decimal import Decimal

from hallmark.errors import ExportError


def decimal_text(number: float, where: str) -> str:
    """Return the shortest decimal that reads back as this number, without exponent.

    Raises:
        ExportError: the number is not finite.
    """
    if not math.isfinite(number):
        raise ExportError(f"{where}: {number} is not a finite number; leave the value out and say why")
    return format(Decimal(repr(number)), "f")


def places(text: str) -> int:
    """Return how many digits stand behind the point; 0 for a trailing `.0`."""
    return len(text.partition(".")[2].rstrip("0"))
