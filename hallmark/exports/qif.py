"""Measurement data as QIF 3.0 Results XML (ISO 23952:2020, DMSC).

Names and order of the elements follow the published schema files (QIFResults.xsd, Characteristics.xsd,
Units.xsd of version 3.0.0) as far as they could be read. **The file is well-formed but not validated against
the schema**: no complete copy of it was at hand. Whoever has one validates before relying on a file.

Lengths are user-defined linear characteristics, other quantities user-defined ones with their unit. The
combined standard uncertainty is the attribute `combinedUncertainty` of each value, with `meanError` 0 beside
it as the schema asks. Attributes (no unit) are not written; where a value is missing there is no `Value`.
"""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count

from evidence import CharacteristicResult, Inspection, canonical_json
from golden.bundle import timestamp
from hallmark.exports.cells import xml_text
from hallmark.exports.decimals import decimal_text
from hallmark.exports.measurements import captured, definitions

NAMESPACE = "http://qifstandards.org/xsd/qif3"
_LENGTH = "mm"
_DECIDED = {"conform": "PASS", "nonconform": "FAIL", "undecided": "UNKNOWN"}
_INSPECTED = {"ACCEPT": "PASS", "REJECT": "FAIL", "HOLD": "UNKNOWN"}


def to_qif(inspections: Sequence[Inspection], *, now: datetime) -> bytes:
    """Return the measured values of records of one golden sample as a QIF document, UTF-8.

    Args:
        inspections: the records; each is one MeasurementResults.
        now: aware time of creation.

    Raises:
        ExportError: as `definitions`, or a number is not finite.
        ValueError: `now` has no zone.
    """
    known = definitions(inspections)
    ids = count(1)
    root = ET.Element("QIFDocument", {"xmlns": NAMESPACE, "versionQIF": "3.0.0"})
    digests = canonical_json([i.digest for i in inspections]).decode()
    _add(root, "QPId", str(uuid.uuid5(uuid.NAMESPACE_URL, digests)))
    _add(_add(root, "Version"), "TimeCreated", timestamp(now))
    _add(_add(_add(root, "Header"), "Application"), "Name", "Hallmark")
    _units(root, known.values())
    _product(root, inspections[0], ids)
    items = _characteristics(root, known, ids)
    results = _add(root, "Results")
    measured = _add(results, "MeasurementResultsSet", n=len(inspections))
    units = [(next(ids), inspection) for inspection in inspections]
    for component, inspection in units:
        _measured(measured, inspection, component, items, ids)
    sets = _add(_add(results, "ActualComponentSets", n=1), "ActualComponentSet", n=len(units))
    for component, inspection in units:
        actual = _add(sets, "ActualComponent", id=component)
        if inspection.serial is not None:
            _add(actual, "SerialNumber", inspection.serial)
        _add(_add(actual, "Status"), "InspectionStatusEnum", _INSPECTED[inspection.verdict])
    root.set("idMax", str(next(ids) - 1))
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _units(root: ET.Element, known: Iterable[CharacteristicResult]) -> None:
    units = _add(root, "FileUnits")
    linear = _add(_add(units, "PrimaryUnits"), "LinearUnit")
    _add(linear, "SIUnitName", "meter")
    _add(linear, "UnitName", _LENGTH)
    _add(_add(linear, "UnitConversion"), "Factor", "0.001")
    others = {str(c.unit): c.name for c in known if c.unit != _LENGTH}
    if others:
        defined = _add(units, "UserDefinedUnits", n=len(others))
        for unit, name in others.items():
            one = _add(defined, "UserDefinedUnit")
            _add(one, "WhatIsMeasured", name)
            _add(one, "UnitName", unit)


def _product(root: ET.Element, first: Inspection, ids: Iterator[int]) -> None:
    part = _add(_add(_add(root, "Product"), "PartSet", n=1), "Part", id=next(ids))
    _add(part, "ModelNumber", first.part)
    _add(part, "Version", first.revision)


def _characteristics(
    root: ET.Element, known: Mapping[str, CharacteristicResult], ids: Iterator[int]
) -> dict[str, int]:
    """Write definition, nominal and item of each characteristic; return the items' ids."""
    section = _add(root, "Characteristics")
    definitions_ = _add(section, "CharacteristicDefinitions", n=len(known))
    nominals = _add(section, "CharacteristicNominals", n=len(known))
    items = _add(section, "CharacteristicItems", n=len(known))
    found: dict[str, int] = {}
    for c in known.values():
        family, definition, nominal, found[c.id] = _family(c), next(ids), next(ids), next(ids)
        one = _add(definitions_, f"{family}Definition", id=definition)
        tolerance = _add(one, "Tolerance")
        for name, limit in (("MaxValue", c.upper), ("MinValue", c.lower)):
            if limit is not None:
                _number(tolerance, name, limit, c)
        _add(tolerance, "DefinedAsLimit", "true")
        _add(one, "WhatToMeasure", c.name)
        one = _add(nominals, f"{family}Nominal", id=nominal)
        _add(one, "CharacteristicDefinitionId", definition)
        if c.nominal is not None:
            _number(one, "TargetValue", c.nominal, c)
        one = _add(items, f"{family}Item", id=found[c.id])
        _add(one, "Description", c.name)
        _add(one, "Name", c.id)
        _add(one, "CharacteristicNominalId", nominal)
    return found


def _measured(
    parent: ET.Element, inspection: Inspection, component: int, items: Mapping[str, int], ids: Iterator[int]
) -> None:
    one = _add(parent, "MeasurementResults", id=next(ids))
    attributes = _add(one, "Attributes", n=2)
    for name, value in (("inspection", inspection.id), ("record", inspection.digest)):
        ET.SubElement(attributes, "AttributeStr", {"name": name, "value": xml_text(value)})
    results = [r for r in inspection.characteristics if r.id in items]
    if results:
        section = _add(_add(one, "MeasuredCharacteristics"), "CharacteristicMeasurements", n=len(results))
        for result in results:
            _measurement(section, inspection, result, items[result.id], component, next(ids))
    _add(_add(one, "InspectionStatus"), "InspectionStatusEnum", _INSPECTED[inspection.verdict])
    _add(_add(one, "ActualComponentIds", n=1), "Id", component)


def _measurement(
    parent: ET.Element,
    inspection: Inspection,
    result: CharacteristicResult,
    item: int,
    component: int,
    id_: int,
) -> None:
    one = _add(parent, f"{_family(result)}Measurement", id=id_)
    _add(_add(one, "Status"), "CharacteristicStatusEnum", _DECIDED[result.decision])
    _add(one, "CharacteristicItemId", item)
    taken = captured(inspection)
    if taken is not None:
        _add(one, "TimeStamp", taken)
    _add(one, "ActualComponentId", component)
    if result.value is not None:
        value = _number(one, "Value", result.value, result)
        if result.standard_uncertainty is not None:
            value.set("combinedUncertainty", decimal_text(result.standard_uncertainty, result.id))
            value.set("meanError", "0")


def _family(result: CharacteristicResult) -> str:
    return "UserDefinedLinearCharacteristic" if result.unit == _LENGTH else "UserDefinedUnitCharacteristic"


def _number(parent: ET.Element, tag: str, number: float, c: CharacteristicResult) -> ET.Element:
    element = _add(parent, tag, decimal_text(number, c.id))
    element.set("linearUnit" if c.unit == _LENGTH else "unitName", xml_text(str(c.unit)))
    return element


def _add(parent: ET.Element, tag: str, text: str | int | None = None, **attributes: int) -> ET.Element:
    element = ET.SubElement(parent, tag, {name: str(value) for name, value in attributes.items()})
    if text is not None:
        element.text = xml_text(str(text))
    return element
