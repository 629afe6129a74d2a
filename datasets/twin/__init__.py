"""The twin: a simulated line that re-captures a golden image as a camera would, with exact truth.

`Twin(golden_rgb, mm_per_px).capture(seed, changes)` returns a `TwinFrame`; the same arguments give the same
bytes in each process. It shares no code with the rooms that measure what it renders.
"""

from __future__ import annotations

from datasets.twin.capture import VISIBLE_CODES, Twin, TwinFrame
from datasets.twin.changes import (
    Change,
    ColourShift,
    Discoloration,
    ExcessMaterial,
    HoleDiameter,
    HoleShift,
    MissingMaterial,
    Scratch,
    Stain,
    bar,
    blob,
    rectangle,
)
from datasets.twin.ranges import DEMO_RANGES, WIDE_RANGES, CaptureRanges
from datasets.twin.truth import Box, ChangeTruth, Lighting, Similarity, TwinTruth

__all__ = [
    "DEMO_RANGES",
    "VISIBLE_CODES",
    "WIDE_RANGES",
    "Box",
    "CaptureRanges",
    "Change",
    "ChangeTruth",
    "ColourShift",
    "Discoloration",
    "ExcessMaterial",
    "HoleDiameter",
    "HoleShift",
    "Lighting",
    "MissingMaterial",
    "Scratch",
    "Similarity",
    "Stain",
    "Twin",
    "TwinFrame",
    "TwinTruth",
    "bar",
    "blob",
    "rectangle",
]
