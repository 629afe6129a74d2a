"""Papers as files, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from golden.sample import write_file
from hallmark.paper_format import PaperFormat
from hallmark.report.pages import to_html
from hallmark.report.paper import Paper
from hallmark.report.pdf import to_pdf


def write_paper(paper: Paper, folder: Path, name: str, formats: Sequence[PaperFormat]) -> list[Path]:
    """Write a paper as `name.html`, `name.pdf` or both into the folder and return the paths.

    Raises:
        BundleError: the folder cannot be written to.
    """
    paths: list[Path] = []
    for format_ in formats:
        data = to_pdf(paper) if format_ is PaperFormat.PDF else to_html(paper).encode()
        paths.append(folder / f"{name}.{format_}")
        write_file(paths[-1], data)
    return paths
