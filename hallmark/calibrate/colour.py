"""From a picture of a chart to a certificate with colour: what `hallmark calibrate colour` does."""

from __future__ import annotations

import importlib.metadata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from calibration import CalibrationError, CameraCalibration, FlatField, FlatMeasurement, Settings
from calibration.colour import (
    AdaptationMethod,
    Characterisation,
    Chart,
    ColourCalibration,
    Patches,
    Transfer,
    characterise,
    check_chart,
    estimate_metamerism,
    sample_patches,
)
from calibration.colour.camera import FlatSource
from calibration.colour.fitting import RECIPES, Reference, fit
from calibration.errors import ChartError
from golden.keys import SigningKey
from hallmark.calibrate import drawing, light
from hallmark.calibrate.colour_sheet import Competitor, draw
from hallmark.calibrate.files import beside, refuse_existing
from hallmark.calibrate.make import Stated
from hallmark.calibrate.pictures import Picture, check_format, check_same, format_of, table_of
from hallmark.calibrate.shots import Say, Shot, colour_picture, corners_of, naming, transfer_of
from kernels.compiled import F32, F64

UNSTATED = "the station's light (not stated)"
_COMPUTED_BY = ("hallmark", "numpy", "scipy", "opencv-python-headless")


@dataclass(frozen=True, eq=False)
class Given:
    """What `hallmark calibrate colour` is given.

    Attributes:
        chart: which chart.
        shot: its picture on the station.
        illuminant: of the L*a*b* to report; None: the chart's own.
        adaptation: by which the chart's values come to it.
        serial: number on the chart.
        second: the same chart under a second light, or None.
        flats: frames of an even surface.
        darks: frames with the lens cap on.
        flat_field: what else corrects the light over the frame.
        base: the certificate that colour is added to, or None.
    """

    chart: Chart
    shot: Shot
    illuminant: str | None = None
    adaptation: AdaptationMethod = "Bradford"
    serial: str | None = None
    second: Shot | None = None
    flats: tuple[Path, ...] = ()
    darks: tuple[Path, ...] = ()
    flat_field: Literal["chart", "none"] = "chart"
    base: CameraCalibration | None = None


@dataclass(frozen=True, eq=False)
class MadeColour:
    """A certificate with colour, what it came from, and the files to write.

    Attributes:
        certificate: signed where a key was given.
        colour: its colour.
        chart: which chart.
        shot: its picture.
        corners: (4, 2) of the chart in it.
        score: of the detection; None where corners were stated.
        competitors: all models that were tried, best first.
        warnings: what the engineer should know.
        files: to be written, by path.
    """

    certificate: CameraCalibration
    colour: ColourCalibration
    chart: Chart
    shot: Shot
    corners: F64
    score: float | None
    competitors: tuple[Competitor, ...]
    warnings: tuple[str, ...]
    files: dict[Path, bytes] = field(default_factory=dict[Path, bytes])


def make_colour(stated: Stated, given: Given, out: Path, key: SigningKey | None, say: Say) -> MadeColour:
    """Characterise a camera's colours by a picture of a chart; nothing is written yet.

    Args:
        stated: what no picture shows.
        given: the pictures.
        out: the certificate's path.
        key: signs it, or None.
        say: is told each step as soon as it is done.

    Raises:
        CalibrationError: a file is in the way, or the picture cannot characterise a camera.
    """
    refuse_existing(out, beside(out, ".png"), beside(out, ".flat.npy"))
    chart = given.chart
    if chart.expired(stated.now.date()):
        raise ChartError(
            f"chart {chart.id}: its values expired on {chart.expires}: have it measured again, or use another"
        )
    if given.flats and not given.darks:
        raise CalibrationError("flats need dark frames too: give them with --darks, the lens cap on")
    picture = colour_picture(given.shot.path)
    base = given.base
    settings = stated.settings(picture) if base is None else _settings_of(base, picture)
    darks = light.read_frames(given.darks, settings, picture)
    if base is None and darks:
        settings = settings.model_copy(update={"black_level": light.black_level(darks)})
    corners, score = corners_of(picture, given.shot, chart, settings, say)
    source: FlatSource = "frames" if given.flats or _even(base) is not None else given.flat_field
    said = stated.transfer if base is None else base.transfer
    transfer = transfer_of(picture, corners, chart, settings, said, even=source == "frames")
    if transfer == "srgb":
        settings = settings.model_copy(update={"black_level": 0.0})
    say(f"codes: {transfer}, {'as stated' if said else 'told by the grey patches'}")
    flat = None
    if given.flats:
        flat = light.flat_field(light.read_frames(given.flats, settings, picture), darks, settings, transfer)
    look = _Look(chart, settings, transfer, source, flat.field if flat is not None else _even(base), given)
    found = look.characterised(picture, corners, given.shot.light)
    colour = found.colour
    say(_chosen(found))
    warnings = [_LOSSY.format(path=picture.path)] if picture.lossy else []
    if given.second is not None:
        colour, warning = _under_two(look, found, picture, given.second, say)
        warnings += warning
    if given.serial is not None:
        colour = colour.model_copy(update={"chart": colour.chart.model_copy(update={"serial": given.serial})})
    field_ = found.flat_field or look.field
    certificate = _certified(stated, base, colour, settings, field_)
    certificate = certificate if key is None else certificate.sign(key)
    made = MadeColour(
        certificate, colour, chart, given.shot, corners, score, _competitors(found, chart), tuple(warnings),
        _files(certificate, out, flat),
    )  # fmt: skip
    title = f"{certificate.camera}, {stated.now:%Y-%m-%d}"
    svg = draw(colour, chart, made.competitors, picture.codes, corners, look.table, title, certificate)
    made.files[beside(out, ".png")] = drawing.to_png(svg)
    return made


_LOSSY = "{path}: JPEG: compression changes colours a little, most beside edges; PNG or TIFF is better"


@dataclass(frozen=True, eq=False)
class _Look:
    """How pictures of the chart are read."""

    chart: Chart
    settings: Settings
    transfer: Transfer
    source: FlatSource
    field: FlatField | None
    given: Given

    @property
    def table(self) -> F32:
        return table_of(self.transfer, self.settings)

    def factors(self, found: FlatField | None) -> F32 | None:
        if found is None:
            return None
        factors = found.gain_map()
        if factors.ndim != 3:
            raise CalibrationError(
                "the certificate's flat field has one plane, colour needs one for each channel: measure it "
                "with colour frames, or give --flats and --darks"
            )
        return factors

    def patches(self, picture: Picture, corners: F64, found: FlatField | None) -> Patches:
        return sample_patches(picture.codes, corners, self.chart, self.table, self.factors(found))

    def characterised(self, picture: Picture, corners: F64, words: str) -> Characterisation:
        with naming(picture.path):
            return characterise(
                self.patches(picture, corners, self.field), self.chart, light=words, transfer=self.transfer,
                highest_code=self.settings.white, black_level=self.settings.black_level, flat=self.source,
                frame=picture.size, illuminant=self.given.illuminant, method=self.given.adaptation,
            )  # fmt: skip


def _settings_of(base: CameraCalibration, picture: Picture) -> Settings:
    """Return the settings of the certificate that is completed; refuse a picture of another camera."""
    width, height = picture.size
    known = base.optics or base.flat_field or base.settings
    if known is not None and known.width is not None and (known.width, known.height) != (width, height):
        raise CalibrationError(
            f"{picture.path} is {width} x {height} px, the certificate is of {known.width} x {known.height}: "
            "take the picture with the calibrated camera as it is set"
        )
    settings = base.settings or Settings(width=width, height=height, pixel_format="RGB8")
    if not settings.pixel_format.startswith("RGB"):
        raise CalibrationError(
            f"the certificate is of {settings.pixel_format} pictures, which have no colour: calibrate the "
            f"camera with colour pictures ({format_of(picture)}) first"
        )
    check_format(picture, settings)
    return settings


def _even(base: CameraCalibration | None) -> FlatField | None:
    """Return the flat field of a certificate where frames of an even surface made it."""
    if base is None or (base.colour is not None and base.colour.flat_field == "chart"):
        return None
    return base.flat_field


def _chosen(found: Characterisation) -> str:
    colour, often = found.colour, Counter(found.folds)[found.recipe]
    return (
        f"model: {found.recipe}, left-out CIEDE2000 mean {colour.left_out.mean:.2f} (chosen in {often} of "
        f"{len(found.folds)} folds)"
    )


def _competitors(found: Characterisation, chart: Chart) -> tuple[Competitor, ...]:
    """Return every model with the mean left-out CIEDE2000 by which it was chosen, the best first."""
    colour = found.colour
    used = [i for i, patch in enumerate(colour.patches) if patch.excluded is None]
    rgb, lab = (np.array([getattr(colour.patches[i], name) for i in used]) for name in ("rgb", "reference"))
    reference = Reference.of(lab, colour.white_xyz)
    folds = Counter(found.folds)
    tried = [
        Competitor(
            str(recipe),
            float(reference.errors(fit(recipe, rgb, reference, chart.u_delta_e[used]).left_out).mean()),
            folds[recipe], recipe == found.recipe,
        )
        for recipe in RECIPES
        if len(recipe.powers) + 1 < len(used)
    ]  # fmt: skip
    return tuple(sorted(tried, key=lambda each: each.mean))


def _under_two(
    look: _Look, first: Characterisation, picture: Picture, second: Shot, say: Say
) -> tuple[ColourCalibration, list[str]]:
    """Return the colour with the risk of metamerism from two lights, and what to say of the second one."""
    other = colour_picture(second.path)
    check_same(picture, other)
    corners, _ = corners_of(other, second, look.chart, look.settings, say)
    # as a station would read it, to tell whether the light is another one
    seen = check_chart(first.colour, look.patches(other, corners, first.flat_field or look.field))
    found = look.characterised(other, corners, second.light)
    lights = {first.colour.light: first.colour.patches, second.light: found.colour.patches}
    say(f"under {second.light}: left-out CIEDE2000 mean {found.colour.left_out.mean:.2f}")
    warning = (
        [f"{second.path}: it shows the light of the first picture. {seen.sentence}"] if seen.holds else []
    )
    return first.colour.model_copy(update={"metamerism": estimate_metamerism(lights)}), warning


def _certified(
    stated: Stated, base: CameraCalibration | None, colour: ColourCalibration, settings: Settings,
    flat: FlatField | None,
) -> CameraCalibration:  # fmt: skip
    versions = {name: importlib.metadata.version(name) for name in _COMPUTED_BY}
    parts = {"settings": settings, "flat_field": flat, "versions": versions}
    if base is not None:
        return base.reissued(stated.now, colour=colour, **parts)
    return CameraCalibration.coloured(
        camera=stated.camera, colour=colour, issued=stated.now, valid_until=stated.valid_until,
        lens=stated.lens, conditions=stated.conditions, **parts,
    )  # fmt: skip


def _files(certificate: CameraCalibration, out: Path, flat: FlatMeasurement | None) -> dict[Path, bytes]:
    fine = {} if flat is None or flat.fine is None else {beside(out, ".flat.npy"): flat.fine}
    return {**fine, out: certificate.to_bytes()}
