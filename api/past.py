"""What a step may look at: the journal as it stands inside one transaction, folded into states.

A state that was read before is kept in memory and only the lines that came since are folded into it. What a
transaction saw is kept once it is committed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection

import quality
from api.problems import Problem
from api.store import inspections, journal
from evidence.inspection import Inspection
from evidence.journal import JournalLine
from golden.spec import GoldenSpec
from quality import ipqc
from quality.fai_report import first_piece

_MOST_IN_MEMORY = 64


def timestamp(moment: datetime) -> str:
    """Return an aware time as RFC 3339 UTC with microseconds, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Folded(Protocol):
    """A state of a lot that journal lines are folded into."""

    @property
    def lot(self) -> str:
        """The lot's id."""
        ...

    @property
    def sequence(self) -> int:
        """The last line that was folded in; 0 before the first."""
        ...


State = TypeVar("State", bound=Folded)


class Memory(Generic[State]):
    """Committed states of one kind, the least recently used forgotten first."""

    def __init__(
        self,
        prefixes: Sequence[str],
        replay: Callable[[str, Iterable[JournalLine]], State],
        apply: Callable[[State, JournalLine], State],
    ) -> None:
        """Take the subjects that a lot's state is folded from, as prefixes of its id, and how."""
        self.prefixes = prefixes
        self.replay = replay
        self.apply = apply
        self._known: OrderedDict[str, State] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, lot: str) -> State | None:
        """Return the state that is kept, if any."""
        with self._lock:
            return self._known.get(lot)

    def keep(self, state: State) -> None:
        """Keep a committed state."""
        with self._lock:
            known = self._known.get(state.lot)
            if state.sequence > (0 if known is None else known.sequence):
                self._known[state.lot] = state
            if state.lot in self._known:
                self._known.move_to_end(state.lot)
            while len(self._known) > _MOST_IN_MEMORY:
                self._known.popitem(last=False)


class Reading(Generic[State]):
    """The states of one kind as one transaction sees them."""

    def __init__(self, memory: Memory[State], connection: Connection) -> None:
        """Read with this connection what the memory does not hold."""
        self._memory = memory
        self._connection = connection
        self._seen: dict[str, State] = {}

    def state(self, lot: str) -> State:
        """Return a lot's state, what this transaction has appended included."""
        memory, known = self._memory, self._seen.get(lot) or self._memory.get(lot)
        lines = journal.read_lines(
            self._connection,
            subject=tuple(prefix + lot for prefix in memory.prefixes),
            after=0 if known is None else known.sequence,
        )
        if known is None:
            known = memory.replay(lot, lines)
        else:
            for line in lines:
                known = memory.apply(known, line)
        self._seen[lot] = known
        return known

    def keep(self) -> None:
        """Keep what was seen: the transaction is committed."""
        for state in self._seen.values():
            self._memory.keep(state)


class Memories:
    """What is kept of lots, their first pieces and their in-process control."""

    def __init__(self) -> None:
        """Begin empty."""
        self.lots = Memory(("",), quality.replay, quality.apply)
        self.first_pieces = Memory(
            ("", first_piece.SUBJECT), first_piece.replay_first_piece, first_piece.apply_first_piece
        )
        self.ipqcs = Memory(("", "ipqc:"), ipqc.replay_ipqc, ipqc.apply_ipqc)


class Past:
    """The journal inside one transaction.

    Attributes:
        now: aware time of the transaction, and of the lines that it appends.
        connection: for what is no journal line.
    """

    def __init__(
        self,
        connection: Connection,
        now: datetime,
        memories: Memories,
        spec: Callable[[str], GoldenSpec],
    ) -> None:
        """Look at the journal through a transaction's connection."""
        self.now = now
        self.connection = connection
        self._spec = spec
        self._lots = Reading(memories.lots, connection)
        self._first_pieces = Reading(memories.first_pieces, connection)
        self._ipqcs = Reading(memories.ipqcs, connection)

    @property
    def time(self) -> str:
        """`now` as journal lines write it."""
        return timestamp(self.now)

    def lines(
        self, *, subject: str | Sequence[str] | None = None, kinds: Sequence[str] | None = None
    ) -> list[JournalLine]:
        """Return journal lines in order, of a subject (or several) and of these kinds."""
        return journal.read_lines(self.connection, subject=subject, kinds=kinds)

    def known_lot(self, lot: str) -> quality.LotState:
        """Return a lot's state; phase `absent` where it was never opened."""
        return self._lots.state(lot)

    def lot(self, lot: str) -> quality.LotState:
        """Return a lot's state; raise Problem where it was never opened."""
        state = self.known_lot(lot)
        if state.golden is None:
            raise Problem("not-found", f"no lot {lot!r}")
        return state

    def spec(self, digest: str) -> GoldenSpec:
        """Return the specification of a registered golden sample; raise Problem where it is none."""
        return self._spec(digest)

    def spec_of(self, lot: quality.LotState) -> GoldenSpec:
        """Return the specification that an open lot is made by."""
        assert lot.golden is not None, "an open lot has its golden sample"
        return self.spec(lot.golden.digest)

    def first_piece(self, lot: str) -> first_piece.FirstPieceState:
        """Return the state of a lot's first pieces."""
        return self._first_pieces.state(lot)

    def ipqc(self, lot: str) -> ipqc.IpqcState:
        """Return the state of a lot's in-process control."""
        return self._ipqcs.state(lot)

    def inspection(self, inspection: str) -> Inspection:
        """Return a recorded inspection; raise Problem where none has this id."""
        stored = inspections.get(self.connection, inspection)
        if stored is None:
            raise Problem("evidence", f"no inspection {inspection!r} is recorded here")
        return Inspection.model_validate_json(stored.record)

    def production(self, lot: str) -> list[Inspection]:
        """Return each unit's newest record in production, in the order in which the units came."""
        newest: dict[str, str] = {}
        for line in self.lines(subject=lot, kinds=("inspection.recorded",)):
            if line.body["checkpoint"] == "production":
                newest[line.body["serial"]] = line.body["inspection"]
        return [self.inspection(name) for name in newest.values()]

    def keep(self) -> None:
        """Keep the states that were seen: the transaction is committed."""
        for reading in (self._lots, self._first_pieces, self._ipqcs):
            reading.keep()
