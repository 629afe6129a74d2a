"""The application: routes behind the guard, one shape of error, a journal that is checked again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import cast

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import quality
from api import (
    openapi,
    routes_changes,
    routes_claims,
    routes_corrective,
    routes_first_article,
    routes_lots,
    routes_materials,
    routes_production,
    routes_records,
    routes_series,
)
from api.errors import (
    ApiError,
    FrameDamagedError,
    FrameMissingError,
    GoldenConflictError,
    JournalBrokenError,
    SequenceTakenError,
)
from api.genealogy_index import GenealogyIndex
from api.guard import PREFIX, Guard, Limits, refuse_unknown_query
from api.ledger import Ledger
from api.problems import Problem
from api.store import Store
from evidence.journal import BrokenChain
from golden.keys import TrustStore

log = structlog.get_logger("hallmark.api")

_ROUTES = (
    routes_records,
    routes_lots,
    routes_production,
    routes_first_article,
    routes_series,
    routes_changes,
    routes_materials,
    routes_corrective,
    routes_claims,
)

_PROBLEM_OF: tuple[tuple[type[Exception], str], ...] = (
    (SequenceTakenError, "sequence-taken"),
    (GoldenConflictError, "golden-conflict"),
    (FrameDamagedError, "frame-damaged"),
    (FrameMissingError, "frame-damaged"),
    (JournalBrokenError, "journal-broken"),
    (BrokenChain, "journal-broken"),
    (quality.StepError, "lot-step"),
    (quality.QualityError, "evidence"),
    (ApiError, "internal"),
)


def create_app(
    store: Store,
    trust: TrustStore,
    *,
    clock: Callable[[], datetime],
    entropy: Callable[[int], bytes],
    limits: Limits | None = None,
    verify_every_s: float = 300.0,
) -> FastAPI:
    """Return the ASGI application.

    Args:
        store: open store; whoever opened it closes it.
        trust: keys that golden samples must be sealed with.
        clock: returns the aware current time.
        entropy: returns so many random bytes, for draws.
        limits: most bytes of a request.
        verify_every_s: pause between two checks of the whole journal; the first begins at start.
    """
    ledger = Ledger(store, trust, clock=clock, entropy=entropy)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        checking = asyncio.create_task(_keep_checking(ledger, verify_every_s))
        yield
        checking.cancel()
        with suppress(asyncio.CancelledError):
            await checking

    app = FastAPI(
        title="Hallmark",
        version="1",
        description="Records, lots and decisions. See docs/reference/http.md.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # the stock pages load from a CDN, and a plant network has none
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.ledger = ledger
    app.state.genealogy = GenealogyIndex()
    for room in _ROUTES:
        app.include_router(room.router, prefix=PREFIX, dependencies=[Depends(refuse_unknown_query)])
    app.add_middleware(Guard, store=store, limits=limits or Limits())
    app.add_middleware(AccessLog)
    openapi.install(app)
    _answer_errors(app)
    return app


def routes() -> list[APIRoute]:
    """Return every route, in the order in which they are matched."""
    found = [route for room in _ROUTES for route in room.router.routes]
    return [route for route in found if isinstance(route, APIRoute)]


async def _keep_checking(ledger: Ledger, pause_s: float) -> None:
    while True:
        try:
            found = await run_in_threadpool(ledger.verify)
        except (OperationalError, PoolTimeoutError) as error:
            log.warning("journal.unchecked", error=str(error))
        else:
            if found.state == "broken":
                log.error("journal.broken", detail=found.detail)
        await asyncio.sleep(pause_s)


def _answer_errors(app: FastAPI) -> None:
    def invalid(request: Request, error: Exception) -> Response:
        errors = cast("RequestValidationError", error).errors()
        fields = [
            {"field": ".".join(str(step) for step in e["loc"]), "message": str(e["msg"])} for e in errors[:20]
        ]
        name = "malformed" if any(e["type"] == "json_invalid" for e in errors) else "invalid"
        detail = "; ".join(f"{e['field']}: {e['message']}" for e in fields[:3])
        return Problem(name, detail, errors=fields).response(request.url.path)

    def http(request: Request, error: Exception) -> Response:
        raised = cast("HTTPException", error)
        problem = raised if isinstance(raised, Problem) else Problem.of_status(raised)
        return problem.response(request.url.path)

    def known(request: Request, error: Exception) -> Response:
        name = next(name for kind, name in _PROBLEM_OF if isinstance(error, kind))
        if name in ("internal", "journal-broken", "frame-damaged"):
            log.error(name, path=request.url.path, detail=str(error))
        return Problem(name, str(error)).response(request.url.path)

    def store_down(request: Request, error: Exception) -> Response:
        log.error("store.unavailable", path=request.url.path, error=str(error))
        problem = Problem(
            "store-unavailable", "the store cannot be written or read", headers={"Retry-After": "5"}
        )
        return problem.response(request.url.path)

    def internal(request: Request, _error: Exception) -> Response:
        return Problem("internal", "the server failed; its log has the cause").response(request.url.path)

    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    for kind in (ApiError, BrokenChain, quality.QualityError):
        app.add_exception_handler(kind, known)
    for kind in (OperationalError, PoolTimeoutError, OSError):
        app.add_exception_handler(kind, store_down)
    app.add_exception_handler(Exception, internal)


class AccessLog:
    """ASGI middleware that logs one line per request: who, what, how it ended, how long it took."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            key = scope.get("state", {}).get("key")
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                actor=None if key is None else key.actor,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
