"""What the journal itself says of a later lot: how many units were judged for the cause, and since when."""

from __future__ import annotations

from collections.abc import Sequence

from evidence.journal import JournalLine
from quality.corrective.criterion import Counts, LotEvidence
from quality.errors import StepError
from quality.events import InspectionRecorded, UnitJudged
from quality.folding import instant


def lot_evidence(
    lot: str,
    cause: str,
    lines: Sequence[JournalLine],
    *,
    counts: Counts | None = None,
    produced_from: str | None = None,
) -> LotEvidence:
    """Return a lot's evidence about a cause, from its own journal lines in order.

    A unit is inspected once it was judged, by a station (not on HOLD, and not as a first article) or by a
    person, and nonconforming where any of these found the cause. `counts` take the place of these, for a lot
    whose units are judged elsewhere. Without `produced_from` the lot was produced from its first line on.

    Raises:
        StepError: nothing was judged and no counts are given, or `produced_from` lies after the first
            record of a unit.
    """
    judged: dict[str, bool] = {}
    first: str | None = None
    for line in lines:
        if line.kind == InspectionRecorded.kind:
            record = InspectionRecorded.model_validate(line.body)
            first = first or line.time
            if record.verdict == "HOLD" or record.checkpoint == "first_article":
                continue
            found, serial = record.findings.nonconformities, record.serial
        elif line.kind == UnitJudged.kind:
            judgement = UnitJudged.model_validate(line.body)
            found, serial = judgement.nonconformities, judgement.serial
        else:
            continue
        judged[serial] = judged.get(serial, False) or any(n.cause == cause for n in found)
    if counts is None:
        if not judged:
            raise StepError(f"lot {lot}: no unit was judged for {cause}; inspect it, or give the counts")
        counts = Counts(nonconforming=sum(judged.values()), inspected=len(judged))
    if produced_from is not None and first is not None and instant(produced_from) > instant(first):
        raise StepError(f"lot {lot}: produced_from {produced_from} lies after its first record at {first}")
    return LotEvidence(lot=lot, counts=counts, produced_from=produced_from or lines[0].time)
