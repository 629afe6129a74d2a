"""A new detector in the shadow of another, on prepared pairs: each candidate decided by both.

A detector alone has no catalogue: a unit with a named defect counts as REJECT, one with held candidates alone
as HOLD, and any other as ACCEPT.
"""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from evidence import canonical_json, sha256
from hallmark.errors import TrainingError
from hallmark.feedback.shadow import Differing, ShadowReport, Shown, Told
from hallmark.training.prepared import read_index, read_pair
from kernels.compiled import I64, U8
from models.detector.crops import corners, crop
from models.detector.decision import DISMISSED, HOLD, decide
from models.detector.runtime import ReleasedDetector

_NAMED: Final = (200, 30, 30)
_HELD: Final = (150, 60, 200)


def run(
    old: ReleasedDetector, new: ReleasedDetector, folder: Path, progress: Callable[[int], None]
) -> tuple[ShadowReport, tuple[Shown, ...]]:
    """Decide every candidate of prepared pairs by both detectors.

    Raises:
        TrainingError: the folder holds no prepared pairs, or pairs of other channels than the detectors'.
    """
    index = read_index(folder)
    for detector in (old, new):
        if detector.card.input.channels != index.channels:
            raise TrainingError(
                f"{folder}: pairs of {index.channels} channels, model {detector.card.name!r} takes "
                f"{detector.card.input.channels}: prepare the pairs for it"
            )
    shown: list[Shown] = []
    for done, file in enumerate(index.files, start=1):
        pair, _ = read_pair(folder, int(file.removesuffix(".npz")))
        candidates = pair.candidates.astype(np.int64)
        decided = [_decided(detector, pair.golden, pair.unit, candidates) for detector in (old, new)]
        told = [_told(detector, decisions) for detector, decisions in zip((old, new), decided, strict=True)]
        if told[0] != told[1]:
            what = "renamed" if told[0].verdict == told[1].verdict else "flips"
            name = index.names.get(file) or file
            one = Differing(unit=name, what=what, old=told[0], new=told[1])
            pictures = [_marked(pair.unit, candidates, decisions) for decisions in decided]
            shown.append(Shown(one, ((file, pictures[0], pictures[1]),)))
        progress(done)
    report = ShadowReport(
        old=old.reference, new=new.reference, source_digest=index.source_digest,
        frames=sha256(canonical_json(index.files)), units=len(index.files),
        differing=tuple(s.differing for s in shown),
    )  # fmt: skip
    return report, tuple(shown)


def _decided(detector: ReleasedDetector, golden: U8, unit: U8, candidates: I64) -> I64:
    """Return the decision on each candidate, shown as a station shows it."""
    if not len(candidates):
        return np.zeros(0, np.int64)
    places = corners(candidates[:, :4], unit.shape).tolist()
    crops = [np.stack([crop(picture, x, y) for x, y in places]) for picture in (golden, unit)]
    found = detector.find(crops[0], crops[1], candidates[:, 4])
    return decide(found.probabilities, detector.operating, detector.hold_below)


def _told(detector: ReleasedDetector, decisions: I64) -> Told:
    found: list[int] = [d for d in decisions.tolist() if d != DISMISSED]
    names = sorted("held" if d == HOLD else detector.classes[d] for d in found)
    verdict = "REJECT" if (decisions > 0).any() else "HOLD" if names else "ACCEPT"
    return Told(verdict=verdict, reasons=(), defects=tuple((name, "no catalogue") for name in names))


def _marked(unit: U8, candidates: I64, decisions: I64) -> U8:
    picture = np.ascontiguousarray(np.repeat(unit, 3, axis=2) if unit.shape[2] == 1 else unit)
    for (x1, y1, x2, y2, _), decision in zip(candidates.tolist(), decisions.tolist(), strict=True):
        if decision != DISMISSED:
            colour = _HELD if decision == HOLD else _NAMED
            cv2.rectangle(picture, (x1 - 4, y1 - 4), (x2 + 4, y2 + 4), colour, 2, cv2.LINE_AA)
    return picture
