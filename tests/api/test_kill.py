"""SIGKILL of the server's process group in the middle of 500 posts, 20 times: nothing acknowledged is lost.

Acknowledged means that the 2xx reached the client. A client that got none sends the record again after the
restart. In the end exactly 500 records of the round remain, each once, and the journal's chain holds. The
first server and the last are the command as a user gives it; those between are forked with all imports done.
"""

from __future__ import annotations

import functools
import json
import os
import random
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import httpx
import pytest

from evidence.journal import JournalLine, verify_chain
from tests.api import records
from tests.api.server import ForkedServer, Server, prepare, trust_folder

# every round is the same test at another moment; on the way to a release all 20 run
ROUNDS = 20 if os.environ.get("HALLMARK_CI") == "1" else 4
POSTS, CLIENTS = 500, 4

Running = Server | ForkedServer
Upload = tuple[str, str, bytes, str]  # id, digest, multipart body, its content type


def uploads(station: str) -> list[Upload]:
    """Return one client's posts, encoded before the clock runs."""
    made: list[Upload] = []
    for sequence in range(1, POSTS // CLIENTS + 1):
        record, frames = records.inspection(sequence, station=station)
        request = httpx.Request("POST", "http://x/", files=records.parts(record, frames))
        body = request.read()
        made.append((record.id, record.digest, body, request.headers["content-type"]))
    return made


class Client:
    """Posts its uploads in order; what was not acknowledged is sent again until it is."""

    def __init__(self, work: list[Upload], token: str) -> None:
        self.work, self.token = work, token
        self.acknowledged: list[Upload] = []
        self.tries = 0

    def run(self, port: Callable[[], int]) -> None:
        connection: HTTPConnection | None = None
        for upload in self.work:
            while True:
                self.tries += 1
                connection = connection or HTTPConnection("127.0.0.1", port(), timeout=20)
                try:
                    status, answer = self._post(connection, upload)
                    break
                except (OSError, HTTPException):
                    connection.close()
                    connection = None
                    time.sleep(0.02)
            assert status in (200, 201), answer
            assert json.loads(answer)["digest"] == upload[1]
            self.acknowledged.append(upload)
        if connection is not None:
            connection.close()

    def _post(self, connection: HTTPConnection, upload: Upload) -> tuple[int, bytes]:
        headers = {"Content-Type": upload[3], "Authorization": f"Bearer {self.token}"}
        connection.request("POST", "/api/v1/inspections", body=upload[2], headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def one_round(
    data: Path, tokens: dict[str, str], number: int, server: Running, restart: Callable[[], Running]
) -> Running:
    kill_after = random.Random(number).randint(POSTS * 5 // 100, POSTS * 95 // 100)
    current = server
    stations = [f"r{number}-c{c}" for c in range(CLIENTS)]
    clients = [Client(uploads(station), tokens[station]) for station in stations]
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(client.run, lambda: current.port) for client in clients]
        while sum(len(c.acknowledged) for c in clients) < kill_after and not any(r.done() for r in running):
            time.sleep(0.001)
        current.kill()
        acknowledged = [upload for client in clients for upload in tuple(client.acknowledged)]
        survived = stored(data, f"r{number}-")
        current = restart()
        for finished in running:
            finished.result(120)
    lost = [upload[0] for upload in acknowledged if survived.get(upload[0]) != upload[1]]
    assert not lost, f"round {number}: acknowledged, then lost: {lost}"
    assert kill_after <= len(survived) < POSTS, "the kill came too late to prove anything"
    assert sum(c.tries for c in clients) > POSTS, "nobody had to try again: the kill hit nothing"
    assert stored(data, f"r{number}-") == {u[0]: u[1] for client in clients for u in client.work}
    return current


def stored(data: Path, station: str) -> dict[str, str]:
    """Return digest by id of what the database holds of these stations, read without our code."""
    with closing(sqlite3.connect(data / "hallmark.sqlite")) as db:
        rows = db.execute(
            "SELECT id, digest FROM inspections WHERE station LIKE ?", (station + "%",)
        ).fetchall()
    assert len({row[0] for row in rows}) == len(rows)
    return dict(rows)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    data, trust = tmp_path / "plant", trust_folder(tmp_path / "trust")
    tokens = prepare(data, [f"r{r}-c{c}" for r in range(ROUNDS) for c in range(CLIENTS)])
    server: Running = Server(data, trust)
    try:
        for number in range(ROUNDS):
            kind = Server if number == ROUNDS - 1 else ForkedServer
            server = one_round(data, tokens, number, server, functools.partial(kind, data, trust))
        headers = {"Authorization": f"Bearer {tokens['auditor']}"}
        chain = httpx.get(f"{server.url}/api/v1/journal/verification", headers=headers, timeout=60).json()
        assert chain["state"] == "intact", chain
        assert httpx.get(f"{server.url}/api/v1/health").json()["alarms"] == []
        assert isinstance(server, Server)
        assert server.stop() == 0
    finally:
        server.kill()
    assert len(stored(data, "r")) == ROUNDS * POSTS
    assert not list((data / "frames").glob("*/.partial-*"))
    verify_chain(lines(data))
    assert sum(line.kind == "inspection.stored" for line in lines(data)) == ROUNDS * POSTS


def lines(data: Path) -> list[JournalLine]:
    """Return the journal read without our store."""
    names = ("sequence", "time", "actor", "kind", "subject", "body", "previous", "hash")
    with closing(sqlite3.connect(data / "hallmark.sqlite")) as db:
        rows = db.execute(f"SELECT {', '.join(names)} FROM journal ORDER BY sequence").fetchall()
    fields: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in rows]
    return [JournalLine.model_validate({**f, "body": json.loads(f["body"])}) for f in fields]
