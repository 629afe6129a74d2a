"""A picture whose colours are read through a certificate, as `hallmark colour` is told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np

from calibration import CalibrationError, CameraCalibration
from calibration.colour import (
    AdaptationMethod,
    Chart,
    ColourCalibration,
    IlluminantCheck,
    adaptation,
    check_chart,
    check_white,
    sample_patches,
    white_point,
)
from calibration.colour.detection import FoundChart, find_chart
from calibration.errors import PatchesError
from evidence import REASONS, Frame, FrameError
from golden.characteristics import DecisionRule
from golden.colour_difference import LabDifference, lab_difference
from golden.colours import Formula
from golden.conformity import Decision, decide_asymmetric
from hallmark.measure_view import Codes, LoosePicture, read_picture
from kernels.compiled import F32, F64
from vision.colour.reference import MeanLight, flat_residual
from vision.colour.region import NotRead, RegionReading, read_region
from vision.colour.uncertainty import ColourDifference, Contribution, assess, colour_difference
from vision.colour.words import words

COVERAGE = 2.0  # standard uncertainties: 95 % of all intervals
_NONE: F64 = np.zeros(3)
# where an inspection has a unit and the golden sample, a picture has two regions
_SOURCES = {"unit reading": "reading and flat field", "golden reading": "reading of the reference"}

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of each region.

    Attributes:
        formula: of differences.
        reference: L*a*b* that regions are compared with, or None.
        u_reference: standard uncertainty of each of its values.
        tolerance: Delta E that is decided, or None.
    """

    formula: Formula
    reference: tuple[float, float, float] | None
    u_reference: float
    tolerance: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A region against a reference.

    Attributes:
        to: what it was compared with: L*a*b* that was stated, or another region of the picture.
        reference: (3,) its L*a*b*.
        found: the difference with its interval.
        words: how the region differs, as a colourist says it.
        decision: against the tolerance, or None where none was asked.
    """

    to: Literal["stated", "region"]
    reference: F64
    found: ColourDifference
    words: tuple[str, ...]
    decision: Decision | None

    @property
    def parts(self) -> LabDifference:
        """The difference in L*, a*, b*, chroma and hue."""
        first, second = self.reference.tolist(), (self.reference + self.found.difference).tolist()
        return lab_difference((first[0], first[1], first[2]), (second[0], second[1], second[2]))

    @property
    def budget(self) -> list[tuple[str, float]]:
        """Sources and what each adds to the standard uncertainty, Delta E, the largest first."""
        lines = [(_SOURCES.get(line.name, line.name), line.standard_uncertainty) for line in self.found.lines]
        return sorted(lines, key=lambda line: -line[1])


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One region that was read.

    Attributes:
        name: r1, r2, ... or "reference".
        box: x, y, width and height, px.
        reading: its light; or why it could not be read.
        lab: (3,) L*a*b*, or None.
        covariance: (3, 3) of it as an absolute value, or None.
        absolute: Delta E below which two absolute colours are not told apart, or None.
        compared: with what was asked.
    """

    name: str
    box: Box
    reading: RegionReading | NotRead
    lab: F64 | None = None
    covariance: F64 | None = None
    absolute: float | None = None
    compared: tuple[Compared, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ColourPicture:
    """A picture with the certificate of its camera."""

    picture: LoosePicture
    certificate: CameraCalibration
    colour: ColourCalibration
    table: F32
    flat: F32 | None

    @classmethod
    def open(
        cls, image: Path, calibration: Path, illuminant: str | None, method: AdaptationMethod, now: datetime
    ) -> ColourPicture:
        """Read both.

        Args:
            image: the picture.
            calibration: its camera's certificate.
            illuminant: to which L*a*b* are adapted; None: as the certificate has them.
            method: by which they are adapted.
            now: when the certificate must be valid.

        Raises:
            CalibrationError: the certificate cannot be used, or has no colour.
            FrameError: the picture cannot be read, or was not taken as the certificate says.
        """
        certificate = CameraCalibration.open(calibration, now=now)
        if certificate.colour is None:
            raise CalibrationError(
                f"{calibration}: it has no colour: photograph a chart and add it: hallmark calibrate colour "
                f"--base {calibration}"
            )
        picture = read_picture(image)
        frame = Frame(pixels=picture.pixels, data=b"", view="picture", camera=certificate.camera)
        reason = certificate.fits(frame)
        if reason is not None or picture.pixels.ndim != 3:
            told = REASONS[reason or "calibration_mismatch"]
            raise FrameError(f"{image} ({picture.described}): {told.meaning}; {told.remedy}")
        table, highest = certificate.table(), int(picture.pixels.max())
        if highest >= len(table):
            raise FrameError(f"{image}: has code {highest}, above the {len(table) - 1} of the certificate")
        flat = None if certificate.flat_field is None else certificate.flat_field.gain_map()
        if flat is not None and flat.ndim != 3:
            raise CalibrationError(f"{calibration}: its flat field has one plane, colour needs three")
        colour = certificate.colour if illuminant is None else adapted(certificate.colour, illuminant, method)
        return cls(picture, certificate, colour, table, flat)

    @property
    def pixels(self) -> Codes:
        """Codes (h, w, 3)."""
        return self.picture.pixels

    def read(self, box: Box) -> RegionReading | NotRead:
        """Read the colour of a box, whose first pixel is x, y."""
        x, y, w, h = box
        outline = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float64) - 0.5
        return read_region(
            self.pixels, outline, self.table, flat=self.flat, white=np.array(self.colour.white)
        )

    def regions(self, boxes: Sequence[Box], reference: Box | None, asked: Asked) -> list[Region]:
        """Read boxes, each compared with what is asked and with the reference region, which comes last."""
        own = None if reference is None else self.read(reference)
        found = [self._region(f"r{i}", box, (reference, own), asked) for i, box in enumerate(boxes, 1)]
        if reference is not None and own is not None:
            found.append(self._absolute("reference", reference, own))
        return found

    def light(self, box: Box) -> IlluminantCheck | NotRead:
        """Say by a neutral surface whether the light is still the certificate's."""
        reading = self.read(box)
        if isinstance(reading, NotRead):
            return reading
        return check_white(self.colour, reading.rgb, reading.covariance)

    def chart(self, chart: Chart, image: Path) -> IlluminantCheck:
        """Say by the certificate's chart in the picture whether the light is still the certificate's.

        Raises:
            PatchesError: the certificate was made with another chart, or this one is not found; `image` is
                named.
        """
        if chart.id != self.colour.chart.id:
            raise PatchesError(
                f"the certificate was made with chart {self.colour.chart.id}, not {chart.id}: photograph the "
                "former"
            )
        found = find_chart(self.pixels, chart)
        if not isinstance(found, FoundChart):
            raise PatchesError(f"{image}: {found.message}")
        patches = sample_patches(self.pixels, found.corners, chart, self.table, self.flat)
        return check_chart(self.colour, patches)

    def _absolute(self, name: str, box: Box, reading: RegionReading | NotRead) -> Region:
        if isinstance(reading, NotRead):
            return Region(name, box, reading)
        lab = self.colour.lab(reading.rgb)
        parts = self._parts(reading)
        covariance = np.asarray(sum((part.covariance for part in parts), np.zeros((3, 3))), np.float64)
        return Region(name, box, reading, lab, covariance, assess(lab, _NONE, parts).high)

    def _parts(self, reading: RegionReading) -> list[Contribution]:
        to_lab = self.colour.lab_jacobian(reading.rgb)
        return [
            Contribution("reading", to_lab @ reading.covariance @ to_lab.T, common=False),
            Contribution("camera", self.colour.absolute_covariance(reading.rgb), common=True),
        ]

    def _region(
        self, name: str, box: Box, other: tuple[Box | None, RegionReading | NotRead | None], asked: Asked
    ) -> Region:
        region = self._absolute(name, box, self.read(box))
        reading, lab = region.reading, region.lab
        if isinstance(reading, NotRead) or lab is None:
            return region
        compared: list[Compared] = []
        if asked.reference is not None:
            stated = np.array(asked.reference)
            parts = self._parts(reading)
            parts.append(Contribution("reference", np.eye(3) * asked.u_reference**2, common=True))
            found = assess(stated, lab - stated, parts, formula=asked.formula, coverage_factor=COVERAGE)
            compared.append(self._compared("stated", stated, lab, found, asked))
        place, seen = other
        if place is not None and isinstance(seen, RegionReading):
            moved = math.dist(_middle(box), _middle(place))
            residual = flat_residual(self.certificate, reading.rgb, moved)
            unit = MeanLight(reading.rgb, reading.covariance + residual)
            found = colour_difference(
                seen, unit, self.colour, formula=asked.formula, coverage_factor=COVERAGE
            )
            compared.append(self._compared("region", self.colour.lab(seen.rgb), lab, found, asked))
        return Region(name, box, reading, lab, region.covariance, region.absolute, tuple(compared))

    def _compared(
        self, to: Literal["stated", "region"], reference: F64, lab: F64, found: ColourDifference, asked: Asked
    ) -> Compared:
        decision = None
        if asked.tolerance is not None:
            decision = decide_asymmetric(
                found.value, found.low, found.high, None, asked.tolerance, DecisionRule()
            )
        return Compared(to, reference, found, words(reference, lab, found.covariance, COVERAGE), decision)


def adapted(
    colour: ColourCalibration, illuminant: str, method: AdaptationMethod = "Bradford"
) -> ColourCalibration:
    """Return the colour with L*a*b* adapted to another illuminant; its covariance moves along.

    Raises:
        UnknownIlluminantError: no such illuminant.
    """
    if illuminant == colour.illuminant:
        return colour
    white = white_point(illuminant, colour.observer)
    matrix = adaptation(colour.white_xyz, white, method)
    model = colour.model
    wide = np.kron(matrix, np.eye(len(model.powers)))
    moved = type(model).of(
        model.kind, model.degree, matrix @ model.matrix, wide @ np.array(model.covariance) @ wide.T,
        model.degrees_of_freedom,
    )  # fmt: skip
    return colour.model_copy(update={"model": moved, "illuminant": illuminant, "adaptation": method})


def notes_of(view: ColourPicture, regions: Sequence[Region], asked: Asked) -> list[str]:
    """Return what a reader must know about the numbers."""
    colour = view.colour
    chart = f"{colour.chart.id}{f', serial {colour.chart.serial}' if colour.chart.serial else ''}"
    certificate = view.certificate
    notes = [
        f"certificate: camera {certificate.camera}, until {certificate.valid_until:%Y-%m-%d}, chart {chart}",
        (f"L*a*b*: {colour.illuminant}, {colour.observer} degrees, light: {colour.light}; u is the standard "
        "uncertainty of an absolute value"),
    ]  # fmt: skip
    if colour.adaptation is not None:
        notes.append(
            f"adapted to that illuminant ({colour.adaptation}): what looks alike, not what would be measured"
        )
    if view.picture.jpeg_step:
        notes.append("JPEG: compression changes colours, and its errors do not average out; PNG is better")
    worst = max((r.absolute for r in regions if r.absolute is not None), default=None)
    if worst is not None and any(r.name != "reference" for r in regions):
        notes.append(
            f"absolute: a camera's own errors reach {worst:.1f} CIEDE2000 here (k = 2): smaller absolute "
            "tolerances are a spectrophotometer's to decide, not a camera's"
        )
    if any(c.to == "region" for r in regions for c in r.compared):
        said = "regions of one picture: the camera's errors cancel where both are of one material"
        if colour.metamerism is not None:
            said += f"; of two different materials up to {colour.metamerism.under[0].p95:.1f} may stay unseen"
        notes.append(said)
    if asked.tolerance is None and any(r.compared for r in regions):
        notes.append("decision: --tolerance says what difference is allowed")
    return notes


def _middle(box: Box) -> tuple[float, float]:
    x, y, w, h = box
    return x + w / 2, y + h / 2
