# pyright: reportUnknownMemberType=false
"""Coarse search: template matches of spread patches at 1/8 scale, and the similarity most of them share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from kernels.compiled import F32, F64
from kernels.map_fit import agreed_similarity
from vision.mapping import QuadraticMap, Similarity
from vision.pyramid import COARSEST

HALF: Final = 12
_LEAST_AGREEING: Final = 8

_REACHES: Final = (0.045, 0.12, math.inf)  # of the frame's longer side: most units lie within the first
_FEW: Final = 12  # patches are enough for most units
_WIDE: Final = 0.20
_TURNS: Final = (0.0, -7.0, 7.0)
_SIZES: Final = (1.0, 0.85, 1.18)
_LEAST_MATCH: Final = 0.3
_LEAST_SHARE: Final = 0.35
_CONSENSUS_PX: Final = 2.5


@dataclass(frozen=True, slots=True, eq=False)
class _Guess:
    """A turn and size that units are looked for at: where patches lie from the middle, and what they are."""

    size: float
    places: list[tuple[float, float]]
    templates: list[F32]


class Search:
    """Looks for patches of the golden image.

    Args:
        small: (h, w) light of the golden image at 1/8 scale.
        centres: (m, 2) patch centres in it.
        centre: of the basis of the maps that are found, pixels of the full golden image: its middle.
        extent: scale of that basis.
    """

    def __init__(self, small: F32, centres: F64, centre: tuple[float, float], extent: float) -> None:
        """Cut the templates of every guess."""
        self._centres, self._centre, self._extent = _full_scale(centres), centre, extent
        self._least = max(_LEAST_AGREEING, _LEAST_SHARE * len(centres))
        from_middle = (self._centres - centre) / COARSEST
        self._guesses: list[_Guess] = []
        for size in _SIZES:
            for turn in _TURNS:
                x, y = Similarity(0, 0, turn, size).points(from_middle).T.tolist()
                templates = [_seen(small, c, turn, size) for c in centres]
                self._guesses.append(_Guess(size, list(zip(x, y, strict=True)), templates))

    def candidates(self, small: F32, *, resized: bool = True) -> Iterator[QuadraticMap]:
        """Yield maps, full-scale golden to frame, likeliest first; later ones cost more to find.

        Args:
            small: (h, w) light of the frame at 1/8 scale.
            resized: whether to look for units of another size as well.
        """
        upright, *others = self._guesses
        for reach in _REACHES:
            found = self._pose(small, upright, reach, _FEW) or self._pose(small, upright, reach)
            if found is not None:
                yield found[1]
        others = [g for g in others if resized or g.size == 1]
        poses = [found for g in others if (found := self._pose(small, g, _WIDE)) is not None]
        for _, pose in sorted(poses, key=lambda found: -found[0]):
            yield pose

    def _pose(
        self, image: F32, guess: _Guess, reach: float, most: int | None = None
    ) -> tuple[int, QuadraticMap] | None:
        """Return how many of the first `most` patches, or of all, agree on a pose, and it, if enough do."""
        h, w = image.shape
        within = max(h, w) * reach
        found: list[tuple[int, int]] = []
        which: list[int] = []
        for i, ((across, down), template) in enumerate(
            zip(guess.places[:most], guess.templates[:most], strict=True)
        ):
            x, y = w / 2 - 0.5 + across, h / 2 - 0.5 + down
            left, right = max(int(max(x - within, 0)) - HALF, 0), int(min(x + within, w)) + HALF + 1
            top, bottom = max(int(max(y - within, 0)) - HALF, 0), int(min(y + within, h)) + HALF + 1
            window = image[top:bottom, left:right]
            if min(window.shape) <= 2 * HALF:
                continue
            score = cv2.matchTemplate(window, template, cv2.TM_CCOEFF_NORMED)
            _, best, _, where = cv2.minMaxLoc(score)
            if best > _LEAST_MATCH:
                found.append((left + where[0] + HALF, top + where[1] + HALF))
                which.append(i)
        if len(found) < self._least:
            return None
        coefficients, agreed = agreed_similarity(
            self._centres[which], _full_scale(np.array(found, np.float64)), _CONSENSUS_PX * COARSEST,
            3 * HALF * COARSEST, *self._centre, self._extent,
        )  # fmt: skip
        if agreed < self._least:
            return None
        return agreed, QuadraticMap(self._centre, self._extent, coefficients)


def _full_scale(points: F64) -> F64:
    return points * COARSEST + (COARSEST - 1) / 2


def _seen(image: F32, centre: F64, turn: float, size: float) -> F32:
    """Return what a patch looks like in a frame, turned and resized about its centre."""
    c, s = math.cos(math.radians(turn)) / size, math.sin(math.radians(turn)) / size
    back = np.array([[c, s], [-s, c]])
    at = centre - back @ (HALF, HALF)
    return np.asarray(
        cv2.warpAffine(
            image, np.column_stack((back, at)), (2 * HALF + 1, 2 * HALF + 1),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )  # fmt: skip
