# pyright: reportUnknownMemberType=false
"""One print: is it there, in its place, with the same details and ink? It is compared, never read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np

from golden.characteristics import Print
from kernels.compiled import F32, U8
from vision.presence.ink import contrast, ink_channel, variance
from vision.presence.matching import find, settle
from vision.presence.placement import Placement, place
from vision.presence.strokes import Strokes
from vision.presence.window import Window

State = Literal["agreed", "missing", "differs", "discoloured", "unclear"]

_GOOD = 0.1  # share of the variance left unexplained that needs no search
_FAINT = 0.15  # of the ink's contrast: structure below is ground
_LEAST_CONTRAST = 15.0  # codes between ink and ground
_DETAIL: Final = (
    0.5  # of a detail's size, the windows that are compared: one stroke differs in half a character
)
_FINEST: Final = 0.6  # standard deviation, pixels: finer than this there are no strokes, only noise
_ABOVE_NOISE = 3.0  # times the noise of the windows, which its largest of some hundred do not reach
_NOISE = 0.02  # of the contrast squared: most that counts as noise
_SAME = 0.1  # share of the structure by which two captures of a print differ
_SCATTER = 4.0  # standard deviations of that between windows, the most of some ten thousand
_ALIKE = 4  # pixels that tell as much as one: neighbours share their noise
_DIFFERS = 1.25  # times what the same print may show: another
_SAME_INK, _OTHER_INK = 0.2, 0.35  # of the contrast between ink and ground, as a colour, that differs
_GONE = 0.2  # of the golden sample's variance: less is no print


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was found: how it differs, where it lies, how alike it is as a whole, and where it differs.

    `worst` is how many times as much as the same print may show differs at most; `ink` the share of the
    contrast with the ground, as a colour, that does; `places` are the boxes x, y, width, height in golden
    pixels of what differs.
    """

    state: State
    placement: Placement | None
    score: float
    worst: float
    ink: float | None = None
    places: tuple[tuple[float, float, float, float], ...] = ()


class PrintCheck:
    """Judges one print; what does not depend on the unit is computed here.

    Attributes:
        most: share of the structure of a window that may differ on the same print: 0.33 where windows are
            5 px wide, 0.26 at 7 px, 0.17 at 17 px, since the mean of fewer pixels scatters more.

    Args:
        characteristic: the print.
        golden: (h, w, 3) uint8 golden image.
        mm_per_px: its scale.
    """

    def __init__(self, characteristic: Print, golden: U8, mm_per_px: float) -> None:
        """Cut the print's picture and find its ink."""
        self.characteristic = characteristic
        self.reach = 2 * characteristic.upper / mm_per_px + 2
        self.window = Window(golden, characteristic.region, 0, math.ceil(self.reach) + 4)
        self.picture = self.window.picture
        detail_px = characteristic.detail_mm / mm_per_px
        self._wide = max(2 * round((_DETAIL * detail_px - 1) / 2) + 1, 5)
        self.most = _SAME * (1 + _SCATTER * math.sqrt(2 * _ALIKE) / self._wide)
        self._channel = ink_channel(self.picture)
        amount = np.asarray(self.picture.values @ self._channel, np.float32)
        low, high = (float(v) for v in np.percentile(amount[self.picture.inside], (3, 97)))
        self.contrast = high - low
        self._ink = _smooth(amount)
        self._structure = variance(self._ink, self._wide)
        self._amount = amount
        self._strokes = Strokes(amount, self.picture.inside, detail_px, self.contrast)
        self._colour = contrast(self.picture.values, self._ink, self.picture.inside)

    def see(self, wide: F32, light: float) -> Seen:
        """Judge the print in a unit's codes, as its window sees them.

        Args:
            wide: (H, W, 3) codes.
            light: what makes them as light as the golden sample's.
        """
        own = self._own(wide)
        score = 0.0 if own is None else own.correlation
        if self.window.structure(wide) < _GONE:
            return Seen("missing", None, score, math.inf)
        if own is None:
            return Seen("differs", None, 0.0, math.inf, places=(self._box(0, 0, *self.picture.size),))
        differing = self.differing(own.seen)
        worst, ink = float(differing.max()), self.other_ink(own, light)
        if self.contrast < _LEAST_CONTRAST:
            return Seen("unclear", own, score, worst, ink)
        where = (differing >= 1).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(where)
        places = tuple(self._box(*(int(n) for n in stats[k][:4])) for k in range(1, count))
        if worst >= _DIFFERS:
            return Seen("differs", own, score, worst, ink, places)
        if ink >= _OTHER_INK:
            return Seen("discoloured", own, score, worst, ink, places)
        unclear = worst >= 1 or ink >= _SAME_INK
        return Seen("unclear" if unclear else "agreed", own, score, worst, ink, places)

    def differing(self, seen: F32) -> F32:
        """Return how many times as much as the same print may show differs about each pixel, (h, w)."""
        amount = np.asarray(seen @ self._channel, np.float32)
        unit = _smooth(amount)
        other, apart = (variance(image, self._wide) for image in (unit, unit - self._ink))
        noise = _ABOVE_NOISE * min(float(np.median(apart)), _NOISE * self.contrast**2)
        ground = (_FAINT * self.contrast) ** 2
        share = np.maximum(apart - noise, 0) / (np.maximum(self._structure, other) + ground)
        differing = np.maximum(share / self.most, self._strokes.departs(amount - self._amount))
        return np.where(self.picture.inside, differing, 0).astype(np.float32)

    def other_ink(self, own: Placement, light: float) -> float:
        """Return how far the contrast with the ground, as a colour, departs: in shares of the golden one."""
        seen = own.gain * light * contrast(own.seen, self._ink, self.picture.inside)
        return float(np.linalg.norm(seen - self._colour) / np.linalg.norm(self._colour))

    def _own(self, wide: F32) -> Placement | None:
        """Return where the print lies; at its full resolution, since its strokes are compared."""
        own = settle(self.picture, wide)
        if own is None or own.unexplained > _GOOD or own.offset > self.reach:
            found = find(self.picture, wide, self.reach)
            own = found if own is None or (found is not None and found.correlation > own.correlation) else own
        if own is None or own.seen.shape == self.picture.values.shape:
            return own
        return place(self.picture, wide, (own.dx, own.dy, own.angle))

    def _box(self, x: int, y: int, w: int, h: int) -> tuple[float, float, float, float]:
        return self.window.left + x - 0.5, self.window.top + y - 0.5, float(w), float(h)


def _smooth(amount: F32) -> F32:
    return np.asarray(cv2.GaussianBlur(amount, (0, 0), _FINEST), np.float32)
