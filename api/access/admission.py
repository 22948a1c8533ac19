"""Admits requests: finds the caller by token or cookie, and checks a right.

Without FastAPI, because the requests of phones are answered before it is imported (:mod:`api.direct.front`).
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from api.access.callers import Tokens, bearer
from api.access.rights import PUBLIC, Caller, Right, allowed
from api.database import session
from api.database.accounts import caller_of_session
from api.errors import DeniedError, UnknownCallerError

COOKIE = "wangge_session"
_SAFE = ("GET", "HEAD", "OPTIONS")

#: What a route's function declares that it needs: a right, or one of these.
ANYBODY = "anybody"
LOGGED_IN = "logged in"


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
        foreign = urlsplit(origin).netloc != request.headers.get("host", "")
    if foreign:
        raise DeniedError(
            "this request was sent by a page of another site; open the page of this service and try again"
        )
