"""The recorded random draw: which units of a frozen lot are the sample, and why nobody could choose them.

The lot's manifest (its serial numbers) is hashed and recorded before the seed is known. The sample is the
first n serials in the order of SHA-256(manifest digest, seed, serial): every party can repeat it from the
journal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from evidence import canonical_json, sha256
from evidence.inspection import Digest, Name
from golden.regions import Closed
from quality.errors import EvidenceError, SamplingError

PROTOCOL = "hallmark neutral draw 1"
Seed = Annotated[str, Field(pattern=r"^([0-9a-f]{2}){16,64}$")]


class DrawRecord(Closed):
    """The public record of an agreed seed: all that a third party needs to make it again, offline."""

    protocol: Literal["hallmark neutral draw 1"] = PROTOCOL
    lot: Name
    manifest: Digest
    commitments: Annotated[dict[str, Digest], Field(min_length=2, max_length=2)]
    secrets: Annotated[dict[str, Seed], Field(min_length=2, max_length=2)]
    seed: Seed


class Draw(Closed):
    """A draw without replacement; `serials` are in the order drawn."""

    manifest: Digest
    seed: Seed
    serials: tuple[Name, ...]


def manifest_digest(lot: str, serials: Collection[str]) -> str:
    """Return the digest of a lot's manifest; it does not depend on the order of the serials.

    Raises:
        EvidenceError: a serial occurs twice.
    """
    ordered = sorted(serials)
    twice = next((a for a, b in pairwise(ordered) if a == b), None)
    if twice is not None:
        raise EvidenceError(f"lot {lot}: serial {twice!r} occurs twice in the manifest")
    return sha256(canonical_json({"lot": lot, "serials": ordered}))


def draw(lot: str, serials: Collection[str], n: int, seed: str) -> Draw:
    """Draw `n` serials of a lot, all if the lot has no more, without replacement.

    Args:
        lot: the lot's id.
        serials: the manifest, in any order.
        n: sample size, at least 1.
        seed: 32 to 128 lower-case hexadecimal digits, unknown to anybody before the manifest was frozen.

    Raises:
        SamplingError: n is below 1, the manifest is empty, or the seed has another form.
        EvidenceError: a serial occurs twice.
    """
    if n < 1 or not serials:
        raise SamplingError(f"lot {lot}: cannot draw {n} of {len(serials)} units")
    try:
        secret = bytes.fromhex(seed)
    except ValueError:
        secret = b""
    if not 16 <= len(secret) <= 64 or secret.hex() != seed:
        raise SamplingError(
            "the seed must be 32 to 128 lower-case hexadecimal digits (16 to 64 random bytes)"
        )
    manifest = manifest_digest(lot, serials)
    prefix = manifest.encode() + b"\0" + secret + b"\0"
    ordered = sorted(serials, key=lambda serial: hashlib.sha256(prefix + serial.encode()).digest())
    return Draw(manifest=manifest, seed=seed, serials=tuple(ordered[:n]))


def verify_draw(drawn: Draw, lot: str, serials: Sequence[str]) -> bool:
    """Return whether a recorded draw is what its seed gives for this manifest."""
    return bool(drawn.serials) and drawn == draw(lot, serials, len(drawn.serials), drawn.seed)
