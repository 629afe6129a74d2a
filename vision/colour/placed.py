# pyright: reportUnknownMemberType=false
"""What one frame says of a part's colours: regions of the golden view, read where the part lies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from calibration import CalibrationError, CameraCalibration
from calibration.colour.camera import ColourCalibration
from golden.regions import Region, bounds
from golden.spec import Colour, View
from kernels.compiled import F32, F64, Codes, Mask
from vision.colour.characteristics import Gradient, Mottle, gradient, mottle
from vision.colour.region import NotRead, RegionReading, read_region
from vision.regions import dense_outline

SAMPLES_PER_DEGREE = 60.0  # of patterns: the eye's sharpest channel then spans two samples
MOST_SAMPLES = 256  # of a pattern along each side
_WHOLE = 0.999  # of a sample that is used

FramePoints = Callable[[F64], F64]
"""Maps (n, 2) golden points to the raw frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A region as an image in the golden view, for differences as the eye sees them.

    Attributes:
        xyz: (rows, columns, 3) XYZ, Y = 1 for the perfect diffuser.
        used: (rows, columns) bool, what lies in the region and is neither edge, glare nor dust.
        mm_per_sample: of both axes.
    """

    xyz: F64
    used: Mask
    mm_per_sample: float

    @classmethod
    def mean(cls, patterns: Sequence[Pattern]) -> Pattern:
        """Return the mean of patterns of one size, used where all of them are."""
        return cls(
            np.mean([pattern.xyz for pattern in patterns], axis=0),
            np.all([pattern.used for pattern in patterns], axis=0),
            patterns[0].mm_per_sample,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """One characteristic's colours in one frame; what its quantity does not need is None.

    Attributes:
        region: the region.
        other: the region that it is matched with.
        gradient: the plane through the region's L*a*b*.
        mottle: how uneven it is.
        pattern: the region as an image.
        centre_px: where the region lies in the frame, px.
    """

    region: RegionReading
    other: RegionReading | None
    gradient: Gradient | None
    mottle: Mottle | None
    pattern: Pattern | None
    centre_px: tuple[float, float]


class RegionReader:
    """Reads the colour regions of one view through one certificate, which must have `colour`.

    Raises:
        CalibrationError: the certificate has no colour, or its flat field is not of RGB frames.
    """

    def __init__(self, view: View, certificate: CameraCalibration) -> None:
        """Compile table and factors of light."""
        if certificate.colour is None:
            raise CalibrationError(
                f"camera {certificate.camera!r}: the certificate has no colour; make it by hallmark "
                "calibrate colour"
            )
        self.view = view
        self.calibration: ColourCalibration = certificate.colour
        self.table = certificate.table()
        self.flat: F32 | None = None
        flat = certificate.flat_field
        if flat is not None:
            self.flat = flat.gain_map()
            if self.flat.ndim != 3:
                raise CalibrationError(
                    f"camera {certificate.camera!r}: the flat field has one plane; colour needs one for each "
                    "channel"
                )
        self._white = np.array(self.calibration.white)

    def read(self, pixels: Codes, polygon: F64, factors: F64 | None = None) -> RegionReading | NotRead:
        """Read an outline (n, 2) of a frame of (h, w, 3) codes; its light is multiplied by (3,) factors."""
        found = read_region(pixels, polygon, self.table, flat=self.flat, white=self._white)
        if factors is None or isinstance(found, NotRead):
            return found
        return replace(
            found, rgb=found.rgb * factors, covariance=found.covariance * np.outer(factors, factors),
            light=found.light * factors.astype(np.float32),
        )  # fmt: skip

    def placed(
        self, pixels: Codes, c: Colour, points: FramePoints, factors: F64 | None = None
    ) -> Placed | NotRead:
        """Read all that a characteristic's quantity needs; what cannot be read is told by its reason."""
        region = self.read(pixels, points(dense_outline(c.region)), factors)
        other = None if c.other is None else self.read(pixels, points(dense_outline(c.other)), factors)
        if isinstance(region, NotRead):
            return region
        if isinstance(other, NotRead):
            return other
        low, high = bounds(c.region)
        middle = (np.array(low) + np.array(high)) / 2
        ends = points(middle + np.array([[0.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]]))
        stretch = np.stack((ends[2] - ends[1], ends[4] - ends[3]), axis=1) / 2
        plane = gradient(region, self.calibration, stretch) if c.quantity == "gradient" else None
        if isinstance(plane, NotRead):
            return plane
        scale = self.view.mm_per_px / math.sqrt(abs(float(np.linalg.det(stretch))))
        uneven = mottle(region, self.calibration, scale) if c.quantity == "mottle" else None
        if isinstance(uneven, NotRead):
            return uneven
        pattern = None
        if c.quantity == "p95" and c.viewing_distance_mm is not None:
            pattern = self._pattern(region, c.region, c.viewing_distance_mm, points)
        return Placed(region, other, plane, uneven, pattern, (float(ends[0, 0]), float(ends[0, 1])))

    def _pattern(
        self, reading: RegionReading, region: Region, distance_mm: float, points: FramePoints
    ) -> Pattern:
        """Resample a region once, from its bins, onto a grid of the golden view.

        The grid is as fine as the eye is at that distance, at most as fine as the bins, of at most
        MOST_SAMPLES along each side.
        """
        (left, top), (right, bottom) = bounds(region)
        finest = 2.0
        eye = distance_mm * math.tan(math.radians(1.0)) / SAMPLES_PER_DEGREE / self.view.mm_per_px
        step = max(finest, eye, (right - left) / MOST_SAMPLES, (bottom - top) / MOST_SAMPLES)
        x, y = np.arange(left, right + 1e-6, step), np.arange(top, bottom + 1e-6, step)
        grid = np.stack(np.meshgrid(x, y), axis=-1)
        shrink = max(1, int(step / 2))
        size = (max(1, reading.used.shape[1] // shrink), max(1, reading.used.shape[0] // shrink))
        cut = (slice(0, size[1] * shrink), slice(0, size[0] * shrink))
        whole = np.where(reading.used[..., None], reading.light, np.float32(reading.rgb))
        light = cv2.resize(np.ascontiguousarray(whole[cut]), size, interpolation=cv2.INTER_AREA)
        used = cv2.resize(reading.used[cut].astype(np.float32), size, interpolation=cv2.INTER_AREA)
        at = (points(grid.reshape(-1, 2)) - np.array(reading.corner) + 0.5) / (2 * shrink) - 0.5
        map_x, map_y = (np.ascontiguousarray(at[:, k].reshape(grid.shape[:2]), np.float32) for k in (0, 1))
        seen = cv2.remap(np.asarray(light), map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        share = cv2.remap(np.asarray(used), map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return Pattern(
            xyz=self.calibration.model.xyz(np.asarray(seen, np.float64)),
            used=np.asarray(share) > _WHOLE,
            mm_per_sample=step * self.view.mm_per_px,
        )
