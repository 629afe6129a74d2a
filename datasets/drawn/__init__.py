"""Units drawn from one golden image: how good units differ, and defects of each class with exact labels.

`DrawnUnits(golden_rgb, mm_per_px).draw(rng, kinds)` returns a unit as a golden image would show it; give it
to `datasets.twin.Twin` to have it captured. No picture of a defect is needed, or used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.drawn.defects import DRAWERS, Unit, visible
from datasets.drawn.materials import tell_apart
from datasets.drawn.texture import surfaces
from datasets.drawn.variation import other_unit
from datasets.errors import DatasetError

__all__ = ["KINDS", "Drawn", "DrawnDefect", "DrawnUnits"]

KINDS: Final = tuple(DRAWERS)
"""Every kind of defect that can be drawn; `Drawn.labels` holds an index into it plus one."""

_TRIES: Final = 60
_LEAST_MM: Final = 0.4  # of a defect that the image's border cuts, too
_CLEAR_PX: Final = 8  # between two defects


@dataclass(frozen=True)
class DrawnDefect:
    """One defect: its kind, its tight box x, y, width, height in golden pixels, and its longest extent."""

    kind: str
    box: tuple[int, int, int, int]
    size_mm: float


@dataclass(frozen=True, eq=False)
class Drawn:
    """A unit: (h, w, 3) uint8 codes, (h, w) uint8 labels (0: no defect), and the defects."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    defects: tuple[DrawnDefect, ...]


class DrawnUnits:
    """Draws units of one golden image.

    Args:
        golden_rgb: (h, w, 3) uint8 RGB codes, at least 256 pixels each way.
        mm_per_px: its scale.

    Raises:
        DatasetError: the image is too small, or does not show two materials.
    """

    def __init__(self, golden_rgb: NDArray[np.uint8], mm_per_px: float) -> None:
        """Tell the materials apart and learn their textures."""
        if golden_rgb.ndim != 3 or golden_rgb.shape[2] != 3 or min(golden_rgb.shape[:2]) < 256:
            raise DatasetError(
                f"the golden image has shape {golden_rgb.shape}; give (h, w, 3) of 256 x 256 px or more"
            )
        self._golden = golden_rgb.astype(np.float32)
        self._mm_per_px = mm_per_px
        self._materials = m = tell_apart(golden_rgb)
        if not (m.conductor.mean() > 0.01 and m.substrate.mean() > 0.01):
            raise DatasetError("the golden image does not show two materials; defects cannot be drawn on it")
        self._conductor, self._substrate = surfaces(self._golden, m)
        metal = m.islands > 0
        self._depth = np.asarray(
            cv2.distanceTransform(m.conductor.astype(np.uint8), cv2.DIST_L2, 5), np.float32
        )
        self._gap = np.asarray(cv2.distanceTransform((~metal).astype(np.uint8), cv2.DIST_L2, 5), np.float32)

    @property
    def islands(self) -> NDArray[np.uint8]:
        """Which island of conductor each 2 x 2 pixels show, (h / 2, w / 2), 0 for none; 255 at the most."""
        h, w = (n // 2 for n in self._materials.islands.shape)
        squares = self._materials.islands[: 2 * h, : 2 * w].reshape(h, 2, w, 2)
        return np.minimum(squares.max(axis=(1, 3)), 255).astype(np.uint8)

    def draw(self, rng: np.random.Generator, kinds: Sequence[str], *, varied: bool = True) -> Drawn:
        """Draw one unit with one defect of each of `kinds`, none touching another.

        Args:
            rng: decides everything that is random.
            kinds: of `KINDS`, in any number; one that finds no place after many tries is left out.
            varied: whether the unit also differs as good units do; else it is the golden image itself.

        Raises:
            DatasetError: a kind does not exist.
        """
        unknown = set(kinds) - set(KINDS)
        if unknown:
            raise DatasetError(f"there are no defects of kind {sorted(unknown)}; choose of {KINDS}")
        m = self._materials
        codes = (
            other_unit(rng, self._golden, m, self._conductor, self._substrate)
            if varied
            else self._golden.copy()
        )
        unit = Unit(codes, m, self._conductor, self._substrate, self._depth, self._gap, 1 / self._mm_per_px)
        labels = np.zeros(codes.shape[:2], np.uint8)
        taken = np.zeros(codes.shape[:2], np.bool_)
        defects = [d for kind in kinds if (d := self._add(rng, unit, kind, labels, taken)) is not None]
        return Drawn(np.clip(np.rint(codes), 0, 255).astype(np.uint8), labels, tuple(defects))

    def _add(
        self,
        rng: np.random.Generator,
        unit: Unit,
        kind: str,
        labels: NDArray[np.uint8],
        taken: NDArray[np.bool_],
    ) -> DrawnDefect | None:
        before = unit.codes.copy()
        for _ in range(_TRIES):
            patch = DRAWERS[kind](rng, unit)
            if patch is None:
                continue
            at, solid = patch.window, patch.cover > 0.3
            clear = not taken[at][solid].any() and solid.any()
            drawn = _defect(kind, solid, patch.x0, patch.y0, self._mm_per_px) if clear else None
            if drawn and drawn.size_mm >= _LEAST_MM and visible(before[at], unit.codes[at], patch.cover):
                labels[at][solid] = KINDS.index(kind) + 1
                wide = np.asarray(
                    cv2.dilate(
                        np.pad(solid.astype(np.uint8), _CLEAR_PX),
                        np.ones((2 * _CLEAR_PX + 1,) * 2, np.uint8),
                    )
                )
                _mark(taken, wide > 0, patch.x0 - _CLEAR_PX, patch.y0 - _CLEAR_PX)
                return drawn
            unit.codes[...] = before
        return None


def _mark(taken: NDArray[np.bool_], mask: NDArray[np.bool_], x0: int, y0: int) -> None:
    h, w = mask.shape
    top, left = max(-y0, 0), max(-x0, 0)
    bottom, right = min(h, taken.shape[0] - y0), min(w, taken.shape[1] - x0)
    taken[y0 + top : y0 + bottom, x0 + left : x0 + right] |= mask[top:bottom, left:right]


def _defect(kind: str, solid: NDArray[np.bool_], x0: int, y0: int, mm_per_px: float) -> DrawnDefect:
    ys, xs = np.nonzero(solid)
    box = (x0 + int(xs.min()), y0 + int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1)
    hull = cv2.convexHull(np.column_stack((xs, ys)).astype(np.int32)).reshape(-1, 2).astype(np.float64)
    spans = np.abs(hull[:, None] - hull[None]) + 1
    return DrawnDefect(kind, box, float(np.hypot(spans[..., 0], spans[..., 1]).max()) * mm_per_px)
