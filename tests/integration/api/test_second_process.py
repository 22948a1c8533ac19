"""Work of the demonstration in a second process."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from api.deployment.second_process import second_process


def _written(file: Path) -> int:
    """The number of the process that writes a file, when it has written it."""
    while not (file.exists() and file.read_text(encoding="utf-8").endswith("\n")):
        time.sleep(0.01)
    return int(file.read_text(encoding="utf-8"))


def doubled(frame: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Also tells the process that has begun it."""
    file.write_text(f"{os.getpid()}\n", encoding="utf-8")
    return pd.concat([frame, frame], ignore_index=True)


def test_results_come_from_one_other_process_and_are_the_same(tmp_path: Path) -> None:
    frame = pd.DataFrame({"at": pd.date_range("2026-03-01", periods=3, tz="Asia/Shanghai"), "n": [1, None, 3]})
    with second_process() as meanwhile:
        results = [meanwhile(partial(doubled, frame, tmp_path / f"{k}")) for k in range(2)]
        pids = {_written(tmp_path / f"{k}") for k in range(2)}
        for result in results:
            pd.testing.assert_frame_equal(result(), pd.concat([frame, frame], ignore_index=True))
    assert len(pids) == 1
    assert not pids & {os.getpid(), os.getppid()}


def test_with_one_core_it_is_computed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    with second_process() as meanwhile:
        assert meanwhile(os.getpid)() == os.getpid()


def killed_in(process: int, file: Path) -> str:
    """Ends every process but one in the hardest way."""
    if os.getpid() != process:
        file.write_text(f"{os.getpid()}\n", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
    return "computed here"


def failing(file: Path) -> int:
    file.write_text(f"{os.getpid()}\n", encoding="utf-8")
    return int("a")


def lock(file: Path) -> object:
    """A result that cannot be sent."""
    file.write_text(f"{os.getpid()}\n", encoding="utf-8")
    return threading.Lock()


def test_after_a_failure_it_is_computed_here(tmp_path: Path) -> None:
    with second_process() as meanwhile:
        result = meanwhile(partial(killed_in, os.getpid(), tmp_path / "killed"))
        _written(tmp_path / "killed")
        assert result() == "computed here"
        assert meanwhile(os.getpid)() == os.getpid()
    with second_process() as meanwhile:
        failed, unsent = meanwhile(partial(failing, tmp_path / "failed")), meanwhile(partial(lock, tmp_path / "lock"))
        pid = _written(tmp_path / "lock")
        with pytest.raises(ValueError, match="invalid literal"):
            failed()
        assert type(unsent()) is type(threading.Lock())
        again = meanwhile(partial(doubled, pd.DataFrame(), tmp_path / "again"))
        assert _written(tmp_path / "again") == pid
        again()


def pid_then_wait(file: Path, go: Path) -> int:
    file.write_text(f"{os.getpid()}\n", encoding="utf-8")
    while not go.exists():
        time.sleep(0.01)
    return os.getpid()


def test_what_was_not_begun_when_its_result_is_asked_for_is_computed_here(tmp_path: Path) -> None:
    file, go = tmp_path / "pid", tmp_path / "go"
    with second_process() as meanwhile:
        busy, waiting = meanwhile(partial(pid_then_wait, file, go)), meanwhile(os.getpid)
        pid = _written(file)
        assert waiting() == os.getpid()
        go.touch()
        assert busy() == pid


def test_a_process_that_nobody_waits_for_ends_with_the_block(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    with second_process() as meanwhile:
        meanwhile(partial(pid_then_wait, file, tmp_path / "never"))
        meanwhile(os.getpid)
        pid = _written(file)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
