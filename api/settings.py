"""Settings of the server and the store, read from the environment in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from geo.errors import InputError

DATABASE = "WANGGE_DATABASE"
PAGES = "WANGGE_PAGES"
HOST = "WANGGE_HOST"
PORT = "WANGGE_PORT"


@dataclass(frozen=True)
class Settings:
    """What an installation decides.

    Attributes
    ----------
    database
        Path of a SQLite file, or a database URL (``WANGGE_DATABASE``).
    pages
        Folder that holds ``coverage.html`` and ``heat.html`` (``WANGGE_PAGES``).
    host
        Address to listen on; the default is reached from this machine only (``WANGGE_HOST``).
    port
        Port to listen on; 0 takes a free one (``WANGGE_PORT``).
    """

    database: str = "out/wangge.sqlite"
    pages: Path = Path("out")
    host: str = "127.0.0.1"
    port: int = 8000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings from environment variables; what is absent keeps its default.

        Raises
        ------
        InputError
            If the port is not a number from 0 to 65535.
        """
        port = environment.get(PORT, str(cls.port))
        if not port.isdecimal() or int(port) > 65535:
            raise InputError(f"{PORT}={port}: a port is a number from 0 to 65535")
        return cls(
            database=environment.get(DATABASE, cls.database),
            pages=Path(environment.get(PAGES, cls.pages)),
            host=environment.get(HOST, cls.host),
            port=int(port),
        )
