"""Does the light of a colour certificate still hold? What a neutral or the chart says under today's light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from calibration.colour.camera import ColourCalibration
from calibration.colour.characterise import excluded
from calibration.colour.patches import Patches
from calibration.errors import CharacterisationError
from kernels.colour import ciede2000
from kernels.compiled import F64

Verdict = Literal["holds", "other_light", "other_balance", "other_surface"]

_SIGNIFICANT = 3.0  # standard uncertainties
_HARMLESS = 0.03  # relative change of a ratio of channels: about 1.5 Delta E of a grey
_JUMP = 1.5  # times the mean left-out error of the certificate, that a chart read again may have
_FEWEST = 8  # patches
_NEUTRAL = 5.0  # chroma of what counts as grey; at least the two least chromatic patches do


@dataclass(frozen=True, slots=True)
class IlluminantCheck:
    """Evidence on the present light.

    Attributes:
        verdict: "other_light": greys have another colour and the chart's errors jump, by more than gains of
            the channels explain; "other_balance": gains explain them, as a changed white balance does, and
            without a chart nobody can tell more; "other_surface": greys are as before, the chart is not:
            another chart, dirt, glare, or a lamp of another spectrum and the same white.
        red: relative change of red to green of a neutral since the certificate.
        u_red: its standard uncertainty.
        blue: relative change of blue to green.
        u_blue: its standard uncertainty.
        expected: mean CIEDE2000 of the chart, each patch left out, of the certificate.
        delta_e: the same of the chart now, exposure adjusted; None of a reading of a neutral.
        delta_e_balanced: with a gain of each channel adjusted too; None of a reading of a neutral.
    """

    verdict: Verdict
    red: float
    u_red: float
    blue: float
    u_blue: float
    expected: float
    delta_e: float | None = None
    delta_e_balanced: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the certificate's light still holds."""
        return self.verdict == "holds"

    @property
    def sentence(self) -> str:
        """What was found and what to do."""
        figures = (
            f"of a neutral, red to green has changed by {self.red:+.1%} (u {self.u_red:.1%}) and blue to "
            f"green by {self.blue:+.1%} (u {self.u_blue:.1%})"
        )
        if self.delta_e is not None:
            figures += (
                f"; the chart is off by {self.delta_e:.1f} CIEDE2000 in the mean "
                f"({self.delta_e_balanced:.1f} with the channels balanced), {self.expected:.1f} when it was "
                "characterised"
            )
        said = {
            "holds": "The certificate's light holds",
            "other_light": (
                "Another light than the certificate's: restore it, or characterise the camera again"
            ),
            "other_balance": (
                "White balance or light have changed since the certificate: restore them, or characterise "
                "the camera again"
            ),
            "other_surface": (
                "The chart's greys are as they were and its colours are not: check that it is the same "
                "chart, clean and without glare, and the lamp's type"
            ),
        }
        return f"{said[self.verdict]}: {figures}."


def check_white(colour: ColourCalibration, rgb: F64, covariance: F64 | None = None) -> IlluminantCheck:
    """Check the light by a neutral surface, white or grey.

    Args:
        colour: the certificate's.
        rgb: (3,) linear light, flat field applied.
        covariance: (3, 3) of it, or None.

    Raises:
        CharacterisationError: a channel has no light.
    """
    if float(np.min(rgb)) <= 0:
        raise CharacterisationError(
            f"a neutral with light {rgb.tolist()} tells nothing: lengthen the exposure"
        )
    return _judged(colour, *_ratios(colour, rgb, np.zeros((3, 3)) if covariance is None else covariance))


def check_chart(colour: ColourCalibration, patches: Patches) -> IlluminantCheck:
    """Check the light by the chart of the certificate, read again with the same table and flat field.

    Raises:
        CharacterisationError: another number of patches, or too few that can be used.
    """
    if len(patches.rgb) != len(colour.patches):
        raise CharacterisationError(
            f"{len(patches.rgb)} patches were read, the certificate's chart has {len(colour.patches)}"
        )
    causes = excluded(patches, colour.highest_code, colour.black_level)
    known = [patch.excluded for patch in colour.patches]
    kept = [i for i, pair in enumerate(zip(causes, known, strict=True)) if pair == (None, None)]
    if len(kept) < _FEWEST:
        raise CharacterisationError(
            f"{len(kept)} patches can be compared, at least {_FEWEST} are needed: correct the exposure"
        )
    then = np.array([colour.patches[i].rgb for i in kept])
    wanted = np.array([colour.patches[i].reference for i in kept])
    now = patches.rgb[kept]
    chroma = np.hypot(wanted[:, 1], wanted[:, 2])
    grey = chroma <= max(_NEUTRAL, float(np.sort(chroma)[1]))
    light, before = now[grey].sum(axis=0), then[grey].sum(axis=0)
    if float(light.min()) <= 0:
        raise CharacterisationError("the chart's greys have no light in a channel: lengthen the exposure")
    gains = before / light
    # as light of the white of the certificate, had its greys shown it
    to_white = np.diag(np.array(colour.white) / before)
    noise = to_white @ patches.covariance[kept][grey].sum(axis=0) @ to_white
    ratios = _ratios(colour, to_white @ light, noise)
    balanced = _mean_error(colour, wanted, now * gains)
    return _judged(colour, *ratios, _mean_error(colour, wanted, now * gains[1]), balanced)


def _ratios(colour: ColourCalibration, rgb: F64, covariance: F64) -> tuple[float, float, float, float]:
    """Return the changes of red and blue to green, each with its standard uncertainty."""
    white = np.array(colour.white)
    changes = (rgb / rgb[1]) / (white / white[1])
    logs = covariance / np.outer(rgb, rgb)
    found: list[float] = []
    for channel, u_white in zip((0, 2), colour.u_white, strict=True):
        noise = float(logs[channel, channel] + logs[1, 1] - 2 * logs[channel, 1])
        found += [float(changes[channel]) - 1, float(np.sqrt(u_white**2 + max(noise, 0.0)))]
    return found[0], found[1], found[2], found[3]


def _mean_error(colour: ColourCalibration, wanted: F64, rgb: F64) -> float:
    return float(np.mean([ciede2000(a, b) for a, b in zip(wanted, colour.lab(rgb), strict=True)]))


def _judged(
    colour: ColourCalibration, red: float, u_red: float, blue: float, u_blue: float,
    delta_e: float | None = None, balanced: float | None = None,
) -> IlluminantCheck:  # fmt: skip
    expected = colour.left_out.mean
    pairs = ((red, u_red), (blue, u_blue))
    tinted = any(abs(change) > max(_HARMLESS, _SIGNIFICANT * u) for change, u in pairs)
    verdict: Verdict = "holds"
    if delta_e is None or balanced is None:
        verdict = "other_balance" if tinted else "holds"
    elif delta_e > _JUMP * expected:
        explained = balanced <= _JUMP * expected
        verdict = "other_surface" if not tinted else "other_balance" if explained else "other_light"
    return IlluminantCheck(verdict, red, u_red, blue, u_blue, expected, delta_e, balanced)
