"""A characteristic's value as a function of fitted edges, with how it moves when they do, and its drawing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from golden.sizes import Unit
from kernels.compiled import F64, I64
from vision.edges.association import Associated

Parts = tuple[tuple[Associated, F64], ...]
PointParts = tuple[tuple[Associated, I64, F64], ...]

_STEP = 1e-5  # mm or rad, of central differences: their error is below 1e-8 of the gradient


@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """One piece of a drawing: `points_px` (n, 2) of the raw frame.

    A line or an arc is drawn through its points, an arrow has heads at both of its two, a point is a cross.
    """

    kind: Literal["line", "arc", "point", "arrow"]
    points_px: F64


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a characteristic looks like over the raw frame, drawn when somebody looks.

    Attributes:
        measured: what shows the measured quantity.
        courses: returns the courses of the fitted forms.
    """

    measured: tuple[Primitive, ...]
    courses: Callable[[], tuple[Primitive, ...]] = tuple

    @property
    def primitives(self) -> tuple[Primitive, ...]:
        """Return all of it; the last primitive shows what is measured."""
        return (*self.courses(), *self.measured)


@dataclass(frozen=True, slots=True, eq=False)
class Offset:
    """The length of a small vector that ought to be zero, inside a value: it is never negative.

    Uncertainty of the vector makes such a length too long on average; `Value.corrected` takes that out.

    Attributes:
        length: the length as it was found, in the value's unit and scale (a diameter of a zone).
        bonus: what the value is less than the length, before it is limited to zero.
        along: gradient of the component along the vector.
        across: gradient of the component across it.
    """

    length: float
    bonus: float
    along: Parts
    across: Parts


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """What a characteristic measures, with its sensitivities to what it was measured from.

    Displaced edge points change it by the sum over `parts` of gradient . (change of parameters) and over
    `point_parts` of weights . (displacement of these points along their normals).

    Attributes:
        value: in `unit`; of extremes what point noise adds on average has been taken off.
        unit: mm, deg or mm2.
        parts: features, each once, with the gradient (k,) by its parameters.
        point_parts: features with indices of the points that decide, and weights, for extremes.
        noise: standard uncertainty by independent noise of the points in `point_parts`, which are chosen by
            their noise: it stands in place of their weights; 0 without them. That of `parts` comes on top.
        degrees_of_freedom: of `noise`.
        points_px: (n, 2) edge points that decided, raw frame.
        set_aside: largest share of a feature's places that did not show the edge on its form.
        drawing: for the overlay.
        offset: the vector whose length it holds, of position and concentricity.
    """

    value: float
    unit: Unit
    parts: Parts
    point_parts: PointParts
    noise: float
    degrees_of_freedom: float
    points_px: F64
    set_aside: float
    drawing: Drawing
    offset: Offset | None = field(default=None)

    def corrected(self, u_along: float, u_across: float) -> float:
        """Return the value without what the uncertainty of its offset adds to a length on average.

        With standard uncertainties of the two components, everything included: the square of the true
        length is estimated without bias by length^2 - u_along^2 - u_across^2, at least zero.
        """
        if self.offset is None:
            return self.value
        length = math.sqrt(max(self.offset.length**2 - u_along**2 - u_across**2, 0.0))
        return max(length - self.offset.bonus, 0.0)


def differentiate(
    function: Callable[[Sequence[F64]], F64], features: Sequence[Associated]
) -> tuple[F64, tuple[tuple[Associated, F64], ...]]:
    """Return a function's result (r,) at the features' parameters, and its derivatives (r, k) by each.

    `function` takes the parameters of `features` in order; one that occurs twice is moved in both places.
    """
    here = [a.parameters for a in features]
    jacobians: list[tuple[Associated, F64]] = []
    for feature in {id(a): a for a in features}.values():
        columns: list[F64] = []
        for k in range(len(feature.parameters)):
            step = np.zeros(len(feature.parameters))
            step[k] = _STEP
            ahead, behind = (
                function(
                    [p + sign * step if a is feature else p for a, p in zip(features, here, strict=True)]
                )
                for sign in (1.0, -1.0)
            )
            columns.append((ahead - behind) / (2 * _STEP))
        jacobians.append((feature, np.stack(columns, axis=1)))
    return function(here), tuple(jacobians)


def of_parameters(
    function: Callable[[Sequence[F64]], float],
    features: Sequence[Associated],
    drawing: Drawing,
    unit: Unit = "mm",
) -> Value:
    """Return a function of the features' parameters as a value with its gradient."""
    value, jacobians = differentiate(lambda p: np.array([function(p)]), features)
    return Value(
        value=float(value[0]),
        unit=unit,
        parts=tuple((a, j[0]) for a, j in jacobians),
        point_parts=(),
        noise=0.0,
        degrees_of_freedom=math.inf,
        points_px=decided(features),
        set_aside=set_aside(features),
        drawing=drawing,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """An extreme's value without bias, its noise, and its gradient; `bias` has been taken off."""

    value: float
    bias: float
    noise: float
    degrees_of_freedom: float
    parts: Parts
    point_parts: PointParts


def of_extreme(found: Found, features: Sequence[Associated], drawing: Drawing) -> Value:
    """Return an extreme as a value in mm; none is below zero."""
    return Value(
        value=max(found.value, 0.0),
        unit="mm",
        parts=found.parts,
        point_parts=found.point_parts,
        noise=found.noise,
        degrees_of_freedom=found.degrees_of_freedom,
        points_px=decided(features),
        set_aside=set_aside(features),
        drawing=drawing,
    )


def decided(features: Sequence[Associated]) -> F64:
    """Return the kept points of the features, each feature once: (n, 2) raw pixels."""
    return np.concatenate([a.points_px[a.kept] for a in {id(a): a for a in features}.values()])


def set_aside(features: Sequence[Associated]) -> float:
    """Return the largest share that the features' fits set aside."""
    return max(1.0 - a.inlier_share for a in features)
