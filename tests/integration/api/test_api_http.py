"""The server, on a real port."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import httpx
import numpy as np
import pytest
import shapely
from sqlalchemy import Engine

from api.access import Grant, Role
from api.app import create_app
from api.current import ASK_EVERY_S
from api.database import add_version, open_store, publish, session
from api.database.accounts import add_account, add_token
from api.settings import Settings
from geo.errors import FileError, InputError
from geo.layers import Level, convert, lon_lat
from tests.integration.api.serving import serving

NOW = datetime.fromisoformat("2026-03-01T08:00:00+00:00")


def settings_of(database: str, folder: Path) -> Settings:
    """Settings of a server of a database, with a page of the public."""
    pages = folder / "pages"
    pages.mkdir()
    (pages / "coverage.html").write_text("<!doctype html><title>覆盖图</title>", encoding="utf-8")
    return Settings(database=database, pages=pages, public_pages=True, follow=False)


@contextmanager
def client_of(settings: Settings, engine: Engine) -> Iterator[httpx.Client]:
    """A client with the token of a checker, who may read the layers."""
    with session(engine, write=True) as opened:
        account = add_account(opened, 1, "C", [Grant(Role.CHECKER)], at=NOW, by="test")
        token = add_token(opened, "program", account=account, at=NOW)
    with serving(create_app(settings)) as opened_client:
        opened_client.headers["Authorization"] = f"Bearer {token.text}"
        yield opened_client


@pytest.fixture
def settings(published, tmp_path):
    return settings_of(published.url.render_as_string(hide_password=False), tmp_path)


@pytest.fixture
def client(settings, published):
    """A server of its own for a test that changes its database or its code."""
    with client_of(settings, published) as opened:
        yield opened


@pytest.fixture(scope="module")
def reader(shared_store_url, tmp_path_factory):
    """The server that all tests share which only read."""
    engine = open_store(shared_store_url)
    with client_of(settings_of(shared_store_url, tmp_path_factory.mktemp("reader")), engine) as opened:
        yield opened
    engine.dispose()


def _problem(answer: httpx.Response, status: int) -> dict:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert {"type", "title", "detail", "instance"} <= set(body)
    return body


@pytest.mark.parametrize("path", ["/ready", "/api/locate?lon=118.8&lat=32.1", "/api/layers/third.geojson", "/nowhere"])
def test_head_gives_the_headers_of_get_and_keeps_the_connection(reader, path):
    """One connection: what follows the headers of HEAD would be read as the next answer."""
    plain = reader.get(path, headers={"Accept-Encoding": "identity"})
    address = (reader.base_url.host, reader.base_url.port)
    head = f"HEAD {path} HTTP/1.1\r\nHost: street\r\nAuthorization: {reader.headers['authorization']}\r\n\r\n"
    with socket.create_connection(address, timeout=60) as opened, opened.makefile("rb") as answers:
        for _ in range(3):
            opened.sendall(head.encode())
            lines = [answers.readline()]
            while lines[-1].strip():
                lines.append(answers.readline())
            assert lines.pop() == b"\r\n", "the server closed the connection"
            assert lines[0].split()[1] == str(plain.status_code).encode()
            fields = dict(line.decode().rstrip().split(": ", 1) for line in lines[1:])
            assert "connection" not in fields
            assert fields.get("content-length") == plain.headers.get("content-length")
            assert fields["content-type"] == plain.headers["content-type"]


def test_head_of_a_stream_of_events_ends(reader):
    with reader.stream("GET", "/api/events") as answer:
        kind = answer.headers["content-type"]
    assert kind.startswith("text/event-stream")
    for _ in range(3):
        assert reader.head("/api/events").headers["content-type"] == kind


def test_health(reader):
    assert reader.get("/health").json() == {"status": "ok", "division": 1}


def test_the_current_division(reader):
    body = reader.get("/api/divisions/current").json()
    assert (body["communities"], body["seconds"], body["thirds"]) == (2, 4, 36)
    assert body["street_code"] == "320113003"
    assert body["crs"] == "EPSG:4549"
    assert body["population"] == 3600
    assert 0.3 < body["area_km2"] < 0.4
    assert body["valid_from"] == "2026-03-02"


@pytest.mark.parametrize("level", list(Level))
def test_layers_are_geojson_in_degrees(reader, division, level):
    answer = reader.get(f"/api/layers/{level.layer}.geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    found = gpd.GeoDataFrame.from_features(answer.json()["features"], crs="EPSG:4326")
    given = division.layer(level)
    assert found["code"].tolist() == given["code"].tolist()
    assert found["name"].tolist() == given["name"].tolist()
    apart = np.abs(shapely.get_coordinates(found.geometry.to_crs(given.crs)) - shapely.get_coordinates(given.geometry))
    assert apart.max() < 0.001


def test_a_layer_that_did_not_change_is_not_sent_again(reader):
    first = reader.get("/api/layers/third.geojson")
    again = reader.get("/api/layers/third.geojson", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert reader.get("/api/layers/third.geojson", headers={"If-None-Match": '"other"'}).status_code == 200


def test_layers_are_compressed_on_request(reader):
    with reader.stream("GET", "/api/layers/third.geojson", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == reader.get("/api/layers/third.geojson").content


def test_locate_finds_the_three_levels(reader, division):
    places = lon_lat(division.third.geometry.representative_point())
    leaders = division.second.set_index("code")["leader"]
    for code, parent, place in zip(division.third["code"], division.third["parent"], places, strict=True):
        body = reader.get("/api/locate", params={"lon": place.x, "lat": place.y}).json()
        assert body["inside"] is True
        assert (body["third"]["code"], body["second"]["code"], body["community"]["code"]) == (code, parent, parent[:12])
        assert body["second"]["leader"] == leaders[parent]


def test_locate_takes_another_datum(reader, division):
    place = lon_lat(division.third.geometry.representative_point())[20]
    lon, lat = convert([place.x], [place.y], "WGS-84", "GCJ-02")
    shifted = {"lon": lon[0], "lat": lat[0]}
    assert (
        reader.get("/api/locate", params={**shifted, "datum": "gcj02"}).json()["third"]["code"]
        == division.third["code"][20]
    )
    wrong = reader.get("/api/locate", params=shifted).json()
    assert wrong["third"] is None or wrong["third"]["code"] != division.third["code"][20]


def test_outside_is_an_answer(reader):
    body = reader.get("/api/locate", params={"lon": 118.0, "lat": 32.1}).json()
    assert body["inside"] is False
    assert body["third"] is body["second"] is body["community"] is None


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("", "query.lon"),
        ("lon=118.8", "query.lat"),
        ("lon=x&lat=32", "query.lon"),
        ("lon=118.8&lat=132", "query.lat"),
        ("lon=nan&lat=32", "query.lon"),
        ("lon=inf&lat=32", "query.lon"),
        ("lon=118.8&lat=32&datum=mars", "mars"),
    ],
)
def test_a_wrong_question_is_a_problem_document(reader, query, hint):
    assert hint in _problem(reader.get(f"/api/locate?{query}"), 422)["detail"]


@pytest.mark.parametrize("path", ["/nowhere", "/heat", "/static/nothing.js", "/static/%2e%2e/%2e%2e/pyproject.toml"])
def test_what_is_not_there_is_a_problem_document(reader, path):
    _problem(reader.get(path), 404)


def test_an_unknown_level_and_a_wrong_method_are_problem_documents(reader):
    _problem(reader.get("/api/layers/fourth.geojson"), 422)
    assert reader.delete("/api/divisions/current").headers["allow"] == "GET"
    _problem(reader.delete("/api/divisions/current"), 405)


def test_a_bug_is_a_problem_document_without_its_text(client, monkeypatch):
    def broken(*_: object) -> None:
        raise KeyError("a secret of the house")

    monkeypatch.setattr("api.snapshot.Snapshot.locate", broken)
    answer = client.get("/api/locate?lon=118.8&lat=32.1")
    assert "secret" not in json.dumps(_problem(answer, 500))


def test_old_addresses_lead_to_the_new_ones(reader):
    for old in ("/locate?lon=118.8&lat=32.1", "/layers/third.geojson", "/divisions/current"):
        answer = reader.get(old)
        assert (answer.status_code, answer.headers["location"]) == (308, f"/api{old}")
    assert reader.get("/locate?lon=118.0&lat=32.1", follow_redirects=True).json()["inside"] is False


def test_the_tag_of_a_layer_changes_with_the_version(client, published, division):
    """Two versions with the same geometry have the same digest, but their names may differ."""
    first = client.get("/api/layers/third.geojson").headers["etag"]
    with session(published, write=True) as opened:
        renamed = division.with_layer(Level.THIRD, division.third.assign(name="x"))
        version = add_version(opened, renamed, valid_from=date(2026, 3, 3), created_at=NOW)
        publish(opened, version.id, published_at=NOW)
    time.sleep(ASK_EVERY_S + 0.1)
    again = client.get("/api/layers/third.geojson", headers={"If-None-Match": first})
    assert (again.status_code, again.json()["features"][0]["properties"]["name"]) == (200, "x")


def test_pages(reader):
    page = reader.get("/").text
    assert "迈皋桥" in page or "街道1" in page
    assert reader.get("/coverage").text.startswith("<!doctype html>")


def test_every_link_of_the_first_page_leads_somewhere(reader):
    links = re.findall(r'(?:href|src|action)="(/[^"]*)"', reader.get("/").text)
    links = [link.replace("/locate", "/api/locate") if link == "/locate" else link for link in links]
    assert {"/coverage", "/api/layers/third.geojson", "/api/locate"} <= set(links)
    # The search box requires a place; the page of incidents was not created here, and the answer says how to create it.
    assert {link: status for link in links if (status := reader.get(link).status_code) != 200} == {
        "/heat": 404,
        "/checker": 404,
        "/api/locate": 422,
    }


def test_pages_load_nothing_from_other_hosts(reader):
    page = reader.get("/")
    assert "text/html" in page.headers["content-type"]
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded
    assert not [address for address in loaded if "//" in address]
    for address in loaded:
        if address.startswith("/static/"):
            assert reader.get(address).status_code == 200
    assert reader.get("/docs").status_code == 404


def test_names_with_markup_stay_text(engine, division, tmp_path):
    street = division.street.assign(name="<script>alert(1)</script>")
    with session(engine) as opened:
        version = add_version(
            opened, division.with_layer(Level.STREET, street), valid_from=date(2026, 1, 1), created_at=NOW
        )
        publish(opened, version.id, published_at=NOW)
    with serving(
        create_app(Settings(database=engine.url.render_as_string(hide_password=False), pages=tmp_path))
    ) as opened_client:
        page = opened_client.get("/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_a_store_without_a_division_says_so(engine, tmp_path):
    with serving(
        create_app(Settings(database=engine.url.render_as_string(hide_password=False), pages=tmp_path))
    ) as opened:
        assert opened.get("/health").json() == {"status": "no division", "division": None}
        assert "db import" in _problem(opened.get("/api/locate?lon=118.8&lat=32.1"), 404)["detail"]


def test_a_newly_published_version_is_served_within_a_second(client, published, division):
    assert client.get("/health").json()["division"] == 1
    with session(published) as opened:
        version = add_version(opened, division, valid_from=date(2026, 3, 2) + timedelta(days=1), created_at=NOW)
    assert client.get("/health").json()["division"] == 1
    with session(published) as opened:
        publish(opened, version.id, published_at=NOW)
    time.sleep(ASK_EVERY_S + 0.1)
    assert client.get("/health").json()["division"] == version.id


def test_the_app_refuses_a_store_that_it_cannot_use(settings, tmp_path):
    with pytest.raises(FileError, match="no such database"):
        create_app(replace(settings, database=str(tmp_path / "absent.sqlite")))
    open_store(tmp_path / "empty.sqlite", must_exist=False).dispose()
    with pytest.raises(FileError, match="db upgrade"):
        create_app(replace(settings, database=str(tmp_path / "empty.sqlite")))


def test_settings_come_from_the_environment():
    assert Settings.from_environment({}) == Settings()
    given = Settings.from_environment(
        {"WANGGE_DATABASE": "a.sqlite", "WANGGE_PAGES": "p", "WANGGE_HOST": "h", "WANGGE_PORT": "0"}
    )
    assert (given.database, str(given.pages), given.host, given.port) == ("a.sqlite", "p", "h", 0)
    for port in ("http", "70000", "-1"):
        with pytest.raises(InputError, match="WANGGE_PORT"):
            Settings.from_environment({"WANGGE_PORT": port})


def test_many_are_answered_at_once(reader, division):
    """Eight concurrent clients; the first of them makes the server read the division."""
    places = lon_lat(division.third.geometry.representative_point())
    answers: dict[int, str] = {}

    def ask(first: int) -> None:
        with httpx.Client(base_url=reader.base_url, trust_env=False, timeout=20) as opened:
            for row in range(first, 36, 8):
                reply = opened.get("/api/locate", params={"lon": places[row].x, "lat": places[row].y})
                answers[row] = reply.json()["third"]["code"]

    askers = [threading.Thread(target=ask, args=(first,)) for first in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(20)
    assert [answers[row] for row in range(36)] == division.third["code"].tolist()
