"""The `.golden` bundle: manifest, specification, images and seal in one deterministic archive.

    manifest.json   what the parties sign: part, version, validity, and the digest of every other file
    spec.json       the GoldenSpec
    images/...      reference images, as the specification names them
    seal.json       DSSE envelope over the manifest's bytes, with the signatures so far

The digest of the manifest's bytes is the identity of the golden sample: who has signed does not change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self, cast

from pydantic import Field, ValidationError, model_validator

from golden import archive, dsse, images
from golden.digests import canonical_json, sha256
from golden.dsse import Envelope
from golden.errors import (
    AlteredFileError,
    BundleError,
    DuplicateFileError,
    ExtraFileError,
    MissingFileError,
    NotCanonicalError,
    UnknownFormatError,
)
from golden.regions import Closed
from golden.spec import SCHEMA, GoldenSpec, PartyName

FORMAT = "hallmark.bundle/1"
MANIFEST, SPEC, SEAL = "manifest.json", "spec.json", "seal.json"

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
_Instant = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]


class Signatory(Closed):
    """A party whose signature the seal needs."""

    name: PartyName
    role: Literal["supplier", "buyer"]


class FileEntry(Closed):
    """One file of the bundle: path, length in bytes, digest."""

    path: str
    size: Annotated[int, Field(ge=0)]
    sha256: Digest


class Manifest(Closed):
    """What the parties sign. Times are RFC 3339, UTC, whole seconds."""

    format: Literal["hallmark.bundle/1"] = FORMAT
    part: str
    revision: str
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    issued: _Instant
    expires: _Instant | None
    predecessor: Digest | None
    signatories: tuple[Signatory, ...]
    files: tuple[FileEntry, ...]

    @model_validator(mode="after")
    def _times(self) -> Self:
        if self.expires is not None and instant(self.expires) <= instant(self.issued):
            raise ValueError(f"expires {self.expires} must be after issued {self.issued}")
        if self.predecessor is not None and self.version == 1:
            raise ValueError("version 1 has no predecessor")
        instant(self.issued)
        return self


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was read and found sound and consistent. Nothing is said yet about who signed."""

    files: Mapping[str, bytes]
    manifest: Manifest
    spec: GoldenSpec
    envelope: Envelope

    @property
    def digest(self) -> str:
        """Identity of the golden sample: SHA-256 of the manifest's bytes."""
        return sha256(self.files[MANIFEST])

    @property
    def images(self) -> dict[str, bytes]:
        """Encoded image files by path."""
        return {path: data for path, data in self.files.items() if path.startswith("images/")}

    def with_signatures(self, signatures: Mapping[str, bytes]) -> bytes:
        """Return the bytes of this bundle with exactly these signatures."""
        envelope = replace(self.envelope, signatures=dict(signatures))
        return archive.write({**self.files, SEAL: dsse.encode(envelope)})


def build(
    spec: GoldenSpec,
    images_by_path: Mapping[str, bytes],
    *,
    version: int,
    issued: datetime,
    expires: datetime | None = None,
    predecessor: str | None = None,
) -> bytes:
    """Return the bytes of an unsigned bundle; the same arguments always give the same bytes.

    Args:
        spec: the specification.
        images_by_path: encoded PNG or JPEG files by the path that the specification names.
        version: counts the agreement's editions, from 1; an older one than seen is refused when opening.
        issued: aware; truncated to whole seconds.
        expires: aware, or None where the agreement does not end.
        predecessor: digest of the golden sample that this one replaces, or None.

    Raises:
        ImageError: an image is missing, not named, unreadable or of another size than declared.
        BundleError: the version, dates or predecessor do not fit, or the files are too large.
        ValueError: a datetime is naive.
    """
    images.check(spec, images_by_path)
    files = {**images_by_path, SPEC: canonical_json(spec.model_dump(mode="json", by_alias=True))}
    try:
        manifest = Manifest(
            part=spec.part.number,
            revision=spec.part.revision,
            version=version,
            issued=timestamp(issued),
            expires=None if expires is None else timestamp(expires),
            predecessor=predecessor,
            signatories=_signatories(spec),
            files=_entries(files),
        )
    except ValidationError as error:
        raise BundleError(f"the bundle cannot be made: {dsse.first(error)}") from error
    files[MANIFEST] = canonical_json(manifest.model_dump(mode="json"))
    files[SEAL] = dsse.encode(Envelope(files[MANIFEST], {}))
    return archive.write(files)


def read(data: bytes) -> Bundle:
    """Read a bundle and check everything but the signatures; safe on any bytes.

    Raises:
        BundleError: one of its subclasses, by what is wrong.
        ImageError: an image is unreadable or of another size than declared.
    """
    files = archive.read(data)
    for name in (MANIFEST, SPEC, SEAL):
        if name not in files:
            raise MissingFileError(f"{name} is missing in the bundle: ask for the file again")
    manifest = _manifest(files[MANIFEST])
    _check_files(manifest, files)
    envelope = dsse.decode(files[SEAL], SEAL)
    if envelope.payload != files[MANIFEST]:
        raise AlteredFileError(f"{SEAL} seals another manifest than the one in the bundle: ask for the file")
    spec = _spec(files[SPEC])
    agreed = (spec.part.number, spec.part.revision, _signatories(spec))
    if (manifest.part, manifest.revision, manifest.signatories) != agreed:
        raise NotCanonicalError(f"{MANIFEST} and {SPEC} name different parts or parties: ask for a new file")
    bundle = Bundle(files, manifest, spec, envelope)
    images.check(spec, bundle.images)
    return bundle


def timestamp(moment: datetime) -> str:
    """Return RFC 3339 in UTC, whole seconds; raise ValueError where the datetime is naive."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone; pass an aware datetime")
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def instant(text: str) -> datetime:
    """Return the aware datetime of a timestamp; raise ValueError where there is no such moment."""
    return datetime.fromisoformat(text)


def _signatories(spec: GoldenSpec) -> tuple[Signatory, ...]:
    """Every supplier and every buyer must sign; laboratories and others may."""
    needed = [p for p in spec.parties if p.role in ("supplier", "buyer")]
    return tuple(Signatory.model_validate({"name": p.name, "role": p.role}) for p in needed)


def _entries(files: Mapping[str, bytes]) -> tuple[FileEntry, ...]:
    return tuple(FileEntry(path=p, size=len(files[p]), sha256=sha256(files[p])) for p in sorted(files))


def _manifest(data: bytes) -> Manifest:
    _known(dsse.parse_canonical(data, MANIFEST), "format", FORMAT, MANIFEST)
    try:
        return Manifest.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise UnknownFormatError(f"{MANIFEST} is not a {FORMAT} manifest: {dsse.first(error)}") from error


def _spec(data: bytes) -> GoldenSpec:
    _known(dsse.parse_canonical(data, SPEC), "schema", SCHEMA, SPEC)
    try:
        return GoldenSpec.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise UnknownFormatError(f"{SPEC} is not a {SCHEMA} specification: {dsse.first(error)}") from error


def _known(document: object, key: str, expected: str, source: str) -> None:
    """Say first that a newer format is newer, before its fields look wrong."""
    found = cast("dict[str, Any]", document).get(key) if isinstance(document, dict) else None
    if found != expected:
        raise UnknownFormatError(
            f"{source} has {key} {found!r}; this release reads {expected!r}: install a release that knows it"
        )


def _check_files(manifest: Manifest, files: Mapping[str, bytes]) -> None:
    listed = {entry.path: entry for entry in manifest.files}
    if len(listed) != len(manifest.files):
        raise DuplicateFileError(f"{MANIFEST} names a path twice: ask for a new file")
    present = set(files) - {MANIFEST, SEAL}
    for path in sorted(set(listed) - present):
        raise MissingFileError(f"{path} is in the manifest but missing in the bundle: ask for the file again")
    for path in sorted(present - set(listed)):
        raise ExtraFileError(f"{path} is in the bundle but nobody signed it: ask for the original file")
    for path, entry in listed.items():
        if entry.size != len(files[path]) or entry.sha256 != sha256(files[path]):
            raise AlteredFileError(f"{path} is not the file that was signed: ask for the original bundle")
    if [entry.path for entry in manifest.files] != sorted(listed):
        raise NotCanonicalError(f"{MANIFEST} lists its files out of order: ask for a new file")
