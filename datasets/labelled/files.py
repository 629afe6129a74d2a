"""Files of a labelled folder: found, bounded in size, remembered by their digests."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from datasets.errors import DatasetError
from datasets.labelled.labels import NOT_A_CLASS, LabelledBox, LabelledPair, Licence
from golden.digests import canonical_json, sha256
from golden.errors import ImageError
from golden.images import header

PICTURES: Final = (".png", ".jpg", ".jpeg")
MOST_PAIRS: Final = 200_000
MOST_BOXES: Final = 10_000  # of one picture
_LARGEST_TEXT: Final = 500_000_000  # bytes: COCO's own largest file of labels has 470 MB
_LARGEST_PICTURE: Final = 200_000_000  # bytes
_MOST_PIXELS: Final = 100_000_000
_LICENCE: Final = re.compile(r"(licen[cs]e|copying|readme)[\w.-]*", re.IGNORECASE)
_OF_USE: Final = re.compile(r"licen[cs]|research|commercial|copyright|\bCC[ -]BY", re.IGNORECASE)
_LONGEST_LICENCE: Final = 40_000  # characters that are kept of one
_OUTSIDE: Final = 1.0  # pixel: labels are often rounded outwards


class Files:
    """What has been read of a data set, by its digest.

    Args:
        root: the data set's folder.

    Raises:
        DatasetError: `root` is no folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise DatasetError(f"{root}: no folder: name the folder of the data set")
        self.root = root
        self._digests: dict[str, str] = {}
        self._sizes: dict[Path, tuple[int, int]] = {}

    def inside(self, name: str, where: str) -> Path:
        """Return the path of a file that labels name; refuse what leads out of the folder."""
        path = Path(name)
        if not name or "\0" in name or path.is_absolute() or ".." in path.parts:
            raise DatasetError(
                f"{where}: {name[:80]!r} leaves the data set's folder: use a path relative to {self.root}"
            )
        return self.root / path

    def text(self, path: Path) -> str:
        """Return a text file (UTF-8, a byte order mark is dropped)."""
        try:
            return self._bytes(path, _LARGEST_TEXT).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DatasetError(f"{path}: byte {error.start} is not UTF-8: save it as UTF-8 text") from error

    def picture(self, path: Path, where: str) -> tuple[str, tuple[int, int]]:
        """Return a picture's digest, and its width and height as its header says.

        Raises:
            DatasetError: it is missing, no PNG or JPEG, or larger than a picture of one unit is.
        """
        if not is_file(path):
            raise DatasetError(f"{where}: {path} is missing: restore it, or take out what names it")
        name = self.name(path)
        if path not in self._sizes:
            data = self._bytes(path, _LARGEST_PICTURE)
            try:
                head = header(data, str(path))
            except ImageError as error:
                raise DatasetError(str(error)) from error
            if head.width * head.height > _MOST_PIXELS:
                raise DatasetError(
                    f"{path}: {head.width} x {head.height} px are more than "
                    f"{_MOST_PIXELS // 1_000_000} megapixels: cut it into pictures of one unit"
                )
            self._sizes[path] = (head.width, head.height)
        return self._digests[name], self._sizes[path]

    def name(self, path: Path) -> str:
        """Return the name by which a file is told: its path from the folder, with `/`; outside, `../NAME`."""
        for file, root in ((path, self.root), (path.resolve(), self.root.resolve())):
            if file.is_relative_to(root):
                return file.relative_to(root).as_posix()
        return f"../{path.name}"

    def group(self, path: Path) -> str:
        """Return the group of a picture that no table of groups names: the folder that it lies in."""
        return self.name(path.parent)

    def pictures(self, folder: Path) -> list[Path]:
        """Return the pictures in a folder and in those below, by name; hidden ones are left out."""
        found = [
            path for path in folder.rglob("*")
            if path.suffix.lower() in PICTURES
            and not any(part.startswith(".") for part in path.relative_to(folder).parts)
            and path.is_file()
        ]  # fmt: skip
        return sorted(found, key=lambda path: path.relative_to(folder).as_posix())

    def golden(self) -> Path | None:
        """Return the picture that the folder designates as golden: `golden.png` or `.jpg` in it."""
        found = [path for s in PICTURES if is_file(path := self.root / f"golden{s}")]
        if len(found) > 1:
            names = " and ".join(path.name for path in found)
            raise DatasetError(f"{self.root}: {names} both claim to be the golden image: keep one of them")
        return found[0] if found else None

    def licences(self) -> tuple[Licence, ...]:
        """Return what lies in the folder about the data's use, by file name.

        A licence is kept whole, a README's lines where they speak of licence, research or copyright.
        """
        kept: list[Licence] = []
        for path in sorted(self.root.iterdir()):
            if not _LICENCE.fullmatch(path.name) or path.suffix.lower() in PICTURES or not path.is_file():
                continue
            text = self._bytes(path, _LARGEST_TEXT).decode("utf-8", "replace")
            if path.name.lower().startswith("readme"):
                text = "\n".join(line.strip() for line in text.splitlines() if _OF_USE.search(line))
            if text.strip():
                kept.append(Licence(path.name, text.strip()[:_LONGEST_LICENCE]))
        return tuple(kept)

    def digest(self) -> str:
        """Return the digest over names and bytes of every file read so far."""
        return sha256(canonical_json(self._digests))

    def _bytes(self, path: Path, most: int) -> bytes:
        try:
            if path.stat().st_size > most:
                raise DatasetError(f"{path}: more than {most:,} bytes: name a file of this layout")
            data = path.read_bytes()
        except OSError as error:
            raise DatasetError(f"{path}: {error.strerror}: name a file that can be read") from error
        self._digests[self.name(path)] = sha256(data)
        return data


def is_file(path: Path) -> bool:
    """Return whether there is such a file; a name that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or with a null character
        return False


def box(
    edges: tuple[float, float, float, float], size: tuple[int, int], defect_class: str, where: str
) -> LabelledBox:
    """Return the box of whole pixels that covers one with edges x1, y1, x2, y2 in pixels.

    What lies up to a pixel outside of the picture is cut off.

    Args:
        edges: with x = 0 at the left side of the first column.
        size: width and height of the picture.
        defect_class: the name of its class.
        where: what a refusal names.

    Raises:
        DatasetError: an edge is no finite number, the box has no area or leaves its picture.
    """
    x1, y1, x2, y2 = edges
    told = " ".join(f"{edge:g}" for edge in edges)
    if not all(map(math.isfinite, edges)):
        raise DatasetError(f"{where}: box {told}: NaN and infinity are no places: correct it")
    if not (x1 < x2 and y1 < y2):
        raise DatasetError(f"{where}: box {told} has no area: width and height must be above 0")
    w, h = size
    if x1 < -_OUTSIDE or y1 < -_OUTSIDE or x2 > w + _OUTSIDE or y2 > h + _OUTSIDE:
        raise DatasetError(
            f"{where}: box {told} (x1 y1 x2 y2) leaves its picture of {w} x {h} px: correct the label, or "
            "store the picture the way up in which it was labelled"
        )
    # 1e-3 px: a fraction of the picture with six decimals comes back that near to a whole pixel
    left, top = max(math.floor(x1 + 1e-3), 0), max(math.floor(y1 + 1e-3), 0)
    right, bottom = min(math.ceil(x2 - 1e-3), w), min(math.ceil(y2 - 1e-3), h)
    if left >= right or top >= bottom:
        raise DatasetError(f"{where}: box {told} covers no pixel of its picture: correct it")
    return LabelledBox(left, top, right, bottom, defect_class)


def check_classes(names: Iterable[str], where: str) -> None:
    """Refuse names of classes that are empty, come twice, or mean that there is no defect.

    Raises:
        DatasetError: with the name.
    """
    seen: set[str] = set()
    for name in names:
        if not name.strip() or len(name) > 100 or not name.isprintable():
            raise DatasetError(f"{where}: {name[:80]!r} names no class: use 1 to 100 printable characters")
        if name in NOT_A_CLASS:
            raise DatasetError(
                f"{where}: {name!r} means that there is no defect: give the class another name, or leave its "
                "boxes out"
            )
        if name in seen:
            raise DatasetError(f"{where}: the class {name!r} comes twice: give each class its own name")
        seen.add(name)


def check_pairs(pairs: Iterable[LabelledPair], what: str) -> tuple[LabelledPair, ...]:
    """Return the pairs by name; refuse none, too many, and pictures that are named twice.

    Raises:
        DatasetError: see above; `what` says where they were looked for.
    """
    by_name: dict[str, LabelledPair] = {}
    for pair in pairs:
        if pair.name in by_name:
            raise DatasetError(f"{what}: {pair.name} comes twice: list each picture once")
        if len(pair.boxes) > MOST_BOXES:
            raise DatasetError(f"{what}: {pair.name} has {len(pair.boxes)} boxes: {MOST_BOXES} are the most")
        by_name[pair.name] = pair
        if len(by_name) > MOST_PAIRS:
            raise DatasetError(f"{what}: more than {MOST_PAIRS} pictures: split the data set")
    if not by_name:
        raise DatasetError(f"{what}: no picture of a unit: name the folder that holds the data set")
    return tuple(by_name[name] for name in sorted(by_name))
