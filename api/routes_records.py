"""Routes of records: inspections, frames, golden samples, stations, the journal."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from api import cursor as cursors
from api import openapi, uploads
from api.bodies import inspection_body, inspection_summary
from api.guard import READERS, allow
from api.ledger import Ledger, timestamp
from api.problems import Problem
from api.store import goldens, inspections, journal
from api.store.inspections import Filters, Stored
from api.store.keys import ApiKey
from evidence.inspection import Verdict
from golden.catalogue import DefectSeverity

router = APIRouter()

MEDIA_TYPES = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)
Page = Annotated[int, Query(ge=1, le=200)]
Text = Annotated[str | None, Query(max_length=128)]


def ledger_of(request: Request) -> Ledger:
    """Return the application's ledger."""
    return request.app.state.ledger


House = Annotated[Ledger, Depends(ledger_of)]


@router.post("/inspections", status_code=201, openapi_extra=openapi.POST_INSPECTION)
async def post_inspection(
    request: Request, ledger: House, key: Annotated[ApiKey, Depends(allow("station"))]
) -> JSONResponse:
    """Post one inspection of the key's own station. The same record again gives 200 and what is stored."""
    data, frames = await uploads.read_parts(request)
    stored, new = await run_in_threadpool(_take, ledger, key, data, frames)
    return JSONResponse(inspection_body(stored), 201 if new else 200)


def _take(ledger: Ledger, key: ApiKey, data: bytes, frames: dict[str, bytes]) -> tuple[Stored, bool]:
    inspection = uploads.parse_record(data)
    if inspection.station != key.station:
        raise Problem(
            "forbidden", f"the key is station {key.station!r}'s; the record {inspection.station!r}'s"
        )
    uploads.check_frames(inspection, frames)
    return ledger.take_inspection(inspection, frames, key)


@router.get("/inspections", dependencies=[Depends(allow(*READERS))])
def list_inspections(
    *,
    ledger: House,
    part: Text = None,
    lot: Text = None,
    serial: Text = None,
    station: Text = None,
    verdict: Verdict | None = None,
    reason: Text = None,
    severity: DefectSeverity | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    order: Literal["oldest", "newest"] = "oldest",
    limit: Page = 50,
    cursor: Text = None,
) -> dict[str, Any]:
    """List inspections in the order of recording. Follow `next` until it is null."""
    filters = Filters(
        part=part, lot=lot, serial=serial, station=station, verdict=verdict, reason=reason,
        severity=severity, since=_utc("since", since), until=_utc("until", until),
    )  # fmt: skip
    listing = {"list": "inspections", "order": order, **asdict(filters)}
    after = cursors.decode(cursor, listing)
    with ledger.store.database.read() as connection:
        found = inspections.page(
            connection, filters, after=after, newest_first=order == "newest", limit=limit + 1
        )
    items, more = found[:limit], len(found) > limit
    following = cursors.encode(items[-1].journal_sequence, listing) if more else None
    return {"items": [inspection_summary(s) for s in items], "next": following}


@router.get("/inspections/{id}", dependencies=[Depends(allow(*READERS))])
def get_inspection(ledger: House, id: str) -> dict[str, Any]:  # noqa: A002 (the path says {id})
    """Read one inspection with its measurements, defects and links to its frames."""
    return inspection_body(_find(ledger, id))


@router.get("/inspections/{id}/frames/{view}", dependencies=[Depends(allow(*READERS))])
def get_frame(ledger: House, id: str, view: str) -> Response:  # noqa: A002
    """Read the bytes of one frame as the camera delivered them."""
    record = _find(ledger, id).fields()
    digest = next((f["digest"] for f in record["frames"] if f["view"] == view), None)
    if digest is None:
        raise Problem("not-found", f"inspection {id} has no view {view!r}")
    data = ledger.store.frames.get(digest)
    media_type = next((t for magic, t in MEDIA_TYPES if data.startswith(magic)), "application/octet-stream")
    headers = {"ETag": f'"{digest}"', "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type=media_type, headers=headers)


@router.post("/goldens", status_code=201, openapi_extra=openapi.POST_GOLDEN)
async def post_golden(
    request: Request, ledger: House, key: Annotated[ApiKey, Depends(allow("engineer"))]
) -> JSONResponse:
    """Register a sealed golden sample: the request's body is the `.golden` file."""
    data = await request.body()
    golden, new = await run_in_threadpool(ledger.register_golden, data, key)
    return JSONResponse(asdict(golden), 201 if new else 200)


@router.get("/goldens", dependencies=[Depends(allow(*READERS))])
def list_goldens(ledger: House) -> dict[str, Any]:
    """List the registered golden samples, oldest first."""
    with ledger.store.database.read() as connection:
        return {"items": [asdict(g) for g in goldens.every(connection)]}


@router.get("/goldens/{digest}", dependencies=[Depends(allow("station", *READERS))])
def get_golden(ledger: House, digest: str) -> Response:
    """Read the sealed `.golden` file; whoever opens it verifies the seal."""
    with ledger.store.database.read() as connection:
        golden = goldens.find(connection, digest)
    if golden is None:
        raise Problem("not-found", f"no golden sample {digest!r}")
    return Response(ledger.store.frames.get(golden.bundle), media_type="application/octet-stream")


@router.get("/stations", dependencies=[Depends(allow(*READERS))])
def list_stations(ledger: House) -> dict[str, Any]:
    """List stations with the gaps in their numbering; a gap is an alarm."""
    with ledger.store.database.read() as connection:
        return {"items": [asdict(s) for s in inspections.stations(connection)]}


@router.get("/journal", dependencies=[Depends(allow("auditor"))])
def list_journal(
    ledger: House,
    subject: Text = None,
    kind: Text = None,
    after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> dict[str, Any]:
    """Read journal lines in order, those after a sequence; `chain` is what the last check found."""
    kinds = None if kind is None else (kind,)
    with ledger.store.database.read() as connection:
        lines = journal.read_lines(connection, subject=subject, kinds=kinds, after=after, limit=limit)
    return {"items": [line.model_dump(mode="json") for line in lines], "chain": asdict(ledger.chain)}


@router.get("/journal/verification", dependencies=[Depends(allow("auditor"))])
def verify_journal(ledger: House) -> dict[str, Any]:
    """Check the whole journal and every stored record against it, now."""
    return asdict(ledger.verify())


@router.get("/health")
def health(ledger: House) -> dict[str, Any]:
    """Say whether the server serves, whether the journal held at the last check, and what is alarming."""
    with ledger.store.database.read() as connection:
        gaps = [s.station for s in inspections.stations(connection) if s.missing]
    alarms = [f"sequence_gap:{station}" for station in gaps]
    if ledger.chain.state == "broken":
        alarms.insert(0, "journal_broken")
    return {"status": "alarm" if alarms else "ok", "alarms": alarms, "chain": asdict(ledger.chain)}


def _find(ledger: Ledger, inspection_id: str) -> Stored:
    with ledger.store.database.read() as connection:
        stored = inspections.get(connection, inspection_id)
    if stored is None:
        raise Problem("not-found", f"no inspection {inspection_id!r}")
    return stored


def _utc(name: str, moment: datetime | None) -> str | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise Problem("invalid", f"{name} needs a time zone, for example 2026-07-01T12:00:00Z")
    try:
        return timestamp(moment)
    except OverflowError as error:
        raise Problem("invalid", f"{name} lies outside the calendar") from error
