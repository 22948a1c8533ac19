"""A server with the model street and its layers, for tests of the editor's page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from api.access import Grant, Role
from api.app import create_app
from api.database import add_version, open_store, publish, session, upgrade
from api.database.accounts import add_account, add_token
from api.settings import Settings
from geo.layers import Division, read_division
from tests.integration.api.serving import serving
from tools.boundaries import FOLDER

playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
CHROMIUM = shutil.which("chromium")
ROOT = Path(__file__).resolve().parents[2]
PUBLISHED_AT = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def model_division() -> Division:
    """The division of the model street, as included in the project."""
    return read_division(FOLDER / "division.gpkg")


@contextmanager
def start_server(
    folder: Path, names: tuple[str, ...] = ("王工", "李工"), grants: tuple[Grant, ...] = (), **more: Any
) -> Iterator[list[Any]]:
    """A server with accounts of these names, planners if no grants are given; a client with the token of each.

    `more` are settings of the server.
    """
    path = str(folder / "store.sqlite")
    engine = open_store(path, must_exist=False)
    upgrade(engine)
    tokens = []
    with session(engine, write=True) as opened:
        version = add_version(opened, model_division(), valid_from=date(2026, 1, 1), created_at=PUBLISHED_AT)
        publish(opened, version.id, published_at=PUBLISHED_AT)
    with session(engine, write=True) as opened:
        for name, grant in zip(names, grants or (Grant(Role.PLANNER),) * len(names), strict=True):
            account = add_account(opened, 1, name, [grant], at=PUBLISHED_AT, by="test")
            tokens.append(add_token(opened, "program", at=PUBLISHED_AT, account=account).text)
    engine.dispose()
    settings = Settings(database=path, layers=str(FOLDER / "street.gpkg"), plain_http=True, follow=False, **more)
    with serving(create_app(settings)) as client:
        clients = []
        for token in tokens:
            one = type(client)(base_url=client.base_url, trust_env=False, timeout=120)
            one.headers["Authorization"] = f"Bearer {token}"
            clients.append(one)
        yield clients
        for one in clients:
            one.close()


def quiet_page(context: Any, server: Any, faults: list[str]) -> Any:
    """A page whose errors and requests to other hosts fail the test; refusals by the server are not errors."""
    page = context.new_page()
    base = str(server.base_url).rstrip("/")
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda message: (
            faults.append(message.text)
            if message.type in ("error", "warning") and "Failed to load resource" not in message.text
            else None
        ),
    )
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((base, "data:", "about:", "blob:")) else faults.append(request.url)
        ),
    )
    return page
