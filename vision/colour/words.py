"""The words of `golden.colour_words` for L*a*b* in arrays."""

from __future__ import annotations

from golden import colour_words
from kernels.compiled import F64


def words(reference: F64, sample: F64, covariance: F64, coverage: float = 2.0) -> tuple[str, ...]:
    """Return what a colourist would say of the sample, the largest difference first.

    Args:
        reference: (3,) L*a*b*.
        sample: (3,) L*a*b*.
        covariance: (3, 3) of their difference.
        coverage: standard uncertainties that a difference must exceed.
    """
    (l1, a1, b1), (l2, a2, b2) = reference.tolist(), sample.tolist()
    return colour_words.words((l1, a1, b1), (l2, a2, b2), covariance.tolist(), coverage)
