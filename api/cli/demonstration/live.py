"""The live demonstration: a service, simulated phones that send a day to it, and progress lines."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from api.cli.console import out

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from api.commands.live.simulated_day import LiveDay
    from api.settings import Settings

#: Interval of simulated time between two progress lines.
LINE_EVERY = timedelta(minutes=30)
#: Maximum time to wait for the last verdicts, seconds.
SETTLE_S = 300


def serve_live(settings: Settings, *, seed: int, speed: float, link: str) -> Exception | None:
    """Serve, replay a day, and stop at its end; returns the error that occurred, or None.

    Parameters
    ----------
    link
        One-time link of the administrator, as part of the address.
    """
    from api.commands.live.simulated_day import live_day
    from api.database import open_store, session, street_of
    from api.overview.service_maps import background_of
    from api.server import serve

    engine = open_store(settings.database)
    try:
        with session(engine) as opened:
            street = street_of(opened, settings.street or None)
        roads = background_of(settings)["roads"]
        live = live_day(engine, street, roads, seed=seed, zone=settings.zone, at=datetime.now(UTC))
        phones = _Phones(engine, street, live, speed, ZoneInfo(settings.zone))

        def ready(address: str) -> None:
            _say(f"打开 open: {address}login/{link}")
            _say(f"登录后看实时图 live map, after the login: {address}coverage  (Ctrl+C 停止 stops)")
            phones.start(address)

        try:
            serve(settings, ready=ready)
        finally:
            phones.end()
    finally:
        engine.dispose()
    return phones.fault


def _say(line: str) -> None:
    out().print(line, markup=False, highlight=False, soft_wrap=True)


@dataclass
class _Phones:
    """A thread that replays a day to the service of this process, and stops the service at the end of the day."""

    engine: Engine
    street: int
    live: LiveDay
    speed: float
    zone: ZoneInfo
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    fault: Exception | None = None

    def start(self, address: str) -> None:
        self.thread = threading.Thread(target=self._run, args=(address,), name="phones")
        self.thread.start()

    def end(self) -> None:
        self.stop.set()
        if self.thread is not None:
            self.thread.join()

    def _run(self, address: str) -> None:
        try:
            self._replay(address)
        except Exception as error:  # noqa: BLE001 - told by the main thread, which waits for the service
            self.fault = error
        finally:
            if not self.stop.is_set():
                os.kill(os.getpid(), signal.SIGTERM)

    def _replay(self, address: str) -> None:
        from api.commands.live.replaying import Pace, replay

        _say(
            f"回放 replay: {self.live.day}, {len(self.live.tracks):,} 个定位点 fixes, {len(self.live.tokens)} 台设备 devices, "
            f"{self.speed:g} 倍速 times as fast"
        )
        printed_at = None
        for sent in replay(address, self.live, Pace(speed=self.speed, wait=self.stop.wait)):
            if printed_at is None or sent.until - printed_at >= LINE_EVERY:
                printed_at = sent.until
                self._print(f"{sent.until.astimezone(self.zone):%H:%M}  {sent.sent:>9,} 个定位点 fixes")
        if not self.stop.is_set():
            self._settle()
            self._print("回放结束 end of the replay")

    def _settle(self) -> None:
        """Wait for the verdicts of the last fixes."""
        from api.database import session
        from api.database.verdicts import pending

        for _ in range(SETTLE_S):
            with session(self.engine) as opened:
                waiting = pending(opened, self.street)
            if not waiting or self.stop.wait(1.0):
                return

    def _print(self, line: str) -> None:
        from api.database import session
        from api.overview.days import judged_days
        from geo.patrols import VERDICTS

        with session(self.engine) as opened:
            judged = judged_days(opened, self.street, self.live.day, days=1).get(self.live.day)
        counts = {} if judged is None else judged.counts()
        _say("  ".join([line, *(f"{VERDICTS[state][0]} {VERDICTS[state][1]} {n}" for state, n in counts.items())]))
