"""Spectrophotometers' readings of units from files: an instrument's own list, or what a person wrote down.

A row of an instrument's list (CSV or CGATS.17) has SERIAL/CHARACTERISTIC as its id, or the characteristic
alone where one unit is meant. A JSON file is what `hallmark lot fai --entered` takes: a list of serial,
characteristic, reading and evidence. Nothing that a file does not state is filled in from the agreement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from hallmark.errors import ReadingFileError

if TYPE_CHECKING:
    from evidence import CharacteristicResult
    from golden.colours import ColourConditions, InstrumentReading
    from golden.spec import GoldenSpec


@dataclass(frozen=True, slots=True)
class UnitReading:
    """A reading of one colour of one unit; `serial` is None where the file names no unit."""

    serial: str | None
    characteristic: str
    reading: InstrumentReading
    source: Literal["manual", "imported"]


def read_readings(path: Path, conditions: ColourConditions | None = None) -> list[UnitReading]:
    """Read a file of readings.

    Args:
        path: a JSON file, else an instrument's list.
        conditions: illuminant and observer that L*a*b* of reflectances are computed for; None: those that the
            list states.

    Raises:
        ReadingFileError: it cannot be read, or is not such a file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ReadingFileError(f"{path}: {error.strerror}; give the file of readings") from error
    return _written(path, data) if path.suffix.lower() == ".json" else _listed(path, data, conditions)


def _listed(path: Path, data: bytes, conditions: ColourConditions | None) -> list[UnitReading]:
    from calibration import CalibrationError
    from calibration.colour import read_colours

    try:
        readings = read_colours(data, source=str(path), conditions=conditions).readings()
    except CalibrationError as error:
        raise ReadingFileError(str(error)) from error
    found: list[UnitReading] = []
    for reading in readings:
        serial, slash, characteristic = (reading.id or "").rpartition("/")
        found.append(UnitReading(serial if slash else None, characteristic, reading, "imported"))
    return found


def _written(path: Path, data: bytes) -> list[UnitReading]:
    from pydantic import ValidationError

    from quality import EnteredResult

    try:
        content: Any = json.loads(data)
        entries = [EnteredResult.model_validate(entry) for entry in cast("list[Any]", content)]
    except (ValueError, TypeError, ValidationError) as error:
        first = str(error).splitlines()
        raise ReadingFileError(f"{path}: no list of entered results ({'; '.join(first[:3])})") from error
    found: list[UnitReading] = []
    for entry in entries:
        if entry.reading is None:
            raise ReadingFileError(f"{path}: {entry.characteristic} on {entry.serial} has no reading")
        found.append(UnitReading(entry.serial, entry.characteristic, entry.reading, entry.source))
    return found


def results_by_serial(
    path: Path, spec: GoldenSpec, serials: Sequence[str]
) -> Mapping[str, list[CharacteristicResult]]:
    """Return the results that a file of readings gives, by the serials of the units that are inspected.

    Raises:
        ReadingFileError: a reading of another unit or of no colour with a reference, one given twice, or one
            that was not made under the agreed conditions.
    """
    from evidence import entered_colour
    from golden.colours import ColourConditions
    from golden.errors import ReadingError
    from golden.spec import Colour

    colours = {c.id: c for c in spec.characteristics if isinstance(c, Colour) and c.reference is not None}
    if not colours:
        raise ReadingFileError(f"{path}: the golden sample has no colour with a reference; leave it away")
    found: dict[str, list[CharacteristicResult]] = {serial: [] for serial in serials}
    for c in colours.values():
        assert c.reference is not None
        light = c.reference.conditions
        asked = ColourConditions(illuminant=light.illuminant, observer=light.observer)
        for unit in read_readings(path, asked):
            serial = serials[0] if unit.serial is None and len(serials) == 1 else unit.serial
            where = f"{path}: {unit.characteristic} of {serial or 'no unit'}"
            if unit.characteristic not in colours:
                raise ReadingFileError(
                    f"{where}: no colour with a reference; these are: {', '.join(colours)}"
                )
            if serial not in found:
                raise ReadingFileError(
                    f"{where}: not inspected here; write SERIAL/CHARACTERISTIC, of {', '.join(serials)}"
                )
            if unit.characteristic != c.id:
                continue
            if any(r.id == c.id for r in found[serial]):
                raise ReadingFileError(f"{where}: given twice; keep one")
            try:
                found[serial].append(entered_colour(c, unit.reading, unit.source))
            except ReadingError as error:
                raise ReadingFileError(f"{path}: {error}") from error
    return found


def entered_by_instrument(path: Path) -> list[dict[str, Any]]:
    """Return an instrument's list as entered results, as JSON; the file's name and digest are the evidence.

    Raises:
        ReadingFileError: the list cannot be read, or a row names no unit.
    """
    from evidence import sha256

    if path.suffix.lower() == ".json":
        raise ReadingFileError(f"{path}: not an instrument's list; give it as --entered")
    readings = read_readings(path)
    evidence = f"{path.name}, {sha256(path.read_bytes())}"
    for unit in readings:
        if unit.serial is None:
            raise ReadingFileError(
                f"{path}: {unit.characteristic}: names no unit; write SERIAL/CHARACTERISTIC"
            )
    return [
        {
            "serial": unit.serial, "characteristic": unit.characteristic, "source": unit.source,
            "reading": unit.reading.model_dump(mode="json"), "evidence": evidence,
        }
        for unit in readings
    ]  # fmt: skip
