"""A spectrophotometer's readings on the command line: of which unit, under which conditions, what follows."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from evidence import Inspection, misstated
from golden import bundle, seal
from golden.spec import Colour, GoldenSpec
from hallmark.__main__ import app
from hallmark.colour_readings import entered_by_instrument, results_by_serial
from hallmark.errors import ReadingFileError
from quality import EnteredResult
from stations import encode_png
from tests.colours import FAR, NEAR, REFERENCE, Lab, colour_fields, reading
from tests.stations import workshop

HEAD = """# instrument: CM-26d 1001
# illuminant: D65
# observer: 10
# geometry: d/8
# specular: SCI
"""


def listed(path: Path, *rows: tuple[str, Lab], head: str = HEAD) -> Path:
    lines = [f"{name},{','.join(str(v) for v in lab)},0.05" for name, lab in rows]
    path.write_text(head + "id,L,a,b,u\n" + "\n".join(lines) + "\n")
    return path


def spec(**changes: Any) -> GoldenSpec:
    fields = workshop.spec().model_dump(mode="json", by_alias=True)
    region = {"type": "disk", "center_px": [500, 400], "radius_px": 40}
    fields["characteristics"].append(
        colour_fields(number=3, id="paint", region=region, reference=REFERENCE, **changes)
    )
    return GoldenSpec.model_validate(fields)


def paint() -> Colour:
    found = spec().characteristics[2]
    assert isinstance(found, Colour)
    return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> workshop.Workshop:
    shop = workshop.open_workshop(tmp_path_factory.mktemp("shop"))
    data = bundle.build(
        spec(), {"images/top.png": encode_png(workshop.plate())}, version=1,
        issued=workshop.TODAY - timedelta(days=30), expires=None, predecessor=None,
    )  # fmt: skip
    shop.golden.write_bytes(seal.sign(seal.sign(data, shop.supplier), shop.buyer))
    shop.picture(shop.home / "U1.png", 1)
    return shop


def inspect(shop: workshop.Workshop, *more: str | Path) -> Result:
    given = ["inspect", shop.golden, shop.home / "U1.png", "--trust", shop.trust, "--model", "none",
             "--calibration", shop.certificate, "--json"]  # fmt: skip
    return CliRunner().invoke(app, [str(a) for a in (*given, *more)])


def colour_of(result: Result) -> Any:
    record = Inspection.model_validate_json(result.stdout)
    return next(r for r in record.characteristics if r.id == "paint"), record


def test_without_a_reading_the_unit_is_held_for_one(shop: workshop.Workshop) -> None:
    result, record = colour_of(inspect(shop))
    assert (record.verdict, record.reasons) == ("HOLD", ("colour_absolute",))
    assert (result.decision, result.value) == ("undecided", None)


@pytest.mark.parametrize(("lab", "verdict"), [(NEAR, "ACCEPT"), (FAR, "REJECT")])
@pytest.mark.parametrize("name", ["U1/paint", "paint"])
def test_an_instruments_list_decides(
    shop: workshop.Workshop, tmp_path: Path, name: str, lab: Lab, verdict: str
) -> None:
    result, record = colour_of(inspect(shop, "--readings", listed(tmp_path / "r.csv", (name, lab))))
    assert (record.verdict, result.source, result.colour.reading.instrument) == (
        verdict, "imported", "CM-26d 1001",
    )  # fmt: skip
    assert misstated(paint(), result) is None


def test_what_a_person_wrote_down_decides(shop: workshop.Workshop, tmp_path: Path) -> None:
    written = tmp_path / "typed.json"
    entry = {"serial": "U1", "characteristic": "paint", "evidence": "report 3"}
    written.write_text(json.dumps([{**entry, "reading": reading(NEAR).model_dump(mode="json")}]))
    result, record = colour_of(inspect(shop, "--readings", written))
    assert (record.verdict, result.source) == ("ACCEPT", "manual")
    written.write_text(json.dumps([{**entry, "value": 0.1}]))
    refused = inspect(shop, "--readings", written)
    assert isinstance(refused.exception, ReadingFileError)
    assert "paint on U1 has no reading" in str(refused.exception)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEAD.replace("SCI", "SCE"), "specular is SCE, SCI is agreed"),
        (HEAD.replace("d/8", "45/0").replace("# specular: SCI\n", ""), "geometry is 45/0, d/8 is agreed"),
        (HEAD.replace("# geometry: d/8\n# specular: SCI\n", ""), "geometry is not stated, d/8 is agreed"),
        (HEAD.replace("D65", "A"), "its illuminant is A, D65 is asked"),
        (HEAD.replace("# instrument: CM-26d 1001\n", ""), "does not name its instrument"),
    ],
)
def test_other_conditions_are_refused_by_name(tmp_path: Path, text: str, sentence: str) -> None:
    """What the list leaves out is not filled in from the agreement, save light and observer of spectra."""
    path = listed(tmp_path / "r.csv", ("paint", NEAR), head=text)
    with pytest.raises(ReadingFileError, match=sentence):
        results_by_serial(path, spec(), ["U1"])


@pytest.mark.parametrize(
    ("rows", "serials", "sentence"),
    [
        ([("U2/paint", NEAR)], ["U1"], "paint of U2: not inspected here"),
        ([("paint", NEAR)], ["U1", "U2"], "paint of no unit: not inspected here"),
        ([("U1/hole", NEAR)], ["U1"], "hole of U1: no colour with a reference; these are: paint"),
        ([("U1/paint", NEAR), ("paint", NEAR)], ["U1"], "paint of U1: given twice"),
    ],
)
def test_a_reading_belongs_to_a_unit_and_a_colour(
    tmp_path: Path, rows: list[tuple[str, Lab]], serials: list[str], sentence: str
) -> None:
    with pytest.raises(ReadingFileError, match=sentence):
        results_by_serial(listed(tmp_path / "r.csv", *rows), spec(), serials)


def test_a_golden_sample_without_absolute_colours_takes_none(tmp_path: Path) -> None:
    path = listed(tmp_path / "r.csv", ("paint", NEAR))
    with pytest.raises(ReadingFileError, match="no colour with a reference; leave it away"):
        results_by_serial(path, workshop.spec(), ["U1"])
    with pytest.raises(ReadingFileError, match="No such file"):
        results_by_serial(tmp_path / "absent.csv", spec(), ["U1"])


def test_a_list_is_sent_as_entered_results_with_its_digest(tmp_path: Path) -> None:
    path = listed(tmp_path / "r.csv", ("U1/paint", NEAR), ("A/1/paint", FAR))
    first, second = (EnteredResult.model_validate(r) for r in entered_by_instrument(path))
    assert (first.serial, first.characteristic, first.source) == ("U1", "paint", "imported")
    assert first.reading is not None
    assert first.reading.lab == NEAR
    assert first.evidence.startswith("r.csv, sha256:")
    assert second.serial == "A/1"
    with pytest.raises(ReadingFileError, match="names no unit"):
        entered_by_instrument(listed(tmp_path / "r.csv", ("paint", NEAR)))


def test_the_pages_own_examples(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/colour-readings.md").read_text("utf-8")
    blocks = re.findall(r"```(yaml|json|)\n(.*?)```", page, re.DOTALL)
    agreed, by_instrument, typed = (text for _, text in blocks)
    (colour,) = yaml.safe_load(agreed)
    fields = spec().model_dump(mode="json", by_alias=True)
    fields["characteristics"][2] = colour
    (tmp_path / "list.csv").write_text(by_instrument)
    (tmp_path / "typed.json").write_text(typed)
    for name, source in (("list.csv", "imported"), ("typed.json", "manual")):
        (found,) = results_by_serial(tmp_path / name, GoldenSpec.model_validate(fields), ["U-1"])["U-1"]
        assert (found.id, found.decision, found.source) == ("lid-absolute", "conform", source)
