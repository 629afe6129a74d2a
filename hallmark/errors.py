"""Errors of the packages of this room that a command makes a sentence and exit code 2 of; light to import."""

from __future__ import annotations


class ExportError(ValueError):
    """What was given cannot be written so; the message says what, where and what to do."""


class DisputeError(ValueError):
    """A dispute pack is refused, or what was asked of it cannot be; the message says why and what to do."""


class ReadingFileError(ValueError):
    """A file of instruments' readings cannot be used; the message says why and what to do."""


class TrainingError(ValueError):
    """A detector cannot be trained so; the message says why and what to do."""


class FitError(RuntimeError):
    """The fit of a detector ended without a release; `code` is its exit code, the message its last words."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
