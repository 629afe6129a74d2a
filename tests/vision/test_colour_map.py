"""The map of colour differences against the same computed place by place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from calibration import CalibrationError, CameraCalibration
from calibration.colour.camera import ColourCalibration
from calibration.colour.model import ColourModel
from calibration.flat_field import FlatField, FlatPlane
from tests.vision.colour_cell import calibration
from vision.colour.difference import delta_e
from vision.colour.map import DifferenceMap

NOW = datetime(2026, 11, 23, tzinfo=UTC)
WIDTH, HEIGHT = 33, 21


def certificate(colour: ColourCalibration | None) -> CameraCalibration:
    made = CameraCalibration.nominal(
        camera="cell", mm_per_px=0.1, relative_uncertainty=0.01, issued=NOW,
        valid_until=NOW + timedelta(days=1), transfer="linear",
    )  # fmt: skip
    return made if colour is None else made.reissued(NOW, colour=colour)


def modelled(kind: str, degree: int, terms: int) -> ColourCalibration:
    """Return the cell's colours with a model of another kind that adds small terms to the same matrix."""
    colour = calibration()
    extra = np.full((3, terms - 3), 0.02)
    matrix = np.hstack((colour.model.matrix[:, :3], extra))
    model = ColourModel.of(kind, degree, matrix, 1e-6 * np.eye(3 * terms), 50.0)  # pyright: ignore[reportArgumentType]
    return colour.model_copy(update={"model": model})


def frames(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    first = rng.integers(20, 230, (HEIGHT, WIDTH, 3), np.uint8)
    return first, np.clip(first.astype(int) + rng.integers(-12, 13, first.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("kind", "degree", "terms"),
    [("linear", 1, 3), ("root_polynomial", 2, 6), ("root_polynomial", 3, 13), ("polynomial", 2, 9)],
)
@pytest.mark.parametrize("step", [1, 2])
def test_a_map_is_what_the_certificate_and_the_formula_say_of_each_place(
    kind: str, degree: int, terms: int, step: int
) -> None:
    colour = modelled(kind, degree, terms)
    golden, unit = frames(4)
    found = DifferenceMap(certificate(colour), WIDTH, HEIGHT, step=step)
    found.to_frame(golden)
    rows, columns = HEIGHT // step, WIDTH // step

    def lab(codes: np.ndarray) -> np.ndarray:
        light = codes[: rows * step, : columns * step].astype(np.float64) / 255
        return colour.lab(light.reshape(rows, step, columns, step, 3).mean(axis=(1, 3)))

    np.testing.assert_allclose(found.of(unit), delta_e(lab(golden), lab(unit)), atol=2e-3)
    np.testing.assert_allclose(found.of(golden), 0, atol=1e-3)
    found.to_colour(np.array([50.0, 10.0, -5.0]))
    out = np.empty((rows, columns), np.float32)
    assert found.of(unit, out) is out
    np.testing.assert_allclose(out, delta_e((50, 10, -5), lab(unit)), atol=5e-3)


def test_the_flat_field_enters_each_pixel() -> None:
    response = (1.0, 0.1, *([0.0] * 26))  # P0 + 0.1 P1(y)
    planes = tuple(
        FlatPlane(name=n, dark=0.0, level=0.5, response=response, unevenness=0.0)
        for n in ("red", "green", "blue")
    )
    flat = FlatField(width=WIDTH, height=HEIGHT, planes=planes)
    even = modelled("linear", 1, 3).model_copy(update={"flat_field": "frames"})
    made = certificate(None).reissued(NOW, flat_field=flat, colour=even)
    colour, (_, unit) = made.colour, frames(3)
    assert colour is not None
    found = DifferenceMap(made, WIDTH, HEIGHT, step=1)
    found.to_colour(np.array([50.0, 0.0, 0.0]))
    light = unit / 255 / (1 + 0.1 * (2 * (np.arange(HEIGHT) + 0.5) / HEIGHT - 1))[:, None, None]
    np.testing.assert_allclose(found.of(unit), delta_e((50, 0, 0), colour.lab(light)), atol=5e-3)
    with pytest.raises(CalibrationError, match="does not fit frames"):
        DifferenceMap(made, WIDTH + 1, HEIGHT)


def test_what_no_map_can_be_made_of_is_refused() -> None:
    with pytest.raises(CalibrationError, match="has no colour"):
        DifferenceMap(certificate(None), WIDTH, HEIGHT)
    made = DifferenceMap(certificate(modelled("linear", 1, 3)), WIDTH, HEIGHT)
    with pytest.raises(CalibrationError, match="does not fit a map"):
        made.of(frames(1)[0][:-1])
    with pytest.raises(CalibrationError, match="does not fit a map"):
        made.to_frame(frames(1)[0][:, :-1])
    with pytest.raises(CalibrationError, match="uint16 does not fit a map"):
        made.of(frames(1)[0].astype(np.uint16))
