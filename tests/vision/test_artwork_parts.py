"""Parts of one difference of artwork with names of their own: each is reported, no limit is kept by it."""

from __future__ import annotations

import math

import pytest

from golden.catalogue import UNCLASSIFIED
from tests.vision import artwork_board as board
from tests.vision.test_artwork_inspector import Says, inspected, lines, only, shares, sure


def test_parts_of_one_difference_are_one_defect_where_they_have_one_name() -> None:
    stripe = board.edited((100, 80, 130, 8, board.COPPER))
    whole = only(inspected(stripe, sure("copper")))
    assert whole.size_mm == pytest.approx(math.hypot(130, 8) * board.MM_PER_PX, abs=1e-4)
    alone = only(inspected(stripe))
    assert alone.box_px == whole.box_px == (99.5, 79.5, 130, 8)
    mixed = inspected(stripe, Says(lambda k: shares("copper" if k else "short", 0.9)))
    assert sorted(d.defect_class for d in mixed.defects) == ["copper", "short"]
    assert sum(d.area_mm2 or 0 for d in mixed.defects) == pytest.approx(
        130 * 8 * board.MM_PER_PX**2, rel=0.02
    )
    held = inspected(stripe, Says(lambda k: shares("copper", 0.9 if k else 0.5, "spur")))
    assert sorted(d.defect_class for d in held.defects) == ["copper", UNCLASSIFIED]


@pytest.mark.parametrize(
    ("second", "classes", "dismissed"),
    [
        (shares("short", 0.9), ["copper", "short"], 0),
        (shares("short", 0.5, "spur"), ["copper", UNCLASSIFIED], 0),
        (shares("not_a_defect", 0.9, "copper"), ["copper"], 1),
    ],
)
def test_a_difference_is_reported_by_its_own_size_however_its_parts_are_named(
    second: list[float], classes: list[str], dismissed: int
) -> None:
    speck = (200, 30, 4, 4, board.COPPER)  # a difference of its own, too small
    picture = board.edited((100, 80, 60, 8, board.COPPER), speck)
    answers = Says(lambda k: second if k == 1 else shares("copper", 0.9))
    exact = math.hypot(60, 8) * board.MM_PER_PX
    record = inspected(picture, answers, lines(smallest_mm=exact))
    assert sorted(d.defect_class for d in record.defects) == classes
    assert (record.dismissed, record.verdict) == (dismissed, "REJECT")
    assert all(d.size_mm < exact for d in record.defects)  # each part is weighed by its own pixels
    nothing = inspected(picture, answers, lines(smallest_mm=math.nextafter(exact, 9)))
    assert (nothing.defects, nothing.dismissed, nothing.verdict) == ((), 0, "ACCEPT")


def test_no_limit_on_size_is_kept_by_two_names_for_one_difference() -> None:
    picture = board.edited((100, 80, 60, 8, board.COPPER))
    exact = round(math.hypot(60, 8) * board.MM_PER_PX, 4)
    limit = {"to_mm": exact, "severity": "allowed"}, {"from_mm": exact, "severity": "major"}
    spec = lines(
        {"id": "few-copper", "defect_class": "copper", **limit[0]},
        {"id": "much-copper", "defect_class": "copper", **limit[1]},
        {"id": "any-short", "defect_class": "short", "severity": "allowed"},
    )
    halves = inspected(picture, Says(lambda k: shares("copper" if k else "short", 0.9)), spec)
    of = {d.defect_class: d for d in halves.defects}
    assert (halves.verdict, of["copper"].rule, of["short"].rule) == ("REJECT", "much-copper", "any-short")
    assert (of["copper"].size_mm, of["copper"].box_px) == (exact, (99.5, 79.5, 60, 8))
    assert of["short"].size_mm < exact  # allowed at any size: it keeps its own
    unnamed = inspected(picture, Says(lambda k: shares("copper", 0.9 if k else 0.5, "spur")), spec)
    assert unnamed.reasons == ("surface_unclassified", "surface_rejected")
    dismissed = inspected(picture, Says(lambda k: shares("copper", 0.9 if k else 0.1)), spec)
    assert (dismissed.verdict, only(dismissed).rule) == ("ACCEPT", "few-copper")  # that half is no defect
    smaller = {"defect_class": "copper", "severity": "major"}
    spec = lines({"id": "small", "to_mm": exact, **smaller}, {"id": "rest", **smaller, "severity": "allowed"})
    graver = inspected(picture, Says(lambda k: shares("copper" if k else "short", 0.9)), spec)
    assert {d.rule for d in graver.defects} == {"small", "short"}  # a part is never weighed for less
