"""`hallmark calibrate` as a new user calls it: from an empty folder to a certificate, and what is refused."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from calibration import CameraCalibration, Target
from golden.keys import SigningKey
from hallmark.__main__ import main
from tests.hallmark.calibration_kit import IN_PLANE, LENS, SENSOR, SIZE, Kit, read, write

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs `hallmark calibrate` in this process: exit code, output, errors."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hallmark", "calibrate", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        code = end.value.code
        assert code is None or isinstance(code, int)
        return (code or 0, *capsys.readouterr())

    return call


def make_target(run: Run, path: Path, **fields: object) -> Path:
    stated: dict[str, object] = {
        "columns": 8, "rows": 6, "pitch-mm": 5, "pitch-relative-uncertainty": 1e-5, "serial": "CB-7",
        "certificate": "DKD-K-1 2026", "expires": "2099-01-01", "substrate": "glass", **fields,
    }  # fmt: skip
    options = [part for name, value in stated.items() for part in (f"--{name}", str(value))]
    assert run("target", *options, "-o", path)[0] == 0
    return path


@pytest.fixture
def target(kit: Kit, run: Run) -> Path:
    return kit.target if kit.target.exists() else make_target(run, kit.target)


@pytest.fixture
def made(kit: Kit, run: Run, target: Path) -> tuple[Path, str]:
    """Return the certificate that `calibrate all` makes of everything, and what was printed; made once."""
    out, said = kit.home / "cell.cal", kit.home / "said.txt"
    if not out.exists():
        code, printed, _ = run(
            "all", kit.pictures, "--target", target, "--camera", "cam-1", "--lens", "F16 SN 12", "--aperture",
            "f/8", "--temperature-c", "20.4", "--exposure-us", "6000", "-o", out,
        )  # fmt: skip
        assert code == 0
        said.write_text(printed)
    return out, said.read_text()


def test_from_an_empty_folder_to_a_certificate_that_is_true(made: tuple[Path, str]) -> None:
    path, _ = made
    certificate = CameraCalibration.open(path, now=datetime.now(UTC), camera="cam-1")
    optics, light = certificate.optics, certificate.photon_transfer
    assert optics is not None
    assert light is not None
    assert certificate.target is not None
    assert certificate.settings is not None
    assert (certificate.lens, certificate.settings.aperture) == ("F16 SN 12", "f/8")
    assert (certificate.settings.pixel_format, certificate.transfer) == ("Mono8", "linear")
    assert certificate.target.serial == "CB-7"
    truth = {"fx": LENS.fx, "fy": LENS.fy, "cx": LENS.cx, "cy": LENS.cy, "k1": LENS.k1, "k2": LENS.k2}
    for place, (name, value) in enumerate(zip(optics.names, optics.values, strict=True)):
        if name in truth:
            assert abs(value - truth[name]) < 4 * np.sqrt(optics.covariance[place][place]), name
    px = np.stack(np.meshgrid(np.linspace(20, 460, 9), np.linspace(20, 340, 7)), axis=-1).reshape(-1, 2)
    plane = certificate.plane()
    errors = plane.to_mm(px) - IN_PLANE.to_plane(px)
    assert np.abs(errors).max() < 0.02 * certificate.mm_per_px
    variance = sum((np.square(mode.displacements).sum(axis=0) for mode in plane.modes(px)), np.zeros((63, 2)))
    assert np.abs(errors / np.sqrt(variance)).max() < 4.5
    assert light.planes[0].gain == pytest.approx(1 / SENSOR.full_well_e, rel=0.05)
    flat = certificate.flat_field
    assert flat is not None
    truth_flat = SENSOR.response(SIZE, (0, 0, *SIZE))
    assert np.abs(flat.factors() * truth_flat / (flat.factors() * truth_flat).mean() - 1).max() < 0.005
    assert flat.read_fine(path.with_name("cell.flat.npy").read_bytes()).shape == (SIZE[1], SIZE[0])


def test_the_engineer_sees_each_picture_what_it_adds_and_what_is_missing(made: tuple[Path, str]) -> None:
    path, said = made
    lines = [line for line in said.splitlines() if "/lens/" in line and "corners" in line]
    assert len(lines) == 7
    assert "next: tilt the target: its upper edge away from the camera" in lines[0]
    assert "field " in lines[0]
    assert "tilted by 1.8 degrees against the camera" in said
    assert "90 days left" in said
    picture = cv2.imread(str(path.with_name("cell.png")))
    assert picture is not None
    assert picture.shape[1] == 1500
    assert 0.3 < (picture != 255).any(axis=2).mean() < 0.9


def test_show_prints_the_certificate_for_people(made: tuple[Path, str], run: Run, tmp_path: Path) -> None:
    path, _ = made
    code, said, _ = run("show", path)
    assert code == 0
    for part in (
        "camera       cam-1, lens F16 SN 12", "scale        0.08", "px for corners held out",
        "over the field", "pitch 5 mm known to 1e-05", "signed       by nobody", "temperature  20.4",
        "traceable    to DKD-K-1 2026, holds until 2099-01-01", "electrons at full scale", "days left",
    ):  # fmt: skip
        assert part in said, part
    (tmp_path / "keys").mkdir()
    key = SigningKey.generate("Lab", "buyer")
    key.save(tmp_path / "keys")
    certificate = CameraCalibration.parse(path.read_bytes(), source="cell")
    certificate.sign(key).save(tmp_path / "signed.cal")
    assert (
        "signed       by Lab, verified"
        in run("show", tmp_path / "signed.cal", "--trust", tmp_path / "keys")[1]
    )
    code, _, error = run("show", path, "--trust", tmp_path / "keys")
    assert (code, "nobody has signed it" in error) == (2, True)
    altered = tmp_path / "altered.cal"
    altered.write_bytes(path.read_bytes().replace(b'"f/8"', b'"f/4"'))
    code, _, error = run("show", altered)
    assert (code, "altered since it was issued" in error) == (2, True)


def test_one_object_of_json_and_a_key(kit: Kit, run: Run, target: Path, tmp_path: Path) -> None:
    key_path, _ = SigningKey.generate("Lab", "buyer").save(tmp_path)
    out = tmp_path / "plane.cal"
    code, said, feedback = run(
        "plane", "--images", kit.pictures / "plane", "--target", target, "--camera", "cam-1", "--json",
        "--key", key_path, "-o", out,
    )  # fmt: skip
    assert code == 0, feedback
    told = json.loads(said)
    certificate = CameraCalibration.parse(out.read_bytes(), source="plane")
    assert told["digest"] == certificate.digest
    assert told["pictures"][0]["corners"] == 35
    assert len(certificate.signatures) == 1
    assert "35 corners" in feedback
    px = np.array([[100.0, 80.0], [400.0, 300.0]])
    length = np.linalg.norm(np.diff(certificate.plane().to_mm(px), axis=0))
    assert length == pytest.approx(np.linalg.norm(np.diff(IN_PLANE.to_plane(px), axis=0)), rel=2e-4)


def test_flat_and_noise_complete_a_certificate(kit: Kit, run: Run, target: Path, tmp_path: Path) -> None:
    base, flat, both = tmp_path / "a.cal", tmp_path / "b.cal", tmp_path / "c.cal"
    plane = ("plane", "--images", kit.pictures / "plane" / "plane.png", "--target", target, "--camera", "c")
    assert run(*plane, "-o", base)[0] == 0
    darks = ("--darks", kit.pictures / "dark")
    assert run("flat", base, "--flats", kit.pictures / "flat", *darks, "-o", flat)[0] == 0
    assert run("noise", flat, "--flats", kit.pictures / "noise", *darks, "-o", both)[0] == 0
    first, last = (CameraCalibration.parse(p.read_bytes(), source=p.name) for p in (base, both))
    assert last.flat_field is not None
    assert last.photon_transfer is not None
    assert last.photon_transfer.planes[0].levels == 6
    assert last.optics == first.optics
    assert last.valid_until == first.valid_until
    assert (tmp_path / "b.flat.npy").exists()
    lone = tmp_path / "noise"
    shutil.copytree(kit.pictures / "noise", lone)
    (lone / "00500us-2.png").unlink()
    code, _, error = run("noise", base, "--flats", lone, *darks, "-o", tmp_path / "d.cal")
    assert (code, "level 00500us has 1 frames (00500us-1.png), not 2" in error) == (2, True)


@pytest.mark.parametrize("kind", ["charuco", "chessboard", "dots"])
def test_a_target_file_says_what_it_was_asked_and_prints(kind: str, run: Run, tmp_path: Path) -> None:
    path = make_target(run, tmp_path / "t.yaml", kind=kind, print=tmp_path / "board.pdf")
    target = Target.open(path)
    assert (target.kind, target.columns, target.rows, target.pitch_mm) == (kind, 8, 6, 5.0)
    assert (target.serial, target.expires) == ("CB-7", date(2099, 1, 1))
    assert path.read_text().count("# ") > 10
    assert (tmp_path / "board.pdf").read_bytes().startswith(b"%PDF")
    code, _, error = run("target", "-o", path)
    assert (code, "is not overwritten" in error) == (2, True)
    code, _, error = run("target", "-o", tmp_path / "u.yaml", "--print", tmp_path / "b.bmp")
    assert (code, "choose one of them" in error) == (2, True)
    assert not (tmp_path / "u.yaml").exists()


# What is refused: one sentence, exit code 2, nothing written.


@pytest.fixture
def refused(kit: Kit, run: Run, target: Path, tmp_path: Path) -> Callable[..., str]:
    def call(*pictures: Path, command: str = "lens", **options: object) -> str:
        out = tmp_path / "out" / "cell.cal"
        out.parent.mkdir(exist_ok=True)
        stated = {"target": target, "camera": "cam-1", "out": out, **options}
        words = [part for name, value in stated.items() for part in (f"--{name.replace('_', '-')}", value)]
        images = [part for picture in pictures for part in ("--images", picture)]
        code, _, error = run(command, *images, *words)
        assert code == 2, error
        assert error.startswith("hallmark: ")
        assert error.count("\n") == 1
        assert list(out.parent.iterdir()) == []
        return error

    return call


def lens_pictures(kit: Kit, count: int = 7) -> list[Path]:
    return sorted((kit.pictures / "lens").iterdir())[:count]


def test_too_few_and_parallel_poses(kit: Kit, refused: Callable[..., str]) -> None:
    few = refused(*lens_pictures(kit, 2))
    assert "2 pictures of the target, at least 4 are needed" in few
    assert "next, tilt the target" in few
    parallel = refused(kit.home / "parallel")
    assert "the poses do not tell the focal length from the distance" in parallel
    assert "tilt" in parallel


def test_another_target_than_the_definition(
    kit: Kit, run: Run, refused: Callable[..., str], tmp_path: Path
) -> None:
    dictionary = make_target(run, tmp_path / "other.yaml", dictionary="DICT_4X4_50")
    for other in (dictionary, make_target(run, tmp_path / "rows.yaml", columns=6, rows=9)):
        told = refused(*lens_pictures(kit, 1), target=other)
        assert "none of 1 pictures shows the target" in told
        assert "0.png" in told
    expired = make_target(run, tmp_path / "expired.yaml", expires="2020-01-01")
    assert "its certificate expired on 2020-01-01" in refused(*lens_pictures(kit), target=expired)
    (tmp_path / "broken.yaml").write_text("kind: charuco\ncolumns: 8\n")
    assert "this field is required" in refused(*lens_pictures(kit), target=tmp_path / "broken.yaml")


def test_a_mirrored_target(kit: Kit, refused: Callable[..., str], tmp_path: Path) -> None:
    first = lens_pictures(kit)[0]
    flipped = write(tmp_path / "flipped.png", np.ascontiguousarray(read(first)[:, ::-1]))
    told = refused(first, flipped)
    assert "flipped.png" in told
    assert "mirror" in told


def test_mixed_resolutions_and_cameras(kit: Kit, refused: Callable[..., str], tmp_path: Path) -> None:
    first, *others = lens_pictures(kit)
    smaller = write(tmp_path / "smaller.png", cv2.resize(read(first), (400, 300)))
    told = refused(first, smaller)
    assert "smaller.png is 400 x 300 px" in told
    assert "cameras or resolutions are mixed" in told
    colour = write(tmp_path / "colour.png", cv2.cvtColor(read(first), cv2.COLOR_GRAY2BGR))
    assert "colour uint8" in refused(first, colour)
    told = refused(*others[:5], kit.home / "foreign" / "foreign.png")
    assert "foreign.png does not fit the others" in told
    assert "another camera" in told


def test_no_pictures_and_no_picture_files(kit: Kit, refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no pictures" in refused(tmp_path / "empty")
    assert "no such file or folder" in refused(tmp_path / "absent.png")
    (tmp_path / "text.png").write_text("no picture")
    assert "does not decode" in refused(tmp_path / "text.png")
    assert "is given twice" in refused(*lens_pictures(kit, 1) * 2)
    assert "GenICam" in refused(*lens_pictures(kit, 1), pixel_format="Grey8")
    assert "which is not Mono12" in refused(*lens_pictures(kit, 1), pixel_format="Mono12")


def test_an_existing_certificate_is_not_overwritten(kit: Kit, run: Run, target: Path, tmp_path: Path) -> None:
    out = tmp_path / "cell.cal"
    arguments = ("lens", "--images", kit.pictures / "lens", "--target", target, "--camera", "c", "-o", out)
    for path in (out, tmp_path / "cell.png"):
        path.write_text("kept")
        code, _, error = run(*arguments)
        assert (code, "exists and is not overwritten" in error) == (2, True)
        assert path.read_text() == "kept"
        path.unlink()
    code, _, error = run(*arguments[:-1], tmp_path / "nowhere" / "cell.cal")
    assert (code, "is no folder" in error) == (2, True)


@pytest.mark.parametrize(("out", "told"), [(".", "is no file"), ("cell.png", "end its own name with .cal")])
def test_a_certificate_has_a_name_of_its_own(
    kit: Kit, run: Run, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    code, _, error = run(
        "lens", "--images", kit.pictures / "lens", "--target", target, "--camera", "c", "-o", out
    )
    assert (code, told in error) == (2, True)
    assert sorted(tmp_path.iterdir()) == before


def test_bad_pictures_among_good_ones_are_refused_by_name_and_the_rest_calibrates(
    kit: Kit, run: Run, target: Path, tmp_path: Path
) -> None:
    """Blurred, saturated and without a target: left out. JPEG and other exposure: taken, with a warning."""
    pictures = lens_pictures(kit)
    bright = np.clip(read(pictures[1]).astype(np.float32) * 3.2, 0, 255).astype(np.uint8)
    bad = [
        write(tmp_path / "blurred.png", cv2.GaussianBlur(read(pictures[1]), (0, 0), 4.0)),
        write(tmp_path / "bright.png", bright),
        write(tmp_path / "nothing.png", np.full((360, 480), 120, np.uint8)),
    ]
    darker = write(tmp_path / "darker.png", (read(pictures[5]) * 0.5).astype(np.uint8))
    jpeg = write(tmp_path / "compressed.jpg", read(pictures[6]))
    given = [*pictures[:5], *bad, darker, jpeg]
    out = tmp_path / "cell.cal"
    code, said, error = run(
        "lens", "--images", given[0], *given[1:], "--plane-image", kit.pictures / "plane" / "plane.png",
        "--target", target, "--camera", "cam-1", "--json", "-o", out,
    )  # fmt: skip
    assert code == 0, error
    told: dict[str, Any] = {Path(p["path"]).name: p for p in json.loads(said)["pictures"]}
    assert [told[path.name]["refused"] for path in bad] == [
        "target_blurred", "target_saturated", "target_not_found",
    ]  # fmt: skip
    assert "darker.png" in error
    assert any("0.5 times as bright" in warning for warning in told["darker.png"]["warnings"])
    assert any("JPEG" in warning for warning in told["compressed.jpg"]["warnings"])
    assert "blurred.png  refused" in error
    optics = CameraCalibration.parse(out.read_bytes(), source="cell").optics
    assert optics is not None
    assert optics.pictures == 7
