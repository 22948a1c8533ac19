"""Work in a second process while this one does something else."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import TypeVar

_Result = TypeVar("_Result")


@contextmanager
def computed_meanwhile(compute: Callable[[], _Result]) -> Iterator[Callable[[], _Result]]:
    """Call a function in a second process, if there is a second core.

    Parameters
    ----------
    compute
        A function of a module, or a partial of one with arguments that can be pickled.

    Yields
    ------
    callable
        Waits for the result. Without a second core, or if the process failed, the function is called here. A process that is not
        waited for ends with the block.
    """
    if (os.cpu_count() or 1) < 2:
        yield compute
        return
    # A new interpreter, because a fork of a process with threads (Arrow, numba) may hang.
    fresh = multiprocessing.get_context("spawn")
    receiver, sender = fresh.Pipe(duplex=False)
    process = fresh.Process(target=_send, args=(sender, compute), daemon=True)
    process.start()
    sender.close()

    def result() -> _Result:
        try:
            made: _Result = receiver.recv()
        except EOFError:
            return compute()
        return made

    try:
        yield result
    finally:
        process.terminate()
        process.join()
        receiver.close()


def _send(sender: Connection, compute: Callable[[], object]) -> None:
    """Send a result to the process that started this one, which alone reacts to Ctrl+C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(Exception):  # is raised by the call in the other process
        sender.send(compute())
    sender.close()
