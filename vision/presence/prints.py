# pyright: reportUnknownMemberType=false
"""One print: is it there, in its place, and the same in every detail? It is compared, never read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np

from golden.characteristics import Print
from kernels.compiled import F32, U8
from vision.presence.matching import find, settle
from vision.presence.placement import Placement
from vision.presence.window import Window

State = Literal["agreed", "missing", "differs", "unclear"]

_GOOD = 0.1  # share of the variance left unexplained that needs no search
_FAINT = 0.15  # of the ink's contrast: structure below is ground
_LEAST_CONTRAST = 15.0  # codes between ink and ground
_DETAIL: Final = 0.75  # of a detail's size: how wide the windows are that are compared
_NOISE = 0.02  # of the contrast squared: most that counts as noise
_AGREES, _DIFFERS = 0.28, 0.4  # share of a window's structure that differs
_GONE = 0.2  # of the golden sample's variance: less is no print


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was found: how it differs, where it lies, how alike it is as a whole, and where it differs.

    `worst` is the largest share of the structure of a window, as wide as a detail, that differs; `places` are
    the boxes x, y, width, height in golden pixels of what differs.
    """

    state: State
    placement: Placement | None
    score: float
    worst: float
    places: tuple[tuple[float, float, float, float], ...] = ()


class PrintCheck:
    """Judges one print; what does not depend on the unit is computed here.

    Args:
        characteristic: the print.
        golden: (h, w, 3) uint8 golden image.
        mm_per_px: its scale.
    """

    def __init__(self, characteristic: Print, golden: U8, mm_per_px: float) -> None:
        """Cut the print's picture."""
        self.characteristic = characteristic
        self.reach = 2 * characteristic.upper / mm_per_px + 2
        self.window = Window(golden, characteristic.region, 0, math.ceil(self.reach) + 4)
        self.picture = self.window.picture
        self._wide = max(2 * round(_DETAIL * characteristic.detail_mm / mm_per_px / 2) + 1, 5)
        grey = self.picture.values[self.picture.inside].mean(axis=1)
        low, high = (float(v) for v in np.percentile(grey, (3, 97)))
        self.contrast = high - low

    def see(self, wide: F32) -> Seen:
        """Judge the print in a unit's codes, as its window sees them."""
        own = settle(self.picture, wide)
        if own is None or own.unexplained > _GOOD or own.offset > self.reach:
            found = find(self.picture, wide, self.reach)
            own = found if own is None or (found is not None and found.correlation > own.correlation) else own
        if self._gone(wide):
            return Seen("missing", None, 0.0 if own is None else own.correlation, 1.0)
        if own is None:
            return Seen("differs", None, 0.0, 1.0, (self._box(0, 0, *self.picture.size),))
        differing = self.differing(own.seen)
        worst = float(differing.max())
        if self.contrast < _LEAST_CONTRAST:
            return Seen("unclear", own, own.correlation, worst)
        if worst < _AGREES:
            return Seen("agreed", own, own.correlation, worst)
        where = (differing >= _AGREES).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(where)
        places = tuple(self._box(*(int(n) for n in stats[k][:4])) for k in range(1, count))
        return Seen("differs" if worst >= _DIFFERS else "unclear", own, own.correlation, worst, places)

    def differing(self, seen: F32) -> F32:
        """Return the share of structure that differs in the window about each pixel, (h, w)."""
        golden, unit = self.picture.values.mean(axis=2), seen.mean(axis=2)
        own, other, apart = (self._structure(image) for image in (golden, unit, unit - golden))
        noise = min(float(np.median(apart)), _NOISE * self.contrast**2)
        ground = (_FAINT * self.contrast) ** 2
        share = np.maximum(apart - noise, 0) / (np.maximum(own, other) + ground)
        return np.where(self.picture.inside, share, 0).astype(np.float32)

    def _structure(self, image: F32) -> F32:
        """Return the variance in the window about each pixel of a grey image."""
        size = (self._wide, self._wide)
        mean = np.asarray(cv2.blur(image, size, borderType=cv2.BORDER_REFLECT), np.float32)
        square = np.asarray(cv2.blur(image * image, size, borderType=cv2.BORDER_REFLECT), np.float32)
        return np.maximum(square - mean * mean, 0)

    def _gone(self, wide: F32) -> bool:
        pad, (w, h) = self.window.pad, self.picture.size
        here = wide[pad : pad + h, pad : pad + w][self.picture.inside]
        golden = self.picture.values[self.picture.inside]
        return float(here.var(axis=0).sum()) < _GONE * float(golden.var(axis=0).sum())

    def _box(self, x: int, y: int, w: int, h: int) -> tuple[float, float, float, float]:
        return self.window.left + x - 0.5, self.window.top + y - 0.5, float(w), float(h)
