"""The pipeline benchmark on a small frame: what it calls truth is what the inspector and a script find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.pipeline import line, own, scene
from benchmarks.pipeline.opencv import opencv
from benchmarks.pipeline.opencv_accurate import opencv_accurate
from benchmarks.pipeline.peers import Script
from stations.spool import SpoolReader

SIZE = (984, 896)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scene")
    scene.write(path, 3, SIZE)
    return path


def test_the_inspector_finds_the_truth_of_the_scene(folder: Path) -> None:
    part, golden, shots = scene.read(folder)
    inspector, place = own.inspector(part, golden), own.placer(part, golden)
    for shot in shots:
        frame = own.frame_of(shot)
        answer = own.answer(inspector.inspect({scene.VIEW: frame}, serial="1"), place(frame))
        assert np.abs(answer.corners - shot.corners).max() < 0.05
        np.testing.assert_allclose(answer.lengths_px, shot.lengths_px, atol=0.03)
        assert (answer.regions > 0) == shot.scratched
        assert max(answer.colours) < 2 or shot.scratched
    assert [shot.scratched for shot in shots] == [False, False, True]


@pytest.mark.parametrize(
    ("make", "corners_px", "lengths_px"), [(opencv, 0.5, 0.5), (opencv_accurate, 0.05, 0.05)]
)
def test_the_scripts_of_opencv_answer_the_same_questions(
    folder: Path, make: Callable[[Any, scene.Layout], Script], corners_px: float, lengths_px: float
) -> None:
    part, golden, shots = scene.read(folder)
    script = make(cv2.imdecode(np.frombuffer(golden, np.uint8), cv2.IMREAD_COLOR_RGB), part)
    for shot in shots:
        answer = script(shot.pixels)
        assert answer is not None
        assert np.abs(answer.corners - shot.corners).max() < corners_px
        np.testing.assert_allclose(answer.lengths_px, shot.lengths_px, atol=lengths_px)
        assert len(answer.colours) == 6
        assert max(answer.colours) < 2 or shot.scratched
        assert (answer.regions > 0) == shot.scratched


def test_units_through_the_line_are_durable_and_their_pictures_differ(folder: Path, tmp_path: Path) -> None:
    done: list[int] = []
    found = line.latencies(folder, tmp_path / "spool", 2, done.append)
    assert done == [1, 2]
    assert len(found) == 2
    for unit in found:
        assert all(unit[part] > 0 for part in line.PARTS)
        assert sum(unit[part] for part in line.PARTS) < unit["whole"]
    with SpoolReader.read(tmp_path / "spool") as spool:
        units = spool.units()
    assert [u.state for u in units] == ["acknowledged"] * 5
    assert len({u.inspection.frames[0].digest for u in units}) == 5
    assert {u.inspection.verdict for u in units} == {"ACCEPT", "HOLD"}
