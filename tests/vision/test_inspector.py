"""One unit, one record: what is accepted, what is held and for which reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np
import pytest

from calibration import CalibrationError
from datasets.twin import WIDE_RANGES, MissingMaterial, Stain, bar
from evidence import CharacteristicResult, Frame, FrameError, Inspection, verify_digest
from golden.spec import DecisionRule
from kernels.compiled import U8
from tests.vision import board
from vision import Inspector, held, read_frame
from vision.field import Field
from vision.surface import Aligned, SurfaceComparator


def inspect(pixels: U8, **stated: Any) -> Inspection:
    return board.shared_inspector().inspect({"top": board.frame(pixels, **stated)}, serial="S1")


def result(inspection: Inspection, name: str) -> CharacteristicResult:
    (found,) = [c for c in inspection.characteristics if c.id == name]
    return found


CUT = MissingMaterial(bar((374, 300), (425, 300), 24), (480, 400))


@pytest.mark.parametrize("seed", range(20, 32))
def test_good_units_in_the_fixture_are_accepted(seed: int) -> None:
    inspection = inspect(board.captured(seed).pixels)
    assert (inspection.verdict, inspection.reasons) == ("ACCEPT", ())
    assert len(inspection.characteristics) == 6
    assert all(c.decision == "conform" for c in inspection.characteristics)
    assert inspection.defects == ()


@pytest.mark.parametrize("seed", range(20, 28))
def test_good_units_placed_loosely_are_accepted(seed: int) -> None:
    assert inspect(board.captured(seed, ranges=WIDE_RANGES).pixels).verdict == "ACCEPT"


def test_sizes_of_good_units_are_the_boards() -> None:
    # nothing but the twin lies between the closed form and the record
    inspections = [inspect(board.captured(seed).pixels) for seed in range(20, 32)]
    for name, truth in {
        "hole-a": 2 * board.HOLES[0].radius_px * board.MM_PER_PX,
        "pitch-ab": board.pitch(board.HOLES[0], board.HOLES[1]),
        "track": (board.TRACK[1] - board.TRACK[0]) * board.MM_PER_PX,
    }.items():
        found = [result(i, name) for i in inspections]
        values = np.array([r.value for r in found], float)
        assert np.mean(values) == pytest.approx(truth, abs=0.03 * board.MM_PER_PX + 1e-4 * truth)
        for r in found:
            assert r.value is not None
            assert r.standard_uncertainty is not None
            assert abs(r.value - truth) <= 2 * r.standard_uncertainty


def test_the_record_says_where_everything_comes_from() -> None:
    shot = board.captured(20)
    frame = board.frame(shot.pixels)
    inspection = board.shared_inspector().inspect(
        {"top": frame}, serial="S1", lot="L1", station="cell", sequence=7
    )
    assert verify_digest(inspection)
    (record,) = inspection.frames
    assert (record.view, record.camera, record.captured_at) == ("top", board.CAMERA, board.CAPTURED)
    assert record.digest == frame.digest
    assert record.calibration == board.calibration().digest
    assert record.pose is not None
    assert record.pose.angle_deg == pytest.approx(shot.truth.pose.angle_deg, abs=0.005)
    assert (inspection.serial, inspection.lot, inspection.station, inspection.sequence) == (
        "S1", "L1", "cell", 7,
    )  # fmt: skip
    assert (inspection.part, inspection.revision) == ("B1", "A")
    assert inspection.golden.digest == "sha256:" + "5" * 64
    assert {"hallmark", "numpy", "numba", "opencv-python-headless"} <= set(inspection.versions)
    hole = result(inspection, "hole-a")
    assert (hole.unit, hole.coverage_factor, hole.source, hole.valid) == ("mm", 2.0, "vision", True)
    assert (hole.lower, hole.upper) == (pytest.approx(1.268), pytest.approx(1.468))


# what cannot be judged


def blurred(pixels: U8, sigma: float) -> U8:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)


def tiles(pixels: U8) -> U8:
    """Return the same board in pieces of 100 px, shuffled."""
    out = pixels.copy()
    places = [(y, x) for y in range(0, 700, 100) for x in range(0, 800, 100)]
    order = np.random.default_rng(0).permutation(len(places))
    for (y, x), k in zip(places, order, strict=True):
        v, u = places[int(k)]
        out[y : y + 100, x : x + 100] = pixels[v : v + 100, u : u + 100]
    return out


def noise(pixels: U8) -> U8:
    return np.random.default_rng(0).integers(0, 256, pixels.shape).astype(np.uint8)


UNJUDGEABLE: Mapping[str, tuple[Callable[[U8], U8], str]] = {
    "black": (np.zeros_like, "frame_dark"),
    "lens cap": (lambda p: (p * 0.15).astype(np.uint8), "frame_dark"),
    "white": (lambda p: np.full_like(p, 255), "frame_saturated"),
    "overexposed": (lambda p: (p.astype(int) * 3).clip(0, 255).astype(np.uint8), "frame_saturated"),
    "out of focus": (lambda p: blurred(p, 4.0), "frame_blurred"),
    "far out of focus": (lambda p: blurred(p, 9.0), "frame_blurred"),
    "upside down": (lambda p: p[::-1, ::-1], "unit_upside_down"),
    "mirrored": (lambda p: p[:, ::-1], "unit_not_found"),
    "flipped": (lambda p: p[::-1], "unit_not_found"),
    "in shuffled pieces": (tiles, "unit_not_found"),
    "noise": (noise, "unit_not_found"),
    "rolled right": (lambda p: np.roll(p, 200, axis=1), "unit_misplaced"),
    "rolled down": (lambda p: np.roll(p, 150, axis=0), "unit_misplaced"),
    "cut at the left": (lambda p: p[:, 60:], "unit_out_of_frame"),
    "cut below": (lambda p: p[:-60], "unit_out_of_frame"),
}  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("fault", UNJUDGEABLE)
def test_a_frame_that_cannot_be_judged_is_held_for_its_reason(fault: str, seed: int) -> None:
    spoil, expected = UNJUDGEABLE[fault]
    inspection = inspect(spoil(board.captured(seed).pixels))
    assert (inspection.verdict, inspection.reasons) == ("HOLD", (expected,))
    assert inspection.characteristics == ()
    assert inspection.defects == ()
    assert verify_digest(inspection)
    if expected != "unit_out_of_frame":
        assert inspection.frames[0].pose is None


@pytest.mark.parametrize("sigma", [0.6, 1.0])
def test_a_little_more_blur_is_judged(sigma: float) -> None:
    # the whole is then blurred by up to 1.3 px
    assert inspect(blurred(board.captured(4).pixels, sigma)).verdict == "ACCEPT"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_jpeg_that_broke_off_but_is_closed_is_never_accepted(share: float) -> None:
    pixels = board.captured(5).pixels
    data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]))[1].tobytes()
    whole = read_frame(data, view="top", camera=board.CAMERA, captured_at=board.CAPTURED)
    assert board.shared_inspector().inspect({"top": whole}, serial="S1").verdict == "ACCEPT"
    broken = data[: int(share * len(data))] + b"\xff\xd9"
    try:
        frame = read_frame(broken, view="top", camera=board.CAMERA, captured_at=board.CAPTURED)
    except FrameError:
        return
    assert board.shared_inspector().inspect({"top": frame}, serial="S1").verdict != "ACCEPT"


# certificates and validity


def test_without_a_certificate_dimensions_are_undecided_and_the_unit_is_held() -> None:
    bare = Inspector(board.sample(), {})
    inspection = bare.inspect({"top": board.frame(board.captured(20).pixels)}, serial="S1")
    assert (inspection.verdict, inspection.reasons) == ("HOLD", ("calibration_absent",))
    assert inspection.frames[0].calibration is None
    for name in ("hole-a", "pitch-ab", "track"):
        found = result(inspection, name)
        assert (found.value, found.valid, found.decision) == (None, False, "undecided")
        assert found.reason == "calibration_absent"
    assert result(inspection, "copper").decision == "conform"


def test_without_a_certificate_a_fault_of_the_surface_still_rejects() -> None:
    bare = Inspector(board.sample(), {})
    inspection = bare.inspect({"top": board.frame(board.captured(20, CUT).pixels)}, serial="S1")
    assert inspection.verdict == "REJECT"
    assert "calibration_absent" in inspection.reasons


def test_another_cameras_certificate_decides_no_dimension() -> None:
    inspection = inspect(board.captured(20).pixels, camera="cell-9")
    assert (inspection.verdict, inspection.reasons) == ("HOLD", ("calibration_foreign",))
    assert result(inspection, "hole-a").value is None


@pytest.mark.parametrize(
    "moment", ["2025-12-31T23:59:59Z", "2027-01-01T00:00:00.000001Z", "2031-05-05T00:00:00Z"]
)
def test_a_frame_taken_outside_the_certificates_validity_decides_no_dimension(moment: str) -> None:
    inspection = inspect(board.captured(20).pixels, captured_at=moment)
    assert (inspection.verdict, inspection.reasons) == ("HOLD", ("calibration_expired",))
    assert result(inspection, "track").value is None


def test_a_golden_sample_that_had_expired_holds_the_unit() -> None:
    golden = board.sample(expires=datetime(2026, 5, 31, tzinfo=UTC))
    expired = Inspector(golden, {"top": board.calibration()})
    pixels = board.captured(20).pixels
    late = expired.inspect({"top": board.frame(pixels)}, serial="S1")
    assert (late.verdict, late.reasons) == ("HOLD", ("golden_expired",))
    assert late.characteristics == ()
    early = expired.inspect({"top": board.frame(pixels, captured_at="2026-05-30T00:00:00Z")}, serial="S1")
    assert early.verdict == "ACCEPT"


def test_a_camera_of_another_transfer_is_refused_when_compiled() -> None:
    with pytest.raises(CalibrationError, match=r"'cell-1'.*'linear'.*'top'.*'srgb'.*state the view's"):
        Inspector(board.sample(), {"top": board.calibration(transfer="linear")})


def test_a_certificate_of_a_view_that_does_not_exist_is_refused() -> None:
    with pytest.raises((CalibrationError, ValueError), match="side"):
        Inspector(board.sample(), {"top": board.calibration(), "side": board.calibration()})


# views, sizes, entered results


def two_views() -> dict[str, Any]:
    fields = board.fields()
    fields["views"].append({**fields["views"][0], "id": "bottom"})
    return fields


def test_a_missing_view_holds_the_unit() -> None:
    both = Inspector(board.sample(two_views()), {v: board.calibration() for v in ("top", "bottom")})
    top = board.frame(board.captured(20).pixels)
    bottom = board.frame(board.captured(21).pixels, view="bottom")
    assert both.inspect({"top": top, "bottom": bottom}, serial="S1").verdict == "ACCEPT"
    for frames in ({"top": top}, {"bottom": bottom}, {}):
        inspection = both.inspect(frames, serial="S1")
        assert (inspection.verdict, inspection.reasons) == ("HOLD", ("view_missing",))
        assert [f.view for f in inspection.frames] == list(frames)
    faulty = board.frame(board.captured(20, CUT).pixels)
    inspection = both.inspect({"top": faulty}, serial="S1")
    assert inspection.verdict == "REJECT"  # what was seen stays seen
    assert inspection.reasons[0] == "view_missing"


def test_a_frame_of_a_view_that_does_not_exist_is_an_input_error() -> None:
    with pytest.raises(FrameError, match=r"side.*top"):
        board.shared_inspector().inspect({"side": board.frame(board.captured(20).pixels)}, serial="S1")


@pytest.mark.parametrize("size", [(100, 100), (319, 700), (640, 2401), (1921, 800)])
def test_a_frame_of_an_impossible_size_is_an_input_error(size: tuple[int, int]) -> None:
    with pytest.raises(FrameError, match=f"{size[1]} x {size[0]}"):
        inspect(np.zeros((*size, 3), np.uint8))


def test_a_grey_or_deep_frame_is_an_input_error() -> None:
    pixels = board.captured(20).pixels
    for wrong in (pixels[..., 0], pixels.astype(np.uint16)):
        with pytest.raises(FrameError, match="uint8 RGB"):
            inspect(wrong)  # type: ignore[arg-type]


def with_functional() -> dict[str, Any]:
    fields = board.fields()
    fields["characteristics"].append({
        "kind": "functional", "number": 9, "id": "continuity", "name": "Continuity", "severity": "critical",
        "method": "probe", "every_unit": True,
    })  # fmt: skip
    return fields


def proven(decision: str) -> CharacteristicResult:
    return CharacteristicResult(
        id="continuity", name="Continuity", source="manual", value=None, unit=None, nominal=None, lower=None,
        upper=None, standard_uncertainty=None, coverage_factor=None, rule=DecisionRule(), valid=True,
        reason="characteristic_nonconform" if decision == "nonconform" else None, decision=decision,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_unit_waits_for_a_result_that_each_unit_needs() -> None:
    waiting = board.inspector(with_functional())
    frames = {"top": board.frame(board.captured(20).pixels)}
    inspection = waiting.inspect(frames, serial="S1")
    assert (inspection.verdict, inspection.reasons) == ("HOLD", ("not_entered",))
    assert result(inspection, "continuity").source == "manual"
    assert waiting.inspect(frames, serial="S1", entered=[proven("conform")]).verdict == "ACCEPT"
    rejected = waiting.inspect(frames, serial="S1", entered=[proven("nonconform")])
    assert (rejected.verdict, rejected.reasons) == ("REJECT", ("characteristic_nonconform",))


def test_a_unit_does_not_wait_for_what_is_proven_at_a_checkpoint() -> None:
    fields = with_functional()
    fields["characteristics"][-1].update(every_unit=False, required_at=["fai"])
    frames = {"top": board.frame(board.captured(20).pixels)}
    inspection = board.inspector(fields).inspect(frames, serial="S1")
    assert inspection.verdict == "ACCEPT"
    assert "continuity" not in {c.id for c in inspection.characteristics}


@pytest.mark.parametrize("name", ["track", "copper", "field-surface", "nothing"])
def test_an_entered_result_of_what_vision_judges_is_refused(name: str) -> None:
    claimed = proven("conform").model_copy(update={"id": name})
    frames = {"top": board.frame(board.captured(20).pixels)}
    with pytest.raises(ValueError, match=repr(name)):
        board.shared_inspector().inspect(frames, serial="S1", entered=[claimed])


def test_a_width_beyond_its_limits_rejects_and_one_too_near_to_them_holds() -> None:
    fields = board.fields()
    fields["characteristics"][2].update(nominal=0.9, lower=0.85, upper=0.95)
    inspection = board.inspector(fields).inspect({"top": board.frame(board.captured(20).pixels)}, serial="S1")
    assert (inspection.verdict, inspection.reasons) == ("REJECT", ("characteristic_nonconform",))
    assert result(inspection, "track").decision == "nonconform"
    fields["characteristics"][2].update(nominal=0.775, lower=0.7715, upper=0.7865)
    inspection = board.inspector(fields).inspect({"top": board.frame(board.captured(20).pixels)}, serial="S1")
    assert (inspection.verdict, inspection.reasons) == ("HOLD", ("characteristic_undecided",))
    fields["characteristics"][2].update(nominal=0.772, lower=0.7705, upper=0.7735)
    inspection = board.inspector(fields).inspect({"top": board.frame(board.captured(20).pixels)}, serial="S1")
    assert (inspection.verdict, inspection.reasons) == ("HOLD", ("measurement_not_capable",))


def test_a_reference_image_that_does_not_decode_is_an_input_error() -> None:
    data = board.png(board.golden_rgb())
    with pytest.raises(FrameError, match=r"images/top\.png"):
        Inspector(board.sample(images={"images/top.png": data[: len(data) // 2]}), {})


# purity


def test_the_same_frames_give_the_same_record_byte_for_byte() -> None:
    frames = {"top": board.frame(board.captured(22, CUT).pixels)}
    first = board.shared_inspector().inspect(frames, serial="S1")
    again = board.shared_inspector().inspect(frames, serial="S1")
    fresh = board.inspector().inspect(frames, serial="S1")
    assert first.to_json() == again.to_json() == fresh.to_json()


def test_nothing_of_one_unit_reaches_the_next() -> None:
    one = {"top": board.frame(board.captured(23).pixels)}
    others = [
        board.frame(board.captured(24, Stain((480.0, 300.0), 0.9)).pixels),
        board.frame(board.captured(25, ranges=WIDE_RANGES).pixels),
        board.frame(np.zeros((1500, 1700, 3), np.uint8)),
        board.frame(np.ascontiguousarray(board.captured(26).pixels[::-1, ::-1])),
    ]
    used = board.inspector()
    before = used.inspect(one, serial="S1")
    for other in others:
        used.inspect({"top": other}, serial="S2")
        assert used.inspect(one, serial="S1").to_json() == before.to_json()


def test_inspecting_changes_no_input() -> None:
    pixels = board.captured(23).pixels.copy()
    frame = board.frame(pixels)
    before = pixels.copy()
    board.shared_inspector().inspect({"top": frame}, serial="S1")
    np.testing.assert_array_equal(frame.pixels, before)


def test_timings_are_recorded_outside_the_digest() -> None:
    clock = iter(np.arange(0.0, 100.0, 0.5).tolist())
    timed = board.inspector(stopwatch=lambda: next(clock))
    frames = {"top": board.frame(board.captured(23).pixels)}
    inspection = timed.inspect(frames, serial="S1")
    plain = board.shared_inspector().inspect(frames, serial="S1")
    assert {"register", "measure", "align", "surface", "colour", "judge"} <= set(inspection.timing_ms)
    assert all(ms == 500.0 for ms in inspection.timing_ms.values())
    assert plain.timing_ms == {}
    assert inspection.digest == plain.digest


# held by the station


@pytest.mark.parametrize("reason", ["camera_failed", "timeout", "interrupted", "frame_unreadable"])
def test_a_station_fault_makes_a_hold_record(reason: str) -> None:
    frame = board.frame(board.captured(20).pixels)
    inspection = held(
        board.sample(), serial="S1", lot="L1", station="cell", sequence=3, reason=reason, frames=[frame]
    )
    assert (inspection.verdict, inspection.reasons) == ("HOLD", (reason,))
    assert inspection.frames[0].digest == frame.digest
    assert verify_digest(inspection)


def test_a_reason_outside_the_registry_is_refused() -> None:
    with pytest.raises((KeyError, ValueError), match="because"):
        held(board.sample(), serial=None, lot=None, station=None, sequence=None, reason="because")


def test_frames_of_a_unit_carry_their_own_identity() -> None:
    frame = board.frame(board.captured(20).pixels)
    other = replace(frame, data=frame.data + b"\0")
    assert isinstance(other, Frame)
    one = board.shared_inspector().inspect({"top": frame}, serial="S1")
    two = board.shared_inspector().inspect({"top": other}, serial="S1")
    assert one.id != two.id
    assert one.digest != two.digest


def test_a_unit_whose_artwork_reaches_out_of_the_frame_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smooth map alone lies inside; the local field carries what is inspected over the border."""
    inspector = board.inspector()
    controls = np.zeros((4, 4, 2))
    controls[..., 0] = 300.0  # px, the same everywhere
    beside = Field(1000.0, controls, (board.WIDTH, board.HEIGHT), 300.0)
    monkeypatch.setattr(SurfaceComparator, "_field", lambda *_: beside)
    monkeypatch.setattr(Aligned, "comparable", True)
    inspection = inspector.inspect({"top": board.frame(board.captured(1).pixels)}, serial="S1")
    assert "unit_out_of_frame" in inspection.reasons
    colours = {c.id for c in board.sample(None).spec.characteristics if c.kind == "colour"}
    assert colours
    assert not colours & {c.id for c in inspection.characteristics}  # half a unit has no colour
    assert inspection.frames[0].pose is not None
    assert inspection.frames[0].pose.field_px == 300.0
