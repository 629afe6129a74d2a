"""Characterisation by charts whose spectra, camera and lamp are known: choice, left-out errors, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from calibration.colour import (
    Characterisation,
    Chart,
    Patches,
    characterise,
    check_chart,
    check_white,
    lab_from_xyz,
    white_point,
    xyz_from_lab,
)
from calibration.colour.fitting import RECIPES, Reference, choose, fit
from calibration.colour.model import terms
from calibration.errors import CharacterisationError, UnknownIlluminantError
from datasets.twin.colour import reflectances, true_ciede2000, true_lab
from tests.calibration.chart_readings import (
    FRAME,
    PLACES,
    SPECTRA,
    in_frame,
    measured_chart,
    reading,
    station,
)

CHART = measured_chart()
DAYLIGHT = station().rgb(SPECTRA)
SLOPE = (-0.15, 0.1)


def made(patches: Patches, chart: Chart = CHART, **fields: Any) -> Characterisation:
    return characterise(patches, chart, **{"light": "D65", "transfer": "linear", **fields})


def sloped(patches: Patches, chart: Chart = CHART) -> Characterisation:
    return made(patches, chart, flat="chart", frame=FRAME)


@pytest.fixture(scope="module")
def daylight() -> Characterisation:
    return made(reading(DAYLIGHT))


def test_patches_left_out_tell_what_the_fit_does_not(daylight: Characterisation) -> None:
    colour = daylight.colour
    assert colour.left_out.patches == 24
    assert colour.fitted.mean < colour.left_out.mean < 1.3
    table = np.array([patch.delta_e_left_out for patch in colour.patches], np.float64)
    assert colour.left_out.median == pytest.approx(float(np.median(table)))
    for patch in colour.patches:
        wanted, measured = np.array(patch.reference), np.array(patch.measured)
        assert patch.delta_e == pytest.approx(float(true_ciede2000(wanted, measured)), abs=1e-6)
        assert np.allclose(colour.lab(np.array(patch.rgb)), measured)


@pytest.mark.parametrize("flat", ["none", "chart"])
@pytest.mark.parametrize("patch", [3, 12, 18])
def test_a_patch_takes_no_part_in_what_judges_it(patch: int, flat: Any) -> None:
    """Another reference value for the patch changes everything but what the others say of it."""
    patches = reading(DAYLIGHT * in_frame(SLOPE)[:, None])
    other = list(CHART.patches)
    other[patch] = other[patch].model_copy(update={"lab": (60.0, 0.0, 0.0)})
    true = made(patches, flat=flat, frame=FRAME)
    false = made(patches, CHART.model_copy(update={"patches": tuple(other)}), flat=flat, frame=FRAME)
    assert false.colour.patches[patch].left_out == true.colour.patches[patch].left_out
    assert false.folds[patch] == true.folds[patch]
    assert false.colour.model != true.colour.model


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_left_out_errors_in_closed_form_are_those_of_fits_without(recipe: Any) -> None:
    reference = Reference.of(CHART.lab, white_point("D50"))
    light, u = reading(DAYLIGHT, noise=2e-3).rgb, CHART.u_delta_e
    closed = fit(recipe, light, reference, u).left_out
    for i in (0, 9, 18):
        kept = np.arange(24) != i
        alone = fit(recipe, light[kept], reference.of_patches(kept), u[kept])
        apart = terms(light[i], recipe.powers) @ alone.matrix.T
        assert float(true_ciede2000(*lab_from_xyz(np.stack((closed[i], apart)), white_point("D50")))) < 0.05


def test_a_camera_that_is_an_observer_gets_the_linear_model_and_its_covariance() -> None:
    mix = np.array([[0.7, 0.2, 0.05], [0.3, 0.6, 0.1], [0.02, 0.1, 0.8]])
    white = white_point("D50")
    reference = Reference.of(CHART.lab, white)
    linear = tuple(r for r in RECIPES if r.kind == "linear")
    alike = np.linalg.inv(reference.roots)
    rng = np.random.default_rng(2)
    found = [
        choose(linear, xyz_from_lab(CHART.lab + off, white) @ mix.T, reference, np.zeros(24))[1]
        for off in np.einsum("nij,knj->kni", alike, 0.5 * rng.standard_normal((60, 24, 3)))
    ]
    matrices = np.array([f.matrix.ravel() for f in found])
    assert np.allclose(matrices.mean(axis=0).reshape(3, 3), np.linalg.inv(mix), atol=0.02)
    stated = np.sqrt(np.mean([np.diag(f.covariance) for f in found], axis=0))
    seen = matrices.std(axis=0)
    assert 0.8 < float(np.median(seen / stated)) < 1.25


def test_the_light_s_plane_over_the_frame_is_found_from_the_chart() -> None:
    found = sloped(reading(DAYLIGHT * in_frame(SLOPE)[:, None]))
    assert found.flat_field is not None
    response = np.array(found.flat_field.planes[1].response)
    assert response[[7, 1]] == pytest.approx(SLOPE, abs=0.03)
    gains = found.flat_field.gain_map()
    x, y = PLACES[5].astype(int)
    raw = reading(DAYLIGHT * in_frame(SLOPE)[:, None]).rgb[5]
    assert np.allclose(raw * gains[y, x], found.colour.patches[5].rgb, rtol=1e-5)
    uncorrected = made(reading(DAYLIGHT * in_frame(SLOPE)[:, None]))
    assert found.colour.left_out.mean < uncorrected.colour.left_out.mean
    assert uncorrected.flat_field is None


def test_light_that_leaves_a_corner_dark_is_no_flat_field() -> None:
    with pytest.raises(CharacterisationError, match="light the chart evenly"):
        sloped(reading(DAYLIGHT * in_frame((-0.55, 0.5))[:, None] * 0.6))


def test_exposure_changes_nothing_but_the_scale(daylight: Characterisation) -> None:
    half = made(reading(DAYLIGHT * 0.5, noise=1e-4)).colour
    assert half.left_out.mean == pytest.approx(daylight.colour.left_out.mean, abs=0.1)
    assert np.allclose(np.array(half.white) * 2, daylight.colour.white, rtol=5e-3)


def test_the_white_is_that_of_the_perfect_diffuser(daylight: Characterisation) -> None:
    white = station().rgb(np.ones(81))
    assert np.allclose(daylight.colour.white, white, rtol=0.03)
    no_greys = made(reading(DAYLIGHT), CHART.model_copy(update={"grey": ()}))
    assert np.allclose(no_greys.colour.white, white, rtol=0.06)
    assert no_greys.colour.linearity is not None
    assert no_greys.colour.linearity.verdict == "undecided"


def test_the_same_patches_give_the_same_certificate() -> None:
    first, second = (sloped(reading(DAYLIGHT)).colour.model_dump_json() for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("camera", "light"), [("nikon-5100", "D50"), ("industrial-3", "TL84")])
def test_absolute_uncertainty_covers_other_materials(camera: str, light: str) -> None:
    here = station(camera, light)
    colour = made(reading(here.rgb(SPECTRA)), light=light).colour
    others = np.concatenate([reflectances("ces"), reflectances("tcs")])
    off = colour.lab(here.rgb(others)) - true_lab(others, "D50")
    covariance = np.array([colour.absolute_covariance(rgb) for rgb in here.rgb(others)])
    inside = np.abs(off) <= 1.96 * np.sqrt(np.einsum("nii->ni", covariance))
    assert 0.85 < float(inside.mean()) < 0.995


def test_values_under_another_illuminant_are_adapted_and_say_so() -> None:
    colour = made(reading(DAYLIGHT), illuminant="D65").colour
    assert (colour.illuminant, colour.adaptation) == ("D65", "Bradford")
    assert any("adapted" in said for said in colour.statements)
    greys = np.array([patch.reference for patch in colour.patches[18:]])
    assert np.abs(greys[:, 1:]).max() < 3.5
    assert np.allclose(greys[:, 0], CHART.lab[18:, 0], atol=0.2)
    with pytest.raises(UnknownIlluminantError):
        made(reading(DAYLIGHT), illuminant="D60")


def test_excluded_are_patches_by_the_rule_alone() -> None:
    patches = reading(DAYLIGHT)
    codes, clipped = patches.codes.copy(), patches.clipped.copy()
    codes[23] = 2.9
    clipped[15] = 0.02
    colour = made(replace(patches, codes=codes, clipped=clipped)).colour
    out = {patch.id: patch.excluded for patch in colour.patches if patch.excluded is not None}
    assert out == {"16": "clipped", "24": "dark"}
    assert colour.patches[15].left_out is None
    assert colour.left_out.patches == 22
    assert "less than 3 (of 255)" in colour.rule
    assert any("16 (clipped), 24 (dark)" in said for said in colour.statements)


def test_a_clipped_white_a_dark_picture_and_too_few_patches_are_named() -> None:
    clipped = reading(np.minimum(DAYLIGHT * 1.4, 1.0), noise=0)
    with pytest.raises(CharacterisationError, match=r"clipped: patches .*19 \(white"):
        made(clipped)
    with pytest.raises(CharacterisationError, match="the picture is dark: its lightest patch reaches 7%"):
        made(reading(DAYLIGHT * 0.09))
    patches = reading(DAYLIGHT)
    codes = patches.codes.copy()
    codes[:8] = 1.0
    with pytest.raises(
        CharacterisationError, match=r"8 of 24 patches cannot be used \(dark: 1 \(dark skin\)"
    ):
        made(replace(patches, codes=codes))
    with pytest.raises(CharacterisationError, match="chart sg-after-2014 has 140"):
        made(patches, Chart.open("sg-after-2014"))


@pytest.mark.parametrize("lamp", ["A", "D50", "TL84"])
def test_light_of_two_lamps_is_seen(lamp: str) -> None:
    share = (PLACES[:, 0] - PLACES[:, 0].min()) / np.ptp(PLACES[:, 0])
    warm = station(light=lamp).rgb(SPECTRA)
    mixed = DAYLIGHT * (1 - share)[:, None] + warm * share[:, None]
    with pytest.raises(CharacterisationError, match="light of two colours"):
        sloped(reading(mixed))


@pytest.mark.parametrize("lamp", ["TL84", "LED-B3", "A"])
@pytest.mark.parametrize("camera", ["nikon-5100", "sigma-sd-merrill"])
def test_one_lamp_is_not_taken_for_two(camera: str, lamp: str) -> None:
    light = station(camera, lamp).rgb(SPECTRA) * in_frame(SLOPE)[:, None]
    assert sloped(reading(light)).colour.left_out.median < 3.5


def test_another_chart_than_named_is_refused() -> None:
    order = np.r_[np.random.default_rng(3).permutation(18), 18:24]  # its grey row is in place
    with pytest.raises(CharacterisationError, match="another chart than named"):
        made(reading(DAYLIGHT[order]))


def test_the_wrong_transfer_and_an_absent_frame_are_refused() -> None:
    with pytest.raises(CharacterisationError, match="transfer srgb is stated"):
        made(reading(DAYLIGHT), transfer="srgb")
    with pytest.raises(CharacterisationError, match="needs the frame's width and height"):
        made(reading(DAYLIGHT), flat="chart")


def test_the_same_light_holds(daylight: Characterisation) -> None:
    again = check_chart(daylight.colour, reading(DAYLIGHT * 0.8, seed=5))
    assert again.holds
    assert "light holds" in again.sentence
    assert check_white(daylight.colour, DAYLIGHT[20]).holds


def test_another_lamp_is_told_from_another_white_balance(daylight: Characterisation) -> None:
    other = station(light="TL84").rgb(SPECTRA)
    lamp = check_chart(daylight.colour, reading(other))
    assert lamp.verdict == "other_light"
    assert abs(lamp.red) > 3 * lamp.u_red
    assert (lamp.delta_e or 0) > 2 * lamp.expected
    assert "Another light" in lamp.sentence
    gains = check_chart(daylight.colour, reading(DAYLIGHT * [1.1, 0.9, 0.85]))
    assert gains.verdict == "other_balance"
    assert (gains.delta_e_balanced or 9) < 1.5 * gains.expected
    alone = check_white(daylight.colour, other[19], np.eye(3) * 1e-8)
    assert alone.verdict == "other_balance"
    assert "White balance or light" in alone.sentence


def test_a_dirty_chart_is_not_called_another_light(daylight: Characterisation) -> None:
    dirty = DAYLIGHT.copy()
    dirty[:18] = dirty[:18] * 0.8 + 0.05
    assert check_chart(daylight.colour, reading(dirty)).verdict == "other_surface"


def test_a_check_needs_patches_and_light(daylight: Characterisation) -> None:
    with pytest.raises(CharacterisationError, match="the certificate's chart has 24"):
        check_chart(daylight.colour, reading(DAYLIGHT[:12]))
    with pytest.raises(CharacterisationError, match="tells nothing"):
        check_white(daylight.colour, np.array([0.2, 0.0, 0.1]))
