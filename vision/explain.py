"""Why a deviation is, or is not, a defect: its pictures in the golden view, made again from the frame."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from evidence import MOST_DEFECTS, Defect, Frame, FrameError, Inspection, ModelReference, because
from golden.catalogue import DefectCatalogue
from golden.sample import GoldenSample
from kernels.compiled import F32, I64, U8, Mask
from models import CELL, NOT_A_DEFECT
from vision.compiled_view import CompiledView, eight_bit_rgb, registered
from vision.findings import defects_of, in_order
from vision.naming import Dismissed, Named, unnamed
from vision.register import NotRegistered
from vision.surface import SCALE, Deviation

_ROUND = 1.7  # a window's side against the longer side of what it shows
_LEAST_PX, _LEAST_MM = 48, 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """One deviation in a square window of the golden view, upright, at the golden image's resolution.

    A window of artwork is one of the frame: there the golden picture is aligned to the unit.

    Attributes:
        number: its place among the record's defects, from 1; None for one that was dismissed.
        defect: as in the record; None for one that was dismissed.
        defect_class: its class.
        because: what decided it, in one sentence.
        corner: x, y of the window's first pixel in the golden image, of artwork in the frame; it may lie
            outside, whose border pixels are then repeated.
        box: x, y, width, height of the deviation in the window, in pixels.
        golden: (side, side, 3) uint8 codes.
        unit: (side, side, 3) uint8 codes of the unit there, resampled once, illumination removed; of artwork
            as they are.
        inside: (side, side) bool, the deviation's own pixels.
        heat: (side, side) float32, NaN where nothing was asked.
        shows: what `heat` is: the model's probability of a defect, or, without one, the codes by which the
            unit, or its mean about a pixel, exceeds what is tolerated; of artwork those by which it differs.
    """

    number: int | None
    defect: Defect | None
    defect_class: str
    because: str
    corner: tuple[int, int]
    box: tuple[float, float, float, float]
    golden: U8
    unit: U8
    inside: Mask
    heat: F32
    shows: Literal["probability", "excess"]

    @property
    def difference(self) -> npt.NDArray[np.int16]:
        """Unit less golden, (side, side, 3) int16 codes."""
        return self.unit.astype(np.int16) - self.golden


def explain(
    golden: GoldenSample, compiled: CompiledView, frame: Frame, record: Inspection, most: int
) -> tuple[Explanation, ...]:
    """Return what `Inspector.explain` returns of a view that is no artwork, of a record that is its own."""
    pixels = eight_bit_rgb(frame, compiled.view)
    found = registered(golden, compiled, frame, pixels)
    if isinstance(found, NotRegistered):
        return ()
    aligned = compiled.surface.align(pixels, found.mapping)
    if not aligned.comparable:
        return ()
    catalogue, surface = golden.spec.catalogue, compiled.surface
    deviations = surface.deviations(aligned, found.mapping, catalogue.smallest_mm)
    named = (
        unnamed(deviations)
        if compiled.namer is None
        else compiled.namer.name(pixels, aligned, found.mapping, deviations)
    )
    defects = defects_of(
        compiled.view, named.findings, catalogue, functools.partial(surface.delta_e, aligned)
    )
    unit = surface.whole(pixels, aligned, found.mapping)
    heat: F32 = surface.excess().astype(np.float32) if named.cells is None else 1 - named.cells[..., 0]
    shown = Shown(
        compiled.pixels, unit, heat, SCALE if named.cells is None else CELL,
        "excess" if named.cells is None else "probability", compiled.view.mm_per_px,
    )  # fmt: skip
    return explanations(shown, named, defects, catalogue, frame, record, most)


def explanations(
    shown: Shown,
    named: Named,
    defects: Sequence[Defect],
    catalogue: DefectCatalogue,
    frame: Frame,
    record: Inspection,
    most: int,
) -> tuple[Explanation, ...]:
    """Return the windows of a frame's defects, beside what its record lists, and of what was dismissed."""
    regions = {id(d): f.region for d, f in zip(defects, named.findings, strict=True)}
    listed = [(i, d) for i, d in enumerate(record.defects, start=1) if d.view == frame.view]
    pairs = _same(listed, in_order(defects, catalogue), record)
    return (
        *(shown.defect(number, d, regions[id(again)]) for number, d, again in pairs[:most]),
        *(shown.dismissed(d) for d in _largest(named.dismissed)[:most]),
    )


def require_own(
    golden: GoldenSample,
    model: ModelReference | None,
    variation: str | None,
    frame: Frame,
    record: Inspection,
) -> None:
    """Refuse a record that is not of this golden sample, frame, model and variation model (its digest).

    Certificates and golden colours decide no deviation, and are not asked for.
    """
    if record.golden.digest != golden.digest:
        raise FrameError(
            f"inspection {record.id} was judged by golden sample {record.golden.digest}, not by "
            f"{golden.digest}: give the golden sample that judged it"
        )
    known = {(f.view, f.digest): f.variation for f in record.frames}
    if (frame.view, frame.digest) not in known:
        raise FrameError(
            f"the frame of view {frame.view!r} with digest {frame.digest} is not one of inspection "
            f"{record.id}: give the very file that was inspected"
        )
    if record.model != model:
        raise FrameError(
            f"the deviations of inspection {record.id} were named by {_named(record.model)}, not by "
            f"{_named(model)}: give what named them"
        )
    if known[frame.view, frame.digest] != variation:
        raise FrameError(
            f"inspection {record.id} compared view {frame.view!r} with variation model "
            f"{known[frame.view, frame.digest] or 'none'}, not {variation or 'none'}: give what it used"
        )


def _named(model: ModelReference | None) -> str:
    return "no model" if model is None else f"model {model.name!r}, {model.digest}"


def _same(
    listed: Sequence[tuple[int, Defect]], again: Sequence[Defect], record: Inspection
) -> list[tuple[int, Defect, Defect]]:
    """Return number and defect of the record beside the same defect found again."""
    pairs = [(number, d, other) for (number, d), other in zip(listed, again, strict=False)]
    full = len(record.defects) >= MOST_DEFECTS  # such a record lists the gravest only
    same_number = len(listed) == len(again) or (full and len(listed) < len(again))
    if not same_number or any(_key(d) != _key(other) for _, d, other in pairs):
        raise FrameError(
            f"inspection {record.id} lists other deviations than are found in its frame now; use the release "
            f"that made it ({record.versions.get('hallmark', 'unknown')})"
        )
    return pairs


def _key(d: Defect) -> tuple[object, ...]:
    return d.defect_class, d.severity, d.box_mm, d.size_mm


def _largest(dismissed: Sequence[Dismissed]) -> list[Dismissed]:
    return sorted(dismissed, key=lambda d: (-d.region.size_mm, d.region.golden_px))


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What windows are cut out of.

    Attributes:
        golden: (h, w, 3) uint8.
        unit: (h, w, 3) uint8, aligned with it.
        heat: float32 map, one value for squares of `heat_px` pixels.
        heat_px: see `heat`.
        shows: what `heat` is, as of `Explanation`.
        mm_per_px: the scale.
        in_frame: whether these are pixels of the frame, as of artwork, or of the golden view.
    """

    golden: U8
    unit: U8
    heat: F32
    heat_px: int
    shows: Literal["probability", "excess"]
    mm_per_px: float
    in_frame: bool = False

    def defect(self, number: int, defect: Defect, region: Deviation) -> Explanation:
        """Return the window of a defect of a record."""
        return self._cut(region, number, defect, defect.defect_class, because(defect))

    def dismissed(self, dismissed: Dismissed) -> Explanation:
        """Return the window of what was called no defect."""
        d = dismissed.region
        said = f"size {d.size_mm:.2f} mm, no defect with probability {dismissed.probability:.2f}: dismissed"
        return self._cut(d, None, None, NOT_A_DEFECT, said)

    def _cut(
        self, d: Deviation, number: int | None, defect: Defect | None, defect_class: str, said: str
    ) -> Explanation:
        x, y, w, h = d.frame_px if self.in_frame else d.golden_px
        side = round(max(_ROUND * max(w, h), _LEAST_MM / self.mm_per_px, _LEAST_PX))
        left, top = round(x + w / 2 - side / 2), round(y + h / 2 - side / 2)
        height, width = self.golden.shape[:2]
        rows = np.clip(np.arange(top, top + side), 0, height - 1)
        columns = np.clip(np.arange(left, left + side), 0, width - 1)
        return Explanation(
            number=number,
            defect=defect,
            defect_class=defect_class,
            because=said,
            corner=(left, top),
            box=(x - left, y - top, w, h),
            golden=_taken(self.golden, rows, columns),
            unit=_taken(self.unit, rows, columns),
            inside=_inside(d, 1 if self.in_frame else SCALE, left, top, side),
            heat=self._heat_at(rows, columns),
            shows=self.shows,
        )

    def _heat_at(self, rows: I64, columns: I64) -> F32:
        height, width = self.heat.shape
        down = np.minimum(rows // self.heat_px, height - 1)
        across = np.minimum(columns // self.heat_px, width - 1)
        return self.heat.take(down, axis=0).take(across, axis=1)


def _inside(d: Deviation, scale: int, left: int, top: int, side: int) -> Mask:
    """Return which pixels of a window belong to a deviation, which lies all in it."""
    window = np.zeros((side, side), np.bool_)
    pixels = d.inside.repeat(scale, axis=0).repeat(scale, axis=1)
    x, y = d.corner[0] * scale - left, d.corner[1] * scale - top
    window[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels
    return window


def _taken(image: U8, rows: I64, columns: I64) -> U8:
    return image.take(rows, axis=0).take(columns, axis=1)
