"""The hash chain of a case: each event contains the hash of the previous one, so changes of stored events are detected.

The hash is the SHA-256, in hexadecimal digits, of the event as JSON with sorted keys, `prev_hash` included and `at` in UTC.
Payload values are hashed as JSON, so an event that was stored and read again has the same hash.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from geo.duty.events import Event
from geo.errors import InputError

_ENCODE = msgspec.json.Encoder(order="deterministic").encode


class _Hashed(msgspec.Struct, gc=False):
    """What the hash covers. Fields are written in this order, that of their names; creating it is cheaper than sorting a dict."""

    action: str
    actor: str
    at: str
    calendar_version: str
    case_id: str
    client_id: str | None
    payload: Mapping[str, Any]
    prev_hash: str
    reason: str
    role: str
    rules_version: str
    seq: int


def event_hash(event: Event) -> str:
    """Hash of an event, 64 hexadecimal digits.

    Raises
    ------
    InputError
        If the payload contains a value that JSON cannot represent.

    >>> import datetime as dt
    >>> event_hash(Event("A-1", 1, dt.datetime(2026, 11, 23, tzinfo=dt.UTC), "张三", "officer", "report"))[:8]
    'fcb8ccd2'
    """
    try:
        text = _ENCODE(
            _Hashed(
                event.action,
                event.actor,
                event.at.isoformat(),
                event.calendar_version,
                event.case_id,
                event.client_id,
                event.payload,
                event.prev_hash,
                event.reason,
                event.role,
                event.rules_version,
                event.seq,
            )
        )
    except TypeError as error:
        raise InputError(
            f"case {event.case_id}, event {event.seq}: the payload cannot be written as JSON ({error})"
        ) from error
    return hashlib.sha256(text).hexdigest()


def chained(event: Event, last: Event | None) -> Event:
    """The event with the hash of the previous one; `last` is None for the first."""
    return dataclasses.replace(event, prev_hash="" if last is None else event_hash(last))


def broken_links(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Find events whose `prev_hash` is not the hash of the previous event.

    Parameters
    ----------
    events
        Of one case, in order.

    Returns
    -------
    list of dict
        `case_id`, `seq`, `expected` and `found` of each; empty if the chain is intact. A changed event is detected at the next
        one; a change of the last event only if its hash was stored elsewhere (:func:`geo.duty.chain.event_hash`).
    """
    broken = []
    expected = ""
    for event in events:
        if event.prev_hash != expected:
            broken.append({"case_id": event.case_id, "seq": event.seq, "expected": expected, "found": event.prev_hash})
        expected = event_hash(event)
    return broken
