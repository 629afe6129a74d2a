"""Four phone photographs of a printed colour chart, 6 x 4, in clutter; beside it lies what was painted white.

Reduced to 1306 or 1088 pixels and saved anew as JPEG. The print is no ColorChecker: its colours are near
enough to those of one to tell the chart and which way up it lies, not for calibration.

Source: the GitHub project jarrelscy/ColorCheckerDetector, MIT licence, in the file LICENSE beside this one.
"""

from __future__ import annotations

from importlib import resources

NAMES = ("IMG_20140613_203438", "IMG_20140613_203444", "IMG_20140613_203451", "IMG_20140613_203507")
"""Of the photographs."""

CORNERS = {
    "IMG_20140613_203438": ((621, 366), (455, 530), (334, 471), (505, 320)),
    "IMG_20140613_203444": ((357, 593), (348, 683), (293, 677), (304, 585)),
    "IMG_20140613_203451": ((269, 434), (272, 494), (226, 495), (224, 434)),
    "IMG_20140613_203507": ((272, 373), (293, 711), (100, 713), (64, 376)),
}
"""Middles of dark skin, bluish green, black and white, x and y in pixels, read by eye to about 2 pixels."""


def photograph(name: str) -> bytes:
    """Return the JPEG file of one of `NAMES`."""
    return resources.files(__name__).joinpath(f"{name}.jpg").read_bytes()
