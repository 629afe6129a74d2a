"""Published spectra: observers, illuminants, camera sensitivities and reflectances, every 5 nm.

Everything has the last axis `WAVELENGTHS`, 380 to 780 nm every 5 nm, but for cameras and observers, whose
last axis is their three channels. Sources and licence stand at the head of `spectra.csv`, which
`benchmarks/spectra.py` writes. What a function returns is read-only and shared.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from datasets.errors import DatasetError

F64 = NDArray[np.float64]

STEP_NM: Final = 5.0
_ALIASES: Final = {"TL84": "FL11", "F2": "FL2", "F7": "FL7", "F11": "FL11", "F12": "FL12"}


def _frozen(values: F64) -> F64:
    values.flags.writeable = False
    return values


WAVELENGTHS: Final = _frozen(np.arange(380.0, 780.1, STEP_NM))


def reflectances(name: str) -> F64:
    """Return the reflectance factors 0..1 of a published set: (n, 81).

    "classic" (24, ColorChecker Classic in the chart's reading order), "classic-average" (24, mean of 30
    charts), "memory-colours" (30), "tcs" (14 CIE test colour samples), "cqs" (15), "ces" (99: paints,
    plastics, textiles, prints, skin, foliage).

    Raises:
        DatasetError: no such set; the message lists those there are.
    """
    return _stack("reflectance", name)


def reflectance_names(name: str) -> tuple[str, ...]:
    """Return the names of the samples of a set, in the order of `reflectances`."""
    return tuple(_of("reflectance", name))


def illuminant(name: str) -> F64:
    """Return relative spectral power (81,): "D50", "D55", "D65", "D75", "A", "TL84" (FL11), "F2", "LED-B3"...

    Raises:
        DatasetError: no such illuminant; the message lists those there are.
    """
    return _stack("illuminant", _ALIASES.get(name, name))[0]


def observer(name: str = "2") -> F64:
    """Return colour-matching functions (81, 3): "2" (CIE 1931, 2 degrees) or "10" (CIE 1964, 10 degrees).

    Raises:
        DatasetError: another name.
    """
    return _stack("observer", name).T


def published_camera(name: str) -> F64:
    """Return measured relative sensitivities R, G, B (81, 3): "nikon-5100" or "sigma-sd-merrill".

    Raises:
        DatasetError: no such camera; the message lists those there are.
    """
    return _stack("camera", name).T


def known(kind: str) -> tuple[str, ...]:
    """Return the names of one kind: "observer", "illuminant", "camera" or "reflectance"."""
    return tuple(_spectra()[kind])


@lru_cache(maxsize=64)
def _stack(kind: str, name: str) -> F64:
    return _frozen(np.array(list(_of(kind, name).values()), np.float64))


def _of(kind: str, name: str) -> dict[str, list[float]]:
    sets = _spectra()[kind]
    if name not in sets:
        raise DatasetError(f"there is no {kind} {name!r}; known are {', '.join(sets)}")
    return sets[name]


@lru_cache(maxsize=1)
def _spectra() -> dict[str, dict[str, dict[str, list[float]]]]:
    """By kind, set and name: the values."""
    lines = resources.files("datasets.twin.colour").joinpath("spectra.csv").read_text(encoding="utf-8")
    rows = csv.reader(line for line in lines.splitlines() if not line.startswith("#"))
    next(rows)
    out: dict[str, dict[str, dict[str, list[float]]]] = {}
    for kind, group, name, *values in rows:
        out.setdefault(kind, {}).setdefault(group, {})[name] = [float(v) for v in values]
    return out
