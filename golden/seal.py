"""The seal: who has signed a bundle, and whether it holds now. Pure: time and trust come as arguments.

A bundle travels by mail: each side signs what it received and sends it back, in any order; copies signed
apart can be merged. Signing never changes what is agreed, only who has agreed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from golden import bundle, dsse
from golden.bundle import Bundle, instant
from golden.errors import (
    BelowThresholdError,
    DifferentManifestError,
    ExpiredError,
    InvalidSignatureError,
    NotYetValidError,
    RolledBackError,
    UnknownSignerError,
    UnsignedError,
    WrongSignerError,
)
from golden.keys import SigningKey, TrustedKey, TrustStore
from golden.spec import GoldenSpec


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that was verified: by which key, for which party in which role."""

    keyid: str
    party: str
    role: str


def sign(data: bytes, key: SigningKey) -> bytes:
    """Return the bundle with this key's signature added; signing twice changes nothing.

    Raises:
        GoldenError: the bytes are not a sound bundle (see `bundle.read`).
        WrongSignerError: the key's holder is not a party to the specification in that role.
    """
    opened = bundle.read(data)
    _check_party(key.trusted, opened.spec)
    signature = key.sign(dsse.pae(opened.envelope.payload))
    return opened.with_signatures({**opened.envelope.signatures, key.keyid: signature})


def merge(data: bytes, other: bytes) -> bytes:
    """Return one bundle with the signatures of two copies that were signed apart.

    Raises:
        GoldenError: one of the two is not a sound bundle.
        DifferentManifestError: they do not hold the same agreement.
        InvalidSignatureError: they hold different signatures of one key, so one of them is false.
    """
    ours, theirs = bundle.read(data), bundle.read(other)
    if ours.digest != theirs.digest:
        raise DifferentManifestError(
            f"these are two agreements ({ours.digest[:19]}, {theirs.digest[:19]}): "
            "both sides must sign one and the same file"
        )
    mine, added = ours.envelope.signatures, theirs.envelope.signatures
    for keyid in set(mine) & set(added):
        if mine[keyid] != added[keyid]:
            raise InvalidSignatureError(
                f"the copies hold different signatures of key {keyid[:19]}: one is false"
            )
    return ours.with_signatures({**mine, **added})


def verify(
    opened: Bundle, trust: TrustStore, now: datetime, newest_seen: int | None = None
) -> tuple[Signature, ...]:
    """Check that the seal of a bundle holds; return the verified signatures, sorted by key id.

    Args:
        opened: what `bundle.read` returned.
        trust: the keys trusted here.
        now: aware current time.
        newest_seen: newest version of this part's golden sample that was ever accepted here, or None.

    Raises:
        SealError: one of its subclasses, by what does not hold. Every signature must be valid and by a
            trusted key of a party, even where the threshold is reached without it.
        ValueError: `now` is naive.
    """
    signatures = _verified_signatures(opened, trust)
    signed = {(s.party, s.role) for s in signatures}
    absent = [s for s in opened.manifest.signatories if (s.name, s.role) not in signed]
    if absent:
        names = ", ".join(f"{s.name} ({s.role})" for s in absent)
        raise BelowThresholdError(f"not signed by {names}: they must sign before the golden sample holds")
    _check_time(opened, now)
    version = opened.manifest.version
    if newest_seen is not None and version < newest_seen:
        raise RolledBackError(
            f"this is version {version}, but version {newest_seen} was already in use: use the newer one"
        )
    return signatures


def _verified_signatures(opened: Bundle, trust: TrustStore) -> tuple[Signature, ...]:
    if not opened.envelope.signatures:
        raise UnsignedError("nobody has signed this golden sample: supplier and buyer must sign it")
    message = dsse.pae(opened.envelope.payload)
    verified: list[Signature] = []
    for keyid, signature in sorted(opened.envelope.signatures.items()):
        key = trust.keys.get(keyid)
        if key is None:
            raise UnknownSignerError(
                f"signed by key {keyid[:100]}, which is not trusted here: ask whose it is, and put its "
                ".pub.json into the trust folder only if they are a party"
            )
        _check_party(key, opened.spec)
        if not key.verifies(signature, message):
            raise InvalidSignatureError(
                f"the signature of {key.party} ({key.role}) is not genuine: ask them to sign the file again"
            )
        verified.append(Signature(keyid, key.party, key.role))
    return tuple(verified)


def _check_party(key: TrustedKey, spec: GoldenSpec) -> None:
    if (key.party, key.role) not in {(p.name, p.role) for p in spec.parties}:
        parties = ", ".join(f"{p.name} ({p.role})" for p in spec.parties)
        raise WrongSignerError(
            f"{key.party} as {key.role} is no party to this specification; parties are {parties}: "
            "sign with a party's key, or correct the parties"
        )


def _check_time(opened: Bundle, now: datetime) -> None:
    if now.tzinfo is None:
        raise ValueError(f"now {now} has no time zone; pass an aware datetime")
    manifest = opened.manifest
    if now < instant(manifest.issued):
        raise NotYetValidError(
            f"issued {manifest.issued}, which is in the future: check this machine's clock"
        )
    if manifest.expires is not None and now >= instant(manifest.expires):
        raise ExpiredError(f"expired {manifest.expires}: supplier and buyer must seal a new version")
