"""Flat field, black level and noise from files of flats and darks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from calibration import (
    FlatMeasurement,
    FlatPair,
    FramesError,
    PhotonTransfer,
    Settings,
    measure_flat,
    photon_transfer,
)
from calibration.mosaic import Codes
from hallmark.calibrate.pictures import Picture, Transfer, check_format, check_same, read_picture, table_of


def read_frames(paths: Sequence[Path], settings: Settings, like: Picture | None = None) -> list[Picture]:
    """Read frames of one setting.

    Raises:
        FramesError: one of them is no raw picture of the camera's size and pixel format.
    """
    frames: list[Picture] = []
    for path in paths:
        picture = read_picture(path)
        if picture.lossy:
            raise FramesError(
                f"{path}: JPEG has filtered away noise and the pattern of pixels: save flats and darks "
                "as PNG or TIFF"
            )
        check_same(like or picture, picture)
        check_format(picture, settings)
        like = like or picture
        frames.append(picture)
    return frames


def black_level(darks: Sequence[Picture]) -> float:
    """Return the mean code of dark frames."""
    return float(np.mean([frame.codes.mean(dtype=np.float64) for frame in darks]))


def flat_field(
    flats: Sequence[Picture], darks: Sequence[Picture], settings: Settings, transfer: Transfer
) -> FlatMeasurement:
    """Find the flat field; FramesError says what is wrong with which frames."""
    return measure_flat(
        _codes(darks), _codes(flats), table=table_of(transfer, settings), bayer=settings.bayer
    )


def noise(flats: Sequence[Picture], darks: Sequence[Picture], settings: Settings) -> PhotonTransfer:
    """Find the noise from pairs of flats, told by their names: all but what follows the last - or _.

    An exposure time in the name, as in `00500us-1.png`, tells linearity too.

    Raises:
        FramesError: a level has not two frames, or the frames do not show the noise.
    """
    pairs: list[FlatPair] = []
    ordered = sorted(flats, key=lambda frame: _level(frame.path))
    for level, frames in groupby(ordered, key=lambda frame: _level(frame.path)):
        two = sorted(frames, key=lambda frame: frame.path)
        if len(two) != 2:
            names = ", ".join(frame.path.name for frame in two)
            raise FramesError(
                f"level {level} has {len(two)} frames ({names}), not 2: name the two frames of one exposure "
                f"{level}-1 and {level}-2"
            )
        stated = re.search(r"(\d+(?:\.\d+)?)us", level)
        pairs.append(FlatPair(two[0].codes, two[1].codes, float(stated[1]) if stated else None))
    return photon_transfer(pairs, _codes(darks), white=settings.white, bayer=settings.bayer)


def _level(path: Path) -> str:
    return re.sub(r"[-_][^-_]*$", "", path.stem)


def _codes(frames: Sequence[Picture]) -> list[Codes]:
    return [frame.codes for frame in frames]
