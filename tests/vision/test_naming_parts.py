"""Parts of one deviation to which a cell classifier gives names of their own: no limit is kept by it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from datasets.twin import Change, ExcessMaterial, rectangle
from evidence import Inspection
from models import CELL, UNCLASSIFIED
from tests.vision import board
from tests.vision.test_naming import CLASSES, F32, U8, Answer, Fake, changed, shares

LEFT, TOP, HEIGHT = 428, 360, 34  # on bare laminate
WIDE = 60
FIRST = ExcessMaterial(rectangle(LEFT, TOP, WIDE, HEIGHT), (600, 430))
END = LEFT + WIDE + 40
BESIDE = ExcessMaterial(rectangle(END - 16, TOP, 16, HEIGHT), (600, 430))  # 24 px apart, 0.48 mm
SIZE = math.hypot(WIDE, HEIGHT) * board.MM_PER_PX
HALF = math.hypot(WIDE / 2 + 2 * CELL, HEIGHT + 2 * CELL) * board.MM_PER_PX  # at most: two cells more
LIMIT = (SIZE + HALF) / 2


def split(columns: int, right: dict[str, float]) -> Answer:
    """Return answers that call what changed open in its first columns of cells, and the rest something."""

    def answer(golden: U8, unit: U8) -> F32:
        cells = changed(golden, unit)
        out = np.zeros((*cells.shape, len(CLASSES)), np.float32)
        out[..., 0] = 1
        for k, where in enumerate(cells):
            out[k, where] = shares(CLASSES, **right)
            first = np.flatnonzero(where.any(axis=0))[0]
            out[k, where & (np.arange(where.shape[1]) < first + columns)] = shares(open=1)
        return out

    return answer


def inspected(answer: Answer, *changes: Change, smallest_mm: float = 0.3, **line: Any) -> Inspection:
    """Return a record by a catalogue that allows open below a limit, or by `line`, and any speck."""
    few = {"id": "few", "defect_class": "open", "to_mm": LIMIT, "severity": "allowed"} | line
    rest = "major" if few["severity"] == "allowed" else "allowed"
    fields = board.fields()
    fields["catalogue"] = {
        "smallest_mm": smallest_mm,
        "rules": [
            few,
            {"id": "rest", "defect_class": "open", "severity": rest},
            {"id": "speck", "defect_class": "speck", "severity": "allowed"},
        ],
    }
    frame = board.frame(board.captured(50, *changes).pixels)
    return board.inspector(fields, model=Fake(answer)).inspect({"top": frame}, serial="S1")


def span(record: Inspection, name: str) -> tuple[float, float]:
    """Return left and right of the one defect of a name, in golden pixels."""
    (x, _, w, _) = next(d.box_mm for d in record.defects if d.defect_class == name)
    return x / board.MM_PER_PX, (x + w) / board.MM_PER_PX


HALVES = split(WIDE // 2 // CELL, {"speck": 1})


def test_no_limit_on_size_is_kept_by_two_names_for_one_deviation() -> None:
    record = inspected(HALVES, FIRST)
    of = {d.defect_class: d for d in record.defects}
    assert len(record.defects) == 2
    assert (record.verdict, of["open"].rule, of["speck"].rule) == ("REJECT", "rest", "speck")
    assert of["open"].size_mm == pytest.approx(SIZE, abs=2 * CELL * board.MM_PER_PX)
    assert span(record, "open") == pytest.approx((LEFT - 0.5, LEFT + WIDE - 0.5), abs=CELL)
    assert of["speck"].size_mm <= HALF  # allowed at any size: it keeps its own
    assert span(record, "speck")[0] > LEFT + WIDE / 2 - 2 * CELL


def test_a_part_never_weighs_less_than_by_itself() -> None:
    record = inspected(HALVES, FIRST, severity="major")  # small ones are worse
    of = {d.defect_class: d for d in record.defects}
    assert (record.verdict, of["open"].rule) == ("REJECT", "few")
    assert of["open"].size_mm <= HALF


@pytest.mark.parametrize(
    ("right", "verdict", "rule"), [({"speck": 0.05}, "ACCEPT", "few"), ({"speck": 0.3}, "REJECT", "rest")]
)
def test_what_is_dismissed_of_a_deviation_does_not_count_and_what_stays_unclassified_does(
    right: dict[str, float], verdict: str, rule: str
) -> None:
    record = inspected(split(WIDE // 2 // CELL, right), FIRST)
    assert (record.verdict, record.dismissed) == (verdict, int(verdict == "ACCEPT"))
    (named,) = [d for d in record.defects if d.defect_class != UNCLASSIFIED]
    assert named.rule == rule


def test_a_part_too_small_to_be_reported_counts_all_the_same() -> None:
    """Of some 15 cells in a row, 0.08 mm each, the last are a speck of some 0.3 mm, below the smallest."""
    long = ExcessMaterial(rectangle(LEFT, TOP, WIDE, 2 * CELL), (600, 430))
    exact = math.hypot(WIDE, 2 * CELL) * board.MM_PER_PX
    record = inspected(split(11, {"speck": 1}), long, smallest_mm=0.6, to_mm=exact - 0.08)
    (found,) = record.defects
    assert (record.verdict, found.rule) == ("REJECT", "rest")
    assert found.size_mm == pytest.approx(exact, abs=2 * CELL * board.MM_PER_PX)


def test_regions_that_the_comparison_found_apart_stay_apart() -> None:
    """The right half of one and all of another are one speck: it does not join the other to the open half."""
    record = inspected(HALVES, FIRST, BESIDE, smallest_mm=0.6)
    assert len(record.defects) == 2
    assert span(record, "open") == pytest.approx((LEFT - 0.5, LEFT + WIDE - 0.5), abs=CELL)
    assert span(record, "speck")[1] == pytest.approx(END - 0.5, abs=CELL)
    beyond = SIZE + 3 * CELL * board.MM_PER_PX  # less than both are together
    assert inspected(HALVES, FIRST, BESIDE, smallest_mm=0.6, to_mm=beyond).verdict == "ACCEPT"
    each = split(round((WIDE + 12) / CELL), {"speck": 1})  # a name of its own
    record = inspected(each, FIRST, BESIDE, smallest_mm=0.6, to_mm=beyond)
    assert (record.verdict, {d.defect_class for d in record.defects}) == ("ACCEPT", {"open", "speck"})
