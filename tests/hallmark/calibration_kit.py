"""What an engineer has on the bench: the twin's pictures of a target, flats, darks and a check standard.

Truth is the twin's camera, which shares no code with what calibrates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from datasets.twin.metrology import Camera, Disk, Scene, Sensor, charuco, dark_frame, flat_frame, render

SIZE = 480, 360
LENS = Camera(*SIZE, 700.0, 704.0, 242.0, 177.0, k1=-0.12, k2=0.04)
SENSOR = Sensor(psf_sigma_px=0.8, vignetting=0.2)
BOARD = charuco(8, 6, 5.0, 3.75, cv2.aruco.DICT_5X5_100)
IN_PLANE = LENS.aimed(BOARD.centre_mm, 58.0, tilt_deg=(1.5, -1.0), roll_deg=3.0)
POSES = (
    ((0, 0), 0), ((28, 0), 5), ((-28, 0), 180), ((0, 28), -8), ((0, -28), 90), ((20, 20), 45),
    ((-20, 18), 130),
)  # fmt: skip
FOREIGN = Camera(*SIZE, 1000.0, 1000.0, 225.0, 190.0, k1=0.1)
EXPOSURES = (500, 1000, 2000, 3500, 5000, 7000)  # us; 10,000 fill the well
RING = """\
serial: PLATE-3
certificate: DKD-K-9 2026-02
every_hours: 8
baseline: 2
sizes:
  - id: disk
    value_mm: 8.0
    u_mm: 0.0003
    edges: 2
    repeatability_mm: 0.0008
    feature: {type: circle_diameter, circle: {center_px: [160, 175], radius_px: 48, inside: dark}}
  - id: pitch
    value_mm: 14.0
    u_mm: 0.0003
    repeatability_mm: 0.0008
    feature:
      type: centre_distance
      a: {center_px: [160, 175], radius_px: 48, inside: dark}
      b: {center_px: [330, 175], radius_px: 30, inside: dark}
"""


@dataclass(frozen=True)
class Kit:
    """Paths of everything."""

    home: Path

    @property
    def pictures(self) -> Path:
        """The folder as `calibrate all` wants it."""
        return self.home / "pictures"

    @property
    def target(self) -> Path:
        """The target's definition, written by the command."""
        return self.home / "target.yaml"


def open_kit(home: Path) -> Kit:
    """Take all pictures."""
    kit, rng = Kit(home), np.random.default_rng(11)
    for number, (tilt, roll) in enumerate(POSES):
        camera = LENS.aimed(BOARD.centre_mm, 58.0, tilt_deg=tilt, roll_deg=roll)
        write(kit.pictures / "lens" / f"{number}.png", render(BOARD, camera, SENSOR, rng))
    write(kit.pictures / "plane" / "plane.png", render(BOARD, IN_PLANE, SENSOR, rng))
    for number in range(3):
        write(kit.pictures / "flat" / f"{number}.png", flat_frame(SENSOR, SIZE, 0.6, rng))
        write(kit.pictures / "dark" / f"{number}.png", dark_frame(SENSOR, SIZE, rng))
    for exposure in EXPOSURES:
        for which in "12":
            frame = flat_frame(SENSOR, SIZE, exposure / 10_000, rng)
            write(kit.pictures / "noise" / f"{exposure:05d}us-{which}.png", frame)
    for number in range(4):  # the target only pushed about
        camera = IN_PLANE.aimed((18.0 + number, 12.0 - number), 60.0, roll_deg=20.0 * number)
        write(home / "parallel" / f"{number}.png", render(BOARD, camera, SENSOR, rng))
    camera = FOREIGN.aimed(BOARD.centre_mm, 80.0, tilt_deg=(-20, 18), roll_deg=30)
    write(home / "foreign" / "foreign.png", render(BOARD, camera, SENSOR, rng))
    for name, scale in (("good", 1.0), ("drifted", 1.001)):
        for number in range(2):
            write(home / name / f"{number}.png", standard(scale, number, rng))
    (home / "ring.yaml").write_text(RING)
    return kit


def standard(scale: float, number: int, rng: np.random.Generator) -> Any:
    """Return a picture of the check standard, re-placed, by a camera whose scale is off by a factor."""
    camera = replace(IN_PLANE, fx=LENS.fx * scale, fy=LENS.fy * scale)
    (x, y), (dx, dy) = BOARD.centre_mm, ((0.0, 0.0), (0.31, -0.27))[number]
    disks = Disk(x - 7 + dx, y + dy, 4.0, 0.05), Disk(x + 7 + dx, y + dy, 2.5, 0.05)
    return render(Scene(0.8, disks), camera, SENSOR, rng)


def write(path: Path, codes: Any) -> Path:
    """Save codes as PNG, or as the ending says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), codes)
    return path


def read(path: Path) -> Any:
    """Return a grey picture's codes."""
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
