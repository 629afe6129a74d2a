"""Which version of a golden sample opens a lot: as engineering changes say, else the newest."""

from __future__ import annotations

from api.past import Past
from api.problems import Problem
from api.store import goldens
from api.store.goldens import Registered
from evidence import GoldenReference
from quality.engineering_change import CHANGE_EVENTS, ChangeState, apply_change, require_effective


def changes(past: Past) -> dict[str, ChangeState]:
    """Return all engineering changes by id, in the order proposed."""
    known: dict[str, ChangeState] = {}
    for line in past.lines(kinds=tuple(CHANGE_EVENTS)):
        change = line.subject.removeprefix("change:")
        known[change] = apply_change(known.get(change, ChangeState(change)), line)
    return known


def require_current(past: Past, lot: str, registered: Registered) -> None:
    """Refuse a golden sample that has expired, or that is not the one for a lot opened now.

    Where engineering changes of the part are proposed, they say which version holds for the lot; otherwise
    it is the newest that is registered.

    Raises:
        Problem: it has expired, or a newer one is registered and no change says what holds.
        StepError: another version is effective for the lot.
    """
    where = f"golden sample {registered.digest}"
    if registered.expires is not None and registered.expires <= past.time:
        raise Problem("golden-expired", f"{where} expired at {registered.expires}")
    known = changes_of_part(past, registered.part)
    if known:
        first = min((c.proposed.before for c in known if c.proposed), key=lambda golden: golden.version)
        reference = GoldenReference(digest=registered.digest, version=registered.version)
        require_effective(first, known, lot, past.now, reference)
        return
    newest = goldens.newest_version(past.connection, registered.part)
    if newest is not None and registered.version < newest:
        raise Problem(
            "golden-superseded",
            f"{where} is version {registered.version} of part {registered.part}; "
            f"version {newest} is registered here",
        )


def changes_of_part(past: Past, part: str) -> list[ChangeState]:
    """Return the engineering changes of a part, in the order proposed."""
    found: list[ChangeState] = []
    for change in changes(past).values():
        assert change.proposed is not None, "the first line of a change proposes it"
        golden = goldens.find(past.connection, change.proposed.before.digest)
        if golden is not None and golden.part == part:
            found.append(change)
    return found
