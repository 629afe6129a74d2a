"""The lamp as a white or tile in the scene shows it: in one frame, and as the station follows it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evidence.frame import Timestamp
from golden.regions import Closed, Stated

LightStatus = Literal["ok", "suspect", "alarm"]
LightCause = Literal["within_limits", "drift", "jump", "power"]


class LightStateRecord(Closed):
    """What the readings of a tile up to a time say of the lamp, see `calibration.colour.drift.LightState`.

    `since` is from when the status has been so, `time` that of the latest reading, and `steady` the last time
    at which the average was as near the reference as chance puts it half the time: a drift began after it.
    `average` is the moving average of the logarithm of the tile's light over that beside the golden sample;
    `delta_e` is CIEDE2000 by that average, power taken out; `power` is that of the latest reading, relative.
    """

    status: LightStatus
    why: LightCause
    since: Timestamp
    time: Timestamp
    steady: Timestamp
    average: tuple[float, float, float]
    delta_e: Annotated[float, Field(ge=0)]
    power: Annotated[float, Field(gt=0)]


class LightRecord(Closed):
    """The tile in one frame: mean linear light, and CIEDE2000 to when the golden sample was measured.

    Power is taken out of `delta_e`. On a station, `before` is what earlier units had shown of the lamp, on
    which this unit's colours depend, and `after` what they and this frame show together.
    """

    rgb: tuple[float, float, float]
    delta_e: Annotated[float, Field(ge=0)]
    before: Stated[LightStateRecord] = None
    after: Stated[LightStateRecord] = None
