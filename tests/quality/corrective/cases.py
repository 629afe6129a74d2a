"""A corrective action on lot L1's crack, its journal, and a report of every discipline."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import quality.corrective as cap
from evidence.journal import JournalLine, append
from golden.spec import GoldenSpec
from quality.events import NewEvent, NonconformanceNoted, Person, nonconformance_id
from quality.nonconformances import Nonconformance, note_nonconformance, replay_nonconformances
from tests.builders import BUYER, SUPPLIER, tiny_fields

SPEC = GoldenSpec.model_validate(tiny_fields())
OPENED = datetime(2026, 3, 2, 8, tzinfo=UTC)
CAUSE = "defect:crack:front"
MAKER = Person(name="Li Wei", party=SUPPLIER.party, roles=("quality", "engineering"))
OWNER = Person(name="Chen Bo", party=SUPPLIER.party, roles=("production",))
CHECKER = Person(name="Wu Ying", party=SUPPLIER.party, roles=("quality",))
BUYS = Person(name="Ada Berg", party=BUYER.party, roles=("quality",))


def stamp(when: datetime) -> str:
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def hours(n: float) -> datetime:
    return OPENED + timedelta(hours=n)


def criterion(**fields: Any) -> dict[str, Any]:
    return {"claim_below": 0.05, "lots": 3, "units": 60, **fields}


def report(discipline: str, **fields: Any) -> cap.Report:
    """Return a full report of the discipline; D6 says implemented at hour 100."""
    said: dict[str, dict[str, Any]] = {
        "D0": {
            "nonconformance": nonconformance_id("L1", CAUSE), "opened_at": stamp(OPENED), "source": "Nordic",
            "part": "T1", "revision": "A", "lots": ["L1"], "quantity_suspect": 40,
            "response": "stock stopped", "response_verified": "counted twice",
        },
        "D1": {
            "champion": "Zhao Min", "leader": "Li Wei",
            "members": [{"name": "Chen Bo", "function": "process"}],
        },
        "D2": {
            "is_is_not": "front, not back", "where": "press 2", "when": "night shift", "how_many": 3,
            "defect_class": "crack", "evidence": ["picture-1"], "requirement": "catalogue rule crack",
        },
        "D3": {
            "actions": "sort all", "stock": [{"place": "store", "checked": 40, "nonconforming": 3}],
            "clean_from": "green dot", "in_force_from": stamp(hours(3)), "verified": "second look at 10",
        },
        "D4": {
            "occurrence": "worn punch", "escape": "no crack rule at press 2", "method": "5-why",
            "evidence": ["report-4"],
        },
        "D5": {
            "actions": [
                {"against": "occurrence", "description": "punch life counter", "owner": "Chen Bo",
                 "due": "2026-03-20"},
                {"against": "escape", "description": "camera rule", "owner": "Zhao Min", "due": "2026-03-20"},
            ],
            "verification": "200 strokes without a crack", "criterion": criterion(),
        },
        "D6": {"implemented_at": stamp(hours(100)), "validation": "200 parts", "evidence": ["report-6"]},
        "D7": {"documents_updated": ["FMEA-3"], "read_across": "press 1 and 3"},
        "D8": {
            "effectiveness_result": "no crack in 60", "closed_by": "Li Wei", "closed_at": stamp(hours(390)),
            "customer_acceptance": "mail of 18 March", "team_recognition": "thanked",
        },
    }  # fmt: skip
    return cap.AnyReport.validate_python({"discipline": discipline, **said[discipline], **fields})


def lot(name: str, nonconforming: int = 0, inspected: int = 20, *, at: float = 150) -> cap.LotEvidence:
    counts = cap.Counts(nonconforming=nonconforming, inspected=inspected)
    return cap.LotEvidence(lot=name, counts=counts, produced_from=stamp(hours(at)))


class Case:
    """A journal with one corrective action and its live state."""

    def __init__(self, spec: GoldenSpec = SPEC) -> None:
        self.spec = spec
        self.lines: list[JournalLine] = []
        self.ncs: dict[str, Nonconformance] = {}
        self.state = cap.CapaState(cap.capa_id(nonconformance_id("L1", CAUSE)))
        self.note("L1", at=0)

    def add(self, events: Iterable[NewEvent], at: float) -> Case:
        for event in tuple(events):
            last = self.lines[-1] if self.lines else None
            line = append(
                last, time=stamp(hours(at)), actor="test", kind=event.kind, subject=event.subject,
                body=event.body,
            )  # fmt: skip
            self.lines.append(line)
            if event.subject == self.state.id:
                self.state = cap.apply_capa(self.state, line)
        return self

    def note(self, name: str, *, at: float, cause: str = CAUSE) -> Nonconformance:
        """Open or extend a non-conformance."""
        noted = NonconformanceNoted(
            lot=name, cause=cause, severity="critical", trigger="lot_rejected", serials=("U1",),
            inspections=("i-1",),
        )  # fmt: skip
        event = note_nonconformance(self.ncs, noted)
        self.add([event], at)
        self.ncs = replay_nonconformances(self.lines)
        return self.ncs[event.subject]

    @property
    def nc(self) -> Nonconformance:
        return next(iter(self.ncs.values()))

    def opened(self, at: float = 1) -> Case:
        return self.add(cap.open_capa(self.state, self.spec, self.nc, BUYS, now=hours(at)), at)

    def submit(self, discipline: str, at: float, by: Person = MAKER, **fields: Any) -> Case:
        said = report(discipline, **fields)
        return self.add(cap.submit_report(self.state, said, by, now=hours(at)), at)

    def approve(self, discipline: Any, at: float, by: Person = BUYS, weak: str | None = None) -> Case:
        events = cap.approve_report(self.state, discipline, by, now=hours(at), weak_criterion=weak)
        return self.add(events, at)

    def file(self, *disciplines: str, at: float, **fields: Any) -> Case:
        for discipline in disciplines:
            self.submit(discipline, at, **fields).approve(discipline, at)
        return self

    def observe(self, evidence: cap.LotEvidence, at: float, by: Person = CHECKER) -> Case:
        return self.add(cap.observe_lot(self.state, evidence, by, now=hours(at)), at)

    def verify(self, outcome: Any, at: float, by: Person = CHECKER) -> Case:
        return self.add(cap.verify_effectiveness(self.state, outcome, by, now=hours(at)), at)

    def recur(self, name: str, at: float) -> Nonconformance:
        repeat = self.note(name, at=at)
        self.add(cap.note_recurrence([self.state], repeat, "T1", now=hours(at)), at)
        return repeat

    def review(self, repeat: str, outcome: Any, at: float, by: Person = BUYS) -> Case:
        events = cap.review_recurrence(self.state, repeat, outcome, by, reason="same punch", now=hours(at))
        return self.add(events, at)

    def contained(self) -> Case:
        return self.opened().file("D0", "D1", "D2", "D3", at=4)

    def implemented(self) -> Case:
        return self.contained().file("D4", "D5", at=50).file("D6", "D7", at=101)

    def effective(self) -> Case:
        case = self.implemented()
        for i in range(3):
            case.observe(lot(f"G{i}", at=150 + i), at=200 + i)
        return case.verify("effective", at=300)

    def closed(self) -> Case:
        return self.effective().file("D8", at=400)
