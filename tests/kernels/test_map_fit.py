"""Maps fitted to points whose map and noise are known."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.compiled import F64
from kernels.map_fit import PROJECTIVE, QUADRATIC, SIMILARITY, agreed_similarity, fit_models, fit_summary

MIDDLE, EXTENT = (400.0, 300.0), 400.0
START = np.array([(500.0, 400), (400, 7), (-7, 400), (0, 0), (0, 0), (0, 0)])
_rng = np.random.default_rng(8)
POINTS = _rng.uniform((0, 0), (800, 600), (60, 2))
NOISE = 0.02


def rows(points: F64) -> F64:
    u, v = ((points - MIDDLE) / EXTENT).T
    return np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=1)


def fit(
    unit: F64, simplest: int, most_general: int, points: F64 = POINTS
) -> tuple[F64, F64, F64, float, int]:
    covariances = np.tile((NOISE**2, 0.0, NOISE**2), (len(points), 1))
    return fit_models(points, unit, covariances, START, *MIDDLE, EXTENT, simplest, most_general)


def perspective(points: F64) -> F64:
    """Return points through a homography of a tilt of half a percent."""
    u, v = ((points - MIDDLE) / EXTENT).T
    return (rows(points) @ START) / (1 + 0.003 * u - 0.002 * v)[:, None]


@pytest.mark.parametrize(
    ("simplest", "bend", "expected"),
    [(SIMILARITY, 0.0, SIMILARITY), (PROJECTIVE, 0.0, PROJECTIVE), (PROJECTIVE, 0.3, QUADRATIC)],
)
def test_the_simplest_model_that_explains_the_points_is_kept(
    simplest: int, bend: float, expected: int
) -> None:
    truth = rows(POINTS) @ START if simplest == SIMILARITY else perspective(POINTS)
    truth = truth + bend * rows(POINTS)[:, [3, 5]]
    rng = np.random.default_rng(1)
    chosen = [fit(truth + rng.normal(0, NOISE, truth.shape), simplest, QUADRATIC)[4] for _ in range(40)]
    assert np.mean(np.array(chosen) == expected) > 0.9


@pytest.mark.parametrize(("strangers", "runs", "within"), [(0, 1200, 0.15), (15, 300, 0.35)])
def test_the_stated_covariance_is_that_of_the_scatter(strangers: int, runs: int, within: float) -> None:
    truth, rng = perspective(POINTS), np.random.default_rng(2)
    found: list[F64] = []
    stated: list[F64] = []
    for _ in range(runs):
        unit = truth + rng.normal(0, NOISE, truth.shape)
        unit[:strangers] += rng.uniform(1, 9, (strangers, 2))
        coefficients, covariance, weights, spread, model = fit(unit, PROJECTIVE, PROJECTIVE)
        assert model == PROJECTIVE
        assert (weights[:strangers] == 0).all()
        assert 0.7 < spread < 1.9  # a quarter of strangers raises a median
        found.append(coefficients)
        stated.append(np.diag(covariance))
    scatter, stated_mean = np.var(found, axis=0), np.mean(stated, axis=0)
    assert stated_mean[:6].sum() == pytest.approx(scatter[:6].sum(), rel=within)
    assert stated_mean[6:].sum() == pytest.approx(scatter[6:].sum(), rel=within)


@pytest.mark.parametrize("points", [np.tile(POINTS[:1], (20, 1)), POINTS[:3]], ids=["one place", "three"])
def test_too_little_determines_no_map(points: F64) -> None:
    assert fit(rows(points) @ START, PROJECTIVE, QUADRATIC, points)[4] == -1


def test_the_pose_of_the_most_matches_is_found_and_fitted_to_those_alone() -> None:
    points = np.random.default_rng(4).uniform(0, 500, (60, 2))
    c, s = 1.02 * np.cos(0.05), 1.02 * np.sin(0.05)
    pose = np.array([[c, s], [-s, c]])
    unit = points @ pose + (10, -5)
    unit[:25] += (40, 0)
    found, count = agreed_similarity(points, unit, 1.0, 100.0, *MIDDLE, EXTENT)
    assert count == 35
    assert rows(points) @ found == pytest.approx(points @ pose + (10, -5), abs=1e-9)


def test_no_pose_is_agreed_on_where_pairs_are_near_or_far_too_large() -> None:
    basis = (*MIDDLE, EXTENT)
    assert agreed_similarity(POINTS[:1], POINTS[:1], 1.0, 100.0, *basis)[1] == 0
    assert agreed_similarity(POINTS, POINTS, 1.0, 2000.0, *basis)[1] == 0
    assert agreed_similarity(POINTS, 1.5 * POINTS, 1.0, 100.0, *basis)[1] == 0
    assert agreed_similarity(POINTS, 1.2 * POINTS, 1.0, 100.0, *basis)[1] == len(POINTS)


def test_the_summary_of_a_fit_is_that_of_numpy() -> None:
    rng = np.random.default_rng(5)
    coefficients = START + rng.normal(0, 0.5, START.shape)
    root = rng.normal(0, 0.1, (12, 12))
    covariance = root @ root.T
    unit = rows(POINTS) @ coefficients + rng.normal(0, 0.3, POINTS.shape)
    weights = rng.uniform(0, 1, len(POINTS))
    corners = np.array([(0.0, 0), (800, 0), (0, 600), (800, 600)])
    for scattered in (False, True):
        (c, s, x, y), residual, map_residual, scatter, u, departs = fit_summary(
            POINTS, unit, weights, coefficients, covariance, *MIDDLE, EXTENT, corners, scattered, 0.002
        )
        g, w = POINTS[:, 0] + 1j * POINTS[:, 1], np.sqrt(weights)
        design = np.stack((g, np.ones_like(g)), axis=1) * w[:, None]
        turn, shift = np.linalg.lstsq(design, (unit[:, 0] + 1j * unit[:, 1]) * w, rcond=None)[0]
        assert (c, s, x, y) == pytest.approx((turn.real, turn.imag, shift.real, shift.imag))
        off_pose = np.abs(turn * g + shift - unit[:, 0] - 1j * unit[:, 1])
        off = unit - rows(POINTS) @ coefficients
        assert residual == pytest.approx(np.sqrt(np.average(off_pose**2, weights=weights)))
        assert map_residual == pytest.approx(np.sqrt(np.average((off**2).sum(axis=1), weights=weights)))
        assert scatter == pytest.approx(np.sqrt((off**2).mean()) if scattered else 0)
        at = np.stack([np.kron(row, np.eye(2)) for row in rows(corners)])
        spread = at @ covariance @ at.transpose(0, 2, 1) + (scatter**2 + 0.002**2) * np.eye(2)
        assert u == pytest.approx(np.sqrt(np.linalg.eigvalsh(spread).max()))
        moved = turn * (corners[:, 0] + 1j * corners[:, 1]) + shift
        mapped = rows(corners) @ coefficients
        assert departs == pytest.approx(np.abs(moved - mapped[:, 0] - 1j * mapped[:, 1]).max())
