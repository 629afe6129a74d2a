"""Fit a detector to prepared pairs and release it: `python -m models.train.detector PAIRS --out FOLDER`.

`hallmark model train` makes the pairs and runs this in the environment that has torch. With `--holdout`
whole groups are kept from the fit; calibration and operating threshold are then set on them. Without, give
`--fields` with thresholds that were chosen on such folds: what a network was fitted to says nothing of them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from models.errors import ModelError
from models.train.detector.data import Prepared, joined, read_prepared
from models.train.detector.fit import Recipe, fit
from models.train.detector.released import Made, read_weights, release, write_weights


def main(arguments: Sequence[str]) -> int:
    """Fit and write; return the exit code."""
    options = _options(arguments)
    torch.set_num_threads(1)
    try:
        pairs = read_prepared(options.pairs)
        start = None if options.start is None else read_weights(options.start)
        fields = {} if options.fields is None else json.loads(options.fields.read_bytes())
        also = [read_prepared(folder) for folder in options.also]
        kept, held = _divided(pairs, options.holdout)
        unseen = "of groups that were held out"
        if options.check is not None:
            held, unseen = (
                read_prepared(options.check),
                "of other pairs, made like those of the fit",
            )
        parts = [kept, *(one.subset(lambda group: group not in options.holdout) for one in also)]
        everything = joined([part for part in parts if part.units])
    except (OSError, ValueError) as error:
        sys.stderr.write(f"models.train.detector: {error}\n")
        return 2
    recipe = Recipe(seed=options.seed, epochs=options.epochs, batch=options.batch, rate=options.rate)
    try:
        network = fit(everything, recipe, _Progress(), start)
        if options.weights is not None:
            write_weights(network, options.weights)
        made = Made(network, recipe, tuple(parts), held, unseen)
        report = release(made, options.out, fields, int8=not options.fp32)
    except (ModelError, ValueError) as error:
        sys.stderr.write(f"models.train.detector: {error}\n")
        return 3
    sys.stdout.write(f"{options.out}: {report}\n")
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m models.train.detector", description=__doc__)
    parser.add_argument("pairs", type=Path, help="folder of prepared pairs")
    parser.add_argument("--out", type=Path, required=True, help="folder of the release")
    parser.add_argument(
        "--also",
        type=Path,
        nargs="*",
        default=[],
        metavar="PAIRS",
        help="learn from these as well: drawn ones",
    )
    parser.add_argument("--start", type=Path, metavar="FILE", help="weights of an earlier fit to go on from")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="write the fitted weights here, too")
    parser.add_argument("--holdout", nargs="*", default=[], metavar="GROUP", help="groups kept from the fit")
    parser.add_argument(
        "--check",
        type=Path,
        metavar="PAIRS",
        help="in place of groups: pairs made alike that are not learned from",
    )
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--epochs", type=_count, default=Recipe.epochs, help="0: release what it starts from")
    parser.add_argument("--batch", type=_count, default=Recipe.batch)
    parser.add_argument("--rate", type=float, default=Recipe.rate, help="greatest rate of learning")
    parser.add_argument("--fields", type=Path, help="JSON with fields of the card: name, thresholds, ...")
    parser.add_argument("--fp32", action="store_true", help="release no INT8 network")
    options = parser.parse_args(arguments)
    if not options.batch:
        parser.error("--batch 0: give a whole number from 1")
    if options.check is not None and options.holdout:
        parser.error("--check and --holdout: what is set on held out groups needs no other pairs")
    if not options.epochs and options.start is None:
        parser.error("no epochs and nothing to start from: give --epochs or --start")
    return options


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def _divided(pairs: Prepared, held_out: Sequence[str]) -> tuple[Prepared, Prepared | None]:
    """Return what is fitted to and what is held out.

    Raises:
        ValueError: a group does not exist, or nothing is left.
    """
    unknown = sorted(set(held_out) - set(pairs.groups))
    if unknown:
        raise ValueError(f"groups {unknown} do not exist: the pairs have {sorted(set(pairs.groups))}")
    if not held_out:
        return pairs, None
    kept = pairs.subset(lambda group: group not in held_out)
    if not kept.units:
        raise ValueError("every group is held out: nothing is left to fit to")
    return kept, pairs.subset(lambda group: group in held_out)


class _Progress:
    """Prints where a fit is, about twenty times."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, step: int, steps: int, loss: float) -> None:
        if step % max(steps // 20, 1) == 0 or step == steps:
            spent = time.monotonic() - self._start
            sys.stdout.write(f"step {step} of {steps}: loss {loss:.4f}, {spent:.0f} s\n")
            sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
