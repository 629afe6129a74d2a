"""A posted inspection: multipart, the record in `inspection`, each frame in a part named by its view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from api.problems import Problem
from evidence.inspection import Inspection, complete, verify_digest
from golden.digests import canonical_json, sha256

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

RECORD = "inspection"
MAX_RECORD_BYTES = 8 * 1024 * 1024
MAX_FRAMES = 64
_MAX_SEQUENCE = 2**63 - 1  # what the database's integers hold


async def read_parts(request: Request) -> tuple[bytes, dict[str, bytes]]:
    """Return the record's bytes and the frames' by view; raise Problem on anything else.

    The size of the whole request is limited before it gets here.
    """
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if content_type != b"multipart/form-data" or not boundary:
        raise Problem("malformed", "the request is not multipart/form-data with a boundary")
    reader = _Parts()
    try:
        parser = MultipartParser(boundary, reader.callbacks())
        async for chunk in request.stream():
            parser.write(chunk)
        parser.finalize()
    except FormParserError as error:
        raise Problem("malformed", "the multipart body cannot be read") from error
    except ClientDisconnect as error:
        raise Problem("malformed", "the request ended early") from error
    if not reader.complete:
        raise Problem("malformed", "the multipart body ends before its last boundary")
    parts = {name: bytes(data) for name, data in reader.parts.items()}
    if RECORD not in parts:
        raise Problem("malformed", f"the part {RECORD!r} with the record is missing")
    record = parts.pop(RECORD)
    if len(record) > MAX_RECORD_BYTES:
        raise Problem("too-large", f"the record has {len(record)} bytes; {MAX_RECORD_BYTES} are taken")
    return record, parts


class _Parts:
    """Collects parts by name in memory. Starlette's parser would leak the file of a part that is cut off."""

    def __init__(self) -> None:
        self.parts: dict[str, bytearray] = {}
        self.complete = False
        self._field = bytearray()
        self._value = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._data = bytearray()

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_headers_finished": self._named,
            "on_part_data": lambda data, start, end: self._data.extend(data[start:end]),
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._headers = {}

    def _header(self) -> None:
        self._headers[bytes(self._field).lower()] = bytes(self._value)
        self._field, self._value = bytearray(), bytearray()

    def _named(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        try:
            name = options[b"name"].decode()
        except (KeyError, UnicodeDecodeError) as error:
            raise Problem("malformed", "a part has no name in UTF-8") from error
        if name in self.parts:
            raise Problem("malformed", f"part {name!r} occurs twice")
        if len(self.parts) > MAX_FRAMES:
            raise Problem("too-large", f"more than {MAX_FRAMES} frames")
        self._data = self.parts[name] = bytearray()

    def _end(self) -> None:
        self.complete = True


def parse_record(data: bytes) -> Inspection:
    """Return the record; raise Problem unless it fits the schema and holds its own digest and id."""
    try:
        inspection = Inspection.model_validate_json(data)
    except ValidationError as error:
        raise Problem("invalid", "the record does not fit the schema", errors=field_errors(error)) from error
    try:
        sound = verify_digest(inspection)
        fields = inspection.record()
        stored = canonical_json(fields)
    except ValueError as error:  # lone surrogates: they have no UTF-8
        raise Problem("invalid", f"the record is not JSON that can be kept: {error}") from error
    if b"\\u0000" in stored:
        raise Problem("invalid", "the record holds a NUL character")
    if not sound:
        raise Problem("record-altered", f"inspection {inspection.id}: its content does not match its digest")
    if complete({k: v for k, v in fields.items() if k not in ("id", "digest")}).id != inspection.id:
        raise Problem("record-altered", f"inspection {inspection.id}: the id is not the one of its content")
    if inspection.station is None or inspection.sequence is None:
        raise Problem("invalid", "a posted record names its station and sequence")
    if inspection.sequence > _MAX_SEQUENCE:
        raise Problem("invalid", f"sequence {inspection.sequence} is above {_MAX_SEQUENCE}")
    return inspection


def check_frames(inspection: Inspection, frames: dict[str, bytes]) -> None:
    """Raise Problem unless the frames are those of the record, each once, byte for byte."""
    noted = {frame.view: frame.digest for frame in inspection.frames}
    if len(noted) != len(inspection.frames):
        raise Problem("frames-mismatch", "the record names a view twice")
    missing, extra = sorted(noted.keys() - frames.keys()), sorted(frames.keys() - noted.keys())
    if missing or extra:
        raise Problem("frames-mismatch", f"frames missing: {missing}, frames that the record lacks: {extra}")
    for view, digest in noted.items():
        actual = sha256(frames[view])
        if actual != digest:
            raise Problem("frames-mismatch", f"frame {view!r} has digest {actual}, the record says {digest}")


def field_errors(error: ValidationError) -> list[dict[str, str]]:
    """Return where and what of the first fields that are wrong."""
    return [
        {"field": ".".join(str(step) for step in e["loc"]), "message": e["msg"]}
        for e in error.errors(include_url=False, include_input=False, include_context=False)[:20]
    ]
