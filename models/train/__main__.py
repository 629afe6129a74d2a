"""Fit the classifier to drawn pairs and write a release: `python -m models.train PAIRS --out FOLDER`.

The card that it writes has no metrics yet: `hallmark model evaluate FOLDER` inspects unseen units and adds
them.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import torch

from models.card import InputContract, ModelCard, Thresholds, TrainingData, write_card
from models.classifier import CLASSES
from models.train.data import Pairs, read_pairs
from models.train.export import candidates, write_release
from models.train.fit import Recipe, fit, temperature

_LIMITS = (
    "Made from one golden image: it names defects of that design, under light like its.",
    "Every defect, and every difference between good units, that it was fitted to was drawn.",
    "Its figures are simulated: they say nothing of defects that look otherwise.",
    "It knows no netlist: shorts and opens are told by islands of conductor that the golden image shows.",
    (
        "Where gaps are thin the islands run together: at the lower left of S4 two nets are one, and a short "
        "between them is called excess material."
    ),
    "Defects below 0.4 mm were not drawn.",
)


def main(arguments: list[str]) -> int:
    """Fit and write; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    parser.add_argument("pairs", type=Path, help="folder that `hallmark model draw` wrote")
    parser.add_argument(
        "--validation", type=Path, help="pairs that set the temperature; default PAIRS/validation"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the release")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--threads", type=int, default=2, help="on cores that nothing else uses")
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cpu", help="cuda: five minutes, not half an hour"
    )
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    recipe = Recipe(seed=options.seed, steps=options.steps)
    pairs = read_pairs(options.pairs)
    validation = read_pairs(options.validation or options.pairs / "validation")
    network = fit(pairs, recipe, _Progress(recipe.steps), options.device)
    heat = temperature(network, validation, recipe.seed)
    files = write_release(network, *candidates(validation, recipe.seed), options.out, pairs.islands)
    card = _card(pairs, validation, recipe, heat, files, options.device)
    write_card(options.out, card)
    sys.stdout.write(f"{options.out}: temperature {heat}\n")
    return 0


def _card(
    pairs: Pairs, validation: Pairs, recipe: Recipe, heat: float, files: object, device: str
) -> ModelCard:
    return ModelCard.model_validate({
        "name": "s4",
        "created": time.strftime("%Y-%m-%d", time.gmtime()),
        "description": "Names what deviates on board S4, made from its golden image alone: a small U-Net "
        f"over pairs of golden image and unit. Recipe: {asdict(recipe)}.",
        "files": files,
        "golden_image": pairs.index["golden_image"],
        "training": TrainingData(
            description=f"{len(pairs.units)} units drawn on the golden image with defects of nine kinds and "
            "the differences of good units, captured by the twin, aligned by the station's aligner; "
            f"{len(validation.units)} further ones set the temperature.",
            digest=pairs.digest,
            seeds={"pairs": pairs.index["seed"], "validation": validation.index["seed"], "fit": recipe.seed},
        ),
        "classes": CLASSES,
        "input": InputContract(
            layout="pair: uint8 (n, h, w, 6), h and w multiples of 32; logits: float32 (n, k, h / 4, w / 4)",
            channels=("golden red", "golden green", "golden blue", "unit red", "unit green", "unit blue"),
            mm_per_px=pairs.index["mm_per_px"],
        ),
        "thresholds": Thresholds(
            temperature=heat,
            hold_below=0.5,
            dismiss_from=0.6,
            chosen="Temperature: least negative log likelihood of cells of the validation units. A region is "
            "named where its class is likelier than all others together, and a deviation dismissed a little "
            "above even odds: neither is tuned. The share of crops on defects (0.42 of 0.42 and 0.6) was "
            "chosen by 40 units with defects and 40 good ones of seed 7002.",
        ),
        "metrics": (),
        "conditions": "not evaluated yet",
        "versions": {
            "torch": torch.__version__, "device": device, "onnx": onnx.__version__, "numpy": np.__version__,
        },
        "licence": "Apache-2.0; the golden image it was made from: MIT, Mirsadeghi/PCB-Fault-Detection",
        "limits": _LIMITS,
    })  # fmt: skip


class _Progress:
    """Prints where a fit is, about twenty times."""

    def __init__(self, steps: int) -> None:
        self._steps, self._start = steps, time.monotonic()

    def __call__(self, step: int, loss: float) -> None:
        if step % max(self._steps // 20, 1) == 0 or step == self._steps:
            spent = time.monotonic() - self._start
            sys.stderr.write(f"step {step} of {self._steps}: loss {loss:.4f}, {spent:.0f} s\n")
            sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
