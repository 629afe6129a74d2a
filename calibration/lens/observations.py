"""The corners of all pictures as one table, and what is refused before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from calibration.errors import LensError
from kernels.compiled import F64, I64, Mask

FEWEST_CORNERS = 8


class Corners(Protocol):
    """Detected points of a target in one picture, as `calibration.detection.Detection` has them."""

    @property
    def ids(self) -> I64:
        """(n,) which points of the target."""
        ...

    @property
    def points_px(self) -> F64:
        """(n, 2) raw pixels."""
        ...

    @property
    def u_px(self) -> F64:
        """(n,) standard uncertainty per axis."""
        ...

    @property
    def target_mm(self) -> F64:
        """(n, 3) where they lie on the target: x right, y down, z into the target."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """n corners seen in some pictures of one target of m points.

    Attributes:
        pose: (n,) index of the picture.
        point: (n,) index of the target's point.
        px: (n, 2) raw pixels.
        u_px: (n, 1) standard uncertainty per axis.
        target: (m, 3) mm.
        ids: (m,) the points' numbers on the target.
        poses: number of pictures.
        size: of the frame (width, height), px.
    """

    pose: I64
    point: I64
    px: F64
    u_px: F64
    target: F64
    ids: I64
    poses: int
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.pose)

    def where(self, mask: Mask) -> Observations:
        """Return the corners that a mask (n,) chooses; pictures and points keep their numbers."""
        return replace(
            self, pose=self.pose[mask], point=self.point[mask], px=self.px[mask], u_px=self.u_px[mask]
        )

    @property
    def pitch_mm(self) -> float:
        """The distance of neighbouring points: the median of the smallest distances."""
        flat = self.target[:, :2]
        apart = np.linalg.norm(flat[:, None] - flat[None], axis=2)
        np.fill_diagonal(apart, np.inf)
        return float(np.median(apart.min(axis=1)))


def gather(detections: Sequence[Corners], size: tuple[int, int]) -> Observations:
    """Put the corners of pictures of one target by one camera into one table.

    Raises:
        LensError: a picture has too few corners, corners outside the frame (another resolution or camera), a
            point twice or elsewhere on the target than in the other pictures, all corners on one line, or
            shows the target mirrored.
    """
    if not detections:
        raise LensError("no picture shows the target: take pictures of it, in several poses")
    known: dict[int, F64] = {}
    for number, found in enumerate(detections, start=1):
        _check_picture(found, size, f"picture {number}")
        for identity, place in zip(found.ids.tolist(), found.target_mm, strict=True):
            if not np.allclose(known.setdefault(int(identity), place), place, rtol=0, atol=1e-9):
                raise LensError(
                    f"picture {number}: point {identity} lies at {place.tolist()} mm, in an earlier picture "
                    f"at {known[int(identity)].tolist()} mm: use one target with one definition"
                )
    ids = np.array(sorted(known), np.int64)
    counts = [len(found.ids) for found in detections]
    return Observations(
        pose=np.repeat(np.arange(len(detections)), counts),
        point=np.searchsorted(ids, np.concatenate([found.ids for found in detections])).astype(np.int64),
        px=np.concatenate([found.points_px for found in detections]).astype(np.float64),
        u_px=np.concatenate([found.u_px for found in detections]).astype(np.float64)[:, None],
        target=np.array([known[int(i)] for i in ids], np.float64),
        ids=ids,
        poses=len(detections),
        size=size,
    )


def _check_picture(found: Corners, size: tuple[int, int], name: str) -> None:
    width, height = size
    count = len(found.ids)
    if count < FEWEST_CORNERS:
        raise LensError(
            f"{name}: {count} corners, at least {FEWEST_CORNERS} are needed: show more of the target"
        )
    if len(np.unique(found.ids)) != count:
        raise LensError(f"{name}: a point of the target was found twice: check the target's definition")
    numbers = np.column_stack([found.points_px, found.u_px, found.target_mm])
    if numbers.shape != (count, 6) or not np.isfinite(numbers).all() or found.u_px.min() <= 0:
        raise LensError(f"{name}: corners need finite coordinates and uncertainties above 0")
    x, y = found.points_px.T
    if x.min() < -0.5 or y.min() < -0.5 or x.max() > width - 0.5 or y.max() > height - 0.5:
        raise LensError(
            f"{name}: corners lie outside {width} x {height} px: is it of another camera or resolution?"
        )
    flat = found.target_mm[:, :2] - found.target_mm[:, :2].mean(axis=0)
    spread = np.linalg.svd(flat, compute_uv=False)
    if spread[1] < 0.02 * spread[0]:
        raise LensError(f"{name}: all corners lie on one line: show more of the target")
    affine = np.asarray(np.linalg.pinv(flat) @ (found.points_px - found.points_px.mean(axis=0)), np.float64)
    if np.linalg.det(affine) < 0:
        raise LensError(
            f"{name}: the target is mirrored: is the picture flipped, or the definition not x right, y down?"
        )
