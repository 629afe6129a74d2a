"""`hallmark inspect` and `explain` of units with components, a print and a code that says which it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evidence import Inspection
from hallmark.__main__ import app
from tests.hallmark.populated_board import PopulatedBoard, sealed
from tests.vision import populated


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> PopulatedBoard:
    made = sealed(tmp_path_factory.mktemp("populated"))
    made.photograph("first.png", populated.picture(seed=11))
    made.photograph("unread.png", populated.picture(code=None, seed=12))
    return made


def inspect(made: PopulatedBoard, *arguments: str | Path) -> Result:
    given = ["inspect", str(made.golden), "--trust", str(made.trust), "--model", "none"]
    return CliRunner().invoke(app, [*given, *map(str, arguments)])


def _identities(result: Result) -> list[tuple[str | None, str | None, str, tuple[str, ...]]]:
    records = [Inspection.model_validate_json(line) for line in result.stdout.splitlines()]
    return [(r.serial, r.serial_source, r.verdict, r.reasons) for r in records]


def test_without_a_serial_the_units_code_names_it_and_the_picture_where_none_is_read(
    made: PopulatedBoard, tmp_path: Path
) -> None:
    pictures = made.root / "first.png", made.root / "unread.png"
    result = inspect(made, "--json", "--out", tmp_path, *pictures)
    assert _identities(result) == [
        ("0042", "code", "ACCEPT", ()),
        ("unread", "label", "HOLD", ("code_unread",)),
    ]
    written = sorted(path.name for path in tmp_path.iterdir())  # by pictures: a code may say anything
    assert written == ["first.html", "first.json", "unread.html", "unread.json"]
    assert "0042, read from its code" in (tmp_path / "first.html").read_text("utf-8")
    assert "unread, as its picture is called" in (tmp_path / "unread.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("serial", "judged"),
    [
        ("0042", ("0042", None, "ACCEPT", ())),
        ("0043", ("0043", None, "HOLD", ("identity_disputed",))),
    ],
)
def test_a_serial_that_is_given_is_held_against_the_code(
    made: PopulatedBoard, serial: str, judged: tuple[str, None, str, tuple[str, ...]]
) -> None:
    assert _identities(inspect(made, "--json", "--serial", serial, made.root / "first.png")) == [judged]
