"""The journal line: everything that happens is one, and each holds the hash of the one before.

Lots, non-conformances and decisions are states that `quality` derives from these lines; `api` stores them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from evidence.inspection import Digest, Name, Timestamp
from golden.digests import canonical_json, sha256
from golden.regions import Closed

GENESIS = "sha256:" + "0" * 64


class JournalLine(Closed):
    """One line. `kind` is `subject-type.verb`, `subject` the id it is about, `actor` who did it.

    `hash` is the SHA-256 of the canonical JSON of all other fields, `previous` included.
    """

    sequence: Annotated[int, Field(ge=1)]
    time: Timestamp
    actor: Name
    kind: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$")]
    subject: Name
    body: dict[str, Any]
    previous: Digest
    hash: Digest


class BrokenChain(ValueError):  # noqa: N818 (the state of the journal, not of a call)
    """A journal line does not follow from the one before; the message names its sequence."""


def line_hash(fields: dict[str, Any]) -> str:
    """Return the hash of a line's JSON fields (its own `hash` left out)."""
    return sha256(canonical_json({k: v for k, v in fields.items() if k != "hash"}))


def append(
    last: JournalLine | None, *, time: str, actor: str, kind: str, subject: str, body: dict[str, Any]
) -> JournalLine:
    """Return the line that follows `last` (None: the first line)."""
    fields: dict[str, Any] = {
        "sequence": 1 if last is None else last.sequence + 1,
        "time": time, "actor": actor, "kind": kind, "subject": subject, "body": body,
        "previous": GENESIS if last is None else last.hash,
    }  # fmt: skip
    return JournalLine.model_validate({**fields, "hash": line_hash(fields)})


def verify_chain(lines: Iterable[JournalLine]) -> JournalLine | None:
    """Check the chain from its first line; return the last line, or None of an empty journal.

    Raises:
        BrokenChain: a line is altered, missing, doubled or out of order.
    """
    last: JournalLine | None = None
    for line in lines:
        expected = 1 if last is None else last.sequence + 1
        previous = GENESIS if last is None else last.hash
        if line.sequence != expected:
            raise BrokenChain(f"journal line {line.sequence}: expected sequence {expected}")
        if line.previous != previous:
            raise BrokenChain(f"journal line {line.sequence}: does not follow line {line.sequence - 1}")
        if line.hash != line_hash(line.model_dump(mode="json")):
            raise BrokenChain(f"journal line {line.sequence}: its content does not match its hash")
        last = line
    return last
