"""Detached signatures: Ed25519 over the digest of a document that carries them beside its content.

Certificates of cameras and variation models are signed so; golden samples and releases by an envelope, see
`golden.dsse`. What is signed is the pre-authentication encoding of the digest and the document's own type, so
that a signature of one kind of document is none of another.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from golden import dsse
from golden.errors import InvalidSignatureError, UnknownSignerError
from golden.keys import SigningKey, TrustStore
from golden.regions import Closed
from golden.seal import Signature


class DetachedSignature(Closed):
    """A signature over a document's digest: key id (see `golden.keys`), Ed25519 as base64."""

    keyid: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    sig: Annotated[str, Field(max_length=100)]


def with_signature(
    signatures: Sequence[DetachedSignature], key: SigningKey, digest: str, document: str
) -> tuple[DetachedSignature, ...]:
    """Return the signatures with this key's, sorted by key id; signing twice changes nothing.

    Args:
        signatures: that the document has.
        key: signs.
        digest: of the document's content.
        document: its type, `application/vnd.hallmark....`.
    """
    sig = base64.b64encode(key.sign(_signed(digest, document))).decode("ascii")
    others = [s for s in signatures if s.keyid != key.keyid]
    return tuple(sorted([*others, DetachedSignature(keyid=key.keyid, sig=sig)], key=lambda s: s.keyid))


def signers(
    signatures: Sequence[DetachedSignature], trust: TrustStore, digest: str, document: str, *, may: str
) -> tuple[Signature, ...]:
    """Return who signed, in the order given.

    Args:
        signatures: all of them must be genuine and of trusted keys.
        trust: the keys that are trusted.
        digest: of the document's content.
        document: its type.
        may: what the owner of a key for such documents may do, for the sentence of the error.

    Raises:
        UnknownSignerError: a key is not trusted here.
        InvalidSignatureError: a signature is not genuine.
    """
    found: list[Signature] = []
    for signature in signatures:
        key = trust.keys.get(signature.keyid)
        if key is None:
            raise UnknownSignerError(
                f"signed by key {signature.keyid[:19]}, which is not trusted here; put its "
                f".pub.json into the trust folder only if its owner may {may}"
            )
        if not key.verifies(_bytes(signature.sig), _signed(digest, document)):
            raise InvalidSignatureError(f"the signature of {key.party} is not genuine; fetch the original")
        found.append(Signature(key.keyid, key.party, key.role))
    return tuple(found)


def _signed(digest: str, document: str) -> bytes:
    return dsse.pae(digest.encode("ascii"), document)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error, or other than ASCII: no key verifies it
        return b""
