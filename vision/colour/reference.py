"""The golden sample's colour as the reference of one characteristic: means and scatter over placements."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calibration import CameraCalibration
from calibration.colour.camera import ColourCalibration
from kernels.compiled import F64
from vision.colour.characteristics import Gradient, Mottle, Pair
from vision.colour.golden_colours import GoldenColour, RegionColour
from vision.colour.placed import Pattern
from vision.colour.region import unseen
from vision.colour.uncertainty import Repeatability

# Relative standard deviations of a placement's light where there is only one: brightness that all channels
# share (height, tilt) and of each channel by itself. Several placements tell.
ASSUMED_BRIGHTNESS, ASSUMED_CHANNEL = 0.005, 0.001

_RESIDUAL_LENGTH = 0.1  # of the frame's diagonal, over which what a flat field leaves is another


@dataclass(frozen=True, slots=True, eq=False)
class MeanLight:
    """Mean linear light (3,) and its covariance (3, 3)."""

    rgb: F64
    covariance: F64


@dataclass(frozen=True, slots=True, eq=False)
class GoldenReference:
    """What units are compared with.

    Attributes:
        mean: light of the region; its covariance is that of the readings' noise.
        repeatability: of placements; assumed where there is only one.
        other: light of the region that is matched, or None.
        pairs: (n, 3) L*a*b* of the region less that of the other, in each placement; None without another.
        gradients: of each placement; none where they are not judged.
        mottles: the same.
        pattern: the region as an image, or None.
        floor: 95th percentile of the differences that its placements alone show, as the eye sees them.
        gloss: mean share of the region that reflects the lamp.
        unseen: mean share that was left out inside the border, of the region and of the other (0 without).
        centre_px: where the region lay in the frame.
    """

    mean: MeanLight
    repeatability: Repeatability
    other: MeanLight | None
    pairs: F64 | None
    gradients: tuple[Gradient, ...]
    mottles: tuple[Mottle, ...]
    pattern: Pattern | None
    floor: float
    gloss: float
    unseen: tuple[float, float]
    centre_px: F64

    @classmethod
    def of(cls, colour: GoldenColour, calibration: ColourCalibration) -> GoldenReference:
        """Compile one characteristic of the golden colours' file."""
        placements = colour.placements
        regions = [p.region for p in placements]
        others = [p.other for p in placements if p.other is not None]
        image = colour.pattern
        pairs = [
            Pair(_read(p.region), _read(p.other)).lab(calibration) for p in placements if p.other is not None
        ]
        return cls(
            mean=_mean(regions),
            repeatability=_repeatability(regions),
            other=_mean(others) if others else None,
            pairs=np.array(pairs) if pairs else None,
            gradients=tuple(p.gradient.gradient() for p in placements if p.gradient is not None),
            mottles=tuple(p.mottle.mottle() for p in placements if p.mottle is not None),
            pattern=None if image is None else image.pattern(),
            floor=0.0 if image is None else image.floor,
            gloss=float(np.mean([r.excluded["clipped"] + r.excluded["glare"] for r in regions])),
            unseen=(_unseen(regions), _unseen(others)),
            centre_px=np.mean([p.centre_px for p in placements], axis=0),
        )


def flat_residual(certificate: CameraCalibration, rgb: F64, moved_px: float) -> F64:
    """Return the covariance (3, 3) that what the flat field leaves gives to light (3,) seen elsewhere.

    What it leaves is smooth: a region that lies where the golden sample's lay shares it, one that lies a
    tenth of the frame's diagonal away does not. What the channels' figures have in common they share.
    """
    flat = certificate.flat_field
    if flat is None or len(flat.planes) != 3:
        return np.zeros((3, 3))
    share = min(1.0, moved_px / (_RESIDUAL_LENGTH * math.hypot(flat.width, flat.height)))
    uneven = np.array([plane.unevenness for plane in flat.planes])
    return np.minimum.outer(uneven, uneven) ** 2 * np.outer(rgb, rgb) * 2 * share**2


def _read(colour: RegionColour) -> MeanLight:
    return MeanLight(np.array(colour.rgb), np.array(colour.covariance))


def _unseen(regions: list[RegionColour]) -> float:
    return float(np.mean([unseen(r.excluded) for r in regions])) if regions else 0.0


def _mean(regions: list[RegionColour]) -> MeanLight:
    covariance = np.mean([region.covariance for region in regions], axis=0) / len(regions)
    return MeanLight(np.mean([region.rgb for region in regions], axis=0), covariance)


def _repeatability(regions: list[RegionColour]) -> Repeatability:
    if len(regions) > 1:
        return Repeatability.of([_read(region) for region in regions])
    light = np.array(regions[0].rgb)
    shared = np.outer(light, light) * ASSUMED_BRIGHTNESS**2
    return Repeatability(shared + np.diag((light * ASSUMED_CHANNEL) ** 2), math.inf, 1)
