"""A picture of a colour chart: where the chart is, how it is exposed, whether its codes follow light."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration import FramesError, Settings
from calibration.colour import Chart, Patches, Transfer, find_linearity, sample_patches
from calibration.colour.characterise import excluded
from calibration.colour.detection import ChartNotFound, FoundChart, find_chart
from calibration.errors import CharacterisationError, PatchesError
from hallmark.calibrate.pictures import Picture, read_picture, table_of
from kernels.compiled import F64

_FAINT = 0.1  # of the highest code
_CORNERS = (
    "--corners X,Y,X,Y,X,Y,X,Y, the middles of four patches in pixels: first and last of the chart's first "
    "row, then last and first of its last row, as one reads the chart"
)

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture of a chart: the file, the light in words, and the corners where they are stated, (4, 2)."""

    path: Path
    light: str
    corners: F64 | None = None


@contextmanager
def naming(path: Path) -> Generator[None]:
    """Say of which picture an error is."""
    try:
        yield
    except (CharacterisationError, PatchesError) as error:
        raise type(error)(f"{path}: {error}") from error


def colour_picture(path: Path) -> Picture:
    """Read a picture; FramesError where it cannot be read or has no colours."""
    picture = read_picture(path)
    if picture.codes.ndim != 3:
        raise FramesError(f"{path} is {picture.kind}: colour needs RGB pictures: save the camera's colours")
    return picture


def corners_of(
    picture: Picture, shot: Shot, chart: Chart, settings: Settings, say: Say
) -> tuple[F64, float | None]:
    """Return where the chart is and the score of its detection, None where it was stated."""
    if shot.corners is not None:
        say(f"{shot.path}  corners as stated")
        return shot.corners, None
    found = find_chart(picture.codes, chart)
    if isinstance(found, FoundChart):
        pitch = float(np.linalg.norm(found.corners[1] - found.corners[0])) / max(chart.columns - 1, 1)
        say(
            f"{shot.path}  {chart.id} found, turned by {round(found.turned_deg) % 360} degrees, {pitch:.0f} "
            f"px from patch to patch, score {found.score:.2f} (next way up {found.runner_up:.2f})"
        )
        return found.corners, found.score
    if (corners := _badly_exposed(picture, chart, settings, found)) is not None:
        say(f"{shot.path}  {chart.id} found; patches {', '.join(found.patches)} are badly exposed")
        return corners, found.score
    hint = f". Or say where it is: {_CORNERS}" if found.reason in {"absent", "ambiguous"} else ""
    raise PatchesError(f"{shot.path}: {found.message}{hint}")


def _badly_exposed(picture: Picture, chart: Chart, settings: Settings, missing: ChartNotFound) -> F64 | None:
    """Return the corners of a chart of which just such patches are not seen as the rule excludes anyway."""
    if missing.reason != "incomplete" or missing.corners is None:
        return None
    try:
        patches = sample_patches(picture.codes, missing.corners, chart, table_of("linear", settings))
    except PatchesError:  # beyond the border
        return None
    causes = excluded(patches, settings.white, settings.black_level)
    told = all(causes[chart.index(name)] is not None for name in missing.patches)
    return missing.corners if told else None


def _check_exposure(patches: Patches, chart: Chart, settings: Settings) -> None:
    """Refuse before light is known what no transfer makes good."""
    lightest = int(chart.lab[:, 0].argmax())
    causes = excluded(patches, settings.white, settings.black_level)
    if causes[lightest] == "clipped":
        clipped = [
            f"{p.id} ({p.name})" for p, why in zip(chart.patches, causes, strict=True) if why == "clipped"
        ]
        raise CharacterisationError(
            f"clipped: patches {', '.join(clipped)}: the lightest must keep below the highest code: shorten "
            "the exposure"
        )
    code = float(patches.codes[lightest].max())
    if code < _FAINT * settings.white:
        raise CharacterisationError(
            f"the picture is dark: the lightest patch has code {code:.0f} of {settings.white}: lengthen the "
            "exposure"
        )


def transfer_of(
    picture: Picture, corners: F64, chart: Chart, settings: Settings, stated: Transfer | None, *, even: bool
) -> Transfer:
    """Return how codes relate to light; it is decided on codes, so that any table reads them."""
    black = settings.black_level if stated != "srgb" else 0.0
    with naming(picture.path):
        patches = sample_patches(picture.codes, corners, chart, table_of("linear", settings))
        _check_exposure(patches, chart, settings)
        return find_linearity(patches, chart, white=settings.white, black=black, even=even).decide(stated)
