"""Cameras: a folder of pictures and the twin, behind one protocol that hardware cameras also fit.

A camera delivers the encoded file, byte for byte; whether it decodes is the line's question.
"""
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from datasets.twin import Change, Twin
from stations.errors import CameraFailedError, JobError

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff"})

# A noisy frame hardly compresses. Measured on one core, 1888 x 1663 RGB with 2 codes of noise: OpenCV's
# default 135 ms and 7.3 MB, Huffman only with average filter 88 ms and 6.8 MB, stored and unfiltered
# 18 ms and 9.4 MB; decoding takes 68, 56 and 12 ms. Time is what a line has least of.
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 0, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE)


@dataclass(frozen=True, slots=True)
class CapturedImage:
    """What a camera delivered.

    Attributes:
        data: the encoded file (PNG, JPEG or TIFF), byte for byte.
        captured_at: timezone-aware time of capture, or None where the camera does not know it: the
            line then takes the time of the trigger.
        exposure_us: exposure time in microseconds, or None.
    """

    data: bytes = field(repr=False)
    captured_at: datetime | None = None
    exposure_us: float | None = None


class Camera(Protocol):
    """One camera that looks at one view."""

    @property
    def identity(self) -> str:
        """Which camera this is; a calibration certificate is bound to it."""
        ...

    @property
    def view(self) -> str:
        """Id of the golden sample's view."""
        ...

    def capture(self, serial: str) -> CapturedImage:
        """Take the picture of the unit under the camera; raise CameraFailedError where none comes."""
        ...


def pictures(folder: Path) -> dict[str, Path]:
    """Return the picture files of a folder by serial (the name's stem), in order of name.

    Raises:
        JobError: no folder, no picture in it, or two pictures of one serial.
    """
    if not folder.is_dir():
        raise JobError(f"{folder} is not a folder of pictures")
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in PICTURE_SUFFIXES:
            continue
        if path.stem in files:
            raise JobError(f"{folder}: serial {path.stem} has two pictures; keep one of them")
        files[path.stem] = path
    if not files:
        raise JobError(f"{folder} holds no picture ({', '.join(sorted(PICTURE_SUFFIXES))})")
    return files


@dataclass(frozen=True)
class FolderCamera:
    """Delivers existing files as if just captured.

    What a file says of its time is not read: the time of inspection, from `now`, is the time of capture, by
    which certificates must be valid.
    """

    identity: str
    view: str
    files: Mapping[str, Path]
    now: Callable[[], datetime]

    @classmethod
    def open(cls, folder: Path, *, identity: str, view: str, now: Callable[[], datetime]) -> FolderCamera:
        """Return a camera over the `pictures` of a folder."""
        return cls(identity, view, pictures(folder), now)

    @property
    def serials(self) -> tuple[str, ...]:
        """The units of the folder, in order of file name."""
        return tuple(self.files)

    def capture(self, serial: str) -> CapturedImage:
        """Return the serial's file; raise CameraFailedError where it is absent or cannot be read."""
        path = self.files.get(serial)
        if path is None:
            raise CameraFailedError(
                f"camera {self.identity}: no picture of unit {serial} in view {self.view}"
            )
        try:
            return CapturedImage(path.read_bytes(), self.now())
        except OSError as error:
            raise CameraFailedError(f"camera {self.identity}: {path}: {error.strerror}") from error


@dataclass(frozen=True)
class TwinScene:
    """What the twin captures for one unit, and when it says that it did."""

    seed: int
    changes: Sequence[Change] = ()
    captured_at: datetime | None = None


@dataclass(frozen=True)
class TwinCamera:
    """The twin as a camera: the same scene gives the same bytes."""

    identity: str
    view: str
    twin: Twin
    scenes: Mapping[str, TwinScene]

    def capture(self, serial: str) -> CapturedImage:
        """Return the scene of the serial as a PNG; raise CameraFailedError where there is none."""
        scene = self.scenes.get(serial)
        if scene is None:
            raise CameraFailedError(f"camera {self.identity}: the twin has no scene for unit {serial}")
        pixels = self.twin.capture(scene.seed, scene.changes).pixels
        return CapturedImage(encode_png(pixels), scene.captured_at)


def encode_png(rgb: npt.NDArray[np.uint8]) -> bytes:
    """Return a lossless PNG of (height, width, 3) uint8 RGB pixels, made for speed and not for size."""
    done, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), _PNG)
    if not done:
        raise CameraFailedError(f"pixels of shape {rgb.shape} cannot be encoded as PNG")
    return data.tobytes()


def timestamp(at: datetime) -> str:
    """Return a timezone-aware time as records write it: RFC 3339, UTC, `Z`."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
