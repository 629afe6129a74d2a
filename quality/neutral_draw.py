"""The seed of a lot's draw, made so that neither party can choose it: both commit, then both reveal.

When the manifest is frozen, the supplier and the buyer each think of 16 to 64 random bytes (the secret) and
publish its commitment, SHA-256 over protocol, lot, manifest digest, party and secret. Only when both stand in
the journal may secrets be revealed; each must be the one committed to. The seed is SHA-256 over both secrets
and goes to `quality.draw`. As long as one party's secret is random and kept until both have committed, the
seed is random to the other. The party that reveals last could still refuse to: there is no second round on
a manifest, the lot stays undrawn, and `record()` names who withheld.

Journal subject `draw:<lot>`; the reducer also reads the lot's own `lot.frozen`, before which nobody commits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from pydantic import ValidationError

from evidence import canonical_json, sha256
from evidence.inspection import Digest
from evidence.journal import JournalLine
from golden.regions import Closed
from golden.spec import GoldenSpec
from quality.errors import EvidenceError, StepError
from quality.events import LotFrozen, NewEvent, Person
from quality.lot_draw import PROTOCOL, Draw, DrawRecord, Seed, verify_draw

_SUBJECT = "draw:"


class SecretCommitted(Closed):
    """A party is bound to its secret for this manifest."""

    kind: ClassVar[str] = "draw.committed"
    person: Person
    manifest: Digest
    commitment: Digest


class SecretRevealed(Closed):
    """A party shows the secret that it had committed to."""

    kind: ClassVar[str] = "draw.revealed"
    person: Person
    secret: Seed


@dataclass(frozen=True, slots=True)
class DrawState:
    """The agreement on a lot's seed as journal lines tell it. Read only.

    `manifest` is null before the freeze; `commitments` and `secrets` are by party, in the order given.
    """

    lot: str
    sequence: int = 0
    manifest: str | None = None
    commitments: dict[str, str] = field(default_factory=dict[str, str])
    secrets: dict[str, str] = field(default_factory=dict[str, str])

    def record(self) -> dict[str, Any]:
        """Return the state as a JSON object; `withheld` are the parties that have not revealed yet."""
        agreed = len(self.secrets) == 2
        return {
            "protocol": PROTOCOL,
            "lot": self.lot,
            "manifest": self.manifest,
            "commitments": dict(self.commitments),
            "secrets": dict(self.secrets),
            "withheld": [party for party in self.commitments if party not in self.secrets],
            "seed": agreed_seed(self) if agreed else None,
        }


def commitment(lot: str, manifest: str, party: str, secret: str) -> str:
    """Return what a party publishes before it reveals: made by the party itself, which keeps the secret.

    Args:
        lot: the lot's id.
        manifest: digest of the frozen manifest.
        party: the party's name in the golden sample; it keeps one party from repeating the other's.
        secret: 32 to 128 lower-case hexadecimal digits, random.

    Raises:
        EvidenceError: the secret is shorter, longer or written otherwise.
    """
    _check_secret(secret)
    fields = {"protocol": PROTOCOL, "lot": lot, "manifest": manifest, "party": party, "secret": secret}
    return sha256(canonical_json(fields))


def commit_secret(state: DrawState, spec: GoldenSpec, person: Person, committed: str) -> tuple[NewEvent, ...]:
    """Bind a party to its secret, by what `commitment` gave it.

    Raises:
        StepError: the manifest is not frozen, the person acts for neither supplier nor buyer, the party has
            committed, two have, a secret is known already, or it is no SHA-256 digest.
    """
    sides = {p.name for p in spec.parties if p.role in {"supplier", "buyer"}}
    if person.party not in sides:
        raise StepError(
            f"lot {state.lot}: supplier and buyer commit to a draw; {person.name} acts for {person.party}"
        )
    if state.manifest is None:
        raise StepError(_not_frozen(state.lot))
    try:
        event = SecretCommitted(person=person, manifest=state.manifest, commitment=committed)
    except ValidationError as error:
        raise StepError(f"lot {state.lot}: {committed!r} is no commitment: give its sha256 digest") from error
    _after_commitment(state, event)
    return (_event(state, event),)


def reveal_secret(state: DrawState, person: Person, secret: str) -> tuple[NewEvent, ...]:
    """Show a party's secret; any person of the party may.

    Raises:
        StepError: not both parties have committed, or this one has not or has revealed already.
        EvidenceError: the secret is not the one committed to, is the other party's too, or has another form.
    """
    _check_secret(secret)
    event = SecretRevealed(person=person, secret=secret)
    _after_reveal(state, event)
    return (_event(state, event),)


def agreed_seed(state: DrawState) -> str:
    """Return the seed for `quality.draw` of this lot's manifest, 64 hexadecimal digits.

    Raises:
        StepError: not both parties have revealed.
    """
    if state.manifest is None or len(state.secrets) < 2:
        missing = [party for party in state.commitments if party not in state.secrets]
        raise StepError(
            f"lot {state.lot}: no seed before both parties have committed and revealed; "
            f"{len(state.commitments)} committed, awaiting {', '.join(missing) or 'commitments'}"
        )
    fields = {
        "protocol": PROTOCOL, "lot": state.lot, "manifest": state.manifest, "secrets": dict(state.secrets),
    }  # fmt: skip
    return sha256(canonical_json(fields)).removeprefix("sha256:")


def draw_record(state: DrawState) -> DrawRecord:
    """Return the public record of the agreed seed; raise StepError before both parties have revealed."""
    seed = agreed_seed(state)
    assert state.manifest is not None
    return DrawRecord(
        lot=state.lot,
        manifest=state.manifest,
        commitments=state.commitments,
        secrets=state.secrets,
        seed=seed,
    )


def verify_neutral_draw(record: DrawRecord, drawn: Draw, serials: Collection[str]) -> None:
    """Check a drawn sample from its public record alone: commitments, seed, manifest and order.

    That the commitments came before the secrets is for the journal's chain of hashes to show.

    Raises:
        EvidenceError: naming what does not follow.
    """
    if set(record.commitments) != set(record.secrets):
        raise EvidenceError(f"lot {record.lot}: commitments and secrets are not of the same two parties")
    state = DrawState(record.lot, manifest=record.manifest, commitments=record.commitments)
    for party, secret in record.secrets.items():
        _check_reveal(state, party, secret)
        state = replace(state, secrets={**state.secrets, party: secret})
    if agreed_seed(state) != record.seed:
        raise EvidenceError(f"lot {record.lot}: the seed is not what the two secrets give")
    if drawn.seed != record.seed or drawn.manifest != record.manifest:
        raise EvidenceError(f"lot {record.lot}: the sample was drawn by another seed or of another manifest")
    if not verify_draw(drawn, record.lot, tuple(serials)):
        raise EvidenceError(f"lot {record.lot}: the sample is not what the seed draws of these serials")


def replay_draw(lot: str, lines: Iterable[JournalLine]) -> DrawState:
    """Return the agreement on a lot's seed from journal lines in order; lines about other things are skipped.

    Raises:
        StepError: a line does not follow from those before it.
        EvidenceError: a revealed secret is not the one committed to.
    """
    state = DrawState(lot)
    for line in lines:
        state = apply_draw(state, line)
    return state


def apply_draw(state: DrawState, line: JournalLine) -> DrawState:
    """Return the state after one more line; raises as `replay_draw`."""
    frozen = line.subject == state.lot and line.kind == LotFrozen.kind
    if not frozen and line.subject != _SUBJECT + state.lot:
        return state
    if line.sequence <= state.sequence:
        raise StepError(f"journal line {line.sequence} comes after line {state.sequence} of {line.subject}")
    try:
        after = _after(state, line)
    except ValidationError as error:
        raise StepError(f"journal line {line.sequence}: not the body of {line.kind}: {error}") from error
    return replace(after, sequence=line.sequence)


def _after(state: DrawState, line: JournalLine) -> DrawState:
    if line.kind == LotFrozen.kind and line.subject == state.lot:
        if state.manifest is not None:
            raise StepError(f"journal line {line.sequence}: lot {state.lot} is frozen already")
        return replace(state, manifest=LotFrozen.model_validate(line.body).manifest)
    if line.kind == SecretCommitted.kind:
        return _after_commitment(state, SecretCommitted.model_validate(line.body))
    if line.kind == SecretRevealed.kind:
        return _after_reveal(state, SecretRevealed.model_validate(line.body))
    raise StepError(f"journal line {line.sequence}: {line.kind!r} is not an event of a draw")


def _after_commitment(state: DrawState, event: SecretCommitted) -> DrawState:
    party = event.person.party
    if state.manifest is None:
        raise StepError(_not_frozen(state.lot))
    if event.manifest != state.manifest:
        raise StepError(f"lot {state.lot}: the commitment of {party} is for another manifest")
    if state.secrets:
        raise StepError(f"lot {state.lot}: {party} commits too late: a secret is revealed already")
    if party in state.commitments:
        raise StepError(f"lot {state.lot}: {party} has committed already; a commitment is final")
    if len(state.commitments) == 2:
        raise StepError(
            f"lot {state.lot}: {' and '.join(state.commitments)} have committed; {party} is third"
        )
    return replace(state, commitments={**state.commitments, party: event.commitment})


def _after_reveal(state: DrawState, event: SecretRevealed) -> DrawState:
    party = event.person.party
    if len(state.commitments) < 2:
        raise StepError(
            f"lot {state.lot}: nobody reveals before both parties have committed; "
            f"{len(state.commitments)} of 2 have"
        )
    if party not in state.commitments:
        raise StepError(f"lot {state.lot}: {party} has not committed and has nothing to reveal")
    if party in state.secrets:
        raise StepError(f"lot {state.lot}: {party} has revealed already")
    _check_reveal(state, party, event.secret)
    return replace(state, secrets={**state.secrets, party: event.secret})


def _check_reveal(state: DrawState, party: str, secret: str) -> None:
    assert state.manifest is not None
    if commitment(state.lot, state.manifest, party, secret) != state.commitments[party]:
        raise EvidenceError(f"lot {state.lot}: the secret of {party} is not the one that it committed to")
    if secret in state.secrets.values():
        raise EvidenceError(f"lot {state.lot}: both parties have the same secret; one of them is not its own")


def _check_secret(secret: str) -> None:
    try:
        size = len(bytes.fromhex(secret))
    except ValueError:
        size = 0
    if not 16 <= size <= 64 or bytes.fromhex(secret).hex() != secret:
        raise EvidenceError("a secret is 32 to 128 lower-case hexadecimal digits (16 to 64 random bytes)")


def _not_frozen(lot: str) -> str:
    return f"lot {lot}: the manifest is frozen first; before that a commitment binds nobody to its units"


def _event(state: DrawState, event: SecretCommitted | SecretRevealed) -> NewEvent:
    return NewEvent(event.kind, _SUBJECT + state.lot, event.model_dump(mode="json"))
