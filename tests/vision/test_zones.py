"""Zones of a view as labels of its pixels: the first has what overlaps, ignored regions have none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evidence import FrameError
from golden.spec import GoldenSpec
from tests.vision import artwork_board as board
from vision.zones import ZoneMap


def rectangle(x: int, y: int, width: int, height: int) -> dict[str, Any]:
    return {"type": "rectangle", "x": x, "y": y, "width": width, "height": height}


def zones(*places: dict[str, Any], scale: int = 1, ignore: tuple[dict[str, Any], ...] = ()) -> ZoneMap:
    """Return the map of the zones a, b, ... on a view of 400 x 360 pixels."""
    fields = board.fields(ignore=list(ignore))
    (zone,) = fields["zones"]
    fields["zones"] = [{**zone, "id": "abc"[k], "region": place} for k, place in enumerate(places)]
    fields["characteristics"][0]["zones"] = ["a"]
    spec = GoldenSpec.model_validate(fields)
    return ZoneMap.of(spec, spec.views[0], board.HEIGHT // scale, board.WIDTH // scale, scale)


@pytest.mark.parametrize("scale", [1, 2])
def test_the_first_zone_has_what_overlaps_and_ignored_regions_have_none(scale: int) -> None:
    found = zones(
        rectangle(100, 100, 40, 40),
        rectangle(60, 60, 200, 120),
        scale=scale,
        ignore=(rectangle(120, 60, 200, 60),),
    )
    expected = np.zeros((board.HEIGHT, board.WIDTH), np.uint8)
    expected[60:180, 60:260] = 2
    expected[100:140, 100:140] = 1
    expected[60:120, 120:320] = 0
    assert found.names == ("a", "b")
    assert np.array_equal(found.labels, expected[::scale, ::scale])


def test_zones_of_pixels_are_told_by_how_many_lie_in_each() -> None:
    found = zones(rectangle(0, 0, 100, 360), rectangle(100, 0, 100, 360), rectangle(200, 0, 100, 360))
    assert found.named(found.labels[10, 80:270]) == ("b", "c", "a")
    assert found.named(found.labels[10:20, 350:]) == ()


def test_a_zone_without_a_pixel_of_its_own_is_refused() -> None:
    with pytest.raises(FrameError, match="zone 'b' has no place of its own"):
        zones(rectangle(0, 0, 100, 100), rectangle(20, 20, 50, 50))
    with pytest.raises(FrameError, match="zone 'a' has no place of its own"):
        zones(rectangle(20, 20, 50, 50), ignore=(rectangle(0, 0, 100, 100),))
