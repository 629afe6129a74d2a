"""The server as a user starts it, and forked ready to run: `hallmark serve` in a process group of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from api import Store
from api.store import goldens, keys
from tests import builders, forked
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


def words(data: Path, trust: Path, port: int) -> list[str]:
    """Return what stands after `hallmark`."""
    return ["serve", "--data", str(data), "--trust", str(trust), "--port", str(port), "--json-logs"]


class Server:
    """A running `hallmark serve`; `url` once it answers."""

    def __init__(self, data: Path, trust: Path, *, port: int = 0) -> None:
        with (data.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hallmark", *words(data, trust, port)],
                stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
            )  # fmt: skip
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


class ForkedServer:
    """A `hallmark serve` like `Server`, forked from a process that has imported all of it: up in no time.

    A round of kills and restarts costs what the server does, not two seconds of imports.
    """

    def __init__(self, data: Path, trust: Path) -> None:
        context = forked.context()
        told, tell = context.Pipe(duplex=False)
        log = data.parent / "server.log"
        self.process = context.Process(target=_serve, args=(words(data, trust, 0), tell, log))
        self.process.start()
        tell.close()
        with told, open(told.fileno(), closefd=False) as output:
            self.url = output.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), log.read_text()[-2000:]
        self.port = int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """SIGKILL the whole process group."""
        assert self.process.pid is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join(30)
        assert self.process.exitcode == -signal.SIGKILL


def _serve(arguments: list[str], tell: Connection, log: Path) -> None:
    from hallmark.__main__ import main

    os.setsid()
    os.dup2(tell.fileno(), 1)
    with log.open("ab") as errors:
        os.dup2(errors.fileno(), 2)
    sys.argv = ["hallmark", *arguments]
    main()
