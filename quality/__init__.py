"""Inspections become decisions. Pure: no I/O, no clock, no randomness, no database.

A lot is a state derived from journal lines. Every step below takes the state and what the step is about, and
returns the events to append (`NewEvent(kind, subject, body)`, in this order, in one transaction) or raises a
`QualityError` and nothing happened. The caller appends them with `evidence.journal.append(last, time=...,
actor=..., kind=event.kind, subject=event.subject, body=event.body)` and folds the new lines into the state.

State
    replay(lot, lines) -> LotState            all journal lines, other subjects are skipped; linear
    apply(state, line) -> LotState            one more line; what `replay` would give
    LotState(lot).record() -> dict            JSON of the state: phase, counts, decisions, sample, causes
    phases: absent -> opened -> [first_article_rejected ->] first_article_accepted -> production (approved)
            -> frozen -> drawn -> oqc_accepted | oqc_rejected;  oqc_accepted -> released (final)
            a resubmitted lot: absent -> screening -> frozen, and on as above
    tally(state) -> ClassTally per class: found against Ac and Re, remaining, and what is decided already

Steps (each may raise StepError, `state` is LotState)
    open_lot(state, spec, golden: evidence.GoldenReference, resubmits=None)      lot.opened
    record_inspection(state, spec, inspection: evidence.Inspection)              inspection.recorded
    decide_first_article(state, spec, inspections, entered=())                   fai.decided
        inspections: the first-article units' records, already recorded in this lot;
        entered: EnteredResult(serial, characteristic, value | conform, standard_uncertainty, evidence)
    approve_first_article(state, spec, person: Person(name, party))              fai.approved
    quarantine_units(state, serials, cause=, reason=)                            lot.quarantined
    clear_units(state, spec, serials, person, reason=)                           lot.cleared
    freeze_lot(state)                                                            lot.frozen
    draw_sample(state, spec, seed: hex of >= 16 random bytes, series=, neutral=) oqc.drawn
    judge_unit(state, spec, serial, person, evidence=, nonconformities=())       oqc.judged
    check_item(state, spec, item, person, conforms=, evidence=)                  oqc.checked
    resolve_unit(state, spec, serial, person, reason=, nonconformities=())       oqc.resolved
    decide_oqc(state, spec)                                                      oqc.decided
    release_lot(state, spec, person)                                             lot.released
    All events of a lot have the lot as subject. `inspection.recorded`, `fai.decided` and `oqc.decided` may be
    followed by `nonconformance.opened` or `.extended`, whose subject is the non-conformance's id
    (`nc-` and 32 hex digits, the same for the same lot and cause). `oqc.drawn` and `oqc.decided` are followed
    by `switching.lot_drawn` and `.lot_counted` of the series (subject `series_of(spec)`, read by
    replay_series(subject, lines)), which tells the severity of the next lot; `lot.opened` of a resubmission
    by `lot.resubmitted` of the rejected lot.
    A person approves, resolves and releases for the party that `spec.plans.fai.approved_by` names.
    `spec` is the GoldenSpec of `state.golden.digest`. Make a `Person` only of a person's key, no station's.
    A record that a lot refuses is still evidence: store it, and tell the station that it does not count.

Late findings
    A REJECT or HOLD of a unit of the manifest that comes between freeze and release, by whichever station, is
    recorded (checkpoint `late`) unless it is the drawn sample's own. It opens or extends non-conformances and
    makes the unit suspect: draw_sample, decide_oqc (unless the sample rejects the lot) and release_lot refuse
    until resolve_unit clears it, by a person of the deciding party, with a reason that `record()` keeps.

Non-conformances
    replay_nonconformances(lines) -> dict[id, Nonconformance]; apply_nonconformance(known, line) -> the same
    note_nonconformance(known, note) -> the event that opens or extends it; dispose(...): who may decide what
    quality.corrective: 8D and its due dates on one of them; quality.claims: what the buyer found on arrival;
    quality.trend: a product's lots run over run

Decisions without a lot
    code_letter(lot_size, level); single_plan(letter, aql, severity, standard, counting) and
    lot_plan(lot_size, level, aql, severity, standard, counting) -> SamplingPlan
    quality.sampling: editions, double plans, switching between normal, tightened and reduced inspection
    first_article(spec, inspections, entered) -> FirstArticleDecision
    oqc_plans(plan: OqcPlan, lot_size) -> three ClassSampling
    decide_outgoing(plan, lot_size, drawn, findings) -> OqcDecision
    findings(spec, inspection, checkpoint=None) -> UnitFindings
    manifest_digest(lot, serials); draw(lot, serials, n, seed) -> Draw; verify_draw(draw, lot, serials)
    quality.spc: control charts, run rules and how often they alarm for nothing, process capability
    quality.fai_report: first article inspection reports (AS9102 Rev C), first pieces of a shift or changeover
    quality.ipqc: samples in production, due and missed, charts, reactions, escalation, quarantine
    quality.msa: gage R&R, bias, linearity, stability, agreement; measuring_process_capable
    quality.curves: OC, AOQ, AOQL, ASN, risk points, plan searches, plans for isolated lots
    quality.variables: Z1.9 s-method plans as far as held, estimates, decisions, OC, plan search
    quality.neutral_draw: the draw's seed by commitment and reveal of both parties; agreed_seed(state)
    quality.inspection_error: effective OC and outgoing quality by measured detection and false alarms

Material, samples, changes (each an aggregate of its own, with its own replay and steps)
    quality.materials: incoming control of material lots; quality.physical: golden copies and limit samples;
    quality.golden_record: both in one record; quality.engineering_change: new versions, effectivity, delta
    first article (quality.spec_differences); quality.genealogy: recall by material, cavity, unit, carton,
    shipment

Errors: `quality.errors` (QualityError: SamplingError, EvidenceError, StepError). Over HTTP StepError is a
conflict (409), the others are unprocessable (422).
"""

from quality.errors import (
    EvidenceError,
    ProportionError,
    QualityError,
    SamplingError,
    StepError,
    TransitionError,
)
from quality.events import LOT_EVENTS, NewEvent, NonconformanceNoted, Person, Role
from quality.fai import EnteredResult, FaiItem, FirstArticleDecision, first_article
from quality.lot_draw import Draw, draw, manifest_digest, verify_draw
from quality.lot_state import LotState, tally
from quality.lot_units import LateFinding, LotUnit, SampleUnit
from quality.lots import apply, replay
from quality.nonconformances import (
    NONCONFORMANCE_EVENTS,
    Disposition,
    Nonconformance,
    apply_nonconformance,
    dispose,
    note_nonconformance,
    replay_nonconformances,
)
from quality.outgoing import ClassDecision, ClassSampling, OqcDecision, decide_outgoing, oqc_plans
from quality.outgoing_steps import (
    check_item,
    decide_oqc,
    draw_sample,
    judge_unit,
    release_lot,
    resolve_unit,
    series_of,
)
from quality.sampling import SamplingPlan, code_letter, lot_plan, single_plan
from quality.series import Series, apply_series, replay_series
from quality.steps import (
    approve_first_article,
    clear_units,
    decide_first_article,
    freeze_lot,
    open_lot,
    quarantine_units,
    record_inspection,
)
from quality.unit_findings import NONCONFORMITY_CAUSES, Nonconformity, UnitFindings, findings

__all__ = [
    "LOT_EVENTS", "NONCONFORMANCE_EVENTS", "NONCONFORMITY_CAUSES", "ClassDecision", "ClassSampling",
    "Disposition", "Draw", "EnteredResult", "EvidenceError", "FaiItem", "FirstArticleDecision", "LateFinding",
    "LotState", "LotUnit", "NewEvent", "Nonconformance", "NonconformanceNoted", "Nonconformity",
    "OqcDecision", "Person", "ProportionError", "QualityError", "Role", "SampleUnit", "SamplingError",
    "SamplingPlan", "Series", "StepError", "TransitionError", "UnitFindings", "apply", "apply_nonconformance",
    "apply_series", "approve_first_article", "check_item", "clear_units", "code_letter",
    "decide_first_article", "decide_oqc", "decide_outgoing", "dispose", "draw", "draw_sample", "findings",
    "first_article", "freeze_lot", "judge_unit", "lot_plan", "manifest_digest", "note_nonconformance",
    "open_lot", "oqc_plans", "quarantine_units", "record_inspection", "release_lot", "replay",
    "replay_nonconformances", "replay_series", "resolve_unit", "series_of", "single_plan", "tally",
    "verify_draw",
]  # fmt: skip
