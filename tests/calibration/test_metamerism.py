"""What three channels cannot know: what is stated of it holds for the materials and cameras of the twin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from scipy.stats import spearmanr

from calibration.colour import Chart, estimate_metamerism, lab_from_xyz, special_index, white_point
from calibration.colour.camera import ColourCalibration
from calibration.colour.characterise import characterise
from calibration.colour.fitting import Recipe
from calibration.colour.metamerism import FEWEST, Metamerism
from calibration.colour.patches import Patches
from calibration.errors import CharacterisationError
from datasets.twin.colour import (
    ColourStation,
    Light,
    material,
    metamer,
    reflectances,
    true_ciede2000,
    true_lab,
    true_xyz,
)

CAMERAS = ("nikon-5100", "sigma-sd-merrill", "industrial-1", "industrial-2", "industrial-3", "industrial-6")
LIGHTS = ("D65", "FL11")


@cache
def chart() -> Chart:
    """The classic chart with the exact colours of the twin's own reflectances."""
    published = Chart.open("classic-babelcolor-average")
    lab = lab_from_xyz(true_xyz(reflectances("classic"), "D50"), white_point("D50"))
    patches = [
        patch.model_dump() | {"lab": tuple(own.tolist())}
        for patch, own in zip(published.patches, lab, strict=True)
    ]
    return Chart.checked(published.model_dump() | {"patches": patches}, source="twin")


@cache
def certified(camera: str, light: str) -> tuple[ColourStation, ColourCalibration]:
    station = ColourStation(camera=camera, light=Light(illuminant=light))
    rgb = station.rgb(reflectances("classic"))
    n = len(rgb)
    column, row = np.arange(n) % 6 * 100.0, np.arange(n) // 6 * 100.0
    patches = Patches(
        rgb=rgb, covariance=np.tile(np.eye(3) * 1e-10, (n, 1, 1)), spread=np.full((n, 3), 1e-4),
        codes=rgb * 255, clipped=np.zeros(n), left_out=np.zeros(n), pixels=np.full(n, 1000),
        centres=np.stack([column, row], -1),
    )  # fmt: skip
    recipe = Recipe("root_polynomial", 2, "CIEDE2000")
    found = characterise(patches, chart(), light=light, transfer="linear", recipes=(recipe,))
    return station, found.colour


def stated(camera: str) -> Metamerism:
    return estimate_metamerism({light: certified(camera, light)[1].patches for light in LIGHTS})


@cache
def materials() -> np.ndarray:
    rng = np.random.default_rng(5)
    drawn = np.array([material(rng) for _ in range(600)])
    return drawn[true_lab(drawn, "D50")[:, 0] > 15]


@cache
def neighbours(camera: str, light: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each material, the other that reads most like it, and what its L*a*b* read."""
    station, colour = certified(camera, light)
    lab = colour.lab(station.rgb(materials()))
    near = np.linalg.norm(lab[:, None] - lab, axis=-1)
    np.fill_diagonal(near, np.inf)
    other = near.argmin(axis=1)
    close = np.flatnonzero(near[np.arange(len(lab)), other] < 4)
    return close, other[close], lab


def hidden(camera: str, light: str) -> np.ndarray:
    """CIEDE2000 of what the camera's difference between neighbours lacks to the true one."""
    i, j, lab = neighbours(camera, light)
    true = true_lab(materials(), "D50")
    return true_ciede2000(true[i], true[j] - (lab[j] - lab[i]))


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("camera", CAMERAS)
def test_what_is_hidden_between_different_materials_lies_within_what_is_stated(
    camera: str, light: str
) -> None:
    p95 = stated(camera).under[LIGHTS.index(light)].p95
    of_paints = hidden(camera, light)
    assert of_paints.size > 200
    assert np.mean(of_paints < p95) > 0.97
    assert p95 < 6 * np.quantile(of_paints, 0.95)  # an upper estimate, and no empty one


@pytest.mark.parametrize("camera", CAMERAS)
def test_metamers_of_the_observer_read_apart_by_no_more_than_is_stated(camera: str) -> None:
    rng = np.random.default_rng(8)
    first = materials()[:150]
    second = np.array([metamer(each, "D65", rng, strength=0.5) for each in first])
    assert true_ciede2000(true_lab(first, "D65"), true_lab(second, "D65")).max() < 1e-6
    station, colour = certified(camera, "D65")
    apart = true_ciede2000(colour.lab(station.rgb(first)), colour.lab(station.rgb(second)))
    assert np.mean(apart < stated(camera).under[0].p95) >= 0.94


def test_cameras_are_ranked_as_they_hide_differences() -> None:
    risk = [stated(camera).under[0].rms for camera in CAMERAS]
    truth = [np.sqrt(np.mean(hidden(camera, "D65") ** 2)) for camera in CAMERAS]
    assert spearmanr(risk, truth).statistic > 0.8


@pytest.mark.parametrize("camera", CAMERAS)
def test_materials_that_match_under_one_light_part_under_the_other_by_no_more_than_is_stated(
    camera: str,
) -> None:
    i, j, _ = neighbours(camera, "D65")
    under = {light: true_lab(materials(), light) for light in LIGHTS}
    first, second = (under[light][j] - under[light][i] for light in LIGHTS)
    parted = true_ciede2000(under["FL11"][i], under["FL11"][i] + second - first)
    (change,) = stated(camera).between
    assert change.lights == LIGHTS
    assert np.mean(parted < change.p95) > 0.97
    assert change.p95 < 4.5 * np.quantile(parted, 0.95)


@dataclass(frozen=True)
class Seen:
    id: str
    reference: tuple[float, float, float]
    left_out: tuple[float, float, float] | None


def drawn(shift: float, seed: int, n: int = 24, spread: float = 1.0) -> list[Seen]:
    """Greys (whose metric is nearly that of L*a*b* in L*) read with errors of lightness."""
    rng = np.random.default_rng(seed)
    errors = spread * rng.standard_normal(n)
    return [Seen(str(i), (50.0, 0.0, 0.0), (50 + shift + float(e), 0.0, 0.0)) for i, e in enumerate(errors)]


def test_an_error_of_the_chart_is_no_change_of_light() -> None:
    one, two = drawn(0.0, 1), drawn(0.0, 2)
    clean = estimate_metamerism({"D65": one, "TL84": two}).between[0]
    off = estimate_metamerism({"D65": drawn(1.5, 1), "TL84": drawn(1.5, 2)}).between[0]
    assert off.mean == pytest.approx(clean.mean)
    expected = [two[i].left_out[0] - one[i].left_out[0] for i in range(24)]  # type: ignore[index]
    assert [patch.camera[0] for patch in clean.patches] == pytest.approx(expected)
    assert [patch.delta_e for patch in clean.patches] == pytest.approx(np.abs(expected))
    assert clean.max == pytest.approx(np.abs(expected).max())


def test_the_references_own_change_is_taken_from_the_cameras() -> None:
    """A chart whose values are known under both lights: the camera follows them but for 0.3."""
    one = [Seen(str(i), (50.0, 0.0, 0.0), (50.0, 0.0, 0.0)) for i in range(12)]
    two = [Seen(str(i), (52.0, 0.0, 0.0), (52.3, 0.0, 0.0)) for i in range(12)]
    (change,) = estimate_metamerism({"D65": one, "A": two}).between
    assert change.patches[0].reference == (2.0, 0.0, 0.0)
    assert change.mean == pytest.approx(0.3)


def test_p95_is_that_of_all_pairs_in_all_directions() -> None:
    rng = np.random.default_rng(3)
    lengths = np.abs(rng.standard_normal(24)) + 0.5
    seen = [Seen(str(i), (50.0, 0.0, 0.0), (50.0 + each, 0.0, 0.0)) for i, each in enumerate(lengths)]
    vectors = rng.standard_normal((20_000, 24, 3))
    vectors *= (lengths / np.linalg.norm(vectors, axis=-1))[..., None]
    first, second = np.array([rng.permutation(24)[:2] for _ in range(20_000)]).T
    every = np.arange(20_000)
    pairs = np.linalg.norm(vectors[every, first] - vectors[every, second], axis=-1)
    assert estimate_metamerism({"D65": seen}).under[0].p95 == pytest.approx(
        np.quantile(pairs, 0.95), rel=0.02
    )


def test_one_light_says_that_another_is_not_known_and_two_say_how_far() -> None:
    one = estimate_metamerism({"D65": drawn(0.0, 1)})
    assert one.between == ()
    assert "another light is not known" in " ".join(one.statements)
    two = estimate_metamerism({"D65": drawn(0.0, 1), "TL84": drawn(0.0, 2)})
    words = " ".join(two.statements)
    assert f"up to {two.between[0].p95:.1f} under the other" in words
    assert "fluorescent" in words
    assert Metamerism.model_validate_json(two.model_dump_json()) == two


def test_too_little_is_refused_and_excluded_patches_take_no_part() -> None:
    few = drawn(0.0, 1, n=FEWEST - 1)
    with pytest.raises(CharacterisationError, match="at least one light"):
        estimate_metamerism({})
    with pytest.raises(CharacterisationError, match=f"{FEWEST - 1} patches under D65 are too few"):
        estimate_metamerism({"D65": few})
    whole = drawn(0.0, 1)
    with pytest.raises(CharacterisationError, match=r"0 patches are common .* same chart"):
        estimate_metamerism({"D65": whole, "A": [replace(patch, id="x" + patch.id) for patch in whole]})
    clipped = [replace(patch, left_out=None) for patch in whole[:4]] + whole[4:]
    found = estimate_metamerism({"D65": clipped, "A": whole})
    assert (found.under[0].patches, len(found.between[0].patches)) == (20, 20)


def test_the_special_index_is_the_difference_under_the_second_light_corrected_for_the_first() -> None:
    rng = np.random.default_rng(4)
    for each in materials()[:20]:
        other = metamer(each, "D65", rng)
        expected = true_ciede2000(true_lab(each, "A"), true_lab(other, "A"))
        reference, sample = ((true_xyz(r, "D65"), true_xyz(r, "A")) for r in (each, other))
        white = true_xyz(np.ones(81), "A")
        assert special_index(reference, sample, white) == pytest.approx(float(expected), abs=1e-6)
        lighter = (1.03 * sample[0], 1.03 * sample[1])
        assert special_index(reference, lighter, white) == pytest.approx(float(expected), abs=1e-6)
