"""A server on a real port, for tests."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.types import ASGIApp

from api.translations import FALLBACK


def require_both_languages(answer: httpx.Response) -> None:
    """Check that every problem document has complete sentences in Chinese and English."""
    if answer.headers.get("content-type") == "application/problem+json" and answer.request.method != "HEAD":
        answer.read()
        body = answer.json()
        assert re.search("[\u4e00-\u9fff]", body["zh"]), body
        assert FALLBACK[:8] not in body["zh"], body
        # Names, and what libraries say in brackets, stay as they are.
        assert not re.search("[a-z]+ [a-z]+ [a-z]+", re.sub("“[^”]*”|（[^）]*）", "", body["zh"])), body
        assert not re.search("[\u4e00-\u9fff]", body["en"].split("'")[0]), body


@contextmanager
def serving(app: ASGIApp) -> Iterator[httpx.Client]:
    """Run an application on a free port, and yield a client of it."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="on", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        with httpx.Client(
            base_url=address, trust_env=False, timeout=60, event_hooks={"response": [require_both_languages]}
        ) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(60)
