"""Approved units of a view become its variation model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from evidence import REASONS, Frame
from golden.sample import GoldenSample
from kernels.comparison import BENT, BENT_CODES
from kernels.compiled import F32, U8, Mask
from vision.compiled_view import CompiledView, eight_bit_rgb, registered
from vision.mapping import QuadraticMap
from vision.register import NotRegistered
from vision.surface import Aligned, Deviation, SurfaceComparator
from vision.surface.candidates import candidates
from vision.surface.deviation import largest_extent
from vision.surface.errors import VariationForeignError, VariationUnitsError
from vision.surface.tally import MOST, Tally
from vision.surface.variation import U16, Approval, SharedRegion, VariationModel

_SHARE = 0.1  # of the units that make a place shared; two at least: at a quarter, 2 of 10 hid a defect


@dataclass(frozen=True, slots=True, eq=False)
class ApprovedUnit:
    """A unit that somebody approved, and its frame."""

    frame: Frame
    serial: str
    approved_by: str
    approved_at: str


@dataclass(frozen=True, slots=True)
class Strange:
    """What of an approved unit the model that was learned from it and the others does not let pass."""

    serial: str
    regions: tuple[Deviation, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """An unsigned model, and the units in which something is unlike all the others, in the order given."""

    model: VariationModel
    strange: tuple[Strange, ...]


def learn_variation(
    golden: GoldenSample,
    view_id: str,
    units: Iterable[ApprovedUnit],
    *,
    start: VariationModel | None = None,
) -> Learned:
    """Learn what approved units of a view show.

    Args:
        golden: the golden sample.
        view_id: its view.
        units: approved units; frames are asked for one after the other.
        start: a model of the same view to which the units are added.

    Raises:
        VariationForeignError: there is no such view, it is artwork, or `start` is of another one.
        VariationUnitsError: a unit is not found, not wholly shown or unlike lit, a frame or serial number
            occurs twice, or the units are too few or too many.
        evidence.FrameError: a frame of another view or size.
    """
    views = {v.id: v for v in golden.spec.views}
    if view_id not in views:
        raise VariationForeignError(f"the golden sample has no view {view_id!r}, only {', '.join(views)}")
    if views[view_id].artwork is not None:
        raise VariationForeignError(f"view {view_id!r} is artwork, which is compared without such a model")
    compiled = CompiledView(golden, views[view_id], None, None, None, None)
    surface, smallest_mm = compiled.surface, golden.spec.catalogue.smallest_mm
    height, width = surface.golden.shape[:2]
    tally, approvals = Tally.empty(height, width), list[Approval]()
    if start is not None:
        start.require(golden.digest, view_id, height, width)
        tally, approvals = start.tally, [*start.header.units]
    seen: list[tuple[Aligned, QuadraticMap]] = []
    for unit in units:
        _require_another(unit, approvals)
        aligned, mapping = _aligned(golden, compiled, unit)
        tally = tally.plus(_taught(surface, aligned), _deviating(surface, aligned, mapping, smallest_mm))
        approvals.append(
            Approval(
                frame=unit.frame.digest, serial=unit.serial, approved_by=unit.approved_by,
                approved_at=unit.approved_at,
            )
        )  # fmt: skip
        seen.append((aligned, mapping))
    unmarked = VariationModel.of(
        golden.digest, view_id, tuple(approvals), tally, (), np.zeros((height, width), np.uint16)
    )
    alone = surface.passes
    surface.learn(unmarked)
    shared, places = _shared(surface, tally, alone, smallest_mm)
    model = VariationModel.of(golden.digest, view_id, tuple(approvals), tally, shared, places)
    serials = [a.serial for a in approvals[len(approvals) - len(seen) :]]
    strange = (
        Strange(serial, tuple(surface.deviations(aligned, mapping, smallest_mm)))
        for serial, (aligned, mapping) in zip(serials, seen, strict=True)
    )
    return Learned(model, tuple(s for s in strange if s.regions))


def _require_another(unit: ApprovedUnit, approvals: Sequence[Approval]) -> None:
    """Raise VariationUnitsError where a unit is among those before, or they are as many as there may be."""
    if len(approvals) == MOST:
        raise VariationUnitsError(f"unit {unit.serial}: {MOST} units are in the model, and no more can be")
    if any(unit.frame.digest == known.frame for known in approvals):
        raise VariationUnitsError(f"unit {unit.serial}: its frame occurs twice; give every unit once")
    if any(unit.serial == known.serial for known in approvals):
        raise VariationUnitsError(
            f"unit {unit.serial}: its serial number occurs twice; give one frame of every unit, each under "
            "the number of its own unit"
        )


def _aligned(
    golden: GoldenSample, compiled: CompiledView, unit: ApprovedUnit
) -> tuple[Aligned, QuadraticMap]:
    pixels = eight_bit_rgb(unit.frame, compiled.view)
    found = registered(golden, compiled, unit.frame, pixels)
    if isinstance(found, NotRegistered):
        raise _refused(unit, found.reason)
    aligned = compiled.surface.align(pixels, found.mapping)
    if not aligned.comparable or aligned.shown is not None:
        raise _refused(unit, "unit_out_of_frame" if aligned.comparable else "light_changed")
    return aligned, found.mapping


def _taught(surface: SurfaceComparator, aligned: Aligned) -> U8:
    """Return the codes that a unit teaches, (h, w, 3) uint8, its illumination removed.

    What is nearly saturated may be brighter than it shows, as the comparison has it: more light than the
    golden sample had does not teach that white may be dark.
    """
    codes = surface.relit(aligned)
    most = np.minimum(codes, 255 - BENT_CODES) + np.uint8(BENT_CODES)
    brighter = np.maximum(codes, np.minimum(most, surface.golden))
    return np.where(aligned.pixels >= BENT, brighter, codes)


def _deviating(
    surface: SurfaceComparator, aligned: Aligned, mapping: QuadraticMap, smallest_mm: float
) -> Mask:
    """Return (h, w) bool, where a unit deviates from the golden image alone."""
    where = np.zeros(surface.golden.shape[:2], np.bool_)
    for region in surface.deviations(aligned, mapping, smallest_mm):
        (x, y), (h, w) = region.corner, region.inside.shape
        where[y : y + h, x : x + w] |= region.inside
    return where


def _shared(
    surface: SurfaceComparator, tally: Tally, alone: tuple[F32, F32], smallest_mm: float
) -> tuple[tuple[SharedRegion, ...], U16]:
    """Return the places where several units deviate, or only their mean lies beyond the golden image `alone`.

    Several are enough however little wider the learned interval is there: even that may hide a deviation, and
    areas are learned beside it. The second array has the places' numbers, from 1.
    """
    often = tally.beyond >= max(2, math.ceil(_SHARE * tally.count))
    mean = tally.spread().mean
    moved = ((mean < alone[0]) | (mean > alone[1])).any(axis=2)
    places = np.zeros(often.shape, np.uint16)
    shared: list[SharedRegion] = []
    step = surface.step_mm
    found = candidates(surface.widened * moved, step, smallest_mm, also=often)
    for c in sorted(found, key=lambda c: -int(c.inside.sum())):
        (x, y), (h, w) = c.corner, map(int, c.inside.shape)
        at = np.s_[y : y + h, x : x + w]
        places[at][c.inside] = len(shared) + 1
        deviate = often[at] & c.inside
        shared.append(
            SharedRegion(
                box_mm=(round(x * step, 4), round(y * step, 4), round(w * step, 4), round(h * step, 4)),
                size_mm=round(largest_extent(c.inside) * step, 4),
                area_mm2=round(float(c.inside.sum()) * step**2, 6),
                zones=surface.zones_of(c.corner, c.deviates),
                units=int(tally.beyond[at][deviate].max()) if deviate.any() else tally.count,
            )
        )
    return tuple(shared), places


def _refused(unit: ApprovedUnit, code: str) -> VariationUnitsError:
    reason = REASONS[code]
    return VariationUnitsError(f"unit {unit.serial}: {reason.meaning}; {reason.remedy}")


def tolerance_of(golden: GoldenSample, model: VariationModel) -> F32:
    """Return by how many codes each pixel may differ from the middle of what passes, (h, w) float32.

    Half the widest channel's interval, at half resolution of the view, as an inspection uses it.

    Raises:
        VariationForeignError: the model is of another golden sample or view.
    """
    views = {v.id: v for v in golden.spec.views}
    if model.header.view not in views:
        raise VariationForeignError(f"the golden sample has no view {model.header.view!r}")
    compiled = CompiledView(golden, views[model.header.view], None, None, None, None, model)
    low, high = compiled.surface.passes
    return ((high - low) / 2).max(axis=2)
