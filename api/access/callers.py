"""Determines the caller of a request from its token or cookie."""

from __future__ import annotations

import base64
import binascii
import threading
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from api.access.rights import Caller
from api.access.secrets import digest

#: Time for which a token is trusted before the database is checked for revocations.
TRUSTED_S = 1.0
#: Maximum number of cached tokens.
MOST_REMEMBERED = 50_000


class Tokens:
    """Cache of callers by token, valid until access rights change in the database; thread-safe.

    A revoked token works for :data:`TRUSTED_S` at most, in every worker.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, Caller] = {}
        self._generation: tuple[int, ...] = ()
        self._asked_at = -TRUSTED_S
        self._devices: dict[int, dict[str, int]] = {}

    def remembered(self, token: str) -> Caller | None:
        """Caller of a token that was resolved within the last second."""
        if time.monotonic() - self._asked_at >= TRUSTED_S:
            return None
        return self._known.get(digest(token))

    def resolve(self, token: str) -> Caller | None:
        """Caller of a token; None if it is unknown, revoked or expired. Queries the database."""
        from api.database import session
        from api.database.accounts import caller_of_token

        sha256 = digest(token)
        with self._lock, session(self._engine) as opened:
            self._refresh(opened)
            caller = self._known.get(sha256) or caller_of_token(opened, sha256, at=self._clock())
            if caller is not None and len(self._known) < MOST_REMEMBERED:
                self._known[sha256] = caller
            return caller

    def known_devices(self, street: int) -> dict[str, int] | None:
        """The devices of a street as they were read within the last second."""
        return self._devices.get(street) if time.monotonic() - self._asked_at < TRUSTED_S else None

    def devices(self, street: int) -> dict[str, int]:
        """Numbers of a street's active devices, by name."""
        from api.database import session
        from api.database.people import device_names

        if time.monotonic() - self._asked_at >= TRUSTED_S or street not in self._devices:
            with self._lock, session(self._engine) as opened:
                self._refresh(opened)
                if street not in self._devices:
                    self._devices[street] = device_names(opened, street)
        return self._devices.get(street, {})

    def forget(self) -> None:
        """Query the database at the next request: access was changed in this process."""
        self._asked_at = -TRUSTED_S

    def _refresh(self, opened: object) -> None:
        from api.database.accounts import access_generation

        if time.monotonic() - self._asked_at < TRUSTED_S:
            return
        generation = access_generation(opened)  # type: ignore[arg-type]
        if generation != self._generation:
            self._known.clear()
            self._devices.clear()
            self._generation = generation
        self._asked_at = time.monotonic()


def bearer(header: str | None) -> str | None:
    """Token of an ``Authorization`` header: Bearer, or the password of Basic (OwnTracks).

    >>> bearer("Bearer abc"), bearer("Basic QTp0b2tlbg=="), bearer("Digest x")
    ('abc', 'token', None)
    """
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None
