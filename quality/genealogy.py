"""Which material, cavity and station went into which unit, carton and shipment: recall both ways.

The index is built from the journal in one pass, in linear time, and answers from what it holds. Links come
from the lots' own lines (golden sample, inspections, manifest, release), the material lots' bookings, and
three kinds of line of this module:

    unit.made      subject units:<lot>     serials, cavity, and the material lots where they are known by unit
    carton.packed  subject carton:<id>     units by lot; only units of a lot's manifest, each packed once
    shipment.sent  subject shipment:<id>   cartons; only of released lots, each sent once

Where a unit's material lot of a kind is not known, every lot of that kind that is booked to its production
lot counts: a recall rather names a unit too many than one too few. A unit of a resubmitted lot is the same
unit: it holds what was booked to either lot, and is named by the lot that it was made in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationError

from evidence import GoldenReference
from evidence.inspection import Name
from evidence.journal import JournalLine
from golden.regions import Closed
from golden.spec import GoldenSpec
from quality.errors import StepError
from quality.events import NewEvent, Person
from quality.folding import make_event, read_event
from quality.sign_off import require_role, require_signer

Unit = tuple[str, str]  # production lot, serial
Serials = Annotated[tuple[Name, ...], Field(min_length=1)]


class UnitsMade(Closed):
    """Units of a lot came out of one cavity; `materials` are the material lots known to be in them."""

    kind: ClassVar[str] = "unit.made"
    lot: Name
    serials: Serials
    cavity: Name | None = None
    materials: tuple[Name, ...] = ()
    person: Person


class CartonPacked(Closed):
    """Units, by lot, were packed into a carton."""

    kind: ClassVar[str] = "carton.packed"
    units: Annotated[dict[Name, Serials], Field(min_length=1)]
    person: Person


class ShipmentSent(Closed):
    """Cartons left for a customer."""

    kind: ClassVar[str] = "shipment.sent"
    cartons: Annotated[tuple[Name, ...], Field(min_length=1)]
    customer: Name
    person: Person


@dataclass(slots=True)
class _UnitLinks:
    """`lots` names the lot it was made in and those that resubmit it; empty where there is only one."""

    lots: tuple[str, ...] = ()
    stations: tuple[str, ...] = ()
    made: UnitsMade | None = None
    carton: str | None = None


@dataclass(slots=True)
class _LotLinks:
    golden: GoldenReference | None = None
    units: dict[str, _UnitLinks] = field(default_factory=dict[str, _UnitLinks])
    materials: dict[str, None] = field(default_factory=dict[str, None])
    manifest: frozenset[str] = frozenset()
    released: bool = False


@dataclass(slots=True)
class Genealogy:
    """The index: made by `build_genealogy`, carried on by `extend_genealogy`, read by the queries."""

    sequence: int = 0
    lots: dict[str, _LotLinks] = field(default_factory=dict[str, _LotLinks])
    kinds: dict[str, str] = field(default_factory=dict[str, str])
    used_in: dict[str, dict[str, None]] = field(default_factory=dict[str, dict[str, None]])
    cartons: dict[str, tuple[Unit, ...]] = field(default_factory=dict[str, tuple[Unit, ...]])
    shipped: dict[str, str] = field(default_factory=dict[str, str])
    shipments: dict[str, ShipmentSent] = field(default_factory=dict[str, ShipmentSent])


@dataclass(frozen=True, slots=True)
class Affected:
    """What a recall reaches; `in_house` are the units that no shipment has taken, packed or not."""

    units: tuple[Unit, ...]
    cartons: tuple[str, ...]
    shipments: tuple[str, ...]
    in_house: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """What is in a unit and where it went; `materials` are candidates where not known by unit."""

    unit: Unit
    golden: GoldenReference | None
    stations: tuple[str, ...]
    cavity: str | None
    materials: tuple[str, ...]
    carton: str | None
    shipment: str | None


def build_genealogy(lines: Iterable[JournalLine]) -> Genealogy:
    """Return the index of journal lines in order; raises as `extend_genealogy`."""
    return extend_genealogy(Genealogy(), lines)


def extend_genealogy(index: Genealogy, lines: Iterable[JournalLine]) -> Genealogy:
    """Take further lines into the index itself and return it; lines of other kinds are skipped.

    Lines of lots and materials are taken as their own reducers let them through.

    Raises:
        StepError: a line comes before the last one, or packs, sends or makes what cannot be; it and what
            follows it are not in the index.
    """
    for line in lines:
        take = _TAKES.get(line.kind)
        if take is None:
            continue
        if line.sequence <= index.sequence:
            raise StepError(
                f"journal line {line.sequence} comes after line {index.sequence} of the genealogy"
            )
        try:
            take(index, line)
        except (KeyError, TypeError, AttributeError, ValidationError) as error:
            raise StepError(f"journal line {line.sequence}: not the body of {line.kind}: {error}") from error
        index.sequence = line.sequence
    return index


def units_with_material(index: Genealogy, material: str) -> Affected:
    """Return the units that hold, or may hold, a material lot, and where they are.

    Takes time linear in the units of the lots that it is booked to.
    """
    units: dict[Unit, None] = {}
    for lot in index.used_in.get(material, ()):
        for serial, unit in index.lots[lot].units.items():
            if material in _materials(index, lot, unit):
                units[(unit.lots or (lot,))[0], serial] = None
    return _affected(index, tuple(units))


def units_of_cavity(index: Genealogy, lot: str, cavity: str) -> Affected:
    """Return the units of a lot that came out of a cavity, and where they are."""
    units = index.lots[lot].units if lot in index.lots else {}
    return _affected(
        index, [(lot, s) for s, unit in units.items() if unit.made is not None and unit.made.cavity == cavity]
    )


def origin(index: Genealogy, lot: str, serial: str) -> Origin:
    """Return what is in a unit and where it went.

    Raises:
        StepError: the journal knows no such unit.
    """
    links = index.lots.get(lot, _LotLinks())
    unit = links.units.get(serial)
    if unit is None:
        raise StepError(f"lot {lot} has no unit {serial} in the journal")
    return Origin(
        unit=(lot, serial),
        golden=links.golden,
        stations=unit.stations,
        cavity=None if unit.made is None else unit.made.cavity,
        materials=_materials(index, lot, unit),
        carton=unit.carton,
        shipment=None if unit.carton is None else index.shipped.get(unit.carton),
    )


def make_units(
    index: Genealogy,
    spec: GoldenSpec,
    lot: str,
    serials: Sequence[str],
    person: Person,
    *,
    cavity: str | None = None,
    materials: Sequence[str] = (),
) -> tuple[NewEvent, ...]:
    """Note the cavity and material lots of units: the supplier's production.

    Raises:
        StepError: the lot is not known, a unit is noted already, or a material lot is not booked to the lot.
    """
    event = make_event(
        UnitsMade,
        f"lot {lot}",
        lot=lot,
        serials=tuple(serials),
        cavity=cavity,
        materials=tuple(materials),
        person=person,
    )
    require_signer(person, "production", (spec.party("supplier").name,), f"lot {lot}: noting units")
    _check_made(index, event)
    return (_new(f"units:{lot}", event),)


def pack_carton(
    index: Genealogy, spec: GoldenSpec, carton: str, units: Mapping[str, Sequence[str]], person: Person
) -> tuple[NewEvent, ...]:
    """Pack units, given by lot, into a new carton: the supplier's production.

    Raises:
        StepError: the carton exists, a unit is not in its lot's manifest or is packed already.
    """
    given = {lot: tuple(serials) for lot, serials in units.items()}
    event = make_event(CartonPacked, f"carton {carton}", units=given, person=person)
    require_signer(person, "production", (spec.party("supplier").name,), f"carton {carton}: packing")
    _check_packed(index, carton, event)
    return (_new(f"carton:{carton}", event),)


def send_shipment(
    index: Genealogy, spec: GoldenSpec, shipment: str, cartons: Sequence[str], customer: str, person: Person
) -> tuple[NewEvent, ...]:
    """Send cartons to a customer: the supplier's production.

    Raises:
        StepError: the shipment exists, a carton is not packed or has been sent, or holds units of a lot that
            is not released.
    """
    event = make_event(
        ShipmentSent, f"shipment {shipment}", cartons=tuple(cartons), customer=customer, person=person
    )
    require_signer(person, "production", (spec.party("supplier").name,), f"shipment {shipment}: sending")
    _check_sent(index, shipment, event)
    return (_new(f"shipment:{shipment}", event),)


def _new(subject: str, event: UnitsMade | CartonPacked | ShipmentSent) -> NewEvent:
    return NewEvent(event.kind, subject, event.model_dump(mode="json"))


def _materials(index: Genealogy, lot: str, unit: _UnitLinks) -> tuple[str, ...]:
    """Return the material lots in a unit: of each kind those known by unit, else all booked to its lots."""
    booked = index.lots[lot].materials
    for other in unit.lots:
        booked = {**booked, **index.lots[other].materials}
    if unit.made is None or not unit.made.materials:
        return tuple(booked)
    known = {index.kinds[m] for m in unit.made.materials}
    return tuple(m for m in booked if m in unit.made.materials or index.kinds[m] not in known)


def _affected(index: Genealogy, units: Sequence[Unit]) -> Affected:
    cartons: dict[str, None] = {}
    shipments: dict[str, None] = {}
    in_house: list[Unit] = []
    for lot, serial in units:
        carton = index.lots[lot].units[serial].carton
        shipment = None
        if carton is not None:
            cartons[carton] = None
            shipment = index.shipped.get(carton)
        if shipment is None:
            in_house.append((lot, serial))
        else:
            shipments[shipment] = None
    return Affected(tuple(units), tuple(cartons), tuple(shipments), tuple(in_house))


def _check_made(index: Genealogy, event: UnitsMade) -> None:
    links = index.lots.get(event.lot)
    if links is None or links.golden is None:
        raise StepError(f"lot {event.lot} is not open; units are made in an open lot")
    _refuse_doubles(f"lot {event.lot}", event.serials)
    for serial in event.serials:
        unit = links.units.get(serial)
        if unit is not None and unit.made is not None:
            raise StepError(f"lot {event.lot}: how unit {serial} was made is noted already")
    for material in event.materials:
        if material not in links.materials:
            raise StepError(f"lot {event.lot}: material lot {material} is not booked to it; book it first")


def _check_packed(index: Genealogy, carton: str, event: CartonPacked) -> None:
    if carton in index.cartons:
        raise StepError(f"carton {carton} is packed already")
    for lot, serials in event.units.items():
        links = index.lots.get(lot, _LotLinks())
        _refuse_doubles(f"carton {carton}: lot {lot}", serials)
        for serial in serials:
            if serial not in links.manifest:
                raise StepError(f"carton {carton}: unit {serial} is not in the frozen manifest of lot {lot}")
            packed = links.units[serial].carton
            if packed is not None:
                raise StepError(f"carton {carton}: unit {serial} of lot {lot} is in carton {packed}")


def _check_sent(index: Genealogy, shipment: str, event: ShipmentSent) -> None:
    if shipment in index.shipments:
        raise StepError(f"shipment {shipment} is sent already")
    _refuse_doubles(f"shipment {shipment}", event.cartons)
    for carton in event.cartons:
        if carton not in index.cartons:
            raise StepError(f"shipment {shipment}: carton {carton} is not packed")
        if carton in index.shipped:
            raise StepError(f"shipment {shipment}: carton {carton} left with {index.shipped[carton]}")
        for lot in dict.fromkeys(lot for lot, _ in index.cartons[carton]):
            if not index.lots[lot].released:
                raise StepError(
                    f"shipment {shipment}: carton {carton} holds lot {lot}, which is not released"
                )


def _refuse_doubles(where: str, names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        double = next(name for i, name in enumerate(names) if name in names[:i])
        raise StepError(f"{where}: {double} is named twice")


def _take_opening(index: Genealogy, line: JournalLine) -> None:
    golden = GoldenReference.model_validate(line.body["golden"])
    again: dict[str, Any] = line.body.get("resubmission") or {"lot": "", "units": ()}
    units = {serial: index.lots[again["lot"]].units[serial] for serial in again["units"]}
    for unit in units.values():
        unit.lots = (*(unit.lots or (again["lot"],)), line.subject)
    links = index.lots.setdefault(line.subject, _LotLinks())
    links.golden = golden
    links.units.update(units)


def _take_inspection(index: Genealogy, line: JournalLine) -> None:
    serial, station = line.body["serial"], line.body["station"]
    units = index.lots[line.subject].units
    unit = units.get(serial)
    if unit is None:
        units[serial] = _UnitLinks(stations=(station,))
    elif station not in unit.stations:
        unit.stations = (*unit.stations, station)


def _take_freeze(index: Genealogy, line: JournalLine) -> None:
    links = index.lots[line.subject]
    manifest = frozenset(line.body["serials"])
    for serial in manifest:
        links.units.setdefault(serial, _UnitLinks())
    links.manifest = manifest


def _take_release(index: Genealogy, line: JournalLine) -> None:
    index.lots[line.subject].released = True


def _take_receipt(index: Genealogy, line: JournalLine) -> None:
    index.kinds[_name(line)] = line.body["agreed"]["material"]["id"]


def _take_booking(index: Genealogy, line: JournalLine) -> None:
    material, lot = _name(line), line.body["lot"]
    if material not in index.kinds:
        raise StepError(f"journal line {line.sequence}: material lot {material} was not received")
    index.lots.setdefault(lot, _LotLinks()).materials[material] = None
    index.used_in.setdefault(material, {})[lot] = None


def _take_made(index: Genealogy, line: JournalLine) -> None:
    event = read_event(line, {UnitsMade.kind: UnitsMade}, f"units:{line.body['lot']}", 0)
    require_role(event.person, "production", f"journal line {line.sequence}")
    _check_made(index, event)
    units = index.lots[event.lot].units
    for serial in event.serials:
        units.setdefault(serial, _UnitLinks()).made = event


def _take_packed(index: Genealogy, line: JournalLine) -> None:
    carton = _name(line)
    event = read_event(line, {CartonPacked.kind: CartonPacked}, f"carton:{carton}", 0)
    require_role(event.person, "production", f"journal line {line.sequence}")
    _check_packed(index, carton, event)
    for lot, serials in event.units.items():
        units = index.lots[lot].units
        for serial in serials:
            units[serial].carton = carton
    index.cartons[carton] = tuple((lot, s) for lot, serials in event.units.items() for s in serials)


def _take_sent(index: Genealogy, line: JournalLine) -> None:
    shipment = _name(line)
    event = read_event(line, {ShipmentSent.kind: ShipmentSent}, f"shipment:{shipment}", 0)
    require_role(event.person, "production", f"journal line {line.sequence}")
    _check_sent(index, shipment, event)
    index.shipments[shipment] = event
    index.shipped.update(dict.fromkeys(event.cartons, shipment))


def _name(line: JournalLine) -> str:
    return line.subject.partition(":")[2]


_TAKES: dict[str, Callable[[Genealogy, JournalLine], Any]] = {
    "lot.opened": _take_opening,
    "inspection.recorded": _take_inspection,
    "lot.frozen": _take_freeze,
    "lot.released": _take_release,
    "material.received": _take_receipt,
    "material.booked": _take_booking,
    UnitsMade.kind: _take_made,
    CartonPacked.kind: _take_packed,
    ShipmentSent.kind: _take_sent,
}

GENEALOGY_KINDS = tuple(_TAKES)  # of the lines that the index is made of
