"""Who may sign: a role at a party that the golden sample names."""

from __future__ import annotations

from collections.abc import Sequence

from quality.errors import StepError
from quality.events import Person, Role


def require_signer(person: Person, role: Role, parties: Sequence[str], step: str) -> None:
    """Raise StepError, naming what is needed, unless the person has the role at one of the parties."""
    if role in person.roles and person.party in parties:
        return
    has = ", ".join(person.roles) or "no role"
    raise StepError(
        f"{step} needs a person with the role {role} at {' or '.join(parties)}; "
        f"{person.name} has {has} at {person.party}"
    )
