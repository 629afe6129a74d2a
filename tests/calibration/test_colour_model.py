"""Colour models: terms as published, exposure invariance, derivatives, and what a certificate takes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import colour
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from calibration import CalibrationFormatError, CameraCalibration, Settings
from calibration.colour import Characterisation, ColourCalibration, ColourModel, characterise
from calibration.colour.metric import ciede2000_axes, ciede2000_root
from datasets.twin.colour import true_ciede2000
from tests.calibration.chart_readings import FRAME, SPECTRA, in_frame, measured_chart, reading, station

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=365)
MODELS = [("linear", 1), ("root_polynomial", 2), ("root_polynomial", 3), ("polynomial", 2)]
LIGHTS = st.lists(st.floats(0.01, 1), min_size=3, max_size=3).map(np.array)


def model(kind: Any, degree: int) -> ColourModel:
    p = {("linear", 1): 3, ("root_polynomial", 2): 6, ("root_polynomial", 3): 13, ("polynomial", 2): 9}
    size = p[kind, degree]
    matrix = np.random.default_rng(size).uniform(-0.3, 1, (3, size))
    return ColourModel.of(kind, degree, matrix, np.eye(3 * size) * 1e-6, 20)


def numeric(function: Any, at: Any, step: float = 1e-6) -> Any:
    columns = [(function(at + d) - function(at - d)) / (2 * step) for d in np.eye(len(at)) * step]
    return np.stack(columns, axis=-1)


@pytest.fixture(scope="module")
def found() -> Characterisation:
    light = station().rgb(SPECTRA) * in_frame((-0.1, 0.05))[:, None]
    return characterise(
        reading(light), measured_chart(), light="D65", transfer="linear", flat="chart", frame=FRAME
    )


@pytest.fixture(scope="module")
def even() -> ColourCalibration:
    return characterise(
        reading(station().rgb(SPECTRA)), measured_chart(), light="D65", transfer="linear"
    ).colour


@pytest.mark.parametrize(("kind", "degree"), MODELS)
def test_terms_are_those_of_colour_science(kind: Any, degree: int) -> None:
    rgb = np.random.default_rng(0).uniform(0.01, 1, (7, 3))
    published = colour.characterisation.polynomial_expansion_Finlayson2015(
        rgb, degree, kind == "root_polynomial"
    )
    ours = model(kind, degree).terms(rgb)
    assert ours.shape == published.shape
    assert np.allclose(np.sort(ours, axis=1), np.sort(published, axis=1), rtol=1e-12)


@settings(max_examples=30)
@given(rgb=LIGHTS, exposure=st.floats(0.05, 5))
def test_all_but_polynomials_follow_exposure(rgb: Any, exposure: float) -> None:
    for kind, degree in MODELS[:3]:
        found = model(kind, degree)
        assert np.allclose(found.xyz(exposure * rgb), exposure * found.xyz(rgb), rtol=1e-9)


def test_a_polynomial_does_not_follow_exposure() -> None:
    found, rgb = model("polynomial", 2), np.array([0.3, 0.4, 0.5])
    assert not np.allclose(found.xyz(2 * rgb), 2 * found.xyz(rgb), rtol=0.05)


@pytest.mark.parametrize(("kind", "degree"), MODELS)
@settings(max_examples=25)
@given(rgb=LIGHTS)
def test_derivatives(kind: Any, degree: int, rgb: Any) -> None:
    found = model(kind, degree)
    assert np.allclose(found.jacobian(rgb), numeric(found.xyz, rgb), rtol=1e-6, atol=1e-6)
    flat = found.matrix.ravel()

    def moved(coefficients: Any) -> Any:
        return found.terms(rgb) @ coefficients.reshape(3, -1).T

    assert np.allclose(found.parameter_jacobian(rgb), numeric(moved, flat), atol=1e-8)


@pytest.mark.parametrize(("kind", "degree"), MODELS)
def test_black_and_less_than_black_stay_finite(kind: Any, degree: int) -> None:
    found = model(kind, degree)
    for rgb in (np.zeros(3), np.array([-0.002, 0.3, 0.0])):
        assert np.isfinite(found.xyz(rgb)).all()
        assert np.isfinite(found.jacobian(rgb)).all()
    assert np.abs(found.jacobian(np.array([2e-4, 0.5, 0.5]))).max() < 500  # a root's slope is bounded


def test_a_model_of_the_wrong_size_is_refused() -> None:
    good = model("linear", 1).model_dump()
    for change, why in (
        ({"degree": 2}, "there is no linear model of degree 2"),
        ({"kind": "root_polynomial", "degree": 2}, "has 6 coefficients"),
        ({"covariance": ((1.0,) * 9,) * 8 + ((1.0,) * 8,)}, "not 9 x 9"),
        ({"covariance": tuple(map(tuple, np.triu(np.ones((9, 9))).tolist()))}, "not symmetric"),
    ):
        with pytest.raises(ValidationError, match=why):
            ColourModel.model_validate({**good, **change})


@settings(max_examples=50)
@given(
    lab=st.tuples(st.floats(5, 95), st.floats(-80, 80), st.floats(-80, 80)).map(np.array),
    to=st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1)).map(np.array),
)
def test_the_metric_is_ciede2000_of_small_differences(lab: Any, to: Any) -> None:
    if np.linalg.norm(to) < 0.1 or np.hypot(lab[1], lab[2]) < 0.1:
        return
    step = 1e-4 * to
    expected = float(true_ciede2000(lab, lab + step))
    assert float(np.linalg.norm(ciede2000_root(lab) @ step)) == pytest.approx(expected, rel=2e-3)
    assert float(np.linalg.norm(ciede2000_axes(lab) @ step)) == pytest.approx(expected, rel=2e-3)
    assert np.allclose(ciede2000_axes(lab), ciede2000_axes(lab).T)


def test_grey_has_a_metric(even: ColourCalibration) -> None:
    assert np.allclose(ciede2000_root(np.array([50.0, 0, 0])), np.diag([1, 1.5, 1.0]))
    assert even.lab(np.zeros((4, 2, 3))).shape == (4, 2, 3)


@pytest.mark.parametrize("patch", [0, 7, 18])
def test_derivatives_of_lab(even: ColourCalibration, patch: int) -> None:
    rgb = np.array(even.patches[patch].rgb)
    assert np.allclose(even.lab_jacobian(rgb), numeric(even.lab, rgb), rtol=1e-4, atol=1e-3)
    step = np.zeros(len(even.model.covariance))
    step[2] = 1e-6
    moved = even.model.matrix + step.reshape(3, -1)
    other = ColourModel.of(even.model.kind, even.model.degree, moved, np.array(even.model.covariance), 20)
    change = even.model_copy(update={"model": other}).lab(rgb) - even.lab(rgb)
    assert np.allclose(even.parameter_jacobian(rgb)[:, 2] * 1e-6, change, rtol=1e-3, atol=1e-9)
    covariance = even.absolute_covariance(rgb)
    assert np.linalg.eigvalsh((covariance + covariance.T) / 2)[0] > 0


def nominal() -> CameraCalibration:
    return CameraCalibration.nominal(
        camera="cell-3", mm_per_px=0.05, relative_uncertainty=0.01, issued=NOW, valid_until=LATER,
        transfer="linear",
    )  # fmt: skip


def test_certificates_without_colour_keep_their_bytes_and_take_colour_later(even: ColourCalibration) -> None:
    before = nominal()
    assert b"colour" not in before.to_bytes()
    after = before.reissued(NOW, colour=even)
    assert after.digest != before.digest
    read = CameraCalibration.parse(after.to_bytes(), source="cell-3.cal")
    assert read == after
    assert read.colour == even
    assert read.mm_per_px == before.mm_per_px
    none = json.loads(before.reissued(NOW, colour=None).to_bytes())
    assert none == json.loads(before.to_bytes())


def test_a_camera_without_scale_gets_a_certificate_that_says_so(even: ColourCalibration) -> None:
    alone = CameraCalibration.coloured(camera="cell-3", colour=even, issued=NOW, valid_until=LATER)
    assert alone.method == "nominal"
    assert alone.transfer == "linear"
    assert alone.relative_uncertainty == 0.5
    assert "scale is not known" in alone.conditions
    scaled = CameraCalibration.coloured(
        camera="cell-3", colour=even, issued=NOW, valid_until=LATER, mm_per_px=0.05, relative_uncertainty=0.01
    )
    assert (scaled.mm_per_px, scaled.conditions) == (0.05, "")


def test_the_chart_s_flat_field_belongs_into_the_certificate(found: Characterisation) -> None:
    with pytest.raises(CalibrationFormatError, match="another flat field"):
        nominal().reissued(NOW, colour=found.colour)
    whole = nominal().reissued(NOW, colour=found.colour, flat_field=found.flat_field)
    assert whole.flat_field == found.flat_field


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"transfer": "srgb"}, "characterised with linear codes"),
        ({"settings": Settings(pixel_format="RGB12")}, "codes to 255"),
        ({"settings": Settings(pixel_format="RGB8", black_level=4)}, "black at 0.0"),
        ({"settings": Settings(pixel_format="Mono8")}, "colour is of RGB pictures"),
    ],
)
def test_a_certificate_whose_codes_differ_is_refused(even: ColourCalibration, fields: Any, why: str) -> None:
    with pytest.raises(CalibrationFormatError, match=why):
        nominal().reissued(NOW, colour=even, **fields)


def test_an_expired_chart_is_refused(even: ColourCalibration) -> None:
    old = even.model_copy(update={"chart": even.chart.model_copy(update={"expires": date(2026, 2, 28)})})
    with pytest.raises(CalibrationFormatError, match=r"chart classic-after-2014 had expired on 2026-02-28"):
        nominal().reissued(NOW, colour=old)


def test_a_table_that_does_not_fit_its_summary_is_refused(even: ColourCalibration) -> None:
    for change, why in (
        ({"illuminant": "D60"}, "illuminant 'D60' is not known"),
        ({"white": (0.5, 0.0, 0.5)}, "no light in a channel"),
        ({"patches": even.patches[:-1]}, "not of the patches that took part"),
        ({"residual": ((1.0, 2.0, 0.0), (2.0, 1.0, 0.0), (0.0, 0.0, 1.0))}, "positive semi-definite"),
    ):
        with pytest.raises(ValidationError, match=why):
            ColourCalibration.model_validate({**even.model_dump(), **change})
