"""Exact scenes for tests of measuring: the metrology twin, and its camera as a plane map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibration.plane_map import Mode
from datasets.twin.metrology import Camera, Scene, Sensor, expose
from kernels.compiled import F64
from vision.edges import RawLight


@dataclass(frozen=True)
class TrueMap:
    """The plane map that the twin's camera truly is."""

    camera: Camera
    height_mm: float = 0.0

    def to_mm(self, px: F64) -> F64:
        return self.camera.to_plane(px, self.height_mm)[:, :2]

    def to_px(self, mm: F64) -> F64:
        return self.camera.project(np.column_stack((mm, np.full(len(mm), self.height_mm))))

    def jacobians(self, px: F64) -> F64:
        h = 1e-3
        x, y = np.array([[h, 0.0]]), np.array([[0.0, h]])
        columns = [(self.to_mm(px + d) - self.to_mm(px - d)) / (2 * h) for d in (x, y)]
        return np.stack(columns, axis=2)

    def modes(self, px: F64) -> tuple[Mode, ...]:  # noqa: ARG002
        return ()


def lens(width: int, height: int, *, tilt: float = 4.0) -> Camera:
    """A camera with a wide lens that sees mm (0, 0) in the middle, tilted, about 0.1 mm per pixel."""
    camera = Camera(width, height, 2000.0, 2000.0, (width - 1) / 2, (height - 1) / 2, k1=-0.15, p1=5e-4)
    return camera.aimed((0.0, 0.0), 200.0, tilt_deg=(tilt, -tilt), roll_deg=10.0)


def light_of(scene: Scene, camera: Camera, **sensor: float) -> RawLight:
    """The scene without noise."""
    return RawLight.of_light(expose(scene, camera, Sensor(**sensor)).astype(np.float32))
