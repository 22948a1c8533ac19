"""Protocols of phones: Traccar Client (OsmAnd protocol: query, form and JSON) and OwnTracks.

Units differ: OsmAnd sends knots, Traccar Client's JSON m/s, OwnTracks km/h; -1 means unknown. The coordinates are WGS-84.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from api.ingest.fix import Fix, fault, microseconds, not_negative
from geo.errors import InputError

KNOT_M_S = 1852.0 / 3600.0
#: OsmAnd times up to this number are seconds, larger ones milliseconds.
_MOST_SECONDS = 2**31


@dataclass(frozen=True)
class Report:
    """A position sent by a phone; `device` is the name it uses, `time_us` None if it sends no time."""

    device: str | None
    time_us: int | None
    lon: float
    lat: float
    accuracy_m: float | None = None
    speed_m_s: float | None = None
    mock: bool | None = None

    def fix(self, *, street: int, device: int, source: int, now_us: int, future_after_us: int) -> Fix:
        """Convert to a fix of a stored device.

        Raises
        ------
        InputError
            If place or time is invalid.
        """
        time_us = now_us if self.time_us is None else self.time_us
        reason = fault(self.lon, self.lat, time_us)
        if reason is not None:
            raise InputError(reason.en)
        return Fix(
            street,
            device,
            time_us,
            round(self.lon * 1e7),
            round(self.lat * 1e7),
            not_negative(self.accuracy_m),
            not_negative(self.speed_m_s),
            None if self.mock is None else int(self.mock),
            int(time_us > now_us + future_after_us),
            0,
            source,
            now_us,
        )


def osmand(fields: Mapping[str, str]) -> Report | None:
    """Position in the parameters of a request; None if there is none (a heartbeat).

    Raises
    ------
    InputError
        If a value cannot be parsed.
    """
    if fields.get("location"):
        lat, _, lon = fields["location"].partition(",")
    elif "lat" in fields and "lon" in fields:
        lat, lon = fields["lat"], fields["lon"]
    else:
        return None
    speed = _number(fields.get("speed"), "speed")
    return Report(
        device=fields.get("id") or fields.get("deviceid"),
        time_us=_osmand_time(fields.get("timestamp")),
        lon=_required(lon, "lon"),
        lat=_required(lat, "lat"),
        accuracy_m=_number(fields.get("accuracy"), "accuracy"),
        speed_m_s=None if speed is None or speed < 0 else speed * KNOT_M_S,
        mock=_flag(fields.get("mock")),
    )


def traccar_json(message: Mapping[str, Any]) -> Report | None:
    """Position in a message of Traccar Client 9 or later; None if there is none.

    Raises
    ------
    InputError
        If a value cannot be parsed.
    """
    location = message.get("location")
    coords = location.get("coords") if isinstance(location, Mapping) else None
    if not isinstance(location, Mapping) or not isinstance(coords, Mapping):
        return None
    device = message.get("device_id")
    mock = location.get("mock")
    return Report(
        device=None if device is None else str(device),
        time_us=_osmand_time(location.get("timestamp")),
        lon=_required(coords.get("longitude"), "longitude"),
        lat=_required(coords.get("latitude"), "latitude"),
        accuracy_m=_number(coords.get("accuracy"), "accuracy"),
        speed_m_s=_number(coords.get("speed"), "speed"),
        mock=mock if isinstance(mock, bool) else None,
    )


def owntracks(message: Mapping[str, Any]) -> Report | None:
    """Position in a message of OwnTracks; None if it is of another type, or an answer to a ping, whose time is not that of the
    fix.

    Raises
    ------
    InputError
        If a value cannot be parsed.
    """
    if message.get("_type") != "location" or message.get("t") == "p":
        return None
    speed = _number(message.get("vel"), "vel")
    return Report(
        device=None,
        time_us=round(_required(message.get("tst"), "tst") * 1_000_000),
        lon=_required(message.get("lon"), "lon"),
        lat=_required(message.get("lat"), "lat"),
        accuracy_m=_number(message.get("acc"), "acc"),
        speed_m_s=None if speed is None else speed / 3.6,
    )


def _osmand_time(given: Any) -> int | None:
    if given is None or given == "":
        return None
    text = str(given).strip()
    try:
        number = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise InputError(f"timestamp '{text[:40]}' is no time") from error
        return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    if not math.isfinite(number):
        raise InputError(f"timestamp '{text[:40]}' is no time")
    return round(number * (1_000_000 if number < _MOST_SECONDS else 1_000))


def _number(given: Any, name: str) -> float | None:
    if given is None or given == "" or isinstance(given, bool):
        return None
    try:
        return float(given)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} '{str(given)[:40]}' is no number") from error


def _required(given: Any, name: str) -> float:
    number = _number(given, name)
    if number is None or not math.isfinite(number):
        raise InputError(f"{name} is missing or no number")
    return number


def _flag(given: str | None) -> bool | None:
    if given is None or given == "":
        return None
    return given.strip().lower() in ("1", "true", "yes")
