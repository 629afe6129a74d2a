"""Prepared pairs: what a detector is fitted to, one file per pair and an index, written whole or not at all.

`models.train.detector` reads the folder. `index.json` (see `Index`) is written last: a folder without it is
not finished. Each `NNNNNN.npz` has

* `golden`: (h, w, c) uint8, aligned to the unit; c is 1 for artwork and 3 for colour (RGB)
* `unit`: (h, w, c) uint8
* `boxes`: (m, 5) int32 x1 y1 x2 y2 class, in pixels of the unit, x2 and y2 exclusive; class counts in
  `classes` of the index, from 1
* `candidates`: (n, 5) int32 x1 y1 x2 y2 topology, where the station shows the detector a crop
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from evidence.inspection import Digest
from golden.digests import sha256
from golden.regions import Closed, Stated
from golden.sample import write_file
from hallmark.errors import TrainingError
from kernels.compiled import U8

INDEX: Final = "index.json"
I32 = npt.NDArray[np.int32]

Text = Annotated[str, Field(min_length=1)]
FileName = Annotated[str, Field(pattern=r"^[0-9]{6}\.npz$")]


class Index(Closed):
    """What a folder of prepared pairs is, `index.json`.

    Attributes:
        classes: "not_a_defect" first, then the defects.
        channels: of both pictures: 1 or 3.
        source: in words what the pairs were made from.
        source_digest: over every file that they were made from.
        licence: what lies beside the data about its use, with the file's name, or that nothing does.
        files: digest of each pair's file, by its name in the folder.
        names: of the unit (or of the golden picture that it was drawn on), by file.
        groups: by file; pairs of one group are held out together. Empty text where nothing says so.
        golden_image: digest of the one golden picture of all pairs in colour; None: several, or of artwork.
    """

    schema_: Literal["hallmark.prepared/2"] = Field(alias="schema", default="hallmark.prepared/2")
    classes: Annotated[tuple[Text, ...], Field(min_length=2)]
    channels: Literal[1, 3]
    source: Text
    source_digest: Digest
    licence: Text
    files: Annotated[dict[FileName, Digest], Field(min_length=1)]
    names: dict[FileName, str]
    groups: dict[FileName, str]
    golden_image: Stated[Digest] = None


@dataclass(frozen=True, eq=False)
class PreparedPair:
    """One pair; arrays as the module's text says."""

    golden: U8
    unit: U8
    boxes: I32
    candidates: I32


def pair_file(number: int) -> str:
    """Return the name of the file of the pair with this number, from 0."""
    return f"{number:06d}.npz"


def write_pair(folder: Path, number: int, pair: PreparedPair) -> str:
    """Write a pair and return its digest; the same pair gives the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, golden=pair.golden, unit=pair.unit, boxes=pair.boxes, candidates=pair.candidates
    )
    write_file(folder / pair_file(number), buffer.getvalue())
    return sha256(buffer.getvalue())


def read_pair(folder: Path, number: int) -> tuple[PreparedPair, str]:
    """Return a written pair and its digest.

    Raises:
        TrainingError: the file is no prepared pair.
    """
    path = folder / pair_file(number)
    data = path.read_bytes()
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ("golden", "unit", "boxes", "candidates")}
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise TrainingError(f"{path}: no prepared pair: remove the file, and prepare again") from error
    return PreparedPair(**arrays), sha256(data)


def write_index(folder: Path, index: Index) -> str:
    """Write the index, which finishes a folder, and return the digest of its bytes."""
    text = json.dumps(index.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False).encode()
    write_file(folder / INDEX, text)
    return sha256(text)


def read_index(folder: Path) -> Index:
    """Read the index of a finished folder and check every pair's bytes against it.

    Raises:
        TrainingError: there is none, it is no index, or a file is missing or altered.
    """
    path = folder / INDEX
    try:
        index = Index.model_validate(json.loads(path.read_bytes()))
        for name, digest in index.files.items():
            if sha256((folder / name).read_bytes()) != digest:
                raise TrainingError(
                    f"{folder / name}: not the file that {INDEX} names: remove the folder, and prepare again"
                )
    except OSError as error:
        raise TrainingError(
            f"{error.filename}: {error.strerror}: remove the folder {folder}, and prepare again"
        ) from error
    except (ValidationError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise TrainingError(f"{path}: no index of prepared pairs: name a folder that was prepared") from error
    return index
