"""A paper as PDF, set by typst: the same content as the page, on A4, with head, foot and page numbers.

The document is data: typst reads it as JSON, and no text of a record is ever read as markup. The same paper
gives the same bytes on the same machine.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import Any, cast

import typst

from hallmark.report.pages import sign
from hallmark.report.paper import Paper
from hallmark.report.signs import COLOURS

_set: Any = typst.compile  # its published types do not know documents of several virtual files
_ARCHIVAL = ["a-2a"]  # ISO 19005-2, level A: tagged, all fonts inside, opens unchanged in decades
_NOT_ARCHIVAL = ("could not be displayed", "contains the codepoint")  # what typst says of such characters


def to_pdf(paper: Paper) -> bytes:
    """Return the paper as a PDF/A file that holds all it shows.

    A paper with characters that no font here can draw, or of private use, is an ordinary PDF: archival files
    may not hold them.
    """
    try:
        return _compile(paper, _ARCHIVAL)
    except typst.TypstError as error:
        if not any(refusal in str(error) for refusal in _NOT_ARCHIVAL):
            raise
        return _compile(paper, [])


def to_png(paper: Paper, ppi: float = 110) -> list[bytes]:
    """Return each page of the PDF as a PNG file."""
    pages: Any = _set(_files(paper), font_paths=_fonts(), format="png", ppi=ppi)
    return cast("list[bytes]", pages) if isinstance(pages, list) else [pages]


def _compile(paper: Paper, standards: list[str]) -> bytes:
    return _set(_files(paper), font_paths=_fonts(), format="pdf", pdf_standards=standards)


def _files(paper: Paper) -> dict[str, bytes]:
    """Return the virtual files of the document; every picture is a file, named in the data."""
    pictures: dict[str, str] = {}

    def named(value: Any) -> Any:  # noqa: ANN401 (JSON)
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            return {k: file(v) if k == "svg" and v else named(v) for k, v in fields.items()}
        if isinstance(value, list | tuple):
            return [named(v) for v in cast("list[Any]", value)]
        return value

    def file(svg: str) -> str:
        return pictures.setdefault(svg, f"/picture-{len(pictures)}.svg")

    data = named(asdict(paper))
    data["colours"] = dict(COLOURS)
    data["signs"] = {state: file(sign(state)) for state in COLOURS}
    data["marks"] = {
        f"{c['sign']}/{c['mark']}": file(sign(c["sign"], c["mark"]))
        for block in data["blocks"]
        if block["type"] == "table"
        for row in block["rows"]
        for c in row
        if c["mark"]
    }
    return {
        "main": _template(),
        "/paper.json": json.dumps(data).encode(),
        **{name: svg.encode() for svg, name in pictures.items()},
    }


@cache
def _template() -> bytes:
    return (files("hallmark.report") / "templates" / "paper.typ").read_bytes()


@cache
def _fonts() -> list[str]:
    return [str(files("font_source_sans_pro") / "files")]
