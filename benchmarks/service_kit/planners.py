"""Two planners who edit one draft over HTTP while the server is killed: their requests, and the required content of the
database.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from sqlalchemy import select

from api.database import open_store, session
from api.database.drafts.log import get_draft
from api.database.models import DraftEntryRow
from api.plans.keeper import Keeper
from benchmarks.service_kit.clients import Client, request
from benchmarks.service_kit.processes import Server, children
from geo.coverage import check_division
from geo.errors import RefusedEdit
from geo.layers import Division
from geo.redraw import Draft, Edit
from geo.redraw.merging import renamed
from geo.sample.random_edits import RandomEdits

#: Border edits occur twice, as they are the most frequent ones.
KINDS = ("move", "reshape", "insert", "split", "rename", "move", "reshape", "merge", "slide", "set_leader", "transfer")


@dataclass
class Outcome:
    """Results of a planner's requests."""

    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    rebased: int = 0
    conflicts: int = 0
    refused: int = 0
    waits_s: list[float] = field(default_factory=list)
    #: Answers that are neither an acknowledgement nor a refusal.
    errors: list[str] = field(default_factory=list)


class Planner:
    """Makes edits based on the base and on acknowledged ones; never sees those of the other planner.

    All edits are sent with the base as revision: the server has to apply them to the newest revision, or to report a conflict.
    """

    def __init__(self, name: str, token: str, base: Division, draft: int, seed: int) -> None:
        self.name, self.token, self.number = name, token, draft
        self.draft = Draft.of(base)
        self.outcome = Outcome()
        self.unanswered: tuple[str, Edit] | None = None
        self._rng = np.random.default_rng(seed)
        # Close to each other, so that the two planners conflict: a quarter of the cells.
        codes = sorted(base.third["code"])
        self._makers = RandomEdits(self.draft, self._rng, codes[: max(len(codes) // 4, 12)])
        self._names: dict[str, str] = {}
        self._numbers = count()
        self._kinds = count(seed)

    def send_until_dead(self, port: int, most: int) -> None:
        """Send edits until this many are acknowledged, or the server is gone."""
        with contextlib.suppress(OSError), Client(port, timeout_s=120) as client:
            while len(self.outcome.acknowledged) < most and not self.outcome.errors:
                if self.unanswered is None:
                    self.unanswered = f"{self.name}-{next(self._numbers)}", self._next()
                self._send(client, *self.unanswered)
                self.unanswered = None

    def _next(self) -> Edit:
        """An edit that is possible in the state known to this planner."""
        while True:
            edit = self._makers.make(KINDS[next(self._kinds) % len(KINDS)])
            try:
                with self.draft.trial(edit):
                    return edit
            except RefusedEdit:
                continue

    def _send(self, client: Client, key: str, edit: Edit) -> None:
        body = {"id": key, "client": self.name, "base": 0, "edits": [renamed(edit, self._names).to_dict()]}
        sent = request("POST", f"/api/drafts/{self.number}/edits", body=body, token=self.token)
        before = time.perf_counter()
        status, content = client.exchange(sent)
        self.outcome.waits_s.append(time.perf_counter() - before)
        answer = json.loads(content)
        if status == 409 and answer.get("kind") == "stale":
            self.outcome.conflicts += 1
        elif status == 422 and answer.get("kind"):
            self.outcome.refused += 1
        elif status == 200:
            made = self.draft.apply(edit)
            pairs = zip(made.lineage, answer["lineage"], strict=True)
            self._names |= {mine[2]: theirs[2] for mine, theirs in pairs if mine[2] != theirs[2]}
            self._makers.note([to for _, _, to in made.lineage])
            self.outcome.acknowledged[key] = answer
            self.outcome.rebased += answer["rebased"]
        else:
            self.outcome.errors.append(f"{key}: {status} {content[:500]!r}")


@dataclass
class Faults:
    """Counts that must stay 0: acknowledged edits that are missing or differ, and incomplete entries or drafts.

    `unacknowledged` edits are stored although the server was killed before it answered; repeating them is harmless.
    """

    lost: int = 0
    half: int = 0
    unacknowledged: int = 0


def kill_all(server: Server) -> None:
    """Kill a server and its workers at once, without any shutdown."""
    for pid in children(server.process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    server.process.wait(60)


def work(port: int, planners: list[Planner], most: int) -> list[threading.Thread]:
    """Let all planners send concurrently."""
    threads = [threading.Thread(target=planner.send_until_dead, args=(port, most)) for planner in planners]
    for thread in threads:
        thread.start()
    return threads


def faults_of(url: str, draft: int, planners: list[Planner]) -> Faults:
    """Inspect the log: complete consecutive entries, and each acknowledged one with the answered patch."""
    found, engine = Faults(), open_store(url)
    with session(engine) as opened:
        rows = list(
            opened.scalars(
                select(DraftEntryRow).where(DraftEntryRow.draft_id == draft).order_by(DraftEntryRow.revision)
            )
        )
        revision = get_draft(opened, 1, draft).revision
        by_key = {row.key: row for row in rows}
        found.half += [row.revision for row in rows] != list(range(1, revision + 1))
        found.half += sum(not (row.change and row.patch and row.answer) for row in rows)
        answers = {key: answer for planner in planners for key, answer in planner.outcome.acknowledged.items()}
        for key, answer in answers.items():
            row = by_key.get(key)
            found.lost += row is None or row.revision != answer["revision"] or json.loads(row.patch) != answer["patch"]
        found.unacknowledged = len(by_key.keys() - answers.keys())
    engine.dispose()
    return found


def same_everywhere(url: str, draft: int, port: int, planners: list[Planner]) -> int:
    """Number of faults of the draft as a whole: as read from the log by this process, and as served."""
    engine = open_store(url)
    with Keeper(engine, "").use(1, draft) as opened:
        report = check_division(opened.division())
        edits = sum(len(planner.outcome.acknowledged) for planner in planners)
        with Client(port) as client:
            status, content = client.get(f"/api/drafts/{draft}/snapshot", planners[0].token)
        served = json.loads(content) if status == 200 else {}
        rows = {row[0]: row for row in served.get("thirds", [])}
        third = opened.division().third
        wrong = int(served.get("revision") != opened.revision) + int(opened.revision < edits) + int(not report.ok)
        wrong += int(set(rows) != set(third["code"]))
        wrong += sum(
            rows[code][1] != name for code, name in zip(third["code"], third["name"], strict=True) if code in rows
        )
        wrong += int(third["population"].sum() != opened.base.division.third["population"].sum())
    engine.dispose()
    return wrong
