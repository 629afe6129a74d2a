"""What can go wrong at a station.

StationError(ValueError)
+-- CameraFailedError         the camera delivered no frame: the unit is HOLD `camera_failed`
+-- JobError                  what the station was told to do does not fit: a job, a view, a folder
+-- ModelRegistryError        the registry of models cannot be read, or does not allow what is asked
+-- SpoolError                the spool cannot be read or written
    +-- SpoolFullError        the disk is full: the line stops, the unit's output stays at hold
    +-- SpoolInUseError       another process holds this spool
    +-- SpoolForeignError     not a spool, of another format, or of another station
    +-- SpoolConflictError    a record or state that does not follow from what the spool holds
    +-- FrameLostError        a stored frame is absent or altered
        +-- FrameDroppedError it was dropped, by policy, after the server had acknowledged it
"""

from __future__ import annotations


class StationError(ValueError):
    """Base of every error of a station."""


class CameraFailedError(StationError):
    """The camera delivered no frame."""


class JobError(StationError):
    """What the station was told to do does not fit together."""


class ModelRegistryError(StationError):
    """The registry of models cannot be read, or does not allow what is asked."""


class SpoolError(StationError):
    """The spool cannot be read or written."""


class SpoolFullError(SpoolError):
    """The disk is full."""


class SpoolInUseError(SpoolError):
    """Another process holds this spool."""


class SpoolForeignError(SpoolError):
    """Not a spool, of another format, or of another station."""


class SpoolConflictError(SpoolError):
    """A record or state that does not follow from what the spool holds."""


class FrameLostError(SpoolError):
    """A stored frame is absent or altered."""


class FrameDroppedError(FrameLostError):
    """A stored frame was dropped, by policy, after the server had acknowledged it."""
