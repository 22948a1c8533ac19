"""Parameters of the data service at their boundaries: what is read, and what is refused with its place."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from api.errors import QueryError, StaleError
from api.ogc.catalogue import COLLECTIONS
from api.ogc.coordinate_systems import CRS84, Crs, named, served
from api.ogc.filters.temporal import RELATIONS
from api.ogc.query import Interval, boxes, day_text, equal_value, instant, integer_of, interval, parameters
from api.ogc.selection import MOST_LIMIT, page_rows, read_query
from api.ogc.sent_feature import read_feature, require_match
from geo.errors import InputError
from geo.layers.columns import GEOJSON_DECIMALS

ZONE = ZoneInfo("Asia/Shanghai")
METRIC = next(crs for crs in served(4549) if crs.metric)
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def test_an_interval_holds_both_ends() -> None:
    span = Interval(NOON, NOON + timedelta(hours=1))
    assert [span.holds(NOON + timedelta(minutes=m)) for m in (-1, 0, 60, 61)] == [False, True, True, False]
    assert Interval(None, None).holds(NOON)


@pytest.mark.parametrize(
    "query", [b"limit=1&limit=2", b"unknown=1", b"f=json%7f", b"f=a%00", b"f=%ff", b"&".join([b"f=1"] * 101)]
)
def test_parameters_that_cannot_be(query: bytes) -> None:
    with pytest.raises(QueryError):
        parameters(query, ("f", "limit"))


def test_whole_numbers_have_their_range() -> None:
    assert (integer_of("1", "limit", least=1), integer_of("9", "offset", least=0, most=9)) == (1, 9)
    for text, most in (("0", None), ("10", 9), ("-1", None), ("1.0", None), ("", None), ("１", None)):
        with pytest.raises(QueryError):
            integer_of(text, "limit", least=1, most=most)


def test_boxes_have_four_or_six_numbers_within_the_world() -> None:
    assert boxes("118,32,119,33", CRS84) == [(118.0, 32.0, 119.0, 33.0)]
    assert boxes("118,32,0,119,33,9", CRS84) == [(118.0, 32.0, 119.0, 33.0)]
    assert boxes("-180,-90,180,90", CRS84) == [(-180.0, -90.0, 180.0, 90.0)]
    assert boxes("170,0,-170,1", CRS84) == [(170.0, 0.0, 180.0, 1.0), (-180.0, 0.0, -170.0, 1.0)]
    north_first = named("http://www.opengis.net/def/crs/EPSG/0/4490", 4549, "bbox-crs")
    assert boxes("32,118,33,119", north_first) == [(118.0, 32.0, 119.0, 33.0)]
    for wrong in (
        "1,2,3",
        "1,2,3,4,5",
        "1,2,3,x",
        "1,91,2,92",
        "1,-91,2,0",
        "181,0,182,1",
        "0,2,1,1",
        "nan,0,1,1",
        "1e999,0,1,1",
    ):
        with pytest.raises(QueryError):
            boxes(wrong, CRS84)
    with pytest.raises(QueryError):
        boxes("0,10,1,5", METRIC)


def test_times_are_rfc_3339_and_days_are_local() -> None:
    assert instant("2026-03-02T12:00:00+08:00") == NOON
    for wrong in ("2026-03-02 12:00:00+08:00", "2026-03-02T12:00:00", "2026-03-02T12:00Z", "0001-01-01T00:00:00Z"):
        assert instant(wrong) is None
    assert day_text("2026-03-02") == date(2026, 3, 2)
    assert [day_text(text) for text in ("2026-3-2", "20260302", "2026-02-30")] == [None] * 3
    assert interval("../2026-03-02", ZONE).start is None
    assert interval("2026-03-02/", ZONE) == Interval(datetime(2026, 3, 1, 16, tzinfo=UTC), None)
    for wrong in ("2026-03-03/2026-03-02", "x/.."):
        with pytest.raises(QueryError):
            interval(wrong, ZONE)
    for nothing in ("", ".."):
        with pytest.raises(QueryError, match="datetime: a day or a time is expected"):
            interval(nothing, ZONE)


def test_values_are_of_the_kind_of_their_property() -> None:
    class Entry:
        name = "x"

        def __init__(self, kind: str) -> None:
            self.kind = kind

    values = {
        "boolean": ("true", True),
        "integer": ("3", 3.0),
        "number": ("1e3", 1000.0),
        "date": ("2026-03-02", date(2026, 3, 2)),
    }
    for kind, (text, value) in values.items():
        assert equal_value(Entry(kind), text) == value  # type: ignore[arg-type]
    assert equal_value(Entry("boolean"), "false") is False  # type: ignore[arg-type]
    for kind, text in (
        ("boolean", "1"),
        ("integer", "x"),
        ("number", "inf"),
        ("date", "2026"),
        ("datetime", "2026-03-02"),
    ):
        with pytest.raises(QueryError):
            equal_value(Entry(kind), text)  # type: ignore[arg-type]


def test_collections_are_served_in_the_crs_of_the_country_too() -> None:
    assert [crs.uri.rpartition("/")[2] for crs in served(4548)] == ["CRS84", "4326", "4490", "4549", "4548"]
    assert [crs.swapped for crs in served(4549)] == [False, True, True, True]
    # A tenth of a millimetre, and a millimetre.
    assert (CRS84.decimals, METRIC.decimals) == (GEOJSON_DECIMALS, 3) == (9, 3)


@pytest.mark.parametrize(
    ("one", "other", "true"),
    [
        ((1, 2), (3, 4), {"before", "disjoint"}),
        ((1, 2), (2, 3), {"meets", "intersects"}),
        ((1, 3), (2, 4), {"overlaps", "intersects"}),
        ((1, 4), (2, 3), {"contains", "intersects"}),
        ((2, 3), (1, 4), {"during", "intersects"}),
        ((1, 2), (1, 2), {"equals", "intersects"}),
        ((1, 3), (2, 3), {"finishedby", "intersects"}),
        ((2, 3), (1, 3), {"finishes", "intersects"}),
        ((2, 4), (1, 3), {"overlappedby", "intersects"}),
        ((2, 3), (1, 2), {"metby", "intersects"}),
        ((1, 3), (1, 2), {"startedby", "intersects"}),
        ((1, 2), (1, 3), {"starts", "intersects"}),
        ((3, 4), (1, 2), {"after", "disjoint"}),
    ],
)
def test_relations_of_times_are_those_of_allen(one: tuple[int, int], other: tuple[int, int], true: set[str]) -> None:
    found = {name.removeprefix("t_") for name, relation in RELATIONS.items() if relation(*one, *other)}
    assert found == true


def test_features_and_their_states() -> None:
    class Table:
        ids = ("1",)

        def item_tag(self, row: int) -> str:
            return f'W/"{row}"'

    for good in (None, "*", " * ", 'W/"0"', 'W/"9", W/"0"'):
        require_match(Table(), 0, good)  # type: ignore[arg-type]
    for stale in ('W/"9"', ""):
        with pytest.raises(StaleError):
            require_match(Table(), 0, stale)  # type: ignore[arg-type]
    for body in (
        {"type": "Point"},
        {"properties": {"other": 1}},
        {"properties": []},
        {"geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}},
        {"geometry": {"type": "Point", "coordinates": []}},
    ):
        with pytest.raises(InputError):
            read_feature(msgspec.json.encode({"type": "Feature", **body}), (), "Point")
    swapped = Crs("x", 4326, swapped=True)
    point = read_feature(b'{"type":"Feature","geometry":{"type":"Point","coordinates":[32.1,118.8,5]}}', (), "Point")
    place = point.geometry_in(swapped, 4326)
    assert (place.x, place.y) == (118.8, 32.1)


def test_queries_of_items_have_one_version_one_filter_and_a_limit() -> None:
    collection = next(one for one in COLLECTIONS if one.time == "version")
    query = read_query(collection, {"limit": "99999", "offset": "5"}, 4549, ZONE)
    assert (query.limit, query.offset) == (MOST_LIMIT, 5)
    for wrong in ({"version": "1", "datetime": "2026-03-02"}, {"filter-lang": "cql2-text"}, {"filter-crs": CRS84.uri}):
        with pytest.raises(QueryError):
            read_query(collection, wrong, 4549, ZONE)
    assert page_rows(None, 8, query) == (range(5, 8), 8)
    whole = read_query(collection, {}, 4549, ZONE)
    assert page_rows(None, 8, whole) == (None, 8)
    assert page_rows([1, 3, 5], 8, read_query(collection, {"limit": "1", "offset": "1"}, 4549, ZONE)) == ([3], 3)
