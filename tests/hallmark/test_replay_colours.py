"""A replay finds the golden sample's colours by the digest that a record holds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from golden.keys import TrustStore
from hallmark.replay import Replay
from tests.vision import board
from tests.vision.colour_scene import certificate, golden, golden_colours, inspector, of, shot
from vision import read_frame


def replayed(**more: Any) -> Any:
    """Recompute a unit that was compared with the golden sample's colours, from its encoded frame."""
    data = board.png(np.asarray(shot(3).pixels, np.uint8))
    frame = read_frame(data, view="top", camera=board.CAMERA, captured_at=board.CAPTURED)
    stored = inspector().inspect({"top": frame}, serial="S3", lot="L1", station="cell-1", sequence=7)
    assert of(stored, "copper").decision == "conform"
    unit: Any = SimpleNamespace(
        sequence=7, state="done", inspection=stored, serial="S3", lot="L1", reserved_at=board.CAPTURED
    )
    reader: Any = SimpleNamespace(frames=lambda *_: {"top": data}, station="cell-1")
    replay = Replay(reader, [], TrustStore([]), {certificate().digest: certificate()}, **more)
    replay._bundles, replay._goldens = {golden().digest: b""}, {golden().digest: golden()}
    (found,) = replay.run([unit])
    return found


def test_a_unit_agrees_with_the_colours_it_was_compared_with() -> None:
    assert replayed(colours={golden_colours().digest: golden_colours()}).outcome == "agrees"


def test_without_them_it_is_not_compared() -> None:
    found = replayed()
    assert found.outcome == "not_compared"
    assert found.why == f"compared with golden colours {golden_colours().digest}: give that file"


def test_other_colours_do_not_pass_for_them() -> None:
    fields = golden_colours().model_dump(by_alias=True)
    region = fields["colours"][0]["placements"][0]["region"]
    region["rgb"] = tuple(1.1 * v for v in region["rgb"])
    other = type(golden_colours()).model_validate(fields)
    assert replayed(colours={golden_colours().digest: other}).outcome == "disagrees"
