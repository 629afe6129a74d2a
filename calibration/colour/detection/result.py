"""What looking for a colour chart gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kernels.compiled import F64

NotFoundReason = Literal["absent", "incomplete", "mirrored", "wrong_chart", "ambiguous"]


@dataclass(frozen=True, slots=True)
class ChartNotFound:
    """The chart was not found, or not as it must be seen.

    Attributes:
        reason: what is wrong, as a code. "absent": no lattice of even patches is there. "wrong_chart": one
            is, with other colours. "incomplete": the chart is there, but cut off by the picture's border, or
            patches are covered or not in their places. "mirrored": the chart is seen in a mirror.
            "ambiguous": its colours do not tell which way up it lies.
        message: the same in a sentence, with what was seen and what to do.
        patches: ids of the patches that are not seen, or not with their colour.
        score: of the best reading, see `FoundChart`; where no chart was recognised, patches that are not seen
            count as not predicted; 0 where no lattice was seen.
        corners: (4, 2) of the chart where one was recognised, as in `FoundChart`; may lie beyond the picture.
    """

    reason: NotFoundReason
    message: str
    patches: tuple[str, ...] = ()
    score: float = 0.0
    corners: F64 | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FoundChart:
    """A chart in a picture, whole, uncovered and the right way round.

    Attributes:
        corners: (4, 2) x, y px of the middles of the four corner patches in the raw frame, in the chart's own
            reading order: first row first column, first row last column, last row last column, last row first
            column. What `sample_patches` takes.
        score: how well the colours seen predict the chart's, each patch from the others: 1 is perfect,
            colours at random are near 0. Does not depend on casts, exposure or the file's encoding.
        runner_up: the score of the best other orientation, mirrored ones included.
        turned_deg: direction of the chart's rows in the picture, 0..360, clockwise.
        patch_to_pitch: side of a patch over the pitch, as seen.
        residual_px: robust standard deviation of the patches' edges from the lattice's.
    """

    corners: F64
    score: float
    runner_up: float
    turned_deg: float
    patch_to_pitch: float
    residual_px: float
