"""What there is on the board: components and prints by their place in the golden picture."""

from __future__ import annotations

from dataclasses import dataclass

Box = tuple[int, int, int, int]

WIDTH, HEIGHT = 1280, 800
MM_PER_PX = 68.6 / 735
"""An Uno is 68.6 mm long; its board spans 735 px."""

BOARD = (
    (272, 150), (440, 150), (676, 138), (956, 138), (966, 330), (966, 470), (966, 708), (256, 686),
    (264, 566), (240, 536), (246, 200),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A component: its body's box, x, y, width, height; which way round matters; what is the same part."""

    box: Box
    polarised: bool = False
    number: str | None = None
    round: bool = False


PARTS = {
    "u1-atmega": Part((254, 256, 396, 104), polarised=True),
    "u2-sot23-5": Part((702, 281, 46, 32), polarised=True),
    "u3-msop8": Part((728, 334, 62, 32), polarised=True),
    "u4-regulator": Part((832, 283, 98, 68), polarised=True),
    "u5-qfn": Part((718, 476, 65, 64), polarised=True),
    "u6": Part((500, 394, 38, 19), polarised=True),
    "q1-sot23": Part((860, 402, 38, 30), polarised=True),
    "d1": Part((694, 152, 72, 28), polarised=True),
    "d2": Part((820, 613, 27, 52), polarised=True),
    "d3": Part((310, 411, 29, 50), polarised=True),
    "c1-electrolytic": Part((648, 192, 75, 75), polarised=True, number="47uF 25V", round=True),
    "c2-electrolytic": Part((730, 191, 75, 75), polarised=True, number="47uF 25V", round=True),
    "y1-crystal": Part((701, 388, 122, 52)),
    "f1-fuse": Part((904, 384, 44, 62)),
    "sw1-reset": Part((862, 638, 106, 74)),
    "rn1": Part((651, 371, 26, 37)),
    "rn2": Part((650, 539, 30, 40)),
    "rn3": Part((817, 511, 26, 37)),
    "rn4": Part((321, 482, 28, 39)),
    "led-rx": Part((645, 494, 38, 18), polarised=True, number="LED yellow"),
    "led-tx": Part((645, 518, 38, 18), polarised=True, number="LED yellow"),
    "led-l": Part((645, 580, 38, 19), polarised=True, number="LED yellow"),
    "led-on": Part((316, 522, 38, 19), polarised=True),
    "c3": Part((681, 289, 15, 18)),
    "c4": Part((759, 288, 13, 22)),
    "c5": Part((711, 443, 28, 15)),
    "c6": Part((746, 443, 28, 15)),
    "c7": Part((779, 443, 28, 15)),
    "c8": Part((816, 489, 25, 12), number="100nF"),
    "c9": Part((818, 552, 27, 14), number="100nF"),
    "c10": Part((819, 581, 29, 14), number="100nF"),
    "c11": Part((505, 374, 29, 13)),
    "r1": Part((650, 449, 26, 11), number="MLCC"),
    "r2": Part((650, 467, 27, 11), number="MLCC"),
    "r3": Part((651, 609, 26, 14), number="MLCC"),
    "r4": Part((822, 446, 28, 14)),
}

PRINTS: dict[str, tuple[Box, float]] = {  # box and height of the smallest characters, px
    "atmega-marking": ((386, 268, 128, 64), 11),
    "crystal-marking": ((726, 397, 76, 28), 17),
    "c1-value": ((655, 204, 52, 36), 13),
    "c2-value": ((734, 202, 56, 34), 13),
    "uno-logo": ((350, 526, 126, 62), 36),
    "power": ((460, 219, 66, 20), 14),
    "power-labels": ((474, 182, 120, 36), 12),
    "reset": ((598, 183, 18, 45), 11),
    "analog-in": ((275, 219, 112, 20), 13),
    "analog-labels": ((276, 182, 158, 36), 13),
    "digital": ((312, 606, 172, 22), 12),
    "digital-labels": ((500, 636, 166, 36), 14),
    "gnd": ((673, 627, 18, 44), 14),
    "aref": ((702, 616, 18, 54), 14),
    "rx": ((686, 493, 28, 18), 14),
    "tx": ((686, 518, 28, 18), 14),
    "jp2": ((784, 545, 18, 32), 13),
}
