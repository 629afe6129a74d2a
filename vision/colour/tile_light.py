"""The lamp as a tile in the scene shows it: in one frame, and after all that a station saw before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from calibration import CameraCalibration
from calibration.colour.drift import Gain, LightReading, LightState, LightWatch, WatchPlan
from evidence import LightRecord, LightStateRecord
from kernels.compiled import F64, Codes
from vision.colour.golden_colours import GoldenColours, Tile
from vision.colour.placed import RegionReader
from vision.colour.region import NotRead

_EVERY_HOURS = 0.01  # the tile is read in each frame
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def first_light(colours: GoldenColours, certificate: CameraCalibration) -> LightStateRecord:
    """Return what a station knows of the lamp before its first unit: it was right beside the golden sample.

    Where no frame says when that was, it was after the certificate's issue.
    """
    measured = colours.measured_at
    at = _text(certificate.issued if measured is None else datetime.fromisoformat(measured))
    return LightStateRecord(
        status="ok", why="within_limits", since=at, time=at, steady=at, average=(0.0, 0.0, 0.0),
        delta_e=0.0, power=1.0,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class SeenLight:
    """The lamp in one frame.

    Attributes:
        record: for the frame's record.
        reason: why no gain corrects the change, `light_drifted`, or None.
        gain: what a unit's light is multiplied by.
    """

    record: LightRecord
    reason: str | None
    gain: Gain


class TileLight:
    """What a tile says of the lamp.

    Args:
        tile: where it is, and its light when the golden sample was measured.
        reader: of the view.
        tolerance: Delta E of the tightest characteristic.
    """

    def __init__(self, tile: Tile, reader: RegionReader, tolerance: float) -> None:
        """Compile the limits."""
        self._polygon, self._reader = np.array(tile.polygon_px), reader
        plan = WatchPlan(every_hours=_EVERY_HOURS, tolerance=tolerance)
        self._watch = LightWatch(tile.light, reader.calibration, plan)

    def seen(
        self, pixels: Codes, captured_at: str | None, before: LightStateRecord | None
    ) -> SeenLight | NotRead:
        """Read the tile in a frame; `light_drifted` where it cannot be read.

        Args:
            pixels: (h, w, 3) codes, raw frame.
            captured_at: its time, RFC 3339, or None.
            before: what earlier frames of the station had shown, which decides together with this one; None:
                this frame alone decides.
        """
        tile = self._reader.read(pixels, self._polygon)
        if isinstance(tile, NotRead) or not (tile.rgb > 0).all():
            return NotRead("light_drifted")
        gain = self._watch.frame_gain(tile.rgb, tile.covariance)
        r, g, b = np.round(tile.rgb, 9).tolist()
        light = np.array((r, g, b))
        seen = LightRecord(rgb=(r, g, b), delta_e=round(self._watch.difference(light), 4))
        alone = self._alone(light)
        if before is None or captured_at is None:
            return SeenLight(seen, alone, gain)
        after, new = self.after(before, captured_at, light)
        reason = _state(after).reason or (None if new else alone)
        return SeenLight(seen.model_copy(update={"before": before, "after": after}), reason, gain)

    def after(self, before: LightStateRecord, captured_at: str, light: F64) -> tuple[LightStateRecord, bool]:
        """Return what is known with a frame's light (3,), and whether the frame counts.

        One that is not later than the last says nothing new of how the lamp changes.
        """
        state, at = _state(before), datetime.fromisoformat(captured_at)
        if at <= state.time:
            return before, False
        return _record(self._watch.after(state, LightReading(at, light))), True

    def _alone(self, light: F64) -> str | None:
        now = LightReading(_EPOCH + timedelta(hours=_EVERY_HOURS), light)
        return self._watch.after(self._watch.start(_EPOCH), now).reason


def _state(record: LightStateRecord) -> LightState:
    since, time, steady = map(datetime.fromisoformat, (record.since, record.time, record.steady))
    average = np.array(record.average)
    return LightState(record.status, record.why, since, time, steady, average, record.delta_e, record.power)


def _record(state: LightState) -> LightStateRecord:
    a, b, c = np.round(state.average, 9).tolist()
    return LightStateRecord(
        status=state.status, why=state.why, since=_text(state.since), time=_text(state.time),
        steady=_text(state.steady), average=(a, b, c), delta_e=round(state.delta_e, 4),
        power=round(state.power, 6),
    )  # fmt: skip


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
