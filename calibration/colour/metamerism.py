"""What a three-channel camera cannot know of a surface, estimated from the patches of charts.

A camera whose sensitivities are no linear transform of the observer's errs by an amount that depends on the
spectrum, not on the colour alone. Between two units of one material the error is the same and cancels;
between two materials it does not. A patch that took no part in the model shows that error for one material,
so two patches show what a difference between two materials may hide: camera metamerism. The same patches
under a second light show what a change of light does to a match: the special metamerism index for change in
illuminant (CIE 15:2018; ISO 18314-4:2020), here corrected additively for the mismatch under the first light.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Annotated, Protocol, Self

import numpy as np
from pydantic import Field, model_validator

from calibration.colour.colorimetry import lab_from_xyz
from calibration.colour.metric import ciede2000_root
from calibration.errors import CharacterisationError
from golden.regions import Closed
from kernels.colour import ciede2000
from kernels.compiled import F64

FEWEST = 10  # patches that two pictures share
_SHARE = 0.95
_COSINES = np.linspace(-1, 1, 41)  # of the angle between two errors: evenly spread, all directions are alike

_ALWAYS = (
    "Three channels do not hold a spectrum: two different materials may read alike and look different, or "
    "read different and look alike. Units of the golden sample's own material are not concerned."
)
_NOT_COVERED = (
    "Not covered: fluorescent, pearlescent and metallic surfaces, and pigments unlike the chart's. A change "
    "of pigment, supplier or material needs a spectrophotometer."
)

Name = Annotated[str, Field(min_length=1, max_length=100)]
DeltaE = Annotated[float, Field(ge=0)]
Triple = tuple[float, float, float]


class LeftOutPatch(Protocol):
    """A patch of a certificate: what it should be, and what a model made without it says."""

    @property
    def id(self) -> str:
        """In the chart."""
        ...

    @property
    def reference(self) -> Triple:
        """L*a*b* of the chart."""
        ...

    @property
    def left_out(self) -> Triple | None:
        """L*a*b* by the camera, or None of a patch that was excluded."""
        ...


class UnderLight(Closed):
    """What the camera cannot tell under one light.

    Attributes:
        light: the station's, as stated.
        patches: how many were left out in turn.
        rms: root mean square of their errors, CIEDE2000; the chart's own uncertainty is in it.
        p95: CIEDE2000 between two different materials that the camera reads alike, or that it reads between
            two that are alike: 95 % of all pairs of materials like the patches lie below.
    """

    light: Name
    patches: Annotated[int, Field(ge=FEWEST)]
    rms: DeltaE
    p95: DeltaE


class PatchChange(Closed):
    """What a change of light does to one patch's L*a*b*.

    Attributes:
        id: in the chart.
        camera: second light less first, as the camera reads it, the patch left out.
        reference: second less first by the chart; zero where both report the same illuminant.
        delta_e: CIEDE2000 of what the camera reads beside the reference's own change.
    """

    id: Name
    camera: Triple
    reference: Triple
    delta_e: DeltaE


class LightChange(Closed):
    """What a change of light does to matches, as the camera sees it.

    Attributes:
        lights: first and second.
        patches: those that took part under both.
        mean: of their `delta_e`.
        max: of their `delta_e`.
        p95: special index of metamerism, CIEDE2000: how far two different materials that match under one
            light may part under the other; 95 % of all pairs of materials like the patches lie below.
    """

    lights: tuple[Name, Name]
    patches: Annotated[tuple[PatchChange, ...], Field(min_length=FEWEST)]
    mean: DeltaE
    max: DeltaE
    p95: DeltaE


class Metamerism(Closed):
    """The risk that a colour difference between two materials is not what the camera says.

    Attributes:
        under: one per light.
        between: one per pair of lights; empty where one light was given.
        statements: the same in words, with what it does not cover.
    """

    under: Annotated[tuple[UnderLight, ...], Field(min_length=1)]
    between: tuple[LightChange, ...] = ()
    statements: tuple[Annotated[str, Field(max_length=1000)], ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        lights = [each.light for each in self.under]
        if len(set(lights)) != len(lights) or [c.lights for c in self.between] != list(
            combinations(lights, 2)
        ):
            raise ValueError("lights must differ, and every pair of them be compared once")
        return self


def estimate_metamerism(lights: Mapping[str, Sequence[LeftOutPatch]]) -> Metamerism:
    """Estimate the risk from the patches of one chart under one or several lights.

    The estimate holds for materials like the patches, which are opaque, matt and of common pigments. It takes
    errors of different materials to be independent, their directions in the CIEDE2000 metric to be random; of
    two paints of nearly one colour they are not quite, so that it is an upper one: on simulated paints more
    than 99 % lie below `p95` and 95 % below half of it, of synthetic metamers of the observer about 97 %.

    Args:
        lights: certificate's patches by light, such as {c.light: c.patches for c in certificates}.

    Raises:
        CharacterisationError: no light, or fewer than `FEWEST` patches under one or common to two.
    """
    if not lights:
        raise CharacterisationError("metamerism cannot be estimated without a chart under at least one light")
    under = tuple(_under(light, patches) for light, patches in lights.items())
    between = tuple(
        _change(first, lights[first], second, lights[second]) for first, second in combinations(lights, 2)
    )
    return Metamerism(under=under, between=between, statements=_statements(under, between))


def special_index(reference: tuple[F64, F64], sample: tuple[F64, F64], white: F64) -> float:
    """Return the special index of metamerism of a pair for a change of light, CIEDE2000.

    What the sample lacks under the first light is corrected multiplicatively, channel by channel, before both
    are compared under the second (CIE 15:2018).

    Args:
        reference: XYZ (3,) under the first light and under the second.
        sample: likewise.
        white: XYZ (3,) of the second light.
    """
    corrected = sample[1] * reference[0] / sample[0]
    return float(ciede2000(lab_from_xyz(reference[1], white), lab_from_xyz(corrected, white)))


def _errors(patches: Sequence[LeftOutPatch]) -> dict[str, tuple[F64, F64]]:
    """Reference and left-out L*a*b* by id."""
    return {
        patch.id: (np.array(patch.reference, np.float64), np.array(patch.left_out, np.float64))
        for patch in patches
        if patch.left_out is not None
    }


def _metric(reference: F64, change: F64) -> F64:
    """A small change of L*a*b* (n, 3) as a vector whose length is CIEDE2000, (n, 3)."""
    return np.einsum("nij,nj->ni", ciede2000_root(reference), change)


def _under(light: str, patches: Sequence[LeftOutPatch]) -> UnderLight:
    seen = _errors(patches)
    if len(seen) < FEWEST:
        raise CharacterisationError(
            f"{len(seen)} patches under {light} are too few to estimate metamerism: {FEWEST} are needed"
        )
    reference, left_out = (np.stack([pair[k] for pair in seen.values()]) for k in (0, 1))
    errors: F64 = np.linalg.norm(_metric(reference, left_out - reference), axis=1)
    return UnderLight(
        light=light, patches=len(seen), rms=float(np.sqrt(np.mean(errors**2))), p95=_of_pairs(errors)
    )


def _change(
    first: str, patches: Sequence[LeftOutPatch], second: str, others: Sequence[LeftOutPatch]
) -> LightChange:
    one, two = _errors(patches), _errors(others)
    ids = [each for each in one if each in two]
    if len(ids) < FEWEST:
        raise CharacterisationError(
            f"{len(ids)} patches are common to the pictures under {first} and {second}: photograph the same "
            f"chart under both; {FEWEST} are needed"
        )
    reference, camera = (np.stack([two[i][k] - one[i][k] for i in ids]) for k in (0, 1))
    parted: F64 = np.linalg.norm(_metric(np.stack([one[i][0] for i in ids]), camera - reference), axis=1)
    table = tuple(
        PatchChange(id=i, camera=_triple(seen), reference=_triple(own), delta_e=float(delta))
        for i, seen, own, delta in zip(ids, camera, reference, parted, strict=True)
    )
    return LightChange(
        lights=(first, second), patches=table, mean=float(parted.mean()), max=float(parted.max()),
        p95=_of_pairs(parted),
    )  # fmt: skip


def _of_pairs(lengths: F64) -> float:
    """Return the 95 % quantile of |a - b| for all pairs of vectors of these lengths in all directions."""
    i, j = np.triu_indices(len(lengths), 1)
    a, b = lengths[i, None], lengths[j, None]
    return float(np.quantile(np.sqrt(np.maximum(a * a + b * b - 2 * a * b * _COSINES, 0.0)), _SHARE))


def _triple(values: F64) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])


def _statements(under: Sequence[UnderLight], between: Sequence[LightChange]) -> tuple[str, ...]:
    out = [_ALWAYS]
    out += [
        f"Under {each.light} two different materials that read alike may be up to {each.p95:.1f} CIEDE2000 "
        f"apart (95 % of pairs of materials like the chart's, from {each.patches} patches left out in turn)."
        for each in under
    ]
    for each in between:
        worst = max(each.patches, key=lambda patch: patch.delta_e)
        first, second = each.lights
        out.append(
            f"From {first} to {second} the reading of one surface changes by {each.mean:.1f} CIEDE2000 on "
            f"average, at most {each.max:.1f} (patch {worst.id}), beside what the chart says; two different "
            f"materials that match under one may part by up to {each.p95:.1f} under the other (special index "
            "of metamerism, 95 % of pairs)."
        )
    if not between:
        out.append(
            "No chart under a second light was given: whether a match holds under another light is not known."
        )
    return (*out, _NOT_COVERED)
