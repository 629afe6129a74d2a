"""A golden sample that may judge: a bundle whose seal holds."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from golden import bundle, seal
from golden.archive import MAX_BUNDLE_BYTES
from golden.bundle import Bundle, instant
from golden.errors import BundleError, BundleTooLargeError, NotABundleError, in_file
from golden.keys import TrustStore
from golden.seal import Signature
from golden.spec import GoldenSpec


@dataclass(frozen=True, slots=True)
class GoldenSample:
    """What supplier and buyer agreed, verified. Make it with `open` or `from_bytes` only.

    Attributes:
        spec: the specification.
        digest: SHA-256 of the manifest's bytes; the same whoever has signed so far.
        version: edition of the agreement, from 1.
        issued: aware, UTC.
        expires: aware, UTC; None where the agreement does not end.
        predecessor: digest of the golden sample that this one replaced, or None.
        images: encoded PNG or JPEG files by `View.image`.
        signatures: the verified signatures.
    """

    spec: GoldenSpec
    digest: str
    version: int
    issued: datetime
    expires: datetime | None
    predecessor: str | None
    images: Mapping[str, bytes]
    signatures: tuple[Signature, ...]

    @classmethod
    def open(
        cls, path: Path | str, trust: TrustStore, now: datetime, newest_seen: int | None = None
    ) -> GoldenSample:
        """Read a `.golden` file; see `from_bytes`."""
        data = read_file(Path(path))
        with in_file(path):
            return cls.from_bytes(data, trust=trust, now=now, newest_seen=newest_seen)

    @classmethod
    def from_bytes(
        cls, data: bytes, *, trust: TrustStore, now: datetime, newest_seen: int | None = None
    ) -> GoldenSample:
        """Verify a bundle and return what it holds.

        Args:
            data: the file.
            trust: the keys trusted here.
            now: aware current time.
            newest_seen: newest version of this part's golden sample that was ever accepted here, or None.

        Raises:
            GoldenError: one of its subclasses, by what is wrong; see `golden.errors`.
        """
        opened = bundle.read(data)
        signatures = seal.verify(opened, trust, now, newest_seen)
        manifest = opened.manifest
        return cls(
            spec=opened.spec,
            digest=opened.digest,
            version=manifest.version,
            issued=instant(manifest.issued),
            expires=None if manifest.expires is None else instant(manifest.expires),
            predecessor=manifest.predecessor,
            images=opened.images,
            signatures=signatures,
        )


def read_bundle(path: Path) -> Bundle:
    """Read a bundle file and check everything but the signatures; errors as `read_file` and `bundle.read`."""
    data = read_file(path)
    with in_file(path):
        return bundle.read(data)


def read_file(path: Path) -> bytes:
    """Return the bytes of a bundle file, at most as many as a bundle may have.

    Raises:
        NotABundleError: the file cannot be read.
        BundleTooLargeError: the file is larger than a bundle may be.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BUNDLE_BYTES:
            raise BundleTooLargeError(
                f"{path} has {size} bytes; a golden sample has at most {MAX_BUNDLE_BYTES}"
            )
        if not path.is_file():
            raise NotABundleError(f"{path} is not a file: give the path of a .golden file")
        return path.read_bytes()
    except OSError as error:
        raise NotABundleError(f"{path}: {error.strerror}: give the path of a .golden file") from error


def write_file(path: Path, data: bytes) -> None:
    """Write a bundle file whole or not at all: beside it first, then flushed to disk and renamed.

    Raises:
        BundleError: the file cannot be written there.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            temporary = Path(folder) / path.name
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}: choose a folder that can be written to") from error
