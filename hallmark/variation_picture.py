# pyright: reportUnknownMemberType=false
"""The picture of a variation model: mean, tolerance and where units leave what the golden image allows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from golden.sample import GoldenSample, write_file
from kernels.compiled import F32, U8
from vision import VariationModel, tolerance_of

_INK, _CONFIRMED, _WAITING = (31, 41, 55), (22, 163, 74), (220, 38, 38)
_HEAD = 28  # pixels of a panel's title
_MOST_WIDE = 900  # of a panel
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def write_variation(path: Path, golden: GoldenSample, model: VariationModel) -> None:
    """Write a PNG of three panels side by side, shared regions outlined with their numbers.

    Raises:
        vision.VariationError: the model is not of this golden sample.
        golden.errors.BundleError: the file cannot be written there.
    """
    written, data = cv2.imencode(".png", draw(model, tolerance_of(golden, model))[..., ::-1])
    assert written, "a picture in memory is written as PNG"
    write_file(path, data.tobytes())


def draw(model: VariationModel, tolerance: F32) -> U8:
    """Return mean, tolerance (h, w) and share of units beyond the golden image, as one RGB picture."""
    count = model.tally.count
    mean = np.rint(model.tally.spread().mean).clip(0, 255).astype(np.uint8)
    top = max(float(np.quantile(tolerance[::4, ::4], 0.99)), 1.0)
    beyond = (model.tally.beyond / count).astype(np.float32)
    panels = (
        (f"mean of {count} units", mean),
        (f"tolerance, 0 to {top:.0f} codes", _coloured(tolerance / np.float32(top))),
        ("units beyond the golden image, 0 to all", _coloured(beyond)),
    )
    return np.asarray(np.hstack([_panel(model, title, picture) for title, picture in panels]), np.uint8)


def _panel(model: VariationModel, title: str, picture: U8) -> U8:
    shrink = max(1, -(-picture.shape[1] // _MOST_WIDE))
    size = picture.shape[1] // shrink, picture.shape[0] // shrink
    small = np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    for number, left, top, right, bottom in _boxes(model):
        ink = _CONFIRMED if model.header.shared[number - 1].confirmed else _WAITING
        corner = left // shrink - 2, top // shrink - 2
        cv2.rectangle(small, corner, (right // shrink + 2, bottom // shrink + 2), ink, 1)
        at = corner[0], max(corner[1] - 3, 10)
        cv2.putText(small, str(number), at, _FONT, 0.4, ink, 1, cv2.LINE_AA)
    head = np.full((_HEAD, size[0], 3), 255, np.uint8)
    cv2.putText(head, title, (6, 19), _FONT, 0.5, _INK, 1, cv2.LINE_AA)
    return np.asarray(np.vstack((head, small)), np.uint8)


def _boxes(model: VariationModel) -> Iterator[tuple[int, int, int, int, int]]:
    for number in range(1, len(model.header.shared) + 1):
        rows, columns = np.nonzero(model.places == number)
        yield number, int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


def _coloured(share: F32) -> U8:
    levels = np.clip(np.rint(share * 255), 0, 255).astype(np.uint8)
    bgr = np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS), np.uint8)
    return np.ascontiguousarray(bgr[..., ::-1])
