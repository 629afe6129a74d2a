"""Loose pictures that `hallmark measure` reads, and the picture that it draws."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from golden.sample import write_file
from hallmark.report import numbers
from kernels.compiled import F64, U8
from vision.gauge import Reading

Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]
Place = Callable[[F64], F64]

_TIFF = (b"II*\x00", b"MM\x00*")
_COARSE = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 17, 18, 24)  # zigzag places of the first 4 x 4
_LONGEST = 1200  # px of a drawn picture
_MARGIN = 0.12  # of what was measured, around it
_LEAST_SHOWN = 240.0  # px of the picture, so that one can see where it is
_KEPT, _ASIDE, _FORM, _ARROW = (40, 220, 60), (255, 60, 40), (0, 150, 255), (255, 200, 0)
_SHIFT = 4  # binary places of a pixel that is drawn
_SIZE = 0.55  # of letters
_FONT = cv2.FONT_HERSHEY_SIMPLEX
JPEG_QUALITY = 80


def write_drawing(path: Path, pixels: Codes, readings: Sequence[Reading]) -> None:
    """Write the part of the picture that was measured with forms, edge points and values drawn over it.

    Raises:
        golden.errors.BundleError: the file cannot be written there.
    """
    left, top, right, bottom = _shown(pixels, readings)
    part = _eight_bit(pixels[top:bottom, left:right])
    factor = min(_LONGEST / max(part.shape[:2]), 8.0)
    size = round(part.shape[1] * factor), round(part.shape[0] * factor)
    flags = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    canvas = np.asarray(cv2.resize(part, size, interpolation=flags), np.uint8)

    def place(points_px: F64) -> F64:
        return (points_px - (left, top) + 0.5) * factor - 0.5

    taken: list[Box] = []
    busy = place(np.concatenate([np.empty((0, 2)), *(e.points_px for r in readings for e in r.features)]))
    for reading in readings:
        _draw_edges(canvas, reading, place)
    for reading in readings:
        _draw_value(canvas, reading, place, taken, busy)
    kind = path.suffix.lower()
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if kind in (".jpg", ".jpeg") else []
    _, data = cv2.imencode(kind, canvas[:, :, ::-1], options)
    write_file(path, data.tobytes())


def _shown(pixels: Codes, readings: Sequence[Reading]) -> tuple[int, int, int, int]:
    """Return the window of the picture that holds what was measured: left, top, right, bottom."""
    height, width = pixels.shape[:2]
    points = [p.points_px for r in readings for p in r.drawing.primitives]
    if not points:
        return 0, 0, width, height
    every = np.concatenate(points)
    low, high = every.min(axis=0), every.max(axis=0)
    room = np.maximum(_MARGIN * float((high - low).max()), (_LEAST_SHOWN - (high - low)) / 2)
    left, top = np.maximum(np.floor(low - room), 0).astype(int)
    right, bottom = np.minimum(np.ceil(high + room) + 1, (width, height)).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _eight_bit(pixels: Codes) -> U8:
    """Return codes as a colour picture; of 16 bits the range that is used."""
    if pixels.dtype == np.uint16:
        pixels = (pixels.astype(np.float32) * (255 / max(int(pixels.max()), 1))).astype(np.uint8)
    colour = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
    return np.ascontiguousarray(colour, np.uint8)


def _draw_edges(canvas: U8, reading: Reading, place: Place) -> None:
    """Draw forms and arrows, then the edge points: set-aside ones in red."""
    for primitive in reading.drawing.primitives:
        points = place(primitive.points_px)
        colour = _ASIDE if reading.reason else _ARROW if primitive.kind in ("arrow", "point") else _FORM
        if primitive.kind == "arrow":
            _line(canvas, points, colour)
            for tip, tail in (points, points[::-1]):
                _head(canvas, tip, tail, colour)
        elif primitive.kind == "point":
            cv2.drawMarker(canvas, _fixed(points[0], 0), colour, cv2.MARKER_CROSS, 16, 2, cv2.LINE_AA)
        else:
            _line(canvas, points, colour)
    for edge in reading.features:
        for point, kept in zip(place(edge.points_px), edge.kept, strict=True):
            cv2.circle(
                canvas,
                _fixed(point, _SHIFT),
                2 << _SHIFT if kept else 3 << _SHIFT,
                _KEPT if kept else _ASIDE,
                cv2.FILLED,
                cv2.LINE_AA,
                _SHIFT,
            )


def _line(canvas: U8, points: F64, colour: Colour) -> None:
    course = np.rint(points * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(
        canvas, [course], isClosed=False, color=colour, thickness=1, lineType=cv2.LINE_AA, shift=_SHIFT
    )


def _head(canvas: U8, tip: F64, tail: F64, colour: Colour) -> None:
    way = (tail - tip) / max(float(np.hypot(*(tail - tip))), 1e-9)
    length = min(12.0, float(np.hypot(*(tail - tip))) / 3)
    side = np.array([-way[1], way[0]])
    wings = [tip + length * (way + 0.35 * side), tip, tip + length * (way - 0.35 * side)]
    _line(canvas, np.stack(wings), colour)


def _fixed(point: F64, shift: int) -> tuple[int, int]:
    x, y = np.rint(point * (1 << shift)).astype(int)
    return int(x), int(y)


def label(reading: Reading) -> str:
    """Return what is said beside a drawn feature."""
    if reading.reason is not None:
        return f"{reading.name}: {reading.reason}"
    value, expanded = numbers.measured(
        reading.value, reading.total.standard_uncertainty, reading.coverage_factor
    )
    return f"{reading.name}: {value} +- {expanded} {reading.unit}"


def _draw_value(canvas: U8, reading: Reading, place: Place, taken: list[Box], busy: F64) -> None:
    """Write the value where it hides the least, with a leader to what was measured."""
    if not reading.drawing.primitives:
        return
    text = label(reading)
    (wide, high), below = cv2.getTextSize(text, _FONT, _SIZE, 1)
    wide, high = wide + 12, high + below + 10
    anchor = place(reading.drawing.primitives[-1].points_px).mean(axis=0)
    best, least = (0, 0), np.inf
    for away in (0, 30, 60, 100, 150, 210):
        for turn in np.arange(0, 2 * np.pi, np.pi / 6):
            x, y = anchor + away * np.array([np.cos(turn), np.sin(turn)]) - (wide / 2, high / 2)
            x, y = np.clip((x, y), 2, np.array(canvas.shape[1::-1]) - (wide, high) - 2)
            inside = (busy >= (x - 3, y - 3)) & (busy <= (x + wide + 3, y + high + 3))
            crossed = sum(
                x < r + 4 and left - 4 < x + wide and y < b + 4 and t - 4 < y + high
                for left, t, r, b in taken
            )
            cost = 400 * crossed + float(inside.all(axis=1).sum()) + away / 40
            if cost < least:
                best, least = (int(x), int(y)), cost
    x, y = best
    taken.append((x, y, x + wide, y + high))
    near = np.clip(anchor, (x, y), (x + wide, y + high))
    _line(canvas, np.stack((anchor, near)), (255, 255, 255))
    cv2.rectangle(canvas, (x, y), (x + wide, y + high), (20, 20, 20), cv2.FILLED)
    ink = (255, 130, 110) if reading.reason else (255, 255, 255)
    cv2.putText(canvas, text, (x + 6, y + high - below - 4), _FONT, _SIZE, ink, 1, cv2.LINE_AA)
