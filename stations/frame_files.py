"""Frame files: content-addressed, durable when `put` returns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from evidence import sha256
from stations.errors import FrameLostError


class FrameFiles:
    """A flat folder of frame files named by the SHA-256 of their bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Create the folder if need be, and remove what a kill left half written."""
        self.folder.mkdir(exist_ok=True)
        sync_folder(self.folder.parent)
        for half in self.folder.glob("*.tmp"):
            half.unlink()

    def put(self, frames: Mapping[str, bytes]) -> None:
        """Store frames, by their digests, durably: each file is synced, renamed, then the folder is synced.

        Raises:
            OSError: the disk is full or fails.
        """
        for digest, data in frames.items():
            path = self._path(digest)
            if path.exists():
                continue
            half = path.with_suffix(".tmp")
            with half.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
        sync_folder(self.folder)

    def get(self, digest: str) -> bytes:
        """Return the bytes of that digest; raise FrameLostError where they are absent or altered."""
        path = self._path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise FrameLostError(f"{path} is absent: restore it from a copy of the spool") from error
        if sha256(data) != digest:
            raise FrameLostError(
                f"{path} was altered: its bytes do not have its digest; restore it from a copy"
            )
        return data

    def drop(self, digest: str) -> bool:
        """Remove the file of that digest; return whether there was one."""
        path = self._path(digest)
        if not path.exists():
            return False
        path.unlink()
        return True

    def _path(self, digest: str) -> Path:
        return self.folder / digest.removeprefix("sha256:")


def make_folder(folder: Path) -> None:
    """Create the folder and its parents durably (one is not, until the folder that holds it is synced)."""
    missing = [path for path in (folder, *folder.parents) if not path.is_dir()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable (a rename is not, until its folder is synced)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
