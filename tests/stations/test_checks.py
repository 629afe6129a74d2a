"""A station turns to HOLD when its calibration ends: by time, and by what the check standard shows."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from calibration import (
    CalibrationUnsignedError,
    CameraCalibration,
    CheckError,
    CheckResult,
    Reading,
    log_line,
)
from golden.keys import SigningKey
from stations import CheckWatch, JobError, TwinJob, open_station
from tests.stations.workshop import TODAY, Workshop, open_workshop

STANDARD = """\
serial: PLATE-3
every_hours: 8
baseline: 2
sizes:
  - {id: pitch, value_mm: 16.0, u_mm: 0.0003, repeatability_mm: 0.0006, feature: {type: centre_distance,
     a: {center_px: [150, 300], radius_px: 40, inside: dark},
     b: {center_px: [750, 300], radius_px: 40, inside: dark}}}
"""
ISSUED = TODAY - timedelta(days=30)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    made = open_workshop(tmp_path)
    (tmp_path / "standard.yaml").write_text(STANDARD)
    (tmp_path / "top.checks").write_bytes(b"")
    return made


def hours(count: float) -> datetime:
    return ISSUED + timedelta(hours=count)


def check(workshop: Workshop, at: datetime, scale: float = 1.0) -> None:
    """Append what a check at that time would: the scale is off by a factor."""
    certificate = CameraCalibration.parse(workshop.certificate.read_bytes(), source="top.cal")
    noise = 0.0003 if at.hour % 2 else -0.0003
    values = (16.0 * scale + noise, 16.0 * scale - noise)
    result = CheckResult(
        time=at, calibration=certificate.digest, serial="PLATE-3",
        readings=(Reading(id="pitch", values_mm=values, u_mm=0.001),),
    )  # fmt: skip
    path = workshop.home / "top.checks"
    data = path.read_bytes()
    path.write_bytes(data + log_line(data, result, actor="test", source=str(path)))


def jobs(*times: datetime) -> tuple[TwinJob, ...]:
    return tuple(TwinJob(f"T{n}", seed=n + 1, captured_at=at) for n, at in enumerate(times))


def followed(workshop: Workshop, *times: datetime) -> dict[str, object]:
    home = workshop.home
    return {
        "jobs": jobs(*times), "clock": times[0],
        "standards": {"top": home / "standard.yaml"}, "checks": {"*": home / "top.checks"},
    }  # fmt: skip


def run(workshop: Workshop, **changes: object) -> list[tuple[str, tuple[str, ...]]]:
    with open_station(workshop.config(**changes)) as station:
        return [(record.verdict, record.reasons) for record in station.units()]


def test_the_first_unit_after_expiry_is_held(workshop: Workshop) -> None:
    end = TODAY
    workshop.certify(valid_until=end)
    second = timedelta(seconds=1)
    verdicts = run(workshop, jobs=jobs(end - second, end, end + second), clock=end - second)
    assert verdicts == [("ACCEPT", ()), ("ACCEPT", ()), ("HOLD", ("calibration_expired",))]


def test_the_first_unit_after_a_scale_drift_was_seen_is_held(workshop: Workshop) -> None:
    """Of a thousandth; the check is made while the station runs. A second bad one ends the certificate."""
    for shift in (8, 16, 24):
        check(workshop, hours(shift))
    times = [hours(24.1), hours(31.9), hours(32), hours(32.5), hours(33.5)]
    seen = []
    with open_station(workshop.config(**followed(workshop, *times))) as station:
        for number, record in enumerate(station.units()):
            seen.append((record.verdict, record.reasons))
            if number == 1:
                check(workshop, hours(32), scale=1.001)
            if number == 3:
                check(workshop, hours(33), scale=1.001)
    assert seen == [
        ("ACCEPT", ()),
        ("ACCEPT", ()),
        ("HOLD", ("calibration_suspect",)),
        ("HOLD", ("calibration_suspect",)),
        ("HOLD", ("calibration_expired",)),
    ]


def test_a_good_check_releases_and_a_missed_one_holds(workshop: Workshop) -> None:
    for shift in (8, 16, 24):
        check(workshop, hours(shift))
    check(workshop, hours(30), scale=1.001)
    check(workshop, hours(31))
    assert run(workshop, **followed(workshop, hours(30.5), hours(31), hours(39), hours(39.1), hours(48))) == [
        ("HOLD", ("calibration_suspect",)),
        ("ACCEPT", ()),
        ("ACCEPT", ()),
        ("HOLD", ("calibration_suspect",)),
        ("HOLD", ("calibration_expired",)),
    ]


def test_a_log_that_is_damaged_or_taken_away_while_the_station_runs_holds(workshop: Workshop) -> None:
    path = workshop.home / "top.checks"
    check(workshop, hours(8))
    certificate = CameraCalibration.parse(workshop.certificate.read_bytes(), source="top.cal")
    watch = CheckWatch(certificate, workshop.home / "standard.yaml", path)
    assert watch(hours(9)) is None
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"16.0003", b"16.0001").replace(b"15.9997", b"15.9999") + b"\n")
    assert watch(hours(9)) == "calibration_suspect"
    path.write_bytes(whole)
    assert watch(hours(9)) is None
    path.unlink()
    assert watch(hours(9)) == "calibration_suspect"


def test_a_damaged_log_stops_the_station_from_starting(workshop: Workshop) -> None:
    (workshop.home / "top.checks").write_bytes(b'{"sequence": 1}\n')
    with pytest.raises(CheckError, match="not a log of checks"):
        run(workshop, **followed(workshop, hours(1)))
    assert not (workshop.home / "spool").exists()


def test_a_standard_without_its_log_is_refused(workshop: Workshop) -> None:
    given = followed(workshop, hours(1))
    with pytest.raises(JobError, match="log of checks, or neither"):
        run(workshop, **{**given, "checks": {}})
    with pytest.raises(JobError, match="has no view side"):
        run(workshop, **{**given, "checks": {"side": workshop.home / "top.checks"}})


def test_unsigned_and_foreign_signatures_are_refused_where_trust_is_required(workshop: Workshop) -> None:
    certifiers = workshop.home / "certifiers"
    certifiers.mkdir()
    lab, other = (SigningKey.generate(name, "buyer") for name in ("Lab", "Somebody"))
    public = lab.save(workshop.home)[1]
    public.rename(certifiers / public.name)
    asked = {"certifiers": certifiers, "jobs": jobs(TODAY)}
    with pytest.raises(CalibrationUnsignedError, match="nobody has signed"):
        run(workshop, **asked)
    unsigned = CameraCalibration.open(workshop.certificate, now=TODAY)
    unsigned.sign(other).save(workshop.certificate)
    with pytest.raises(CalibrationUnsignedError, match="not trusted"):
        run(workshop, **asked)
    unsigned.sign(lab).save(workshop.certificate)
    assert run(workshop, **asked) == [("ACCEPT", ())]
