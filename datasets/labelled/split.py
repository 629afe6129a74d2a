"""Which pictures are held out: whole groups of them, never single ones.

Pictures of one board design, lot or fixture are alike beyond their defects. A network that has seen some of
them answers better on the others than on anything new, so a figure of randomly held-out pictures is too good.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from datasets.errors import DatasetError
from datasets.labelled.files import Files
from datasets.labelled.labels import LabelledPair, LabelledSet
from golden.digests import canonical_json, sha256

_HEADER = ["picture", "group"]


@dataclass(frozen=True, slots=True)
class Split:
    """Groups by fold, each group in one; `source` is the digest of the set that was split."""

    source: str
    folds: tuple[tuple[str, ...], ...]


def folds(labelled: LabelledSet, count: int) -> Split:
    """Deal whole groups to folds, so that folds have about as many pairs each.

    The largest group goes first, each to the fold that has fewest pairs (Graham's longest-first rule: no fold
    has more than 4/3 of the best deal's largest). Ties go by name and by number: the same set gives the same
    folds.

    Args:
        labelled: the set.
        count: of folds, at least 2.

    Raises:
        DatasetError: there are fewer groups than folds, nothing says how pictures are grouped, or the same
            picture is in two groups.
    """
    sizes = Counter(_groups(labelled).values())
    if count < 2:
        raise DatasetError(f"{count} folds: at least 2 are needed")
    if len(sizes) < count:
        raise DatasetError(
            f"{labelled.root}: {len(sizes)} groups cannot be dealt to {count} folds: take fewer, or name "
            "finer groups in a table picture,group"
        )
    dealt: list[list[str]] = [[] for _ in range(count)]
    pairs = [0] * count
    for group, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        fold = min(range(count), key=lambda f: (pairs[f], f))
        dealt[fold].append(group)
        pairs[fold] += size
    return Split(labelled.digest, tuple(tuple(sorted(groups)) for groups in dealt))


def hold_out(
    labelled: LabelledSet, held: Collection[str]
) -> tuple[tuple[LabelledPair, ...], tuple[LabelledPair, ...]]:
    """Return the pairs to train on, and those of the groups that are held out.

    Raises:
        DatasetError: no such group, nothing is left to train on, or see `folds`.
    """
    groups = _groups(labelled)
    known = sorted(set(groups.values()))
    for name in held:
        if name not in known:
            told = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
            raise DatasetError(f"{labelled.root}: no group is called {name!r}: its groups are {told}")
    kept = tuple(pair for pair in labelled.pairs if groups[pair.name] not in held)
    if not kept:
        raise DatasetError(f"{labelled.root}: every group is held out: leave some to train on")
    return kept, tuple(pair for pair in labelled.pairs if groups[pair.name] in held)


def split_document(split: Split, labelled: LabelledSet) -> dict[str, Any]:
    """Return what a split's file says: each fold's groups, with its pairs and boxes by class, and a digest.

    The digest is over everything else in it, canonical JSON. Boxes of masks are not counted: they are known
    once the masks are decoded.
    """
    groups = _groups(labelled)
    told: list[dict[str, Any]] = []
    for held in split.folds:
        pairs = [pair for pair in labelled.pairs if groups[pair.name] in held]
        boxes = Counter(box.defect_class for pair in pairs for box in pair.boxes)
        told.append({
            "groups": list(held), "pairs": len(pairs), "boxes": {c: boxes[c] for c in labelled.classes},
        })  # fmt: skip
    body = {
        "schema": "hallmark.split/1", "source_digest": split.source, "folds": told,
        "group_of": {pair.name: groups[pair.name] for pair in labelled.pairs},
    }  # fmt: skip
    return {**body, "digest": sha256(canonical_json(body))}


def with_groups(labelled: LabelledSet, groups: dict[str, str]) -> LabelledSet:
    """Return the set with its pictures grouped so.

    Raises:
        DatasetError: a picture of the set is in no group, or one is named that the set has not.
    """
    names = {pair.name for pair in labelled.pairs}
    for missing in sorted(names - groups.keys())[:1]:
        raise DatasetError(f"{labelled.root}: {missing} is in no group: add a line '{missing},GROUP'")
    for unknown in sorted(groups.keys() - names)[:1]:
        raise DatasetError(f"{labelled.root}: has no picture {unknown!r}: take it out of the table of groups")
    return replace(labelled, pairs=tuple(replace(pair, group=groups[pair.name]) for pair in labelled.pairs))


def read_groups(file: Path) -> dict[str, str]:
    """Read a table of groups: CSV with the header `picture,group`, pictures as paths from the set's folder.

    Raises:
        DatasetError: the file cannot be read, a line is malformed, or a picture comes twice.
    """
    text = Files(file.parent).text(file)
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    groups: dict[str, str] = {}
    try:
        head = next(rows, list[str]())
        if [field.strip() for field in head] != _HEADER:
            raise DatasetError(f"{file} line 1: the header must be 'picture,group'")
        for row in rows:
            where = f"{file} line {rows.line_num}"
            if not row:
                continue
            if len(row) != 2:
                raise DatasetError(f"{where}: {len(row)} fields: write 'picture,group'")
            name, group = row[0].strip(), row[1].strip()
            if not name or not group or len(group) > 200 or not group.isprintable():
                raise DatasetError(f"{where}: picture and group must be printable text: fill in both")
            if name in groups:
                raise DatasetError(f"{where}: {name} was listed before: a picture is in one group")
            groups[name] = group
    except csv.Error as error:
        raise DatasetError(f"{file} line {rows.line_num}: {error}: quote fields as CSV does") from error
    if not groups:
        raise DatasetError(f"{file}: names no picture: write one 'picture,group' a line")
    return groups


def _groups(labelled: LabelledSet) -> dict[str, str]:
    """Return each pair's group by its name; refuse pictures without one, and copies in two groups."""
    groups: dict[str, str] = {}
    first: dict[str, LabelledPair] = {}
    for pair in labelled.pairs:
        if pair.group is None:
            raise DatasetError(
                f"{labelled.root}: nothing says which pictures show the same board, lot or fixture: name "
                "groups in a table picture,group"
            )
        other = first.setdefault(pair.digest, pair)
        if other.group != pair.group:
            raise DatasetError(
                f"{labelled.root}: {other.name} and {pair.name} are the same picture in the groups "
                f"{other.group} and {pair.group}: put them into one group, or remove one"
            )
        groups[pair.name] = pair.group
    return groups
