"""Two planners, several processes, and a server that is killed: every acknowledged edit is there, and none half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx

from geo.layers import Level
from geo.redraw import Draft, edit_from_dict
from tests.integration.api.planning import token

ROOT = Path(__file__).resolve().parents[3]
EDITS = 12


class Server:
    """``wangge serve`` with two workers, as a process group of its own."""

    def __init__(self, database: str) -> None:
        environment = {
            **os.environ,
            "WANGGE_DATABASE": database,
            "WANGGE_PORT": "0",
            "WANGGE_WORKERS": "2",
            "WANGGE_FOLLOW": "false",
            "PYTHONUNBUFFERED": "1",
        }
        words = [sys.executable, "-m", "api.cli", "serve"]
        self.process = subprocess.Popen(
            words, env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.url = next(word for word in line.split() if word.startswith("http"))

    def kill(self) -> None:
        """End all its processes at once, without a chance to finish anything."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


def names(base, planner: int) -> list[dict]:
    """Edits of a planner: names of cells of their own."""
    codes = base.third["code"].tolist()[planner::2]
    return [{"edit": "Rename", "code": codes[k], "name": f"P{planner}-{k}"} for k in range(EDITS)]


def plan(url: str, who: str, number: int, planner: int, edits: list[dict], acknowledged: dict[str, int]) -> None:
    """Send edits until the server is gone; what it acknowledged is kept with its revision."""
    headers = {"Authorization": f"Bearer {who}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        for k, edit in enumerate(edits):
            key = f"p{planner}-{k}"
            if key in acknowledged:
                continue
            try:
                answer = client.post(f"/api/drafts/{number}/edits", json={"id": key, "edits": [edit]})
            except httpx.HTTPError:
                return
            assert answer.status_code == 200, answer.text
            acknowledged[key] = answer.json()["revision"]


def rounds(url: str, tokens: list[str], number: int, base, acknowledged: dict[str, int]) -> list[threading.Thread]:
    """Both planners at the same time."""
    threads = [
        threading.Thread(target=plan, args=(url, tokens[p], number, p, names(base, p), acknowledged)) for p in (0, 1)
    ]
    for thread in threads:
        thread.start()
    return threads


def test_every_acknowledged_edit_survives(published, store_url, division):
    tokens = [token(published, name) for name in ("wang", "li")]
    acknowledged: dict[str, int] = {}
    server = Server(store_url)
    headers = {"Authorization": f"Bearer {tokens[0]}"}
    try:
        made = httpx.post(f"{server.url}api/drafts", json={"name": "x"}, headers=headers, timeout=60, trust_env=False)
        number = made.json()["id"]
        threads = rounds(server.url, tokens, number, division, acknowledged)
        deadline = time.monotonic() + 60
        while len(acknowledged) < EDITS and time.monotonic() < deadline:
            time.sleep(0.005)
    finally:
        server.kill()
    for thread in threads:
        thread.join(60)
    assert EDITS <= len(acknowledged) < 2 * EDITS, "the server was to be killed in the middle"
    before = dict(acknowledged)
    server = Server(store_url)
    try:
        address = f"{server.url}api/drafts/{number}"
        log = httpx.get(f"{address}/history", headers=headers, timeout=60, trust_env=False).json()
        stored = {entry["id"]: entry["revision"] for entry in log}
        assert {key: stored.get(key) for key in before} == before
        assert sorted(stored.values()) == list(range(1, len(stored) + 1))
        # The rest, and what was sent but not acknowledged, is sent again: nothing is made twice.
        for thread in rounds(server.url, tokens, number, division, acknowledged):
            thread.join(120)
        assert len(acknowledged) == 2 * EDITS
        assert {key: acknowledged[key] for key in stored} == stored
        snapshot = httpx.get(f"{address}/snapshot", headers=headers, timeout=60, trust_env=False).json()
    finally:
        server.kill()
    assert snapshot["revision"] == 2 * EDITS
    expected = Draft.of(division)
    for planner in (0, 1):
        for edit in names(division, planner):
            expected.apply(edit_from_dict(edit))
    rows = {row[0]: row[1] for row in snapshot["thirds"]}
    assert rows == dict(expected.division().layer(Level.THIRD)[["code", "name"]].itertuples(index=False))
