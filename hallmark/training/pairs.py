"""Training pairs of one golden sample: drawn units through the twin's camera and the station's own aligner.

The negatives that a classifier must learn are what alignment leaves over on good units, so they come from the
aligner itself. No picture of a real defect is read.
"""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.drawn import KINDS, Drawn, DrawnUnits
from datasets.drawn.variation import smooth_field
from datasets.light import to_linear
from datasets.twin import CaptureRanges, Twin, TwinFrame
from evidence import Frame
from vision import Inspector

TRAINING_RANGES: Final = CaptureRanges(
    angle_deg=2.0, shift_fraction=0.02, scale_jitter=0.002, tilt=0.0003, exposure=0.08, gradient=0.10,
    blur_sigma_px=(0.5, 1.1), full_well_e=20_000.0, read_noise_e=12.0, colour_drift=0.02,
)  # fmt: skip
"""The demo's station, its optics and lamp a little less constant."""

_GOOD_SHARE: Final = 0.12  # of units without any defect
_SAME_UNIT_SHARE: Final = 0.15  # of units that differ from the golden sample by their defects alone
_DEFECTS: Final = (12, 28)


@dataclass(frozen=True, eq=False)
class Pair:
    """One unit: (h, w, 3) uint8 as the station aligned it, (h, w) uint8 labels in the golden view."""

    unit: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def training_pair(
    units: DrawnUnits, inspector: Inspector, view: str, mm_per_px: float, seed: Sequence[int]
) -> Pair | None:
    """Return the pair that a seed draws, or None where the station did not find the unit."""
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(list(seed))))
    count = 0 if rng.uniform() < _GOOD_SHARE else int(rng.integers(*_DEFECTS))
    kinds = [KINDS[i] for i in rng.permutation(np.arange(count) % len(KINDS))]
    drawn = units.draw(rng, kinds, varied=bool(rng.uniform() > _SAME_UNIT_SHARE))
    shot = captured(rng, drawn, mm_per_px, bent=True)
    unit = inspector.rectified(frame_of(shot, view))
    return None if unit is None else Pair(unit, drawn.labels)


def captured(rng: np.random.Generator, drawn: Drawn, mm_per_px: float, *, bent: bool) -> TwinFrame:
    """Return the twin's capture of a drawn unit, its artwork displaced smoothly if `bent`."""
    codes = _bent(rng, drawn.pixels) if bent else drawn.pixels
    twin = Twin(to_linear(codes), mm_per_px, TRAINING_RANGES)
    return twin.capture(int(rng.integers(2**31)))


def frame_of(shot: TwinFrame, view: str) -> Frame:
    """Return a capture as the frame of a view."""
    return Frame(pixels=shot.pixels, data=b"", view=view, camera="twin", captured_at=None)


def _bent(rng: np.random.Generator, codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Displace the artwork as a film that shrank or slipped does, and a little at random."""
    h, w = codes.shape[:2]
    amplitude = float(rng.choice([0.0, rng.uniform(0, 10)]))
    wave = float(rng.uniform(900, 2500))
    uneven = float(rng.uniform(0, 0.7))
    shift = [
        np.float32(amplitude) * smooth_field(rng, (h, w), wave)
        + np.float32(uneven) * smooth_field(rng, (h, w), float(rng.uniform(150, 500)))
        for _ in range(2)
    ]
    x = np.arange(w, dtype=np.float32)[None, :] + shift[0]
    y = np.arange(h, dtype=np.float32)[:, None] + shift[1]
    moved = cv2.remap(codes, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)
