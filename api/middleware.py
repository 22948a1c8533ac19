"""Middleware of all requests: limits of the body, HEAD, security headers, one log line, and counters.

A log line contains the route's template and the kind of caller, never the address with its parameters or a name.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
import zlib
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import logs, metrics
from api.errors import TooLargeError, TooSlowError
from api.settings import Settings

#: Headers of every answer that does not set them itself.
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(self)"),
    (b"cache-control", b"no-store"),
]
#: Content security policy: pages load from this server only. Maps made by folium have inline styles and scripts.
PAGE_POLICY = (
    b"default-src 'self' 'unsafe-inline' data: blob:; object-src 'none'; base-uri 'none'; "
    b"form-action 'self'; frame-ancestors 'self'"
)


def policy_with_pictures(host: str) -> str:
    """Content security policy of a page that may also load images from another host."""
    return f"{PAGE_POLICY.decode()}; img-src 'self' data: blob: {host}".rstrip()


OTHER_POLICY = b"default-src 'none'; frame-ancestors 'none'"
_POLICY = b"content-security-policy"


#: A client whose body makes no progress for this long gets an error and frees its slot among the concurrent requests.
BODY_WAIT_S = 30.0

#: Status in logs and counters of a request whose client left before the answer, as nginx counts it; nobody receives it.
CLIENT_LEFT = 499


class Edge:
    """ASGI middleware; see the module."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        self._most = settings.body_mb << 20
        # Request ids differ between processes and between their starts.
        self._start, self._count = os.urandom(4).hex(), itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request and its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        key = f"{self._start}{next(self._count):x}"
        head = scope["method"] == "HEAD"
        if head:
            # A copy: the server reads the method again, to send the length of the answer without its body.
            scope = {**scope, "method": "GET"}
        scope.setdefault("state", {})
        status = CLIENT_LEFT

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, key)
            elif head:
                return
            await send(message)
            if head:
                # The answer ends here: a stream of events sees that nobody listens.
                await send({"type": "http.response.body", "body": b""})

        try:
            await self._app(scope, self._limited(scope, receive), answer)
        except Exception:
            status = 500
            raise
        finally:
            _finish(scope, "HEAD" if head else scope["method"], status, time.perf_counter() - started, key)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """Body of a request, decompressed, up to the limit; this also stops a small compressed body that expands without end."""
        packed = length = ""
        for name, value in scope["headers"]:
            if name == b"content-encoding":
                packed = value.decode("latin-1").strip().lower()
            elif name == b"content-length":
                length = value.decode("latin-1")
        if not packed and not length and scope["method"] == "GET":
            return receive
        unpack = zlib.decompressobj(wbits=31) if packed == "gzip" else None
        most, size = self._most, 0

        async def limited() -> Message:
            nonlocal size
            if packed not in ("", "identity", "gzip"):
                raise TooLargeError(f"content-encoding '{packed[:20]}' is not known; send gzip or plain")
            if length.isdecimal() and int(length) > most:
                raise TooLargeError(f"a body of {int(length):,} bytes is larger than {most:,}; send it in parts")
            try:
                async with asyncio.timeout(BODY_WAIT_S):
                    message = await receive()
            except TimeoutError as error:
                raise TooSlowError(
                    f"the rest of the body did not arrive within {BODY_WAIT_S} s; send it again"
                ) from error
            if message["type"] != "http.request":
                return message
            body = message.get("body", b"")
            if unpack is not None and body:
                try:
                    body = unpack.decompress(body, most - size + 1)
                except zlib.error as error:
                    raise TooLargeError(f"the body is not gzip ({error})") from error
            size += len(body)
            if size > most:
                raise TooLargeError(f"the body is larger than {most:,} bytes; send it in parts")
            return {**message, "body": body}

        return limited


def _add_headers(message: Message, key: str) -> None:
    """Add headers that the answer does not set itself."""
    headers: list[tuple[bytes, bytes]] = list(message["headers"])
    names = {name for name, _ in headers}
    headers += [entry for entry in SECURITY_HEADERS if entry[0] not in names]
    if _POLICY not in names:
        page = any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers)
        headers.append((_POLICY, PAGE_POLICY if page else OTHER_POLICY))
    headers.append((b"x-request-id", key.encode()))
    message["headers"] = headers


def _finish(scope: Scope, method: str, status: int, seconds: float, key: str) -> None:
    route: Any = scope.get("route")
    template = scope.get("template") or getattr(route, "path", None) or _template(scope)
    metrics.count_request(method, template, status, seconds)
    caller = scope["state"].get("caller")
    kind = getattr(caller, "kind", "public")
    ms = round(seconds * 1000, 1)
    # Frequent requests of phones are counted, and logged only on failure.
    level = "debug" if "template" in scope and status < 400 else "info"
    logs.line(level, "request", request=key, method=method, route=template, status=status, ms=ms, caller=kind)


def _template(scope: Scope) -> str:
    """Template of a plain route; unmatched addresses share one label, or anybody could fill the counters."""
    endpoint = scope.get("endpoint")
    return scope["path"] if endpoint is not None and hasattr(endpoint, "right") else "(none)"
