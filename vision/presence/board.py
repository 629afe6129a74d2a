"""Whether bare surroundings show where a component should be."""

from __future__ import annotations

import numpy as np

from kernels.compiled import F32, Mask

_FEWEST = 30  # pixels that colours are told from
_TOLD = 24.0  # codes by which a component's pixel differs from its surroundings
_LEAST_TOLD = 0.2  # of the component's pixels that must


def bare_share(golden: F32, unit: F32, core: Mask, golden_about: F32, unit_about: F32) -> float | None:
    """Return the share of a component's pixels where the unit is more like its surroundings than like it.

    Only pixels count in which the golden sample's component differs from the surroundings. These are a median
    colour with its spread (Rousseeuw and Croux 1993, doi:10.1080/01621459.1993.10476408, for the scale).

    Args:
        golden: (h, w, 3) codes of the component.
        unit: (h, w, 3) codes of the unit where the component lies or should.
        core: (h, w), the component's pixels.
        golden_about: (n, 3) codes of the golden sample's surroundings.
        unit_about: (m, 3) codes of the unit's.

    Returns:
        0 to 1; None where the component cannot be told from its surroundings by colour.
    """
    if min(len(golden_about), len(unit_about)) < _FEWEST:
        return None
    before, after = golden[core], unit[core]
    told = _beside(before, golden_about) > _TOLD
    if told.mean() < _LEAST_TOLD or told.sum() < _FEWEST:
        return None
    differs = np.linalg.norm(after[told] - before[told], axis=1)
    return float((_beside(after[told], unit_about) < differs).mean())


def _beside(codes: F32, about: F32) -> F32:
    """Return how far (n, 3) codes lie beyond twice the spread of the surroundings' colour."""
    middle = np.median(about, axis=0)
    spread = 1.4826 * np.median(np.abs(about - middle), axis=0)
    return np.linalg.norm(np.maximum(np.abs(codes - middle) - 2 * spread, 0), axis=1)
