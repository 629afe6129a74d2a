"""The colour planes of a raw frame: what of it may be averaged together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from calibration.errors import FramesError

Bayer = Literal["RGGB", "BGGR", "GRBG", "GBRG"]
Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
_Any = TypeVar("_Any", bound=npt.NDArray[Any])


def plane_names(shape: Sequence[int], bayer: Bayer | None) -> tuple[str, ...]:
    """Return the planes of a frame of this shape: grey; red, green, blue; or the mosaic's four, row by row.

    Raises:
        FramesError: the shape is no frame's, or a mosaic's frame has colours or an odd side.
    """
    if bayer is None:
        if len(shape) == 2:
            return ("grey",)
        if len(shape) == 3 and shape[2] == 3:
            return ("red", "green", "blue")
        raise FramesError(
            f"frames are (h, w) or (h, w, 3), not {tuple(shape)}: give raw frames of one camera"
        )
    if len(shape) != 2 or shape[0] % 2 or shape[1] % 2:
        raise FramesError(f"a {bayer} mosaic has (h, w) with even sides, not {tuple(shape)}: give raw frames")
    return tuple({"R": "red", "B": "blue"}.get(c, f"green-{place // 2 + 1}") for place, c in enumerate(bayer))


def planes(frame: _Any, bayer: Bayer | None) -> Iterator[_Any]:
    """Yield views (rows, columns) of a frame's planes, in the order of `plane_names`."""
    if bayer is not None:
        for place in range(4):
            yield frame[place // 2 :: 2, place % 2 :: 2]  # type: ignore[misc]
    elif frame.ndim == 3:
        for channel in range(3):
            yield frame[:, :, channel]  # type: ignore[misc]
    else:
        yield frame


def check_alike(frames: Sequence[Codes], white: int) -> None:
    """Raise FramesError unless all frames are codes of one size and type that reach `white` at most."""
    first = frames[0]
    for frame in frames:
        if str(frame.dtype) not in ("uint8", "uint16"):
            raise FramesError(f"frames hold codes, uint8 or uint16, not {frame.dtype}: give raw frames")
        if (frame.shape, frame.dtype) != (first.shape, first.dtype):
            raise FramesError(
                f"frames of {first.shape} {first.dtype} and of {frame.shape} {frame.dtype} are mixed: "
                "give frames of one camera in one setting"
            )
        highest = int(frame.max(initial=0))
        if highest > white:
            raise FramesError(
                f"a frame has code {highest}, above {white}: correct the bits of the pixel format; "
                "12 bits in the upper part of 16 must be shifted down"
            )
