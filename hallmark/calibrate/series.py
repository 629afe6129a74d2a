"""A series of pictures of one target: each is looked at as it comes, and what is missing is told."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from calibration import FramesError, LensError, Settings, Target, TargetError, Temperature
from calibration.detection import Detection, NotDetected, detect
from calibration.lens import (
    Coverage,
    LensCalibration,
    LensMap,
    calibrate_lens,
    calibrate_plane,
    next_pose,
    object_plane,
)
from hallmark.calibrate.pictures import (
    Picture,
    Transfer,
    check_format,
    check_same,
    light_of,
    read_picture,
    table_of,
)

Kind = Literal["perspective", "telecentric"]
_CHANGED = 1.6  # ratio of contrasts that tilt alone does not explain
_DEPTH_BLUR = 2.0  # px of edge blur from which it costs accuracy

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What one picture gave.

    Attributes:
        path: the picture.
        found: its corners, or why there are none.
        warnings: what costs accuracy but does not refuse it, in sentences.
        coverage: of all pictures so far, or None where it was not asked for.
    """

    path: Path
    found: Detection | NotDetected
    warnings: tuple[str, ...]
    coverage: Coverage | None

    @property
    def refused(self) -> bool:
        """Whether it takes no part."""
        return isinstance(self.found, NotDetected)


class Series:
    """Pictures of one target by one camera in one setting.

    Args:
        target: as its definition says.
        settings: of the camera; pixel format and black level decide how codes are read.
        transfer: how codes relate to light.
        kind: of lens, or None where it is not known.
        temperature: of the target, or None: its pitch is then taken as its definition states it.
    """

    def __init__(
        self, target: Target, settings: Settings, transfer: Transfer, *, kind: Kind | None,
        temperature: Temperature | None,
    ) -> None:  # fmt: skip
        """Start without pictures."""
        self.target = target
        self.kind: Kind | None = kind
        self._settings, self._table = settings, table_of(transfer, settings)
        self.measured = at_temperature(target, temperature)
        self._first: Picture | None = None
        self.looks: list[Look] = []

    @property
    def used(self) -> list[Look]:
        """Those that take part."""
        return [look for look in self.looks if not look.refused]

    @property
    def detections(self) -> list[Detection]:
        """Their corners."""
        return [look.found for look in self.looks if isinstance(look.found, Detection)]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frames; FramesError before the first."""
        if self._first is None:
            raise FramesError("no picture of the target: give at least one with --images")
        return self._first.size

    def add(self, path: Path) -> Look:
        """Look at one more picture and keep it.

        Raises:
            FramesError: it is no picture, or of another size or pixel format.
            TargetError: it shows the target mirrored.
        """
        look = self.look(path, keep=True)
        self.looks.append(look)
        return look

    def look(self, path: Path, *, keep: bool = False) -> Look:
        """Look at a picture; with `keep`, say too what all pictures then cover."""
        picture = read_picture(path)
        if self._first is None:
            self._first = picture
        check_same(self._first, picture)
        check_format(picture, self._settings)
        found = detect(light_of(picture.codes, self._table, self._settings), self.measured)
        if isinstance(found, NotDetected):
            if found.reason == "target_mirrored":
                raise TargetError(f"{path}: {found.message}: {found.remedy}")
            return Look(path, found, (), self._coverage(None) if keep else None)
        return Look(path, found, self._warnings(picture, found), self._coverage(found) if keep else None)

    def calibrate(self) -> LensCalibration:
        """Calibrate the lens from the pictures that took part; LensError says what is missing."""
        self._refuse_nothing_seen()
        return self._named(
            lambda: calibrate_lens(
                self.detections, self.size, kind=self.kind,
                pitch_relative_uncertainty=self.measured.pitch_relative_uncertainty,
            )
        )  # fmt: skip

    def calibrate_plane(self, focal_px: float | None, u_focal_px: float | None) -> LensCalibration:
        """Calibrate the target's plane from one picture or several of the same pose."""
        self._refuse_nothing_seen()
        return self._named(
            lambda: calibrate_plane(
                self.detections, self.size, kind=self.kind or "perspective", focal_px=focal_px,
                u_focal_px=u_focal_px,
                pitch_relative_uncertainty=self.measured.pitch_relative_uncertainty,
            )
        )  # fmt: skip

    def plane_of(self, lens: LensCalibration, path: Path) -> LensMap:
        """Return the plane of the target in one picture, of the series or another.

        Raises:
            LensError: the target was not found in it, or the picture does not fit the lens.
        """
        for number, look in enumerate(self.used):
            if look.path.resolve() == path.resolve():
                return lens.plane(number)
        look = self.look(path)
        if isinstance(look.found, NotDetected):
            raise LensError(f"{path}: {look.found.message}: {look.found.remedy}")
        try:
            return object_plane(lens, look.found)
        except LensError as error:
            raise LensError(f"{path}: {error}") from error

    def squarest(self, lens: LensCalibration) -> Path:
        """Return the picture in which the target lies most square to the camera."""
        square = [abs(float(rotation[2, 2])) for rotation in lens.estimate.rotations]
        return self.used[int(np.argmax(square))].path

    def _coverage(self, found: Detection | None) -> Coverage | None:
        shown = [*self.detections, *([] if found is None else [found])]
        try:
            return next_pose(shown, self.size, kind=self.kind or "perspective")
        except LensError:  # told at the end, when all pictures can be compared
            return None

    def _warnings(self, picture: Picture, found: Detection) -> tuple[str, ...]:
        said: list[str] = []
        if picture.lossy:
            said.append("JPEG: compression moves edges, which enlarges the uncertainty; save PNG or TIFF")
        blur = float(np.median(found.blur_px))
        if blur > _DEPTH_BLUR:
            said.append(f"edges are blurred by {blur:.1f} px: focus, or stop the lens down")
        if self.detections:
            before = float(np.median([np.median(d.contrast) for d in self.detections]))
            ratio = float(np.median(found.contrast)) / before
            if not 1 / _CHANGED < ratio < _CHANGED:
                said.append(
                    f"the target is {ratio:.1f} times as bright as in the pictures before: fix exposure, "
                    "gain and light"
                )
        return tuple(said)

    def _refuse_nothing_seen(self) -> None:
        if self.used:
            return
        if not self.looks:
            raise FramesError("no picture of the target: give at least one with --images")
        first = self.looks[0].found
        assert isinstance(first, NotDetected)
        raise TargetError(
            f"none of {len(self.looks)} pictures shows the target. {self.looks[0].path}: {first.message}: "
            f"{first.remedy}"
        )

    def _named(self, compute: Callable[[], _T]) -> _T:
        """Add to an error that counts pictures which file it means."""
        try:
            return compute()
        except LensError as error:
            refused = len(self.looks) - len(self.used)
            sentence = re.sub(
                r"\bpicture (\d+)\b", lambda m: str(self.used[int(m.group(1)) - 1].path), str(error)
            )
            if refused:
                sentence += f"; {refused} of {len(self.looks)} pictures were refused"
            coverage = self._coverage(None)
            if coverage is not None and coverage.missing is not None:
                sentence += f"; next, {coverage.missing}"
            raise LensError(sentence) from error


def tilt_deg(plane: LensMap) -> float:
    """Return by how much the plane is tilted against the camera's."""
    return math.degrees(math.acos(min(1.0, abs(float(plane.rotation[2, 2])))))


def at_temperature(target: Target, temperature: Temperature | None) -> Target:
    """Return the target with the pitch, and its uncertainty, that it has at a temperature."""
    if temperature is None:
        return target
    grown = 1 + target.expansion_per_k * (temperature.celsius - target.temperature_c)
    sizes = {
        name: value * grown
        for name in ("pitch_mm", "marker_mm", "dot_mm")
        if (value := getattr(target, name)) is not None
    }
    warmth = abs(target.expansion_per_k) * temperature.u_celsius
    relative = math.hypot(target.pitch_relative_uncertainty, warmth)
    return target.model_copy(update={**sizes, "pitch_relative_uncertainty": relative})
