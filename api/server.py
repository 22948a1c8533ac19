"""Runs the server: its workers and companion processes, such as the one that updates verdicts."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import uvicorn
from starlette.datastructures import State
from starlette.types import ASGIApp

from api.direct.front import Front, open_state
from api.logs import configure
from api.settings import Settings, environment_of
from geo.errors import InputError

log = logging.getLogger(__name__)

#: Connections without a request are closed after this time, seconds; slow clients occupy one of ``concurrency`` otherwise.
KEEP_ALIVE_S = 30
#: The companion processes start after this time, seconds, even if no division is loaded yet.
BESIDE_AFTER_S = 10.0
#: Minimum interval between restarts of a worker that ended by itself, seconds.
RESTART_EVERY_S = 1.0


def serve(
    settings: Settings,
    *,
    ready: Callable[[str], None],
    log_level: str = "warning",
    case_clock: Callable[[], datetime] | None = None,
) -> None:
    """Serve until the process is interrupted (SIGINT or SIGTERM); running requests are completed.

    Parameters
    ----------
    ready
        Called with the address once the port is open.
    case_clock
        Returns the time at which steps of cases are taken, for a single worker; by default the system time.

    Raises
    ------
    InputError
        If the server cannot listen on the address.
    """
    configure(settings.log)
    with _listen(settings.host, settings.port) as listener:
        state = open_state(settings, case_clock=case_clock) if settings.workers == 1 else None
        if state is None:
            _check(settings)
            gc.enable()
        host, port = listener.getsockname()[:2]
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
        with _beside(settings, None if state is None else state.loaded):
            if state is not None:
                _answer(state, listener, log_level)
            else:
                _run_workers(settings, listener)


def _answer(state: State, listener: socket.socket, log_level: str) -> None:
    """Answer requests until a signal ends the process."""

    def end() -> None:
        server.should_exit = True

    front = Front(state, build, end=end)
    _outlive_signal()
    server = uvicorn.Server(uvicorn.Config(front, **_options(state.settings, log_level)))  # type: ignore[arg-type]
    server.run(sockets=[listener])
    if front.failure is not None:
        raise front.failure


def _options(settings: Settings, log_level: str) -> dict[str, object]:
    return {
        "log_level": log_level,
        "access_log": False,
        "server_header": False,
        "loop": "uvloop",
        "http": "httptools",
        "ws": "none",
        "proxy_headers": bool(settings.proxies),
        "forwarded_allow_ips": settings.proxies or None,
        "limit_concurrency": settings.concurrency,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "timeout_graceful_shutdown": settings.stop_s,
    }


def _check(settings: Settings) -> None:
    """Check before the workers start that the database is usable."""
    from api.database import open_store
    from api.database.migrate import require_schema

    engine = open_store(settings.database)
    require_schema(engine)
    engine.dispose()


@contextlib.contextmanager
def _beside(settings: Settings, after: threading.Event | None) -> Iterator[None]:
    """Run the companion processes; each ends when its standard input is closed.

    They start when `after` is set, so that they do not compete for processors with a starting server.
    """
    wanted = {
        "api.verdicts.follower": settings.follow,
        "api.plans.replays.follower": settings.follow,
        "api.background_jobs.worker": settings.jobs,
    }
    children: list[subprocess.Popen[bytes]] = []
    stopping, lock = threading.Event(), threading.Lock()

    def start() -> None:
        if after is not None:
            after.wait(BESIDE_AFTER_S)
        with lock:
            if stopping.is_set():
                return
            children.extend(
                subprocess.Popen(
                    [sys.executable, "-m", module],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    env=environment_of(settings),
                )
                for module, used in wanted.items()
                if used
            )

    starter = threading.Thread(target=start, name="processes beside the server", daemon=True)
    starter.start()
    try:
        yield
    finally:
        with lock:
            stopping.set()
        for child in children:
            child.terminate()
            if child.stdin is not None:
                child.stdin.close()
        for child in children:
            try:
                child.wait(settings.stop_s)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _run_workers(settings: Settings, listener: socket.socket) -> None:
    """Run several processes that share the port; a process that ends is replaced."""
    folder = tempfile.mkdtemp(prefix="wangge-metrics-")
    environment = environment_of(settings) | {"PROMETHEUS_MULTIPROC_DIR": folder}
    os.set_inheritable(listener.fileno(), True)
    words = [sys.executable, "-m", "api.worker", str(listener.fileno())]
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(words, env=environment, pass_fds=[listener.fileno()])

    workers = [start() for _ in range(settings.workers)]
    try:
        while not stop.wait(0.2):
            for k, worker in enumerate(workers):
                if worker.poll() is not None:
                    log.warning("a worker ended with %s and is started again", worker.returncode)
                    time.sleep(RESTART_EVERY_S)
                    workers[k] = start()
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            try:
                worker.wait(settings.stop_s + 5)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _outlive_signal() -> None:
    """Let the process end normally after SIGTERM: uvicorn raises the signal again when it has stopped, and child processes
    would not be stopped.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: None)


def run_worker(settings: Settings, descriptor: int) -> None:
    """Serve on a socket opened by another process."""
    configure(settings.log)
    listener = socket.socket(fileno=descriptor)
    _answer(open_state(settings), listener, "warning")


def build(state: State) -> ASGIApp:
    """Make the application with all routes; tables, tiles and ``published.gpkg`` of each new version are then made in the
    background, until the process ends."""
    from api.app import build as build_application
    from api.ogc.publication.preparation import Preparation

    app = build_application(state)
    Preparation(state.ogc, state.loaded).start()
    return app


def _listen(host: str, port: int) -> socket.socket:
    """Open the port before the server starts, so that the number of a free port (0) is known."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is given because asyncio disables the delay of small packets (40 ms an answer) only for explicit TCP
    # sockets.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        reason = error.strerror or error
        raise InputError(f"cannot listen on {host}:{port} ({reason}); choose another --host or --port") from error
    return listener
