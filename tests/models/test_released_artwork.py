"""The packaged detector of artwork: whole, in parity, honest of its data, and good at drawn boards."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from datasets.deeppcb import TYPES
from datasets.drawn.artwork import draw
from models.detector.card import read_detector_card
from models.detector.release import open_detector, verify_detector
from models.release import packaged
from vision.artwork import detect

FOLDER = packaged("artwork")


def board(seed: int) -> npt.NDArray[np.uint8]:
    """Return traces and pads of no particular design, 400 x 400."""
    rng = np.random.default_rng(seed)
    picture = np.full((400, 400), 255, np.uint8)
    for k in range(8):
        y = 30 + 46 * k + int(rng.integers(-4, 5))
        bend = int(rng.integers(120, 280))
        cv2.polylines(
            picture, [np.array([[20, y], [bend, y], [bend + 20, y + 18], [380, y + 18]])], isClosed=False,
            color=0, thickness=int(rng.integers(9, 17)),
        )  # fmt: skip
        for x in (20, 380):
            cv2.circle(picture, (x, y if x == 20 else y + 18), 15, 0, -1)
    return picture


def test_it_is_in_parity_on_its_whole_fixed_set() -> None:
    found = verify_detector(FOLDER)
    assert found.keys() == {"fp32", "int8"}
    assert all(parity.crops >= 1000 and parity.flips == 0 for parity in found.values())


def test_its_card_says_whose_data_it_learned_from() -> None:
    card = read_detector_card(FOLDER)
    assert "MIT License" in card.licence
    assert "research purpose only" in card.licence
    assert card.classes == ("not_a_defect", *TYPES)
    assert {one.use for one in card.data} == {"training"}
    ap = next(m for m in card.metrics if m.name == "ap" and m.defect_class is None)
    assert ap.lower < ap.value < ap.upper
    assert "held out" in card.conditions


def test_most_of_what_is_drawn_on_unseen_boards_is_found_and_named() -> None:
    detector = open_detector(FOLDER)
    labelled = right = false = 0
    for seed in range(6):
        pair = draw(board(seed), np.random.default_rng(seed))
        found = detect(pair.template, pair.tested, detector, detector.operating)
        labelled += len(pair.boxes)
        for finding in found:
            x, y = (finding.box[0] + finding.box[2]) / 2, (finding.box[1] + finding.box[3]) / 2
            names = [TYPES[b.type - 1] for b in pair.boxes if b.x1 <= x <= b.x2 and b.y1 <= y <= b.y2]
            right += finding.defect_class in names
            false += not names
    assert labelled > 30
    assert right >= 0.8 * labelled
    assert false <= 0.1 * labelled
    assert detect(board(0), board(0), detector, 0.02) == []
