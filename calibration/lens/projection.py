"""Where a point before the camera falls on the sensor, and back, with derivatives.

One formula serves both kinds of lens: a point (X, Y, Z) in mm in the camera's frame (x right, y down, z away
from the camera) is first brought to the plane,

    perspective (x, y) = (X / Z, Y / Z),        telecentric (x, y) = (X, Y),

then distorted (Brown 1966, Conrady 1919; order and signs of OpenCV) and scaled, u = fx (x + skew y) + cx and
v = fy y + cy. So fx and fy are focal lengths in px, or px per mm; k1 is per square of the tangent of the
field angle, or per mm^2.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from kernels.compiled import F64

Kind = Literal["perspective", "telecentric"]

INTRINSICS = ("fx", "fy", "cx", "cy", "skew", "k1", "k2", "p1", "p2", "k3")
FX, FY, CX, CY, SKEW, K1, K2, P1, P2, K3 = range(10)

_NEWTON_STEPS = 30
_NEWTON_END_PX = 1e-9


def plane_jacobians(kind: Kind, xyz: F64) -> tuple[F64, F64]:
    """Bring (n, 3) mm in the camera's frame to the plane: (n, 2) and d/d(xyz) (n, 2, 3)."""
    jacobian = np.zeros((len(xyz), 2, 3))
    if kind == "telecentric":
        jacobian[:, 0, 0] = jacobian[:, 1, 1] = 1.0
        return xyz[:, :2].copy(), jacobian
    near = 1.0 / xyz[:, 2]
    plane = xyz[:, :2] * near[:, None]
    jacobian[:, 0, 0] = jacobian[:, 1, 1] = near
    jacobian[:, :, 2] = -plane * near[:, None]
    return plane, jacobian


def distort(intrinsics: F64, plane: F64) -> tuple[F64, F64]:
    """Distort (n, 2) points of the plane: (n, 2) and the symmetric d/d(x, y) as (3, n): xx, xy, yy."""
    k1, k2, p1, p2, k3 = intrinsics[K1:]
    x, y = plane[:, 0], plane[:, 1]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    slope = 2 * (k1 + r2 * (2 * k2 + r2 * (3 * k3)))
    seen = np.empty((len(plane), 2))
    seen[:, 0] = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    seen[:, 1] = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    slopes = np.empty((3, len(plane)))
    slopes[0] = radial + slope * x * x + 2 * p1 * y + 6 * p2 * x
    slopes[1] = slope * x * y + 2 * p1 * x + 2 * p2 * y
    slopes[2] = radial + slope * y * y + 6 * p1 * y + 2 * p2 * x
    return seen, slopes


def project(kind: Kind, intrinsics: F64, xyz: F64) -> tuple[F64, F64, F64]:
    """Project (n, 3) mm in the camera's frame.

    Returns:
        pixels (n, 2), d/d(intrinsics) (n, 2, 10) in the order of `INTRINSICS`, and d/d(xyz) (n, 2, 3).
    """
    plane, by_xyz = plane_jacobians(kind, xyz)
    seen, (xx, xy, yy) = distort(intrinsics, plane)
    fx, fy, cx, cy, skew = intrinsics[:5]
    x, y = plane[:, 0], plane[:, 1]
    r2 = x * x + y * y
    pixels = np.empty((len(xyz), 2))
    pixels[:, 0] = fx * (seen[:, 0] + skew * seen[:, 1]) + cx
    pixels[:, 1] = fy * seen[:, 1] + cy

    by_plane = np.empty((len(xyz), 2, 2))
    by_plane[:, 0, 0], by_plane[:, 0, 1] = fx * (xx + skew * xy), fx * (xy + skew * yy)
    by_plane[:, 1, 0], by_plane[:, 1, 1] = fy * xy, fy * yy

    by_seen = np.zeros((len(xyz), 2, 5))  # d(distorted) / d(k1, k2, p1, p2, k3)
    by_seen[:, :, 0] = plane * r2[:, None]
    by_seen[:, :, 1] = by_seen[:, :, 0] * r2[:, None]
    by_seen[:, 0, 2], by_seen[:, 1, 2] = 2 * x * y, r2 + 2 * y * y
    by_seen[:, 0, 3], by_seen[:, 1, 3] = r2 + 2 * x * x, 2 * x * y
    by_seen[:, :, 4] = by_seen[:, :, 1] * r2[:, None]

    by_intrinsics = np.zeros((len(xyz), 2, 10))
    by_intrinsics[:, 0, FX] = seen[:, 0] + skew * seen[:, 1]
    by_intrinsics[:, 1, FY] = seen[:, 1]
    by_intrinsics[:, 0, CX] = by_intrinsics[:, 1, CY] = 1.0
    by_intrinsics[:, 0, SKEW] = fx * seen[:, 1]
    by_intrinsics[:, 0, K1:] = fx * (by_seen[:, 0] + skew * by_seen[:, 1])
    by_intrinsics[:, 1, K1:] = fy * by_seen[:, 1]
    return pixels, by_intrinsics, by_plane @ by_xyz


def undistort(intrinsics: F64, px: F64) -> F64:
    """Return the points of the plane (n, 2) that (n, 2) pixels show, to 1e-9 px by Newton's method.

    A pixel where the distortion cannot be undone gives NaN.
    """
    fx, fy, cx, cy, skew = intrinsics[:5]
    seen = np.empty((len(px), 2))
    seen[:, 1] = (px[:, 1] - cy) / fy
    seen[:, 0] = (px[:, 0] - cx) / fx - skew * seen[:, 1]
    if not intrinsics[K1:].any():
        return seen
    plane = seen.copy()
    there, (xx, xy, yy) = distort(intrinsics, plane)
    off = there - seen
    end = _NEWTON_END_PX / float(max(fx, fy))
    with np.errstate(all="ignore"):
        for _ in range(_NEWTON_STEPS):
            size = xx * yy - xy * xy
            plane[:, 0] -= (yy * off[:, 0] - xy * off[:, 1]) / size
            plane[:, 1] -= (xx * off[:, 1] - xy * off[:, 0]) / size
            # Newton converges quadratically: an error this small before a step is far below the end after it.
            if np.abs(off).max(initial=0.0) < 1e-3 * np.sqrt(end):
                break
            there, (xx, xy, yy) = distort(intrinsics, plane)
            off = there - seen
        settled = np.abs(off).max(axis=1) < 1e-3 * np.sqrt(end)
        plane[~(settled & (xx * yy > xy * xy) & (xx + yy > 0))] = (
            np.nan
        )  # beyond the fold there is another root
    return plane


def folds_back(intrinsics: F64, size: tuple[int, int]) -> bool:
    """Return whether the distortion cannot be undone, or turns over, somewhere in a frame (width, height)."""
    if not intrinsics[K1:].any():
        return False
    x, y = np.meshgrid(np.linspace(-0.5, size[0] - 0.5, 15), np.linspace(-0.5, size[1] - 0.5, 15))
    plane = undistort(intrinsics, np.column_stack([x.ravel(), y.ravel()]))
    if np.isnan(plane).any():
        return True
    _, (xx, xy, yy) = distort(intrinsics, plane)
    # Between the centre and the frame's edge the map must never turn over either.
    return bool(np.any(xx * yy - xy * xy <= 0.05) or np.any(np.diff(_along_radius(intrinsics, plane)) <= 0))


def _along_radius(intrinsics: F64, plane: F64) -> F64:
    k1, k2, _, _, k3 = intrinsics[K1:]
    r = np.linspace(0.0, float(np.sqrt((plane * plane).sum(axis=1).max())), 200)
    return np.asarray(r * (1 + r**2 * (k1 + r**2 * (k2 + r**2 * k3))), np.float64)
