"""The error of this package."""

from __future__ import annotations


class ExportError(ValueError):
    """What was given cannot be written so; the message says what, where and what to do."""
