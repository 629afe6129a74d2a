"""The signature envelope, after DSSE 1.0 (Dead Simple Signing Envelope, secure-systems-lab/dsse).

A signature covers the pre-authentication encoding (PAE) of payload type and payload, so no JSON is parsed
before a signature is checked. Here the envelope is also canonical: one byte string for one set of signatures.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from golden.digests import canonical_json
from golden.errors import NotCanonicalError, UnknownFormatError
from golden.regions import Closed

PAYLOAD_TYPE = "application/vnd.hallmark.manifest+json"


class _Signature(Closed):
    keyid: str
    sig: str


class _Envelope(Closed):
    payloadType: Literal["application/vnd.hallmark.manifest+json"]  # noqa: N815 (DSSE's name)
    payload: str
    signatures: tuple[_Signature, ...]


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload and its signatures: key id (see `golden.keys`) -> 64 bytes of Ed25519."""

    payload: bytes
    signatures: dict[str, bytes]


def pae(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Return the bytes that are signed: `DSSEv1 LEN(type) type LEN(payload) payload`."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def encode(envelope: Envelope) -> bytes:
    """Return the canonical JSON of the envelope, signatures sorted by key id."""
    signatures = sorted(envelope.signatures.items())
    return canonical_json(
        {
            "payloadType": PAYLOAD_TYPE,
            "payload": base64.b64encode(envelope.payload).decode("ascii"),
            "signatures": [{"keyid": k, "sig": base64.b64encode(s).decode("ascii")} for k, s in signatures],
        }
    )


def decode(data: bytes, source: str) -> Envelope:
    """Return the envelope that `encode` made these bytes of.

    Raises:
        UnknownFormatError: not an envelope around a manifest of ours.
        NotCanonicalError: an envelope, but not in the bytes that `encode` writes.
    """
    parse_canonical(data, source)
    try:
        parsed = _Envelope.model_validate_json(data, strict=True)
        envelope = Envelope(
            payload=base64.b64decode(parsed.payload, validate=True),
            signatures={s.keyid: base64.b64decode(s.sig, validate=True) for s in parsed.signatures},
        )
    except ValueError as error:  # not JSON of this form, not base64, or base64 of other than ASCII
        raise UnknownFormatError(f"{source} is not a seal that this release knows: {first(error)}") from error
    if encode(envelope) != data:
        raise NotCanonicalError(f"{source}: not the bytes of a seal (altered, or a signature twice)")
    return envelope


def parse_canonical(data: bytes, source: str) -> Any:  # noqa: ANN401 (any JSON value)
    """Return the JSON value of canonical JSON bytes; refuse every other way to write it.

    Raises:
        NotCanonicalError: not JSON, or other bytes than `canonical_json` writes (double keys included).
    """
    try:
        value: Any = json.loads(data)
        canonical = canonical_json(value) == data
    except (ValueError, RecursionError) as error:
        raise NotCanonicalError(f"{source} is damaged: {error}") from error
    if not canonical:
        raise NotCanonicalError(f"{source}: not canonical JSON (altered, or edited by hand)")
    return value


def first(error: ValueError) -> str:
    """Return a short account of what did not fit."""
    if not isinstance(error, ValidationError):
        return str(error)
    problem = error.errors(include_url=False, include_input=False)[0]
    where, message = ".".join(map(str, problem["loc"])), problem["msg"]
    if problem["type"] == "value_error":  # a sentence of ours, which names what it is about
        message = message.removeprefix("Value error, ")
        return f"{where}: {message}" if where else message
    return f"{where or 'document'}: {message}"
