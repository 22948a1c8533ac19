"""Other clients of the data service: GDAL of pyogrio and of Debian, OWSLib and headless QGIS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from owslib.ogcapi.features import Features

from api.access import Grant, Role
from api.app import create_app
from api.database import add_version, open_store, publish, session
from api.database.accounts import add_account, add_token
from api.database.drafts.log import new_draft
from api.database.incidents import add_incident
from api.settings import Settings
from geo.layers import Level, lon_lat
from tests.integration.api.serving import serving

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
LAYERS = ("street", "community", "second", "third")
#: Collections that require a token, with their numbers of features; the draft is that of the fixture.
PRIVATE = {"incidents": 1, "hotspots": 40, "verdicts": 4, "coverage": 36} | {
    f"draft-1-{name}": count for name, count in zip(LAYERS, (1, 2, 4, 36), strict=True)
}
QGIS = Path("/usr/lib/python3/dist-packages/qgis")


@pytest.fixture(scope="module")
def gis(empty_store, division, tmp_path_factory):
    """A server with a division, an incident, a draft and an administrator's token; it records the requested addresses."""
    folder = tmp_path_factory.mktemp("clients")
    address = str(shutil.copy(empty_store, folder / "store.sqlite"))
    engine = open_store(address)
    place = lon_lat(division.third.geometry.representative_point()).iloc[4]
    with session(engine, write=True) as opened:
        version = add_version(opened, division, valid_from=date(2026, 1, 1), created_at=NOW)
        publish(opened, version.id, published_at=NOW)
        account = add_account(opened, 1, "admin", [Grant(Role.ADMINISTRATOR)], at=NOW, by="test")
        token = add_token(opened, "program", account=account, at=NOW).text
        about = {"street": 1, "key": "d1", "name": "调整", "note": None, "version_id": version.id}
        new_draft(opened, **about, created_at=NOW, created_by="admin")
        code = division.third["code"].iloc[4]
        values = {"street": 1, "number": "N1", "reported_at": NOW, "received_at": NOW, "lon": place.x, "lat": place.y}
        values |= {"datum": "WGS-84", "kind": "井盖", "text": "缺失", "address": None, "version_id": version.id}
        add_incident(
            opened, {**values, "third": code, "second": code[:15], "community": code[:12], "account_id": account}
        )
    engine.dispose()
    app = create_app(Settings(database=address, pages=folder, follow=False), clock=lambda: NOW)
    asked = []

    async def noting(scope, receive, send):
        if scope["type"] == "http":
            asked.append((scope["method"], scope["path"], scope["query_string"].decode()))
        await app(scope, receive, send)

    with serving(noting) as client:
        base = f"{str(client.base_url).rstrip('/')}/ogc"
        yield SimpleNamespace(client=client, base=base, token=token, asked=asked, place=place)


#: Reads layers with the GDAL of pyogrio and prints them, in a separate process: GDAL holds the GIL while it waits for an
#: answer, so that a server in the same process would never answer.
_READER = """
import json, sys, pyogrio, shapely
tasks = json.loads(sys.argv[1])
found = []
for path, layer, box in tasks:
    frame = pyogrio.read_dataframe(path, layer=layer, bbox=tuple(box) if box else None)
    codes = frame["code" if "code" in frame else "number"].tolist()
    found.append([frame.crs.to_epsg(), codes, shapely.to_wkb(frame.geometry.array, hex=True).tolist()])
print(json.dumps(found))
"""


def read_with_gdal(tasks, token=""):
    words = [sys.executable, "-c", _READER, json.dumps(tasks)]
    login = {"GDAL_HTTP_AUTH": "BASIC", "GDAL_HTTP_USERPWD": f"token:{token}"} if token else {}
    environment = {**os.environ, **login}
    answer = subprocess.run(words, capture_output=True, text=True, env=environment, check=False, timeout=200)
    if answer.returncode:
        raise RuntimeError(answer.stderr[-500:])
    return [(crs, codes, shapely.from_wkb(shapes)) for crs, codes, shapes in json.loads(answer.stdout)]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_gdal_of_pyogrio_reads_the_layers_in_their_own_crs(gis, division):
    """It uses storageCrs, EPSG:4549, with the correct axis order."""
    found = read_with_gdal([(f"OAPIF:{gis.base}", name, None) for name in LAYERS])
    for name, (crs, codes, shapes) in zip(LAYERS, found, strict=True):
        layer = division.layer(Level[name.upper()])
        assert crs == 4549
        assert codes == layer["code"].tolist()
        there, here = shapely.get_coordinates(shapes), shapely.get_coordinates(layer.geometry.array)
        assert np.abs(there - here).max() < 0.0006


def test_gdal_of_pyogrio_reads_what_needs_a_token(gis):
    tasks = [(f"OAPIF:{gis.base}/collections/{name}", None, None) for name in PRIVATE]
    with pytest.raises(RuntimeError, match="DataSourceError"):
        read_with_gdal(tasks[:1])
    found = read_with_gdal(tasks, gis.token)
    assert [len(codes) for _, codes, _ in found] == list(PRIVATE.values())
    point = found[0][2][0]
    assert (point.x, point.y) == pytest.approx((gis.place.x, gis.place.y), abs=1e-8)


def test_gdal_of_pyogrio_asks_for_windows_in_4549(gis, division):
    rng = np.random.default_rng(5)
    cells = division.third.geometry
    west, south, east, north = cells.total_bounds
    low = np.column_stack([rng.uniform(west, east, 12), rng.uniform(south, north, 12)])
    boxes = np.hstack([low, low + rng.uniform(1, 200, (12, 2))]).tolist()
    found = read_with_gdal([(f"OAPIF:{gis.base}", "third", box) for box in boxes])
    for box, (_, codes, _) in zip(boxes, found, strict=True):
        assert set(codes) == set(division.third["code"][cells.intersects(shapely.box(*box))])
    assert any("bbox-crs" in query and "4549" in query for _, _, query in gis.asked)


def test_gdal_of_debian_reads_every_layer(gis):
    if shutil.which("ogrinfo") is None:
        pytest.skip("gdal-bin is not installed")
    environment = {**os.environ, "GDAL_HTTP_HEADERS": f"Authorization: Bearer {gis.token}"}
    for name, count in (*zip(LAYERS, (1, 2, 4, 36), strict=True), *PRIVATE.items()):
        words = ["ogrinfo", "-ro", "-al", "-so", f"OAPIF:{gis.base}/collections/{name}"]
        answer = subprocess.run(words, capture_output=True, text=True, env=environment, check=False, timeout=120)
        assert f"Feature Count: {count}\n" in answer.stdout, answer.stdout + answer.stderr


def test_owslib_reads_everything(gis):
    service = Features(f"{gis.base}/")
    assert service.conformance()["conformsTo"]
    assert set(service.feature_collections()) == set(LAYERS)
    for name, count in zip(LAYERS, (1, 2, 4, 36), strict=True):
        assert service.collection(name)["id"] == name
        assert "code" in service.collection_queryables(name)["properties"]
        found = service.collection_items(name, limit=10_000)
        assert found["numberMatched"] == len(found["features"]) == count
    chosen = service.collection_items("third", filter="level = 3 AND code LIKE '%001'")
    assert {f["id"][-3:] for f in chosen["features"]} == {"001"}
    one = service.collection_item("second", found["features"][0]["id"][:15])
    assert one["geometry"]["type"] == "Polygon"


def test_headless_qgis_reads_every_collection(gis, division):
    """QGIS 3.22 of Debian 12, which uses CRS84; a layer takes at most five requests."""
    if not QGIS.is_dir():
        pytest.skip("python3-qgis is not installed")
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": ""}
    script = Path(__file__).resolve().parents[3] / "tools" / "qgis_reader.py"
    gis.asked.clear()
    words = ["/usr/bin/python3", str(script), gis.base, "third"]
    answer = subprocess.run(words, capture_output=True, text=True, env=environment, check=False, timeout=300)
    assert answer.stdout, answer.stderr[-2000:]
    found = json.loads(answer.stdout.strip().splitlines()[-1])
    third = found["layers"]["third"]
    assert third["valid"]
    assert len(gis.asked) <= 5, gis.asked
    assert set(third["wkt"]) == set(division.third["code"])
    degrees = lon_lat(division.third.geometry)
    for code, shape in zip(division.third["code"], degrees, strict=True):
        assert shapely.hausdorff_distance(shapely.from_wkt(third["wkt"][code]), shape) < 1e-8
    assert third["fields"]["valid_from"].lower() == "date"
    rest = [*LAYERS[:3], *PRIVATE]
    words = ["/usr/bin/python3", str(script), gis.base, *rest, "--token", gis.token]
    answer = subprocess.run(words, capture_output=True, text=True, env=environment, check=False, timeout=300)
    assert answer.stdout, answer.stderr[-2000:]
    layers = json.loads(answer.stdout.strip().splitlines()[-1])["layers"]
    counts = {"street": 1, "community": 2, "second": 4, **PRIVATE}
    assert {name: len(layer["wkt"]) for name, layer in layers.items()} == counts


def test_the_requests_of_newer_qgis_find_what_they_look_for(gis):
    """In the order of its source: landing page, document, collection, classes, queryables, ten features, schema, OPTIONS, all."""
    client, head = gis.client, {"Authorization": f"Bearer {gis.token}"}
    links = {entry["rel"]: entry["href"] for entry in client.get("/ogc", headers=head).json()["links"]}
    limit = client.get(links["service-desc"]).json()["components"]["parameters"]["limit"]["schema"]
    size = min(max(1000, limit["default"]), limit["maximum"])
    classes = client.get(links["conformance"]).json()["conformsTo"]
    for wanted in (
        "ogcapi-features-2/1.0/conf/crs",
        "cql2/1.0/conf/cql2-text",
        "cql2/1.0/conf/basic-cql2",
        "ogcapi-features-3/1.0/conf/filter",
        "ogcapi-features-3/1.0/conf/features-filter",
        "ogcapi-features-5/1.0/conf/schemas",
    ):
        assert f"http://www.opengis.net/spec/{wanted}" in classes
    address = f"{links['data']}/incidents"
    collection = client.get(address, headers=head).json()
    schema_link = next(e for e in collection["links"] if e["rel"] == "http://www.opengis.net/def/rel/ogc/1.0/schema")
    assert schema_link["type"] == "application/schema+json"
    schema = client.get(schema_link["href"], headers={**head, "Accept": "application/schema+json"}).json()
    assert schema["properties"]["geometry"]["format"] == "geometry-point"
    assert schema["properties"]["id"]["readOnly"]
    assert "readOnly" not in schema["properties"]["text"]
    numbers = [entry["x-ogc-propertySeq"] for entry in schema["properties"].values()]
    assert len(set(numbers)) == len(numbers)
    first = client.get(f"{address}/items?limit=10", headers=head).json()
    assert "POST" in client.options(f"{address}/items", headers=head).headers["allow"]
    allow = client.options(f"{address}/items/{first['features'][0]['id']}", headers=head).headers["allow"]
    assert {"PUT", "PATCH", "DELETE"} <= set(allow.split(", "))
    every = client.get(f"{address}/items?limit={size}&crs={collection['storageCrs']}", headers=head)
    assert every.json()["numberReturned"] == first["numberMatched"]


def test_the_published_layers_open_as_a_frame(gis):
    found = gpd.read_file(f"{gis.base}/collections/second/items?f=json")
    assert len(found) == 4
