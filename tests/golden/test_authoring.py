# ruff: noqa: E501 (one case a line)
"""From YAML that people write to a specification. Every refusal names file, field and remedy."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from golden import authoring, errors
from golden.authoring import load_images, load_spec, parse_spec
from golden.errors import GoldenError, SpecError
from tests import builders

TEXT = yaml.safe_dump(builders.tiny_fields(), sort_keys=False)


def parse(text: str) -> object:
    return parse_spec(text, "golden.yaml")


def part_named(scalar: str) -> str:
    return parse_spec(TEXT.replace("name: Test plate", f"name: {scalar}"), "golden.yaml").part.name


def test_yaml_means_what_its_json_means() -> None:
    assert parse(TEXT) == builders.tiny_spec()
    assert parse(json.dumps(builders.tiny_fields())) == builders.tiny_spec()


@pytest.mark.parametrize(
    "scalar",
    ["no", "on", "0042", "1:30", "2026-01-05", "1_000", "0x1F", "0o17", "=", "<<", "Rev. B", "+-3", "e5"],
)
def test_no_word_turns_into_something_else(scalar: str) -> None:
    """YAML 1.1 reads these as booleans, octal and sexagesimal numbers, dates, merges."""
    assert part_named(scalar) == scalar


@pytest.mark.parametrize(
    ("scalar", "text"), [("'42'", "42"), ('"true"', "true"), ("|\n    a\n    b", "a\nb")]
)
def test_quoted_text_is_text(scalar: str, text: str) -> None:
    assert part_named(scalar) == text


@pytest.mark.parametrize("number", ["2", "2.0", "2.", "20e-1", "+2", ".2e1", "0.2E+1", "02.0"])
def test_numbers(number: str) -> None:
    spec = parse_spec(TEXT.replace("upper: 2.0", f"upper: {number}"), "golden.yaml")
    assert spec.characteristics[1].model_dump()["upper"] == 2.0


CASES: list[tuple[str, str, type[SpecError], str]] = [
    ("nominal: 0.8", "nominal: .nan", errors.SpecInvalidError, r"line 32: characteristics\[0\].nominal: .*finite"),
    ("nominal: 0.8", "nominal: -.inf", errors.SpecInvalidError, r"characteristics\[0\].nominal: .*finite"),
    ("nominal: 0.8", "nominal: 1e999", errors.SpecInvalidError, r"characteristics\[0\].nominal: .*finite"),
    ("nominal: 0.8", "nominal: 9", errors.SpecInvalidError, r"nominal 9 lies above upper 0.85: correct"),
    ("lower: 0.75", "lower: 0.95", errors.SpecInvalidError, r"characteristics\[0\]: lower 0.95 must be below upper"),
    ("lower: 0.75", "lower: '0.75'", errors.SpecInvalidError, r"line 33: .*\.lower: must be a number: .*without quotes"),
    ("lower: 0.75", "lower: 0.75 mm", errors.SpecInvalidError, r"\.lower: must be a number: .*without quotes or units"),
    ("lower: 0.75", "lowerr: 0.75", errors.SpecInvalidError, r"characteristics\[0\]\.lowerr: unknown field: remove"),
    ("plans: {}", "plans: {}\nextra: 1", errors.SpecInvalidError, r"extra: unknown field"),
    ("plans: {}", "", errors.SpecInvalidError, r"plans: this field is required: add it"),
    ("number: 2", "number: 1", errors.SpecInvalidError, r"characteristics.number: '1' occurs twice"),
    ("number: 2", "number: 2.5", errors.SpecInvalidError, r"characteristics\[1\].number: must be a whole number"),
    ("id: paint", "id: hole", errors.SpecInvalidError, r"characteristics.id: 'hole' occurs twice: give each its own"),
    ("id: speck", "id: large", errors.SpecInvalidError, r"catalogue.rules.id: 'large' occurs twice"),
    ("id: paint", "id: a b", errors.SpecInvalidError, r"characteristics\[1\].id: 'a b' is not allowed here"),
    ("x: 14", "x: 20", errors.SpecInvalidError, r"characteristics\[1\].region \(paint\): .*\(27, 13\), outside view 'top'"),
    ("radius_px: 4", "radius_px: 9", errors.SpecInvalidError, r"characteristics\[0\].feature \(hole\): .*outside"),
    ("height: 16", "height: 17", errors.SpecInvalidError, r"zones\[0\].region \(front\): .*outside .*move or shrink"),
    ("zone: front", "zone: back", errors.SpecInvalidError, r"catalogue.rules\[1\].zone: no zone 'back': add it"),
    ("- front", "- back", errors.SpecInvalidError, r"characteristics\[2\].zones: no zone 'back'"),
    ("role: buyer", "role: other", errors.SpecInvalidError, r"parties: name at least one supplier and one buyer"),
    ("name: Nordic Instruments", "name: Shenzhen Boards", errors.SpecInvalidError, r"parties.name: .*occurs twice"),
    ("kind: colour", "kind: color", errors.SpecInvalidError, r"characteristics\[1\]: .*must be one of .*'colour'"),
    ("kind: colour", "x: 1", errors.SpecInvalidError, r"characteristics\[1\]: field 'kind' is required"),
    ("images/top.png", "images/..", errors.SpecInvalidError, r"views\[0\].image: 'images/..' is not allowed"),
    ("images/top.png", "../top.png", errors.SpecInvalidError, r"views\[0\].image"),
    ("unit: ohm", "method2: x", errors.SpecInvalidError, r"characteristics\[3\]"),
    ("plans: {}", "plans: {oqc: {major: {aql: 1.0}}}", errors.SpecInvalidError, r"plans.oqc.major.aql: .*quotes"),
    ("plans: {}", "plans: {oqc: {major: {aql: '1.1'}}}", errors.SpecInvalidError, r"not a printed value"),
    ("plans: {}", "plans: {ipqc: {every_units: null}}", errors.SpecInvalidError, r"plans.ipqc: needs every_units"),
    ("plans: {}", "plans: {}\nx: &a 1\ny: *a", errors.SpecSyntaxError, r"golden.yaml:\d+: anchors and aliases"),
    ("plans: {}", "plans: {}\nplans: {}", errors.SpecSyntaxError, r"golden.yaml:\d+: .*'plans' occurs twice"),
    ("id: hole", "id: hole\n  id: hole", errors.SpecSyntaxError, r"characteristics\[0\]: field 'id' occurs twice"),
    ("plans: {}", "plans: !!python/object/apply:os.getcwd []", errors.SpecSyntaxError, r"tags .* are refused"),
    ("plans: {}", "plans: !!float 1", errors.SpecSyntaxError, r"tags .* are refused"),
    ("plans: {}", "plans: {}\n? [a]\n: 1", errors.SpecSyntaxError, r"name must be text"),
    ("name: Test plate", 'name: "\\ud800"', errors.SpecSyntaxError, r"golden.yaml:5: half a character"),
    ("plans: {}", "plans: [", errors.SpecSyntaxError, r"golden.yaml:\d+: not YAML"),
    ("plans: {}", "plans: {}\n---\na: 1", errors.SpecSyntaxError, r"not YAML: but found another document"),
    ("plans: {}", "plans: \x07", errors.SpecSyntaxError, r"not YAML text"),
    ("plans: {}", "plans: " + "[" * 40, errors.SpecTooLargeError, r"nested deeper than 32 levels"),
    ("nominal: 0.8", "nominal: " + "9" * 5000, errors.SpecSyntaxError, r"characteristics\[0\].nominal: a number of 5000"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "error", "sentence"), CASES, ids=[case[1][:40] for case in CASES])
def test_a_mistake_is_a_sentence(old: str, new: str, error: type[SpecError], sentence: str) -> None:
    assert old in TEXT
    with pytest.raises(error) as raised:
        parse(TEXT.replace(old, new, 1))
    assert type(raised.value) is error
    assert str(raised.value).startswith("golden.yaml")
    assert re.search(sentence, str(raised.value))
    assert "http" not in str(raised.value)


def test_all_mistakes_are_listed_at_once() -> None:
    with pytest.raises(errors.SpecInvalidError) as raised:
        parse(TEXT.replace("lower: 0.75", "lower: x").replace("upper: 2.0", "upper: -1"))
    assert len(raised.value.problems) == 2
    assert "2 problems" in str(raised.value)


def test_a_list_is_not_called_too_short_for_what_is_wrong_in_it() -> None:
    with pytest.raises(errors.SpecInvalidError) as raised:
        parse(TEXT.replace("mm_per_px: ", "mm_per_px: -"))
    (problem,) = raised.value.problems
    assert "mm_per_px: input should be greater than 0" in problem
    fields = builders.tiny_fields() | {"views": []}
    with pytest.raises(errors.SpecInvalidError, match="views: tuple should have at least 1 item"):
        parse(json.dumps(fields))


def test_an_alias_bomb_is_refused_before_it_unfolds() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for this, last in zip("bcdefghi", "abcdefgh", strict=True):
        bomb += f"{this}: &{this} [" + ",".join(f"*{last}" for _ in range(9)) + "]\n"
    with pytest.raises(errors.SpecSyntaxError, match=r"golden\.yaml:1: anchors"):
        parse(bomb)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_says_where_to_start(text: str) -> None:
    with pytest.raises(SpecError, match=r"golden init|must hold fields|it should be"):
        parse(text)


def test_a_large_text_is_refused_unparsed() -> None:
    with pytest.raises(errors.SpecTooLargeError, match="1048576 are allowed"):
        parse("#" * (authoring.MAX_SPEC_BYTES + 1))


def test_files_are_read_with_their_images(tmp_path: Path) -> None:
    path = tmp_path / "golden.yaml"
    path.write_text(TEXT)
    spec = load_spec(path)
    assert spec == builders.tiny_spec()
    with pytest.raises(SpecError, match=r"images/top\.png: no such file"):
        load_images(spec, tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "images/top.png").write_bytes(builders.png(24, 16))
    assert load_images(spec, tmp_path) == builders.tiny_images()
    (tmp_path / "images/top.png").write_bytes(builders.png(24, 17))
    with pytest.raises(errors.ImageError, match="24 x 17 px"):
        load_images(spec, tmp_path)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"absent\.yaml: no such file"):
        load_spec(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: Prüfling".encode("latin-1"))
    with pytest.raises(errors.SpecSyntaxError, match="save it as UTF-8"):
        load_spec(tmp_path / "latin.yaml")
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(authoring.MAX_SPEC_BYTES + 1)
    with pytest.raises(errors.SpecTooLargeError):
        load_spec(tmp_path / "large.yaml")


@settings(max_examples=300)
@given(
    st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("-:[]{}&*!|>'\"%@`?#\n ,"), max_size=80)
)
def test_random_text_never_raises_anything_else(text: str) -> None:
    with pytest.raises(GoldenError):
        parse(text)


@settings(max_examples=100)
@given(st.data())
def test_mutated_specifications_never_raise_anything_else(data: st.DataObject) -> None:
    lines = TEXT.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = data.draw(
        st.sampled_from([lines[at] * 2, lines[at][2:], "  " + lines[at], "", lines[at] + ": ["])
    )
    text = "\n".join(lines)
    with contextlib.suppress(GoldenError):
        parse(text)


_SCALARS: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-10**9, 10**9) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(codec="utf-8", max_codepoint=0xFFFF, exclude_categories=("Cs",)), max_size=20)
)  # fmt: skip


@settings(max_examples=200)
@given(
    st.recursive(_SCALARS, lambda s: st.lists(s, max_size=3) | st.dictionaries(st.text("abc"), s, max_size=3))
)
def test_json_is_read_as_json(value: Any) -> None:
    """Truth: the json module. YAML's own writer quotes what would be read as something else."""
    node = authoring._compose(json.dumps({"value": value}), "x")
    assert authoring._value(node, "", "x") == {"value": value}
