"""Optics: what a certificate carries of lens and plane, whole or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from calibration.errors import CalibrationFormatError
from calibration.lens import LensCalibration, calibrate_plane
from calibration.optics import Optics
from tests.calibration.test_lens import PERSPECTIVE, SIZE, posed, seen_by


@pytest.fixture(scope="module")
def lens() -> LensCalibration:
    rng = np.random.default_rng(20)
    return calibrate_plane(
        [seen_by(posed(PERSPECTIVE, rng, (3, 2)), rng)], SIZE, pitch_relative_uncertainty=1e-4
    )


def test_optics_survive_the_certificate_bit_for_bit(lens: LensCalibration) -> None:
    plane = lens.plane(0)
    optics = Optics.of(lens, plane)
    again = Optics.model_validate_json(optics.model_dump_json())
    assert again == optics
    px = np.random.default_rng(21).uniform(0, 1000, (20, 2))
    restored, original = again.plane(1.5, 0.1, 0.5), plane.at(1.5, u_height_mm=0.1, u_tilt_deg=0.5)
    np.testing.assert_array_equal(restored.to_mm(px), original.to_mm(px))
    assert [mode.name for mode in restored.modes(px)] == ["lens", "target", "height", "tilt"]
    for ours, theirs in zip(restored.modes(px), original.modes(px), strict=True):
        np.testing.assert_allclose(ours.displacements, theirs.displacements, rtol=0, atol=1e-12)
    assert optics.mm_per_px == pytest.approx(0.1, rel=0.1)
    assert len(optics.parameter_names) == len(optics.covariance)


def test_optics_are_of_the_targets_own_plane(lens: LensCalibration) -> None:
    with pytest.raises(CalibrationFormatError, match="target's own plane"):
        Optics.of(lens, lens.plane(0).at(2.0))


def _changed(optics: Optics, name: str) -> dict[str, Any]:
    data = optics.model_dump()
    matrix = np.array(data["covariance"])
    if name == "asymmetric":
        matrix[0, 1] *= 1.01
    elif name == "indefinite":
        matrix[0, 1] = matrix[1, 0] = 2 * np.sqrt(matrix[0, 0] * matrix[1, 1])
    elif name == "no variance":
        matrix[2] = matrix[:, 2] = 0
    elif name == "small":
        matrix = matrix[:-1, :-1]
    elif name == "no rotation":
        data["rotation"] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.1), (0.0, 0.0, 1.0))
    elif name == "behind":
        data["translation"] = (0.0, 0.0, -100.0)
    elif name == "twice":
        data["names"] = (*data["names"][:-1], "fx")
    elif name == "value missing":
        data["values"] = data["values"][:-1]
    data["covariance"] = tuple(map(tuple, matrix.tolist()))
    return data


@pytest.mark.parametrize(
    "name",
    ["asymmetric", "indefinite", "no variance", "small", "no rotation", "behind", "twice", "value missing"],
)
def test_broken_optics_are_refused(lens: LensCalibration, name: str) -> None:
    with pytest.raises(ValidationError):
        Optics.model_validate(_changed(Optics.of(lens, lens.plane(0)), name))
