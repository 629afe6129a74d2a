"""Colour difference: file f1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from golden.colours import Formula
from hallmark.eligibility.adapter import Adapter, Answer

_KEYS: dict[str, Formula] = {
    "dE00": "CIEDE2000",
    "dE76": "CIE76",
    "dE94_graphic_arts_ref_is_sample1": "CIE94_graphic_arts",
    "dE94_textiles_ref_is_sample1": "CIE94_textiles",
    "dECMC_2_1_ref_is_sample1": "CMC_2_1",
    "dECMC_1_1_ref_is_sample1": "CMC_1_1",
}


class _ColourInput(BaseModel):
    lab1: tuple[float, float, float]
    lab2: tuple[float, float, float]


def _colour_difference(given: Mapping[str, Any]) -> Answer | None:
    from vision.colour.difference import delta_e

    case = _ColourInput.model_validate(given)
    return {key: float(delta_e(case.lab1, case.lab2, formula)) for key, formula in _KEYS.items()}


ADAPTERS: dict[str, Adapter] = {"f1": Adapter(_colour_difference)}
