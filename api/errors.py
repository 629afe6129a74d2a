"""The errors of this room.

ApiError                       what the front door reports as one sentence
├── StoreBusyError                  another server has this data folder open
├── StoreUnreadableError            the folder, database or URL cannot be opened
├── FrameMissingError               the frame store has no frame of that digest
├── FrameDamagedError               stored bytes no longer match their digest
├── JournalBrokenError              the journal's last line does not hold: nothing may be built on it
├── SequenceTakenError              a station's sequence number already holds a different record
├── GoldenConflictError             another golden sample of that part has this or a newer version
└── KeyUnknownError                 no API key of that id

Over HTTP each becomes a problem of `api.problems`; nothing else reaches a client.
"""

from __future__ import annotations


class ApiError(ValueError):
    """Base of this room's errors; the message says what was wrong, where, and what to do."""


class StoreBusyError(ApiError):
    """Another server process has this data folder open."""


class StoreUnreadableError(ApiError):
    """The folder, database or URL cannot be opened."""


class FrameMissingError(ApiError):
    """The frame store has no frame of that digest."""


class FrameDamagedError(ApiError):
    """Stored bytes no longer match their digest."""


class JournalBrokenError(ApiError):
    """The journal's last line does not hold, so nothing may be built on it."""


class SequenceTakenError(ApiError):
    """A station's sequence number already holds a different record."""


class GoldenConflictError(ApiError):
    """Another golden sample of that part has this or a newer version."""


class KeyUnknownError(ApiError):
    """No API key of that id."""
