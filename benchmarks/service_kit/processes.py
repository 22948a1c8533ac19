"""A server in a separate process, and the CPU time of server and database."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import ROOT
from benchmarks.service_kit.clients import Client
from tools.postgres import Cluster

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running ``wangge serve``."""

    process: subprocess.Popen[bytes]
    port: int

    def client(self) -> Client:
        """A connection to the server."""
        return Client(self.port)


@contextmanager
def serving(database: str, *, wait: bool = True, **settings: object) -> Iterator[Server]:
    """Run a server on a free port of 127.0.0.1 until the block ends."""
    server = start(database, **settings)
    try:
        if wait:
            wait_for(server, "/ready")
        yield server
    finally:
        server.process.terminate()
        try:
            server.process.wait(20)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()


def start(database: str, **settings: object) -> Server:
    """Start a server on a free port, without waiting for it."""
    port = free_port()
    given = {"database": database, "port": port, "follow": False, "plain_http": True, "log": "info", **settings}
    environment = {**os.environ, **{f"WANGGE_{name.upper()}": str(value) for name, value in given.items()}}
    words = [sys.executable, "-m", "api.cli", "serve"]
    process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Server(process, port)


def wait_for(server: Server, path: str, *, most_s: float = 150.0) -> float:
    """Seconds until a path is answered with 200."""
    started = time.perf_counter()
    while time.perf_counter() - started < most_s:
        try:
            with server.client() as client:
                if client.get(path)[0] == 200:
                    return time.perf_counter() - started
        except OSError:
            if server.process.poll() is not None:
                raise SystemExit(f"the server ended with {server.process.returncode}") from None
        time.sleep(0.01)
    raise SystemExit(f"{path} is not answered after {most_s} s")


def settle(server: Server, *, most_s: float = 120.0) -> None:
    """Wait until a server has done what it does once after a start: tables, tiles, the processes beside it.

    That would otherwise count as the cost of the requests that happen to come meanwhile.
    """
    ends, quiet, last = time.perf_counter() + most_s, 0, cpu_s(children(server.process.pid))
    while quiet < 3:
        if time.perf_counter() > ends:
            raise SystemExit(f"the server still works on something {most_s} s after it was ready")
        time.sleep(1.0)
        now = cpu_s(children(server.process.pid))
        quiet, last = (quiet + 1 if now - last <= 0.05 else 0), now


def free_port() -> int:
    """A free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_s(pids: Iterable[int]) -> float:
    """User and system time of processes and of their ended children, in seconds."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / _TICKS


def children(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for number in found:
        try:
            tasks = list(Path(f"/proc/{number}/task").iterdir())
        except OSError:
            continue
        for task in tasks:
            found += map(int, (task / "children").read_text().split())
    return found


def cpu_of(server: Server, cluster: Cluster | None) -> tuple[float, float]:
    """CPU time of a server with its children, and of the database, in seconds."""
    return cpu_s(children(server.process.pid)), cpu_s(cluster.pids()) if cluster else 0.0
