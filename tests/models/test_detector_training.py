"""What a detector is fitted to and what is set on held-out candidates: crops, places, thresholds."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from models.detector import SIDE, decoded, encoded
from models.detector.calibrated import UNCHOSEN, calibration, operating, reliability
from models.detector.calibration import Calibration
from models.detector.card import DetectorThresholds
from models.detector.decision import HOLD, decide
from models.train.detector.data import (
    F32,
    I32,
    Crops,
    Prepared,
    batch,
    joined,
    places,
    read_prepared,
    turned,
    turned_box,
)

CLASSES = ("not_a_defect", "open", "short")
corner = st.floats(-40, 100, width=32)
length = st.floats(5, 150, width=32)


@given(corner, corner, length, length)
def test_boxes_are_learned_as_offsets_of_16_and_logarithms_of_32_px(
    x: float, y: float, w: float, h: float
) -> None:
    box = np.array([[x, y, x + w, y + h]], np.float32)
    told = encoded(box)
    assert told[0] == pytest.approx(
        [(x + w / 2 - 40) / 16, (y + h / 2 - 40) / 16, np.log(w / 32), np.log(h / 32)], abs=1e-4
    )
    np.testing.assert_allclose(decoded(told), box, atol=0.01)


def test_no_answer_of_a_network_overflows() -> None:
    wild = decoded(np.array([[0, 0, 1e4, -1e4]], np.float32))
    assert wild[0].tolist() == pytest.approx([40 - 80, 40 - 2, 40 + 80, 40 + 2])


@pytest.mark.parametrize("turn", range(8))
def test_a_box_turns_with_its_picture(turn: int) -> None:
    picture = np.zeros((SIDE, SIDE, 1), np.uint8)
    picture[10:25, 30:70] = 1
    box = turned_box(np.array([30, 10, 70, 25], np.float32), turn)
    ys, xs = np.nonzero(turned(picture, turn)[..., 0])
    assert box.tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]


def prepared(groups: tuple[str, ...] = ("a", "b"), classes: tuple[str, ...] = CLASSES) -> Prepared:
    """Return pairs with an open at 100..120, a candidate on it, one 4 px beside it and two elsewhere."""
    rng = np.random.default_rng(3)
    golden = [np.full((200, 240, 1), 255, np.uint8) for _ in groups]
    units = [rng.integers(0, 2, (200, 240, 1), np.uint8) * np.uint8(255) for _ in groups]
    for unit in units:
        unit[100:120, 100:130] = 77
    boxes = [np.array([[90, 90, 140, 130, 1]], np.int32) for _ in groups]
    candidates = [
        np.array(
            [[100, 100, 130, 120, 3], [140, 100, 148, 104, 2], [141, 100, 149, 104, 5], [10, 10, 14, 14, 8]],
            np.int32,
        )
        for _ in groups
    ]
    return Prepared(golden, units, boxes, candidates, list(groups), classes, {}, "sha256:" + "0" * 64)


def test_a_candidate_shows_the_defect_in_whose_box_its_centre_lies_or_4_px_beside() -> None:
    at = places(prepared(("a",)))
    assert at.kind.tolist() == [1, 1, 0, 0, 1]
    assert at.own.tolist() == [False, False, False, False, True]
    assert at.topology.tolist() == [3, 2, 5, 8, 0]
    assert at.centre.tolist() == [[115, 110], [144, 102], [145, 102], [12, 12], [115, 110]]
    assert at.box[0].tolist() == [90, 90, 140, 130]
    assert at.box[2].tolist() == [0, 0, 0, 0]


def test_of_two_boxes_the_nearer_counts() -> None:
    pairs = prepared(("a",))
    pairs.boxes[0] = np.array([[60, 60, 180, 180, 2], [100, 100, 130, 120, 1]], np.int32)
    assert places(pairs).kind[0] == 1


@pytest.mark.parametrize(("negatives", "kept"), [(0, [1, 1, 1]), (1, [0, 1, 1, 1]), (5, [0, 0, 1, 1, 1])])
def test_of_what_shows_nothing_so_many_of_each_pair_stay(negatives: int, kept: list[int]) -> None:
    some = places(prepared()).fewer(negatives, np.random.default_rng(0))
    for pair in (0, 1):
        assert sorted(some.kind[some.pair == pair].tolist()) == kept


def test_crops_show_the_defect_where_their_box_says_whichever_way_they_are_turned() -> None:
    pairs = prepared()
    at = places(pairs)
    chosen = np.flatnonzero(at.kind == 1).astype(np.int32).repeat(20)
    pictures, kinds, boxes = batch(Crops(pairs), at, chosen, np.random.default_rng(1))
    assert pictures.shape == (len(chosen), SIDE, SIDE, 2)
    assert (kinds == 1).all()
    assert (pictures[..., 0] == 255).all()
    for picture, box in zip(pictures, boxes, strict=True):
        ys, xs = np.nonzero(picture[..., 1] == 77)
        seen = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
        inner = np.array([box[0] + 10, box[1] + 10, box[2] - 10, box[3] - 10])
        turned_over = sorted((box[2] - box[0], box[3] - box[1])) == [40, 50]
        assert turned_over
        shown = np.clip(inner, 0, SIDE)
        np.testing.assert_array_equal(seen, shown)
    assert len({tuple(box) for box in boxes.tolist()}) > 30, "they are moved and turned"


@pytest.mark.parametrize(("x", "y"), [(3, 5), (238, 190), (120, 2), (1, 199), (120, 100)])
def test_a_crop_over_the_border_shows_the_picture_mirrored(x: int, y: int) -> None:
    pairs = prepared(("a",))
    crop, (left, top) = Crops(pairs).cut(0, x, y)
    wide = np.pad(pairs.units[0], ((60, 60), (60, 60), (0, 0)), mode="reflect")
    assert (left, top) == (x - 40, y - 40)
    np.testing.assert_array_equal(crop[..., 1:], wide[top + 60 :, left + 60 :][:SIDE, :SIDE])


def test_groups_are_kept_whole_and_folders_joined() -> None:
    pairs = prepared(("a", "b", "a"))
    kept = pairs.subset(lambda group: group == "a")
    assert kept.groups == ["a", "a"]
    assert kept.units[1] is pairs.units[2]
    both = joined([kept, prepared(("c",))])
    assert both.groups == ["a", "a", "c"]
    assert len(both.golden) == len(both.units) == len(both.boxes) == len(both.candidates) == 3
    with pytest.raises(ValueError, match="do not go with"):
        joined([kept, prepared(classes=("not_a_defect", "short", "open"))])


def test_a_folder_is_read_only_unaltered(tmp_path: Path) -> None:
    pairs = prepared(("a",))
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, golden=pairs.golden[0], unit=pairs.units[0], boxes=pairs.boxes[0],
        candidates=pairs.candidates[0],
    )  # fmt: skip
    (tmp_path / "000000.npz").write_bytes(buffer.getvalue())
    digest = "sha256:" + hashlib.sha256(buffer.getvalue()).hexdigest()
    index = {"classes": CLASSES, "files": {"000000.npz": digest}, "groups": {"000000.npz": "a"}}
    (tmp_path / "index.json").write_text(json.dumps(index))
    read = read_prepared(tmp_path)
    np.testing.assert_array_equal(read.units[0], pairs.units[0])
    assert (read.groups, read.classes) == (["a"], CLASSES)
    (tmp_path / "000000.npz").write_bytes(buffer.getvalue()[:-1] + b"x")
    with pytest.raises(ValueError, match="prepare again"):
        read_prepared(tmp_path)


def calibrated(seed: int, n: int = 4000) -> tuple[F32, I32]:
    """Return logits whose softmax is the truth, and kinds drawn by it."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 3)).astype(np.float32)
    shares = np.exp(log_softmax(logits, axis=1))
    kinds = (rng.random((n, 1)) > np.cumsum(shares, axis=1)).sum(axis=1).astype(np.int32)
    return logits, np.minimum(kinds, 2)


@pytest.mark.parametrize("heat", [0.7, 1.0, 2.5])
def test_the_temperature_is_the_one_of_greatest_likelihood(heat: float) -> None:
    logits, kinds = calibrated(5)
    hot = (logits * np.float32(heat)).astype(np.float32)

    def cost(t: float) -> float:
        return float(-log_softmax(hot / t, axis=1)[np.arange(len(kinds)), kinds].mean())

    best = minimize_scalar(cost, bounds=(0.5, 4), method="bounded").x
    found = calibration(hot, np.zeros(len(kinds), np.int64), kinds)
    assert found.temperature == pytest.approx(best, rel=0.002)
    assert found.temperature == pytest.approx(heat, rel=0.06)
    assert not np.any(found.table)


def test_the_table_says_what_a_topology_speaks_for_beside_the_picture() -> None:
    logits, kinds = calibrated(6, 30_000)
    chance = np.array([[0.2, 0.5, 0.3], [0.2, 0.1, 0.3], [0.6, 0.4, 0.4]])  # of topology 1 .. 3, by kind
    drawn = (np.random.default_rng(7).random((len(kinds), 1)) > np.cumsum(chance, axis=0).T[kinds]).sum(
        axis=1
    )
    topology = np.minimum(drawn, 2).astype(np.int64) + 1
    found = calibration(logits, topology, kinds)
    table = np.array(found.table)
    log_odds = np.log(chance)
    for row, expected in zip(table[1:4], log_odds, strict=True):
        np.testing.assert_allclose(row - row.mean(), expected - expected.mean(), atol=0.12)
    assert not table[0].any(), "nothing is concluded of what is not told"
    assert not table[4:].any(), "nor of what was never seen"
    plain = calibration(logits, np.zeros(len(kinds), np.int64), kinds)

    def cost(one: Calibration) -> float:
        of_truth = one.probabilities(logits, topology)[np.arange(len(kinds)), kinds]
        return float(-np.log(of_truth).mean())

    assert cost(found) < cost(plain) - 0.02


def test_what_a_table_needs_is_asked_for() -> None:
    logits, table = np.zeros((2, 2), np.float32), np.zeros((9, 2))
    table[3] = 1.0, -1.0
    told = Calibration(2.0, table.tolist()).probabilities(logits, np.array([0, 3]))
    np.testing.assert_allclose(told, [[0.5, 0.5], [1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))]], rtol=1e-6)
    for topology in (None, np.array([3])):
        with pytest.raises(ValueError, match="topology"):
            Calibration(2.0, table.tolist()).probabilities(logits, topology)
    np.testing.assert_allclose(Calibration(2.0).probabilities(logits, None), 0.5)


def test_thresholds_that_nobody_chose_dismiss_nothing() -> None:
    chosen = DetectorThresholds.model_validate(UNCHOSEN)
    probabilities = np.array([[1, 0, 0], [0.51, 0.49, 0], [0.5, 0.5, 0], [0.2, 0.2, 0.6]], np.float32)
    assert decide(probabilities, chosen.operating, chosen.hold_below).tolist() == [HOLD, HOLD, 1, 2]


def test_the_operating_threshold_has_the_greatest_f() -> None:
    sure = np.array([0.95, 0.9, 0.85, 0.55, 0.5, 0.45, 0.4, 0.3])
    right = np.array([1, 1, 1, 1, 0, 0, 1, 0])
    probabilities = np.zeros((8, 3), np.float32)
    probabilities[:, 1], probabilities[:, 0] = sure, 1 - sure
    at = operating(probabilities, right.astype(np.int32))
    # four right of four from 0.55: F 2 * 4 / (5 + 4) = 0.889; from 0.4 it is 2 * 5 / (5 + 7) = 0.833
    assert 0.5 < at <= 0.55


def test_the_reliability_diagram_counts_every_candidate_once() -> None:
    probabilities = np.array(
        [[0.95, 0.05, 0], [0.93, 0.07, 0], [0.2, 0.78, 0.02], [0.2, 0.1, 0.7]], np.float32
    )
    bars = reliability(probabilities, np.array([0, 1, 1, 1], np.int32))
    assert [(bar["n"], bar["correct"]) for bar in bars] == [(2, 0.5), (2, 0.5)]
    assert [bar["confidence"] for bar in bars] == pytest.approx([0.74, 0.94])
