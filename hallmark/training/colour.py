"""Labelled units of continuous tone: aligned to their golden picture and compared with it as stations do.

A unit's pair is in the golden view: the unit resampled into it once, its illumination removed, and its boxes
taken there by the inverse of the same map. Candidates are what the surface comparison reports, divided as a
station divides it: a crop about one is the very crop that an inspection of that frame shows.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Final

import cv2
import numpy as np

from evidence import REASONS, Frame
from golden.digests import sha256
from golden.sample import GoldenSample
from golden.spec import GoldenSpec
from hallmark.errors import TrainingError
from hallmark.training.prepared import PreparedPair
from kernels.compiled import F64, U8
from models.detector.calibration import NOT_TOLD
from vision.colour_naming import places
from vision.compiled_view import CompiledView, registered
from vision.mapping import QuadraticMap
from vision.register import NotRegistered
from vision.surface import Aligned

_VIEW: Final = "labelled"
_LEAST_PX: Final = 3  # extent of a candidate; a data set states no scale, so one pixel is one millimetre
_MOST: Final = 64  # deviations of a unit, the largest
_STEPS: Final = 8  # of Newton's method, from the pose's inverse; maps bend by parts of a pixel


def colour_pair(golden: U8, unit: U8, boxes: tuple[tuple[int, int, int, int, int], ...]) -> PreparedPair:
    """Return a unit's prepared pair.

    Args:
        golden: (h, w, 3) uint8 RGB.
        unit: (h, w, 3) uint8 RGB of the same size.
        boxes: x1 y1 x2 y2 class in pixels of the unit, x2 and y2 exclusive.

    Raises:
        TrainingError: the unit is not found, or its light cannot be compared with the golden picture's.
    """
    sample, view = _compiled(golden.shape[0], golden.shape[1], golden.tobytes())
    frame = Frame(pixels=unit, data=b"", view=_VIEW, camera=_VIEW, captured_at=None)
    found = registered(sample, view, frame, unit)
    if isinstance(found, NotRegistered):
        raise TrainingError(f"does not show the golden picture's part: {REASONS[found.reason].meaning}")
    aligned = view.surface.align(unit, found.mapping)
    if not aligned.comparable:
        raise TrainingError("its light differs too much from the golden picture's")
    deviations = view.surface.deviations(aligned, found.mapping, _LEAST_PX)[:_MOST]
    candidates = [(*place.box, NOT_TOLD) for place in places(view.surface, deviations)]
    moved = [(*_moved(aligned, found.mapping, box, golden.shape), box[4]) for box in boxes]
    return PreparedPair(
        golden=golden,
        unit=view.surface.whole(unit, aligned, found.mapping),
        boxes=np.array([b for b in moved if b[0] < b[2] and b[1] < b[3]], np.int32).reshape(-1, 5),
        candidates=np.array(candidates, np.int32).reshape(-1, 5),
    )


@functools.lru_cache(maxsize=2)
def _compiled(height: int, width: int, codes: bytes) -> tuple[GoldenSample, CompiledView]:
    """Return a golden picture as a golden sample of one view that is one zone, compiled."""
    pixels = np.frombuffer(codes, np.uint8).reshape(height, width, 3)
    _, encoded = cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))
    whole = {"type": "rectangle", "x": 0, "y": 0, "width": width, "height": height}
    viewing = {"distance_mm": 300, "time_s": 10, "illuminance_lx": 1000}
    spec = GoldenSpec.model_validate({
        "schema": "hallmark.golden/1", "part": {"number": _VIEW, "revision": "0", "name": _VIEW},
        "parties": [{"name": "none", "role": "supplier"}, {"name": "nobody", "role": "buyer"}],
        "views": [{"id": _VIEW, "image": "images/golden.png", "width_px": width, "height_px": height,
                   "mm_per_px": 1.0}],
        "characteristics": [{"kind": "surface", "number": 1, "id": "surface", "name": "Surface",
                             "severity": "major", "zones": ["all"]}],
        "zones": [{"id": "all", "name": "All", "view": _VIEW, "viewing": viewing, "region": whole}],
        "catalogue": {"smallest_mm": _LEAST_PX,
                      "rules": [{"id": "any", "defect_class": "any", "severity": "major"}]},
        "plans": {},
    })  # fmt: skip
    sample = GoldenSample(
        spec=spec, digest=sha256(codes), version=1, issued=datetime(2026, 1, 1, tzinfo=UTC), expires=None,
        predecessor=None, images={"images/golden.png": encoded.tobytes()}, signatures=(),
    )  # fmt: skip
    return sample, CompiledView(sample, spec.view(_VIEW), None, None, None, None)


def _moved(
    aligned: Aligned, mapping: QuadraticMap, box: tuple[int, int, int, int, int], shape: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """Return the box about a box of the unit in the golden view."""
    x1, y1, x2, y2 = (v - 0.5 for v in box[:4])  # outer edges; pixel centres are at integers
    corners = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], np.float64)
    points = _golden_points(aligned, mapping, corners) + 0.5
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    h, w = shape[:2]
    return max(round(left), 0), max(round(top), 0), min(round(right), w), min(round(bottom), h)


def _golden_points(aligned: Aligned, mapping: QuadraticMap, frame: F64) -> F64:
    """Return the golden points that are seen at these points of the frame."""
    golden = frame.copy()
    for _ in range(_STEPS):
        off = frame - aligned.frame_points(mapping, golden)
        golden = golden + np.linalg.solve(mapping.jacobians(golden), off[..., None])[..., 0]
    return golden
