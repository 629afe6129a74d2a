"""First article inspection of part and process configuration (AS9102 Rev C), and first-piece approval.

Reports: subject `fair:<identifier>`, folded together since a partial one rests on its baseline
    replay_fairs(lines) -> dict[identifier, Fair]; apply_fair(known, line) -> the same
    phases: opened -> submitted -> verified (20, 21) -> reviewed (22, 23) -> approved (24, 25 where agreed);
        reviewed with a documented nonconformance: incomplete, until a partial report completes it
    open_fair, submit_fair, verify_fair, approve_fair, customer_approve_fair, return_fair, trigger_fair,
    note_production: each takes the reports known and returns the events to append
    prepare_forms(identifier, opened, decision, ...) -> FairForms, from a `first_article` decision
    valid_fair(fair, now) -> bool; invalid_because(fair, now) -> why not
    requirements() -> status (R, CR, O) by form and field, as the models enforce it
    shortcomings(FairSummary), lapsed(last_production, on): the rules of completeness alone

First pieces: subject `firstpiece:<lot>`, in `quality.fai_report.first_piece`
    FirstPieceState, replay_first_piece(lot, lines), apply_first_piece(state, line): both subjects
    call_first_piece, hold_units, decide_first_piece, approve_first_piece
"""

from quality.fai_report.completeness import FairSummary, Shortcoming, lapsed, shortcomings
from quality.fai_report.events import FAIR_EVENTS
from quality.fai_report.forms import (
    CharacteristicAccountability,
    CharacteristicRow,
    FairForms,
    FaiTrigger,
    FaiType,
    FunctionalTestRow,
    IndexRow,
    MaterialRow,
    PartNumberAccountability,
    ProductAccountability,
    SignedPartNumberAccountability,
    UnitResult,
    requirements,
)
from quality.fai_report.prepare import prepare_forms
from quality.fai_report.reports import Fair, apply_fair, invalid_because, replay_fairs, valid_fair
from quality.fai_report.steps import (
    approve_fair,
    customer_approve_fair,
    note_production,
    open_fair,
    return_fair,
    submit_fair,
    trigger_fair,
    verify_fair,
)

__all__ = [
    "FAIR_EVENTS", "CharacteristicAccountability", "CharacteristicRow", "FaiTrigger", "FaiType", "Fair",
    "FairForms", "FairSummary", "FunctionalTestRow", "IndexRow", "MaterialRow", "PartNumberAccountability",
    "ProductAccountability", "Shortcoming", "SignedPartNumberAccountability", "UnitResult", "apply_fair",
    "approve_fair", "customer_approve_fair", "invalid_because", "lapsed", "note_production", "open_fair",
    "prepare_forms", "replay_fairs", "requirements", "return_fair", "shortcomings", "submit_fair",
    "trigger_fair", "valid_fair", "verify_fair",
]  # fmt: skip
