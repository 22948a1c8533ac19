"""Sends the fixes of a day to a running service as phones would, over HTTP with a token per device, at a higher speed."""

from __future__ import annotations

import http.client
import json
import math
import time as clocks
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from api.commands.live.simulated_day import LiveDay
from geo.errors import InputError

#: Interval between two rounds, in each of which every phone sends its due fixes, seconds.
TICK_S = 1.0
#: Number of concurrent connections.
_CONNECTIONS = 4
_TIMEOUT_S = 30.0


@dataclass
class Sent:
    """Progress of a replay.

    Attributes
    ----------
    until
        Simulated time reached.
    total
        Number of fixes to send.
    """

    until: datetime
    total: int
    sent: int = 0
    stored: int = 0
    repeated: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)


def _sleep(seconds: float) -> bool:
    clocks.sleep(seconds)
    return False


@dataclass(frozen=True)
class Pace:
    """Speed and clock of a replay.

    Attributes
    ----------
    speed
        Simulated seconds per real second.
    now
        Returns seconds; only differences are used.
    wait
        Waits for a number of seconds; true if the replay is to stop.
    """

    speed: float = 120.0
    now: Callable[[], float] = clocks.monotonic
    wait: Callable[[float], bool] = _sleep

    def __post_init__(self) -> None:
        if not (math.isfinite(self.speed) and self.speed > 0):
            raise InputError(f"the speed of a replay is a number above 0, not {self.speed:g}")


def replay(address: str, live: LiveDay, pace: Pace) -> Iterator[Sent]:
    """Send the fixes of a day in chronological order; yields the progress after each round that sent something.

    Fixes that become due while a round takes longer than :data:`TICK_S` are sent with the next one, so the replay keeps its
    speed.

    Parameters
    ----------
    address
        Address of the service, such as ``http://127.0.0.1:8000/``.

    Raises
    ------
    InputError
        If the service is unreachable or refuses a batch.
    """
    first = live.tracks["time"].iloc[0]
    due_s = (live.tracks["time"] - first).dt.total_seconds().to_numpy()
    sent = Sent(first.to_pydatetime(), len(due_s))
    begun = pace.now()
    at = 0
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        while at < len(due_s):
            passed = (pace.now() - begun) * pace.speed
            end = int(np.searchsorted(due_s, passed, side="right"))
            if end > at:
                _round(pool, address, live, slice(at, end), sent)
                at = end
                sent.until = first.to_pydatetime() + timedelta(seconds=float(due_s[end - 1]))
                yield sent
                if sent.faults:
                    raise InputError(f"the service at {address} accepts no further fixes: {sent.faults[0]}")
            if at < len(due_s) and pace.wait(TICK_S):
                return


def _round(pool: ThreadPoolExecutor, address: str, live: LiveDay, rows: slice, sent: Sent) -> None:
    """Send the fixes of every device among these rows."""
    batches = [(str(name), part) for name, part in live.tracks.iloc[rows].groupby("device", sort=True)]
    shares = [batches[k::_CONNECTIONS] for k in range(_CONNECTIONS)]
    for answers in pool.map(lambda share: _send(address, share, live.tokens), shares):
        for answer in answers:
            if isinstance(answer, str):
                sent.faults.append(answer)
                continue
            sent.stored += answer["stored"]
            sent.repeated += answer["repeated"]
            sent.refused += len(answer["refused"]) + answer["conflicting"]
    sent.sent = rows.stop


def _send(address: str, batches: list[tuple[str, pd.DataFrame]], tokens: dict[str, str]) -> list[dict[str, Any] | str]:
    """Answers to some batches, sent in order over one connection; a text is an error and the last element."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    answers: list[dict[str, Any] | str] = []
    try:
        for device, part in batches:
            headers = {"Authorization": f"Bearer {tokens[device]}", "Content-Type": "application/json"}
            connection.request("POST", "/api/fixes", body=_body(device, part), headers=headers)
            reply = connection.getresponse()
            text = reply.read()
            if reply.status != 200:
                return [*answers, f"{reply.status} {text[:200].decode('utf-8', 'replace')}"]
            answers.append(json.loads(text))
    except (OSError, http.client.HTTPException) as error:
        return [*answers, str(error) or type(error).__name__]
    finally:
        connection.close()
    return answers


def _body(device: str, part: pd.DataFrame) -> str:
    fixes = [
        {"device": device, "time": moment.isoformat(), "lon": lon, "lat": lat}
        | ({} if math.isnan(accuracy_m) else {"accuracy_m": accuracy_m})
        for moment, lon, lat, accuracy_m in zip(
            part["time"], part["lon"], part["lat"], part["accuracy_m"].astype(float), strict=True
        )
    ]
    return json.dumps({"datum": "WGS-84", "fixes": fixes})
