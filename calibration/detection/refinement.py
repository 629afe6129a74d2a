"""From rough corners to measured ones: fits on raw linear light, and which of them can be believed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import cv2
import numpy as np

from calibration.detection.result import FULL, Detection, Missing, NotDetected
from calibration.targets import Target
from kernels.compiled import F32, F64, I64, Mask
from kernels.corners import fit_corners

_WIDEST = 12.0  # radius of a window, pixels, unless the blur asks for more
_SHARE = 0.45  # of the pitch that a window's radius takes: the neighbours' edges stay outside
_BLURRED = 4.0, 0.2  # blur beyond which a feature is refused: pixels, share of the pitch
_SATURATED = 0.25  # share of saturated pixels beyond which a feature is refused
_FAINT = 0.01  # contrast in light below which a feature is refused
_DISPUTED = 0.2, 4.0  # residuals beyond which it is refused: share of contrast, times the board's median
_SHARP, _SMOOTHING = 0.42, 0.7  # pixels: blur below which light is smoothed, and how much
_BORDER = 16.0  # pixels from the border within which a window may be cut
_LEAST = 0.5  # of the variance of white noise: what the residuals of one picture may take away
_FLOOR = 0.0005  # pixels: error of the model on noiseless pictures
_ENOUGH = 0.8  # share of the features that must be measured where a board must be whole


@dataclass(frozen=True, slots=True, eq=False)
class Rough:
    """Rough features of a board, n of them.

    Attributes:
        ids: (n,) which features.
        points: (n, 2) within about a pixel and a half.
        angles: (n, 2) of both edges.
        blur: expected blur in pixels, within a factor of two.
        pitch: (n,) distance to the nearest edge that belongs to a neighbour, pixels.
        clear: (n,) distance from the edges at which something else is printed, pixels; else infinite.
    """

    ids: I64
    points: F64
    angles: F64
    blur: float
    pitch: F64
    clear: F64


def fit(light: F32, rough: Rough) -> F64:
    """Fit every rough corner; rows as `fit_corners` returns them.

    A picture sharper than its pixels can show, as sharpening in the camera makes it, has steps that no point
    spread describes and on which a fit cannot find its way. There a light smoothing, even in x and y and so
    without an effect on where a corner is, comes first.
    """
    fits = _fit(light, rough)
    converged = fits[:, 13] > 0
    if converged.mean() > 0.8 and np.median(fits[converged, 4]) > _SHARP:
        return fits
    smooth = np.asarray(cv2.GaussianBlur(light, (0, 0), _SMOOTHING), np.float32)
    again = _fit(smooth, replace(rough, blur=float(np.hypot(max(rough.blur, _SHARP), _SMOOTHING))))
    return again if (again[:, 13] > 0).sum() >= converged.sum() else fits


def _fit(light: F32, rough: Rough) -> F64:
    starts = np.column_stack((rough.points, rough.angles, np.full(len(rough.points), rough.blur)))
    radii = np.maximum(np.minimum(_SHARE * rough.pitch, max(_WIDEST, 5 * rough.blur)), 3.0)
    clear = np.maximum(rough.clear - 3.0 * rough.blur, np.maximum(1.5, 2 * rough.blur))
    return fit_corners(light, starts, radii, clear, FULL)


def reduced(light: F32, scale: int) -> F32:
    """Return means of scale x scale pixels; what is left over at the right and below is cut off."""
    if scale == 1:
        return light
    h, w = light.shape[0] // scale, light.shape[1] // scale
    inner = light[: h * scale, : w * scale]
    return np.asarray(cv2.resize(inner, (w, h), interpolation=cv2.INTER_AREA), np.float32)


def blur_in_full(blur: float, scale: int) -> float:
    """Return the blur in full pixels of one measured in reduced ones, without what reducing added."""
    return scale * float(np.sqrt(max(blur**2 - (1 - 1 / scale**2) / 12, 0.09)))


def measured(
    fits: F64, rough: Rough, target: Target, size: tuple[int, int], *, whole: bool
) -> Detection | NotDetected:
    """Return the features that can be believed, with their uncertainties.

    Args:
        fits: rows of `fit` for the rough corners at full resolution.
        rough: those corners.
        target: what they belong to.
        size: width and height of the picture.
        whole: whether nearly all features of the target must be measured.
    """
    contrast = np.abs(fits[:, 6])
    inside = np.minimum(rough.points, np.array([size]) - 1 - rough.points).min(axis=1) > _BORDER
    left_out = _causes(fits, contrast, rough.pitch, inside)
    good = np.array([cause == "" for cause in left_out], np.bool_)
    counts = Counter(cause for cause in left_out if cause)
    nx, ny = target.across
    needed = _ENOUGH * nx * ny if whole else 6
    if good.sum() < needed:
        return _refused(counts, int(good.sum()), nx * ny)
    correlation = max(_LEAST, _middle_mean(fits[good, 11]))
    variance = 0.5 * (fits[good, 8] + fits[good, 9]) * correlation
    return Detection(
        ids=rough.ids[good],
        points_px=np.ascontiguousarray(fits[good, :2]),
        u_px=np.sqrt(variance + _FLOOR**2),
        target_mm=target.object_points(rough.ids[good]),
        blur_px=fits[good, 4].copy(),
        contrast=contrast[good],
        saturated=fits[good, 12].copy(),
        correlation=correlation,
        left_out=dict(counts),
    )


def _middle_mean(values: F64) -> float:
    """Return the mean without the lowest and the highest tenth."""
    cut = len(values) // 10
    return float(np.sort(values)[cut : len(values) - cut].mean())


def _causes(fits: F64, contrast: F64, pitch: F64, inside: Mask) -> list[str]:
    """Return why each feature is left out; "" where it is not."""
    converged = fits[:, 13] > 0
    relative = fits[:, 7] / np.maximum(contrast, 1e-9)
    usual = float(np.median(relative[converged])) if converged.any() else 0.0
    most = min(_DISPUTED[0], max(_DISPUTED[1] * usual, 0.02))
    blurred = fits[:, 4] > np.minimum(_BLURRED[0], _BLURRED[1] * pitch)
    conditions: tuple[tuple[str, Mask], ...] = (
        ("cut", ~converged & ~inside),
        ("disputed", ~converged),
        ("faint", contrast < _FAINT),
        ("saturated", fits[:, 12] > _SATURATED),
        ("blurred", blurred),
        ("disputed", relative > most),
    )
    return [next((cause for cause, holds in conditions if holds[i]), "") for i in range(len(fits))]


def _refused(counts: Counter[str], good: int, every: int) -> NotDetected:
    seen = f"{good} of {every} features can be measured"
    if counts:
        seen += "; left out: " + ", ".join(f"{n} {cause}" for cause, n in counts.most_common())
    reason, remedy = _REMEDIES[counts.most_common(1)[0][0] if counts else "cut"]
    return NotDetected(reason, f"the target was found, but only {seen}", remedy)


_REMEDIES: dict[str, tuple[Missing, str]] = {
    "disputed": ("target_partial", "clean the target, remove glare and what covers it"),
    "faint": ("target_dark", "add light or exposure until white squares reach half of full scale"),
    "saturated": ("target_saturated", "lower exposure or gain until nothing on the target is saturated"),
    "blurred": ("target_blurred", "focus on the target, close the aperture or shorten the exposure"),
    "cut": ("target_partial", "move the target until it lies whole in the picture"),
}
