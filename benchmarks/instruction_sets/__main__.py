"""Run a released model on this processor and on emulated ones, and compare what it answers.

Run `python -m benchmarks.instruction_sets FOLDER [--cpu Haswell] [--crops 64]`. Needs `qemu-x86_64` (Debian:
qemu-user), whose processors have only the instructions of their model: Haswell has AVX2 and FMA, and neither
AVX-512 nor VNNI; Nehalem has SSE4.2. Its emulation of VPMADDUBSW saturates as the processor does. It is about
a hundred times slower than the machine. Exit 1 where a decision differs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from models.card import PARITY
from models.detector.decision import decide
from models.detector.release import FixedSet, open_networks, read_fixed
from models.detector.runtime import ask
from models.kinds import is_detector
from models.parity import softmax
from models.release import open_model


def main(arguments: list[str]) -> int:
    """Compare and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instruction_sets", description=__doc__)
    parser.add_argument("folder", type=Path, help="a released model of either kind")
    parser.add_argument("--cpu", action="append", help="a processor that qemu knows; default: Haswell")
    parser.add_argument("--crops", type=int, default=64, help="of the fixed set, the first")
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.answer is not None:
        np.savez(options.answer, **_answers(options.folder, options.crops))
        return 0
    here = _answers(options.folder, options.crops)
    flips = 0
    for cpu in options.cpu or ["Haswell"]:
        there = _emulated(options.folder, options.crops, cpu)
        for runtime in sorted(name.removesuffix("_logits") for name in here if name.endswith("_logits")):
            flipped = int((here[f"{runtime}_decisions"] != there[f"{runtime}_decisions"]).sum())
            outputs = [n for n in here if n in (f"{runtime}_logits", f"{runtime}_boxes")]
            off = max(float(np.abs(here[name] - there[name]).max()) for name in outputs)
            crops, decisions = len(here[f"{runtime}_logits"]), here[f"{runtime}_decisions"].size
            print(
                f"{cpu:<12} {runtime}: {crops} crops, {flipped} of {decisions} decisions differ, "
                f"outputs by {off:.2g}"
            )
            flips += flipped
    return int(flips > 0)


def _answers(folder: Path, crops: int) -> dict[str, np.ndarray]:
    """Return each network's own answers, and what is decided by it as it is served."""
    if not is_detector(folder):
        return _cells(folder, crops)
    detector = open_networks(folder)
    fixed: FixedSet = read_fixed(folder)
    pairs, topology = fixed.pairs[:crops], fixed.topology[:crops]
    found: dict[str, np.ndarray] = {}
    for runtime, network in (("fp32", detector.fp32), ("int8", detector.int8)):
        if network is not None:
            own = ask(network, pairs)
            served = detector.answers(pairs, topology, int8=runtime == "int8")
            found[f"{runtime}_logits"], found[f"{runtime}_boxes"] = own.logits, own.boxes
            shares = detector.calibration.probabilities(served.logits, topology)
            found[f"{runtime}_decisions"] = decide(shares, detector.operating, detector.hold_below)
    return found


def _cells(folder: Path, crops: int) -> dict[str, np.ndarray]:
    """Return a cell classifier's answers, and by cell its class where that is believed, else -1."""
    model = open_model(folder)
    with np.load(folder / PARITY) as fixed:
        logits = model.logits(fixed["pair"][:crops])
    shares = softmax(logits, model.card.thresholds.temperature)
    believed = shares.max(axis=1) >= model.hold_below
    return {"fp32_logits": logits, "fp32_decisions": np.where(believed, shares.argmax(axis=1), -1)}


def _emulated(folder: Path, crops: int, cpu: str) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "answers.npz"
        subprocess.run(
            ["qemu-x86_64", "-cpu", cpu, sys.executable, "-m", "benchmarks.instruction_sets", str(folder),
             "--crops", str(crops), "--answer", str(out)],
            check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        with np.load(out) as stored:
            return {name: stored[name] for name in stored.files}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
