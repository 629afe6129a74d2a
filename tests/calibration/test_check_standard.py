"""Check standard: drifts are seen as soon as stated, false alarms stay below theirs, doubt has two ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from calibration.check_history import CheckHistory
from calibration.check_log import log_line, read_checks, whole_lines
from calibration.check_standard import CheckedSize, CheckResult, CheckStandard, Reading, chart
from calibration.errors import CheckError
from evidence import REASONS

ISSUED = datetime(2026, 1, 1, 6, tzinfo=UTC)
SHIFT = timedelta(hours=8)
DIGEST = "sha256:" + "a" * 64
FOREIGN = "sha256:" + "b" * 64
SIZES = (
    CheckedSize(id="pin", value_mm=20.0, u_mm=0.0005, edges=2, repeatability_mm=0.0015),
    CheckedSize(id="hole", value_mm=6.0, u_mm=0.0005, edges=-2, repeatability_mm=0.0015),
    CheckedSize(id="pitch", value_mm=32.0, u_mm=0.0005, repeatability_mm=0.001),
)


def standard(**fields: object) -> CheckStandard:
    return CheckStandard.model_validate({"serial": "R-3", "certificate": "K-2", "sizes": SIZES, **fields})


def check(
    i: int, errors: Sequence[Sequence[float]], *, u_mm: float = 0.003, calibration: str = DIGEST
) -> CheckResult:
    readings = tuple(
        Reading(id=s.id, values_mm=tuple(s.value_mm + e for e in row), u_mm=u_mm)
        for s, row in zip(SIZES, errors, strict=True)
    )
    return CheckResult(time=ISSUED + i * SHIFT, calibration=calibration, serial="R-3", readings=readings)


def quiet(first: int, last: int) -> list[CheckResult]:
    """Checks with errors that alternate within repeatability."""
    return [check(i, [[0.001 * (-1) ** i] * 2] * 3) for i in range(first, last + 1)]


def drifted(i: int, scale: float = 1e-3) -> CheckResult:
    return check(i, [[s.value_mm * scale] * 2 for s in SIZES])


def history(checks: Sequence[CheckResult], **fields: object) -> CheckHistory:
    return CheckHistory.follow(standard(**fields), checks, calibration=DIGEST, issued=ISSUED)


def simulated(
    rng: np.random.Generator, checks: int, readings: int, drift: float = 0.0, after: int = 0
) -> list[CheckResult]:
    """A camera with a constant bias; from check `after` on its scale is wrong by `drift`."""
    bias = rng.normal(0, 0.002, len(SIZES))
    return [
        check(
            i + 1,
            [
                list(b + s.value_mm * drift * (i >= after) + rng.normal(0, s.repeatability_mm, readings))
                for s, b in zip(SIZES, bias, strict=True)
            ],
        )
        for i in range(checks)
    ]


def test_a_scale_drift_of_a_thousandth_is_seen_at_once() -> None:
    """32 mm change by 32 um, 20 mm by 20 um; a single reading repeats to 1 and 1.5 um."""
    sooner = standard().detection(1e-3)
    assert sooner.at_once > 0.9999
    assert sooner.within == 1
    rng = np.random.default_rng(3)
    for _ in range(200):
        charted = chart(standard(), simulated(rng, 12, 1, drift=1e-3, after=11), calibration=DIGEST)
        assert charted[-1].verdict == "bad"


@pytest.mark.parametrize(("drift", "readings"), [(1e-4, 1), (1e-4, 3), (6e-5, 3)])
def test_small_drifts_are_seen_as_soon_as_stated(drift: float, readings: int) -> None:
    """Simulated beside the stated probabilities, which leave out bias and spread charts."""
    stated = standard().detection(drift, readings=readings)
    assert stated.within is not None
    rng = np.random.default_rng(4)
    runs = 250
    at_once = within = 0
    for _ in range(runs):
        checks = simulated(rng, 5 + stated.within, readings, drift, after=5)
        verdicts = [c.verdict for c in chart(standard(), checks, calibration=DIGEST)[5:]]
        at_once += verdicts[0] == "bad"
        within += "bad" in verdicts
    chance = 3.5 * np.sqrt(0.25 / runs)
    assert at_once / runs == pytest.approx(stated.at_once, abs=chance)
    assert within / runs > 0.95 - chance / 2


def test_a_drift_too_small_for_the_artefact_is_told() -> None:
    assert standard().detection(1e-7).within is None


@pytest.mark.parametrize("readings", [1, 3])
def test_false_alarms_stay_below_the_stated_share(readings: int) -> None:
    share = 0.05
    rng = np.random.default_rng(6)
    bad = total = 0
    for _ in range(120):
        charted = chart(standard(false_alarm=share), simulated(rng, 20, readings), calibration=DIGEST)
        bad += sum(c.verdict == "bad" for c in charted)
        total += len(charted)
    assert 0.2 * share < bad / total < share


def test_limits_are_those_of_the_normal_and_the_chi_square_distribution() -> None:
    one = CheckStandard(serial="x", sizes=SIZES[:1], false_alarm=0.004)
    assert one.factor == pytest.approx(3.2905, abs=1e-4)  # two-sided 0.001
    expected = 0.0015 * np.sqrt(13.8155 / 2)  # chi-square, 2 degrees of freedom, upper 0.001
    assert one.spread_limit(SIZES[0], 3) == pytest.approx(expected, rel=1e-5)


def test_the_moving_average_has_the_published_limits() -> None:
    """Roberts (1959) for k checks of 2 readings, and a reference of 5 checks that all of them share."""
    charted = chart(standard(), quiet(1, 12), calibration=DIGEST)
    for k, found in enumerate(charted[5:], 1):
        (point,) = (p for p in found.points if (p.size, p.chart) == ("pitch", "drift"))
        average = 0.2 / 1.8 * (1 - 0.8 ** (2 * k))
        deviation = 0.001 * np.sqrt(average / 2 + (1 - 0.8**k) ** 2 / 10)
        assert point.limit == pytest.approx(standard().factor * deviation)


def test_each_chart_sees_its_own_trouble() -> None:
    def beyond(*checks: CheckResult) -> set[str]:
        charted = chart(standard(), [*quiet(1, 6), *checks], calibration=DIGEST)
        return {p.chart for c in charted for p in c.beyond}

    assert beyond(*quiet(7, 40)) == set()
    assert beyond(check(7, [[0.0, 0.012]] * 3)) >= {"spread"}
    assert beyond(check(7, [[0.009, 0.009]] * 3)) >= {"shift"}
    assert beyond(*(check(i, [[0.0022, 0.0022]] * 3) for i in range(7, 20))) == {"drift"}
    biased = [check(i, [[0.02, 0.02]] * 3) for i in range(1, 4)]
    assert {p.chart for p in chart(standard(), biased, calibration=DIGEST)[0].beyond} == {"bias"}


def test_a_bad_check_makes_suspect_and_a_second_expires_for_good() -> None:
    run = history([*quiet(1, 8), drifted(9), drifted(10), *quiet(11, 12)])
    at = ISSUED + 8.5 * SHIFT
    assert run.state(at).status == "valid"
    assert run.since_when(at) is None
    suspect = run.state(ISSUED + 9 * SHIFT)
    assert (suspect.status, suspect.reason, suspect.why) == (
        "suspect",
        "calibration_suspect",
        "beyond_limits",
    )
    for i in (10, 12, 400):
        expired = run.state(ISSUED + i * SHIFT)
        assert (expired.status, expired.reason) == ("expired", "calibration_expired")
        assert expired.since == ISSUED + 10 * SHIFT
    assert {"calibration_suspect", "calibration_expired"} <= set(REASONS)


def test_a_good_check_after_a_bad_one_makes_valid_again() -> None:
    run = history([*quiet(1, 8), drifted(9, 2e-4), *quiet(10, 11)])
    assert run.state(ISSUED + 9.1 * SHIFT).status == "suspect"
    assert run.state(ISSUED + 10 * SHIFT).status == "valid"


def test_missed_checks_make_suspect_then_expired_until_a_good_one() -> None:
    run = history([*quiet(1, 3), *quiet(9, 9)])
    for i, status in ((3, "valid"), (4, "valid"), (4.01, "suspect"), (5, "suspect"), (5.01, "expired"),
                      (8.9, "expired"), (9, "valid"), (10.5, "suspect")):  # fmt: skip
        assert run.state(ISSUED + i * SHIFT).status == status, i
    late = run.state(ISSUED + 6 * SHIFT)
    assert (late.why, late.since) == ("overdue", ISSUED + 5 * SHIFT)
    doubt = run.since_when(ISSUED + 6 * SHIFT)
    assert doubt is not None
    assert (doubt.after, doubt.until) == (ISSUED + 3 * SHIFT, None)
    assert history([]).state(ISSUED + 1.5 * SHIFT).status == "suspect"
    assert history([]).state(ISSUED + SHIFT).status == "valid"


def test_a_suspect_calibration_that_nobody_checks_expires() -> None:
    run = history([*quiet(1, 8), drifted(9)])
    assert run.state(ISSUED + 11.5 * SHIFT).status == "expired"


def test_a_jump_leaves_the_inspections_since_the_last_good_check_in_doubt() -> None:
    run = history([*quiet(1, 8), drifted(9), drifted(10)])
    for at in (9, 10, 300):
        doubt = run.since_when(ISSUED + at * SHIFT)
        assert doubt is not None
        assert (doubt.after, doubt.until) == (ISSUED + 8 * SHIFT, ISSUED + 9 * SHIFT)
    assert doubt.holds(ISSUED + 8.5 * SHIFT)
    assert not doubt.holds(ISSUED + 8 * SHIFT)
    assert not doubt.holds(ISSUED + 9.5 * SHIFT)


def test_a_slow_drift_is_followed_back_to_its_beginning() -> None:
    """From check 9 on 1 um more than the check before, too little for a single check to show."""
    slow = [check(i, [[0.0002 * (i - 8)] * 2, [0.0] * 2, [0.0004 * (i - 8)] * 2]) for i in range(9, 40)]
    run = history([*quiet(1, 8), *slow])
    bad = next(c for c in run.charted if c.verdict == "bad")
    assert {p.chart for p in bad.beyond} == {"drift"}
    doubt = run.since_when(bad.time)
    assert doubt is not None
    assert doubt.until == bad.time
    assert ISSUED + 5 * SHIFT <= doubt.after <= ISSUED + 9 * SHIFT
    assert bad.time > ISSUED + 11 * SHIFT


def test_what_was_not_measured_counts_as_missed() -> None:
    partial = check(4, [[0.0]] * 3).model_copy(update={"readings": ()})
    run = history([*quiet(1, 3), partial])
    assert run.charted[-1].verdict == "incomplete"
    assert run.state(ISSUED + 4.5 * SHIFT).status == "suspect"
    assert history(quiet(1, 3), expires=date(2025, 12, 31)).charted[0].verdict == "incomplete"


def test_checks_of_other_certificates_and_artefacts_do_not_count() -> None:
    other = drifted(3).model_copy(update={"calibration": FOREIGN})
    lost = drifted(4).model_copy(update={"serial": "R-4"})
    assert len(history([*quiet(1, 2), other, lost]).charted) == 2


def test_checks_out_of_order_are_refused() -> None:
    with pytest.raises(CheckError, match="in order"):
        history(quiet(1, 3)[::-1])


def test_a_check_later_than_asked_is_not_yet_known() -> None:
    run = history([*quiet(1, 8), drifted(9), drifted(10)])
    assert run.state(ISSUED + 8.9 * SHIFT).status == "valid"


def test_a_log_gives_back_its_checks_and_refuses_what_was_altered() -> None:
    log = b""
    for result in quiet(1, 4):
        log += log_line(log, result, actor="ada", source="checks.log")
    assert read_checks(log, source="checks.log") == tuple(quiet(1, 4))
    assert read_checks(b"", source="checks.log") == ()
    lines = log.splitlines(keepends=True)
    wrong = [
        log.replace(b"20.001", b"20.002", 1), b"".join(lines[1:]), b"".join([*lines[:2], lines[3]]),
        log + lines[-1], log + b"{}\n", b"\n" + log, log.replace(b"calibration.checked", b"x.y"),
    ]  # fmt: skip
    for altered in wrong:
        with pytest.raises(CheckError, match=r"checks\.log"):
            read_checks(altered, source="checks.log")
    with pytest.raises(CheckError, match="not later"):
        log_line(log, quiet(4, 4)[0], actor="ada", source="checks.log")


def test_a_line_that_was_not_written_to_its_end_is_no_check() -> None:
    log = b""
    for result in quiet(1, 3):
        log += log_line(log, result, actor="ada", source="checks.log")
    cut = log[:-20]
    assert read_checks(cut, source="checks.log") == tuple(quiet(1, 2))
    again = whole_lines(cut) + log_line(cut, quiet(3, 3)[0], actor="ada", source="checks.log")
    assert again == log


def test_a_definition_is_read_from_yaml() -> None:
    text = b"""
serial: R-3
certificate: K-2
every_hours: 12
sizes:
  - {id: pin, value_mm: 20.0, u_mm: 0.0005, edges: 2, repeatability_mm: 0.0015}
"""
    read = CheckStandard.parse(text, source="ring.yaml")
    assert read == standard(sizes=SIZES[:1], every_hours=12)
    with pytest.raises(CheckError, match=r"ring\.yaml: sizes\.0\.repeatability_mm"):
        CheckStandard.parse(text.replace(b", repeatability_mm: 0.0015", b""), source="ring.yaml")
