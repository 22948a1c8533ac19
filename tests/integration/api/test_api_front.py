"""The server answers fixes, points and its state before the other routes are loaded."""

from __future__ import annotations

import gzip
import socket
import threading
import time

import pytest

from api import server
from api.app import build
from api.database import session
from api.database.accounts import add_token
from api.database.people import add_device
from api.direct.front import Front, open_state
from api.settings import Settings
from geo.layers import lon_lat
from tests.integration.api.conftest import NOW
from tests.integration.api.serving import serving


@pytest.fixture
def phone(published):
    with session(published, write=True) as opened:
        return add_token(opened, "device", device=add_device(opened, 1, "A", at=NOW), at=NOW).text


@pytest.fixture
def settings(published, store_url, tmp_path):
    return Settings(database=store_url, pages=tmp_path, follow=False, jobs=False, body_mb=1)


def fail():
    pytest.fail("the server was told to stop")


def test_phones_are_answered_while_the_other_routes_are_loaded(settings, phone, published, division):
    may_build = threading.Event()
    state = open_state(settings, clock=lambda: NOW)
    front = Front(state, lambda given: (may_build.wait(60), build(given))[1], end=fail)
    place = lon_lat(division.third.geometry.representative_point()).iloc[7]
    head = {"Authorization": f"Bearer {phone}"}
    fix = {"device": "A", "time": NOW.isoformat(), "lon": 118.8, "lat": 32.1}
    pages: list[int] = []
    with serving(front) as client:
        asked = f"/api/resident?lon={place.x}&lat={place.y}"
        late = threading.Thread(target=lambda: pages.append(client.get(asked).status_code))
        late.start()
        sent = client.post("/api/fixes", json={"datum": "WGS-84", "fixes": [fix]}, headers=head)
        assert (sent.status_code, sent.json()["stored"]) == (200, 1)
        assert client.get(f"/osmand?token={phone}&lat=32.1&lon=118.8&timestamp=1772000000").status_code == 200
        assert client.post("/owntracks", json={"_type": "lwt"}, auth=("A", phone)).json() == []
        # The same limits and errors as later.
        assert client.post("/api/fixes", json={"datum": "WGS-84", "fixes": [fix]}).status_code == 401
        large = gzip.compress(b" " * (1 << 21))
        packed = {**head, "Content-Encoding": "gzip"}
        assert client.post("/api/fixes", content=large, headers=packed).status_code == 413
        assert client.post("/api/fixes", content=b"{", headers=head).status_code == 422
        assert client.get("/ready").json() == {"ready": True, "reason": None}
        assert client.head("/ready").status_code == 200
        assert client.get("/health").json() == {"status": "ok", "division": 1}
        located = client.get("/api/locate", params={"lon": place.x, "lat": place.y})
        assert located.json()["third"]["code"] == division.third["code"].iloc[7]
        assert located.headers["x-content-type-options"] == "nosniff"
        assert pages == []
        may_build.set()
        late.join(60)
        assert pages == [200]
        again = client.post("/api/fixes", json={"datum": "WGS-84", "fixes": [fix]}, headers=head)
        assert again.json() == {"stored": 0, "repeated": 1, "conflicting": 0, "refused": []}
        assert client.get("/ready", headers={"Authorization": "Bearer none"}).status_code == 401


def test_a_server_without_a_division_says_so_at_once(store_url, tmp_path):
    state = open_state(Settings(database=store_url, pages=tmp_path, follow=False, jobs=False))
    may_build = threading.Event()
    with serving(Front(state, lambda given: (may_build.wait(60), build(given))[1], end=fail)) as client:
        answer = client.get("/ready")
        assert (answer.status_code, answer.json()["reason"]) == (503, "no division is published")
        assert client.get("/health").json() == {"status": "no division", "division": None}
        may_build.set()
        assert client.get("/").status_code == 404


def test_a_server_whose_routes_cannot_be_made_ends_with_the_reason(settings, phone, monkeypatch):
    def broken(state):
        time.sleep(0.2)
        raise TypeError("a route does not say which right it needs")

    monkeypatch.setattr(server, "build", broken)
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(TypeError, match="which right it needs"):
        server._answer(open_state(settings), listener, "critical")


def test_a_request_that_waited_for_routes_that_cannot_be_made_is_answered(settings):
    ended = threading.Event()
    may_fail = threading.Event()

    def broken(state):
        may_fail.wait(60)
        raise TypeError("a route does not say which right it needs")

    with serving(Front(open_state(settings), broken, end=ended.set)) as client:
        threading.Timer(0.3, may_fail.set).start()
        answer = client.get("/api/divisions/current")
        assert (answer.status_code, answer.json()["title"]) == (500, "内部错误 Internal Server Error")
        assert ended.is_set()
