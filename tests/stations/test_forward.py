"""Store and forward, against a real HTTP server that drops, fails, refuses and forgets to answer."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from evidence import sha256
from stations import Forwarder, Spool
from tests.stations.bench import STATION, accept, held, reserve


class Server(ThreadingHTTPServer):
    """Keeps records by (station, sequence); answers what `script` says first, then as the API does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[str] = []
        self.received: list[int] = []
        self.stored: dict[tuple[str, int], str] = {}
        self.frames: dict[str, bytes] = {}
        self.keys: set[str] = set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A dropped connection is part of the test."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version: ClassVar[str] = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Be quiet."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        header = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(header + body)
        assert message.get_content_type() == "multipart/form-data"
        parts = {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in message.iter_parts()  # type: ignore[attr-defined]
        }
        record = json.loads(parts.pop("inspection"))
        step = self.server.script.pop(0) if self.server.script else "take"
        self.server.received.append(record["sequence"])
        self.server.keys.add(self.headers["Authorization"])
        if step == "drop":
            self.close_connection = True
        elif step == "page":
            self.answer(200, None)
        elif step.endswith(" page"):
            self.answer(int(step.removesuffix(" page")), None)
        elif step.isdigit():
            problem = {"title": "No", "status": int(step), "detail": f"because {step}"}
            self.answer(int(step), problem, "application/problem+json; charset=utf-8")
        else:
            assert {f["view"]: f["digest"] for f in record["frames"]} == {
                view: sha256(data) for view, data in parts.items()
            }
            key = (record["station"], record["sequence"])
            status = 200 if self.server.stored.get(key) == record["digest"] else 201
            self.server.stored[key] = record["digest"]
            if step == "take and say nothing":
                self.close_connection = True
            else:
                self.answer(status, {"id": record["id"], "digest": record["digest"]})

    def answer(self, status: int, body: Any, media_type: str = "application/json") -> None:
        data = b"<html>please log in</html>" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if body is None else media_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path, STATION) as spool:
        for number in (1, 2, 3):
            accept(spool, reserve(spool), {"top": b"\x89PNG %d" % number, "side": b"II*\0 %d" % number})
        hold = reserve(spool)
        spool.complete(held(serial="S1", lot="L1", station=STATION, sequence=hold, reason="timeout"), {})
        yield spool


@pytest.fixture
def sleeps() -> list[float]:
    return []


@pytest.fixture
def forwarder(server: Server, spool: Spool, sleeps: list[float]) -> Iterator[Forwarder]:
    forwarder = Forwarder.to(
        f"http://127.0.0.1:{server.server_port}", "hmk_secret", spool, sleep=sleeps.append
    )
    with forwarder.client:
        yield forwarder


def test_all_arrive_once_in_order(
    server: Server, spool: Spool, forwarder: Forwarder, sleeps: list[float]
) -> None:
    assert forwarder.drain()
    assert server.received == [1, 2, 3, 4]
    assert server.stored == {(STATION, u.sequence): u.inspection.digest for u in spool.units()}
    assert spool.counts() == {"acknowledged": 4}
    assert server.keys == {"Bearer hmk_secret"}
    assert sleeps == []


def test_dropped_connections_and_errors_are_retried_with_backoff(
    server: Server, spool: Spool, forwarder: Forwarder, sleeps: list[float]
) -> None:
    forwarder.longest_wait_s = 3.0
    server.script = [
        "take", "drop", "500", "503", "page", "401", "429", "take and say nothing", "take", "take", "drop",
    ]  # fmt: skip
    assert forwarder.drain()
    assert server.received == [1, *[2] * 8, 3, 4, 4]
    assert sleeps == [0.5, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 0.5]
    assert server.stored == {(STATION, u.sequence): u.inspection.digest for u in spool.units()}
    assert spool.counts() == {"acknowledged": 4}


def test_refused_records_are_kept_with_the_reason_and_hold_nothing_up(
    server: Server, spool: Spool, forwarder: Forwarder
) -> None:
    server.script = ["take", "409", "422"]
    assert forwarder.drain()
    assert [(u.state, u.problem) for u in spool.units()] == [
        ("acknowledged", None), ("refused", "409 No: because 409"), ("refused", "422 No: because 422"),
        ("acknowledged", None),
    ]  # fmt: skip
    assert spool.prune(keep_newest=0) == 2, "the refused units' frames stay"
    assert set(spool.frames(2)) == {"top", "side"}
    assert spool.retry_refused() == 2
    assert forwarder.drain()
    assert server.received == [1, 2, 3, 4, 2, 3]
    assert {(u.state, u.problem) for u in spool.units()} == {("acknowledged", None)}


@pytest.mark.parametrize("status", [400, 404, 405, 409, 413, 422])
def test_what_a_proxy_answers_refuses_nothing(
    status: int, server: Server, spool: Spool, forwarder: Forwarder
) -> None:
    server.script = [f"{status} page"] * 2
    assert not forwarder.drain(patience=2)
    assert forwarder.trouble is not None
    assert forwarder.trouble.startswith(f"{status} ")
    assert spool.counts() == {"pending": 4}
    assert forwarder.drain()
    assert server.received == [1, 1, 1, 2, 3, 4]
    assert spool.counts() == {"acknowledged": 4}


def test_giving_up_leaves_everything_pending_and_says_why(
    server: Server, spool: Spool, forwarder: Forwarder, sleeps: list[float]
) -> None:
    server.script = ["500"] * 3
    assert not forwarder.drain(patience=3)
    assert forwarder.trouble == "500 No: because 500"
    assert (server.received, len(sleeps)) == ([1, 1, 1], 2)
    assert spool.counts() == {"pending": 4}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    absent = Forwarder.to(nobody, "hmk_secret", spool, sleep=sleeps.append)
    with absent.client:
        assert not absent.drain(patience=1)
    assert absent.trouble is not None
    assert absent.trouble.startswith("ConnectError: ")


def test_a_unit_under_way_is_not_sent(server: Server, spool: Spool, forwarder: Forwarder) -> None:
    reserve(spool, "S5")
    assert forwarder.drain()
    assert spool.counts() == {"acknowledged": 4, "open": 1}
    assert 5 not in server.received


def test_a_lost_frame_is_told_and_holds_nothing_up(
    server: Server, spool: Spool, forwarder: Forwarder, tmp_path: Path
) -> None:
    (tmp_path / "frames" / sha256(b"II*\0 2").removeprefix("sha256:")).unlink()
    assert forwarder.drain()
    assert server.received == [1, 3, 4]
    problem = spool.unit(2).problem
    assert problem is not None
    assert problem.startswith("not sent: ")


def test_the_follower_sends_what_the_line_adds_until_told_to_stop(
    server: Server, spool: Spool, forwarder: Forwarder
) -> None:
    stop = threading.Event()
    server.script = ["500"]
    forwarder.first_wait_s = 0.01
    thread = threading.Thread(target=forwarder.follow, args=(stop, 0.01))
    thread.start()
    for number in (5, 6, 7):
        accept(spool, reserve(spool), {"top": b"late %d" % number})
    for _ in range(500):
        if spool.counts() == {"acknowledged": 7}:
            break
        stop.wait(0.01)
    stop.set()
    thread.join(5)
    assert spool.counts() == {"acknowledged": 7}
    assert server.received == [1, 1, 2, 3, 4, 5, 6, 7]


def test_two_threads_may_send_at_the_same_time(server: Server, spool: Spool, forwarder: Forwarder) -> None:
    for number in range(5, 30):
        accept(spool, reserve(spool), {"top": b"late %d" % number})
    stop = threading.Event()
    thread = threading.Thread(target=forwarder.follow, args=(stop, 0.001))
    thread.start()
    assert forwarder.drain()
    stop.set()
    thread.join(5)
    assert spool.counts() == {"acknowledged": 29}
    assert server.received == list(range(1, 30))
