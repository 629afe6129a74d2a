"""The golden sample under a station's camera: frames become the colours that units are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibration import CalibrationError, CameraCalibration, FramesError
from calibration.colour import ColourCalibration
from evidence import Frame, FrameError
from golden.sample import GoldenSample
from kernels.compiled import F64
from vision import GoldenColours, read_frame
from vision.colour.difference import delta_e
from vision.colour.golden_colours import GoldenColour
from vision.golden_measurement import measure_golden

ENOUGH = 4  # placements that tell how far placing moves a colour


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """One colour in all placements.

    Attributes:
        id: of the characteristic.
        lab: (3,) mean L*a*b* through the certificate.
        largest: CIEDE2000 of the placement farthest from the mean; None where there is only one.
        excluded: mean share of the region left out inside its border.
    """

    id: str
    lab: F64
    largest: float | None
    excluded: float

    @classmethod
    def of(cls, colour: GoldenColour, calibration: ColourCalibration) -> Spread:
        """Summarise one characteristic."""
        regions = [placement.region for placement in colour.placements]
        lab = calibration.lab(np.array([region.rgb for region in regions]))
        mean = lab.mean(axis=0)
        excluded = [sum(s for cause, s in r.excluded.items() if cause != "edge") for r in regions]
        largest = float(delta_e(mean, lab).max()) if len(lab) > 1 else None
        return cls(colour.id, mean, largest, float(np.mean(excluded)))


def measure(
    sample: GoldenSample, view: str, certificate: CameraCalibration, images: Sequence[Path], tile: F64 | None
) -> tuple[GoldenColours, tuple[Spread, ...]]:
    """Measure one view of the golden sample in frames, each a placement.

    Args:
        sample: the golden sample.
        view: its view.
        certificate: of the view's camera.
        images: the frames.
        tile: (n, 2) outline of a white or tile in the scene, or None.

    Raises:
        CalibrationError: the certificate has no colour, or a frame, whose file is named, cannot be used.
        FrameError: a file is no picture.
    """
    if certificate.colour is None:
        raise CalibrationError(
            f"the certificate of camera {certificate.camera!r} has no colour: make it by hallmark calibrate "
            "colour"
        )
    frames = [_frame(path, view, certificate.camera) for path in images]
    try:
        colours = measure_golden(sample, view, certificate, frames, tile=tile)
    except FramesError as error:
        said = str(error)
        for number, (path, frame) in enumerate(zip(images, frames, strict=True), 1):
            said = said.replace(f"frame {frame.digest[:19]}", str(path)).replace(
                f"placement {number},", f"{path},"
            )
        raise FramesError(said) from error
    return colours, tuple(Spread.of(colour, certificate.colour) for colour in colours.colours)


def table(spreads: Sequence[Spread]) -> Iterator[str]:
    """Yield a line for each colour."""
    yield f"{'colour':<24}{'L*':>8}{'a*':>8}{'b*':>8}{'placing moves it by':>22}{'left out':>10}"
    for each in spreads:
        lab = "".join(f"{value:8.2f}" for value in each.lab.tolist())
        moved = "not known" if each.largest is None else f"{each.largest:.2f} CIEDE2000"
        yield f"{each.id[:23]:<24}{lab}{moved:>22}{each.excluded:>10.1%}"


def as_json(colours: GoldenColours, spreads: Sequence[Spread], out: Path) -> dict[str, Any]:
    """Return what `--json` prints."""
    return {
        "colours": str(out), "digest": colours.digest, "view": colours.view, "camera": colours.camera,
        "golden": colours.golden, "certificate": colours.certificate, "placements": len(colours.frames),
        "tile": colours.tile is not None,
        "characteristics": [
            {
                "id": each.id, "lab": each.lab.tolist(), "largest_delta_e": each.largest,
                "excluded": each.excluded,
            }
            for each in spreads
        ],
    }  # fmt: skip


def _frame(path: Path, view: str, camera: str) -> Frame:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FrameError(f"{path}: {error.strerror}: give a picture that can be read") from error
    return read_frame(data, view=view, camera=camera, source=str(path))
