"""The plain difference of an aligned pair, typed by rules: what the detector's figures are compared with.

What a difference does to the material decides its type, see `Effect`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.deeppcb.score import IOU, Detection, overlap
from datasets.deeppcb import MARGIN_PX, TYPES, Box

U8 = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Effect = Literal["split", "hole", "edge"]
"""What a loss does to a material: it falls apart, gets a hole of its own, or has its edge moved. Copper that
is added is ground lost: a short splits the ground."""

_THRESHOLD: Final = 128  # copper is darker
_LOST: Final[dict[Effect, str]] = {"split": "open", "hole": "pin-hole", "edge": "mousebite"}
_ADDED: Final[dict[Effect, str]] = {"split": "short", "hole": "copper", "edge": "spur"}
_SPECK: Final = 6  # pixels: fewer are no part of a material
_TOLERANCE: Final = 2  # pixels by which edges may differ: what alignment and exposure leave
_SMALLEST: Final = 10  # pixels of a difference beyond the tolerance that are no noise
_HALF_SURE: Final = 60  # pixels of a difference that is confident by half; only the order matters


@dataclass(frozen=True, slots=True)
class _Region:
    """Pixels that belong together: their tight extent, and their mask in a window MARGIN_PX larger."""

    extent: tuple[int, int, int, int]
    window: tuple[slice, slice]
    mask: Mask


def by_difference(template: U8, tested: U8) -> list[Detection]:
    """Return what the plain difference finds in an aligned pair, (h, w) uint8 each; the larger, the surer.

    A material is lost where the tested picture lacks it further than the tolerance inside the template's.
    """
    before, after = template < _THRESHOLD, tested < _THRESHOLD
    found: list[Detection] = []
    for material, left, names in ((before, after, _LOST), (~before, ~after, _ADDED)):
        for core in _regions(_eroded(material) & ~left):
            size = int(core.mask.sum())
            if size < _SMALLEST:
                continue
            name = names[_effect(material[core.window], left[core.window], core.mask)]
            confidence = size / (size + _HALF_SURE)
            found.append(_detection(core, name, confidence, template.shape, MARGIN_PX + _TOLERANCE))
    return apart(found)


def apart(found: Sequence[Detection]) -> list[Detection]:
    """Return detections by falling confidence, without those that overlap a surer one as a match would."""
    kept: list[Detection] = []
    for detection in sorted(found, key=lambda d: -d.confidence):
        if all(overlap(detection.box, other.box) <= IOU for other in kept):
            kept.append(detection)
    return kept


def _effect(material: Mask, left: Mask, region: Mask) -> Effect:
    """Return what a material's loss does to it, in a window: only pixels about the region are taken away.

    Args:
        material: (h, w) bool, where it was before.
        left: (h, w) bool, where it is after.
        region: (h, w) bool, what was found.
    """
    rest = material & (left | ~_dilated(region))
    if _pieces(rest, 8) > _pieces(material, 8):
        return "split"
    return "hole" if _pieces(~rest, 4) > _pieces(~material, 4) else "edge"


def _pieces(mask: Mask, connectivity: int) -> int:
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=connectivity)
    return int((stats[1:count, cv2.CC_STAT_AREA] >= _SPECK).sum())


def _regions(mask: Mask) -> Iterator[_Region]:
    h, w = mask.shape
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    for n in range(1, count):
        x, y, width, height = map(int, stats[n, :4])
        extent = x, y, x + width, y + height
        window = (
            slice(max(y - MARGIN_PX, 0), min(y + height + MARGIN_PX, h)),
            slice(max(x - MARGIN_PX, 0), min(x + width + MARGIN_PX, w)),
        )
        yield _Region(extent, window, labels[window] == n)


def _detection(
    region: _Region, name: str, confidence: float, shape: tuple[int, ...], margin: int
) -> Detection:
    x1, y1, x2, y2 = region.extent
    h, w = shape
    box = Box(
        max(x1 - margin, 0),
        max(y1 - margin, 0),
        min(x2 + margin, w),
        min(y2 + margin, h),
        TYPES.index(name) + 1,
    )
    return Detection(box, round(confidence, 4))  # as its file has it


def _eroded(mask: Mask) -> Mask:
    return cv2.erode(mask.astype(np.uint8), _disc()) > 0


def _dilated(mask: Mask) -> Mask:
    return cv2.dilate(mask.astype(np.uint8), _disc()) > 0


def _disc() -> U8:
    side = 2 * _TOLERANCE + 1
    return np.ones((side, side), np.uint8)
