"""Templates and the words they share."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from evidence import REASONS

DECISIONS = {
    "conform": "conform",
    "nonconform": "does not conform",
    "undecided": "undecided",
    "missing": "not shown",
}
VERDICTS = {"ACCEPT": "conform", "REJECT": "nonconform", "HOLD": "undecided"}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hallmark.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = short
    return environment


def render(template: str, **values: Any) -> str:  # noqa: ANN401 (whatever the template names)
    """Render a template of this package to one self-contained page."""
    return (
        _environment()
        .get_template(template)
        .render(decisions=DECISIONS, verdicts=VERDICTS, reasons=REASONS, **values)
    )


def short(digest: str | None) -> str:
    """Return the first twelve hexadecimal digits of a digest, enough to compare by eye."""
    return "none" if digest is None else digest.removeprefix("sha256:")[:12]
