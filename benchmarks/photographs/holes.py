"""Mounting holes of two scanned boards: diameters and pitches with their uncertainty.

The holes were drilled by hand with 3.0 mm; nothing else is known of them, so there is an uncertainty but no
error to report. A drilled edge is a slope: the level of light that is taken for the edge moves a diameter by
some hundredths of a millimetre, and that dominates. The scanner's scale is nominal: the two scans differ by
+0.7 % and -0.2 %, so U is given at the nominal scale, which is what scans of one scanner compare by, and with
the scale's own uncertainty.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import cv2
import numpy as np
from scipy.ndimage import map_coordinates

from benchmarks.photographs.view import Length, diameter, distance, light_of, tile
from calibration import EdgeDefinition
from calibration.plane_map import ScaleMap
from datasets import pcb_s4
from vision.edges import Associated, NotMeasured
from vision.edges.find import find_circles
from vision.edges.rim import fit_rim

LEAST_PX, GREATEST_PX = 62.0, 80.0  # radii of a 3.0 mm hole, with room
REACH_PX = 25.0
DARK = 0.1  # light within a hole
LEVELS = (0.2, 0.8)  # of the rise from the hole to its rim: an edge may be taken anywhere between
LOCAL_MM = 0.010  # by which one hole's edge is shifted to one side by burr and bevel
U_SCALE = 0.007 / math.sqrt(3)
CORNERS = {(False, False): "top left", (True, False): "top right", (False, True): "bottom left",
           (True, True): "bottom right"}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Hole:
    """One mounting hole: its name and edge, and how far (mm of radius) the two levels lie apart."""

    name: str
    circle: Associated
    width_mm: float


@dataclass(frozen=True, slots=True)
class Row:
    """A diameter or a pitch at the nominal scale, and U with the scale's uncertainty."""

    board: str
    what: str
    length: Length
    expanded_with_scale: float


def find(rgb: Any) -> list[Hole]:
    """Return the mounting holes of a scan."""
    raw = light_of(rgb)
    height, width = raw.shape
    got = raw.window(0, 0, width - 1, height - 1)
    assert got is not None
    light, plane = got[0], ScaleMap(pcb_s4.MM_PER_PX)
    holes: list[Hole] = []
    for rough in find_circles(light, least_px=LEAST_PX, greatest_px=GREATEST_PX):
        x, y, r = round(rough.x), round(rough.y), round(0.6 * rough.radius)
        if float(np.median(light[y - r : y + r, x - r : x + r])) > DARK:
            continue
        circle = fit_rim(raw, plane, (rough.x, rough.y), rough.radius, reach_px=REACH_PX, ring="clearest")
        if not isinstance(circle, NotMeasured):
            name = CORNERS[rough.x > width / 2, rough.y > height / 2]
            holes.append(Hole(name, circle, _width(light, circle)))
    return sorted(holes, key=lambda hole: hole.name)


def _width(light: Any, circle: Associated) -> float:
    """Return how far apart the levels are crossed on the median profile across the edge, mm."""
    x, y, r = circle.parameters / pcb_s4.MM_PER_PX
    angles = np.radians(np.arange(0, 360, 2.0))
    radii = np.arange(r - 10, r + 8, 0.1)
    c, s = np.cos(angles)[:, None], np.sin(angles)[:, None]
    profile = np.median(map_coordinates(light, (y + s * radii, x + c * radii), order=1), axis=0)
    low, high = float(profile[:40].mean()), float(profile[100:].max())
    at = [radii[int(np.argmax(profile > low + level * (high - low)))] for level in LEVELS]
    return float(at[1] - at[0]) * pcb_s4.MM_PER_PX


def run() -> tuple[dict[str, Any], list[Any]]:
    """Measure both boards; return the results and the tiles of a contact sheet."""
    scans = {"good": pcb_s4.good_scan(), "faulty": pcb_s4.faulty_scan()}
    pictures = {
        board: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        for board, data in scans.items()
    }
    holes = {board: find(rgb) for board, rgb in pictures.items()}
    width = float(np.mean([hole.width_mm for some in holes.values() for hole in some]))
    edge = EdgeDefinition(correction_mm=0.0, common_mm=width / 2 / math.sqrt(3), local_mm=LOCAL_MM)
    nominal = ScaleMap(pcb_s4.MM_PER_PX)
    scaled = ScaleMap(pcb_s4.MM_PER_PX, U_SCALE)
    rows: list[Row] = []
    tiles: list[Any] = []
    for board, some in holes.items():
        for hole in some:
            length = diameter(hole.circle, nominal, edge)
            wide = diameter(hole.circle, scaled, edge).expanded
            rows.append(Row(board, f"diameter {hole.name}", length, wide))
            label = f"{board} {length.value:.3f} U {length.expanded:.3f}"
            radius = float(hole.circle.parameters[2]) / pcb_s4.MM_PER_PX
            tiles.append(tile(pictures[board], hole.circle, radius, label))
        for a, b in combinations(some, 2):
            length = distance(a.circle, b.circle, nominal, edge)
            wide = distance(a.circle, b.circle, scaled, edge).expanded
            rows.append(Row(board, f"pitch {a.name} - {b.name}", length, wide))
    return {
        "holes": {board: len(some) for board, some in holes.items()},
        "edge_width_mm": width,
        "edge_definition_mm": edge.model_dump(),
        "rows": [asdict(row) for row in rows],
        "greatest_U_mm": {
            what: max(row.length.expanded for row in rows if row.what.startswith(what))
            for what in ("diameter", "pitch")
        },
    }, tiles
