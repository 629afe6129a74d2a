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
from tests.vision import board
from vision import Inspector

W, H, MM = 640, 480, 0.1
_CHIP, _LED, _CODE, _TEXT = (300, 200), (180, 300), (430, 90, 96, 96), (70, 60, 190, 40)


def _chip(body: tuple[int, int, int] = (35, 34, 36)) -> Any:
    """A body with silver pins on both sides and a dot at pin 1."""
    picture = np.zeros((60, 70, 4), np.float32)
    picture[5:55, 12:58] = (*body, 1)
    for y in (10, 22, 34, 46):
        picture[y : y + 6, 2:12] = picture[y : y + 6, 58:68] = (205, 205, 200, 1)
    cv2.circle(picture, (20, 14), 4, (190, 180, 60, 1.0), -1)
    return picture


def _led() -> Any:
    picture = np.zeros((60, 70, 4), np.float32)
    picture[12:48, 6:64] = (225, 225, 215, 1)
    picture[20:40, 22:48] = (180, 60, 40, 1)
    picture[12:48, 6:12] = (120, 110, 100, 1)
    return picture


def _paste(image: Any, picture: Any, at: tuple[float, float], angle: float = 0.0) -> None:
    """Draw a picture centred at a point, turned from x towards y, by area-true supersampling."""
    h, w = picture.shape[:2]
    turn = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), -angle, 1.0)
    turn[:, 2] += np.array(at) - ((w - 1) / 2, (h - 1) / 2)
    moved = cv2.warpAffine(picture * picture[..., 3:], turn, (W, H), flags=cv2.INTER_LINEAR)
    cover = moved[..., 3:]
    image += moved[..., :3] - cover * image


def _symbol(text: str) -> Any:
    """A QR code by OpenCV's encoder, which shares nothing with the reader."""
    code = cv2.QRCodeEncoder.create().encode(text)
    return cv2.resize(code, _CODE[2:], interpolation=cv2.INTER_NEAREST)


@functools.cache
def _ground() -> Any:
    rng = np.random.default_rng(7)
    image = np.full((H, W, 3), (30.0, 80.0, 120.0), np.float32)
    for _ in range(120):
        a, b = rng.integers(0, (W, H), 2), rng.integers(0, (W, H), 2)
        b = a + (b - a) // 5
        cv2.line(image, a.tolist(), b.tolist(), (45, 105, 140), 3, cv2.LINE_AA)
    for x, y in ((30, 30), (610, 30), (30, 450), (610, 450), (90, 400), (520, 300), (420, 420), (560, 210)):
        cv2.circle(image, (x, y), 14, (190, 180, 150), -1, cv2.LINE_AA)
        cv2.circle(image, (x, y), 6, (20, 20, 20), -1, cv2.LINE_AA)
    image[180:220, 265:336] = (30, 80, 120)
    return image


def _picture(
    *,
    chip: Any = None,
    at: tuple[float, float] = _CHIP,
    angle: float = 0.0,
    text: str = "10K35 A4",
    code: str | None = "UNIT-0042",
    seed: int = 1,
    light: float = 1.0,
) -> U8:
    """Return a board; `chip` False leaves it bare."""
    image = _ground().copy()
    if chip is not False:
        _paste(image, _chip() if chip is None else chip, at, angle)
    _paste(image, _led(), _LED)
    ink = np.zeros((H, W), np.uint8)
    cv2.putText(ink, text, (80, 92), cv2.FONT_HERSHEY_DUPLEX, 0.9, 255, 2, cv2.LINE_AA)
    image += (ink / 255.0)[..., None] * (np.array((235, 235, 230)) - image)
    x, y, w, h = _CODE
    image[y - 10 : y + h + 10, x - 10 : x + w + 10] = 235
    if code is not None:
        image[y : y + h, x : x + w] = _symbol(code)[..., None] * 0.9
    noise = np.random.default_rng(seed).normal(0, 2, image.shape)
    return np.clip(np.round(cv2.GaussianBlur(image, (0, 0), 0.7) * light + noise), 0, 255).astype(np.uint8)


def _box(x: float, y: float, w: float, h: float) -> dict[str, Any]:
    return {"type": "rectangle", "x": x, "y": y, "width": w, "height": h}


def _fields(**code: Any) -> dict[str, Any]:
    shared = {"severity": "major", "view": "top"}
    body = {"upper": 0.3, "kind": "component", **shared}
    return {
        **board.fields(),
        "views": [{"id": "top", "image": "images/top.png", "width_px": W, "height_px": H, "mm_per_px": MM}],
        "characteristics": [
            {**body, "number": 1, "id": "chip", "name": "U1",
             "region": _box(_CHIP[0] - 33, _CHIP[1] - 26, 67, 52)},
            {**body, "number": 2, "id": "led", "name": "D1", "polarised": False,
             "region": _box(_LED[0] - 30, _LED[1] - 19, 60, 38)},
            {**shared, "kind": "print", "number": 3, "id": "value", "name": "Value", "upper": 0.3,
             "detail_mm": 2.0, "region": _box(*_TEXT)},
            {**shared, "kind": "code", "number": 4, "id": "code", "name": "Code", "symbology": "QRCode",
             "region": _box(_CODE[0] - 8, _CODE[1] - 8, _CODE[2] + 16, _CODE[3] + 16),
             **(code or {"pattern": "UNIT-(?P<serial>[0-9]{4})", "identifies": True})},
        ],
        "zones": [],
        "catalogue": {
            "smallest_mm": 0.5, "rules": [{"id": "any", "defect_class": "any", "severity": "minor"}],
        },
    }  # fmt: skip


@functools.cache
def _spec() -> GoldenSpec:
    return GoldenSpec.model_validate(_fields())


def _inspector(spec: GoldenSpec) -> Inspector:
    golden = GoldenSample(
        spec=spec, digest="sha256:" + "6" * 64, version=1, issued=board.ISSUED, expires=None,
        predecessor=None, images={"images/top.png": board.png(_picture())}, signatures=(),
    )  # fmt: skip
    return Inspector(golden, {})


@functools.cache
def _shared() -> Inspector:
    return _inspector(_spec())


def _record(pixels: U8, serial: str | None = None) -> Inspection:
    record = _shared().inspect({"top": Frame(pixels, b"drawn", "top", "cell")}, serial=serial)
    check_results(_spec(), record)
    return record


def _result(record: Inspection, name: str) -> CharacteristicResult:
    return next(c for c in record.characteristics if c.id == name)


def test_a_good_unit_conforms_in_other_light_and_says_who_it_is() -> None:
    for light in (1.0, 0.85):
        record = _record(_picture(seed=2, light=light))
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
    found = _result(_record(_picture(at=(_CHIP[0] + shift[0], _CHIP[1] + shift[1]), seed=3)), "chip")
    assert found.decision == "conform"
    assert found.presence is not None
    assert found.presence.dx_mm == pytest.approx(shift[0] * MM, abs=0.012)
    assert found.presence.dy_mm == pytest.approx(shift[1] * MM, abs=0.012)
    assert found.standard_uncertainty is not None
    assert 0.005 < found.standard_uncertainty < 0.03


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"chip": False}, "component_missing"),
        ({"at": (_CHIP[0] + 10, _CHIP[1])}, "component_shifted"),
        ({"at": (_CHIP[0], _CHIP[1] - 8)}, "component_shifted"),
        ({"angle": 180.0}, "component_turned"),
        ({"angle": 90.0}, "component_turned"),
        ({"angle": 25.0}, "component_turned"),
        ({"chip": "led"}, "component_wrong"),
    ],
)
def test_what_is_wrong_with_a_component_is_named(change: dict[str, Any], reason: str) -> None:
    if change.get("chip") == "led":
        change = {"chip": _led()}
    record = _record(_picture(**change, seed=4))
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
    record = _record(_picture(text=text, seed=5))
    found = _result(record, "value")
    assert (found.reason, record.verdict) == ("print_differs", "REJECT")
    assert found.presence is not None
    assert found.presence.differs_mm
    first = next(i for i, (a, b) in enumerate(zip("10K35 A4", text.ljust(8), strict=True)) if a != b)
    ahead = cv2.getTextSize(text[:first], cv2.FONT_HERSHEY_DUPLEX, 0.9, 2)[0][0]
    nearest = min(abs(x + w / 2 - (80 + ahead + 9) * MM) for x, _, w, _ in found.presence.differs_mm)
    assert nearest < 1.5


def test_a_print_that_is_gone_is_missing() -> None:
    assert _result(_record(_picture(text=" ", seed=6)), "value").reason == "print_missing"


def test_a_code_must_match_and_be_read_and_be_the_unit_that_was_given() -> None:
    wrong = _record(_picture(code="PART-0042", seed=7))
    assert _result(wrong, "code").reason == "code_wrong"
    assert wrong.serial is None
    none = _record(_picture(code=None, seed=7))
    assert _result(none, "code").reason == "code_unread"
    assert (none.verdict, none.serial) == ("HOLD", None)
    other = _record(_picture(seed=7), serial="0043")
    assert (other.verdict, other.reasons, other.serial) == ("HOLD", ("identity_disputed",), "0043")
    assert _record(_picture(seed=7), serial="0042").verdict == "ACCEPT"


def test_a_serial_too_long_for_a_record_still_disputes_the_one_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vision.inspector._LONGEST_SERIAL", 3)
    assert _record(_picture(seed=7), serial="0043").reasons == ("identity_disputed",)
    assert _record(_picture(seed=7)).serial is None


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
        GoldenSpec.model_validate(_fields(**change))
