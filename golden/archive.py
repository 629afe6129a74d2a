"""The container: one zip archive for one set of files, byte for byte.

Written: stored (no compression), names sorted, every date 1980-01-01, mode 0644, no extra field, no comment.
Read: by our own strict reader, because general ones forgive (prefixes, comments, overlaps, names that differ
between the two headers). After a read the archive is written again and must be the same bytes, so not one
bit of it is free. Source: PKWARE APPNOTE 6.3.10, clauses 4.3.7 (local header), 4.3.12 (central directory)
and 4.3.16 (end record).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from golden.errors import (
    BundleTooLargeError,
    CompressedEntryError,
    DuplicateFileError,
    EncryptedEntryError,
    LinkEntryError,
    NotABundleError,
    NotCanonicalError,
    UnsafePathError,
)

MAX_BUNDLE_BYTES = 512 * 1024 * 1024
MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_FILES = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """How large an archive may be, and what it is called when it is not."""

    what: str = "golden bundle"
    all_bytes: int = MAX_BUNDLE_BYTES
    file_bytes: int = MAX_FILE_BYTES
    files: int = MAX_FILES


BUNDLE = Limits()

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_VERSION, _UNIX = 20, 3 << 8
_TIME, _DATE = 0, 1 << 5 | 1  # 00:00:00, 1980-01-01
_MODE = 0o100644 << 16
_ENCRYPTED, _STORED = 0x0001, 0
_NAME = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,99}/){0,3}[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def write(files: Mapping[str, bytes], limits: Limits = BUNDLE) -> bytes:
    """Return the one archive that holds these files.

    Raises:
        UnsafePathError: a name is not made of letters, digits, `.`, `_`, `-` and `/`.
        BundleTooLargeError: too many files or bytes.
    """
    if len(files) > limits.files:
        raise BundleTooLargeError(
            f"the {limits.what} would hold {len(files)} files; {limits.files} are allowed"
        )
    body, directory = bytearray(), bytearray()
    for name in sorted(files):
        data, encoded = files[name], _checked(name).encode("ascii")
        _check_size(name, len(data), limits)
        shared = (_VERSION, 0, _STORED, _TIME, _DATE, zlib.crc32(data), len(data), len(data), len(encoded), 0)
        directory += _CENTRAL.pack(b"PK\1\2", _UNIX | _VERSION, *shared, 0, 0, 0, _MODE, len(body)) + encoded
        body += _LOCAL.pack(b"PK\3\4", *shared) + encoded + data
    end = _END.pack(b"PK\5\6", 0, 0, len(files), len(files), len(directory), len(body), 0)
    _check_total(len(body) + len(directory) + len(end), limits)
    return bytes(body + directory + end)


def read(data: bytes, limits: Limits = BUNDLE) -> dict[str, bytes]:
    """Return the files of an archive that `write` made; safe on any bytes.

    Raises:
        BundleError: one of its subclasses, by what is wrong; see `golden.errors`.
    """
    _check_total(len(data), limits)
    if len(data) < _END.size or data[-_END.size : -_END.size + 4] != b"PK\5\6":
        raise NotABundleError(f"not a {limits.what}, or cut short: ask for the file again")
    _, _, _, _, count, size, start, _ = _END.unpack_from(data, len(data) - _END.size)
    if count > limits.files:
        raise BundleTooLargeError(f"the {limits.what} claims {count} files; {limits.files} are allowed")
    end = len(data) - _END.size
    if start + size != end:
        raise NotABundleError(f"the {limits.what}'s directory is damaged: ask for the file again")
    files: dict[str, bytes] = {}
    at, total = start, 0
    for _ in range(count):
        name, content, at = _entry(data, at, start, end, limits)
        if name in files:
            raise DuplicateFileError(f"{name} occurs twice in the {limits.what}: do not use this file")
        total += len(content)
        if total > start:
            raise BundleTooLargeError(f"files in the {limits.what} overlap each other: do not use this file")
        files[name] = content
    if write(files, limits) != data:
        raise NotCanonicalError(
            f"the {limits.what}'s bytes are not the ones this program writes for that content (altered, or "
            "re-packed by an archive program): ask for the original file"
        )
    return files


def _entry(data: bytes, at: int, start: int, end: int, limits: Limits) -> tuple[str, bytes, int]:
    """Return name, content and the offset of the next entry of the central directory."""
    if at + _CENTRAL.size > end:
        raise NotABundleError(f"the {limits.what}'s directory is cut short: ask for the file again")
    fields = _CENTRAL.unpack_from(data, at)
    flags, method, packed, size, name_length = fields[3], fields[4], fields[8], fields[9], fields[10]
    attributes, offset = fields[15], fields[16]
    following = at + _CENTRAL.size + name_length + fields[11] + fields[12]
    if fields[0] != b"PK\1\2" or following > end:
        raise NotABundleError(f"the {limits.what}'s directory is damaged: ask for the file again")
    raw_name = data[at + _CENTRAL.size : at + _CENTRAL.size + name_length]
    name = _checked(raw_name.decode("ascii", "backslashreplace"))
    if flags & _ENCRYPTED:
        raise EncryptedEntryError(f"{name} is encrypted: ask for the file as Hallmark wrote it")
    if method != _STORED:
        raise CompressedEntryError(f"{name} is compressed: ask for the file as Hallmark wrote it")
    if attributes >> 16 & 0o170000 not in (0, 0o100000):
        raise LinkEntryError(f"{name} is a link or a special file: do not use this file")
    _check_size(name, max(size, packed), limits)
    content_at = offset + _LOCAL.size + name_length
    if content_at + size > start:
        raise NotABundleError(f"{name} is cut short: ask for the file again")
    return name, data[content_at : content_at + size], following


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UnsafePathError(f"it holds a file named {name[:120]!r}, which could leave the bundle")
    return name


def _check_size(name: str, size: int, limits: Limits) -> None:
    if size > limits.file_bytes:
        raise BundleTooLargeError(
            f"{name} has {size} bytes; {limits.file_bytes} are allowed: use a smaller image"
        )


def _check_total(size: int, limits: Limits) -> None:
    if size > limits.all_bytes:
        raise BundleTooLargeError(f"the {limits.what} has {size} bytes; {limits.all_bytes} are allowed")
