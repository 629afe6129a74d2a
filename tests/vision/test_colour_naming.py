"""Naming by a detector of three channels: what it is shown, and what its answers become."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from datasets.twin import Change, ExcessMaterial, rectangle
from evidence import Inspection, ModelReference, verify_digest
from models import NOT_A_DEFECT, UNCLASSIFIED
from models.detector import SIDE, Found
from quality.record_checks import check_results
from tests.vision import board
from vision.colour_naming import CropNamer, Place, places
from vision.compiled_view import CompiledView
from vision.surface import Deviation

U8 = npt.NDArray[np.uint8]
CLASSES = (NOT_A_DEFECT, "open", "speck")
IMAGE = "sha256:" + hashlib.sha256(board.png(board.golden_rgb())).hexdigest()
COPPER = 600, 430
BLOB = ExcessMaterial(rectangle(330, 340, 20, 16), COPPER)
TWO = tuple(ExcessMaterial(rectangle(x, 340, 14, 14), COPPER) for x in (300, 334))
STRIPE = 170, 345, 200, 10
LONG = tuple(ExcessMaterial(rectangle(x, 345, 100, 10), COPPER) for x in (170, 270))
HELD = {"id": "small", "defect_class": UNCLASSIFIED, "severity": "allowed"}


class Says:
    """A detector that says of the crop with a number what it is told to, and remembers what it was shown.

    It bounds a square of `reach` px about the crop's middle.
    """

    reference = ModelReference(name="says", digest="sha256:" + "1" * 64)
    classes: tuple[str, ...] = CLASSES
    operating = 0.74
    hold_below = 0.6

    def __init__(
        self,
        said: Sequence[float] | Callable[[int], Sequence[float]],
        *,
        reach: int = 8,
        channels: int = 3,
        golden_image: str | None = IMAGE,
    ) -> None:
        self._said: Callable[[int], Sequence[float]] = said if callable(said) else lambda _: said
        self._reach, self.channels, self.golden_image = reach, channels, golden_image
        self.shown: list[tuple[U8, U8]] = []

    def find(self, golden: U8, unit: U8, topology: npt.NDArray[np.int64]) -> Found:
        assert golden.shape == unit.shape == (len(golden), SIDE, SIDE, 3)
        assert not topology.any()
        first = len(self.shown)
        self.shown += zip(golden.copy(), unit.copy(), strict=True)
        said = np.array([self._said(first + k) for k in range(len(golden))], np.float32)
        middle, half = SIDE / 2, self._reach
        box = np.array((middle - half, middle - half, middle + half, middle + half), np.float32)
        return Found(said, np.tile(box, (len(golden), 1)))


def judged(model: Any, *changes: Change, **catalogue: Any) -> Inspection:
    spec = board.fields()
    spec["catalogue"] |= catalogue
    frame = board.frame(board.captured(50, *changes).pixels)
    record = board.inspector(spec, model=model).inspect({"top": frame}, serial="S1")
    assert verify_digest(record)
    check_results(board.sample(spec).spec, record)
    return record


def rules(*lines: dict[str, Any]) -> dict[str, Any]:
    return {"rules": [*lines, *board.fields()["catalogue"]["rules"][:2]]}


def test_a_good_unit_costs_the_detector_nothing() -> None:
    model = Says((0, 1, 0))
    record = judged(model)
    assert (record.defects, record.dismissed, model.shown) == ((), 0, [])
    assert record.model == Says.reference


def test_a_deviation_is_named_and_stays_where_and_as_large_as_the_comparison_found_it() -> None:
    model = Says((0.03, 0.95, 0.02))
    (named,), (alone,) = judged(model, BLOB).defects, judged(None, BLOB).defects
    assert (named.defect_class, named.named_by, named.severity, named.rule) == (
        "open", "detector", "major", "open",
    )  # fmt: skip
    said = named.confidence, named.score, named.second_class, named.second_confidence
    assert said == (0.95, 0.97, "speck", 0.02)
    same = ("box_px", "box_mm", "size_mm", "length_mm", "area_mm2", "contrast", "delta_e", "zones")
    assert [getattr(named, name) for name in same] == [getattr(alone, name) for name in same]
    ((golden, unit),) = model.shown
    left, top = 340 - SIDE // 2, 348 - SIDE // 2  # about the blob's middle, to a pixel or two
    near = board.golden_rgb()[top - 2 : top + SIDE + 2, left - 2 : left + SIDE + 2]
    windows = np.lib.stride_tricks.sliding_window_view(near, (SIDE, SIDE, 3))[..., 0, :, :, :]
    assert (windows == golden).all(axis=(2, 3, 4)).any()
    differs = np.argwhere(np.abs(unit.astype(int) - golden).max(axis=2) > 60)
    assert np.abs(differs.mean(axis=0) - (SIDE - 1) / 2).max() < 3


@pytest.mark.parametrize(
    ("said", "verdict", "names", "dismissed"),
    [
        ((0.04, 0.96, 0), "REJECT", ["open"], 0),
        ((0.04, 0, 0.96), "ACCEPT", ["speck"], 0),
        ((0.25, 0.61, 0.14), "REJECT", ["open"], 0),
        ((0.25, 0.59, 0.16), "HOLD", [UNCLASSIFIED], 0),
        ((0.27, 0.73, 0), "ACCEPT", [], 1),
        ((np.nan, np.nan, np.nan), "HOLD", [UNCLASSIFIED], 0),
    ],
    ids=["named", "allowed", "sure enough", "not sure enough", "below operating", "no number"],
)
def test_a_detector_decides_by_its_cards_thresholds(
    said: tuple[float, ...], verdict: str, names: list[str], dismissed: int
) -> None:
    record = judged(Says(said), BLOB, **rules(HELD))  # what it does not name, no line lets pass
    assert (record.verdict, record.dismissed) == (verdict, dismissed)
    assert [d.defect_class for d in record.defects] == names


@pytest.mark.parametrize(
    "model",
    [Says((0, 1, 0), golden_image="sha256:" + "2" * 64), Says((0, 1, 0), channels=1)],
    ids=["another image", "one channel"],
)
def test_a_detector_of_another_image_or_of_artwork_names_nothing_here(model: Says) -> None:
    (found,) = judged(model, BLOB).defects
    assert (found.defect_class, found.named_by, model.shown) == (UNCLASSIFIED, "comparison", [])


def test_a_detector_of_any_image_names_all_views() -> None:
    assert judged(Says((0, 1, 0), golden_image=None), BLOB).defects[0].defect_class == "open"


def test_places_that_are_bounded_alike_are_one_defect_but_two_names_are_two() -> None:
    apart = judged(Says((0, 1, 0)), *TWO).defects
    assert len(apart) == 2
    (one,) = judged(Says((0, 1, 0), reach=36), *TWO).defects  # 34 px apart: they overlap by more than a third
    assert one.length_mm == pytest.approx(48 * board.MM_PER_PX, abs=6 * board.MM_PER_PX)
    assert one.area_mm2 == pytest.approx(sum(d.area_mm2 or 0 for d in apart))
    two = judged(Says(lambda k: (0, 1, 0) if k else (0, 0, 1), reach=36), *TWO).defects
    assert sorted(d.defect_class for d in two) == ["open", "speck"]


def test_a_deviation_too_long_for_a_crop_is_shown_all_and_is_one_defect() -> None:
    model = Says((0, 1, 0))
    (named,), (alone,) = judged(model, *LONG).defects, judged(None, *LONG).defects
    assert (named.box_px, named.size_mm) == (alone.box_px, alone.size_mm)
    assert len(model.shown) == 4
    seen = sum(
        int((np.abs(unit.astype(int) - golden).max(axis=2) > 60).sum()) for golden, unit in model.shown
    )
    assert seen >= STRIPE[2] * STRIPE[3] * 0.95


def test_nothing_of_a_long_deviation_is_dismissed_by_what_another_crop_showed() -> None:
    record = judged(Says(lambda k: (0, 1, 0) if k == 3 else (1, 0, 0)), *LONG)
    (found,) = record.defects
    assert (found.defect_class, record.dismissed, record.verdict) == ("open", 1, "REJECT")
    assert found.length_mm == pytest.approx(50 * board.MM_PER_PX, abs=4 * board.MM_PER_PX)


def test_no_limit_on_size_is_kept_by_two_names_for_one_deviation() -> None:
    few = {"id": "few", "defect_class": "open", "to_mm": 3.0, "severity": "allowed"}
    halves = Says(lambda k: (0, 1, 0) if k < 2 else (0, 0, 1))
    record = judged(halves, *LONG, **rules(few))  # 4 mm long, each half 2 mm
    of = {d.defect_class: d for d in record.defects}
    assert (record.verdict, of["open"].rule, of["speck"].rule) == ("REJECT", "open", "speck")
    assert (of["open"].length_mm or 0) > 3.8
    assert (of["speck"].length_mm or 9) < 2.2
    record = judged(Says(lambda k: (0, 1, 0) if k < 2 else (1, 0, 0)), *LONG, **rules(few))
    assert (record.verdict, record.defects[0].rule) == ("ACCEPT", "few")  # that half is no defect


def test_a_part_that_only_bridges_a_gap_is_not_shown() -> None:
    inside = np.zeros((60, 60), np.bool_)
    inside[:30, :30] = inside[30:, 30:] = True
    deviates = inside.copy()
    inside[29:31, 29:31] = True  # closed between the two, as of a scratch aslant

    def deviating(x: int, y: int, width: int, height: int) -> npt.NDArray[np.bool_]:
        return deviates[y - 9 : y - 9 + height, x - 5 : x - 5 + width]

    surface: Any = SimpleNamespace(deviating=deviating)
    whole = Deviation(
        golden_px=(9.5, 17.5, 120, 120), frame_px=(9.5, 17.5, 120, 120), size_mm=1, area_mm2=1, length_mm=1,
        contrast=1, zones=("field",), corner=(5, 9), inside=inside,
    )  # fmt: skip
    found = [(place.deviation, place.box, place.corner) for place in places(surface, [whole, whole])]
    parts = [((10, 18, 70, 78), (5, 9)), ((70, 78, 130, 138), (35, 39))]
    assert found == [(n, *part) for n in (0, 1) for part in parts]


@pytest.mark.parametrize("turn", [1, -1])
def test_where_boxes_overlap_the_surer_place_is_shown(turn: int) -> None:
    compiled = board.shared_inspector()._setup.views["top"]  # pyright: ignore[reportPrivateUsage]
    assert isinstance(compiled, CompiledView)
    namer = CropNamer(compiled.surface, compiled.pixels, Says((1, 0, 0)), board.sample().spec.catalogue)
    boxes = ((0, 0, 16, 16), (8, 8, 24, 24))
    shown = [Place(0, box, (0, 0), np.ones((8, 8), np.bool_)) for box in boxes][::turn]
    said = np.array([(0.9, 0.1, 0), (0.2, 0.8, 0)], np.float32)[::turn]
    cells = namer._cells(shown, said)  # pyright: ignore[reportPrivateUsage]
    assert cells.shape == (board.HEIGHT // 4, board.WIDTH // 4, 3)
    along = np.diagonal(cells[:7, :7, 0])
    np.testing.assert_array_equal(along, np.array([0.9, 0.9, *[0.2] * 4, np.nan], np.float32))


def test_of_very_many_places_the_smallest_are_held_unshown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vision.colour_naming._MOST", 1)
    model = Says((1, 0, 0))
    record = judged(model, *LONG, BLOB, **rules(HELD))
    assert (len(model.shown), record.verdict, record.dismissed) == (0, "HOLD", 0)  # the first has four
    record = judged(model, *TWO, **rules(HELD))
    assert (len(model.shown), record.verdict, record.dismissed) == (1, "HOLD", 1)
    (held,) = record.defects
    assert (held.defect_class, held.named_by, held.confidence) == (UNCLASSIFIED, "detector", None)


def test_explain_shows_how_probable_a_defect_each_place_is() -> None:
    frame = board.frame(board.captured(50, *TWO).pixels)
    inspector = board.inspector(model=Says(lambda k: (0.1, 0.9, 0) if k else (0.8, 0.2, 0)))
    record = inspector.inspect({"top": frame}, serial="S1")
    again = board.inspector(model=Says(lambda k: (0.1, 0.9, 0) if k else (0.8, 0.2, 0)))
    defect, dismissed = again.explain(frame, record)
    assert (defect.defect_class, dismissed.defect_class) == ("open", NOT_A_DEFECT)
    for shown, share in ((defect, 0.9), (dismissed, 0.2)):
        assert shown.shows == "probability"
        assert np.unique(shown.heat[shown.inside]).tolist() == pytest.approx([share])
    assert np.isnan(defect.heat).any()
