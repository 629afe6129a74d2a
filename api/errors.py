"""The errors of this room.

ApiError                       what the front door reports as one sentence
├── StoreBusy                  another server has this data folder open
├── StoreUnreadable            the folder, database or URL cannot be opened
├── FrameMissing               the frame store has no frame of that digest
├── FrameDamaged               stored bytes no longer match their digest
├── JournalBroken              the journal's last line does not hold: nothing may be built on it
├── SequenceTaken              a station's sequence number already holds a different record
├── GoldenConflict             another golden sample of that part has this or a newer version
└── KeyUnknown                 no API key of that id

Over HTTP each becomes a problem of `api.problems`; nothing else reaches a client.
"""

from __future__ import annotations


class ApiError(ValueError):
    """Base of this room's errors; the message says what was wrong, where, and what to do."""


class StoreBusy(ApiError):
    """Another server process has this data folder open."""


class StoreUnreadable(ApiError):
    """The folder, database or URL cannot be opened."""


class FrameMissing(ApiError):
    """The frame store has no frame of that digest."""


class FrameDamaged(ApiError):
    """Stored bytes no longer match their digest."""


class JournalBroken(ApiError):
    """The journal's last line does not hold, so nothing may be built on it."""


class SequenceTaken(ApiError):
    """A station's sequence number already holds a different record."""


class GoldenConflict(ApiError):
    """Another golden sample of that part has this or a newer version."""


class KeyUnknown(ApiError):
    """No API key of that id."""
