"""The recall index in memory: each reading folds in only the journal lines that came since the one before."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from api.past import Past
from api.store import journal
from quality.genealogy import GENEALOGY_KINDS, Genealogy, extend_genealogy

_LINES_AT_ONCE = 5000


class GenealogyIndex:
    """One index for all requests; one at a time reads it."""

    def __init__(self) -> None:
        """Begin empty: the first reading takes the whole journal."""
        self._index = Genealogy()
        self._lock = threading.Lock()

    @contextmanager
    def reading(self, past: Past) -> Generator[Genealogy]:
        """Yield the index up to the journal's end.

        Open it before a step has appended anything: what a transaction appends may yet not be committed.
        """
        index = self._index
        with self._lock:
            while lines := journal.read_lines(
                past.connection, kinds=GENEALOGY_KINDS, after=index.sequence, limit=_LINES_AT_ONCE
            ):
                extend_genealogy(index, lines)
            yield index
