"""Whether a view may have a camera's certificate, and a frame may be measured by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from calibration import CalibrationError, CameraCalibration
from evidence import Frame
from golden.spec import View
from vision.register import Registered

_SCALE_AGREES = 0.03  # certificate against golden view; a part that differs more is no matter of tolerance

Check = Callable[[datetime], str | None]
"""Why the check standard no longer bears a certificate out at an aware time: a reason code, or None."""


def require_transfer(calibration: CameraCalibration | None, view: View) -> None:
    """Refuse, by CalibrationError, a certificate of a camera whose codes are not the view's."""
    if calibration is not None and calibration.transfer != view.transfer:
        raise CalibrationError(
            f"camera {calibration.camera!r} delivers {calibration.transfer!r} codes but view {view.id!r} "
            f"is {view.transfer!r}: state the view's transfer in the golden sample's definition, as its "
            "reference image was taken, and take both with the same one"
        )


def certificate_fault(calibration: CameraCalibration, check: Check | None, frame: Frame) -> str | None:
    """Return why a frame does not fit its certificate, or that one does not hold: a reason code, or None.

    Args:
        calibration: the view's certificate.
        check: what its check standard says, if it is followed; asked for the time of the frame, where that
            is known.
        frame: the frame.
    """
    if (misfit := calibration.fits(frame)) is not None:
        return misfit
    if not calibration.covers(frame.captured_at):
        return "calibration_expired"
    if check is not None and frame.captured_at is not None:
        return check(datetime.fromisoformat(frame.captured_at))
    return None


def calibration_fault(
    calibration: CameraCalibration | None, check: Check | None, frame: Frame, view: View, found: Registered
) -> str | None:
    """Return why lengths cannot be measured in a frame: a reason code, or None.

    Args:
        calibration: the view's certificate, if it has one.
        check: see `certificate_fault`.
        frame: the frame.
        view: the golden sample's view.
        found: where the golden sample was found in the frame.
    """
    if calibration is None:
        return "calibration_absent"
    if (fault := certificate_fault(calibration, check, frame)) is not None:
        return fault
    scale = calibration.mm_per_px * found.pose.scale / view.mm_per_px
    return None if abs(scale - 1) <= _SCALE_AGREES else "scale_disputed"
