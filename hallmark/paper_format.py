"""The formats of papers; apart from `hallmark.report`, so that a command loads nothing for them."""

from __future__ import annotations

from enum import StrEnum


class PaperFormat(StrEnum):
    """A format of papers."""

    HTML = "html"
    PDF = "pdf"
