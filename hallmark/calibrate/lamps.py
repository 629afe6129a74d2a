"""What records say of a station's lamp: how it is, and which inspections are in doubt since when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from calibration import Doubt
from evidence import LightStateRecord
from evidence.light import LightCause
from hallmark.calibrate.checks import inspections

_CAUSES: dict[LightCause, str] = {
    "within_limits": "as beside the golden sample",
    "drift": "its colour has drifted",
    "jump": "it has suddenly another colour",
    "power": "its power has changed by more than is corrected",
}


def states(colours: str, records: Sequence[Path]) -> list[LightStateRecord]:
    """Return what the records of units that were compared with these golden colours say of the lamp, by time.

    Raises:
        CheckError: a file holds no inspection records.
        SpoolError: a folder is a spool that cannot be read.
    """
    found = {
        frame.light.after.time: frame.light.after
        for path in records
        for inspection in inspections(path)
        for frame in inspection.frames
        if frame.colours == colours and frame.light is not None and frame.light.after is not None
    }
    return [found[time] for time in sorted(found)]


def doubts(states: Sequence[LightStateRecord]) -> list[Doubt]:
    """Return from when to when units were judged in a light that an alarm, or a last doubt, has since proven.

    From the last time at which the light was surely right; later units are held.
    """
    found: list[Doubt] = []
    alarmed = False
    for state in states:
        last = state is states[-1] and state.status == "suspect"
        if last or (state.status == "alarm" and not alarmed):
            found.append(Doubt(*map(datetime.fromisoformat, (state.steady, state.since))))
        alarmed = state.status == "alarm"
    return found


def sentence(view: str, state: LightStateRecord) -> str:
    """Return a lamp's state in words."""
    moved = f"{state.delta_e:.2f} Delta E, power {state.power:.3f}"
    if state.status == "ok":
        return f"view {view}: the light is {_CAUSES[state.why]} ({moved})"
    since, steady = (datetime.fromisoformat(at) for at in (state.since, state.steady))
    return (
        f"view {view}: units are held since {since:%Y-%m-%d %H:%M:%S} UTC by the light: {_CAUSES[state.why]} "
        f"({moved}); it was surely right until {steady:%Y-%m-%d %H:%M:%S} UTC"
    )
