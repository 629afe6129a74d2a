"""Maps fitted to points whose map and noise are known."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.compiled import F64
from kernels.map_fit import PROJECTIVE, QUADRATIC, SIMILARITY, agreed_similarity, fit_models

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


def test_the_stated_covariance_is_that_of_the_scatter_and_strangers_weigh_nothing() -> None:
    truth, rng = perspective(POINTS), np.random.default_rng(2)
    found: list[F64] = []
    stated: list[F64] = []
    for _ in range(300):
        unit = truth + rng.normal(0, NOISE, truth.shape)
        unit[:15] += rng.uniform(1, 9, (15, 2))
        coefficients, covariance, weights, spread, model = fit(unit, PROJECTIVE, PROJECTIVE)
        assert model == PROJECTIVE
        assert (weights[:15] == 0).all()
        assert 0.7 < spread < 1.9  # a quarter of strangers raises a median
        found.append(coefficients)
        stated.append(np.diag(covariance))
    scatter = np.var(found, axis=0)
    assert np.mean(stated, axis=0)[:6] == pytest.approx(scatter[:6], rel=0.35)
    assert np.mean(stated, axis=0)[6:].sum() == pytest.approx(scatter[6:].sum(), rel=0.35)


@pytest.mark.parametrize("points", [np.tile(POINTS[:1], (20, 1)), POINTS[:3]], ids=["one place", "three"])
def test_too_little_determines_no_map(points: F64) -> None:
    assert fit(rows(points) @ START, PROJECTIVE, QUADRATIC, points)[4] == -1


def test_no_pose_is_agreed_on_where_pairs_are_near_or_far_too_large() -> None:
    assert not agreed_similarity(POINTS, POINTS, 1.0, 2000.0).any()
    assert not agreed_similarity(POINTS, 1.5 * POINTS, 1.0, 100.0).any()
    assert agreed_similarity(POINTS, 1.2 * POINTS, 1.0, 100.0).all()
