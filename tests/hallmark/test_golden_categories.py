"""`hallmark golden init --category`: every category is a good specification that says where it comes from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from golden.authoring import load_images, parse_spec
from golden.catalogue import Measures
from golden.comparison import Comparison
from golden.errors import SpecError
from golden.spec import Code, Colour, Entered, GoldenSpec, Surface
from hallmark.__main__ import app
from hallmark.golden_init import categories, write_first_spec
from models import CLASSES
from tests import builders

NAMED = ("assembly", "metal-part", "moulded-plastic", "pcb", "printed-packaging", "textile")
UNSTATED = (
    2,
    1,
    12,
)  # edge_px, weak_codes and strong_codes that hold where a view states none: docs/surface.md
STANDARD = re.compile(r"\b(ISO|IPC|IEC|ASTM|EN|UL|GS1|J-STD)\b[ -][A-Z0-9]")


def started(folder: Path, category: str) -> tuple[GoldenSpec, str]:
    """Return the specification that a category starts with, for two views of one picture, and its text."""
    (folder / "scan.png").write_bytes(builders.png(200, 200))
    path = write_first_spec(
        folder / category,
        part="P1",
        revision="A",
        views=[("top", folder / "scan.png"), ("bottom", folder / "scan.png")],
        mm_per_px=0.05,
        supplier="Supplier",
        buyer="Buyer",
        category=category,
    )
    text = path.read_text("utf-8")
    spec = parse_spec(text, category)
    load_images(spec, path.parent)
    return spec, text


def test_the_categories_are_those_that_the_help_lists() -> None:
    assert categories() == tuple(sorted((*NAMED, "general")))
    said = CliRunner().invoke(app, ["golden", "init", "--help"], env={"COLUMNS": "200"}).output
    assert [name for name in categories() if name not in said] == []


@pytest.mark.parametrize("name", NAMED)
def test_a_category_loads_and_says_what_is_usual(name: str, tmp_path: Path) -> None:
    spec, text = started(tmp_path, name)
    assert f"# Started from the category {name}: " in text
    assert "$" not in text
    assert {"critical", "major", "minor", "allowed"} == {r.severity for r in spec.catalogue.rules}
    assert {"critical", "major", "minor"} == {c.severity for c in spec.characteristics}
    assert [c.zones for c in spec.characteristics if isinstance(c, Surface)] == [("top", "bottom")]
    tests = [c for c in spec.characteristics if isinstance(c, Entered)]
    assert len(tests) >= 7
    graded = [c for c in tests if c.unit in ("grade", "class", "h")]
    assert [c.id for c in graded if c.decision.rule != "simple"] == []
    assert all("oqc" in c.required_at for c in tests if c.severity == "critical" and c.kind == "functional")
    assert any(isinstance(c, Colour) for c in spec.characteristics) is (name != "metal-part")
    assert spec.plans.oqc.critical.every_unit
    assert None not in (spec.plans.oqc.major.aql, spec.plans.oqc.minor.aql)
    assert {item.id for item in spec.plans.oqc.checklist} >= {"quantity", "packing"}
    assert spec.plans.ipqc.key_characteristics
    assert spec.catalogue.counts


@pytest.mark.parametrize("name", NAMED)
def test_a_category_says_how_a_person_looks_and_by_which_standards(name: str, tmp_path: Path) -> None:
    spec, text = started(tmp_path, name)
    assert {zone.view for zone in spec.zones} == {"top", "bottom"}
    for zone in spec.zones:
        assert 250 <= zone.viewing.distance_mm <= 1000
        assert 5 <= zone.viewing.time_s <= 10
        assert 1000 <= zone.viewing.illuminance_lx <= 2000
    assert {zone.viewing.illuminant for zone in spec.zones} == {
        "D50" if name == "printed-packaging" else "D65"
    }
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert len(comments) > 20
    assert any(STANDARD.search(line) for line in comments)
    assert sum(bool(STANDARD.search(c.method)) for c in spec.characteristics if isinstance(c, Entered)) >= 3


@pytest.mark.parametrize("name", categories())
def test_its_commented_examples_are_good_too(name: str, tmp_path: Path) -> None:
    spec, text = started(tmp_path, name)
    uncommented = parse_spec(re.sub(r"^  # (-|  )", r"  \1", text, flags=re.MULTILINE), name)
    assert len(uncommented.characteristics) > len(spec.characteristics)


def test_the_examples_have_components_prints_and_codes_where_they_are_usual(tmp_path: Path) -> None:
    every = {"component", "print", "code"}
    shown = {"general": every, "assembly": every, "printed-packaging": {"print", "code"}, "pcb": {"code"}}
    texts = {name: started(tmp_path, name)[1] for name in categories()}
    for name, text in texts.items():
        kinds = {line.split()[-1] for line in text.splitlines() if line.startswith("  # - kind: ")}
        assert kinds & every == shown.get(name, set()), name
    general = parse_spec(re.sub(r"^  # (-|  )", r"  \1", texts["general"], flags=re.MULTILINE), "general")
    (code,) = (c for c in general.characteristics if isinstance(c, Code))
    assert code.serial("UNIT-004217") == "004217"


@pytest.mark.parametrize("name", categories())
def test_the_optional_lines_of_a_view_are_good_too(name: str, tmp_path: Path) -> None:
    spec, text = started(tmp_path, name)
    assert [(v.comparison, v.ignore) for v in spec.views] == [(None, ()), (None, ())]
    full = parse_spec(
        re.sub(r"^    # ( *-|  |ignore:|comparison:)", r"    \1", text, flags=re.MULTILINE), name
    )
    for view in full.views:
        assert len(view.ignore) == 1
        assert view.comparison is not None
        assert set(view.comparison.model_dump()) == set(Comparison.model_fields) - {"merge_mm"}
        assert (view.comparison.edge_px, view.comparison.weak_codes, view.comparison.strong_codes) == UNSTATED


@pytest.mark.parametrize("name", NAMED)
def test_a_large_defect_of_every_named_class_is_weighed_and_none_is_allowed(
    name: str, tmp_path: Path
) -> None:
    catalogue = started(tmp_path, name)[0].catalogue
    for defect_class in (*catalogue.named_classes(), "unclassified"):
        line = catalogue.weigh(defect_class, "top", Measures(1000))
        assert line is not None
        assert line.severity != "allowed", line.id
    assert [c for c in catalogue.named_classes() if catalogue.weigh(c, "top", Measures(6)) is None] == []


def test_the_board_category_names_what_the_released_model_names(tmp_path: Path) -> None:
    named = started(tmp_path, "pcb")[0].catalogue.named_classes()
    assert named == set(CLASSES[1:])


def test_an_unknown_category_is_refused_by_naming_those_that_exist(tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(builders.png(200, 200))
    arguments = [
        "golden", "init", str(tmp_path / "x"), "--part", "P", "--revision", "A", "--mm-per-px", "0.05",
        "--image", f"top={tmp_path / 'scan.png'}", "--category",
    ]  # fmt: skip
    with pytest.raises(SpecError, match="no category 'pcbs': choose one of assembly, general, metal-part, "):
        CliRunner().invoke(app, [*arguments, "pcbs"], catch_exceptions=False)
    assert not (tmp_path / "x").exists()
    result = CliRunner().invoke(app, [*arguments, "textile"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "category textile" in (tmp_path / "x/golden.yaml").read_text()


def test_a_specification_needs_a_view(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no view: give at least one picture"):
        write_first_spec(
            tmp_path, part="P", revision="A", views=[], mm_per_px=1, supplier="S", buyer="B", category="pcb"
        )
