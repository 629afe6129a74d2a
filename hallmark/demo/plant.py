"""The demo's plant: two parties with keys, a sealed golden sample, a certificate, a server, stations."""

from __future__ import annotations

import multiprocessing
import os
import queue
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from api import Store
from api.ledger import timestamp
from api.store import keys as api_keys
from calibration import CameraCalibration
from datasets import pcb_s4
from golden import bundle, seal
from golden.authoring import parse_spec
from golden.keys import SigningKey, TrustStore
from golden.sample import GoldenSample, write_file
from hallmark.demo.errors import DemoError
from stations.process import Progress, StationConfig, run_station

SPEC = Path(__file__).with_name("s4.yaml")
LOT = "S4-2026-0001"
LINES = ("line-1", "line-2")
OQC = "oqc-1"
# Scale of a fixed rig: how far scale and tilt can move it, as a relative standard uncertainty.
RELATIVE_UNCERTAINTY = 3e-4
_START_S = 30
_STALLED_S = 300


@dataclass(frozen=True, slots=True)
class Plant:
    """Where everything lies, and the opened golden sample."""

    root: Path
    golden: GoldenSample
    golden_file: Path
    trust: Path
    certificates: Mapping[str, Path]

    def station(self, name: str, jobs: Sequence[Any], server: Server | None) -> StationConfig:
        """Return the configuration of a station with its own camera, spool and key."""
        return StationConfig(
            station=name,
            golden=self.golden_file,
            trust=self.trust,
            spool=self.root / "stations" / name,
            jobs=tuple(jobs),
            calibrations={"top": self.certificates[name]},
            lot=LOT,
            server=None if server is None else server.url,
            api_key="" if server is None else server.tokens[name],
            keep_frames=None if server is None else 0,
        )


def build_plant(root: Path, now: datetime) -> Plant:
    """Author, seal and calibrate: everything that is agreed before a unit is made."""
    spec = parse_spec(SPEC.read_text("utf-8"), SPEC.name)
    supplier = SigningKey.generate(spec.party("supplier").name, "supplier")
    buyer = SigningKey.generate(spec.party("buyer").name, "buyer")
    trust = root / "trust"
    trust.mkdir(parents=True)
    for key in (supplier, buyer):
        _, public = key.save(root / "keys" / key.role)
        write_file(trust / public.name, public.read_bytes())
    images = {view.image: pcb_s4.good_scan() for view in spec.views}
    unsigned = bundle.build(
        spec, images, version=1, issued=now, expires=now + timedelta(days=365), predecessor=None
    )
    by_mail = seal.sign(unsigned, supplier)
    golden_file = root / "s4.golden"
    write_file(golden_file, seal.sign(by_mail, buyer))
    golden = GoldenSample.open(golden_file, TrustStore.open(trust), now)
    certificates: dict[str, Path] = {}
    for name in (*LINES, OQC):
        certificates[name] = root / f"{name}.cal"
        CameraCalibration.nominal(
            camera=f"{name}/top", mm_per_px=pcb_s4.MM_PER_PX, relative_uncertainty=RELATIVE_UNCERTAINTY,
            issued=now, valid_until=now + timedelta(days=1),
            conditions="simulated camera on a fixed rig; scale stated by the twin, not measured",
        ).save(certificates[name])  # fmt: skip
    return Plant(root, golden, golden_file, trust, certificates)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and the keys of those who talk to it."""

    url: str
    tokens: Mapping[str, str]

    def ask(self, who: str, method: str, path: str, **kwargs: Any) -> Any:  # noqa: ANN401 (JSON)
        """Send one request as `who` and return the JSON answer.

        Raises:
            DemoError: the server refused.
        """
        return self._send(who, method, path, **kwargs).json()

    def frame(self, who: str, inspection: str, view: str) -> bytes:
        """Return the evidence of one view of one inspection, byte for byte.

        Raises:
            DemoError: the server refused.
        """
        return self._send(who, "GET", f"/inspections/{inspection}/frames/{view}").content

    def _send(self, who: str, method: str, path: str, **kwargs: Any) -> httpx.Response:  # noqa: ANN401
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        response = httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=60, **kwargs)
        if response.is_error:
            raise DemoError(f"{method} {path} answered {response.status_code}: {response.text[:500]}")
        return response


@contextmanager
def serving(plant: Plant) -> Generator[Server]:
    """Start the server in a process of its own on a free loopback port; end it on leaving."""
    data = plant.root / "server"
    tokens = _make_keys(data, plant)
    with (plant.root / "server.log").open("wb") as log:
        command = [
            sys.executable,
            "-m",
            "hallmark",
            "serve",
            "--data",
            str(data),
            "--trust",
            str(plant.trust),
        ]
        process = subprocess.Popen(  # noqa: S603 (our own command)
            [*command, "--trust", str(plant.trust), "--port", "0", "--json-logs"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url.startswith("http"):
                raise DemoError(f"the server did not start; see {plant.root / 'server.log'}")
            yield Server(url, tokens)
        finally:
            end(process)
            assert process.stdout is not None
            process.stdout.close()


def end(process: subprocess.Popen[str], patience_s: float = _START_S) -> None:
    """Ask a process to end, and end it if it has not after a while: what else went wrong is to be told."""
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _make_keys(data: Path, plant: Plant) -> dict[str, str]:
    """Make one key for each station and person of the story."""
    buyer, supplier = plant.golden.spec.party("buyer").name, plant.golden.spec.party("supplier").name
    wanted: list[tuple[str, api_keys.Role, str, str | None, str | None]] = [
        *((name, "station", name, name, None) for name in (*LINES, OQC)),
        ("engineer", "engineer", "Engineer of the plant", None, None),
        ("qc", "qc", "QC system", None, None),
        ("buyer", "approver", "I. Lind", None, buyer),
        ("supplier", "approver", "Chen Wei", None, supplier),
        ("auditor", "auditor", "Auditor", None, None),
    ]
    tokens: dict[str, str] = {}
    with Store.open(data) as store, store.database.write() as connection:
        for who, role, name, station, party in wanted:
            _, tokens[who] = api_keys.create(
                connection, role=role, name=name, station=station, party=party,
                entropy=os.urandom(api_keys.ENTROPY_BYTES), actor="operator:demo",
                time=timestamp(datetime.now(UTC)),
            )  # fmt: skip
    return tokens


def run_stations(configs: Sequence[StationConfig], seen: Callable[[Progress], None]) -> None:
    """Run each station in a process of its own; call `seen` for each unit done.

    Raises:
        DemoError: a station ended with an error, or none has done a unit for `_STALLED_S`.
    """
    context = multiprocessing.get_context("spawn")
    done = context.Queue()
    processes = [
        context.Process(target=run_station, args=(config, done), name=config.station) for config in configs
    ]
    for process in processes:
        process.start()
    last = time.monotonic()
    while any(p.is_alive() for p in processes) and time.monotonic() - last < _STALLED_S:
        if _drain(done, seen, 0.2):
            last = time.monotonic()
    _drain(done, seen, 0.2)
    stalled = [process.name for process in processes if process.is_alive()]
    for process in processes:
        if process.is_alive():
            process.kill()
        process.join()
    done.close()
    for process in processes:
        if process.exitcode != 0 and process.name not in stalled:
            raise DemoError(
                f"station {process.name} ended with exit code {process.exitcode}; its message is above"
            )
    if stalled:
        raise DemoError(
            f"no unit was done for {_STALLED_S} s, so {', '.join(stalled)} were ended: is the machine busy "
            "or out of memory? run it again"
        )


def _drain(done: Any, seen: Callable[[Progress], None], timeout: float) -> bool:  # noqa: ANN401 (a queue)
    """Pass on what is in the queue; return whether there was anything."""
    found = False
    while True:
        try:
            seen(done.get(timeout=timeout))
        except queue.Empty:
            return found
        found = True
