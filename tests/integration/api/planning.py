"""A draft on a running server, for the tests of the editor's server."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import httpx

from api.access import Grant, Role
from api.database import session
from api.database.accounts import add_account, add_token

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def token(engine, name: str, *grants: Grant) -> str:
    """Token of a new account, by default a planner of the whole street."""
    with session(engine, write=True) as opened:
        account = add_account(opened, 1, name, list(grants or [Grant(Role.PLANNER)]), at=NOW, by="test")
        return add_token(opened, "program", account=account, at=NOW).text


def send(plan: SimpleNamespace, path: str, who=None, **body) -> httpx.Response:
    """POST to the draft."""
    return plan.client.post(f"/api/drafts/{plan.draft['id']}{path}", json=body, headers=who or plan.wang)


def look(plan: SimpleNamespace, path: str, who=None, **query) -> httpx.Response:
    """GET from the draft."""
    return plan.client.get(f"/api/drafts/{plan.draft['id']}{path}", params=query, headers=who or plan.wang)
