"""A bare board of traces and pads in closed form, its golden sample, and units with edits of known size.

Copper is black on white at 48 px/mm; every edit is a rectangle of pixels, so its sizes are known exactly.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from evidence import Frame, sha256
from golden.sample import GoldenSample
from golden.spec import GoldenSpec

U8 = npt.NDArray[np.uint8]

WIDTH, HEIGHT = 400, 360
MM_PER_PX = 1 / 48
ISSUED = datetime(2026, 1, 5, 8, tzinfo=UTC)
COPPER, GROUND = 0, 255
OPEN = (150, 60, 12, 14)
"""x, y, width, height: ground across the first trace, whose edges lie 1 px inside."""
ROWS = (60, 108, 156, 204, 252)
"""First rows of the traces, 14 px high, about from column 40 to 360; pads end them. Below lies a plane."""
MARGIN = 24


@functools.cache
def golden() -> U8:
    """Return the golden picture, (HEIGHT, WIDTH) uint8."""
    picture = np.full((HEIGHT, WIDTH), GROUND, np.uint8)
    for k, y in enumerate(ROWS):
        picture[y : y + 14, 40 + 4 * k : 360 - 6 * k] = COPPER
        cv2.circle(picture, (40 + 4 * k, y + 7), 15, COPPER, -1)
        cv2.rectangle(picture, (350 - 6 * k, y - 6), (372 - 6 * k, y + 20), COPPER, -1)
    picture[290:330, 40:360] = COPPER
    return picture


def edited(*edits: tuple[int, int, int, int, int], of: U8 | None = None) -> U8:
    """Return the board with rectangles x, y, width, height painted with a code."""
    picture = (golden() if of is None else of).copy()
    for x, y, w, h, code in edits:
        picture[y : y + h, x : x + w] = code
    return picture


def shifted(picture: U8, dx: int, dy: int) -> U8:
    """Return a picture moved by whole pixels, the ground beyond it."""
    out = np.full_like(picture, GROUND)
    out[max(dy, 0) : HEIGHT + min(dy, 0), max(dx, 0) : WIDTH + min(dx, 0)] = picture[
        max(-dy, 0) : HEIGHT - max(dy, 0), max(-dx, 0) : WIDTH - max(dx, 0)
    ]
    return out


def frame(picture: U8, captured_at: str | None = None) -> Frame:
    """Return a frame of three equal channels."""
    rgb = np.repeat(picture[..., None], 3, axis=2)
    return Frame(pixels=rgb, data=png(picture), view="top", camera="scanner", captured_at=captured_at)


def png(picture: U8) -> bytes:
    """Return the PNG file of a grey picture."""
    return cv2.imencode(".png", picture)[1].tobytes()


def fields(**view: Any) -> dict[str, Any]:
    """Return the JSON fields of the board's specification; `view` changes those of its view."""
    viewing = {"distance_mm": 300, "time_s": 10, "illuminance_lx": 1000}
    region = {
        "type": "rectangle", "x": MARGIN, "y": MARGIN, "width": WIDTH - 2 * MARGIN,
        "height": HEIGHT - 2 * MARGIN,
    }  # fmt: skip
    return {
        "schema": "hallmark.golden/1",
        "part": {"number": "A1", "revision": "A", "name": "Bare board"},
        "parties": [
            {"name": "Shenzhen Boards", "role": "supplier"},
            {"name": "Nordic Instruments", "role": "buyer"},
        ],
        "views": [
            {"id": "top", "image": "images/top.png", "width_px": WIDTH, "height_px": HEIGHT,
             "mm_per_px": MM_PER_PX, "artwork": {"shade": "dark"}, **view},
        ],
        "characteristics": [
            {"kind": "surface", "number": 1, "id": "copper-side", "name": "Copper side", "severity": "major",
             "zones": ["board"]},
        ],
        "zones": [
            {"id": "board", "name": "Board", "view": "top", "viewing": viewing, "region": region},
        ],
        "catalogue": {
            "smallest_mm": 0.05,
            "rejects": ["critical", "major"],
            "rules": [
                {"id": "open", "defect_class": "open", "severity": "critical"},
                {"id": "short", "defect_class": "short", "severity": "critical"},
                {"id": "nick", "defect_class": "mousebite", "to_mm": 0.25, "severity": "allowed"},
                {"id": "bite", "defect_class": "mousebite", "from_mm": 0.25, "severity": "major"},
                {"id": "whisker", "defect_class": "spur", "to_mm": 0.25, "severity": "minor"},
                {"id": "spur", "defect_class": "spur", "from_mm": 0.25, "severity": "major"},
                {"id": "island", "defect_class": "copper", "severity": "major"},
                {"id": "hole", "defect_class": "pin-hole", "severity": "major"},
            ],
        },
        "plans": {},
    }  # fmt: skip


def sample(
    spec: Mapping[str, Any] | None = None, picture: U8 | None = None, expires: datetime | None = None
) -> GoldenSample:
    """Return an opened golden sample, as if its seal had been verified."""
    return GoldenSample(
        spec=GoldenSpec.model_validate(fields() if spec is None else spec), digest=sha256(b"artwork"),
        version=1, issued=ISSUED, expires=expires, predecessor=None,
        images={"images/top.png": png(golden() if picture is None else picture)}, signatures=(),
    )  # fmt: skip
