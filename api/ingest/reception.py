"""Answers what programs and phones send: ``POST /api/fixes``, ``/osmand`` and ``/owntracks``.

Plain Starlette routes: they are asked by every phone every few seconds, FastAPI would double their cost, and they answer before
it is imported.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import metrics
from api.access import Caller, Right
from api.access.admission import admit, authorize, caller_of_token
from api.access.callers import Tokens, bearer
from api.direct.dispatch import Answer, header, query_fields
from api.errors import UnknownCallerError
from api.ingest import phones
from api.ingest.decode import Context, read_batch
from api.ingest.fix import SOURCES, microseconds
from api.ingest.rows import Rows, as_rows
from api.ingest.writer import Outcome
from geo.errors import InputError

_ENCODER = msgspec.json.Encoder()
_JSON = "application/json"


async def post_fixes(request: Request) -> Response:
    """Store a batch of fixes in one commit."""
    caller = await admit(request, Right.SEND_FIXES)
    state = request.app.state
    body = await request.body()
    now_us = microseconds(state.clock())
    devices = {} if caller.device is not None else await devices_of(request, caller)
    context = Context(caller, devices, now_us, state.settings.future_after_s * 1_000_000)
    # Conversion from another datum imports geopandas at first use, so such batches are decoded in a thread.
    plain = b"WGS-84" in body[:200]
    batch = read_batch(body, context) if plain else await run_in_threadpool(read_batch, body, context)
    outcome = await store_rows(request, batch.rows)
    metrics.count_fixes(outcome.stored, outcome.repeated, outcome.conflicting, len(batch.refused))
    answer = {
        "stored": outcome.stored,
        "repeated": outcome.repeated,
        "conflicting": outcome.conflicting,
        "refused": batch.refused,
    }
    return Response(_ENCODER.encode(answer), media_type=_JSON)


async def osmand(request: Request) -> Response:
    """Receive a position from Traccar Client, by query, form or JSON. The answer is empty."""
    fields = query_fields(request.scope)
    body = b"" if request.method == "GET" else await request.body()
    kind = (header(request.scope, b"content-type") or "").partition(";")[0].strip().lower()
    message: Any = None
    if kind == _JSON:
        message = _decoded(body)
        given = message.get("device_id")
    else:
        if body:
            fields |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        given = fields.get("id") or fields.get("deviceid")
    caller, device = await _phone(request, fields.get("token"), None if given is None else str(given))
    if device is None:
        # Traccar's answer to an unknown phone.
        return Response(status_code=404 if message is not None else 400)
    report = phones.osmand(fields) if message is None else phones.traccar_json(message)
    await _store_report(request, report, caller, device, "osmand" if message is None else "traccar")
    return Response()


async def owntracks(request: Request) -> Response:
    """Receive a message of OwnTracks; the answer is an empty list of commands."""
    caller, device = await _phone(request, None, None)
    if device is None:
        return Response(status_code=400)
    body = await request.body()
    if body:
        message = _decoded(body)
        await _store_report(request, phones.owntracks(message), caller, device, "owntracks")
    return Response(b"[]", media_type=_JSON)


post_fixes.right = Right.SEND_FIXES  # type: ignore[attr-defined]
osmand.right = Right.SEND_FIXES  # type: ignore[attr-defined]
owntracks.right = Right.SEND_FIXES  # type: ignore[attr-defined]
ROUTES = [
    Route("/api/fixes", post_fixes, methods=["POST"]),
    Route("/osmand", osmand, methods=["GET", "POST"]),
    Route("/owntracks", owntracks, methods=["POST"]),
]
#: The same functions, for :class:`api.direct.dispatch.Direct`.
DIRECT: dict[tuple[str, str], Answer] = {
    ("POST", "/api/fixes"): post_fixes,
    ("GET", "/osmand"): osmand,
    ("POST", "/osmand"): osmand,
    ("POST", "/owntracks"): owntracks,
}


async def _phone(request: Request, token: str | None, given: str | None) -> tuple[Caller, int | None]:
    """Caller and device of a phone's request; the token is sent in a header, as ``token``, or as the phone's identifier.

    Raises
    ------
    UnknownCallerError
        If no token is valid.
    """
    secret = bearer(header(request.scope, b"authorization")) or token or given
    caller = await caller_of_token(request, secret)
    if caller is None:
        raise UnknownCallerError("a device token is needed: as password, as 'token', or as the device's identifier")
    request.state.caller = caller
    named = None if given == secret else given
    if caller.device is not None:
        return caller, caller.device if named in (None, caller.name) else None
    authorize(caller, Right.SEND_FIXES)
    return caller, (await devices_of(request, caller)).get(named or "")


async def _store_report(request: Request, report: Any, caller: Caller, device: int, source: str) -> None:
    if report is None:
        return
    state = request.app.state
    fix = report.fix(
        street=caller.street,
        device=device,
        source=SOURCES.index(source),
        now_us=microseconds(state.clock()),
        future_after_us=state.settings.future_after_s * 1_000_000,
    )
    await store_rows(request, as_rows([fix]))


async def store_rows(request: Request, rows: Rows) -> Outcome:
    """Hand rows to the writer and wait for the commit."""
    if not len(rows):
        return Outcome(0, 0, 0)
    outcome: Outcome = await request.app.state.writer.store(rows)
    return outcome


async def devices_of(request: Request, caller: Caller) -> dict[str, int]:
    """Numbers of the devices of the caller's street, by name."""
    tokens: Tokens = request.app.state.tokens
    known = tokens.known_devices(caller.street)
    return await run_in_threadpool(tokens.devices, caller.street) if known is None else known


def _decoded(body: bytes) -> Any:
    try:
        message = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"the body is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise InputError("the body is not a JSON object")
    return message
