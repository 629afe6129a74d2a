# pyright: reportUnknownMemberType=false
"""Whether the colours seen in a lattice are a chart's: an affine fit from cube roots of light to L*a*b*.

Strong casts, dim pictures and other primaries are within what such a fit can undo. Whether the file holds
light or sRGB codes is not known: both are tried. A fit of four coefficients for each of L*, a* and b* must
predict the patches that it has not seen: the score is 1 less the left-out squares over those about the mean
(PRESS, Allen 1974, doi:10.1080/00401706.1974.10489157), so that colours at random score about 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.compiled import F64, I64, Mask
from kernels.light import decoding_table

FEWEST = 9  # patches from which a chart can be told
_FOOT = 2 / 255  # of light: below it rounding and the black level decide, and a cube root would magnify them
_ROOTS = np.stack(
    [np.cbrt(decoding_table(kind, 255).astype(np.float64) + _FOOT) for kind in ("linear", "srgb")]
)
_STRANGE = 3.5  # robust standard deviations of the left-out residual of a patch that does not belong
_LEAST_STRANGE = 40.0  # Delta E76 of it, at least
_CORE = 0.6  # of the patches
CLEAR = 0.8  # score of all patches, above which few can be strange,
_GAIN = 3.5  # unless without them the others fit so many times better


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a chart lies in a window of a lattice.

    Attributes:
        turns: quarter turns clockwise, as the picture is seen, from upright.
        mirrored: whether it is seen from behind or through a mirror.
    """

    turns: int
    mirrored: bool


def orders(columns: int, rows: int) -> list[tuple[Orientation, tuple[int, int], I64]]:
    """Return the eight ways a chart can lie in a lattice.

    Returns:
        For each its orientation, the window's columns and rows, and for each patch of the chart, row by row,
        the index of its place in the window, row by row.
    """
    upright = np.arange(rows * columns).reshape(rows, columns)
    out: list[tuple[Orientation, tuple[int, int], I64]] = []
    for mirrored in (False, True):
        chart = upright[:, ::-1] if mirrored else upright
        for turns in range(4):
            seen = np.rot90(chart, -turns)  # patch number at each place of the window
            out.append(
                (Orientation(turns, mirrored), (seen.shape[1], seen.shape[0]), np.argsort(seen.ravel()))
            )
    return out


def best_scores(codes: F64, seen: Mask, references: F64) -> F64:
    """Return (k,) the score of each reference, with the encoding that suits it better.

    Args:
        codes: (n, 3) codes 0..255 at the places of a window.
        seen: (n,) which of them lie within the picture.
        references: (k, n, 3) L*a*b* that a chart's orientations have at these places.
    """
    scores: list[F64] = []
    for roots in _ROOTS:
        left_out = _left_out(_predictors(codes[seen], roots), references[:, seen])
        scores.append(_score(left_out, references[:, seen]))
    return np.asarray(np.max(scores, axis=0), np.float64)


def fit_robustly(codes: F64, fair: Mask, reference: F64, places: F64) -> tuple[float, Mask]:
    """Return the score without the patches that do not belong, and which these are; see `best_scores`.

    Where all together do not fit well: least trimmed squares (Rousseeuw and Van Driessen 2006,
    doi:10.1007/s10618-005-0024-4): of fits that begin with the patches farthest from one place or another,
    the one that suits three fifths best. Then all are taken in that suit the fit.

    Args:
        codes: (n, 3) codes 0..255.
        fair: (n,) which of them to use.
        reference: (n, 3) L*a*b*.
        places: (n, 2) column and row.
    """
    index = np.flatnonzero(fair)
    lab = reference[index]
    everyone = np.ones(len(index), np.bool_)
    clear = float(best_scores(codes[index], everyone, lab[None])[0]) > CLEAR
    results: list[tuple[float, Mask]] = []
    for roots in _ROOTS:
        predictors = _predictors(codes[index], roots)
        kept = _core(predictors, lab, places[index])
        gain = np.median(_off(predictors, lab, everyone)) / np.median(_off(predictors, lab, kept)[kept])
        if clear and gain < _GAIN:
            kept = everyone
        for _ in range(4):
            off = _off(predictors, lab, kept)
            kept = off < max(_LEAST_STRANGE, _STRANGE * float(np.median(off[kept])))
        score = float(_score(_left_out(predictors[kept], lab[None, kept]), lab[None, kept])[0])
        strange = np.zeros(len(codes), np.bool_)
        strange[index[~kept]] = True
        results.append((score, strange))
    return max(results, key=lambda result: result[0] * (fair & ~result[1]).sum())


def _core(predictors: F64, lab: F64, places: F64) -> Mask:
    """Return which three fifths of the patches suit each other best."""
    most = max(int(np.ceil(_CORE * len(lab))), min(FEWEST, len(lab)))
    low, high = places.min(axis=0), places.max(axis=0)
    best = np.inf
    core = np.arange(len(lab))
    for anchor in ((x, y) for x in (0, 0.5, 1) for y in (0, 0.5, 1)):
        away = ((places - low - (high - low) * anchor) ** 2).sum(axis=1)
        cost, suited = _concentrated(predictors, lab, np.argsort(-away, kind="stable")[:most])
        if cost < best:
            best, core = cost, suited
    kept = np.zeros(len(lab), np.bool_)
    kept[core] = True
    return kept


def _concentrated(predictors: F64, lab: F64, core: I64) -> tuple[float, I64]:
    """Exchange patches for those that suit a fit to as many better; return its sum of squares and them."""
    cost = np.inf
    for _ in range(8):
        fit, *_ = np.linalg.lstsq(predictors[core], lab[core], rcond=1e-6)
        squares = ((lab - predictors @ fit) ** 2).sum(axis=1)
        core = np.argsort(squares, kind="stable")[: len(core)]
        if not squares[core].sum() < cost:
            break
        cost = float(squares[core].sum())
    return cost, core


def _off(predictors: F64, lab: F64, kept: Mask) -> F64:
    """Return (n,) Delta E76 of each patch from what the others that are kept predict."""
    fit, *_ = np.linalg.lstsq(predictors[kept], lab[kept], rcond=1e-6)
    off = lab - predictors @ fit
    off[kept] = _left_out(predictors[kept], lab[None, kept])[0]
    return np.asarray(np.sqrt((off**2).sum(axis=1)), np.float64)


def _predictors(codes: F64, roots: F64) -> F64:
    light = np.stack([np.interp(codes[:, c], np.arange(256.0), roots) for c in range(3)], axis=1)
    return np.column_stack((np.ones(len(light)), light))


def _left_out(predictors: F64, references: F64) -> F64:
    """Return (k, n, 3) how far each patch lies off what the others predict."""
    basis, sizes, _ = np.linalg.svd(predictors, full_matrices=False)
    basis = basis[:, sizes > 1e-6 * sizes[0]]
    leverage = np.minimum((basis**2).sum(axis=1), 0.98)
    residual = references - np.einsum("ni,mi,kmc->knc", basis, basis, references, optimize=True)
    return np.asarray(residual / (1 - leverage)[None, :, None], np.float64)


def _score(left_out: F64, references: F64) -> F64:
    n = references.shape[1]
    about_mean = references - references.mean(axis=1, keepdims=True)
    total = (about_mean**2).sum(axis=(1, 2)) * (n / (n - 1)) ** 2
    return np.asarray(1 - (left_out**2).sum(axis=(1, 2)) / total, np.float64)
