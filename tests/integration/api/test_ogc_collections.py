"""Incidents, hot spots, verdicts and coverage as collections: rights, content, and editing of incidents."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pandas as pd
import pytest
from sqlalchemy import text

from api.access import Grant, Role
from api.app import create_app
from api.database import session
from api.database.accounts import add_account, add_token
from api.database.incident_changes import IncidentState
from api.database.people import add_device, device_names, hand_over, person_of
from api.ingest.rows import as_rows
from api.ingest.writer import Writer
from api.settings import Settings
from api.verdicts.day import basis_of, coverage, judge
from geo.layers import lon_lat
from geo.patrols import Rules
from tests.integration.api.serving import serving
from tests.integration.api.test_api_verdicts import rows_of

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
DAY = date(2026, 3, 2)
ITEMS = "/ogc/collections/incidents/items"
GEOJSON = {"Content-Type": "application/geo+json"}
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


@pytest.fixture
def gis(published, division):
    """A server with a clerk, an officer of the first second-level grid, an administrator and a resident."""
    second = division.second["code"].iloc[0]
    heads = {}
    with session(published, write=True) as opened:
        for name, grant in (
            ("admin", Grant(Role.ADMINISTRATOR)),
            ("clerk", Grant(Role.CLERK)),
            ("local", Grant(Role.CLERK, second[:12])),
            ("officer", Grant(Role.OFFICER, second)),
            ("checker", Grant(Role.CHECKER)),
            ("resident", Grant(Role.RESIDENT)),
        ):
            account = add_account(opened, 1, name, [grant], at=NOW, by="test")
            token = add_token(opened, "program", account=account, at=NOW)
            heads[name] = {"Authorization": f"Bearer {token.text}"}
    address = published.url.render_as_string(hide_password=False)
    app = create_app(Settings(database=address, follow=False), clock=lambda: NOW)
    with serving(app) as client:
        yield SimpleNamespace(client=client, heads=heads, engine=published, division=division, service=app.state.ogc)


def feature(gis, row=0, **properties):
    place = lon_lat(gis.division.third.geometry.representative_point()).iloc[row]
    content = {"text": "井盖缺失", "reported_at": "2026-03-02T09:00:00+08:00", "kind": "井盖", **properties}
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [place.x, place.y]},
        "properties": content,
    }


def post(gis, content, who="clerk", **headers):
    return gis.client.post(ITEMS, content=json.dumps(content), headers={**gis.heads[who], **GEOJSON, **headers})


def read(gis, who="clerk", query=""):
    answer = gis.client.get(f"{ITEMS}?{query}", headers=gis.heads[who])
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_nothing_but_the_layers_is_public(gis):
    public = {entry["id"] for entry in gis.client.get("/ogc/collections").json()["collections"]}
    assert public == {"street", "community", "second", "third"}
    for name in ("incidents", "hotspots", "verdicts", "coverage"):
        for path in ("", "/items", "/items/1", "/schema", "/queryables"):
            address = f"/ogc/collections/{name}{path}"
            assert gis.client.get(address).status_code == 401, address
            assert gis.client.get(address, headers=gis.heads["resident"]).status_code == 403, address
            assert gis.client.options(f"/ogc/collections/{name}/items").status_code == 401
    names = {
        who: {entry["id"] for entry in gis.client.get("/ogc/collections", headers=gis.heads[who]).json()["collections"]}
        - public
        for who in gis.heads
    }
    assert names["resident"] == set()
    assert names["clerk"] == {"incidents", "hotspots"}
    assert gis.client.get("/ogc/collections/incidents/tiles", headers=gis.heads["clerk"]).status_code == 404
    assert names["checker"] == {"incidents", "hotspots", "verdicts", "coverage"}
    schema = gis.client.get("/ogc/collections/incidents/schema", headers=gis.heads["clerk"]).json()
    assert not {"account_id", "reporter", "phone", "person"} & set(schema["properties"])
    shown = gis.client.get("/ogc/collections", headers=gis.heads["admin"]).json()["collections"]
    everything = " ".join(entry["id"] for entry in shown)
    assert "track" not in everything
    assert "person" not in everything


def test_an_incident_is_created_changed_and_taken_back(gis):
    """The sequence of QGIS: OPTIONS, POST, then PUT with all properties, PATCH with some, DELETE."""
    assert gis.client.options(ITEMS, headers=gis.heads["clerk"]).headers["allow"].split(", ")[-1] == "POST"
    made = post(gis, feature(gis))
    assert made.status_code == 201, made.text
    one = made.headers["location"]
    key = one.rsplit("/", 1)[1]
    allow = gis.client.options(one, headers=gis.heads["clerk"]).headers["allow"]
    assert {"PUT", "PATCH", "DELETE"} <= set(allow.split(", "))
    stored = gis.client.get(one, headers=gis.heads["clerk"])
    content = stored.json()
    third = gis.division.third["code"].iloc[0]
    assert content["properties"] | {"number": None} == {
        "id": int(key),
        "number": None,
        "reported_at": "2026-03-02T01:00:00Z",
        "received_at": "2026-03-02T10:00:00Z",
        "kind": "井盖",
        "text": "井盖缺失",
        "address": None,
        "third": third,
        "second": third[:15],
        "community": third[:12],
        "corrections": 0,
    }
    # Content sent back unchanged, including rounded coordinates, is no correction.
    same = gis.client.put(one, content=stored.content, headers={**gis.heads["clerk"], **GEOJSON})
    assert same.status_code == 204
    again = gis.client.get(one, headers=gis.heads["clerk"])
    assert again.json()["properties"]["corrections"] == 0
    assert again.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    # Another place and another text; the address is removed.
    moved = {
        **content,
        "geometry": feature(gis, 20)["geometry"],
        "properties": {**content["properties"], "text": "已移位"},
    }
    headers = {**gis.heads["clerk"], **GEOJSON, "If-Match": stored.headers["etag"]}
    assert gis.client.put(one, content=json.dumps(moved), headers=headers).status_code == 204
    after = gis.client.get(one, headers=gis.heads["clerk"]).json()
    assert after["properties"]["third"] == gis.division.third["code"].iloc[20]
    assert (after["properties"]["text"], after["properties"]["corrections"]) == ("已移位", 1)
    # The previous tag no longer matches.
    patch = {**gis.heads["clerk"], "Content-Type": "application/merge-patch+json"}
    change = json.dumps({"properties": {"address": "寅春路 1 号"}})
    assert (
        gis.client.patch(one, content=change, headers={**patch, "If-Match": stored.headers["etag"]}).status_code == 412
    )
    assert gis.client.patch(one, content=change, headers=patch).status_code == 204
    assert gis.client.get(one, headers=gis.heads["clerk"]).json()["properties"]["address"] == "寅春路 1 号"
    assert gis.client.delete(one, headers=gis.heads["clerk"]).status_code == 204
    assert gis.client.get(one, headers=gis.heads["clerk"]).status_code == 404
    assert gis.client.delete(one, headers=gis.heads["clerk"]).status_code == 404
    assert read(gis)["numberMatched"] == 0
    listed = gis.client.get(
        "/api/incidents?start=2026-03-01T00:00:00Z&end=2026-03-03T00:00:00Z", headers=gis.heads["clerk"]
    ).json()
    assert listed == []
    # All received records are still stored.
    with gis.engine.connect() as connection:
        received = connection.execute(text("SELECT text, third FROM incident")).all()
        said = connection.execute(
            text("SELECT number, changes, actor, reason FROM incident_correction ORDER BY number")
        ).all()
        told = connection.execute(text("SELECT action FROM audit ORDER BY id")).scalars().all()
    assert received == [("井盖缺失", third)]
    assert [row[0] for row in said] == [1, 2, 3]
    changes = [json.loads(row[1]) if isinstance(row[1], str) else row[1] for row in said]
    assert set(changes[0]) == {"text", "lon", "lat", "third", "second", "community"}
    assert changes[1] == {"address": "寅春路 1 号"}
    assert changes[2] == {"withdrawn": True}
    assert {row[2] for row in said} == {"program:clerk"}
    assert told.count("correct incident") == 3


def test_a_geometry_comes_in_the_crs_that_it_names(gis):
    for crs, swap in ((EPSG + "4490", True), ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", False)):
        content = feature(gis, 7)
        if swap:
            content["geometry"]["coordinates"].reverse()
        made = post(gis, content, **{"Content-Crs": f"<{crs}>"})
        assert made.status_code == 201, made.text
        stored = gis.client.get(made.headers["location"], headers=gis.heads["clerk"]).json()
        assert stored["properties"]["third"] == gis.division.third["code"].iloc[7]
    metric = gis.division.third.geometry.representative_point().iloc[7]
    content = feature(gis, 7)
    content["geometry"]["coordinates"] = [metric.y, metric.x]
    made = post(gis, content, **{"Content-Crs": EPSG + "4549"})
    stored = gis.client.get(made.headers["location"], headers=gis.heads["clerk"]).json()
    assert stored["properties"]["third"] == gis.division.third["code"].iloc[7]
    back = gis.client.get(made.headers["location"], headers=gis.heads["clerk"], params={"crs": EPSG + "4549"}).json()
    assert back["geometry"]["coordinates"] == pytest.approx([metric.y, metric.x], abs=0.0015)


REFUSED = [
    ({"type": "Point", "coordinates": [1, 2]}, 422),
    ([], 422),
    ({"geometry": None}, 422),
    ({"geometry": {"type": "Point", "coordinates": ["a", 2]}}, 422),
    ({"geometry": {"type": "Point", "coordinates": [500, 2]}}, 422),
    ({"geometry": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}}, 422),
    ({"properties": {"text": "x"}}, 422),
    ({"properties": {"text": "", "reported_at": "2026-03-02T09:00:00Z"}}, 422),
    ({"properties": {"text": "x", "reported_at": "2026-03-02T09:00:00"}}, 422),
    ({"properties": {"text": "x", "reported_at": "yesterday"}}, 422),
    ({"properties": {"text": "x", "reported_at": "2026-03-02T09:00:00Z", "owner": "x"}}, 422),
    ({"properties": []}, 422),
]


@pytest.mark.parametrize(("change", "status"), REFUSED)
def test_what_is_no_incident_is_refused_and_nothing_is_stored(gis, change, status):
    content = {**feature(gis), **change} if isinstance(change, dict) else change
    answer = post(gis, content)
    assert answer.status_code == status or (change == {"properties": []} and answer.status_code == 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert read(gis)["numberMatched"] == 0


def test_bodies_that_are_no_features(gis):
    headers = {**gis.heads["clerk"], **GEOJSON}
    assert gis.client.post(ITEMS, content=b"{", headers=headers).status_code == 422
    assert gis.client.post(ITEMS, content=b"[" * 100_000, headers=headers).status_code == 422
    plain = {**gis.heads["clerk"], "Content-Type": "text/plain"}
    assert gis.client.post(ITEMS, content=b"{}", headers=plain).status_code == 415
    assert gis.client.post("/ogc/collections/third/items", content=b"{}", headers=headers).status_code == 405
    assert gis.client.post(f"{ITEMS}?x=1", content=b"{}", headers=headers).status_code == 400


def test_rights_of_cells_hold_for_editing(gis):
    """The officer may only send in his own grid and only sees incidents there; the clerk corrects."""
    inside, outside = feature(gis, 0), feature(gis, 35)
    assert post(gis, inside, "officer").status_code == 201
    assert post(gis, outside, "officer").status_code == 403
    assert post(gis, outside, "clerk").status_code == 201
    assert post(gis, inside, "checker").status_code == 403
    assert post(gis, inside, "resident").status_code == 403
    assert read(gis)["numberMatched"] == 2
    mine = read(gis, "officer")
    assert [f["properties"]["third"] for f in mine["features"]] == [gis.division.third["code"].iloc[0]]
    foreign = next(f["id"] for f in read(gis)["features"] if f["id"] != mine["features"][0]["id"])
    assert gis.client.get(f"{ITEMS}/{foreign}", headers=gis.heads["officer"]).status_code == 404
    assert gis.client.delete(f"{ITEMS}/{foreign}", headers=gis.heads["officer"]).status_code == 403
    assert gis.client.delete(f"{ITEMS}/{foreign}").status_code == 401
    assert "POST" not in gis.client.options(ITEMS, headers=gis.heads["checker"]).headers["allow"]
    assert "DELETE" not in gis.client.options(f"{ITEMS}/{foreign}", headers=gis.heads["officer"]).headers["allow"]
    # A clerk of one community corrects the incidents there, and moves none out of it or from outside into it.
    own = mine["features"][0]["id"]
    patch = {**gis.heads["local"], "Content-Type": "application/merge-patch+json"}

    def change(key, **content):
        return gis.client.patch(f"{ITEMS}/{key}", content=json.dumps(content), headers=patch).status_code

    assert change(own, properties={"text": "已核实"}) == 204
    assert change(own, geometry=outside["geometry"]) == 403
    assert change(foreign, properties={"text": "已核实"}) == 403
    assert change(foreign, geometry=inside["geometry"]) == 403
    assert change(own, properties={"number": "X"}) == 422, "the number of an incident is never changed"
    found = {f["id"]: (f["properties"]["text"], f["properties"]["third"]) for f in read(gis)["features"]}
    assert found == {
        own: ("已核实", gis.division.third["code"].iloc[0]),
        foreign: ("井盖缺失", gis.division.third["code"].iloc[35]),
    }


def test_incidents_are_selected_by_time_box_and_filter(gis):
    for row, moment in (
        (0, "2026-03-01T23:59:59+08:00"),
        (1, "2026-03-02T00:00:00+08:00"),
        (2, "2026-03-02T23:59:59+08:00"),
    ):
        assert post(gis, feature(gis, row, reported_at=moment, number=f"N{row}")).status_code == 201
    numbers = lambda query: [f["properties"]["number"] for f in read(gis, query=query)["features"]]  # noqa: E731
    assert numbers("datetime=2026-03-02") == ["N1", "N2"]
    assert numbers("datetime=2026-03-01") == ["N0"]
    assert numbers("datetime=../2026-03-01T16:00:00Z") == ["N0", "N1"]
    assert numbers("datetime=2026-03-01T15:59:59Z") == ["N0"]
    assert numbers("number=N1") == ["N1"]
    assert numbers("address=") == [], "unknown is not empty"
    assert numbers("filter=T_INTERSECTS(reported_at,DATE('2026-03-02'))") == ["N1", "N2"]
    x, y = feature(gis, 1)["geometry"]["coordinates"]
    assert numbers(f"bbox={x - 1e-6},{y - 1e-6},{x + 1e-6},{y + 1e-6}") == ["N1"]
    # The same number with the same content is stored once; with other content it is refused.
    assert post(gis, feature(gis, 1, reported_at="2026-03-02T00:00:00+08:00", number="N1")).status_code == 201
    assert post(gis, feature(gis, 1, number="N1", text="anders")).status_code in (409, 422)
    assert read(gis)["numberMatched"] == 3
    # A backup was restored meanwhile: what was read before and is no longer stored is not shown.
    tables = gis.service.incident_tables
    tables._rows[99] = {**tables._rows[1], "id": 99, "number": "N99"}
    tables._state = IncidentState(last=99, count=4)
    assert numbers("") == ["N0", "N1", "N2"]


def test_hot_spots_are_counted_from_the_incidents_of_a_span(gis):
    for k in range(12):
        day = "01" if k < 5 else "02"
        assert (
            post(gis, feature(gis, 14, reported_at=f"2026-03-{day}T09:{k:02d}:00+08:00", number=f"H{k}")).status_code
            == 201
        )
    code = gis.division.third["code"].iloc[14]

    def counted(query=""):
        answer = gis.client.get(f"/ogc/collections/hotspots/items?{query}", headers=gis.heads["clerk"])
        assert answer.status_code == 200, answer.text
        found = {f["id"]: f["properties"] for f in answer.json()["features"]}
        assert len(found) == 4 + 36
        return found

    every = counted()
    assert every[code[:15]]["incidents"] == every[code]["incidents"] == 12
    assert sum(p["incidents"] for p in every.values() if p["level"] == 3) == 12
    assert counted("datetime=2026-03-01")[code]["incidents"] == 5
    assert counted("datetime=2026-03-02/..")[code]["incidents"] == 7
    limited = gis.client.get("/ogc/collections/hotspots/items", headers=gis.heads["officer"]).json()
    assert {f["id"][:15] for f in limited["features"]} == {gis.division.second["code"].iloc[0]}


@pytest.fixture
def walks(gis, stay):
    """Two visits of the first grid on the day."""
    with session(gis.engine, write=True) as opened:
        for name in ("A", "B"):
            device = add_device(opened, 1, name, at=NOW)
            hand_over(opened, device, person_of(opened, 1, f"{name}号", at=NOW), at=datetime(2026, 3, 1, tzinfo=UTC))
        devices = device_names(opened, 1)
    code = gis.division.second["code"].iloc[0]
    writer = Writer(gis.engine)
    writer.submit(as_rows(rows_of(pd.concat([stay(code, "A", "08:00", 10)]), devices))).result(30)
    yield lambda: writer.submit(as_rows(rows_of(stay(code, "B", "14:00", 10), devices))).result(30)
    writer.close()


def test_verdicts_and_coverage_are_those_of_the_day(gis, walks):
    def of(name, query="datetime=2026-03-02", who="checker"):
        answer = gis.client.get(f"/ogc/collections/{name}/items?{query}", headers=gis.heads[who])
        assert answer.status_code == 200, answer.text
        return {f["id"]: f["properties"] for f in answer.json()["features"]}

    def compare():
        judged = judge(gis.engine, basis_of(gis.engine, 1, DAY, rules=Rules()), DAY)
        found = of("verdicts")
        for _, row in judged.verdicts.iterrows():
            shown = found[row["code"]]
            assert (shown["verdict"], shown["visits"], shown["day"]) == (row["verdict"], row["visits"], "2026-03-02")
        seen = of("coverage")
        for _, row in coverage(judged).iterrows():
            assert seen[row["code"]]["swept_share"] == pytest.approx(row["swept_share"])
        return {code: (p["verdict"], p["visits"]) for code, p in found.items()}

    before = compare()
    assert len(before) == 4
    walks()
    # New fixes of the day are visible at once.
    assert compare() != before
    assert of("verdicts", "") == of("verdicts")
    assert of("verdicts", "datetime=2020-01-01") == {}
    assert set(of("verdicts", who="officer")) == {gis.division.second["code"].iloc[0]}
    two = gis.client.get("/ogc/collections/verdicts/items?datetime=2026-03-01/2026-03-02", headers=gis.heads["checker"])
    assert (two.status_code, two.json()["parameter"]) == (400, "datetime")
    shapes = gis.client.get("/ogc/collections/verdicts/items?datetime=2026-03-02", headers=gis.heads["checker"]).json()
    cells = gis.client.get("/ogc/collections/second/items").json()
    assert [f["geometry"] for f in shapes["features"]] == [f["geometry"] for f in cells["features"]]


def test_answers_of_those_with_rights_are_not_kept_by_others(gis):
    answer = gis.client.get(ITEMS, headers=gis.heads["clerk"])
    assert answer.headers["cache-control"] == "private, no-cache"
    page = gis.client.get(ITEMS, headers={**gis.heads["clerk"], "Accept": "text/html"})
    assert page.headers["cache-control"] == "no-store"
