"""`hallmark eligibility` against the shared cases, and against altered ones."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hallmark import eligibility
from hallmark.__main__ import app

ORACLES = Path(__file__).parent.parent / "oracles"
ROOT = ORACLES.parent.parent


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["eligibility", *arguments])


def write(folder: Path, name: str, cases: Any, **meta: str) -> Path:
    path = folder / name
    path.write_text(json.dumps({"meta": meta, "cases": cases}))
    return path


def altered(value: Any) -> Any:
    """Return another value of the same kind, further away than any tolerance."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1000
    if isinstance(value, list):
        return [*value, "x"]
    if isinstance(value, dict):
        return {key: altered(inner) for key, inner in value.items()} or {"x": "x"}
    return f"{value}x"


@pytest.fixture(scope="module")
def shared() -> tuple[eligibility.FileResult, ...]:
    return eligibility.run(ORACLES)


def test_every_shared_case_agrees_and_none_is_unsupported(shared: tuple[eligibility.FileResult, ...]) -> None:
    results = {r.file: r for r in shared}
    assert results["a1_code_letters.json"].agreed == 155
    assert results["a2_single_plans_iso2859_1.json"].agreed == 623
    assert {r.file[:2] for r in shared} == set(eligibility.ADAPTERS)
    assert [r.file for r in shared if (r.agreed, r.unsupported, r.disagreements) != (r.cases, 0, ())] == []
    assert [r.file for r in shared if r.left_out] == []


def oracle(name: str) -> list[dict[str, Any]]:
    return json.loads((ORACLES / name).read_text())["cases"]


def test_cases_are_counted_by_the_strength_of_their_source(
    shared: tuple[eligibility.FileResult, ...],
) -> None:
    for result in shared:
        told = Counter(case.get("confidence") for case in oracle(result.file))
        assert {s.confidence: s.cases for s in result.strengths} == dict(told)
        assert sum(s.agreed for s in result.strengths) == result.agreed
    a2 = next(r for r in shared if r.file.startswith("a2_"))
    assert [s.cases for s in a2.strengths] == [617, 6]


@pytest.mark.timeout(120)
def test_the_page_is_current(shared: tuple[eligibility.FileResult, ...]) -> None:
    written = (ROOT / "docs/reference/eligibility.md").read_text(encoding="utf-8")
    assert written == eligibility.page(shared), "run `make reference` and commit what it writes"


def test_table_and_page_tell_strength_disagreement_and_what_is_left_out(tmp_path: Path) -> None:
    case = {"id": "c1", "input": {"a": 1}, "expected": {"b": 2, "d": 3}}
    cases = [case, {**case, "id": "c2", "confidence": "two | books"}, {**case, "id": "c3", "confidence": 0.9}]
    write(tmp_path, "z9_any.json", cases, title="Any | thing", verified_by="by hand")
    write(tmp_path, "z8_other.json", [case])
    answers = iter([{"b": 2}, {"b": 5}, {"b": 2}])
    adapters = {"z9": eligibility.Adapter(lambda _: next(answers), keys=("b",))}
    results = eligibility.run(tmp_path, adapters)
    z8, z9 = results
    assert (z8.title, z8.verified_by, z8.unsupported, z8.left_out) == ("", "", 1, ())
    assert (z9.title, z9.verified_by, z9.left_out) == ("Any | thing", "by hand", ("d",))
    assert [(s.confidence, s.cases, s.agreed) for s in z9.strengths] == [
        (None, 1, 1), ("two | books", 1, 0), ("0.9", 1, 1),
    ]  # fmt: skip
    table = eligibility.table(results).splitlines()
    assert table[1].split() == ["z8_other.json", "1", "0", "0", "1"]
    assert table[2].split() == ["z9_any.json", "3", "2", "1", "0"]
    assert table[3:] == [
        "  1 of 1: as its file", "  0 of 1: two | books", "  1 of 1: 0.9", "  not answered: d",
        "  c2: expected {'b': 2}, answered {'b': 5} (differs in b)",
    ]  # fmt: skip
    page = eligibility.page(results)
    assert "Of 4 cases in 2 files 2 agree, 1 disagree and 1 are not supported." in page
    assert "| `z9_any.json` | Any \\| thing | 3 | 2 | 1 | 0 |" in page
    assert "Not answered of `z9_any.json`, and counted neither way: d." in page
    assert "* `z9_any.json`, c2: expected `{'b': 2}`, answered `{'b': 5}` (differs in b)" in page
    assert "| `z9_any.json` | two \\| books | 1 | 0 |" in page
    assert "* `z8_other.json`: its file does not say" in page
    assert "* `z9_any.json`: by hand" in page
    assert "`z8_other.json` | as its file" not in page


def test_a_page_without_disagreements_speaks_of_none(tmp_path: Path) -> None:
    write(tmp_path, "z9_any.json", [{"id": "c", "input": {}, "expected": {"b": 2}}])
    page = eligibility.page(eligibility.run(tmp_path, {"z9": eligibility.Adapter(lambda _: {"b": 2})}))
    assert "Where answers differ" not in page
    assert "Not answered" not in page


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    given = {"lot_size": 500, "inspection_level": "II"}
    cases = [{"id": "c", "input": given, "expected": {"code_letter": "H"}}]
    write(tmp_path, "a1_x.json", cases)
    target = tmp_path / "page.md"
    assert invoke(str(tmp_path), "--markdown", str(target)).exit_code == 0
    assert target.read_text() == eligibility.page(eligibility.run(tmp_path))
    with pytest.raises(eligibility.OracleError, match="choose a file that can be written"):
        CliRunner().invoke(
            app, ["eligibility", str(tmp_path), "--markdown", str(tmp_path)], catch_exceptions=False
        )


@pytest.mark.parametrize(
    "name", sorted(p.name for p in ORACLES.glob("*.json") if p.name[:2] in eligibility.ADAPTERS)
)
def test_a_copy_with_every_expectation_altered_disagrees_in_every_case(name: str, tmp_path: Path) -> None:
    cases = json.loads((ORACLES / name).read_text())["cases"]
    for case in cases:
        case["expected"] = {key: altered(value) for key, value in case["expected"].items()}
    write(tmp_path, name, cases)
    (result,) = eligibility.run(tmp_path)
    assert result.agreed == 0
    assert len(result.disagreements) == len(cases)


@pytest.mark.parametrize("name", ["a1_code_letters.json", "a2_single_plans_iso2859_1.json"])
def test_altering_any_single_expected_field_is_seen(name: str, tmp_path: Path) -> None:
    case = json.loads((ORACLES / name).read_text())["cases"][0]
    one_each = [
        {**case, "expected": {**case["expected"], k: altered(v)}} for k, v in case["expected"].items()
    ]
    write(tmp_path, name, one_each)
    (result,) = eligibility.run(tmp_path)
    assert len(result.disagreements) == len(one_each)


def test_the_adapter_sees_only_the_input(tmp_path: Path) -> None:
    seen: list[Any] = []
    write(tmp_path, "z9_any.json", [{"id": "one", "input": {"a": 1}, "expected": {"b": 2}, "tol": 0.5}])

    def answer(given: Any) -> dict[str, Any]:
        seen.append(given)
        return {"b": 2.5}

    (result,) = eligibility.run(tmp_path, {"z9": eligibility.Adapter(answer)})
    assert seen == [{"a": 1}]
    assert result.agreed == 1


def test_product_code_opens_no_tests() -> None:
    root = ORACLES.parent.parent
    rooms = ("golden", "evidence", "quality", "hallmark")
    sources = [p for room in rooms for p in (root / room).rglob("*.py")]
    assert sources
    for path in sources:
        for word in ('"tests"', "'tests'", "tests/oracles/"):
            assert word not in path.read_text(), path


def test_the_command_reports_and_exits(tmp_path: Path) -> None:
    result = invoke(str(ORACLES), "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["agreed"] is True
    assert {f["file"]: f["agreed"] for f in report["files"]}["a1_code_letters.json"] == 155

    case = {
        "id": "wrong",
        "input": {"lot_size": 500, "inspection_level": "II"},
        "expected": {"code_letter": "J"},
    }
    write(tmp_path, "a1_wrong.json", [case])
    result = invoke(str(tmp_path))
    assert result.exit_code == 1
    assert "wrong: expected {'code_letter': 'J'}, answered {'code_letter': 'H'}" in result.stdout


def test_what_we_do_not_hold_is_unsupported_and_no_failure(tmp_path: Path) -> None:
    write(tmp_path, "q1_unknown.json", [{"id": "q", "input": {}, "expected": {"x": 1}}])
    given = {"standard": "ANSI/ASQ Z1.4", "severity": "normal", "code_letter": "A", "aql": "1.0"}
    write(tmp_path, "a2_other_edition.json", [{"id": "e", "input": given, "expected": {"n": 1}}])
    results = eligibility.run(tmp_path)
    assert [(r.unsupported, r.agreed, r.disagreements) for r in results] == [(1, 0, ()), (1, 0, ())]
    assert invoke(str(tmp_path)).exit_code == 0


def test_a_refusal_is_a_disagreement(tmp_path: Path) -> None:
    case = {"id": "one", "input": {"lot_size": 1, "inspection_level": "II"}, "expected": {"code_letter": "A"}}
    write(tmp_path, "a1_refused.json", [case])
    (result,) = eligibility.run(tmp_path)
    assert "inspect the single item" in result.disagreements[0].why


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("a1_x.json", "", "not an oracle file"),
        ("a1_x.json", "[]", "a1_x.json: the file"),
        ("a1_x.json", '{"cases": [{"id": "k", "input": {}}]}', "cases.0.expected"),
        ("a1_x.json", '{"cases": [{"id": "k", "input": {}, "expected": {}}]}', "cases.0.expected"),
        (
            "a1_x.json",
            '{"cases": [{"id": "k", "input": {"lot_size": "many"}, "expected": {"a": 1}}]}',
            "lot_size",
        ),
        ("a1_x.json", "[" * 100_000, "not an oracle file"),
        ("other.txt", "", "no oracle files"),
    ],
)
def test_bad_files_are_one_sentence(name: str, text: str, part: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(eligibility.OracleError, match=part):
        eligibility.run(tmp_path)


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(eligibility.OracleError, match="no such folder"):
        eligibility.run(tmp_path / "absent")


@pytest.mark.parametrize(
    ("answered", "expected", "tol", "same"),
    [
        (1, True, 0, False), (True, 1, 0, False), (True, True, 0, True), (1.0, 1, 0, True),
        (None, 0, 1, False),
        (1.1, 1, 0.05, False), (1.04, 1, 0.05, True), (float("nan"), 1, 9, False), ("1", 1, 0, False),
        ([1, 2], [1, 2.1], 0.2, True), ([1], [1, 2], 0, False), ({"a": 1}, {"a": 2}, 0, False),
        ({"a": 1, "b": 0}, {"a": 1}, 0, True), (None, None, 0, True), ("x", None, 0, False),
    ],
)  # fmt: skip
def test_agreement(answered: Any, expected: Any, tol: float, same: bool) -> None:
    assert eligibility.agrees(answered, expected, tol) is same


def test_a_tolerance_may_be_per_key() -> None:
    case = eligibility.OracleCase(id="k", input={}, expected={"a": 1}, tol={"dE00": 1e-4, "others": 2e-6})
    assert eligibility.tolerance(case, "dE00") == 1e-4
    assert eligibility.tolerance(case, "dE76") == 2e-6
