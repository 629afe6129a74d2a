"""Edits of a placement by its own pixels: what a faulty board would look like in the same picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from benchmarks.uno.characters import cells, replaced
from benchmarks.uno.layout import MM_PER_PX, PARTS, PRINTS, Box
from kernels.compiled import F64, U8

MARGIN = 3  # pixels about a body that belong to it: its outline and shadow
_SYMMETRIC = 0.6  # correlation of a character with itself upside down: more is no other character
_FEATHER = 1.5  # standard deviation, pixels, of the seam
_GLYPHS: tuple[tuple[str, str, Box, tuple[int, int]], ...] = (
    # what changes, print, the character's box as it is taken from and where it is put, golden pixels
    ("35473D reads 35773D", "atmega-marking", (482, 279, 10, 16), (473, 279)),
    ("ATMEGA328P reads ATMEGA828P", "atmega-marking", (469, 296, 10, 15), (450, 296)),
    ("ATMEGA328P reads ATMEGA388P", "atmega-marking", (468, 296, 10, 15), (459, 296)),
    ("1829 reads 1129", "atmega-marking", (418, 312, 9, 16), (427, 312)),
    ("1829 reads 1822", "atmega-marking", (433, 312, 9, 16), (442, 312)),
    ("the 6 of 16.000 is altered", "crystal-marking", (777, 400, 11, 20), (738, 400)),
    ("25V reads 55V", "c1-value", (673, 218, 16, 9), (673, 209)),
    ("47 reads 44", "c1-value", (689, 207, 16, 9), (689, 217)),
    ("25V reads 22V", "c2-value", (754, 206, 16, 9), (754, 216)),
    ("A5 reads A4", "analog-labels", (304, 199, 20, 15), (279, 199)),
    ("A3 reads A1", "analog-labels", (383, 199, 20, 15), (331, 199)),
    ("3.3V reads 5.3V", "power-labels", (546, 184, 17, 11), (571, 184)),
    ("UNO reads UOO", "uno-logo", (366, 536, 30, 42), (398, 536)),
    ("RX reads TX", "rx", (699, 518, 15, 18), (699, 493)),
    ("GND reads DND", "gnd", (673, 655, 19, 12), (673, 629)),
    ("the 3 of 13 is altered", "digital-labels", (643, 638, 21, 9), (643, 651)),
)
_REMOVED = (
    "u2-sot23-5", "u3-msop8", "u4-regulator", "q1-sot23", "u6", "d1", "d2", "d3", "c1-electrolytic",
    "y1-crystal", "f1-fuse", "rn1", "rn2", "rn4", "led-rx", "led-on", "c3", "c4", "c5", "c7", "c9", "c11",
    "r1", "r3", "r4",
)  # fmt: skip
_EXCHANGED = (
    ("u2-sot23-5", "q1-sot23"), ("q1-sot23", "u2-sot23-5"), ("d3", "d2"), ("rn1", "rn4"), ("rn4", "rn2"),
    ("c5", "r1"), ("c11", "c7"), ("r3", "c6"), ("led-on", "u6"), ("c4", "c3"), ("c7", "r4"), ("r1", "c9"),
)  # fmt: skip
_SHIFTED = (
    ("u6", 0), ("c11", 250), ("r3", 0), ("q1-sot23", 250), ("u2-sot23-5", 90), ("u3-msop8", 60), ("c5", 90),
    ("r4", 270), ("d3", 20), ("led-on", 60), ("c3", 120), ("f1-fuse", 180), ("rn4", 180), ("c10", 80),
)  # fmt: skip
_TURNED = (
    ("c1-electrolytic", 2), ("c2-electrolytic", 1), ("u2-sot23-5", 2), ("u3-msop8", 2), ("u4-regulator", 2),
    ("u6", 2), ("q1-sot23", 2), ("d2", 2), ("d3", 2), ("led-rx", 2), ("led-l", 2), ("led-on", 2), ("d1", 2),
    ("u5-qfn", 2), ("u5-qfn", 1), ("u2-sot23-5", 1), ("q1-sot23", 3), ("r3", 1), ("c11", 1), ("c3", 1),
    ("c5", 3), ("u1-atmega", 2),
)  # fmt: skip
_SCRATCHES = (
    ((400, 470), (470, 505), 235), ((560, 560), (625, 520), 220), ((300, 575), (345, 560), 235),
    ((790, 270), (812, 330), 220), ((440, 400), (475, 440), 30),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """A faulty unit: what was done, to what, and what the inspection must say.

    `expected` is a reason code of the characteristic `subject`; of a scratch, the catalogue's line.
    """

    what: str
    kind: str
    subject: str
    expected: str
    box: Box
    pixels: U8


class Editor:
    """Edits one placement.

    Args:
        unit: (h, w, 3) uint8 RGB.
        to_unit: takes (n, 2) golden points to the unit.
    """

    def __init__(self, unit: U8, to_unit: Callable[[F64], F64]) -> None:
        """Find the bare board: what no component covers and is neither silk nor pad."""
        self._unit, self._to_unit = unit, to_unit
        bare = np.zeros(unit.shape[:2], np.uint8)
        x, y = self._at((470, 390))
        bare[y : y + 110, x - 230 : x + 155] = 1  # the middle of the board has traces alone
        for name in PARTS:
            bx, by, w, h = self._box(name, MARGIN + 2)
            bare[by : by + h, bx : bx + w] = 0
        bare[unit.max(axis=2) > 170] = 0
        self._bare = np.asarray(cv2.integral(bare), np.int64)

    def edits(self) -> Iterator[Edit]:
        """Yield all faulty units."""
        for name in _REMOVED:
            yield self._edit(f"{name} missing", "removed", name, "component_missing", self._without(name))
        for name, other in _EXCHANGED:
            pixels = self._put(self._without(name), self._cut(other), *self._centre(name))
            yield self._edit(f"{name} is a {other}", "exchanged", name, "component_wrong", pixels)
        for name, direction in _SHIFTED:
            x, y = self._centre(name)
            dx, dy = (f(math.radians(direction)) / MM_PER_PX for f in (math.cos, math.sin))
            pixels = self._put(self._without(name), self._cut(name), x + dx, y + dy)
            yield self._edit(f"{name} off by 1 mm", "shifted", name, "component_shifted", pixels)
        for name, quarters in _TURNED:
            pixels = self._put(self._without(name), self._cut(name), *self._centre(name), quarters)
            yield self._edit(f"{name} turned {90 * quarters}", "turned", name, "component_turned", pixels)
        for what, name, source, target in _GLYPHS:
            yield Edit(
                what, "print", name, "print_differs", (*target, *source[2:]), self._glyph(source, target)
            )
        for i, (start, end, code) in enumerate(_SCRATCHES, start=1):
            box = (
                min(start[0], end[0]),
                min(start[1], end[1]),
                abs(end[0] - start[0]),
                abs(end[1] - start[1]),
            )
            yield Edit(
                f"scratch {i}", "scratch", "board", "linear-mark", box, self._scratch(start, end, code)
            )
        for name, (box, _) in PRINTS.items():
            for what, strength, colour in (("half its contrast", 0.5, False), ("another ink", 1.0, True)):
                pixels = self._inked(box, strength, colour)
                yield Edit(f"{name} in {what}", "ink", name, "print_discoloured", box, pixels)

    def characters(self) -> Iterator[Edit]:
        """Yield units with one character of a print changed: to each other of its line, erased, turned."""
        for what, name, source, target in replaced():
            box = (*target, *source[2:])
            yield Edit(what, "character", name, "print_differs", box, self._glyph(source, target))
        for what, name, box in cells():
            x, y = self._at(box[:2])
            own = self._unit[y : y + box[3], x : x + box[2]].astype(np.float64)
            about = self._unit[y - 3 : y + box[3] + 3, x - 3 : x + box[2] + 3].astype(np.float64)
            ring = np.ones(about.shape[:2], np.bool_)
            ring[3:-3, 3:-3] = False
            erased = np.broadcast_to(np.median(about[ring], axis=0), own.shape)
            yield Edit(f"{what} erased", "erased", name, "print_differs", box, self._patched(erased, (x, y)))
            turned = own[::-1, ::-1]
            if np.corrcoef(own.mean(axis=2).ravel(), turned.mean(axis=2).ravel())[0, 1] < _SYMMETRIC:
                pixels = self._patched(turned, (x, y))
                yield Edit(f"{what} upside down", "upside down", name, "print_differs", box, pixels)

    def _edit(self, what: str, kind: str, name: str, expected: str, pixels: U8) -> Edit:
        return Edit(what, kind, name, expected, PARTS[name].box, pixels)

    def _at(self, golden: tuple[float, float]) -> tuple[int, int]:
        x, y = self._to_unit(np.array([golden], np.float64))[0]
        return round(float(x)), round(float(y))

    def _box(self, name: str, margin: int = MARGIN) -> Box:
        x, y, w, h = PARTS[name].box
        left, top = self._at((x, y))
        return left - margin, top - margin, w + 2 * margin, h + 2 * margin

    def _centre(self, name: str) -> tuple[float, float]:
        x, y, w, h = self._box(name)
        return x + (w - 1) / 2, y + (h - 1) / 2

    def _cut(self, name: str) -> tuple[U8, Any]:
        """Return a component's pixels and how far each of them is its."""
        x, y, w, h = self._box(name)
        cover = np.zeros((h, w), np.float64)
        if PARTS[name].round:
            cv2.circle(cover, (w // 2, h // 2), w // 2 - 1, 1.0, -1)
        else:
            cover[1:-1, 1:-1] = 1
        return self._unit[y : y + h, x : x + w], cv2.GaussianBlur(cover, (0, 0), 0.8)

    def _without(self, name: str) -> U8:
        """Return the unit with bare board, of its own, where a component was."""
        x, y, w, h = self._box(name, MARGIN + 3)
        source = self._board(w, h)
        wide = self._unit[y - 3 : y + h + 3, x - 3 : x + w + 3]
        ring = np.ones(wide.shape[:2], np.bool_)
        ring[3:-3, 3:-3] = False
        around = wide[ring]
        lightness = np.median(around, axis=0) - np.median(source.reshape(-1, 3), axis=0)
        cover = np.zeros((h, w), np.float64)
        cover[3:-3, 3:-3] = 1
        cover = cv2.GaussianBlur(cover, (0, 0), _FEATHER)[..., None]
        out = self._unit.astype(np.float64)
        out[y : y + h, x : x + w] += cover * (source + lightness - out[y : y + h, x : x + w])
        return np.clip(np.round(out), 0, 255).astype(np.uint8)

    def _board(self, w: int, h: int) -> F64:
        """Return a piece of bare board; one too small is repeated by reflection."""
        cw, ch = min(w, 120), min(h, 60)
        sums = self._bare
        room = sums[ch:, cw:] - sums[:-ch, cw:] - sums[ch:, :-cw] + sums[:-ch, :-cw]
        y, x = np.unravel_index(int(np.argmax(room)), room.shape)
        piece = self._unit[y : y + ch, x : x + cw].astype(np.float64)
        return np.pad(piece, ((0, h - ch), (0, w - cw), (0, 0)), mode="symmetric")

    def _put(self, picture: U8, cut: tuple[U8, Any], x: float, y: float, quarters: int = 0) -> U8:
        pixels, cover = (np.ascontiguousarray(np.rot90(part, -quarters)) for part in cut)
        h, w = cover.shape
        move = np.array([[1, 0, x - (w - 1) / 2], [0, 1, y - (h - 1) / 2]], np.float64)
        size = picture.shape[1], picture.shape[0]
        moved = cv2.warpAffine(
            pixels.astype(np.float64), move, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        share = cv2.warpAffine(cover, move, size, flags=cv2.INTER_LINEAR)[..., None]
        return np.clip(np.round(picture + share * (moved - picture)), 0, 255).astype(np.uint8)

    def _glyph(self, source: Box, target: tuple[int, int]) -> U8:
        _, _, w, h = source
        sx, sy = self._at(source[:2])
        return self._patched(self._unit[sy : sy + h, sx : sx + w], self._at(target))

    def _patched(self, pixels: Any, at: tuple[int, int]) -> U8:
        """Return the unit with other pixels at a place, but for a feathered rim."""
        (tx, ty), (h, w) = at, pixels.shape[:2]
        cover = np.zeros((h, w), np.float64)
        cover[1:-1, 1:-1] = 1
        cover = cv2.GaussianBlur(cover, (3, 3), 0.7)[..., None]
        out = self._unit.astype(np.float64)
        out[ty : ty + h, tx : tx + w] += cover * (pixels - out[ty : ty + h, tx : tx + w])
        return np.clip(np.round(out), 0, 255).astype(np.uint8)

    def _inked(self, box: Box, strength: float, other: bool) -> U8:
        """Return the unit with a print fainter, or in another ink: yellow for light, red for dark."""
        (x, y), (_, _, w, h) = self._at(box[:2]), box
        x, y, w, h = x - 2, y - 2, w + 4, h + 4
        cut = self._unit[y : y + h, x : x + w].astype(np.float64)
        grey = cut.mean(axis=2)
        low, middle, high = np.percentile(grey, (3, 50, 97))
        light = high - middle > middle - low
        ground, ink = (
            cut[np.abs(grey - level) < 12].mean(axis=0) for level in ((low, high) if light else (high, low))
        )
        amount = np.clip((cut - ground) @ (ink - ground) / ((ink - ground) @ (ink - ground)), 0, 1)[..., None]
        target = ink * (1, 0.85, 0.2) if light else np.array([170.0, 30.0, 30.0])
        out = self._unit.astype(np.float64)
        change = amount * (target - ink) if other else (strength - 1) * amount * (ink - ground)
        cover = np.zeros((h, w), np.float64)
        cover[2:-2, 2:-2] = 1
        out[y : y + h, x : x + w] += cv2.GaussianBlur(cover, (3, 3), 0.7)[..., None] * change
        return np.clip(np.round(out), 0, 255).astype(np.uint8)

    def _scratch(self, start: tuple[int, int], end: tuple[int, int], code: int) -> U8:
        a, b = np.array(self._at(start), np.float64), np.array(self._at(end), np.float64)
        t = np.linspace(0, 1, 60)[:, None]
        bow = 4 * np.sin(np.pi * t) * np.array([[-(b - a)[1], (b - a)[0]]]) / np.linalg.norm(b - a)
        course = np.round((a + t * (b - a) + bow) * 16).astype(np.int32)
        cover = np.zeros(self._unit.shape[:2], np.uint8)
        cv2.polylines(cover, [course], False, 255, 2, cv2.LINE_AA, 4)
        share = cv2.GaussianBlur(cover.astype(np.float64) / 255, (0, 0), 0.7)[..., None] * 0.7
        out = self._unit + share * (code - self._unit.astype(np.float64))
        return np.clip(np.round(out), 0, 255).astype(np.uint8)
