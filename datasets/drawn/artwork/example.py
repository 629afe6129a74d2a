"""`python -m datasets.drawn.artwork.example FOLDER`: a drawn bare board to try inspection of artwork on.

Writes `golden.yaml` with its picture, good units and faulty ones. No picture of a real board is copied.
"""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.drawn.artwork import draw
from datasets.drawn.artwork.acquisition import good_unit

_SIDE: Final = 400
_SPEC: Final = """\
part: {number: BARE-1, revision: A, name: Drawn bare board}
parties:
  - {name: Shenzhen Boards, role: supplier}
  - {name: Nordic Instruments, role: buyer}
views:
  - id: top
    image: images/top.png
    width_px: 400
    height_px: 400
    mm_per_px: 0.020833       # 48 px/mm, what the released detector learned from
    artwork: {shade: dark}    # copper is dark on a bright ground
zones:
  - id: board
    name: Copper side
    view: top
    region: {type: rectangle, x: 24, y: 24, width: 352, height: 352}
    viewing: {distance_mm: 300, time_s: 10, illuminance_lx: 1000}
characteristics:
  - {kind: surface, number: 1, id: copper-side, name: Copper side, severity: major, zones: [board]}
catalogue:
  smallest_mm: 0.06
  rejects: [critical, major]
  rules:
    - {id: open, defect_class: open, severity: critical}
    - {id: short, defect_class: short, severity: critical}
    - {id: nick, defect_class: mousebite, to_mm: 0.15, severity: minor, description: Of no effect on current}
    - {id: bite, defect_class: mousebite, from_mm: 0.15, severity: major}
    - {id: whisker, defect_class: spur, to_mm: 0.15, severity: minor}
    - {id: spur, defect_class: spur, from_mm: 0.15, severity: major}
    - {id: island, defect_class: copper, severity: major}
    - {id: hole, defect_class: pin-hole, severity: major}
  counts:
    - {id: three, weighed: [minor], at_least: 3, severity: major}
plans: {}
"""


def template() -> NDArray[np.uint8]:
    """Return the golden picture, (400, 400) uint8, copper black: eight bent traces between pads."""
    picture = np.full((_SIDE, _SIDE), 255, np.uint8)
    for k in range(8):
        y, bend = 34 + 42 * k, 120 + 37 * k % 160
        path = np.array([[44, y], [bend, y], [bend + 16, y + 16], [356, y + 16]])
        cv2.polylines(picture, [path], isClosed=False, color=0, thickness=9 + k % 4)
        cv2.circle(picture, (44, y), 13, 0, -1)
        cv2.rectangle(picture, (344, y + 4), (368, y + 28), 0, -1)
    return picture


def write_example(folder: Path, units: int, seed: int) -> None:
    """Write a golden sample's definition and picture, and so many good and faulty units, over old ones."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "golden.yaml").write_text(_SPEC, encoding="utf-8")
    golden = template()
    cv2.imwrite(str(folder / "images" / "top.png"), golden)
    rng = np.random.default_rng(seed)
    for n in range(1, units + 1):
        copper = good_unit(golden < 128, rng)
        cv2.imwrite(str(folder / f"good-{n}.png"), np.where(copper, np.uint8(0), np.uint8(255)))
        cv2.imwrite(str(folder / f"faulty-{n}.png"), draw(golden, rng).tested)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--units", type=int, default=3, help="good ones, and as many faulty ones")
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    write_example(given.folder, given.units, given.seed)
    print(f"{given.folder / 'golden.yaml'}, {given.units} good units and {given.units} faulty ones")
