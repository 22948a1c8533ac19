"""What every request passes first: limits of its body, HEAD, security headers, one line of log, and the counters.

A log line has the route's template, never the address with its parameters; the kind of caller, never a name.
"""

from __future__ import annotations

import logging
import time
import zlib
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics
from api.errors import TooLargeError
from api.settings import Settings

log = logging.getLogger("wangge.request")

#: Headers of every answer that has not set them itself.
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
}
#: What a page may load: from this server only. Maps that folium makes carry their styles and scripts in the page.
PAGE_POLICY = (
    "default-src 'self' 'unsafe-inline' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
OTHER_POLICY = "default-src 'none'; frame-ancestors 'none'"


class Edge:
    """ASGI middleware; see the module."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        self._most = settings.body_mb << 20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        key = uuid4().hex[:12]
        head = scope["method"] == "HEAD"
        if head:
            scope["method"] = "GET"
        scope.setdefault("state", {})
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(MutableHeaders(scope=message), key)
            elif message["type"] == "http.response.body" and head:
                if message.get("more_body"):
                    return
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        try:
            await self._app(scope, self._limited(scope, receive), answer)
        finally:
            _finish(scope, "HEAD" if head else scope["method"], status, time.perf_counter() - started, key)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """Body of a request, unpacked, up to the limit; a small packed body that grows without end stops there too."""
        headers = Headers(scope=scope)
        packed = headers.get("content-encoding", "").strip().lower()
        length = headers.get("content-length", "")
        unpack = zlib.decompressobj(wbits=31) if packed == "gzip" else None
        most, size = self._most, 0

        async def limited() -> Message:
            nonlocal size
            if packed not in ("", "identity", "gzip"):
                raise TooLargeError(f"content-encoding '{packed[:20]}' is not known; send gzip or plain")
            if length.isdecimal() and int(length) > most:
                raise TooLargeError(f"a body of {int(length):,} bytes is larger than {most:,}; send it in parts")
            message = await receive()
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


def _add_headers(headers: MutableHeaders, key: str) -> None:
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    page = headers.get("content-type", "").startswith("text/html")
    headers.setdefault("Content-Security-Policy", PAGE_POLICY if page else OTHER_POLICY)
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Request-Id"] = key


def _finish(scope: Scope, method: str, status: int, seconds: float, key: str) -> None:
    route: Any = scope.get("route")
    template = getattr(route, "path", None) or _template(scope)
    metrics.count_request(method, template, status, seconds)
    if not log.isEnabledFor(logging.INFO):
        return
    caller = scope["state"].get("caller")
    fields = {
        "request": key,
        "method": method,
        "route": template,
        "status": status,
        "ms": round(seconds * 1000, 1),
        "caller": getattr(caller, "kind", "public"),
    }
    log.info("request", extra={"fields": fields})


def _template(scope: Scope) -> str:
    """Template of a plain route; what matched nothing is counted together, or anybody could fill the counters."""
    endpoint = scope.get("endpoint")
    return scope["path"] if endpoint is not None and hasattr(endpoint, "right") else "(none)"
