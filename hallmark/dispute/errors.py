"""The error of this package."""

from __future__ import annotations


class DisputeError(ValueError):
    """The pack is refused, or what was asked of it cannot be; the message says why and what to do."""
