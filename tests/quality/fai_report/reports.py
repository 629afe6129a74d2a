"""First article reports of the test plate, and a journal that runs them, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from evidence.journal import JournalLine, append
from golden.spec import GoldenSpec
from quality import EnteredResult, NewEvent, Person, fai_report, first_article
from quality.fai_report import Fair, FairForms
from tests.builders import BUYER, SUPPLIER
from tests.quality.records import GOLDEN, fields, inspection

MATERIAL = {
    "id": "steel", "name": "Steel 1.4301", "standard": "EN 10088-2",
    "approved_manufacturers": ["Outo"], "required_evidence": ["certificate"],
}  # fmt: skip


def spec_of(approved_by: str = "buyer", **fai: Any) -> GoldenSpec:
    """Return the test plate with a material, and the party that approves."""
    plans = {"fai": {"approved_by": approved_by, **fai}}
    return GoldenSpec.model_validate({**fields(), "materials": [MATERIAL], "plans": plans})


SPEC = spec_of()
INSPECTOR = Person(name="Wu Fang", party=SUPPLIER.party, roles=("inspector",))
MAKER = Person(name="Li Wei", party=SUPPLIER.party, roles=("quality",))
CUSTOMER = Person(name="Ada Berg", party=BUYER.party, roles=("quality",))
STEEL = fai_report.MaterialRow(
    name="Steel 1.4301", specification="EN 10088-2", supplier="Outo", customer_approval="yes",
    certificate="3.1-77",
)  # fmt: skip


def proof(serial: str, **given: Any) -> EnteredResult:
    """Return the continuity test of a unit, with its instrument."""
    return EnteredResult.model_validate({
        "serial": serial, "characteristic": "continuity", "value": 0.1, "standard_uncertainty": 0.01,
        "evidence": "report 7", "instrument": "ohmmeter 3", **given,
    })  # fmt: skip


def decided(spec: GoldenSpec = SPEC, serials: Sequence[str] = ("FA-1",), **decisions: str) -> Any:
    """Return the first-article decision of units with those decisions."""
    verdict = "REJECT" if decisions else "ACCEPT"
    records = [inspection(s, verdict, decisions=decisions, spec=spec) for s in serials]
    return first_article(spec, records, [proof(s) for s in serials])


class Reports:
    """A journal and the live reports, fed by the steps' events."""

    def __init__(self, spec: GoldenSpec = SPEC) -> None:
        self.spec = spec
        self.lines: list[JournalLine] = []
        self.known: dict[str, Fair] = {}
        self.time = "2026-07-01T12:00:00Z"

    def add(self, events: Iterable[NewEvent]) -> Reports:
        """Append a step's events and fold them."""
        for event in events:
            last = self.lines[-1] if self.lines else None
            line = append(
                last, time=self.time, actor="test", kind=event.kind, subject=event.subject, body=event.body
            )
            self.known = fai_report.apply_fair(self.known, line)
            self.lines.append(line)
        return self

    def opened(self, identifier: str = "F1", **given: Any) -> Reports:
        """Ask for a report."""
        return self.add(fai_report.open_fair(self.known, self.spec, GOLDEN, identifier, **given))

    def forms(
        self, identifier: str = "F1", form1: dict[str, Any] | None = None, **decisions: str
    ) -> FairForms:
        """Return the filled forms of a report."""
        opened = self.known[identifier].opened
        return fai_report.prepare_forms(
            identifier, opened, decided(self.spec, **decisions),
            form1={"process_reference": "WO-1", "fai_of": "detail", **(form1 or {})},
            materials=[STEEL] if opened.materials else [],
            nonconformances={name: "nc-1" for name, said in decisions.items() if said != "conform"},
        )  # fmt: skip

    def submitted(self, identifier: str = "F1", **decisions: str) -> Reports:
        """Submit the forms."""
        return self.add(
            fai_report.submit_fair(self.known, identifier, self.forms(identifier, **decisions), INSPECTOR)
        )

    def signed(self, identifier: str = "F1", **decisions: str) -> Reports:
        """Submit, verify and review."""
        self.submitted(identifier, **decisions)
        self.add(fai_report.verify_fair(self.known, identifier, INSPECTOR))
        return self.add(fai_report.approve_fair(self.known, identifier, MAKER))

    def approved(self, identifier: str = "F1") -> Reports:
        """Submit, and have all sign."""
        self.signed(identifier)
        return self.add(fai_report.customer_approve_fair(self.known, identifier, CUSTOMER))
