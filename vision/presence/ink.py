# pyright: reportUnknownMemberType=false
"""A print's ink: the channel in which it is told best from noise, and its contrast with the ground."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from kernels.compiled import F32, F64, Mask
from vision.presence.window import Picture

_FINE: Final = 1.5  # standard deviation, pixels: what is finer is noise where there is no structure
_FLAT: Final = 5  # pixels of the windows that are looked through for ground without structure
_CALM: Final = 25  # per cent of the windows that are taken for such
_EVEN: Final = 0.05  # of the channels' mean variance is added to each: none decides alone
_ROUNDING: Final = 1 / 12  # variance of codes that are whole numbers


def ink_channel(picture: Picture) -> F32:
    """Return the (3,) weights of the channels by which a print is told best from noise.

    They are Fisher's linear discriminant (1936, doi:10.1111/j.1469-1809.1936.tb02137.x) along the print's own
    contrast: compressed or demosaiced frames have most of their noise in colour, which then hardly counts.
    Scaled so that the print has the contrast that it has in the mean of the channels. The noise is what is
    fine on the calmest part of the picture itself.
    """
    values, inside = picture.values, picture.inside
    grey = np.asarray(values.mean(axis=2), np.float32)
    along = contrast(values, grey, inside)
    coarse = np.asarray(cv2.GaussianBlur(values, (0, 0), _FINE), np.float32)
    fine, structure = values - coarse, variance(np.asarray(coarse.mean(axis=2), np.float32), _FLAT)
    calm = inside & (structure <= np.percentile(structure[inside], _CALM))
    noise = np.cov(fine[calm].astype(np.float64).T)
    noise += np.eye(3) * max(_EVEN * float(np.trace(noise)) / 3, _ROUNDING)
    weights = np.linalg.solve(noise, along)
    return (weights / float(weights @ along)).astype(np.float32)


def contrast(values: F32, ink: F32, inside: Mask) -> F64:
    """Return how much each channel changes with the amount of ink, (3,): the least-squares slope.

    Args:
        values: (h, w, 3) codes.
        ink: (h, w), how much ink there is.
        inside: (h, w), the pixels that count.
    """
    amount = ink[inside].astype(np.float64)
    amount -= amount.mean()
    power = float(amount @ amount)
    if power <= 0:
        return np.ones(3)
    return np.asarray(amount @ values[inside] / power, np.float64)


def variance(image: F32, size: int) -> F32:
    """Return the variance in the window of `size` pixels about each pixel of (h, w) codes."""
    box = (size, size)
    mean = np.asarray(cv2.blur(image, box, borderType=cv2.BORDER_REFLECT), np.float32)
    square = np.asarray(cv2.blur(image * image, box, borderType=cv2.BORDER_REFLECT), np.float32)
    return np.maximum(square - mean * mean, 0)
