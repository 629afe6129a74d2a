"""Deliveries of the test plate's material, and a journal that runs one, for the tests of incoming control."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from evidence.journal import JournalLine, append
from golden.spec import GoldenSpec
from quality import NewEvent, Person
from quality import materials as m
from tests.builders import BUYER, SUPPLIER
from tests.quality.records import GOLDEN, fields

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


def person(role: str, party: str = SUPPLIER.party) -> Person:
    return Person.model_validate({"name": "Li Wei", "party": party, "roles": (role,)})


INSPECTOR, QUALITY, PRODUCTION = person("inspector"), person("quality"), person("production")
BUYERS_INSPECTOR, BUYERS_QUALITY = person("inspector", BUYER.party), person("quality", BUYER.party)
STRANGER = "Third Laboratory"
GAUGE = m.Instrument(id="MIC-7", calibration_due=date(2026, 7, 1))

MATERIAL = {
    "id": "laminate", "name": "FR-4 1.6 mm", "standard": "IPC-4101/21",
    "approved_manufacturers": ["Kingboard", "Isola"], "part_numbers": ["KB-6160"], "unit": "sheet",
    "per_unit": "0.25", "required_evidence": ["certificate of conformity"],
}  # fmt: skip
CHECKS: list[dict[str, Any]] = [
    {
        "id": "thickness", "material": "laminate", "check": "Thickness", "method": "Micrometer",
        "sample": "level II, AQL 4.0", "sampling": {"aql": "4.0"}, "unit": "mm", "lower": 1.5, "upper": 1.7,
    },
    {
        "material": "laminate", "check": "Copper free of oxide", "method": "Eye", "sample": "every tenth",
        "sampling": {"share": 0.1}, "severity": "minor", "evidence": ["lot label"],
    },
]  # fmt: skip


def spec(checks: list[dict[str, Any]] | None = None, **material: Any) -> GoldenSpec:
    """Return the test plate's specification with a laminate and its checks."""
    plans = {"iqc": CHECKS if checks is None else checks}
    return GoldenSpec.model_validate({**fields(), "materials": [{**MATERIAL, **material}], "plans": plans})


SPEC = spec()


def delivery(**changes: Any) -> m.Delivery:
    """Return 100 sheets of the agreed laminate."""
    return m.Delivery.model_validate({
        "supplier": "Laminates Trading", "manufacturer": "Kingboard", "manufacturer_lot": "KB-1",
        "part_number": "KB-6160", "quantity": "100", "unit": "sheet", "lot_size": 100,
        "purchase_order": "PO-1", "receipt": "DN-1", "received_at": "2026-07-01T12:00:00Z", **changes,
    })  # fmt: skip


def proof(proves: str = "certificate of conformity", mark: str = "c", **changes: Any) -> m.EvidenceAdded:
    """Return a piece of evidence."""
    return m.EvidenceAdded.model_validate({
        "proves": proves, "form": "certificate", "digest": "sha256:" + mark * 64, "reference": "C-1",
        "person": INSPECTOR, **changes,
    })  # fmt: skip


class Store:
    """A journal and the live state of one material lot."""

    def __init__(self, material: str = "M1") -> None:
        self.lines: list[JournalLine] = []
        self.state = m.MaterialState(material)

    def add(self, events: Iterable[NewEvent], at: str = "2026-07-01T12:00:00Z") -> list[str]:
        """Append a step's events, fold them, and return their kinds."""
        kinds: list[str] = []
        for event in events:
            last = self.lines[-1] if self.lines else None
            line = append(
                last, time=at, actor="test", kind=event.kind, subject=event.subject, body=event.body
            )
            self.lines.append(line)
            self.state = m.apply_material(self.state, line)
            kinds.append(event.kind)
        return kinds

    def receive(self, given: m.Delivery | None = None, known: GoldenSpec = SPEC) -> list[str]:
        return self.add(
            m.receive_material(self.state, known, GOLDEN, "laminate", given or delivery(), INSPECTOR, now=NOW)
        )

    def prove(self) -> Store:
        self.add(m.add_evidence(self.state, proof(), now=NOW))
        self.add(m.add_evidence(self.state, proof("lot label", form="label"), now=NOW))
        return self

    def measure(self, *wrong: float, n: int = 20) -> list[str]:
        values = [1.6] * (n - len(wrong)) + list(wrong)
        return self.add(m.inspect_measured(self.state, "thickness", values, GAUGE, INSPECTOR, now=NOW))

    def look(self, nonconforming: int = 0, n: int = 10) -> list[str]:
        return self.add(
            m.inspect_attribute(self.state, "check-2", n, nonconforming, BUYERS_INSPECTOR, now=NOW)
        )

    def inspected(self) -> Store:
        self.receive()
        self.prove().measure()
        self.look()
        return self

    def decide(self) -> list[str]:
        return self.add(m.decide_material(self.state, QUALITY, now=NOW))

    def concede(self, quantity: str = "40") -> list[str]:
        return self.add(
            m.concede_material(
                self.state,
                BUYERS_QUALITY,
                quantity=Decimal(quantity),
                reason="urgent",
                expires=LATER,
                now=NOW,
            )
        )

    def book(self, quantity: str, lot: str = "L1", at: datetime = NOW) -> list[str]:
        events = m.book_material(self.state, lot, Decimal(quantity), PRODUCTION, now=at)
        return self.add(events, at.isoformat().replace("+00:00", "Z"))


def released() -> Store:
    """Return a conforming delivery that the supplier's quality has released."""
    store = Store().inspected()
    store.decide()
    return store
