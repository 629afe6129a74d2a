"""Certificates: what is read is what was written, and nothing else is believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration import (
    CalibrationAlteredError,
    CalibrationError,
    CalibrationExpiredError,
    CalibrationForeignError,
    CalibrationFormatError,
    CameraCalibration,
    Noise,
)

ISSUED = datetime(2026, 1, 1, 8, tzinfo=UTC)
UNTIL = datetime(2027, 1, 1, 8, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def certificate(**fields: Any) -> CameraCalibration:
    stated = {
        "camera": "cell-3", "mm_per_px": 0.02, "relative_uncertainty": 0.0005, "issued": ISSUED,
        "valid_until": UNTIL, "conditions": "scanner at 1200 dpi",
    }  # fmt: skip
    return CameraCalibration.nominal(**{**stated, **fields})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "cell-3.cal"
    certificate().save(path)
    return path


def refused(data: bytes) -> CalibrationError:
    with pytest.raises(CalibrationError, match=r"^a\.cal: ") as caught:
        CameraCalibration.parse(data, source="a.cal")
    return caught.value


def test_what_is_read_is_what_was_saved(saved: Path) -> None:
    opened = CameraCalibration.open(saved, now=NOW, camera="cell-3")
    assert opened == certificate()
    assert opened.digest == certificate().digest
    assert opened.mm_per_px == 0.02
    assert opened.method == "nominal"


def test_only_the_certificate_is_left_in_the_folder(saved: Path) -> None:
    certificate(mm_per_px=0.03).save(saved)
    assert [p.name for p in saved.parent.iterdir()] == ["cell-3.cal"]
    assert CameraCalibration.open(saved, now=NOW).mm_per_px == 0.03


def test_a_save_that_fails_leaves_what_was_there(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises((OSError, ValueError), match="No space"):
        certificate(mm_per_px=0.03).save(saved)
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == ["cell-3.cal"]


@settings(max_examples=60)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
        lambda name: bool(name.strip())
    ),
    st.floats(1e-6, 10),
    st.floats(0, 0.5),
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.timedeltas(timedelta(microseconds=1), timedelta(days=4000)),
)
def test_every_certificate_makes_the_round_trip(
    camera: str, scale: float, relative: float, issued: datetime, lasts: timedelta
) -> None:
    made = certificate(
        camera=camera, mm_per_px=scale, relative_uncertainty=relative, issued=issued,
        valid_until=issued + lasts,
    )  # fmt: skip
    assert CameraCalibration.parse(made.to_bytes(), source="a.cal") == made


def test_every_single_flipped_bit_is_refused() -> None:
    data = certificate().to_bytes()
    for i in range(8 * len(data)):
        altered = bytearray(data)
        altered[i // 8] ^= 1 << (i % 8)
        refused(bytes(altered))


@pytest.mark.parametrize(
    "alter",
    [
        lambda d: d[:-1],
        lambda d: d + b"\n",
        lambda d: b" " + d,
        lambda d: d.replace(b",", b", ", 1),
        lambda d: b"\xef\xbb\xbf" + d,
        lambda d: d.replace(b'"camera":"cell-3"', b'"camera":"cell-4","camera":"cell-3"'),
        lambda d: d.replace(b"0.02", b"0.020"),
        lambda d: d.replace(b"08:00:00Z", b"08:00:00+00:00", 1),
        lambda d: d.replace(b"cell-3", b"cell\\u002d3"),
    ],
)
def test_another_spelling_of_the_same_content_is_refused(alter: Any) -> None:
    data = certificate().to_bytes()
    assert alter(data) != data
    refused(alter(data))


def test_a_changed_number_is_called_altered() -> None:
    data = certificate().to_bytes()
    assert isinstance(refused(data.replace(b"0.02,", b"0.03,")), CalibrationAlteredError)


def test_a_certificate_forged_with_its_own_digest_still_has_to_fit() -> None:
    content = json.loads(certificate().to_bytes())
    for field, value in {
        "mm_per_px": 0, "relative_uncertainty": -0.1, "camera": "", "method": "guess", "transfer": "log",
        "issued": "2026-01-01T08:00:00", "valid_until": "soon", "noise": {"gain": 2, "read": 0},
        "owner": "me", "schema": "hallmark.calibration/2", "conditions": 3,
    }.items():  # fmt: skip
        error = refused(json.dumps({**content, field: value}).encode())
        assert isinstance(error, CalibrationFormatError), field
        assert field in str(error)


def test_an_expired_certificate_is_refused_with_its_dates(saved: Path) -> None:
    with pytest.raises(CalibrationExpiredError, match=r"cell-3\.cal.*2027-01-01.*2027-01-02"):
        CameraCalibration.open(saved, now=UNTIL + timedelta(days=1))
    with pytest.raises(CalibrationExpiredError):
        CameraCalibration.open(saved, now=UNTIL + timedelta(microseconds=1))
    CameraCalibration.open(saved, now=UNTIL)


def test_a_certificate_that_is_not_yet_valid_is_refused(saved: Path) -> None:
    with pytest.raises(CalibrationExpiredError, match="2026-01-01"):
        CameraCalibration.open(saved, now=ISSUED - timedelta(seconds=1))
    CameraCalibration.open(saved, now=ISSUED)


def test_the_time_zone_of_now_does_not_matter(saved: Path) -> None:
    east = timezone(timedelta(hours=9))
    CameraCalibration.open(saved, now=UNTIL.astimezone(east))
    with pytest.raises(CalibrationExpiredError):
        CameraCalibration.open(saved, now=(UNTIL + timedelta(seconds=1)).astimezone(east))


def test_a_now_without_a_zone_decides_nothing(saved: Path) -> None:
    with pytest.raises(TypeError, match="naive"):
        CameraCalibration.open(saved, now=NOW.replace(tzinfo=None))


def test_a_foreign_certificate_is_refused_naming_both_cameras(saved: Path) -> None:
    with pytest.raises(CalibrationForeignError, match=r"'cell-3'.*'cell-9'"):
        CameraCalibration.open(saved, now=NOW, camera="cell-9")


@pytest.mark.parametrize("when", ["issued", "valid_until"])
def test_naive_times_are_refused(when: str) -> None:
    naive = {"issued": ISSUED, "valid_until": UNTIL}[when].replace(tzinfo=None)
    with pytest.raises(CalibrationFormatError):
        certificate(**{when: naive})


def test_naive_times_in_both_fields_are_a_format_error() -> None:
    with pytest.raises(CalibrationFormatError, match="issued"):
        certificate(issued=ISSUED.replace(tzinfo=None), valid_until=UNTIL.replace(tzinfo=None))


@pytest.mark.parametrize("until", [ISSUED, ISSUED - timedelta(days=1)])
def test_validity_must_end_after_it_begins(until: datetime) -> None:
    with pytest.raises(CalibrationFormatError, match="not after issued"):
        certificate(valid_until=until)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mm_per_px", 0.0), ("mm_per_px", -1.0), ("mm_per_px", float("nan")), ("mm_per_px", float("inf")),
        ("mm_per_px", 11.0), ("relative_uncertainty", -0.1), ("relative_uncertainty", float("nan")),
        ("relative_uncertainty", 0.6), ("camera", ""), ("camera", "x" * 129), ("transfer", "log"),
    ],
)  # fmt: skip
def test_numbers_out_of_range_are_refused_by_field(field: str, value: object) -> None:
    with pytest.raises(CalibrationFormatError, match=field):
        certificate(**{field: value})


@pytest.mark.parametrize(
    ("instant", "covered"),
    [
        (None, True),
        ("2026-01-01T08:00:00Z", True),
        ("2026-01-01T07:59:59.999999Z", False),
        ("2026-06-01T00:00:00.5Z", True),
        ("2027-01-01T08:00:00Z", True),
        ("2027-01-01T08:00:00.000001Z", False),
    ],
)
def test_covers_says_whether_an_instant_lies_in_the_validity(instant: str | None, covered: bool) -> None:
    assert certificate().covers(instant) is covered


def test_equal_content_has_equal_digests_and_any_field_changes_them() -> None:
    assert certificate().digest == certificate().digest
    others: list[dict[str, Any]] = [
        {"camera": "cell-4"}, {"mm_per_px": 0.021}, {"relative_uncertainty": 0.0006}, {"transfer": "linear"},
        {"issued": ISSUED - timedelta(seconds=1)}, {"valid_until": UNTIL + timedelta(seconds=1)},
        {"conditions": ""},
    ]  # fmt: skip
    assert len({certificate().digest, *(certificate(**o).digest for o in others)}) == 8


def test_a_certificate_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        certificate().mm_per_px = 1.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        Noise().gain = 1.0  # type: ignore[misc]


def test_a_huge_file_is_refused_unread() -> None:
    error = refused(b" " * 1_000_001)
    assert "too many" in str(error)


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"null", b"1", b'"digest"', b'["digest"]', b"\xff\xfe", b"[" * 5000, b'{"digest": 1}',
     b"{" * 100_000, b'{"digest":' * 20_000, b"1" * 5000],
)  # fmt: skip
def test_what_is_no_certificate_is_a_format_error(data: bytes) -> None:
    assert isinstance(refused(data), CalibrationFormatError)


def test_a_missing_file_is_an_operating_system_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        CameraCalibration.open(tmp_path / "none.cal", now=NOW)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    refused(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(sorted(json.loads(certificate().to_bytes()))), json_values, min_size=1),
    st.sets(st.sampled_from(sorted(json.loads(certificate().to_bytes()))), max_size=2),
)
def test_any_value_in_any_field_is_refused(changed: dict[str, Any], dropped: set[str]) -> None:
    content = {**json.loads(certificate().to_bytes()), **changed}
    for field in dropped:
        del content[field]
    if content != json.loads(certificate().to_bytes()):
        refused(json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n")
