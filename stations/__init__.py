"""Stations on the line: cameras, the line loop, the durable spool, outputs, store and forward.

Start at `run_line`: trigger, sequence, capture, judge, durable record, output, in that order. `run_station`
is the same for a process of its own, from a picklable `StationConfig`.
"""

from stations.camera import Camera, CapturedImage, FolderCamera, TwinCamera, TwinScene, encode_png, timestamp
from stations.errors import (
    AgreementExpiredError,
    CameraFailedError,
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
from stations.line import Line, run_line
from stations.outputs import JsonLinesOutput, Output, RecordingOutput, Signal
from stations.spool import Spool, SpooledUnit, SpoolReader

__all__ = [
    "AgreementExpiredError",
    "Camera",
    "CameraFailedError",
    "CapturedImage",
    "FolderCamera",
    "Forwarder",
    "FrameLostError",
    "JobError",
    "JsonLinesOutput",
    "Line",
    "Output",
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
    "StationError",
    "TwinCamera",
    "TwinScene",
    "encode_png",
    "run_line",
    "timestamp",
]
