"""The plant of the demo on a machine that is slow or stuck: it ends what it started and says why."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

from hallmark.demo import plant
from hallmark.demo.errors import DemoError
from tests.stations.workshop import open_workshop, twin_jobs


def test_stations_that_do_nothing_are_ended_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plant, "_STALLED_S", 0)
    workshop = open_workshop(tmp_path)
    configs = [workshop.config(station=name, spool=tmp_path / name, jobs=twin_jobs(1)) for name in ("a", "b")]
    with pytest.raises(DemoError, match="no unit was done for 0 s, so a, b were ended"):
        plant.run_stations(configs, lambda _: None)
    assert not {p.name for p in multiprocessing.active_children()} & {"a", "b"}


def test_a_server_that_does_not_end_when_asked_is_ended() -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); "
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        plant.end(process, 0.1)
        assert process.returncode == -9
