"""Rebuild a released network from its weights and run it again: `python -m models.train.parity FOLDER [OUT]`.

Prints one JSON object and exits with 0 where the answers are the released ones, 1 where not. OUT receives the
logits of the small crops, as `.npy`, for comparison with another runtime.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from models.card import CROPS, PARITY, WEIGHTS, WIDE, read_card
from models.parity import compare, together
from models.train.export import rebuild, run


def main(arguments: list[str]) -> int:
    """Compare and return the exit code."""
    torch.set_num_threads(1)
    folder = Path(arguments[0])
    card = read_card(folder)
    network = rebuild((folder / WEIGHTS).read_bytes(), card.classes)
    with np.load(folder / PARITY, allow_pickle=False) as stored:
        answers = {names: run(network, stored[names[0]]) for names in (CROPS, WIDE) if names[0] in stored}
        heat = card.thresholds.temperature
        parity = together([compare(stored[names[1]], made, heat) for names, made in answers.items()])
    if len(arguments) > 1:
        np.save(arguments[1], answers[CROPS])
    sys.stdout.write(json.dumps({"holds": parity.holds, **asdict(parity)}) + "\n")
    return 0 if parity.holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
