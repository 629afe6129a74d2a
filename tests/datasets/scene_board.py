"""A small analytic part for tests of the twin: a plate with two holes and a pad, known in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from datasets.scenes import Disk, Scene
from datasets.twin import DEMO_RANGES, CaptureRanges

PLATE, HOLE, PAD = 0.40, 0.05, 0.75
MM_PER_PX = 0.02
HOLES = (Disk((70.35, 81.72), 31.4, HOLE), Disk((232.6, 178.15), 17.85, HOLE))
PADS = (Disk((170.2, 66.4), 22.3, PAD),)
BOARD = Scene(300, 260, PLATE, (*HOLES, *PADS), blur_sigma_px=0.7)


def ranges(base: CaptureRanges = DEMO_RANGES, **values: object) -> CaptureRanges:
    """Ranges without noise, unless asked for."""
    return replace(base, **({"full_well_e": np.inf, "read_noise_e": 0.0} | values))


def even(base: CaptureRanges = DEMO_RANGES, **values: object) -> CaptureRanges:
    """Ranges without noise and with even light."""
    return ranges(base, **({"gradient": 0.0, "exposure": 0.0} | values))


def disk_moments(
    light: np.ndarray, near: Sequence[float], reach: float, ground: float, level: float
) -> tuple[float, tuple[float, float]]:
    """Area and centroid of a disk by its intensity moments in one channel (h, w)."""
    x0, y0 = (round(at - reach) for at in map(float, near))
    x1, y1 = (round(at + reach) + 1 for at in map(float, near))
    part = (light[y0:y1, x0:x1].astype(np.float64) - ground) / (level - ground)
    rows, columns = np.mgrid[y0:y1, x0:x1]
    return part.sum(), ((part * columns).sum() / part.sum(), (part * rows).sum() / part.sum())
