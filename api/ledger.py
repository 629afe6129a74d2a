"""The one place that writes: each method is one transaction, and what it returns is durable.

Clock and randomness come in here and go no further: `quality` gets them as values.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

import quality
from api.effectivity import require_current
from api.errors import FrameDamagedError
from api.holding import held_back
from api.past import Memories, Past, timestamp
from api.problems import Problem
from api.recurrence import to_append
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

LotStep = Callable[[quality.LotState, GoldenSpec], Sequence[quality.NewEvent]]
Step = Callable[[Past], Sequence[quality.NewEvent]]


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


def person_of(key: ApiKey) -> quality.Person:
    """Return who signs with an approver's key: the person, their party, and the roles they sign for."""
    if key.party is None:
        raise Problem("forbidden", "only an approver's key signs: it is bound to a person and a party")
    return quality.Person(name=key.name, party=key.party, roles=key.signs)


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
        self._memories = Memories()
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

    @contextmanager
    def past(self) -> Generator[Past]:
        """Yield the journal as it stands, to read only."""
        with self.store.database.read() as connection:
            past = Past(connection, self._clock(), self._memories, self.spec)
            yield past
        past.keep()

    @contextmanager
    def _writing(self) -> Generator[Past]:
        with self.store.database.write() as connection:
            past = Past(connection, self._clock(), self._memories, self.spec)
            yield past
        past.keep()  # only what is committed

    def take(self, key: ApiKey, *steps: Step) -> None:
        """Take steps one after the other in one write transaction; each sees what those before appended.

        Raises:
            QualityError: a step is refused, and nothing happened.
            Problem: as the steps raise it, and nothing happened.
        """
        with self._writing() as past:
            for step in steps:
                self._append(past, step(past), key)

    def take_inspection(
        self, inspection: Inspection, frames: dict[str, bytes], key: ApiKey
    ) -> tuple[Stored, bool]:
        """Keep an inspection and its frames; return it as stored, and whether it is new.

        Frames are durable before the transaction begins. What a killed writer leaves is at most frames that
        no record names; the station sends the record again. What a pending first piece or a suspect process
        holds back of the lot is quarantined in the same transaction.

        Raises:
            Problem: the golden sample or the lot is unknown, or they do not fit.
            SequenceTakenError: station and sequence hold another record.
        """
        with self.past() as past:
            known = inspections.find_by_sequence(past.connection, inspection)
            if known is not None:
                return known, False
            self._check_golden(past, inspection)
        for data in frames.values():
            self.store.frames.put(data)
        with self._writing() as past:
            known = inspections.find_by_sequence(past.connection, inspection)
            if known is not None:
                return known, False
            events, refused = self._count(past, inspection)
            stored = inspections.store(
                past.connection, inspection, refused=refused, actor=key.actor, time=past.time
            )
            self._append(past, events, key)
            if events and inspection.lot is not None:
                self._append(past, held_back(past, inspection.lot), key)
        return stored, True

    def read_lot(self, lot: str) -> quality.LotState:
        """Return a lot's state; raise Problem where it was never opened."""
        with self.past() as past:
            return past.lot(lot)

    def open_lot(
        self, lot: str, golden: str, key: ApiKey, *, resubmits: str | None = None
    ) -> tuple[quality.LotState, bool]:
        """Open a lot under a golden sample; return its state, and False where it was open so already.

        With `resubmits` the lot is made of a rejected lot's units, under that lot's golden sample, however
        old.
        """
        with self._writing() as past:
            before = past.known_lot(lot)
            if (
                before.golden is not None
                and before.golden.digest == golden
                and _resubmits(before) == resubmits
            ):
                return before, False
            registered = goldens.find(past.connection, golden)
            if registered is None:
                raise Problem("golden-unknown", f"no golden sample {golden} is registered here")
            reference = GoldenReference(digest=golden, version=registered.version)
            rejected = None if resubmits is None else past.lot(resubmits)
            if rejected is None:
                require_current(past, lot, registered)
            events = quality.open_lot(before, self.spec(golden), reference, resubmits=rejected)
            self._append(past, events, key)
        return self.read_lot(lot), True

    def step(self, lot: str, key: ApiKey, step: LotStep) -> quality.LotState:
        """Take one step of a lot and return its new state; raise QualityError and nothing happened."""

        def taken(past: Past) -> Sequence[quality.NewEvent]:
            state = past.lot(lot)
            return step(state, past.spec_of(state))

        self.take(key, taken)
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

    def _check_golden(self, past: Past, inspection: Inspection) -> None:
        reference = inspection.golden
        golden = goldens.find(past.connection, reference.digest)
        if golden is None:
            raise Problem("golden-unknown", f"no golden sample {reference.digest} is registered here")
        noted = (inspection.part, inspection.revision, reference.version)
        if noted != (golden.part, golden.revision, golden.version):
            raise Problem(
                "golden-mismatch",
                f"the record says part {noted[0]} revision {noted[1]} version {noted[2]}; golden sample "
                f"{golden.digest} is {golden.part} {golden.revision} version {golden.version}",
            )
        if inspection.lot is not None and past.known_lot(inspection.lot).golden is None:
            raise Problem("lot-unknown", f"lot {inspection.lot!r} is not open here")

    def _count(self, past: Past, inspection: Inspection) -> tuple[Sequence[quality.NewEvent], str | None]:
        """Return the events that count a record in its lot, or why the lot does not count it."""
        if inspection.lot is None:
            return (), None
        state = past.lot(inspection.lot)
        try:
            return quality.record_inspection(state, self.spec(inspection.golden.digest), inspection), None
        except quality.QualityError as error:
            return (), str(error)

    def _append(self, past: Past, events: Sequence[quality.NewEvent], key: ApiKey) -> None:
        for event in to_append(past, events):
            journal.append_line(
                past.connection, time=past.time, actor=key.actor, kind=event.kind,
                subject=event.subject, body=event.body,
            )  # fmt: skip


def _resubmits(state: quality.LotState) -> str | None:
    again = None if state.agreed is None else state.agreed.resubmission
    return None if again is None else again.lot
