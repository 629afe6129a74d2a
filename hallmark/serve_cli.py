"""`hallmark serve` runs the server; `hallmark apikey` makes, lists and revokes the keys it admits."""

from __future__ import annotations

import getpass
import json
import os
import signal
import socket
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from types import FrameType

    from api import Store

DataFolder = Annotated[Path, typer.Option("--data", help="Folder of journal, records and frames.")]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database", help="SQLAlchemy URL instead of SQLite in the folder.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("serve")(serve)
    keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke the API keys of a server.")
    keys.command("create")(create_key)
    keys.command("list")(list_keys)
    keys.command("revoke")(revoke_key)
    app.add_typer(keys, name="apikey")


def serve(
    *,
    data: DataFolder,
    trust: Annotated[Path, typer.Option(help="Folder of trusted *.pub.json keys.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8080,
    database: DatabaseUrl = None,
    frames: Annotated[
        str | None, typer.Option(help="Object-store URL instead of a folder, such as s3://bucket.")
    ] = None,
    json_logs: Annotated[bool, typer.Option("--json-logs", help="Log JSON lines.")] = False,
) -> None:
    """Serve records, lots and decisions over HTTP; print the URL once it answers.

    Example: `hallmark serve --data plant --trust keys --port 0`
    """
    import uvicorn

    from api import Store, create_app
    from golden.keys import TrustStore

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                typer.echo(url)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    trusted = TrustStore.open(trust)
    _configure_logs(as_json=json_logs)
    with (
        _listen(host, port) as listener,
        Store.open(data, database=database, frames=frames, serve=True) as store,
    ):
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listener.getsockname()[1]}"
        app = create_app(store, trusted, clock=lambda: datetime.now(UTC), entropy=os.urandom)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=10, server_header=False
        )
        Announcing(config).run(sockets=[listener])


def create_key(
    *,
    data: DataFolder,
    role: Annotated[str, typer.Option(help="station, reader, qc, engineer, approver or auditor.")],
    name: Annotated[str, typer.Option(help="Of the person, station or system.")],
    station: Annotated[str | None, typer.Option(help="Station id; for the role station.")] = None,
    party: Annotated[str | None, typer.Option(help="Party acted for; for the role approver.")] = None,
    signs: Annotated[
        list[str] | None,
        typer.Option(
            help="Role that an approver signs for: inspector, quality, engineering, production or "
            "management; may be given several times."
        ),
    ] = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, once: the server keeps only a hash.

    Example: `hallmark apikey create --data plant --role station --name "Cell 3" --station cell-3`
    """
    from api import ApiError, Store
    from api.store import keys

    if role not in keys.ROLES:
        raise ApiError(f"role {role!r} does not exist; these do: {', '.join(keys.ROLES)}")
    with Store.open(data, database=database) as store:
        with store.database.write() as connection:
            key, token = keys.create(
                connection, role=role, name=name, station=station, party=party,
                signs=signs or (), entropy=os.urandom(keys.ENTROPY_BYTES), actor=_operator(), time=_now(),
            )  # fmt: skip
        typer.echo(json.dumps({**asdict(key), "token": token}) if as_json else token)


def list_keys(*, data: DataFolder, database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List keys, revoked ones too. Secrets are not kept and cannot be shown.

    Example: `hallmark apikey list --data plant`
    """
    from api.store import keys

    with _existing(data, database) as store, store.database.read() as connection:
        found = keys.every(connection)
    if as_json:
        typer.echo(json.dumps([asdict(key) for key in found]))
        return
    for key in found:
        bound = " ".join((key.station or key.party or "-", *key.signs))
        ended = "active" if key.revoked_at is None else f"revoked {key.revoked_at}"
        typer.echo(f"{key.id}  {key.role:<9} {key.name:<24} {bound:<20} {key.created_at}  {ended}")


def revoke_key(
    *, data: DataFolder, key_id: Annotated[str, typer.Argument(metavar="ID")], database: DatabaseUrl = None
) -> None:
    """Revoke a key; a running server refuses it from the next request on.

    Example: `hallmark apikey revoke --data plant 0123456789ab`
    """
    from api.store import keys

    with _existing(data, database) as store:
        with store.database.write() as connection:
            key = keys.revoke(connection, key_id, actor=_operator(), time=_now())
        typer.echo(f"{key.id} revoked {key.revoked_at}")


def _existing(data: Path, database: str | None) -> Store:
    from api import Store
    from api.errors import StoreUnreadableError

    if database is None and not (data / "hallmark.sqlite").is_file():
        raise StoreUnreadableError(f"{data} holds no hallmark.sqlite: give the server's --data folder")
    return Store.open(data, database=database)


def _leave(_number: int, _frame: FrameType | None) -> None:
    # uvicorn finishes open requests first and then raises the signal again: leave through every `with`
    raise SystemExit(0)


def _listen(host: str, port: int) -> socket.socket:
    from api import ApiError

    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ApiError(f"cannot listen on {host} port {port}: {error.strerror}; choose another") from error
    # What it accepts inherits this. asyncio leaves it unset on a listener made here, and each answer would
    # wait for the client's delayed ACK of its head (40 ms).
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _configure_logs(*, as_json: bool) -> None:
    import structlog

    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),  # standard output is the URL's
        cache_logger_on_first_use=True,
    )


def _operator() -> str:
    return f"operator:{getpass.getuser()[:64]}"


def _now() -> str:
    from api.ledger import timestamp

    return timestamp(datetime.now(UTC))
