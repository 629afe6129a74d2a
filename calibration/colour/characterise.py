"""From the patches of a chart to a camera's colours: choice of model, errors left out, checks of the picture.

The choice is nested: of every patch in turn the others alone give the flat field (where it is the chart's),
choose the model and its metric by their own left-out errors, and fit it; then the patch is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibration.colour.camera import (
    Cause,
    ChartUsed,
    ColourCalibration,
    ColourPatch,
    ErrorSummary,
    FlatSource,
    Triple,
)
from calibration.colour.chart import Chart
from calibration.colour.colorimetry import (
    AdaptationMethod,
    adaptation,
    illuminant_name,
    lab_from_xyz,
    white_point,
    xyz_from_lab,
)
from calibration.colour.fitting import RECIPES, Fit, Recipe, Reference, choose
from calibration.colour.flat import flat_field, frame_places, gradient, light_at, mixture
from calibration.colour.linearity import CLIPPED, DARK, Transfer, find_linearity
from calibration.colour.metamerism import estimate_metamerism
from calibration.colour.metric import ciede2000_axes
from calibration.colour.model import ColourModel, terms
from calibration.colour.patches import Patches
from calibration.colour.slope import slope_residual
from calibration.errors import CharacterisationError
from calibration.flat_field import FlatField
from kernels.colour import ciede2000
from kernels.compiled import F64, Mask

RULE = (
    f"patches whose mean code lies less than {DARK:g} (of 255) above black are excluded as dark, patches "
    f"with more than {CLIPPED:.0%} of their pixels at either end of the codes as clipped; no other patch is"
)
FEWEST = 10  # patches that take part
_MOST_EXCLUDED = 0.25  # share of the patches
_FAINT = 0.1  # of full scale: of the greatest channel of any patch
_FOREIGN = 10.0  # median left-out CIEDE2000: no camera is so far off its own chart
_U_WHITE = (0.05, 0.05)  # of a white by the model alone: no grey patch says more
_BENT = 0.1  # rms relative departure from linearity that is worth a statement


@dataclass(frozen=True, slots=True, eq=False)
class Characterisation:
    """What was found.

    Attributes:
        colour: for the certificate.
        flat_field: the light over the frame where it is the chart's; it belongs into the certificate too.
        recipe: that was chosen.
        folds: what was chosen without each patch that took part, in the chart's order.
    """

    colour: ColourCalibration
    flat_field: FlatField | None
    recipe: Recipe
    folds: tuple[Recipe, ...]


def characterise(
    patches: Patches, chart: Chart, *, light: str, transfer: Transfer, highest_code: int = 255,
    black_level: float = 0.0, flat: FlatSource = "none", frame: tuple[int, int] | None = None,
    illuminant: str | None = None, method: AdaptationMethod = "Bradford",
    recipes: tuple[Recipe, ...] = RECIPES,
) -> Characterisation:  # fmt: skip
    """Characterise a camera by one picture of a chart.

    Args:
        patches: read with the table of `transfer`, and with the factors of `flat` if that is "frames".
        chart: which chart.
        light: the station's illuminant in the words of whoever states it; nothing checks it.
        transfer: how codes were decoded; see `Linearity.decide`.
        highest_code: of the pixel format.
        black_level: code without light.
        flat: what corrects the light over the frame; "chart" takes a plane from the patches themselves.
        frame: width and height, px; needed for "chart".
        illuminant: of the L*a*b* to report; None for the chart's own.
        method: by which the chart's values come to another illuminant.
        recipes: models to choose from.

    Raises:
        CharacterisationError: clipped, dark or too few patches (named), light of two colours, codes that
            contradict `transfer`, another chart than named, or `frame` is missing.
        UnknownIlluminantError: no such illuminant.
    """
    if len(patches.rgb) != len(chart.patches):
        raise CharacterisationError(
            f"{len(patches.rgb)} patches were read, chart {chart.id} has {len(chart.patches)}"
        )
    evidence = find_linearity(patches, chart, white=highest_code, black=black_level, even=flat == "frames")
    evidence.decide(transfer)
    causes = excluded(patches, highest_code, black_level)
    _check_exposed(patches, chart, causes)
    report = illuminant_name(illuminant or chart.illuminant)
    adapted = report != illuminant_name(chart.illuminant)
    data = _Data.of(patches, chart, _reference(chart, report, method), flat, frame)
    used: Mask = np.array([cause is None for cause in causes])
    found = data.best(used, recipes)
    left_out, folds = data.nested(used, recipes)
    table = _table(chart, data, found, left_out, causes)
    fitted, apart = _summaries(table)
    field = data.field(found, used, frame) if flat == "chart" and frame is not None else None
    _check_chart(chart, apart)
    _check_mixed(data, patches.centres, used)
    model = ColourModel.of(
        found.recipe.kind, found.recipe.degree, found.fit.matrix, found.fit.covariance,
        found.fit.degrees_of_freedom,
    )  # fmt: skip
    white, u_white = _white(chart, table, model, data.reference.white)
    colour = ColourCalibration(
        model=model, chart=_used(chart), light=light, illuminant=report, observer=chart.observer,
        adaptation=method if adapted else None, white=white, u_white=u_white, transfer=transfer,
        highest_code=highest_code, black_level=black_level, flat_field=flat, rule=RULE, patches=table,
        fitted=fitted, left_out=apart, residual=_residual(data.reference.of_patches(used), left_out[used]),
        linearity=evidence, metamerism=estimate_metamerism({light: table}),
        slope_residual=slope_residual(data.reference.lab[used], left_out[used]),
        statements=_statements(chart, table, evidence.departure(transfer), flat, adapted),
    )  # fmt: skip
    return Characterisation(colour, field, found.recipe, folds)


def excluded(patches: Patches, highest_code: int = 255, black_level: float = 0.0) -> list[Cause | None]:
    """Return why each patch takes no part, or None: `RULE`, which looks at nothing but codes."""
    above = (patches.codes.mean(axis=1) - black_level) * 255 / highest_code
    return [
        "dark" if code < DARK else "clipped" if share > CLIPPED else None
        for code, share in zip(above, patches.clipped, strict=True)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Best:
    recipe: Recipe
    fit: Fit
    slope: F64

    def even(self, rgb: F64, places: F64) -> F64:
        """Return light (..., 3) as it would be without the gradient, at places (..., 2)."""
        return rgb / light_at(self.slope, places)[..., None]

    def xyz(self, rgb: F64, place: F64) -> F64:
        """Return XYZ (..., 3)."""
        return terms(self.even(rgb, place), self.recipe.powers) @ self.fit.matrix.T


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """Light (n, 3), where in the frame it was seen (n, 2), and what it should be."""

    rgb: F64
    places: F64
    reference: Reference
    u_delta_e: F64
    sloped: bool

    @classmethod
    def of(
        cls,
        patches: Patches,
        chart: Chart,
        reference: Reference,
        flat: FlatSource,
        frame: tuple[int, int] | None,
    ) -> _Data:
        if flat == "chart" and frame is None:
            raise CharacterisationError("a flat field from the chart needs the frame's width and height")
        places = np.zeros((len(patches.rgb), 2)) if frame is None else frame_places(patches.centres, frame)
        return cls(patches.rgb, places, reference, chart.u_delta_e, flat == "chart")

    def best(self, kept: Mask, recipes: tuple[Recipe, ...]) -> _Best:
        """Find light, model and metric from the kept patches alone."""
        reference = self.reference.of_patches(kept)
        rgb, places = self.rgb[kept], self.places[kept]
        slope = gradient(rgb, reference, places) if self.sloped else np.zeros(2)
        even = rgb / light_at(slope, places)[:, None]
        recipe, fit = choose(recipes, even, reference, self.u_delta_e[kept])
        return _Best(recipe, fit, slope)

    def nested(self, kept: Mask, recipes: tuple[Recipe, ...]) -> tuple[F64, tuple[Recipe, ...]]:
        """Return L*a*b* (n, 3) of each kept patch by the others alone, NaN elsewhere, and what they chose."""
        lab = np.full((len(kept), 3), np.nan)
        folds: list[Recipe] = []
        for i in np.flatnonzero(kept):
            others = kept.copy()
            others[i] = False
            fold = self.best(others, recipes)
            folds.append(fold.recipe)
            lab[i] = lab_from_xyz(fold.xyz(self.rgb[i], self.places[i]), self.reference.white)
        return lab, tuple(folds)

    def field(self, found: _Best, used: Mask, frame: tuple[int, int]) -> FlatField:
        """Return the light over the frame as a flat field."""
        ratio = found.fit.xyz[:, 1] / self.reference.xyz[used, 1]
        weight = self.reference.xyz[used, 1]
        unevenness = float(np.sqrt(np.average((ratio - 1) ** 2, weights=weight)))
        lightest = int(self.reference.xyz[:, 1].argmax())
        level = float(self.rgb[lightest].mean() / self.reference.xyz[lightest, 1])
        return flat_field(found.slope, frame, level, unevenness)


def _reference(chart: Chart, report: str, method: AdaptationMethod) -> Reference:
    own = white_point(chart.illuminant, chart.observer)
    white = white_point(report, chart.observer)
    lab = chart.lab
    if not np.array_equal(own, white):
        lab = lab_from_xyz(xyz_from_lab(lab, own) @ adaptation(own, white, method).T, white)
    return Reference.of(lab, white)


def _check_exposed(patches: Patches, chart: Chart, causes: list[Cause | None]) -> None:
    def named(cause: Cause) -> str:
        return ", ".join(
            f"{patch.id} ({patch.name})"
            for patch, why in zip(chart.patches, causes, strict=True)
            if why == cause
        )

    lightest = int(chart.lab[:, 0].argmax())
    if causes[lightest] == "clipped":
        raise CharacterisationError(
            f"clipped: patches {named('clipped')}: the lightest must keep below the highest code: "
            "shorten the exposure"
        )
    if float(patches.rgb.max()) < _FAINT:
        raise CharacterisationError(
            f"the picture is dark: its lightest patch reaches {patches.rgb.max():.0%} of full scale: "
            "lengthen the exposure"
        )
    out = sum(cause is not None for cause in causes)
    if out > _MOST_EXCLUDED * len(causes):
        raise CharacterisationError(
            f"{out} of {len(causes)} patches cannot be used (dark: {named('dark') or 'none'}; clipped: "
            f"{named('clipped') or 'none'}): change the exposure"
        )
    if len(causes) - out < FEWEST:
        raise CharacterisationError(
            f"{len(causes) - out} patches are too few to characterise a camera: at least {FEWEST} are needed"
        )


def _check_mixed(data: _Data, centres: F64, used: Mask) -> None:
    found = mixture(data.rgb[used], data.reference.of_patches(used), centres[used])
    if found.mixed:
        raise CharacterisationError(
            f"light of two colours: across the chart red changes by {found.red:.0%} (u {found.u_red:.1%}) "
            f"and blue by {found.blue:.0%} (u {found.u_blue:.1%}) against green: shut out daylight and other "
            "lamps"
        )


def _check_chart(chart: Chart, left_out: ErrorSummary) -> None:
    if left_out.median > _FOREIGN:
        raise CharacterisationError(
            f"half the patches are more than {left_out.median:.0f} CIEDE2000 off chart {chart.id}, which no "
            "camera is: another chart than named, one that is turned or mirrored, corners that miss it, or a "
            "picture that was edited"
        )


def _table(
    chart: Chart, data: _Data, found: _Best, left_out: F64, causes: list[Cause | None]
) -> tuple[ColourPatch, ...]:
    even = found.even(data.rgb, data.places)
    lab = data.reference.lab_of(found.xyz(data.rgb, data.places))
    rows: list[ColourPatch] = []
    for i, patch in enumerate(chart.patches):
        wanted, out = data.reference.lab[i], causes[i] is not None
        rows.append(
            ColourPatch(
                id=patch.id, name=patch.name, rgb=_triple(even[i]), reference=_triple(wanted),
                measured=_triple(lab[i]), delta_e=ciede2000(wanted, lab[i]),
                left_out=None if out else _triple(left_out[i]),
                delta_e_left_out=None if out else ciede2000(wanted, left_out[i]), excluded=causes[i],
            )
        )  # fmt: skip
    return tuple(rows)


def _summaries(table: tuple[ColourPatch, ...]) -> tuple[ErrorSummary, ErrorSummary]:
    part = [patch for patch in table if patch.excluded is None]
    fitted = np.array([patch.delta_e for patch in part])
    apart = np.array([patch.delta_e_left_out for patch in part], np.float64)
    return ErrorSummary.of(fitted), ErrorSummary.of(apart)


def _residual(reference: Reference, left_out: F64) -> tuple[Triple, Triple, Triple]:
    """Return the covariance of left-out errors in units of CIEDE2000, along L*, a* and b*."""
    off: F64 = np.einsum("nij,nj->ni", ciede2000_axes(reference.lab), left_out - reference.lab)
    product: F64 = off.T @ off / len(off)
    x, y, z = (product + product.T) / 2
    return _triple(x), _triple(y), _triple(z)


def _white(
    chart: Chart, table: tuple[ColourPatch, ...], model: ColourModel, white: F64
) -> tuple[Triple, tuple[float, float]]:
    """Return the light of the perfect diffuser and the relative scatter of red and blue to green of greys."""
    grey = [patch for patch in table if patch.id in chart.grey and patch.excluded is None]
    if len(grey) < 2:
        return _triple(_light_of(model, white, np.array([patch.rgb for patch in table]).max())), _U_WHITE
    rgb = np.array([patch.rgb for patch in grey])
    wanted = np.array([patch.reference for patch in grey])
    y = xyz_from_lab(wanted, white)[:, 1]
    ratios = np.log(rgb[:, [0, 2]] / rgb[:, [1]])
    middle = np.average(ratios, axis=0, weights=y)
    scatter = np.sqrt(np.average((ratios - middle) ** 2, axis=0, weights=y))
    return _triple(y @ rgb / (y @ y)), (float(scatter[0]), float(scatter[1]))


def _light_of(model: ColourModel, xyz: F64, start: float) -> F64:
    """Return the light whose XYZ these are, by Newton's method."""
    rgb = np.full(3, start)
    for _ in range(50):
        rgb = np.maximum(rgb + np.linalg.solve(model.jacobian(rgb), xyz - model.xyz(rgb)), 1e-3)
    return rgb


def _used(chart: Chart) -> ChartUsed:
    return ChartUsed(
        id=chart.id, title=chart.title, serial=chart.serial, certificate=chart.certificate,
        expires=chart.expires, geometry=chart.geometry,
    )  # fmt: skip


def _statements(
    chart: Chart, table: tuple[ColourPatch, ...], departure: float | None, flat: FlatSource, adapted: bool
) -> tuple[str, ...]:
    limits = (
        f"The values of chart {chart.id} hold for geometry {chart.geometry}; gloss, fluorescence and "
        "translucency are not measured. Editions of a chart differ by less than the camera's own errors: "
        "a picture cannot tell them apart."
    )
    said = [limits]
    out = [f"{patch.id} ({patch.excluded})" for patch in table if patch.excluded is not None]
    if out:
        said.append(f"Took no part: {', '.join(out)}.")
    if chart.serial is None:
        said.append("The chart's values are those of its edition, not measured on this chart.")
    if adapted:
        said.append(
            "The chart's values were adapted to another illuminant: what looks alike, not what would be "
            "measured under it."
        )
    if departure is not None and departure > _BENT:
        said.append(
            f"The light of the grey patches departs from proportion by {departure:.0%}: a tone curve. Turn "
            "it off if the camera allows it."
        )
    if flat == "chart":
        said.append(
            "The flat field is a plane of light found from the chart's patches: it holds where the chart "
            "lay; frames of an even surface tell more."
        )
    return tuple(said)


def _triple(values: F64) -> Triple:
    x, y, z = values.tolist()
    return x, y, z
