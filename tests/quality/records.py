"""Inspections of the test plate, and a journal that runs a lot, for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import quality
from evidence import GoldenReference, Inspection, complete
from evidence.journal import JournalLine, append
from golden.spec import GoldenSpec
from tests.builders import BUYER, SUPPLIER, tiny_fields


def fields() -> dict[str, Any]:
    """Return the test plate's specification with a rule of every severity in its catalogue."""
    known = tiny_fields()
    known["catalogue"]["rules"].append({"id": "crack", "defect_class": "crack", "severity": "critical"})
    return known


SPEC = GoldenSpec.model_validate(fields())
GOLDEN = GoldenReference(digest="sha256:" + "a" * 64, version=1)
INSPECTOR = quality.Person(name="Ada Berg", party=BUYER.party)
MAKER = quality.Person(name="Li Wei", party=SUPPLIER.party)
MODEL = {"name": "m1", "digest": "sha256:" + "d" * 64}
SEED = "00112233445566778899aabbccddeeff"


def spec_with(**plans: Any) -> GoldenSpec:
    """Return the test plate's specification with other plans."""
    return GoldenSpec.model_validate({**fields(), "plans": plans})


def result(spec: GoldenSpec, name: str, decision: str = "conform", **fields: Any) -> dict[str, Any]:
    """Return a characteristic's result; the value lies where the decision says."""
    c: Any = next(c for c in spec.characteristics if c.id == name)
    lower, upper = getattr(c, "lower", None), getattr(c, "upper", None)
    conforming = 0.0 if upper is None else ((lower or 0.0) + upper) / 2
    values = {"conform": conforming, "undecided": upper, "nonconform": 2 * (upper or 0.5)}
    return {
        "id": c.id, "name": c.name, "source": "vision", "value": values[decision],
        "unit": getattr(c, "unit", None), "nominal": getattr(c, "nominal", None),
        "lower": lower, "upper": upper, "standard_uncertainty": 0.001, "coverage_factor": 2.0,
        "rule": c.decision.model_dump(), "valid": True, "reason": None,
        "decision": decision, **fields,
    }  # fmt: skip


_WEIGHED: dict[str | None, tuple[str, str | None]] = {
    "critical": ("crack", "crack"), "major": ("unclassified", "large"), "minor": ("scratch", "scratch"),
    "allowed": ("scratch", "speck"), None: ("unclassified", None),
}  # fmt: skip


def defect(severity: str | None, **fields: Any) -> dict[str, Any]:
    """Return a deviation on the front that the catalogue weighs so."""
    defect_class, rule = _WEIGHED[severity]
    return {
        "view": "top", "class": defect_class, "severity": severity, "confidence": None,
        "box_px": [1, 1, 2, 2], "box_mm": [0.1, 0.1, 0.2, 0.2], "size_mm": 0.5, "zone": "front", "rule": rule,
        **fields,
    }  # fmt: skip


def frame(*, found: bool = True, captured_at: str | None = None) -> dict[str, Any]:
    """Return the provenance of a frame, with the unit's pose where it was found."""
    pose = {"x_px": 0.0, "y_px": 0.0, "angle_deg": 0.0, "scale": 1.0, "residual_px": 0.1}
    return {
        "view": "top", "camera": "c1", "digest": "sha256:" + "c" * 64, "captured_at": captured_at,
        "calibration": None, "pose": pose if found else None,
    }  # fmt: skip


_REASONS: dict[str, tuple[str, ...]] = {
    "ACCEPT": (),
    "HOLD": ("frame_blurred",),
    "REJECT": ("characteristic_nonconform",),
}


def inspection(
    serial: str | None,
    verdict: str = "ACCEPT",
    *,
    lot: str | None = "L1",
    station: str | None = "line-1",
    decisions: dict[str, str] | None = None,
    defects: Sequence[dict[str, Any]] = (),
    reasons: Sequence[str] | None = None,
    sequence: int = 1,
    captured_at: str | None = None,
    spec: GoldenSpec = SPEC,
    **fields: Any,
) -> Inspection:
    """Return a complete record: vision characteristics conform unless `decisions` says otherwise."""
    said = {"hole": "conform", "paint": "conform", "face": "conform", **(decisions or {})}
    return complete({
        "schema": "hallmark.inspection/1", "part": "T1", "revision": "A", "serial": serial, "lot": lot,
        "station": station, "sequence": sequence, "golden": GOLDEN.model_dump(), "model": MODEL,
        "frames": [frame(captured_at=captured_at)],
        "characteristics": [result(spec, name, decision) for name, decision in said.items()],
        "defects": list(defects), "verdict": verdict,
        "reasons": list(_REASONS[verdict] if reasons is None else reasons), "versions": {}, **fields,
    })  # fmt: skip


def bad(serial: str, severity: str, **fields: Any) -> Inspection:
    """Return a rejected record with one nonconformity of that class."""
    if severity == "minor":
        return inspection(serial, "REJECT", decisions={"paint": "nonconform"}, **fields)
    if severity == "major":
        return inspection(serial, "REJECT", decisions={"hole": "nonconform"}, **fields)
    return inspection(serial, "REJECT", decisions={"continuity": "nonconform"}, **fields)


def proof(serial: str, **fields: Any) -> quality.EnteredResult:
    """Return the continuity test of a unit."""
    given = {"value": 0.1, "standard_uncertainty": 0.01, "evidence": "report 7", **fields}
    return quality.EnteredResult.model_validate({"serial": serial, "characteristic": "continuity", **given})


class Line:
    """A journal and the live state of one lot, fed by the steps' events."""

    def __init__(self, spec: GoldenSpec = SPEC, lot: str = "L1") -> None:
        self.spec = spec
        self.lines: list[JournalLine] = []
        self.state = quality.LotState(lot)

    def add(self, events: Iterable[quality.NewEvent]) -> tuple[quality.NewEvent, ...]:
        """Append a step's events and fold them into the state."""
        kept = tuple(events)
        for event in kept:
            last = self.lines[-1] if self.lines else None
            line = append(
                last, time="2026-07-01T12:00:00Z", actor="test", kind=event.kind, subject=event.subject,
                body=event.body,
            )  # fmt: skip
            self.lines.append(line)
            if event.subject == self.state.lot:
                self.state = quality.apply(self.state, line)
        return kept

    def opened(self) -> Line:
        """Open the lot."""
        self.add(quality.open_lot(self.state, self.spec, GOLDEN))
        return self

    def record(self, *records: Inspection) -> Line:
        """Record inspections."""
        for one in records:
            self.add(quality.record_inspection(self.state, self.spec, one))
        return self

    def in_production(self) -> Line:
        """Open the lot, and have a first article accepted and approved."""
        first = inspection("FA-1", spec=self.spec)
        self.opened().record(first)
        self.add(quality.decide_first_article(self.state, self.spec, [first], [proof("FA-1")]))
        self.add(quality.approve_first_article(self.state, self.spec, INSPECTOR))
        return self

    def produced(self, count: int) -> Line:
        """Produce accepted units U000 and up."""
        return self.in_production().record(*(inspection(f"U{i:03d}", spec=self.spec) for i in range(count)))

    def drawn(self, count: int) -> Line:
        """Produce, freeze and draw."""
        self.produced(count)
        self.add(quality.freeze_lot(self.state))
        self.add(quality.draw_sample(self.state, self.spec, SEED))
        return self

    @property
    def sample(self) -> tuple[str, ...]:
        """Return the drawn serials."""
        assert self.state.draw is not None
        return self.state.draw.serials

    def kinds(self) -> list[str]:
        """Return the kinds of all lines."""
        return [line.kind for line in self.lines]

    def nonconformances(self) -> list[quality.Nonconformance]:
        """Return the lot's non-conformances."""
        return list(quality.replay_nonconformances(self.lines).values())
