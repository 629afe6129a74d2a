"""The classifier's contract as the inspector keeps it: what it is given, and what its answers become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest

from datasets.twin import ExcessMaterial, MissingMaterial, bar, rectangle
from evidence import Inspection, ModelReference
from models import UNCLASSIFIED, Call
from tests.vision import board

Box = tuple[int, int, int, int]
REFERENCE = ModelReference(name="fake", digest="sha256:" + "7" * 64)
BLOB = ExcessMaterial(rectangle(330, 340, 40, 34), (600, 430))
CUT = MissingMaterial(bar((374, 300), (425, 300), 16), (480, 400))


@dataclass
class Fake:
    """A classifier that answers as told and remembers what it was given."""

    answers: Sequence[Call]
    reference: ModelReference = REFERENCE
    given: list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], list[Box]]] = field(default_factory=list)

    def name(
        self, golden: npt.NDArray[np.uint8], unit: npt.NDArray[np.uint8], boxes: Sequence[Box]
    ) -> Sequence[Call]:
        self.given.append((golden.copy(), unit.copy(), list(boxes)))
        return self.answers[: len(boxes)]


def inspect(classifier: Fake, *changes: ExcessMaterial | MissingMaterial) -> Inspection:
    frame = board.frame(board.captured(50, *changes).pixels)
    return board.inspector(classifier=classifier).inspect({"top": frame}, serial="S1")


def test_a_named_deviation_is_weighed_by_its_class() -> None:
    inspection = inspect(Fake([Call("open", 0.93)]), BLOB)
    (found,) = inspection.defects
    assert (found.defect_class, found.confidence) == ("open", 0.93)
    assert (found.severity, found.rule) == ("major", "open")
    assert inspection.verdict == "REJECT"
    assert inspection.model == REFERENCE


def test_a_deviation_of_an_allowed_class_is_recorded_and_accepted() -> None:
    inspection = inspect(Fake([Call("speck", 0.8)]), BLOB)
    (found,) = inspection.defects
    assert (found.severity, found.rule) == ("allowed", "speck")
    assert (inspection.verdict, inspection.reasons) == ("ACCEPT", ())


def test_a_class_that_the_catalogue_does_not_know_holds_the_unit() -> None:
    inspection = inspect(Fake([Call("whisker", 0.99)]), BLOB)
    assert (inspection.verdict, inspection.reasons) == ("HOLD", ("surface_unclassified",))
    assert inspection.defects[0].severity is None


def test_a_classifier_that_is_not_sure_leaves_the_deviation_unclassified() -> None:
    inspection = inspect(Fake([Call(UNCLASSIFIED, 0.4)]), BLOB)
    (found,) = inspection.defects
    assert (found.defect_class, found.confidence, found.rule) == ("unclassified", None, "field")
    assert inspection.verdict == "REJECT"


def test_each_deviation_gets_its_own_call() -> None:
    fake = Fake([Call("open", 0.9), Call("speck", 0.8)])
    inspection = inspect(fake, BLOB, CUT)
    assert [d.defect_class for d in inspection.defects] == ["open", "speck"]
    ((_, _, boxes),) = fake.given
    assert len(boxes) == 2
    for found, (x, y, w, h) in zip(inspection.defects, boxes, strict=True):
        scale = board.MM_PER_PX * 2  # the views given are half as wide as the golden image
        np.testing.assert_allclose(np.array([x, y, w, h]) * scale, found.box_mm, atol=scale)


def test_it_is_given_the_golden_view_and_the_unit_aligned_to_it() -> None:
    fake = Fake([Call("open", 0.9)])
    inspect(fake, BLOB)
    ((golden, unit, boxes),) = fake.given
    assert golden.shape == unit.shape == (board.HEIGHT // 2, board.WIDTH // 2, 3)
    assert golden.dtype == unit.dtype == np.uint8
    expected = board.golden_rgb().astype(float).reshape(board.HEIGHT // 2, 2, board.WIDTH // 2, 2, 3)
    np.testing.assert_allclose(golden, expected.mean(axis=(1, 3)), atol=1)
    x, y, w, h = boxes[0]
    copper = np.s_[y + 4 : y + h - 4, x + 4 : x + w - 4]
    assert unit[copper].mean() > golden[copper].mean() + 40
    rest = np.abs(unit.astype(int) - golden).mean(axis=2)
    rest[y - 3 : y + h + 3, x - 3 : x + w + 3] = 0
    assert np.percentile(rest, 90) < 15  # lighting and noise remain


def test_it_is_not_asked_about_a_good_unit_but_named_in_its_record() -> None:
    fake = Fake([])
    inspection = inspect(fake)
    assert fake.given == []
    assert inspection.verdict == "ACCEPT"
    assert inspection.model == REFERENCE


def test_without_a_classifier_no_model_is_named() -> None:
    frame = board.frame(board.captured(50).pixels)
    assert board.shared_inspector().inspect({"top": frame}, serial="S1").model is None


@pytest.mark.parametrize("answers", [[], [Call("speck", 0.9)]])
def test_a_classifier_that_answers_too_little_never_leads_to_accept(answers: list[Call]) -> None:
    with pytest.raises(ValueError, match="shorter"):
        inspect(Fake(answers), BLOB, CUT)
