"""What is agreed about a colour: formula, quantity, conditions, a reference, and an instrument's reading.

L*a*b* is CIE 1976 (ISO/CIE 11664-4) of the illuminant and observer that stand beside it: three numbers
without them are no colour. How a difference follows from two of them is in `golden.colour_difference`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from golden.regions import Closed

Formula = Literal[
    "CIEDE2000", "CIE94_graphic_arts", "CIE94_textiles", "CMC_2_1", "CMC_1_1", "CIE76", "DIN99o"
]
Quantity = Literal["mean", "p95", "mottle", "gradient", "match"]
Specular = Literal["SCI", "SCE"]
Backing = Literal["white", "black", "self"]


def _text(number: object) -> object:
    return str(number) if isinstance(number, int) else number


def _with_slash(geometry: object) -> object:
    # CIE 15 writes 45:0, which YAML takes for the number 2700
    return geometry.replace(":", "/") if isinstance(geometry, str) else geometry


Observer = Annotated[Literal["2", "10"], BeforeValidator(_text)]
Geometry = Annotated[Literal["d/8", "8/d", "45/0", "0/45"], BeforeValidator(_with_slash)]

# CIE 15:2018 says FL11 where the trade says F11 or TL84; in an agreement one light has one name
_SYNONYMS = {f"F{n}": f"FL{n}" for n in range(1, 13)} | {"TL84": "FL11"}


def _one_name(illuminant: object) -> object:
    return _SYNONYMS.get(illuminant, illuminant) if isinstance(illuminant, str) else illuminant


Illuminant = Annotated[
    Literal[
        "A", "C", "D50", "D55", "D65", "D75", "E",
        "FL1", "FL2", "FL3", "FL4", "FL5", "FL6", "FL7", "FL8", "FL9", "FL10", "FL11", "FL12",
        "LED-B1", "LED-B2", "LED-B3", "LED-B4", "LED-B5", "LED-BH1", "LED-RGB1", "LED-V1", "LED-V2",
    ],
    BeforeValidator(_one_name),
]  # fmt: skip

_Lightness = Annotated[float, Field(ge=0, le=150)]
_Chromatic = Annotated[float, Field(ge=-200, le=200)]
Lab = tuple[_Lightness, _Chromatic, _Chromatic]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class ColourConditions(Closed):
    """Under what an L*a*b* holds: light, observer (degrees), and how the instrument lights and looks.

    `illuminant` is the CIE's; F1 to F12 and TL84 (FL11) are understood. `geometry` is illumination/viewing of
    CIE 15; that of a sphere (d/8, 8/d) needs `specular`, whether gloss is included (SCI) or not (SCE); 45/0
    has none. `backing` is what lies behind a specimen that lets light through; `self` is as many layers of
    itself as it takes. What an agreement leaves out, it does not ask of a reading.
    """

    illuminant: Illuminant
    observer: Observer
    geometry: Geometry | None = None
    specular: Specular | None = None
    backing: Backing | None = None

    @model_validator(mode="after")
    def _one_geometry(self) -> Self:
        sphere = self.geometry in ("d/8", "8/d")
        if sphere and self.specular is None:
            raise ValueError(f"geometry {self.geometry} needs specular: SCI (gloss included) or SCE")
        if not sphere and self.specular is not None:
            raise ValueError(
                "specular is of a sphere: set geometry to d/8 or 8/d, or remove specular (45/0 has none)"
            )
        return self

    def unmet_by(self, found: ColourConditions) -> tuple[str, ...]:
        """Return in words each condition stated here that `found` does not meet; nothing where all are."""
        return tuple(
            f"{name} is {'not stated' if is_ is None else is_}, {asked} is agreed"
            for name, asked in self.model_dump().items()
            if asked is not None and (is_ := getattr(found, name)) != asked
        )


class LabReference(Closed):
    """A contractual absolute colour: L*a*b*, the conditions under which it holds, and what may read it.

    `u` is the standard uncertainty of each of the three values; a target that was simply agreed has none.
    """

    lab: Lab
    conditions: ColourConditions
    instrument: Name
    u: Annotated[float, Field(ge=0, le=10)] = 0.0

    @model_validator(mode="after")
    def _measurable(self) -> Self:
        if self.conditions.geometry is None:
            raise ValueError(
                "conditions.geometry: an absolute colour needs it: d/8 or 8/d with specular, 45/0 or 0/45"
            )
        return self


class InstrumentReading(Closed):
    """One reading of a spectrophotometer: L*a*b*, its conditions and the instrument (maker, model, serial).

    `u` is the standard uncertainty of each of the three values, None where nobody states it. `id` is what the
    reading is of, as the instrument's list names it, and `measured_at` when it was taken, as stated.
    """

    lab: Lab
    conditions: ColourConditions
    instrument: Name
    u: Annotated[float, Field(ge=0, le=10)] | None = None
    id: Name | None = None
    measured_at: Name | None = None
