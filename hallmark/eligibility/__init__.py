"""`hallmark eligibility`: this implementation against expected results that others published.

An oracle file is `{"meta": {...}, "cases": [{"id", "input", "expected", "tol"?, "confidence"?}]}`. An adapter
turns the input of one kind of file into our answer; it never sees what is expected.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hallmark.eligibility.adapter import Adapter
from hallmark.eligibility.comparison import (
    ADAPTERS,
    FileResult,
    OracleCase,
    OracleError,
    agrees,
    read_oracle,
    run,
    tolerance,
)
from hallmark.eligibility.report import page, table

__all__ = [
    "ADAPTERS", "Adapter", "FileResult", "OracleCase", "OracleError", "agrees", "page", "read_oracle",
    "register", "run", "table", "tolerance",
]  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add `hallmark eligibility`."""

    @app.command()
    def eligibility(
        directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of oracle files (*.json).")],
        *,
        markdown: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="Also write the statement as a page; replaces FILE."),
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Compare this implementation with published tables and independent results.

        Counts are per file and, where cases say how strong their source is, per strength. Exit 0 if every
        answer agrees, 1 on a disagreement, 2 if DIR holds no oracle files. Files and cases that this release
        does not answer are counted as unsupported.

        Examples: `hallmark eligibility tests/oracles`, `hallmark eligibility DIR --json`
        """
        results = run(directory)
        if markdown is not None:
            try:
                markdown.write_text(page(results), encoding="utf-8")
            except OSError as error:
                raise OracleError(
                    f"{markdown}: {error.strerror}: choose a file that can be written"
                ) from error
        disagreed = any(r.disagreements for r in results)
        if as_json:
            files = [{**asdict(r), "disagreed": len(r.disagreements)} for r in results]
            print(json.dumps({"agreed": not disagreed, "files": files}, sort_keys=True, allow_nan=False))
        else:
            print(table(results))
        raise typer.Exit(1 if disagreed else 0)
