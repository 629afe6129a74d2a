"""The local field, and crops of unit and golden image at native resolution."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import pytest
from scipy.interpolate import BSpline
from scipy.ndimage import map_coordinates

from kernels.comparison import CODE_OFFSET
from kernels.compiled import F64
from tests.vision import board
from vision.field import Field
from vision.mapping import QuadraticMap
from vision.surface import Aligned, SurfaceComparator

GAIN = np.array([1.04, -0.03, 0.02, 0.01, -0.015, 0.02])


def test_a_field_is_the_uniform_cubic_spline_of_its_controls() -> None:
    rng = np.random.default_rng(1)
    controls = rng.normal(size=(9, 8, 2))
    field = Field(50.0, controls, (220, 260), 0.0)
    points = rng.uniform((0, 0), (219, 259), (40, 2))
    along_x = BSpline.design_matrix(points[:, 0], (np.arange(12) - 3) * 50.0, 3).toarray()
    along_y = BSpline.design_matrix(points[:, 1], (np.arange(13) - 3) * 50.0, 3).toarray()
    expected = np.einsum("nj,ni,jia->na", along_y, along_x, controls)
    np.testing.assert_allclose(field.points(points), expected, atol=1e-12)


@functools.cache
def comparator() -> SurfaceComparator:
    sample = board.sample()
    golden = board.golden_rgb()
    table = board.to_linear(np.arange(256, dtype=np.uint8)).astype(np.float32)
    return SurfaceComparator(sample.spec, sample.spec.views[0], golden, table)


def quadratic(coefficients: F64) -> QuadraticMap:
    return QuadraticMap(((board.WIDTH - 1) / 2, (board.HEIGHT - 1) / 2), board.WIDTH / 2, coefficients)


TURNED = quadratic(
    np.array([[430, 340], [404, 9], [-8.5, 403], [1.5, -0.8], [0.7, 1.1], [-1.2, 0.9]], np.float64)
)


def bent() -> Field:
    controls = np.random.default_rng(7).uniform(-6, 6, (10, 12, 2))
    return Field(100.0, controls, (board.WIDTH, board.HEIGHT), 6.0)


@pytest.mark.parametrize("field", [None, bent()], ids=["map alone", "with field"])
@pytest.mark.parametrize("corner", [(200, 150), (-40, -30), (700, 500)])
def test_a_crop_is_one_resampling_of_the_frame_with_its_illumination_removed(
    field: Field | None, corner: tuple[int, int]
) -> None:
    smooth = cv2.GaussianBlur(board.golden_rgb(), (0, 0), 2)
    frame = np.asarray(cv2.resize(smooth, (860, 690), interpolation=cv2.INTER_CUBIC), np.uint8)
    aligned = Aligned(frame, GAIN, 0.0, field)
    golden, unit = comparator().crops(frame, aligned, TURNED, np.array([corner]))
    x, y = np.meshgrid(np.arange(256) + corner[0], np.arange(256) + corner[1])
    x, y = np.clip(x, 0, board.WIDTH - 1), np.clip(y, 0, board.HEIGHT - 1)
    np.testing.assert_array_equal(golden[0], board.golden_rgb()[y, x])
    places = np.column_stack((x.ravel(), y.ravel())).astype(np.float64)
    at = aligned.frame_points(TURNED, places)
    u, v = (places[:, 0] + 0.5) / (board.WIDTH / 2) - 1, (places[:, 1] + 0.5) / (board.HEIGHT / 2) - 1
    # the corners of the half-size image are the centres of its outermost pixels
    u, v = u * (board.WIDTH / 2) / (board.WIDTH / 2 - 1), v * (board.HEIGHT / 2) / (board.HEIGHT / 2 - 1)
    gain = np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=1) @ GAIN
    for c in range(3):
        seen = map_coordinates(frame[..., c].astype(float), at[:, ::-1].T, order=1, mode="nearest")
        expected = np.clip((seen + CODE_OFFSET) * gain - CODE_OFFSET, 0, 255)
        assert np.abs(unit[0, ..., c].ravel() - expected).max() < 1.2  # two roundings
