"""The golden sample: what is agreed of the board, made of its golden picture."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from benchmarks.uno.layout import BOARD, HEIGHT, MM_PER_PX, PARTS, PRINTS, WIDTH, Box
from golden.sample import GoldenSample
from golden.spec import GoldenSpec

OFFSET_MM, PRINT_OFFSET_MM = 0.3, 0.3
SMALLEST_MM = 0.5
LINEAR = "linear-mark"


def _rectangle(box: Box) -> dict[str, Any]:
    x, y, width, height = box
    return {"type": "rectangle", "x": x, "y": y, "width": width, "height": height}


def _disk(box: Box) -> dict[str, Any]:
    x, y, width, _ = box
    return {
        "type": "disk",
        "center_px": [x + (width - 1) / 2, y + (width - 1) / 2],
        "radius_px": (width - 1) / 2,
    }


def _characteristics(components: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"kind": "surface", "id": "board", "name": "Board and components", "zones": ["board"]}
    ]
    for name, part in PARTS.items() if components else ():
        found.append({
            "kind": "component", "id": name, "name": name, "view": "top", "upper": OFFSET_MM,
            "region": _disk(part.box) if part.round else _rectangle(part.box), "polarised": part.polarised,
            "part_number": part.number,
        })  # fmt: skip
    for name, (box, character_px) in PRINTS.items():
        found.append({
            "kind": "print", "id": name, "name": name, "view": "top", "upper": PRINT_OFFSET_MM,
            "region": _rectangle(box), "detail_mm": round(character_px * MM_PER_PX, 2),
        })  # fmt: skip
    return [{**c, "number": i, "severity": "major"} for i, c in enumerate(found, start=1)]


def golden_sample(picture: bytes, *, components: bool = True) -> GoldenSample:
    """Return the agreement as if supplier and buyer had sealed it; `picture` is golden.png."""
    spec = GoldenSpec.model_validate({
        "part": {"number": "UNO", "revision": "R3", "name": "Populated board"},
        "parties": [{"name": "Maker", "role": "supplier"}, {"name": "Taker", "role": "buyer"}],
        "views": [{
            "id": "top", "image": "images/top.png", "width_px": WIDTH, "height_px": HEIGHT,
            "mm_per_px": MM_PER_PX,
        }],
        "characteristics": _characteristics(components),
        "zones": [{
            "id": "board", "name": "Board", "view": "top",
            "region": {"type": "polygon", "points_px": BOARD},
            "viewing": {"distance_mm": 400, "time_s": 5, "illuminance_lx": 1000},
        }],
        "catalogue": {
            "smallest_mm": SMALLEST_MM,
            "rules": [
                {"id": LINEAR, "defect_class": "unclassified", "zone": "board", "from_length_mm": 4.0,
                 "to_area_mm2": 5.0, "severity": "major", "description": "long and thin, such as a scratch"},
                {"id": "mark", "defect_class": "unclassified", "zone": "board", "from_mm": 0.5,
                 "severity": "minor", "description": "any other deviation"},
            ],
        },
        "plans": {},
    })  # fmt: skip
    return GoldenSample(
        spec=spec, digest="sha256:" + "0" * 64, version=1, issued=datetime(2026, 1, 1, tzinfo=UTC),
        expires=None, predecessor=None, images={"images/top.png": picture}, signatures=(),
    )  # fmt: skip
