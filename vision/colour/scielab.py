# pyright: reportUnknownMemberType=false
"""S-CIELAB: colour differences of patterns as the eye sees them from a distance.

Zhang and Wandell (1997), doi:10.1889/1.1985127: each opponent channel is blurred by a sum of Gaussians
fitted to contrast sensitivity, then L*a*b* is taken. Screens and weaves that the eye cannot resolve become
their mean; even areas keep their plain difference. The Gaussians are taken whole; the authors' program cuts
them at half a degree, which matters for the widest alone.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from calibration.colour.colorimetry import lab_from_xyz
from golden.colours import Formula
from kernels.compiled import F32, F64
from vision.colour.difference import delta_e

OPPONENT: F64 = np.array([[0.279, 0.720, -0.107], [-0.449, 0.290, -0.077], [0.086, -0.590, 0.501]])
"""XYZ to luminance, red-green and blue-yellow (Poirson and Wandell 1993, doi:10.1364/JOSAA.10.002458)."""

KERNELS: tuple[tuple[tuple[float, float], ...], ...] = (
    ((0.921, 0.0283), (0.105, 0.133), (-0.108, 4.336)),
    ((0.531, 0.0392), (0.330, 0.494)),
    ((0.488, 0.0536), (0.371, 0.386)),
)
"""(weight, spread s in degrees) of each channel's Gaussians exp(-r^2 / s^2), each of sum one first."""

_WIDEST_PX = 16.0  # standard deviation above which a blur is done on a smaller image
_REACH = 4.0  # standard deviations that a kernel is long to each side


def samples_per_degree(mm_per_sample: float, viewing_distance_mm: float) -> float:
    """Return how many samples one degree of the visual field holds."""
    return viewing_distance_mm * math.tan(math.radians(1.0)) / mm_per_sample


def scielab_difference(
    reference: F64,
    sample: F64,
    white: F64,
    mm_per_sample: float,
    viewing_distance_mm: float,
    formula: Formula = "CIEDE2000",
) -> F64:
    """Return the map (h, w) of differences of two images as the eye sees them.

    Args:
        reference: (h, w, 3) XYZ of the golden sample.
        sample: (h, w, 3) XYZ of the unit, place for place.
        white: (3,) XYZ of the white.
        mm_per_sample: of both images.
        viewing_distance_mm: from the eye.
        formula: of the difference; the authors took CIE76.
    """
    density = samples_per_degree(mm_per_sample, viewing_distance_mm)
    one, two = (lab_from_xyz(seen(xyz, density), white) for xyz in (reference, sample))
    return delta_e(one, two, formula)


def seen(xyz: F64, density: float) -> F64:
    """Return an image (h, w, 3) of XYZ as the eye resolves it at that many samples per degree.

    Beyond its border the image goes on mirrored. Within 0.001 of the whole convolution, relative to white.
    """
    opponent = np.asarray(xyz @ OPPONENT.T, np.float32)
    out = np.empty_like(opponent)
    for channel, kernels in enumerate(KERNELS):
        total = sum(weight for weight, _ in kernels)
        plane = np.ascontiguousarray(opponent[..., channel])
        parts = [
            np.float32(weight / total) * _blurred(plane, spread * density / math.sqrt(2))
            for weight, spread in kernels
        ]
        out[..., channel] = np.sum(parts, axis=0)
    return np.asarray(out @ np.linalg.inv(OPPONENT).T, np.float64)


def _blurred(plane: F32, sigma: float) -> F32:
    """Return a (h, w) image blurred by a Gaussian; wide ones on an image shrunk by whole pixels.

    Shrinking by n adds (n^2 - 1) / 12 to the variance and enlarging bilinearly (n^2 - 1) / 6 on average.
    """
    if sigma < 0.1:  # 2e-22 of a neighbour
        return plane
    h, w = plane.shape
    n = max(1, min(int(sigma / _WIDEST_PX), h // 2, w // 2))
    if n == 1:
        return _gaussian(plane, sigma)
    mirrored = cv2.copyMakeBorder(plane, 0, -h % n, 0, -w % n, cv2.BORDER_REFLECT)
    size = (mirrored.shape[1] // n, mirrored.shape[0] // n)
    small = np.asarray(cv2.resize(mirrored, size, interpolation=cv2.INTER_AREA), np.float32)
    small = _gaussian(small, math.sqrt(sigma**2 - (n**2 - 1) / 4) / n)
    whole = cv2.resize(small, (mirrored.shape[1], mirrored.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole[:h, :w], np.float32)


def _gaussian(plane: F32, sigma: float) -> F32:
    """Return a (h, w) image blurred by a sampled Gaussian of sum one, mirrored at its border."""
    reach = max(1, math.ceil(_REACH * sigma))
    x = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (x / sigma) ** 2)
    kernel /= kernel.sum()
    # mirrored by NumPy as often as it takes: OpenCV mirrors once
    padded = np.pad(plane, reach, mode="symmetric")
    blurred = cv2.sepFilter2D(padded, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred[reach:-reach, reach:-reach], np.float32)
