"""Who answers for a release: the list of its files, signed as golden samples are.

`release.json` lists every file with its digest; `seal.json` is a DSSE envelope over its bytes. Signing
changes nothing of what is listed, so the model keeps its digest whoever signs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, Protocol

from pydantic import ValidationError

from evidence import ModelReference, canonical_json, sha256
from golden import dsse
from golden.bundle import FileEntry
from golden.dsse import Envelope
from golden.errors import BundleError
from golden.keys import SigningKey, TrustStore
from golden.regions import Closed
from golden.sample import write_file
from golden.seal import Signature
from models.card import CARD
from models.errors import ModelAlteredError, ModelFormatError, ModelUnsignedError
from models.release.report import REPORT, read_report

RELEASE: Final = "release.json"
SEAL: Final = "seal.json"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class FixedSetNamed(Protocol):
    """The files that a card names; `parity` is the digest of its fixed set."""

    @property
    def parity(self) -> str:
        """SHA-256 of the fixed set's file."""
        ...


class Carded(Protocol):
    """Any card: its reference names the model, its files the fixed set."""

    @property
    def reference(self) -> ModelReference:
        """Name and digest."""
        ...

    @property
    def files(self) -> FixedSetNamed:
        """Digests of the release's files."""
        ...


class Release(Closed):
    """What is signed. `files` are all of the folder but this list and its seal."""

    format: Literal["hallmark.release/1"] = "hallmark.release/1"
    model: ModelReference
    files: tuple[FileEntry, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes that are signed."""
        return sha256(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the bytes that are signed: canonical JSON."""
        return canonical_json(self.model_dump(mode="json"))


def seal(folder: Path, card: Carded, key: SigningKey) -> Release:
    """List a folder's files and sign the list; where it is listed already, add a signature.

    Raises:
        ModelFormatError: the folder holds something that no release holds.
        ModelAlteredError: it is listed already, and holds other files now.
        BundleError: the folder cannot be written to.
    """
    release, sealed = signed(folder, card, key)
    write_file(folder / RELEASE, release.to_bytes())
    write_file(folder / SEAL, sealed)
    return release


def signed(folder: Path, card: Carded, key: SigningKey) -> tuple[Release, bytes]:
    """Return the list of a folder's files and its seal with this key's signature; write nothing.

    Raises as `seal`.
    """
    signatures: Mapping[str, bytes] = {}
    if (folder / RELEASE).exists():
        release, envelope = _read(folder)
        _check_files(folder, release, card)
        signatures = envelope.signatures
    else:
        release = Release(model=card.reference, files=_entries(folder))
    payload = release.to_bytes()
    both = {**signatures, key.keyid: key.sign(dsse.pae(payload))}
    return release, dsse.encode(Envelope(payload, both))


def listed(folder: Path) -> Release:
    """Return the list of a folder's files; raise ModelFormatError where it cannot be read."""
    return _read(folder)[0]


def check_release(folder: Path, card: Carded, trust: TrustStore | None) -> tuple[Signature, ...]:
    """Check the list of a folder's files and who signed it; return the verified signatures, by key id.

    Without `trust` nothing needs to be listed or signed; what is listed must hold all the same. A parity
    report must be of the card's own fixed set.

    Raises:
        ModelUnsignedError: `trust` is given and nobody in it has signed, or a signature is not genuine.
        ModelAlteredError: a file is not the one that is listed, absent, or not listed, or the parity report
            is of another fixed set.
        ModelFormatError: list, seal or parity report cannot be read.
    """
    _check_report(folder, card)
    if not (folder / RELEASE).exists():
        if trust is None:
            return ()
        raise ModelUnsignedError(
            f"{folder}: not released: it has no {RELEASE}; have it signed (hallmark model sign)"
        )
    release, envelope = _read(folder)
    _check_files(folder, release, card)
    return () if trust is None else _signers(folder, envelope, trust)


def _check_report(folder: Path, card: Carded) -> None:
    """Refuse a report that claims what was found on other inputs."""
    if (folder / REPORT).exists() and read_report(folder).inputs != card.files.parity:
        raise ModelAlteredError(
            f"{folder / REPORT}: tells the parity of another fixed set than the card's; remove it, and "
            "'hallmark model sign' makes it anew"
        )


def _signers(folder: Path, envelope: Envelope, trust: TrustStore) -> tuple[Signature, ...]:
    """Return the genuine signatures by trusted keys; those of others say nothing here."""
    message = dsse.pae(envelope.payload)
    found: list[Signature] = []
    for keyid, signature in sorted(envelope.signatures.items()):
        key = trust.keys.get(keyid)
        if key is None:
            continue
        if not key.verifies(signature, message):
            raise ModelUnsignedError(
                f"{folder}: the signature of {key.party} is not genuine; take the model as it was released"
            )
        found.append(Signature(keyid, key.party, key.role))
    if not found:
        signers = ", ".join(keyid[:19] for keyid in sorted(envelope.signatures)) or "nobody"
        raise ModelUnsignedError(
            f"{folder}: signed by {signers}, not by a key that is trusted here; have it signed, or put the "
            "signer's .pub.json into the trust folder if they may release models"
        )
    return tuple(found)


def _read(folder: Path) -> tuple[Release, Envelope]:
    path = folder / RELEASE
    try:
        data, sealed = path.read_bytes(), (folder / SEAL).read_bytes()
        dsse.parse_canonical(data, str(path))
        release = Release.model_validate_json(data, strict=True)
        envelope = dsse.decode(sealed, str(folder / SEAL))
    except OSError as error:
        raise ModelFormatError(
            f"{error.filename}: {error.strerror}; take the model as it was released"
        ) from error
    except ValidationError as error:
        raise ModelFormatError(f"{path}: {dsse.first(error)}; take the model as it was released") from error
    except BundleError as error:
        raise ModelFormatError(f"{error}; take the model as it was released") from error
    if envelope.payload != data:
        raise ModelAlteredError(
            f"{folder / SEAL}: seals another list than {path}; take it as it was released"
        )
    return release, envelope


def _entries(folder: Path) -> tuple[FileEntry, ...]:
    found: list[FileEntry] = []
    for path in sorted(folder.iterdir()):
        if path.name in (RELEASE, SEAL):
            continue
        if not path.is_file() or path.is_symlink() or not _NAME.fullmatch(path.name):
            raise ModelFormatError(f"{path}: a release holds plain files alone; remove it")
        data = path.read_bytes()
        found.append(FileEntry(path=path.name, size=len(data), sha256=sha256(data)))
    return tuple(found)


def _check_files(folder: Path, release: Release, card: Carded) -> None:
    listed = {entry.path: entry for entry in release.files}
    present = {entry.path: entry for entry in _entries(folder)}
    for name in sorted(listed.keys() | present.keys()):
        if listed.get(name) != present.get(name):
            what = "absent" if name not in present else "not listed" if name not in listed else "another file"
            raise ModelAlteredError(
                f"{folder / name}: {what}, as {RELEASE} tells; take the model as it was released"
            )
    if release.model != card.reference:
        raise ModelAlteredError(f"{folder / CARD}: {RELEASE} is about another model; take it as released")
