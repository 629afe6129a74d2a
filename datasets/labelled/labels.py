"""What a labelled folder says, whatever its layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

Layout = Literal["deeppcb", "coco", "yolo", "anomalib"]
LAYOUTS: Final[tuple[Layout, ...]] = get_args(Layout)

NOT_A_CLASS: Final = ("not_a_defect", "good")
"""Names that mean the absence of a defect: no data set may call a defect so."""


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """A labelled defect: columns x1 .. x2 - 1, rows y1 .. y2 - 1 of the unit's picture; x1 < x2, y1 < y2."""

    x1: int
    y1: int
    x2: int
    y2: int
    defect_class: str


@dataclass(frozen=True, slots=True)
class LabelledMask:
    """A picture of the unit's size: what is not black is a defect of this class."""

    path: Path
    defect_class: str


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """One unit with its labels.

    Attributes:
        name: path of the unit's picture from the data set's folder, unique there.
        group: pictures of one group show the same board, lot or fixture, and are held out together; None
            where nothing says what belongs together.
        golden: the picture that the unit is compared with; None where the data set designates none.
        unit: the unit's picture.
        digest: of the unit's picture, `sha256:` and hexadecimal digits.
        boxes: labelled defects; none for a good unit. Empty where `mask` says it instead.
        mask: defects as pixels, where the layout has them so.
    """

    name: str
    group: str | None
    golden: Path | None
    unit: Path
    digest: str
    boxes: tuple[LabelledBox, ...] = ()
    mask: LabelledMask | None = None


@dataclass(frozen=True, slots=True)
class Licence:
    """What lies beside the data about its use: a licence's text, or lines of a README that speak of it."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """A labelled folder.

    Attributes:
        layout: how it is laid out; "golden": golden pictures alone, each a pair of itself with itself.
        root: the folder.
        classes: names of the defects, in the layout's own order, without "not a defect".
        pairs: by name.
        licences: what lies beside it about its use; empty where nothing does.
        digest: over every file that was read, names and bytes.
    """

    layout: Layout | Literal["golden"]
    root: Path
    classes: tuple[str, ...]
    pairs: tuple[LabelledPair, ...]
    licences: tuple[Licence, ...]
    digest: str
