"""`hallmark station run` as a user calls it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from typer.testing import CliRunner

from api import Store, create_app
from api.store import keys
from evidence import Inspection, verify_digest
from golden.keys import TrustStore
from hallmark.__main__ import app
from stations import JobError, SpoolForeignError, SpoolReader
from tests.stations.workshop import TODAY, Workshop, open_workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return open_workshop(tmp_path)


def arguments(workshop: Workshop, *more: str, station: str = "cell-1") -> list[str]:
    return [
        "station", "run", "--golden", str(workshop.golden), "--trust", str(workshop.trust),
        "--station", station,
        "--calibration", str(workshop.certificate), "--lot", "L1", "--spool",
        str(workshop.home / "spool"), *more,
    ]  # fmt: skip


def test_a_folder_of_pictures(workshop: Workshop) -> None:
    pictures = workshop.home / "pictures"
    workshop.picture(pictures / "S-2.png", seed=2)
    workshop.picture(pictures / "S-1.png", seed=1)
    good = CliRunner().invoke(app, arguments(workshop, "--images", str(pictures), "--json"))
    assert good.exit_code == 0, good.output
    records = [Inspection.model_validate_json(line) for line in good.stdout.splitlines()]
    assert [(r.sequence, r.serial, r.lot, r.verdict) for r in records] == [
        (1, "S-1", "L1", "ACCEPT"), (2, "S-2", "L1", "ACCEPT"),
    ]  # fmt: skip
    assert all(verify_digest(r) for r in records)
    (pictures / "S-3.png").write_bytes(b"\x89PNG broken")
    bad = CliRunner().invoke(app, arguments(workshop, "--images", str(pictures)))
    assert bad.exit_code == 1
    assert bad.stdout.splitlines() == [
        "     3  ACCEPT  S-1", "     4  ACCEPT  S-2", "     5  HOLD    S-3  frame_unreadable",
    ]  # fmt: skip


def test_one_folder_per_view(workshop: Workshop) -> None:
    workshop.picture(workshop.home / "pictures" / "top" / "S-1.png", seed=1)
    result = CliRunner().invoke(app, arguments(workshop, "--images", str(workshop.home / "pictures")))
    assert result.exit_code == 0, result.output


def test_the_twin_from_the_environment(workshop: Workshop) -> None:
    settings = {
        "HALLMARK_GOLDEN": str(workshop.golden), "HALLMARK_TRUST": str(workshop.trust),
        "HALLMARK_CALIBRATION": f"top={workshop.certificate}", "HALLMARK_STATION": "cell-9",
        "HALLMARK_SPOOL": str(workshop.home / "nine"),
    }  # fmt: skip
    result = CliRunner(env=settings).invoke(app, ["station", "run", "--twin", "2"])
    assert result.exit_code == 0, result.output
    with SpoolReader.read(workshop.home / "nine") as spool:
        assert spool.station == "cell-9"
        assert [u.serial for u in spool.units()] == ["TWIN-1-0001", "TWIN-1-0002"]


def test_an_unreachable_server_leaves_records_in_the_spool(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    key = workshop.home / "cell.key"
    key.write_text("hmk_secret\n")
    result = CliRunner().invoke(
        app, arguments(workshop, "--twin", "1", "--server", "http://127.0.0.1:9", "--api-key-file", str(key))
    )
    assert result.exit_code == 0, "a verdict does not depend on the server"
    assert "1 records wait in the spool: ConnectError" in result.stderr
    assert "hmk_secret" not in result.output
    again = CliRunner().invoke(
        app, arguments(workshop, "--server", "http://127.0.0.1:9", "--api-key-file", str(key))
    )
    assert again.exit_code == 1, "forwarding was all there was to do"
    assert "1 records wait in the spool: ConnectError" in again.stderr


def test_the_cameras_own_identity_is_held_against_the_certificate(workshop: Workshop) -> None:
    run = CliRunner().invoke
    assert run(app, arguments(workshop, "--twin", "1", "--camera", "cam-1")).exit_code == 0
    assert run(app, arguments(workshop, "--twin", "1"), env={"HALLMARK_CAMERA": "top=cam-1"}).exit_code == 0
    foreign = run(app, arguments(workshop, "--twin", "1", "--camera", "top=cam-2", "--camera", "cam-1"))
    assert foreign.exit_code == 1
    assert foreign.stdout == "     3  HOLD    TWIN-1-0001  calibration_foreign\n"
    twice = run(app, arguments(workshop, "--twin", "1", "--camera", "a", "--camera", "b"))
    assert isinstance(twice.exception, JobError)
    assert "--camera b: give one camera per view, as VIEW=ID" in str(twice.exception)


def test_bad_input_is_refused(workshop: Workshop) -> None:
    run = CliRunner().invoke
    both = run(app, arguments(workshop))
    assert isinstance(both.exception, JobError)
    assert "either --images DIR or --twin N" in str(both.exception)
    pictures = ("--images", str(workshop.home), "--twin", "1")
    assert isinstance(run(app, arguments(workshop, *pictures)).exception, JobError)
    keyless = run(app, arguments(workshop, "--twin", "1", "--server", "http://x"))
    assert isinstance(keyless.exception, JobError)
    twice = run(app, arguments(workshop, "--twin", "1", "--calibration", str(workshop.certificate)))
    assert "VIEW=F" in str(twice.exception)
    absent = run(app, arguments(workshop, "--twin", "1", "--calibration", "side=nowhere.cal"))
    assert "there is no file nowhere.cal" in str(absent.exception)
    key = workshop.home / "cell.key"
    key.write_text("hmk_secret")
    server = ("--server", "ftp://plant", "--api-key-file", str(key))
    ftp = run(app, arguments(workshop, "--twin", "1", *server))
    assert isinstance(ftp.exception, JobError)
    nothing = run(app, arguments(workshop, "--server", "http://plant", "--api-key-file", str(key)))
    assert isinstance(nothing.exception, SpoolForeignError), "there is nothing to forward from"
    assert "'ftp://plant' is no server" in str(ftp.exception)
    assert not (workshop.home / "spool").exists()
    assert run(app, arguments(workshop, "--twin", "1")).exit_code == 0
    other = run(app, arguments(workshop, "--twin", "1", station="cell-2"))
    assert isinstance(other.exception, SpoolForeignError)


def test_the_command_says_one_sentence_and_exits_2(workshop: Workshop) -> None:
    workshop.seal(1, expires=TODAY - timedelta(days=1))
    result = subprocess.run(
        [sys.executable, "-m", "hallmark", *arguments(workshop, "--twin", "1")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 2
    assert result.stderr.startswith("hallmark: ")
    assert len(result.stderr.splitlines()) == 1
    assert not (workshop.home / "spool").exists()


def test_help_has_examples_and_names_the_settings() -> None:
    result = CliRunner().invoke(app, ["station", "run", "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for part in ("Examples", "--images pictures", "HALLMARK_SPOOL", "HALLMARK_API_KEY_FILE"):
        assert part in result.output


def test_json_lines_are_canonical(workshop: Workshop) -> None:
    result = CliRunner().invoke(app, arguments(workshop, "--twin", "1", "--json"))
    (line,) = result.stdout.splitlines()
    assert line == json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_records_travel_to_the_real_server_and_the_refused_ones_too_once_it_knows_the_golden_sample(
    workshop: Workshop,
) -> None:
    with Store.open(workshop.home / "plant", serve=True) as store:

        def key(role: str, station: str | None) -> str:
            with store.database.write() as connection:
                return keys.create(
                    connection, role=role, name=role, station=station, party=None, entropy=os.urandom(54),
                    actor="operator:test", time="2026-07-01T00:00:00Z",
                )[1]  # fmt: skip

        plant = create_app(
            store, TrustStore.open(workshop.trust), clock=lambda: datetime.now(UTC), entropy=os.urandom
        )
        secret = workshop.home / "cell.key"
        secret.write_text(key("station", "cell-1"))
        engineer = {"Authorization": f"Bearer {key('engineer', None)}"}
        with ExitStack() as stack:
            url = _serve(plant, stack)
            forward = ("--server", url, "--api-key-file", str(secret))
            early = CliRunner().invoke(app, without_lot(workshop, "--twin", "2", *forward))
            assert early.exit_code == 0
            assert "the server refused sequence 2: 409" in early.stderr
            assert "2 records are refused: once" in early.stderr
            assert "--retry-refused" in early.stderr
            same = CliRunner().invoke(app, arguments(workshop, "--retry-refused", *forward))
            assert same.exit_code == 1
            assert "2 records are refused" in same.stderr
            sample = workshop.golden.read_bytes()
            assert httpx.post(f"{url}/api/v1/goldens", content=sample, headers=engineer).status_code == 201
            workshop.seal(1, expires=TODAY - timedelta(days=1))  # what was inspected before still travels
            alone = CliRunner().invoke(app, arguments(workshop, "--retry-refused", *forward))
            assert (alone.exit_code, alone.stdout) == (0, ""), alone.output
            with SpoolReader.read(workshop.home / "spool") as spool:
                assert spool.counts() == {"acknowledged": 2}
            workshop.golden.write_bytes(sample)
            again = ("--twin", "2", "--seed", "2", "--keep-frames", "1")
            late = CliRunner().invoke(app, without_lot(workshop, *again, *forward))
            assert late.exit_code == 0, late.output
            items = httpx.get(f"{url}/api/v1/inspections", headers=engineer).json()["items"]
    with SpoolReader.read(workshop.home / "spool") as spool:
        assert sorted(i["digest"] for i in items) == sorted(u.inspection.digest for u in spool.units())
        assert spool.counts() == {"acknowledged": 4}
        assert len(list((workshop.home / "spool" / "frames").iterdir())) == 1


def without_lot(workshop: Workshop, *more: str) -> list[str]:
    """Return arguments for units of no lot: a server takes those of a lot only once the lot is open."""
    made = arguments(workshop, *more)
    at = made.index("--lot")
    return made[:at] + made[at + 2 :]


def _serve(plant: FastAPI, stack: ExitStack) -> str:
    """Serve on a free loopback port until the stack unwinds, whatever happens in it."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    server = uvicorn.Server(uvicorn.Config(plant, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    stack.callback(thread.join)
    stack.callback(setattr, server, "should_exit", True)
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    return f"http://127.0.0.1:{listener.getsockname()[1]}"
