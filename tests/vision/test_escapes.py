"""Ways in which a bad unit once passed, each kept shut: caps, zones, light, set-aside edges."""

from __future__ import annotations

import numpy as np
import pytest

from datasets.sensor import quantise
from datasets.twin import ExcessMaterial, rectangle
from evidence import FrameError
from tests.vision import board
from vision import inspector as inspectors


def test_all_regions_are_judged_though_a_record_lists_the_gravest(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = board.fields()
    fields["catalogue"]["rules"] = [
        {"id": "field", "defect_class": "unclassified", "zone": "field", "severity": "critical"},
        {"id": "rim", "defect_class": "unclassified", "zone": "rim", "severity": "allowed"},
    ]
    fields["catalogue"]["rejects"] = ["critical"]
    monkeypatch.setattr(inspectors, "MOST_DEFECTS", 1)
    small = ExcessMaterial(rectangle(470, 380, 20, 20), (600, 430))  # in the field, small
    large = ExcessMaterial(rectangle(300, 590, 70, 24), (600, 430))  # in the rim, larger
    frame = board.frame(board.captured(5, small, large).pixels)
    record = board.inspector(fields).inspect({"top": frame}, serial="S1")
    assert record.verdict == "REJECT"
    assert [(d.rule, d.severity) for d in record.defects] == [("field", "critical")]


def test_a_deviation_that_reaches_into_a_stricter_zone_is_weighed_there() -> None:
    fields = board.fields()
    fields["catalogue"]["rules"] = [
        {"id": "field", "defect_class": "unclassified", "zone": "field", "severity": "critical"},
        {"id": "rim", "defect_class": "unclassified", "zone": "rim", "severity": "allowed"},
    ]
    # the field begins at y 130: most of this lies above it, in the rim
    across = ExcessMaterial(rectangle(400, 96, 30, 46), (600, 430))
    frame = board.frame(board.captured(6, across).pixels)
    record = board.inspector(fields).inspect({"top": frame}, serial="S1")
    assert (record.verdict, record.defects[0].zone, record.defects[0].rule) == ("REJECT", "field", "field")


def test_a_zone_without_a_place_of_its_own_is_refused() -> None:
    fields = board.fields()
    fields["zones"].append({**fields["zones"][0], "id": "shadowed", "name": "Shadowed"})
    with pytest.raises(FrameError, match="shadowed"):
        board.inspector(fields)


@pytest.mark.parametrize(("left", "right"), [(0.6, 0.6), (1.55, 1.55), (0.8, 1.2)])
def test_light_that_no_lamp_gradient_explains_holds(left: float, right: float) -> None:
    light = board.board_light() * np.linspace(left, right, board.WIDTH)[None, :, None]
    frame = board.frame(quantise(np.clip(light, 0, 1).astype(np.float32)))
    record = board.shared_inspector().inspect({"top": frame}, serial="S1")
    assert (record.verdict, record.reasons) == ("HOLD", ("light_changed",))


@pytest.mark.parametrize(("left", "right"), [(0.85, 0.85), (1.2, 1.2), (0.9, 1.1)])
def test_light_within_what_lamps_do_is_corrected(left: float, right: float) -> None:
    light = board.board_light() * np.linspace(left, right, board.WIDTH)[None, :, None]
    frame = board.frame(quantise(np.clip(light, 0, 1).astype(np.float32)))
    record = board.shared_inspector().inspect({"top": frame}, serial="S1")
    assert record.verdict == "ACCEPT", record.reasons


def test_edge_points_that_a_fit_sets_aside_are_reported() -> None:
    clean = board.shared_inspector().inspect({"top": board.frame(board.captured(7).pixels)}, serial="S1")
    aside = {c.id: c.set_aside for c in clean.characteristics if c.unit == "mm"}
    assert all(share is not None and share < 0.1 for share in aside.values()), aside
    x, y = board.HOLES[0].center_px
    burr = ExcessMaterial(rectangle(x + 26, y - 12, 16, 24), (600, 430))  # reaches 8 px into the hole
    frame = board.frame(board.captured(7, burr).pixels)
    burred = board.shared_inspector().inspect({"top": frame}, serial="S1")
    result = next(c for c in burred.characteristics if c.id == "hole-a")
    assert result.set_aside is not None
    assert result.set_aside > max(0.08, aside["hole-a"] or 0.0)
