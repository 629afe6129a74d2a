"""Run the released model over a list in DeepPCB's layout and print the official figures.

Run `python -m benchmarks.deeppcb DIR --list FILE --out DIR2`. Each pair is aligned by a whole-pixel shift and
shown to the model as one crop; `DIR2/NAME.txt` gets one `x1 y1 x2 y2 confidence type` per box. A plain
difference of the two pictures, typed by the same rules, is scored beside it. All work is done on one thread.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
from rich.console import Console
from rich.progress import track

from benchmarks.deeppcb import align, regions
from benchmarks.deeppcb.score import Detection, Score, score
from datasets import DatasetError
from datasets.deeppcb import Pair, read_list, read_pictures
from golden.sample import write_file
from hallmark.commands import input_errors
from models import Classifier
from models.errors import ModelError
from models.release import open_model, packaged

_MULTIPLE, _LEAST = 32, 128  # of a picture's sides, in pixels: what the network and the alignment take
MODEL, DIFFERENCE = "released model", "plain difference"

Finder = Callable[[regions.U8, regions.U8], list[Detection]]


def run(pairs: Iterable[Pair], finders: dict[str, Finder], out: Path) -> dict[str, tuple[Score, float]]:
    """Return the score and the median milliseconds per pair of each finder; write the first one's boxes.

    A pair's time is that of aligning it and finding its boxes; decoding the pictures is not counted.
    """
    found: dict[str, list[tuple[Sequence[regions.Box], list[Detection]]]] = {name: [] for name in finders}
    times: dict[str, list[float]] = {name: [] for name in finders}
    for pair in pairs:
        template, tested = read_pictures(pair)
        h, w = tested.shape
        if h % _MULTIPLE or w % _MULTIPLE or min(h, w) < _LEAST:
            raise DatasetError(
                f"{pair.tested}: {w} x {h} px: give pictures with sides of at least {_LEAST} px, "
                f"multiples of {_MULTIPLE}"
            )
        for n, (name, find) in enumerate(finders.items()):
            begun = time.perf_counter()
            detections = find(align.moved(template, tested, *align.shift(template, tested)), tested)
            times[name].append((time.perf_counter() - begun) * 1e3)
            found[name].append((pair.boxes, detections))
            if n == 0:
                write_file(out / f"{pair.name}.txt", "".join(map(_line, detections)).encode("ascii"))
    return {name: (score(found[name]), statistics.median(times[name])) for name in finders}


def main(arguments: Sequence[str] | None = None, opened: Callable[[Path], Classifier] = open_model) -> int:
    """Run and print; return the exit code: 2 for bad input, with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deeppcb", description=__doc__)
    parser.add_argument("root", metavar="DIR", type=Path, help="folder that the list's paths start from")
    parser.add_argument(
        "--list", required=True, metavar="FILE", type=Path, help="pairs: trainval.txt, test.txt"
    )
    parser.add_argument("--out", required=True, metavar="DIR2", type=Path, help="folder for the boxes found")
    parser.add_argument("--model", type=Path, default=packaged(), help="a released model's folder")
    parser.add_argument(
        "--copper", choices=("bright", "black"), default="bright",
        help="how the model is shown copper: bright (inverted, the default) or black (as stored)",
    )  # fmt: skip
    parser.add_argument("--limit", type=_positive, metavar="N", help="take only the list's first N pairs")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        classifier = opened(options.model)
        pairs = read_list(options.root, options.list)[: options.limit]
        _prepare(options.out, pairs)
        finders: dict[str, Finder] = {
            MODEL: lambda a, b: regions.by_model(a, b, classifier, options.copper),
            DIFFERENCE: regions.by_difference,
        }
        watched = track(pairs, "finding", console=Console(stderr=True)) if sys.stderr.isatty() else pairs
        results = run(watched, finders, options.out)
    except (*input_errors(), ModelError) as error:
        print(f"benchmarks.deeppcb: {error}", file=sys.stderr)
        return 2
    settings: dict[str, Any] = {
        "model": classifier.reference.model_dump(mode="json"),
        "copper": options.copper,
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


def _print_json(settings: dict[str, Any], pairs: int, results: dict[str, tuple[Score, float]]) -> None:
    rows = {name: asdict(scored) | {"ms_per_pair": ms} for name, (scored, ms) in results.items()}
    print(json.dumps({**settings, "pairs": pairs, "results": rows}))


def _print(settings: dict[str, Any], pairs: int, results: dict[str, tuple[Score, float]]) -> None:
    print(f"{pairs} pairs, one thread; copper shown {settings['copper']} to the model; figures in percent")
    print(f"{'':<26}" + "".join(f"{name:>18}" for name in results))
    scores = [scored for scored, _ in results.values()]
    rows = [
        ("AP (official, pooled)", [s.ap for s in scores]),
        ("F over every box", [s.f for s in scores]),
        ("  precision", [s.precision for s in scores]),
        ("  recall", [s.recall for s in scores]),
        ("found, of any type", [s.found for s in scores]),
        *((f"  AP {name}", [s.ap_of[name] for s in scores]) for name in scores[0].ap_of),
    ]
    for title, values in rows:
        print(f"{title:<26}" + "".join(f"{100 * value:>18.2f}" for value in values))
    print(f"{'escapes per picture':<26}" + "".join(f"{s.escapes:>18.2f}" for s in scores))
    print(f"{'false boxes per picture':<26}" + "".join(f"{s.false_boxes:>18.2f}" for s in scores))
    print(f"{'ms per pair (median)':<26}" + "".join(f"{ms:>18.1f}" for _, ms in results.values()))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
