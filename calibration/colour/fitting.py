"""Least squares fits of colour models in a perceptual metric, with left-out errors in closed form.

Residuals are those of XYZ times the slope of L*a*b*, and for CIEDE2000 of that formula too, at the patch's
reference: to first order a residual is a colour difference, and the fit stays linear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from calibration.colour.colorimetry import lab_from_xyz, lab_jacobian, xyz_from_lab
from calibration.colour.metric import ciede2000_root
from calibration.colour.model import Kind, powers, terms
from kernels.colour import ciede2000
from kernels.compiled import F64, Mask

Weighting = Literal["CIELAB", "CIEDE2000"]

# Weak prior of the terms beyond the linear ones, which hardly differ from each other and would cancel in
# large shares: beside residuals of about 2.5, a term's share of L*a*b* (rms over patches) is within about 80.
_RIDGE = 2.5 / 80


@dataclass(frozen=True, slots=True)
class Recipe:
    """A model and the metric in which it is fitted."""

    kind: Kind
    degree: int
    weighting: Weighting

    @property
    def powers(self) -> F64:
        """Powers of r, g and b of each term, (p, 3)."""
        return powers(self.kind, self.degree)

    def __str__(self) -> str:
        name = self.kind.replace("_", " ")
        return f"{name}{'' if self.degree == 1 else f' of degree {self.degree}'}, {self.weighting}"


_MODELS: tuple[tuple[Kind, int], ...] = (
    ("linear", 1), ("root_polynomial", 2), ("root_polynomial", 3), ("polynomial", 2),
)  # fmt: skip
_WEIGHTINGS: tuple[Weighting, ...] = ("CIELAB", "CIEDE2000")
RECIPES = tuple(Recipe(kind, degree, w) for kind, degree in _MODELS for w in _WEIGHTINGS)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What n patches should be.

    Attributes:
        lab: (n, 3) under the report illuminant.
        white: (3,) its XYZ.
        xyz: (n, 3).
        slopes: (n, 3, 3) of L*a*b* over XYZ.
        roots: (n, 3, 3) of the CIEDE2000 metric, see `ciede2000_root`.
    """

    lab: F64
    white: F64
    xyz: F64
    slopes: F64
    roots: F64

    @classmethod
    def of(cls, lab: F64, white: F64) -> Reference:
        """Make it from L*a*b* (n, 3) and the white (3,)."""
        xyz = xyz_from_lab(lab, white)
        return cls(lab, white, xyz, lab_jacobian(xyz, white), ciede2000_root(lab))

    def of_patches(self, kept: Mask) -> Reference:
        """Return some of the patches; kept is (n,)."""
        return Reference(self.lab[kept], self.white, self.xyz[kept], self.slopes[kept], self.roots[kept])

    def weights(self, weighting: Weighting) -> F64:
        """Return (n, 3, 3) what turns a residual of XYZ into one of the metric."""
        return self.slopes if weighting == "CIELAB" else self.roots @ self.slopes

    def lab_of(self, xyz: F64) -> F64:
        """Return L*a*b* (n, 3) of XYZ (n, 3)."""
        return lab_from_xyz(xyz, self.white)

    def errors(self, xyz: F64) -> F64:
        """Return CIEDE2000 (n,) of XYZ (n, 3), the reference first."""
        return np.array([ciede2000(a, b) for a, b in zip(self.lab, self.lab_of(xyz), strict=True)])


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted model.

    Attributes:
        matrix: (3, p) from terms to XYZ.
        xyz: (n, 3) of the patches that were fitted.
        left_out: (n, 3) of each patch by the fit of all others.
        covariance: (3 p, 3 p) of the matrix, row after row, in the units of `matrix` squared.
        degrees_of_freedom: of the covariance.
    """

    matrix: F64
    xyz: F64
    left_out: F64
    covariance: F64
    degrees_of_freedom: int


def fit(recipe: Recipe, rgb: F64, reference: Reference, u_delta_e: F64) -> Fit:
    """Fit a model to linear light (n, 3).

    The covariance is that of residuals which are alike in the CIEDE2000 metric, at least as large as the
    chart's own uncertainty says.

    Args:
        recipe: which model in which metric; n > p + 1 is needed for its p terms.
        rgb: (n, 3) linear light.
        reference: of the same patches.
        u_delta_e: (n,) standard uncertainty of the reference, CIEDE2000.
    """
    n = len(rgb)
    basis = terms(rgb, recipe.powers)
    p = basis.shape[1]
    weights = reference.weights(recipe.weighting)
    design: F64 = np.einsum("nij,nt->nijt", weights, basis).reshape(3 * n, 3 * p)
    target: F64 = np.einsum("nij,nj->ni", weights, reference.xyz).reshape(3 * n)
    scale: F64 = np.sqrt(np.mean(design**2, axis=0))
    ridge: F64 = np.diag(np.tile(np.array([0.0] * 3 + [_RIDGE] * (p - 3)), 3))
    q, r = np.linalg.qr(np.vstack((design / scale, ridge)))
    used: F64 = q[: 3 * n]
    inverse: F64 = np.linalg.solve(r, used.T) / scale[:, None]
    coefficients: F64 = inverse @ target
    matrix: F64 = coefficients.reshape(3, p)
    seen: F64 = basis @ matrix.T

    blocks = used.reshape(n, 3, 3 * p)
    kept = np.eye(3) - np.einsum("nik,njk->nij", blocks, blocks)
    residual: F64 = (target - design @ coefficients).reshape(n, 3, 1)
    without: F64 = np.asarray(np.linalg.solve(kept @ weights, residual), np.float64)[..., 0]

    off: F64 = np.einsum("nij,nj->ni", reference.roots @ reference.slopes, reference.xyz - seen)
    freedom = 3 * (n - p)
    variance = max(float(np.sum(off**2)) / freedom, float(np.mean(u_delta_e**2)) / 3)
    if recipe.weighting == "CIELAB":  # residuals alike in CIEDE2000 are not alike in L*a*b*
        alike = np.linalg.inv(reference.roots)
        inverse = np.einsum("kni,nij->knj", inverse.reshape(3 * p, n, 3), alike).reshape(3 * p, 3 * n)
    covariance: F64 = variance * (inverse @ inverse.T)
    return Fit(matrix, seen, reference.xyz - without, covariance, freedom)


def choose(recipes: tuple[Recipe, ...], rgb: F64, reference: Reference, u_delta_e: F64) -> tuple[Recipe, Fit]:
    """Return the recipe with the least mean left-out CIEDE2000, and its fit; the first of equals.

    Recipes with too many terms for the patches are passed over.
    """
    best: tuple[float, Recipe, Fit] | None = None
    for recipe in recipes:
        if len(recipe.powers) + 1 >= len(rgb):
            continue
        found = fit(recipe, rgb, reference, u_delta_e)
        error = float(reference.errors(found.left_out).mean())
        if best is None or error < best[0]:
            best = error, recipe, found
    assert best is not None, "too few patches for any recipe"
    return best[1], best[2]
