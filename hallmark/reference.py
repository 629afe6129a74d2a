"""`python -m hallmark.reference docs/reference`: the reference pages that are made from the code.

Reasons come from `evidence.reasons`, commands from the command line itself, routes from the server's
application; a test holds the pages current.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from typer.main import get_command

from evidence import REASONS

if TYPE_CHECKING:
    from fastapi.routing import APIRoute
    from pydantic import BaseModel


def pages() -> dict[str, str]:
    """Return the text of every made page by file name."""
    return {"reasons.md": reasons_page(), "cli.md": cli_page(), "routes.md": routes_page()}


def reasons_page() -> str:
    """Return the reference of reason codes."""
    lines = [
        "# Reason codes",
        "",
        "Every code that a record may carry. A unit without a reason is `ACCEPT`; nothing defaults to it.",
        "Made by `make reference`.",
        "",
        "| code | verdict | meaning | what to do |",
        "|---|---|---|---|",
        *(f"| `{r.code}` | {r.verdict} | {r.meaning} | {r.remedy} |" for r in REASONS.values()),
    ]
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """Return the reference of commands, options and the environment variables that stand in for them."""
    from hallmark.__main__ import app

    lines = [
        "# Command line",
        "",
        "Exit code 0: done, and whatever was judged is accepted. 1: judged, and something is not accepted.",
        "2: bad input, told in one sentence on standard error. Made by `make reference`.",
    ]
    for name, command in _walk("hallmark", get_command(app)):
        lines += ["", f"## {name}", "", *_help(command), *_parameters(command)]
    return "\n".join(lines) + "\n"


def routes_page() -> str:
    """Return the reference of the server's routes: roles, body and purpose of each."""
    from api import routes

    lines = [
        "# Routes",
        "",
        "Everything lies under `/api/v1`; what keys and answers are is in [the HTTP reference](http.md).",
        '"readers" are `reader`, `qc`, `engineer`, `approver` and `auditor`. A field of a body with `?` may',
        "be left out; `openapi.json` describes each. Made by `make reference`.",
        "",
        "| method | path | roles | body | what it does |",
        "|---|---|---|---|---|",
        *(
            f"| {method} | `{route.path_format}` | {_roles(route)} | {_body(route)} | {_purpose(route)} |"
            for route in routes()
            for method in sorted(route.methods or ())
        ),
    ]
    return "\n".join(lines) + "\n"


def write(folder: Path) -> None:
    """Write every page into the folder, each in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        draft = folder / f".{name}.new"
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / name)


def _roles(route: APIRoute) -> str:
    from api import READERS, roles_of

    roles = roles_of(route)
    others = [role for role in roles if role not in READERS]
    words = [*others, "readers"] if set(READERS) <= set(roles) else list(roles)
    return ", ".join(words) or "anyone"


def _body(route: APIRoute) -> str:
    models = [model for body in route.dependant.body_params for model in _models(body.field_info.annotation)]
    if len(models) > 2:
        return "one of " + ", ".join(model.__name__ for model in models)
    return " or ".join(_fields(model) for model in models)


def _models(annotation: Any) -> tuple[type[BaseModel], ...]:  # noqa: ANN401 (one model, or a union)
    return get_args(annotation) or (annotation,)


def _fields(model: type[BaseModel]) -> str:
    fields = model.model_fields.items()
    return ", ".join(f"`{name}{'' if field.is_required() else '?'}`" for name, field in fields)


def _purpose(route: APIRoute) -> str:
    return " ".join(inspect.cleandoc(route.endpoint.__doc__ or "").split()).replace("|", "\\|")


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 (typer's own command type)
    """Yield every command that does something, by its full name; a group only leads to its commands."""
    inner: dict[str, Any] = getattr(command, "commands", {})
    if not inner:
        yield name, command
    for word in sorted(inner):
        yield from _walk(f"{name} {word}", inner[word])


def _help(command: Any) -> Iterable[str]:  # noqa: ANN401
    text = inspect.cleandoc(command.help or "").replace("\f", "")
    return [line.rstrip() for line in text.splitlines()]


def _parameters(command: Any) -> Iterable[str]:  # noqa: ANN401
    rows: list[str] = []
    for parameter in command.params:
        if parameter.name == "help":
            continue
        is_option = parameter.param_type_name == "option"
        spelled = ", ".join(f"`{o}`" for o in parameter.opts) if is_option else f"`{parameter.name.upper()}`"
        if not is_option and parameter.nargs == -1:
            spelled += " ..."
        needed = "required" if parameter.required else ""
        variable = f"`{parameter.envvar}`" if parameter.envvar else ""
        text = " ".join((parameter.help or "").split()).replace("|", "\\|")
        rows.append(f"| {spelled} | {text} | {needed} | {variable} |")
    return ["", "| parameter | meaning | | environment |", "|---|---|---|---|", *rows] if rows else []


if __name__ == "__main__":
    write(Path(sys.argv[1]))
