"""Flat fields: falloff and pattern of a simulated sensor are taken out; surfaces not flat are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.errors import CalibrationAlteredError, FramesError
from calibration.flat_field import FlatField, FlatMeasurement, measure_flat
from calibration.mosaic import Bayer
from datasets.twin.metrology import Sensor

W, H = 240, 176
WINDOW = (0, 0, W, H)
Y, X = np.mgrid[0:H, 0:W]


class Rig:
    """A camera in front of a surface; 1 is evenly lit."""

    def __init__(self, **sensor: Any) -> None:
        self.sensor = Sensor(**{"bits": 12, "black_level": 64, "vignetting": 0.35, **sensor})
        self.table = self.sensor.light_of_codes()
        self.rng = np.random.default_rng(5)

    def frame(self, light: Any, surface: Any = 1.0) -> NDArray[Any]:
        response = self.sensor.response((W, H), WINDOW)
        even = np.broadcast_to(light * np.asarray(surface, np.float64), (H, W))
        return self.sensor.read(even * response + self.sensor.dark((W, H), WINDOW), self.rng)

    def measure(self, surface: Any = 1.0, *, flats: int = 3, light: float = 0.7) -> FlatMeasurement:
        darks = [self.frame(0.0) for _ in range(2)]
        return measure_flat(darks, [self.frame(light, surface) for _ in range(flats)], table=self.table)

    def refused(self, surface: Any = 1.0, *, light: float = 0.7) -> str:
        with pytest.raises(FramesError) as caught:
            self.measure(surface, light=light)
        return str(caught.value)


def test_falloff_is_taken_out_to_a_thousandth() -> None:
    rig = Rig()
    field = rig.measure().field
    truth = rig.sensor.response((W, H), WINDOW)
    product = field.gain_map() * truth
    assert product.std() / product.mean() < 7e-4
    assert field.gain_map().dtype == np.float32
    assert field.planes[0].level == pytest.approx(0.7 * truth.mean(), rel=1e-3)


@pytest.mark.parametrize("bits", [8, 10, 16])
def test_every_depth_gives_the_same_falloff(bits: int) -> None:
    rig = Rig(bits=bits, black_level=0)
    product = rig.measure().field.gain_map() * rig.sensor.response((W, H), WINDOW)
    assert product.std() / product.mean() < 7e-4


def test_srgb_codes_are_corrected_in_linear_light() -> None:
    rig = Rig(bits=8, black_level=0, transfer="srgb")
    product = rig.measure().field.gain_map() * rig.sensor.response((W, H), WINDOW)
    assert product.std() / product.mean() < 7e-4


def test_a_corrected_frame_of_an_even_surface_is_even() -> None:
    rig = Rig()
    field = rig.measure().field
    light = rig.table[rig.frame(0.4)]
    corrected = field.correct(light)
    assert corrected.shape == (H, W)
    assert corrected[:20, :20].mean() == pytest.approx(corrected[80:100, 110:130].mean(), rel=4e-3)
    assert light[:20, :20].mean() < 0.8 * light[80:100, 110:130].mean()
    with pytest.raises(FramesError, match="does not fit"):
        field.correct(light[1:])


def test_a_dark_level_that_the_table_does_not_know_is_taken_off() -> None:
    rig = Rig()
    rig.table = (np.arange(4096) / 4095).astype(np.float32)
    field = rig.measure().field
    assert field.planes[0].dark == pytest.approx(64 / 4095, rel=0.01)
    assert field.correct(rig.table[rig.frame(0.0)]).mean() == pytest.approx(0, abs=2e-4)


def test_the_pattern_of_single_pixels_is_found_and_kept_beside() -> None:
    rig = Rig(gain_spread=0.02)
    found = rig.measure(flats=8)
    assert found.fine is not None
    assert found.u_fine is not None
    assert found.field.planes[0].pattern == pytest.approx(0.02, rel=0.05)
    fine = found.field.read_fine(found.fine)
    truth = rig.sensor.response((W, H), WINDOW)
    both = found.field.gain_map(fine) * truth
    assert both.std() / both.mean() == pytest.approx(found.u_fine, rel=0.15)
    smooth = found.field.gain_map() * truth
    assert both.std() < 0.3 * smooth.std()
    with pytest.raises(CalibrationAlteredError):
        found.field.read_fine(found.fine[:-1])


def test_a_sensor_without_pattern_shows_none() -> None:
    assert (Rig().measure(flats=8).field.planes[0].pattern or 0) < 5e-4
    single = Rig().measure(flats=1)
    assert single.fine is None
    assert single.field.planes[0].pattern is None


@pytest.mark.parametrize("bayer", ["RGGB", "GBRG"])
def test_each_plane_of_a_mosaic_has_its_own_falloff(bayer: Bayer) -> None:
    rig = Rig()
    fall = {"R": 0.1, "G": 0.25, "B": 0.4}
    radius = ((X - (W - 1) / 2) ** 2 + (Y - (H - 1) / 2) ** 2) / ((W - 1) ** 2 + (H - 1) ** 2) * 4
    surface = np.empty((H, W))
    for place, colour in enumerate(bayer):
        part = (slice(place // 2, None, 2), slice(place % 2, None, 2))
        surface[part] = (1 - fall[colour] * radius[part]) * {"R": 0.6, "G": 1, "B": 0.5}[colour]
    rig.sensor = Sensor(bits=12, black_level=64)
    field = measure_flat([rig.frame(0.0)], [rig.frame(0.8, surface)] * 2, table=rig.table, bayer=bayer).field
    product = field.gain_map() * surface
    for place in range(4):
        part = product[place // 2 :: 2, place % 2 :: 2]
        assert part.std() / part.mean() < 7e-4
    assert field.factors().shape == (H, W)


def test_colour_frames_have_a_map_for_luminance() -> None:
    rig = Rig()
    flat = np.stack([rig.frame(light) for light in (0.5, 0.7, 0.4)], axis=-1)
    dark = np.stack([rig.frame(0.0)] * 3, axis=-1)
    field = measure_flat([dark], [flat], table=rig.table).field
    assert field.gain_map().shape == (H, W, 3)
    product = field.factors() * rig.sensor.response((W, H), WINDOW)
    assert product.std() / product.mean() < 7e-4


def test_dust_on_the_surface_does_not_bend_the_falloff() -> None:
    rig = Rig()
    dusty = np.ones((H, W))
    dusty[(X - 100) ** 2 + (Y - 60) ** 2 <= 1] = 0.3
    product = rig.measure(dusty).field.gain_map() * rig.sensor.response((W, H), WINDOW)
    assert product.std() / product.mean() < 7e-4


def test_a_surface_that_falls_off_to_one_side_is_refused() -> None:
    message = Rig().refused(1.1 - 0.5 * X / W)
    assert "left edge" in message
    assert "not evenly lit" in message
    assert "top edge" in Rig().refused(1.1 - 0.5 * Y / H)


def test_something_on_the_surface_is_refused_with_its_place() -> None:
    coin = np.where((X - 60) ** 2 + (Y - 44) ** 2 < 15**2, 0.6, 1.0)
    message = Rig().refused(coin)
    assert "something lies there" in message
    assert "the frame" in message
    assert "surface ends" in Rig().refused(np.where(Y > H - 6, 0.7, 1.0))


def test_light_that_says_nothing_is_refused() -> None:
    assert "saturated" in Rig().refused(light=1.1)
    assert "black" in Rig(black_level=0, read_noise_e=100).refused(light=0.006)
    assert "reach light" in Rig().refused(light=0.08)
    rig = Rig()
    flats = [rig.frame(0.6), rig.frame(0.66)]
    with pytest.raises(FramesError, match="differs"):
        measure_flat([rig.frame(0)], flats, table=rig.table)
    with pytest.raises(FramesError, match="lens cap"):
        measure_flat([rig.frame(0.3)], flats[:1], table=rig.table)


def test_frames_that_do_not_belong_together_are_refused() -> None:
    rig = Rig()
    dark, flat = rig.frame(0), rig.frame(0.6)
    with pytest.raises(FramesError, match="mixed"):
        measure_flat([dark[:-2]], [flat], table=rig.table)
    with pytest.raises(FramesError, match="at least one dark"):
        measure_flat([], [flat], table=rig.table)
    with pytest.raises(FramesError, match="above 255"):
        measure_flat([dark], [flat], table=rig.table[:256])
    with pytest.raises(FramesError, match="even sides"):
        measure_flat([dark[1:]], [flat[1:]], table=rig.table, bayer="RGGB")
    with pytest.raises(FramesError, match="too small"):
        measure_flat([dark[:60]], [flat[:60]], table=rig.table)


def test_a_flat_field_makes_the_round_trip() -> None:
    field = Rig(gain_spread=0.01).measure().field
    assert FlatField.model_validate_json(field.model_dump_json()) == field
    content = field.model_dump()
    with pytest.raises(ValueError, match="planes"):
        FlatField.model_validate({**content, "bayer": "RGGB"})
