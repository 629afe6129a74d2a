"""A paper: what is printed, block by block, before it has a format.

HTML and PDF are made from the same `Paper`, so that they cannot differ in content. Every string is plain
text; pictures are SVG documents that carry all they show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from hallmark.report.signs import State


class ReportError(ValueError):
    """What was given cannot become one paper; the message says what does not fit together."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: what it says.
        note: said smaller below.
        sign: a sign with the meaning of the text, in its colour.
        mark: the number that a picture uses for this row; drawn as there, with `sign`.
        strong: whether the text stands out.
        code: whether the text is a digest, code or identifier.
        pad: characters that the number lacks behind its point to end where the column's longest ends.
        svg: a small picture instead of text.
    """

    text: str = ""
    note: str = ""
    sign: State | None = None
    mark: str = ""
    strong: bool = False
    code: bool = False
    pad: str = ""
    svg: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title and, in millimetres on paper, its width; 0 takes an equal share of what is left."""

    title: str
    mm: float = 0
    align: Literal["left", "right"] = "left"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under titled columns; the titles repeat on each page."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    type: Literal["table"] = "table"


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a section; `note` is said smaller beside it."""

    text: str
    note: str = ""
    type: Literal["heading"] = "heading"


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; `warning` is boxed, `quiet` is smaller."""

    text: str
    style: Literal["plain", "quiet", "warning"] = "plain"
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, side by side; those without a value are left out."""

    items: Sequence[tuple[str, str]]
    type: Literal["facts"] = "facts"


@dataclass(frozen=True, slots=True)
class Digests:
    """What the paper rests on: names and their digests or identifiers."""

    items: Sequence[tuple[str, str]]
    type: Literal["digests"] = "digests"


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture over the whole width, with what its signs mean; `mm` is the most height that it takes."""

    svg: str
    alt: str
    caption: str
    legend: Sequence[tuple[State, str]] = ()
    mm: float = 150
    type: Literal["figure"] = "figure"


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture with a title in its colour and a note."""

    svg: str
    title: str
    note: str
    sign: State


@dataclass(frozen=True, slots=True)
class Gallery:
    """Small pictures, two side by side."""

    items: Sequence[Thumbnail]
    type: Literal["gallery"] = "gallery"


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, for which party, and when (UTC, RFC 3339)."""

    name: str
    party: str
    time: str


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """A place to sign: for what, for which party in which role; what is empty is written by hand.

    `keys` are the fingerprints of the keys with which the party sealed the golden sample.
    """

    title: str
    party: str
    role: str
    name: str = ""
    date: str = ""
    keys: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Signatures:
    """The lines on which the parties sign."""

    lines: Sequence[SignatureLine]
    type: Literal["signatures"] = "signatures"


Block = Table | Heading | Text | Facts | Digests | Figure | Gallery | Signatures


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper.

    Attributes:
        kind: what kind of paper it is.
        title: what it is about.
        verdict: the word in the box, its sign, and what it is the verdict on; None where nothing is decided.
        running: what the head of every page says: part, revision, lot, serial.
        issued: UTC, RFC 3339; the date in the PDF.
        reference: identifier of the record that it prints, at the foot of every page.
        blocks: the content in order.
    """

    kind: str
    title: str
    verdict: tuple[str, State, str] | None
    running: Sequence[str]
    issued: str
    reference: str
    blocks: Sequence[Block] = field(default_factory=tuple[Block, ...])


def aligned(numbers: Sequence[str]) -> list[str]:
    """Return what each number of a column lacks to end in the same place: "2.5" beside "2.883" lacks "00"."""
    decimals = [n.partition(".")[2] for n in numbers]
    longest = max((len(d) for d in decimals), default=0)
    return [
        ("" if d or not longest or not n else ".") + "0" * (longest - len(d)) if n else ""
        for n, d in zip(numbers, decimals, strict=True)
    ]
