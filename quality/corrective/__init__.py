"""Corrective action on a non-conformance (8D): the supplier submits D0 to D8, the buyer approves.

A state derived from journal lines of the subject `capa:<nc-id>`; the steps are as those of a lot (see
`quality`), and take `now`, a time with a zone. The roles are written at each step.

State
    replay_capas(lines) -> dict[id, CapaState]; apply_capa(state, line) -> CapaState; CapaState.record()
    phases: absent -> open -(D3 approved)-> contained -(D4)-> root_cause_verified -(D5)-> actions_defined
            -(D6)-> implemented -(first later lot)-> verifying -(verified)-> effective -(D8)-> closed;
            failed effectiveness and a confirmed repeat return to contained, and D4 is done again
    next_phase(phase, transition) -> Phase, or TransitionError with a short `refusal`

Steps
    open_capa                capa.opened       either party; copies parties and deadlines
    submit_report            capa.submitted    supplier; REPORTS holds the models, required_fields(discipline)
    approve_report           capa.approved     buyer; D5 fixes the effectiveness criterion
    reject_report            capa.rejected     buyer, with a reason; it is submitted again
    observe_lot              capa.observed     a later lot's counts for the cause (lot_evidence)
    verify_effectiveness     capa.verified     not by an owner of the action
    note_recurrence          capa.recurred     for each non-conformance that opens: append its events with it
    review_recurrence        capa.reviewed     buyer; confirmed reopens

Dates
    due_dates(opened, deadlines) -> DueDates; capa_due_dates(state); overdue(state, now) -> tuple[Overdue]

Statistics
    criterion_power(criterion) -> CriterionPower: which fraction a met criterion excludes, how surely
    fisher_reduction(before, n, after, n); fisher_p_value; sample_size(fraction, confidence); pass_probability
"""

from quality.corrective.criterion import (
    Counts,
    Criterion,
    CriterionPower,
    LotEvidence,
    Outcome,
    criterion_power,
    judge,
)
from quality.corrective.due_dates import DueDates, due_dates
from quality.corrective.effectiveness import (
    Reduction,
    fisher_p_value,
    fisher_reduction,
    pass_probability,
    sample_size,
)
from quality.corrective.events import CAPA_EVENTS, capa_id
from quality.corrective.observed import lot_evidence
from quality.corrective.overdue import Overdue, capa_due_dates, overdue
from quality.corrective.reports import (
    DISCIPLINES,
    REPORTS,
    Action,
    AnyReport,
    Closure,
    Containment,
    Discipline,
    EmergencyResponse,
    Implementation,
    Member,
    PermanentActions,
    Prevention,
    Problem,
    Report,
    RootCause,
    Sorted,
    Team,
    required_fields,
)
from quality.corrective.rules import next_phase
from quality.corrective.states import CapaState, apply_capa, replay_capas
from quality.corrective.steps import (
    approve_report,
    note_recurrence,
    observe_lot,
    open_capa,
    reject_report,
    review_recurrence,
    submit_report,
    verify_effectiveness,
)

__all__ = [
    "CAPA_EVENTS", "DISCIPLINES", "REPORTS", "Action", "AnyReport", "CapaState", "Closure", "Containment",
    "Counts", "Criterion", "CriterionPower", "Discipline", "DueDates", "EmergencyResponse", "Implementation",
    "LotEvidence", "Member", "Outcome", "Overdue", "PermanentActions", "Prevention", "Problem", "Reduction",
    "Report", "RootCause", "Sorted", "Team", "apply_capa", "approve_report", "capa_due_dates", "capa_id",
    "criterion_power", "due_dates", "fisher_p_value", "fisher_reduction", "judge", "lot_evidence",
    "next_phase",
    "note_recurrence", "observe_lot", "open_capa", "overdue", "pass_probability", "reject_report",
    "replay_capas", "required_fields", "review_recurrence", "sample_size", "submit_report",
    "verify_effectiveness",
]  # fmt: skip
