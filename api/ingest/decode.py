"""The body of ``POST /api/fixes`` to fixes.

Decoding is typed (msgspec, about 0.5 ms for 500 fixes). Only if that fails the body is read again fix by fix, so that
one bad fix is refused by its position and the others are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec

from api.access import Caller
from api.ingest.fix import DATUMS, Fix, datum_name, fault, microseconds, not_negative
from geo.errors import InputError

#: Most fixes in one batch.
MOST_FIXES = 20_000


class SentFix(msgspec.Struct):
    """One fix as programs send it."""

    device: str
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    accuracy_m: float | None = None
    speed_m_s: float | None = None
    mock: bool | None = None


class SentBatch(msgspec.Struct):
    """A batch of fixes as programs send it."""

    datum: str
    fixes: Annotated[list[SentFix], msgspec.Meta(max_length=MOST_FIXES)]


class _LooseBatch(msgspec.Struct):
    datum: str
    fixes: Annotated[list[Any], msgspec.Meta(max_length=MOST_FIXES)]


_DECODER = msgspec.json.Decoder(SentBatch)
_LOOSE = msgspec.json.Decoder(_LooseBatch)


@dataclass(frozen=True)
class Context:
    """What a batch is judged by.

    Attributes
    ----------
    devices
        Numbers of the street's devices by name.
    now_us, future_after_us
        Time of arrival, and how far ahead of it a fix may be before it is marked.
    """

    caller: Caller
    devices: Mapping[str, int]
    now_us: int
    future_after_us: int
    source: int = 0


@dataclass(frozen=True)
class Batch:
    """Fixes that can be stored, and those refused: position (from 0) and reason."""

    fixes: list[Fix]
    refused: list[dict[str, Any]]


def read_batch(body: bytes, context: Context) -> Batch:
    """Read a batch.

    Raises
    ------
    InputError
        If the body is not a batch, or its datum is missing or unknown.
    """
    refused: list[dict[str, Any]] = []
    try:
        sent = _DECODER.decode(body)
        numbered = list(enumerate(sent.fixes))
        datum = sent.datum
    except (msgspec.ValidationError, msgspec.DecodeError):
        try:
            loose = _LOOSE.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"the body is not a batch of fixes: {error}") from error
        datum = loose.datum
        numbered = []
        for position, raw in enumerate(loose.fixes):
            try:
                numbered.append((position, msgspec.convert(raw, SentFix)))
            except msgspec.ValidationError as error:
                refused.append({"position": position, "reason": str(error)})
    number = datum_id(datum)
    fixes = _stored_form(numbered, number, context, refused)
    refused.sort(key=lambda entry: entry["position"])
    return Batch(fixes, refused)


def datum_id(name: str) -> int:
    """Position of a datum in :data:`DATUMS`, by its name in any usual spelling.

    Raises
    ------
    DatumError
        If the name is not known.
    """
    return DATUMS.index(datum_name(name))


def _stored_form(
    numbered: list[tuple[int, SentFix]], datum: int, context: Context, refused: list[dict[str, Any]]
) -> list[Fix]:
    which = device_finder(context)
    places = to_wgs84(datum, [(fix.lon, fix.lat) for _, fix in numbered])
    latest = context.now_us + context.future_after_us
    street = context.caller.street
    fixes = []
    for (position, fix), (lon, lat) in zip(numbered, places, strict=True):
        time_us = microseconds(fix.time)
        device = which(fix.device)
        reason = device if isinstance(device, str) else fault(fix.lon, fix.lat, time_us)
        if reason is not None:
            refused.append({"position": position, "reason": reason})
            continue
        fixes.append(
            Fix(
                street,
                device,  # type: ignore[arg-type]
                time_us,
                round(lon * 1e7),
                round(lat * 1e7),
                not_negative(fix.accuracy_m),
                not_negative(fix.speed_m_s),
                None if fix.mock is None else int(fix.mock),
                int(time_us > latest),
                datum,
                context.source,
                context.now_us,
            )
        )
    return fixes


def device_finder(context: Context) -> Callable[[str], int | str]:
    """Function from the name of a device to its number, or to the reason why the caller may not send for it."""
    caller, devices = context.caller, context.devices
    if caller.device is not None:
        own = caller.device
        return lambda name: own if name == caller.name else "this token sends for its own device only"
    return lambda name: devices.get(name, "no such device; add it with 'wangge device add'")


def to_wgs84(datum: int, places: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Bring longitudes and latitudes to WGS-84; WGS-84 and CGCS2000 are taken as equal."""
    if datum < 2 or not places:
        return places
    from geo.layers import Datum, convert

    lon, lat = convert([p[0] for p in places], [p[1] for p in places], Datum(DATUMS[datum]), Datum.WGS84)
    return list(zip(map(float, lon), map(float, lat), strict=True))
