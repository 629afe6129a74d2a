# pyright: reportUnknownMemberType=false
"""From an aligned pair to named, bounded defects: a crop about each candidate, a detector, no box twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from kernels.compiled import F32, I64, U8
from models.detector import SIDE, Detector
from vision.artwork.align import aligned
from vision.artwork.candidates import Candidates, find

SAME: Final = 0.33
"""Boxes that overlap by more, intersection over union, are the same defect: the surer one stands."""

_SURE: Final = 0.5  # confidence from which parts of one difference are one defect


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect: its class, the confidence in that class, and the box that bounds it.

    `box` is x1 y1 x2 y2 in whole pixels of the unit, x2 and y2 exclusive, clipped to the picture.
    """

    defect_class: str
    confidence: float
    box: tuple[int, int, int, int]


def detect(golden: U8, unit: U8, detector: Detector, least: float) -> list[Finding]:
    """Return what a detector finds on a unit, the surest first.

    Args:
        golden: (h, w) uint8 grey, copper or ink black, sides of at least `LEAST_SIDE`.
        unit: (h, w) uint8 of the same size.
        detector: a released detector of artwork.
        least: confidence from which a finding is returned; the detector's `operating` is what its card
            reports from.
    """
    moved = aligned(golden, unit)
    candidates = find(moved, unit)
    if not len(candidates.boxes):
        return []
    probabilities, boxes = asked(moved, unit, candidates, detector)
    kind = probabilities[:, 1:].argmax(axis=1) + 1
    confidence = probabilities[np.arange(len(kind)), kind]
    _merge(boxes, confidence, kind, candidates.whole)
    kept: list[int] = []
    for k in np.argsort(-confidence, kind="stable").tolist():
        empty = boxes[k, 0] >= boxes[k, 2] or boxes[k, 1] >= boxes[k, 3]
        if confidence[k] < least or empty or (overlaps(boxes[k], boxes[kept]) > SAME).any():
            continue
        kept.append(k)
    findings: list[Finding] = []
    for k in kept:
        x1, y1, x2, y2 = boxes[k].tolist()
        findings.append(Finding(detector.classes[int(kind[k])], float(confidence[k]), (x1, y1, x2, y2)))
    return findings


def asked(golden: U8, unit: U8, candidates: Candidates, detector: Detector) -> tuple[F32, I64]:
    """Return what a detector says of candidates: probabilities (n, k), and boxes (n, 4).

    Args:
        golden: (h, w) uint8, aligned to the unit.
        unit: (h, w) uint8.
        candidates: of this pair, at least one.
        detector: answers; its boxes come in whole pixels of the unit, clipped to the picture.
    """
    corners = _corners(candidates.boxes, unit.shape)
    found = detector.find(_crops(golden, corners), _crops(unit, corners), candidates.topology)
    return found.probabilities, _in_picture(found.boxes, corners, unit.shape)


def _merge(boxes: I64, confidence: F32, kind: I64, whole: I64) -> None:
    """Give parts of one long difference that are rather one class than not the box round all of them.

    The surest of them has it, the others keep nothing: a crop does not show a defect longer than itself.
    """
    for one in np.unique(whole).tolist():
        parts = np.flatnonzero((whole == one) & (confidence >= _SURE))
        for c in np.unique(kind[parts]).tolist():
            same = parts[kind[parts] == c]
            if len(same) > 1:
                surest = same[confidence[same].argmax()]
                low, high = boxes[same, :2].min(axis=0), boxes[same, 2:].max(axis=0)
                boxes[same] = 0
                boxes[surest] = np.concatenate((low, high))


def _corners(candidates: I64, shape: tuple[int, ...]) -> I64:
    """Return the first pixel x, y (n, 2) of a crop about each candidate; its centre stays in the picture."""
    middle = np.round((candidates[:, :2] + candidates[:, 2:]) / 2).astype(np.int64)
    return np.clip(middle - SIDE // 2, -SIDE // 2, (shape[1] - SIDE // 2, shape[0] - SIDE // 2))


def _crops(picture: U8, corners: I64) -> U8:
    """Cut (n, SIDE, SIDE, 1) squares; what lies outside the picture is its reflection."""
    pad = SIDE // 2
    wide = np.asarray(cv2.copyMakeBorder(picture, pad, pad, pad, pad, cv2.BORDER_REFLECT_101), np.uint8)
    crops = np.empty((len(corners), SIDE, SIDE, 1), np.uint8)
    for k, (x, y) in enumerate((corners + pad).tolist()):
        crops[k, ..., 0] = wide[y : y + SIDE, x : x + SIDE]
    return crops


def _in_picture(boxes: F32, corners: I64, shape: tuple[int, ...]) -> I64:
    """Return boxes (n, 4) of crop pixels as whole pixels of the picture, clipped to it."""
    placed = boxes + np.concatenate((corners, corners), axis=1)
    limits = np.array((shape[1], shape[0], shape[1], shape[0]))
    return np.clip(np.round(placed), 0, limits).astype(np.int64)


def overlaps(box: I64, others: I64) -> F32:
    """Return the intersection over union of a box with each of (n, 4) others."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return (common / (areas - common)).astype(np.float32)
