"""Work of the demonstration in a second process."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from api.deployment.second_process import computed_meanwhile


def test_the_result_comes_from_another_process_and_is_the_same() -> None:
    with computed_meanwhile(os.getpid) as result:
        assert result() not in (os.getpid(), os.getppid())
    frame = pd.DataFrame({"at": pd.date_range("2026-03-01", periods=3, tz="Asia/Shanghai"), "n": [1, None, 3]})
    with computed_meanwhile(partial(pd.concat, [frame, frame], ignore_index=True)) as result:
        pd.testing.assert_frame_equal(result(), pd.concat([frame, frame], ignore_index=True))


def test_with_one_core_it_is_computed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    with computed_meanwhile(os.getpid) as result:
        assert result() == os.getpid()


def killed_in(process: int) -> str:
    """Ends every process but one in the hardest way."""
    if os.getpid() != process:
        os.kill(os.getpid(), signal.SIGKILL)
    return "computed here"


def test_after_a_failure_it_is_computed_here() -> None:
    with computed_meanwhile(partial(killed_in, os.getpid())) as result:
        assert result() == "computed here"
    with pytest.raises(ValueError, match="invalid literal"), computed_meanwhile(partial(int, "a")) as result:
        result()


def pid_then_sleep(file: Path) -> None:
    file.write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(600)


def test_a_process_that_nobody_waits_for_ends_with_the_block(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    with computed_meanwhile(partial(pid_then_sleep, file)):
        while not (file.exists() and file.read_text(encoding="utf-8")):
            time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text(encoding="utf-8")), 0)
