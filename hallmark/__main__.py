"""The `hallmark` command. Each module of this room registers its commands; heavy rooms load when one runs."""

from __future__ import annotations

import importlib.metadata
import sys
from typing import Annotated

import typer

from hallmark import commands

app = typer.Typer(
    name="hallmark",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    add_completion=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(importlib.metadata.version("hallmark"))
        raise typer.Exit


@app.callback()
def hallmark(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """The referee between a sealed golden sample and the production line."""


for register in commands.ALL:
    register(app)


def main() -> None:
    """Run the command; bad input is one sentence on standard error and exit code 2."""
    try:
        app()
    except OSError as error:
        if error.filename is None:
            raise
        print(f"hallmark: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    except ValueError as error:
        if not isinstance(error, commands.input_errors()):
            raise
        print(f"hallmark: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
