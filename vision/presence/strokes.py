# pyright: reportUnknownMemberType=false
"""A stroke of ink more or less: where a unit departs from the golden print by more than captures scatter."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

import cv2
import numpy as np

from kernels.compiled import F32, Mask

_FALSE: Final = 5e-5  # prints like the golden one in which noise alone reaches the limit
_STROKE: Final = 0.07  # of a detail's size, the standard deviation of the filter: half a stroke's width
_NARROWEST: Final = 0.8  # pixels, of the filter
_ABOUT: Final = 0.75  # of a detail's size on each side: what a changed character covers
_SPREAD: Final = 2.5  # standard deviation, pixels: how far codecs and mosaics carry an edge's error
_PLAIN: Final = 40  # per cent of the pixels, those with the least structure nearby, that tell noise
_HALF: Final = 0.455  # median of the square of a standard normal variable
_SURE: Final = 0.02  # of the contrast: standard deviation of light and ink that no other term has
_NOISIEST: Final = 0.1  # of the contrast: most that counts as noise
_COARSEST: Final = 0.6  # of the second difference: most that counts as the sampling's error
_ELSEWHERE: Final = 0.25  # of a print's structure: what tells the sampling's error


class Strokes:
    """Tells a stroke that a unit's print has more or less, by how far the unit departs from the golden print.

    The departure is seen through the filter that is matched to a stroke, a Gaussian, less its mean over a
    character. Under it are the noise of plain ground; the error of sampling, compression and placing, which
    follows the second difference of the golden print nearby; and a share of the contrast. How large the first
    two are is told by the unit's own departure: noise by the median where the golden print is plain, the
    error by the mean over the print but for the character that is looked at, as radars with a constant false
    alarm rate do (Finn and Johnson, RCA Review 29, 1968).

    Attributes:
        limit: standard deviations that the departure of a print like the golden one does not reach anywhere,
            up to one print of 20,000 where there is noise alone: the lesser of what as many independent
            pixels reach and of what a smooth Gaussian field of the print's size does, by its expected Euler
            characteristic (Worsley and others 1996, Human Brain Mapping 4:58).

    Args:
        ink: (h, w) float32, how much ink the golden print has: codes in its channel.
        inside: (h, w), where the print is.
        detail_px: height of its smallest characters.
        contrast: codes between ink and ground.
    """

    def __init__(self, ink: F32, inside: Mask, detail_px: float, contrast: float) -> None:
        """Prepare what does not depend on the unit."""
        self._contrast = contrast
        self._wide = 2 * round(_ABOUT * detail_px) + 1
        self._deviation = max(_STROKE * detail_px, _NARROWEST)
        self.limit = _limit(int(inside.sum()), self._deviation)
        within = inside.astype(np.float32)
        power = _filtered(within, self._deviation / math.sqrt(2))  # of the filter, squared, that lies inside
        self._weight = np.asarray(within / np.sqrt(np.maximum(power, 1e-6)), np.float32)
        self._level = _filtered(within, self._deviation) / np.maximum(self._sum(within), 1)
        spread = math.hypot(_SPREAD, self._deviation / math.sqrt(2))
        second: F32 = np.asarray(cv2.Laplacian(ink, cv2.CV_32F), np.float32) * within
        nearby = _filtered(second**2, spread) / np.maximum(_filtered(within, spread), 1e-6)
        self._error = np.asarray(within * nearby / (4 * math.pi * self._deviation**2), np.float32)
        self._plain = inside & (self._error <= np.percentile(self._error[inside], _PLAIN))
        self._rest, self._pixels = self._elsewhere(self._error), self._elsewhere(within)
        self._alone = self._rest < _ELSEWHERE * float(self._error.sum(dtype=np.float64))

    def departs(self, apart: F32) -> F32:
        """Return by how many times the limit a unit departs about each pixel, (h, w).

        Args:
            apart: (h, w) float32, the unit's ink less the golden print's, codes in its channel; 0 outside.
        """
        seen = (_filtered(apart, self._deviation) - self._level * self._sum(apart)) * self._weight
        power = np.asarray(seen * seen, np.float32)
        noise = min(float(np.median(power[self._plain])) / _HALF, (_NOISIEST * self._contrast) ** 2)
        share = (self._elsewhere(power) - noise * self._pixels) / np.maximum(self._rest, 1e-6)
        share = np.where(self._alone, _COARSEST**2, np.clip(share, 0, _COARSEST**2))
        variance = noise + share * self._error + (_SURE * self._contrast) ** 2
        return np.asarray(np.abs(seen) / (self.limit * np.sqrt(variance)), np.float32)

    def _sum(self, image: F32) -> F32:
        """Return the sum over what lies about each pixel."""
        box = (self._wide, self._wide)
        here = cv2.boxFilter(image, cv2.CV_32F, box, normalize=False, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(here, np.float32)

    def _elsewhere(self, image: F32) -> F32:
        """Return the sum over the print but for what lies about each pixel."""
        return float(image.sum(dtype=np.float64)) - self._sum(image)


def _filtered(image: F32, deviation: float) -> F32:
    blurred = cv2.GaussianBlur(image, (0, 0), deviation, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(blurred, np.float32)


def _limit(pixels: int, deviation: float) -> float:
    """Return what |white noise| through a Gaussian filter reaches on so many pixels with chance `_FALSE`."""
    each = NormalDist().inv_cdf(1 - _FALSE / (2 * pixels))
    maxima = pixels / deviation**2 / (2 * math.pi) ** 1.5  # of both signs, times limit * exp(-limit^2 / 2)
    smooth = each
    for _ in range(20):  # a contracting fixed point
        smooth = math.sqrt(2 * math.log(max(maxima * smooth / _FALSE, math.e)))
    return min(each, smooth)
