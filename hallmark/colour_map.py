# pyright: reportUnknownMemberType=false
"""The map that `hallmark colour` draws: how far each place of a picture is from one colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from golden.sample import write_file
from hallmark.colour_view import ColourPicture, Region
from kernels.compiled import F32, F64, U8
from vision.colour.map import DifferenceMap

_STEP = 2  # pixels of the picture for one of the map, each way
_LEAST = 1.0  # Delta E that the scale reaches at least
_MOST_WIDE = 1600
_LEGEND = 96
_INK = (31, 41, 55)


def write_map(path: Path, view: ColourPicture, lab: F64, regions: Sequence[Region]) -> None:
    """Write a PNG of the CIEDE2000 of means of 2 x 2 pixels to one colour.

    Args:
        path: of the file.
        view: the picture and its certificate.
        lab: (3,) L*a*b* of the colour, under the certificate's report illuminant.
        regions: to outline.

    Raises:
        CalibrationError: no map can be made by this certificate.
        golden.errors.BundleError: the file cannot be written there.
    """
    height, width = view.pixels.shape[:2]
    differences = DifferenceMap(view.certificate, width, height, step=_STEP)
    differences.to_colour(lab)
    found = differences.of(view.pixels)
    written, data = cv2.imencode(".png", draw(found, regions)[..., ::-1])
    assert written, "a picture in memory is written as PNG"
    write_file(path, data.tobytes())


def draw(found: F32, regions: Sequence[Region]) -> U8:
    """Return the map (h, w) with outlines and scale as an RGB picture.

    The scale ends at the next of 1, 2, 5, 10, ... above 99 of 100 places; what is beyond has its last colour.
    """
    top = _round_up(max(float(np.quantile(found[::4, ::4], 0.99)), _LEAST))
    shrink = max(1, -(-found.shape[1] // _MOST_WIDE))
    size = (found.shape[1] // shrink, found.shape[0] // shrink)
    small = np.asarray(cv2.resize(found, size, interpolation=cv2.INTER_AREA), np.float32)
    picture = _coloured(small / np.float32(top))
    for region in regions:
        x, y, w, h = (round(value / (_STEP * shrink)) for value in region.box)
        for tone, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.rectangle(picture, (x, y), (x + w, y + h), tone, thick)
    paper = np.full((size[1], _LEGEND, 3), 255, np.uint8)
    bar = np.linspace(1, 0, max(size[1] - 40, 1), dtype=np.float32)[:, None].repeat(20, axis=1)
    paper[20 : 20 + len(bar), 12:32] = _coloured(bar)[: max(size[1] - 20, 0)]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = (38, 25 + round((1 - share) * (len(bar) - 1)))
        cv2.putText(paper, f"{share * top:g}", at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
    return np.asarray(np.hstack((picture, paper)), np.uint8)


def _coloured(share: F32) -> U8:
    levels = np.clip(np.rint(share * 255), 0, 255).astype(np.uint8)
    bgr = np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS), np.uint8)
    return np.ascontiguousarray(bgr[..., ::-1])


def _round_up(value: float) -> float:
    decade = 10.0 ** math.floor(math.log10(value))
    return next(step * decade for step in (1.0, 2.0, 5.0, 10.0) if step * decade >= value * (1 - 1e-9))
