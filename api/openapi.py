"""What OpenAPI cannot read from the code: bodies that are not JSON, examples, problems, the key."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.guard import PUBLIC
from api.problems import MEDIA_TYPE, PROBLEMS

_EXAMPLE_RECORD = (
    '{"schema":"hallmark.inspection/1","id":"insp-…","part":"S4","revision":"A","serial":"S4-0001",'
    '"lot":"L-2026-07","station":"cell-3","sequence":1,…}'
)

POST_INSPECTION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["inspection"],
                    "properties": {
                        "inspection": {
                            "type": "string",
                            "description": "JSON of schema hallmark.inspection/1",
                        }
                    },
                    "additionalProperties": {
                        "type": "string",
                        "format": "binary",
                        "description": "one part per frame, named by its view; SHA-256 as in the record",
                    },
                },
                "example": {"inspection": _EXAMPLE_RECORD, "top": "(bytes of the frame)"},
            }
        },
    }
}

POST_GOLDEN: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary"},
                "example": "(bytes of part.golden)",
            }
        },
    }
}

_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "enum": [problem.uri for problem in PROBLEMS.values()]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
    "example": {
        "type": PROBLEMS["lot-step"].uri,
        "title": PROBLEMS["lot-step"].title,
        "status": 409,
        "detail": "lot L-2026-07: oqc.drawn cannot follow while the lot is 'production'",
        "instance": "/api/v1/lots/L-2026-07/draw",
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document: every operation names the key and answers errors with a problem."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["ProblemDetails"] = _PROBLEM_SCHEMA
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    problem = {
        "description": "A problem (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["security"] = [] if path in PUBLIC else [{"key": []}]
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = problem
    return document


def install(app: FastAPI) -> None:
    """Let the application serve this document."""

    def once() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app)
        return app.openapi_schema

    app.openapi = once
