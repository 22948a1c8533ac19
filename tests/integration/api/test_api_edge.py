"""The middleware of all requests: limits of bodies, headers, and labels of counters; without a server."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from api.errors import TooLargeError
from api.middleware import OTHER_POLICY, PAGE_POLICY, Edge, _template
from api.problems import database_problem, unexpected_problem
from api.settings import Settings

MIB = 1 << 20


def through(kind=b"application/json", own=(), *, body=b"", headers=()):
    """Headers of the answer of an application that reads the body, and the number of bytes that it got."""
    sent: list[dict] = []
    got = 0

    async def app(scope, receive, send):
        nonlocal got
        got = len((await receive()).get("body", b""))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind), *own]})
        await send({"type": "http.response.body", "body": b""})

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": list(headers), "query_string": b""}
    asyncio.run(Edge(app, settings=Settings(body_mb=1))(scope, receive, send))
    return dict(sent[0]["headers"]), got


def test_a_body_has_a_limit_announced_packed_or_not():
    assert through(body=b"x" * MIB, headers=[(b"content-length", str(MIB).encode())])[1] == MIB
    with pytest.raises(TooLargeError, match=r"1,048,577 bytes is larger"):
        through(headers=[(b"content-length", str(MIB + 1).encode())])
    with pytest.raises(TooLargeError):
        through(body=b"x" * (MIB + 1))
    packed = [(b"content-encoding", b"gzip")]
    assert through(body=gzip.compress(bytes(MIB)), headers=packed)[1] == MIB
    with pytest.raises(TooLargeError):
        through(body=gzip.compress(bytes(MIB + 1)), headers=packed)
    with pytest.raises(TooLargeError, match="'br' is not known"):
        through(body=b"x", headers=[(b"content-encoding", b"br")])


def test_answers_are_kept_by_nobody_and_load_nothing():
    plain, _ = through()
    assert (plain[b"cache-control"], plain[b"x-content-type-options"]) == (b"no-store", b"nosniff")
    assert plain[b"content-security-policy"] == OTHER_POLICY
    page, _ = through(b"text/html; charset=utf-8", [(b"cache-control", b"no-cache")])
    assert (page[b"cache-control"], page[b"content-security-policy"]) == (b"no-cache", PAGE_POLICY)


def test_a_database_that_fails_is_busy_and_tells_nothing():
    request = Request({"type": "http", "method": "GET", "path": "/api/x", "headers": [], "query_string": b""})
    answer = database_problem(request, SQLAlchemyError("confidential"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert b"confidential" not in answer.body
    failed = unexpected_problem(request, KeyError("confidential"))
    assert failed.status_code == 500
    assert b"confidential" not in failed.body


def test_addresses_without_a_route_share_one_label():
    assert _template({"path": "/secret-of-somebody"}) == "(none)"

    def answer() -> None: ...

    assert _template({"path": "/x", "endpoint": answer}) == "(none)"
    answer.right = "anybody"
    assert _template({"path": "/x", "endpoint": answer}) == "/x"
