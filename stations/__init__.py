"""Stations on the line: cameras, the line loop, the durable spool, outputs, store and forward.

Start at `run_line`: trigger, sequence, capture, judge, durable record, output, in that order. `run_station`
is the same for a process of its own, from a picklable `StationConfig`.
"""

from stations.camera import (
    Camera,
    CapturedImage,
    FolderCamera,
    TwinCamera,
    TwinScene,
    encode_png,
    pictures,
    timestamp,
)
from stations.checks import CheckWatch
from stations.errors import (
    CameraFailedError,
    FrameDroppedError,
    FrameLostError,
    JobError,
    SpoolConflictError,
    SpoolError,
    SpoolForeignError,
    SpoolFullError,
    SpoolInUseError,
    StationError,
)
from stations.forward import Forwarder
from stations.lights import LampFollower, known_light
from stations.line import Line, run_line
from stations.outputs import JsonLinesOutput, Output, RecordingOutput, Signal
from stations.process import (
    ANY_VIEW,
    ImageJob,
    Outbox,
    Progress,
    Station,
    StationConfig,
    StationSummary,
    TwinJob,
    open_outbox,
    open_station,
    run_station,
)
from stations.spool import Spool, SpooledUnit, SpoolReader

__all__ = [
    "ANY_VIEW",
    "Camera",
    "CameraFailedError",
    "CapturedImage",
    "CheckWatch",
    "FolderCamera",
    "Forwarder",
    "FrameDroppedError",
    "FrameLostError",
    "ImageJob",
    "JobError",
    "JsonLinesOutput",
    "LampFollower",
    "Line",
    "Outbox",
    "Output",
    "Progress",
    "RecordingOutput",
    "Signal",
    "Spool",
    "SpoolConflictError",
    "SpoolError",
    "SpoolForeignError",
    "SpoolFullError",
    "SpoolInUseError",
    "SpoolReader",
    "SpooledUnit",
    "Station",
    "StationConfig",
    "StationError",
    "StationSummary",
    "TwinCamera",
    "TwinJob",
    "TwinScene",
    "encode_png",
    "known_light",
    "open_outbox",
    "open_station",
    "pictures",
    "run_line",
    "run_station",
    "timestamp",
]
