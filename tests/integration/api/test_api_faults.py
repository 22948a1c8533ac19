"""Operational faults: a full disk, a lost database, slow clients, clock jumps, stops; nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from api.access import Grant, Role
from api.app import create_app
from api.database import session
from api.database.accounts import add_account, add_token
from api.database.people import add_device
from api.settings import Settings
from benchmarks.service_kit.clients import request
from benchmarks.service_kit.processes import serving as server_process
from tests.integration.api.serving import serving

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


@pytest.fixture
def service(published, store_url):
    """A server in this process whose clock can be set, and the token of a program."""
    with session(published, write=True) as opened:
        add_device(opened, 1, "A", at=NOW)
        account = add_account(opened, 1, "P", [Grant(Role.ADMINISTRATOR)], at=NOW, by="test")
        token = add_token(opened, "program", account=account, at=NOW).text
    clock = SimpleNamespace(now=NOW)
    app = create_app(Settings(database=store_url, follow=False, jobs=False), clock=lambda: clock.now)
    with serving(app) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield SimpleNamespace(client=client, app=app, engine=published, clock=clock, url=store_url, token=token)


def fixes(count, *, first=0):
    times = [(NOW + timedelta(seconds=first + k)).isoformat() for k in range(count)]
    return {"datum": "WGS-84", "fixes": [{"device": "A", "time": t, "lon": 118.8, "lat": 32.1} for t in times]}


def stored(service):
    with service.engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM fix")).scalar()


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_full_disk_is_told_and_nothing_of_a_batch_is_stored(service):
    assert service.client.post("/api/fixes", json=fixes(10)).status_code == 200
    connection = service.app.state.writer._table._opened()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages + 2}")
    answer = service.client.post("/api/fixes", json=fixes(5_000, first=100))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "disk is full" in answer.json()["detail"]
    assert stored(service) == 10
    connection.execute("PRAGMA max_page_count=1000000")
    assert service.client.post("/api/fixes", json=fixes(5_000, first=100)).json()["stored"] == 5_000
    assert stored(service) == 5_010


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_lost_database_is_told_and_the_service_goes_on_when_it_is_back(service, postgres):
    assert service.client.post("/api/fixes", json=fixes(10)).status_code == 200
    assert service.client.get("/ready").status_code == 200
    name = service.engine.url.database
    import psycopg

    with psycopg.connect(postgres.url("postgres"), autocommit=True) as other:
        other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        service.app.state.tokens.forget()
        for path, body in (("/api/fixes", fixes(10, first=50)), ("/api/jobs", {"kind": "check"})):
            answer = service.client.post(path, json=body)
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert service.client.get("/ready").status_code == 503
        other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert service.client.post("/api/fixes", json=fixes(10, first=50)).json()["stored"] == 10
    assert service.client.get("/ready").status_code == 200
    assert stored(service) == 20


def test_clients_that_stand_still_hold_nobody_up_and_are_told(service, monkeypatch):
    monkeypatch.setattr("api.middleware.BODY_WAIT_S", 0.5)
    port = service.client.base_url.port
    whole = request("POST", "/api/fixes", body=fixes(10), token=service.token)
    slow = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(20)]
    try:
        for k, connection in enumerate(slow):
            connection.sendall(whole[: 20 if k % 2 else len(whole) - 50])
        assert service.client.get("/api/locate?lon=118.8&lat=32.1").status_code == 200
        assert service.client.post("/api/fixes", json=fixes(1, first=99)).json()["stored"] == 1
        assert slow[0].recv(100).startswith(b"HTTP/1.1 408 ")
        assert stored(service) == 1
    finally:
        for connection in slow:
            connection.close()


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_jumps_marks_fixes_and_loses_none(service, hours):
    assert service.client.post("/api/fixes", json=fixes(5)).json()["stored"] == 5
    service.clock.now = NOW + timedelta(hours=hours)
    assert service.client.post("/api/fixes", json=fixes(5)).json()["repeated"] == 5
    assert service.client.post("/api/fixes", json=fixes(5, first=10)).json()["stored"] == 5
    with service.engine.connect() as connection:
        marked = connection.execute(text("SELECT count(*) FROM fix WHERE future = 1")).scalar()
    assert (stored(service), marked) == (10, 5 if hours < 0 else 0)


def test_a_stop_answers_what_runs_and_ends_open_streams(service, tmp_path):
    """SIGTERM while batches are sent and a stream of events is open: everything acknowledged is stored."""
    acknowledged = 0
    with server_process(service.url, stop_s=5) as server:
        stream = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        stream.sendall(request("GET", "/api/events", token=service.token))
        assert stream.recv(100).startswith(b"HTTP/1.1 200 ")
        with closing(stream), server.client() as client:
            for k in range(200):
                if k == 20:
                    server.process.send_signal(signal.SIGTERM)
                    started = time.monotonic()
                try:
                    status, body = client.exchange(
                        request("POST", "/api/fixes", body=fixes(20, first=k * 20), token=service.token)
                    )
                except OSError:
                    break
                if status != 200:
                    break
                acknowledged += json.loads(body)["stored"]
            assert server.process.wait(30) == 0
            assert time.monotonic() - started < 20
    assert acknowledged >= 400
    assert stored(service) >= acknowledged


def test_several_workers_give_the_same_answers(service):
    """The prefix of the request id identifies the worker; the answers do not differ."""
    questions = [f"/api/locate?lon={118.8 + k / 1e4}&lat=32.1" for k in range(20)]
    known = [service.client.get(question).json() for question in questions]
    answered = set()
    with server_process(service.url, workers=2, log="warning") as server:
        import httpx

        for k in range(200):
            # A connection stays with its worker, so each request gets a new one.
            with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False, timeout=60) as client:
                answer = client.get(questions[k % 20])
                assert answer.json() == known[k % 20]
                answered.add(answer.headers["x-request-id"][:8])
                client.headers["Authorization"] = f"Bearer {service.token}"
                told = client.post("/api/fixes", json=fixes(5, first=k // 2 * 5)).json()
                assert (told["stored"], told["repeated"], told["conflicting"]) in ((5, 0, 0), (0, 5, 0))
                answered.add(answer.headers["x-request-id"][:8])
            if len(answered) == 2 and k >= 40:
                break
        assert len(answered) == 2
    assert stored(service) == (k // 2 + 1) * 5


def test_a_killed_server_has_stored_what_it_acknowledged(service):
    """A few of the kills of ``python -m benchmarks.kills``."""
    acknowledged = 0
    for run in range(2):
        with server_process(service.url) as server:
            with server.client() as client:
                for k in range(15):
                    body = fixes(10, first=run * 10_000 + k * 10)
                    _, told = client.exchange(request("POST", "/api/fixes", body=body, token=service.token))
                    acknowledged += json.loads(told)["stored"]
            os.kill(server.process.pid, signal.SIGKILL)
    assert acknowledged == 300 == stored(service)
    if service.engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(service.url)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
