"""How processes of wangge end: at once, but with everything written that was to be written."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_START = "import threading, time, atexit, sys; from api.deployment.ending import leave; "


def ended(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", _START + code], capture_output=True, text=True, check=False)


def test_output_is_flushed_and_functions_for_the_end_run_in_their_order() -> None:
    done = ended(
        "atexit.register(print, 'first', end=''); atexit.register(print, 'second', end=' ', file=sys.stderr); "
        "print('output', end=' '); leave(3)"
    )
    assert (done.stdout, done.stderr, done.returncode) == ("output first", "second ", 3)


def test_the_interpreter_is_not_dismantled() -> None:
    """An object that lives until then would be told."""
    tell = "A = type('A', (), {'__del__': lambda self: print('dismantled')}); a = A(); "
    assert ended(tell + "leave(0)").stdout == ""
    assert ended(tell).stdout == "dismantled\n"


@pytest.mark.parametrize("daemon", [True, False])
def test_work_in_threads_is_awaited_unless_it_is_background_work(daemon: bool) -> None:
    done = ended(
        "work = lambda: (time.sleep(0.5), print('worked', flush=True)); "
        f"threading.Thread(target=work, daemon={daemon}).start(); leave(0)"
    )
    assert (done.stdout, done.returncode) == ("" if daemon else "worked\n", 0)


def test_output_that_cannot_be_written_is_an_error() -> None:
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with open("/dev/full", "w", encoding="utf-8") as full:
        code = _START + "print('text'); leave(0)"
        done = subprocess.run([sys.executable, "-c", code], stdout=full, env=buffered, check=False)
    assert done.returncode == 2
    assert ended("sys.stdout = None; leave(4)").returncode == 4
