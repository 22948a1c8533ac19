"""The worker: takes jobs and runs each in a child process. ``python -m api.background_jobs.worker``, started by the server.

``python -m api.background_jobs.worker JOB WORKER`` is the child process. It ends when its standard input is closed, so that it
does not outlive its worker.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from tempfile import TemporaryFile

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api.background_jobs.child import stop_of_child, when_parent_ends
from api.background_jobs.job_table import finish, give_up, job_work, renew, report, take_job
from api.database import open_store, session
from api.settings import Settings, environment_of
from geo.errors import WanggeError

log = logging.getLogger(__name__)

#: Polling interval of the table of jobs, and of the child process.
EVERY_S = 0.5
#: Time between the request to stop and the kill of a child process.
STOP_S = 2.0


def _now() -> datetime:
    return datetime.now(UTC)


class Worker:
    """Takes jobs one after the other; used by one thread."""

    def __init__(self, engine: Engine, settings: Settings, *, clock: Callable[[], datetime] = _now) -> None:
        self._engine, self._settings, self._clock = engine, settings, clock
        self.name = f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"

    def step(self, stop: threading.Event) -> bool:
        """Take one job and run it; False if none is waiting."""
        with session(self._engine, write=True) as opened:
            job = take_job(opened, self.name, at=self._clock())
        if job is None:
            return False
        words = [sys.executable, "-m", "api.background_jobs.worker", str(job), self.name]
        environment = environment_of(self._settings)
        with (
            TemporaryFile() as errors,
            subprocess.Popen(words, stdin=subprocess.PIPE, stderr=errors, env=environment) as child,
        ):
            try:
                reason = self._watch(job, child, stop)
            finally:
                _end(child)
            errors.seek(0)
            lines = errors.read().decode("utf-8", "replace").strip().splitlines()
            reason = reason or (lines[-1] if lines else f"the work ended with {child.returncode}")
        with session(self._engine, write=True) as opened:
            give_up(opened, job, self.name, reason, at=self._clock())
        return True

    def _watch(self, job: int, child: subprocess.Popen[bytes], stop: threading.Event) -> str:
        """Wait for the end of the child process; returns why it was stopped, empty if it ended by itself."""
        while not stop.is_set():
            try:
                child.wait(EVERY_S)
            except subprocess.TimeoutExpired:
                with session(self._engine, write=True) as opened:
                    if not renew(opened, job, self.name, at=self._clock()):
                        return "cancelled"
                continue
            return ""
        return "the server stopped; ask again"


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()


def run(settings: Settings, stop: threading.Event) -> None:
    """Take jobs until stopped; after database errors, wait and retry."""
    engine = open_store(settings.database)
    worker = Worker(engine, settings)
    while not stop.is_set():
        try:
            if worker.step(stop):
                continue
        except SQLAlchemyError:
            log.exception("the database failed; trying again")
        stop.wait(EVERY_S)
    engine.dispose()


def work(settings: Settings, job: int, worker: str) -> None:
    """Execute a job and store its result.

    Raises
    ------
    WanggeError
        If the job is not possible; the message is shown to its creator.
    """
    from api.background_jobs.kinds import KINDS, Place

    engine = open_store(settings.database)
    with session(engine) as opened:
        street, kind, arguments = job_work(opened, job)

    def progress(step: str, done: float) -> None:
        with session(engine, write=True) as inner:
            report(inner, job, worker, step, done)

    result = KINDS[kind](Place(engine, street, settings.street or None), arguments, progress)
    with session(engine, write=True) as opened:
        finish(opened, job, worker, result, at=_now())
    engine.dispose()


def main(words: list[str]) -> int:
    """Run as worker, or as its child if a job number is given."""
    settings = Settings.from_environment(os.environ)
    if words:
        # If the worker has ended (its end of the pipe is closed), another worker will restart the job.
        when_parent_ends(lambda: os._exit(1))
        try:
            work(settings, int(words[0]), words[1])
        except WanggeError as error:
            print(error, file=sys.stderr)
            return 2
        return 0
    run(settings, stop_of_child())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
