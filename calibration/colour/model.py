"""Camera colour models: linear camera light to XYZ, with the covariance of their parameters.

Every model is a matrix over products of powers of r, g and b, so that one kernel serves all:

* linear: r, g, b;
* root polynomial of degree 2 or 3: Finlayson, Mackiewicz and Hurlbert (2015), doi:10.1109/TIP.2015.2405336;
  a change of exposure scales all terms alike, so X, Y and Z scale with it;
* polynomial of degree 2, without a constant: not exposure-invariant.

No model has a constant: light without light is black, which is measured and removed before. A fitted constant
would also take up flare of this one scene and break exposure invariance.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from golden.regions import Closed
from kernels.compiled import F64

DARKEST = 1e-4  # of full scale: roots of less light are those of this, which bounds their slope

Kind = Literal["linear", "root_polynomial", "polynomial"]
Powers = tuple[float, float, float]

_LINEAR: tuple[Powers, ...] = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
_HALF, _THIRD = 1 / 2, 1 / 3
_ROOTS_2: tuple[Powers, ...] = ((_HALF, _HALF, 0), (0, _HALF, _HALF), (_HALF, 0, _HALF))
_ROOTS_3: tuple[Powers, ...] = (
    (_THIRD, 2 * _THIRD, 0), (0, _THIRD, 2 * _THIRD), (_THIRD, 0, 2 * _THIRD),
    (2 * _THIRD, _THIRD, 0), (0, 2 * _THIRD, _THIRD), (2 * _THIRD, 0, _THIRD), (_THIRD, _THIRD, _THIRD),
)  # fmt: skip
_SQUARES: tuple[Powers, ...] = ((2, 0, 0), (0, 2, 0), (0, 0, 2), (1, 1, 0), (0, 1, 1), (1, 0, 1))
_POWERS: dict[tuple[Kind, int], tuple[Powers, ...]] = {
    ("linear", 1): _LINEAR,
    ("root_polynomial", 2): _LINEAR + _ROOTS_2,
    ("root_polynomial", 3): _LINEAR + _ROOTS_2 + _ROOTS_3,
    ("polynomial", 2): _LINEAR + _SQUARES,
}

Coefficients = Annotated[tuple[float, ...], Field(min_length=3, max_length=13)]


def powers(kind: Kind, degree: int) -> F64:
    """Return the powers of r, g and b of each term, (p, 3).

    Raises:
        KeyError: there is no such model.
    """
    return np.array(_POWERS[kind, degree], np.float64)


def terms(rgb: F64, powers: F64) -> F64:
    """Return the terms, (..., p), of linear light (..., 3); roots are those of at least DARKEST."""
    light: F64 = np.asarray(rgb, np.float64)[..., None, :]
    whole = np.all(powers == np.round(powers), axis=1)[:, None]
    return np.prod(np.where(whole, light, np.maximum(light, DARKEST)) ** powers, axis=-1)


class ColourModel(Closed):
    """A matrix from terms of linear camera light to XYZ (Y = 1 for the perfect reflecting diffuser).

    Attributes:
        kind: of the terms.
        degree: 1 of linear, 2 or 3 of root polynomials, 2 of polynomials.
        coefficients: rows for X, Y and Z over the terms in the order of `powers`.
        covariance: of the coefficients, row after row (all of X first): (3 p, 3 p), symmetric.
        degrees_of_freedom: of the covariance.
    """

    kind: Kind
    degree: Annotated[int, Field(ge=1, le=3)]
    coefficients: tuple[Coefficients, Coefficients, Coefficients]
    covariance: Annotated[tuple[tuple[float, ...], ...], Field(min_length=9, max_length=39)]
    degrees_of_freedom: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.kind, self.degree) not in _POWERS:
            raise ValueError(f"there is no {self.kind} model of degree {self.degree}")
        p = len(self.powers)
        if any(len(row) != p for row in self.coefficients):
            raise ValueError(f"a {self.kind} model of degree {self.degree} has {p} coefficients in each row")
        if len(self.covariance) != 3 * p or any(len(row) != 3 * p for row in self.covariance):
            raise ValueError(f"the covariance is not {3 * p} x {3 * p}")
        matrix = np.array(self.covariance)
        if not np.array_equal(matrix, matrix.T) or np.diag(matrix).min() < 0:
            raise ValueError("the covariance is not symmetric with variances from 0")
        return self

    @classmethod
    def of(cls, kind: Kind, degree: int, matrix: F64, covariance: F64, degrees_of_freedom: float) -> Self:
        """Make it from arrays: matrix (3, p), covariance (3 p, 3 p), which is made symmetric."""
        x, y, z = (tuple(row) for row in matrix.tolist())
        symmetric = (covariance + covariance.T) / 2
        return cls(
            kind=kind, degree=degree, coefficients=(x, y, z),
            covariance=tuple(tuple(row) for row in symmetric.tolist()),
            degrees_of_freedom=degrees_of_freedom,
        )  # fmt: skip

    @property
    def powers(self) -> F64:
        """Powers of r, g and b of each term, (p, 3): 1, 1/2, 1/3, 2/3 or 2."""
        return powers(self.kind, self.degree)

    @property
    def matrix(self) -> F64:
        """Coefficients, (3, p)."""
        return np.array(self.coefficients, np.float64)

    def terms(self, rgb: F64) -> F64:
        """Return the terms, (..., p), of linear light (..., 3); roots are those of at least DARKEST."""
        return terms(rgb, self.powers)

    def xyz(self, rgb: F64) -> F64:
        """Return XYZ, (..., 3), of linear light (..., 3)."""
        return self.terms(rgb) @ self.matrix.T

    def jacobian(self, rgb: F64) -> F64:
        """Return dXYZ / drgb, (3, 3), at linear light (3,)."""
        light = np.asarray(rgb, np.float64)
        slopes = np.empty((len(self.powers), 3))
        for channel in range(3):
            lowered = self.powers.copy()
            lowered[:, channel] -= 1
            factor = self.powers[:, channel]
            present = factor > 0
            lowered[~present] = 0  # a power of -1 is never taken
            fractional = np.any(self.powers != np.round(self.powers), axis=1)
            base = np.where(fractional[:, None], np.maximum(light, DARKEST), light)
            held = fractional & (light[channel] < DARKEST)
            slopes[:, channel] = np.where(held | ~present, 0.0, factor * np.prod(base**lowered, axis=1))
        return self.matrix @ slopes

    def parameter_jacobian(self, rgb: F64) -> F64:
        """Return dXYZ / dcoefficients, (3, 3 p), in the order of `covariance`, at linear light (3,)."""
        return np.asarray(np.kron(np.eye(3), self.terms(np.asarray(rgb, np.float64))[None, :]), np.float64)
