"""The documents are current and their links lead somewhere."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from hallmark import reference
from hallmark.__main__ import app

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_link_resolves(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken: list[str] = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("name", reference.pages())
def test_a_made_page_is_current(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == reference.pages()[name], "run `make reference` and commit what it writes"


def test_the_readme_names_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text


def _command(words: list[str], groups: set[str]) -> str:
    """Return the command that words begin with: a group's name takes one word more."""
    n = 1
    while n < len(words) and " ".join(words[:n]) in groups:
        n += 1
    return " ".join(words[:n])


def test_every_command_that_the_documents_name_exists() -> None:
    known = set(re.findall(r"^## hallmark (.+)$", reference.cli_page(), flags=re.MULTILINE))
    groups = {words.rpartition(" ")[0] for words in known}
    used: set[str] = set()
    for path in DOCUMENTS:
        blocks = re.findall(r"```\w*\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for block in blocks:
            for words in re.findall(r"^(?:\S*/)?hallmark((?: +[a-z-]+)+)", block, re.MULTILINE):
                used.add(_command(words.split(), groups))
    assert used
    assert used - known == set()


def test_every_command_has_help_with_an_example() -> None:
    for name, command in reference._walk("hallmark", get_command(app)):
        assert f"`{name}" in (command.help or ""), f"{name} shows no example"


def test_decisions_are_numbered_once_and_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text(encoding="utf-8")
    files = sorted(p.name for p in folder.glob("[0-9]*.md"))
    numbers = [f[:4] for f in files]
    assert len(set(numbers)) == len(numbers)
    assert [f for f in files if f"({f})" not in listed] == []
