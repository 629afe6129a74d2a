"""What checks make of a certificate: valid, suspect or expired, and since when. Time is an argument.

* A bad check makes it suspect, the next check decides: good, and it is valid again; bad, and it has expired
  for good, so that the camera must be calibrated.
* A check that is overdue makes it suspect, one interval later expired, until a check is made and good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from calibration.check_standard import ChartedCheck, CheckResult, CheckStandard, chart

Status = Literal["valid", "suspect", "expired"]
Why = Literal["checked", "beyond_limits", "overdue"]

_REASONS: dict[Status, str | None] = {
    "valid": None,
    "suspect": "calibration_suspect",
    "expired": "calibration_expired",
}


@dataclass(frozen=True, slots=True)
class CheckState:
    """A certificate's state at one time.

    Attributes:
        status: valid, suspect or expired.
        since: from when it has been so.
        why: checked as agreed, a check beyond its limits, or a check overdue.
    """

    status: Status
    since: datetime
    why: Why

    @property
    def reason(self) -> str | None:
        """The code with which units are held; None where they are not."""
        return _REASONS[self.status]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Between the last time the calibration was known to hold and the first it was known not to.

    Attributes:
        after: last good check, or the certificate's issue.
        until: first bad check; None where a check is overdue.
    """

    after: datetime
    until: datetime | None

    def holds(self, time: datetime) -> bool:
        """Return whether an inspection of that time is in doubt."""
        return self.after < time and (self.until is None or time <= self.until)


@dataclass(frozen=True, slots=True)
class CheckHistory:
    """A certificate's checks, charted, in order of time.

    Attributes:
        standard: the artefact.
        issued: when the certificate was issued, which counts as a good check.
        charted: its checks.
    """

    standard: CheckStandard
    issued: datetime
    charted: tuple[ChartedCheck, ...]

    @classmethod
    def follow(
        cls, standard: CheckStandard, checks: Sequence[CheckResult], *, calibration: str, issued: datetime
    ) -> CheckHistory:
        """Chart the checks of the certificate with this digest; CheckError where they are not in order."""
        return cls(standard, issued, chart(standard, checks, calibration=calibration))

    def state(self, at: datetime) -> CheckState:
        """Return the state at an aware time, by the checks until then."""
        run = self._run(at)
        if len(run) >= 2:
            return CheckState("expired", run[1].time, "beyond_limits")
        last = max([self.issued, *(c.time for c in self._complete(at))])
        due = last + self.standard.every
        if at > due + self.standard.every:
            return CheckState("expired", due + self.standard.every, "overdue")
        if run:
            return CheckState("suspect", run[0].time, "beyond_limits")
        if at > due:
            return CheckState("suspect", due, "overdue")
        return CheckState("valid", last, "checked")

    def since_when(self, at: datetime) -> Doubt | None:
        """Return from when to when the calibration is in doubt, by the checks until an aware time.

        A jump came after the last good check. Where only a moving average is beyond its limits, the drift
        began when that average last had the other sign (Nishina, Qual. Reliab. Eng. Int. 8, 1992, 537), or at
        the latest of the first checks that it is counted from. None while the state is valid.
        """
        state = self.state(at)
        if state.status == "valid":
            return None
        run = self._run(at)
        complete = self._complete(at)
        if not run:
            return Doubt(complete[-1].time if complete else self.issued, None)
        before = complete[: complete.index(run[0])]
        slow = [point for point in run[0].beyond if point.chart == "drift"]
        if len(slow) == len(run[0].beyond):
            before = [c for c in before if not any(_drifting(c, p.size, p.value) for p in slow)]
        return Doubt(before[-1].time if before else self.issued, run[0].time)

    def _complete(self, at: datetime) -> list[ChartedCheck]:
        return [c for c in self.charted if c.time <= at and c.verdict != "incomplete"]

    def _run(self, at: datetime) -> list[ChartedCheck]:
        """Return the bad checks that ended the certificate, or those after the last good one."""
        run: list[ChartedCheck] = []
        for check in self._complete(at):
            run = [*run, check] if check.verdict == "bad" else []
            if len(run) == 2:
                break
        return run


def _drifting(check: ChartedCheck, size: str, value: float) -> bool:
    """Return whether a check's moving average has the sign of `value`."""
    return any(p.chart == "drift" and p.size == size and p.value * value > 0 for p in check.points)
