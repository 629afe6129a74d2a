"""A contact sheet: each edit beside the same place before it, with what was said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.uno.edits import Edit
from kernels.compiled import U8

_SIDE, _COLUMNS, _TEXT = 150, 6, 34


def write_sheet(path: Path, unit: U8, edits: Sequence[tuple[Edit, str]]) -> None:
    """Write a PNG of all edits: unit, edited unit and the words below."""
    tiles = [_tile(unit, edit, said) for edit, said in edits]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(tiles[i : i + _COLUMNS]) for i in range(0, len(tiles), _COLUMNS)]
    cv2.imwrite(str(path), np.vstack(rows)[..., ::-1])


def _tile(unit: U8, edit: Edit, said: str) -> U8:
    x, y, w, h = edit.box
    side = int(max(w, h) * 1.15) + 24
    left, top = x + w // 2 - side // 2, y + h // 2 - side // 2
    columns = np.clip(np.arange(left, left + side), 0, unit.shape[1] - 1)
    rows = np.clip(np.arange(top, top + side), 0, unit.shape[0] - 1)
    pair = [
        cv2.resize(image[np.ix_(rows, columns)], (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
        for image in (unit, edit.pixels)
    ]
    tile = np.full((_SIDE + _TEXT + 4, 2 * _SIDE + 8, 3), 255, np.uint8)
    tile[2 : 2 + _SIDE, 2 : 2 + _SIDE], tile[2 : 2 + _SIDE, 4 + _SIDE : 4 + 2 * _SIDE] = pair
    right = said == edit.expected
    for line, (text, colour) in enumerate(
        ((edit.what, (0, 0, 0)), (said, (0, 120, 0) if right else (200, 0, 0)))
    ):
        place = (4, _SIDE + 16 + 15 * line)
        cv2.putText(tile, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)
    return tile
