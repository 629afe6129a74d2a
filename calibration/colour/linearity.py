"""Do codes follow light? What the grey patches of a chart say, and whether that is enough to decide.

The light of a neutral patch is in proportion to its reference Y, so ln(light) over ln(Y) has slope 1 where
the codes are decoded as they were encoded. Both hypotheses are tried: linear codes, and the sRGB transfer
(IEC 61966-2-1:1999). A file that fits neither clearly stays undecided: nothing is guessed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from calibration.colour.chart import Chart
from calibration.colour.colorimetry import white_point, xyz_from_lab
from calibration.colour.patches import Patches
from calibration.errors import CharacterisationError
from golden.regions import Closed
from kernels.compiled import F64
from kernels.light import decoding_table

DARK = 3.0  # codes of 8 bits, mean of the channels above black: less is excluded
CLIPPED = 0.01  # share of a patch's pixels at either end of the codes

Transfer = Literal["linear", "srgb"]

_FEWEST = 3  # grey patches
_SPAN = 4.0  # ratio of light that they must span
_CLEAR = 0.3  # |ln slope|, with 2 u, below which a hypothesis fits; beyond, or a departure, it does not
_PRINT = 0.03  # relative standard uncertainty of a grey's Y for a camera: not quite neutral, texture, gloss
_CODES = 0.3  # standard uncertainty of a mean code of 8 bits: rounding, JPEG
_UNEVEN = 0.15  # standard uncertainty of ln(light) from end to end of the grey row where falloff is unknown
_FLAT = 1.5  # ratio of codes along a grey row that spans _SPAN: no encoding of light has less


class Linearity(Closed):
    """What the grey patches say.

    Attributes:
        verdict: the transfer that fits while the other does not.
        slope_linear: of ln(light) over ln(Y) if codes are linear; 1 where they are. None without greys.
        u_slope_linear: its standard uncertainty, with that of the illumination along the row.
        slope_srgb: the same if codes follow sRGB.
        u_slope_srgb: its standard uncertainty.
        departure_linear: rms relative departure of light from proportion to Y if codes are linear.
        departure_srgb: the same if codes follow sRGB.
        patches: ids of the greys that were used.
    """

    verdict: Literal["linear", "srgb", "undecided"]
    slope_linear: Annotated[float, Field(gt=-10, lt=10)] | None = None
    u_slope_linear: Annotated[float, Field(ge=0)] | None = None
    slope_srgb: Annotated[float, Field(gt=-10, lt=10)] | None = None
    u_slope_srgb: Annotated[float, Field(ge=0)] | None = None
    departure_linear: Annotated[float, Field(ge=0)] | None = None
    departure_srgb: Annotated[float, Field(ge=0)] | None = None
    patches: tuple[Annotated[str, Field(max_length=64)], ...] = ()

    def departure(self, transfer: Transfer) -> float | None:
        """Return the rms relative departure from proportion under a transfer; None without greys."""
        return self.departure_linear if transfer == "linear" else self.departure_srgb

    @property
    def evidence(self) -> str:
        """The figures in a sentence."""
        if self.slope_linear is None or self.slope_srgb is None:
            return "the chart shows too few usable grey patches to tell"
        return (
            f"the log-log slope of the {len(self.patches)} grey patches is {self.slope_linear:.2f} "
            f"(u {self.u_slope_linear:.2f}) if codes are linear and {self.slope_srgb:.2f} "
            f"(u {self.u_slope_srgb:.2f}) if they are sRGB; 1 is right"
        )

    def decide(self, stated: Transfer | None) -> Transfer:
        """Return the transfer to use: what was stated, else what the greys show.

        Raises:
            CharacterisationError: nothing is stated and the greys do not decide, or they contradict.
        """
        if stated is None and self.verdict == "undecided":
            raise CharacterisationError(
                f"whether the file's codes are linear or sRGB cannot be told: {self.evidence}: state "
                "--transfer linear or --transfer srgb as the camera was set; where neither fits, as with a "
                "telephone's tone curve, the errors of the patches left out say what the stated one costs"
            )
        if stated is not None and self.verdict not in {"undecided", stated}:
            raise CharacterisationError(
                f"transfer {stated} is stated, but the grey patches show {self.verdict}: {self.evidence}: "
                f"state --transfer {self.verdict}, or set the camera as stated and take the picture again"
            )
        if stated is not None:
            return stated
        return "linear" if self.verdict == "linear" else "srgb"


def find_linearity(
    patches: Patches, chart: Chart, *, white: int = 255, black: float = 0.0, even: bool = False
) -> Linearity:
    """Say what the grey patches tell of the transfer.

    Args:
        patches: of the chart; only codes and `clipped` are used.
        chart: which chart; its `grey` row is used.
        white: the highest code.
        black: code without light.
        even: the light is even along the grey row, or the codes are of a frame that was corrected.

    Raises:
        CharacterisationError: a channel does not follow the grey patches at all: not RGB (an L*a*b* or YCbCr
            picture), another chart, or one that is turned.
    """
    xyz = xyz_from_lab(chart.lab, white_point(chart.illuminant, chart.observer))
    index = [chart.index(name) for name in chart.grey]
    above = (patches.codes[index] - black) * 255 / white
    usable = [
        i for i, code in zip(index, above, strict=True)
        if code.min() > 0 and code.mean() >= DARK and patches.clipped[i] <= CLIPPED
    ]  # fmt: skip
    luminance = xyz[usable, 1]
    if len(usable) < _FEWEST or luminance.max() < _SPAN * luminance.min():
        return Linearity(verdict="undecided")
    codes = patches.codes[usable]
    _check_follow(codes, luminance, white)
    fits = {t: _Fit.of(codes, luminance, t, white, black, even) for t in ("linear", "srgb")}
    linear, srgb = fits["linear"], fits["srgb"]
    verdict = "undecided"
    if linear.holds and (srgb.fails or black > 0):  # sRGB codes have no black level
        verdict = "linear"
    elif srgb.holds and linear.fails and black == 0:
        verdict = "srgb"
    return Linearity(
        verdict=verdict, slope_linear=linear.slope, u_slope_linear=linear.u, slope_srgb=srgb.slope,
        u_slope_srgb=srgb.u, departure_linear=linear.departure, departure_srgb=srgb.departure,
        patches=tuple(chart.patches[i].id for i in usable),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Fit:
    slope: float
    u: float
    departure: float

    @classmethod
    def of(cls, codes: F64, luminance: F64, transfer: str, white: int, black: float, even: bool) -> _Fit:
        """Fit one slope with an intercept for each channel, weighted by how well each light is known."""
        table = decoding_table(transfer, white).astype(np.float64)
        scale = np.arange(len(table))
        floor = float(np.interp(black, scale, table))

        def light(code: F64) -> F64:
            return np.maximum(np.interp(code, scale, table) - floor, 1e-9)

        step = _CODES * white / 255
        blur = np.log(light(codes + step) / light(codes - step)) / 2
        weight = 1 / (blur**2 + _PRINT**2)
        x = np.repeat(np.log(luminance)[:, None], 3, axis=1)
        y = np.log(light(codes))
        dx = x - np.average(x, axis=0, weights=weight)
        dy = y - np.average(y, axis=0, weights=weight)
        information = float(np.sum(weight * dx**2))
        slope = float(np.sum(weight * dx * dy)) / information
        misfit = float(np.sum(weight * (dy - slope * dx) ** 2)) / (dx.size - 4)
        # the channels share what the print does, so they count as one
        variance = 3 * max(misfit, 1.0) / information
        if not even:
            variance += (_UNEVEN / float(np.ptp(x))) ** 2
        departure = math.sqrt(float(np.average((dy - dx) ** 2, weights=weight)))
        return cls(slope=slope, u=math.sqrt(variance), departure=departure)

    @property
    def holds(self) -> bool:
        return self.slope > 0 and abs(math.log(self.slope)) + 2 * self.u / self.slope <= _CLEAR

    @property
    def fails(self) -> bool:
        # a wrong transfer is curved, which also makes its slope uncertain: the curve itself counts against it
        bent = self.slope <= 0 or self.departure >= _CLEAR
        return bent or abs(math.log(self.slope)) - 2 * self.u / self.slope >= _CLEAR


def _check_follow(codes: F64, luminance: F64, white: int) -> None:
    """Refuse channels that stay as they are while the greys' light falls."""
    lightest, darkest = int(luminance.argmax()), int(luminance.argmin())
    idle = [c for c in range(3) if codes[lightest, c] < _FLAT * codes[darkest, c]]
    if not idle:
        return
    middle = [c for c in idle if np.all(np.abs(codes[:, c] / white - 0.5) < 0.15)]
    names = " and ".join(("red", "green", "blue")[c] for c in idle)
    if len(middle) == 2:
        raise CharacterisationError(
            f"{names} stay near half scale along the grey patches while the light falls "
            f"{luminance[lightest] / luminance[darkest]:.0f}-fold: this is an L*a*b* or YCbCr picture, not "
            "RGB: give the camera's own RGB picture"
        )
    raise CharacterisationError(
        f"{names} {'does' if len(idle) == 1 else 'do'} not follow the grey patches (codes R, G, B "
        f"{_listed(codes[lightest])} for the lightest, {_listed(codes[darkest])} for the darkest): another "
        "chart than named, one that is turned or not where the corners say, or not an RGB picture"
    )


def _listed(codes: F64) -> str:
    return ", ".join(f"{code:.0f}" for code in codes)
