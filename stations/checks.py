"""A certificate's check standard, followed while the station runs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import structlog

from calibration import CalibrationError, CameraCalibration, CheckHistory, PlacedStandard, read_checks

log = structlog.get_logger("hallmark.station")


class CheckWatch:
    """Says at each frame's time whether the check standard still bears its certificate out.

    The log grows while the station runs: `hallmark calibrate check` appends to it each shift. It is read
    again whenever it has changed. A log that is damaged, or was there and is gone, holds units as suspect:
    nothing defaults to valid.

    Args:
        certificate: what is checked.
        standard: definition file of the check standard.
        checks: the log; one that is not there yet holds no checks, so that the first is due from the
            certificate's issue on.

    Raises:
        CheckError: the definition or the log does not fit.
        OSError: one of them cannot be read.
    """

    def __init__(self, certificate: CameraCalibration, standard: Path, checks: Path) -> None:
        """Read both."""
        self._certificate, self._checks = certificate, checks
        self._standard = PlacedStandard.parse(standard.read_bytes(), source=str(standard))
        self._seen = self._stamp()
        self._history: CheckHistory | None = self._read()

    def __call__(self, at: datetime) -> str | None:
        """Return why the certificate cannot be trusted at an aware time: a reason code, or None."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._history = None if stamp is None else self._read()
            except (CalibrationError, OSError) as error:
                log.exception(
                    "checks_unreadable",
                    camera=self._certificate.camera,
                    checks=str(self._checks),
                    exc_info=error,
                )
                self._history = None
        return "calibration_suspect" if self._history is None else self._history.state(at).reason

    def _stamp(self) -> tuple[int, int] | None:
        """Return what changes whenever the log does; None where it is not there."""
        try:
            status = self._checks.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size

    def _read(self) -> CheckHistory:
        data = b"" if self._seen is None else self._checks.read_bytes()
        return CheckHistory.follow(
            self._standard, read_checks(data, source=str(self._checks)),
            calibration=self._certificate.digest, issued=self._certificate.issued,
        )  # fmt: skip
