"""Answers frequent requests of phones without FastAPI, which would triple their cost.

Each function returns an answer, or None; then the application answers, with its parameter checks and error documents.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import database_problem, unexpected_problem, wangge_problem
from geo.errors import WanggeError


def query_fields(scope: Scope) -> dict[str, str]:
    """Query parameters; of repeated ones the last."""
    raw: bytes = scope["query_string"]
    if b"%" in raw or b"+" in raw or b"=" not in raw:
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    parts = (part.partition("=") for part in raw.decode("utf-8", "replace").split("&"))
    return {name: value for name, _, value in parts}


def header(scope: Scope, name: bytes) -> str | None:
    """Value of a header; `name` in lower case."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


Answer = Callable[[Request], Awaitable[Response | None]]


class Direct:
    """ASGI middleware; see the module.

    Parameters
    ----------
    answers
        Functions by method and path.
    """

    def __init__(self, app: ASGIApp, *, answers: Mapping[tuple[str, str], Answer]) -> None:
        self._app = app
        self._answers = dict(answers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        answer = self._answers.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if answer is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        response: Response | None
        try:
            response = await answer(request)
        except WanggeError as error:
            response = wangge_problem(request, error)
        except SQLAlchemyError as error:
            response = database_problem(request, error)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - it is logged with its trace there
            response = unexpected_problem(request, error)
        if response is None:
            await self._app(scope, receive, send)
            return
        scope["template"] = scope["path"]
        await response(scope, receive, send)
