"""Naming through the inspector: what a classifier is given, and what its answers become."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.twin import Change, ColourShift, ExcessMaterial, MissingMaterial, bar, rectangle
from evidence import Inspection, ModelReference
from models import CELL, CROP, NOT_A_DEFECT, UNCLASSIFIED
from tests.vision import board
from vision.naming import _covering  # pyright: ignore[reportPrivateUsage]
from vision.surface import Deviation

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

REFERENCE = ModelReference(name="fake", digest="sha256:" + "7" * 64)
CLASSES = (NOT_A_DEFECT, "open", "speck", "whisker")
BLOB = ExcessMaterial(rectangle(330, 340, 40, 34), (600, 430))
CUT = MissingMaterial(bar((374, 300), (425, 300), 16), (480, 400))


def changed(golden: U8, unit: U8) -> npt.NDArray[np.bool_]:
    """Return which cells (n, rows, columns) show something else, by their mean difference."""
    difference = np.abs(unit.astype(int) - golden).max(axis=3)
    n, h, w = difference.shape
    return difference.reshape(n, h // CELL, CELL, w // CELL, CELL).mean(axis=(2, 4)) > 25


def always(*shares: float) -> Callable[[U8, U8], F32]:
    """Return answers that give the cells that changed these probabilities, all others 1 of no defect."""

    def answer(golden: U8, unit: U8) -> F32:
        cells = changed(golden, unit)
        out = np.zeros((*cells.shape, len(CLASSES)), np.float32)
        out[..., 0] = 1
        out[cells] = np.array([*shares, *[0.0] * len(CLASSES)], np.float32)[: len(CLASSES)]
        return out

    return answer


@dataclass
class Fake:
    """A classifier that answers as told and remembers what it was given."""

    answer: Callable[[U8, U8], F32]
    hold_below: float = 0.5
    dismiss_from: float = 0.9
    reference: ModelReference = REFERENCE
    classes: tuple[str, ...] = CLASSES
    golden_image: str = "sha256:" + hashlib.sha256(board.png(board.golden_rgb())).hexdigest()
    given: list[tuple[U8, U8]] = field(default_factory=list)

    def probabilities(self, golden: U8, unit: U8) -> F32:
        self.given.append((golden.copy(), unit.copy()))
        return self.answer(golden, unit)


def inspect(classifier: Fake, *changes: Change) -> Inspection:
    frame = board.frame(board.captured(50, *changes).pixels)
    return board.inspector(classifier=classifier).inspect({"top": frame}, serial="S1")


def test_a_named_deviation_is_weighed_by_its_class_and_measured() -> None:
    inspection = inspect(Fake(always(0.04, 0.96)), BLOB)
    (found,) = inspection.defects
    assert (found.defect_class, found.confidence) == ("open", pytest.approx(0.96, abs=1e-4))
    assert (found.severity, found.rule) == ("major", "open")
    assert (inspection.verdict, inspection.model, inspection.dismissed) == ("REJECT", REFERENCE, 0)
    assert found.size_mm == pytest.approx(np.hypot(40, 34) * board.MM_PER_PX, abs=2 * CELL * board.MM_PER_PX)
    box = np.array(found.box_mm) / board.MM_PER_PX
    assert np.abs(box - (329.5, 339.5, 40, 34)).max() <= CELL


def test_a_deviation_of_an_allowed_class_is_recorded_and_accepted() -> None:
    inspection = inspect(Fake(always(0.1, 0.0, 0.9)), BLOB)
    (found,) = inspection.defects
    assert (found.severity, found.rule) == ("allowed", "speck")
    assert (inspection.verdict, inspection.reasons) == ("ACCEPT", ())


def test_a_class_that_the_catalogue_does_not_know_holds_the_unit() -> None:
    inspection = inspect(Fake(always(0.01, 0.0, 0.0, 0.99)), BLOB)
    assert (inspection.verdict, inspection.reasons) == ("HOLD", ("surface_unclassified",))
    assert (inspection.defects[0].defect_class, inspection.defects[0].severity) == ("whisker", None)


@pytest.mark.parametrize(("share", "name"), [(0.61, "speck"), (0.59, UNCLASSIFIED)])
def test_a_region_named_with_too_little_confidence_is_unclassified(share: float, name: str) -> None:
    inspection = inspect(Fake(always(0.1, 0.9 - share, share), hold_below=0.6), BLOB)
    (found,) = inspection.defects
    assert (found.defect_class, found.confidence) == (name, pytest.approx(share, abs=1e-4))
    assert inspection.verdict == ("ACCEPT" if name == "speck" else "REJECT")


@pytest.mark.parametrize(("share", "dismissed"), [(0.91, 1), (0.89, 0)])
def test_a_deviation_is_dismissed_only_by_a_classifier_that_is_sure(share: float, dismissed: int) -> None:
    inspection = inspect(Fake(always(share, 1 - share)), BLOB)
    assert (inspection.dismissed, len(inspection.defects)) == (dismissed, 1 - dismissed)
    assert inspection.verdict == ("ACCEPT" if dismissed else "REJECT")
    assert all((d.defect_class, d.confidence) == (UNCLASSIFIED, None) for d in inspection.defects)


def test_each_region_has_its_own_class() -> None:
    def answer(golden: U8, unit: U8) -> F32:
        brighter = unit.astype(int).sum(axis=3) > golden.astype(int).sum(axis=3)
        n, h, w = brighter.shape
        more = brighter.reshape(n, h // CELL, CELL, w // CELL, CELL).mean(axis=(2, 4)) > 0.5
        cells = changed(golden, unit)
        out = np.zeros((*cells.shape, len(CLASSES)), np.float32)
        out[..., 0] = ~cells
        out[..., 1] = cells & ~more
        out[..., 2] = cells & more
        return out

    inspection = inspect(Fake(answer), BLOB, CUT)
    assert {d.defect_class for d in inspection.defects} == {"open", "speck"}
    for found, expected in ((d, BLOB if d.defect_class == "speck" else CUT) for d in inspection.defects):
        xs, ys = zip(*expected.polygon_px, strict=True)
        x, y, w, h = (v / board.MM_PER_PX for v in found.box_mm)
        assert min(xs) < x + w / 2 < max(xs)
        assert min(ys) < y + h / 2 < max(ys)


@pytest.mark.parametrize(("part", "names"), [(0.5, {"open", "speck"}), (0.1, {"speck"})])
def test_a_region_is_divided_only_where_a_second_class_holds_enough_of_it(
    part: float, names: set[str]
) -> None:
    """The left part of the blob is called open, the rest speck."""

    def answer(golden: U8, unit: U8) -> F32:
        cells = changed(golden, unit)
        out = np.zeros((*cells.shape, len(CLASSES)), np.float32)
        out[..., 0] = ~cells
        for crop, where in zip(out, cells, strict=True):
            columns = np.flatnonzero(where.any(axis=0))
            limit = columns[0] + round(part * len(columns)) if len(columns) else 0
            crop[:, :limit, 1] = where[:, :limit]
            crop[:, limit:, 2] = where[:, limit:]
        return out

    inspection = inspect(Fake(answer), BLOB)
    assert {d.defect_class for d in inspection.defects} == names


def test_it_is_given_native_crops_of_the_golden_image_and_of_the_unit_aligned_to_it() -> None:
    fake = Fake(always(0.0, 1.0))
    inspect(fake, BLOB)
    ((golden, unit),) = fake.given
    assert golden.shape == unit.shape == (1, CROP, CROP, 3)
    assert golden.dtype == unit.dtype == np.uint8
    whole = board.golden_rgb()
    left, top = 350 - CROP // 2, 357 - CROP // 2  # the blob in the middle, to a cell
    places = [
        (x, y) for y in range(top - CELL, top + CELL + 1) for x in range(left - CELL, left + CELL + 1)
        if np.array_equal(whole[y : y + CROP, x : x + CROP], golden[0])
    ]  # fmt: skip
    assert len(places) == 1
    assert places[0][0] % CELL == places[0][1] % CELL == 0
    middle = np.s_[CROP // 2 - 10 : CROP // 2 + 10, CROP // 2 - 10 : CROP // 2 + 10]
    assert unit[0][middle].mean() > golden[0][middle].mean() + 40
    rest = np.abs(unit[0].astype(int) - golden[0]).mean(axis=2)
    rest[CROP // 2 - 30 : CROP // 2 + 30, CROP // 2 - 30 : CROP // 2 + 30] = 0
    assert np.percentile(rest, 90) < 15  # noise remains


def test_a_deviation_larger_than_a_crop_is_one_region() -> None:
    long = ColourShift(rectangle(330, 340, 300, 34), lab_offset=(-30.0, 0.0, 0.0))
    fake = Fake(always(0.0, 1.0))
    inspection = inspect(fake, long)
    assert sum(len(golden) for golden, _ in fake.given) > 1
    widest = max(inspection.defects, key=lambda d: d.size_mm)
    assert widest.size_mm == pytest.approx(302 * board.MM_PER_PX, abs=2 * CELL * board.MM_PER_PX)


def test_it_is_not_asked_about_a_good_unit_but_named_in_its_record() -> None:
    fake = Fake(always(0.0, 1.0))
    inspection = inspect(fake)
    assert fake.given == []
    assert (inspection.verdict, inspection.dismissed) == ("ACCEPT", 0)
    assert inspection.model == REFERENCE


def test_without_a_classifier_no_model_is_named() -> None:
    frame = board.frame(board.captured(50).pixels)
    assert board.shared_inspector().inspect({"top": frame}, serial="S1").model is None


@pytest.mark.parametrize(
    "cut",
    [np.s_[:0], np.s_[:, :1, :1], np.s_[:, :-1], np.s_[..., :-1]],
    ids=["no crop", "one cell", "a row less", "a class less"],
)
def test_a_classifier_that_answers_too_little_never_leads_to_accept(cut: object) -> None:
    def short(golden: U8, unit: U8) -> F32:
        return always(0.0, 0.0, 1.0)(golden, unit)[cut]

    with pytest.raises(ValueError, match="the classifier answered"):
        inspect(Fake(short), BLOB)


def named_in_part(rest: float) -> Callable[[U8, U8], F32]:
    """Return answers that call the left part of a deviation speck, and its right part no defect by `rest`."""

    def answer(golden: U8, unit: U8) -> F32:
        cells = changed(golden, unit)
        out = np.zeros((*cells.shape, len(CLASSES)), np.float32)
        out[..., 0] = 1
        for crop, where in zip(out, cells, strict=True):
            columns = np.flatnonzero(where.any(axis=0))
            left = where & (np.arange(where.shape[1]) < columns[0] + round(0.6 * len(columns)))
            crop[left] = (0, 0, 1, 0)
            crop[where & ~left] = (rest, 1 - rest, 0, 0)
        return out

    return answer


@pytest.mark.parametrize(
    ("rest", "classes", "dismissed"), [(0.7, {"speck", UNCLASSIFIED}, 0), (0.95, {"speck"}, 1)]
)
def test_the_smaller_part_of_a_deviation_is_dismissed_or_stays_like_a_whole_one(
    rest: float, classes: set[str], dismissed: int
) -> None:
    inspection = inspect(Fake(named_in_part(rest)), BLOB)
    assert {d.defect_class for d in inspection.defects} == classes
    assert inspection.dismissed == dismissed
    assert inspection.verdict == ("ACCEPT" if dismissed else "REJECT")
    if not dismissed:
        speck, other = sorted(inspection.defects, key=lambda d: d.box_mm[0])
        assert (speck.defect_class, other.defect_class) == ("speck", UNCLASSIFIED)
        right = (BLOB.polygon_px[1][0] - 0.5) * board.MM_PER_PX
        assert other.box_mm[0] + other.box_mm[2] == pytest.approx(right, abs=CELL * board.MM_PER_PX)


boxes = st.tuples(
    st.integers(0, 780), st.integers(0, 620), st.integers(2, 800), st.integers(2, 640)
)  # x, y, width, height in pixels of the board


@given(st.lists(boxes, min_size=1, max_size=6))
def test_crops_show_every_deviation_and_what_lies_around_it(found: list[tuple[int, int, int, int]]) -> None:
    """Around it as far as the picture goes: a crop's outermost 40 pixels judge nothing."""
    place, dot = (0.0, 0.0, 1.0, 1.0), np.ones((1, 1), np.bool_)
    deviations = [
        Deviation((x - 0.5, y - 0.5, float(w), float(h)), place, 1.0, ("field",), (x // 2, y // 2), dot)
        for x, y, w, h in found
    ]
    corners = _covering(deviations)
    assert not (corners % CELL).any()
    seen = np.zeros((640 + 640 + CROP, 800 + 800 + CROP), np.bool_)
    for left, top in corners + CROP // 2:
        inner = np.s_[max(top, 0) + 40 : top + CROP - 40, max(left, 0) + 40 : left + CROP - 40]
        seen[inner] = True
    for x, y, w, h in np.add(found, (CROP // 2, CROP // 2, 0, 0)):
        assert seen[y : y + h, x : x + w].all()


def test_a_view_is_named_only_by_a_model_that_was_made_from_its_golden_image() -> None:
    foreign = Fake(always(0.0, 0.0, 1.0), golden_image="sha256:" + "0" * 64)
    inspection = inspect(foreign, BLOB)
    assert foreign.given == []
    assert [(d.defect_class, d.confidence) for d in inspection.defects] == [(UNCLASSIFIED, None)]
    assert inspection.verdict == "REJECT"


def test_the_record_names_the_release_of_the_runtime_that_answered() -> None:
    assert inspect(Fake(always(0.0, 1.0))).versions["onnxruntime"] == metadata.version("onnxruntime")
