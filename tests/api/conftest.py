"""An application on a fresh data folder, with one key of every role."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import uvicorn
from fastapi import FastAPI

from api import Limits, Store, create_app
from api.store import keys
from tests import builders
from tests.api import records

BINDINGS: dict[str, dict[str, str]] = {
    "station": {"station": records.STATION},
    "approver": {"party": builders.BUYER.party},
}


@dataclass
class Plant:
    """A real server in a thread of this process: its client, its store, a token per role, and its clock."""

    app: FastAPI
    client: httpx.Client
    store: Store
    tokens: dict[str, str]
    data: Path
    now: datetime = builders.NOW

    def tick(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def key(self, role: str, name: str, **binding: Any) -> str:
        """Make one more key and return its token."""
        fields: dict[str, Any] = {"station": None, "party": None, **binding}
        with self.store.database.write() as connection:
            return keys.create(
                connection, role=role, name=name, entropy=os.urandom(54), actor="operator:test",
                time="2026-07-01T00:00:00Z", **fields,
            )[1]  # type: ignore[arg-type]  # fmt: skip

    def ask(self, role: str | None, method: str, path: str, **more: Any) -> Any:
        """Send a request as a role (or as a token of `key`), None for anonymous."""
        headers = dict(more.pop("headers", {}))
        if role is not None:
            headers["Authorization"] = f"Bearer {self.tokens.get(role, role)}"
        return self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    def post(self, sequence: int, *, role: str = "station", **changes: Any) -> Any:
        """Post an inspection."""
        return self.ask(
            role, "POST", "/inspections", files=records.parts(*records.inspection(sequence, **changes))
        )

    def files(self) -> list[Path]:
        """Return every stored frame and bundle, half-written ones included."""
        return sorted(p for p in (self.data / "frames").rglob("*") if p.is_file())

    def count(self) -> int:
        """Return how many inspections are stored."""
        return self._rows("inspections")

    def lines(self) -> int:
        """Return how many lines the journal has."""
        return self._rows("journal")

    def _rows(self, table: str) -> int:
        with closing(sqlite3.connect(self.data / "hallmark.sqlite")) as db:
            return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))


class PromptServer(uvicorn.Server):
    """Looks every hundredth of a second whether it is to end, not every tenth."""

    async def main_loop(self) -> None:
        for tick in itertools.count():
            if await self.on_tick(tick):
                return
            await asyncio.sleep(0.01)


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve on a free loopback port in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # inherited by what it accepts; without it each answer waits 40 ms for the client's delayed ACK
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = PromptServer(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def open_plant(folder: Path) -> Iterator[Plant]:
    """Serve a fresh data folder that knows the tiny golden sample."""
    data = folder / "plant"
    with Store.open(data, serve=True) as store:
        plant = Plant(None, None, store, {}, data)  # type: ignore[arg-type]
        plant.app = create_app(
            store, builders.trust(), clock=plant.tick, entropy=os.urandom, limits=Limits(200_000, 20_000)
        )
        for role in keys.ROLES:
            plant.tokens[role] = plant.key(role, f"the {role}", **BINDINGS.get(role, {}))
        with serving(plant.app) as url, httpx.Client(base_url=url, timeout=30) as client:
            plant.client = client
            golden, _ = builders.sealed_tiny()
            assert plant.ask("engineer", "POST", "/goldens", content=golden).status_code == 201
            yield plant


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with open_plant(tmp_path) as plant:
        yield plant
