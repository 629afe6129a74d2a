"""Units of a lot in quarantine: put there by a cause outside their own records, cleared by a person.

An in-process sample out of specification speaks against every unit since the last conforming one, whatever
their own records say. Quarantine is kept beside the units' records: an ACCEPT does not end it, and clearing
gives back to each unit what its records make of it, so a rejected unit stays rejected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quality.errors import StepError
from quality.events import LotCleared, LotQuarantined
from quality.sign_off import require_signer

Quarantine = Mapping[str, tuple[str, ...]]


def quarantined(
    lot: str, quarantine: Quarantine, units: Mapping[str, object], event: LotQuarantined
) -> dict[str, tuple[str, ...]]:
    """Return the causes by serial after a quarantine.

    Raises:
        StepError: a serial is no unit of the lot, or occurs twice.
    """
    require_distinct(lot, event.serials)
    strangers = [serial for serial in event.serials if serial not in units]
    if strangers:
        raise StepError(
            f"lot {lot}: unit {strangers[0]} has no record in it ({len(strangers)} such units); "
            "only units of the lot are quarantined"
        )
    added = {s: tuple(dict.fromkeys((*quarantine.get(s, ()), event.cause))) for s in event.serials}
    return {**quarantine, **added}


def cleared(
    lot: str, quarantine: Quarantine, event: LotCleared, deciders: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Return the causes by serial after a clearance.

    Raises:
        StepError: a unit is not in quarantine or occurs twice, or the person does not act in role quality
            for a deciding party.
    """
    require_distinct(lot, event.serials)
    require_signer(event.person, "quality", deciders, f"lot {lot}: {event.kind}")
    strangers = [serial for serial in event.serials if serial not in quarantine]
    if strangers:
        raise StepError(f"lot {lot}: unit {strangers[0]} is not in quarantine ({len(strangers)} such units)")
    gone = set(event.serials)
    return {serial: causes for serial, causes in quarantine.items() if serial not in gone}


def require_distinct(lot: str, serials: Sequence[str]) -> None:
    """Raise StepError where no serial is given, or one twice."""
    if not serials or len(set(serials)) != len(serials):
        raise StepError(f"lot {lot}: {len(serials)} serials are given; name at least one, and each once")
