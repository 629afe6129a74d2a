"""Colours of units by a characterised camera: against the golden sample as the station measured it."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from calibration import CalibrationAlteredError, CalibrationError, CalibrationFormatError
from calibration.errors import CheckError, FramesError
from datasets.twin.colour import true_ciede2000
from evidence import Inspection
from golden.colours import ColourConditions
from golden.spec import Colour
from tests.vision import board
from tests.vision.colour_scene import (
    D65,
    MORE,
    TILE,
    H,
    W,
    X,
    Y,
    certificate,
    colour,
    golden,
    golden_colours,
    good,
    inspected,
    inspector,
    lab_of,
    light,
    of,
    placements,
    shot,
    spec,
)
from vision import GoldenColours, Inspector, first_light, measure_golden
from vision.colour.difference import delta_e
from vision.colour.view import ColourView


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


def test_a_pale_patch_is_not_taken_for_glare() -> None:
    """Two fifths of the region half way to white: what is left is right, and nobody saw the rest."""
    base = light()[Y + H // 2, X + W // 2]
    pale = np.ones((H + 8, W + 8, 3))
    pale[:, : (W + 8) * 9 // 20] = (0.5 * base + 0.45) / base
    _, record = inspected(shot(7, pale))
    for name in ("copper", "places", "eye", "gradient", "mottle", "match", "cmc"):
        assert of(record, name).reason == "region_unusable", name
    assert of(record, "far").decision == "nonconform"


def test_a_percentile_of_places_needs_the_places() -> None:
    """A tenth of the region is hidden: the mean of the rest is one, its 95th percentile is not."""
    extra = np.zeros_like(light())
    extra[Y + 40 : Y + 56, X + 40 : X + 56] = 0.25
    _, record = inspected(shot(4, extra=extra))
    assert (of(record, "copper").decision, of(record, "places").reason) == ("conform", "region_unusable")


def test_another_illuminant_than_agreed_is_not_computed() -> None:
    assert of(good(), "d50").reason == "illuminant_mismatch"


@pytest.mark.parametrize(
    ("lamp", "reason"),
    [
        ("D65", "colour_reference_absent"), ("two new lamps", "colour_reference_absent"),
        ("A new lamp", "colour_reference_absent"), ("TL84 tubes", "illuminant_mismatch"),
        ("A", "illuminant_mismatch"),
    ],
)  # fmt: skip
def test_values_adapted_to_the_agreed_light_are_not_seen_under_it(lamp: str, reason: str) -> None:
    seen = certificate().reissued(board.ISSUED, colour=colour().model_copy(update={"light": lamp}))
    view = ColourView(golden(), golden().spec.views[0], seen, None)
    (copper,) = (c for c in golden().spec.characteristics if c.id == "copper")
    assert isinstance(copper, Colour)
    asked = copper.model_copy(update={"conditions": ColourConditions.model_validate(D65)})
    (result,) = view.results([asked], np.zeros((9, 9, 3), np.uint8), lambda at: at, None, None)
    assert result.reason == reason


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


def test_the_record_says_what_the_tile_shows_and_what_it_depends_on() -> None:
    first = first_light(golden_colours(tile=True), certificate())
    assert first.time == first.steady == board.CAPTURED.replace("Z", ".000000Z")
    by, frame = inspector(tile=True), shot(5, gain=0.93)
    alone = inspected(frame, by)[1].frames[0].light
    assert alone is not None
    assert (alone.before, alone.after) == (None, None)
    assert alone.delta_e < 0.1
    assert b'"before"' not in inspected(frame, by)[1].to_json()
    later = first.model_copy(update={"time": "2026-05-31T12:00:00Z"})
    record = by.inspect({"top": frame}, serial="S1", lights={"top": later})
    light = record.frames[0].light
    assert light is not None
    assert light.before == later
    assert light.after is not None
    assert light.after.power == pytest.approx(0.93, abs=0.02)
    assert np.array(light.rgb) == pytest.approx(np.full(3, 0.75 * 0.93), abs=0.02)
    drifted = later.model_copy(update={"status": "alarm", "why": "drift", "average": (0.0, 0.0, 0.05)})
    suspected = by.inspect({"top": frame}, serial="S1", lights={"top": drifted})
    assert of(suspected, "copper").reason == "light_drifted"
    assert b'"light"' not in inspected(frame)[1].to_json()


@functools.cache
def bad() -> Inspection:
    across = 1 + 0.2 * np.sin(np.arange(W + 8) / 3)[None, :, None] * np.linspace(0.3, 1, W + 8)[None, :, None]
    return inspected(shot(8, 0.8 * across * np.linspace(0.85, 1.15, W + 8)[None, :, None]))[1]


@pytest.mark.parametrize("name", ["places", "eye", "gradient", "mottle", "match", "cmc"])
def test_every_quantity_conforms_on_a_good_unit_and_shows_a_bad_one(name: str) -> None:
    assert of(good(), name).decision == "conform", of(good(), name)
    assert of(bad(), name).decision == "nonconform", of(bad(), name)


@pytest.mark.parametrize("name", ["copper", "match"])
def test_the_differences_told_are_those_that_make_the_value(name: str) -> None:
    result = of(bad(), name)
    assert result.colour is not None
    assert result.value == pytest.approx(float(delta_e(result.colour.reference, result.colour.lab)), rel=0.02)
    assert result.colour.words[0] == "darker"
    assert result.colour.dl < -3


def test_a_pattern_that_only_noise_changes_differs_by_nothing() -> None:
    found = of(good(), "eye")
    assert found.value is not None
    assert found.interval is not None
    assert found.value < 0.15
    assert found.interval[0] == 0
    (kept,) = (c.pattern for c in golden_colours().colours if c.pattern is not None)
    assert 0.2 < kept.floor < 0.6  # what noise alone makes of it


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
