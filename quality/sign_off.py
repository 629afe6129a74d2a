"""Who may sign: a role at a party that the golden sample names."""

from __future__ import annotations

from collections.abc import Sequence

from quality.errors import StepError
from quality.events import Person, Role


def require_role(person: Person, role: Role, step: str) -> None:
    """Raise StepError, naming what is needed, unless the person has the role."""
    if role not in person.roles:
        has = ", ".join(person.roles) or "no role"
        raise StepError(f"{step} needs a person with the role {role}; {person.name} has {has}")


def require_signer(person: Person, role: Role | Sequence[Role], parties: Sequence[str], step: str) -> None:
    """Raise StepError, naming what is needed, unless the person has a role of these at one of the parties."""
    roles = (role,) if isinstance(role, str) else role
    if set(roles) & set(person.roles) and person.party in parties:
        return
    has = ", ".join(person.roles) or "no role"
    raise StepError(
        f"{step} needs a person with the role {' or '.join(roles)} at {' or '.join(parties)}; "
        f"{person.name} has {has} at {person.party}"
    )
