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
Answer = Callable[[U8, U8], F32]

REFERENCE = ModelReference(name="fake", digest="sha256:" + "7" * 64)
CLASSES = (NOT_A_DEFECT, "open", "speck", "whisker")
BLOB = ExcessMaterial(rectangle(330, 340, 40, 34), (600, 430))
CUT = MissingMaterial(bar((374, 300), (425, 300), 16), (480, 400))


def changed(golden: U8, unit: U8) -> npt.NDArray[np.bool_]:
    """Return which cells (n, rows, columns) show something else, by their mean difference."""
    difference = np.abs(unit.astype(int) - golden).max(axis=3)
    n, h, w = difference.shape
    return difference.reshape(n, h // CELL, CELL, w // CELL, CELL).mean(axis=(2, 4)) > 25


def always(*shares: float) -> Answer:
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

    answer: Answer
    hold_below: float = 0.5
    dismiss_from: float = 0.9
    reference: ModelReference = REFERENCE
    classes: tuple[str, ...] = CLASSES
    golden_image: str = "sha256:" + hashlib.sha256(board.png(board.golden_rgb())).hexdigest()
    islands: U8 | None = None
    given: list[tuple[U8, U8]] = field(default_factory=list)

    def probabilities(self, golden: U8, unit: U8) -> F32:
        self.given.append((golden.copy(), unit.copy()))
        return self.answer(golden, unit)


def inspect(classifier: Fake, *changes: Change) -> Inspection:
    frame = board.frame(board.captured(50, *changes).pixels)
    return board.inspector(model=classifier).inspect({"top": frame}, serial="S1")


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


def in_blob(classes: tuple[str, ...], rest: F32, *named: tuple[tuple[slice, slice], F32]) -> Answer:
    """Return answers that give the cells that changed `rest`, and parts of their box other probabilities."""

    def answer(golden: U8, unit: U8) -> F32:
        cells = changed(golden, unit)
        out = np.zeros((*cells.shape, len(classes)), np.float32)
        out[..., 0] = 1
        for crop, where in zip(out, cells, strict=True):
            crop[where] = rest
            rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
            if len(rows):
                box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
                for part, shares in named:
                    crop[box][part][where[box][part]] = shares
        return out

    return answer


def shares(classes: tuple[str, ...] = CLASSES, **values: float) -> F32:
    """Return the probabilities of classes by name, the rest no defect's."""
    out = np.array([values.get(c, 0.0) for c in classes], np.float32)
    out[0] = 1 - out.sum()
    return out


LEFT_HALF, LEFT_COLUMN, CORNER = np.s_[:, :5], np.s_[:, :1], np.s_[:2, :2]


@pytest.mark.parametrize(
    ("part", "names"),
    [(LEFT_HALF, {"open", "speck"}), (LEFT_COLUMN, {"open", "speck"}), (CORNER, {"speck"})],
    ids=["half of it", "a tenth, as long as it is high", "a corner below the smallest defect"],
)
def test_a_region_is_divided_where_a_second_class_is_large_enough_to_be_reported(
    part: tuple[slice, slice], names: set[str]
) -> None:
    """A part of the blob of about 10 x 9 cells is called open, the rest speck; 4 cells are 0.3 mm."""
    answer = in_blob(CLASSES, shares(speck=1), (part, shares(open=1)))
    assert {d.defect_class for d in inspect(Fake(answer), BLOB).defects} == names


def test_a_small_region_is_divided_too_where_a_second_class_holds_much_of_it() -> None:
    """Blurred it shows in 4 x 3 cells; its halves' cells are below the smallest defect, their pixels not."""
    small = ExcessMaterial(rectangle(328, 340, 3 * CELL, 2 * CELL), (600, 430))
    answer = in_blob(CLASSES, shares(speck=1), (np.s_[:, :2], shares(open=1)))
    assert {d.defect_class for d in inspect(Fake(answer), small).defects} == {"open", "speck"}


@pytest.mark.parametrize(("second", "names"), [(0.61, {"open", "speck"}), (0.59, {"speck"})])
def test_cells_of_a_class_that_is_not_sure_follow_one_that_is(second: float, names: set[str]) -> None:
    answer = in_blob(CLASSES, shares(speck=0.9), (LEFT_HALF, shares(open=second, speck=0.1)))
    inspection = inspect(Fake(answer, hold_below=0.6), BLOB)
    assert {d.defect_class for d in inspection.defects} == names
    if names == {"speck"}:
        (found,) = inspection.defects
        assert found.size_mm > np.hypot(40, 34) * board.MM_PER_PX * 0.9
        assert found.confidence == pytest.approx(0.9, abs=1e-4)  # of the cells that are sure


def test_most_of_a_region_follows_the_one_class_that_is_sure() -> None:
    answer = in_blob(CLASSES, shares(speck=0.55, open=0.1), (np.s_[:, :3], shares(open=0.9)))
    (found,) = inspect(Fake(answer, hold_below=0.6), BLOB).defects
    assert (found.defect_class, found.confidence) == ("open", pytest.approx(0.9, abs=1e-4))


def test_if_no_class_is_sure_all_is_one_unclassified_region() -> None:
    answer = in_blob(CLASSES, shares(speck=0.55), (LEFT_HALF, shares(open=0.58)))
    (found,) = inspect(Fake(answer, hold_below=0.6), BLOB).defects
    assert found.defect_class == UNCLASSIFIED
    assert found.size_mm > np.hypot(40, 34) * board.MM_PER_PX * 0.9


@pytest.mark.parametrize(("gap", "regions"), [(3, 1), (4, 2)])
def test_cells_nearer_than_the_smallest_defect_belong_together(gap: int, regions: int) -> None:
    """0.3 mm are nearly four cells; between them the classifier sees no defect."""
    answer = in_blob(CLASSES, shares(speck=1), (np.s_[:, 3 : 3 + gap], shares()))
    found = inspect(Fake(answer), BLOB).defects
    assert [d.defect_class for d in found] == ["speck"] * regions


ISLAND_CLASSES = (
    NOT_A_DEFECT, "missing_material", "excess_material", "short", "open", "contamination", "missing_feature",
)  # fmt: skip
BRIDGE = ExcessMaterial(rectangle(419, 200, 41, 30), (600, 430))
STUMP = ExcessMaterial(rectangle(419, 200, 26, 30), (600, 430))
NICK = MissingMaterial(bar((374, 300), (402, 300), 24), (480, 400))


def islands() -> U8:
    """Return the board's copper at half resolution, each rectangle an island."""
    out = np.zeros((board.HEIGHT // 2, board.WIDTH // 2), np.uint8)
    rectangles = board._RECTANGLES  # pyright: ignore[reportPrivateUsage]
    for i, (x, y, w, h) in enumerate(rectangles):
        out[round(y / 2) : round((y + h) / 2), round(x / 2) : round((x + w) / 2)] = i + 1
    return out


def island_shares(**values: float) -> F32:
    return shares(ISLAND_CLASSES, **values)


def told(answer: Answer, with_islands: bool, change: Change, hold_below: float = 0.5) -> list[str]:
    """Return the classes of what is found, from left to right."""
    fake = Fake(answer, hold_below, classes=ISLAND_CLASSES, islands=islands() if with_islands else None)
    return [d.defect_class for d in sorted(inspect(fake, change).defects, key=lambda d: d.box_mm[0])]


@pytest.mark.parametrize("word", ["excess_material", "short"])
@pytest.mark.parametrize(("change", "name"), [(BRIDGE, "short"), (STUMP, "excess_material")])
def test_the_islands_say_what_is_a_short(change: Change, name: str, word: str) -> None:
    answer = in_blob(ISLAND_CLASSES, island_shares(**{word: 1}))
    assert told(answer, True, change) == [name]
    assert told(answer, False, change) == [word]


@pytest.mark.parametrize("word", ["missing_material", "open"])
@pytest.mark.parametrize(("change", "name"), [(CUT, "open"), (NICK, "missing_material")])
def test_the_islands_say_what_is_an_open(change: Change, name: str, word: str) -> None:
    answer = in_blob(ISLAND_CLASSES, island_shares(**{word: 1}))
    assert told(answer, True, change) == [name]
    assert told(answer, False, change) == [word]


def test_classes_that_the_islands_tell_apart_are_one_in_confidence() -> None:
    answer = in_blob(ISLAND_CLASSES, island_shares(excess_material=0.45, short=0.45))
    assert told(answer, True, BRIDGE, hold_below=0.6) == ["short"]
    assert told(answer, True, STUMP, hold_below=0.6) == ["excess_material"]
    assert told(answer, False, BRIDGE, hold_below=0.6) == [UNCLASSIFIED]


def test_what_is_not_sure_stays_unclassified_whatever_it_joins() -> None:
    answer = in_blob(ISLAND_CLASSES, island_shares(short=0.55))
    assert told(answer, True, BRIDGE, hold_below=0.6) == [UNCLASSIFIED]


@pytest.mark.parametrize(
    ("beside", "first"), [("contamination", "short"), ("missing_feature", "excess_material")]
)
def test_contamination_beside_excess_counts_as_its_material(beside: str, first: str) -> None:
    """The left half of the bridge is called excess, its right half something else."""
    answer = in_blob(
        ISLAND_CLASSES, island_shares(**{beside: 1}), (LEFT_HALF, island_shares(excess_material=1))
    )
    assert told(answer, True, BRIDGE) == [first, beside]
    assert told(answer, False, BRIDGE) == ["excess_material", beside]


def test_contamination_apart_from_excess_does_not_count() -> None:
    """Of the bridge, a spot in the gap is called excess; below it contamination joins the islands."""
    answer = in_blob(
        ISLAND_CLASSES, island_shares(), (np.s_[4:], island_shares(contamination=1)),
        (np.s_[:2, 3:7], island_shares(excess_material=1)),
    )  # fmt: skip
    assert told(answer, True, BRIDGE) == ["contamination", "excess_material"]


@pytest.mark.parametrize(
    ("beside", "first"), [("missing_feature", "open"), ("contamination", "missing_material")]
)
def test_a_missing_feature_beside_missing_material_counts_as_its_gap(beside: str, first: str) -> None:
    answer = in_blob(
        ISLAND_CLASSES, island_shares(**{beside: 1}), (LEFT_HALF, island_shares(missing_material=1))
    )
    assert told(answer, True, CUT) == [first, beside]


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


def named_in_part(rest: float) -> Answer:
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
        Deviation(
            golden_px=(x - 0.5, y - 0.5, float(w), float(h)), frame_px=place, size_mm=1.0, area_mm2=1.0,
            length_mm=1.0, contrast=1.0, zones=("field",), corner=(x // 2, y // 2), inside=dot,
        )
        for x, y, w, h in found
    ]  # fmt: skip
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


def test_a_region_ends_where_nothing_is_inspected() -> None:
    def everywhere(golden: U8, unit: U8) -> F32:
        n, h, w, _ = golden.shape
        out = np.zeros((n, h // CELL, w // CELL, len(CLASSES)), np.float32)
        out[..., 1] = 1
        return out

    left = 10  # of the outer zone, see `board`
    near_it = ColourShift(rectangle(left + 4, 340, 40, 34), lab_offset=(-30.0, 0.0, 0.0))
    inspection = inspect(Fake(everywhere), near_it)
    (found,) = [d for d in inspection.defects if d.defect_class == "open"]
    assert left - 1 <= found.box_mm[0] / board.MM_PER_PX <= left + 1
