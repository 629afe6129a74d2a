"""The server as a user starts it: `hallmark serve` in a process group of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from api import Store
from api.store import goldens, keys
from tests import builders
from tests.api import records


def prepare(data: Path, stations: list[str]) -> dict[str, str]:
    """Make a data folder that knows the tiny golden sample; return a token for each station."""
    time, actor = "2026-07-01T00:00:00.000000Z", "operator:test"
    tokens: dict[str, str] = {}
    with Store.open(data) as store, store.database.write() as connection:
        bundle = store.frames.put(builders.sealed_tiny()[0])
        digest = str(records.GOLDEN["digest"])
        golden = goldens.Registered(digest, "T1", "A", 1, time, None, bundle)
        goldens.register(connection, golden, actor=actor, time=time)
        for station in stations:
            _, tokens[station] = keys.create(
                connection, role="station", name=station, station=station, party=None,
                entropy=os.urandom(keys.ENTROPY_BYTES), actor=actor, time=time,
            )  # fmt: skip
        _, tokens["auditor"] = keys.create(
            connection, role="auditor", name="auditor", station=None, party=None,
            entropy=os.urandom(keys.ENTROPY_BYTES), actor=actor, time=time,
        )  # fmt: skip
    return tokens


def trust_folder(folder: Path) -> Path:
    """Make a trust store folder of the builders' keys."""
    for party in (builders.SUPPLIER, builders.BUYER):
        party.save(folder)
    return folder


class Server:
    """A running `hallmark serve`; `url` once it answers."""

    def __init__(self, data: Path, trust: Path, *, port: int = 0) -> None:
        command = [
            sys.executable, "-m", "hallmark", "serve",
            "--data", str(data), "--trust", str(trust), "--port", str(port), "--json-logs",
        ]  # fmt: skip
        with (data.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), (data.parent / "server.log").read_text()[-2000:]
        self.port = int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """SIGKILL the whole process group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self._reap()

    def stop(self) -> int:
        """SIGTERM, as a service manager does; return the exit code."""
        self.process.terminate()
        return self._reap()

    def _reap(self) -> int:
        code = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code
