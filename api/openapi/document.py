"""``/openapi.json``: the routes of FastAPI, the plain routes described by hand, and all statuses of each route."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.routing import Route

from api.access import Right
from api.access.admission import ANYBODY, LOGGED_IN
from api.ingest.decode import SentBatch
from api.openapi.field_examples import add_field_examples
from api.problems import MEDIA_TYPE
from api.routes.guard import Guarded, needs
from api.schemas import Problem, Stored

router = APIRouter(route_class=Guarded, include_in_schema=False)

_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_MEANINGS = {
    "400": "the request cannot be understood",
    "401": "no login or token, or one that is not valid",
    "403": "the caller may not do this",
    "404": "there is no such object",
    "408": "the body did not come in time",
    "409": "conflicts with what is stored",
    "413": "the body is too large",
    "422": "a value cannot be used",
    "429": "too many tries",
    "503": "the database does not answer, or the server is busy or stopping",
}


@router.get("/openapi.json")
@needs(ANYBODY)
def document(request: Request) -> dict[str, Any]:
    """The cached document."""
    return build(request.app)


def build(app: FastAPI) -> dict[str, Any]:
    """Build the document of an application; cached."""
    if app.openapi_schema is None:
        found = get_openapi(title="wangge", version="1", routes=app.routes)
        found.setdefault("components", {}).setdefault("schemas", {})
        schemas = found["components"]["schemas"]
        schemas["Problem"] = Problem.model_json_schema()
        stored = Stored.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= stored.pop("$defs", {}) | {"Stored": stored}
        found["components"]["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "login": {"type": "apiKey", "in": "cookie", "name": "wangge_session"},
        }
        _add_fixes(found)
        rights = {route.path: getattr(route.endpoint, "right", None) for route in routes_of(app)}
        for path, operations in found["paths"].items():
            for operation in operations.values():
                _complete(operation, rights.get(path), path)
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        add_field_examples(schemas)
        app.openapi_schema = found
    return app.openapi_schema


def routes_of(app: FastAPI) -> Iterator[Route]:
    """All routes of an application, including those of its routers."""
    for entry in app.routes:
        inner = getattr(entry, "original_router", None)
        yield from (route for route in (inner.routes if inner is not None else [entry]) if isinstance(route, Route))


def _complete(operation: dict[str, Any], right: Right | str | None, path: str) -> None:
    """Add the error answers common to every route of its kind, as problem documents."""
    answers = operation["responses"]
    codes = ["400", "413", "422", "503", *(["404"] if "{" in path or right != LOGGED_IN else [])]
    if right != ANYBODY:
        codes += ["401", "403"]
        operation["security"] = [{"token": []}, {"login": []}]
    else:
        codes += ["401"]
    if operation.get("requestBody"):
        codes += ["408", "409"]
    for code in codes:
        if code not in answers or code == "422":
            answers[code] = {"description": _MEANINGS[code], "content": _PROBLEM}
    for code in ("403", "429"):
        if code in answers and "content" not in answers[code]:
            answers[code]["content"] = _PROBLEM


def _add_fixes(found: dict[str, Any]) -> None:
    """Describe ``POST /api/fixes``, which is a plain route."""
    _, components = msgspec.json.schema_components([SentBatch], ref_template="#/components/schemas/{name}")
    found["components"]["schemas"] |= components
    example = {
        "datum": "WGS-84",
        "fixes": [{"device": "A", "time": "2026-03-02T08:00:00+08:00", "lon": 118.8, "lat": 32.1, "accuracy_m": 8}],
    }
    found["paths"]["/api/fixes"] = {
        "post": {
            "tags": ["fixes"],
            "summary": "Store a batch of fixes in one commit",
            "description": "Answered after the commit. Sending a batch again is harmless: known fixes are `repeated`.",
            "operationId": "post_fixes",
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/SentBatch"}, "example": example}
                },
            },
            "responses": {
                "200": {
                    "description": "what became of the fixes",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Stored"}}},
                }
            },
        }
    }
