"""Plays the tutorial: runs the code of README.md in order, against a real server whose clock the page moves.

    python docs/tutorial/play.py            in a folder that is thrown away
    python docs/tutorial/play.py FOLDER     in a new folder that stays

The page's blocks see four names: `plant`, `clock`, `person` and `station`. Blocks of shell run in the folder.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import CodeType
from typing import Any

import httpx
import structlog
import uvicorn
from fastapi import FastAPI

from api import Store, create_app
from api.store import keys
from evidence import complete, sha256
from golden import conformity
from golden.catalogue import Measures
from golden.keys import TrustStore
from golden.sample import GoldenSample
from golden.spec import Characteristic, Colour, Entered, Surface

HERE = Path(__file__).resolve().parent
PAGE = HERE / "README.md"
MATERIAL = ("cover-plate.yaml", "images/top.png")


class Refused(Exception):
    """The server refused what the page says that it does."""


@dataclass(frozen=True)
class Block:
    """A fenced block of the page, and the line on which its code begins."""

    language: str
    line: int
    code: str

    def compiled(self, page: Path) -> CodeType:
        """Return the Python code; what goes wrong in it is told with the line of the page."""
        return compile("\n" * (self.line - 1) + self.code, str(page), "exec")


@dataclass(frozen=True)
class Chapter:
    """A heading of the page with the blocks below it."""

    title: str
    blocks: tuple[Block, ...]


def chapters(page: Path) -> list[Chapter]:
    """Return the chapters of a page that hold code to run."""
    found: list[tuple[str, list[Block]]] = []
    text = page.read_text("utf-8")
    for match in re.finditer(
        r"^## (?P<title>[^\n]+)$|^```(?P<language>sh|python)\n(?P<code>.*?)^```$", text, re.M | re.S
    ):
        if match["title"]:
            found.append((match["title"], []))
        else:
            line = text.count("\n", 0, match.start("code")) + 1
            found[-1][1].append(Block(match["language"], line, match["code"]))
    return [Chapter(title, tuple(blocks)) for title, blocks in found if blocks]


class Clock:
    """The server's clock: it goes on a millisecond each time it is read, and further when the page says so."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin at the present time."""
        self._now = datetime.now(UTC)

    def __call__(self) -> datetime:
        """Return the time, a millisecond after it was last read."""
        self._now += timedelta(milliseconds=1)
        return self._now

    def wait(self, **given: float) -> None:
        """Let time pass: `clock.wait(days=2, hours=3)`."""
        self._now += timedelta(**given)

    def time(self) -> str:
        """Return the time as records write it."""
        return self._now.isoformat().replace("+00:00", "Z")

    def day(self, days: int = 0) -> str:
        """Return the date so many days from now."""
        return (self._now + timedelta(days=days)).date().isoformat()


class Caller:
    """Somebody with a key: reads and writes over HTTP."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30
        )

    def get(self, path: str, **query: Any) -> Any:
        """Return what the server tells."""
        return self._answer(self.http.get(path, params=query))

    def post(self, path: str, body: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """Return the server's answer; raise `Refused` with its reason."""
        return self._answer(self.http.post(path, **({"json": body} if body is not None else more)))

    def refused(self, path: str, body: Mapping[str, Any] | None = None) -> str:
        """Return why the server refuses; raise where it does not."""
        try:
            answer = self.post(path, body)
        except Refused as error:
            return str(error)
        raise AssertionError(f"POST {path} was to be refused, and answered {answer}")

    def _answer(self, answer: httpx.Response) -> Any:
        if answer.is_error:
            path = answer.request.url.path
            raise Refused(f"{answer.request.method} {path}: {answer.status_code}: {answer.json()['detail']}")
        return answer.json()


class Station(Caller):
    """An inspection station. Its records are made here, of numbers that the page names; no camera is asked."""

    def __init__(self, name: str, url: str, token: str, golden: GoldenSample, clock: Clock) -> None:
        super().__init__(url, token)
        self.name, self._golden, self._clock, self._sequence = name, golden, clock, 0

    def inspect(self, lot: str, serial: str, *, scratch_mm: float = 0.0, **measured: float) -> Any:
        """Record a unit as the page says that it is: nominal where nothing is said. Return the answer."""
        self._sequence += 1
        picture = self._golden.images["images/top.png"] + f"{self.name}/{self._sequence}/{serial}".encode()
        record = complete(self._record(lot, serial, scratch_mm, measured, sha256(picture)))
        files = [("inspection", (None, record.to_json())), ("top", ("top", picture, "image/png"))]
        answer = self.post("/inspections", files=files)
        if answer["counted"] is not True:
            raise Refused(f"{self.name}, unit {serial}: {answer['refused']}")
        return answer

    def _record(
        self, lot: str, serial: str, scratch_mm: float, measured: Mapping[str, float], picture: str
    ) -> dict[str, Any]:
        spec = self._golden.spec
        line = spec.catalogue.weigh("scratch", "front", Measures(scratch_mm)) if scratch_mm else None
        defects = [] if line is None else [{
            "view": "top", "class": "scratch", "severity": line.severity, "confidence": 0.97,
            "box_px": [150, 40, 10 * scratch_mm, 4], "box_mm": [15.0, 4.0, scratch_mm, 0.4],
            "size_mm": scratch_mm, "zone": "front", "rule": line.id,
        }]  # fmt: skip
        rejected = line is not None and line.severity in spec.catalogue.rejects
        results = [
            _result(c, measured.get(c.id), rejected)
            for c in spec.characteristics if not isinstance(c, Entered) or c.id in measured
        ]  # fmt: skip
        decisions = {result["decision"] for result in results if result["id"] != "face"}
        reasons = ["characteristic_nonconform"] * ("nonconform" in decisions)
        reasons += ["surface_rejected"] * rejected
        reasons += ["characteristic_undecided"] * ("undecided" in decisions and not reasons)
        return {
            "part": spec.part.number, "revision": spec.part.revision, "serial": serial, "lot": lot,
            "station": self.name, "sequence": self._sequence,
            "golden": {"digest": self._golden.digest, "version": self._golden.version},
            "model": {"name": "plates", "digest": sha256(b"the classifier of this tutorial")},
            "frames": [{
                "view": "top", "camera": f"{self.name}/top", "digest": picture,
                "captured_at": self._clock.time(), "calibration": None,
                "pose": {"x_px": 0.0, "y_px": 0.0, "angle_deg": 0.0, "scale": 1.0, "residual_px": 0.1},
            }],
            "characteristics": results, "defects": defects,
            "verdict": "REJECT" if rejected or "nonconform" in decisions else "HOLD" if reasons else "ACCEPT",
            "reasons": reasons, "versions": {"tutorial": "1"},
        }  # fmt: skip


def _result(c: Characteristic, measured: float | None, scratched: bool) -> dict[str, Any]:
    shared = {
        "id": c.id, "name": c.name, "source": "manual" if isinstance(c, Entered) else "vision",
        "rule": c.decision.model_dump(mode="json"), "valid": True, "reason": None,
    }  # fmt: skip
    if isinstance(c, Surface):
        return {
            **shared, "value": float(scratched), "unit": None, "nominal": None, "lower": None, "upper": None,
            "standard_uncertainty": None, "coverage_factor": None,
            "decision": "nonconform" if scratched else "conform",
        }  # fmt: skip
    lower, nominal = (None, None) if isinstance(c, Colour) else (c.lower, c.nominal)
    value = measured if measured is not None else 0.4 if nominal is None else nominal
    return {
        **shared, "value": value, "unit": c.unit, "nominal": nominal, "lower": lower, "upper": c.upper,
        "standard_uncertainty": 0.002, "coverage_factor": c.decision.coverage_factor,
        "decision": conformity.decide(value, 0.002, lower, c.upper, c.decision),
    }  # fmt: skip


class Plant:
    """A folder, and a server on it once the golden sample is sealed."""

    def __init__(self, folder: Path) -> None:
        """Take a folder, and put what is to be sealed into it."""
        self.folder, self.clock = folder, Clock()
        self._open = ExitStack()
        for name in MATERIAL:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / name, folder / name)

    def __enter__(self) -> Plant:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def serve(self, golden: str, *, data: str, trust: str) -> None:
        """Do what `hallmark serve --data DATA --trust TRUST` does, by the page's clock."""
        trusted = TrustStore.open(self.folder / trust)
        self.clock.start()  # after the seal, which the shell made at its own time
        self.golden = GoldenSample.open(self.folder / golden, trusted, self.clock())
        self.store = self._open.enter_context(Store.open(self.folder / data, serve=True))
        app = create_app(self.store, trusted, clock=self.clock, entropy=os.urandom)
        self.url = self._open.enter_context(serving(app))

    def system(self, role: str) -> Caller:
        """Make a key for a system of the plant: `qc`, `engineer`, `reader` or `auditor`."""
        return self._known(Caller(self.url, self._key(role=role, name=f"the {role}")))

    def person(self, name: str, party: str, *signs: str) -> Caller:
        """Make a key for a person: for whom they act, and for which roles they sign."""
        return self._known(Caller(self.url, self._key(role="approver", name=name, party=party, signs=signs)))

    def station(self, name: str) -> Station:
        """Make a key for a station."""
        token = self._key(role="station", name=name, station=name)
        return self._known(Station(name, self.url, token, self.golden, self.clock))

    def _known(self, caller: Any) -> Any:
        self._open.callback(caller.http.close)
        return caller

    def _key(self, **given: Any) -> str:
        # what `hallmark apikey create` does
        fields = {"station": None, "party": None, **given}
        with self.store.database.write() as connection:
            _, token = keys.create(
                connection, **fields, entropy=os.urandom(keys.ENTROPY_BYTES), actor="operator:tutorial",
                time=self.clock.time(),
            )  # fmt: skip
        return token


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve on a free loopback port in a thread; give the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # inherited by what it accepts; without it each answer waits 40 ms for the client's delayed ACK
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the server did not start")
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def play(page: Path, plant: Plant) -> Iterator[Chapter]:
    """Run a page's blocks in order; yield each chapter when all that it says has come true."""
    known: dict[str, Any] = {
        "plant": plant, "clock": plant.clock, "person": plant.person, "station": plant.station,
    }  # fmt: skip
    for chapter in chapters(page):
        for block in chapter.blocks:
            if block.language == "sh":
                _shell(block, page, plant.folder)
            else:
                exec(block.compiled(page), known)
        yield chapter


def _shell(block: Block, page: Path, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        ["bash", "-euc", block.code], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Refused(f"{page.name}, line {block.line}: {done.stdout}{done.stderr}")


def main(folder: Path) -> None:
    """Play the tutorial and tell each chapter that has come true."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    with Plant(folder) as plant:
        for chapter in play(PAGE, plant):
            print(f"{plant.clock.time()[:16]}  {chapter.title}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).mkdir(parents=True)
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as away:
            main(Path(away))
