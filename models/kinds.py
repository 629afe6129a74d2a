"""Either kind of model by its folder: cell classifiers (`models.release`) and detectors of crops."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.keys import TrustStore
from models.card import CARD, ModelCard, read_card
from models.detector import release as detectors
from models.detector.card import SCHEMA as DETECTOR
from models.detector.card import DetectorCard, read_detector_card
from models.detector.release import open_detector, verify_detector
from models.detector.runtime import ReleasedDetector
from models.release import ReleasedModel, open_model, verify
from models.release import report_parity as report_cells
from models.release.report import ParityReport, flip_rate_upper


@dataclass(frozen=True, slots=True)
class NetworkParity:
    """What one network of a release was found to answer, beside the trained network.

    Attributes:
        runtime: fp32 or int8.
        crops: inputs of the fixed set.
        decisions: what was decided on them: crops, or the cells of crops.
        unit: what a decision is about, "crop" or "cell".
        probability: largest difference of a probability.
        box_px: largest difference of an edge of a box that is reported; None where there are none.
        repeated: crops that INT8 left to FP32.
    """

    runtime: str
    crops: int
    decisions: int
    unit: str
    probability: float
    box_px: float | None
    repeated: int

    @property
    def flip_rate_upper(self) -> float:
        """With 95 % confidence fewer than this share of such crops are decided otherwise."""
        return flip_rate_upper(self.crops)


def card_of(folder: Path) -> ModelCard | DetectorCard:
    """Read the card of a release of either kind; raise ModelFormatError where there is none."""
    return read_detector_card(folder) if is_detector(folder) else read_card(folder)


def open_release(folder: Path, trust: TrustStore | None = None) -> ReleasedModel | ReleasedDetector:
    """Open a release of either kind; see `open_model` and `open_detector`."""
    return open_detector(folder, trust) if is_detector(folder) else open_model(folder, trust)


def verify_release(folder: Path, trust: TrustStore | None = None) -> tuple[NetworkParity, ...]:
    """Check a release of either kind against all its inputs; see `verify` and `verify_detector`."""
    if not is_detector(folder):
        found = verify(folder, trust)
        return (NetworkParity("fp32", found.crops, found.cells, "cell", found.probability, None, 0),)
    return tuple(
        NetworkParity(runtime, p.crops, p.crops, "crop", p.probability, p.box_px, p.repeated)
        for runtime, p in verify_detector(folder, trust).items()
    )


def report_parity(folder: Path) -> ParityReport:
    """Write the parity report of a release of either kind, made from all its inputs, and return it."""
    return detectors.report_parity(folder) if is_detector(folder) else report_cells(folder)


def is_detector(folder: Path) -> bool:
    """Return whether the card says so of itself; a card that cannot be read is refused by its reader."""
    try:
        stated: Any = json.loads((folder / CARD).read_bytes())
        return stated["schema"] == DETECTOR
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
