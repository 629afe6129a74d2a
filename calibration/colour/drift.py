"""Does the lamp still give the light that colours were calibrated under? A white or tile in the scene says.

Its light is read in every frame or once a shift and compared with that at calibration. A change of power is
corrected by a gain and does no harm until it is large. A change of colour is corrected channel by channel
only as far as the parts are like the tile; so it is charted, and alarmed before it uses up a third of a
tolerance.

* drift: exponentially weighted moving average of the two chromatic coordinates (MEWMA: Lowry, Woodall, Champ
  and Rigdon 1992, doi:10.1080/00401706.1992.10485232). Its limit has the average run length that is asked
  (Rigdon 1995, doi:10.1080/00949659508811685), wider where few readings made the reference. However
  surely it is seen, it is no alarm before the average, or half of that and the latest reading, has moved by a
  fifth of the tolerance; the alarm ends when the average is back within a tenth.
* jump: a single reading far from that average. It makes the light suspect and is not averaged, the next one
  decides: a hand over the tile is no drift, a changed lamp is.
* power: beyond what a gain can correct; treated as a jump.
"""

# scipy publishes incomplete types.
# pyright: reportUnknownVariableType=false, reportArgumentType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator
from scipy.optimize import brentq
from scipy.special import chdtri, fdtri, ive

from calibration.check_history import Doubt
from calibration.check_standard import WEIGHT
from calibration.colour.camera import ColourCalibration
from calibration.errors import CheckError
from evidence.light import LightCause, LightStatus
from golden.regions import Closed
from kernels.colour import ciede2000
from kernels.compiled import F64

FEWEST = 10  # readings of a reference
MATTERS = 0.2  # of the tolerance: what a drift must reach
LARGEST_POWER = 1.25  # ratio of powers, either way, that a gain corrects
# Shares of a change that a unit may not follow: of a channel's beyond the power, where its colour is unlike
# the tile's; of the power, which dust on the tile or a shadow changes too.
UNLIKE = 0.5
TILE_ALONE = 0.25

_CHARTED = 2  # chromatic coordinates
_CHARTS = 2
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_MEDIAN = 2 * math.log(2)  # of chi-square with two degrees of freedom

Light = Annotated[float, Field(gt=0, le=1)]
Triple = tuple[float, float, float]


class LightReference(Closed):
    """The tile's light when the colours were calibrated.

    Attributes:
        rgb: mean linear light of its readings.
        repeatability: relative covariance of one reading, over the conditions in which nothing changed.
        readings: how many made both.
    """

    rgb: tuple[Light, Light, Light]
    repeatability: tuple[Triple, Triple, Triple]
    readings: Annotated[int, Field(ge=FEWEST)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        matrix = np.array(self.repeatability)
        if not np.array_equal(matrix, matrix.T) or np.linalg.eigvalsh(matrix)[0] <= 0:
            raise ValueError("the repeatability is not symmetric and positive definite")
        return self

    @classmethod
    def of(cls, rgb: F64) -> Self:
        """Make it from the linear light (n, 3) of n readings, each as later ones will be made.

        Raises:
            CheckError: fewer than ten readings, one without light, or all alike.
        """
        if rgb.ndim != 2 or rgb.shape[1] != 3 or len(rgb) < FEWEST or not (rgb > 0).all():
            raise CheckError(
                f"a lamp is followed from at least {FEWEST} readings of its tile, r, g, b above 0, and these "
                f"are {len(rgb)}: give more frames"
            )
        covariance = np.cov(np.log(rgb / rgb.mean(axis=0)), rowvar=False)
        covariance = (covariance + covariance.T) / 2
        if np.linalg.eigvalsh(covariance)[0] <= 0:
            raise CheckError("the readings of the light are all alike: take them from different frames")
        r, g, b = rgb.mean(axis=0).tolist()
        first, second, third = ((x, y, z) for x, y, z in covariance.tolist())
        return cls(rgb=(r, g, b), repeatability=(first, second, third), readings=len(rgb))


class WatchPlan(Closed):
    """How often the tile is read, and what is accepted.

    Attributes:
        every_hours: from one reading to the next.
        tolerance: Delta E of the tightest colour characteristic.
        false_alarm_days: on average at least so many days pass between false alarms.
    """

    every_hours: Annotated[float, Field(gt=0, le=8784)] = 8.0
    tolerance: Annotated[float, Field(gt=0, le=100)] = 1.0
    false_alarm_days: Annotated[float, Field(gt=0, le=10000)] = 60.0

    @property
    def run_length(self) -> float:
        """Readings that must pass between false alarms of one chart, on average."""
        return max(2.0, _CHARTS * self.false_alarm_days * 24 / self.every_hours)


@dataclass(frozen=True, slots=True, eq=False)
class LightReading:
    """The tile's mean linear light (3,) at an aware time."""

    time: datetime
    rgb: F64


@dataclass(frozen=True, slots=True, eq=False)
class Gain:
    """Factors (3,) by which a unit's light is multiplied, and their relative covariance (3, 3)."""

    factors: F64
    covariance: F64


@dataclass(frozen=True, slots=True, eq=False)
class LightState:
    """What the readings up to a time say.

    Attributes:
        status: ok, suspect or alarm.
        why: which chart, or within limits.
        since: from when it has been so.
        time: of the latest reading, or of the calibration.
        steady: last time at which the average was as near the reference as chance puts it half the time.
        average: (3,) moving average of the logarithm of light over that at calibration.
        delta_e: CIEDE2000 of the tile by that average, power taken out.
        power: of the latest reading, relative to the calibration.
    """

    status: LightStatus
    why: LightCause
    since: datetime
    time: datetime
    steady: datetime
    average: F64
    delta_e: float
    power: float

    @property
    def reason(self) -> str | None:
        """The code with which units are held; None where they are not."""
        return None if self.status == "ok" else "light_drifted"

    @property
    def doubt(self) -> Doubt | None:
        """From when to when the light is in doubt; None while it is ok."""
        return None if self.status == "ok" else Doubt(self.steady, self.since)


class LightWatch:
    """The charts of one tile under one certificate; a pure reducer over its readings.

    Args:
        reference: of the tile.
        calibration: of the camera.
        plan: how often, and what is accepted.
    """

    def __init__(self, reference: LightReference, calibration: ColourCalibration, plan: WatchPlan) -> None:
        """Compute the limits; they do not depend on readings."""
        self.reference, self.calibration, self.plan = reference, calibration, plan
        self._rgb = np.array(reference.rgb)
        self._lab = calibration.lab(self._rgb)
        self._repeatability = np.array(reference.repeatability)
        brightness = calibration.model.jacobian(self._rgb)[1] * self._rgb
        self._share = brightness / brightness.sum()  # of each channel in Y, relative
        without_power = np.eye(3) - np.outer(np.ones(3), self._share)
        self._chromatic = (calibration.lab_jacobian(self._rgb) * self._rgb)[1:] @ without_power
        covariance = self._chromatic @ self._repeatability @ self._chromatic.T
        self._inverse = np.asarray(np.linalg.inv(covariance), np.float64)
        n, miss = reference.readings, 1 / plan.run_length
        known = float(chdtri(_CHARTED, miss))
        estimated = _CHARTED * (n - 1) / (n - _CHARTED) * float(fdtri(_CHARTED, n - _CHARTED, 1 - miss))
        wider = estimated / known  # the covariance is an estimate
        smooth = WEIGHT / (2 - WEIGHT)
        self._jump = estimated * (1 + smooth)
        self._drift = limit(plan.run_length, WEIGHT) ** 2 * smooth * wider * (1 + 1 / (n * smooth))

    @property
    def detectable(self) -> float:
        """Delta E of the tile at which a lasting drift is alarmed: its limit, where noise is largest.

        Where it is more than a third of the tolerance the tile is read too coarsely for the plan.
        """
        spread = np.linalg.inv(self._inverse) * self._drift
        root = np.linalg.cholesky(spread)
        turns = np.linspace(0, 2 * math.pi, 36, endpoint=False)
        edge = np.stack((np.cos(turns), np.sin(turns)), axis=1) @ root.T
        reach = max(ciede2000(self._lab, self._lab + np.array([0.0, a, b])) for a, b in edge)
        return max(reach, MATTERS * self.plan.tolerance)

    def start(self, issued: datetime) -> LightState:
        """Return the state before the first reading: that of the certificate's issue."""
        return LightState("ok", "within_limits", issued, issued, issued, np.zeros(3), 0.0, 1.0)

    def follow(self, readings: Sequence[LightReading], issued: datetime) -> tuple[LightState, ...]:
        """Return the state after each reading; CheckError where one is not later than the one before."""
        states = [self.start(issued)]
        for reading in readings:
            states.append(self.after(states[-1], reading))
        return tuple(states[1:])

    def after(self, state: LightState, reading: LightReading) -> LightState:
        """Return the state after one more reading.

        Raises:
            CheckError: it is not later than the last, or without light.
        """
        if reading.time <= state.time:
            raise CheckError(f"the light of {reading.time} follows that of {state.time}: put them in order")
        if reading.rgb.shape != (3,) or not (reading.rgb > 0).all():
            raise CheckError(f"the tile's light {reading.rgb.tolist()} is not three values above 0")
        change = np.log(reading.rgb / self._rgb)
        power = math.exp(float(self._share @ change))
        off = change - state.average
        single = self._square(off) > self._jump and self._matters(off)
        if single or not 1 / LARGEST_POWER <= power <= LARGEST_POWER:
            again = state.status == "alarm" or state.why in {"jump", "power"}
            why: LightCause = "jump" if single else "power"
            return self._now(
                replace(state, time=reading.time, power=power), "alarm" if again else "suspect", why
            )
        average = state.average + WEIGHT * off
        square = self._square(average)
        steady = reading.time if square < _MEDIAN * WEIGHT / (2 - WEIGHT) else state.steady
        moved = replace(
            state,
            time=reading.time,
            steady=steady,
            average=average,
            power=power,
            delta_e=self._moved(average),
        )
        proven = square > self._drift and self._matters(average, 0.5)
        if proven and (state.why == "drift" or self._matters(average) or self._matters(change)):
            return self._now(moved, "alarm", "drift")
        return self._now(moved, "ok", "within_limits")

    def difference(self, rgb: F64) -> float:
        """Return CIEDE2000 of the tile's light (3,) to that at calibration, power taken out."""
        return self._moved(np.log(rgb / self._rgb))

    def gain(self, state: LightState) -> Gain:
        """Return the correction for units between two readings of the tile, from its moving average.

        How the power flickers from frame to frame is not in it: that is part of the units' repeatability.
        """
        smooth = WEIGHT / (2 - WEIGHT)
        return Gain(np.exp(-state.average), self._repeatability * smooth + self._unlike(state.average))

    def frame_gain(self, rgb: F64, covariance: F64) -> Gain:
        """Return the correction for a unit in whose own frame the tile's light (3,) was read.

        Args:
            rgb: of the tile.
            covariance: (3, 3) of that mean, by noise.
        """
        change = np.log(rgb / self._rgb)
        return Gain(np.exp(-change), covariance / np.outer(rgb, rgb) + self._unlike(change))

    def _unlike(self, change: F64) -> F64:
        """Return the relative covariance by which units do not follow the tile's change (3,).

        Other colours follow its change of colour less; and its change of power is the lamp's only if nothing
        happened to the tile.
        """
        power = float(self._share @ change)
        return np.diag((UNLIKE * (change - power)) ** 2) + (TILE_ALONE * power) ** 2

    def _now(self, state: LightState, status: LightStatus, why: LightCause) -> LightState:
        since = state.since if status == state.status else state.time
        return replace(state, status=status, why=why, since=since)

    def _square(self, change: F64) -> float:
        moved = self._chromatic @ change
        return float(moved @ self._inverse @ moved)

    def _moved(self, change: F64) -> float:
        balanced = self._rgb * np.exp(change - self._share @ change)
        return float(ciede2000(self._lab, self.calibration.lab(balanced)))

    def _matters(self, change: F64, share: float = 1.0) -> bool:
        return self._moved(change) > share * MATTERS * self.plan.tolerance


@lru_cache(maxsize=64)
def limit(run_length: float, weight: float) -> float:
    """Return h: a MEWMA of two coordinates, whitened, is beyond where |z|^2 > h^2 weight / (2 - weight).

    Args:
        run_length: readings until a false alarm, on average, at least 2.
        weight: of the newest reading.
    """

    def too_long(h: float) -> float:
        return average_run_length(h, weight) - run_length

    high = 1.0
    while too_long(high) < 0:
        high += 0.25
    return float(brentq(too_long, high - 1.0, high, xtol=1e-6))


def average_run_length(h: float, weight: float) -> float:
    """Return how many readings pass on average until a MEWMA of two coordinates is beyond h by chance.

    Rigdon's integral equation for the length of the average, which is Rice-distributed from one reading to
    the next, by Gauss-Legendre quadrature.
    """
    top = h * math.sqrt(weight / (2 - weight))
    place, share = top * (_NODES + 1) / 2, _WEIGHTS * top / 2
    ahead, before = place[None, :], (1 - weight) * place[:, None]
    variance = weight**2
    density = (
        ahead
        / variance
        * np.exp(-((ahead - before) ** 2) / (2 * variance))
        * ive(0, ahead * before / variance)
    )
    lengths = np.linalg.solve(np.eye(len(place)) - density * share, np.ones(len(place)))
    first = place / variance * np.exp(-(place**2) / (2 * variance))  # from an average of zero
    return 1 + float((first * share) @ lengths)
