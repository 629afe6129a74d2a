"""Problems (RFC 9457): every error over HTTP has one shape, and its type is in this one list.

`{"type", "title", "status", "detail", "instance"}`, and `errors` where several fields are wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One type of problem: its name, HTTP status, title and what the client can do."""

    name: str
    status: int
    title: str
    remedy: str

    @property
    def uri(self) -> str:
        """The `type` member."""
        return f"urn:hallmark:problem:{self.name}"


_ALL = (
    ProblemType("malformed", 400, "The request cannot be read", "send what the reference describes"),
    ProblemType("unauthenticated", 401, "No valid API key", "send Authorization: Bearer with a key"),
    ProblemType("forbidden", 403, "The key's role or binding does not allow this", "use a key that may"),
    ProblemType("not-found", 404, "Not found", "check path and id"),
    ProblemType("method-not-allowed", 405, "Method not allowed", "see the Allow header"),
    ProblemType("sequence-taken", 409, "The station's sequence number holds another record",
                "never number two inspections alike; number the next one further"),
    ProblemType("golden-unknown", 409, "The golden sample is not registered here",
                "register the sealed golden sample, then send the same again"),
    ProblemType("golden-conflict", 409, "The golden sample would roll a version back",
                "seal it with a version above the newest"),
    ProblemType("golden-expired", 409, "The golden sample has expired", "seal a new version"),
    ProblemType("golden-superseded", 409, "A newer version of the golden sample is registered",
                "open the lot under the newest version"),
    ProblemType("lot-unknown", 409, "The lot is not open here", "open the lot, then send the same again"),
    ProblemType("lot-step", 409, "The step does not follow from the lot's state",
                "do first what the detail names"),
    ProblemType("too-large", 413, "The request is larger than this server takes",
                "stay within the sizes in the reference"),
    ProblemType("invalid", 422, "A field is wrong", "correct the fields in errors"),
    ProblemType("record-altered", 422, "The record does not match its own digest or id",
                "send the record as it was made"),
    ProblemType("frames-mismatch", 422, "The frames are not the ones in the record",
                "send each frame of the record once, byte for byte, in a part named after its view"),
    ProblemType("golden-mismatch", 422, "Part, revision or version are not the golden sample's",
                "inspect with the golden sample that the record names"),
    ProblemType("golden-refused", 422, "The golden sample's seal or content does not hold",
                "send the file that every party has sealed"),
    ProblemType("evidence", 422, "The records cannot serve as evidence", "see the detail"),
    ProblemType("cursor", 422, "The cursor is not one of this list", "start again without a cursor"),
    ProblemType("internal", 500, "The server failed", "try again; tell whoever runs the server"),
    ProblemType("frame-damaged", 500, "Stored bytes have changed or are gone",
                "restore the frame from a copy"),
    ProblemType("journal-broken", 503, "The journal does not hold; nothing is written",
                "call whoever runs the server; keep the records and try again"),
    ProblemType("store-unavailable", 503, "The store cannot be written or read now", "try again later"),
)  # fmt: skip

PROBLEMS: Mapping[str, ProblemType] = {problem.name: problem for problem in _ALL}
_BY_STATUS = {400: "malformed", 401: "unauthenticated", 403: "forbidden", 404: "not-found",
              405: "method-not-allowed", 413: "too-large", 422: "invalid"}  # fmt: skip


class Problem(HTTPException):
    """Raise it anywhere below a route; it becomes the response."""

    def __init__(
        self,
        name: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Name one of PROBLEMS and say what was wrong, where, and what to do."""
        self.type = PROBLEMS[name]
        self.errors = tuple(errors)
        super().__init__(self.type.status, detail, dict(headers or {}))

    @classmethod
    def of_status(cls, error: HTTPException) -> Problem:
        """Return the problem of an error that the framework raised."""
        name = _BY_STATUS.get(error.status_code, "malformed" if error.status_code < 500 else "internal")
        return cls(name, str(error.detail), headers=error.headers)

    def response(self, instance: str) -> Response:
        """Return the response; `instance` is the request's path."""
        body: dict[str, Any] = {
            "type": self.type.uri,
            "title": self.type.title,
            "status": self.type.status,
            "detail": self.detail,
            "instance": instance,
        }
        if self.errors:
            body["errors"] = [dict(e) for e in self.errors]
        content = json.dumps(body).encode()  # ASCII: whatever a client sent can be told back to it
        return Response(content, self.type.status, headers=self.headers, media_type=MEDIA_TYPE)
