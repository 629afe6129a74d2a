"""The official figures: cases worked by hand, and a second implementation that goes as the script does."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.deeppcb.score import Detection, match, overlap, score
from datasets.deeppcb import Box

A = Box(0, 0, 10, 10, 1)


def found(x1: int, y1: int, x2: int, y2: int, confidence: float, kind: int) -> Detection:
    return Detection(Box(x1, y1, x2, y2, kind), confidence)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (Box(0, 0, 10, 10, 2), 1.0),
        (Box(5, 0, 15, 10, 1), 50 / 150),
        (Box(2, 3, 7, 5, 1), 10 / 100),
        (Box(10, 0, 20, 10, 1), 0.0),
        (Box(11, 11, 20, 20, 1), 0.0),
    ],
)
def test_overlap_is_of_areas_between_corners(other: Box, expected: float) -> None:
    assert overlap(A, other) == overlap(other, A) == expected


def test_a_perfect_answer_is_1_and_none_is_0() -> None:
    boxes = [A, Box(20, 0, 30, 10, 2)]
    perfect = score([(boxes, [Detection(box, 0.9) for box in boxes])])
    assert (perfect.ap, perfect.f, perfect.precision, perfect.recall, perfect.found) == (1, 1, 1, 1, 1)
    assert perfect.ap_of == {"open": 1, "short": 1}
    assert (perfect.escapes, perfect.false_boxes) == (0, 0)
    none = score([(boxes, []), ([], [])])
    assert (none.ap, none.f, none.precision, none.recall, none.found) == (0, 0, 0, 0, 0)
    assert (none.escapes, none.false_boxes) == (1, 0)
    assert score([]).ap == 0


def test_the_pooled_average_precision_worked_by_hand() -> None:
    """Ranks over both pictures: hit, miss, hit, miss; three labelled: (1/1 + 2/3) / 3."""
    first = ([A, Box(50, 50, 60, 60, 2)], [found(0, 0, 10, 10, 0.9, 1), found(80, 80, 90, 90, 0.8, 1)])
    second = ([Box(0, 0, 10, 10, 3)], [found(0, 0, 10, 10, 0.7, 3), found(30, 30, 40, 40, 0.1, 3)])
    scored = score([first, second])
    assert scored.ap == pytest.approx((1 + 2 / 3) / 3)
    assert scored.f == pytest.approx(2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3))
    assert (scored.precision, scored.recall) == (2 / 4, 2 / 3)
    assert scored.ap_of == {"open": 1.0, "short": 0.0, "mousebite": 1.0}
    assert (scored.escapes, scored.false_boxes) == (1 / 2, 2 / 2)


def test_the_type_is_compared_only_after_the_match() -> None:
    """The surer box of another type takes the label; the right one that comes second is a false box."""
    scored = score([([A], [found(0, 0, 10, 10, 0.9, 2), found(0, 0, 10, 10, 0.8, 1)])])
    assert (scored.ap, scored.f, scored.found) == (0, 0, 1)
    assert (scored.escapes, scored.false_boxes) == (0, 1)


def test_a_label_takes_the_surest_box_above_the_overlap_not_the_best_placed() -> None:
    """And an earlier label takes the only box that a later one would have needed."""
    loose, tight = found(0, 0, 10, 19, 0.9, 1), found(0, 0, 10, 10, 0.5, 1)
    assert match([A], [tight, loose]) == [(loose, A), (tight, None)]
    later = Box(0, 0, 10, 19, 2)
    assert match([A, later], [loose]) == [(loose, A)]


def test_an_overlap_of_exactly_the_bound_is_no_match() -> None:
    """33 of 100: the official comparison is strict."""
    assert match([A], [found(0, 0, 3, 11, 0.9, 1), found(0, 0, 10, 3, 0.8, 1)])[0][1] is None
    exact = Box(0, 0, 100, 33, 1)
    assert overlap(Box(0, 0, 100, 100, 1), exact) == 0.33
    assert match([Box(0, 0, 100, 100, 1)], [Detection(exact, 0.9)])[0][1] is None
    assert match([Box(0, 0, 100, 100, 1)], [found(0, 0, 100, 34, 0.9, 1)])[0][1] is not None


def test_equally_sure_boxes_keep_their_order() -> None:
    """A miss before a hit of the same confidence stays before it: 1/2, not 1."""
    miss, hit = found(50, 50, 60, 60, 0.5, 1), found(0, 0, 10, 10, 0.5, 1)
    assert score([([A], [miss, hit])]).ap == 1 / 2
    assert score([([A], [hit, miss])]).ap == 1


def literal(pictures: list[tuple[list[Box], list[Detection]]]) -> tuple[float, float]:
    """Return AP and F by matrices of overlaps on painted pixels and arrays of flags, as the script goes."""
    confidences: list[float] = []
    hits: list[bool] = []
    labels = matched = 0
    for boxes, detections in pictures:
        order = np.argsort([-d.confidence for d in detections], kind="stable")
        ordered = [detections[i] for i in order]
        painted = [[paint(b) for b in boxes], [paint(d.box) for d in ordered]]
        label_used, box_used = np.zeros(len(boxes), bool), np.zeros(len(ordered), bool)
        hit = np.zeros(len(ordered), bool)
        for i, j in itertools.product(range(len(boxes)), range(len(ordered))):
            both, either = painted[0][i] & painted[1][j], painted[0][i] | painted[1][j]
            if not label_used[i] and not box_used[j] and both.sum() / either.sum() > 0.33:
                label_used[i] = box_used[j] = True
                hit[j] = boxes[i].type == ordered[j].box.type
        labels += len(boxes)
        matched += int(hit.sum())
        confidences += [d.confidence for d in ordered]
        hits += hit.tolist()
    order = np.argsort(-np.array(confidences), kind="stable")
    flags = np.array(hits, bool)[order]
    precision = np.cumsum(flags) / np.arange(1, len(flags) + 1)
    if not labels or not confidences or not matched:
        return 0.0, 0.0
    p, r = matched / len(flags), matched / labels
    return float(precision[flags].sum() / labels), 2 * p * r / (p + r)


def paint(box: Box) -> np.ndarray:
    canvas = np.zeros((24, 24), bool)
    canvas[box.y1 : box.y2, box.x1 : box.x2] = True
    return canvas


sides = st.tuples(st.integers(0, 12), st.integers(3, 12))
small = st.builds(lambda x, y, kind: Box(x[0], y[0], sum(x), sum(y), kind), sides, sides, st.integers(1, 3))
pictures = st.lists(
    st.tuples(
        st.lists(small, max_size=5),
        st.lists(st.builds(Detection, small, st.integers(0, 10).map(lambda n: n / 10)), max_size=7),
    ),
    max_size=4,
)


@given(pictures)
def test_it_agrees_with_a_literal_second_implementation(
    made: list[tuple[list[Box], list[Detection]]],
) -> None:
    scored = score(made)
    assert (scored.ap, scored.f) == pytest.approx(literal(made))
    assert 0 <= scored.ap <= scored.recall <= scored.found <= 1
