"""Inspections become decisions. Pure: no I/O, no clock, no randomness, no database.

A lot is a state derived from journal lines. Every step below takes the state and what the step is about, and
returns the events to append (`NewEvent(kind, subject, body)`, in this order, in one transaction) or raises a
`QualityError` and nothing happened. The caller appends them with `evidence.journal.append(last, time=, actor=,
kind=event.kind, subject=event.subject, body=event.body)` and folds the new lines into the state.

State
    replay(lot, lines) -> LotState            all journal lines, other subjects are skipped; linear
    apply(state, line) -> LotState            one more line; what `replay` would give
    LotState(lot).record() -> dict            JSON of the state: phase, counts, decisions, sample, causes
    phases: absent -> opened -> [first_article_rejected ->] first_article_accepted -> production (approved)
            -> frozen -> drawn -> oqc_accepted | oqc_rejected;  oqc_accepted -> released (final)

Steps (each may raise StepRefused, `state` is LotState)
    open_lot(state, spec, golden: evidence.GoldenReference)                      lot.opened
    record_inspection(state, spec, inspection: evidence.Inspection)              inspection.recorded
    decide_first_article(state, spec, inspections, entered=())                   fai.decided
        inspections: the first-article units' records, already recorded in this lot;
        entered: EnteredResult(serial, characteristic, value | conform, standard_uncertainty, evidence, source)
    approve_first_article(state, spec, person: Person(name, party))              fai.approved
    freeze_lot(state)                                                            lot.frozen
    draw_sample(state, spec, seed: hex of >= 16 random bytes)                    oqc.drawn
    resolve_unit(state, spec, serial, person, reason, cause=None, severity=None) oqc.resolved
    decide_oqc(state, spec)                                                      oqc.decided
    release_lot(state, spec, person)                                             lot.released
    All events of a lot have the lot as subject. `inspection.recorded`, `fai.decided` and `oqc.decided` may be
    followed by `nonconformance.opened` or `.extended`, whose subject is the non-conformance's id
    (`nc-` and 32 hex digits, the same for the same lot and cause).
    `spec` is the GoldenSpec of `state.golden.digest`. `Person` is for people: make one only of a person's key.

Non-conformances
    replay_nonconformances(lines) -> dict[id, Nonconformance]; apply_nonconformance(known, line) -> the same

Decisions without a lot
    code_letter(lot_size, level); single_plan(letter, aql, severity, standard); lot_plan(lot_size, level, aql,
    severity, standard) -> SamplingPlan
    first_article(spec, inspections, entered) -> FirstArticleDecision
    oqc_plans(plan: OqcPlan, lot_size) -> three ClassSampling; decide_outgoing(plan, lot_size, drawn, findings)
    -> OqcDecision;  findings(spec, inspection, checkpoint) -> UnitFindings
    manifest_digest(lot, serials); draw(lot, serials, n, seed) -> Draw; verify_draw(draw, lot, serials)

Errors: `quality.errors` (QualityError: SamplingError, EvidenceRefused, StepRefused). Over HTTP StepRefused is a
conflict (409), the others are unprocessable (422).
"""
