"""Run the released detector of artwork over a list in DeepPCB's layout and print the official figures.

Run `python -m benchmarks.deeppcb DIR --list FILE --out DIR2`. `DIR2/NAME.txt` gets one
`x1 y1 x2 y2 confidence type` per box. AP is over all of these; F, escapes and false boxes are over those at
the operating threshold that the detector's card names. A plain difference of the two pictures, typed by
rules, is scored beside it. All work is done on one thread.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import cv2
from rich.console import Console
from rich.progress import track

from benchmarks.deeppcb import regions
from benchmarks.deeppcb.score import Detection, Score, score
from datasets import DatasetError
from datasets.deeppcb import TYPES, Box, Pair, read_list, read_pictures
from golden.sample import write_file
from hallmark.commands import input_errors
from models.detector import Detector
from models.detector.release import open_detector
from models.errors import ModelError
from models.release import packaged
from vision.artwork import LEAST_SIDE, detect
from vision.artwork.align import aligned

MODEL, DIFFERENCE = "released model", "plain difference"
LEAST: Final = 0.02  # confidence of the least sure boxes that are written: AP counts them, F does not

Finder = Callable[[regions.U8, regions.U8], list[Detection]]
"""What finds boxes in a template and a tested picture, neither aligned."""


@dataclass(frozen=True, slots=True)
class Result:
    """A finder's figures: of every box, of those at the operating threshold, and milliseconds per pair."""

    every: Score
    operating: Score
    ms: float


def run(pairs: Iterable[Pair], finders: dict[str, Finder], out: Path, operating: float) -> dict[str, Result]:
    """Return the figures of each finder; write the first one's boxes, whose threshold `operating` is.

    A pair's time is that of aligning it and finding its boxes; decoding the pictures is not counted.
    """
    found: dict[str, list[tuple[Sequence[Box], list[Detection]]]] = {name: [] for name in finders}
    times: dict[str, list[float]] = {name: [] for name in finders}
    for pair in pairs:
        template, tested = read_pictures(pair)
        h, w = tested.shape
        if min(h, w) < LEAST_SIDE:
            raise DatasetError(
                f"{pair.tested}: {w} x {h} px: give pictures with sides of at least {LEAST_SIDE} px"
            )
        for n, (name, find) in enumerate(finders.items()):
            begun = time.perf_counter()
            detections = find(template, tested)
            times[name].append((time.perf_counter() - begun) * 1e3)
            found[name].append((pair.boxes, detections))
            if n == 0:
                write_file(out / f"{pair.name}.txt", "".join(map(_line, detections)).encode("ascii"))
    return {
        # the threshold is the first one's own; the others' confidence is another thing
        name: Result(score(boxes), score(_sure(boxes, 0 if n else operating)), statistics.fmean(times[name]))
        for n, (name, boxes) in enumerate(found.items())
    }


def by_detector(detector: Detector) -> Finder:
    """Return the finder that asks a detector; what it does not name as a type of the data set is left out."""

    def find(template: regions.U8, tested: regions.U8) -> list[Detection]:
        return [
            Detection(Box(*f.box, TYPES.index(f.defect_class) + 1), round(f.confidence, 4))  # as its file
            for f in detect(template, tested, detector, LEAST)
            if f.defect_class in TYPES
        ]

    return find


def by_difference(template: regions.U8, tested: regions.U8) -> list[Detection]:
    """Find by the plain difference of the aligned pair."""
    return regions.by_difference(aligned(template, tested), tested)


def _sure(
    pictures: Iterable[tuple[Sequence[Box], list[Detection]]], operating: float
) -> list[tuple[Sequence[Box], list[Detection]]]:
    return [(boxes, [d for d in found if d.confidence >= operating]) for boxes, found in pictures]


def main(arguments: Sequence[str] | None = None, opened: Callable[[Path], Detector] = open_detector) -> int:
    """Run and print; return the exit code: 2 for bad input, with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deeppcb", description=__doc__)
    parser.add_argument("root", metavar="DIR", type=Path, help="folder that the list's paths start from")
    parser.add_argument(
        "--list", required=True, metavar="FILE", type=Path, help="pairs: trainval.txt, test.txt"
    )
    parser.add_argument("--out", required=True, metavar="DIR2", type=Path, help="folder for the boxes found")
    parser.add_argument(
        "--model", type=Path, default=packaged("artwork"), help="a released detector's folder"
    )
    parser.add_argument("--limit", type=_positive, metavar="N", help="take only the list's first N pairs")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        detector = opened(options.model)
        pairs = read_list(options.root, options.list)[: options.limit]
        _prepare(options.out, pairs)
        finders: dict[str, Finder] = {MODEL: by_detector(detector), DIFFERENCE: by_difference}
        watched = track(pairs, "finding", console=Console(stderr=True)) if sys.stderr.isatty() else pairs
        results = run(watched, finders, options.out, detector.operating)
    except (*input_errors(), ModelError) as error:
        print(f"benchmarks.deeppcb: {error}", file=sys.stderr)
        return 2
    settings: dict[str, Any] = {
        "model": detector.reference.model_dump(mode="json"),
        "operating": detector.operating,
    }
    (_print_json if options.json else _print)(settings, len(pairs), results)
    return 0


def _prepare(out: Path, pairs: Sequence[Pair]) -> None:
    """Make the folder; boxes of another list in it would be submitted together with these."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"{out}: {error.strerror}: name a folder that can be made") from error
    others = {path.stem for path in out.glob("*.txt")} - {pair.name for pair in pairs}
    if others:
        raise DatasetError(
            f"{out}: holds {min(others)}.txt, which is of another list: empty the folder, or name a new one"
        )


def _line(found: Detection) -> str:
    b = found.box
    return f"{b.x1} {b.y1} {b.x2} {b.y2} {found.confidence:.4f} {b.type}\n"


def _print_json(settings: dict[str, Any], pairs: int, results: dict[str, Result]) -> None:
    rows = {name: asdict(result) | {"pairs_per_s": 1e3 / result.ms} for name, result in results.items()}
    print(json.dumps({**settings, "pairs": pairs, "results": rows}))


def _print(settings: dict[str, Any], pairs: int, results: dict[str, Result]) -> None:
    print(f"{pairs} pairs, one thread; model {settings['model']['name']}; figures in percent")
    print(f"{'':<34}" + "".join(f"{name:>18}" for name in results))
    every = [result.every for result in results.values()]
    sure = [result.operating for result in results.values()]
    rows = [
        ("AP (official, pooled)", [s.ap for s in every]),
        *((f"  AP {name}", [s.ap_of[name] for s in every]) for name in every[0].ap_of),
        ("found, of any type and confidence", [s.found for s in every]),
        (f"F at {settings['operating']:g}, the card's threshold", [s.f for s in sure]),
        ("  precision", [s.precision for s in sure]),
        ("  recall", [s.recall for s in sure]),
    ]
    for title, values in rows:
        print(f"{title:<34}" + "".join(f"{100 * value:>18.2f}" for value in values))
    print("at that threshold, per picture:")
    print(f"{'  escapes':<34}" + "".join(f"{s.escapes:>18.3f}" for s in sure))
    print(f"{'  false boxes':<34}" + "".join(f"{s.false_boxes:>18.3f}" for s in sure))
    print(f"{'ms per pair (mean)':<34}" + "".join(f"{r.ms:>18.1f}" for r in results.values()))
    print(f"{'pairs per second':<34}" + "".join(f"{1e3 / r.ms:>18.1f}" for r in results.values()))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
