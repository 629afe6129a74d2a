"""Pairs and figures of training: what is counted as found, named and false, and with which intervals."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from datasets.drawn import KINDS, DrawnDefect
from datasets.twin import Twin
from hallmark.training import evaluate as evaluation
from hallmark.training.evaluate import (
    Seen,
    View,
    _by_class,
    _inspect_one,
    _matches,
    _of_good,
    evaluate,
    outside,
)
from hallmark.training.golden import packaged_golden, packaged_image
from hallmark.training.pairs import captured
from models import CLASSES
from models.card import Metric
from models.errors import ModelForeignError
from tests.datasets import drawn_board as board
from tests.models import tiny

# --- what a finding is counted as

MM_PER_PX = 0.02


def defect(kind: str, *box: int) -> DrawnDefect:
    return DrawnDefect(kind, (box[0], box[1], box[2], box[3]), 1.0)


def found(*findings: tuple[str, tuple[float, float, float, float]]) -> Any:
    """Return what `_matches` reads of an inspection; boxes x, y, width, height in pixels."""
    boxes = [
        SimpleNamespace(defect_class=name, box_mm=tuple(v * MM_PER_PX for v in box)) for name, box in findings
    ]
    return SimpleNamespace(defects=boxes)


def matches(inspection: Any, *drawn: DrawnDefect) -> list[tuple[str | None, str | None]]:
    return list(_matches(inspection, drawn, MM_PER_PX))


SHORT = defect("short", 100, 100, 40, 20)


def test_a_box_on_a_defect_finds_it_under_the_name_it_gives() -> None:
    assert matches(found(("short", (100, 100, 40, 20))), SHORT) == [("short", "short")]
    assert matches(found(("stain", (102, 98, 40, 20))), SHORT) == [("short", "stain")]
    assert matches(found(("unclassified", (102, 98, 40, 20))), SHORT) == [("short", "unclassified")]


def test_nothing_found_is_a_miss_and_a_box_elsewhere_a_false_alarm() -> None:
    assert matches(found(), SHORT) == [("short", None)]
    assert matches(found(("stain", (300, 300, 9, 9))), SHORT) == [("short", None), (None, "stain")]
    assert matches(found(("stain", (300, 300, 9, 9)))) == [(None, "stain")]


def test_a_fifth_of_both_boxes_together_is_enough() -> None:
    # boxes 6 x 1, 4 apart: 2 of 10 pixels shared, and no centre in the other
    row = defect("scratch", 0, 0, 60, 10)
    assert matches(found(("scratch", (40, 0, 60, 10))), row) == [("scratch", "scratch")]
    assert matches(found(("scratch", (41, 0, 60, 10))), row) == [("scratch", None), (None, "scratch")]


def test_so_is_the_centre_of_one_in_the_other() -> None:
    assert matches(found(("short", (118, 108, 4, 4))), SHORT) == [("short", "short")]
    assert matches(found(("short", (0, 0, 260, 240))), SHORT) == [("short", "short")]
    assert matches(found(("short", (101, 101, 3, 3))), SHORT) == [("short", "short")], "anywhere inside"


def test_of_two_boxes_the_one_of_the_right_class_counts() -> None:
    both = found(("stain", (100, 100, 40, 20)), ("short", (110, 100, 30, 20)))
    assert matches(both, SHORT) == [("short", "short")]


def test_further_boxes_on_a_found_defect_are_parts_of_it_and_no_alarms() -> None:
    pieces = found(("short", (100, 100, 20, 20)), ("short", (120, 100, 20, 20)), ("stain", (125, 105, 9, 9)))
    assert matches(pieces, SHORT) == [("short", "short")]


def test_one_box_finds_one_defect() -> None:
    second = defect("short", 120, 100, 40, 20)
    assert sorted(matches(found(("short", (112, 100, 40, 20))), SHORT, second), key=str) == [
        ("short", "short"),
        ("short", None),
    ]


def test_the_best_overlap_is_taken_first() -> None:
    near, exact = ("stain", (104, 100, 40, 20)), ("scratch", (100, 100, 40, 20))
    neighbour = defect("short", 118, 100, 40, 20)
    assert matches(found(near, exact), SHORT, neighbour) == [("short", "scratch"), ("short", "stain")]


# --- figures


def unit(*pairs: tuple[str | None, str | None], verdict: str = "HOLD", boxes: int = 0) -> Seen:
    return Seen(pairs, verdict, boxes)


def test_recall_and_precision_by_hand() -> None:
    seen = [
        unit(("short", "short"), ("open", "short"), (None, "short")),
        unit(("short", "short"), ("short", "open"), ("short", None)),
    ]
    figures = {(m.name, m.defect_class): (m.value, m.n) for m in _by_class(seen)}
    assert figures["found", "short"] == (0.75, 4)
    assert figures["recall", "short"] == (0.5, 4)
    assert figures["precision", "short"] == (0.5, 4)
    assert figures["found", "open"] == (1.0, 1)
    assert figures["recall", "open"] == (0.0, 1)
    assert figures["precision", "open"] == (0.0, 1)
    assert len(figures) == 6, "a class never drawn nor named has no figures"


def test_good_units_are_counted_by_verdict_and_by_boxes() -> None:
    seen = [unit(verdict=v, boxes=b) for v, b in (("ACCEPT", 0), ("HOLD", 1), ("REJECT", 2), ("ACCEPT", 1))]
    stopped, boxes = _of_good("good", seen)
    assert (stopped.value, stopped.n) == (0.5, 4)
    assert (boxes.value, boxes.n) == (1.0, 4)
    # deviations -1, 0, 1, 0: variance 2/3, of the mean 1/6
    assert (boxes.lower, boxes.upper) == pytest.approx((1 - 1.96 * 6**-0.5, 1 + 1.96 * 6**-0.5), abs=1e-3)
    assert _of_good("good", []) == []
    assert [m.value for m in _of_good("good", [unit(verdict="ACCEPT")])] == [0.0, 0.0]


def share(name: str, kind: str | None, lower: float, upper: float) -> Metric:
    return Metric.model_validate(
        {"name": name, "class": kind, "value": lower, "lower": lower, "upper": upper, "n": 9, "unit": "1"}
    )


def test_intervals_that_do_not_reach_the_released_ones_are_told() -> None:
    released = [
        share("recall", "short", 0.8, 0.9),
        share("recall", "open", 0.5, 0.6),
        share("boxes", None, 0, 1),
    ]
    assert outside(released, released) == []
    touching = [
        share("recall", "short", 0.7, 0.8),
        share("recall", "open", 0.6, 0.9),
        share("boxes", None, 1, 2),
    ]
    assert outside(touching, released) == []
    worse, better = share("recall", "short", 0.6, 0.79), share("recall", "open", 0.61, 0.7)
    told = outside([worse, better], released)
    assert len(told) == 3
    assert "recall short: 0.6 [0.6, 0.79], released 0.8 [0.8, 0.9]" in told
    assert "boxes : absent" in told[2]
    assert outside([*released, share("new", None, 0, 1)], released) == []


# --- units


@pytest.mark.parametrize(("x", "inspected"), [(89, False), (90, True), (190, True), (191, False)])
def test_a_defect_counts_where_its_middle_lies_in_a_zone(x: int, inspected: bool) -> None:
    view = View("top", 0.02, (((100.0, 50.0), (200.0, 80.0)),))
    assert view.inspects(DrawnDefect("stain", (x, 55, 20, 20), 0.5)) == inspected


class Recorder:
    """In place of an inspector: keeps what it is shown."""

    def __init__(self) -> None:
        self.shown: list[np.ndarray] = []

    def inspect(self, frames: Any, serial: str) -> Any:
        assert serial
        self.shown.append(frames["top"].pixels)
        return SimpleNamespace(defects=(), verdict="HOLD")


def test_each_unit_of_an_evaluation_is_another_and_the_seed_decides(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recorder = Recorder()
    everywhere = ((0.0, 0.0), (1e4, 1e4))
    view = View("top", board.MM_PER_PX, (everywhere,))
    line = board.units(), Twin(board.picture(), board.MM_PER_PX), recorder, view
    monkeypatch.setattr(evaluation, "_line", lambda _: line)
    work = [(tmp_path, 5, kind, i) for kind in ("defects", "other", "same") for i in (0, 1)]
    seen = [_inspect_one(w) for w in (*work, work[0], (tmp_path, 6, "defects", 0))]
    shown = [pixels.tobytes() for pixels in recorder.shown]
    assert len(set(shown)) == 7
    assert shown[6] == shown[0]
    for kind, answer in seen[:2]:
        assert kind == "defects"
        drawn = [truth for truth, _ in answer.matches]
        assert set(drawn) <= set(KINDS)
        assert len(drawn) == len(set(drawn)) >= len(KINDS) - 1
    assert all(answer.matches == () for _, answer in seen[2:6])


def test_a_captured_unit_shows_its_defects_whether_bent_or_not() -> None:
    """Bent, the artwork lies a few pixels elsewhere: the same seed, another frame of the same size."""
    drawn = board.units().draw(np.random.default_rng(3), ("stain",), varied=False)
    straight, again, bent = (
        captured(np.random.default_rng(4), drawn, board.MM_PER_PX, bent=b).pixels
        for b in (False, False, True)
    )
    np.testing.assert_array_equal(straight, again)
    assert bent.shape == straight.shape
    assert (bent != straight).any()


def test_a_model_of_another_golden_image_is_not_evaluated(tmp_path: Path) -> None:
    with pytest.raises(ModelForeignError, match="was made from the golden image"):
        evaluate(tiny.release(tmp_path / "m"), seed=1, units=1, good=1, processes=1, progress=lambda *_: None)


def test_the_packaged_board_is_drawn_in_its_own_scale() -> None:
    sample = packaged_golden()
    pixels, view = packaged_image()
    assert pixels.shape == (1888, 1663, 3)
    assert sample.spec.view(view).mm_per_px == pytest.approx(25.4 / 1200, rel=1e-3)


def test_kinds_are_numbered_as_classes() -> None:
    assert CLASSES[1:] == KINDS
