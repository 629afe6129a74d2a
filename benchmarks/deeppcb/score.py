"""DeepPCB's official figures: how its evaluation script matches boxes, and what it prints.

Within a picture, detections are ordered by falling confidence. Each labelled box in turn takes the first
detection still free whose intersection over union with it exceeds 0.33, whatever the type; the detection is
correct if the types agree. Areas are (x2 - x1) (y2 - y1). The published "mAP" is one average precision over
the detections of all pictures and types together, not interpolated: the precision at each correct one,
summed, over the number of labelled boxes. F is over every box submitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from datasets.deeppcb import TYPES, Box

IOU: Final = 0.33


@dataclass(frozen=True, slots=True)
class Detection:
    """A submitted box with its confidence in 0 .. 1."""

    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class Score:
    """The figures, all fractions.

    Attributes:
        ap: the official "mAP", pooled over all types.
        f: the official F-score over every box submitted.
        precision: correct boxes of those submitted.
        recall: correct boxes of those labelled.
        found: labelled boxes that a detection of any type matched.
        ap_of: per type, the same average precision over its detections and its labelled boxes alone, after
            the matching of all; absent for a type that was not labelled.
        escapes: labelled boxes that nothing matched, per picture.
        false_boxes: submitted boxes that matched nothing, per picture.
    """

    ap: float
    f: float
    precision: float
    recall: float
    found: float
    ap_of: dict[str, float]
    escapes: float
    false_boxes: float


def score(pictures: Iterable[tuple[Sequence[Box], Sequence[Detection]]]) -> Score:
    """Score labelled boxes and detections, one element per picture."""
    labelled: list[Box] = []
    outcomes: list[tuple[Detection, Box | None]] = []
    count = 0
    for boxes, detections in pictures:
        labelled += boxes
        outcomes += match(boxes, detections)
        count += 1
    matched = sum(box is not None for _, box in outcomes)
    correct = sum(_is_correct(*outcome) for outcome in outcomes)
    return Score(
        ap=average_precision(outcomes, len(labelled)),
        f=_ratio(2 * correct, len(labelled) + len(outcomes)),
        precision=_ratio(correct, len(outcomes)),
        recall=_ratio(correct, len(labelled)),
        found=_ratio(matched, len(labelled)),
        ap_of={
            name: average_precision([o for o in outcomes if o[0].box.type == kind], total)
            for kind, name in enumerate(TYPES, start=1)
            if (total := sum(box.type == kind for box in labelled))
        },
        escapes=_ratio(len(labelled) - matched, count),
        false_boxes=_ratio(len(outcomes) - matched, count),
    )


@dataclass(frozen=True, slots=True)
class Interval:
    """Lower bound, value and upper bound of each figure, 95 %."""

    ap: tuple[float, float, float]
    f: tuple[float, float, float]
    ap_of: dict[str, tuple[float, float, float]]


def interval(
    pictures: Sequence[tuple[Sequence[Box], Sequence[Detection]]],
    threshold: float,
    rng: np.random.Generator,
    resampled: int,
) -> Interval:
    """Return AP over every box and F from a threshold, with bootstrap intervals over pictures.

    Percentiles of pictures drawn with replacement (B. Efron, doi:10.1214/aos/1176344552).
    """
    tables = [_outcomes(boxes, found) for boxes, found in pictures]
    labels = [np.bincount([b.type for b in boxes], minlength=len(TYPES) + 1) for boxes, _ in pictures]
    every = np.arange(len(tables))
    values = _figures(tables, labels, every, threshold)
    drawn = np.array(
        [
            _figures(tables, labels, rng.integers(0, len(tables), len(tables)), threshold)
            for _ in range(resampled)
        ]
    )
    low, high = (
        np.minimum(np.percentile(drawn, 2.5, axis=0), values),
        np.maximum(np.percentile(drawn, 97.5, axis=0), values),
    )
    rows = [(float(a), float(b), float(c)) for a, b, c in zip(low, values, high, strict=True)]
    return Interval(rows[0], rows[1], dict(zip(TYPES, rows[2:], strict=True)))


def _outcomes(boxes: Sequence[Box], found: Sequence[Detection]) -> npt.NDArray[np.float64]:
    """Return confidence, type and whether correct (n, 3) of each detection of one picture."""
    rows = [(d.confidence, d.box.type, _is_correct(d, box)) for d, box in match(boxes, found)]
    return np.array(rows, np.float64).reshape(-1, 3)


def _figures(
    tables: Sequence[npt.NDArray[np.float64]],
    labels: Sequence[npt.NDArray[np.int64]],
    chosen: npt.NDArray[np.int64],
    threshold: float,
) -> npt.NDArray[np.float64]:
    """Return AP, F and the AP of each type over some pictures."""
    places: list[int] = chosen.tolist()
    table: npt.NDArray[np.float64] = np.concatenate([tables[i] for i in places])
    labelled = np.asarray(np.sum([labels[i] for i in places], axis=0), np.int64)
    table = table[np.argsort(-table[:, 0], kind="stable")]
    sure = table[table[:, 0] >= threshold]
    f = _ratio(2 * float(sure[:, 2].sum()), float(labelled.sum()) + len(sure))
    types = [_precision(table[table[:, 1] == k, 2], int(labelled[k])) for k in range(1, len(TYPES) + 1)]
    return np.array([_precision(table[:, 2], int(labelled.sum())), f, *types])


def _precision(correct: npt.NDArray[np.float64], labelled: int) -> float:
    rank = np.arange(1, len(correct) + 1)
    return _ratio(float((correct * np.cumsum(correct) / rank).sum()), labelled)


def match(boxes: Sequence[Box], detections: Sequence[Detection]) -> list[tuple[Detection, Box | None]]:
    """Return the detections of one picture by falling confidence, each with the labelled box that took it."""
    ranked = sorted(detections, key=_falling)
    takers: list[Box | None] = [None] * len(ranked)
    for box in boxes:
        for n, detection in enumerate(ranked):
            if takers[n] is None and overlap(box, detection.box) > IOU:
                takers[n] = box
                break
    return list(zip(ranked, takers, strict=True))


def average_precision(outcomes: Iterable[tuple[Detection, Box | None]], labelled: int) -> float:
    """Return the mean over labelled boxes of the precision at each correct detection, not interpolated."""
    correct, total = 0, 0.0
    for rank, outcome in enumerate(sorted(outcomes, key=lambda o: _falling(o[0])), start=1):
        if _is_correct(*outcome):
            correct += 1
            total += correct / rank
    return _ratio(total, labelled)


def overlap(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / ((a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - common)


def _falling(detection: Detection) -> float:
    return -detection.confidence  # sorting is stable: equal ones stay as they came


def _is_correct(detection: Detection, box: Box | None) -> bool:
    return box is not None and box.type == detection.box.type


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
