"""Work in a second process while this one does something else."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, Protocol, TypeVar

_Result = TypeVar("_Result")


class Meanwhile(Protocol):
    """Calls a function in the second process; the returned callable waits for the result."""

    def __call__(self, compute: Callable[[], _Result]) -> Callable[[], _Result]: ...  # noqa: D102


@contextmanager
def second_process() -> Iterator[Meanwhile]:
    """A second process, if there is a second core, which calls functions one after the other.

    Yields
    ------
    Meanwhile
        Takes a function of a module, or a partial of one with arguments that can be pickled and are not changed afterwards.
        The function is called here when its result is asked for, if there is no second core, if it has not been begun by then,
        or if it or the process failed. The process ends with the block, whatever it was doing.

    Examples
    --------
    ::

        with second_process() as meanwhile:
            total = meanwhile(partial(sum, [1, 2]))
            ...
            total()
    """
    if (os.cpu_count() or 1) < 2:
        yield _here
        return
    # A new interpreter, because a fork of a process with threads (Arrow, numba) may hang.
    fresh = multiprocessing.get_context("spawn")
    here, there = fresh.Pipe()
    process = fresh.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    there.close()
    # One thread asks and waits for the answer, so that neither process waits for the other to take a long message.
    line = ThreadPoolExecutor(1, thread_name_prefix="second-process")

    def meanwhile(compute: Callable[[], _Result]) -> Callable[[], _Result]:
        answer = line.submit(_asked, here, compute)

        def result() -> _Result:
            if answer.cancel():
                return compute()
            done, value = answer.result()
            made: _Result = value if done else compute()
            return made

        return result

    try:
        yield meanwhile
    finally:
        process.terminate()
        process.join()
        line.shutdown(cancel_futures=True)
        here.close()


def _here(compute: Callable[[], _Result]) -> Callable[[], _Result]:
    return compute


def _asked(connection: Connection, compute: Callable[[], object]) -> tuple[bool, Any]:
    """Whether the process computed a result, and the result."""
    try:
        connection.send(compute)
        answer: tuple[bool, Any] = connection.recv()
    except (EOFError, OSError):  # the process has ended
        return False, None
    return answer


def _serve(connection: Connection) -> None:
    """Compute what the process asks that started this one, which alone reacts to Ctrl+C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, OSError):  # the other process has ended
        while True:
            answer: tuple[bool, object] = (False, None)
            with suppress(Exception):  # is raised by the call in the other process
                answer = (True, connection.recv()())
            try:
                connection.send(answer)
            except (TypeError, AttributeError, pickle.PicklingError):
                connection.send((False, None))
