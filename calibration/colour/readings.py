"""Spectrophotometers' readings: from lists to L*a*b* with conditions, and which of them may be compared.

Which conditions matter is the field's common knowledge (CIE 15:2018; ISO 13655:2017; ASTM D2244 asks that
both specimens are measured alike): between two geometries, or gloss included and excluded, a surface that is
not matt differs by several Delta E, and no calculation takes one to the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from pydantic import ValidationError

from calibration.colour.colorimetry import lab_from_xyz, white_point, xyz_from_reflectance
from calibration.colour.measurements import MeasurementList, Row, read_list
from calibration.errors import ReadingError
from golden.colours import ColourConditions, InstrumentReading
from golden.regions import Closed
from kernels.compiled import F64

_T = TypeVar("_T", bound=Closed)

_CONDITIONS = ("illuminant", "observer", "geometry", "specular", "backing")
_WHY = {
    "illuminant": "L*a*b* under another illuminant follows from the spectrum only: export reflectances, or "
    "let the instrument report this illuminant",
    "observer": "L*a*b* of another observer follows from the spectrum only: export reflectances, or let the "
    "instrument report this observer",
    "geometry": "how a surface is lit and viewed decides how much of its gloss is read: measure with this "
    "geometry",
    "specular": "with gloss included (SCI) a glossy surface reads lighter than with gloss excluded (SCE): "
    "measure with this setting",
    "backing": "what lets light through takes colour from what lies behind it: measure on this backing",
}


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredColours:
    """A list of colours that one instrument measured under one set of conditions.

    Attributes:
        instrument: maker, model and serial number, and the aperture where the list states it.
        conditions: of all L*a*b*.
        ids, names: of the colours, as the list has them.
        lab: (n, 3).
        u: standard uncertainty of each of L*, a* and b*, NaN where the list states none, (n,).
        times: when each was measured, as stated; None where it is not.
        source: the list's name, for messages.
    """

    instrument: str
    conditions: ColourConditions
    ids: tuple[str, ...]
    names: tuple[str, ...]
    lab: F64
    u: F64
    times: tuple[str | None, ...]
    source: str

    def readings(self) -> tuple[InstrumentReading, ...]:
        """Return every colour as a reading that stands for itself.

        Raises:
            ReadingError: a value is outside what L*a*b* can be; the message names the colour.
        """
        out: list[InstrumentReading] = []
        for i, its_id in enumerate(self.ids):
            u = float(self.u[i])
            fields = {
                "lab": tuple(self.lab[i].tolist()),
                "conditions": self.conditions,
                "instrument": self.instrument,
                "u": None if np.isnan(u) else u,
                "id": its_id,
                "measured_at": self.times[i],
            }
            out.append(_checked(InstrumentReading, fields, f"{self.source}, colour {its_id}"))
        return tuple(out)


def read_colours(
    data: bytes,
    *,
    source: str,
    conditions: ColourConditions | None = None,
    instrument: str | None = None,
) -> MeasuredColours:
    """Read a list of measured colours, CSV or CGATS.17 (see `calibration.colour.measurements`).

    Values are taken as the instrument computed them where they hold for the conditions asked; else from its
    reflectances, which give L*a*b* for any illuminant and observer.

    Args:
        data: the file's bytes.
        source: names it in messages.
        conditions: what is asked; they complete what the file does not state. Where it states otherwise, that
            is an error, except illuminant and observer of a list with reflectances.
        instrument: completes a file that does not name it.

    Raises:
        ReadingError: the list cannot be read, does not state enough, or contradicts what is asked.
        SpectrumError: its wavelengths do not suffice.
    """
    table = read_list(data, source=source)
    stated = _stated(table)
    asked = conditions.model_dump(exclude_none=True) if conditions else {}
    missing = [name for name in ("illuminant", "observer") if name not in stated and name not in asked]
    if missing:
        raise ReadingError(
            f"{source}: it does not state {' and '.join(missing)}, without which L*a*b* means nothing: add a "
            f"line such as '# {missing[0]}: {'D65' if missing[0] == 'illuminant' else '10'}', or say it"
        )
    named = instrument or table.stated.get("instrument")
    if named is None:
        raise ReadingError(
            f"{source}: it does not name its instrument: add a line such as "
            "'# instrument: CM-700d 20012345', or say it"
        )
    if "aperture" in table.stated:  # part of how it measures: small ones lose light at their edge
        named = f"{named}, aperture {table.stated['aperture']}"
    own = _checked(ColourConditions, asked | stated, source)
    wanted = _checked(ColourConditions, stated | asked, source)
    from_spectra = _holds_otherwise(own, wanted, table, source)
    return MeasuredColours(
        instrument=named,
        conditions=wanted,
        ids=tuple(row.id for row in table.rows),
        names=tuple(row.name for row in table.rows),
        lab=np.array([_lab(row, table, wanted, spectral=from_spectra) for row in table.rows], np.float64),
        u=np.array([np.nan if row.u is None else row.u for row in table.rows], np.float64),
        times=tuple(row.time for row in table.rows),
        source=source,
    )


def comparable(reading: ColourConditions | InstrumentReading, conditions: ColourConditions) -> str | None:
    """Return why a reading cannot be compared under these conditions, or None where it can.

    Each condition that is stated here must be stated by the reading, and be the same.
    """
    found = reading.conditions if isinstance(reading, InstrumentReading) else reading
    unmet = conditions.unmet_by(found)
    return "; ".join(f"{words}: {_WHY[words.split(' ', 1)[0]]}" for words in unmet) or None


def _holds_otherwise(
    own: ColourConditions, wanted: ColourConditions, table: MeasurementList, source: str
) -> bool:
    """Whether L*a*b* must come from spectra; an error where they must and cannot."""
    row = table.rows[0]
    differ = [name for name in _CONDITIONS if getattr(own, name) != getattr(wanted, name)]
    spectral = row.reflectance.size > 0
    for name in differ:
        if name in {"illuminant", "observer"} and spectral:
            continue
        raise ReadingError(
            f"{source}: its {name} is {getattr(own, name)}, {getattr(wanted, name)} is asked: {_WHY[name]}"
        )
    return bool(differ) or not (row.lab.size or row.xyz.size)


def _lab(row: Row, table: MeasurementList, conditions: ColourConditions, *, spectral: bool) -> F64:
    if row.lab.size and not spectral:
        return row.lab
    light, observer = conditions.illuminant, conditions.observer
    xyz = xyz_from_reflectance(table.wavelengths, row.reflectance, light, observer) if spectral else row.xyz
    return lab_from_xyz(xyz, white_point(light, observer))


def _stated(table: MeasurementList) -> dict[str, str]:
    """What a list says of its conditions, in our words: "2 degree", "45°a:0°", "di:8" (CIE 15), "White"."""
    found = {name: table.stated[name].strip() for name in _CONDITIONS if name in table.stated}
    if "observer" in found:
        found["observer"] = found["observer"].lower().removesuffix("s").removesuffix("degree").rstrip("° ")
    if "geometry" in found:
        geometry = re.sub(r"[°\s]", "", found["geometry"].lower()).replace(":", "/")
        geometry = re.sub(r"(?<=45)[acx]", "", geometry)  # annular, circumferential, from one side
        for letter, specular in (("i", "SCI"), ("e", "SCE")):
            if f"d{letter}" in geometry:
                geometry = geometry.replace(f"d{letter}", "d")
                found.setdefault("specular", specular)
        found["geometry"] = geometry
    if "specular" in found:
        found["specular"] = found["specular"].upper()
    if "backing" in found:
        found["backing"] = found["backing"].lower()
    return found


def _checked(kind: type[_T], fields: Mapping[str, object], source: str) -> _T:
    try:
        return kind.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ", ".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise ReadingError(f"{source}: {place + ': ' if place else ''}{message}") from error
