"""The metrology twin: flat targets and parts of exact shape, seen through an exact lens by a noisy sensor.

`render(scene, camera, sensor, rng)` gives the frame, `expose(...)` its light before noise. Outlines are
integrated, not sampled, so an edge lies within 0.001 px of where `Camera.project` puts it. Lengths are mm;
pixel centres at integers, x right, y down. Shares no code with the rooms that measure what it renders.
"""

from __future__ import annotations

from datasets.twin.metrology.boards import charuco, chessboard, dots
from datasets.twin.metrology.camera import Camera
from datasets.twin.metrology.parts import bevelled, bolt_circle, burr, hole_grid, thread_profile
from datasets.twin.metrology.render import dark_frame, expose, flat_frame, render
from datasets.twin.metrology.scene import Board, Light, Scene
from datasets.twin.metrology.sensor import Coma, Sensor
from datasets.twin.metrology.shapes import (
    Cells,
    Disk,
    Disks,
    Ellipse,
    Polygon,
    RoundedRectangle,
    Sector,
    Shape,
    Slot,
)

__all__ = [
    "Board",
    "Camera",
    "Cells",
    "Coma",
    "Disk",
    "Disks",
    "Ellipse",
    "Light",
    "Polygon",
    "RoundedRectangle",
    "Scene",
    "Sector",
    "Sensor",
    "Shape",
    "Slot",
    "bevelled",
    "bolt_circle",
    "burr",
    "charuco",
    "chessboard",
    "dark_frame",
    "dots",
    "expose",
    "flat_frame",
    "hole_grid",
    "render",
    "thread_profile",
]
