"""A released model's figures: what a station finds and names on unseen drawn units, with 95 % intervals."""

from __future__ import annotations

import functools
import math
import multiprocessing
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from datasets.drawn import KINDS, DrawnDefect, DrawnUnits
from datasets.twin import Twin
from evidence import Inspection
from golden.regions import bounds
from hallmark.training.golden import packaged_golden, packaged_image
from hallmark.training.pairs import captured, frame_of
from models.card import Metric
from models.release import classifier_for, open_model
from quality.proportions import wilson
from vision import Inspector

_IOU: Final = (
    0.2  # of a finding's box and a defect's that makes them one; or the centre of either in the other
)
_Z: Final = 1.959964


@dataclass(frozen=True)
class Seen:
    """What became of one unit: pairs (drawn kind or None, found class or None), and the verdict."""

    matches: tuple[tuple[str | None, str | None], ...]
    verdict: str
    boxes: int


@dataclass(frozen=True)
class View:
    """The view that is inspected, its scale, and the bounding boxes of its zones in golden pixels."""

    id: str
    mm_per_px: float
    zones: tuple[tuple[tuple[float, float], tuple[float, float]], ...]

    def inspects(self, defect: DrawnDefect) -> bool:
        """Return whether a defect's middle lies in a zone: elsewhere nothing is inspected."""
        x, y, w, h = defect.box
        return any(a[0] <= x + w / 2 <= b[0] and a[1] <= y + h / 2 <= b[1] for a, b in self.zones)


def evaluate(
    folder: Path, *, seed: int, units: int, good: int, processes: int, progress: Callable[[int, int], None]
) -> tuple[Metric, ...]:
    """Inspect unseen units with a model and return its metrics.

    Args:
        folder: the released model.
        seed: unlike those of training.
        units: other units drawn with one defect of each kind; as many again without any.
        good: captures of the golden unit itself, as the demo's line makes them.
        processes: how many inspect.
        progress: is told units done and all units.

    Raises:
        ModelForeignError: the model was made from another golden image.
        ModelError: see `models.release.open_model`.
    """
    classifier_for(packaged_golden(), str(folder))  # refused here: a worker would be slow to say so
    work = [
        (folder, seed, kind, i)
        for kind, n in (("defects", units), ("other", units), ("same", good))
        for i in range(n)
    ]
    results: dict[str, list[Seen]] = {"defects": [], "other": [], "same": []}
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for done, (kind, seen) in enumerate(pool.imap_unordered(_inspect_one, work, chunksize=4), 1):
            results[kind].append(seen)
            progress(done, len(work))
    return (*_by_class(results["defects"]), *_of_good("other good units", results["other"]),
            *_of_good("good captures", results["same"]))  # fmt: skip


def outside(metrics: Sequence[Metric], released: Sequence[Metric]) -> list[str]:
    """Return a sentence for each metric whose interval does not reach that of the released model's."""
    now = {(m.name, m.defect_class): m for m in metrics}
    sentences: list[str] = []
    for old in released:
        new = now.get((old.name, old.defect_class))
        if new is None or new.upper < old.lower or new.lower > old.upper:
            got = "absent" if new is None else f"{new.value:g} [{new.lower:g}, {new.upper:g}]"
            sentences.append(
                f"{old.name} {old.defect_class or ''}: {got}, "
                f"released {old.value:g} [{old.lower:g}, {old.upper:g}]"
            )
    return sentences


def _by_class(seen: Sequence[Seen]) -> list[Metric]:
    pairs = Counter(match for unit in seen for match in unit.matches)
    metrics: list[Metric] = []
    for kind in KINDS:
        drawn = sum(n for (truth, _), n in pairs.items() if truth == kind)
        found = sum(n for (truth, name), n in pairs.items() if truth == kind and name is not None)
        named = pairs[kind, kind]
        answers = sum(n for (_, name), n in pairs.items() if name == kind)
        for name, hits, n in (
            ("found", found, drawn),
            ("recall", named, drawn),
            ("precision", named, answers),
        ):
            if n:
                metrics.append(_share(name, kind, hits, n))
    return metrics


def _of_good(name: str, seen: Sequence[Seen]) -> list[Metric]:
    if not seen:
        return []
    n = len(seen)
    boxes = sum(unit.boxes for unit in seen)
    # exact Poisson limits are wider than needed here; normal ones hold for the mean of many units
    spread = float(np.std([unit.boxes for unit in seen], ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    mean = boxes / n
    stopped = sum(unit.verdict != "ACCEPT" for unit in seen)
    return [
        _share(f"{name}: rejected or held", None, stopped, n),
        Metric(name=f"{name}: false boxes per unit", value=round(mean, 4), n=n, unit="1",
               lower=round(max(mean - _Z * spread, 0.0), 4), upper=round(mean + _Z * spread, 4)),
    ]  # fmt: skip


def _share(name: str, kind: str | None, hits: int, n: int) -> Metric:
    share = wilson(hits, n)
    return Metric.model_validate({
        "name": name, "class": kind, "value": round(share.value, 4), "n": n, "unit": "1",
        "lower": math.floor(share.lower * 1e4) / 1e4, "upper": math.ceil(share.upper * 1e4) / 1e4,
    })  # fmt: skip


@functools.cache
def _line(folder: Path) -> tuple[DrawnUnits, Twin, Inspector, View]:
    """Return what every unit of a process shares."""
    sample = packaged_golden()
    golden, view = packaged_image()
    spec = sample.spec
    mm_per_px = spec.view(view).mm_per_px
    zones = tuple(bounds(z.region) for z in spec.zones if z.view == view)
    surfaces = tuple(c for c in spec.characteristics if c.kind == "surface")
    only_surface = spec.model_copy(update={"characteristics": surfaces})
    inspector = Inspector(replace(sample, spec=only_surface), {}, open_model(folder))
    shared = View(view, mm_per_px, zones)
    return DrawnUnits(golden, mm_per_px), Twin(golden, mm_per_px), inspector, shared


def _inspect_one(work: tuple[Path, int, str, int]) -> tuple[str, Seen]:
    folder, seed, kind, i = work
    units, twin, inspector, view = _line(folder)
    stream = ("defects", "other", "same").index(kind)
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, stream, i])))
    if kind == "same":
        shot, defects = twin.capture(int(rng.integers(2**31))), ()
    else:
        kinds = [KINDS[int(k)] for k in rng.permutation(len(KINDS))]
        drawn = units.draw(rng, kinds if kind == "defects" else ())
        shot = captured(rng, drawn, view.mm_per_px, bent=True)
        defects = [d for d in drawn.defects if view.inspects(d)]
    inspection = inspector.inspect({view.id: frame_of(shot, view.id)}, serial=f"{kind}-{i}")
    return kind, Seen(
        _matches(inspection, defects, view.mm_per_px), inspection.verdict, len(inspection.defects)
    )


def _matches(
    inspection: Inspection, drawn: Sequence[DrawnDefect], mm_per_px: float
) -> tuple[tuple[str | None, str | None], ...]:
    """Pair findings and drawn defects, best overlap first, each at most once; a shared class comes first."""
    found = [(d.defect_class, tuple(v / mm_per_px for v in d.box_mm)) for d in inspection.defects]
    candidates = sorted(
        (-(name == t.kind), -overlap(box, t.box), a, b)
        for a, t in enumerate(drawn) for b, (name, box) in enumerate(found)
        if overlap(box, t.box) > 0
    )  # fmt: skip
    of_truth: dict[int, int] = {}
    of_finding: dict[int, int] = {}
    for _, _, a, b in candidates:
        if a not in of_truth and b not in of_finding:
            of_truth[a], of_finding[b] = b, a
    hit = [(t.kind, found[of_truth[a]][0] if a in of_truth else None) for a, t in enumerate(drawn)]
    # a further box on a defect that is already found is no false alarm: it is a part of it
    part = {b for b, (_, box) in enumerate(found) if any(overlap(box, t.box) > 0 for t in drawn)}
    return (*hit, *((None, found[b][0]) for b in range(len(found)) if b not in of_finding and b not in part))


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the IoU of two boxes, 0.01 where only a centre lies in the other, 0 where they do not match."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    iou = shared / (a[2] * a[3] + b[2] * b[3] - shared)
    if iou >= _IOU:
        return iou
    return 0.01 if _centre_in(a, b) or _centre_in(b, a) else 0.0


def _centre_in(a: Sequence[float], b: Sequence[float]) -> bool:
    x, y = a[0] + a[2] / 2, a[1] + a[3] / 2
    return b[0] <= x <= b[0] + b[2] and b[1] <= y <= b[1] + b[3]
