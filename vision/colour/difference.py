"""Colour differences of L*a*b* colours, one pair or arrays of them, by the formula that was agreed."""

from __future__ import annotations

from typing import get_args

import numpy as np
import numpy.typing as npt

from golden.colours import Formula
from kernels.colour import differences
from kernels.compiled import F64

_NUMBERS = {formula: number for number, formula in enumerate(get_args(Formula))}


def delta_e(reference: npt.ArrayLike, sample: npt.ArrayLike, formula: Formula = "CIEDE2000") -> F64:
    """Return the differences of colours to their references.

    CIE94 and CMC are not symmetric: they weigh by the reference, which is the golden sample. CIEDE2000 jumps
    by up to 4 where the hues lie 180 degrees apart; `kernels.colour.ciede2000` says which side is taken.

    Args:
        reference: (..., 3) L*a*b* of the golden sample, or one (3,) for all.
        sample: (..., 3) L*a*b*; the shapes are broadcast.
        formula: see `golden.colours.Formula`. The numbers of CMC are l:c; CIEDE2000 and DIN99o have unit
            factors.

    Returns:
        (...) float64, of shape () for a single pair; correct to 1e-9. NaN where a coordinate is NaN.

    Raises:
        ValueError: the last axis is not three long, the shapes do not fit, or the formula is unknown.
    """
    if formula not in _NUMBERS:
        raise ValueError(f"formula {formula!r} is unknown: choose from {', '.join(_NUMBERS)}")
    both = [np.asarray(lab, np.float64) for lab in (reference, sample)]
    shape = np.broadcast_shapes(*(lab.shape for lab in both))
    if not shape or shape[-1] != 3:
        raise ValueError(f"L*a*b* colours have a last axis of three, not shape {shape}")
    # copied where broadcast: NumPy warns of its views as soon as a kernel asks whether they are writeable
    whole = (lab if lab.shape == shape else np.array(np.broadcast_to(lab, shape), order="C") for lab in both)
    pairs = (np.ascontiguousarray(lab.reshape(-1, 3)) for lab in whole)
    return differences(_NUMBERS[formula], *pairs).reshape(shape[:-1])
