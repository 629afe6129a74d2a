# pyright: reportUnknownMemberType=false
"""Where a picture may lie in a wider one: coarse search by normalised correlation, then placement."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from kernels.compiled import F32, F64, Mask
from vision.presence.placement import Placement, place
from vision.presence.window import Picture, scale_of, shrink

_COARSE, _FINE = 800, 8_000  # pixels that show a thing, in the search and at last
_NOISE = 4.0  # codes: what has less contrast is no picture


def find(
    picture: Picture, seen: F32, reach: float, rivals: Sequence[tuple[float, float]] = (), angle: float = 0.0
) -> Placement | None:
    """Find a picture in a wider one.

    Args:
        picture: what is looked for.
        seen: (H, W, 3) float32, larger than the picture by the same on both sides of each axis.
        reach: how many pixels it may lie from the middle along each axis.
        rivals: where, from the middle, something alike has its place: what is nearer to there is no find.
        angle: by how much it is looked for turned, degrees from x towards y.

    Returns:
        The best place, by one start; None where there is nothing alike.
    """
    found = search(picture, seen, reach, rivals, angle)
    if found is None or found[2] <= 0:
        return None
    by = scale_of(picture.inside, _COARSE)
    start = found[0], found[1], angle
    if by > 1:
        rough = place(picture.shrunk(by), shrink(seen, by), (start[0] / by, start[1] / by, angle))
        if rough is not None:
            start = rough.dx * by, rough.dy * by, rough.angle
    return settle(picture, seen, start)


def search(
    picture: Picture, seen: F32, reach: float, rivals: Sequence[tuple[float, float]] = (), angle: float = 0.0
) -> tuple[float, float, float] | None:
    """Return the most alike place of whole pixels of the search: dx, dy and correlation; see `find`."""
    by = scale_of(picture.inside, _COARSE)
    small = picture.shrunk(by)
    likeness = _correlations(small if angle == 0 else small.tilted(angle), shrink(seen, by))
    if likeness is None:
        return None
    h, w = likeness.shape
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    dx, dy = (x - (w - 1) / 2) * by, (y - (h - 1) / 2) * by
    likeness[(np.abs(dx) > reach + by) | (np.abs(dy) > reach + by) | beyond(dx, dy, rivals)] = -1
    j, i = (int(n) for n in np.unravel_index(int(np.argmax(likeness)), likeness.shape))
    return float(dx[j, i]), float(dy[j, i]), float(likeness[j, i])


def settle(
    picture: Picture, seen: F32, start: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Placement | None:
    """Place a picture near a start, at a resolution that serves; the result is in its own pixels."""
    by = scale_of(picture.inside, _FINE)
    if by == 1:
        return place(picture, seen, start)
    found = place(picture.shrunk(by), shrink(seen, by), (start[0] / by, start[1] / by, start[2]))
    if found is None:
        return None
    scale = np.diag([by, by, 1.0])
    return Placement(
        found.dx * by,
        found.dy * by,
        found.angle,
        scale @ found.covariance @ scale,
        found.correlation,
        found.gain,
        found.seen,
    )


def beyond(dx: F64, dy: F64, rivals: Sequence[tuple[float, float]]) -> Mask:
    """Return where shifts lead nearer to a rival's place than to the own one."""
    out = np.zeros(np.shape(dx), np.bool_)
    for x, y in rivals:
        out |= (dx - x) ** 2 + (dy - y) ** 2 < dx**2 + dy**2
    return out


def _correlations(picture: Picture, seen: F32) -> F32 | None:
    """Return the correlation coefficient at all places; None where the picture does not fit in or is flat."""
    w, h = picture.size
    if (
        w > seen.shape[1]
        or h > seen.shape[0]
        or float(picture.values[picture.inside].std(axis=0).max()) < _NOISE
    ):
        return None
    inside = np.repeat(picture.inside[:, :, None], 3, axis=2).astype(np.float32)
    found = cv2.matchTemplate(seen, picture.values, cv2.TM_CCOEFF_NORMED, mask=inside)
    likeness = np.asarray(found, np.float32)
    likeness[~np.isfinite(likeness) | (np.abs(likeness) > 1.001)] = -1
    return likeness
