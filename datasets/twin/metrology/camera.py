"""Where a point in space falls on the sensor: perspective or telecentric, with Brown-Conrady distortion."""

# OpenCV publishes incomplete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from datasets.errors import DatasetError

Doubles = NDArray[np.float64]
Triple = tuple[float, float, float]

_NEWTON_STEPS = 30
_NEWTON_END = 1e-15


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera in its pose: x right, y down in the frame, pixel centres at integers, z away from the camera.

    A point X in mm goes to R X + t in the camera's frame, by `rotation` (Rodrigues vector) and `translation`,
    as in OpenCV. A perspective camera divides by z; a telecentric one keeps x and y in mm. Both then distort
    (Brown 1966, Conrady 1919; OpenCV's order and signs) and scale: u = fx x + cx, v = fy y + cy.

    Attributes:
        width: of the frame, px.
        height: of the frame, px.
        fx: focal length in px; telecentric: px per mm.
        fy: the same down the frame.
        cx: principal point, px.
        cy: principal point, px.
        k1: radial distortion, per square of the undistorted radius (tangent of the field angle; telecentric:
            mm).
        k2: radial, fourth power.
        p1: tangential.
        p2: tangential.
        k3: radial, sixth power.
        rotation: Rodrigues vector, radians.
        translation: mm.
        kind: how z acts.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    k3: float = 0.0
    rotation: Triple = (0.0, 0.0, 0.0)
    translation: Triple = (0.0, 0.0, 0.0)
    kind: Literal["perspective", "telecentric"] = "perspective"

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1 or self.fx <= 0 or self.fy <= 0:
            raise DatasetError("a camera needs a frame of at least 1 x 1 px and scales above 0")

    @classmethod
    def telecentric(
        cls,
        width: int,
        height: int,
        px_per_mm: float,
        *,
        cx: float | None = None,
        cy: float | None = None,
        k1: float = 0.0,
        rotation: Triple = (0.0, 0.0, 0.0),
        translation: Triple = (0.0, 0.0, 0.0),
    ) -> Camera:
        """Return a telecentric camera whose axis meets the frame at (cx, cy), by default its centre."""
        cx = (width - 1) / 2 if cx is None else cx
        cy = (height - 1) / 2 if cy is None else cy
        return cls(
            width, height, px_per_mm, px_per_mm, cx, cy, k1,
            rotation=rotation, translation=translation, kind="telecentric",
        )  # fmt: skip

    @classmethod
    def scale(
        cls,
        width: int,
        height: int,
        mm_per_px: float,
        *,
        angle_deg: float = 0.0,
        x: float | None = None,
        y: float | None = None,
    ) -> Camera:
        """Return a plain scale: mm (0, 0) at pixel (x, y), by default the frame's centre.

        The mm axes are turned by `angle_deg` in the frame, from x towards y.
        """
        turn = (0.0, 0.0, float(np.radians(angle_deg)))
        return cls.telecentric(width, height, 1 / mm_per_px, cx=x, cy=y, rotation=turn)

    def posed(self, rotation: Triple, translation: Triple) -> Camera:
        """Return the same camera in another pose."""
        return replace(self, rotation=rotation, translation=translation)

    def aimed(
        self,
        centre_mm: tuple[float, float],
        distance_mm: float,
        *,
        tilt_deg: tuple[float, float] = (0.0, 0.0),
        roll_deg: float = 0.0,
    ) -> Camera:
        """Return the same camera with its axis on a point of the plane z = 0, `distance_mm` away.

        The plane is turned by `roll_deg` about its normal, then by `tilt_deg` about the camera's x and y.
        """
        a, b, c = np.radians((*tilt_deg, roll_deg))
        turn = _matrix((0.0, b, 0.0)) @ _matrix((a, 0.0, 0.0)) @ _matrix((0.0, 0.0, c))
        shift = np.array([0.0, 0.0, distance_mm]) - turn @ np.array([*centre_mm, 0.0])
        vector = Rotation.from_matrix(turn).as_rotvec()  # cv2.Rodrigues loses small angles on this way
        return self.posed(_triple(vector), _triple(shift))

    @property
    def matrix(self) -> Doubles:
        """The camera matrix (3, 3) of a perspective camera."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]])

    @property
    def distortion(self) -> Doubles:
        """(5,) k1, k2, p1, p2, k3."""
        return np.array([self.k1, self.k2, self.p1, self.p2, self.k3])

    def project(self, xyz: Doubles) -> Doubles:
        """Return the pixels (n, 2) of points (n, 3) in mm.

        Raises:
            DatasetError: a point lies behind the camera, or so far out that the distortion folds back.
        """
        xyz = np.asarray(xyz, np.float64).reshape(-1, 3)
        in_camera = xyz @ _matrix(self.rotation).T + np.array(self.translation)
        plane = in_camera[:, :2]
        if self.kind == "perspective":
            if in_camera[:, 2].min(initial=np.inf) <= 0:
                raise DatasetError("a point lies behind the camera: move the camera back or shrink the scene")
            plane = plane / in_camera[:, 2:]
        if self.distortion.any():
            r2 = np.square(plane).sum(axis=1)
            if (1 + r2 * (3 * self.k1 + r2 * (5 * self.k2 + r2 * 7 * self.k3))).min(initial=1) <= 0:
                raise DatasetError("a point lies where the distortion folds back: shrink the scene")
            plane = self._distort(plane)
        return plane * np.array([self.fx, self.fy]) + np.array([self.cx, self.cy])

    def to_plane(self, px: Doubles, z: float = 0.0) -> Doubles:
        """Return the points (n, 2) in mm of the plane at `z` that pixels (n, 2) show: the inverse of project.

        Raises:
            DatasetError: the view does not reach the plane there, or the distortion cannot be undone.
        """
        seen = (np.asarray(px, np.float64).reshape(-1, 2) - [self.cx, self.cy]) / [self.fx, self.fy]
        flat = self._undistort(seen) if self.distortion.any() else seen
        turn, shift = _matrix(self.rotation), np.array(self.translation)
        if self.kind == "perspective":
            start = np.broadcast_to(-shift, (len(flat), 3)) @ turn
            ray = np.column_stack([flat, np.ones(len(flat))]) @ turn
        else:
            start = (np.column_stack([flat, np.zeros(len(flat))]) - shift) @ turn
            ray = np.broadcast_to(turn[2], start.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            far = (z - start[:, 2]) / ray[:, 2]
        if not np.isfinite(far).all() or (self.kind == "perspective" and far.min(initial=1) <= 0):
            raise DatasetError("a pixel does not look at the plane: tilt the camera less")
        return (start + far[:, None] * ray)[:, :2]

    def _distort(self, plane: Doubles) -> Doubles:
        x, y = plane.T
        r2 = x * x + y * y
        radial = 1 + r2 * (self.k1 + r2 * (self.k2 + r2 * self.k3))
        return np.column_stack([
            x * radial + 2 * self.p1 * x * y + self.p2 * (r2 + 2 * x * x),
            y * radial + self.p1 * (r2 + 2 * y * y) + 2 * self.p2 * x * y,
        ])  # fmt: skip

    def _undistort(self, seen: Doubles) -> Doubles:
        plane = seen.copy()
        for _ in range(_NEWTON_STEPS):
            x, y = plane.T
            r2 = x * x + y * y
            radial = 1 + r2 * (self.k1 + r2 * (self.k2 + r2 * self.k3))
            slope = 2 * (self.k1 + r2 * (2 * self.k2 + r2 * 3 * self.k3))
            xx = radial + slope * x * x + 2 * self.p1 * y + 6 * self.p2 * x
            yy = radial + slope * y * y + 6 * self.p1 * y + 2 * self.p2 * x
            xy = slope * x * y + 2 * self.p1 * x + 2 * self.p2 * y
            off_x, off_y = (self._distort(plane) - seen).T
            size = xx * yy - xy * xy
            step = np.column_stack([(yy * off_x - xy * off_y) / size, (xx * off_y - xy * off_x) / size])
            plane = plane - step
            if np.abs(step).max(initial=0) < _NEWTON_END * max(1.0, float(np.abs(plane).max(initial=0))):
                return plane
        if np.abs(self._distort(plane) - seen).max() > 1e-12 * max(1.0, float(np.abs(seen).max())):
            raise DatasetError("the distortion cannot be undone at a pixel: it folds back inside the frame")
        return plane


def _matrix(rotation: Triple) -> Doubles:
    return np.asarray(cv2.Rodrigues(np.array(rotation, np.float64))[0], np.float64)


def _triple(vector: Doubles) -> Triple:
    return float(vector[0]), float(vector[1]), float(vector[2])
