"""Operations of the OpenAPI document with all their possible answers."""

from __future__ import annotations

from typing import Any

from api.problems import MEDIA_TYPE

#: A document defined by other standards.
ANY_JSON: dict[str, Any] = {"type": "object"}
_DESCRIBED = {
    "304": "not changed",
    "400": "a parameter or the filter cannot be used; the answer says which and where",
    "401": "no login or token, or one that is not valid",
    "403": "the caller may not do this",
    "404": "there is no such object",
    "405": "features of this collection are not edited here",
    "409": "somebody else was first, or the draft is in review or published",
    "412": "the feature has changed since it was read",
    "413": "the body is too large",
    "415": "the media type of the body is not taken",
    "422": "a value cannot be used",
    "503": "the database does not answer, or the server is busy or stopping",
}


def operation(
    name: str,
    summary: str,
    content: dict[str, Any],
    *,
    parameters: list[dict[str, Any]] | None = None,
    secured: bool = False,
    missing: bool = True,
    tag: str = "data",
) -> dict[str, Any]:
    """An operation of the document: name, parameters, and all statuses that it may return."""
    answers: dict[str, Any] = {
        "200": {
            "description": summary,
            "content": {
                **{media_type: {"schema": schema} for media_type, schema in content.items()},
                "text/html": {"schema": {"type": "string"}},
            },
        },
        "304": {"description": _DESCRIBED["304"]},
    }
    codes = ["400", "401", "413", "503"] + (["403"] if secured else []) + (["404"] if missing else [])
    answers |= {code: problem_answer(code) for code in codes}
    found: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        "parameters": [*(parameters or []), reference("f")],
        "responses": answers,
    }
    if secured:
        found["security"] = [{"token": []}, {"basic": []}]
    return found


def problem_answer(code: str) -> dict[str, Any]:
    """A problem document as answer."""
    return {
        "description": _DESCRIBED[code],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/problem"}}},
    }


def reference(name: str) -> dict[str, Any]:
    """Reference to a parameter of the components."""
    return {"$ref": f"#/components/parameters/{name}"}


def tile_answer(title: str) -> dict[str, Any]:
    """A vector tile as answer."""
    content = {"application/vnd.mapbox-vector-tile": {"schema": {"type": "string", "format": "binary"}}}
    return {"description": title, "content": content}
