"""The HTTP reference names every route with its roles, and every problem: no more and no fewer."""

from __future__ import annotations

import re
from pathlib import Path

from api.problems import PROBLEMS
from tests.api.test_roles import ALLOWED, PUBLIC, READERS

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
TEXT = (FOLDER / "http.md").read_text(encoding="utf-8")
ROUTES = (FOLDER / "routes.md").read_text(encoding="utf-8")


def test_every_route_and_its_roles_are_described() -> None:
    described: dict[tuple[str, str], set[str]] = {}
    for method, path, roles in re.findall(r"^\| (GET|POST) \| `([^`]+)` \| ([^|]+) \|", ROUTES, re.MULTILINE):
        words = set(roles.strip().split(", "))
        described[method, path] = (words - {"readers"}) | (READERS if "readers" in words else set())
    assert described == {**ALLOWED, **{route: {"anyone"} for route in PUBLIC}}


def test_every_problem_is_described() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \| ([^|]+) \| ([^|]+) \|$", TEXT, re.MULTILINE)
    described = {name: (int(status), title.strip(), remedy.strip()) for name, status, title, remedy in rows}
    assert described == {p.name: (p.status, p.title, p.remedy) for p in PROBLEMS.values()}
