"""Colorimetry against colour-science, which shares no code with it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.colour import (
    ILLUMINANTS,
    adaptation,
    illuminant_name,
    lab_from_xyz,
    lab_jacobian,
    white_point,
    xyz_from_lab,
    xyz_from_reflectance,
)
from calibration.errors import CalibrationError, SpectrumError, UnknownIlluminantError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour
    from colour.colorimetry import TVS_ILLUMINANTS

OBSERVERS = {"2": "cie_2_1931", "10": "cie_10_1964"}


@pytest.mark.parametrize("observer", OBSERVERS)
def test_white_points_of_a_c_and_daylights_are_the_tabulated_ones(observer: str) -> None:
    table = TVS_ILLUMINANTS[OBSERVERS[observer]]
    for name in ("A", "C", "D50", "D55", "D65", "D75"):
        assert white_point(name, observer) == pytest.approx(np.asarray(table[name]) / 100, abs=1e-9), name


@pytest.mark.parametrize("observer", OBSERVERS)
@pytest.mark.parametrize("name", ILLUMINANTS)
def test_white_points_have_the_chromaticity_of_the_tables(name: str, observer: str) -> None:
    x, y, z = white_point(name, observer)
    expected = colour.CCS_ILLUMINANTS[OBSERVERS[observer]][name]
    # the tables state four decimals; 10-degree values of lamps are sums over other steps
    tolerance = 1.2e-4 if observer == "2" else 1e-3
    assert np.array([x, y]) / (x + y + z) == pytest.approx(expected, abs=tolerance)
    assert y == 1


def test_names_are_found_in_any_case_and_by_trade_name() -> None:
    assert illuminant_name("tl84") == illuminant_name("F11") == illuminant_name("fl11") == "FL11"
    assert illuminant_name(" led-b3 ") == "LED-B3"
    assert np.array_equal(white_point("F2"), white_point("FL2"))


def test_an_unknown_illuminant_or_observer_names_the_known_ones() -> None:
    with pytest.raises(UnknownIlluminantError, match=r"'D67' is not known: write one of A, C, D50.*TL84"):
        white_point("D67")
    with pytest.raises(CalibrationError, match=r"observer '4' .*\"2\".*\"10\""):
        white_point("D65", "4")


@given(st.tuples(st.floats(0, 1.2), st.floats(0, 1.2), st.floats(0, 1.2)))
def test_lab_agrees_with_colour_science_and_returns(xyz: tuple[float, float, float]) -> None:
    white = white_point("D50")
    lab = lab_from_xyz(np.array(xyz), white)
    assert lab == pytest.approx(
        colour.XYZ_to_Lab(np.array(xyz), colour.XYZ_to_xy(white)), abs=1e-4
    )  # its linear branch begins at 24/116 cubed, rounded otherwise
    assert xyz_from_lab(lab, white) == pytest.approx(xyz, abs=1e-12)


def test_lab_of_negative_light_is_finite_and_returns() -> None:
    white = white_point("D65")
    xyz = np.array([[-0.02, -0.01, -0.005], [0.5, -0.01, 0.2]])
    assert xyz_from_lab(lab_from_xyz(xyz, white), white) == pytest.approx(xyz, abs=1e-12)


@given(st.tuples(st.floats(0.0005, 1), st.floats(0.0005, 1), st.floats(0.0005, 1)))
def test_the_jacobian_is_the_slope(xyz: tuple[float, float, float]) -> None:
    white, step = white_point("A", "10"), 1e-7
    at = np.array(xyz)
    slopes = [
        (lab_from_xyz(at + step * axis, white) - lab_from_xyz(at - step * axis, white)) / (2 * step)
        for axis in np.eye(3)
    ]
    assert lab_jacobian(at, white) == pytest.approx(np.stack(slopes, axis=-1), rel=2e-4, abs=1e-4)


def test_jacobians_of_many_colours_come_at_once() -> None:
    white = white_point("D50")
    many = np.array([[0.2, 0.3, 0.1], [0.0, 0.0, 0.0], [0.9, 1.0, 0.8]])
    together = lab_jacobian(many, white)
    assert together.shape == (3, 3, 3)
    for one, its in zip(many, together, strict=True):
        assert np.array_equal(lab_jacobian(one, white), its)


@pytest.mark.parametrize("method", ["Bradford", "CAT16"])
def test_adaptation_agrees_with_colour_science(method: Any) -> None:
    source, target = white_point("A"), white_point("D65")
    expected = colour.adaptation.matrix_chromatic_adaptation_VonKries(source, target, transform=method)
    assert adaptation(source, target, method) == pytest.approx(expected, abs=1e-9)
    assert adaptation(source, target, method) @ source == pytest.approx(target, abs=1e-12)


@pytest.mark.parametrize(
    ("illuminant", "tolerance"), [("D50", 0.05), ("D65", 0.05), ("A", 0.05), ("FL11", 0.5)]
)
@pytest.mark.parametrize("observer", OBSERVERS)
def test_colours_of_measured_spectra_agree_with_sums_over_1_nm(
    illuminant: str, tolerance: float, observer: str
) -> None:
    chart = colour.SDS_COLOURCHECKERS["BabelColor Average"]
    white = white_point(illuminant, observer)
    matching = colour.MSDS_CMFS[OBSERVERS[observer]].copy().align(colour.SpectralShape(380, 780, 1))
    lamp = colour.SDS_ILLUMINANTS[illuminant].copy().align(colour.SpectralShape(380, 780, 1))
    for name, spectrum in chart.items():
        wide = spectrum.copy().align(colour.SpectralShape(380, 780, 1))
        theirs = colour.colorimetry.sd_to_XYZ_integration(wide, matching, lamp) / 100
        ours = xyz_from_reflectance(np.asarray(spectrum.wavelengths), spectrum.values, illuminant, observer)
        difference = colour.delta_E(lab_from_xyz(ours, white), lab_from_xyz(theirs, white))
        assert difference < tolerance, name


def test_beyond_its_ends_a_spectrum_keeps_its_last_value() -> None:
    wide, narrow = np.arange(380.0, 781, 5), np.arange(400.0, 701, 5)  # the sum's own steps: no interpolation
    steep = 0.1 + 0.8 * ((narrow - 400) / 300) ** 2
    kept = np.interp(wide, narrow, steep)
    for light in ("A", "D65"):
        ours = xyz_from_reflectance(narrow, steep, light)
        assert ours == pytest.approx(xyz_from_reflectance(wide, kept, light), abs=1e-12)


def test_the_perfect_diffuser_is_exactly_white() -> None:
    wavelengths = np.arange(400.0, 701.0, 10.0)
    for name in ILLUMINANTS:
        xyz = xyz_from_reflectance(wavelengths, np.ones((2, wavelengths.size)), name, "10")
        assert xyz == pytest.approx(np.tile(white_point(name, "10"), (2, 1)), abs=1e-12)


@pytest.mark.parametrize(
    "wavelengths",
    [np.arange(420.0, 701, 10), np.arange(400.0, 681, 10), np.arange(400.0, 721, 40), np.array([])],
)
def test_a_spectrum_that_reaches_too_short_is_refused(wavelengths: np.ndarray) -> None:
    with pytest.raises(SpectrumError, match="from 400 to 700 nm"):
        xyz_from_reflectance(wavelengths, np.ones(wavelengths.size), "D50")
