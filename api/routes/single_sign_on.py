"""Login with an OpenID Connect provider (``WANGGE_OIDC_ISSUER``)."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.util import find_spec

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.access.admission import ANYBODY
from api.access.oidc import Started, begin, finish
from api.access.secrets import Secret
from api.database import session, street_of
from api.database.accounts import login_of_provider
from api.database.events import audit
from api.errors import NotStoredError, UnknownCallerError
from api.routes.guard import Guarded, needs
from api.routes.login import set_cookie
from api.settings import Settings

router = APIRouter(route_class=Guarded, include_in_schema=False)

#: Cookie of a started login, and its lifetime in seconds.
COOKIE, LASTS_S = "wangge_sso", 600


@router.get("/sso")
@needs(ANYBODY)
async def sso(request: Request) -> Response:
    """Redirect the browser to the provider."""
    settings = _set(request)
    started = await begin(settings, _back(request))
    answer = RedirectResponse(started.address, status_code=303)
    set_cookie(request, answer, COOKIE, json.dumps(asdict(started) | {"address": ""}), LASTS_S)
    return answer


@router.get("/sso/callback")
@needs(ANYBODY)
async def callback(request: Request) -> Response:
    """Receive the browser from the provider, and log in its user."""
    settings = _set(request)
    try:
        started = Started(**json.loads(request.cookies.get(COOKIE, "")))
    except (ValueError, TypeError) as error:
        raise UnknownCallerError("this login was not begun here, or took too long; begin again") from error
    name = await finish(settings, _back(request), started, dict(request.query_params))
    state = request.app.state
    at = state.clock()

    def start() -> Secret:
        with session(state.engine, write=True) as opened:
            street = street_of(opened, settings.street or None)
            secret = login_of_provider(opened, street, name, at=at, days=settings.session_days)
            audit(opened, street, f"session:{name}", "log in by provider", name, at=at)
            return secret

    secret = await run_in_threadpool(start)
    answer = RedirectResponse("/", status_code=303)
    set_cookie(request, answer, None, secret.text, round(settings.session_days * 86_400))
    answer.delete_cookie(COOKIE)
    return answer


def _set(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    if not settings.oidc_issuer:
        raise NotStoredError("no login provider is set (WANGGE_OIDC_ISSUER)")
    if find_spec("authlib") is None or find_spec("httpx") is None:
        raise NotStoredError("the part 'oidc' is not installed: make the kit with --extra oidc")
    return settings


def _back(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/sso/callback"
