"""Who may sign: private keys, and the trust store that binds each public key to a party in a role.

Keys are Ed25519 (RFC 8032). A key's id is the SHA-256 of its 32 public bytes. Key files are JSON; the private
one is readable by its owner only. Trusting a key is a deed: someone puts the other side's `*.pub.json`,
received over a channel they trust, into the folder that the station or server opens.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field, ValidationError

from golden.digests import canonical_json, sha256
from golden.dsse import first
from golden.errors import KeyFileError
from golden.regions import Closed
from golden.spec import PartyName, PartyRole

_MAX_KEY_FILE_BYTES = 64 * 1024


class _PublicKeyFile(Closed):
    format: Literal["hallmark.public-key/1"] = "hallmark.public-key/1"
    keyid: str
    party: PartyName
    role: PartyRole
    public: str = Field(description="32 bytes of Ed25519, base64")


class _PrivateKeyFile(Closed):
    format: Literal["hallmark.private-key/1"] = "hallmark.private-key/1"
    party: PartyName
    role: PartyRole
    private: str = Field(description="32 bytes of Ed25519, base64; keep secret")


_KeyFile = TypeVar("_KeyFile", _PublicKeyFile, _PrivateKeyFile)


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key and the party, in its role, that it speaks for."""

    party: str
    role: PartyRole
    public: bytes

    @property
    def keyid(self) -> str:
        """`sha256:` and the digest of the public bytes."""
        return sha256(self.public)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Return whether this key made the signature over the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A party's private key. Its text form never shows the secret."""

    party: str
    role: PartyRole
    private: Ed25519PrivateKey

    @classmethod
    def generate(cls, party: str, role: PartyRole) -> SigningKey:
        """Make a new key from the system's randomness; raise KeyFileError without a party's name."""
        party = party.strip()
        if not 1 <= len(party) <= 200:
            raise KeyFileError(
                "a party needs a name of 1 to 200 characters: write it as the specification does"
            )
        return cls(party, role, Ed25519PrivateKey.generate())

    @property
    def trusted(self) -> TrustedKey:
        """The public half, for the other side's trust store."""
        return TrustedKey(self.party, self.role, self.private.public_key().public_bytes_raw())

    @property
    def keyid(self) -> str:
        """Id of the public half."""
        return self.trusted.keyid

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature; the same message gives the same bytes."""
        return self.private.sign(message)

    def save(self, folder: Path) -> tuple[Path, Path]:
        """Write `ROLE-PARTY.key.json` (mode 0600) and `ROLE-PARTY.pub.json`; return both paths.

        Raises:
            KeyFileError: one of the files exists (a key is never overwritten), or cannot be written.
        """
        slug = re.sub(r"[^a-z0-9]+", "-", self.party.lower()).strip("-") or self.keyid[7:15]
        private_path = folder / f"{self.role}-{slug}.key.json"
        public_path = folder / f"{self.role}-{slug}.pub.json"
        for path in (private_path, public_path):
            if path.exists():
                raise KeyFileError(f"{path} exists and is not overwritten: choose another folder")
        private = _PrivateKeyFile(
            party=self.party, role=self.role, private=_text(self.private.private_bytes_raw())
        )
        trusted = self.trusted
        public = _PublicKeyFile(
            keyid=trusted.keyid, party=self.party, role=self.role, public=_text(trusted.public)
        )
        _create(private_path, canonical_json(private.model_dump()), 0o600)
        _create(public_path, canonical_json(public.model_dump()), 0o644)
        return private_path, public_path

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """Read a private key file; raise KeyFileError if it is not one."""
        fields = _read(path, _PrivateKeyFile)
        if path.stat().st_mode & 0o077:
            raise KeyFileError(f"{path} can be read by others: chmod 600 {path}, or make a new key")
        raw = _bytes(fields.private, path)
        return cls(fields.party, fields.role, Ed25519PrivateKey.from_private_bytes(raw))


class TrustStore:
    """The public keys that are trusted here, by key id."""

    def __init__(self, keys: Iterable[TrustedKey]) -> None:
        """Hold these keys; raise KeyFileError where one key would speak for two parties or roles."""
        self._keys: dict[str, TrustedKey] = {}
        for key in keys:
            other = self._keys.setdefault(key.keyid, key)
            if other != key:
                raise KeyFileError(
                    f"one key is bound to {other.party!r} ({other.role}) and to {key.party!r} ({key.role}): "
                    "every party needs a key of its own"
                )

    @classmethod
    def open(cls, folder: Path) -> TrustStore:
        """Read every `*.pub.json` of a folder.

        Raises:
            KeyFileError: no such folder, no key in it, or a file that is not a public key.
        """
        if not folder.is_dir():
            raise KeyFileError(f"{folder} is not a folder: give the folder of trusted *.pub.json files")
        paths = sorted(folder.glob("*.pub.json"))
        if not paths:
            raise KeyFileError(f"{folder} holds no *.pub.json: put supplier's and buyer's public keys there")
        return cls(_load_public(path) for path in paths)

    @property
    def keys(self) -> Mapping[str, TrustedKey]:
        """Trusted keys by key id."""
        return self._keys


def _load_public(path: Path) -> TrustedKey:
    fields = _read(path, _PublicKeyFile)
    key = TrustedKey(fields.party, fields.role, _bytes(fields.public, path))
    if key.keyid != fields.keyid:
        raise KeyFileError(f"{path}: keyid does not belong to the key: ask its owner for the file again")
    return key


def _read(path: Path, model: type[_KeyFile]) -> _KeyFile:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_KEY_FILE_BYTES)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}: give a key file that `golden keygen` made") from error
    try:
        return model.model_validate_json(data, strict=True)
    except ValidationError as error:
        expected = model.model_fields["format"].default
        raise KeyFileError(f"{path} is not a {expected} file: {first(error)}") from error


def _bytes(text: str, path: Path) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError as error:  # binascii.Error, or other than ASCII
        raise KeyFileError(f"{path}: the key is not base64: {error}") from error
    if len(raw) != 32:
        raise KeyFileError(f"{path}: an Ed25519 key has 32 bytes, this one {len(raw)}")
    return raw


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _create(path: Path, data: bytes, mode: int) -> None:
    """Write a new file; O_EXCL and not a rename, so that a key written meanwhile is never replaced."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}: choose another folder") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
