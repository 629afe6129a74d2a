"""False deviations and missed defects of drawn S4 units, with and without a model of their variation.

    python -m benchmarks.variation --out figures.json
    python -m benchmarks.variation --units 4 --good 1 --bad 1  (a trial; its figures say nothing)

Simulated: units are drawn from one golden image (`datasets.drawn`), captured by the twin and compared by
surface alone, without a classifier. Units that teach, good units that are judged and units with defects are
all different. A defect is found where a deviation's box overlaps its own by an IoU of 0.2, or the centre of
one lies in the other: a false deviation that happens to lie there counts as a find. How many do is told by
the same boxes on good units (`by_chance`). Beside what is learned stands what people do instead: one wider
tolerance for the whole view.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from datasets.drawn import KINDS, DrawnDefect, DrawnUnits
from evidence import Frame
from golden.regions import bounds
from hallmark.training.golden import packaged_golden, packaged_image
from hallmark.training.pairs import captured, frame_of
from kernels.compiled import U8
from quality.proportions import wilson
from vision import ApprovedUnit, learn_variation
from vision.compiled_view import CompiledView, eight_bit_rgb, registered
from vision.mapping import QuadraticMap
from vision.register import NotRegistered
from vision.surface import Aligned
from vision.surface.interval import Interval, golden_interval
from vision.surface.tally import FEWEST

SEED = 4127
CHOSEN_ON = 90210  # draws on which the model's settings were chosen
AT = "2026-01-01T00:00:00Z"
NUMBERS = (5, 10, 20)
Box = Sequence[float]


class Unit(NamedTuple):
    """A unit as a station aligned it, and the defects drawn on it inside zones."""

    frame: Frame
    aligned: Aligned
    mapping: QuadraticMap
    defects: tuple[DrawnDefect, ...]


class Line:
    """The packaged board under the twin's camera."""

    def __init__(self, seed: int) -> None:
        """Compile the view; units are drawn by the seed."""
        self.seed = seed
        self.sample = packaged_golden()
        pixels, self.view = packaged_image()
        stated = self.sample.spec.view(self.view)
        self.mm_per_px = stated.mm_per_px
        self.drawn = DrawnUnits(pixels, self.mm_per_px)
        self.compiled = self.view_tolerating(0)
        self.smallest_mm = self.sample.spec.catalogue.smallest_mm
        self.zones = [bounds(z.region) for z in self.sample.spec.zones if z.view == self.view]

    def view_tolerating(self, more: int) -> CompiledView:
        """Return the view compiled with so many codes more of tolerance everywhere, as no station would."""

        def wider(golden: U8, reach: int = 1) -> Interval:
            foreseen = golden_interval(golden, reach)
            tolerance = np.clip(foreseen.tolerance.astype(np.int64) + more, 0, 255).astype(np.uint8)
            return dataclasses.replace(foreseen, tolerance=tolerance)

        with patch("vision.surface.comparator.golden_interval", wider):
            return CompiledView(self.sample, self.sample.spec.view(self.view), None, None, None, None)

    def units(self, stream: int, count: int) -> Iterator[Unit]:
        """Yield as many drawn units as the station finds; stream 0 good, 1 with one defect of each kind."""
        number = 0
        while count:
            rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence([self.seed, stream, number])))
            number += 1
            kinds = [KINDS[int(k)] for k in rng.permutation(len(KINDS))] if stream else []
            drawn = self.drawn.draw(rng, kinds)
            shot = frame_of(captured(rng, drawn, self.mm_per_px, bent=True), self.view)
            frame = dataclasses.replace(shot, data=f"{stream}-{number}".encode())
            pixels = eight_bit_rgb(frame, self.compiled.view)
            found = registered(self.sample, self.compiled, frame, pixels)
            if isinstance(found, NotRegistered):
                continue
            aligned = self.compiled.surface.align(pixels, found.mapping)
            if aligned.comparable and aligned.shown is None:
                count -= 1
                yield Unit(
                    frame, aligned, found.mapping, tuple(d for d in drawn.defects if self._inspects(d))
                )

    def _inspects(self, defect: DrawnDefect) -> bool:
        x, y, w, h = defect.box
        return any(a[0] <= x + w / 2 <= b[0] and a[1] <= y + h / 2 <= b[1] for a, b in self.zones)


def judged(view: CompiledView, smallest: float, good: Sequence[Unit], bad: Sequence[Unit]) -> dict[str, Any]:
    """Return the figures of one way to compare; deviations of less than `smallest` mm are none."""
    surface = view.surface
    counts = [len(surface.deviations(u.aligned, u.mapping, smallest)) for u in good]
    drawn = found = by_chance = 0
    kinds: dict[str, list[int]] = {kind: [0, 0] for kind in KINDS}
    for unit, other in zip(bad, itertools.cycle(good)):
        foreign = [d.golden_px for d in surface.deviations(other.aligned, other.mapping, smallest)]
        by_chance += sum(any(overlap(box, defect.box) for box in foreign) for defect in unit.defects)
        boxes = [d.golden_px for d in surface.deviations(unit.aligned, unit.mapping, smallest)]
        for defect in unit.defects:
            hit = any(overlap(box, defect.box) for box in boxes)
            drawn, found = drawn + 1, found + hit
            kinds[defect.kind][0] += hit
            kinds[defect.kind][1] += 1
    share = wilson(found, drawn)
    return {
        "false_per_good_unit": round(statistics.mean(counts), 1), "median": statistics.median(counts),
        "found": found, "drawn": drawn, "by_chance": by_chance, "share": round(share.value, 3),
        "interval_95": [round(share.lower, 3), round(share.upper, 3)],
        "by_kind": {kind: f"{hits}/{n}" for kind, (hits, n) in kinds.items()},
    }  # fmt: skip


def overlap(one: Box, two: Box) -> bool:
    """Return whether two boxes x, y, width, height are of one thing."""
    width = min(one[0] + one[2], two[0] + two[2]) - max(one[0], two[0])
    height = min(one[1] + one[3], two[1] + two[3]) - max(one[1], two[1])
    both = max(width, 0) * max(height, 0)
    either = one[2] * one[3] + two[2] * two[3] - both
    return both >= 0.2 * either or centre_in(one, two) or centre_in(two, one)


def centre_in(one: Box, two: Box) -> bool:
    """Return whether the first box's centre lies in the second."""
    x, y = one[0] + one[2] / 2, one[1] + one[3] / 2
    return two[0] <= x <= two[0] + two[2] and two[1] <= y <= two[1] + two[3]


def main() -> None:
    """Draw, learn and judge; print the table and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--good", type=int, default=20, help="good units that are judged")
    parser.add_argument("--bad", type=int, default=20, help="units with a defect of each kind")
    parser.add_argument(
        "--units", type=int, nargs="+", default=NUMBERS, metavar="N", help=f"approved units, {FEWEST} or more"
    )
    parser.add_argument(
        "--seed", type=int, default=SEED, help=f"of the drawn units; the settings were chosen on {CHOSEN_ON}"
    )
    parser.add_argument("--out", type=Path, help="JSON file of the figures")
    given = parser.parse_args()
    line = Line(given.seed)
    view, smallest = line.compiled, line.smallest_mm
    most = max(given.units)
    good = list(line.units(0, most + given.good))
    teachers, good = good[:most], good[most:]
    bad = list(line.units(1, given.bad))
    figures: dict[str, Any] = {"golden image alone": judged(view, smallest, good, bad)}
    print(json.dumps(figures), file=sys.stderr, flush=True)
    for more in (5, 10, 15):
        loose = line.view_tolerating(more)
        figures[f"golden image and {more} codes more"] = judged(loose, smallest, good, bad)
    approved = [ApprovedUnit(u.frame, f"U{n}", "benchmark", AT) for n, u in enumerate(teachers)]
    for n in given.units:
        model = learn_variation(line.sample, line.view, approved[:n]).model
        everything = frozenset(range(1, len(model.header.shared) + 1))
        for name, used in (("nothing confirmed", model), ("all confirmed", model.confirm(everything))):
            view.surface.learn(used)
            found = {"shared_regions": len(everything), **judged(view, smallest, good, bad)}
            figures[f"{n} units, {name}"] = found
            print(json.dumps({n: found}), file=sys.stderr, flush=True)
    if given.out:
        given.out.write_text(json.dumps(figures, indent=1))
    print(table(figures))


def table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the figures as a Markdown table, one row per way to compare."""
    rows = [
        "| compared with | deviations of a good unit, mean (median) | found | by chance |",
        "|---|---|---|---|",
    ]
    for name, f in figures.items():
        lower, upper = (f"{100 * share:.1f}" for share in f["interval_95"])
        rows.append(
            f"| {name} | {f['false_per_good_unit']} ({f['median']:g}) | {f['found']} of {f['drawn']}: "
            f"{100 * f['share']:.1f} % ({lower} to {upper}) | {f['by_chance']} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    main()
