"""Canonical JSON and digests: one byte string for one meaning.

Canonical here means: UTF-8, keys sorted by code point, no white space, shortest round-trip floats, no NaN or
infinity, no duplicate keys. Two records are equal if and only if their canonical bytes are.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:  # noqa: ANN401 (any JSON value)
    """Return the canonical JSON bytes of a JSON value; raise ValueError on NaN, infinity or other types."""
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")
    except (TypeError, UnicodeEncodeError) as error:
        raise ValueError(f"not a JSON value: {error}") from error


def sha256(data: bytes | memoryview) -> str:
    """Return `sha256:` and the lower-case hexadecimal digest of the bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
