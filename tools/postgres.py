"""A temporary PostgreSQL cluster for tests, benchmarks and kill runs: a temporary folder and a private port.

Needs Debian's ``postgresql-15-postgis-3`` (or another version's); no running server is used or touched. PostgreSQL refuses to run
as root, so under root the programs run as the user ``postgres``.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: Debian's folder with the programs of each version.
PROGRAMS = Path("/usr/lib/postgresql")
USER = "wangge"


class NotInstalledError(RuntimeError):
    """PostgreSQL or PostGIS is not installed, or cannot be run here."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster."""

    folder: Path
    programs: Path
    port: int

    def url(self, database: str) -> str:
        """URL of a database of the cluster."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, *, template: str | None = None) -> str:
        """Create a database and return its URL."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            words = f' TEMPLATE "{template}"' if template else ""
            connection.execute(f'CREATE DATABASE "{database}"{words}')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Drop a database, with its connections."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def pids(self) -> list[int]:
        """Process ids of the server and its backends."""
        main = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [main, *map(int, children)]

    def control(self, *words: str) -> None:
        """Run pg_ctl."""
        _run(self.programs / "pg_ctl", "-D", self.folder / "data", "-w", *words)


@contextmanager
def cluster(*, durable: bool = False) -> Iterator[Cluster]:
    """Run a cluster for the duration of the block.

    Parameters
    ----------
    durable
        Wait for the disk at each commit, as a real installation does. Without it tests run several times as fast.

    Raises
    ------
    NotInstalledError
        If PostgreSQL with PostGIS is not installed, or there is no user to run it as.
    """
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="wangge-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        _run(programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", USER, "--no-sync", "-E", "UTF8")
        started = Cluster(folder, programs, _free_port())
        options = f"-p {started.port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=100"
        if not durable:
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        started.control("-o", options, "-l", str(folder / "log"), "start")
        try:
            yield started
        finally:
            started.control("-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    for folder in sorted(PROGRAMS.glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True):
        share = Path("/usr/share/postgresql") / folder.parent.name / "extension" / "postgis.control"
        if (folder / "initdb").exists() and share.exists():
            return folder
    raise NotInstalledError("PostgreSQL with PostGIS: install Debian's postgresql-15-postgis-3")


def _run(*words: object) -> None:
    command = [str(word) for word in words]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, cwd="/", timeout=120)
    except FileNotFoundError as error:
        raise NotInstalledError(f"PostgreSQL cannot be run here: {error}") from error
    except subprocess.CalledProcessError as error:
        raise NotInstalledError(f"{command[-1]}: {(error.stderr or error.stdout).strip()[:500]}") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
