"""One smooth map through tracked patches: robust, as simple as the evidence allows, with its covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kernels.compiled import F64
from kernels.map_fit import PROJECTIVE, QUADRATIC, SIMILARITY, fit_models
from vision.mapping import QuadraticMap

NAMES: Final = {SIMILARITY: "similarity", PROJECTIVE: "projective", QUADRATIC: "quadratic"}


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A map, the name of its model, the covariance (12, 12) of its coefficients and the weights (m,).

    `spread` is the residuals' standard deviation over the one that the patches' covariances imply.
    """

    mapping: QuadraticMap
    model: str
    covariance: F64
    weights: F64
    spread: float


def fit_map(
    golden: F64,
    unit: F64,
    covariances: F64,
    start: QuadraticMap,
    models: tuple[int, int] = (PROJECTIVE, QUADRATIC),
) -> Fit | None:
    """Fit the map by Tukey's biweight, starting from a map; see `kernels.map_fit.fit_models`.

    Args:
        golden: (m, 2) patch centres.
        unit: (m, 2) where they were found.
        covariances: (m, 3) xx, xy, yy of `unit`, up to a common factor that is estimated.
        start: a map near the answer; patches far from it count little at first.
        models: the simplest and the most general of the models that are tried, in the order of `NAMES`.

    Returns:
        The fit, or None where the patches do not determine it.
    """
    coefficients, covariance, weights, spread, model = fit_models(
        golden, unit, covariances, start.coefficients, *start.centre, start.extent, *models
    )
    if model < 0:
        return None
    mapping = QuadraticMap(start.centre, start.extent, coefficients.reshape(6, 2))
    return Fit(mapping, NAMES[model], covariance, weights, spread)
