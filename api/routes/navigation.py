"""Navigation entries for a caller: existing pages that the caller may open."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from api.access import PUBLIC, Caller, Right, allowed
from api.access.admission import ANYBODY, LOGGED_IN
from api.openapi import routes_of
from api.settings import Settings
from maps.pages.navigation import Entry, shown_entries

#: Pages that the administrator can make public, and the right required otherwise.
OPENED = {"/coverage": Right.SEE_VERDICTS, "/heat": Right.SEE_INCIDENTS, "/fairness": Right.SEE_DIVISION}

#: Pages that redirect browsers without a login to the form, and the right required.
LOGIN_PAGES = {
    "/plan": Right.PLAN,
    "/checker": Right.SEE_TRACKS,
    **dict.fromkeys(("/me", "/desk", "/board"), Right.SEE_CASES),
    **dict.fromkeys(("/roster", "/notices"), Right.SEE_ROSTER),
    **dict.fromkeys(("/meeting", "/ledgers", "/brief", "/rectification"), Right.SEE_LEDGERS),
}


def may_open(caller: Caller, path: str, right: Right | str, settings: Settings) -> bool:
    """Whether a caller may open a page: it is public, or the caller has the right."""
    if path in OPENED:
        return settings.public_pages or (caller is not PUBLIC and allowed(caller, OPENED[path]))
    if path in LOGIN_PAGES:
        return caller is not PUBLIC and allowed(caller, LOGIN_PAGES[path])
    if right == ANYBODY:
        return True
    return caller is not PUBLIC and (right == LOGGED_IN or allowed(caller, Right(right)))


async def navigation(request: Request) -> list[Entry]:
    """Entries of :mod:`maps.pages.navigation` for the caller of a request."""
    return entries_for(request)


def entries_for(request: Request) -> list[Entry]:
    """Entries for the caller of a request, as determined by :func:`api.access.admission.admit`; without one, for the public."""
    caller, settings = getattr(request.state, "caller", PUBLIC), request.app.state.settings
    rights = {
        route.path: getattr(route.endpoint, "right", None)
        for route in routes_of(request.app)
        if "GET" in (route.methods or ())
    }
    known = {path: right for path, right in rights.items() if right is not None}
    return shown_entries({path for path, right in known.items() if may_open(caller, path, right, settings)})


NavigationOf = Annotated[list[Entry], Depends(navigation)]
