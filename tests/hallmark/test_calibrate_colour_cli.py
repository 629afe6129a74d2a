"""`hallmark calibrate colour` as a new user calls it: from a photograph to a certificate, and refusals."""

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
from calibration.colour import Chart
from datasets.twin.colour import reflectances, true_ciede2000, true_lab
from golden.keys import SigningKey, TrustStore
from hallmark import __main__
from hallmark.swatch import srgb
from tests.hallmark.colour_kit import LAMP, SIZE, colour_commands, photograph, save, station

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs `hallmark calibrate` in this process: exit code, output, errors."""

    monkeypatch.setattr(__main__, "app", colour_commands())

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hallmark", "calibrate", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            __main__.main()
        return (int(end.value.code or 0), *capsys.readouterr())

    return call


@pytest.fixture(scope="module")
def desk(colour_desk: Path) -> Path:
    return colour_desk


@pytest.fixture(scope="module")
def told(desk: Path) -> dict[str, Any]:
    """What `--json` printed of the photograph."""
    return json.loads((desk / "cell.json").read_text())


def test_from_a_photograph_to_a_certificate_that_is_true(desk: Path, tmp_path: Path, run: Run) -> None:
    key = SigningKey.generate("Lab", "supplier")
    secret, public = key.save(tmp_path)
    out = tmp_path / "cell.cal"
    code, said, err = run(
        "colour", "--image", desk / "chart.png", "--chart", desk / "ours.yaml", "--camera", "cell-3",
        "--light", "D65 LED", "--key", secret, "--second-image", desk / "chart.png", "--second-light", "TL84",
        "-o", out,
    )  # fmt: skip
    assert (code, err) == (0, "")
    certificate = CameraCalibration.open(
        out, now=datetime.now(UTC), camera="cell-3", trust=TrustStore.open(public.parent)
    )
    colour = certificate.colour
    assert colour is not None
    assert (colour.transfer, colour.light, colour.illuminant) == ("linear", "D65 LED", "D65")
    assert (colour.chart.id, colour.chart.serial) == ("ours", "0417")
    assert certificate.settings is not None
    assert (certificate.settings.width, certificate.settings.height) == SIZE
    # of exact light of the chart, without the photograph
    seen = colour.lab(station().rgb(reflectances("classic")))
    errors = true_ciede2000(true_lab(reflectances("classic"), LAMP), seen)
    assert errors.mean() < 1.5
    assert colour.left_out.mean < 2.5
    assert "linear, told by the grey patches" in said
    assert "warning: " in said
    assert "it shows the light of the first picture" in said
    assert f"largest {colour.left_out.max:.2f}, each left out in turn" in said
    assert "no other patch is" in said
    assert "scale        not known" in said
    lines = [line for line in said.splitlines() if line.startswith("15 red")]
    assert len(lines) == 1
    assert f"{colour.patches[14].delta_e:.2f}" in lines[0]
    code, shown, _ = run("show", out, "--trust", public.parent)
    assert code == 0
    assert "metamerism   Three channels do not hold a spectrum" in shown
    assert "signed       by Lab, verified" in shown


def test_json_holds_every_patch_and_the_summary(told: dict[str, Any], desk: Path) -> None:
    assert "ours found" in (desk / "progress.txt").read_text()
    assert (told["camera"], told["light"]) == ("cell", "the station's light (not stated)")
    true = true_lab(reflectances("classic"), LAMP)
    np.testing.assert_allclose([p["reference_lab"] for p in told["patches"]], true, atol=1e-9)
    for patch in told["patches"]:
        assert patch["excluded"] is None
        for kind, lab in (("delta_e", "measured_lab"), ("delta_e_left_out", "left_out_lab")):
            own = true_ciede2000(np.array(patch["reference_lab"]), np.array(patch[lab]))
            assert patch[kind] == pytest.approx(float(own), abs=1e-4)
    left_out = [p["delta_e_left_out"] for p in told["patches"]]
    assert told["left_out"]["mean"] == pytest.approx(np.mean(left_out))
    assert told["left_out"]["p95"] == pytest.approx(np.quantile(left_out, 0.95))
    means = [c["mean_left_out"] for c in told["competitors"]]
    assert means == sorted(means)
    assert [c["chosen"] for c in told["competitors"]] == [True] + 7 * [False]
    assert sum(c["folds"] for c in told["competitors"]) == 24


def test_the_sheet_shows_both_halves_of_a_patch(told: dict[str, Any], desk: Path) -> None:
    sheet = cv2.imread(str(desk / "cell.png"), cv2.IMREAD_COLOR_RGB)
    assert sheet is not None
    for kind in ("reference_lab", "measured_lab"):
        tone = srgb(np.array(told["patches"][14][kind]), "D65")
        assert np.all(np.abs(sheet.astype(int) - tone) <= 1, axis=2).sum() > 2000


def test_a_screen_shows_what_srgb_is() -> None:
    known = np.array([[53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86], [100, 0, 0]])
    shown = srgb(known, "D65").astype(int)
    np.testing.assert_allclose(shown, [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], atol=1)


def test_corners_lead_to_the_same_certificate(
    told: dict[str, Any], desk: Path, tmp_path: Path, run: Run
) -> None:
    corners = ",".join(str(round(v)) for corner in told["corners"] for v in corner)
    given = ["colour", "--image", desk / "chart.png", "--chart", desk / "ours.yaml", "--json"]
    stated = json.loads(run(*given, "--corners", corners, "-o", tmp_path / "b.cal")[1])
    assert stated["score"] is None
    assert stated["left_out"]["mean"] == pytest.approx(told["left_out"]["mean"], abs=0.1)


def test_colour_is_added_to_a_certificate_that_was_measured(desk: Path, tmp_path: Path, run: Run) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    base = CameraCalibration.nominal(
        camera="cell-3", mm_per_px=0.02, relative_uncertainty=0.001, issued=now - timedelta(days=2),
        valid_until=now + timedelta(days=30), transfer="linear",
    )  # fmt: skip
    base.save(tmp_path / "cell.cal")
    given = ["colour", "--image", desk / "chart.png", "--chart", desk / "ours.yaml", "--base"]
    code, _, err = run(*given, tmp_path / "cell.cal", "-o", tmp_path / "new.cal")
    assert (code, err) == (0, "")
    made = CameraCalibration.open(tmp_path / "new.cal", now=datetime.now(UTC), camera="cell-3")
    assert made.colour is not None
    assert (made.mm_per_px, made.valid_until) == (0.02, base.valid_until)
    code, _, err = run(*given, tmp_path / "cell.cal", "--days", 5, "-o", tmp_path / "x.cal")
    assert code == 2
    assert "--base says it" in err
    srgb_base = base.reissued(now, transfer="srgb")
    srgb_base.save(tmp_path / "srgb.cal")
    code, _, err = run(*given, tmp_path / "srgb.cal", "-o", tmp_path / "x.cal")
    assert code == 2
    assert "srgb is stated, but the grey patches show linear" in err


def test_a_second_light_tells_of_metamerism(desk: Path, tmp_path: Path, run: Run) -> None:
    save(tmp_path / "a.png", photograph("A"))
    given = ["colour", "--image", desk / "chart.png", "--chart", desk / "ours.yaml", "--light", LAMP]
    second = ["--second-image", tmp_path / "a.png", "--second-light", "A"]
    code, said, err = run(*given, *second, "-o", tmp_path / "cell.cal")
    assert (code, err) == (0, "")
    assert "From D65 to A the reading of one surface changes by" in said
    certificate = CameraCalibration.open(tmp_path / "cell.cal", now=datetime.now(UTC))
    assert certificate.colour is not None
    assert certificate.colour.metamerism is not None
    assert [change.lights for change in certificate.colour.metamerism.between] == [("D65", "A")]
    assert run(*given, *second[:2], "-o", tmp_path / "x.cal")[0] == 2
    assert run(*given, *second[:3], LAMP, "-o", tmp_path / "x.cal")[0] == 2


def test_flats_and_darks_make_the_flat_field(desk: Path, tmp_path: Path, run: Run) -> None:
    rng, lit = np.random.default_rng(6), station()
    for n in (1, 2):
        grey = np.broadcast_to(lit.rgb(np.full(81, 0.6)), (SIZE[1], SIZE[0], 3))
        save(tmp_path / f"flat{n}.png", lit.capture(grey, rng))
        save(tmp_path / f"dark{n}.png", lit.capture(np.zeros_like(grey), rng))
    frames = [
        part
        for n in (1, 2)
        for part in ("--flats", tmp_path / f"flat{n}.png", "--darks", tmp_path / f"dark{n}.png")
    ]
    given = ["colour", "--image", desk / "chart.png", "--chart", desk / "ours.yaml"]
    code, said, err = run(*given, *frames, "-o", tmp_path / "cell.cal")
    assert (code, err) == (0, "")
    assert "corrected by frames of an even surface" in said
    assert (tmp_path / "cell.flat.npy").exists()
    code, _, err = run(*given, *frames[:2], "-o", tmp_path / "x.cal")
    assert code == 2
    assert "--darks" in err


def refused(run: Run, desk: Path, *options: object) -> str:
    """Return the sentence of what must be refused; nothing is written."""
    out = desk / "never.cal"
    code, _, err = run("colour", "--chart", desk / "ours.yaml", *options, "-o", out)
    assert code == 2
    assert not list(desk.glob("never*"))
    return " ".join(err.split())


def covered(pixels: np.ndarray) -> np.ndarray:
    out = pixels.copy()
    out[: SIZE[1] // 2, : SIZE[0] // 2] = (90, 60, 40)
    return out


def lit_by_two(pixels: np.ndarray) -> np.ndarray:
    change = np.linspace(0.8, 1.2, SIZE[0])[None, :, None] ** np.array([1, 0, -1])
    return (pixels * change).clip(0, 255)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda pixels: pixels[:, ::-1], "mirrored: give the picture as it was taken"),
        (covered, "present but incomplete"),
        (lambda pixels: pixels[:, : int(0.6 * SIZE[0])], "present but incomplete"),
        (lambda pixels: pixels[:60], "--corners X,Y,X,Y,X,Y,X,Y"),
        (
            lambda pixels: (2.2 * pixels.astype(float)).clip(0, 255),
            "19 (white): the lightest must keep below",
        ),
        (lambda pixels: pixels * 0.1, "the picture is dark"),
        (lit_by_two, "light of two colours"),
    ],
)
def test_a_picture_that_cannot_characterise_says_why(
    desk: Path, tmp_path: Path, run: Run, change: Callable[[np.ndarray], np.ndarray], said: str
) -> None:
    image = save(tmp_path / "bad.png", np.asarray(change(photograph()), np.uint8))
    error = refused(run, desk, "--image", image)
    assert said in error
    assert str(image) in error


def test_pictures_of_another_kind_are_named(desk: Path, tmp_path: Path, run: Run) -> None:
    pixels = photograph()
    lab = save(tmp_path / "lab.png", cv2.cvtColor(pixels, cv2.COLOR_RGB2Lab))
    assert "not RGB" in (error := refused(run, desk, "--image", lab)) or "not an RGB" in error
    grey = save(tmp_path / "grey.png", pixels[..., 1])
    assert "colour needs RGB pictures" in refused(run, desk, "--image", grey)
    text = tmp_path / "text.png"
    text.write_text("no picture")
    assert "does not decode" in refused(run, desk, "--image", text)
    bent = (255 * (pixels / 255) ** (1 / 1.5)).astype(np.uint8)
    error = refused(run, desk, "--image", save(tmp_path / "bent.png", bent))
    assert "state --transfer linear or --transfer srgb" in error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--chart", "classic"), "classic-after-2014"),
        (("--chart", "nonsense"), "sg-after-2014"),
        (("--chart", "sg-after-2014"), "chart.png: "),
        (("--illuminant", "D66"), "write one of A, C, D50"),
        (("--transfer", "srgb"), "the grey patches show linear"),
        (("--corners", "1,2,3"), "eight numbers"),
        (("--corners", "10,10,10,300,300,300,300,10"), "clockwise"),
        (("--flats", "absent"), "no such file or folder"),
    ],
)  # fmt: skip
def test_what_is_stated_wrongly_is_told(desk: Path, run: Run, options: tuple[str, ...], said: str) -> None:
    error = refused(run, desk, "--image", desk / "chart.png", *options)
    assert said in error.replace("│ ", "").replace(" │", "")


def test_nothing_is_overwritten(desk: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "cell.png").write_bytes(b"mine")
    given = ("colour", "--image", desk / "chart.png", "--chart", desk / "ours.yaml")
    code, _, err = run(*given, "-o", tmp_path / "cell.cal")
    assert code == 2
    assert "cell.png exists and is not overwritten" in err
    assert (tmp_path / "cell.png").read_bytes() == b"mine"


def test_a_chart_whose_values_have_expired_is_refused(desk: Path, tmp_path: Path, run: Run) -> None:
    chart = Chart.open(desk / "ours.yaml").model_dump(mode="json", exclude_none=True)
    old = tmp_path / "old.yaml"
    old.write_text(json.dumps(chart | {"expires": "2020-01-31"}))
    assert "expired on 2020-01-31" in refused(run, desk, "--image", desk / "chart.png", "--chart", old)
