"""The one place that writes: each method is one transaction, and what it returns is durable.

Clock and randomness come in here and go no further: `quality` gets them as values.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from sqlalchemy import Connection

import quality
from api.errors import FrameDamagedError
from api.problems import Problem
from api.store import Store, goldens, inspections, journal, verification
from api.store.goldens import Registered
from api.store.inspections import Stored
from api.store.keys import ApiKey
from evidence.inspection import GoldenReference, Inspection
from evidence.journal import BrokenChain
from golden import bundle
from golden.errors import GoldenError
from golden.keys import TrustStore
from golden.sample import GoldenSample
from golden.spec import GoldenSpec

LOT_KINDS = (
    "lot.opened", "inspection.recorded", "fai.decided", "fai.approved", "lot.quarantined", "lot.cleared",
    "lot.frozen", "oqc.drawn", "oqc.judged", "oqc.checked", "oqc.resolved", "oqc.decided", "lot.resubmitted",
    "lot.released",
)  # fmt: skip
NONCONFORMANCE_KINDS = ("nonconformance.opened", "nonconformance.extended")
_LOTS_IN_MEMORY = 64

Step = Callable[[quality.LotState, GoldenSpec], Sequence[quality.NewEvent]]


@dataclass(frozen=True, slots=True)
class ChainState:
    """What the last check of the whole journal found.

    Whoever notes `lines` and `last_hash` elsewhere can show later that nothing was rewritten or cut since.
    """

    state: Literal["unverified", "intact", "broken"] = "unverified"
    lines: int = 0
    last_hash: str | None = None
    verified_at: str | None = None
    detail: str | None = None


def timestamp(moment: datetime) -> str:
    """Return an aware time as RFC 3339 UTC with microseconds, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Ledger:
    """Store, trust, clock and entropy behind the routes.

    Attributes:
        store: what is kept.
        chain: what the last check of the journal found.
    """

    def __init__(
        self,
        store: Store,
        trust: TrustStore,
        *,
        clock: Callable[[], datetime],
        entropy: Callable[[int], bytes],
    ) -> None:
        """Take the store, the keys that golden samples must be sealed with, the time and randomness."""
        self.store = store
        self.chain = ChainState()
        self._trust = trust
        self._clock = clock
        self._entropy = entropy
        self._lots: OrderedDict[str, quality.LotState] = OrderedDict()
        self._lots_lock = threading.Lock()
        self.spec = lru_cache(maxsize=32)(self._read_spec)

    def seed(self) -> str:
        """Return 32 fresh random bytes in hexadecimal digits."""
        return self._entropy(32).hex()

    def verify(self) -> ChainState:
        """Check the whole journal and every stored record against it; keep and return what was found."""
        now = timestamp(self._clock())
        try:
            with self.store.database.read() as connection:
                last = verification.verify(connection)
            lines, last_hash = (0, None) if last is None else (last.sequence, last.hash)
            self.chain = ChainState("intact", lines, last_hash, now)
        except BrokenChain as error:
            self.chain = ChainState("broken", verified_at=now, detail=str(error))
        return self.chain

    def take_inspection(
        self, inspection: Inspection, frames: dict[str, bytes], key: ApiKey
    ) -> tuple[Stored, bool]:
        """Keep an inspection and its frames; return it as stored, and whether it is new.

        Frames are durable before the transaction begins. What a killed writer leaves is at most frames that
        no record names; the station sends the record again.

        Raises:
            Problem: the golden sample or the lot is unknown, or they do not fit.
            SequenceTakenError: station and sequence hold another record.
        """
        with self.store.database.read() as connection:
            known = inspections.find_by_sequence(connection, inspection)
            if known is not None:
                return known, False
            self._check_golden(connection, inspection)
        for data in frames.values():
            self.store.frames.put(data)
        with self.store.database.write() as connection:
            known = inspections.find_by_sequence(connection, inspection)
            if known is not None:
                return known, False
            events, refused = self._count(connection, inspection)
            now = timestamp(self._clock())
            stored = inspections.store(connection, inspection, refused=refused, actor=key.actor, time=now)
            self._append(connection, events, actor=key.actor, time=now)
        return stored, True

    def lot(self, connection: Connection, lot: str) -> quality.LotState:
        """Return a lot's state as the journal tells it; phase `absent` where it was never opened."""
        with self._lots_lock:
            known = self._lots.get(lot)
        lines = journal.read_lines(
            connection, subject=lot, kinds=LOT_KINDS, after=0 if known is None else known.sequence
        )
        if known is None:
            state = quality.replay(lot, lines)
        else:
            state = known
            for line in lines:
                state = quality.apply(state, line)
        return state

    def read_lot(self, lot: str) -> quality.LotState:
        """Return a lot's state; raise Problem where it was never opened."""
        with self.store.database.read() as connection:
            state = self.lot(connection, lot)
        if state.golden is None:
            raise Problem("not-found", f"no lot {lot!r}")
        self._remember(state)
        return state

    def open_lot(self, lot: str, golden: str, key: ApiKey) -> tuple[quality.LotState, bool]:
        """Open a lot under a golden sample; return its state, and False where it was open so already."""
        with self.store.database.write() as connection:
            before = self.lot(connection, lot)
            if before.golden is not None and before.golden.digest == golden:
                return before, False
            registered = goldens.find(connection, golden)
            if registered is None:
                raise Problem("golden-unknown", f"no golden sample {golden} is registered here")
            now = timestamp(self._clock())
            if registered.expires is not None and registered.expires <= now:
                raise Problem("golden-expired", f"golden sample {golden} expired at {registered.expires}")
            newest = goldens.newest_version(connection, registered.part)
            if newest is not None and registered.version < newest:
                raise Problem(
                    "golden-superseded",
                    f"golden sample {golden} is version {registered.version} of part {registered.part}; "
                    f"version {newest} is registered here",
                )
            reference = GoldenReference(digest=golden, version=registered.version)
            events = quality.open_lot(before, self.spec(golden), reference)
            self._append(connection, events, actor=key.actor, time=now)
        return self.read_lot(lot), True

    def draw(self, lot: str, key: ApiKey) -> quality.LotState:
        """Draw a lot's outgoing sample at the severity that its series says is in force."""
        seed = self.seed()
        with self.store.database.write() as connection:
            before = self.lot(connection, lot)
            if before.golden is None:
                raise Problem("not-found", f"no lot {lot!r}")
            spec = self.spec(before.golden.digest)
            subject = quality.series_of(spec)
            series = quality.replay_series(subject, journal.read_lines(connection, subject=subject))
            events = quality.draw_sample(before, spec, seed, series=series)
            self._append(connection, events, actor=key.actor, time=timestamp(self._clock()))
        return self.read_lot(lot)

    def step(self, lot: str, key: ApiKey, step: Step) -> quality.LotState:
        """Take one step of a lot and return its new state; raise QualityError and nothing happened."""
        with self.store.database.write() as connection:
            before = self.lot(connection, lot)
            if before.golden is None:
                raise Problem("not-found", f"no lot {lot!r}")
            events = step(before, self.spec(before.golden.digest))
            self._append(connection, events, actor=key.actor, time=timestamp(self._clock()))
        return self.read_lot(lot)

    def register_golden(self, data: bytes, key: ApiKey) -> tuple[Registered, bool]:
        """Verify a sealed golden sample, keep it and return it, and whether it is new.

        Raises:
            Problem: the seal or the content does not hold.
            GoldenConflictError: its version would roll back.
        """
        moment = self._clock()
        try:
            sample = GoldenSample.from_bytes(data, trust=self._trust, now=moment)
        except GoldenError as error:
            raise Problem("golden-refused", f"{type(error).__name__}: {error}") from error
        registered = Registered(
            digest=sample.digest,
            part=sample.spec.part.number,
            revision=sample.spec.part.revision,
            version=sample.version,
            issued=timestamp(sample.issued),
            expires=None if sample.expires is None else timestamp(sample.expires),
            bundle=self.store.frames.put(data),
        )
        with self.store.database.write() as connection:
            new = goldens.register(connection, registered, actor=key.actor, time=timestamp(moment))
            stored = goldens.find(connection, registered.digest)
        return stored or registered, new

    def _read_spec(self, digest: str) -> GoldenSpec:
        # The seal was verified when it was registered, and the digest is checked here: an agreement that has
        # expired since still decides the lots that were made under it.
        with self.store.database.read() as connection:
            registered = goldens.find(connection, digest)
        if registered is None:
            raise Problem("golden-unknown", f"no golden sample {digest} is registered here")
        opened = bundle.read(self.store.frames.get(registered.bundle))
        if opened.digest != digest:
            raise FrameDamagedError(
                f"the file kept for golden sample {digest} holds {opened.digest}; "
                "restore the store from a copy"
            )
        return opened.spec

    def _check_golden(self, connection: Connection, inspection: Inspection) -> None:
        reference = inspection.golden
        golden = goldens.find(connection, reference.digest)
        if golden is None:
            raise Problem("golden-unknown", f"no golden sample {reference.digest} is registered here")
        noted = (inspection.part, inspection.revision, reference.version)
        if noted != (golden.part, golden.revision, golden.version):
            raise Problem(
                "golden-mismatch",
                f"the record says part {noted[0]} revision {noted[1]} version {noted[2]}; golden sample "
                f"{golden.digest} is {golden.part} {golden.revision} version {golden.version}",
            )
        if inspection.lot is not None and self.lot(connection, inspection.lot).golden is None:
            raise Problem("lot-unknown", f"lot {inspection.lot!r} is not open here")

    def _count(
        self, connection: Connection, inspection: Inspection
    ) -> tuple[Sequence[quality.NewEvent], str | None]:
        """Return the events that count a record in its lot, or why the lot does not count it."""
        if inspection.lot is None:
            return (), None
        state = self.lot(connection, inspection.lot)
        self._remember(state)  # all its lines are committed: this transaction has appended none yet
        try:
            return quality.record_inspection(state, self.spec(inspection.golden.digest), inspection), None
        except quality.QualityError as error:
            return (), str(error)

    def _append(
        self, connection: Connection, events: Sequence[quality.NewEvent], *, actor: str, time: str
    ) -> None:
        for event in events:
            journal.append_line(
                connection, time=time, actor=actor, kind=event.kind, subject=event.subject, body=event.body
            )

    def _remember(self, state: quality.LotState) -> None:
        with self._lots_lock:
            known = self._lots.get(state.lot)
            if known is None or known.sequence < state.sequence:
                self._lots[state.lot] = state
            self._lots.move_to_end(state.lot)
            while len(self._lots) > _LOTS_IN_MEMORY:
                self._lots.popitem(last=False)
