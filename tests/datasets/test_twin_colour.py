"""The colour twin's spectra, truth and lamps against colour-science and published figures."""

from __future__ import annotations

from pathlib import Path

import colour
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import datasets.twin.colour
from benchmarks import spectra as script
from datasets.errors import DatasetError
from datasets.twin.colour import (
    WAVELENGTHS,
    Ageing,
    Light,
    camera,
    cameras,
    drawn_camera,
    illuminant,
    observer,
    reflectance_names,
    reflectances,
    true_ciede2000,
    true_lab,
    true_xyz,
)
from tests.kernels.test_colour import SHARMA

SHAPE = colour.SpectralShape(380, 780, 5)
OBSERVERS = {"2": "CIE 1931 2 Degree Standard Observer", "10": "CIE 1964 10 Degree Standard Observer"}


def test_the_packaged_file_is_what_its_script_writes() -> None:
    path = Path(datasets.twin.colour.__file__).with_name("spectra.csv")
    assert path.stat().st_size < 200_000
    written, packaged = script.text().splitlines(), path.read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[:3] for line in written] == [line.split(",")[:3] for line in packaged]
    for new, old in zip(written[12:], packaged[12:], strict=True):
        np.testing.assert_allclose(_numbers(new), _numbers(old), atol=1.1e-4)


def _numbers(row: str) -> npt.NDArray[np.float64]:
    return np.array([float(v) for v in row.split(",")[3:]])


@pytest.mark.parametrize("observed", ["2", "10"])
@pytest.mark.parametrize("light", ["D50", "D65", "A", "TL84", "F2", "LED-B3"])
def test_lab_is_what_colour_science_sums_to(light: str, observed: str) -> None:
    matching = colour.MSDS_CMFS[OBSERVERS[observed]].copy().align(SHAPE)
    name = {"TL84": "FL11", "F2": "FL2"}.get(light, light)
    power = colour.SDS_ILLUMINANTS[name].copy().align(SHAPE)
    sample = reflectances("ces")[[3, 40, 77]]
    ones = np.ones((1, len(WAVELENGTHS)))
    kept = {"cmfs": matching, "illuminant": power, "method": "Integration", "shape": SHAPE}
    xyz, white = (colour.msds_to_XYZ(s, **kept) / 100 for s in (sample, ones))
    np.testing.assert_allclose(true_xyz(sample, light, observed), xyz, atol=2e-7)
    f = np.where(xyz / white > 216 / 24389, np.cbrt(xyz / white), (24389 / 27 * xyz / white + 16) / 116)
    lab = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
    np.testing.assert_allclose(true_lab(sample, light, observed), lab, atol=2e-5)
    np.testing.assert_allclose(true_lab(ones[0], light, observed), [100, 0, 0], atol=1e-9)
    np.testing.assert_allclose(true_lab(sample, illuminant(light) * 7, observed), lab, atol=2e-5)


def test_whites_are_those_cie_15_prints() -> None:
    for name, white in {
        "D65": (0.95047, 1.08883),
        "A": (1.09850, 0.35585),
        "D50": (0.96422, 0.82521),
    }.items():
        x, y, z = true_xyz(np.ones(81), name)
        assert y == pytest.approx(1, abs=1e-12)
        assert (x, z) == pytest.approx(white, abs=2e-4), name


def test_the_classic_chart_reads_as_its_maker_says() -> None:
    """ColorChecker data sheet, D50, 2 degrees; the two published sets are other specimens of the chart."""
    maker = np.array([[37.986, 13.555, 14.059], [65.711, 18.130, 17.810], [49.927, -4.880, -21.925]])
    for name in ("classic", "classic-average"):
        lab = true_lab(reflectances(name), "D50")
        assert lab.shape == (24, 3)
        assert true_ciede2000(maker, lab[:3]).max() < 3
        assert np.all(np.diff(lab[18:, 0]) < -10)  # the grey row, from light to dark
        assert np.abs(lab[18:, 1:]).max() < 3.5
    assert reflectance_names("classic")[12] == "blue"


@pytest.mark.parametrize("pair", SHARMA)
def test_ciede2000_is_as_published(pair: tuple[float, ...]) -> None:
    reference, sample, published = np.array(pair[:3]), np.array(pair[3:6]), pair[6]
    assert float(true_ciede2000(reference, sample)) == pytest.approx(published, abs=5.1e-5)


def test_ciede2000_agrees_with_colour_science() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.uniform([0, -100, -100], [100, 100, 100], (2, 20000, 3))
    ours, theirs = true_ciede2000(first, second), colour.delta_E(first, second, method="CIE 2000")
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    np.testing.assert_allclose(true_ciede2000(first, first), 0, atol=1e-12)


@given(st.integers(0, 10**6))
def test_a_drawn_camera_is_plausible(seed: int) -> None:
    sensitivity = drawn_camera(np.random.default_rng(seed))
    assert sensitivity.shape == (81, 3)
    assert sensitivity.min() >= 0
    assert sensitivity.max() == 1
    red, green, blue = WAVELENGTHS[sensitivity.argmax(axis=0)]
    assert blue < 480 < green < 560 < red < 650
    assert np.all(sensitivity[WAVELENGTHS > 740] < 0.02)  # the cut filter


@pytest.mark.parametrize("name", cameras())
def test_no_camera_is_an_observer_yet_each_sees_colour(name: str) -> None:
    sensitivity = camera(name)
    best = np.linalg.lstsq(sensitivity, observer(), rcond=None)[0]
    assert np.linalg.norm(sensitivity @ best - observer()) > 0.1 * np.linalg.norm(observer())
    sample = reflectances("classic")
    rgb, xyz = sample @ (illuminant("D65")[:, None] * sensitivity), true_xyz(sample, "D65")
    fitted = rgb @ np.linalg.lstsq(rgb, xyz, rcond=None)[0]
    white = true_xyz(np.ones(81), "D65")
    lab = (colour.XYZ_to_Lab(v, colour.XYZ_to_xy(white)) for v in (xyz, fitted))
    assert 0.5 < colour.delta_E(*lab, method="CIE 2000").mean() < 3


def test_a_lamp_ages_smoothly_and_by_the_hour() -> None:
    new = Light("LED-B3", ageing=Ageing(power=0.03, tilt=0.01, phosphor=0.02))
    assert new.spectrum @ observer()[:, 1] == pytest.approx(1)
    old = new.drifted(700).drifted(300)
    for field in ("power", "tilt", "phosphor"):
        assert getattr(old, field) == pytest.approx(getattr(new.drifted(1000), field))
    assert old.power == pytest.approx(np.exp(-0.03))
    lit = new.spectrum > 0
    ratio = old.spectrum[lit] / new.spectrum[lit]
    assert np.abs(np.diff(ratio)).max() < 2e-3
    ends = np.ptp(WAVELENGTHS[lit]) / 200
    assert ratio[-1] / ratio[0] == pytest.approx(np.exp(0.01 * ends), rel=1e-3)
    grey = np.full(81, 0.5)
    assert true_lab(grey, old.spectrum) == pytest.approx(true_lab(grey, "D65"), abs=1e-9)  # white is relative
    white = new.spectrum @ observer()
    seen = colour.XYZ_to_Lab(old.spectrum @ observer(), colour.XYZ_to_xy(white))
    assert 0.3 < colour.delta_E([100, 0, 0], seen, method="CIE 2000") < 3  # in the new lamp's white it shows


def test_wrong_names_are_told() -> None:
    for call in (reflectances, illuminant, observer, camera):
        with pytest.raises(DatasetError, match=r"there is no .*'nothing'; known are"):
            call("nothing")
    with pytest.raises(DatasetError, match="shape"):
        true_lab(reflectances("classic"), np.ones(3))
    with pytest.raises(DatasetError, match="power above 0"):
        Light(power=0)
