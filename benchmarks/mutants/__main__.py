"""The command: draw mutants, try them, tell what survived."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.mutants import trial
from benchmarks.mutants.groups import GROUPS, Group
from benchmarks.mutants.operators import Mutant, mutants

OUT = Path("build/mutants")
DEAD = ("killed", "timeout")


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the chosen groups; 1 where tests fail on the product as it is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("group", nargs="*", help=f"one of {', '.join(GROUPS)}; without one, all")
    parser.add_argument(
        "--sample", type=int, default=100, help="mutants drawn of each group (100); 0 for all"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the draw (1)")
    parser.add_argument("--survivors", action="store_true", help="only those that survived the last run")
    parser.add_argument("--table", action="store_true", help="run nothing, print the last runs as a table")
    given = parser.parse_args(arguments)
    unknown = set(given.group) - GROUPS.keys()
    if unknown:
        parser.error(f"no group {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    chosen = given.group or list(GROUPS)
    if not given.table:
        _load_libraries()
        healthy = [_try(name, given.sample, given.seed, survivors=given.survivors) for name in chosen]
        if not all(healthy):
            return 1
    _print_table(chosen)
    return 0


def _load_libraries() -> None:
    """Import what is not the product's, once: each mutant gets a fork of this process."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    for library in (
        "cryptography.x509",
        "hypothesis.strategies",
        "pydantic",
        "scipy.optimize",
        "scipy.stats",
    ):
        importlib.import_module(library)


def _try(name: str, sample: int, seed: int, *, survivors: bool) -> bool:
    group, file = GROUPS[name], OUT / f"{name}.json"
    everything = [m for path in group.paths() for m in mutants(path)]
    if survivors:
        lived = {m["name"] for m in json.loads(file.read_text())["mutants"] if m["outcome"] not in DEAD}
        drawn = [m for m in everything if m.name in lived]
    else:
        drawn = random.Random(f"{seed}:{name}").sample(
            everything, min(sample or len(everything), len(everything))
        )
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        outcomes, failed = _outcomes(group, drawn, Path(scratch))
    if failed:
        print(f"{name}: these tests fail on the product as it is: {', '.join(failed)}")
        return False
    record = [{"name": m.name, "scope": m.scope, "outcome": outcomes[m.name]} for m in drawn]
    if survivors:
        old = json.loads(file.read_text())
        record = [{**m, "outcome": outcomes.get(m["name"], m["outcome"])} for m in old["mutants"]]
        seed = old["seed"]
    OUT.mkdir(parents=True, exist_ok=True)
    whole = {"group": name, "seed": seed, "there_are": len(everything), "mutants": record}
    file.write_text(json.dumps(whole, indent=1) + "\n")
    print(
        f"{name}: {len(drawn)} of {len(everything)} mutants in {time.monotonic() - begun:.0f} s,"
        f" {dict(Counter(outcomes.values()))}"
    )
    for mutant in drawn:
        if outcomes[mutant.name] not in DEAD:
            source = mutant.path.read_text(encoding="utf-8").splitlines()[mutant.line - 1].strip()
            print(f"  {outcomes[mutant.name]}: {mutant.name} in {mutant.scope}\n      {source}", flush=True)
    return True


def _outcomes(group: Group, drawn: list[Mutant], scratch: Path) -> tuple[dict[str, str], list[str]]:
    """Return what became of each mutant, and the tests that fail without any."""
    measured, noted = scratch / "measured", scratch / "noted"
    inside = [m for m in drawn if m.function is not None]

    def measure(trials: trial.Trials) -> int:
        trial.measure(trials, group.paths(), measured)
        return 0

    def in_functions(trials: trial.Trials) -> None:
        trial.fork(lambda: measure(trials), 3600)
        with noted.open("w") as file:
            note = lambda mutant, outcome: print(mutant.name, outcome, sep="\t", file=file, flush=True)  # noqa: E731
            trial.try_in_functions(trials, inside, _tests(measured)[0], note)

    if trial.fork(lambda: trial.collect(group.tests, in_functions), 36000) != 0:
        sys.exit(f"{', '.join(group.tests)}: these tests could not be collected or measured")
    tests, failed = _tests(measured)
    outcomes = dict(line.split("\t") for line in noted.read_text().splitlines())
    for mutant in drawn:
        if outcomes.get(mutant.name, "survived") == "survived":
            outcomes[mutant.name] = trial.try_on_import(mutant, tests)
    return outcomes, failed


def _tests(file: Path) -> tuple[trial.Tests, list[str]]:
    known: dict[str, Any] = json.loads(file.read_text())
    lines = {path: {int(n): t for n, t in by_line.items()} for path, by_line in known["lines"].items()}
    return trial.Tests(known["seconds"], lines), known["failed"]


def _print_table(names: list[str]) -> None:
    """Print each group's killed share with Wilson's interval at 95 %, as Markdown."""
    from quality.proportions import wilson

    print("| Group | Mutants | Drawn | Killed | Share | 95 % interval |")
    print("|---|--:|--:|--:|--:|---|")
    for name in names:
        file = OUT / f"{name}.json"
        if file.exists():
            known = json.loads(file.read_text())
            drawn = len(known["mutants"])
            dead = sum(m["outcome"] in DEAD for m in known["mutants"])
            share = wilson(dead, drawn)
            print(
                f"| {name} | {known['there_are']} | {drawn} | {dead} | {share.value:.1%} |"
                f" {share.lower:.1%} to {share.upper:.1%} |"
            )


if __name__ == "__main__":
    sys.exit(main())
