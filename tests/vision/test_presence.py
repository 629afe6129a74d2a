"""Components, prints and codes on a drawn board: what was drawn is what is said of it."""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np
import pytest

from evidence import CharacteristicResult, Frame, Inspection
from golden.sample import GoldenSample
from golden.spec import GoldenSpec
from kernels.compiled import U8
from quality.record_checks import check_results
from tests.vision import board, populated
from vision import Inspector


def _inspector(spec: GoldenSpec) -> Inspector:
    golden = GoldenSample(
        spec=spec, digest="sha256:" + "6" * 64, version=1, issued=board.ISSUED, expires=None,
        predecessor=None, images={"images/top.png": board.png(populated.picture())}, signatures=(),
    )  # fmt: skip
    return Inspector(golden, {})


@functools.cache
def _shared() -> Inspector:
    return _inspector(populated.spec())


def _record(pixels: U8, serial: str | None = None) -> Inspection:
    record = _shared().inspect({"top": Frame(pixels, b"drawn", "top", "cell")}, serial=serial)
    check_results(populated.spec(), record)
    return record


def _result(record: Inspection, name: str) -> CharacteristicResult:
    return next(c for c in record.characteristics if c.id == name)


def test_a_good_unit_conforms_in_other_light_and_says_who_it_is() -> None:
    for light in (1.0, 0.85):
        record = _record(populated.picture(seed=2, light=light))
        assert record.verdict == "ACCEPT", record.reasons
        assert record.serial == "0042"
        for name in ("chip", "led", "value"):
            found = _result(record, name)
            assert found.presence is not None
            assert found.presence.score > 0.95
            assert found.value is not None
            assert found.value < 0.03


@pytest.mark.parametrize("shift", [(0.13, -0.07), (-1.4, 0.6), (2.0, 1.0)])
def test_a_small_shift_is_measured_within_its_uncertainty(shift: tuple[float, float]) -> None:
    found = _result(
        _record(populated.picture(at=(populated.CHIP[0] + shift[0], populated.CHIP[1] + shift[1]), seed=3)),
        "chip",
    )
    assert found.decision == "conform"
    assert found.presence is not None
    assert found.presence.dx_mm == pytest.approx(shift[0] * populated.MM, abs=0.012)
    assert found.presence.dy_mm == pytest.approx(shift[1] * populated.MM, abs=0.012)
    assert found.standard_uncertainty is not None
    assert 0.005 < found.standard_uncertainty < 0.03


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"chip": False}, "component_missing"),
        ({"at": (populated.CHIP[0] + 10, populated.CHIP[1])}, "component_shifted"),
        ({"at": (populated.CHIP[0], populated.CHIP[1] - 8)}, "component_shifted"),
        ({"angle": 180.0}, "component_turned"),
        ({"angle": 90.0}, "component_turned"),
        ({"angle": 25.0}, "component_turned"),
        ({"chip": "led"}, "component_wrong"),
    ],
)
def test_what_is_wrong_with_a_component_is_named(change: dict[str, Any], reason: str) -> None:
    if change.get("chip") == "led":
        change = {"chip": populated.led()}
    record = _record(populated.picture(**change, seed=4))
    found = _result(record, "chip")
    assert (found.reason, found.decision, record.verdict) == (reason, "nonconform", "REJECT")
    assert found.presence is not None
    if "angle" in change:
        assert found.presence.angle_deg == pytest.approx(change["angle"], abs=1.0)
    if reason == "component_wrong":
        assert found.presence.resembles == "led"
    assert _result(record, "led").decision == "conform"


@pytest.mark.parametrize("text", ["10K85 A4", "10K35 A1", "10K35 AA", "16K35 A4"])
def test_one_other_character_is_found_where_it_is(text: str) -> None:
    record = _record(populated.picture(text=text, seed=5))
    found = _result(record, "value")
    assert (found.reason, record.verdict) == ("print_differs", "REJECT")
    assert found.presence is not None
    assert found.presence.differs_mm
    first = next(i for i, (a, b) in enumerate(zip("10K35 A4", text.ljust(8), strict=True)) if a != b)
    ahead = cv2.getTextSize(text[:first], cv2.FONT_HERSHEY_DUPLEX, 0.9, 2)[0][0]
    nearest = min(
        abs(x + w / 2 - (80 + ahead + 9) * populated.MM) for x, _, w, _ in found.presence.differs_mm
    )
    assert nearest < 1.5


def test_a_print_that_is_gone_is_missing() -> None:
    assert _result(_record(populated.picture(text=" ", seed=6)), "value").reason == "print_missing"


@pytest.mark.parametrize(
    ("ink", "reason", "departs"),
    [
        ((214.5, 219.5, 219.0), None, 0.1),
        ((173.5, 188.5, 197.0), "print_unclear", 0.3),
        ((132.5, 157.5, 175.0), "print_discoloured", 0.5),
        ((235.0, 235.0, 40.0), "print_discoloured", 0.68),  # 190 codes of blue, of a contrast of 280
    ],
)
def test_another_ink_and_a_faint_one_are_told(
    ink: tuple[float, float, float], reason: str | None, departs: float
) -> None:
    record = _record(populated.picture(ink=ink, seed=8, light=0.9))
    found = _result(record, "value")
    assert found.reason == reason
    assert record.verdict == {None: "ACCEPT", "print_unclear": "HOLD"}.get(reason, "REJECT")
    assert found.presence is not None
    assert found.presence.ink_differs == pytest.approx(departs, abs=0.05)


def test_another_light_is_no_other_ink() -> None:
    for light in (1.0, 0.85):
        presence = _result(_record(populated.picture(seed=9, light=light)), "value").presence
        assert presence is not None
        assert presence.ink_differs is not None
        assert presence.ink_differs < 0.06


def test_where_nothing_has_structure_a_component_is_missing_whatever_the_colours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vision.presence.component.bare_share", lambda *_: None)
    assert _result(_record(populated.picture(chip=False, seed=4)), "chip").reason == "component_missing"
    strange = np.zeros((60, 70, 4), np.float32)
    strange[8:52, 8:62] = (150, 150, 150, 1)
    strange[20:24, 8:62] = strange[40:44, 8:62] = (60, 200, 60, 1)
    assert _result(_record(populated.picture(chip=strange, seed=4)), "chip").reason == "component_wrong"


def test_a_code_must_match_and_be_read_and_be_the_unit_that_was_given() -> None:
    wrong = _record(populated.picture(code="PART-0042", seed=7))
    assert _result(wrong, "code").reason == "code_wrong"
    assert wrong.serial is None
    none = _record(populated.picture(code=None, seed=7))
    assert _result(none, "code").reason == "code_unread"
    assert (none.verdict, none.serial) == ("HOLD", None)
    other = _record(populated.picture(seed=7), serial="0043")
    assert (other.verdict, other.reasons, other.serial) == ("HOLD", ("identity_disputed",), "0043")
    assert _record(populated.picture(seed=7), serial="0042").verdict == "ACCEPT"


def test_a_serial_too_long_for_a_record_still_disputes_the_one_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vision.inspector._LONGEST_SERIAL", 3)
    assert _record(populated.picture(seed=7), serial="0043").reasons == ("identity_disputed",)
    assert _record(populated.picture(seed=7)).serial is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"content": "A", "pattern": "B"}, "exclude each other"),
        ({"content": "A", "identifies": True}, "identifies no unit"),
        ({"pattern": "(", "identifies": False}, "no regular expression"),
    ],
)
def test_a_code_that_means_nothing_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        GoldenSpec.model_validate(populated.fields(**change))
