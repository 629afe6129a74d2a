"""A monitored lot of the test plate, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import quality
from evidence.journal import JournalLine, append
from golden.spec import GoldenSpec
from quality import NewEvent, Person, ipqc
from quality.ipqc import IpqcState, Reading
from quality.spc import Limits, entered_limits
from tests.builders import BUYER, SUPPLIER
from tests.quality.records import GOLDEN, inspection, proof, spec_with

KEEPER = Person(name="Zhao", party=SUPPLIER.party, roles=("quality",))
OPERATOR = Person(name="Chen", party=SUPPLIER.party, roles=("production",))
ENGINEER = Person(name="Sun", party=SUPPLIER.party, roles=("engineering",))
CUSTOMER = Person(name="Ada Berg", party=BUYER.party, roles=("quality",))
START = datetime(2026, 7, 1, 8, tzinfo=UTC)


def plan(**given: Any) -> dict[str, Any]:
    """Return a plan: two units every ten, hole on Xbar-R, one reaction step."""
    return {
        "size": 2, "every_units": 10, "every_minutes": None, "grace_percent": 20,
        "key_characteristics": [{"characteristic": "hole", "chart": "xbar_r", "rules": "nelson 1 2"}],
        "reaction_plan": ["stop the machine", "remove the cause"], "reaction_minutes": 30,
        "escalation": [
            {"role": "quality", "after_minutes": 30}, {"role": "management", "after_minutes": 60},
        ],
        **given,
    }  # fmt: skip


def limits(centre: float = 0.8, sigma: float = 0.005, version: int = 1) -> Limits:
    """Return frozen control limits of the hole."""
    entered = entered_limits("xbar_r", centre, sigma, reason="study 3", person=ENGINEER)
    return entered.model_copy(update={"version": version})


class Shop:
    """The journal, the lot and its in-process control; `clock` is the time of the next line."""

    def __init__(self, spec: GoldenSpec | None = None, **given: Any) -> None:
        self.spec = spec or spec_with(ipqc=plan(**given))
        self.lines: list[JournalLine] = []
        self.lot = quality.LotState("L1")
        self.state = IpqcState("L1")
        self.clock = START
        self.units = 0

    def add(self, events: Sequence[NewEvent]) -> list[str]:
        """Append events and fold them; return their kinds."""
        for event in events:
            last = self.lines[-1] if self.lines else None
            line = append(
                last, time=self.clock.isoformat().replace("+00:00", "Z"), actor="test", kind=event.kind,
                subject=event.subject, body=event.body,
            )  # fmt: skip
            if line.subject in ("L1", "ipqc:L1"):
                self.state = ipqc.apply_ipqc(self.state, line)
            if line.subject == "L1":
                self.lot = quality.apply(self.lot, line)
            self.lines.append(line)
        return [event.kind for event in events]

    def after(self, minutes: float) -> Shop:
        """Let time pass."""
        self.clock += timedelta(minutes=minutes)
        return self

    def producing(self) -> Shop:
        """Approve the first article."""
        first = inspection("FA-1", spec=self.spec)
        self.add(quality.open_lot(self.lot, self.spec, GOLDEN))
        self.add(quality.record_inspection(self.lot, self.spec, first))
        self.add(quality.decide_first_article(self.lot, self.spec, [first], [proof("FA-1")]))
        self.add(quality.approve_first_article(self.lot, self.spec, CUSTOMER))
        return self

    def started(self, *, frozen: bool = True) -> Shop:
        """Start monitoring: procedure acknowledged, limits frozen."""
        self.producing()
        self.add(ipqc.start_ipqc(self.state, self.spec, KEEPER, sop="WI-7", sop_version="B", now=self.clock))
        self.add(ipqc.acknowledge_sop(self.state, "B", OPERATOR, now=self.clock))
        if frozen:
            self.freeze(limits())
        return self

    def freeze(self, chosen: Limits) -> None:
        """Freeze limits of the hole."""
        self.add(ipqc.freeze_limits(self.state, "hole", chosen, ENGINEER, reason="study 3", now=self.clock))

    def made(self, count: int, minutes: float = 0) -> Shop:
        """Make units, so many minutes apart."""
        for _ in range(count):
            self.after(minutes)
            self.units += 1
            one = inspection(f"U{self.units:03d}", spec=self.spec)
            self.add(quality.record_inspection(self.lot, self.spec, one))
        return self

    def readings(self, *values: float, **given: Any) -> list[Reading]:
        """Return readings of the hole on the last units made."""
        first = self.units - len(values) + 1
        return [
            Reading.model_validate({
                "serial": f"U{first + i:03d}", "characteristic": "hole", "value": value,
                "standard_uncertainty": 0.0001, "instrument": "pin gauge 2", **given,
            })
            for i, value in enumerate(values)
        ]  # fmt: skip

    def sample(self, *values: float) -> list[str]:
        """Take a sample of the last units made."""
        return self.add(
            ipqc.take_sample(self.state, self.lot, self.readings(*values), OPERATOR, now=self.clock)
        )

    def watch(self) -> list[str]:
        """Append what has become due."""
        return self.add(ipqc.watch(self.state, self.lot, self.clock))
