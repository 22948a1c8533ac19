"""Errors as HTTP answers: one table of status codes, one body (RFC 9457), titles in Chinese and English.

A browser that opens a page gets an HTML page with the same status code; programs, scripts and ``/api`` get the JSON body.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from api.errors import (
    ConflictError,
    DeniedError,
    MediaTypeError,
    NotEditableError,
    NotStoredError,
    PublishedError,
    QueryError,
    StaleError,
    TooLargeError,
    TooManyError,
    TooSlowError,
    UnknownCallerError,
)
from api.ingest.writer import BusyError
from api.translations import in_chinese, phrase_in_chinese, text_of
from geo.errors import FileError, ImpossibleError, InputError, WanggeError

if TYPE_CHECKING:
    from fastapi import FastAPI

log = logging.getLogger(__name__)

#: Status code of an error; the most specific class applies.
STATUS: dict[type[Exception], int] = {
    UnknownCallerError: 401,
    DeniedError: 403,
    NotStoredError: 404,
    QueryError: 400,
    MediaTypeError: 415,
    NotEditableError: 405,
    StaleError: 412,
    TooSlowError: 408,
    TooLargeError: 413,
    TooManyError: 429,
    BusyError: 503,
    PublishedError: 409,
    ConflictError: 409,
    FileError: 404,
    InputError: 422,
    ImpossibleError: 422,
    WanggeError: 500,
}

#: English titles of pages, where the phrase of the status code says nothing to a reader.
PAGE_TITLES = {
    400: "Wrong address",
    405: "Not possible here",
    409: "Changed meanwhile",
    422: "Wrong value",
    500: "Error here",
}
#: Chinese titles of problems; the English title is the phrase of the status code.
TITLES = {
    400: "请求有误",
    401: "未登录",
    403: "无权限",
    404: "不存在",
    405: "方法不允许",
    408: "超时",
    409: "冲突",
    412: "已被修改",
    413: "内容过大",
    415: "类型不支持",
    422: "内容有误",
    429: "次数过多",
    500: "内部错误",
    503: "暂不可用",
}
#: Seconds after which a rejected sender should retry.
RETRY_AFTER_S = 5

MEDIA_TYPE = "application/problem+json"


def status_of(error: Exception) -> int:
    """Status code of an error.

    >>> from geo.errors import DatumError
    >>> status_of(DatumError("no datum")), status_of(KeyError("x"))
    (422, 500)
    """
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def problem(request: Request, status: int, detail: str, zh: str | None = None, **more: Any) -> Response:
    """A problem document as answer, or its page.

    ``title`` is bilingual; ``detail`` and ``en`` hold the English sentence, ``zh`` the Chinese one.
    """
    if _opens_page(request):
        return _error_page(request, status, more.get("errors"), (zh or in_chinese(detail), more.get("en", detail)))
    # Loaded here: the server answers before FastAPI is imported.
    from fastapi.encoders import jsonable_encoder

    body = {
        "type": "about:blank",
        "title": f"{TITLES.get(status, '')} {HTTPStatus(status).phrase}".strip(),
        "status": status,
        "detail": detail,
        "zh": zh or in_chinese(detail),
        "en": detail,
        "instance": request.url.path,
        **more,
    }
    return JSONResponse(jsonable_encoder(body), status_code=status, media_type=MEDIA_TYPE)


def _opens_page(request: Request) -> bool:
    """Whether a browser asks for a page: its ``Accept`` begins with HTML; scripts ask for anything, programs for JSON."""
    if request.method not in ("GET", "HEAD") or request.url.path.startswith("/api/"):
        return False
    html, json = (request.headers.get("accept", "").find(kind) for kind in ("text/html", "json"))
    return html >= 0 and (json < 0 or html < json) and request.query_params.get("f") != "json"


def _error_page(
    request: Request, status: int, errors: Sequence[Mapping[str, str]] | None, reason: tuple[str, str]
) -> HTMLResponse:
    """The page of an error; `errors` are the parameters that cannot be read, each on a line."""
    from api.routes.navigation import entries_for
    from maps.pages.error_page import render_error

    lines = [reason]
    if errors:
        named = [(error["where"].removeprefix("query."), error) for error in errors]
        lines = [(f"{name}：{error['what_zh']}", f"{name}: {error['what']}") for name, error in named]
    # Without its parameters a page shows what it shows by default; that does not help who may not see it.
    helps = status in (400, 404, 422) and bool(request.url.query)
    page = render_error(
        status,
        (TITLES.get(status, "出错"), PAGE_TITLES.get(status, HTTPStatus(status).phrase)),
        lines,
        # Before all routes are made there is no page to go to.
        navigation=entries_for(request) if hasattr(request.app, "routes") else [],
        path=request.url.path,
        plain=request.url.path if helps else "",
    )
    return HTMLResponse(page, status_code=status, headers={"Cache-Control": "no-store", "Vary": "Accept"})


def wangge_problem(request: Request, error: WanggeError) -> Response:
    """Problem document of a wangge error, with the headers required by its status."""
    status = status_of(error)
    members = {"kind": type(error).__name__, **getattr(error, "members", {})}
    zh = text_of(error).zh
    if error.give:
        zh = f"{zh}（{', '.join(f'{name}={value!r}' for name, value in error.give.items())}）"
    answer = problem(request, status, str(error), **{"zh": zh, **members})
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if status == 429:
        answer.headers["Retry-After"] = str(getattr(error, "wait_s", RETRY_AFTER_S))
    if status == 503:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


def database_problem(request: Request, error: SQLAlchemyError) -> Response:
    """Problem document of a database failure; the original message is not shown, as it may contain data."""
    log.error("the database failed at %s: %s", request.url.path, type(error).__name__)
    answer = problem(request, 503, "the database does not answer; try again in a few seconds")
    answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


def unexpected_problem(request: Request, error: Exception) -> Response:
    """Problem document of an internal error. The text of the error is only logged, as it may contain confidential data."""
    log.exception("unexpected error at %s", request.url.path, exc_info=error)
    return problem(request, 500, "unexpected error; the server's log says more")


def install(app: FastAPI) -> None:
    """Install handlers that answer every error of an application with a problem document."""
    from fastapi.exceptions import RequestValidationError

    @app.exception_handler(WanggeError)
    def _wangge(request: Request, error: WanggeError) -> Response:
        return wangge_problem(request, error)

    @app.exception_handler(RequestValidationError)
    def _validation(request: Request, error: RequestValidationError) -> Response:
        errors = [
            {"where": ".".join(map(str, e["loc"])), "what": e["msg"], "what_zh": phrase_in_chinese(e["msg"])}
            for e in error.errors()
        ]
        detail = "; ".join(f"{e['where']}: {e['what']}" for e in errors)
        zh = "；".join(f"{e['where']}：{e['what_zh']}" for e in errors)
        return problem(request, 422, detail, zh, errors=errors)

    @app.exception_handler(SQLAlchemyError)
    def _database(request: Request, error: SQLAlchemyError) -> Response:
        return database_problem(request, error)

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        answer = problem(request, error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    def _bug(request: Request, error: Exception) -> Response:
        return unexpected_problem(request, error)
