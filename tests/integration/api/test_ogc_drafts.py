"""Drafts as collections: rights, content, and changes of cells converted to edits of the draft."""

from __future__ import annotations

import json
from types import SimpleNamespace

import geopandas as gpd
import pytest
import shapely

from api.access import Grant, Role
from api.app import create_app
from api.database import session
from api.database.accounts import add_account, add_token
from api.settings import Settings
from geo.layers import lon_lat
from tests.integration.api.planning import NOW, look, send, token
from tests.integration.api.serving import serving

GEOJSON = {"Content-Type": "application/geo+json"}
PATCH = {"Content-Type": "application/merge-patch+json"}
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
#: A third-level grid that does not touch the outline of the street.
INNER = "320113003001001005"
LEVELS = ("street", "community", "second", "third")


@pytest.fixture
def plan(published, store_url, tmp_path, division):
    """A server, two planners of the street and one of its first community, and a draft."""
    app = create_app(Settings(database=store_url, pages=tmp_path, follow=False), clock=lambda: NOW)
    grants = {"wang": (), "li": (), "part": (Grant(Role.PLANNER, division.community["code"].iloc[0]),)}
    with serving(app) as client:
        heads = {who: {"Authorization": f"Bearer {token(published, who, *given)}"} for who, given in grants.items()}
        answer = client.post("/api/drafts", json={"id": "d1", "name": "调整"}, headers=heads["wang"])
        assert answer.status_code == 201, answer.text
        draft = answer.json()
        yield SimpleNamespace(
            client=client, engine=published, division=division, heads=heads, wang=heads["wang"], draft=draft
        )


def path_of(plan, level, key=None):
    items = f"/ogc/collections/draft-{plan.draft['id']}-{level}/items"
    return items if key is None else f"{items}/{key}"


def get(plan, level, key=None, who="wang", query=""):
    answer = plan.client.get(f"{path_of(plan, level, key)}?{query}", headers=plan.heads[who])
    assert answer.status_code == 200, answer.text
    return answer.json()


def change(plan, method, level, key=None, content=None, who="wang", **headers):
    kind = PATCH if method == "PATCH" else GEOJSON
    body = None if content is None else json.dumps(content)
    head = {**plan.heads[who], **(kind if content is not None else {}), **headers}
    return plan.client.request(method, path_of(plan, level, key), content=body, headers=head)


def revision(plan):
    return look(plan, "").json()["revision"]


def test_who_sees_drafts(plan, published):
    """Planners and administrators; for others an existing draft cannot be distinguished from a missing one."""
    heads = {}
    with session(published, write=True) as opened:
        for role in Role:
            account = add_account(opened, 1, role, [Grant(role)], at=NOW, by="test")
            text = add_token(opened, "program", account=account, at=NOW).text
            heads[role.value] = {"Authorization": f"Bearer {text}"}
    names = {f"draft-{plan.draft['id']}-{level}" for level in LEVELS}
    for who, head in {"public": {}, **heads}.items():
        may = who in ("administrator", "planner")
        listed = {c["id"] for c in plan.client.get("/ogc/collections", headers=head).json()["collections"]}
        assert (names <= listed, bool(names & listed)) == (may, may), who
        assert ("draft-" in plan.client.get("/ogc?f=html", headers=head).text) == may
        for number in (plan.draft["id"], 999):
            here = f"/ogc/collections/draft-{number}-second"
            wanted = 401 if who == "public" else 403 if not may else 200 if number != 999 else 404
            for end in ("", "/items", "/schema", "/queryables", "?f=html", "/items?f=html"):
                answer = plan.client.get(f"{here}{end}", headers=head)
                assert answer.status_code == wanted, (who, here, end)
                assert "调整" not in answer.text or may
            assert plan.client.options(f"{here}/items", headers=head).status_code == wanted, who
        for method, key in (("POST", None), ("PUT", "x"), ("PATCH", "x"), ("DELETE", "x")):
            answer = plan.client.request(
                method, path_of(plan, "third", key), headers={**head, **GEOJSON}, content=b"{}"
            )
            wanted = {401} if who == "public" else {415, 422, 404} if may else {403}
            assert answer.status_code in wanted, (who, method)
    document = plan.client.get("/ogc/api").text
    assert "调整" not in document
    for wrong in ("draft-0-second", "draft-1-fourth", "draft-99999999999-second", "draft-2147483648-third", "draft-1"):
        assert plan.client.get(f"/ogc/collections/{wrong}", headers=plan.wang).status_code == 404


def test_a_draft_holds_what_the_editor_shows(plan, division):
    code = division.third["code"].iloc[7]
    send(plan, "/edits", id="e1", edits=[{"edit": "Rename", "code": code, "name": "编辑页的名称"}])
    for level, count in zip(LEVELS, (1, 2, 4, 36), strict=True):
        found = get(plan, level)
        assert found["numberMatched"] == len(found["features"]) == count
    stored = get(plan, "third", code, query=f"crs={EPSG}4549")
    assert stored["properties"]["name"] == "编辑页的名称"
    shape = division.third.geometry.iloc[7]
    there = shapely.from_geojson(json.dumps(stored["geometry"]))
    assert shapely.equals_exact(shapely.transform(there, lambda xy: xy[:, ::-1]), shape, normalize=True, tolerance=1e-6)
    # The published layer is unchanged.
    assert plan.client.get(f"/ogc/collections/third/items/{code}").json()["properties"]["name"] != "编辑页的名称"
    chosen = get(plan, "third", query="filter=name LIKE '编辑页%25' AND level = 3")
    assert [f["id"] for f in chosen["features"]] == [code]
    x, y = lon_lat(division.third.geometry.representative_point()).iloc[7].coords[0]
    assert [f["id"] for f in get(plan, "third", query=f"bbox={x},{y},{x},{y}")["features"]] == [code]
    described = plan.client.get(f"/ogc/collections/draft-{plan.draft['id']}-third", headers=plan.wang).json()
    assert "调整" in described["title"]
    assert described["storageCrs"] == f"{EPSG}4549"
    schema = plan.client.get(f"/ogc/collections/{described['id']}/schema", headers=plan.wang).json()
    editable = {name for name, entry in schema["properties"].items() if not entry.get("readOnly")}
    assert editable == {"name", "leader", "geometry"}
    answer = plan.client.get(path_of(plan, "third"), headers=plan.wang)
    assert answer.headers["cache-control"] == "private, no-cache"


def test_names_and_leaders_become_edits_of_the_draft(plan, division):
    """The sequence of QGIS: OPTIONS, then PUT with all properties and the border, PATCH with some."""
    code = division.second["code"].iloc[1]
    assert "POST" in plan.client.options(path_of(plan, "second"), headers=plan.wang).headers["allow"]
    allow = plan.client.options(path_of(plan, "second", code), headers=plan.wang).headers["allow"].split(", ")
    assert {"PUT", "PATCH", "DELETE"} <= set(allow)
    read = plan.client.get(path_of(plan, "second", code), headers=plan.wang)
    content = read.json()
    # Content sent back unchanged is no edit.
    assert change(plan, "PUT", "second", code, content).status_code == 204
    assert revision(plan) == 0
    content["properties"] |= {"name": "新名", "leader": "李明", "population": 5}
    assert change(plan, "PUT", "second", code, content, **{"If-Match": read.headers["etag"]}).status_code == 204
    after = get(plan, "second", code)["properties"]
    assert (after["name"], after["leader"]) == ("新名", "李明")
    assert after["population"] == division.second["population"].iloc[1]
    entry = look(plan, "/history").json()[0]
    assert (entry["author"], entry["cells"], entry["revision"]) == ("wang", [code], 1)
    # The previous tag no longer matches; the current one does.
    stale = change(
        plan, "PATCH", "second", code, {"properties": {"leader": "王"}}, **{"If-Match": read.headers["etag"]}
    )
    assert stale.status_code == 412
    now = plan.client.get(path_of(plan, "second", code), headers=plan.wang).headers["etag"]
    patched = change(plan, "PATCH", "second", code, {"properties": {"leader": None}}, **{"If-Match": now})
    assert patched.status_code == 204
    assert get(plan, "second", code)["properties"]["leader"] is None
    assert revision(plan) == 2
    # Changes made by the GIS can be undone in the editor.
    assert send(plan, "/undo", id="u1").status_code == 200
    assert get(plan, "second", code)["properties"]["leader"] == "李明"
    # A replacement requires a name, and a blank leader is none.
    refused = change(plan, "PUT", "second", code, {"type": "Feature", "properties": {"leader": "x"}})
    assert (refused.status_code, "name" in refused.json()["detail"]) == (422, True)
    assert change(plan, "PATCH", "second", code, {"properties": {"leader": "  "}}).status_code == 204
    assert get(plan, "second", code)["properties"]["leader"] is None


#: Merge patches that change no cell.
NO_CHANGES = (
    {"properties": {"name": ""}},
    {"properties": {"name": 5}},
    {"properties": {"name": "x" * 201}},
    {"properties": {"owner": "x"}},
    {"properties": []},
    {"geometry": {"type": "Point", "coordinates": [118.8, 32.1]}},
    {"geometry": {"type": "Polygon", "coordinates": [[[118, 32], [119, 32], [119, 33], [118, 32]]]}},
    {"geometry": {"type": "Polygon", "coordinates": []}},
    [],
)


def test_what_is_no_change_of_a_cell_is_refused(plan, division):
    code = division.third["code"].iloc[3]
    for content in NO_CHANGES:
        answer = change(plan, "PATCH", "third", code, content)
        assert answer.status_code == 422, (content, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert revision(plan) == 0


def test_a_cell_is_created_by_cutting_it_off(plan, division):
    """The new polygon and the rest form the old cell; a polygon that cannot be cut off by one line is refused."""
    code = INNER
    cell = division.third.set_index("code").geometry[code]
    west, south, east, north = cell.bounds
    half = shapely.intersection(cell, shapely.box(west - 9, south - 9, (west + east) / 2, north + 9))
    degrees = lon_lat(gpd.GeoSeries([half], crs=division.crs)).iloc[0]
    sent = {
        "type": "Feature",
        "geometry": json.loads(shapely.to_geojson(degrees)),
        "properties": {"name": "新格", "leader": None},
    }
    made = change(plan, "POST", "third", None, sent)
    assert made.status_code == 201, made.text
    created = plan.client.get(made.headers["location"], headers=plan.wang, params={"crs": f"{EPSG}4549"}).json()
    assert created["properties"]["name"] == "新格"
    shape = shapely.from_geojson(json.dumps(created["geometry"]))
    assert shapely.hausdorff_distance(shapely.transform(shape, lambda xy: xy[:, ::-1]), half) < 0.002
    found = get(plan, "third")
    assert found["numberMatched"] == 37
    ids = {f["id"] for f in found["features"]}
    assert {code, created["id"]} <= ids
    sums = [sum(f["properties"][name] for f in found["features"]) for name in ("population", "households")]
    assert sums == pytest.approx([division.third[name].sum() for name in ("population", "households")])
    assert revision(plan) == 1
    # The cells still form a valid division.
    assert look(plan, "/findings").json()["ok"]
    # After deletion, its ground belongs to the neighbour with the longest border, which is the cell that was split.
    new = created["id"]
    assert change(plan, "DELETE", "third", new).status_code == 204
    assert plan.client.get(path_of(plan, "third", new), headers=plan.wang).status_code == 404
    assert change(plan, "DELETE", "third", new).status_code == 404
    after = get(plan, "third")
    assert after["numberMatched"] == 36
    people = {f["id"]: f["properties"]["population"] for f in after["features"]}
    assert people == pytest.approx(division.third.set_index("code")["population"].to_dict())
    assert look(plan, "/findings").json()["ok"]


def _ring(*points):
    return [[list(p) for p in (*points, points[0])]]


def test_polygons_that_are_no_part_of_a_cell_are_refused(plan, division):
    cells = division.third.set_index("code").geometry
    cell, outer = cells[INNER], cells.iloc[14]
    west, south, east, north = cell.bounds
    x, y = (west + east) / 2, (south + north) / 2
    wrong = {
        "to the outline": shapely.intersection(outer, shapely.box(0, 0, outer.centroid.x, 1e7)),
        "over several cells": shapely.box(west, south, east + 80, north),
        "not at the border": shapely.box(x - 5, y - 5, x + 5, y + 5),
        "the whole cell": cell,
        "two pieces": shapely.union(
            shapely.intersection(cell, shapely.box(west, south, west + 40, north)),
            shapely.intersection(cell, shapely.box(east - 40, south, east, north)),
        ),
        "the middle": shapely.intersection(cell, shapely.box(x - 10, south - 9, x + 10, north + 9)),
    }
    for name, shape in wrong.items():
        turned = shapely.transform(shape, lambda xy: xy[:, ::-1])
        content = {"type": "Feature", "properties": {}, "geometry": json.loads(shapely.to_geojson(turned))}
        answer = change(plan, "POST", "third", None, content, **{"Content-Crs": f"<{EPSG}4549>"})
        assert answer.status_code == 422, (name, answer.text)
    bowtie = {"type": "Polygon", "coordinates": _ring((south, west), (north, east), (south, east), (north, west))}
    content = {"type": "Feature", "properties": {}, "geometry": bowtie}
    assert change(plan, "POST", "third", None, content, **{"Content-Crs": f"{EPSG}4549"}).status_code == 422
    assert change(plan, "POST", "third", None, {"type": "Feature", "properties": {}}).status_code == 422
    for level in ("street", "community", "second"):
        assert change(plan, "POST", level, None, content, **{"Content-Crs": f"{EPSG}4549"}).status_code == 422
    assert revision(plan) == 0


def test_the_rules_of_the_editor_hold(plan, division):
    """Rights by community, locks, the last cell of a grid, and the states of a draft."""
    first, last = division.second["code"].iloc[0], division.second["code"].iloc[-1]
    rename = {"properties": {"name": "另名"}}
    assert change(plan, "PATCH", "second", first, rename, "part").status_code == 204
    assert change(plan, "PATCH", "second", last, rename, "part").status_code == 403
    assert {f["id"][:12] for f in get(plan, "third", who="part")["features"]} == {first[:12]}
    assert len(get(plan, "third", who="part")["features"]) == 18
    assert send(plan, "/edits", id="k", edits=[{"edit": "Lock", "codes": [last]}]).status_code == 200
    locked = change(plan, "PATCH", "third", f"{last}001", rename)
    assert (locked.status_code, locked.json()["kind"]) == (422, "locked")
    # Grids of a community can be merged; the last one has no neighbour to merge with.
    assert change(plan, "DELETE", "second", first).status_code == 204
    shapes = {f["id"]: shapely.geometry.shape(f["geometry"]) for f in get(plan, "second")["features"]}
    assert set(shapes) == set(division.second["code"]) - {first}
    inside = division.second.geometry.iloc[[0]].representative_point().to_crs(4326).iloc[0]
    assert [code for code, shape in shapes.items() if shape.contains(inside)] == [division.second["code"].iloc[1]]
    assert change(plan, "DELETE", "second", division.second["code"].iloc[1]).status_code == 422
    assert change(plan, "DELETE", "community", first[:12]).status_code == 405
    assert (
        "DELETE" not in plan.client.options(path_of(plan, "community", first[:12]), headers=plan.wang).headers["allow"]
    )
    assert send(plan, "/review", id="r").status_code == 200
    refused = change(plan, "PATCH", "community", first[:12], rename)
    assert (refused.status_code, refused.json()["kind"]) == (409, "state")


def test_a_published_draft_is_no_longer_listed(plan):
    assert change(plan, "PATCH", "street", "320113003", {"properties": {"name": "新街"}}).status_code == 204
    send(plan, "/review", id="r")
    assert send(plan, "/publish", id="p", valid_from="2026-03-02").status_code == 200
    listed = plan.client.get("/ogc/collections", headers=plan.wang).json()["collections"]
    assert not [c["id"] for c in listed if c["id"].startswith("draft-")]
    assert get(plan, "street")["features"][0]["properties"]["name"] == "新街"
    assert change(plan, "PATCH", "street", "320113003", {"properties": {"name": "再改"}}).status_code == 409
