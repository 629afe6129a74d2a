"""Colour difference: file f1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from hallmark.eligibility.adapter import Adapter, Answer


class _ColourInput(BaseModel):
    lab1: tuple[float, float, float]
    lab2: tuple[float, float, float]


def _colour_difference(given: Mapping[str, Any]) -> Answer | None:
    import numpy as np

    from kernels.colour import ciede2000

    case = _ColourInput.model_validate(given)
    return {"dE00": ciede2000(np.array(case.lab1), np.array(case.lab2))}


ADAPTERS: dict[str, Adapter] = {"f1": Adapter(_colour_difference, keys=("dE00",))}
