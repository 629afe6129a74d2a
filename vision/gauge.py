"""A gauge at hand: forms drawn roughly on any picture are measured without a golden sample.

The edges, dimensions and budgets are those of a station. What only a loose picture leaves open comes on top:
how its codes relate to light where nobody says so, what JPEG compression does, which ring of a rough rim is
meant.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from calibration.plane_map import PlaneMap
from calibration.substitution import EdgeDefinition
from golden.sizes import Unit
from golden.uncertainty import Combined, Component, combine, expand
from kernels.compiled import F64
from vision.dimension import Drawing, Primitive
from vision.dimension import drawing as draw
from vision.dimension.budget import Line, budget
from vision.dimension.geometry import angle_deg, apart, between_lines, intersection, normal
from vision.dimension.value import of_parameters
from vision.drawn import Between, Drawn, DrawnCircle, DrawnLine, DrawnWidth, Point, edges_of, outline
from vision.edges import Associated, NotMeasured, RawLight, fit_circle, fit_line
from vision.edges.fit import Shade, Side
from vision.edges.rim import Ring, fit_rim

COVERAGE = 0.95
_REACH_SHARE = {"circle": 0.5, "width": 0.45}  # of radius or width: what lies farther is another edge
_ROUGH_PX = 0.25  # rms off the form: above it, which circle is meant is open
_PARALLEL = math.sin(math.radians(10))
_RECTANGULAR, _TWO_ENDS = math.sqrt(3), math.sqrt(12)
# Shift of an edge as a share of (step of the compression's coarse structure / slope of the edge in codes).
# Found on 1,800 exact scenes, sRGB, qualities 50 to 95, blurs 0.6 to 1.2 px: 0.05 to 0.07 and 0.07 to 0.11.
_JPEG_SHIFT = {"circle": 0.06, "arc": 0.09, "line": 0.09}

Quantity = Literal["diameter", "radius", "direction", "width", "distance", "angle"]
Fold = Callable[[Sequence[F64]], float]
Look = Callable[[RawLight], tuple[Associated, ...] | NotMeasured]

_BETWEEN: dict[Shade, tuple[Side, Side]] = {"dark": ("left", "right"), "bright": ("right", "left")}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture as it is measured.

    Attributes:
        raw: its light.
        plane: raw pixels to mm.
        edge: optical against mechanical edge.
        otherwise: the same picture by the other transfer that it may have; None where the transfer is known.
        code_steps: (256,) light per code at light from 0 to 1 in equal steps.
        jpeg_step: mean quantisation step of the compression's coarse structure, codes; 0 without it.
    """

    raw: RawLight
    plane: PlaneMap
    edge: EdgeDefinition
    otherwise: RawLight | None
    code_steps: F64
    jpeg_step: float


@dataclass(frozen=True, slots=True)
class Fit:
    """The edges of a drawn form.

    Attributes:
        found: its edges; two of a width.
        rough: whether the rim is so rough that several circles could be meant.
        otherwise: parameters by the other transfer, or None.
        rings: of a rough rim the parameters of the smallest and the largest ring within reach, or None.
    """

    found: tuple[Associated, ...]
    rough: bool = False
    otherwise: tuple[F64, ...] | None = None
    rings: tuple[F64, F64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One measured value, or the reason why there is none.

    Attributes:
        name: of what was drawn.
        quantity: what was measured.
        unit: mm or deg.
        reason: code of the registry, or None; without a value there is no budget.
        value: corrected for what is known.
        lines: budget of its uncertainty, the largest first.
        total: standard uncertainty and effective degrees of freedom.
        coverage_factor: k that covers 95 %.
        fits: what it was measured from.
        drawing: over the picture; of a form that was not measured as it was drawn.
    """

    name: str
    quantity: Quantity
    unit: Unit
    reason: str | None = None
    value: float = math.nan
    lines: tuple[Line, ...] = ()
    total: Combined = field(default_factory=lambda: Combined(math.nan, math.inf))
    coverage_factor: float = math.nan
    fits: tuple[Fit, ...] = ()
    drawing: Drawing = field(default_factory=lambda: Drawing(()))

    @property
    def expanded(self) -> float:
        """U = k u."""
        return self.coverage_factor * self.total.standard_uncertainty

    @property
    def features(self) -> tuple[Associated, ...]:
        """The edges."""
        return tuple(edge for fit in self.fits for edge in fit.found)


def read(
    picture: Picture, drawn: Sequence[Drawn], between: Sequence[Between], *, reach_px: float
) -> list[Reading]:
    """Measure what is drawn, then what lies between it.

    Args:
        picture: the picture.
        drawn: forms with different names; circles are measured as diameters, arcs as radii, lines as
            directions in the object plane.
        between: names of two circles or lines each. An angle is that of the lines' directions, 0 to 180.
        reach_px: how far from what is drawn edges are searched; less where other edges are near.

    Raises:
        KeyError: a name in `between` is not one of `drawn`.
    """
    fits: dict[str, Fit | NotMeasured] = {d.name: _fit(picture, d, reach_px) for d in drawn}
    readings = [_reading(picture, d.name, _quantity(d), [fits[d.name]], outline(d)) for d in drawn]
    pairs = [_reading(picture, b.name, b.quantity, [fits[b.a], fits[b.b]], ()) for b in between]
    return readings + pairs


def _quantity(drawn: Drawn) -> Quantity:
    if isinstance(drawn, DrawnCircle):
        return "diameter" if drawn.arc_deg is None else "radius"
    return "direction" if isinstance(drawn, DrawnLine) else "width"


def _fit(picture: Picture, drawn: Drawn, reach: float) -> Fit | NotMeasured:
    """Fit what is drawn; a circle whose edge is no clean step is taken as a rough rim."""
    look = _look(drawn, picture.plane, reach)
    found = look(picture.raw)
    fit = (
        found
        if isinstance(found, NotMeasured)
        else Fit(found, otherwise=_parameters(look, picture.otherwise, found))
    )
    if not isinstance(drawn, DrawnCircle) or drawn.arc_deg is not None or not _is_rough(picture.plane, fit):
        return fit
    return _rim(picture, drawn, reach, fit.found if isinstance(fit, Fit) else ()) or fit


def _is_rough(plane: PlaneMap, circle: Fit | NotMeasured) -> bool:
    """Return whether a circle's edge is no clean step all around."""
    if isinstance(circle, NotMeasured):
        return circle.reason in ("edge_not_found", "edge_disputed")
    (edge,) = circle.found
    return _rms(edge) > _ROUGH_PX * _mm_per_px(plane, edge)


def _look(drawn: Drawn, plane: PlaneMap, reach: float) -> Look:
    """Return what fits the edges of a drawn form in a frame."""
    if isinstance(drawn, DrawnCircle):
        near = min(reach, _REACH_SHARE["circle"] * drawn.radius_px)
        first, last = drawn.arc_deg or (None, None)
        return lambda raw: _each(
            fit_circle(
                raw, plane, drawn.center_px, drawn.radius_px, reach_px=near,
                inside=drawn.inside, start_deg=first, end_deg=last,
            )
        )  # fmt: skip
    if isinstance(drawn, DrawnLine):
        return lambda raw: _each(fit_line(raw, plane, drawn.start_px, drawn.end_px, reach_px=reach))
    return lambda raw: _sides(raw, plane, drawn, reach)


def _each(*edges: Associated | NotMeasured) -> tuple[Associated, ...] | NotMeasured:
    fitted: list[Associated] = []
    for edge in edges:
        if isinstance(edge, NotMeasured):
            return edge
        fitted.append(edge)
    return tuple(fitted)


def _sides(
    raw: RawLight, plane: PlaneMap, drawn: DrawnWidth, reach: float
) -> tuple[Associated, ...] | NotMeasured:
    """Fit the two edges of what is dark, or bright, between them: whichever shows better."""
    near = min(reach, _REACH_SHARE["width"] * math.dist(drawn.start_px, drawn.end_px))
    found: list[tuple[Associated, ...]] = []
    reason = NotMeasured("edge_not_found")
    for inside, darks in _BETWEEN.items():
        if drawn.inside not in (None, inside):
            continue
        sides = (
            fit_line(raw, plane, _point(ends[0]), _point(ends[1]), reach_px=near, dark=dark)
            for ends, dark in zip(edges_of(drawn), darks, strict=True)
        )
        pair = _each(*sides)
        if isinstance(pair, NotMeasured):
            reason = pair
        else:
            found.append(pair)
    return max(found, key=_shown) if found else reason


def _shown(edges: Sequence[Associated]) -> float:
    """Return how well the weakest of the edges shows."""
    return min(edge.contrast * edge.inlier_share for edge in edges)


def _point(at: F64) -> Point:
    return float(at[0]), float(at[1])


def _parameters(look: Look, raw: RawLight | None, found: tuple[Associated, ...]) -> tuple[F64, ...] | None:
    """Return the parameters of the same edges by the other transfer; None where they are not found."""
    other = None if raw is None else look(raw)
    if other is None or isinstance(other, NotMeasured):
        return None
    same = all(a.bright == b.bright for a, b in zip(found, other, strict=True))
    return tuple(edge.parameters for edge in other) if same else None


def _rim(picture: Picture, drawn: DrawnCircle, reach: float, also: Sequence[Associated]) -> Fit | None:
    """Fit the clearest ring of a rough rim, and tell how far all that could be meant differ, `also` too."""
    clearest = _rings(picture, drawn, reach, ("clearest",))
    if not clearest:
        return None
    found, inside = max(clearest, key=lambda ring: _shown(ring[:1]))
    ends = [ring for ring, _ in _rings(picture, drawn, reach, ("innermost", "outermost"))]
    same = replace(drawn, inside=inside)
    other = _parameters(
        lambda raw: tuple(
            edge for edge, _ in _rings(replace(picture, raw=raw), same, reach, ("clearest",))
        ) or NotMeasured("edge_not_found"),
        picture.otherwise, (found,),
    )  # fmt: skip
    return Fit((found,), rough=True, otherwise=other, rings=_span([*ends, *also, found]))


def _rings(
    picture: Picture, drawn: DrawnCircle, reach: float, which: Sequence[Ring]
) -> list[tuple[Associated, Shade]]:
    """Return rings of a rough rim: of the side that was asked for, or of both."""
    near = min(reach, _REACH_SHARE["circle"] * drawn.radius_px)
    shades: Sequence[Shade] = ("dark", "bright") if drawn.inside is None else (drawn.inside,)
    rings: list[tuple[Associated, Shade]] = []
    for shade, ring in itertools.product(shades, which):
        rim = fit_rim(
            picture.raw,
            picture.plane,
            drawn.center_px,
            drawn.radius_px,
            reach_px=near,
            inside=shade,
            ring=ring,
        )
        if isinstance(rim, Associated):
            rings.append((rim, shade))
    return rings


def _span(rings: Sequence[Associated]) -> tuple[F64, F64]:
    """Return the parameters of the smallest and of the largest ring."""
    by_size = sorted((ring.parameters for ring in rings), key=lambda p: float(p[2]))
    return by_size[0], by_size[-1]


def _rms(edge: Associated) -> float:
    """Return how far the points that decided lie off the form, mm."""
    off = edge.residuals[edge.kept]
    return math.sqrt(float(off @ off) / len(off))


def _mm_per_px(plane: PlaneMap, edge: Associated) -> float:
    return math.sqrt(float(np.median(np.abs(np.linalg.det(plane.jacobians(edge.points_px))))))


def _reading(
    picture: Picture,
    name: str,
    quantity: Quantity,
    fits: Sequence[Fit | NotMeasured],
    rough: tuple[Primitive, ...],
) -> Reading:
    """Return the value with its budget, or the reason of the first form that was not measured."""
    unit: Unit = "deg" if quantity in ("direction", "angle") else "mm"
    measured: list[Fit] = []
    for fit in fits:
        if isinstance(fit, NotMeasured):
            return Reading(name, quantity, unit, fit.reason, drawing=Drawing(rough))
        measured.append(fit)
    features = [edge for fit in measured for edge in fit.found]
    fold = _fold(quantity, features)
    if fold is None:
        return Reading(name, quantity, unit, "edge_disputed", drawing=Drawing(rough))
    drawing = draw.drawing(picture.plane, features, *_mark(quantity, features, picture.plane))
    value = of_parameters(fold, features, drawing, unit)
    told = budget(value, picture.plane, edge=picture.edge)
    doubts = (
        Line("transfer", _by_transfer(fold, measured), math.inf, common=True),
        Line("ring", _by_ring(fold, measured), math.inf, common=False),
        Line("JPEG", _by_jpeg(picture, value.parts), math.inf, common=False),
    )
    lines = sorted(
        (line for line in (*told.lines, *doubts) if line.standard_uncertainty > 0),
        key=lambda line: -line.standard_uncertainty,
    )
    total = combine([Component(c.name, c.standard_uncertainty, c.degrees_of_freedom) for c in lines])
    factor = expand(total, COVERAGE).coverage_factor
    return Reading(
        name, quantity, unit, None, told.value, tuple(lines), total, factor, tuple(measured), drawing
    )


def _fold(quantity: Quantity, features: Sequence[Associated]) -> Fold | None:
    """Return the quantity as a function of the features' parameters; None where they have none."""
    lines = [a.form == "line" for a in features]
    if quantity in ("diameter", "radius"):
        size = 2.0 if quantity == "diameter" else 1.0
        return lambda p: size * float(p[0][2])
    if quantity == "direction":
        return lambda p: math.degrees(p[0][2])
    if quantity == "angle":
        return lambda p: angle_deg(p[0], p[1])
    if all(lines):
        turned = abs(math.sin(features[0].parameters[2] - features[1].parameters[2]))
        return (lambda p: apart(p[0], p[1])) if turned < _PARALLEL else None
    if any(lines):
        line = lines.index(True)
        return lambda p: abs(float((p[1 - line][:2] - p[line][:2]) @ normal(p[line])))
    return lambda p: math.dist(p[0][:2], p[1][:2])


def _mark(quantity: Quantity, features: Sequence[Associated], plane: PlaneMap) -> tuple[Primitive, ...]:
    """Return what shows the quantity over the features: an arrow, or the corner of an angle."""
    a, b = features[0].parameters, features[-1].parameters
    if quantity == "direction":
        return ()
    if quantity == "angle":
        return (draw.point(plane, intersection(a, b)),) if abs(math.sin(a[2] - b[2])) > _PARALLEL else ()
    if quantity == "diameter":
        half = np.array([a[2], 0.0])
        return (draw.arrow(plane, a[:2] - half, a[:2] + half),)
    if quantity == "radius":
        return (draw.arrow(plane, a[:2], features[0].points_mm[len(features[0].points_mm) // 2]),)
    lines = [edge for edge in (features[0], features[-1]) if edge.form == "line"]
    start, end = a[:2], b[:2]
    if len(lines) == 2:
        start = between_lines(a, b)[:2]
        across = normal(between_lines(a, b))
        half = across * float((b[:2] - a[:2]) @ across) / 2
        start, end = start - half, start + half
    elif lines:
        foot = lines[0].parameters
        point = b[:2] if lines[0] is features[0] else a[:2]
        start, end = point, point + normal(foot) * float((foot[:2] - point) @ normal(foot))
    return (draw.arrow(plane, start, end),)


def _by_transfer(fold: Fold, fits: Sequence[Fit]) -> float:
    """Return what not knowing the transfer adds: the value may be as far off as the other one takes it."""
    found = [edge.parameters for fit in fits for edge in fit.found]
    other = [p for fit in fits for p in fit.otherwise or (edge.parameters for edge in fit.found)]
    return abs(fold(other) - fold(found)) / _RECTANGULAR


def _by_ring(fold: Fold, fits: Sequence[Fit]) -> float:
    """Return what not knowing the ring of rough rims adds: any between the innermost and the outermost."""
    square = 0.0
    for fit in fits:
        if fit.rings is None:
            continue
        inner, outer = (
            fold([at if f is fit else edge.parameters for f in fits for edge in f.found]) for at in fit.rings
        )
        square += ((outer - inner) / _TWO_ENDS) ** 2
    return math.sqrt(square)


def _by_jpeg(picture: Picture, parts: Sequence[tuple[Associated, F64]]) -> float:
    """Return what compression adds: it shifts whole edges, which their own scatter does not show."""
    square = 0.0
    for feature, gradient in parts if picture.jpeg_step > 0 else ():
        ways = np.zeros((3, len(feature.points_px), 2))
        ways[2] = feature.normals
        if feature.form == "line":  # its normal is one of all directions; blocks along it may turn it
            ways[1] = feature.normals * np.linspace(-1, 1, len(feature.normals))[:, None]
        else:
            ways[0, :, 0] = ways[1, :, 1] = 1.0
        square += (_jpeg_shift(picture, feature) ** 2) * float(((feature.moved(ways) @ gradient) ** 2).sum())
    return math.sqrt(square)


def _jpeg_shift(picture: Picture, feature: Associated) -> float:
    """Return the standard shift of an edge by compression, mm."""
    places = feature.points_px[feature.kept]
    mm_per_px = _mm_per_px(picture.plane, feature)
    levels = [picture.raw.window(x, y, x, y) for x, y in np.rint(places)]
    middle = float(np.median([level[0][0, 0] for level in levels if level is not None]))
    step = float(np.interp(middle, np.linspace(0, 1, len(picture.code_steps)), picture.code_steps))
    slope = feature.contrast / (math.sqrt(2 * math.pi) * feature.blur_px)  # light per px where steepest
    return _JPEG_SHIFT[feature.form] * picture.jpeg_step * step / slope * mm_per_px
