"""Who may pass: every request is authenticated and measured before a route, or a body, is looked at.

Deny by default: without a valid key only PUBLIC is served; a route states its roles with `allow`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem
from api.store import Store
from api.store.keys import ApiKey, Role, authenticate

PREFIX = "/api/v1"
PUBLIC = frozenset({f"{PREFIX}/health", f"{PREFIX}/openapi.json"})
_PATIENCE = 16  # how many times the limit is read and forgotten before the connection is cut
READERS: tuple[Role, ...] = ("reader", "qc", "engineer", "approver", "auditor")


@dataclass(frozen=True, slots=True)
class Limits:
    """Most bytes of a request: with frames or a golden sample (`upload`), or plain JSON (`json`)."""

    upload: int = 256 * 1024 * 1024
    json: int = 1024 * 1024


class Guard:
    """ASGI middleware that authenticates and limits."""

    def __init__(self, app: ASGIApp, *, store: Store, limits: Limits) -> None:
        """Wrap the application."""
        self._app = app
        self._store = store
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            if scope["path"] not in PUBLIC:
                scope.setdefault("state", {})["key"] = await self._key(request)
            limit = self._limit(request)
        except Problem as problem:
            await _drain(receive, self._limits.upload)
            await problem.response(scope["path"])(scope, receive, send)
            return
        await self._app(scope, _limited(receive, limit), send)

    async def _key(self, request: Request) -> ApiKey:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        key = None
        if scheme.lower() == "bearer" and token.isascii():
            try:
                key = await run_in_threadpool(self._authenticate, token.strip())
            except OperationalError as error:
                raise Problem("store-unavailable", "the database does not answer") from error
        if key is None:
            raise Problem(
                "unauthenticated",
                "send a valid API key: Authorization: Bearer hk_...; `hallmark apikey create` makes one",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return key

    def _authenticate(self, token: str) -> ApiKey | None:
        with self._store.database.read() as connection:
            return authenticate(connection, token)

    def _limit(self, request: Request) -> int:
        uploads = request.url.path in (f"{PREFIX}/inspections", f"{PREFIX}/goldens")
        limit = self._limits.upload if uploads else self._limits.json
        declared = request.headers.get("content-length", "0")
        if declared.isascii() and declared.isdigit() and int(declared[:19]) > limit:
            raise _too_large(limit)
        return limit


def _too_large(limit: int) -> Problem:
    return Problem("too-large", f"the request has more than {limit} bytes")


async def _drain(receive: Receive, limit: int) -> None:
    """Read on and forget: closing on a client that still sends would reset it before it reads the answer."""
    seen = 0
    while seen < _PATIENCE * limit:
        message = await receive()
        seen += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return


def _limited(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            if message.get("more_body", False):
                await _drain(receive, limit)
            raise _too_large(limit)
        return message

    return counted


def _query_names(dependant: Any) -> set[str]:  # noqa: ANN401 (FastAPI's own, untyped)
    names: set[str] = {field.alias for field in dependant.query_params}
    return names.union(*(_query_names(inner) for inner in dependant.dependencies))


def refuse_unknown_query(request: Request) -> None:
    """Refuse query parameters that the route does not know: a mistyped filter would return everything."""
    known = _query_names(request.scope["route"].dependant)
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        names = ", ".join(sorted(known)) or "none"
        raise Problem("invalid", f"unknown query parameter {unknown[0]!r}; this route knows: {names}")


@dataclass(frozen=True, slots=True)
class Admit:
    """Dependency that admits keys of these roles only and gives the key."""

    roles: tuple[Role, ...]

    def __call__(self, request: Request) -> ApiKey:
        """Return the request's key; raise Problem where its role is not admitted."""
        key: ApiKey = request.state.key
        if key.role not in self.roles:
            raise Problem(
                "forbidden", f"this needs a key of role {' or '.join(self.roles)}; yours is {key.role}"
            )
        return key


def allow(*roles: Role) -> Admit:
    """Return the dependency that admits keys of these roles only and gives the key."""
    return Admit(roles)


Qc = Annotated[ApiKey, Depends(allow("qc"))]
Approver = Annotated[ApiKey, Depends(allow("approver"))]


def roles_of(route: APIRoute) -> tuple[Role, ...]:
    """Return the roles that a route admits; none where it answers anyone."""
    admitted = (inner.call for inner in route.dependant.dependencies)
    return next((admit.roles for admit in admitted if isinstance(admit, Admit)), ())
