"""Templates, and a paper as one HTML page: no scripts, nothing from elsewhere, prints on A4."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from hallmark.report.paper import Paper
from hallmark.report.signs import COLOURS, VERDICTS, State

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hallmark.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters["short"] = short
    environment.filters["css"] = _css
    shared: dict[str, Any] = {"colours": COLOURS, "verdicts": VERDICTS, "sign": sign}
    environment.globals.update(shared)  # pyright: ignore[reportUnknownMemberType]
    return environment


def render(template: str, **values: Any) -> str:  # noqa: ANN401 (whatever the template names)
    """Render a template of this package."""
    return _environment().get_template(template).render(**values)


def to_html(paper: Paper) -> str:
    """Return the paper as one self-contained HTML page."""
    return render("paper.html.j2", title=f"{paper.kind}: {paper.title}", paper=paper)


@cache
def sign(state: State, label: str = "") -> str:
    """Return the state's sign as an SVG document, with a short label in it."""
    return render("sign.svg.j2", state=state, label=label)


def short(digest: str | None) -> str:
    """Return the first twelve hexadecimal digits of a digest, enough to compare by eye."""
    return "none" if digest is None else digest.removeprefix("sha256:")[:12]


def _printable(value: Any) -> Any:  # noqa: ANN401 (whatever the template prints)
    """Replace characters that neither HTML nor SVG may hold: what people wrote may hold any."""
    if isinstance(value, str) and _NOT_IN_XML.search(value):
        return type(value)(_NOT_IN_XML.sub("\ufffd", value))
    return value


def _css(text: str) -> str:
    """Return the text as a CSS string in which every character but letters and digits is escaped."""
    return '"' + "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):06x}" for c in text) + '"'
