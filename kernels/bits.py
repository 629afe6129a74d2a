"""Masks of 64 pixels a word: what of one picture lies nowhere near in another, and sums over components.

A mask is (h, n) uint64: bit k of word j in row y is pixel (64 j + k, y). The bits beyond the picture's width
are zero.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kernels.compiled import I32, I64, U8, compiled

U64 = npt.NDArray[np.uint64]

WORD = 64
_ZERO, _ONE = np.uint64(0), np.uint64(1)


def packed(mask: U8) -> U64:
    """Return (h, n) words of a (h, w) mask, set where it is not 0."""
    h, w = mask.shape
    out = np.zeros((h, -(-w // WORD)), np.uint64)
    octets = np.packbits(mask, axis=1, bitorder="little")
    out.view(np.uint8)[:, : octets.shape[1]] = octets
    return out


def unpacked(words: U64, width: int) -> U8:
    """Return the (h, width) uint8 mask of (h, n) words, 0 or 1."""
    return np.unpackbits(words.view(np.uint8), axis=1, count=width, bitorder="little")


@compiled
def grown(mask: U64, reach: int, out: U64) -> None:
    """Set each pixel that has a set one within `reach`, 1 to 63, along both axes.

    Bits beyond the picture's width may be set.
    """
    h, n = mask.shape
    wide = np.empty_like(mask)
    for y in range(h):
        for j in range(n):
            here = mask[y, j]
            before = mask[y, j - 1] if j > 0 else _ZERO
            after = mask[y, j + 1] if j + 1 < n else _ZERO
            spread = here
            for step in range(1, reach + 1):
                s, rest = np.uint64(step), np.uint64(WORD - step)
                spread |= (here << s) | (here >> s) | (before >> rest) | (after << rest)
            wide[y, j] = spread
    for y in range(h):
        out[y] = wide[y]
        for other in range(max(y - reach, 0), min(y + reach + 1, h)):
            for j in range(n):
                out[y, j] |= wide[other, j]


@compiled
def strays(one: U64, other: U64, width: int, reach: int, out: U64) -> None:
    """Set each pixel whose material, set or not, lies nowhere within `reach` in the other mask, either way.

    What lies beyond the masks is not known, and no material.
    """
    h, n = one.shape
    grown_one, grown_other = np.empty_like(one), np.empty_like(one)
    hollow_one, hollow_other = np.empty_like(one), np.empty_like(one)
    for y in range(h):
        for j in range(n):
            within = min(width - j * WORD, WORD)
            seen = ~_ZERO >> np.uint64(WORD - within)
            hollow_one[y, j], hollow_other[y, j] = ~one[y, j] & seen, ~other[y, j] & seen
    grown(one, reach, grown_one)
    grown(other, reach, grown_other)
    spread_one, spread_other = np.empty_like(one), np.empty_like(one)
    grown(hollow_one, reach, spread_one)
    grown(hollow_other, reach, spread_other)
    for y in range(h):
        for j in range(n):
            lost = (one[y, j] & ~grown_other[y, j]) | (hollow_other[y, j] & ~spread_one[y, j])
            added = (other[y, j] & ~grown_one[y, j]) | (hollow_one[y, j] & ~spread_other[y, j])
            out[y, j] = lost | added


@compiled
def tally(labels: I32, mask: U64, strong: U64, counts: I64, boxes: I64) -> None:
    """Add up a mask over labelled components.

    Args:
        labels: (h, w) int32, from 0 and below m.
        mask: (h, n) words.
        strong: (h, n) words, counted where the mask is set, too.
        counts: (2, m) int64, added to: pixels of the mask, and of both masks.
        boxes: (m, 4) int64, extended: x1 y1 x2 y2 of the mask's pixels, x2 and y2 exclusive.
    """
    h, n = mask.shape
    for y in range(h):
        for j in range(n):
            word, other = mask[y, j], strong[y, j]
            x = j * WORD
            while word != _ZERO:
                if word & _ONE:
                    one = labels[y, x]
                    counts[0, one] += 1
                    counts[1, one] += np.int64(other & _ONE)
                    boxes[one, 0] = min(boxes[one, 0], x)
                    boxes[one, 1] = min(boxes[one, 1], y)
                    boxes[one, 2] = max(boxes[one, 2], x + 1)
                    boxes[one, 3] = max(boxes[one, 3], y + 1)
                word >>= _ONE
                other >>= _ONE
                x += 1
