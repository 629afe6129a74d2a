"""What became of the deviations of a view: named, left unclassified or dismissed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evidence import NamedBy
from kernels.compiled import F32
from vision.surface import Deviation


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """A region with its class, and what the classifier said of it; None where it was not asked.

    Attributes:
        defect_class: the class.
        confidence: in the class that it named, or would not name for too little of it.
        region: where and how large.
        named_by: what named the class.
        score: probability that the region is a defect at all.
        second: the next likeliest class and its probability.
    """

    defect_class: str
    confidence: float | None
    region: Deviation
    named_by: NamedBy
    score: float | None = None
    second: tuple[str, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Dismissed:
    """A deviation, or part of one, that the classifier calls no defect, and how probable it holds that."""

    region: Deviation
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """What became of a view's deviations, largest first, and which, or parts of them, were dismissed.

    `cells` (h, w, k) float32 are the class probabilities of each CELL of golden pixels, a detector's the same
    all over a place; NaN where the model did not look, None without a model.
    """

    findings: tuple[Finding, ...]
    dismissed: tuple[Dismissed, ...] = ()
    cells: F32 | None = None


def largest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return a view's findings in the order of `Named`."""
    return tuple(sorted(findings, key=lambda f: (-f.region.size_mm, f.region.golden_px)))
