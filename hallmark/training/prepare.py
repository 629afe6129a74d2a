"""From a source to a folder of prepared pairs, by one process or several; an interrupted one goes on."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import multiprocessing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from evidence import FrameError
from golden.sample import write_file
from hallmark.errors import TrainingError
from hallmark.training.colour import colour_pair
from hallmark.training.prepared import (
    INDEX,
    Index,
    PreparedPair,
    pair_file,
    read_index,
    read_pair,
    write_index,
    write_pair,
)
from hallmark.training.sources import Item, Source
from models import NOT_A_DEFECT
from vision.artwork import prepare

PLAN: Final = "plan.json"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A pair's file and digest, its boxes, those of them that a candidate overlaps, its candidates."""

    file: str
    digest: str
    boxes: int
    reached: int
    candidates: int


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a folder of prepared pairs is: `done` of `pairs`, and whether its index is written."""

    pairs: int
    done: int
    finished: bool


def stage(folder: Path, source: Source) -> Stage:
    """Return how far a folder is for this source; nothing is written.

    Raises:
        TrainingError: the folder holds something else, or pairs that were begun otherwise.
    """
    if not folder.exists() or {path.name for path in folder.iterdir()} <= {PLAN}:
        return Stage(len(source.items), 0, finished=False)
    try:
        begun: dict[str, Any] = json.loads((folder / PLAN).read_bytes())
    except FileNotFoundError as error:
        raise TrainingError(f"{folder}: holds other files: name an empty folder for the pairs") from error
    except ValueError as error:
        raise TrainingError(f"{folder / PLAN}: not JSON: remove the folder, and prepare again") from error
    plan = _plan(source)
    differing = sorted(name for name in begun.keys() | plan.keys() if begun.get(name) != plan.get(name))
    if differing:
        raise TrainingError(
            f"{folder}: its pairs were begun with another {' and '.join(differing)}: name another folder for "
            "the pairs, or remove this one"
        )
    done = sum((folder / pair_file(n)).exists() for n in range(len(source.items)))
    return Stage(len(source.items), done, (folder / INDEX).exists())


def prepare_pairs(
    folder: Path, source: Source, processes: int, progress: Callable[[int], None]
) -> tuple[Index, tuple[Prepared, ...]]:
    """Align each pair, find its candidates and write it; pairs that are there already are kept.

    The same source gives the same bytes, however many processes prepare and however often they were stopped.

    Args:
        folder: made if absent.
        source: what to prepare.
        processes: how many prepare at once.
        progress: is told how many pairs are done.

    Raises:
        TrainingError: see `stage`, or a picture is no artwork.
        DatasetError: a picture does not decode, or has no golden one of its size.
    """
    now = stage(folder, source)
    folder.mkdir(parents=True, exist_ok=True)
    if now.finished:
        read_index(folder)  # every pair is the one that was written
    else:
        write_file(folder / PLAN, json.dumps(_plan(source), indent=1, ensure_ascii=False).encode())
    found: list[Prepared] = []
    for one in _prepared(folder, source, processes):
        found.append(one)
        progress(len(found))
    found.sort(key=lambda one: one.file)
    index = Index(
        classes=(NOT_A_DEFECT, *source.labelled.classes), channels=source.channels, source=source.description,
        source_digest=source.labelled.digest, licence=source.licence,
        files={one.file: one.digest for one in found},
        names={one.file: item.pair.name for one, item in zip(found, source.items, strict=True)},
        groups={one.file: item.pair.group or "" for one, item in zip(found, source.items, strict=True)},
        golden_image=source.golden_image,
    )  # fmt: skip
    write_index(folder, index)
    return index, tuple(found)


def _plan(source: Source) -> dict[str, Any]:
    versions = {
        name: importlib.metadata.version(name) for name in ("hallmark", "numpy", "opencv-python-headless")
    }
    return {**source.plan, "versions": versions}


def _prepared(folder: Path, source: Source, processes: int) -> Iterable[Prepared]:
    one = functools.partial(_prepare_one, folder)
    work = list(enumerate(source.items))
    if processes == 1:
        yield from map(one, work)
        return
    with multiprocessing.get_context("spawn").Pool(min(processes, len(work))) as pool:
        yield from pool.imap_unordered(one, work, chunksize=4)


def _prepare_one(folder: Path, work: tuple[int, Item]) -> Prepared:
    number, item = work
    if (folder / pair_file(number)).exists():
        pair, digest = read_pair(folder, number)
    else:
        pair = _pair(item)
        digest = write_pair(folder, number, pair)
    reached = _reached(pair)
    return Prepared(pair_file(number), digest, len(pair.boxes), reached, len(pair.candidates))


def _pair(item: Item) -> PreparedPair:
    raw = item.raw()
    if raw.golden.ndim == 3:
        try:
            return colour_pair(raw.golden, raw.unit, raw.boxes)
        except (TrainingError, FrameError) as error:
            raise TrainingError(f"{item.pair.unit}: {error}; leave it out, or correct it") from error
    aligned, found = prepare(raw.golden, raw.unit)
    return PreparedPair(
        golden=aligned[..., None], unit=raw.unit[..., None],
        boxes=np.array(raw.boxes, np.int32).reshape(-1, 5),
        candidates=np.column_stack((found.boxes, found.topology)).astype(np.int32),
    )  # fmt: skip


def _reached(pair: PreparedPair) -> int:
    """Return how many boxes some candidate overlaps: the others a detector is never shown."""
    a, b = pair.boxes[:, None, :4], pair.candidates[None, :, :4]
    overlap = np.minimum(a[..., 2:], b[..., 2:]) > np.maximum(a[..., :2], b[..., :2])
    return int(np.count_nonzero(np.any(overlap.all(axis=2), axis=1)))
