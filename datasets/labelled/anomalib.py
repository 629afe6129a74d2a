"""Pairs in the layout of MVTec AD, which Anomalib reads: a folder per class, and masks beside.

    train/good/000.png
    test/good/000.png  test/scratch/000.png
    ground_truth/scratch/000_mask.png

A mask has its picture's size; what is not black is a defect of the folder's class. Each picture of a defect
needs one, named as above or as the picture itself. Folders name classes, not boards or lots, so nothing
groups these pictures: a table of groups does. (P. Bergmann et al., doi:10.1007/s11263-020-01400-4.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from datasets.errors import DatasetError
from datasets.labelled.files import PICTURES, Files, check_classes, check_pairs, is_file
from datasets.labelled.labels import LabelledMask, LabelledPair

GOOD: Final = "good"


def pairs_of(
    files: Files, listed: Path | None, golden: Path | None
) -> tuple[tuple[str, ...], tuple[LabelledPair, ...]]:
    """Return the classes, by name, and the pairs.

    Raises:
        DatasetError: `train` holds other than good units, a mask is missing, has no picture or another size,
            or a list is named, which this layout has not.
    """
    if listed is not None:
        raise DatasetError(f"{listed}: this layout has no list: leave it out")
    other = [p.name for p in _folders(files.root / "train") if p.name != GOOD]
    if other:
        raise DatasetError(
            f"{files.root / 'train' / other[0]}: only good units train in this layout: move defects to test/"
        )
    classes = tuple(p.name for p in _folders(files.root / "test") if p.name != GOOD and files.pictures(p))
    check_classes(classes, str(files.root / "test"))
    pairs = check_pairs(_pairs(files, classes, golden), f"{files.root}: train/good and test/CLASS")
    return classes, pairs


def _folders(folder: Path) -> list[Path]:
    return (
        sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
        if folder.is_dir()
        else []
    )


def _pairs(files: Files, classes: tuple[str, ...], golden: Path | None) -> Iterator[LabelledPair]:
    if golden is not None:
        files.picture(golden, str(files.root))
    for folder in (files.root / "train" / GOOD, files.root / "test" / GOOD):
        for unit in files.pictures(folder):
            digest, _ = files.picture(unit, files.name(unit))
            yield LabelledPair(files.name(unit), None, golden, unit, digest)
    for name in classes:
        masks = set(files.pictures(files.root / "ground_truth" / name))
        for unit in files.pictures(files.root / "test" / name):
            digest, size = files.picture(unit, files.name(unit))
            mask = _mask(files, unit, name)
            masks.discard(mask)
            _, covered = files.picture(mask, files.name(unit))
            if covered != size:
                raise DatasetError(
                    f"{mask}: {covered[0]} x {covered[1]} px, but its picture {size[0]} x {size[1]} px: they "
                    "must agree"
                )
            yield LabelledPair(files.name(unit), None, golden, unit, digest, mask=LabelledMask(mask, name))
        if masks:
            raise DatasetError(
                f"{min(masks)}: a mask without a picture in test/{name}: restore it, or remove the mask"
            )


def _mask(files: Files, unit: Path, name: str) -> Path:
    within = unit.relative_to(files.root / "test" / name)
    place = files.root / "ground_truth" / name / within.parent
    for stem in (f"{unit.stem}_mask", unit.stem):
        for suffix in PICTURES:
            if is_file(path := place / f"{stem}{suffix}"):
                return path
    raise DatasetError(
        f"{place / f'{unit.stem}_mask.png'} is missing: draw where the defect of {files.name(unit)} is"
    )
