"""What clients send about non-conformances, corrective actions and claims; who signs comes from the key."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from evidence.inspection import Name, Timestamp
from golden.regions import Closed, Identifier
from quality.claims import Arrival
from quality.corrective import Counts, Discipline, Outcome
from quality.nonconformances import Decision

Reason = Annotated[str, Field(min_length=1, max_length=1000)]


class NewDisposition(Closed):
    """What becomes of a quantity of nonconforming product; `serials` names the units, where they are."""

    decision: Decision
    quantity: Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=6)]
    serials: Annotated[tuple[Name, ...], Field(max_length=100_000)] = ()
    reason: Reason


class ReportApproval(Closed):
    """The discipline that is approved; `weak_criterion` is why a D5 criterion too weak is accepted."""

    discipline: Discipline
    weak_criterion: Reason | None = None


class ReportRejection(Closed):
    """The discipline that is sent back, and why."""

    discipline: Discipline
    reason: Reason


class ObservedLot(Closed):
    """A later lot to count for the cause; a material lot is `material:` and its id.

    Without `counts` they are those of the journal: every unit that a station or person judged, nonconforming
    where a record has the cause. Without `produced_from` the lot counts as produced from its opening on.
    """

    lot: Name
    counts: Counts | None = None
    produced_from: Timestamp | None = None


class Verification(Closed):
    """What the later lots show."""

    outcome: Outcome


class RecurrenceReview(Closed):
    """Whether a repeat is the same failure."""

    nonconformance: Name
    outcome: Literal["confirmed", "dismissed"]
    reason: Reason


class NewClaim(Closed):
    """What the buyer received, inspected and found, under the buyer's own number."""

    id: Identifier = Field(examples=["7"])
    arrival: Arrival


class ClaimAnswer(Closed):
    """Whether the supplier accepts a claim, and why."""

    outcome: Literal["accepted", "disputed"]
    reason: Reason


class ClaimWithdrawal(Closed):
    """Why the buyer takes a result back."""

    reason: Reason
