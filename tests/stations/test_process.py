"""A station opened by path, with the real inspector over a synthetic plate, here and in own processes."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from calibration import CalibrationExpiredError
from datasets.twin import ColourShift, rectangle
from golden.errors import ExpiredError, RolledBackError
from stations import (
    FolderCamera,
    ImageJob,
    JobError,
    Progress,
    Spool,
    SpoolReader,
    TwinJob,
    encode_png,
    open_station,
    run_line,
    run_station,
)
from tests.stations.bench import NOW
from tests.stations.workshop import TODAY, Workshop, open_workshop, twin_jobs
from vision import read_frame


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return open_workshop(tmp_path)


def test_good_units_pass_and_bad_pictures_are_held(workshop: Workshop) -> None:
    black, broken = workshop.home / "black.png", workshop.home / "broken.png"
    black.write_bytes(encode_png(np.zeros((700, 900, 3), np.uint8)))
    broken.write_bytes(b"\x89PNG\r\n\x1a\nand then nothing")
    small = workshop.home / "small.png"
    small.write_bytes(encode_png(np.full((80, 80, 3), 128, np.uint8)))
    good = workshop.picture(workshop.home / "good.png", seed=9)
    jobs = (
        *twin_jobs(2),
        ImageJob("GOOD", {"top": good}),
        ImageJob("BLACK", {"top": black}),
        ImageJob("BROKEN", {"top": broken}),
        ImageJob("SMALL", {"top": small}),
        ImageJob("GONE", {"top": workshop.home / "gone.png"}),
    )
    summary = run_station(workshop.config(jobs=jobs, signals=workshop.home / "signals.jsonl"))
    with SpoolReader.read(workshop.home / "spool") as spool:
        results = {u.serial: (u.inspection.verdict, u.inspection.reasons) for u in spool.units()}
        assert spool.frames(3) == {"top": good.read_bytes()}
    assert results == {
        "T001": ("ACCEPT", ()), "T002": ("ACCEPT", ()), "GOOD": ("ACCEPT", ()),
        "BLACK": ("HOLD", ("frame_dark",)), "BROKEN": ("HOLD", ("frame_unreadable",)),
        "SMALL": ("HOLD", ("frame_unreadable",)), "GONE": ("HOLD", ("camera_failed",)),
    }  # fmt: skip
    assert summary.verdicts == {"ACCEPT": 3, "HOLD": 4}
    assert summary.states == {"pending": 7}
    assert len((workshop.home / "signals.jsonl").read_text().splitlines()) == 7


def test_two_spawned_stations_give_the_records_that_one_gives(workshop: Workshop) -> None:
    changed = TwinJob("CHANGED", 77, (ColourShift(rectangle(500, 300, 200, 200), (1.6, 0.6, 0.6)),), TODAY)
    halves = (twin_jobs(3), (*twin_jobs(2, first=4), changed))
    context = multiprocessing.get_context("spawn")
    progress = context.Queue()
    configs = [
        workshop.config(station=f"cell-{n}", jobs=jobs, spool=workshop.home / f"spool-{n}")
        for n, jobs in enumerate(halves, 1)
    ]
    processes = [context.Process(target=run_station, args=(config, progress)) for config in configs]
    for process in processes:
        process.start()
    seen = [progress.get(timeout=120) for _ in range(6)]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    progress.close()
    progress.join_thread()
    assert all(isinstance(item, Progress) for item in seen)
    assert {(p.station, p.serial) for p in seen} == {
        ("cell-1", "T001"), ("cell-1", "T002"), ("cell-1", "T003"),
        ("cell-2", "T004"), ("cell-2", "T005"), ("cell-2", "CHANGED"),
    }  # fmt: skip
    assert {p.serial: p.verdict for p in seen if p.verdict != "ACCEPT"}.keys() == {"CHANGED"}
    for n, jobs in enumerate(halves, 1):
        run_station(workshop.config(station=f"cell-{n}", jobs=jobs, spool=workshop.home / f"again-{n}"))
        with (
            SpoolReader.read(workshop.home / f"spool-{n}") as first,
            SpoolReader.read(workshop.home / f"again-{n}") as second,
        ):
            assert [u.inspection.digest for u in first.units()] == [
                u.inspection.digest for u in second.units()
            ]


def test_what_does_not_hold_is_refused_before_a_spool_exists(workshop: Workshop) -> None:
    late = TODAY + timedelta(days=400)
    expired = workshop.certify(valid_until=TODAY - timedelta(days=1), name="old.cal")
    bad = [
        (workshop.config(jobs=twin_jobs(1), clock=late), ExpiredError, "expired"),
        (workshop.config(jobs=twin_jobs(1), calibrations={"*": expired}), CalibrationExpiredError, "old.cal"),
        (workshop.config(jobs=twin_jobs(1), view="side"), JobError, "no view side; it has top"),
        (workshop.config(jobs=twin_jobs(1), cameras={"side": "c"}), JobError, "no view side; it has top"),
        (
            workshop.config(jobs=(ImageJob("A", {"side": workshop.golden}),)),
            JobError,
            "no view side; it has top",
        ),
    ]
    for config, error, sentence in bad:
        with pytest.raises(error, match=sentence), open_station(config):
            pass
        assert not config.spool.exists()
    with pytest.raises(JobError, match="T001 occurs 2 times"):
        workshop.config(jobs=(*twin_jobs(1), *twin_jobs(1)))
    for name in ("", " ", "x" * 129, "S1 ", "\u00a0S1", "S\n1", "S1\ud800", "S1\u200b"):
        with pytest.raises(JobError, match="1 to 128 printable characters"):
            workshop.config(jobs=(TwinJob(name, 1),))
        with pytest.raises(JobError, match="1 to 128 printable characters"):
            workshop.config(station=name)
        with pytest.raises(JobError, match="1 to 128 printable characters"):
            workshop.config(cameras={"top": name})


@pytest.mark.parametrize(
    "server",
    [
        "", "cell", "127.0.0.1:8000", "localhost:8000", "ftp://plant", "file:///tmp", "http://", "http:///x",
        "http://plant:99999", "http://plant:x", "http://a b", "http://pla\nnt", "http://[::1",
        "http://plant?x=1", "http://plant#x", "http://user:word@plant",
    ],
)  # fmt: skip
def test_a_server_that_is_no_web_address_is_refused(server: str, workshop: Workshop) -> None:
    with pytest.raises(JobError, match="is no server: give http"):
        workshop.config(server=server)


@pytest.mark.parametrize("server", ["http://plant", "https://plant:8443/hallmark/", "http://[::1]:8000"])
def test_a_web_address_is_a_server(server: str, workshop: Workshop) -> None:
    assert workshop.config(server=server).server == server


def test_a_station_never_goes_back_to_an_older_golden_sample(workshop: Workshop) -> None:
    newer = workshop.seal(2, name="v2.golden")
    assert run_station(workshop.config(golden=newer)).states == {}
    with pytest.raises(RolledBackError), open_station(workshop.config(jobs=twin_jobs(1))):
        pass
    with Spool.open(workshop.home / "spool", "cell-1") as spool:
        assert spool.newest_version("T1") == 2
        assert spool.units() == []


def test_without_a_certificate_nothing_is_accepted(workshop: Workshop) -> None:
    summary = run_station(workshop.config(jobs=twin_jobs(1), calibrations={}))
    assert summary.verdicts == {"HOLD": 1}
    with SpoolReader.read(workshop.home / "spool") as spool:
        assert spool.unit(1).inspection.reasons == ("calibration_absent",)


def test_a_certificate_that_runs_out_while_the_station_runs_decides_nothing_more(workshop: Workshop) -> None:
    end = workshop.certify(valid_until=TODAY + timedelta(hours=1))
    config = workshop.config(jobs=(TwinJob("S1", 1), TwinJob("S2", 2)), calibrations={"*": end}, clock=None)
    with open_station(config) as station:
        times = iter([TODAY, TODAY + timedelta(hours=2)])
        used = replace(station.line, now=lambda: next(times))
        records = list(run_line(used, ["S1", "S2"]))
    assert [(r.verdict, r.reasons) for r in records] == [("ACCEPT", ()), ("HOLD", ("calibration_expired",))]


@pytest.mark.parametrize("view", ["top", "*"])
def test_the_certificate_of_another_camera_decides_nothing(view: str, workshop: Workshop) -> None:
    for number, (camera, reasons) in enumerate([("cam-1", ()), ("cam-2", ("calibration_foreign",))], 1):
        run_station(workshop.config(jobs=twin_jobs(1), cameras={view: camera}))
        with SpoolReader.read(workshop.home / "spool") as spool:
            found = spool.unit(number).inspection
        assert (found.verdict, found.reasons) == ("HOLD" if reasons else "ACCEPT", reasons)
        assert [f.camera for f in found.frames] == [camera]


def test_without_a_stated_identity_the_certificate_names_the_camera(workshop: Workshop) -> None:
    run_station(workshop.config(jobs=twin_jobs(1)))
    run_station(workshop.config(jobs=twin_jobs(1), calibrations={}))
    with SpoolReader.read(workshop.home / "spool") as spool:
        assert [u.inspection.frames[0].camera for u in spool.units()] == ["cam-1", "cell-1/top"]


def test_a_folder_is_read_in_order_of_name(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "c.TIF", "notes.txt"):
        (tmp_path / name).write_bytes(name.encode())
    camera = FolderCamera.open(tmp_path, identity="cam", view="top", now=lambda: NOW)
    assert camera.serials == ("a", "b", "c")
    assert camera.capture("b").data == b"b.png"
    assert camera.capture("b").captured_at == NOW
    (tmp_path / "a.png").write_bytes(b"again")
    with pytest.raises(JobError, match="serial a has two pictures"):
        FolderCamera.open(tmp_path, identity="cam", view="top", now=lambda: NOW)
    (tmp_path / "empty").mkdir()
    with pytest.raises(JobError, match="holds no picture"):
        FolderCamera.open(tmp_path / "empty", identity="cam", view="top", now=lambda: NOW)
    with pytest.raises(JobError, match="is not a folder"):
        FolderCamera.open(tmp_path / "none", identity="cam", view="top", now=lambda: NOW)


def test_encoded_pixels_decode_to_the_same_pixels() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (90, 70, 3)).astype(np.uint8)
    frame = read_frame(encode_png(pixels), view="top", camera="cam")
    assert np.array_equal(frame.pixels, pixels)
    assert encode_png(pixels) == encode_png(pixels)
