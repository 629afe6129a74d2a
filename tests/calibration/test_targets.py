"""Definitions of targets: what is read, and which sentence says what is wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pytest

from calibration.errors import TargetError
from calibration.targets import Target

YAML = b"""
kind: charuco
columns: 7
rows: 5
pitch_mm: 10.0
pitch_relative_uncertainty: 5.0e-6
marker_mm: 7.5
dictionary: DICT_5X5_100
serial: CB-0417
expires: 2028-03-01
expansion_per_k: 8.5e-6
"""


def test_a_definition_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "target.yaml"
    path.write_bytes(YAML)
    target = Target.open(path)
    assert (target.kind, target.across, target.marker_mm) == ("charuco", (6, 4), 7.5)
    assert Target.parse(target.model_dump_json(exclude_none=True).encode(), source="json") == target
    assert not target.expired(date(2028, 3, 1))
    assert target.expired(date(2028, 3, 2))


def test_points_and_ids_are_those_of_opencv_from_the_first_corner() -> None:
    target = Target.parse(YAML, source="here")
    board = cv2.aruco.CharucoBoard(
        (7, 5), 10.0, 7.5, cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_5X5_100)
    )
    theirs = np.asarray(board.getChessboardCorners()).reshape(-1, 3)
    assert target.object_points() == pytest.approx(theirs - [10, 10, 0])
    assert np.array_equal(target.object_points(np.array([7])), target.object_points()[7:8])
    with pytest.raises(IndexError, match="0 to 23"):
        target.object_points(np.array([24]))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"marker_mm: 7.5\n", b"", "marker_mm is required for charuco"),
        (b"marker_mm: 7.5", b"marker_mm: 10.5", "does not fit into a pitch"),
        (b"columns: 7", b"columns: 2", "columns: "),
        (b"pitch_mm: 10.0\n", b"", "pitch_mm: this field is required"),
        (b"serial", b"sreial", "sreial: unknown field"),
        (b"kind: charuco", b"kind: chessboard", "belongs to charuco, not to chessboard"),
        (b"rows: 5", b"rows: 5\nlegacy_pattern: true", "even number of rows"),
        (b"pitch_mm: 10.0", b"pitch_mm: .nan", "finite"),
        (b"kind: charuco", b"kind: [", "not YAML or JSON"),
        (YAML, b"7", "no target"),
        (b"columns: 7", b"columns: 150\ntemperature_c: 20", "more than"),
    ],
)
def test_what_is_wrong_is_said(old: bytes, new: bytes, words: str) -> None:
    text = YAML.replace(old, new)
    text = text.replace(b"pitch_mm: 10.0", b"pitch_mm: 100.0") if words == "more than" else text
    with pytest.raises(TargetError, match=words) as caught:
        Target.parse(text, source="cell.yaml")
    assert str(caught.value).startswith("cell.yaml: ")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="No such file"):
        Target.open(tmp_path / "absent.yaml")
