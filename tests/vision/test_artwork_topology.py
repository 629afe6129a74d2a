"""What is lost or added, and how often it meets what it could join: drawn in closed form, any way round."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from models.detector.calibration import TOPOLOGIES
from vision.artwork.candidates import find
from vision.artwork.topology import topology

U8 = npt.NDArray[np.uint8]
SIDE = 160


def conductor(width: int = 20) -> U8:
    """Return a picture with a conductor along its middle row, and a pad beside it; copper is 0."""
    picture = np.full((SIDE, SIDE), 255, np.uint8)
    picture[80 - width // 2 : 80 + width // 2, :] = 0
    picture[20:40, 60:100] = 0
    return picture


def changed(picture: U8, code: int, *boxes: tuple[int, int, int, int]) -> U8:
    out = picture.copy()
    for x1, y1, x2, y2 in boxes:
        out[y1:y2, x1:x2] = code
    return out


G = conductor()
CASES = {
    "lost inside": changed(G, 255, (70, 76, 80, 84)),
    "lost at one side": changed(G, 255, (70, 65, 80, 84)),
    "lost from side to side": changed(G, 255, (70, 60, 78, 100)),
    "added apart": changed(G, 0, (70, 50, 80, 58)),
    "added to one piece": changed(G, 0, (70, 50, 80, 72)),
    "added between two pieces": changed(G, 0, (74, 38, 82, 72)),
}


@pytest.mark.parametrize("turned", range(4))
@pytest.mark.parametrize("name", CASES)
def test_a_difference_lies_as_it_was_drawn(name: str, turned: int) -> None:
    golden, unit = (np.ascontiguousarray(np.rot90(p, turned)) for p in (G, CASES[name]))
    found = find(golden, unit)
    assert [TOPOLOGIES[k] for k in found.topology] == [name]


@pytest.mark.parametrize("name", CASES)
def test_what_is_lost_of_one_material_is_added_of_the_other(name: str) -> None:
    kind = int(find(G, CASES[name]).topology[0])
    assert int(find(255 - G, 255 - CASES[name]).topology[0]) == (kind + 4 if kind < 5 else kind - 4)


def test_a_crossing_that_is_cut_out_meets_what_is_bare_at_more_places() -> None:
    cross = changed(conductor(), 0, (70, 40, 90, SIDE))
    unit = changed(cross, 255, (66, 66, 94, 94))
    assert [TOPOLOGIES[k] for k in find(cross, unit).topology] == ["lost between three sides or more"]
    bare = np.full((SIDE, SIDE), 255, np.uint8)
    unit = changed(bare, 0, (20, 70, 60, 90), (100, 70, 140, 90), (70, 110, 90, 140))
    joined = changed(unit, 0, (58, 76, 102, 84), (76, 82, 84, 112))
    found = find(unit, joined).topology
    assert {TOPOLOGIES[k] for k in found} == {"added between three pieces or more"}


def test_a_long_cut_is_seen_whole_though_a_crop_shows_but_a_part() -> None:
    plane = changed(np.full((SIDE, SIDE), 255, np.uint8), 0, (20, 20, 140, 140))
    bitten, through = changed(plane, 255, (60, 10, 68, 120)), changed(plane, 255, (60, 10, 68, 150))
    for unit, name in ((bitten, "lost at one side"), (through, "lost from side to side")):
        found = find(plane, unit)
        assert len(found.boxes) > 1, "it is cut into parts that fit a crop"
        assert {TOPOLOGIES[k] for k in found.topology} == {name}


def test_a_single_pixel_beside_what_is_lost_is_no_side() -> None:
    golden, unit = np.zeros((2, 40, 40), np.uint8)
    golden[5:35] = 1
    golden[20, 20] = 0  # noise
    unit[5:35] = golden[5:35]
    unit[14:26, 15:20] = 0
    everywhere = np.ones((40, 40), np.bool_)
    assert TOPOLOGIES[topology(golden, unit, golden & (unit ^ 1), everywhere)] == "lost inside"
    golden[20:22, 20] = unit[20:22, 20] = 0
    assert TOPOLOGIES[topology(golden, unit, golden & (unit ^ 1), everywhere)] == "lost at one side"
