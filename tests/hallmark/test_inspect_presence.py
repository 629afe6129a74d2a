"""`hallmark inspect` and `explain` of units with components, a print and a code that says which it is."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner, Result

from evidence import Inspection
from golden.images import header
from hallmark.__main__ import app
from hallmark.report.pictures import Picture
from hallmark.report.present import judged, presence_marks
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


@pytest.fixture(scope="module")
def faulty(made: PopulatedBoard) -> Path:
    """Return the picture of a unit whose chip is shifted by 10 px, whose value and code are others."""
    pixels = populated.picture(
        at=(populated.CHIP[0] + 10, populated.CHIP[1]), text="10K85 A4", code="PART-1", seed=13
    )
    picture = made.photograph("faulty.png", pixels)
    assert inspect(made, "--out", made.root / "sheets", picture).exit_code == 1
    return picture


def explain(made: PopulatedBoard, faulty: Path, *arguments: str | Path) -> Result:
    record = made.root / "sheets" / "faulty.json"
    given = ["explain", made.golden, record, faulty, "--trust", made.trust, *arguments]
    return CliRunner().invoke(app, [*map(str, given)])


def test_explain_says_and_draws_each_component_print_and_code(
    made: PopulatedBoard, faulty: Path, tmp_path: Path
) -> None:
    result = explain(made, faulty, "--json", "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)["present"]
    assert [(p["id"], p["decision"], p["reason"]) for p in said] == [
        ("chip", "nonconform", "component_shifted"),
        ("value", "nonconform", "print_differs"),
        ("code", "nonconform", "code_wrong"),
        ("led", "conform", None),
    ]
    shifted, differs, wrong, good = (p["because"].split("; ") for p in said)
    assert shifted[0] == "a component lies farther from its place than its limit"
    assert shifted[1].startswith("1.0")
    assert shifted[1].endswith("mm from its place, at most 0.3 mm (guarded acceptance with U = 2 u)")
    assert shifted[2] in {"turned by +0.0 degrees, at most 10", "turned by -0.0 degrees, at most 10"}
    x, y = map(float, next(s for s in differs if s.startswith("differs at"))[11:-3].split(", "))
    ahead = cv2.getTextSize("10K", cv2.FONT_HERSHEY_DUPLEX, 0.9, 2)[0][0]  # px before the 8 that was a 3
    assert (x, y) == pytest.approx(((80 + ahead + 9) * populated.MM, 8.3), abs=1.0)
    assert wrong[1:] == ["reads 'PART-1'", "agreed: the pattern 'UNIT-(?P<serial>[0-9]{4})'"]
    assert good[0] == "conform"
    files = [Path(p["file"]) for p in said if p["file"]]
    assert [f.name for f in files] == [f"faulty-top-{n}.png" for n in ("1-chip", "3-value", "4-code")]
    assert sorted(tmp_path.iterdir()) == sorted([*files, tmp_path / "faulty-top-overview.png"])
    assert {header(f.read_bytes(), f.name).width for f in tmp_path.iterdir()} == {1500}


def test_the_overlay_has_the_agreed_place_and_the_one_found(made: PopulatedBoard, faulty: Path) -> None:
    record = Inspection.model_validate_json((made.root / "sheets" / "faulty.json").read_bytes())
    spec = populated.spec()
    found = judged(spec, record, "top")
    marks = presence_marks(
        spec, spec.view("top"), Picture("top", populated.picture(), "", record.frames[0].pose), found
    )
    assert [(m.label, m.state) for m in marks] == [
        ("1", "nonconform"), ("3", "nonconform"), ("4", "nonconform"), ("2", "conform"),
    ]  # fmt: skip
    assert marks[0].lines == ("U1: component shifted",)
    agreed, lies = marks[0].shapes
    for (ax, ay), (bx, by) in zip(agreed.points, lies.points, strict=True):
        assert (bx - ax, by - ay) == pytest.approx((10, 0), abs=0.6)
    assert len(marks[1].shapes) >= 3  # its place, where it lies, and the character that differs
    assert [len(m.shapes) for m in marks[2:]] == [1, 1]


def test_explain_tells_people_line_by_line(made: PopulatedBoard, faulty: Path) -> None:
    lines = explain(made, faulty).stdout.splitlines()
    assert lines[0].startswith("faulty  REJECT  ")
    assert [line[:11] for line in lines[1:5]] == [
        "   1  U1: a",
        "   3  Value",
        "   4  Code:",
        "   2  D1: c",
    ]
