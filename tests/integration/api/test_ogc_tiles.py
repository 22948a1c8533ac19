"""Addresses of tiles, preparation of a published version in the background, and the GeoPackage of it."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
from datetime import UTC, date, datetime
from types import SimpleNamespace

import geopandas as gpd
import mapbox_vector_tile
import pyogrio
import pytest

from api.app import create_app
from api.database import add_version, open_store, publish, session
from api.ogc.publication.preparation import Preparation
from api.ogc.publication.published_file import version_of
from api.settings import Settings
from geo.layers import Level, digest_of, read_division
from tests.integration.api.serving import serving

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
MVT = "application/vnd.mapbox-vector-tile"


@pytest.fixture
def store(empty_store, division, tmp_path):
    engine = open_store(str(shutil.copy(empty_store, tmp_path / "store.sqlite")))
    with session(engine, write=True) as opened:
        stored = add_version(opened, division, valid_from=date(2026, 1, 1), created_at=NOW)
        publish(opened, stored.id, published_at=NOW)
    app = create_app(Settings(database=str(tmp_path / "store.sqlite"), pages=tmp_path, follow=False), clock=lambda: NOW)
    with serving(app) as client:
        yield SimpleNamespace(client=client, engine=engine, service=app.state.ogc, folder=tmp_path, version=stored.id)
    engine.dispose()


def published_again(store, division):
    changed = division.third.copy()
    changed.loc[0, "name"] = "新名"
    with session(store.engine, write=True) as opened:
        stored = add_version(
            opened, division.with_layer(Level.THIRD, changed), valid_from=date(2026, 3, 1), created_at=NOW
        )
        publish(opened, stored.id, published_at=NOW)
    return stored.id


def test_a_client_finds_the_tiles_from_the_landing_page(store, division):
    """Landing page, tile sets, tile set, then every tile within its limits."""
    client = store.client
    links = {entry["rel"].rsplit("/", 1)[-1]: entry["href"] for entry in client.get("/ogc").json()["links"]}
    listed = client.get(links["tilesets-vector"]).json()["tilesets"][0]
    described = client.get(next(e["href"] for e in listed["links"] if e["rel"] == "self")).json()
    assert [layer["id"] for layer in described["layers"]] == ["street", "community", "second", "third"]
    matrices = client.get(next(e["href"] for e in described["links"] if "tiling-scheme" in e["rel"])).json()
    assert matrices["tileMatrices"][14]["matrixWidth"] == 1 << 14
    assert matrices["tileMatrices"][0]["scaleDenominator"] == pytest.approx(559082264.0287178)
    template = next(e["href"] for e in described["links"] if e.get("templated"))
    limits = described["tileMatrixSetLimits"][-1]
    assert limits["tileMatrix"] == "16"
    codes = set()
    for row in range(limits["minTileRow"], limits["maxTileRow"] + 1):
        for column in range(limits["minTileCol"], limits["maxTileCol"] + 1):
            place = {"{tileMatrix}": "16", "{tileRow}": str(row), "{tileCol}": str(column)}
            address = template
            for key, value in place.items():
                address = address.replace(key, value)
            answer = client.get(address)
            assert answer.status_code in (200, 204)
            if answer.status_code == 200:
                assert answer.headers["content-type"] == MVT
                assert "immutable" in answer.headers["cache-control"]
                content = mapbox_vector_tile.decode(answer.content)
                codes |= {f["properties"]["code"] for f in content["third"]["features"]}
    assert codes == set(division.third["code"])


def test_a_tile_of_one_collection_and_how_it_is_sent(store):
    document = store.client.get("/ogc/collections/second/tiles/WebMercatorQuad/tilejson").json()
    assert (document["minzoom"], document["maxzoom"]) == (10, 16)
    west, south, east, north = document["bounds"]
    assert west < document["center"][0] < east
    assert south < document["center"][1] < north
    limits = store.client.get("/ogc/collections/second/tiles/WebMercatorQuad").json()["tileMatrixSetLimits"][4]
    place = f"14/{limits['minTileRow']}/{limits['minTileCol']}"
    address = f"/ogc/collections/second/tiles/WebMercatorQuad/{place}"
    plain = store.client.get(address, headers={"Accept-Encoding": "identity"})
    assert plain.headers["cache-control"] == "no-cache"
    assert "Accept-Encoding" in plain.headers["vary"]
    assert "content-encoding" not in plain.headers
    assert set(mapbox_vector_tile.decode(plain.content)) == {"second"}
    with store.client.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as packed:
        assert gzip.decompress(b"".join(packed.iter_raw())) == plain.content
    again = store.client.get(address, headers={"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("third/tiles/WebMercatorQuad/9/0/0", 404),
        ("third/tiles/WebMercatorQuad/17/0/0", 404),
        ("third/tiles/WebMercatorQuad/14/16384/0", 404),
        ("third/tiles/WebMercatorQuad/14/0/0", 204),
        ("third/tiles/WebMercatorQuad/14/x/0", 400),
        ("third/tiles/WebMercatorQuad/14/-1/0", 400),
        ("third/tiles/WebMercatorQuad/14/0/0?x=1", 400),
        ("third/tiles/WebMercatorQuad/14/0/0?version=99", 404),
        ("third/tiles/Other", 404),
        ("incidents/tiles", 401),
        ("fourth/tiles", 404),
    ],
)
def test_tiles_that_are_not_there(store, path, status):
    assert store.client.get(f"/ogc/collections/{path}").status_code == status


def test_a_new_version_is_prepared_before_it_is_answered(store, division):
    """The old version is served until the tables of the new one are ready; its tiles and the file follow."""
    preparation = Preparation(store.service)
    assert preparation.step()
    assert not preparation.step()
    assert version_of(store.folder / "published.gpkg") == store.version
    answer = store.client.get("/ogc/collections/third/items")
    first = answer.json()["features"][0]["properties"]["name"]
    limits = store.client.get("/ogc/collections/third/tiles/WebMercatorQuad").json()["tileMatrixSetLimits"][0]
    tile = f"/ogc/collections/third/tiles/WebMercatorQuad/10/{limits['minTileRow']}/{limits['minTileCol']}"
    tags = [answer.headers["etag"], store.client.get(tile).headers["etag"]]
    number = published_again(store, division)
    assert store.client.get("/ogc/collections/third/items").json()["features"][0]["properties"]["name"] == first
    assert preparation.step()
    assert store.client.get("/ogc/collections/third/items").json()["features"][0]["properties"]["name"] == "新名"
    assert version_of(store.folder / "published.gpkg") == number
    after = [store.client.get(path).headers["etag"] for path in ("/ogc/collections/third/items", tile)]
    assert not set(after) & set(tags)
    found = store.service.versions.current()
    assert found.version.id == number
    assert all(found.has_tiles_of(zoom) for zoom in range(10, 17))
    assert not found.has_tiles_of(17)
    # Whole collections in CRS84 and in the storage CRS are compressed, and the spatial indexes are built.
    for level in Level:
        table = found.table(level)
        assert {space: packed.level for (space, _), packed in table._packed.items()} == {4326: 6, 4549: 6}
        assert set(table._trees) == {4326, 4549}
    old = store.client.get(f"/ogc/collections/third/items?version={store.version}").json()
    assert old["features"][0]["properties"]["name"] == first


def test_the_file_holds_the_version_and_styles(store, division):
    assert Preparation(store.service).step()
    path = store.folder / "published.gpkg"
    assert digest_of(read_division(path)) == digest_of(division)
    names = {name for name, kind in pyogrio.list_layers(path) if kind is not None}
    assert names == {"street", "community", "second", "third"}
    assert len(gpd.read_file(path, layer="third")) == 36
    with sqlite3.connect(path) as opened:
        styles = opened.execute("SELECT f_table_name, styleQML, useAsDefault FROM layer_styles").fetchall()
    assert {row[0] for row in styles} == names
    assert all(row[1].startswith("<!DOCTYPE qgis") and row[2] for row in styles)
    assert [p.name for p in store.folder.iterdir() if p.name.startswith(".wangge")] == []
    before = path.stat().st_mtime_ns
    assert Preparation(store.service).step()
    assert path.stat().st_mtime_ns == before
