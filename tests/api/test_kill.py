"""SIGKILL of the server's whole process group in the middle of 500 posts, 20 times: nothing acknowledged is lost.

Acknowledged means that the 2xx reached the client. A client that got none sends the record again after the
restart. In the end exactly 500 records of the round remain, each once, and the journal's chain holds.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from evidence.journal import JournalLine, verify_chain
from tests.api import records
from tests.api.server import Server, prepare, trust_folder

ROUNDS, POSTS, CLIENTS = 20, 500, 4

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


def client(
    work: list[Upload], token: str, url: Callable[[], str], acknowledged: list[Upload], tries: list[int]
) -> None:
    """Post in order; what was not acknowledged is sent again until it is."""
    for upload in work:
        while True:
            tries.append(1)
            try:
                answer = httpx.post(
                    f"{url()}/api/v1/inspections",
                    content=upload[2],
                    headers={"Content-Type": upload[3], "Authorization": f"Bearer {token}"},
                    timeout=10,
                )
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            assert answer.status_code in (200, 201), answer.text
            assert answer.json()["digest"] == upload[1]
            acknowledged.append(upload)
            break


def one_round(
    data: Path, tokens: dict[str, str], number: int, server: Server, restart: Callable[[], Server]
) -> Server:
    kill_after = random.Random(number).randint(POSTS * 5 // 100, POSTS * 95 // 100)
    current = server
    acknowledged: list[Upload] = []
    tries: list[int] = []
    threads: list[threading.Thread] = []
    failures: list[BaseException] = []
    work = {f"r{number}-c{c}": uploads(f"r{number}-c{c}") for c in range(CLIENTS)}

    def run(station: str) -> None:
        try:
            client(work[station], tokens[station], lambda: current.url, acknowledged, tries)
        except BaseException as error:
            failures.append(error)
            raise

    for station in work:
        threads.append(threading.Thread(target=run, args=(station,)))
        threads[-1].start()
    while len(acknowledged) < kill_after and not failures:
        time.sleep(0.001)
    current.kill()
    survived = stored(data, f"r{number}-")
    lost = [upload[0] for upload in list(acknowledged) if survived.get(upload[0]) != upload[1]]
    assert not lost, f"round {number}: acknowledged, then lost: {lost}"
    assert len(survived) < POSTS, "the kill came too late to prove anything"
    current = restart()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not failures
    assert len(tries) > POSTS, "nobody had to try again: the kill hit nothing"
    assert stored(data, f"r{number}-") == {u[0]: u[1] for mine in work.values() for u in mine}
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
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    data, trust = tmp_path / "plant", trust_folder(tmp_path / "trust")
    tokens = prepare(data, [f"r{r}-c{c}" for r in range(ROUNDS) for c in range(CLIENTS)])
    server = Server(data, trust)
    try:
        for number in range(ROUNDS):
            server = one_round(data, tokens, number, server, lambda: Server(data, trust))
        headers = {"Authorization": f"Bearer {tokens['auditor']}"}
        chain = httpx.get(f"{server.url}/api/v1/journal/verification", headers=headers, timeout=60).json()
        assert chain["state"] == "intact", chain
        assert httpx.get(f"{server.url}/api/v1/health").json()["alarms"] == []
        assert server.stop() == 0
    finally:
        server.kill()
    assert len(stored(data, "r")) == ROUNDS * POSTS
    assert not list((data / "frames").glob("*/.partial-*"))
    verify_chain(lines(data))
    assert sum(line.kind == "inspection.stored" for line in lines(data)) == ROUNDS * POSTS


def lines(data: Path) -> list[JournalLine]:
    """Return the journal read without our store."""
    import json

    names = ("sequence", "time", "actor", "kind", "subject", "body", "previous", "hash")
    with closing(sqlite3.connect(data / "hallmark.sqlite")) as db:
        rows = db.execute(f"SELECT {', '.join(names)} FROM journal ORDER BY sequence").fetchall()
    fields: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in rows]
    return [JournalLine.model_validate({**f, "body": json.loads(f["body"])}) for f in fields]
