"""Colours of units by a characterised camera: against the golden sample as the station measured it."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from calibration import CalibrationAlteredError, CalibrationError, CalibrationFormatError, CameraCalibration
from calibration.colour.camera import ColourCalibration
from calibration.colour.characterise import characterise
from calibration.colour.chart import Chart
from calibration.colour.patches import Patches
from calibration.errors import CheckError, FramesError
from datasets.sensor import quantise
from datasets.twin.colour import true_ciede2000
from evidence import CharacteristicResult, Frame, Inspection
from golden.sample import GoldenSample
from tests.vision import board
from vision import GoldenColours, Inspector, measure_golden

TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.95047, 1.0, 1.08883])
X, Y, W, H = (int(v) for v in board.PADDLE)
PATCH = np.s_[Y - 4 : Y + H + 4, X - 4 : X + W + 4]
TILE = np.array([[20.0, 280], [50, 280], [50, 310], [20, 310]])  # of the frame's margin, kept white
TILE_PATCH = np.s_[270:320, 10:60]


def lab_of(rgb: np.ndarray) -> np.ndarray:
    t = rgb @ TO_XYZ.T / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack((116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])), -1)


@functools.cache
def colour() -> ColourCalibration:
    """Return the colours of a camera that is sRGB, from a chart of random colours."""
    rng = np.random.default_rng(12)
    chart = Chart.open("classic-after-2014")
    rgb = rng.uniform(0.05, 0.85, (24, 3))
    rgb[18:] = np.array([0.85, 0.58, 0.36, 0.19, 0.09, 0.04])[:, None]
    patches = tuple(
        p.model_copy(update={"lab": tuple(lab.tolist())})
        for p, lab in zip(chart.patches, lab_of(rgb), strict=True)
    )
    chart = chart.model_copy(update={"patches": patches, "illuminant": "D65"})
    codes = 255 * np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)
    read = Patches(
        rgb=rgb, covariance=np.tile(1e-8 * np.eye(3), (24, 1, 1)), spread=np.full((24, 3), 1e-3), codes=codes,
        clipped=np.zeros(24), left_out=np.zeros(24), pixels=np.full(24, 900),
        centres=np.array([[100.0 * (i % 6), 100.0 * (i // 6)] for i in range(24)]),
    )  # fmt: skip
    return characterise(read, chart, light="D65", transfer="srgb").colour


@functools.cache
def certificate() -> CameraCalibration:
    return board.calibration().reissued(board.ISSUED, colour=colour())


@functools.cache
def light() -> np.ndarray:
    found = board.board_light().astype(np.float64)
    found[TILE_PATCH] = 0.75
    return found


@functools.cache
def golden() -> GoldenSample:
    return board.sample(spec(), {"images/top.png": board.png(quantise(light()))})


def spec() -> dict[str, Any]:
    """Return the board's specification with colours of one region by every quantity."""
    fields = board.fields()
    fields["views"][0]["mm_per_px"] = 10 * board.MM_PER_PX  # so that tiles of mottle fit
    for zone in fields["zones"]:
        if zone["id"] == "rim":
            zone["region"].update({"x": 70, "width": 720})
    (copper,) = (c for c in fields["characteristics"] if c["kind"] == "colour")
    copper["upper"] = 1.5
    for number, (name, more) in enumerate(MORE.items(), 20):
        fields["characteristics"].append({**copper, "id": name, "number": number, **more})
    return fields


D65 = {"illuminant": "D65", "observer": "2"}
MATCHED = {"type": "rectangle", "x": 304, "y": 514, "width": 32, "height": 42}


def absolute(*lab: float) -> dict[str, Any]:
    conditions = {**D65, "geometry": "45/0"}
    return {
        "reference": {"lab": lab, "instrument": "Spectrophotometer 1", "u": 0.1, "conditions": conditions}
    }


MORE: dict[str, dict[str, Any]] = {
    "places": {"quantity": "p95"},
    "eye": {"quantity": "p95", "viewing_distance_mm": 300.0},
    "gradient": {"quantity": "gradient"},
    "mottle": {"quantity": "mottle", "upper": 0.5},
    "match": {"quantity": "match", "other": MATCHED},
    "cmc": {"formula": "CMC_2_1", "unit": "CMC_2_1"},
    "d50": {"conditions": {"illuminant": "D50", "observer": "2"}},
    "near": absolute(68.5, 6.7, 25.5),
    "far": absolute(20.0, 0.0, 0.0),
}


def shot(seed: int, patch: Any = 1.0, gain: Any = 1.0, extra: np.ndarray | None = None) -> Frame:
    """Return a frame: the paddle's light times `patch`, all light times `gain`; moved and noisy by seed."""
    rng = np.random.default_rng(seed)
    scene = light().copy()
    scene[PATCH] *= patch
    if extra is not None:
        scene += extra
    move = tuple(int(n) for n in rng.integers(-4, 5, 2))
    tile = scene[TILE_PATCH].copy()
    scene = np.roll(scene, move, axis=(0, 1))
    scene[TILE_PATCH] = tile  # the tile stays where it is
    scene = scene * gain * (1 + 0.002 * rng.standard_normal())
    seen = scene + 0.006 * np.sqrt(np.maximum(scene, 0.01)) * rng.standard_normal(scene.shape)
    return board.frame(quantise(np.clip(seen, 0, 1)))


@functools.cache
def placements(count: int = 5) -> tuple[Frame, ...]:
    return tuple(shot(100 + n) for n in range(count))


@functools.cache
def golden_colours(tile: bool = False) -> GoldenColours:
    frames = placements(12) if tile else placements()
    return measure_golden(golden(), "top", certificate(), frames, tile=TILE if tile else None)


@functools.cache
def inspector(tile: bool = False) -> Inspector:
    return Inspector(golden(), {"top": certificate()}, colours={"top": golden_colours(tile)})


def inspected(frame: Frame, by: Inspector | None = None) -> tuple[CharacteristicResult, Inspection]:
    record = (by or inspector()).inspect({"top": frame}, serial="S1")
    return of(record, "copper"), record


def of(record: Inspection, name: str) -> CharacteristicResult:
    (result,) = (c for c in record.characteristics if c.id == name)
    return result


@functools.cache
def good() -> Inspection:
    return inspected(shot(1))[1]


def test_a_unit_like_the_golden_sample_conforms_and_says_nothing() -> None:
    result, record = inspected(shot(1))
    assert result.decision == "conform"
    assert result.interval is not None
    assert result.value is not None
    assert result.value < 0.3
    assert result.interval[1] < 1.5
    assert result.colour is not None
    np.testing.assert_allclose(result.colour.lab, lab_of(np.array(board.COPPER)), atol=0.4)
    assert result.colour.words == ()
    assert result.colour.cautions == ()
    assert result.colour.conditions.illuminant == "D65"
    assert 0 < result.colour.excluded_by["edge"] < 0.2
    assert {line.name for line in result.budget} >= {"unit reading", "placement", "small differences"}
    assert record.frames[0].colours == golden_colours().digest
    assert Inspection.model_validate(record.record()) == record


@pytest.mark.parametrize(
    ("patch", "said", "decision"),
    [
        ((1.06, 1.06, 1.06), ("lighter",), "conform"),
        ((0.8, 0.8, 0.8), ("darker",), "nonconform"),
        ((1.0, 1.0, 1.25), ("duller",), "nonconform"),
        ((1.12, 0.97, 1.0), ("redder",), "nonconform"),
    ],
)
def test_a_changed_colour_differs_by_what_it_was_changed(
    patch: tuple[float, ...], said: tuple[str, ...], decision: str
) -> None:
    result, _ = inspected(shot(2, patch))
    copper = np.array(board.COPPER)
    true = float(true_ciede2000(lab_of(copper), lab_of(copper * patch)))
    assert result.value == pytest.approx(true, abs=0.15 + 0.03 * true)
    assert result.interval is not None
    assert result.interval[0] <= true <= result.interval[1]
    assert result.decision == decision
    assert result.colour is not None
    assert result.colour.words[: len(said)] == said


def test_without_the_golden_samples_colours_colours_wait() -> None:
    result, record = inspected(shot(1), Inspector(golden(), {"top": certificate()}))
    assert (result.decision, result.reason) == ("undecided", "colour_reference_absent")
    assert "colour_reference_absent" in record.reasons


def test_without_a_colour_certificate_the_record_is_as_it_was() -> None:
    result, record = inspected(shot(1), Inspector(golden(), {"top": board.calibration()}))
    assert result.decision == "conform"
    assert result.colour is None
    assert b'"colours"' not in record.to_json()
    assert b'"interval"' not in record.to_json()


def test_a_certificate_that_does_not_fit_the_frame_decides_no_colour() -> None:
    frame = shot(1)
    late = board.frame(np.asarray(frame.pixels, np.uint8), captured_at="2027-06-01T12:00:00Z")
    assert inspected(late)[0].reason == "calibration_expired"


@pytest.mark.parametrize(
    ("patch", "reason"), [((1.9, 1.9, 1.9), "colour_saturated"), ((1.0, 1.0, 1.0), "region_unusable")]
)
def test_a_region_that_cannot_be_read_says_why(patch: tuple[float, ...], reason: str) -> None:
    extra = None
    if reason == "region_unusable":
        extra = np.zeros_like(light())
        extra[Y : Y + H, X : X + 58] = 0.25  # glare
    result, record = inspected(shot(3, patch, extra=extra))
    assert (result.value, result.reason) == (None, reason)
    assert reason in record.reasons


def test_glare_is_left_out_and_cautioned() -> None:
    extra = np.zeros_like(light())
    x, y = np.arange(board.WIDTH), np.arange(board.HEIGHT)[:, None]
    extra += 0.6 * np.exp(-((x - X - W / 2) ** 2 + (y - Y - H / 2) ** 2) / (2 * 6**2))[..., None]
    result, _ = inspected(shot(4, extra=extra))
    assert result.colour is not None
    assert result.colour.cautions == ("gloss",)
    assert result.colour.excluded > 0.05
    assert result.value is not None
    assert result.value < 0.4


def test_another_illuminant_than_agreed_is_not_computed() -> None:
    assert of(good(), "d50").reason == "illuminant_mismatch"


@pytest.mark.parametrize(
    ("name", "reason"), [("near", "colour_absolute"), ("far", "characteristic_nonconform")]
)
def test_a_camera_reports_an_absolute_colour_and_decides_what_is_beyond_doubt(name: str, reason: str) -> None:
    result = of(good(), name)
    assert result.reason == reason
    assert result.colour is not None
    assert result.colour.reference == MORE[name]["reference"]["lab"]


def test_a_tile_takes_the_lamps_power_out_and_holds_units_when_its_colour_has_changed() -> None:
    dimmer = shot(5, gain=0.93)
    with_tile, without = inspected(dimmer, inspector(tile=True))[0], inspected(dimmer)[0]
    assert with_tile.value is not None
    assert without.value is not None
    assert with_tile.value < 0.35 < without.value
    assert with_tile.decision == "conform"
    result, record = inspected(shot(6, gain=(1.0, 1.0, 1.06)), inspector(tile=True))
    assert result.reason == "light_drifted"
    assert record.verdict == "HOLD"


@functools.cache
def bad() -> Inspection:
    across = 1 + 0.2 * np.sin(np.arange(W + 8) / 3)[None, :, None] * np.linspace(0.3, 1, W + 8)[None, :, None]
    return inspected(shot(8, 0.8 * across * np.linspace(0.85, 1.15, W + 8)[None, :, None]))[1]


@pytest.mark.parametrize("name", ["places", "eye", "gradient", "mottle", "match", "cmc"])
def test_every_quantity_conforms_on_a_good_unit_and_shows_a_bad_one(name: str) -> None:
    assert of(good(), name).decision == "conform", of(good(), name)
    assert of(bad(), name).decision == "nonconform", of(bad(), name)


def test_the_file_is_whole_or_refused() -> None:
    data = golden_colours().to_bytes()
    assert GoldenColours.parse(data, source="x") == golden_colours()
    with pytest.raises(CalibrationAlteredError, match="measure it again"):
        GoldenColours.parse(data.replace(b'"pixels":', b'"pixels": ', 1), source="x")
    with pytest.raises(CalibrationFormatError, match="not JSON"):
        GoldenColours.parse(data[:-9], source="x")
    with pytest.raises(CalibrationFormatError, match="no digest"):
        GoldenColours.parse(b"{}", source="x")
    with pytest.raises(CalibrationFormatError, match="schema"):
        GoldenColours.parse(certificate().to_bytes(), source="x")
    fewer = golden_colours().model_dump(by_alias=True)
    with pytest.raises(ValueError, match="in each of the 4 frames"):
        GoldenColours.model_validate({**fewer, "frames": fewer["frames"][:-1]})


def test_colours_of_another_certificate_or_golden_sample_are_refused() -> None:
    other = certificate().reissued(board.ISSUED, conditions="another")
    with pytest.raises(CalibrationError, match=r"of certificate .* measure the golden sample again"):
        Inspector(golden(), {"top": other}, colours={"top": golden_colours()})
    with pytest.raises(CalibrationError, match="no certificate with colour"):
        Inspector(golden(), {"top": board.calibration()}, colours={"top": golden_colours()})
    with pytest.raises(CalibrationError, match="do not exist"):
        Inspector(golden(), {}, colours={"side": golden_colours()})


def test_frames_that_do_not_show_the_golden_sample_are_refused() -> None:
    with pytest.raises(FramesError, match="each once"):
        measure_golden(golden(), "top", certificate(), [placements()[0]] * 2)
    empty = board.frame(np.full((board.HEIGHT, board.WIDTH, 3), 90, np.uint8))
    with pytest.raises(FramesError, match=r"frame sha256:.*: the unit is out of focus"):
        measure_golden(golden(), "top", certificate(), [empty])
    with pytest.raises(FramesError, match=r"placement 1, copper: .*clipped"):
        measure_golden(golden(), "top", certificate(), [shot(3, 1.9)])
    small = spec()
    small["views"][0]["mm_per_px"] = board.MM_PER_PX
    with pytest.raises(FramesError, match=r"mottle takes 9 tiles of 1\.27 mm"):
        measure_golden(board.sample(small, golden().images), "top", certificate(), placements()[:1])
    with pytest.raises(CheckError, match="at least 10"):
        measure_golden(golden(), "top", certificate(), placements(), tile=TILE)


def test_one_placement_is_taken_with_an_assumed_repeatability() -> None:
    alone = measure_golden(golden(), "top", certificate(), placements()[:1])
    by = Inspector(golden(), {"top": certificate()}, colours={"top": alone})
    result = inspected(shot(1), by)[0]
    assert result.decision == "conform"
    lines = {line.name: line for line in result.budget}
    assert lines["placement"].standard_uncertainty > 0.1
    assert lines["placement"].degrees_of_freedom is None
