"""The pipeline benchmark on a small frame: what it calls truth is what the inspector and a script find."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.pipeline import line, own, scene
from benchmarks.pipeline.opencv import opencv
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


def test_the_strongest_script_answers_the_same_questions(folder: Path) -> None:
    part, golden, shots = scene.read(folder)
    script = opencv(cv2.imdecode(np.frombuffer(golden, np.uint8), cv2.IMREAD_COLOR_RGB), part)
    for shot in shots:
        answer = script(shot.pixels)
        assert answer is not None
        assert np.abs(answer.corners - shot.corners).max() < 2
        np.testing.assert_allclose(answer.lengths_px, shot.lengths_px, atol=0.5)
        assert len(answer.colours) == 6
        assert (answer.regions > 0) == shot.scratched


def test_units_through_the_line_are_durable_and_their_pictures_differ(folder: Path, tmp_path: Path) -> None:
    whole, inspected = line.latencies(folder, tmp_path / "spool", 2)
    assert len(whole) == len(inspected) == 2
    assert all(a > b > 0 for a, b in zip(whole, inspected, strict=True))
    with SpoolReader.read(tmp_path / "spool") as spool:
        units = spool.units()
    assert [u.state for u in units] == ["acknowledged"] * 5
    assert len({u.inspection.frames[0].digest for u in units}) == 5
    assert {u.inspection.verdict for u in units} == {"ACCEPT", "HOLD"}
