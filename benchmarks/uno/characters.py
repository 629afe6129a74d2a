"""Characters of the prints, which the edits of `--characters` change one by one.

Each reads as each other of its line: these were looked at when the comparison of windows was chosen. Each is
erased: these were looked at once, when its limit was made to follow the windows' size. Each is turned upside
down where that shows. Nothing of the search for strokes was chosen by any of them.
"""

from __future__ import annotations

from benchmarks.uno.layout import Box

Cell = tuple[str, Box]


def _centred(text: str, centres: tuple[float, ...], y: int, w: int, h: int) -> tuple[Cell, ...]:
    return tuple((c, (round(x - w / 2), y, w, h)) for c, x in zip(text, centres, strict=True))


def _from(text: str, lefts: tuple[int, ...], y: int, w: int, h: int) -> tuple[Cell, ...]:
    return tuple((c, (x, y, w, h)) for c, x in zip(text, lefts, strict=True))


def _cells(width: int, height: int, *cells: tuple[str, int, int]) -> tuple[Cell, ...]:
    return tuple((c, (x, y, width, height)) for c, x, y in cells)


LINES: tuple[tuple[str, tuple[Cell, ...]], ...] = (
    # print, and the characters of one line of it with their boxes in golden pixels
    ("atmega-marking", _centred("35473D", (457.8, 467.4, 476.5, 487, 495.7, 506), 280, 9, 15)),
    ("atmega-marking", _centred(
        "ATMEGA328PU", (394.5, 404.4, 414, 423.7, 434.7, 445.6, 455.4, 464.3, 473.3, 482, 503), 296, 9, 15)),
    ("atmega-marking", _centred("1829VU8", (420.5, 427.4, 437, 445.8, 456.2, 465.5, 475.7), 312, 9, 15)),
    ("analog-labels", _from("543210", (279, 304, 331, 358, 383, 410), 199, 20, 15)),
    ("digital-labels", _from("890123", (504, 533, 560, 588, 616, 644), 649, 21, 17)),
    ("analog-in", _from("ANALOGIN", (373, 361, 348, 336, 323, 310, 289, 276), 221, 12, 17)),
    ("power", _from("REWOP", (463, 476, 488, 500, 513), 220, 12, 16)),
    ("digital", _from("DIGITAL(PWM", (470, 459, 447, 437, 425, 413, 400, 389, 378, 366, 353), 610, 11, 17)),
    ("c1-value", _cells(16, 9, ("4", 689, 207), ("7", 689, 217), ("2", 673, 208), ("5", 673, 217),
                        ("V", 673, 227), ("V", 657, 207), ("T", 657, 217))),
    ("c2-value", _cells(16, 9, ("4", 770, 204), ("7", 770, 214), ("2", 754, 206), ("5", 754, 215),
                        ("V", 754, 225), ("V", 738, 206), ("T", 738, 216))),
    ("reset", _cells(18, 8, ("R", 598, 185), ("E", 598, 194), ("S", 598, 203), ("E", 598, 211),
                     ("T", 598, 219))),
    ("crystal-marking", _from("16000", (729, 739, 759, 773, 786), 401, 11, 18)),
    ("uno-logo", _from("UNO", (430, 398, 366), 536, 30, 42)),
    ("gnd", _cells(19, 12, ("G", 673, 629), ("N", 673, 642), ("D", 673, 655))),
)  # fmt: skip


def cells() -> list[tuple[str, str, Box]]:
    """Return all characters: which and where, the print and the box."""
    return [(f"{c} at {box[0]},{box[1]}", name, box) for name, line in LINES for c, box in line]


def replaced() -> list[tuple[str, str, Box, tuple[int, int]]]:
    """Return all of them: what changes, the print, the box that is taken and where it is put."""
    return [
        (f"{name}: {old} at {place[0]},{place[1]} reads {new}", name, source, place[:2])
        for name, cells in LINES
        for old, place in cells
        for new, source in cells
        if old != new
    ]
