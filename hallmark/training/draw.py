"""Many training pairs, drawn by one process per core, each written once."""

from __future__ import annotations

import functools
import io
import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from datasets.drawn import DrawnUnits
from golden.digests import sha256
from golden.sample import write_file
from hallmark.training.golden import packaged_golden, packaged_image
from hallmark.training.pairs import training_pair
from models import CLASSES
from vision import Inspector

INDEX: Final = "index.json"

_Work = tuple[Path, int, int]  # folder, seed, number


def draw(out: Path, units: int, seed: int, processes: int, progress: Callable[[int], None]) -> None:
    """Draw `units` pairs of board S4 into a folder: `0000.npz` .., and an index with their digests.

    `golden.npy` is the golden image and `islands.npy` its islands of conductor.

    The same seed gives the same bytes, however many processes draw.
    """
    out.mkdir(parents=True, exist_ok=True)
    drawn, _, view, mm_per_px = _line()
    write_file(out / "golden.npy", _npy(packaged_image()[0]))
    write_file(out / "islands.npy", _npy(drawn.islands))
    files: dict[str, str] = {}
    for done, (name, digest) in enumerate(_drawn([(out, seed, i) for i in range(units)], processes), 1):
        if digest:
            files[name] = digest
        progress(done)
    index = {
        "schema": "hallmark.pairs/1", "seed": seed, "units": units, "view": view, "classes": list(CLASSES),
        "golden_image": sha256(next(iter(packaged_golden().images.values()))),
        "mm_per_px": mm_per_px,
        "files": dict(sorted(files.items())),
    }  # fmt: skip
    write_file(out / INDEX, json.dumps(index, indent=1).encode())


def _drawn(work: Sequence[_Work], processes: int) -> Iterator[tuple[str, str]]:
    if min(processes, len(work)) == 1:  # a process of its own would tell the materials apart once more
        yield from map(_draw_one, work)
        return
    with multiprocessing.get_context("spawn").Pool(min(processes, len(work))) as pool:
        yield from pool.imap_unordered(_draw_one, work)


@functools.cache
def _line() -> tuple[DrawnUnits, Inspector, str, float]:
    """Return what every unit of a process shares."""
    sample = packaged_golden()
    golden, view = packaged_image()
    mm_per_px = sample.spec.view(view).mm_per_px
    return DrawnUnits(golden, mm_per_px), Inspector(sample, {}), view, mm_per_px


def _draw_one(work: _Work) -> tuple[str, str]:
    out, seed, i = work
    units, inspector, view, mm_per_px = _line()
    pair = training_pair(units, inspector, view, mm_per_px, (seed, i))
    name = f"{i:04d}.npz"
    if pair is None:
        return name, ""
    buffer = io.BytesIO()
    np.savez(buffer, unit=pair.unit, labels=pair.labels)
    write_file(out / name, buffer.getvalue())
    return name, sha256(buffer.getvalue())


def _npy(array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
