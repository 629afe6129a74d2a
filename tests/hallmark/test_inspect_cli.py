"""`hallmark inspect` and `hallmark calibrate` on the real boards, as a person or a script runs them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from calibration import CalibrationError, CameraCalibration
from datasets import pcb_s4
from evidence import FrameError, Inspection, because, canonical_json, verify_digest
from golden.errors import GoldenError
from golden.images import header
from hallmark.__main__ import app
from hallmark.demo.plant import SPEC, Plant, build_plant


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    plant = build_plant(tmp_path_factory.mktemp("plant"), datetime.now(UTC))
    (plant.root / "good.jpg").write_bytes(pcb_s4.good_scan())
    (plant.root / "faulty.jpg").write_bytes(pcb_s4.faulty_scan())
    return plant


def inspect(plant: Plant, *arguments: str | Path, calibrated: bool = True) -> Result:
    certificate = ["--calibration", str(plant.certificates["line-1"])] if calibrated else []
    given = ["inspect", str(plant.golden_file), "--trust", str(plant.trust), *certificate]
    return CliRunner().invoke(app, [*given, *map(str, arguments)])


def test_a_good_and_a_faulty_board_one_canonical_record_each(plant: Plant) -> None:
    result = inspect(plant, "--lot", "L1", "--json", plant.root / "good.jpg", plant.root / "faulty.jpg")
    assert result.exit_code == 1, result.stderr
    lines = result.stdout.splitlines()
    records = [Inspection.model_validate_json(line) for line in lines]
    assert [(r.serial, r.verdict, r.lot) for r in records] == [
        ("good", "ACCEPT", "L1"),
        ("faulty", "REJECT", "L1"),
    ]
    for line, record in zip(lines, records, strict=True):
        assert verify_digest(record)
        assert canonical_json(json.loads(line)).decode() == line
        assert record.golden.digest == plant.golden.digest
        assert record.frames[0].pose is not None


def test_all_accepted_is_exit_0_and_a_line_for_people(plant: Plant) -> None:
    result = inspect(plant, "--serial", "SN-7", plant.root / "good.jpg")
    assert (result.exit_code, result.stdout) == (0, "SN-7  ACCEPT\n")


def test_without_a_certificate_the_unit_is_held(plant: Plant) -> None:
    result = inspect(plant, "--json", plant.root / "good.jpg", calibrated=False)
    record = Inspection.model_validate_json(result.stdout)
    assert (result.exit_code, record.verdict, record.reasons) == (1, "HOLD", ("calibration_absent",))
    dimensions = [c for c in record.characteristics if c.unit == "mm"]
    assert {(c.value, c.decision, c.reason) for c in dimensions} == {
        (None, "undecided", "calibration_absent")
    }


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.jpg", b""),
        ("cut.jpg", pcb_s4.good_scan()[:5000]),
        ("text.png", b"not a picture"),
        ("small.png", cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes()),
        ("absent.jpg", None),
    ],
)
def test_bad_input_is_named_and_the_readable_are_still_judged(
    plant: Plant, tmp_path: Path, name: str, data: bytes | None
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    result = inspect(plant, tmp_path / name, plant.root / "good.jpg")
    assert result.exit_code == 2
    assert result.stdout == "good  ACCEPT\n"
    model, problem = result.stderr.splitlines()
    assert "model" in model
    assert name in problem


def test_out_writes_record_and_sheet_whole(plant: Plant, tmp_path: Path) -> None:
    result = inspect(plant, "--out", tmp_path / "results", plant.root / "good.jpg")
    assert result.exit_code == 0
    assert sorted(p.name for p in (tmp_path / "results").iterdir()) == ["good.html", "good.json"]
    record = Inspection.model_validate_json((tmp_path / "results" / "good.json").read_bytes())
    assert record.verdict == "ACCEPT"
    assert (tmp_path / "results" / "good.html").read_text("utf-8").rstrip().endswith("</html>")


def test_sheets_come_in_the_formats_asked_for(plant: Plant, tmp_path: Path) -> None:
    inspect(plant, "--out", tmp_path, "--report", "pdf", "--report", "html", plant.root / "good.jpg")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["good.html", "good.json", "good.pdf"]
    assert (tmp_path / "good.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--serial", "S1", "good.jpg", "faulty.jpg"), "--serial"),
        (("--serial", "", "good.jpg"), "--serial"),
        (("--report", "pdf", "good.jpg"), "--report"),
        (("--view", "bottom", "good.jpg"), "--view"),
    ],
)
def test_options_that_do_not_fit(plant: Plant, arguments: tuple[str, ...], said: str) -> None:
    result = inspect(plant, *(plant.root / a if a.endswith(".jpg") else a for a in arguments))
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_an_altered_golden_sample_judges_nothing(plant: Plant, tmp_path: Path) -> None:
    data = bytearray(plant.golden_file.read_bytes())
    data[len(data) // 2] ^= 1
    altered = tmp_path / "altered.golden"
    altered.write_bytes(data)
    result = CliRunner().invoke(
        app, ["inspect", str(altered), "--trust", str(plant.trust), str(plant.root / "good.jpg")]
    )
    assert isinstance(result.exception, GoldenError)
    assert result.stdout == ""


def test_a_certificate_from_a_stated_scale(tmp_path: Path) -> None:
    target = tmp_path / "scanner.cal"
    arguments = ["calibrate", "nominal", "--camera", "scanner", "--mm-per-px", "0.02", "--days", "2",
                 "--relative-uncertainty", "0.001", "-o", str(target)]  # fmt: skip
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    opened = CameraCalibration.open(target, now=datetime.now(UTC), camera="scanner")
    assert (opened.mm_per_px, opened.relative_uncertainty, opened.method) == (0.02, 0.001, "nominal")
    assert (opened.valid_until - opened.issued).days == 2


@pytest.mark.parametrize(("option", "value"), [("--mm-per-px", "-1"), ("--relative-uncertainty", "nan")])
def test_a_certificate_of_nonsense_is_not_written(tmp_path: Path, option: str, value: str) -> None:
    target = tmp_path / "scanner.cal"
    stated = {"--camera": "c", "--mm-per-px": "0.02", "--relative-uncertainty": "0.001", option: value}
    arguments = [text for pair in stated.items() for text in pair]
    result = CliRunner().invoke(app, ["calibrate", "nominal", *arguments, "-o", str(target)])
    assert isinstance(result.exception, CalibrationError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("good.jpg", ("--serial", "../out")),
        ("good.jpg", ("--serial", ".hidden")),
        ("good.jpg", ("--lot", "")),
    ],
)
def test_names_that_would_leave_their_place_are_refused(
    plant: Plant, tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    result = inspect(plant, *options, "--out", tmp_path / "results", plant.root / name)
    assert result.exit_code == 2
    assert list(tmp_path.rglob("*.json")) == []


def test_two_pictures_of_one_serial_are_refused(plant: Plant, tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(b"")
    result = inspect(plant, plant.root / "good.jpg", tmp_path / "good.png")
    assert result.exit_code == 2
    assert "same serial" in result.stderr


def test_a_folder_and_an_endless_file_are_bad_input(plant: Plant, tmp_path: Path) -> None:
    for image in (tmp_path, Path("/dev/zero")):
        result = inspect(plant, image)
        assert result.exit_code == 2
        assert "not a file" in result.stderr


def test_a_certificate_of_another_scale_holds(plant: Plant, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.cal"
    CameraCalibration.nominal(
        camera="c", mm_per_px=0.2, relative_uncertainty=0.001,
        issued=datetime(2026, 1, 1, tzinfo=UTC), valid_until=datetime(2100, 1, 1, tzinfo=UTC),
    ).save(wrong)  # fmt: skip
    result = inspect(plant, "--calibration", wrong, "--json", plant.root / "good.jpg", calibrated=False)
    record = Inspection.model_validate_json(result.stdout)
    assert (record.verdict, record.reasons) == ("HOLD", ("scale_disputed",))


def test_a_certificate_is_not_overwritten(plant: Plant) -> None:
    target = plant.certificates["line-1"]
    before = target.read_bytes()
    arguments = ["calibrate", "nominal", "--camera", "c", "--mm-per-px", "0.02",
                 "--relative-uncertainty", "0.001", "-o", str(target)]  # fmt: skip
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, CalibrationError)
    assert target.read_bytes() == before


def test_check_measures_the_reference_images(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "top.jpg").write_bytes(pcb_s4.good_scan())
    good = SPEC.read_text("utf-8")
    (tmp_path / "golden.yaml").write_text(good)
    check = ["golden", "check", str(tmp_path / "golden.yaml"), "--measure"]
    assert CliRunner().invoke(app, check).exit_code == 0
    wrong = good.replace("nominal: 3.03, lower: 2.93, upper: 3.13", "nominal: 3.5, lower: 3.4, upper: 3.6")
    assert wrong != good
    (tmp_path / "golden.yaml").write_text(wrong)
    refused = CliRunner().invoke(app, check)
    assert isinstance(refused.exception, GoldenError)
    assert "hole-tl" in str(refused.exception)


@pytest.fixture(scope="module")
def told(plant: Plant) -> list[str]:
    """Inspect the faulty board with `--out` and return the lines on the terminal."""
    result = inspect(plant, "--out", plant.root / "why", plant.root / "faulty.jpg")
    assert result.exit_code == 1
    return result.stdout.splitlines()


@pytest.fixture(scope="module")
def rejected(plant: Plant, told: list[str]) -> Path:
    """Return the record of the faulty board, as `hallmark inspect --out` writes it."""
    assert told
    return plant.root / "why" / "faulty.json"


def explain(plant: Plant, *arguments: str | Path) -> Result:
    given = ["explain", str(plant.golden_file), "--trust", str(plant.trust)]
    return CliRunner().invoke(app, [*given, *map(str, arguments)])


def test_a_rejected_unit_is_said_on_the_terminal_line_by_line(told: list[str], rejected: Path) -> None:
    record = Inspection.model_validate_json(rejected.read_bytes())
    assert told[1:6] == [
        f"  #{i} {d.defect_class}: {because(d)}" for i, d in enumerate(record.defects[:5], start=1)
    ]
    stops = sum(d.severity != "allowed" for d in record.defects)
    assert told[6] == f"  {stops - 5} more are in the record"


def test_explain_writes_a_picture_for_each_deviation_and_the_whole_unit(
    plant: Plant, rejected: Path, tmp_path: Path
) -> None:
    record = Inspection.model_validate_json(rejected.read_bytes())
    arguments = rejected, plant.root / "faulty.jpg", "--out", tmp_path, "--most", "2", "--dismissed", "--json"
    result = explain(plant, *arguments)
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert (said["id"], said["verdict"], said["dismissed"]) == (record.id, "REJECT", record.dismissed)
    assert [(d["number"], d["severity"], d["because"]) for d in said["deviations"][:2]] == [
        (i, d.severity, because(d)) for i, d in enumerate(record.defects[:2], start=1)
    ]
    assert [d["number"] for d in said["deviations"][2:]] == [None, None]
    files = [Path(d["file"]) for d in said["deviations"]]
    assert sorted(tmp_path.iterdir()) == sorted([*files, tmp_path / "faulty-top-overview.png"])
    for file in tmp_path.iterdir():
        head = header(file.read_bytes(), file.name)
        assert (head.width, head.height > 300) == (1500, True)


@pytest.mark.parametrize(
    ("record", "picture", "model", "sentence"),
    [
        (None, "good.jpg", "packaged", "not the picture of inspection"),
        (None, "faulty.jpg", "none", ", not by no model: give what named them"),
        (b"{}", "faulty.jpg", "packaged", "not a record of an inspection (id: Field required)"),
        (b"altered", "faulty.jpg", "packaged", "the record was altered"),
    ],
)
def test_explain_refuses_what_does_not_belong_together(
    plant: Plant,
    rejected: Path,
    tmp_path: Path,
    record: bytes | None,
    picture: str,
    model: str,
    sentence: str,
) -> None:
    given = rejected
    if record is not None:
        given = tmp_path / "record.json"
        other = rejected.read_bytes().replace(b'"serial":"faulty"', b'"serial":"other"')
        given.write_bytes(record if record == b"{}" else other)
    with pytest.raises(FrameError, match=re.escape(sentence)):
        raise explain(plant, given, plant.root / picture, "--model", model).exception or AssertionError
