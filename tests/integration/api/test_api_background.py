"""Jobs over HTTP and their worker, on both databases: results, leases, cancelling, dead workers."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from api.access import Grant, Role
from api.app import create_app
from api.background_jobs.job_table import LEASE, MOST_ATTEMPTS, finish, give_up, renew, take_job
from api.background_jobs.worker import Worker, work
from api.database import session
from api.database.accounts import add_account, add_token
from api.database.incidents import add_incident
from api.database.models import JobRow
from api.settings import Settings
from geo.layers import lon_lat
from tests.integration.api.serving import serving

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
MARCH = {"start": "2026-03-01T00:00:00+08:00", "end": "2026-04-01T00:00:00+08:00"}


@pytest.fixture
def service(published, store_url):
    """A server without worker, a planner, a checker of one community, and an administrator."""
    with session(published, write=True) as opened:
        tokens = {}
        for name, grant in (
            ("planner", Grant(Role.PLANNER)),
            ("part", Grant(Role.CHECKER, "320113003001")),
            ("admin", Grant(Role.ADMINISTRATOR)),
        ):
            account = add_account(opened, 1, name, [grant], at=NOW, by="test")
            tokens[name] = {"Authorization": f"Bearer {add_token(opened, 'program', account=account, at=NOW).text}"}
    settings = Settings(database=store_url, follow=False)
    with serving(create_app(settings, clock=lambda: NOW)) as client:
        yield SimpleNamespace(client=client, tokens=tokens, engine=published, settings=settings)


def ask(service, who="planner", **work):
    return service.client.post("/api/jobs", json=work, headers=service.tokens[who])


def job(service, number, who="planner"):
    return service.client.get(f"/api/jobs/{number}", headers=service.tokens[who]).json()


def worked(service, *, in_child=False, **wanted):
    """Result of a job that a worker has done: by a process of its own, or by the function that such a process calls."""
    answer = ask(service, **wanted)
    assert answer.status_code == 202, answer.text
    if in_child:
        assert Worker(service.engine, service.settings).step(threading.Event())
    else:
        with session(service.engine, write=True) as opened:
            number = take_job(opened, "here", at=NOW)
        work(service.settings, number, "here")
    found = job(service, answer.json()["id"])
    assert (found["state"], found["progress"]) == ("done", 1.0), found
    return found["result"]


def test_each_kind_of_work_gives_its_result(service, division):
    places = lon_lat(division.third.geometry.representative_point())
    with session(service.engine, write=True) as opened:
        for k in range(60):
            place = places.iloc[0 if k < 40 else k % 36]
            values = {
                "street": 1,
                "number": f"N{k}",
                "reported_at": NOW + timedelta(hours=k),
                "received_at": NOW,
                "lon": place.x + k * 1e-6,
                "lat": place.y,
                "datum": "WGS-84",
                "kind": None,
                "text": "x",
                "address": None,
                "third": None,
                "second": None,
                "community": None,
                "version_id": None,
                "account_id": None,
            }
            add_incident(opened, values)
    checked = worked(service, in_child=True, kind="check")
    assert (checked["version"], checked["ok"], checked["findings"]) == (1, True, [])
    hot = worked(service, kind="hotspots", level=3, **MARCH)
    counted = {row["code"]: row["incidents"] for row in hot["cells"]}
    assert hot["incidents"] == 60 == sum(counted.values())
    assert max(counted, key=counted.get) == division.third["code"].iloc[0]
    dense = worked(service, kind="density", bandwidth_m=100, **MARCH)
    assert (dense["used"], dense["outside"]) == (60, 0)
    assert dense["highest"]["lon"] == pytest.approx(places.iloc[0].x, abs=2e-3)
    assert dense["contours"]["features"]
    never = {"start": "2020-03-01T00:00:00+08:00", "end": "2020-03-02T00:00:00+08:00"}
    empty = worked(service, kind="density", bandwidth_m=100, **never)
    assert (empty["highest"], empty["contours"]["features"]) == (None, [])
    judged = worked(service, kind="verdicts", day="2026-03-02")
    assert len(judged["verdicts"]) == 4
    assert {row["verdict"] for row in judged["verdicts"]} == {"not_visited"}


def test_what_cannot_be_done_fails_with_its_reason(service):
    number = ask(service, kind="check", version=99).json()["id"]
    assert Worker(service.engine, service.settings).step(threading.Event())
    found = job(service, number)
    assert (found["state"], found["result"]) == ("failed", None)
    assert "99" in found["message"]


@pytest.mark.parametrize(
    "work",
    [
        {"kind": "nothing"},
        {"kind": "density", "start": MARCH["end"], "end": MARCH["start"]},
        {"kind": "density", "start": MARCH["start"], "end": MARCH["start"]},
        {"kind": "density", "start": "2026-03-01T00:00:00", "end": MARCH["end"]},
        {"kind": "hotspots", "level": 1, **MARCH},
        {"kind": "verdicts", "day": "1889-01-01"},
    ],
)
def test_bad_arguments_are_refused_at_once(service, work):
    answer = ask(service, **work)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_jobs_are_for_the_whole_street_and_seen_by_their_owner_and_administrators(service):
    assert ask(service, "part", kind="check").status_code == 403
    number = ask(service, kind="check").json()["id"]
    assert service.client.get(f"/api/jobs/{number}", headers=service.tokens["part"]).status_code == 404
    assert service.client.delete(f"/api/jobs/{number}", headers=service.tokens["part"]).status_code == 404
    assert job(service, number, "admin")["state"] == "waiting"
    assert [row["id"] for row in service.client.get("/api/jobs", headers=service.tokens["admin"]).json()] == [number]
    assert service.client.get("/api/jobs", headers=service.tokens["part"]).json() == []


def test_a_cancelled_job_stops_before_and_while_it_runs(service, monkeypatch):
    first, second = (ask(service, kind="check").json()["id"] for _ in range(2))
    assert service.client.delete(f"/api/jobs/{first}", headers=service.tokens["planner"]).status_code == 204
    assert job(service, first)["state"] == "cancelled"
    monkeypatch.setattr("api.background_jobs.worker.EVERY_S", 0.01)
    worker, stop = Worker(service.engine, service.settings), threading.Event()
    thread = threading.Thread(target=worker.step, args=(stop,))
    thread.start()
    while job(service, second)["state"] == "waiting":
        time.sleep(0.01)
    assert service.client.delete(f"/api/jobs/{second}", headers=service.tokens["planner"]).status_code == 204
    thread.join(60)
    assert (job(service, second)["state"], job(service, second)["result"]) == ("cancelled", None)


def test_the_job_of_a_dead_worker_is_taken_by_another_one(service):
    number = ask(service, kind="check").json()["id"]
    engine = service.engine
    for attempt in range(MOST_ATTEMPTS):
        at = NOW + attempt * (LEASE + timedelta(seconds=1))
        with session(engine, write=True) as opened:
            assert take_job(opened, f"w{attempt}", at=at) == number
            row = opened.get_one(JobRow, number)
            assert (row.progress, row.message) == (0.0, ""), "begun again"
            row.progress, row.message = 0.5, "half"
        with session(engine, write=True) as opened:
            # The lease is still valid at its end, so no other worker takes the job; afterwards its former worker cannot change
            # it.
            assert take_job(opened, "other", at=at + LEASE) is None
            if attempt:
                assert not renew(opened, number, f"w{attempt - 1}", at=at)
                assert not finish(opened, number, f"w{attempt - 1}", {"wrong": 1}, at=at)
                give_up(opened, number, f"w{attempt - 1}", "wrong", at=at)
            assert renew(opened, number, f"w{attempt}", at=at)
    with session(engine, write=True) as opened:
        assert take_job(opened, "last", at=NOW + timedelta(days=1)) is None
    found = job(service, number)
    assert (found["state"], found["attempt"]) == ("failed", MOST_ATTEMPTS)


def test_work_that_is_killed_fails_and_the_worker_goes_on(service, monkeypatch):
    from api.background_jobs import worker as module

    number = ask(service, kind="check").json()["id"]
    real = module.subprocess.Popen

    def killed(*words, **more):
        child = real(*words, **more)
        os.kill(child.pid, signal.SIGKILL)
        return child

    worker = Worker(service.engine, service.settings)
    monkeypatch.setattr(module.subprocess, "Popen", killed)
    assert worker.step(threading.Event())
    assert job(service, number)["state"] == "failed"
    assert not worker.step(threading.Event())
