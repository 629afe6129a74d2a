"""The records that travel: frames, inspections, the registry of reasons, canonical JSON.

Start at `Inspection`: one unit, one record. `reasons.REASONS` is the only list of reason codes.
"""

from evidence.colours import ColourResult
from evidence.explained import because, named, together
from evidence.frame import Frame, FrameError
from evidence.inspection import (
    MOST_DEFECTS,
    CharacteristicResult,
    CountResult,
    Defect,
    FrameRecord,
    GoldenReference,
    Inspection,
    LineLimit,
    ModelReference,
    NamedBy,
    Pose,
    SerialSource,
    complete,
    verify_digest,
)
from evidence.light import LightRecord, LightStateRecord
from evidence.presence import CodeResult, PresenceResult
from evidence.readings import colour_reason, entered_colour, misstated
from evidence.reasons import REASONS, Reason
from golden.digests import canonical_json, sha256

__all__ = [
    "MOST_DEFECTS",
    "REASONS",
    "CharacteristicResult",
    "CodeResult",
    "ColourResult",
    "CountResult",
    "Defect",
    "Frame",
    "FrameError",
    "FrameRecord",
    "GoldenReference",
    "Inspection",
    "LightRecord",
    "LightStateRecord",
    "LineLimit",
    "ModelReference",
    "NamedBy",
    "Pose",
    "PresenceResult",
    "Reason",
    "SerialSource",
    "because",
    "canonical_json",
    "colour_reason",
    "complete",
    "entered_colour",
    "misstated",
    "named",
    "sha256",
    "together",
    "verify_digest",
]
