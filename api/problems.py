"""Errors as HTTP tells them: one table of status codes, one body (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.errors import NotStoredError, PublishedError
from geo.errors import FileError, ImpossibleError, InputError, WanggeError

log = logging.getLogger(__name__)

#: Status code of an error; the class nearest to it counts.
STATUS: dict[type[Exception], int] = {
    NotStoredError: 404,
    PublishedError: 409,
    FileError: 404,
    InputError: 422,
    ImpossibleError: 422,
    WanggeError: 500,
}

MEDIA_TYPE = "application/problem+json"


def status_of(error: Exception) -> int:
    """Status code of an error.

    >>> from geo.errors import DatumError
    >>> status_of(DatumError("no datum")), status_of(KeyError("x"))
    (422, 500)
    """
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def problem(request: Request, status: int, detail: str, **more: Any) -> JSONResponse:
    """Answer with a problem document."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        **more,
    }
    return JSONResponse(jsonable_encoder(body), status_code=status, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of an application a problem document."""

    @app.exception_handler(WanggeError)
    def _wangge(request: Request, error: WanggeError) -> JSONResponse:
        return problem(request, status_of(error), str(error), kind=type(error).__name__)

    @app.exception_handler(RequestValidationError)
    def _validation(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [{"where": ".".join(map(str, e["loc"])), "what": e["msg"]} for e in error.errors()]
        detail = "; ".join(f"{e['where']}: {e['what']}" for e in errors)
        return problem(request, 422, detail, errors=errors)

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> JSONResponse:
        answer = problem(request, error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    def _bug(request: Request, error: Exception) -> JSONResponse:
        # What went wrong is for the log; it may hold what the caller must not see.
        log.exception("unexpected error at %s", request.url.path, exc_info=error)
        return problem(request, 500, "unexpected error; the server's log says more")
