"""The root of a falling function, by bisection."""

from __future__ import annotations

from collections.abc import Callable


def falling_root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling function crosses 0 between `low` and `high`, to the last digits of a float."""
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return (low + high) / 2
