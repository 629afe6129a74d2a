"""What a lot is at a moment, which steps may follow, and what must hold for them. `quality.lots` folds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from evidence import GoldenReference, canonical_json, sha256
from golden.catalogue import CharacteristicClass, DefectCatalogue
from golden.plans import OqcPlan, SeedSource
from golden.spec import GoldenSpec
from quality.errors import StepError
from quality.events import ItemChecked, LotOpened, Person, nonconformance_id
from quality.fai import FirstArticleDecision
from quality.lot_draw import Draw
from quality.lot_units import LateFinding, LotUnit, SampleUnit, UnitStatus
from quality.outgoing import ClassSampling, ClassTally, OqcDecision, class_tally, decide_outgoing
from quality.sampling import InspectionSeverity
from quality.sign_off import require_signer
from quality.unit_findings import Nonconformity

Phase = Literal[
    "absent", "opened", "first_article_rejected", "first_article_accepted", "production", "screening",
    "frozen", "drawn", "oqc_accepted", "oqc_rejected", "released",
]  # fmt: skip

BEFORE_APPROVAL: tuple[Phase, ...] = ("opened", "first_article_rejected", "first_article_accepted")
_IN_HAND: tuple[Phase, ...] = ("production", "screening", "frozen", "drawn", "oqc_accepted")

# Which step may follow in which phase, and what a lot that is elsewhere needs first.
ALLOWED: dict[str, tuple[tuple[Phase, ...], str]] = {
    "lot.opened": (("absent",), "a lot is opened once"),
    "inspection.recorded": (
        (*BEFORE_APPROVAL, *_IN_HAND),
        "units are inspected in an open lot, or as its drawn sample",
    ),
    "fai.decided": (BEFORE_APPROVAL, "the first article is decided before production"),
    "fai.approved": (("first_article_accepted",), "an accepted first article comes first"),
    "lot.quarantined": (_IN_HAND, "units are quarantined from the approval of production to the release"),
    "lot.cleared": (_IN_HAND, "units are cleared from the approval of production to the release"),
    "lot.frozen": (
        ("production", "screening"),
        "an accepted and approved first article comes first, and a lot is frozen once",
    ),
    "oqc.drawn": (("frozen",), "the manifest is frozen first, and a sample is drawn once"),
    "oqc.judged": (("screening", "drawn"), "a person judges units of the sample, or of a lot in screening"),
    "oqc.checked": (("frozen", "drawn"), "the checklist is answered between freeze and decision"),
    "oqc.resolved": (
        ("frozen", "drawn", "oqc_accepted"),
        "units are resolved between draw and decision, late findings until the release",
    ),
    "oqc.decided": (("drawn",), "the sample is drawn first, and the decision is final"),
    "lot.resubmitted": (("oqc_rejected",), "a lot that outgoing quality control rejected is resubmitted"),
    "lot.released": (("oqc_accepted",), "outgoing quality control must accept first, and a release is final"),
}


@dataclass(frozen=True, slots=True)
class LotState:
    """A lot as its journal lines tell it. Read only.

    `agreed` is what was fixed when it was opened. `units`, `sample` and `late` are by serial; `quarantine`
    holds the causes that quarantine a unit, beside what its own records say; `checks` the answered items of
    the checklist; `causes` the causes of its non-conformances in order of opening; `sequence` is the last
    journal line that was folded in.
    """

    lot: str
    phase: Phase = "absent"
    sequence: int = 0
    golden: GoldenReference | None = None
    part: str | None = None
    revision: str | None = None
    agreed: LotOpened | None = None
    units: dict[str, LotUnit] = field(default_factory=dict[str, LotUnit])
    quarantine: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    first_article: FirstArticleDecision | None = None
    approved_by: Person | None = None
    manifest: str | None = None
    serials: tuple[str, ...] = ()
    draw: Draw | None = None
    drawn_at: str | None = None
    seed_source: SeedSource | None = None
    series: str | None = None
    severities: dict[CharacteristicClass, InspectionSeverity] = field(
        default_factory=dict[CharacteristicClass, InspectionSeverity]
    )
    samplings: tuple[ClassSampling, ...] = ()
    sample: dict[str, SampleUnit] = field(default_factory=dict[str, SampleUnit])
    late: dict[str, LateFinding] = field(default_factory=dict[str, LateFinding])
    checks: dict[str, ItemChecked] = field(default_factory=dict[str, ItemChecked])
    oqc: OqcDecision | None = None
    resubmitted_as: str | None = None
    released_by: Person | None = None
    causes: dict[str, None] = field(default_factory=dict[str, None])

    def record(self) -> dict[str, Any]:
        """Return the state as a JSON object; units are counted, the sample is listed in the order drawn."""
        counts = Counter(status(self, serial) for serial in self.units)
        drawn = () if self.draw is None else self.draw.serials
        resubmission = None if self.agreed is None else self.agreed.resubmission
        return {
            "lot": self.lot,
            "phase": self.phase,
            "golden": _dump(self.golden),
            "part": self.part,
            "revision": self.revision,
            "resubmission_of": None if resubmission is None else resubmission.lot,
            "resubmitted_as": self.resubmitted_as,
            "units": {s: counts[s] for s in ("accepted", "rejected", "held", "quarantined")},
            "quarantine": [
                {"serial": serial, "causes": list(causes)} for serial, causes in self.quarantine.items()
            ],
            "first_article": _dump(self.first_article),
            "approved_by": _dump(self.approved_by),
            "manifest": self.manifest,
            "size": len(self.serials) if self.manifest else None,
            "draw": _dump(self.draw),
            "seed_source": self.seed_source,
            "series": self.series,
            "samplings": [_dump(s) for s in self.samplings],
            "sample": [_sample_record(serial, self.sample.get(serial)) for serial in drawn],
            "tally": [_dump(c) for c in tally(self)] if self.phase == "drawn" else [],
            "checklist": [_check_record(item.id, self) for item in self.agreed.oqc.checklist]
            if self.agreed
            else [],
            "late_findings": [_late_record(serial, late) for serial, late in self.late.items()],
            "oqc": _dump(self.oqc),
            "released_by": _dump(self.released_by),
            "nonconformances": [
                {"id": nonconformance_id(self.lot, cause), "cause": cause} for cause in self.causes
            ],
        }


def require(state: LotState, kind: str) -> None:
    """Raise StepError unless an event of that kind may follow."""
    phases, needs = ALLOWED[kind]
    if state.phase not in phases:
        raise StepError(f"lot {state.lot}: {kind} cannot follow while the lot is {state.phase!r}: {needs}")


def agreement(state: LotState) -> LotOpened:
    """Return what was fixed when the lot was opened; raise StepError before that."""
    if state.agreed is None:
        raise StepError(f"lot {state.lot}: it is not open")
    return state.agreed


def catalogue_digest(catalogue: DefectCatalogue) -> str:
    """Return the digest that a lot keeps of the catalogue it is judged by; defaults do not enter it."""
    return sha256(canonical_json(catalogue.model_dump(mode="json", exclude_defaults=True)))


def require_agreed(state: LotState, spec: GoldenSpec) -> None:
    """Raise StepError where catalogue or outgoing plan are not those that were fixed before production."""
    agreed = agreement(state)
    if spec.plans.oqc != agreed.oqc or catalogue_digest(spec.catalogue) != agreed.catalogue:
        raise StepError(
            f"lot {state.lot}: catalogue or outgoing plan are not those that it was opened under; "
            "they are fixed before production"
        )


def lone_severity(agreed: LotOpened) -> InspectionSeverity:
    """Return the severity of a lot that counts in no series: tightened where it is resubmitted."""
    return "tightened" if agreed.resubmission is not None else agreed.oqc.severity


def deciders(state: LotState) -> tuple[str, ...]:
    """Return the parties whose persons approve, clear, resolve and release."""
    agreed = agreement(state)
    return tuple(p.name for p in agreed.parties if p.role == agreed.decides)


def require_decider(state: LotState, person: Person) -> None:
    """Raise StepError unless the person acts for the party that decides: who approves the first article."""
    parties = deciders(state)
    if person.party not in parties:
        raise StepError(
            f"lot {state.lot}: the {agreement(state).decides} ({', '.join(parties)}) approves, resolves and "
            f"releases; {person.name} acts for {person.party}"
        )


def require_inspector(state: LotState, person: Person, step: str) -> None:
    """Raise StepError unless the person inspects or answers for quality at a party of the golden sample."""
    parties = [p.name for p in agreement(state).parties]
    require_signer(person, ("inspector", "quality"), parties, f"lot {state.lot}: {step}")


def require_no_suspect(state: LotState) -> None:
    """Raise StepError while a unit of the manifest is suspect: a late finding, or quarantine, not cleared."""
    kept = [serial for serial in state.serials if serial in state.quarantine]
    if kept:
        raise StepError(
            f"lot {state.lot}: unit {kept[0]} is in quarantine for {', '.join(state.quarantine[kept[0]])} "
            f"({len(kept)} such units of the manifest); a person in role quality clears each of them first"
        )
    suspects = [serial for serial, late in state.late.items() if late.resolution is None]
    if suspects:
        raise StepError(
            f"lot {state.lot}: {state.late[suspects[0]].verdict} of unit {suspects[0]} came after the freeze "
            f"({len(suspects)} such units); a person of the deciding party resolves each of them first"
        )


def require_standing(state: LotState) -> None:
    """Raise StepError unless each first-article unit still rests on the inspection that was decided."""
    decision = state.first_article
    assert decision is not None
    for serial, inspection in zip(decision.serials, decision.inspections, strict=True):
        current = state.units[serial].inspection
        if current != inspection:
            raise StepError(
                f"lot {state.lot}: the first article was decided on {inspection}, but {current} stands for "
                f"unit {serial} now; decide it again"
            )


def require_screened(state: LotState) -> None:
    """Raise StepError while a unit of a resubmitted lot has not been judged again."""
    again = agreement(state).resubmission
    unseen = [serial for serial in (again.units if again else ()) if serial not in state.units]
    if unseen:
        raise StepError(
            f"lot {state.lot}: unit {unseen[0]} is not screened ({len(unseen)} such units); a rejected lot "
            "is inspected unit by unit before it is judged again"
        )


def require_checked(state: LotState) -> None:
    """Raise StepError while an item of the checklist is not answered."""
    missing = [item.id for item in agreement(state).oqc.checklist if item.id not in state.checks]
    if missing:
        raise StepError(f"lot {state.lot}: the checklist lacks an answer to {', '.join(missing)}")


def accepted_serials(state: LotState) -> tuple[str, ...]:
    """Return the serials of the accepted units, sorted."""
    return tuple(sorted(serial for serial in state.units if status(state, serial) == "accepted"))


def status(state: LotState, serial: str) -> UnitStatus:
    """Return a unit's status: quarantine takes it from the accepted ones, and leaves what is worse."""
    own = state.units[serial].status
    return "quarantined" if own == "accepted" and serial in state.quarantine else own


def outgoing_decision(state: LotState) -> OqcDecision:
    """Return what the sample and the checklist of a drawn lot decide as they stand now."""
    assert state.draw is not None
    agreed = agreement(state)
    return decide_outgoing(
        agreed.oqc,
        len(state.serials),
        state.draw.serials,
        {serial: unit.findings for serial, unit in state.sample.items()},
        severities=state.severities,
        failed=failed_items(agreed.oqc, state.checks.values()),
    )


def failed_items(plan: OqcPlan, checks: Iterable[ItemChecked]) -> tuple[Nonconformity, ...]:
    """Return the nonconformities of the checklist, in its order."""
    failed = {check.item for check in checks if not check.conforms}
    return tuple(
        Nonconformity(cause=f"checklist:{item.id}", severity=item.severity)
        for item in plan.checklist
        if item.id in failed
    )


def tally(state: LotState) -> tuple[ClassTally, ...]:
    """Return where each class of a drawn lot stands against its Ac and Re, critical first.

    Raises:
        StepError: no sample is drawn.
    """
    if state.draw is None:
        raise StepError(f"lot {state.lot}: no sample is drawn; there is nothing to count")
    decision = outgoing_decision(state)
    return tuple(class_tally(c, decision.counting) for c in decision.classes)


def _dump(model: Any) -> Any:  # noqa: ANN401 (any of the room's models, or None)
    return None if model is None else model.model_dump(mode="json")


def _check_record(item: str, state: LotState) -> dict[str, Any]:
    check = state.checks.get(item)
    if check is None:
        return {"item": item, "conforms": None, "person": None, "evidence": None}
    return check.model_dump(mode="json")


def _late_record(serial: str, late: LateFinding) -> dict[str, Any]:
    return {
        "serial": serial,
        "verdict": late.verdict,
        "inspections": list(late.inspections),
        "resolution": _dump(late.resolution),
    }


def _sample_record(serial: str, unit: SampleUnit | None) -> dict[str, Any]:
    if unit is None:
        return {"serial": serial, "verdict": None, "inspection": None, "findings": None, "means": None}
    return {
        "serial": serial,
        "verdict": unit.verdict,
        "inspection": unit.inspection,
        "findings": _dump(unit.findings),
        "means": unit.means,
    }
