"""Where balloons and labels go: around the picture, none over another, no two leaders crossing.

They take slots on a ring or in two columns. Of all ways to give slots to features, one in which no swap
of two slots and no move to a free slot makes the leaders shorter in sum has no crossing leaders: uncrossing
two straight lines always shortens them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]

_SHORTER = 1e-9  # pixels a swap must gain, so that rounding cannot swap for ever


def place(anchors: Sequence[Point], slots: Sequence[Point]) -> list[Point]:
    """Return a slot for each anchor, in the anchors' order, so that no two leaders cross.

    Args:
        anchors: points in the picture that the leaders lead to.
        slots: where the leaders may end; at least as many as anchors.
    """
    taken = _nearest_free(anchors, slots)
    free = [s for s in range(len(slots)) if s not in set(taken)]
    improved = True
    while improved:
        improved = False
        for i, a in enumerate(anchors):
            for f, slot in enumerate(free):
                if math.dist(a, slots[slot]) < math.dist(a, slots[taken[i]]) - _SHORTER:
                    taken[i], free[f] = slot, taken[i]
                    improved = True
            for j in range(i + 1, len(anchors)):
                b = anchors[j]
                now = math.dist(a, slots[taken[i]]) + math.dist(b, slots[taken[j]])
                then = math.dist(a, slots[taken[j]]) + math.dist(b, slots[taken[i]])
                if then < now - _SHORTER:
                    taken[i], taken[j] = taken[j], taken[i]
                    improved = True
    return [slots[s] for s in taken]


def ring(count: int, width: float, height: float, radius: float) -> list[Point]:
    """Return at least `count` balloon centres outside a picture, at least 2.2 radii apart.

    They lie on as few rings around the picture as hold them. All values are pixels of the picture.
    """
    slots: list[Point] = []
    rings = 0
    while len(slots) < count:
        gap = radius * (1.5 + 2.4 * rings)
        slots += _ring(width, height, gap, 2.4 * radius)
        rings += 1
    return slots


def margin(slots: Sequence[Point], width: float, height: float, radius: float) -> float:
    """Return how far, in pixels, balloons in these slots reach outside the picture."""
    return max((max(-x, -y, x - width, y - height) for x, y in slots), default=0) + radius * 1.3


def columns(count: int, width: float, height: float, gap: float, spacing: float) -> list[Point]:
    """Return at least `count` points in two columns, `gap` left and right of the picture, `spacing` apart.

    The columns are as high as the picture; where it holds too few, they reach below and above it.
    """
    rows = max(int(height / spacing), (count + 1) // 2 + 1, 1)
    top = (height - rows * spacing) / 2 + spacing / 2
    ys = [top + spacing * row for row in range(rows)]
    return [(x, y) for x in (-gap, width + gap) for y in ys]


def _ring(width: float, height: float, gap: float, spacing: float) -> list[Point]:
    """Return places `spacing` or a little more apart on the rectangle `gap` outside the picture."""
    slots: list[Point] = []
    left, top, right, bottom = -gap, -gap, width + gap, height + gap
    for (x0, y0), (x1, y1) in (
        ((left, top), (right, top)), ((right, top), (right, bottom)),
        ((right, bottom), (left, bottom)), ((left, bottom), (left, top)),
    ):  # fmt: skip
        steps = max(1, int(math.dist((x0, y0), (x1, y1)) / spacing))
        slots += [(x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps) for i in range(steps)]
    return slots


def _nearest_free(anchors: Sequence[Point], slots: Sequence[Point]) -> list[int]:
    free = set(range(len(slots)))
    taken: list[int] = []
    for anchor in anchors:
        best = min(free, key=lambda s: (math.dist(anchor, slots[s]), s))
        free.remove(best)
        taken.append(best)
    return taken
