"""Checks the right declared by every route; an application with a route without declaration does not start.

The caller is determined and the right checked before the body or a parameter is read: 401 and 403 precede 422.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.access import PUBLIC, Caller, Right, allowed
from api.access.callers import Tokens, bearer
from api.database import session
from api.database.accounts import caller_of_session
from api.errors import DeniedError, UnknownCallerError
from geo.errors import WanggeError

COOKIE = "wangge_session"
_SAFE = ("GET", "HEAD", "OPTIONS")
F = TypeVar("F", bound=Callable[..., Any])

#: Marks of a route's function: a right, or one of these.
ANYBODY = "anybody"
LOGGED_IN = "logged in"


def needs(right: Right | str) -> Callable[[F], F]:
    """Declare the right required by a route, :data:`ANYBODY` or :data:`LOGGED_IN`."""

    def mark(function: F) -> F:
        function.right = right  # type: ignore[attr-defined]
        return function

    return mark


class Guarded(APIRoute):
    """A route that checks its caller first."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler with the check."""
        right = getattr(self.endpoint, "right", None)
        if right is None:
            raise TypeError(f"the route {self.path} does not say which right it needs; mark its function with @needs")
        answer = super().get_route_handler()

        async def handler(request: Request) -> Response:
            await admit(request, right)
            try:
                return await answer(request)
            except HTTPException as error:
                # FastAPI converts every error raised while a body is read to 400; wangge errors have their own status.
                if isinstance(error.__cause__, WanggeError):
                    raise error.__cause__ from error
                raise

        return handler


async def admit(request: Request, right: Right | str) -> Caller:
    """Determine the caller of a request, store it in ``request.state.caller``, and check the right.

    Raises
    ------
    UnknownCallerError
        If a login or token is required and there is no valid one.
    DeniedError
        If the caller lacks the right, or a browser's request comes from another site.
    """
    caller = await caller_of(request)
    request.state.caller = caller
    return authorize(caller, right)


def authorize(caller: Caller, right: Right | str) -> Caller:
    """Check the right of a caller; see :func:`admit`."""
    if right == ANYBODY:
        return caller
    if caller is PUBLIC:
        raise UnknownCallerError("log in, or send a token (Authorization: Bearer)")
    if right != LOGGED_IN and not allowed(caller, Right(right)):
        raise DeniedError(f"'{caller.name}' may not do this: the right '{right}' is needed")
    return caller


async def caller_of(request: Request) -> Caller:
    """Caller of a request by its token, otherwise by its cookie, otherwise the public.

    Raises
    ------
    UnknownCallerError
        If its token is invalid.
    """
    if header := request.headers.get("authorization"):
        caller = await caller_of_token(request, bearer(header))
        if caller is None:
            raise UnknownCallerError("the token is unknown, revoked or too old")
        return caller
    secret = request.cookies.get(COOKIE)
    if not secret:
        return PUBLIC
    state = request.app.state
    idle = timedelta(hours=state.settings.session_hours)

    def look() -> Caller | None:
        with session(state.engine, write=True) as opened:
            return caller_of_session(opened, secret, at=state.clock(), idle=idle)

    found = await run_in_threadpool(look)
    if found is None:
        return PUBLIC
    require_same_site(request)
    return found


async def caller_of_token(request: Request, token: str | None) -> Caller | None:
    """Caller of a token."""
    tokens: Tokens = request.app.state.tokens
    if not token:
        return None
    return tokens.remembered(token) or await run_in_threadpool(tokens.resolve, token)


def require_same_site(request: Request) -> None:
    """Refuse a change that a browser sends on behalf of another site.

    Raises
    ------
    DeniedError
        If ``Sec-Fetch-Site`` or ``Origin`` is another site.
    """
    if request.method in _SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = site is not None and site not in ("same-origin", "none")
    if not foreign and origin is not None:
        foreign = origin == "null" or urlsplit(origin).netloc != request.headers.get("host", "")
    if foreign:
        raise DeniedError(
            "this request was sent by a page of another site; open the page of this service and try again"
        )
