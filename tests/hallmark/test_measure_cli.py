"""`hallmark measure` on pictures of the metrology twin, whose truth is exact, and on the real board S4."""

from __future__ import annotations

import json
import math
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from calibration import CameraCalibration
from calibration.optics import Optics
from datasets import pcb_s4
from datasets.twin.metrology import Camera, Disk, Polygon, Scene, Sensor, render
from evidence import REASONS
from hallmark import __main__ as command

SCALE = 0.02  # mm per px
WIDTH, HEIGHT = 420, 320
# in px: two holes, and a bar with one side leaning by 6 degrees
HOLES = ((90.3, 100.7, 40.2), (300.6, 90.2, 25.4))
BAR = (60.4, 220.2, 360.8, 268.5)
LEAN = math.radians(6)
DRAWN = (
    "--circle", "92,99,41", "--circle", "299,91,24", "--arc", "92,99,41,20,160",
    "--line", "100,219,330,221", "--line", "62,225,58,263", "--width", "210,222,208,270,150",
    "--distance", "c1,c2", "--distance", "c1,l1", "--angle", "l1,l2",
)  # fmt: skip
TRUTH = {
    "c1": 2 * HOLES[0][2], "c2": 2 * HOLES[1][2], "a1": HOLES[0][2], "l1": 0.0,
    "l2": 90 + math.degrees(LEAN), "w1": BAR[3] - BAR[1],
    "d1": math.dist(HOLES[0][:2], HOLES[1][:2]), "d2": BAR[1] - HOLES[0][1], "n1": 90 + math.degrees(LEAN),
}  # fmt: skip


def part(dark: float = 0.06, bright: float = 0.6) -> Scene:
    """Return dark holes and a dark bar in a bright plate, in pixels."""
    x0, y0, x1, y1 = BAR
    bar = ((x0, y0), (x1, y0), (x1, y1), (x0 - (y1 - y0) * math.tan(LEAN), y1))
    return Scene(bright, (*(Disk(x, y, r, dark) for x, y, r in HOLES), Polygon(bar, dark)))


def seen(scene: Scene, seed: int = 1, **sensor: Any) -> Any:
    stated: dict[str, Any] = {"psf_sigma_px": 0.8, **sensor}
    return render(
        scene, Camera.scale(WIDTH, HEIGHT, 1.0, x=0, y=0), Sensor(**stated), np.random.default_rng(seed)
    )


def save(path: Path, pixels: Any, *options: int) -> Path:
    assert cv2.imwrite(str(path), pixels, list(options))
    return path


@pytest.fixture
def hallmark(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command as `main` does; return exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hallmark", "measure", *map(str, arguments)])
        with pytest.raises(SystemExit) as raised:
            sys.exit(command.main())
        out, err = capsys.readouterr()
        return int(raised.value.code or 0), out, err

    return run


@pytest.fixture
def measured(hallmark: Any) -> Any:
    """Measure with --json; return the exit code and the readings by name."""

    def run(*arguments: object) -> tuple[int, dict[str, Any]]:
        code, out, err = hallmark(*arguments, "--json")
        assert err == ""
        return code, {r["name"]: r for r in json.loads(out)["readings"]}

    return run


@pytest.fixture(scope="module")
def png(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("part") / "part.png", seen(part()))


def off(name: str, reading: dict[str, Any]) -> float:
    """Return a value's error as a share of U."""
    truth = TRUTH[name] * (1 if reading["unit"] == "deg" else SCALE)
    return abs(reading["value"] - truth) / reading["expanded_uncertainty"]


def line_of(reading: dict[str, Any], name: str) -> float:
    return next((c["standard_uncertainty"] for c in reading["budget"] if c["name"] == name), 0.0)


def test_every_kind_of_feature_agrees_with_its_truth(png: Path, measured: Any) -> None:
    code, found = measured(png, "--mm-per-px", SCALE, "--gamma", "linear", *DRAWN)
    assert code == 0
    assert [*found] == ["c1", "c2", "a1", "l1", "l2", "w1", "d1", "d2", "n1"]
    for name, reading in found.items():
        assert off(name, reading) < 1.2, name
        limit = 0.3 if reading["unit"] == "deg" else 0.4 * SCALE
        assert 0 < reading["expanded_uncertainty"] < limit, name
        expected = reading["coverage_factor"] * reading["standard_uncertainty"]
        assert reading["expanded_uncertainty"] == pytest.approx(expected)
    # without what light and bevel do, which this scene has not: noise alone
    assert abs(found["c1"]["value"] / SCALE - TRUTH["c1"]) < 0.01
    assert abs(found["w1"]["value"] / SCALE - TRUTH["w1"]) < 0.01
    edge = found["c1"]["edges"][0]
    assert edge["blur_px"] == pytest.approx(math.hypot(0.8, math.sqrt(1 / 12)), abs=0.03)
    assert edge["contrast"] == pytest.approx(0.54, abs=0.01)
    assert (edge["inlier_share"], edge["rough"], edge["form"]) == (1.0, False, "circle")
    assert edge["points"] > 50


def test_bits_colour_and_files_make_no_difference(tmp_path: Path, measured: Any) -> None:
    twelve = seen(part(), bits=12)
    grey = seen(part())
    for name, pixels, options in (
        ("deep.tif", twelve, ("--bits", 12)),
        ("deep.png", twelve * 16, ()),
        ("colour.png", np.repeat(grey[..., None], 3, axis=2), ()),
        ("opaque.png", np.dstack([grey] * 3 + [np.full_like(grey, 255)]), ()),
    ):
        stated = ("--mm-per-px", SCALE, "--gamma", "linear", *options)
        code, found = measured(save(tmp_path / name, pixels), *stated, *DRAWN)
        assert code == 0, name
        assert all(off(n, r) < 1.2 for n, r in found.items()), name
    code, found = measured(tmp_path / "deep.tif", "--mm-per-px", SCALE, "--gamma", "linear", *DRAWN)
    assert found["c1"]["edges"][0]["contrast"] < 0.1  # 12 bits taken for 16


@pytest.mark.parametrize("quality", [90, 70, 50])
def test_jpeg_widens_the_uncertainty_and_keeps_it_true(
    quality: int, tmp_path: Path, png: Path, measured: Any, hallmark: Any
) -> None:
    pixels = cv2.imread(str(png), cv2.IMREAD_UNCHANGED)
    path = save(tmp_path / "part.jpg", pixels, cv2.IMWRITE_JPEG_QUALITY, quality)
    stated = ("--mm-per-px", SCALE, "--gamma", "linear")
    code, found = measured(path, *stated, *DRAWN)
    assert code == 0
    assert all(off(n, r) < 1.2 for n, r in found.items())
    clean = measured(png, *stated, *DRAWN)[1]
    assert line_of(clean["c1"], "JPEG") == 0
    # twice the shift of one edge: steps of the standard table by quality, over the slope of the edge in codes
    step = 16.125 * (200 - 2 * quality) / 100
    slope = 255 * 0.54 / (math.sqrt(2 * math.pi) * 0.85)
    assert line_of(found["c1"], "JPEG") == pytest.approx(2 * 0.06 * step / slope * SCALE, rel=0.15)
    assert line_of(found["w1"], "JPEG") == pytest.approx(2**0.5 * 0.09 * step / slope * SCALE, rel=0.15)
    assert "JPEG: compression moves edges" in hallmark(path, *stated, "--circle", "92,99,41")[1]


def test_codes_of_which_nobody_says_anything_cost_uncertainty_and_keep_it_true(
    tmp_path: Path, measured: Any, hallmark: Any
) -> None:
    """Truth: one scene as either kind of camera writes it."""
    for transfer in ("linear", "srgb"):
        path = save(tmp_path / f"{transfer}.png", seen(part(), transfer=transfer))
        code, found = measured(path, "--mm-per-px", SCALE, *DRAWN)
        assert code == 0
        assert all(off(n, r) < 1.2 for n, r in found.items()), transfer
        assert line_of(found["c1"], "transfer") > 0.05 * SCALE
        stated = measured(path, "--mm-per-px", SCALE, "--gamma", transfer, *DRAWN)[1]
        assert line_of(stated["c1"], "transfer") == 0
        assert stated["c1"]["expanded_uncertainty"] < found["c1"]["expanded_uncertainty"]
        # centres and pitches do not hang on the transfer
        assert found["d1"]["expanded_uncertainty"] < 1.1 * stated["d1"]["expanded_uncertainty"]
    out = hallmark(tmp_path / "srgb.png", "--mm-per-px", SCALE, "--circle", "92,99,41")[1]
    assert "taken as srgb" in out
    assert "taken as exact" in out


def test_the_scale_s_uncertainty_is_part_of_it(png: Path, measured: Any) -> None:
    stated = ("--mm-per-px", SCALE, "--gamma", "linear", "--circle", "92,99,41")
    found = measured(png, *stated, "--relative-uncertainty", "0.01")[1]["c1"]
    assert line_of(found, "scale") == pytest.approx(0.01 * found["value"], rel=1e-3)
    assert line_of(measured(png, *stated)[1]["c1"], "scale") == 0


def test_what_is_not_there_is_said_and_the_rest_measured(png: Path, hallmark: Any) -> None:
    code, out, err = hallmark(
        png, "--mm-per-px", 1, "--gamma", "linear", "--circle", "200,160,20", "--circle", "92,99,41",
        "--distance", "c1,c2", "--line", "3,100,3,200",
    )  # fmt: skip
    assert (code, err) == (1, "")
    told = REASONS["edge_not_found"]
    lines = out.splitlines()
    assert f"c1  diameter    not measured: edge_not_found: {told.meaning}; {told.remedy}" in lines
    assert f"d1  distance    not measured: edge_not_found: {told.meaning}; {told.remedy}" in lines
    assert "l1  direction   not measured: edge_not_found" in out
    assert "1 mm per px, so mm are pixels" in out
    (value,) = [text for text in lines if text.startswith("c2")]
    assert value.split()[2] == "80.40"
    assert "U 0.25 mm" in value
    assert "(k 1.96, 95 %)" in value
    assert "u from edge shift 0.1, edge definition 0.08" in out
    found = json.loads(hallmark(png, "--mm-per-px", 1, "--circle", "200,160,20", "--json")[1])
    assert found["readings"][0] == {
        "name": "c1", "quantity": "diameter", "unit": "mm", "value": None, "reason": "edge_not_found",
    }  # fmt: skip


def test_lines_that_cross_have_no_distance(png: Path, measured: Any) -> None:
    stated = ("--mm-per-px", 1, "--gamma", "linear", "--line", "100,219,330,221", "--line", "62,225,58,263")
    code, found = measured(png, *stated, "--distance", "l1,l2")
    assert (code, found["d1"]["reason"]) == (1, "edge_disputed")


def test_which_side_is_dark_can_be_said(tmp_path: Path, measured: Any) -> None:
    x, y, r = 200.0, 160.0, 60.0
    ring = save(tmp_path / "ring.png", seen(Scene(0.1, (Disk(x, y, r, 0.7), Disk(x, y, r - 12, 0.1)))))
    stated = ("--mm-per-px", 1, "--gamma", "linear", "--circle", "200,160,54", "--reach", 14)
    for inside, radius in (("bright", r), ("dark", r - 12)):
        code, found = measured(ring, *stated, "--inside", inside)
        assert code == 0
        assert found["c1"]["value"] == pytest.approx(2 * radius, abs=0.02)


def test_all_round_parts_are_found_and_measured(png: Path, measured: Any, hallmark: Any) -> None:
    stated = ("--mm-per-px", SCALE, "--gamma", "linear")
    code, found = measured(png, *stated, "--find-circles", "15,60", "--distance", "f1,f2")
    assert code == 0
    values = sorted(r["value"] / SCALE for n, r in found.items() if n.startswith("f"))
    assert values == pytest.approx(sorted((TRUTH["c1"], TRUTH["c2"])), abs=0.02)
    assert found["d1"]["value"] == pytest.approx(TRUTH["d1"] * SCALE, abs=0.02 * SCALE)
    code, _, err = hallmark(png, *stated, "--find-circles", "100,120")
    assert code == 1
    assert "no round parts were found" in err


def test_holes_of_the_real_board_are_three_millimetres(tmp_path: Path, measured: Any) -> None:
    """Truth: drilled by hand with a drill of 3.0 mm; the rims are ragged, and the uncertainty says so."""
    scan = tmp_path / "s4.jpg"
    scan.write_bytes(pcb_s4.good_scan())
    code, found = measured(
        scan, "--mm-per-px", pcb_s4.MM_PER_PX, "--inside", "dark", "--circle", "171,180,69",
        "--circle", "1523,188,69", "--circle", "138,1765,69", "--circle", "1513,1756,69",
    )  # fmt: skip
    assert code == 0
    for reading in found.values():
        assert abs(reading["value"] - 3.0) < 0.1 + reading["expanded_uncertainty"]
        assert 0.005 < reading["expanded_uncertainty"] < 0.25
        assert 2.7 < reading["value"] < 3.2


def test_a_ragged_rim_is_measured_where_it_agrees_and_says_so(
    tmp_path: Path, measured: Any, hallmark: Any
) -> None:
    """Truth: a drilled hole with a third of its rim torn out by 4 to 7 px."""
    rng, x, y, r = np.random.default_rng(3), 200.0, 160.0, 60.0
    turn = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    torn = np.where((turn % 2.1) < 0.7, rng.uniform(4, 7, len(turn)), rng.normal(0, 1.2, len(turn)))
    rim = tuple((x + (r + t) * np.cos(a), y + (r + t) * np.sin(a)) for a, t in zip(turn, torn, strict=True))
    image = save(tmp_path / "hole.png", seen(Scene(0.6, (Polygon(rim, 0.05),))))
    stated = (image, "--mm-per-px", 1, "--gamma", "linear", "--circle", "202,158,61")
    code, found = measured(*stated)
    assert code == 0
    assert found["c1"]["edges"][0]["rough"]
    assert found["c1"]["value"] == pytest.approx(2 * r, abs=min(found["c1"]["expanded_uncertainty"], 1.5))
    out = hallmark(*stated)[1]
    assert "rough rim, centre 200." in out
    assert "--inside and a smaller --reach say which is meant" in out


def certificate(path: Path, **fields: Any) -> Path:
    now = datetime.now(UTC).replace(microsecond=0)
    stated: dict[str, Any] = {
        "camera": "cell",
        "issued": now - timedelta(days=2),
        "valid_until": now + timedelta(days=2),
    }
    if "optics" in fields:
        made = CameraCalibration.measured(**{**stated, **fields})
    else:
        known: dict[str, Any] = {"mm_per_px": SCALE, "relative_uncertainty": 1e-4, "transfer": "linear"}
        made = CameraCalibration.nominal(**{**stated, **known, **fields})
    made.save(path)
    return path


def optics(distance_mm: float, focal_px: float) -> Optics:
    """Return a camera looking straight down from a distance that is known to 0.1 mm."""
    u = (0.5, 0.5, 1e-3, 1e-3, 1e-7, 1e-7, 1e-7, 1e-4, 1e-4, 0.1)
    return Optics(
        kind="perspective", width=WIDTH, height=HEIGHT, names=("fx", "fy", "cx", "cy"),
        values=(focal_px, focal_px, (WIDTH - 1) / 2, (HEIGHT - 1) / 2),
        rotation=((1, 0, 0), (0, 1, 0), (0, 0, 1)), translation=(0, 0, distance_mm),
        covariance=tuple(tuple(s * s if i == j else 0.0 for j in range(10)) for i, s in enumerate(u)),
        degrees_of_freedom=900, pitch_relative_uncertainty=1e-5, centre_mm=(0, 0), pictures=12, corners=900,
        rms_px=0.02, hold_out_px=0.02, noise_scale=1.0,
    )  # fmt: skip


def test_a_certificate_gives_scale_light_and_the_part_s_height(tmp_path: Path, measured: Any) -> None:
    """Truth: a disk 20 mm nearer to a camera 500 mm away, which it sees larger by 500 / 480."""
    distance, focal, radius, up = 500.0, 5000.0, 6.0, 20.0
    camera = Camera(
        WIDTH, HEIGHT, focal, focal, (WIDTH - 1) / 2, (HEIGHT - 1) / 2, translation=(0, 0, distance - up)
    )
    pixels = render(Scene(0.7, (Disk(1.0, -2.0, radius, 0.1),)), camera, Sensor(), np.random.default_rng(2))
    picture, cal = (
        save(tmp_path / "p.png", pixels),
        certificate(tmp_path / "c.cal", optics=optics(distance, focal)),
    )
    drawn = ("--calibration", cal, "--circle", "219,139,63")
    code, found = measured(picture, *drawn, "--height", up, "--u-height", "0.5")
    assert code == 0
    assert found["c1"]["value"] == pytest.approx(2 * radius, abs=0.003)
    assert line_of(found["c1"], "height") == pytest.approx(2 * radius * 0.5 / (distance - up), rel=0.05)
    assert line_of(found["c1"], "transfer") == 0
    flat = measured(picture, *drawn)[1]["c1"]
    assert flat["value"] == pytest.approx(2 * radius * distance / (distance - up), abs=0.003)


def test_the_picture_shows_edges_values_and_what_was_set_aside(
    tmp_path: Path, png: Path, hallmark: Any
) -> None:
    x, y, r = HOLES[0]
    scene = part()
    stuck = Polygon(((x + r - 6, y - 7), (x + r + 1, y - 7), (x + r + 1, y + 7), (x + r - 6, y + 7)), 0.6)
    image = save(tmp_path / "burr.png", seen(Scene(scene.background, (*scene.shapes, stuck))))
    stated = (
        image,
        "--mm-per-px",
        SCALE,
        "--gamma",
        "linear",
        "--circle",
        "92,99,41",
        "--line",
        "100,219,330,221",
    )
    for name in ("out.png", "out.jpg"):
        code, _, err = hallmark(*stated, "--circle", "200,160,15", "--out", tmp_path / name)
        assert (code, err) == (1, "")
        drawn = cv2.imread(str(tmp_path / name))
        assert drawn is not None
        assert 900 <= max(drawn.shape) <= 1200
        if name.endswith(".jpg"):  # its colours are blurred
            continue
        b, g, red = drawn.astype(int).transpose(2, 0, 1)
        assert ((g > 180) & (red < 120) & (b < 120)).sum() > 500  # kept points
        assert ((red > 200) & (g < 110) & (b < 110)).sum() > 20  # set aside
    assert image.read_bytes() != (tmp_path / "out.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mm-per-px", 1, "--circle", "1,2"), "'1,2' is not X,Y,R"),
        (("--mm-per-px", 1, "--circle", "50,60,x"), "is not X,Y,R"),
        (("--mm-per-px", 1, "--circle", "50,60,nan"), "is not X,Y,R"),
        (("--mm-per-px", 1, "--circle", "50,60,-30"), "needs a radius above 4 px"),
        (("--mm-per-px", 1, "--circle", "50,60,1e300"), "c1 lies outside the picture, which is 420 x 320 px"),
        (("--mm-per-px", 1, "--line", "10,10,430,10"), "l1 lies outside the picture"),
        (("--mm-per-px", 1, "--line", "10,10,12,10"), "needs 10 px or more"),
        (("--mm-per-px", 1, "--arc", "90,100,40,10,12"), "needs 10 degrees or more"),
        (("--mm-per-px", 1, "--width", "10,10,60,10,2,3"), "is not X1,Y1,X2,Y2[,BAND]"),
        (("--mm-per-px", 1, "--width", "10,10,12,10"), "needs points 4 px apart"),
        (("--mm-per-px", 1, "--circle", "92,99,41", "--distance", "c1"), "is not A,B"),
        (("--mm-per-px", 1, "--circle", "92,99,41", "--distance", "c1,c2"), "'c2' is none of c1"),
        (("--mm-per-px", 1, "--circle", "92,99,41", "--angle", "c1,l1"), "'c1' is none of nothing"),
        (("--mm-per-px", 1, "--circle", "92,99,41", "--reach", "nan"), "needs 2 to 200 px"),
        (("--mm-per-px", 0, "--circle", "92,99,41"), "--mm-per-px"),
        (("--mm-per-px", 1, "--find-circles", "30,20"), "8 <= RMIN <= RMAX"),
        (("--mm-per-px", 1), "nothing to measure"),
        (("--circle", "92,99,41"), "either --calibration or --mm-per-px"),
        (("--mm-per-px", 1, "--calibration", "CAL", "--circle", "92,99,41"), "either --calibration or"),
        (("--calibration", "CAL", "--gamma", "srgb", "--circle", "92,99,41"), "the certificate says it"),
        (("--mm-per-px", 1, "--height", 2, "--circle", "92,99,41"), "it needs --calibration"),
        (("--calibration", "CAL", "--height", 2, "--circle", "92,99,41"), "leave out --height"),
        (("--calibration", "OLD", "--circle", "92,99,41"), "calibrate the camera again"),
        (("--calibration", "none.cal", "--circle", "92,99,41"), "none.cal"),
        (("--mm-per-px", 1, "--circle", "92,99,41", "--out", "x.gif"), "write a .png or .jpg"),
        (("--mm-per-px", 1, "--circle", "92,99,41", "--out", "IMAGE"), "is the picture itself"),
        (("--mm-per-px", 1, "--circle", "92,99,41", "--out", "none/x.png"), "is no folder"),
    ],
)
def test_bad_input_is_told_in_words(
    arguments: tuple[Any, ...], said: str, tmp_path: Path, png: Path, hallmark: Any
) -> None:
    named = {"IMAGE": png}
    if "CAL" in arguments:
        named["CAL"] = certificate(tmp_path / "c.cal")
    if "OLD" in arguments:
        past = datetime(2020, 1, 1, tzinfo=UTC)
        named["OLD"] = certificate(tmp_path / "o.cal", issued=past, valid_until=past + timedelta(days=9))
    code, out, err = hallmark(png, *(named.get(a, a) for a in arguments))
    assert (code, out) == (2, "")
    assert said in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a PNG or JPEG file"),
        (b"GIF89a", "PNG, TIFF and JPEG are read"),
        (b"II*\x00nothing", "does not decode"),
        (b"\xff\xd8\xff\xe0 cut", "cut short"),
        (None, "no such file"),
    ],
)
def test_a_picture_that_is_none_is_told(data: bytes | None, said: str, tmp_path: Path, hallmark: Any) -> None:
    path = tmp_path / "picture.png"
    if data is not None:
        path.write_bytes(data)
    code, out, err = hallmark(path, "--mm-per-px", 1, "--circle", "92,99,41")
    assert (code, out) == (2, "")
    assert str(path) in err
    assert said in err


def test_a_picture_unlike_its_certificate_or_its_bits_is_refused(
    tmp_path: Path, png: Path, hallmark: Any
) -> None:
    deep = save(tmp_path / "deep.png", seen(part(), bits=12))
    code, _, err = hallmark(deep, "--mm-per-px", 1, "--bits", 10, "--circle", "92,99,41")
    assert code == 2
    assert "above the 1023" in err
    code, _, err = hallmark(deep, "--calibration", certificate(tmp_path / "c.cal"), "--circle", "92,99,41")
    assert code == 2
    assert "above the 255" in err
    small = save(tmp_path / "small.png", seen(part())[:200])
    cal = certificate(tmp_path / "m.cal", optics=optics(500, 5000))
    code, _, err = hallmark(small, "--calibration", cal, "--circle", "92,99,41")
    assert code == 2
    assert REASONS["calibration_mismatch"].meaning in err
    glass = save(
        tmp_path / "glass.png", np.dstack([seen(part())] * 3 + [np.zeros((HEIGHT, WIDTH), np.uint8)])
    )
    code, _, err = hallmark(glass, "--mm-per-px", 1, "--circle", "92,99,41")
    assert code == 2
    assert "transparent" in err
