"""How limits and measures of the catalogue are said, everywhere alike."""

from __future__ import annotations

from collections.abc import Iterable

from golden.catalogue_lines import DECIMALS, Measure

_SAID: dict[Measure, tuple[str, str]] = {
    "size_mm": ("size", "mm"),
    "length_mm": ("length", "mm"),
    "area_mm2": ("area", "mm2"),
    "contrast": ("contrast", "codes"),
    "delta_e": ("colour difference", "Delta E"),
}
Limit = tuple[Measure, float | None, float | None]  # from and to, null where open


def limits_said(limits: Iterable[Limit]) -> str:
    """Return a line's limits, such as "length >= 0.5 mm and < 2 mm, contrast < 20 codes"; empty for none."""
    return ", ".join(f"{_SAID[m][0]} {_bounds(m, low, high)}" for m, low, high in limits)


def value_said(measure: Measure, value: float | None, low: float | None, high: float | None) -> str:
    """Return a measure against its limits, such as "length 1.32 mm >= 0.5 mm"."""
    name, unit = _SAID[measure]
    if value is None:
        return f"{name} not known"
    bounds = _bounds(measure, low, high)
    return f"{name} {number(measure, value, low, high)} {unit} {bounds}".rstrip()


def number(measure: Measure, value: float, *limits: float | None) -> str:
    """Return a measure with two decimals, or as many more as show on which side of its limits it lies."""
    digits = min(2, DECIMALS[measure])
    while digits < DECIMALS[measure] and any(
        (round(value, digits) >= limit) != (value >= limit) for limit in limits if limit is not None
    ):
        digits += 1
    return f"{value:.{digits}f}"


def near_said(within_mm: float | None, within_area_mm2: float | None, closer_than_mm: float | None) -> str:
    """Return how near deviations must lie to count together; empty where they may lie anywhere."""
    if within_mm is not None:
        return f"within {within_mm:g} mm of one another"
    if within_area_mm2 is not None:
        return f"within {within_area_mm2:g} mm2"
    return "" if closer_than_mm is None else f"less than {closer_than_mm:g} mm apart"


def _bounds(measure: Measure, low: float | None, high: float | None) -> str:
    unit = _SAID[measure][1]
    said = [f">= {low:g} {unit}"] if low else []
    return " and ".join([*said, f"< {high:g} {unit}"] if high is not None else said)
