"""A small board of two materials whose every pixel is known: scratched reddish metal on smooth laminate."""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.drawn import DrawnUnits

Mask = NDArray[np.bool_]

HEIGHT, WIDTH = 560, 640
MM_PER_PX = 0.0212  # about the scale of board S4
SMALL_HOLES = ((100, 100), (100, 300), (182, 100), (182, 300), (400, 200), (560, 200), (100, 470))
SMALL_RADIUS = 15
LARGE_HOLE, LARGE_RADIUS = (540, 460), 44
ISLANDS = 5


@functools.cache
def artwork() -> Mask:
    """Return the conductor, holes not yet drilled: three traces, a plane and the ring of the large hole."""
    ink = np.zeros((HEIGHT, WIDTH), np.uint8)
    for x in (100, 182):  # two upright traces, their pads 18 px apart
        cv2.line(ink, (x, 100), (x, 300), 1, 30)
        for y in (100, 300):
            cv2.circle(ink, (x, y), 32, 1, -1)
    cv2.line(ink, (400, 200), (560, 200), 1, 30)  # one level trace
    for x in (400, 560):
        cv2.circle(ink, (x, 200), 32, 1, -1)
    cv2.rectangle(ink, (50, 390), (400, 520), 1, -1)  # the plane
    cv2.circle(ink, LARGE_HOLE, 70, 1, -1)
    return ink > 0


@functools.cache
def holes() -> Mask:
    drilled = np.zeros((HEIGHT, WIDTH), np.uint8)
    for at in SMALL_HOLES:
        cv2.circle(drilled, at, SMALL_RADIUS, 1, -1)
    cv2.circle(drilled, LARGE_HOLE, LARGE_RADIUS, 1, -1)
    return drilled > 0


def conductor() -> Mask:
    return artwork() & ~holes()


@functools.cache
def picture() -> NDArray[np.uint8]:
    """Return the board as a scanner shows it, (HEIGHT, WIDTH, 3) uint8 RGB codes."""
    rng = np.random.default_rng(7)
    across = np.linspace(-1, 1, WIDTH, dtype=np.float32)[None, :, None]
    laminate = np.array([96, 104, 118], np.float32) + 8 * across + rng.normal(0, 1, (HEIGHT, WIDTH, 1))
    laminate = laminate + np.where(across > 0.3, np.array([6, -3, -6], np.float32), 0)  # two shades of it
    grain = cv2.GaussianBlur(rng.standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.0)
    metal = np.array([160, 146, 132], np.float32) + (26 * grain / grain.std())[..., None]
    soft = cv2.GaussianBlur(artwork().astype(np.float32), (0, 0), 0.8)[..., None]
    codes = laminate + soft * (metal - laminate) + 160 * soft * (1 - soft)  # a bright line along each edge
    codes = codes * (1 - cv2.GaussianBlur(holes().astype(np.float32), (0, 0), 0.8)[..., None]) + 12
    return np.clip(np.rint(codes), 0, 255).astype(np.uint8)


@functools.cache
def units() -> DrawnUnits:
    return DrawnUnits(picture(), MM_PER_PX)


def parts(mask: Mask) -> int:
    """Return how many pieces of 60 pixels or more a mask has, sides touching."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    return int((stats[1:, cv2.CC_STAT_AREA] >= 60).sum())


def joined(mask: Mask) -> int:
    """Return how many pieces hold the islands of the artwork, once `mask` is conductor too."""
    _, labels = cv2.connectedComponents((artwork() | mask).astype(np.uint8), connectivity=4)
    return len(np.unique(labels[artwork()]))


def wider(mask: Mask, by: int) -> Mask:
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1,) * 2)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disk)) > 0
