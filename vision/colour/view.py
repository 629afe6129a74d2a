"""The colours of one view: what its certificate, its golden colours and one frame decide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from calibration import CalibrationError, CameraCalibration
from calibration.colour.camera import ColourCalibration
from calibration.colour.colorimetry import illuminant_name
from calibration.colour.drift import Gain
from calibration.errors import UnknownIlluminantError
from evidence import CharacteristicResult, ColourResult, LightStateRecord
from golden.colour_difference import lab_difference
from golden.colours import ColourConditions
from golden.sample import GoldenSample
from golden.spec import Colour, View
from kernels.compiled import F64, Codes
from vision.colour.characteristics import (
    SHARE,
    Asked,
    Pair,
    gradient_difference,
    match_difference,
    mottle_difference,
    pattern_difference,
    place_differences,
)
from vision.colour.golden_colours import GoldenColours
from vision.colour.placed import FramePoints, Placed, RegionReader
from vision.colour.reference import GoldenReference, MeanLight, flat_residual
from vision.colour.region import NotRead, RegionReading
from vision.colour.scielab import scielab_difference
from vision.colour.tile_light import SeenLight, TileLight
from vision.colour.uncertainty import ColourDifference, Contribution, assess, colour_difference
from vision.colour.words import words
from vision.judge import measured_colour, unmeasured
from vision.regions import dense_outline

_GLOSSY = 0.02  # share of the region by which a unit may reflect the lamp more than the golden sample
_UNSEEN = 0.25  # share of the region that may be left out beyond the golden sample's
_OUTSIDE = 2.0  # L*a*b* beyond the colours of the chart


class ColourView:
    """Decides the colour characteristics of one view; everything that no frame changes is computed here.

    Args:
        golden: the golden sample.
        view: its view.
        certificate: of the view's camera, with `colour`.
        colours: the golden sample as this station measured it, or None where nobody has.

    Raises:
        CalibrationError: the golden colours are of another golden sample, view or certificate; or the
            certificate has no colour or a flat field of one plane.
    """

    def __init__(
        self, golden: GoldenSample, view: View, certificate: CameraCalibration, colours: GoldenColours | None
    ) -> None:
        """Compile references, the tile's watch and the gamut of the chart."""
        self._reader = RegionReader(view, certificate)
        self._certificate, self._calibration = certificate, self._reader.calibration
        self._conditions = ColourConditions.model_validate(
            {"illuminant": self._calibration.illuminant, "observer": self._calibration.observer}
        )
        self._lamp = _lamp(self._calibration.light)
        self._gamut = _gamut(self._calibration)
        self._golden: dict[str, GoldenReference] = {}
        self._light: TileLight | None = None
        if colours is None:
            return
        for name, given, needed in (
            ("golden sample", colours.golden, golden.digest),
            ("certificate", colours.certificate, certificate.digest),
            ("view", colours.view, view.id),
        ):
            if given != needed:
                raise CalibrationError(
                    f"view {view.id!r}: the golden colours are of {name} {given}, not {needed}; measure the "
                    "golden sample again: hallmark calibrate golden"
                )
        self._golden = {c.id: GoldenReference.of(c, self._calibration) for c in colours.colours}
        if colours.tile is not None:
            tightest = min(c.upper for c in golden.spec.characteristics if isinstance(c, Colour))
            self._light = TileLight(colours.tile, self._reader, tightest)

    def light(
        self, pixels: Codes, captured_at: str | None, before: LightStateRecord | None
    ) -> SeenLight | NotRead | None:
        """Return the lamp as the tile in a frame shows it, see `TileLight.seen`; None without a tile."""
        return None if self._light is None else self._light.seen(pixels, captured_at, before)

    def results(
        self,
        characteristics: Sequence[Colour],
        pixels: Codes,
        points: FramePoints,
        fault: str | None,
        light: SeenLight | NotRead | None,
    ) -> list[CharacteristicResult]:
        """Return the results of these characteristics in a frame.

        Args:
            characteristics: of this view.
            pixels: (h, w, 3) codes, raw frame.
            points: golden points to the frame.
            fault: why the frame does not fit its certificate, a reason code, or None.
            light: what `light` says of the frame.
        """
        fault = fault or (None if light is None else light.reason)
        lamp = light.gain if isinstance(light, SeenLight) else None
        return [self._result(c, pixels, points, fault, lamp) for c in characteristics]

    def _result(
        self, c: Colour, pixels: Codes, points: FramePoints, fault: str | None, lamp: Gain | None
    ) -> CharacteristicResult:
        fault = fault or self._other_light(c)
        if fault is not None:
            return unmeasured(c, fault)
        golden = self._golden.get(c.id)
        if c.reference is None and golden is None:
            return unmeasured(c, "colour_reference_absent")
        placed = self._reader.placed(pixels, c, points, None if lamp is None else lamp.factors)
        if isinstance(placed, NotRead):
            return unmeasured(c, placed.reason)
        if golden is None or c.reference is not None:
            return self._absolute(c, placed)
        return self._relative(c, placed, golden, lamp)

    def _other_light(self, c: Colour) -> str | None:
        """Return why the light is not the one for which a colour is agreed: a reason code, or None.

        Neither may the lamp be another: metamers that match under it do so in values adapted from it.
        """
        asked = c.conditions if c.reference is None else c.reference.conditions
        seen = (self._conditions.illuminant, self._conditions.observer)
        if asked is not None and (asked.illuminant, asked.observer) != seen:
            return "illuminant_mismatch" if c.reference is None else "colour_absolute"
        if c.conditions is not None and self._lamp not in (None, c.conditions.illuminant):
            return "illuminant_mismatch"
        return None

    def _absolute(self, c: Colour, placed: Placed) -> CharacteristicResult:
        """Compare with the contract's L*a*b*: nothing cancels, so the camera's whole error counts."""
        assert c.reference is not None, "asked of characteristics with a reference"
        reading, calibration = placed.region, self._calibration
        to_lab = calibration.lab_jacobian(reading.rgb)
        reference = np.array(c.reference.lab)
        found = assess(
            reference, calibration.lab(reading.rgb) - reference,
            [
                Contribution("unit reading", to_lab @ reading.covariance @ to_lab.T, common=False),
                Contribution("camera", calibration.absolute_covariance(reading.rgb), True, systematic=True),
                Contribution("reference", np.eye(3) * c.reference.u**2, common=True, systematic=True),
            ],
            formula=c.formula, coverage_factor=c.decision.coverage_factor,
        )  # fmt: skip
        result = self._decided(c, found, reference, found, reading, gloss=False)
        return _seen_enough(c, result, reading.unseen)

    def _relative(
        self, c: Colour, placed: Placed, golden: GoldenReference, lamp: Gain | None
    ) -> CharacteristicResult:
        calibration, asked = self._calibration, Asked(c.formula, c.decision.coverage_factor)
        unit = self._moved(placed.region, placed, golden)
        reference = calibration.lab(golden.mean.rgb)
        mean = colour_difference(
            golden.mean, unit, calibration, formula=c.formula, coverage_factor=asked.coverage_factor,
            repeatability=golden.repeatability, lamp=None if lamp is None else lamp.covariance,
        )  # fmt: skip
        spoken, found = mean, mean
        if c.quantity == "p95" and placed.pattern is not None and golden.pattern is not None:
            both = golden.pattern.used & placed.pattern.used
            if not both.any():
                return unmeasured(c, "region_unusable")
            seen = scielab_difference(
                golden.pattern.xyz, placed.pattern.xyz, calibration.white_xyz, placed.pattern.mm_per_sample,
                c.viewing_distance_mm or 0.0, c.formula,
            )[both]  # fmt: skip
            found = pattern_difference(seen, golden.floor, mean, asked)
        elif c.quantity == "p95":
            found = place_differences(placed.region, calibration, mean, reference, asked)
        elif placed.gradient is not None:
            outline = dense_outline(c.region)
            found = gradient_difference(
                golden.gradients, placed.gradient, reference, outline, calibration, asked
            )
        elif placed.mottle is not None:
            found = mottle_difference(golden.mottles, placed.mottle, reference, mean, calibration, asked)
        elif placed.other is not None and golden.other is not None and golden.pairs is not None:
            ours = Pair(unit, self._moved(placed.other, placed, golden))
            own = Pair(golden.mean, golden.other)
            spoken = found = match_difference(own, golden.pairs, ours, calibration, asked)
            reference = calibration.lab(ours.other.rgb) + own.lab(calibration)
        glossy = placed.region.gloss > golden.gloss + _GLOSSY
        result = self._decided(c, found, reference, spoken, placed.region, gloss=glossy)
        own, others = golden.unseen
        beyond = 0.0 if placed.other is None else placed.other.unseen - others
        return _seen_enough(c, result, max(beyond, placed.region.unseen - own))

    def _moved(self, reading: RegionReading, placed: Placed, golden: GoldenReference) -> MeanLight:
        """Return a unit's light with what the flat field leaves between its place and the golden sample's."""
        moved = float(np.hypot(*(np.array(placed.centre_px) - golden.centre_px)))
        residual = flat_residual(self._certificate, reading.rgb, moved)
        return MeanLight(reading.rgb, reading.covariance + residual)

    def _decided(
        self,
        c: Colour,
        found: ColourDifference,
        reference: F64,
        spoken: ColourDifference,
        reading: RegionReading,
        *,
        gloss: bool,
    ) -> CharacteristicResult:
        lab = self._calibration.lab(reading.rgb)
        (l1, a1, b1), (l2, a2, b2) = (np.round(values, 4).tolist() for values in (reference, lab))
        d = lab_difference((l1, a1, b1), (l2, a2, b2))
        beyond = self._gamut is not None and float((self._gamut @ np.append(lab, 1.0)).max()) > _OUTSIDE
        flags = (("gloss", gloss), ("gamut", beyond))
        colour = ColourResult.model_validate({
            "lab": (l2, a2, b2), "reference": (l1, a1, b1),
            "dl": round(d.dl, 4), "da": round(d.da, 4), "db": round(d.db, 4), "dc": round(d.dc, 4),
            "dh": round(d.dh, 4),
            "words": words(reference, lab, spoken.covariance, c.decision.coverage_factor),
            "conditions": self._conditions,
            "excluded": round(min(reading.excluded_share, 1.0), 4),
            "excluded_by": {cause: round(share, 4) for cause, share in reading.excluded.items()},
            "cautions": tuple(name for name, holds in flags if holds),
        })  # fmt: skip
        return measured_colour(
            c, found.value, found.standard_uncertainty, (found.low, found.high), colour,
            common_uncertainty=found.common_uncertainty, lines=found.lines,
        )  # fmt: skip


def _lamp(stated: str) -> str | None:
    """Return the illuminant that the station's light is said to be, "TL84 tubes" too; None of other words."""
    first = stated.split(maxsplit=1)[0] if stated.strip() else stated
    for name in (stated, first if len(first) > 1 else stated):  # "A new lamp" is no illuminant A
        try:
            return illuminant_name(name)
        except UnknownIlluminantError:
            continue
    return None


def _seen_enough(c: Colour, result: CharacteristicResult, unseen: float) -> CharacteristicResult:
    """Return a result, or HOLD where more is left out than on the golden sample and what is seen is right.

    A pale patch looks like glare, and places that nobody saw may be those that decide a percentile.
    """
    most = 1 - SHARE if c.quantity == "p95" else _UNSEEN
    return result if result.decision == "nonconform" or unseen <= most else unmeasured(c, "region_unusable")


def _gamut(calibration: ColourCalibration) -> F64 | None:
    """Return the planes (n, 4) round the chart's colours, outward, or None where they span no volume."""
    lab = np.array([patch.reference for patch in calibration.patches if patch.excluded is None])
    try:
        return np.asarray(ConvexHull(lab).equations, np.float64)
    except QhullError:
        return None
