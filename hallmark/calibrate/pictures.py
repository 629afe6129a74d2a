# pyright: reportUnknownMemberType=false
"""Raw pictures from files: codes as the camera gave them, 8 to 16 bits, nothing developed or turned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from calibration import FramesError, Settings
from calibration.mosaic import Codes, planes
from calibration.settings import without_black
from kernels.compiled import F32
from kernels.light import decoding_table, luminance_window

SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".pgm", ".jpg", ".jpeg")
LARGEST_FILE = 500_000_000

Transfer = Literal["srgb", "linear"]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A file's codes: (h, w) or (h, w, 3) RGB, uint8 or uint16; `lossy` where it is JPEG."""

    path: Path
    codes: Codes
    lossy: bool

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, px."""
        return self.codes.shape[1], self.codes.shape[0]

    @property
    def kind(self) -> str:
        """Size and type in words."""
        width, height = self.size
        return f"{width} x {height} px, {'colour' if self.codes.ndim == 3 else 'grey'} {self.codes.dtype}"


def files_of(given: Sequence[Path], what: str) -> tuple[Path, ...]:
    """Return the pictures given: files as they are, of a folder all pictures by name.

    Raises:
        FramesError: a path does not exist, a folder holds no picture, or one picture is given twice.
    """
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
            if not inside:
                raise FramesError(
                    f"{path} holds no pictures ({what}): put {', '.join(SUFFIXES)} files into it"
                )
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise FramesError(f"{path}: no such file or folder ({what}): correct the path")
    if len(set(found)) < len(found):
        twice = next(p for p in found if found.count(p) > 1)
        raise FramesError(f"{twice} is given twice ({what}): give each picture once")
    return tuple(found)


def read_picture(path: Path) -> Picture:
    """Read one file.

    Raises:
        FramesError: it cannot be read, or is no picture of 8 or 16 bits.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise FramesError(f"{path}: larger than {LARGEST_FILE} bytes: is it a single picture?")
        data = path.read_bytes()
    except OSError as error:
        raise FramesError(f"{path}: {error.strerror}: give a picture that can be read") from error
    lossy = data[:2] == b"\xff\xd8"
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        codes = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error as error:
        raise FramesError(f"{path}: does not decode ({error.err}): save the picture again") from error
    if codes is None:
        raise FramesError(f"{path}: does not decode: give an undamaged PNG, TIFF, BMP, PGM or JPEG file")
    if str(codes.dtype) not in ("uint8", "uint16"):
        raise FramesError(f"{path}: pixels are {codes.dtype}: save raw codes of 8 or 16 bits")
    if codes.ndim == 3:
        if codes.shape[2] != 3:
            raise FramesError(f"{path}: {codes.shape[2]} channels: save grey or RGB without transparency")
        codes = np.ascontiguousarray(codes[:, :, ::-1])
    whole = codes.astype(np.uint8) if codes.dtype == np.uint8 else codes.astype(np.uint16)
    return Picture(path, whole, lossy)


def check_same(first: Picture, other: Picture) -> None:
    """Raise FramesError unless two pictures can be of one camera in one setting."""
    if (first.codes.shape, first.codes.dtype) != (other.codes.shape, other.codes.dtype):
        raise FramesError(
            f"{other.path} is {other.kind}, {first.path} {first.kind}: cameras or resolutions are mixed; "
            "give the pictures of one camera in one setting"
        )


def format_of(picture: Picture) -> str:
    """Return the pixel format that a file suggests: 16 bits unless stated otherwise."""
    bits = 8 if picture.codes.dtype == np.uint8 else 16
    return f"{'RGB' if picture.codes.ndim == 3 else 'Mono'}{bits}"


def check_format(picture: Picture, settings: Settings) -> None:
    """Raise FramesError where a picture cannot have the stated pixel format."""
    colour = settings.pixel_format.startswith("RGB")
    deep = settings.white > 255
    if (picture.codes.ndim == 3) != colour or (picture.codes.dtype == np.uint16) != deep:
        raise FramesError(
            f"{picture.path} is {picture.kind}, which is not {settings.pixel_format}: state the pixel format "
            f"that the files have (they look like {format_of(picture)}), or save raw frames"
        )
    highest = int(picture.codes.max())
    if highest > settings.white:
        raise FramesError(
            f"{picture.path}: code {highest} is above {settings.white}, the highest of "
            f"{settings.pixel_format}: shift the codes into the lower bits, or correct the pixel format"
        )


def table_of(transfer: Transfer, settings: Settings) -> F32:
    """Return the table from code to linear light, black level 0, as `CameraCalibration.table` has it."""
    return without_black(decoding_table(transfer, settings.white), settings.black_level)


def light_of(codes: Codes, table: F32, settings: Settings) -> F32:
    """Return (h, w) float32 linear light, 0..1, of a grey target; 1 where a pixel is saturated.

    Colours become luminance. The planes of a mosaic are scaled to equal whites: on a grey target they then
    are one picture, and nothing is interpolated.
    """
    if codes.ndim == 3:
        height, width = codes.shape[:2]
        light = luminance_window(codes, table, 0, 0, width, height)  # type: ignore[arg-type]
    else:
        light = table[codes]
    if settings.bayer is not None:
        full = codes >= settings.white
        parts = [*planes(light, settings.bayer)]
        whites = [max(float(np.percentile(part, 98)), 1e-3) for part in parts]
        for part, white in zip(parts, whites, strict=True):
            np.multiply(part, np.float32(min(whites) / white), out=part)
        light[full] = 1.0
    return np.clip(light, 0, 1).astype(np.float32)
