"""The file of a dispute pack: one archive, byte for byte, and a manifest with the digest of every file in it.

    manifest.json     lot, golden sample, time, head of the journal, and path, size and SHA-256 of all below
    golden.golden     the sealed golden sample
    lot.json          what the server said of the lot: phase, decisions, draw, sample
    journal.jsonl     journal lines, one a line: of the lot and what belongs to it, or the whole journal
    records/HEX       inspection records (canonical JSON), named by their digest
    frames/HEX        the frames' files, named by their SHA-256

The container is `golden.archive`: stored, in one order, no byte of it free. Nothing is ever extracted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from evidence import canonical_json, sha256
from evidence.inspection import Digest, Name
from evidence.journal import JournalLine
from golden import archive
from golden.bundle import FileEntry, timestamp
from golden.errors import BundleError
from golden.regions import Closed
from hallmark.errors import DisputeError

FORMAT = "hallmark.dispute/1"
MANIFEST, GOLDEN, LOT, JOURNAL = "manifest.json", "golden.golden", "lot.json", "journal.jsonl"
LIMITS = archive.Limits(
    what="dispute pack", all_bytes=1024**3, file_bytes=archive.MAX_BUNDLE_BYTES, files=20_000
)


class Head(Closed):
    """What the server's own check of its whole journal found when the pack was made."""

    state: Literal["intact", "broken"]
    lines: int
    last_hash: Digest | None


class Manifest(Closed):
    """What a pack holds. `whole_journal` says whether every line up to the head is there."""

    format: Literal["hallmark.dispute/1"] = FORMAT
    lot: Name
    golden: Digest
    made: str
    head: Head
    whole_journal: bool
    files: tuple[FileEntry, ...]


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack whose bytes are those of its manifest. Whether its content is true is for `verify` to say.

    `records` and `frames` are the files' bytes by digest (`sha256:` and hexadecimal digits).
    """

    manifest: Manifest
    golden: bytes
    lot: Mapping[str, Any]
    lines: tuple[JournalLine, ...]
    records: Mapping[str, bytes]
    frames: Mapping[str, bytes]


def write_pack(
    lot: Mapping[str, Any],
    golden: bytes,
    lines: Iterable[JournalLine],
    records: Mapping[str, Mapping[str, Any]],
    frames: Iterable[bytes],
    *,
    head: Head,
    whole_journal: bool,
    now: datetime,
) -> bytes:
    """Return the bytes of a pack; the same arguments always give the same bytes.

    Args:
        lot: the lot's state as the server tells it.
        golden: the sealed golden sample's file.
        lines: journal lines in order.
        records: inspection records by digest.
        frames: the frames' files.
        head: what the server's check of its journal found.
        whole_journal: whether `lines` are all lines of the journal.
        now: aware time.

    Raises:
        DisputeError: the pack would be larger than one may be.
        ValueError: `now` has no zone.
    """
    files = {
        GOLDEN: golden,
        LOT: canonical_json(dict(lot)),
        JOURNAL: b"".join(canonical_json(line.model_dump(mode="json")) + b"\n" for line in lines),
        **{_path("records", digest): canonical_json(dict(record)) for digest, record in records.items()},
        **{_path("frames", sha256(data)): data for data in frames},
    }
    manifest = Manifest(
        lot=lot["lot"],
        golden=lot["golden"]["digest"],
        made=timestamp(now),
        head=head,
        whole_journal=whole_journal,
        files=tuple(FileEntry(path=p, size=len(files[p]), sha256=sha256(files[p])) for p in sorted(files)),
    )
    files[MANIFEST] = canonical_json(manifest.model_dump(mode="json"))
    try:
        return archive.write(files, LIMITS)
    except BundleError as error:
        raise DisputeError(f"{error}; leave the frames out with --without-frames") from error


def read_pack(data: bytes) -> Pack:
    """Read a pack and check every byte of it against its manifest; safe on any bytes.

    Raises:
        DisputeError: it is no pack, was altered, or holds what its manifest does not name.
    """
    try:
        files = archive.read(data, LIMITS)
    except BundleError as error:
        raise DisputeError(f"refused: {error}") from error
    manifest = _manifest(files)
    listed = {entry.path: entry for entry in manifest.files}
    for path in sorted(set(files) ^ {*listed, MANIFEST}):
        what = "missing" if path in listed else "not in the manifest"
        raise DisputeError(f"refused: {path} is {what}; ask for the file again")
    for path, entry in listed.items():
        if (entry.size, entry.sha256) != (len(files[path]), sha256(files[path])):
            raise DisputeError(
                f"refused: {path} is not the file that the manifest names; ask for the file again"
            )
    for path in (GOLDEN, LOT, JOURNAL):
        if path not in listed:
            raise DisputeError(f"refused: {path} is missing; ask for the file again")
    return Pack(
        manifest=manifest,
        golden=files[GOLDEN],
        lot=_object(files[LOT]),
        lines=tuple(_lines(files[JOURNAL])),
        records=_named(files, "records/"),
        frames=_named(files, "frames/"),
    )


def _manifest(files: Mapping[str, bytes]) -> Manifest:
    data = files.get(MANIFEST)
    if data is None:
        raise DisputeError(f"refused: {MANIFEST} is missing; this is no dispute pack")
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise DisputeError(f"refused: {MANIFEST}: {problem['loc']}: {problem['msg']}") from error
    paths = [entry.path for entry in manifest.files]
    if canonical_json(manifest.model_dump(mode="json")) != data or paths != sorted(set(paths)):
        raise DisputeError(f"refused: {MANIFEST} is not written as this program writes it")
    return manifest


def _lines(data: bytes) -> Iterable[JournalLine]:
    for number, text in enumerate(data.splitlines(), start=1):
        try:
            line = JournalLine.model_validate_json(text)
        except ValidationError as error:
            raise DisputeError(f"refused: {JOURNAL}, line {number}: not a journal line") from error
        if canonical_json(line.model_dump(mode="json")) != text:
            raise DisputeError(f"refused: {JOURNAL}, line {number}: not written as this program writes it")
        yield line


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DisputeError(f"refused: {LOT} is not JSON") from error
    if not isinstance(content, dict):
        raise DisputeError(f"refused: {LOT} holds no lot")
    return content  # pyright: ignore[reportUnknownVariableType]


def _named(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    return {
        "sha256:" + path.removeprefix(folder): data for path, data in files.items() if path.startswith(folder)
    }


def _path(folder: str, digest: str) -> str:
    return f"{folder}/{digest.removeprefix('sha256:')}"
