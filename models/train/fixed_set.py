"""Draw a release's fixed set anew, its network unchanged: `python -m models.train.fixed_set FOLDER PAIRS`.

PAIRS is the folder that `hallmark model draw` wrote with the seeds that the card names. The card then names
the new file, so that the release has another digest and must be verified and signed again.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from evidence import sha256
from golden.sample import write_file
from models.card import PARITY, WEIGHTS, read_card, write_card
from models.train.data import read_pairs
from models.train.export import candidates, fixed_set, rebuild


def main(arguments: list[str]) -> int:
    """Draw, answer and write; return the exit code."""
    torch.set_num_threads(1)
    folder, pairs = (Path(argument) for argument in arguments)
    card = read_card(folder)
    network = rebuild((folder / WEIGHTS).read_bytes(), card.classes)
    validation = read_pairs(pairs / "validation")
    seeds = card.training.seeds
    if validation.index["seed"] != seeds["validation"]:
        sys.stderr.write(f"{pairs}: drawn with seed {validation.index['seed']}; the card names {seeds}\n")
        return 2
    data = fixed_set(network, *candidates(validation, seeds["fit"]))
    write_file(folder / PARITY, data)
    write_card(
        folder, card.model_copy(update={"files": card.files.model_copy(update={"parity": sha256(data)})})
    )
    sys.stdout.write(f"{folder / PARITY}: {len(data)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
