"""One component: is it there, the right one, in place, the right way round?

The unit is compared with what could be there: the component in its place, shifted or tilted; the same turned
by quarters; every other component of the view; and the bare surroundings. It is decided only where one of
these explains the picture far better than the others do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from golden.characteristics import Component
from kernels.compiled import F32, U8, Mask
from vision.presence.board import bare_share
from vision.presence.matching import find, search, settle
from vision.presence.placement import Placement
from vision.presence.window import Picture, Window

State = Literal["agreed", "missing", "wrong", "turned", "unclear"]

GROW: Final = 2  # pixels about the body, where its outline shows
_ALIKE = (
    0.28  # share of the variance that a picture of the same thing may leave unexplained: correlation 0.85
)
_STRANGE = 0.5  # what leaves more is another thing: correlation 0.71
_CLEAR = 2.0  # times as much that all rivals must leave
_SAME = 0.1  # what two pictures of the golden sample leave that hardly tell each other apart
_GOOD = 0.06  # what needs no search
_BARE, _COVERED = 0.5, 0.25  # share of pixels that look like bare surroundings: missing from, there up to
_GONE = 0.15  # of the golden sample's variance: less is no component, whatever ground shows
_RING = 10  # pixels of surroundings beside a component
_TILTS = (0.0, 12.0, -12.0, 24.0, -24.0, 36.0, -36.0)
_SIZES = (0.5, 2.0)  # area of another component that may have taken the place
_SIDES = (0.6, 1.67)  # and each of its sides
_PERHAPS = 0.5  # what the search leaves, above which closer looking changes nothing


@dataclass(frozen=True, slots=True)
class Rival:
    """Another thing that could sit there: a component of the golden sample, turned by quarters.

    `id` is the component's; `unexplained` what the golden sample's own component leaves of its variance.
    """

    id: str
    quarters: int
    unexplained: float


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was found.

    Attributes:
        state: how it differs.
        placement: where the component lies, if it is there.
        score: how alike it is, 0 to 1.
        resembles: the component that sits there instead.
        turned: degrees, in quarters, by which the component is turned.
        bare: share of its pixels where the surroundings show; None where they look like the component.
    """

    state: State
    placement: Placement | None
    score: float
    resembles: str | None = None
    turned: int | None = None
    bare: float | None = None


class ComponentCheck:
    """Judges one component; what does not depend on the unit is computed here and in `meet`.

    Args:
        characteristic: the component.
        golden: (h, w, 3) uint8 golden image.
        mm_per_px: its scale.
    """

    def __init__(self, characteristic: Component, golden: U8, mm_per_px: float) -> None:
        """Cut the component's picture."""
        self.characteristic = characteristic
        body = Window(golden, characteristic.region, GROW, 0)
        w, h = body.width, body.height
        self.reach = 2 * characteristic.upper / mm_per_px + 0.5 * min(w, h)
        pad = math.ceil(self.reach + abs(w - h) / 2) + 2 * _RING
        self.window = Window(golden, characteristic.region, GROW, pad)
        self.picture = self.window.picture
        self._golden_seen = _wide(golden, self.window)
        self._others: list[ComponentCheck] = []
        self._places: list[tuple[float, float]] = []
        self._surroundings: Mask = np.ones(self._golden_seen.shape[:2], np.bool_)
        self.rivals: tuple[Rival, ...] = ()

    def meet(self, all_of_view: Sequence[ComponentCheck], occupied: Mask) -> None:
        """Take note of the other components of the view and of what they leave bare.

        Args:
            all_of_view: all components, this one among them.
            occupied: (h, w) of the golden image, where there is any component or print.
        """
        rows, columns = self.window.places(self.window.pad)
        within = (rows >= 0) & (rows < occupied.shape[0]), (columns >= 0) & (columns < occupied.shape[1])
        self._surroundings = np.zeros(self._golden_seen.shape[:2], np.bool_)
        self._surroundings[np.ix_(*within)] = ~occupied[np.ix_(rows[within[0]], columns[within[1]])]
        keep = math.ceil(self.reach) + _RING
        edge = self.window.pad - keep
        if edge > 0:  # what is far away is no surroundings
            near = np.zeros_like(self._surroundings)
            near[edge:-edge, edge:-edge] = True
            self._surroundings &= near
        area = int(self.picture.inside.sum())
        self._others = [
            other
            for other in all_of_view
            if other is not self and _SIZES[0] <= int(other.picture.inside.sum()) / area <= _SIZES[1]
        ]
        rivals = [
            Rival(other.characteristic.id, quarters, self._left(other.picture.turned(quarters)))
            for other in (self, *self._others)
            for quarters in range(4)
            if self._rivals(other, quarters)
        ]
        self.rivals = tuple(rivals)
        self._places = [
            (o.window.centre[0] - self.window.centre[0], o.window.centre[1] - self.window.centre[1])
            for o in self._others
        ]

    @property
    def untold(self) -> tuple[Rival, ...]:
        """What the golden image hardly tells from the component."""
        return tuple(r for r in self.rivals if r.unexplained < _SAME)

    def see(self, wide: F32) -> Seen:
        """Judge the component in a unit's codes, as its window sees them."""
        own = settle(self.picture, wide)
        if own is None or own.unexplained > _GOOD or own.offset > self.reach:
            own = self._own(wide)
        left = 1.0 if own is None else own.unexplained
        bare = self._bare(wide, own if left <= _STRANGE else None)
        rival, its = self._best_rival(wide, left)
        score = 0.0 if own is None else own.correlation
        if bare is not None and bare >= _BARE and min(left, its) > _ALIKE:
            return Seen("missing", None, score, bare=bare)
        if left <= _ALIKE and its >= _CLEAR * left:
            there = bare is None or bare <= _COVERED
            return Seen("agreed" if there else "unclear", own, score, bare=bare)
        if rival is not None and its <= _ALIKE and left >= _CLEAR * its:
            if rival.id == self.characteristic.id:
                return Seen("turned", None, score, turned=90 * rival.quarters, bare=bare)
            return Seen("wrong", None, score, resembles=rival.id, bare=bare)
        if left >= _STRANGE and (bare is None or bare < _BARE):
            return Seen("missing" if self.window.structure(wide) < _GONE else "wrong", None, score, bare=bare)
        return Seen("unclear", own, score, bare=bare)

    def _own(self, wide: F32) -> Placement | None:
        """Return where the component lies, wherever it is in reach and however it is tilted."""
        best: Placement | None = None
        pictures = [self.picture] if self.characteristic.polarised else [self.picture, self.picture.turned(2)]
        for picture in pictures:
            for tilt in _TILTS:
                found = find(picture, wide, self.reach, self._places, tilt)
                if found is not None and (best is None or found.correlation > best.correlation):
                    best = found
                if best is not None and best.unexplained < _GOOD:
                    return best
        return best

    def _best_rival(self, wide: F32, left: float) -> tuple[Rival | None, float]:
        """Return the rival that explains the unit best, and what it leaves; at most what is known of it."""
        best, least = None, 1.0
        for rival in self.rivals:
            # correlations are cosines: what is far from the component is far from a unit that is near to it
            apart = math.asin(math.sqrt(rival.unexplained)) - math.asin(math.sqrt(min(left, 1.0)))
            if apart > 0 and math.sin(apart) ** 2 >= max(_CLEAR * left, _ALIKE / _CLEAR):
                continue
            picture = self._picture(rival)
            found = find(picture, wide, self.reach, self._places)
            if found is not None and found.unexplained < least:
                best, least = rival, found.unexplained
        return best, least

    def _picture(self, rival: Rival) -> Picture:
        for other in (self, *self._others):
            if other.characteristic.id == rival.id:
                return other.picture.turned(rival.quarters)
        raise KeyError(rival.id)

    def _left(self, picture: Picture) -> float:
        """Return what a picture leaves unexplained of the golden sample's component."""
        rough = search(picture, self._golden_seen, self.reach)
        left = 1.0 if rough is None else 1 - max(rough[2], 0.0) ** 2
        found = find(picture, self._golden_seen, self.reach) if left < _PERHAPS else None
        return left if found is None else min(left, found.unexplained)

    def _rivals(self, other: ComponentCheck, quarters: int) -> bool:
        """Return whether another component, turned by quarters, could sit here and must not."""
        own = self.characteristic
        if other is self:
            return quarters in (1, 3) or (quarters == 2 and own.polarised)
        if own.part_number is not None and own.part_number == other.characteristic.part_number:
            return False
        sides = zip(other.picture.turned(quarters).size, self.picture.size, strict=True)
        return all(_SIDES[0] <= a / b <= _SIDES[1] for a, b in sides)

    def _bare(self, wide: F32, own: Placement | None) -> float | None:
        pad, (w, h) = self.window.pad, self.picture.size
        seen = wide[pad : pad + h, pad : pad + w] if own is None else own.seen
        golden, core = self.picture.values, self.window.core
        if seen.shape != golden.shape:  # placed at a lower resolution
            by = golden.shape[1] // seen.shape[1]
            small = Picture(golden, core).shrunk(by)
            golden, core = small.values, small.inside
        about = self._surroundings
        return bare_share(golden, seen, core, self._golden_seen[about], wide[about])


def _wide(golden: U8, window: Window) -> F32:
    rows, columns = window.places(window.pad)
    rows, columns = np.clip(rows, 0, golden.shape[0] - 1), np.clip(columns, 0, golden.shape[1] - 1)
    return golden[np.ix_(rows, columns)].astype(np.float32)
