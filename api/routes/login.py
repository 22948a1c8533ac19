"""Login and logout: by password, and by one-time link."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from ipaddress import ip_address
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.access import passwords
from api.access.admission import ANYBODY, COOKIE, LOGGED_IN, require_same_site
from api.access.rights import Caller
from api.database import session, street_of
from api.database.accounts import (
    end_session,
    failed_logins,
    note_login,
    password_of,
    set_password,
    start_session,
    use_link,
)
from api.database.events import audit
from api.errors import DeniedError, TooManyError, UnknownCallerError
from api.routes.dependencies import CallerOf
from api.routes.guard import Guarded, needs
from api.schemas import Login, Me, NewPassword

router = APIRouter(route_class=Guarded, tags=["login"])

_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>登录 Log in</title></head><body><main><h1>登录 <span lang="en">Log in</span></h1>
<p role="alert">{message}</p>
<form method="post" action="/login">
<p><label>用户名 Name<br><input name="name" autocomplete="username" required maxlength="100" autofocus></label></p>
<p><label>密码 Password<br><input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button>登录 Log in</button></p></form></main></body></html>"""


@router.post("/api/login", responses={429: {"description": "too many tries"}})
@needs(ANYBODY)
def log_in(request: Request, body: Login) -> Response:
    """Log in with name and password; the answer sets a cookie."""
    require_same_site(request)
    answer = JSONResponse({"name": body.name})
    _set_cookie(request, answer, check_login(request, body.name, body.password))
    return answer


@router.get("/login", include_in_schema=False)
@needs(ANYBODY)
def login_page(request: Request) -> HTMLResponse:
    """The login form, with a link to the login provider if there is one."""
    provider = request.app.state.settings.oidc_issuer
    return HTMLResponse(_PAGE.format(message='<a href="/sso">统一登录 Single sign-on</a>' if provider else ""))


@router.post("/login", include_in_schema=False)
@needs(ANYBODY)
async def login_form(request: Request) -> Response:
    """Log in from the form."""
    require_same_site(request)
    fields = parse_qs((await request.body()).decode("utf-8", "replace"))
    name, password = (fields.get(key, [""])[0] for key in ("name", "password"))
    try:
        secret = await run_in_threadpool(check_login, request, name, password)
    except (UnknownCallerError, TooManyError) as error:
        status = 429 if isinstance(error, TooManyError) else 401
        return HTMLResponse(_PAGE.format(message=escape(str(error))), status_code=status)
    answer = RedirectResponse("/", status_code=303)
    _set_cookie(request, answer, secret)
    return answer


@router.get("/login/{link}", include_in_schema=False)
@needs(ANYBODY)
def login_link(request: Request, link: str) -> Response:
    """Log in with a one-time link."""
    state = request.app.state
    at = state.clock()
    with session(state.engine, write=True) as opened:
        account = use_link(opened, link, at=at)
        secret = start_session(opened, account, at=at, days=state.settings.session_days)
    answer = RedirectResponse("/", status_code=303)
    _set_cookie(request, answer, secret.text)
    return answer


@router.post("/api/logout", status_code=204)
@needs(LOGGED_IN)
def log_out(request: Request, caller: CallerOf) -> Response:
    """End this login."""
    state = request.app.state
    if caller.session is not None:
        with session(state.engine, write=True) as opened:
            end_session(opened, caller.session, at=state.clock())
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/api/me")
@needs(LOGGED_IN)
def me(caller: CallerOf) -> Me:
    """The caller's account and roles."""
    grants = [{"role": grant.role.value, "scope": grant.scope} for grant in caller.grants]
    return Me.model_validate({"kind": caller.kind, "name": caller.name, "grants": grants})


@router.post("/api/me/password", status_code=204, responses={403: {"description": "the present password is wrong"}})
@needs(LOGGED_IN)
def change_password(request: Request, body: NewPassword, caller: CallerOf) -> Response:
    """Set a new password; all logins of the account end. The present password is required if there is one."""
    state = request.app.state
    if caller.account is None or caller.kind != "session":
        raise DeniedError("passwords belong to accounts of persons; log in first")
    with session(state.engine) as opened:
        _, stored = password_of(opened, caller.street, caller.name)
    if stored is not None and not passwords.matches(stored, body.present or ""):
        raise DeniedError("the present password is wrong")
    hashed = passwords.hashed(body.new, caller.name)
    with session(state.engine, write=True) as opened:
        set_password(opened, caller.account, hashed, at=state.clock())
        audit(opened, caller.street, caller.actor, "change password", caller.name, at=state.clock())
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE)
    return answer


def check_login(request: Request, name: str, password: str) -> str:
    """Check name and password, and start a session.

    Raises
    ------
    TooManyError
        After too many failed attempts with this name or from this address, even if the password is correct.
    UnknownCallerError
        If name or password is wrong, without saying which.
    """
    state = request.app.state
    settings, at = state.settings, state.clock()
    address = request.client.host if request.client else ""
    since = at - timedelta(seconds=settings.login_window_s)
    with session(state.engine, write=True) as opened:
        count, first = failed_logins(opened, name, address, since=since)
        if count >= settings.login_tries and first is not None:
            wait = max(1, int((first + timedelta(seconds=settings.login_window_s) - at).total_seconds()) + 1)
            raise TooManyError(f"too many failed logins; try again in {wait} s", wait_s=wait)
        # Recorded before the password is checked, so that concurrent attempts do not all pass.
        note_login(opened, name, address, at=at, succeeded=False)
        street = street_of(opened, settings.street or None)
        account, stored = password_of(opened, street, name)
    good = passwords.matches(stored, password)
    if not good or account is None or stored is None:
        raise UnknownCallerError("name or password is wrong")
    with session(state.engine, write=True) as opened:
        note_login(opened, name, address, at=at, succeeded=True)
        if passwords.outdated(stored):
            set_password(opened, account, passwords.hashed(password, name), at=at)
        return start_session(opened, account, at=at, days=settings.session_days).text


def set_cookie(request: Request, answer: Response, name: str | None, value: str, lasts_s: int) -> None:
    """Set a cookie (by default the session's) that is hidden from scripts, not sent by other sites, and only sent over TLS."""
    settings = request.app.state.settings
    secure = not settings.plain_http and not (request.url.scheme == "http" and _loopback(request.url.hostname or ""))
    answer.set_cookie(name or COOKIE, value, max_age=lasts_s, httponly=True, secure=secure, samesite="lax")
    answer.headers["Cache-Control"] = "no-store"


def _set_cookie(request: Request, answer: Response, secret: str) -> None:
    set_cookie(request, answer, COOKIE, secret, round(request.app.state.settings.session_days * 86_400))


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_account(caller: Caller) -> int:
    """Number of the caller's account.

    Raises
    ------
    DeniedError
        If the caller is a device.
    """
    if caller.account is None:
        raise DeniedError("devices only send fixes")
    return caller.account
