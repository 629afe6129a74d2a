"""The band along an edge against plain NumPy, and its fit against SciPy's least squares."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.special import ndtr

from kernels.band import CIRCLE, LINE, gather_band
from kernels.band_fit import fit_band
from kernels.calipers import calipers, looks
from kernels.compiled import F32, F64

SECTORS = 24
CORNER = np.array([-40.0, -38.0])  # the window's first pixel beside the local origin
SHAPES = {CIRCLE: np.array([0.7, -0.4, 21.3]), LINE: np.array([1.2, 0.1, 0.0])}
SPANS = {CIRCLE: np.array([0.4, 2 * np.pi]), LINE: np.array([-30.0, 60.0])}


def _map() -> F64:
    """Return a cubic that turns, tilts and bends by a few hundredths of a pixel."""
    cubic = np.zeros((10, 2))
    cubic[0], cubic[1], cubic[2] = (0.05, -0.02), (0.98, 0.19), (-0.2, 0.99)
    cubic[3:6] = np.array([(2e-5, -1e-5), (1e-5, 3e-5), (-2e-5, 1e-5)])
    cubic[6:] = 1e-7
    return cubic


def _mapped(cubic: F64, x: F64, y: F64) -> F64:
    powers = np.stack((x**0, x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3), axis=-1)
    return np.asarray(powers @ cubic, np.float64)


def _off(form: int, uv: F64) -> F64:
    shape = SHAPES[form]
    if form == CIRCLE:
        return np.hypot(uv[..., 0] - shape[0], uv[..., 1] - shape[1]) - shape[2]
    return np.sin(shape[1]) * uv[..., 0] - np.cos(shape[1]) * (uv[..., 1] - shape[0])


def _window(form: int, noise: float, blur: float = 0.9) -> tuple[F32, F64]:
    """Return light of a step across a form, brighter where its distance is positive, and u, v of it."""
    y, x = np.mgrid[0:77, 0:81].astype(np.float64)
    uv = _mapped(_map(), x + CORNER[0], y + CORNER[1])
    light = 0.2 + 0.5 * ndtr(_off(form, uv) / blur)
    light += np.random.default_rng(3).normal(0, noise, light.shape) if noise else 0.0
    return light.astype(np.float32), uv


@pytest.mark.parametrize("form", [CIRCLE, LINE])
def test_the_band_holds_the_pixels_that_lie_in_it_and_no_others(form: int) -> None:
    light, uv = _window(form, 0.01)
    ring = np.array([12.0, 34.0]) if form == CIRCLE else np.array([0.0, 1e6])
    pixels, sector = gather_band(light, *CORNER, _map(), ring, form, SHAPES[form], 7.0, SECTORS, SPANS[form])
    start, extent = SPANS[form]
    if form == CIRCLE:
        angle = np.arctan2(uv[..., 1] - SHAPES[form][1], uv[..., 0] - SHAPES[form][0])
        place = (angle - start) % (2 * np.pi) / extent * SECTORS
    else:
        place = (uv[..., 0] - start) / extent * SECTORS
    inside = (np.abs(_off(form, uv)) <= 7) & (place >= 0) & (place < SECTORS)
    wanted = np.column_stack((uv[inside], light[inside]))
    assert len(wanted) > 700
    assert np.allclose(pixels.T, wanted, rtol=0, atol=1e-9)
    doubtful = np.abs(place[inside] - np.round(place[inside])) < 1e-3
    assert (sector == np.floor(place[inside]))[~doubtful].all()


@pytest.mark.parametrize("form", [CIRCLE, LINE])
def test_looks_lie_on_the_form_and_point_across_it(form: int) -> None:
    places = SPANS[form][0] + (np.arange(SECTORS) + 0.5) * SPANS[form][1] / SECTORS
    at = looks(_map(), form, SHAPES[form], places)
    assert np.abs(_off(form, _mapped(_map(), at[:, 0], at[:, 1]))).max() < 1e-8
    step = 1e-4
    slope = np.stack([
        (_off(form, _mapped(_map(), at[:, 0] + dx, at[:, 1] + dy))
         - _off(form, _mapped(_map(), at[:, 0] - dx, at[:, 1] - dy))) / (2 * step)
        for dx, dy in ((step, 0.0), (0.0, step))
    ], axis=1)  # fmt: skip
    assert np.allclose(at[:, 2:4] * at[:, 4:], slope, atol=1e-6)
    assert np.allclose(np.hypot(at[:, 2], at[:, 3]), 1)


@pytest.mark.parametrize("form", [CIRCLE, LINE])
def test_calipers_find_the_edge_where_it_is(form: int) -> None:
    light, _ = _window(form, 0.0)
    places = SPANS[form][0] + (np.arange(SECTORS) + 0.5) * SPANS[form][1] / SECTORS
    rough = SHAPES[form] + np.array([0.8, 0.0 if form == LINE else -0.5, 0.0])
    seen = calipers(light, *CORNER, _map(), form, rough, places, 9.0, 6.0, 1.0)
    assert np.abs(_off(form, seen[:, :2])).max() < 0.02
    assert seen[:, 3] == pytest.approx(0.5, abs=0.02)
    assert np.isnan(calipers(light, *CORNER, _map(), form, rough, places, 9.0, 6.0, -1.0)).all()


def _model(p: F64, uv: F64) -> F64:
    x, y = (
        (uv[:, 0] - SHAPES[CIRCLE][0]) / SHAPES[CIRCLE][2],
        (uv[:, 1] - SHAPES[CIRCLE][1]) / SHAPES[CIRCLE][2],
    )
    phi = ndtr((np.hypot(uv[:, 0] - p[0], uv[:, 1] - p[1]) - p[2]) / p[3])
    return p[4] + p[5] * x + p[6] * y + (p[7] + p[8] * x + p[9] * y) * phi


@pytest.mark.parametrize("off", [0.01, 0.6])
def test_a_circle_is_that_of_scipy_however_far_the_start_is(off: float) -> None:
    light, _ = _window(CIRCLE, 0.01)
    shape, span = SHAPES[CIRCLE], SPANS[CIRCLE]
    pixels, sector = gather_band(
        light, *CORNER, _map(), np.array([0.0, 40.0]), CIRCLE, shape, 9.0, SECTORS, span
    )
    kept, per_u, variance = np.ones(SECTORS, np.bool_), np.ones(SECTORS), np.full(256, 1e-4)
    start = shape + off * np.array([1.0, -1.0, 0.7])
    p, inverse, _, mean_square, ok = fit_band(
        pixels, sector, kept, CIRCLE, True, per_u, variance, False, 1.0, start, 0.9 + 0.3 * off
    )  # fmt: skip
    assert ok
    theirs = least_squares(
        lambda q: (_model(q, pixels[:2].T) - pixels[2]) / 0.01,
        [*shape, 0.9, 0.2, 0, 0, 0.5, 0, 0], xtol=1e-14, ftol=1e-14,
    )  # fmt: skip
    covariance = np.linalg.inv(theirs.jac.T @ theirs.jac)
    u = np.sqrt(np.diag(covariance))
    assert np.abs((p[:4] - theirs.x[:4]) / u[:4]).max() < 0.02  # the start's place scales the levels' terms
    assert np.sqrt(np.diag(inverse)[:4]) == pytest.approx(u[:4], rel=0.02)
    assert mean_square == pytest.approx(2 * theirs.cost / (len(sector) - 10), rel=1e-3)
