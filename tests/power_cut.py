"""Power cuts without pulling a plug: what a run writes is recorded, and each state a cut may leave is made.

Recorded is every create, write, truncation, sync, rename and removal below one folder, in order: those of
SQLite through a VFS shim (the functions that SQLite itself calls for its files), those of Python through the
`os` module. After each of them the power may fail. Then what was synced is on the disc, and of the rest

* nothing, all, all but half of the last write, or a random half of the 512-byte sectors of each file, and
* of creates, renames and removals in a folder that was not synced since: all, or none.

A file whose length grew without its data holds zeros there, as on ext4 and XFS.

Not modelled: discs that lie about a sync, or damage what was synced; sectors that are themselves torn or
change neighbours that were not written (SQLite's POWERSAFE_OVERWRITE); renames and removals in one folder of
which only some, or later ones only, survive; the `-shm` file, which holds nothing that SQLite does not make
again. That SQLite syncs the folder with the first sync of a new journal or WAL is taken from its source
(`unixSync`, UNIXFILE_DIRSYNC), for it does not pass through the shim.
"""

from __future__ import annotations

import _sqlite3  # pyright: ignore[reportMissingModuleSource]
import ctypes
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, Structure, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

SECTOR = 512
_CREATE, _NEW_JOURNAL = 0x4, 0x800 | 0x4000 | 0x80000  # SQLITE_OPEN_: CREATE; a journal, super journal or WAL

Op = tuple[Any, ...]
State = dict[str, bytes | None]  # content by path below the folder; None is a folder


class _Vfs(Structure):
    _fields_ = [
        ("iVersion", c_int), ("szOsFile", c_int), ("mxPathname", c_int), ("pNext", c_void_p),
        ("zName", c_char_p), ("pAppData", c_void_p), ("xOpen", c_void_p), ("xDelete", c_void_p),
        ("others", c_void_p * 14),
    ]  # fmt: skip


class _Methods(Structure):
    _fields_ = [
        ("iVersion", c_int), ("xClose", c_void_p), ("xRead", c_void_p), ("xWrite", c_void_p),
        ("xTruncate", c_void_p), ("xSync", c_void_p), ("others", c_void_p * 13),
    ]  # fmt: skip


_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_DELETE = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)


class Recording:
    """What happened below a folder; `acknowledge` notes among it what the program has promised."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ops: list[Op] = []

    def acknowledge(self, what: Any) -> None:
        self.ops.append(("acknowledge", what))

    def note(self, kind: str, path: str | Path, *rest: Any) -> None:
        """Note an operation on a path below the folder; others are none of ours."""
        inside = Path(path).absolute()
        if inside == self.root or self.root in inside.parents:
            self.ops.append((kind, str(inside.relative_to(self.root)), *rest))


@contextmanager
def recording(root: Path) -> Generator[Recording]:
    """Record what SQLite and Python do to files below a folder.

    Skips the test, saying so, where Python hides the functions of its SQLite.
    """
    found = Recording(root)
    with _sqlite_recorded(found), pytest.MonkeyPatch.context() as patch:
        _record_python(found, patch)
        yield found


@contextmanager
def _sqlite_recorded(found: Recording) -> Generator[None]:
    try:
        library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
        library.sqlite3_vfs_find.restype = c_void_p
    except AttributeError:
        pytest.skip("this Python hides its SQLite's functions: no VFS can be put under it")
    real = _Vfs.from_address(library.sqlite3_vfs_find(None))
    shim = _Shim(found, real)
    library.sqlite3_vfs_register(ctypes.byref(shim.vfs), 1)
    try:
        yield
    finally:
        library.sqlite3_vfs_register(ctypes.byref(real), 1)
        library.sqlite3_vfs_unregister(ctypes.byref(shim.vfs))
        _RETIRED.append(shim)


class _Shim:
    """SQLite's own VFS, with each operation that changes a file noted before it is done."""

    def __init__(self, found: Recording, real: _Vfs) -> None:
        self.found = found
        self.vfs = _Vfs.from_buffer_copy(real)
        self._real = ctypes.addressof(real)
        self._open, self._delete = _OPEN(real.xOpen), _DELETE(real.xDelete)
        self._files: dict[int, tuple[str, bool]] = {}  # path by address; whether its folder is to be synced
        self._methods: dict[int, _Methods] = {}
        self._kept: list[Any] = []  # ctypes frees the callbacks that nobody holds
        self.vfs.xOpen, self.vfs.xDelete = self._call(_OPEN, self.open), self._call(_DELETE, self.delete)
        self.vfs.zName, self.vfs.pNext = b"recording", None

    def _call(self, kind: Any, function: Callable[..., int]) -> c_void_p:
        callback = kind(function)
        self._kept.append(callback)
        return ctypes.cast(callback, c_void_p)

    def open(self, _: int, name: int | None, file: int, flags: int, out_flags: int | None) -> int:
        path = None if name is None else ctypes.string_at(name).decode()
        new = path is not None and bool(flags & _CREATE) and not Path(path).exists()
        result = self._open(self._real, name, file, flags, out_flags)
        methods = c_void_p.from_address(file)
        if result == 0 and path is not None and methods.value:
            if new:
                self.found.note("create", path)
            self._files[file] = path, new and bool(flags & _NEW_JOURNAL)
            methods.value = ctypes.addressof(self._recorded(methods.value))
        return result

    def delete(self, _: int, name: bytes, sync_folder: int) -> int:
        path = Path(name.decode())
        if path.exists():
            self.found.note("unlink", path)
        result = self._delete(self._real, name, sync_folder)
        if sync_folder:
            self.found.note("sync folder", path.parent)
        return result

    def _recorded(self, address: int) -> _Methods:
        """Return the methods of a file with those that change it noted."""
        if address not in self._methods:
            theirs = _Methods.from_address(address)
            write, truncate, sync = _WRITE(theirs.xWrite), _TRUNCATE(theirs.xTruncate), _SYNC(theirs.xSync)

            def on_write(file: int, data: int, size: int, offset: int) -> int:
                self.found.note("write", self._files[file][0], offset, ctypes.string_at(data, size))
                return write(file, data, size, offset)

            def on_truncate(file: int, size: int) -> int:
                self.found.note("truncate", self._files[file][0], size)
                return truncate(file, size)

            def on_sync(file: int, flags: int) -> int:
                result = sync(file, flags)
                path, new = self._files[file]
                self.found.note("sync", path)
                if new:
                    self.found.note("sync folder", Path(path).parent)
                    self._files[file] = path, False
                return result

            ours = _Methods.from_buffer_copy(theirs)
            ours.xWrite, ours.xTruncate = self._call(_WRITE, on_write), self._call(_TRUNCATE, on_truncate)
            ours.xSync = self._call(_SYNC, on_sync)
            self._methods[address] = ours
        return self._methods[address]


_RETIRED: list[_Shim] = []  # a connection that is closed later still calls them


def _record_python(found: Recording, patch: pytest.MonkeyPatch) -> None:
    real_fsync, real_replace, real_unlink, real_mkdir = os.fsync, os.replace, os.unlink, os.mkdir
    seen: dict[str, bytes] = {}

    def notice(path: str) -> None:
        """Note what was written to a file since it was last looked at."""
        content = Path(path).read_bytes()
        if path not in seen:
            found.note("create", path)
        if seen.get(path) != content:
            found.note("write", path, 0, content)
        seen[path] = content

    def fsync(handle: int) -> None:
        path = str(Path(f"/proc/self/fd/{handle}").readlink())
        if Path(path).is_dir():
            real_fsync(handle)
            found.note("sync folder", path)
        else:
            notice(path)
            real_fsync(handle)
            found.note("sync", path)

    def replace(source: Any, target: Any) -> None:
        notice(str(source))
        found.note("rename", source, str(Path(target).absolute().relative_to(found.root)))
        seen[str(target)] = seen.pop(str(source))
        real_replace(source, target)

    def unlink(path: Any, **more: Any) -> None:
        real_unlink(path, **more)
        seen.pop(str(path), None)
        found.note("unlink", path)

    def mkdir(path: Any, *more: Any, **named: Any) -> None:
        real_mkdir(path, *more, **named)
        found.note("mkdir", path)

    for name, function in (("fsync", fsync), ("replace", replace), ("unlink", unlink), ("mkdir", mkdir)):
        patch.setattr(os, name, function)


@dataclass
class _Node:
    """A file: what is on the disc for sure, and what was done to it since."""

    synced: bytes = b""
    pending: list[Op] = field(default_factory=list)

    def content(self, data: str, luck: random.Random) -> bytes:
        """Return what a cut leaves of it."""
        content = bytearray(self.synced)
        for place, (kind, *what) in enumerate(self.pending if data != "lost" else ()):
            last = place == len(self.pending) - 1
            if kind == "truncate":
                if data != "scattered" or luck.random() < 0.5:
                    del content[what[0] :]
                    content.extend(bytes(what[0] - len(content)))
                continue
            offset, written = what
            content.extend(bytes(max(0, offset + len(written) - len(content))))
            if data == "scattered":
                for start in range(0, len(written), SECTOR):
                    if luck.random() < 0.5:
                        sector = written[start : start + SECTOR]
                        content[offset + start : offset + start + len(sector)] = sector
                continue
            if data == "torn" and last:
                written = written[: len(written) // 2]
            content[offset : offset + len(written)] = written
        return bytes(content)


class _Disc:
    """Files and folders below the root, as the program sees them and as they surely are."""

    def __init__(self) -> None:
        self.seen: dict[str, _Node | None] = {}
        self.sure: dict[str, _Node | None] = {}
        self.entries: list[Op] = []  # creates, renames and removals in folders not synced since

    def apply(self, op: Op) -> None:
        kind, path, *rest = op
        if kind in ("write", "truncate"):
            node = self._node(path)
            node.pending.append((kind, *rest))
        elif kind == "sync":
            node = self._node(path)
            node.synced = node.content("kept", random.Random(0))
            node.pending.clear()
        elif kind == "sync folder":
            for entry in [e for e in self.entries if _parent(e[1]) == path]:
                _enter(self.sure, entry)
                self.entries.remove(entry)
        else:
            entry = (kind, path, *rest) if rest else (kind, path, _Node() if kind == "create" else None)
            _enter(self.seen, entry)
            self.entries.append(entry)

    def left(self, data: str, entries: str, luck: random.Random) -> State:
        """Return the files that a cut leaves; what lies in a folder that is lost is lost with it."""
        names = self.seen if entries == "kept" else self.sure
        whole = {p: n for p, n in names.items() if all(str(a) in names for a in list(Path(p).parents)[:-1])}
        return {p: None if n is None else n.content(data, luck) for p, n in whole.items()}

    def _node(self, path: str) -> _Node:
        node = self.seen[path]
        assert node is not None
        return node


def _enter(names: dict[str, _Node | None], entry: Op) -> None:
    kind, path, what = entry
    if kind == "rename":
        names[what] = names.pop(path)
    elif kind == "unlink":
        names.pop(path, None)
    else:
        names[path] = what


def _parent(path: str) -> str:
    return str(Path(path).parent)


_CUTS = (
    ("kept", "kept"), ("lost", "lost"), ("kept", "lost"), ("lost", "kept"), ("torn", "kept"),
    ("scattered", "kept"), ("scattered", "kept"), ("scattered", "lost"),
)  # fmt: skip


def cuts(ops: list[Op]) -> Iterator[tuple[list[Any], State]]:
    """Yield what was acknowledged and what the disc holds, for a cut after each operation; none twice."""
    disc, promised, luck = _Disc(), list[Any](), random.Random("power")
    known: set[tuple[int, int]] = set()
    for op in ops:
        if op[0] == "acknowledge":
            promised.append(op[1])
        else:
            disc.apply(op)
        for data, entries in _CUTS:
            state = disc.left(data, entries, luck)
            key = len(promised), hash(frozenset(state.items()))
            if key not in known:
                known.add(key)
                yield list(promised), state


@contextmanager
def scratch() -> Generator[Path]:
    """Give a folder for the states; in memory where there is one, since they are many and all synced."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder) / "cut"


def lay_down(state: State, folder: Path) -> None:
    """Make the files of a state in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in sorted(state):
        content = state[path]
        if content is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(content)
