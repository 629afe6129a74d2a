"""`hallmark colour` and `hallmark calibrate golden` as a new user calls them, on pictures of known colour."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from calibration import CameraCalibration
from calibration.colour.colorimetry import adaptation, lab_from_xyz, white_point, xyz_from_lab
from datasets.twin.colour import true_ciede2000, true_lab
from evidence import Inspection
from golden import bundle, seal
from golden.keys import SigningKey
from golden.spec import GoldenSpec
from hallmark import __main__
from hallmark.colour_view import adapted
from tests.hallmark.colour_kit import (
    LAMP,
    SIZE,
    colour_commands,
    pair,
    photograph,
    save,
    side_by_side,
    station,
)
from tests.vision import board, colour_scene
from vision import GoldenColours

Run = Callable[..., tuple[int, str, str]]
LEFT, RIGHT = "60,120,120,120", "300,120,120,120"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs `hallmark` in this process: exit code, output, errors."""

    monkeypatch.setattr(__main__, "app", colour_commands())

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hallmark", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            __main__.main()
        return (int(end.value.code or 0), *capsys.readouterr())

    return call


@pytest.fixture
def read(run: Run, colour_desk: Path) -> Callable[..., tuple[int, str, str]]:
    """Return what reads a picture through the certificate that a user made of a photograph of a chart."""
    return lambda *arguments: run("colour", *arguments, "--calibration", colour_desk / "cell.cal")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of a paint on the left and another batch of it, 1.2 CIEDE2000 away, on the right."""
    return save(tmp_path_factory.mktemp("pictures") / "two.png", side_by_side(*pair(1.2)))


def test_from_a_chart_to_a_colour_that_is_true(two: Path, read: Run) -> None:
    golden, batch = (true_lab(spectrum, LAMP) for spectrum in pair(1.2))
    code, printed, err = read(two, "--region", RIGHT, "--reference-region", LEFT, "--json")
    assert (code, err) == (0, "")
    told = json.loads(printed)
    right, left = told["regions"]
    assert [r["name"] for r in told["regions"]] == ["r1", "reference"]
    for region, true in ((right, batch), (left, golden)):
        off = np.array(region["lab"]) - true
        assert off @ np.linalg.solve(np.array(region["covariance"]), off) < 14.2  # chi-square, 3, 99.7 %
        assert float(true_ciede2000(true, np.array(region["lab"]))) < region["absolute_delta_e"] < 8
        assert 0.05 < region["excluded_by"]["edge"] < 0.15
    (difference,) = right["differences"]
    # absolute values are off by more than that difference, but alike
    assert difference["uncorrected"] == pytest.approx(1.2, abs=0.15)
    assert difference["low"] < 1.2 < difference["high"] < 2
    assert difference["high"] - difference["low"] < 0.4 * right["absolute_delta_e"]
    assert difference["words"] == ["brighter", "yellower"]
    parts = batch - golden
    for name, true in zip(("dl", "da", "db"), parts, strict=True):
        assert difference[name] == pytest.approx(float(true), abs=0.25)


def test_a_map_shows_where_the_picture_differs(two: Path, read: Run, tmp_path: Path) -> None:
    drawn = tmp_path / "map.png"
    code, _, err = read(two, "--region", RIGHT, "--reference-region", LEFT, "--map", drawn)
    assert (code, err) == (0, "")
    picture = cv2.imread(str(drawn), cv2.IMREAD_COLOR_RGB)
    assert picture is not None
    assert picture.shape[:2] == (SIZE[1] // 2, SIZE[0] // 2 + 96)
    same, other = (picture[90 - 15 : 90 + 15, x - 15 : x + 15].reshape(-1, 3).mean(axis=0) for x in (60, 180))
    purple, yellow = np.array([68, 1, 84]), np.array([253, 231, 37])  # ends of viridis
    assert np.linalg.norm(same - purple) < np.linalg.norm(other - purple) - 20
    assert np.linalg.norm(other - yellow) < np.linalg.norm(same - yellow)
    for wrong in (
        ["--reference", "50,0,0", "--illuminant", "A"],
        [],
        ["--reference", "50,0,0", "--formula", "CIE76"],
    ):
        code, _, err = read(two, "--region", RIGHT, *wrong, "--map", tmp_path / "none.png")
        assert code == 2
        assert "map" in err
    assert not (tmp_path / "none.png").exists()


def test_it_says_what_a_camera_cannot_decide(two: Path, read: Run, tmp_path: Path) -> None:
    golden = ",".join(f"{v:.2f}" for v in true_lab(pair(1.2)[0], LAMP))
    given = (two, "--region", LEFT, "--region", RIGHT, "--reference", golden, "--tolerance", 1)
    code, said, _ = read(*given, "--picture", tmp_path / "two.svg")
    assert code == 1
    assert said.count("undecided: tolerance 1: this camera's absolute values are not that good") == 2
    assert "a spectrophotometer's to decide" in said
    drawn = (tmp_path / "two.svg").read_text()
    assert drawn.count("undecided; below: stated") == 2
    code, said, _ = read(*given[:-1], 30)
    assert code == 0
    assert said.count("conform: tolerance 30") == 2
    code, said, _ = read(two, "--region", LEFT, "--reference", "90,60,60", "--tolerance", 1)
    assert code == 1
    assert "nonconform: tolerance 1" in said
    assert "duller, darker" in said
    assert "dL* -2" in said  # 66 less 90


def test_a_difference_within_one_picture_is_decided(two: Path, read: Run, tmp_path: Path) -> None:
    given = (two, "--region", RIGHT, "--reference-region", LEFT, "--tolerance")
    code, said, _ = read(*given, 3, "--picture", tmp_path / "two.png")
    assert code == 0
    assert "conform: tolerance 3" in said
    assert "brighter, yellower" in said
    assert "where both are of one material" in said
    picture = cv2.imread(str(tmp_path / "two.png"))
    assert picture is not None
    assert picture.shape[1] == 1500
    assert read(*given, 0.3)[0] == 1


def test_another_illuminant_is_an_adaptation(two: Path, read: Run, colour_desk: Path) -> None:
    own, moved = (
        json.loads(read(two, "--region", LEFT, "--json", *more)[1])["regions"][0]
        for more in ((), ("--illuminant", "A", "--adaptation", "CAT16"))
    )
    source, target = white_point("D65"), white_point("A")
    xyz = xyz_from_lab(np.array(own["lab"]), source) @ adaptation(source, target, "CAT16").T
    np.testing.assert_allclose(moved["lab"], lab_from_xyz(xyz, target), atol=1e-6)
    colour = CameraCalibration.open(colour_desk / "cell.cal", now=datetime.now(UTC)).colour
    assert colour is not None
    rgb, matrix = np.array(own["rgb"]), adaptation(source, target)
    spread = []
    for each in (colour, adapted(colour, "A")):
        slopes = each.model.parameter_jacobian(rgb)
        spread.append(slopes @ np.array(each.model.covariance) @ slopes.T)
    np.testing.assert_allclose(spread[1], matrix @ spread[0] @ matrix.T, rtol=1e-9, atol=1e-15)


def test_a_region_is_what_was_drawn_and_nothing_beside_it(read: Run, tmp_path: Path) -> None:
    pixels = np.full((SIZE[1], SIZE[0], 3), 220, np.uint8)
    pixels[80:140, 100:160] = (60, 80, 100)
    image = save(tmp_path / "drawn.png", pixels)
    (region,) = json.loads(read(image, "--region", "100,80,60,60", "--json")[1])["regions"]
    assert {cause for cause, share in region["excluded_by"].items() if share > 0} == {"edge"}
    assert region["pixels"] == pytest.approx((60 - 2 * 3) ** 2, rel=0.06)


def test_a_white_tells_another_lamp(colour_desk: Path, tmp_path: Path, read: Run) -> None:
    corner = json.loads((colour_desk / "cell.json").read_text())["corners"][3]
    box = ",".join(str(round(v) - 12) for v in corner) + ",24,24"
    code, said, _ = read(colour_desk / "chart.png", "--region", box, "--white", box)
    assert code == 0
    assert "The certificate's light holds" in said
    other = save(tmp_path / "a.png", photograph("A"))
    code, said, _ = read(other, "--region", box, "--white", box)
    assert code == 1
    assert "White balance or light have changed" in said
    told = json.loads(read(other, "--region", box, "--white", box, "--json")[1])
    assert told["lights"][0]["verdict"] == "other_balance"
    assert told["lights"][0]["red"] > 0.2


def test_the_chart_tells_another_lamp(colour_desk: Path, tmp_path: Path, read: Run) -> None:
    ours = ("--chart", colour_desk / "ours.yaml")
    code, said, _ = read(colour_desk / "chart.png", *ours)
    assert code == 0
    assert "The certificate's light holds" in said
    code, said, _ = read(save(tmp_path / "a.png", photograph("A")), *ours)
    assert code == 1
    assert "Another light than the certificate's" in said or "White balance or light have changed" in said
    code, _, err = read(colour_desk / "chart.png", "--chart", "classic-after-2014")
    assert code == 2
    assert "was made with chart ours, not classic-after-2014" in err
    code, _, err = read(save(tmp_path / "none.png", np.full_like(photograph(), 60)), *ours)
    assert code == 2
    assert "no chart was seen" in err


def test_a_region_that_cannot_be_read_says_why(read: Run, tmp_path: Path) -> None:
    bright = station(exposure=3.0).capture(
        np.broadcast_to(station(exposure=3.0).rgb(np.full(81, 0.9)), (SIZE[1], SIZE[0], 3)),
        np.random.default_rng(1),
    )  # fmt: skip
    image = save(tmp_path / "bright.png", bright)
    code, said, _ = read(image, "--region", LEFT)
    assert code == 1
    assert "not read: colour_saturated" in said
    told = json.loads(read(image, "--region", LEFT, "--reference", "50,0,0", "--json")[1])
    assert (told["regions"][0]["lab"], told["regions"][0]["reason"]) == (None, "colour_saturated")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--region", "1,2,3"), "four whole numbers"),
        (("--region", "1,2,5,50"), "3 px along the outline"),
        (("--region", "400,300,120,120"), "leaves the picture"),
        (("--region", LEFT, "--reference", "200,0,0"), "L* from 0 to 100"),
        (("--region", LEFT, "--tolerance", "1"), "needs --reference"),
        (("--region", LEFT, "--illuminant", "D66"), "write one of A, C, D50"),
        (("--region", LEFT, "--picture", "x.gif"), "write a .png or .svg"),
        ((), "nothing to read"),
    ],
)  # fmt: skip
def test_what_is_stated_wrongly_is_told(two: Path, read: Run, options: tuple[str, ...], said: str) -> None:
    code, _, err = read(two, *options)
    assert code == 2
    assert said in " ".join(err.replace("│", " ").split())


def test_a_picture_of_another_camera_is_refused(two: Path, read: Run, run: Run, tmp_path: Path) -> None:
    pixels = photograph()
    small = save(tmp_path / "small.png", pixels[:200])
    code, _, err = read(small, "--region", LEFT)
    assert code == 2
    assert "small.png (480 x 200 px" in err
    grey = save(tmp_path / "grey.png", pixels[..., 0])
    assert read(grey, "--region", LEFT)[0] == 2
    now = datetime.now(UTC)
    plain = CameraCalibration.nominal(
        camera="c", mm_per_px=1.0, relative_uncertainty=0.1, issued=now - timedelta(hours=1),
        valid_until=now + timedelta(days=1),
    )  # fmt: skip
    plain.save(tmp_path / "plain.cal")
    code, _, err = run("colour", two, "--region", LEFT, "--calibration", tmp_path / "plain.cal")
    assert code == 2
    assert "hallmark calibrate colour --base" in err


def sealed_board(folder: Path, now: datetime) -> Path:
    """Write the board of the vision tests as both parties sealed it, its keys beside it."""
    fields: dict[str, Any] = colour_scene.spec()
    fields["characteristics"] = [c for c in fields["characteristics"] if c["id"] in ("copper", "match")]
    images = {"images/top.png": colour_scene.golden().images["images/top.png"]}
    data = bundle.build(
        GoldenSpec.model_validate(fields), images, version=1, issued=now - timedelta(hours=2),
        expires=now + timedelta(days=9),
    )  # fmt: skip
    for name, role in (("Maker", "supplier"), ("Taker", "buyer")):
        key = SigningKey.generate(name, role)  # type: ignore[arg-type]
        key.save(folder)
        data = seal.sign(data, key)
    (folder / "board.golden").write_bytes(data)
    return folder / "board.golden"


def test_units_are_compared_with_the_golden_sample_as_the_station_measured_it(
    run: Run, tmp_path: Path
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    golden = sealed_board(tmp_path, now)
    certificate = colour_scene.certificate().reissued(
        now - timedelta(hours=1), valid_until=now + timedelta(days=9)
    )
    certificate.save(tmp_path / "top.cal")
    placed = tmp_path / "placed"
    placed.mkdir()
    for number, frame in enumerate(colour_scene.placements(2)):
        (placed / f"{number}.png").write_bytes(board.png(np.asarray(frame.pixels, np.uint8)))
    out = tmp_path / "top.colours"
    given = (
        "calibrate",
        "golden",
        golden,
        "--trust",
        tmp_path,
        "--calibration",
        f"top={tmp_path / 'top.cal'}",
    )
    code, said, err = run(*given, "--image", f"top={placed}", "-o", out)
    assert (code, err) == (0, "")
    assert "better: 4 placements or more" in said
    code, alone, _ = run(*given, "--image", f"top={min(placed.iterdir())}", "-o", tmp_path / "one.colours")
    assert (code, "1 placement, digest" in alone, "not known " in alone) == (0, True, True)
    colours = GoldenColours.open(out)
    assert (colours.view, colours.certificate, len(colours.frames)) == ("top", certificate.digest, 2)
    (line,) = [line for line in said.splitlines() if line.startswith("copper")]
    np.testing.assert_allclose(
        [float(part) for part in line.split()[1:4]], colour_scene.lab_of(np.array(board.COPPER)), atol=0.5
    )
    unit = save(tmp_path / "unit.png", np.asarray(colour_scene.shot(7, (0.8, 0.8, 0.8)).pixels, np.uint8))
    inspect = ("inspect", golden, unit, "--trust", tmp_path, "--calibration", tmp_path / "top.cal", "--json")
    code, printed, _ = run(*inspect, "--model", "none", "--colours", out)
    assert code == 1
    record = Inspection.model_validate_json(printed)
    assert record.frames[0].colours == colours.digest
    copper = colour_scene.of(record, "copper")
    assert (copper.decision, copper.colour and copper.colour.words) == ("nonconform", ("darker", "duller"))
    images = tmp_path / "images"
    images.mkdir()
    unit.rename(images / "S1.png")
    code, printed, _ = run(
        "station", "run", "--golden", golden, "--trust", tmp_path, "--calibration", tmp_path / "top.cal",
        "--colours", f"top={out}", "--station", "cell-1", "--spool", tmp_path / "spool", "--images", images,
        "--model", "none", "--json",
    )  # fmt: skip
    record = Inspection.model_validate_json(printed)
    assert (code, colour_scene.of(record, "copper").decision) == (1, "nonconform")
    for view, image, sentence in (
        ("side=", "top=", "a file holds one view"),
        ("top=", "", "exists and is not overwritten"),
    ):
        code, _, err = run(*given[:-1], f"{view}{tmp_path / 'top.cal'}", "--image", f"{image}{placed}", "-o",
                           out if not image else tmp_path / "x.colours")  # fmt: skip
        assert code == 2
        assert sentence in " ".join(err.replace("│", " ").split())


def test_a_frame_without_the_golden_sample_is_named(run: Run, tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    golden = sealed_board(tmp_path, now)
    colour_scene.certificate().reissued(now, valid_until=now + timedelta(days=9)).save(tmp_path / "top.cal")
    dark = save(tmp_path / "dark.png", np.full((640, 800, 3), 9, np.uint8))
    code, _, err = run(
        "calibrate", "golden", golden, "--trust", tmp_path, "--calibration", tmp_path / "top.cal",
        "--image", dark, "-o", tmp_path / "top.colours",
    )  # fmt: skip
    assert code == 2
    assert err.startswith(f"hallmark: {dark}: ")
    assert not (tmp_path / "top.colours").exists()
