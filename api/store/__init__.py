"""Everything that the server keeps: a database and a frame store in one data folder."""

from __future__ import annotations

import fcntl
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from sqlalchemy.engine import URL

from api.errors import StoreBusyError, StoreUnreadableError
from api.store.database import Database
from api.store.frames import FrameStore, LocalFrames, make_folder, open_frames

__all__ = ["Database", "FrameStore", "Store"]


class Store:
    """The data folder: `hallmark.sqlite`, `frames/` and `server.lock`.

    Attributes:
        database: reads and writes; see `api.store.database`.
        frames: frames and sealed bundles by content.
    """

    def __init__(self, database: Database, frames: FrameStore, lock: IO[str] | None = None) -> None:
        """Take parts that are open already; `Store.open` opens them."""
        self.database = database
        self.frames = frames
        self._lock = lock

    @classmethod
    def open(
        cls, data: Path, *, database: str | None = None, frames: str | None = None, serve: bool = False
    ) -> Self:
        """Open or make a data folder.

        Args:
            data: the folder.
            database: an SQLAlchemy URL instead of SQLite in the folder.
            frames: an object-store URL instead of `frames/` in the folder.
            serve: take the folder for a server: only one may have it. Key management does without.

        Raises:
            StoreBusyError: another server has the folder.
            StoreUnreadableError: folder, database or frame store cannot be opened.
        """
        try:
            make_folder(data)
            lock = _take(data / "server.lock") if serve else None
            frame_store = open_frames(data / "frames", frames)
        except OSError as error:
            raise StoreUnreadableError(f"data folder {data}: {error.strerror or error}") from error
        if isinstance(frame_store, LocalFrames) and serve:
            frame_store.sweep()
        url = database or URL.create("sqlite", database=str(data / "hallmark.sqlite"))
        return cls(Database(url), frame_store, lock)

    def close(self) -> None:
        """Close the database and give the folder back."""
        self.database.close()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _take(path: Path) -> IO[str]:
    # the kernel gives the lock back when the process ends, however it ends
    lock = path.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise StoreBusyError(
            f"data folder {path.parent}: another hallmark server has it open; stop it"
        ) from error
    return lock
