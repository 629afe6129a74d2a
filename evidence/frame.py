"""A frame: pixels with their origin, and the encoded bytes that are the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from golden.digests import sha256

Timestamp = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$")]


class FrameError(ValueError):
    """The bytes are not a frame that can be inspected; the message names what, where and the remedy."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of one view of one unit.

    Attributes:
        pixels: (height, width, 3) RGB or (height, width) grey, uint8 or uint16, C-contiguous.
        data: the encoded file (PNG, TIFF, JPEG) that `pixels` decode from: the evidence, byte for byte.
        view: id of the golden sample's view.
        camera: identity of the camera that took it.
        captured_at: UTC time, RFC 3339 with `Z`, or None where it is not known.
        exposure_us: exposure time in microseconds, or None.
        digest: SHA-256 of `data`, computed here.
    """

    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
    data: bytes = field(repr=False)
    view: str
    camera: str
    captured_at: str | None = None
    exposure_us: float | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        if str(self.pixels.dtype) not in ("uint8", "uint16") or self.pixels.ndim not in (2, 3):
            raise FrameError(
                f"frames are uint8 or uint16, (h, w) or (h, w, 3): {self.pixels.dtype} {self.pixels.shape}"
            )
        object.__setattr__(self, "digest", sha256(self.data))
