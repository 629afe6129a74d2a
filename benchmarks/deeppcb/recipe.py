"""Freeze a recipe on folds of whole board groups, then make the released detector of artwork by it.

Run `python -m benchmarks.deeppcb.recipe DIR --list trainval.txt --work WORK`. In WORK:

    real, drawn-S        prepared pairs: the labelled ones, and ones drawn on the templates by seed S
    check                prepared pairs, drawn, which no fit learns from
    golden-S             detectors fitted to drawn pairs alone: no real defect seen
    first-F              fitted to the drawn pairs of what fold F keeps: fits of the fold start from it
    fold-F-S             fitted to real and drawn pairs of what fold F keeps, by seed S
    figures.json         AP and F of each on the pairs held out, and of golden-S on every pair
    fields.json          what the release's card says that the fit alone does not know
    artwork              the release: every group, with thresholds and figures from the folds

A fold's figures are by a calibration (temperature and topology, see `models.detector.calibration`) that was
set on what the fits of the other folds found on their own held-out pairs; the release has that of all. Fits
to drawn pairs alone have theirs from drawn pairs of another seed.

Whatever is there already is kept, so an interrupted run goes on. It takes two hours of one core.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.deeppcb.__main__ import by_detector
from benchmarks.deeppcb.score import Detection, Score, interval, score
from datasets.deeppcb import TYPES, Box, Pair, read_list, read_pictures
from datasets.labelled import read, read_golden
from golden.sample import write_file
from hallmark.commands import input_errors
from hallmark.training.fitting import fit, interpreter
from hallmark.training.prepare import prepare_pairs
from hallmark.training.sources import Source, drawn_source, labelled_source
from models.detector.calibrated import calibration
from models.detector.calibration import Calibration
from models.detector.release import open_networks
from models.detector.runtime import ask
from models.errors import ModelError
from models.train.detector.data import candidate_crops, read_prepared

FOLDS: Final = (
    ("group20085/20085", "group44000/44000"),
    ("group00041/00041", "group92000/92000"),
    ("group13000/13000", "group50600/50600", "group77000/77000"),
)
SEEDS: Final = (1, 2, 3)
UNITS: Final = 2400
CHECKED: Final = 600
CHECK_SEED: Final = 100
GOLDEN: Final = ("--epochs", "7")
FIRST: Final = ("--seed", "1", "--epochs", "5", "--fp32")
LAST: Final = ("--epochs", "2", "--rate", "0.002")
_NONE_SEEN: Final = 0.5  # confidence from which a detector that saw no real defect reports: even odds
_RESAMPLED: Final = 400

_CONDITIONS: Final = (
    "Pairs of whole board groups that were held out, three folds; intervals: bootstrap over pictures of seed "
    "1, 95 %."
)
_CHOSEN: Final = (
    "On three folds of whole board groups, three seeds each: temperature and topology have the least "
    "negative log likelihood over the candidates held out, the operating threshold the greatest F of all "
    "pooled. Each fold's figures are by the calibration of the other two."
)
_LICENCE: Final = (
    "DeepPCB's LICENSE file: MIT License, Copyright (c) 2018 tangsanli5201. Its README: the data set is for "
    "research purpose only. Use these weights within both."
)
_LIMITS: Final = (
    "Binary artwork, copper black, at about 48 px/mm; other scales and grey pictures were not tried.",
    (
        "Most defects it learned from were drawn by the data set's authors or by this project: its figures "
        "show that style, not what a line makes."
    ),
    "One of six classes for every candidate: what is none of them may get any name.",
)

Pictures = list[tuple[Sequence[Box], list[Detection]]]


@dataclass(frozen=True, slots=True)
class Figure:
    """AP over every box and F from a threshold, of one fit on one set of pairs."""

    name: str
    pairs: int
    threshold: float
    every: Score
    operating: Score


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Candidates that a fit did not learn from: logits (n, k), topology (n,) and class (n,) of each."""

    logits: npt.NDArray[np.float32]
    topology: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.int32]


class Work:
    """The folder of a run: fits what is not there yet."""

    def __init__(self, folder: Path, root: Path, listed: Path, processes: int) -> None:
        """Find the interpreter that fits, and the pairs."""
        self.folder, self.root, self.listed, self.processes = folder, root, listed, processes
        self.python = interpreter(None, Path.cwd())
        self.pairs = read_list(root, listed)

    def prepare(self) -> None:
        """Prepare the labelled pairs, and drawn ones for each seed."""
        self._prepared("real", labelled_source(read(self.root, "deeppcb", listed=self.listed)))
        templates = read_golden(self.root, self.listed)
        for seed in SEEDS:
            self._prepared(f"drawn-{seed}", drawn_source(templates, UNITS, seed))
        self._prepared("check", drawn_source(templates, CHECKED, CHECK_SEED))

    def _prepared(self, name: str, source: Source) -> None:
        if not (self.folder / name / "index.json").exists():
            print(f"{name}: preparing {len(source.items)} pairs", flush=True)
            prepare_pairs(self.folder / name, source, self.processes, lambda _: None)

    def fitted(self, name: str, pairs: str, *options: str | Path) -> Path:
        """Return the release of this name, fitted now if it is not there."""
        out = self.folder / name
        if not out.exists():
            weights = ("--weights", str(self.folder / f"{name}.npz"))
            told = [*map(str, options), *weights]
            fit(
                self.python, self.folder / pairs, out, told, lambda line: print(f"{name}: {line}", flush=True)
            )
        return out

    def judged(self, names: Iterable[str], keep: Iterable[str]) -> list[Judged]:
        """Return what releases answer for the candidates of the labelled pairs of some groups."""
        groups = set(keep)
        pictures, topology, kinds = candidate_crops(
            read_prepared(self.folder / "real").subset(lambda group: group in groups)
        )
        networks = (open_networks(self.folder / name).fp32 for name in names)
        return [Judged(ask(network, pictures).logits, topology, kinds) for network in networks]

    def found(self, name: str, keep: Iterable[str] | None, judged: Calibration | None = None) -> Pictures:
        """Return the labelled boxes and what a release finds, on the pairs of some groups or on all.

        `judged` takes the place of the release's own calibration.
        """
        groups = None if keep is None else set(keep)
        detector = open_networks(self.folder / name)
        detector.calibration = judged or detector.calibration
        find = by_detector(detector)
        pictures: Pictures = []
        for pair in self.pairs:
            if groups is None or _group(pair, self.root) in groups:
                pictures.append((pair.boxes, find(*read_pictures(pair))))
        return pictures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all stages; return the exit code: 2 for bad input, with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deeppcb.recipe", description=__doc__)
    parser.add_argument("root", metavar="DIR", type=Path, help="folder that the list's paths start from")
    parser.add_argument("--list", required=True, metavar="FILE", type=Path, help="trainval.txt")
    parser.add_argument("--work", required=True, type=Path, help="folder of what is made; kept between runs")
    parser.add_argument("--processes", type=int, default=2, help="that prepare pairs")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        work = Work(options.work, options.root, options.list, options.processes)
        work.prepare()
        golden = _golden_figures(work)
        found, threshold, judged = _folds(work)
        folds = [_figure(name, pictures, threshold) for name, pictures in found.items()]
        figures = [*golden, *folds]
        held = [picture for name in found if name.endswith("-1") for picture in found[name]]
        write_file(options.work / "figures.json", json.dumps([asdict(f) for f in figures], indent=1).encode())
        fields = options.work / "fields.json"
        write_file(fields, json.dumps(_fields(held, folds, threshold, judged), indent=1).encode())
        work.fitted(
            "artwork", "real", "--seed", "1", *LAST, "--also", work.folder / "drawn-1",
            "--start", work.folder / "golden-1.npz", "--fields", fields,
        )  # fmt: skip
    except (*input_errors(), ModelError) as error:
        print(f"benchmarks.deeppcb.recipe: {error}", file=sys.stderr)
        return 2
    for line in _table(figures):
        print(line)
    return 0


def _golden_figures(work: Work) -> list[Figure]:
    figures: list[Figure] = []
    for seed in SEEDS:
        name = f"golden-{seed}"
        work.fitted(name, f"drawn-{seed}", "--seed", str(seed), *GOLDEN, "--check", work.folder / "check")
        figures.append(_figure(name, work.found(name, None), _NONE_SEEN))
    return figures


def _folds(work: Work) -> tuple[dict[str, Pictures], float, Calibration]:
    """Return what every fold and seed finds, the threshold of greatest F, and the calibration of all."""
    judged: dict[int, list[Judged]] = {}
    for f, held in enumerate(FOLDS, start=1):
        work.fitted(f"first-{f}", "drawn-1", *FIRST, "--holdout", *held)
        for seed in SEEDS:
            name = f"fold-{f}-{seed}"
            work.fitted(
                name, "real", "--seed", str(seed), *LAST, "--also", work.folder / "drawn-1",
                "--start", work.folder / f"first-{f}.npz", "--fp32", "--holdout", *held,
            )  # fmt: skip
        judged[f] = work.judged([f"fold-{f}-{seed}" for seed in SEEDS], held)
    found: dict[str, Pictures] = {}
    for f, held in enumerate(FOLDS, start=1):
        others = calibrated([one for g, several in judged.items() if g != f for one in several])
        found |= {f"fold-{f}-{seed}": work.found(f"fold-{f}-{seed}", held, others) for seed in SEEDS}
    pooled = [picture for pictures in found.values() for picture in pictures]
    every = [one for several in judged.values() for one in several]
    return found, best_threshold(pooled), calibrated(every)


def calibrated(judged: Sequence[Judged]) -> Calibration:
    """Return the calibration of several fits' candidates together."""
    return calibration(
        np.concatenate([one.logits for one in judged]),
        np.concatenate([one.topology for one in judged]),
        np.concatenate([one.kinds for one in judged]),
    )


def best_threshold(pictures: Pictures) -> float:
    """Return the confidence, in steps of 0.02, from which F is greatest."""
    steps = [round(float(t), 2) for t in np.arange(0.2, 0.91, 0.02)]
    return max(steps, key=lambda t: _sure(pictures, t).f)


def _sure(pictures: Pictures, threshold: float) -> Score:
    return score([(boxes, [d for d in found if d.confidence >= threshold]) for boxes, found in pictures])


def _figure(name: str, pictures: Pictures, threshold: float) -> Figure:
    print(f"{name}: scored on {len(pictures)} pairs", flush=True)
    return Figure(name, len(pictures), threshold, score(pictures), _sure(pictures, threshold))


def _group(pair: Pair, root: Path) -> str:
    return str(pair.tested.parent.relative_to(root))


def _fields(
    held: Pictures, folds: Sequence[Figure], threshold: float, judged: Calibration
) -> Mapping[str, Any]:
    """Return what the release's card says that the fit alone does not know; `held` is of the first seed."""
    bounds = interval(held, threshold, np.random.default_rng(1), _RESAMPLED)
    boxes = sum(len(b) for b, _ in held)
    counts = {name: sum(b.type == kind for bs, _ in held for b in bs) for kind, name in enumerate(TYPES, 1)}
    spread = ", ".join(f"{f.name} {100 * f.every.ap:.2f} / {100 * f.operating.f:.2f}" for f in folds)
    escapes, false = (
        fmean(f.operating.escapes for f in folds),
        fmean(f.operating.false_boxes for f in folds),
    )
    mean_ap, mean_f = fmean(f.every.ap for f in folds), fmean(f.operating.f for f in folds)
    return {
        "name": "artwork",
        "metrics": [
            _metric("ap", None, bounds.ap, boxes),
            _metric("f", None, bounds.f, boxes),
            *(_metric("ap", name, bounds.ap_of[name], counts[name]) for name in TYPES),
        ],
        "conditions": f"{_CONDITIONS} AP / F of each fold and seed: {spread}. Mean AP {100 * mean_ap:.2f}, "
        f"F {100 * mean_f:.2f}; at the operating threshold {escapes:.3f} escapes and {false:.3f} false boxes "
        "per picture.",
        "thresholds": {
            "temperature": judged.temperature, "topology": judged.table,
            "operating": threshold, "hold_below": threshold, "chosen": _CHOSEN,
        },
        "licence": _LICENCE,
        "limits": _LIMITS,
    }  # fmt: skip


def _metric(name: str, defect_class: str | None, found: tuple[float, float, float], n: int) -> dict[str, Any]:
    lower, value, upper = found
    return {
        "name": name, "class": defect_class, "value": value, "lower": lower, "upper": upper, "n": n,
        "unit": "1",
    }  # fmt: skip


def _table(figures: Iterable[Figure]) -> Iterable[str]:
    yield f"{'':<12}{'pairs':>7}{'AP':>8}{'F':>8}{'at':>6}{'escapes':>9}{'false':>8}   AP of each type"
    for f in figures:
        types = " ".join(f"{name} {100 * value:.1f}" for name, value in f.every.ap_of.items())
        yield (
            f"{f.name:<12}{f.pairs:>7}{100 * f.every.ap:>8.2f}{100 * f.operating.f:>8.2f}{f.threshold:>6.2f}"
            f"{f.operating.escapes:>9.3f}{f.operating.false_boxes:>8.3f}   {types}"
        )


if __name__ == "__main__":
    sys.exit(main())
