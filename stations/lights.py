"""The lamp of each view over a station's units, followed from one durable record to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from calibration import CameraCalibration
from evidence import Frame, Inspection, LightRecord, LightStateRecord, verify_digest
from stations.errors import SpoolConflictError
from stations.spool import SpoolReader
from vision import GoldenColours, Inspector, first_light

_CLOCKS_DIFFER = timedelta(days=1)  # those of cameras and station, at most

log = structlog.get_logger("hallmark.station")


def known_light(
    reader: SpoolReader, colours: GoldenColours, certificate: CameraCalibration, before: int | None = None
) -> LightStateRecord:
    """Return what the newest record that was compared with these golden colours knows of the lamp.

    Before the first such record it is the lamp beside which the golden sample was measured.

    Args:
        reader: the station's spool.
        colours: with a tile.
        certificate: of their view.
        before: ask only records of smaller sequences.

    Raises:
        SpoolConflictError: that record is damaged.
        SpoolError: the spool cannot be read.
    """
    measured = None if colours.measured_at is None else datetime.fromisoformat(colours.measured_at)
    since = None if measured is None else measured - _CLOCKS_DIFFER
    for unit in reader.naming(colours.digest, since=since, before=before):
        inspection = unit.inspection
        for light in _followed(inspection, colours.digest):
            if light.after is not None:
                if not verify_digest(inspection):
                    raise SpoolConflictError(
                        f"{reader.directory}: sequence {unit.sequence}, after which the lamp is followed on, "
                        "was altered: restore the spool, or measure the golden sample again"
                    )
                return light.after
    return first_light(colours, certificate)


def _followed(inspection: Inspection, colours: str) -> list[LightRecord]:
    return [f.light for f in inspection.frames if f.colours == colours and f.light is not None]


class LampFollower:
    """What a station knows of its lamps. All of it stands in the records, so that a restart changes nothing.

    Golden colours begin with the lamp beside which they were measured; measured again, they begin anew.

    Args:
        reader: the station's spool.
        colours: golden colours by view id; those without a tile are not followed.
        certificates: of their views.

    Raises:
        SpoolConflictError: the record from which the lamp would be followed on is damaged.
    """

    def __init__(
        self,
        reader: SpoolReader,
        colours: Mapping[str, GoldenColours],
        certificates: Mapping[str, CameraCalibration],
    ) -> None:
        """Find where the records left off."""
        self._station = reader.station
        self._digests = {view: found.digest for view, found in colours.items() if found.tile is not None}
        self._states = {
            view: known_light(reader, colours[view], certificates[view]) for view in self._digests
        }

    @property
    def states(self) -> Mapping[str, LightStateRecord]:
        """What is known now, by view id."""
        return dict(self._states)

    def saw(self, inspection: Inspection) -> None:
        """Take a durable record into account, and log where the lamp's state changes."""
        for view, digest in self._digests.items():
            for light in _followed(inspection, digest):
                if light.after is not None:
                    self._log(inspection, view, self._states[view], light.after)
                    self._states[view] = light.after

    def _log(
        self, inspection: Inspection, view: str, before: LightStateRecord, after: LightStateRecord
    ) -> None:
        if after.status == before.status:
            return
        told = {
            "station": self._station, "sequence": inspection.sequence, "view": view, "status": after.status,
            "why": after.why, "since": after.since, "delta_e": after.delta_e, "power": after.power,
        }  # fmt: skip
        if after.status == "ok":
            log.info("light_back", **told)
        else:
            log.warning("light_drifted", steady_until=after.steady, **told)


@dataclass(frozen=True)
class FollowingInspector:
    """An inspector that knows at each unit what earlier ones showed of the lamps."""

    inspector: Inspector
    lamps: LampFollower

    def inspect(
        self, frames: Mapping[str, Frame], *, serial: str, lot: str | None, station: str, sequence: int
    ) -> Inspection:
        """Judge one unit; errors as `vision.Inspector.inspect`."""
        return self.inspector.inspect(
            frames, serial=serial, lot=lot, station=station, sequence=sequence, lights=self.lamps.states
        )
