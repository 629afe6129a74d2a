"""Drawn materials are physical, batches lie as far apart as asked, metamers match under one light only."""

from __future__ import annotations

import colour
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.errors import DatasetError
from datasets.twin.colour import material, metamer, near, reflectances, true_lab

SEEDS = st.integers(0, 10**6)
ROUGHEST = 0.13  # change in 5 nm; the steepest published sample changes by 0.09


def delta_e(first: object, second: object) -> float:
    return float(colour.delta_E(first, second, method="CIE 2000"))


@settings(deadline=None)
@given(SEEDS)
def test_a_material_is_physical_and_smooth(seed: int) -> None:
    drawn = material(np.random.default_rng(seed))
    assert drawn.shape == (81,)
    assert 0 < drawn.min() <= drawn.max() < 1
    assert np.abs(np.diff(drawn)).max() < ROUGHEST
    np.testing.assert_array_equal(drawn, material(np.random.default_rng(seed)))


def test_materials_fill_the_gamut() -> None:
    rng = np.random.default_rng(3)
    lab = true_lab(np.array([material(rng) for _ in range(600)]), "D65")
    chroma, hue = np.hypot(lab[:, 1], lab[:, 2]), np.arctan2(lab[:, 2], lab[:, 1])
    assert np.histogram(hue[chroma > 20], 8, (-np.pi, np.pi))[0].min() >= 12
    assert np.percentile(chroma, 95) > 55
    assert np.mean((lab[:, 0] > 90) & (chroma < 8)) > 0.05  # near whites
    assert np.mean((lab[:, 0] < 25) & (chroma < 8)) > 0.04  # near blacks


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.floats(0.01, 8), st.sampled_from(["D50", "TL84"]), st.sampled_from(["2", "10"]))
def test_a_batch_is_as_far_as_asked(seed: int, asked: float, light: str, observer: str) -> None:
    rng = np.random.default_rng(seed)
    golden = material(rng)
    batch = near(golden, rng, asked, light, observer)
    assert 0 <= batch.min() <= batch.max() <= 1
    assert np.abs(np.diff(batch)).max() < 1.5 * ROUGHEST
    labs = (true_lab(r, light, observer) for r in (golden, batch))
    assert delta_e(*labs) == pytest.approx(asked, abs=1e-7)


@pytest.mark.parametrize("name", ["classic", "classic-average", "memory-colours", "tcs", "cqs", "ces"])
def test_each_published_sample_has_batches(name: str) -> None:
    rng = np.random.default_rng(0)
    for sample in reflectances(name)[::5]:
        for asked in (0.3, 3.0):
            batch = near(sample, rng, asked)
            assert delta_e(true_lab(sample, "D65"), true_lab(batch, "D65")) == pytest.approx(asked, abs=1e-7)
    np.testing.assert_array_equal(near(sample, rng, 0.0), sample)


def test_batches_go_in_all_directions() -> None:
    rng = np.random.default_rng(5)
    golden = reflectances("classic")[13]
    moves = np.array([true_lab(near(golden, rng, 1.0), "D65") for _ in range(80)]) - true_lab(golden, "D65")
    spread = np.linalg.eigvalsh(np.cov(moves.T))
    assert spread[0] > 0.01  # not a line nor a plane
    assert np.all((moves > 0).mean(axis=0) > 0.15)
    assert np.all((moves > 0).mean(axis=0) < 0.85)


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.sampled_from(["D65", "F2", "LED-B3"]), st.sampled_from(["2", "10"]))
def test_a_metamer_matches_under_its_light(seed: int, light: str, observer: str) -> None:
    rng = np.random.default_rng(seed)
    golden = material(rng)
    other = metamer(golden, light, rng, observer)
    assert 0 <= other.min() <= other.max() <= 1
    assert np.abs(np.diff(other)).max() < 2 * ROUGHEST
    np.testing.assert_allclose(true_lab(other, light, observer), true_lab(golden, light, observer), atol=1e-9)


def test_metamers_part_under_other_lights_and_observers() -> None:
    rng = np.random.default_rng(1)
    goldens = [material(rng) for _ in range(60)]
    pairs = [(g, metamer(g, "D65", rng)) for g in goldens]
    under_a = [delta_e(true_lab(g, "A"), true_lab(m, "A")) for g, m in pairs]
    under_tl84 = [delta_e(true_lab(g, "TL84"), true_lab(m, "TL84")) for g, m in pairs]
    seen_by_10 = [delta_e(true_lab(g, "D65", "10"), true_lab(m, "D65", "10")) for g, m in pairs]
    assert np.mean(np.maximum(under_a, under_tl84) > 0.3) > 0.95
    assert np.median(under_tl84) > 1
    assert np.median(seen_by_10) > 0.1


def test_what_cannot_be_made_is_refused() -> None:
    rng = np.random.default_rng(0)
    grey = np.full(81, 0.5)
    with pytest.raises(DatasetError, match="at least 0"):
        near(grey, rng, -1)
    with pytest.raises(DatasetError, match="could not be made"):
        near(grey, rng, 500)
    with pytest.raises(DatasetError, match=r"0\.\.1"):
        metamer(grey, "D65", rng, strength=2)
    with pytest.raises(DatasetError, match=r"0\.\.1"):
        metamer(grey * 3, "D65", rng)
