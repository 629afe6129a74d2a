"""Why a deviation is, or is not, a defect: pictures made again from the frame, numbers as in the record."""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np
import pytest

from datasets.twin import ExcessMaterial, rectangle
from evidence import Frame, FrameError, Inspection, ModelReference, because
from tests.vision import board
from tests.vision.test_naming import BLOB, CUT, Fake, always
from vision import Explanation, Inspector

STRIP = ExcessMaterial(rectangle(560, 300, 60, 10), (600, 430))


@functools.cache
def shown(*shares: float) -> tuple[Inspector, Frame, Inspection, tuple[Explanation, ...]]:
    """Return a board with a blob, a cut and a strip, its record and what explains it."""
    inspector = board.inspector(model=Fake(always(*shares)) if shares else None)
    frame = board.frame(board.captured(50, BLOB, CUT, STRIP).pixels)
    record = inspector.inspect({"top": frame}, serial="S1")
    return inspector, frame, record, inspector.explain(frame, record)


def test_each_listed_defect_is_explained_in_the_records_order() -> None:
    _, _, record, found = shown(0.04, 0.9, 0.06)
    assert [e.number for e in found] == [1, 2, 3]
    assert [e.defect for e in found] == list(record.defects)
    assert [e.because for e in found] == [because(d) for d in record.defects]
    assert {e.defect_class for e in found} == {"open"}


def test_crops_show_the_golden_image_and_the_unit_in_its_place() -> None:
    golden = board.golden_rgb()
    for e in shown(0.04, 0.9, 0.06)[3]:
        x, y = e.corner
        side = len(e.golden)
        assert e.golden.shape == e.unit.shape == (side, side, 3)
        assert np.array_equal(e.golden, golden[y : y + side, x : x + side])
        assert e.difference.dtype == np.int16
        assert np.array_equal(e.golden + e.difference, e.unit)
        # what was changed is where the box and the pixels say, and the rest is alike
        outside = np.ones((side, side), np.bool_)
        left, top, width, height = (int(v) for v in e.box)
        outside[max(top - 4, 0) : top + height + 5, max(left - 4, 0) : left + width + 5] = False
        assert np.abs(e.difference[e.inside]).mean() > 40
        assert np.abs(e.difference[outside]).mean() < 12
        assert e.inside[:, : left - 1].sum() == e.inside[: top - 1].sum() == 0


def test_windows_are_centred_and_hold_the_deviation_with_its_surroundings() -> None:
    for e in shown(0.04, 0.9, 0.06)[3]:
        side, (x, y, w, h) = len(e.golden), e.box
        assert side >= max(1.5 / board.MM_PER_PX, 1.6 * max(w, h))
        assert abs(x + w / 2 - side / 2) <= 1.5
        assert abs(y + h / 2 - side / 2) <= 1.5
        assert e.defect is not None
        box = np.array(e.defect.box_mm) / board.MM_PER_PX
        assert np.allclose(box, (x + e.corner[0], y + e.corner[1], w, h), atol=0.01)


def test_the_heat_is_the_classifiers_probability_of_a_defect() -> None:
    for e in shown(0.04, 0.9, 0.06)[3]:
        assert e.shows == "probability"
        middle = len(e.heat) // 2
        assert e.heat[middle, middle] == pytest.approx(0.96, abs=1e-6)
        assert e.heat[2, 2] == pytest.approx(0.0, abs=1e-6)


def test_without_a_classifier_the_heat_is_the_excess_over_what_is_tolerated() -> None:
    _, _, record, found = shown()
    assert [d.named_by for d in record.defects] == ["comparison"] * 3
    for e in found:
        assert e.shows == "excess"
        assert e.defect is not None
        assert e.defect.contrast == pytest.approx(float(e.heat[e.inside].max()), abs=0.05)
        assert e.heat[2, 2] == 0


def test_what_was_dismissed_comes_last_with_its_probability() -> None:
    _, _, record, found = shown(0.93, 0.07)
    assert (len(record.defects), record.dismissed, len(found)) == (0, 3, 3)
    sizes = [float(e.because.split()[1]) for e in found]
    assert sizes == sorted(sizes, reverse=True)
    for e in found:
        assert (e.number, e.defect, e.defect_class) == (None, None, "not_a_defect")
        assert re.fullmatch(r"size \d\.\d\d mm, no defect with probability 0\.9[345]: dismissed", e.because)


def test_a_record_says_what_named_a_defect_and_how_sure_it_was() -> None:
    for d in shown(0.04, 0.9, 0.06)[2].defects:
        assert (d.named_by, d.confidence, d.score) == (
            "classifier", pytest.approx(0.9, abs=1e-3), pytest.approx(0.96, abs=1e-3),
        )  # fmt: skip
        assert (d.second_class, d.second_confidence) == ("speck", pytest.approx(0.06, abs=1e-3))
        assert d.zones is not None
        assert d.zone in d.zones
        assert d.area_mm2 is not None
        assert d.length_mm is not None
        assert 0 < d.area_mm2 < d.size_mm**2
        assert 0 < d.length_mm <= d.size_mm
        assert d.delta_e is not None
        assert d.delta_e > 5  # copper against laminate


def test_explaining_changes_nothing_and_is_bounded() -> None:
    inspector, frame, record, found = shown(0.04, 0.9, 0.06)
    assert [e.number for e in inspector.explain(frame, record, most=2)] == [1, 2]
    again = inspector.explain(frame, record)
    assert all(np.array_equal(a.unit, b.unit) for a, b in zip(again, found, strict=True))
    assert inspector.inspect({"top": frame}, serial="S1").digest == record.digest


def altered(record: Inspection, **fields: Any) -> Inspection:
    return record.model_copy(update=fields)


def test_only_the_own_frame_of_an_own_record_is_explained() -> None:
    inspector, frame, record, _ = shown(0.04, 0.9, 0.06)
    other = board.frame(board.captured(51).pixels)
    with pytest.raises(FrameError, match="give the very file that was inspected"):
        inspector.explain(other, record)
    foreign = altered(record, golden=record.golden.model_copy(update={"digest": "sha256:" + "6" * 64}))
    with pytest.raises(FrameError, match="give the golden sample that judged it"):
        inspector.explain(frame, foreign)
    for defects in (record.defects[1:], record.defects[::-1], (*record.defects, record.defects[0])):
        with pytest.raises(FrameError, match="lists other deviations than are found in its frame now"):
            inspector.explain(frame, altered(record, defects=defects))
    renamed = record.defects[0].model_copy(update={"defect_class": "speck"})
    with pytest.raises(FrameError, match="lists other deviations"):
        inspector.explain(frame, altered(record, defects=(renamed, *record.defects[1:])))


def test_a_record_is_explained_with_the_model_that_it_names_alone() -> None:
    inspector, frame, record, _ = shown(0.04, 0.9, 0.06)
    bare, _, unnamed, _ = shown()
    other = ModelReference(name="fake", digest="sha256:" + "8" * 64)
    retrained = board.inspector(model=Fake(always(0.04, 0.9, 0.06), reference=other))
    for given, judged, said in (
        (retrained, record, "model 'fake', sha256:7777.* not by model 'fake', sha256:8888"),
        (bare, record, "model 'fake', sha256:7777.* not by no model"),
        (inspector, unnamed, "by no model, not by model 'fake', sha256:7777"),
    ):
        with pytest.raises(FrameError, match=said):
            given.explain(frame, judged)


def test_a_unit_that_was_not_found_has_nothing_to_show() -> None:
    inspector = shown(0.04, 0.9, 0.06)[0]
    grey = board.frame(np.full((board.HEIGHT, board.WIDTH, 3), 128, np.uint8))
    record = inspector.inspect({"top": grey}, serial="S2")
    assert record.verdict == "HOLD"
    assert inspector.explain(grey, record) == ()
