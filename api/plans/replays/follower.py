"""Process that computes the effect of edits on incidents and verdicts (``python -m api.plans.replays.follower``).

It is separate from the server's workers, whose answers its work would delay. Several servers may start it; a lease in the
database lets one process work at a time.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api.background_jobs.child import stop_of_child
from api.database import open_store, session, street_of
from api.database.drafts.presence import drafts_in_use, waiting_replays
from api.database.verdicts import take_lease
from api.ingest.fix import microseconds
from api.settings import Settings

if TYPE_CHECKING:
    from api.plans.replays.replaying import Replayer

log = logging.getLogger(__name__)

#: Polling interval, and duration of a lease that is not renewed, seconds.
EVERY_S, LEASE_S = 0.3, 30.0


def utc_now() -> datetime:
    """Current time of the system clock, in UTC."""
    return datetime.now(UTC)


def run(settings: Settings, stop: threading.Event) -> None:
    """Answer requests until stopped; after database errors, wait and retry."""
    engine = open_store(settings.database)
    with session(engine, write=True) as opened:
        street = street_of(opened, settings.street or None)
    holder = f"{socket.gethostname()}:{os.getpid()}"
    replayer: Replayer | None = None
    while not stop.wait(EVERY_S):
        try:
            if not _wanted(engine, street):
                continue
            with session(engine, write=True) as opened:
                now_us = microseconds(utc_now())
                until = now_us + int(LEASE_S * 1e6)
                if not take_lease(opened, f"replays of street {street}", holder, now_us=now_us, until_us=until):
                    continue
            replayer = replayer or _replayer(engine, street, settings)
            replayer.step()
            replayer.warm()
        except SQLAlchemyError:
            log.exception("the database failed; trying again")
            stop.wait(LEASE_S / 6)
    engine.dispose()


def _wanted(engine: Engine, street: int) -> bool:
    """Whether a draft is open anywhere or a request is waiting."""
    with session(engine) as opened:
        return bool(drafts_in_use(opened, street, at=utc_now()) or waiting_replays(opened, street, limit=1))


def _replayer(engine: Engine, street: int, settings: Settings) -> Replayer:
    # Imported at the first request, to keep an idle process small.
    from api.plans.keeper import Keeper
    from api.plans.replays.replaying import Replayer

    return Replayer(engine, street, Keeper(engine, settings.layers), clock=utc_now)


def main() -> None:
    """Run with the settings of the environment until a signal."""
    run(Settings.from_environment(os.environ), stop_of_child())


if __name__ == "__main__":
    main()
