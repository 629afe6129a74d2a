"""Pictures of charts and regions hold what their truth says, where it says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from datasets.errors import DatasetError
from datasets.light import to_linear
from datasets.twin.colour import (
    ChartPicture,
    ChartScene,
    ColourStation,
    Light,
    Surface,
    metamer,
    near,
    reflectances,
    true_ciede2000,
    true_lab,
)
from datasets.twin.metrology import Sensor

F64 = npt.NDArray[np.float64]
GREY = np.full(81, 0.4)
STILL = Sensor(full_well_e=math.inf, bits=16, psf_sigma_px=0.7)
SMALL = ColourStation(sensor=STILL, size=(360, 270))
PATCHES = reflectances("classic")


def light_at(picture: ChartPicture, patch: int, reach: int = 2) -> F64:
    x, y = np.rint(picture.centres[patch]).astype(int)
    block = picture.pixels[y - reach : y + reach + 1, x - reach : x + reach + 1]
    return block.reshape(-1, 3).mean(axis=0) / 65535


@pytest.mark.parametrize(("turns", "mirrored"), [(0, False), (1, False), (2, False), (3, True), (0, True)])
def test_a_chart_lies_as_its_truth_says(turns: int, mirrored: bool) -> None:
    rng = np.random.default_rng(turns)
    scene = ChartScene(turns=turns, mirrored=mirrored, clutter=4, background=GREY)
    picture = SMALL.chart(rng, scene=scene)
    seen = np.array([light_at(picture, n) for n in range(24)])
    np.testing.assert_allclose(seen, SMALL.rgb(PATCHES), atol=3e-5)
    np.testing.assert_allclose(picture.seen, picture.rgb, atol=1e-7)
    np.testing.assert_array_equal(picture.corners, picture.centres[[0, 5, 23, 18]])
    along, down = picture.corners[1] - picture.corners[0], picture.corners[3] - picture.corners[0]
    angle = math.degrees(math.atan2(along[1], along[0]))
    wanted = 90 * turns + (180 if mirrored else 0)
    assert abs((angle - wanted + 180) % 360 - 180) < 12
    assert (along[0] * down[1] - along[1] * down[0] > 0) != mirrored


def test_middles_are_exact() -> None:
    """A light patch alone on black, straight before the camera: its centre of gravity is its middle."""
    black = np.zeros((24, 81))
    black[7] = 1
    scene = ChartScene(background=np.zeros(81), tilt_deg=0, roll_deg=0)
    picture = SMALL.chart(np.random.default_rng(0), black, scene)
    bright = picture.pixels[..., 1] / 65535 - 0.035 * SMALL.rgb(np.ones(81))[1]
    x0, y0 = np.rint(picture.centres[7]).astype(int) - 19
    window = np.maximum(bright[y0 : y0 + 39, x0 : x0 + 39], 0)
    window[window < 0.01] = 0
    y, x = np.mgrid[y0 : y0 + 39, x0 : x0 + 39]
    middle = [(window * x).sum() / window.sum(), (window * y).sum() / window.sum()]
    np.testing.assert_allclose(middle, picture.centres[7], atol=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_a_cropped_chart_leaves_the_frame(seed: int) -> None:
    scene = ChartScene(cropped=0.3, tilt_deg=0, roll_deg=0)
    picture = SMALL.chart(np.random.default_rng(seed), scene=scene)
    outside = np.any((picture.centres < 0) | (picture.centres > [359, 269]), axis=1)
    assert outside.sum() in {6, 8}  # a row of six, or two columns of four
    assert np.isnan(picture.seen[outside]).all()
    assert np.isfinite(picture.seen[~outside]).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_sheet_covers_its_share(seed: int) -> None:
    picture = SMALL.chart(np.random.default_rng(seed), scene=ChartScene(covered=0.4))
    hidden = np.abs(picture.seen - picture.rgb).max(axis=1) > 1e-6
    assert 0.25 <= hidden.mean() <= 0.55
    sheet = np.median(picture.seen[hidden], axis=0)
    under = np.abs(picture.seen[hidden] - sheet).max(axis=1) < 1e-4
    assert under.mean() > 0.6  # the others lie at its edge


def test_two_lamps_light_two_halves() -> None:
    picture = SMALL.chart(np.random.default_rng(1), scene=ChartScene(right=Light("A"), share=0.9))
    left, right = picture.centres[:, 0] < 140, picture.centres[:, 0] > 220
    assert min(left.sum(), right.sum()) >= 4
    np.testing.assert_allclose(picture.seen[left], SMALL.rgb(PATCHES)[left], rtol=0.005)
    warm = SMALL.under(Light("A")).rgb(PATCHES)
    np.testing.assert_allclose(picture.seen[right], warm[right], rtol=0.01)


def test_falloff_gradient_clipping_and_absence() -> None:
    rng = np.random.default_rng(2)
    uneven = replace(SMALL, sensor=replace(STILL, vignetting=0.3))
    picture = uneven.chart(rng, scene=ChartScene(gradient=(0.3, 0.0)))
    x, y = (picture.centres - [179.5, 134.5]).T
    level = (1 - 0.3 * (x**2 + y**2) / (179.5**2 + 134.5**2)) * (1 + 0.3 * x / 360)
    np.testing.assert_allclose(picture.seen / picture.rgb, level[:, None] * np.ones(3), rtol=0.01)
    bright = ColourStation(exposure=1.6, size=(240, 180)).chart(rng, scene=ChartScene(background=GREY))
    assert bright.pixels.dtype == np.uint8
    x, y = np.rint(bright.centres[18]).astype(int)
    assert bright.pixels[y, x, 1] == 255
    empty = SMALL.chart(rng, scene=ChartScene(plate=False, clutter=6))
    assert np.isnan(empty.corners).all()
    assert np.isnan(empty.seen).all()
    assert empty.pixels.std() > 100


def test_a_clean_region_is_its_material() -> None:
    picture = SMALL.picture(PATCHES[4], np.random.default_rng(0))
    np.testing.assert_allclose(
        picture.pixels / 65535, np.broadcast_to(SMALL.rgb(PATCHES[4]), (270, 360, 3)), atol=1e-5
    )
    assert picture.surface.clean.all()
    np.testing.assert_allclose(picture.surface.mean_lab("D50"), true_lab(PATCHES[4], "D50"), atol=1e-9)


def test_mottle_and_gradient_are_as_stated() -> None:
    rng = np.random.default_rng(0)
    other = near(PATCHES[12], rng, 2.0)
    surface = SMALL.picture(PATCHES[12], rng, Surface(other=other, mottle=0.5, grain_px=4)).surface
    assert surface.mix.std() == pytest.approx(0.5)
    assert surface.mix.mean() == pytest.approx(0, abs=1e-12)
    lab = surface.lab("D65")
    apart = true_ciede2000(true_lab(PATCHES[12], "D65"), lab)
    assert math.sqrt(np.square(apart).mean()) == pytest.approx(1.0, rel=0.05)  # half of 2
    np.testing.assert_allclose(surface.mean_lab("D65"), true_lab(PATCHES[12], "D65"), atol=1e-9)
    neighbours = np.corrcoef(surface.mix[:, :-4].ravel(), surface.mix[:, 4:].ravel())[0, 1]
    assert neighbours == pytest.approx(math.exp(-(4**2) / (4 * 4**2)), abs=0.07)
    slope = SMALL.picture(PATCHES[12], rng, Surface(other=other, gradient=1.0)).surface
    np.testing.assert_allclose(slope.mean_lab("D65"), true_lab(PATCHES[12], "D65"), atol=1e-9)
    ramp = slope.lab("D65")
    assert float(true_ciede2000(ramp[0, 0], ramp[0, -1])) == pytest.approx(2.0, rel=0.05)


def test_a_metamer_s_mottle_is_seen_by_the_camera_only() -> None:
    rng = np.random.default_rng(3)
    other = metamer(PATCHES[12], "D65", rng)
    picture = SMALL.picture(PATCHES[12], rng, Surface(other=other, mottle=0.5))
    assert np.ptp(picture.surface.lab("D65").reshape(-1, 3), axis=0).max() < 1e-9
    assert picture.pixels.std(axis=(0, 1)).max() > 20


def test_dust_and_glare_lie_where_the_truth_says() -> None:
    rng = np.random.default_rng(0)
    drawn = Surface(dust=25, fibres=6, glare=3, glare_px=8)
    sharp = replace(SMALL, sensor=replace(STILL, psf_sigma_px=0.2))
    picture = sharp.picture(PATCHES[12], rng, drawn)
    clean, own = picture.surface.clean, SMALL.rgb(PATCHES[12])
    assert 0.8 < clean.mean() < 0.995
    off = np.abs(picture.pixels / 65535 - own).max(axis=2)
    assert off[clean].max() < 0.004
    assert (off[~clean] > 0.001).mean() > 0.9
    assert (picture.pixels[picture.surface.glaring] == 65535).any()
    assert set(np.unique(picture.surface.dirt)) == {0, 1, 2}
    specks = SMALL.picture(PATCHES[12], rng, Surface(dust=40)).surface.dirt > 0
    assert 5 < specks.sum() / 40 < 40  # px each
    hazy = SMALL.picture(PATCHES[12], rng, Surface(gloss=0.02))
    np.testing.assert_allclose(hazy.pixels[5, 5] / 65535, own + 0.02 * SMALL.rgb(np.ones(81)), atol=1e-5)
    assert hazy.surface.clean.all()


def test_a_captured_map_of_light_comes_back() -> None:
    station = ColourStation(sensor=Sensor(transfer="srgb", psf_sigma_px=1.0))
    light = np.zeros((60, 80, 3))
    light[:, 40:] = station.rgb(PATCHES[18])
    frame = station.capture(light, np.random.default_rng(0))
    assert frame.shape == (60, 80, 3)
    np.testing.assert_allclose(to_linear(frame)[:, 60:].mean(axis=(0, 1)), light[0, 60], rtol=0.01)
    assert frame[:, :30].mean() < 3


def test_wrong_scenes_are_refused() -> None:
    for wrong in ({"cropped": 1.0}, {"covered": -0.1}, {"share": 0.0}):
        with pytest.raises(DatasetError, match="share"):
            ChartScene(**wrong)
    with pytest.raises(DatasetError, match="at least 2 x 2"):
        ChartScene(columns=1)
    with pytest.raises(DatasetError, match=r"chart of 6 x 4"):
        SMALL.chart(np.random.default_rng(0), PATCHES[:20])
    with pytest.raises(DatasetError, match="another reflectance"):
        Surface(mottle=0.2)
    with pytest.raises(DatasetError, match="at least 0"):
        Surface(gloss=-1)
