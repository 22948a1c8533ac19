"""OGC API Features, parts 1 and 2: paging, bounding boxes, axis order, versions, and refusals with their position."""

from __future__ import annotations

import gzip
import json
import shutil
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import shapely
from openapi_spec_validator import validate

from api.app import create_app
from api.database import add_version, open_store, publish, retire, session
from api.ogc.query import boxes, interval
from api.settings import Settings
from geo.layers import Level, lon_lat
from tests.integration.api.serving import serving

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
LAYERS = ("street", "community", "second", "third")


@contextmanager
def two_versions(address, folder, division):
    """A server with two published versions: one valid from January, and one from March in which a grid has another name."""
    engine = open_store(address)
    changed = division.third.copy()
    changed.loc[0, "name"] = "改名"
    later = division.with_layer(Level.THIRD, changed)
    numbers = []
    with session(engine, write=True) as opened:
        for version, day in ((division, date(2026, 1, 1)), (later, date(2026, 3, 1))):
            stored = add_version(opened, version, valid_from=day, created_at=NOW)
            numbers.append(publish(opened, stored.id, published_at=NOW).id)
    app = create_app(Settings(database=address, pages=folder, follow=False), clock=lambda: NOW)
    with serving(app) as client:
        yield SimpleNamespace(client=client, engine=engine, numbers=numbers, app=app)
    engine.dispose()


@pytest.fixture(scope="module")
def ogc(empty_store, division, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ogc")
    with two_versions(str(shutil.copy(empty_store, folder / "store.sqlite")), folder, division) as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stored(request, tmp_path_factory):
    """The server on each of the two databases."""
    if request.param == "sqlite":
        yield request.getfixturevalue("ogc")
        return
    started, folder = request.getfixturevalue("postgres"), tmp_path_factory.mktemp("ogc")
    address = started.create("ogc_features", template="template")
    with two_versions(address, folder, request.getfixturevalue("division")) as server:
        yield server
    started.drop("ogc_features")


def items(ogc, query="", collection="third"):
    answer = ogc.client.get(f"/ogc/collections/{collection}/items?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def shapes_of(document):
    return shapely.from_geojson([str(f["geometry"]).replace("'", '"') for f in document["features"]])


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_served_as_it_is_stored(ogc, division, name):
    """Codes, values and coordinates of every cell; degrees are accurate to 0.1 mm."""
    found = items(ogc, f"version={ogc.numbers[0]}", name)
    layer = division.layer(Level[name.upper()])
    assert [f["id"] for f in found["features"]] == layer["code"].tolist()
    assert found["numberMatched"] == found["numberReturned"] == len(layer)
    for feature, (_, row) in zip(found["features"], layer.iterrows(), strict=True):
        assert feature["properties"]["name"] == row["name"]
        assert feature["properties"]["area_m2"] == row["area_m2"]
        assert feature["properties"]["valid_from"] == "2026-01-01"
        assert feature["properties"]["valid_to"] is None
        assert "buildings" not in feature["properties"]
    there, here = shapely.get_coordinates(shapes_of(found)), shapely.get_coordinates(lon_lat(layer.geometry))
    assert np.abs(there - here).max() < 1e-9


@pytest.mark.parametrize(
    ("crs", "swapped"), [(CRS84, False), (EPSG + "4326", True), (EPSG + "4490", True), (EPSG + "4549", True)]
)
def test_each_crs_has_the_axis_order_of_its_definition(ogc, division, crs, swapped):
    answer = ogc.client.get("/ogc/collections/second/items", params={"crs": crs})
    assert answer.headers["content-crs"] == f"<{crs}>"
    cells = division.second.geometry if crs.endswith("4549") else lon_lat(division.second.geometry)
    wanted = shapely.get_coordinates(cells)
    found = shapely.get_coordinates(shapes_of(answer.json()))
    assert np.abs(found - (wanted[:, ::-1] if swapped else wanted)).max() < 1e-8


@pytest.mark.parametrize("crs", [EPSG + "4549", EPSG + "4490", EPSG + "4326", CRS84])
def test_boxes_in_the_axis_order_of_their_crs(ogc, division, crs):
    """519 random windows in each CRS, 1,038 in 4549 and 4490, compared with a plain loop over the cells."""
    rng = np.random.default_rng(7)
    cells = division.third.geometry if crs.endswith("4549") else lon_lat(division.third.geometry)
    west, south, east, north = cells.total_bounds
    checked = 0
    for _ in range(519):
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        w, h = rng.uniform(0, (east - west) / 4), rng.uniform(0, (north - south) / 4)
        low, high = ([x, y], [x + w, y + h]) if crs == CRS84 else ([y, x], [y + h, x + w])
        box = ",".join(repr(float(v)) for v in (*low, *high))
        found = ogc.client.get("/ogc/collections/third/items", params={"bbox": box, "bbox-crs": crs})
        area = shapely.box(x, y, x + w, y + h)
        wanted = {code for code, cell in zip(division.third["code"], cells, strict=True) if cell.intersects(area)}
        assert {f["id"] for f in found.json()["features"]} == wanted
        checked += len(wanted)
    assert checked > 500


def offset_of(document, rel):
    found = [entry["href"] for entry in document["links"] if entry["rel"] == rel]
    return parse_qs(urlsplit(found[0]).query)["offset"][0] if found else None


def test_pages_give_every_feature_once(ogc, division):
    address, seen, pages = "/ogc/collections/third/items?limit=7", [], 0
    while address:
        document = ogc.client.get(address).json()
        seen += [f["id"] for f in document["features"]]
        assert document["numberMatched"] == 36
        pages += 1
        assert pages <= 6
        following = [entry["href"] for entry in document["links"] if entry["rel"] == "next"]
        address = following[0] if following else None
    assert seen == division.third["code"].tolist()
    assert pages == 6
    assert offset_of(document, "prev") == "28"
    # A page that ends with the last feature has no next page, and the previous page of the second one is the first.
    last = items(ogc, "limit=9&offset=27")
    assert (offset_of(last, "next"), offset_of(last, "prev")) == (None, "18")
    assert offset_of(items(ogc, "limit=9&offset=26"), "next") == "35"
    assert offset_of(items(ogc, "limit=7&offset=3"), "prev") == "0"
    assert offset_of(items(ogc, "limit=7"), "prev") is None
    # Each half of a box over the antimeridian counts.
    assert [items(ogc, f"bbox={box}")["numberMatched"] for box in ("118,31,-170,33", "170,31,119.5,33")] == [36, 36]
    assert items(ogc, "limit=999999999999")["numberReturned"] == 36
    assert items(ogc, "offset=40")["numberReturned"] == 0


def test_datetime_chooses_the_version_that_held(stored):
    def first_name(query):
        found = items(stored, query)["features"]
        return found[0]["properties"]["name"] if found else None

    old, new = "三级网格1“甲”", "改名"
    assert first_name("") == new
    assert first_name("datetime=2026-02-28") == old
    assert first_name("datetime=2026-03-01") == new
    # Midnight of 1 March in Nanjing is still February in Greenwich.
    assert first_name("datetime=2026-02-28T15:59:59Z") == old
    assert first_name("datetime=2026-02-28T16:00:00Z") == new
    assert first_name("datetime=2026-01-15/2026-02-01") == old
    assert first_name("datetime=2026-01-15/..") == new
    assert first_name("datetime=2025-12-31") is None
    assert first_name(f"version={stored.numbers[0]}") == old
    one = stored.client.get("/ogc/collections/third/items/320113003001001001", params={"datetime": "2026-02-28"}).json()
    assert one["properties"]["name"] == old


def test_a_property_is_a_parameter(stored, division):
    second = division.second["code"].iloc[1]
    assert {f["properties"]["parent"] for f in items(stored, f"parent={second}")["features"]} == {second}
    assert items(stored, f"parent={second}")["numberMatched"] == 9
    assert items(stored, "level=3")["numberMatched"] == 36
    assert items(stored, "level=2")["numberMatched"] == 0
    assert items(stored, "valid_from=2026-01-01")["numberMatched"] == 36
    assert items(stored, "name=%E6%94%B9%E5%90%8D")["numberMatched"] == 1


REFUSED = {
    "x=1": ("x", None),
    "limit=0": ("limit", 0),
    "limit=1.5": ("limit", 1),
    "limit=1&limit=2": ("limit", None),
    "offset=100000000000000000000": ("offset", 0),
    "offset=-1": ("offset", 0),
    "bbox=nan,32,119,33": ("bbox", 0),
    "bbox=118,32,inf,33": ("bbox", 7),
    "bbox=118,32,119": ("bbox", 0),
    "bbox=118,33,119,32": ("bbox", 0),
    "bbox=32,118,33,119": ("bbox", 0),
    "bbox-crs=EPSG:4326": ("bbox-crs", None),
    "crs=x": ("crs", None),
    "datetime=x": ("datetime", 0),
    "datetime=2026-03-01/x": ("datetime", 11),
    "datetime=2026-03-02/2026-03-01": ("datetime", 11),
    "datetime=2026-03-02T08:00:00": ("datetime", 0),
    "datetime=": ("datetime", 0),
    "datetime=2026-03-01&version=1": ("version", None),
    "version=0": ("version", 0),
    "population=many": ("population", 0),
    "population=nan": ("population", 0),
    "valid_from=2026": ("valid_from", 0),
    "name=a%00b": ("name", 1),
    "name=%FF": ("", 0),
    "f=xml": ("f", 0),
}


@pytest.mark.parametrize("query", REFUSED)
def test_what_cannot_be_read_is_400_with_its_place(ogc, query):
    answer = ogc.client.get(f"/ogc/collections/third/items?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["parameter"], answer.json()["position"]) == REFUSED[query]


@pytest.mark.parametrize(
    "path", ["", "/conformance", "/api", "/collections", "/collections/third", "/collections/third/schema"]
)
def test_every_document_refuses_unknown_parameters(ogc, path):
    assert ogc.client.get(f"/ogc{path}?f=json").status_code == 200
    assert ogc.client.get(f"/ogc{path}?nothing=1").status_code == 400


def test_what_is_not_there_is_404(stored):
    for path in (
        "collections/fourth",
        "collections/fourth/items",
        "collections/third/items/1",
        "collections/third/items?version=99",
    ):
        assert stored.client.get(f"/ogc/{path}").status_code == 404, path
    with session(stored.engine, write=True) as opened:
        from api.database import read_version

        draft = add_version(
            opened, read_version(opened, stored.numbers[0]), valid_from=date(2026, 4, 1), created_at=NOW
        )
    assert stored.client.get(f"/ogc/collections/third/items?version={draft.id}").status_code == 404


def test_a_version_is_kept_for_ever_and_the_current_one_is_asked_for_again(ogc):
    fixed = ogc.client.get(f"/ogc/collections/third/items?version={ogc.numbers[0]}")
    assert "immutable" in fixed.headers["cache-control"]
    current = ogc.client.get("/ogc/collections/third/items")
    assert current.headers["cache-control"] == "no-cache"
    for answer in (fixed, current):
        again = ogc.client.get(str(answer.url), headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert fixed.headers["etag"] != current.headers["etag"]
    other = ogc.client.get("/ogc/collections/third/items?limit=8", headers={"If-None-Match": current.headers["etag"]})
    assert other.status_code == 200, "another page is another answer"


@pytest.mark.parametrize("query", ["", "limit=5", "bbox=118,32,119,33"])
def test_compressed_and_plain_are_the_same(ogc, query):
    address = f"/ogc/collections/third/items?{query}"
    plain = ogc.client.get(address, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with ogc.client.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        raw = b"".join(packed.iter_raw())
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < 0.7 * len(plain.content)


def test_the_landing_page_links_what_clients_follow(ogc):
    document = ogc.client.get("/ogc").json()
    links = {entry["rel"]: entry for entry in document["links"]}
    assert {"self", "alternate", "service-desc", "service-doc", "conformance", "data"} <= set(links)
    for rel in ("service-desc", "conformance", "data"):
        assert ogc.client.get(links[rel]["href"]).status_code == 200
    collection = ogc.client.get("/ogc/collections/third").json()
    assert collection["storageCrs"] == EPSG + "4549"
    assert collection["crs"] == [CRS84, EPSG + "4326", EPSG + "4490", EPSG + "4549"]
    west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
    assert 118 < west < east < 120
    assert 31 < south < north < 33


def test_the_openapi_document_is_true(ogc):
    answer = ogc.client.get("/ogc/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = answer.json()
    validate(document)
    assert document["openapi"] == "3.0.3"
    # Clients derive their page size from this.
    assert document["components"]["parameters"]["limit"]["schema"]["maximum"] == 10_000
    for name in LAYERS:
        parameters = document["paths"][f"/collections/{name}/items"]["get"]["parameters"]
        own = {entry["name"] for entry in parameters if "name" in entry}
        assert {"code", "name", "population"} <= own
        schema = ogc.client.get(f"/ogc/collections/{name}/schema").json()
        feature = items(ogc, "limit=1", name)["features"][0]
        assert set(schema["properties"]) == {*feature["properties"], "geometry"}
        assert own == set(feature["properties"])


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/conformance",
        "/api",
        "/collections",
        "/collections/second",
        "/collections/second/items",
        "/collections/second/items/320113003001001",
        "/collections/second/schema",
        "/collections/second/queryables",
        "/collections/second/tiles",
        "/tiles",
        "/tileMatrixSets",
    ],
)
def test_every_address_has_a_page(ogc, path):
    answer = ogc.client.get(f"/ogc{path}", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "http://www.opengis.net" in answer.text or "/ogc" in answer.text
    assert "<script>" not in answer.text
    forced = ogc.client.get(f"/ogc{path}?f=json", headers={"Accept": "text/html"})
    assert "json" in forced.headers["content-type"]
    program = ogc.client.get(f"/ogc{path}", headers={"Accept": "application/json, text/html;q=0.5"})
    assert "json" in program.headers["content-type"]


def test_the_page_of_help_names_the_address_and_shows_pictures(ogc):
    text = ogc.client.get("/ogc/help").text
    assert f"{str(ogc.client.base_url).rstrip('/')}/ogc" in text
    pictures = [part.split('"')[0] for part in text.split('src="')[1:] if ".png" in part.split('"')[0]]
    assert len(pictures) == 2
    for picture in pictures:
        assert ogc.client.get(picture).headers["content-type"] == "image/png"


def test_the_page_of_a_cell_has_its_name_and_leads_to_the_cell_above(ogc):
    text = ogc.client.get("/ogc/collections/second/items/320113003001001?f=html").text
    above = "/ogc/collections/community/items/320113003001"
    assert f'<a href="{above}">320113003001</a>' in text
    assert ogc.client.get(above).status_code == 200
    title = text.partition("<title")[2].partition(">")[2].partition("<")[0]
    assert title.startswith("二级网格1")
    assert "（320113003001001）" in title
    top = ogc.client.get("/ogc/collections/street/items?f=json").json()["features"][0]["id"]
    assert 'href="/ogc/collections/street' in ogc.client.get(f"{above}?f=html").text
    assert "/items/None" not in ogc.client.get(f"/ogc/collections/street/items/{top}?f=html").text


def test_the_page_of_tiles_says_where_they_are(ogc):
    base = str(ogc.client.base_url).rstrip("/")
    for path, layers in (("/ogc/collections/second/tiles", 1), ("/ogc/tiles", 4)):
        text = ogc.client.get(f"{path}?f=html").text
        assert f"{base}{path}/WebMercatorQuad/{{z}}/{{y}}/{{x}}" in text
        assert f'href="{path}/WebMercatorQuad/tilejson"' in text
        cell = text.partition("图层")[2].partition("</table>")[0]
        assert cell.count("<code>") == layers


def test_values_never_become_markup(ogc):
    text = ogc.client.get("/ogc/collections/second/items?f=html").text
    assert "二级网格1“甲”" in text


def test_a_retired_version_no_longer_holds(empty_store, division, tmp_path):
    engine = open_store(str(shutil.copy(empty_store, tmp_path / "store.sqlite")))
    from api.ogc.publication.published import Versions

    with session(engine, write=True) as opened:
        stored = add_version(opened, division, valid_from=date(2026, 1, 1), created_at=NOW)
        publish(opened, stored.id, published_at=NOW)
        retire(opened, stored.id, day=date(2026, 2, 1), at=NOW)
    versions = Versions(engine)
    assert versions.on_day(date(2026, 1, 31)) is not None
    assert versions.on_day(date(2026, 2, 1)) is None
    engine.dispose()


def test_a_local_day_is_a_closed_span():
    """The day of the clock change of 1986 in China has 23 hours."""
    from zoneinfo import ZoneInfo

    zone = ZoneInfo("Asia/Shanghai")
    day = interval("2026-03-02", zone)
    assert day.start == datetime(2026, 3, 1, 16, tzinfo=UTC)
    assert day.end == datetime(2026, 3, 2, 15, 59, 59, 999999, tzinfo=UTC)
    assert day.holds(datetime(2026, 3, 2, 15, 59, 59, 999999, tzinfo=UTC))
    assert not day.holds(datetime(2026, 3, 2, 16, tzinfo=UTC))
    short = interval("1986-05-04", zone)
    assert short.end - short.start == timedelta(hours=23) - timedelta(microseconds=1)


def test_a_box_over_the_antimeridian_is_two():
    from api.ogc.coordinate_systems import CRS84 as DEGREES

    assert boxes("170,-10,-170,10", DEGREES) == [(170, -10, 180, 10), (-180, -10, -170, 10)]
    assert boxes("1,2,-9,3,4,9", DEGREES) == [(1, 2, 3, 4)]
    assert boxes("1,2,1,2", DEGREES) == [(1, 2, 1, 2)]


FILTERS_REFUSED = {
    "population > 'a'": 13,
    "nothing = 1": 0,
    "avg(population) > 5": 0,
    "(" * 2000 + "level = 1" + ")" * 2000: 50,
    "level = 1 AND": 13,
}


@pytest.mark.parametrize("text", FILTERS_REFUSED, ids=lambda text: text[:30])
def test_a_filter_that_cannot_be_read_is_400_with_its_position(ogc, text):
    answer = ogc.client.get("/ogc/collections/third/items", params={"filter": text})
    assert answer.status_code == 400
    assert (answer.json()["parameter"], answer.json()["position"]) == ("filter", FILTERS_REFUSED[text])
    assert ogc.client.get("/ogc/collections/third/items?limit=1").status_code == 200


def test_a_filter_selects_features(stored, division):
    second = division.second["code"].iloc[1]
    found = stored.client.get(
        "/ogc/collections/third/items", params={"filter": f"parent = '{second}' AND population > 5"}
    )
    assert [f["id"] for f in found.json()["features"]] == [c for c in division.third["code"] if c.startswith(second)]
    json_filter = json.dumps({"op": "=", "args": [{"property": "parent"}, second]})
    same = stored.client.get(
        "/ogc/collections/third/items", params={"filter": json_filter, "filter-lang": "cql2-json", "limit": 4}
    ).json()
    assert (same["numberMatched"], same["numberReturned"]) == (9, 4)
    following = next(entry["href"] for entry in same["links"] if entry["rel"] == "next")
    assert len(stored.client.get(following).json()["features"]) == 4
    refused = stored.client.get("/ogc/collections/third/items", params={"filter": "level=1", "filter-lang": "cql"})
    assert refused.status_code == 400
