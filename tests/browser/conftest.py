"""Shared fixtures of the browser tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium; the test modules are skipped if it or Playwright is missing."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as run:
        opened = run.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def see(browser: Any, people: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[Any]:
    """Open a page as one of the module's people; errors of a page and requests to other hosts fail the test."""
    from tests.browser.planning import quiet_page

    faults: list[str] = []
    contexts = []

    def opened(who: str, path: str, size: dict[str, int] = request.module.DESK) -> Any:
        client = people[who]
        headers = {"Authorization": client.headers["Authorization"]}
        touch = size is request.module.PHONE
        contexts.append(browser.new_context(extra_http_headers=headers, viewport=size, has_touch=touch))
        page = quiet_page(contexts[-1], client, faults)
        page.goto(f"{str(client.base_url).rstrip('/')}{path}")
        if ready := getattr(request.module, "READY", ""):
            page.wait_for_selector(ready)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []
