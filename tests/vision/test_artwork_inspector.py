"""Views of artwork: what differs is named, sized and weighed, and nothing unknown is accepted."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from calibration import CalibrationError, CameraCalibration
from evidence import Defect, FrameError, Inspection, ModelReference, because, verify_digest
from golden.catalogue import UNCLASSIFIED
from models.detector import SIDE, Found
from models.detector.release import open_detector
from models.release import packaged
from quality.record_checks import check_results
from tests.vision import artwork_board as board
from vision import Inspector, VariationError
from vision.artwork.align import Alignment
from vision.artwork.candidates import MOST

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]
CLASSES = ("not_a_defect", "open", "short", "mousebite", "spur", "copper", "pin-hole")
GAP = (*board.OPEN, board.GROUND)


def shares(name: str, share: float, rest: str = "not_a_defect") -> list[float]:
    """Return class probabilities of which one has a share, another the rest."""
    given = dict.fromkeys(CLASSES, 0.0) | {rest: 1 - share}
    return list((given | {name: share}).values())


class Says:
    """A detector that says the same of every crop, or what a function of the crop's number says.

    It bounds what differs nearest to the crop's middle.
    """

    reference = ModelReference(name="says", digest="sha256:" + "1" * 64)
    classes: tuple[str, ...] = CLASSES
    hold_below = 0.74
    operating = 0.74
    channels = 1
    golden_image: str | None = None

    def __init__(self, said: Sequence[float] | Callable[[int], Sequence[float]], wide: int = 0) -> None:
        self._said = said if callable(said) else lambda _: said
        self._wide = wide  # pixels of its boxes beyond what differs

    def find(self, golden: U8, unit: U8, topology: I64) -> Found:  # noqa: ARG002 (the contract)
        assert golden.shape == unit.shape == (len(golden), SIDE, SIDE, 1)
        boxes = np.zeros((len(golden), 4), np.float32)
        for k, differs in enumerate((golden != unit)[..., 0]):
            _, labels = cv2.connectedComponents(differs.astype(np.uint8))
            ys, xs = np.nonzero(labels)
            nearest = labels[ys, xs][np.hypot(ys - SIDE / 2, xs - SIDE / 2).argmin()]
            ys, xs = np.nonzero(labels == nearest)
            boxes[k] = np.array((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))
        boxes += np.array((-1, -1, 1, 1)) * self._wide
        return Found(np.array([self._said(k) for k in range(len(golden))], np.float32), boxes)


def sure(name: str) -> Says:
    return Says(shares(name, 0.96))


def inspected(picture: U8, model: Any = None, spec: dict[str, Any] | None = None, **more: Any) -> Inspection:
    inspector = Inspector(board.sample(spec), {}, model, **more)
    record = inspector.inspect({"top": board.frame(picture)}, serial="S1")
    assert verify_digest(record)
    check_results(board.sample(spec).spec, record)
    return record


def lines(*rules: dict[str, Any], **catalogue: Any) -> dict[str, Any]:
    fields = board.fields()
    fields["catalogue"] |= {"rules": [*rules, *fields["catalogue"]["rules"]], **catalogue}
    return fields


def only(record: Inspection) -> Defect:
    (defect,) = record.defects
    return defect


def specks(count: int) -> tuple[tuple[int, int, int, int, int], ...]:
    """Return specks of 3 px on the ground between the traces, nine pixels apart."""
    places = [(30 + 12 * i, 88 + 48 * j) for j in range(4) for i in range(24)]
    return tuple((a, b, 3, 3, board.COPPER) for a, b in places[:count])


def test_a_good_unit_is_accepted_and_says_how_it_lay() -> None:
    record = inspected(board.shifted(board.golden(), 4, -3), sure("open"))
    assert (record.verdict, record.defects, record.dismissed) == ("ACCEPT", (), 0)
    (frame,) = record.frames
    assert frame.pose is not None
    assert (frame.pose.x_px, frame.pose.y_px, frame.pose.angle_deg, frame.pose.scale) == (4, -3, 0, 1)
    assert (frame.pose.residual_px, frame.pose.field_px) == (0, 0)
    assert record.model is not None
    assert record.model.name == "says"
    assert [c.decision for c in record.characteristics] == ["conform"]


def test_a_defect_of_the_smallest_size_is_reported_and_a_smaller_one_is_not() -> None:
    picture = board.edited(GAP)
    size = only(inspected(picture, sure("open"))).size_mm
    exact = math.hypot(*board.OPEN[2:]) * board.MM_PER_PX
    assert size == pytest.approx(exact, abs=1e-4)
    for smallest, found in ((exact, 1), (math.nextafter(exact, 9), 0)):
        assert len(inspected(picture, sure("open"), lines(smallest_mm=smallest)).defects) == found


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (5, -3)])
@pytest.mark.parametrize("shade", ["dark", "bright"])
def test_a_defect_is_named_sized_by_its_pixels_and_weighed(dx: int, dy: int, shade: str) -> None:
    picture = board.shifted(board.edited(GAP), dx, dy)
    spec, golden = board.fields(artwork={"shade": shade}), board.golden()
    if shade == "bright":
        picture, golden = 255 - picture, 255 - golden
    inspector = Inspector(board.sample(spec, golden), {}, sure("open"))
    record = inspector.inspect({"top": board.frame(picture)}, serial="S1")
    assert (record.verdict, record.reasons) == ("REJECT", ("surface_rejected",))
    d = only(record)
    x, y, w, h = board.OPEN
    mm = board.MM_PER_PX
    assert (d.view, d.defect_class, d.severity, d.zone, d.rule) == (
        "top", "open", "critical", "board", "open",
    )  # fmt: skip
    assert (d.named_by, d.confidence, d.score, d.second_class) == ("detector", 0.96, 0.96, None)
    assert d.box_px == (x + dx - 0.5, y + dy - 0.5, w, h)
    assert d.box_mm == pytest.approx([(x - 0.5) * mm, (y - 0.5) * mm, w * mm, h * mm], abs=1e-4)
    assert d.size_mm == pytest.approx(math.hypot(w, h) * mm, abs=1e-4)
    assert d.area_mm2 == pytest.approx(w * h * mm**2, abs=1e-5)
    assert d.length_mm == pytest.approx(h * mm, abs=1e-4)
    assert (d.contrast, d.delta_e) == (None, None)
    assert because(d) == "size 0.38 mm, line open, zone board: critical"


@functools.cache
def released() -> Inspector:
    return Inspector(board.sample(), {}, open_detector(packaged("artwork")))


@pytest.mark.parametrize(
    ("edit", "name", "severity", "verdict"),
    [
        (GAP, "open", "critical", "REJECT"),
        ((200, 122, 7, 34, board.COPPER), "short", "critical", "REJECT"),
        ((250, 60, 8, 6, board.GROUND), "mousebite", "allowed", "ACCEPT"),
        ((250, 60, 20, 7, board.GROUND), "mousebite", "major", "REJECT"),
        ((120, 170, 4, 10, board.COPPER), "spur", "minor", "ACCEPT"),
        ((120, 170, 6, 12, board.COPPER), "spur", "major", "REJECT"),
        ((200, 207, 6, 6, board.GROUND), "pin-hole", "major", "REJECT"),
        ((180, 184, 9, 9, board.COPPER), "copper", "major", "REJECT"),
    ],
)
def test_the_released_detector_names_each_class_and_the_catalogue_weighs_its_size(
    edit: tuple[int, int, int, int, int], name: str, severity: str, verdict: str
) -> None:
    record = released().inspect({"top": board.frame(board.edited(edit))}, serial="S1")
    d = only(record)
    assert (d.defect_class, d.severity, record.verdict) == (name, severity, verdict)
    assert d.size_mm == pytest.approx(math.hypot(*edit[2:4]) * board.MM_PER_PX, abs=1e-4)
    assert d.confidence is not None
    assert d.confidence > 0.9
    assert record.model is not None
    assert record.model.name == "artwork"


@pytest.mark.parametrize(
    ("said", "verdict", "name", "dismissed"),
    [
        (shares("open", 0.745), "REJECT", "open", 0),
        (shares("open", 0.735, "short"), "HOLD", UNCLASSIFIED, 0),
        (shares("open", 0.735), "ACCEPT", None, 1),
        (shares("open", 0.4, "short"), "HOLD", UNCLASSIFIED, 0),
        ([math.nan] * 7, "HOLD", UNCLASSIFIED, 0),
    ],
)
def test_what_is_not_sure_enough_is_held_and_what_is_no_defect_is_told(
    said: list[float], verdict: str, name: str | None, dismissed: int
) -> None:
    record = inspected(board.edited(GAP), Says(said))
    assert (record.verdict, record.dismissed) == (verdict, dismissed)
    assert [d.defect_class for d in record.defects] == ([] if name is None else [name])
    if name == UNCLASSIFIED:
        assert record.reasons == ("surface_unclassified",)
        confidence = None if math.isnan(said[0]) else pytest.approx(max(said), abs=1e-3)
        assert only(record).confidence == confidence
        assert only(record).named_by == "detector"


def test_no_line_lets_pass_what_the_detector_was_asked_for_and_did_not_name() -> None:
    passing = {"id": "pass", "defect_class": UNCLASSIFIED, "to_mm": 2.0, "severity": "allowed"}
    picture = board.edited(GAP)
    assert inspected(picture, None, lines(passing)).verdict == "ACCEPT"
    assert inspected(picture, Says(shares("open", 0.6, "short")), lines(passing)).verdict == "HOLD"
    graver = {**passing, "severity": "major"}
    assert inspected(picture, Says(shares("open", 0.6, "short")), lines(graver)).verdict == "REJECT"


def test_without_a_model_every_difference_is_held_unnamed() -> None:
    record = inspected(board.edited(GAP, (200, 207, 6, 6, board.GROUND)))
    assert (record.verdict, record.reasons, record.model) == ("HOLD", ("surface_unclassified",), None)
    assert [(d.defect_class, d.confidence, d.named_by) for d in record.defects] == [
        (UNCLASSIFIED, None, "comparison")
    ] * 2
    assert [c.decision for c in record.characteristics] == ["undecided"]


def test_a_class_of_which_no_line_speaks_is_held() -> None:
    fields = board.fields()
    rules = fields["catalogue"]["rules"]
    fields["catalogue"]["rules"] = [r for r in rules if r["defect_class"] != "open"]
    record = inspected(board.edited(GAP), sure("open"), fields)
    assert (record.verdict, only(record).defect_class, only(record).severity) == ("HOLD", "open", None)


@pytest.mark.parametrize(
    ("model", "named"), [(sure("not_a_defect"), False), (None, False), (sure("copper"), True)]
)
def test_more_differences_than_are_judged_are_never_accepted(model: Says | None, named: bool) -> None:
    passing = {"id": "pass", "defect_class": UNCLASSIFIED, "severity": "allowed"}
    fine, worse = (inspected(board.edited(*specks(n)), model, lines(passing)) for n in (MOST, MOST + 1))
    assert fine.verdict == ("REJECT" if named else "ACCEPT")
    assert "surface_too_different" in worse.reasons
    assert "surface_too_different" not in fine.reasons
    assert worse.verdict == ("REJECT" if named else "HOLD")
    assert worse.characteristics == ()


def test_what_lies_outside_zones_or_is_ignored_is_not_looked_at() -> None:
    assert inspected(board.edited((200, 4, 9, 9, board.COPPER)), sure("copper")).verdict == "ACCEPT"
    assert inspected(board.edited((200, 30, 9, 9, board.COPPER)), sure("copper")).verdict == "REJECT"
    ignore = [{"type": "rectangle", "x": 26, "y": 26, "width": 340, "height": 280}]
    many = board.shifted(board.edited(*specks(MOST + 30)), 2, 1)
    assert inspected(many, sure("copper"), board.fields(ignore=ignore)).verdict == "ACCEPT"
    half = inspected(board.edited((200, 20, 9, 9, board.COPPER)), sure("copper"))
    assert only(half).box_px == (199.5, board.MARGIN - 0.5, 9, 5)  # what of it the zone holds


def test_what_is_smaller_than_the_parties_report_is_not_listed() -> None:
    speck = board.edited((200, 30, 3, 3, board.COPPER))  # 0.088 mm across
    assert inspected(speck, sure("copper"), lines(smallest_mm=0.088)).verdict == "REJECT"
    assert inspected(speck, sure("copper"), lines(smallest_mm=0.089)).verdict == "ACCEPT"
    assert inspected(speck, sure("not_a_defect"), lines(smallest_mm=0.089)).dismissed == 0


def test_a_detector_of_three_channels_names_no_artwork() -> None:
    model = sure("open")
    model.channels = 3
    found = only(inspected(board.edited(GAP), model))
    assert (found.defect_class, found.named_by) == (UNCLASSIFIED, "comparison")


def test_places_that_are_bounded_alike_are_one_defect_but_two_names_are_two() -> None:
    two = board.edited((100, 80, 6, 10, board.COPPER), (114, 80, 6, 10, board.COPPER))
    assert len(inspected(two, sure("copper")).defects) == 2
    wide = Says(shares("copper", 0.9), wide=14)
    together = only(inspected(two, wide))
    assert together.box_px == (99.5, 79.5, 20, 10)
    assert together.area_mm2 == pytest.approx(120 * board.MM_PER_PX**2, abs=1e-5)
    thin = inspected(two, Says(shares("copper", 0.9), wide=-3))  # boxes without a pixel
    assert [d.area_mm2 for d in thin.defects] == pytest.approx([60 * board.MM_PER_PX**2] * 2, abs=1e-5)
    named = inspected(two, Says(lambda k: shares("short" if k else "mousebite", 0.9), wide=14))
    assert {d.defect_class for d in named.defects} == {"short", "mousebite"}


def grey(picture: U8) -> U8:
    return (64 + picture // 2).astype(np.uint8)


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (np.full_like(board.golden(), board.GROUND), "unit_not_found"),
        (np.full_like(board.golden(), board.COPPER), "unit_not_found"),
        (255 - board.golden(), "unit_not_found"),
        (np.ascontiguousarray(np.rot90(board.golden(), 2)), "unit_upside_down"),
        (grey(board.golden()), "frame_not_binary"),
    ],
)
def test_what_cannot_be_judged_is_held_and_says_why(picture: U8, reason: str) -> None:
    record = inspected(picture, sure("open"))
    assert (record.verdict, record.reasons, record.characteristics) == ("HOLD", (reason,), ())
    assert record.frames[0].pose is None


def test_a_unit_that_reaches_out_of_its_frame_may_be_rejected_but_not_accepted() -> None:
    within = board.shifted(board.golden(), board.MARGIN, 0)
    assert inspected(within, sure("open")).verdict == "ACCEPT"
    beyond = board.shifted(board.golden(), board.MARGIN + 1, 0)
    assert inspected(beyond, sure("open")).reasons == ("unit_out_of_frame",)
    open_too = board.shifted(board.edited(GAP), board.MARGIN + 1, 0)
    assert inspected(open_too, sure("open")).reasons == ("unit_out_of_frame", "surface_rejected")


@pytest.mark.parametrize("bend", [6.0, -10.0, 70.0, -70.0])
def test_a_field_that_runs_away_where_the_board_is_blank_judges_nothing_there(
    bend: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank = board.golden().copy()
    blank[:, 160:] = board.GROUND  # edges to u = -0.2 alone; the field grows to the right of that

    def aligned(golden: U8, unit: U8) -> Alignment:
        field = np.zeros((6, 2))
        field[:4, 0] = 0.36 * bend, 1.2 * bend, 0, bend  # (u + 0.6)^2
        return Alignment(golden, (0, 0), field)

    monkeypatch.setattr("vision.artwork_view.align", aligned)
    record = Inspector(board.sample(picture=blank), {}).inspect({"top": board.frame(blank)}, serial="S1")
    assert record.reasons == (("unit_out_of_frame",) if abs(bend) > 50 else ())


@pytest.mark.parametrize(("moved", "verdict"), [(0.3, "ACCEPT"), (0.5, "HOLD"), (0.7, "HOLD")])
def test_the_last_pixel_of_a_zone_is_judged_where_half_of_it_lies_in_the_zone(
    moved: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def aligned(golden: U8, unit: U8) -> Alignment:
        return Alignment(golden, (0, 0), np.array([[moved, 0], *[[0, 0]] * 5], np.float64))

    monkeypatch.setattr("vision.artwork_view.align", aligned)
    record = inspected(board.edited((board.WIDTH - board.MARGIN, 40, 3, 6, board.COPPER)))
    assert record.verdict == verdict
    assert [d.zones for d in record.defects] == ([] if verdict == "ACCEPT" else [("board",)])


@pytest.mark.parametrize(("reach", "reasons"), [(32.1, ("unit_misplaced",)), (20.0, ())])
def test_a_field_that_moves_edges_too_far_is_no_pose_to_judge(
    reach: float, reasons: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def aligned(golden: U8, unit: U8) -> Alignment:
        return Alignment(golden, (0, 0), np.array([[0, reach], *[[0, 0]] * 5], np.float64))

    monkeypatch.setattr("vision.artwork_view.align", aligned)
    record = inspected(board.golden())
    assert record.reasons == reasons
    pose = record.frames[0].pose
    assert (None if pose is None else pose.field_px) == (None if reasons else reach)


def test_an_expired_golden_sample_judges_nothing() -> None:
    expired = board.sample(expires=board.ISSUED + timedelta(days=1))
    late = board.frame(board.golden(), "2026-03-01T08:00:00Z")
    record = Inspector(expired, {}).inspect({"top": late}, serial="S1")
    assert (record.verdict, record.reasons) == ("HOLD", ("golden_expired",))


def test_a_model_on_trial_accepts_nothing_and_rejects_as_it_would() -> None:
    good = inspected(board.golden(), sure("open"), trial=True)
    assert (good.verdict, good.reasons) == ("HOLD", ("model_on_trial",))
    assert [c.decision for c in good.characteristics] == ["conform"]
    bad = inspected(board.edited(GAP), sure("open"), trial=True)
    assert (bad.verdict, bad.reasons) == ("REJECT", ("surface_rejected", "model_on_trial"))
    assert inspected(board.golden(), None, trial=True).verdict == "ACCEPT"


def test_pictures_that_are_no_artwork_and_frames_of_another_size_are_refused() -> None:
    with pytest.raises(FrameError, match=r"images/top\.png: artwork has two materials.* 100%"):
        Inspector(board.sample(picture=grey(board.golden())), {})
    for code in (board.GROUND, board.COPPER):
        one = np.full_like(board.golden(), code)
        with pytest.raises(FrameError, match="or all are one"):
            Inspector(board.sample(picture=one), {})
        one[100, 100] = 255 - code
        Inspector(board.sample(picture=one), {})  # one pixel of the other is artwork
    small = board.fields(width_px=100, height_px=100)
    small["zones"][0]["region"] |= {"width": 40, "height": 40}
    with pytest.raises(FrameError, match="at least 112 each way"):
        Inspector(board.sample(small, board.golden()[:100, :100]), {})
    with pytest.raises(FrameError, match="compared pixel for pixel"):
        inspected(np.pad(board.golden(), ((0, 0), (0, 1)), constant_values=255))
    hidden = board.fields(ignore=[{"type": "rectangle", "x": 0, "y": 0, "width": 400, "height": 360}])
    with pytest.raises(FrameError, match="zone 'board' has no place of its own"):
        Inspector(board.sample(hidden), {})


def test_a_certificate_of_other_codes_and_what_artwork_does_not_use_are_refused() -> None:
    certificate = functools.partial(
        CameraCalibration.nominal, camera="scanner", mm_per_px=board.MM_PER_PX, relative_uncertainty=0.001,
        issued=board.ISSUED, valid_until=board.ISSUED + timedelta(days=365),
    )  # fmt: skip
    linear = board.sample(board.fields(transfer="linear"))
    for sample, own, other in ((board.sample(), "srgb", "linear"), (linear, "linear", "srgb")):
        fitting = Inspector(sample, {"top": certificate(transfer=own)})
        record = fitting.inspect({"top": board.frame(board.golden())}, serial="S1")
        assert record.frames[0].calibration == certificate(transfer=own).digest
        with pytest.raises(CalibrationError, match=f"delivers '{other}' codes but view 'top' is '{own}'"):
            Inspector(sample, {"top": certificate(transfer=other)})
    given: Any = object()
    calibrations = {"top": certificate(transfer="srgb")}
    with pytest.raises(VariationError, match="view 'top' is artwork: leave its variation model"):
        Inspector(board.sample(), {}, variations={"top": given})
    with pytest.raises(CalibrationError, match=r"view 'top' is artwork.* its check standard away"):
        Inspector(board.sample(), calibrations, checks={"top": given})
    with pytest.raises(CalibrationError, match=r"view 'top' is artwork.* its golden colours away"):
        Inspector(board.sample(), calibrations, colours={"top": given})


def test_each_decision_is_shown_as_the_detector_saw_it() -> None:
    unit = board.shifted(board.edited(GAP, (200, 207, 6, 6, board.GROUND)), 4, 2)
    inspector = Inspector(
        board.sample(), {}, Says(lambda k: shares("open", 0.9) if k == 0 else shares("open", 0.3))
    )
    frame = board.frame(unit)
    record = inspector.inspect({"top": frame}, serial="S1")
    defect, dismissed = inspector.explain(frame, record)
    assert (defect.number, defect.defect_class, dismissed.number) == (1, "open", None)
    assert defect.because == because(record.defects[0])
    assert "0.70" in dismissed.because
    golden = board.shifted(board.golden(), 4, 2)
    for shown, edit in ((defect, board.OPEN), (dismissed, (200, 207, 6, 6))):
        x, y = shown.corner
        at = np.s_[y : y + len(shown.unit), x : x + len(shown.unit)]
        np.testing.assert_array_equal(shown.unit[..., 1], unit[at])
        np.testing.assert_array_equal(shown.golden[..., 2], golden[at])
        np.testing.assert_array_equal(shown.inside, unit[at] != golden[at])
        left, top, w, h = shown.box
        assert (left + x + 0.5, top + y + 0.5, w, h) == (edit[0] + 4, edit[1] + 2, *edit[2:])
        assert shown.shows == "probability"
        assert np.isnan(shown.heat[0, 0])
    assert np.nanmax(defect.heat) == pytest.approx(0.9)
    assert np.nanmax(dismissed.heat) == pytest.approx(0.3)
    bare = Inspector(board.sample(), {})
    unnamed = bare.explain(frame, bare.inspect({"top": frame}, serial="S1"))
    assert [e.shows for e in unnamed] == ["excess", "excess"]
    assert np.nanmax(unnamed[0].heat) == 255
    with pytest.raises(FrameError, match=r"named by model 'says'.* not by no model"):
        bare.explain(frame, record)
    with pytest.raises(FrameError, match="not one of inspection"):
        inspector.explain(board.frame(board.golden()), record)


def test_golden_and_unit_are_given_as_the_detector_sees_them() -> None:
    inspector = Inspector(board.sample(board.fields(artwork={"shade": "bright"}), 255 - board.golden()), {})
    unit = board.shifted(board.edited(GAP), 4, 2)
    pair = inspector.artwork(board.frame(255 - unit))
    assert pair is not None
    np.testing.assert_array_equal(pair[0], board.shifted(board.golden(), 4, 2))
    np.testing.assert_array_equal(pair[1], unit)
    assert inspector.artwork(board.frame(np.zeros_like(unit))) is None
    with pytest.raises(FrameError, match="is artwork"):
        inspector.rectified(board.frame(unit))


def test_the_same_frame_gives_the_same_bytes() -> None:
    frame = board.frame(board.shifted(board.edited(GAP, *specks(5)), 3, 0))
    first, again = (released().inspect({"top": frame}, serial="S1").to_json() for _ in range(2))
    fresh = Inspector(board.sample(), {}, open_detector(packaged("artwork"))).inspect(
        {"top": frame}, serial="S1"
    )
    assert first == again == fresh.to_json()
