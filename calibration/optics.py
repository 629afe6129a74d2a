"""A calibrated lens and object plane as a certificate carries them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from calibration.errors import CalibrationFormatError
from calibration.lens.calibrate import LensCalibration
from calibration.lens.plane import LensMap
from calibration.lens.projection import INTRINSICS
from golden.regions import Closed
from kernels.compiled import F64

_POSE = ("rotation_x", "rotation_y", "rotation_z", "x", "y", "z")
_UNIT_LENGTH = 1e-9  # that a rotation's rows may miss
_NEGATIVE = 1e-9  # eigenvalue of the correlation matrix that rounding may leave

Intrinsic = Literal["fx", "fy", "cx", "cy", "skew", "k1", "k2", "p1", "p2", "k3"]
Triple = tuple[float, float, float]


class Optics(Closed):
    """Lens, object plane and their covariance: what `plane` needs to map pixels to millimetres.

    A point X of the target in mm (x right, y down, z into the target) goes to R X + t in the camera's frame
    and from there to a pixel by `calibration.lens.projection`.

    Attributes:
        kind: of lens.
        width: of the frame, px.
        height: of the frame, px.
        names: the estimated intrinsics; all others are 0.
        values: theirs: fx, fy, cx, cy in px (telecentric: fx, fy in px per mm), distortion in OpenCV's terms.
        rotation: R, row by row.
        translation: t, mm.
        covariance: row by row, of `values`, then of a small rotation about the camera's axes (rad), then of t
            (mm): (k + 6, k + 6), symmetric, positive semi-definite.
        degrees_of_freedom: of the covariance.
        pitch_relative_uncertainty: of the target's pitch; relative standard uncertainty of every length.
        centre_mm: of the target in the picture: where an error of the pitch displaces nothing.
        pictures: how many the lens was found from.
        corners: how many decided.
        rms_px: root mean square distance of projected and found corners.
        hold_out_px: the same of corners that took no part in the fit.
        noise_scale: by which the corners' stated uncertainties were raised to explain the residuals (median);
            part of the covariance.
        target_sigma_mm: standard deviation of the target's point errors in its plane, where estimated.
    """

    kind: Literal["perspective", "telecentric"]
    width: Annotated[int, Field(ge=8, le=100_000)]
    height: Annotated[int, Field(ge=8, le=100_000)]
    names: Annotated[tuple[Intrinsic, ...], Field(min_length=4, max_length=10)]
    values: Annotated[tuple[float, ...], Field(min_length=4, max_length=10)]
    rotation: tuple[Triple, Triple, Triple]
    translation: Triple
    covariance: Annotated[tuple[tuple[float, ...], ...], Field(min_length=10, max_length=16)]
    degrees_of_freedom: Annotated[float, Field(ge=1)]
    pitch_relative_uncertainty: Annotated[float, Field(ge=0, le=0.5)]
    centre_mm: tuple[float, float]
    pictures: Annotated[int, Field(ge=1)]
    corners: Annotated[int, Field(ge=1)]
    rms_px: Annotated[float, Field(ge=0)]
    hold_out_px: Annotated[float, Field(ge=0)]
    noise_scale: Annotated[float, Field(ge=1)]
    target_sigma_mm: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.names[:4] != INTRINSICS[:4] or len(set(self.names)) != len(self.names):
            raise ValueError("names begin with fx, fy, cx, cy and none comes twice")
        if len(self.values) != len(self.names) or min(self.values[:2]) <= 0:
            raise ValueError("each name needs a value, and fx and fy lie above 0")
        turn = np.array(self.rotation)
        if np.abs(turn @ turn.T - np.eye(3)).max() > _UNIT_LENGTH or np.linalg.det(turn) < 0:
            raise ValueError("rotation is no rotation matrix")
        if self.kind == "perspective" and self.translation[2] + turn[2, :2] @ np.array(self.centre_mm) <= 0:
            raise ValueError("the target lies behind the camera")
        size = len(self.names) + 6
        if len(self.covariance) != size or any(len(row) != size for row in self.covariance):
            raise ValueError(f"the covariance is not {size} x {size}")
        matrix = np.array(self.covariance)
        variances = np.diag(matrix)
        if not np.array_equal(matrix, matrix.T) or variances.min() <= 0:
            raise ValueError("the covariance is not symmetric with variances above 0")
        scale = np.sqrt(variances)
        if np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0] < -_NEGATIVE:
            raise ValueError("the covariance is not positive semi-definite")
        return self

    @classmethod
    def of(cls, lens: LensCalibration, plane: LensMap) -> Self:
        """Make it from a calibrated lens and the map onto the target's plane (`plane` of height 0).

        Raises:
            CalibrationFormatError: the map is of another height or another lens.
        """
        if plane.height_mm != 0 or plane.free != lens.model.free or plane.size != lens.size:
            raise CalibrationFormatError(
                "optics are made from a lens and its map onto the target's own plane"
            )
        sigma = lens.model.target_sigma
        return cls(
            kind=plane.kind, width=plane.size[0], height=plane.size[1], names=_names(plane.free),
            values=tuple(plane.intrinsics[[INTRINSICS.index(name) for name in plane.free]].tolist()),
            rotation=_rows(plane.rotation), translation=_triple(plane.translation),
            covariance=tuple(tuple(row) for row in plane.covariance.tolist()),
            degrees_of_freedom=plane.degrees_of_freedom,
            pitch_relative_uncertainty=plane.pitch_relative_uncertainty,
            centre_mm=(float(plane.centre_mm[0]), float(plane.centre_mm[1])),
            pictures=lens.seen.poses, corners=len(lens.seen), rms_px=lens.rms_px,
            hold_out_px=lens.hold_out_px, noise_scale=lens.noise_scale,
            target_sigma_mm=None if sigma is None else sigma[0],
        )  # fmt: skip

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """What the covariance's rows are."""
        return (*self.names, *_POSE)

    @property
    def mm_per_px(self) -> float:
        """Mean scale of the target's plane at its centre."""
        plane = self.plane()
        px = plane.to_px(np.array([self.centre_mm]))
        return float(np.sqrt(abs(np.linalg.det(plane.jacobians(px)[0]))))

    def plane(self, height_mm: float = 0.0, u_height_mm: float = 0.0, u_tilt_deg: float = 0.0) -> LensMap:
        """Return the map onto a plane parallel to the target's.

        Args:
            height_mm: above the target's plane, towards the camera.
            u_height_mm: its standard uncertainty.
            u_tilt_deg: standard uncertainty of the plane's tilt against the target, about either axis.

        Raises:
            LensError: an uncertainty is negative.
        """
        intrinsics = np.zeros(len(INTRINSICS))
        intrinsics[[INTRINSICS.index(name) for name in self.names]] = self.values
        return LensMap(
            kind=self.kind, size=(self.width, self.height), free=self.names, intrinsics=intrinsics,
            rotation=np.array(self.rotation), translation=np.array(self.translation),
            covariance=np.array(self.covariance), degrees_of_freedom=self.degrees_of_freedom,
            pitch_relative_uncertainty=self.pitch_relative_uncertainty, centre_mm=np.array(self.centre_mm),
        ).at(height_mm, u_height_mm=u_height_mm, u_tilt_deg=u_tilt_deg)  # fmt: skip


def _triple(values: F64) -> Triple:
    x, y, z = values.tolist()
    return x, y, z


def _rows(matrix: F64) -> tuple[Triple, Triple, Triple]:
    return _triple(matrix[0]), _triple(matrix[1]), _triple(matrix[2])


def _names(free: tuple[str, ...]) -> tuple[Intrinsic, ...]:
    allowed: tuple[Intrinsic, ...] = ("fx", "fy", "cx", "cy", "skew", "k1", "k2", "p1", "p2", "k3")
    return tuple(name for wanted in free for name in allowed if name == wanted)
