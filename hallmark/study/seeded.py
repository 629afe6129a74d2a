"""Seeded defects of graded size and contrast on the golden sample, captured by the twin and inspected."""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.errors import DatasetError
from datasets.graded import MEASURES, GradedDefect, GradedDefects
from datasets.twin import DEMO_RANGES, CaptureRanges, Twin
from evidence import Inspection
from golden.sample import GoldenSample
from golden.spec import View
from hallmark.training.evaluate import overlap
from hallmark.training.pairs import frame_of
from models.release import classifier_for
from quality.pod.study import DefectTrial, GoodUnit, PodStudy
from vision import Inspector, read_frame
from vision.regions import mask

BEYOND: Final = "beyond training"
LINE: Final = "line"
STUDY_RANGES: Final = CaptureRanges(
    angle_deg=4.0, shift_fraction=0.05, scale_jitter=0.004, tilt=0.0006, exposure=0.15, gradient=0.18,
    blur_sigma_px=(0.4, 1.5), full_well_e=10_000.0, read_noise_e=20.0, colour_drift=0.04,
)  # fmt: skip
"""Light, blur, noise, gain and placement each vary about twice as far as in training."""

_RANGES: Final = {BEYOND: STUDY_RANGES, LINE: DEMO_RANGES}
_SEEN_FROM_MM: Final = 0.1  # least size asked of the comparison alone: what it answers below its decision
_STREAMS: Final = {"defects": 0, BEYOND: 1, LINE: 2}


@dataclass(frozen=True, kw_only=True)
class SeededPlan:
    """What is drawn.

    Attributes:
        units: with one defect of each class, of sizes drawn log-uniformly, the level of contrast in turn.
        good: re-captures of the golden sample, as many under each of both conditions.
        seed: of everything.
        sizes_mm: least and greatest size.
        exactly: by class and level, a size that is drawn instead of one of the range; classes and levels not
            named are not drawn then.
    """

    units: int
    good: int
    seed: int
    sizes_mm: tuple[float, float] = (0.1, 2.5)
    exactly: Mapping[tuple[str, str], float] | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """What every unit of a process shares."""

    view: View
    graded: GradedDefects
    twins: Mapping[str, Twin]
    station: Inspector
    comparison: Inspector
    surfaces: frozenset[str]
    zones: tuple[tuple[str, NDArray[np.bool_]], ...]
    smallest_mm: float


class _Work(NamedTuple):
    what: Literal["defects", "good"]
    conditions: str
    number: int


_Outcome = tuple[list[DefectTrial], list[GoodUnit], int]


def run_seeded(
    sample: GoldenSample,
    model: Path | None,
    plan: SeededPlan,
    processes: int,
    progress: Callable[[int, int], None],
) -> PodStudy:
    """Draw, capture and inspect, and return the trials; the same arguments give the same record.

    Args:
        sample: with one view.
        model: folder of a released model of the view's golden image; None leaves findings unnamed.
        plan: what is drawn.
        processes: how many inspect; 1 inspects in this one.
        progress: is told units done and all units.

    Raises:
        DatasetError: the sample has several views, or its image is not one that defects can be drawn on, as
            artwork.
    """
    work = [_Work("defects", BEYOND, i) for i in range(plan.units)]
    work += [_Work("good", conditions, i) for conditions in (BEYOND, LINE) for i in range(plan.good)]
    trials: list[DefectTrial] = []
    good: list[GoodUnit] = []
    not_judged = 0
    for done, (seeded, without, held) in enumerate(_outcomes(sample, model, plan, work, processes), 1):
        trials += seeded
        good += without
        not_judged += held
        progress(done, len(work))
    classifier = None if model is None else classifier_for(sample, str(model))
    reference = None if classifier is None else classifier.reference
    return PodStudy(
        golden=sample.digest,
        model=None if reference is None else f"{reference.name} {reference.digest}",
        source="simulated",
        conditions=conditions_of(plan),
        smallest_mm=sample.spec.catalogue.smallest_mm,
        measures={kind: MEASURES[kind] for kind in sorted({t.defect_class for t in trials})},
        trials=tuple(trials),
        good=tuple(good),
        not_judged=not_judged,
    )


def conditions_of(plan: SeededPlan) -> tuple[str, ...]:
    """Return how the pictures of a plan are made, line by line."""
    return (
        f"{plan.units} units, one defect of each class each, drawn on the golden image; seed {plan.seed}",
        *(
            [f"sizes {plan.sizes_mm[0]:g} to {plan.sizes_mm[1]:g} mm, log-uniform"]
            if plan.exactly is None
            else [f"{kind} ({level}): {size:.4g} mm" for (kind, level), size in plan.exactly.items()]
        ),
        f"{plan.good} re-captures without defect under each of both conditions",
        "judged by the surface alone: one view, no dimension, no colour region",
        *(f"{BEYOND}: {line}" for line in STUDY_RANGES.lines()),
        *(f"{LINE}: {line}" for line in DEMO_RANGES.lines()),
    )


def _outcomes(
    sample: GoldenSample, model: Path | None, plan: SeededPlan, work: list[_Work], processes: int
) -> Iterator[_Outcome]:
    if processes == 1:
        line = _compile(sample, model)
        yield from (_inspect_one(line, plan, item) for item in work)
        return
    with multiprocessing.get_context("spawn").Pool(processes, _start, (sample, model, plan)) as pool:
        yield from pool.imap(_inspect_next, work, chunksize=4)


_state: list[tuple[GoldenSample, Path | None, SeededPlan]] = []


def _start(sample: GoldenSample, model: Path | None, plan: SeededPlan) -> None:
    _state[:] = [(sample, model, plan)]


@functools.cache
def _shared() -> _Line:
    return _compile(*_state[0][:2])


def _inspect_next(item: _Work) -> _Outcome:
    return _inspect_one(_shared(), _state[0][2], item)


def _compile(sample: GoldenSample, model: Path | None) -> _Line:
    spec = sample.spec
    if len(spec.views) != 1:
        raise DatasetError(f"the golden sample has {len(spec.views)} views; a study draws on one")
    (view,) = spec.views
    if view.artwork is not None:
        raise DatasetError(
            f"view {view.id!r} is artwork: nothing is drawn on it; name a table of real defects"
        )
    image = read_frame(sample.images[view.image], view=view.id, camera="golden", source=view.image)
    golden = np.asarray(image.pixels, np.uint8)
    height, width = golden.shape[:2]
    zones = tuple((z.id, mask(z.region, height, width)) for z in spec.zones if z.view == view.id)
    where = np.zeros((height, width), np.bool_)
    for _, inside in zones:
        where |= inside
    for region in view.ignore:
        where &= ~mask(region, height, width)
    surfaces = tuple(c for c in spec.characteristics if c.kind == "surface")
    only = spec.model_copy(update={"characteristics": surfaces})
    finest = spec.catalogue.model_copy(update={"smallest_mm": min(_SEEN_FROM_MM, spec.catalogue.smallest_mm)})
    classifier = None if model is None else classifier_for(sample, str(model))
    return _Line(
        view=view,
        graded=GradedDefects(golden, view.mm_per_px, where),
        twins={name: Twin(golden, view.mm_per_px, ranges) for name, ranges in _RANGES.items()},
        station=Inspector(replace(sample, spec=only), {}, classifier),
        comparison=Inspector(replace(sample, spec=only.model_copy(update={"catalogue": finest})), {}),
        surfaces=frozenset(c.id for c in surfaces),
        zones=zones,
        smallest_mm=spec.catalogue.smallest_mm,
    )


def _inspect_one(line: _Line, plan: SeededPlan, item: _Work) -> _Outcome:
    what, conditions, i = item
    stream = _STREAMS["defects" if what == "defects" else conditions]
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence([plan.seed, stream, i])))
    unit = f"{what}-{conditions.replace(' ', '-')}-{i}"
    drawn = line.graded.draw(rng, _wanted(line.graded, plan, rng, i)) if what == "defects" else ()
    shot = line.twins[conditions].capture(int(rng.integers(2**31)), [d.change for d in drawn])
    frame = frame_of(shot, line.view.id)
    record = line.station.inspect({line.view.id: frame}, serial=unit)
    if what == "good":
        return (
            [],
            [GoodUnit(unit=unit, conditions=conditions, calls=len(record.defects), verdict=record.verdict)],
            0,
        )
    if not line.surfaces & {c.id for c in record.characteristics}:
        return [], [], len(drawn)
    seen = line.comparison.inspect({line.view.id: frame}, serial=unit)
    return [_trial(line, unit, d, record, seen) for d in drawn], [], 0


def _wanted(
    graded: GradedDefects, plan: SeededPlan, rng: np.random.Generator, i: int
) -> list[tuple[str, str, float]]:
    if plan.exactly is not None:
        asked = [(kind, level, size) for (kind, level), size in plan.exactly.items()]
        return [asked[int(k)] for k in rng.permutation(len(asked))]
    low, high = (float(np.log(v)) for v in plan.sizes_mm)
    wanted: list[tuple[str, str, float]] = []
    for k in rng.permutation(len(graded.kinds)):
        kind = graded.kinds[int(k)]
        levels = graded.levels(kind)
        wanted.append((kind, levels[i % len(levels)], float(np.exp(rng.uniform(low, high)))))
    return wanted


def _trial(line: _Line, unit: str, d: GradedDefect, record: Inspection, seen: Inspection) -> DefectTrial:
    mm = line.view.mm_per_px
    x, y = int(d.box[0] + d.box[2] / 2), int(d.box[1] + d.box[3] / 2)
    zone = next((name for name, inside in line.zones if inside[y, x]), line.zones[0][0])
    hits = _on(record, d, mm)
    sizes = [record_size for record_size, _ in _on(seen, d, mm)]
    largest = max(sizes, default=None)
    return DefectTrial(
        unit=unit,
        defect_class=d.kind,
        zone=zone,
        level=d.level,
        size_mm=round(d.size_mm, 5),
        contrast=round(d.contrast, 2),
        found=bool(hits),
        named=next((name for _, name in hits if name == d.kind), hits[0][1] if hits else None),
        response_mm=largest,
        compared=largest is not None and largest >= line.smallest_mm,
    )


def _on(record: Inspection, d: GradedDefect, mm_per_px: float) -> list[tuple[float, str]]:
    """Return size and class of each finding on a defect."""
    return [
        (f.size_mm, f.defect_class)
        for f in record.defects
        if overlap(tuple(v / mm_per_px for v in f.box_mm), d.box) > 0
    ]
