"""How a camera was set when it was calibrated: a frame taken otherwise does not fit its certificate."""

from __future__ import annotations

import re
from typing import Annotated

import numpy as np
from pydantic import Field

from calibration.mosaic import Bayer, Codes
from golden.regions import Closed
from kernels.compiled import F32

_FORMAT = re.compile(r"^(Mono|RGB|BayerRG|BayerBG|BayerGR|BayerGB)(8|10|12|14|16)$")
_MOSAICS: dict[str, Bayer] = {"RG": "RGGB", "BG": "BGGR", "GR": "GRBG", "GB": "GBRG"}
_EXPOSURE = 0.01  # relative difference that is none


class Settings(Closed):
    """Settings of camera and lens; None where a setting is not known.

    Attributes:
        width: of the frame, px.
        height: of the frame, px.
        pixel_format: GenICam's name (PFNC) without packing: Mono8, Mono12, RGB8, BayerRG12, ...; above 8 bits
            in the lower bits of 16.
        black_level: code without light; codes follow light above it.
        exposure_us: exposure time, microseconds.
        gain_db: analogue and digital gain.
        aperture: as it was entered, such as "f/8".
    """

    width: Annotated[int, Field(ge=8, le=100_000)] | None = None
    height: Annotated[int, Field(ge=8, le=100_000)] | None = None
    pixel_format: Annotated[str, Field(pattern=_FORMAT.pattern)] = "Mono8"
    black_level: Annotated[float, Field(ge=0, lt=32_768)] = 0.0
    exposure_us: Annotated[float, Field(gt=0)] | None = None
    gain_db: Annotated[float, Field(ge=-60, le=120)] | None = None
    aperture: Annotated[str, Field(max_length=50)] = ""

    @property
    def white(self) -> int:
        """The highest code."""
        return 2 ** int(re.sub(r"\D", "", self.pixel_format)) - 1

    @property
    def bayer(self) -> Bayer | None:
        """Colours of the first four pixels of a raw mosaic, or None."""
        return _MOSAICS.get(self.pixel_format[5:7]) if self.pixel_format.startswith("Bayer") else None

    def fault(self, pixels: Codes, exposure_us: float | None) -> str | None:
        """Return why a frame was not taken with these settings: a reason code, or None.

        A grey camera's frame may also come as three equal channels.
        """
        height, width = pixels.shape[:2]
        if width != (self.width or width) or height != (self.height or height):
            return "calibration_mismatch"
        colours = {"R": 3, "B": 2}.get(self.pixel_format[0], pixels.ndim)
        depth = np.uint8 if self.white == 255 else np.uint16
        if pixels.ndim != colours or pixels.dtype != depth:
            return "calibration_mismatch"
        if self.exposure_us is None or exposure_us is None:
            return None
        changed = abs(exposure_us / self.exposure_us - 1) > _EXPOSURE
        return "exposure_changed" if changed else None


def without_black(table: F32, black_level: float) -> F32:
    """Return the table from code to light with the black level at 0 and the highest code still at 1.

    Codes below the black level are light below 0: cutting them off would bias the mean of dark pixels.
    """
    black = float(np.interp(black_level, np.arange(len(table)), table))
    return ((table - np.float32(black)) / np.float32(1 - black)).astype(np.float32)
