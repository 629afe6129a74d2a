"""Associated edges from points, by a least squares of the tests' own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from vision.edges.association import Associated

F64 = npt.NDArray[np.float64]


def _build(
    form: Any, parameters: F64, points: F64, normals: F64, kept: Any, pull: F64, off: F64
) -> Associated:
    kept = np.ones(len(points), bool) if kept is None else kept
    gain = np.zeros((len(parameters), len(points)))
    gain[:, kept] = np.linalg.pinv(pull[kept], rcond=1e-10)
    free = int(kept.sum()) - (2 if form == "line" else len(parameters))
    variance = float(off[kept] @ off[kept]) / free
    return Associated(
        form=form, parameters=parameters, covariance=variance * gain @ gain.T, degrees_of_freedom=float(free),
        points_px=points / 0.02, points_mm=points, normals=normals, residuals=off, kept=kept, gain=gain,
        bright=1.0, inlier_share=float(kept.mean()), blur_px=1.0, contrast=0.5,
    )  # fmt: skip


def line(points: Any, kept: Any = None) -> Associated:
    """Return the line through points, directed from the first to the last."""
    points = np.asarray(points, float)
    used = points if kept is None else points[kept]
    middle = used.mean(axis=0)
    u = np.linalg.svd(used - middle)[2][0]
    u = u if u @ (points[-1] - points[0]) > 0 else -u
    n = np.array([u[1], -u[0]])
    off = points - middle
    normals = np.broadcast_to(n, points.shape)
    # a line that slides along itself has not moved: no column along u
    pull = np.column_stack((np.full(len(points), n[0]), np.full(len(points), n[1]), -off @ u))
    parameters = np.array([*middle, math.atan2(u[1], u[0])])
    return _build("line", parameters, points, normals, kept, pull, off @ n)


def circle(points: Any, kept: Any = None, form: Any = "circle") -> Associated:
    """Return the circle through points by geometric least squares."""
    points = np.asarray(points, float)
    used = points if kept is None else points[kept]
    start = np.array([*used.mean(axis=0), np.hypot(*(used - used.mean(axis=0)).T).mean()])
    found = least_squares(
        lambda p: np.hypot(*(used - p[:2]).T) - p[2], start, method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    parameters = found.x
    away = points - parameters[:2]
    distance = np.hypot(*away.T)
    normals = away / distance[:, None]
    pull = np.column_stack((normals, np.ones(len(points))))
    return _build(form, parameters, points, normals, kept, pull, distance - parameters[2])


def ellipse(x: float, y: float, a: float, b: float, angle: float, count: int = 90) -> Associated:
    """Return an exact ellipse; its gain is that of points on it."""
    t = 2 * math.pi * np.arange(count) / count
    c, s = math.cos(angle), math.sin(angle)

    def at(p: Any) -> F64:
        u, v, cc, ss = p[2] * np.cos(t), p[3] * np.sin(t), math.cos(p[4]), math.sin(p[4])
        return np.column_stack((p[0] + cc * u - ss * v, p[1] + ss * u + cc * v))

    parameters = np.array([x, y, a, b, angle])
    points = at(parameters)
    normals = np.column_stack((np.cos(t) / a, np.sin(t) / b)) @ np.array([[c, s], [-s, c]])
    normals /= np.hypot(*normals.T)[:, None]
    steps = np.eye(5) * 1e-6
    pull = np.stack(
        [((at(parameters + h) - at(parameters - h)) * normals).sum(1) / 2e-6 for h in steps], axis=1
    )
    return _build("ellipse", parameters, points, normals, None, pull, np.full(count, 1e-4))


def straight(start: Any, end: Any, count: int = 40, off: Any = 0.0) -> F64:
    """Return points from start to end, lifted by `off` to the left of the way as a picture shows it."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    u = (end - start) / np.hypot(*(end - start))
    t = np.linspace(0, 1, count)[:, None]
    return start + t * (end - start) + np.multiply.outer(np.broadcast_to(off, count), np.array([u[1], -u[0]]))


def ring(
    x: float, y: float, radius: Any, count: int = 100, start: float = 0.0, turn: float = 2 * math.pi
) -> F64:
    """Return points around a centre; radius is one or (count,)."""
    t = start + turn * np.arange(count) / count
    return np.column_stack((x + radius * np.cos(t), y + radius * np.sin(t)))
