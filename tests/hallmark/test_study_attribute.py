"""`hallmark study attribute`: the published study comes out of a file of calls; bad files are refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hallmark.__main__ import app
from hallmark.errors import ReadingFileError
from hallmark.study.attribute import Calls, compare, guideline, read_calls
from quality.errors import StudyError
from quality.msa import LevelAgreement, Rating
from quality.proportions import clopper_pearson

ORACLE = Path(__file__).parent.parent / "oracles" / "d3_attribute_agreement.json"
CASE = next(c for c in json.loads(ORACLE.read_text())["cases"] if c["id"] == "attr-jasp-15x3x3")
HEADING = ["unit", "grader", "trial", "call", "reference"]


def published(path: Path) -> Path:
    """Write JASP's study of 15 parts, three operators and three trials as a file of calls."""
    rows = [
        [f"p{r['Part']}", r["Operator"], r["trial"], r["Results"], r["Reference"]]
        for r in CASE["input"]["ratings"]
    ]
    return written(path / "calls.csv", rows[::-1])  # the order of lines means nothing


def written(file: Path, rows: Any, heading: list[str] = HEADING) -> Path:
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([heading, *rows])
    return file


def asked(file: Path, *more: str) -> Any:
    return CliRunner().invoke(app, ["study", "attribute", str(file), *more])


def test_the_published_studys_figures_come_out(tmp_path: Path) -> None:
    result = asked(published(tmp_path), "--station", "EG", "--conforming", "Yes", "--json")
    assert result.exit_code == 0, result.output
    record, expected = json.loads(result.stdout), CASE["expected"]
    assert (record["units"], record["trials"], record["station"]) == (15, 3, "EG")
    assert record["all_give_reference"]["count"] == expected["all_vs_reference"]["matched"]
    assert record["all_agree"]["count"] == expected["between"]["matched"]
    assert record["fleiss_all"]["value"] == pytest.approx(expected["between"]["fleiss_kappa_all"], abs=1e-5)
    pairs = {frozenset(p["graders"]): p["value"] for p in record["pairs"]}
    for pair in ("BL EG", "BL MH", "EG MH"):
        first, second = pair.split()
        theirs = expected[f"cohen_{first}_{second}"]
        assert pairs[frozenset((first, second))] == pytest.approx(theirs, abs=1e-5)
    for grader in record["graders"]:
        theirs = expected[grader["grader"]]
        kappa = grader["reference_kappa"]
        assert kappa["value"] == pytest.approx(theirs["cohen_kappa_vs_reference_all_trials"], abs=1e-5)
        assert kappa["interval"][0] < kappa["value"] < kappa["interval"][1]
        assert grader["within_kappa"]["value"] == pytest.approx(theirs["fleiss_kappa_within"], abs=1e-5)
        right = grader["effectiveness"]
        assert right["count"] == theirs["effectiveness_matched"]
        assert [100 * right["lower"], 100 * right["upper"]] == pytest.approx(
            theirs["effectiveness_ci95"], abs=1e-3
        )
        for name in ("miss", "false_alarm"):
            counts = grader[name]["count"], grader[name]["n"]
            assert counts == (theirs[f"{name}_count"], theirs[f"{name}_opportunities"])
        assert grader["guideline"] == "unacceptable"


def test_the_text_tells_station_people_and_intervals(tmp_path: Path) -> None:
    result = asked(published(tmp_path), "--station", "MH", "--conforming", "Yes")
    assert result.exit_code == 0, result.output
    for words in ("MH (station)", "80.00 %  (51.91 to 95.67 %, 12 of 15)", "AIAG guideline",
                  "Fleiss' kappa, people alone", "66.67 %"):  # fmt: skip
        assert words in result.stdout, words


def test_people_alone_are_all_graders_but_the_station() -> None:
    people = [
        Rating(f"p{i}", grader, "bad" if i % 2 else "accept") for i in range(8) for grader in ("ann", "bob")
    ]
    station = [Rating(f"p{i}", "station", "accept") for i in range(8)]
    study = compare(Calls((*people, *station), None), station="station", conforming="accept")
    assert study.people is not None
    assert study.people.value == 1.0
    everyone = study.agreement.between_kappa.value
    assert everyone is not None
    assert everyone < 0.5


@pytest.mark.parametrize(
    ("right", "miss", "alarm", "word"),
    [
        (90, 2, 5, "acceptable"), (89, 2, 5, "marginal"), (90, 3, 5, "marginal"), (90, 2, 6, "marginal"),
        (80, 5, 10, "marginal"), (79, 5, 10, "unacceptable"), (80, 6, 10, "unacceptable"),
        (80, 5, 11, "unacceptable"),
    ],
)  # fmt: skip
def test_the_words_are_those_of_the_manual(right: int, miss: int, alarm: int, word: str) -> None:
    shares = [clopper_pearson(n, 100) for n in (right, miss, alarm)]
    level = LevelAgreement("x", None, None, shares[0], None, shares[1], shares[2])
    assert guideline(level) == word
    assert guideline(LevelAgreement("x", None, None, shares[0], None, None, shares[2])) is None


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([["a", "x", 1, "ok", "ok"], ["a", "x", 1, "ok", "ok"]], "line 3: trial 1 of x on a is there twice"),
        ([["a", "x", 1, "ok", "ok"], ["a", "y", 1, "ok", "bad"]], "line 3: unit a is bad here and ok above"),
        ([["a", "x", 1, "", "ok"]], "line 2: call is empty"),
        ([["a", "x", 1, "ok" * 100_000, "ok"]], "cannot be read as a table: field larger"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path: Path, rows: Any, says: str) -> None:
    with pytest.raises(ReadingFileError, match=says):
        read_calls(written(tmp_path / "c.csv", rows))


def test_a_file_without_a_column_or_a_station_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadingFileError, match="lacks trial"):
        read_calls(written(tmp_path / "c.csv", [["a", "x", "ok"]], ["unit", "grader", "call"]))
    with pytest.raises(ReadingFileError, match="No such file or directory: give a table"):
        read_calls(tmp_path / "absent.csv")
    with pytest.raises(ReadingFileError, match="lists no calls"):
        read_calls(written(tmp_path / "c.csv", []))
    with pytest.raises(
        StudyError, match="no grader is called 'cell': say by --station which is, of MH, BL, EG"
    ):
        compare(read_calls(published(tmp_path)), station="cell", conforming="Yes")
