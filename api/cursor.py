"""Opaque cursors: where a list goes on. A cursor belongs to the list and the filters that made it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, cast

from api.problems import Problem
from golden.digests import canonical_json, sha256


def encode(position: int, listing: Mapping[str, Any]) -> str:
    """Return the cursor behind a journal sequence of a list with these filters."""
    return base64.urlsafe_b64encode(canonical_json([position, _mark(listing)])).decode().rstrip("=")


def decode(cursor: str | None, listing: Mapping[str, Any]) -> int | None:
    """Return the journal sequence that a cursor stands behind; raise Problem if it is of another list."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position, mark = cast("tuple[object, object]", json.loads(raw))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise Problem("cursor", "the cursor cannot be read; start again without one") from error
    if mark != _mark(listing) or not isinstance(position, int) or not 0 <= position < 2**63:
        raise Problem("cursor", "the cursor was made by another list or other filters; start again without")
    return position


def _mark(listing: Mapping[str, Any]) -> str:
    return sha256(canonical_json(dict(listing)))[7:23]
