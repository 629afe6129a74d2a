"""Frames by content: the address of a frame is the SHA-256 of its bytes. A put that returned is durable."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Protocol

from obstore.exceptions import BaseError
from obstore.store import from_url

from api.errors import FrameDamagedError, FrameMissingError, StoreUnreadableError
from golden.digests import sha256

PARTIAL = ".partial-"


class FrameStore(Protocol):
    """Bytes by digest. Both methods may be called from several threads at once."""

    def put(self, data: bytes) -> str:
        """Store the bytes and return their digest; they survive a loss of power from here on."""
        ...

    def get(self, digest: str) -> bytes:
        """Return the bytes; raise FrameMissingError or FrameDamagedError."""
        ...


def open_frames(folder: Path, url: str | None = None) -> FrameStore:
    """Return the store at an object-store URL (`s3://bucket/prefix`), or in the local folder without one."""
    return LocalFrames(folder) if url is None else ObjectFrames(url)


class LocalFrames:
    """A local folder, two levels deep.

    obstore's LocalStore renames without fsync (measured with strace on 0.12.1), so a loss of power could
    take an acknowledged frame; here file and directories are flushed before `put` returns.
    """

    def __init__(self, folder: Path) -> None:
        """Open or make the folder."""
        self._folder = folder
        make_folder(folder)

    def sweep(self) -> int:
        """Remove what writers that were killed left half written; call it only while no one writes."""
        leftovers = list(self._folder.glob(f"*/{PARTIAL}*"))
        for path in leftovers:
            path.unlink()
        return len(leftovers)

    def put(self, data: bytes) -> str:
        """Store the bytes and return their digest; they survive a loss of power from here on."""
        digest = sha256(data)
        target = self._path(digest)
        if not target.parent.is_dir():
            target.parent.mkdir(exist_ok=True)
            _flush(self._folder)
        if not _holds(target, data):
            handle, name = tempfile.mkstemp(prefix=PARTIAL, dir=target.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(target)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
        _flush(target.parent)  # also where another writer has just renamed the same frame into place
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes; raise FrameMissingError or FrameDamagedError."""
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError as error:
            raise FrameMissingError(f"the frame store has no frame {digest}") from error
        return _checked(digest, data)

    def _path(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        return self._folder / name[:2] / name


class ObjectFrames:
    """An object store by URL, through obstore; the service acknowledges a put once it has the object."""

    def __init__(self, url: str) -> None:
        """Open the store; credentials come from the environment, as obstore documents."""
        try:
            self._store = from_url(url)
        except (BaseError, ValueError) as error:
            raise StoreUnreadableError(f"frame store {url!r}: {error}") from error

    def put(self, data: bytes) -> str:
        """Store the bytes and return their digest."""
        digest = sha256(data)
        self._store.put(_key(digest), data)
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes; raise FrameMissingError or FrameDamagedError."""
        try:
            data = bytes(self._store.get(_key(digest)).bytes())
        except FileNotFoundError as error:
            raise FrameMissingError(f"the frame store has no frame {digest}") from error
        return _checked(digest, data)


def _key(digest: str) -> str:
    name = digest.removeprefix("sha256:")
    return f"{name[:2]}/{name}"


def _checked(digest: str, data: bytes) -> bytes:
    if sha256(data) != digest:
        raise FrameDamagedError(f"the stored bytes of frame {digest} have changed; restore them from a copy")
    return data


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except FileNotFoundError:
        return False


def make_folder(folder: Path) -> None:
    """Make the folder and its parents; they survive a loss of power from here on."""
    missing = [path for path in (folder, *folder.parents) if not path.is_dir()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        _flush(path.parent)


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
