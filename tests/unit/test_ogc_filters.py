"""CQL2 filters: selected features compared with plain Python, and the position of every error."""

from __future__ import annotations

import json
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import QueryError
from api.ogc.coordinate_systems import CRS84, served
from api.ogc.feature_table import FeatureTable
from api.ogc.filters import parse_filter
from api.ogc.filters.evaluation import matching
from api.ogc.properties import Property, plain_values

ZONE = ZoneInfo("Asia/Shanghai")
PROPERTIES = (
    Property("name", "string", "名称", "name"),
    Property("population", "number", "人口", "residents"),
    Property("level", "integer", "层级", "level"),
    Property("hot", "boolean", "热点", "hot"),
    Property("day", "date", "日期", "day"),
    Property("at", "datetime", "时间", "time"),
)
ROWS = [
    ("迈皋桥一格", 10.0, 1, True, "2026-03-01", "2026-02-28T16:00:00Z"),
    ("Élan", 20.5, 2, False, "2026-03-02", "2026-03-01T15:59:59Z"),
    ("O'Brien", None, 3, None, None, None),
    (None, 7.0, 3, True, "2026-03-03", "2026-03-02T04:00:00Z"),
    ("50%_a", 0.0, 2, False, "2026-03-02", "2026-03-01T16:00:00Z"),
]
PLACES = [(118.80, 32.10), (118.81, 32.10), (118.82, 32.10), (118.83, 32.10), (118.84, 32.10)]


@pytest.fixture(scope="module")
def table():
    values = {entry.name: plain_values([row[k] for row in ROWS], entry.kind) for k, entry in enumerate(PROPERTIES)}
    squares = np.array([shapely.box(x - 0.004, y - 0.004, x + 0.004, y + 0.004) for x, y in PLACES], dtype=object)
    return FeatureTable([str(k) for k in range(5)], PROPERTIES, values, squares, 4326, "test")


def select(table, text, language="cql2-text", crs=CRS84):
    node = parse_filter(text, language, PROPERTIES, crs, ZONE)
    return np.flatnonzero(matching(node, table)).tolist()


SELECTED = {
    "population > 7": [0, 1],
    "population >= 7": [0, 1, 3],
    "population <> 7": [0, 1, 4],
    "NOT population = 7": [0, 1, 4],
    "NOT (population = 7 OR level = 3)": [0, 1, 4],
    "population IS NULL": [2],
    "population IS NOT NULL AND level = 3": [3],
    # Unknown and false is false, so its negation is true; unknown and true stays unknown.
    "NOT (population > 7 AND level = 1)": [1, 2, 3, 4],
    "population > 7 OR level = 3": [0, 1, 2, 3],
    "name = 'O''Brien'": [2],
    "\"name\" = 'Élan'": [1],
    "name LIKE '迈%格'": [0],
    "name LIKE '%\\%%'": [4],
    "name LIKE '50\\%\\_a'": [4],
    "name LIKE '_lan'": [1],
    "name NOT LIKE '%a%'": [0, 2],
    "CASEI(name) = CASEI('o''BRIEN')": [2],
    "ACCENTI(name) = ACCENTI('Elan')": [1],
    "CASEI(ACCENTI(name)) LIKE 'elan'": [1],
    "population BETWEEN 7 AND 10": [0, 3],
    "population NOT BETWEEN 7 AND 10": [1, 4],
    "level IN (1, 3)": [0, 2, 3],
    "level NOT IN (1, 3)": [1, 4],
    "name IN ('Élan', '50%_a')": [1, 4],
    "hot": [0, 3],
    "hot = TRUE": [0, 3],
    "NOT hot": [1, 4],
    "hot AND population > 7": [0],
    "population + 1 = 11": [0],
    "population * 2 - 1 > 13 + 6": [1],
    "population / level > 9": [0, 1],
    "population % 3 = 1": [0, 3],
    "population div 3 = 6": [1],
    # Towards zero, with the sign of the dividend.
    "(population - 20) div 3 = -3": [0],
    "(population - 20) % 3 = -1": [0, 3],
    "'' IN (name)": [],
    "NOT T_BEFORE(TIMESTAMP('2030-01-01T00:00:00Z'), at)": [0, 1, 3, 4],
    "population ^ 2 = 100": [0],
    "-population < -10": [1],
    "10 / population > 1": [3],
    "level = population / 10": [0],
    "2 < level": [2, 3],
    "day = DATE('2026-03-02')": [1, 4],
    "day >= DATE('2026-03-02')": [1, 3, 4],
    "T_AFTER(day, DATE('2026-03-01'))": [1, 3, 4],
    "T_DURING(day, INTERVAL('2026-03-01', '2026-03-03'))": [1, 4],
    "T_INTERSECTS(day, INTERVAL('2026-03-01', '2026-03-02'))": [0, 1, 4],
    "T_INTERSECTS(day, INTERVAL('2026-03-02', '..'))": [1, 3, 4],
    "at < TIMESTAMP('2026-03-01T15:59:59Z')": [0],
    "at <= TIMESTAMP('2026-03-01T23:59:59+08:00')": [0, 1],
    # The first of March in Nanjing runs from 16:00 to 15:59:59.999999 in Greenwich.
    "T_INTERSECTS(at, DATE('2026-03-01'))": [0, 1],
    "T_INTERSECTS(at, INTERVAL('2026-03-02', '2026-03-02'))": [3, 4],
    "T_BEFORE(at, DATE('2026-03-02'))": [0, 1],
    "T_DISJOINT(at, DATE('2026-03-01'))": [3, 4],
    "T_EQUALS(at, TIMESTAMP('2026-03-02T04:00:00Z'))": [3],
    "T_STARTS(INTERVAL(day, day), INTERVAL('2026-03-02', '2026-03-05'))": [1, 4],
    "T_MEETS(INTERVAL('2026-02-01', day), INTERVAL('2026-03-02', '2026-03-05'))": [1, 4],
    "S_INTERSECTS(geometry, BBOX(118.80, 32.09, 118.81, 32.11))": [0, 1],
    "S_INTERSECTS(geometry, POINT(118.804 32.1))": [0],
    "S_WITHIN(geometry, POLYGON((118.79 32, 118.825 32, 118.825 33, 118.79 33, 118.79 32)))": [0, 1, 2],
    "S_CONTAINS(geometry, POINT(118.82 32.1))": [2],
    "S_CONTAINS(POLYGON((118 32, 118.825 32, 118.825 33, 118 33, 118 32)), geometry)": [0, 1, 2],
    "S_DISJOINT(geometry, LINESTRING(118.80 32.1, 118.83 32.1))": [4],
    "S_CROSSES(geometry, LINESTRING(118.80 32.1, 118.815 32.1))": [0, 1],
    "S_TOUCHES(geometry, POINT(118.804 32.1))": [0],
    "S_OVERLAPS(geometry, BBOX(118.84, 32.09, 118.9, 32.11))": [4],
    "S_INTERSECTS(POINT(1 1), BBOX(0, 0, 2, 2)) AND level = 1": [0],
}


@pytest.mark.parametrize("text", SELECTED)
def test_a_filter_selects_what_it_says(table, text):
    assert select(table, text) == SELECTED[text]


def test_json_says_the_same(table):
    point = {"type": "Point", "coordinates": [118.804, 32.1]}
    cases = [
        ({"op": ">", "args": [{"property": "population"}, 7]}, [0, 1]),
        ({"op": "not", "args": [{"op": "=", "args": [{"property": "population"}, 7]}]}, [0, 1, 4]),
        ({"op": "in", "args": [{"property": "level"}, [1, 3]]}, [0, 2, 3]),
        ({"op": "isNull", "args": [{"property": "population"}]}, [2]),
        ({"op": "between", "args": [{"property": "population"}, 7, 10]}, [0, 3]),
        ({"op": "like", "args": [{"op": "casei", "args": [{"property": "name"}]}, "o'%"]}, [2]),
        ({"op": "s_intersects", "args": [{"property": "geometry"}, point]}, [0]),
        ({"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": [118.80, 32.09, 118.81, 32.11]}]}, [0, 1]),
        ({"op": "t_during", "args": [{"property": "day"}, {"interval": ["2026-03-01", "2026-03-03"]}]}, [1, 4]),
        ({"op": "=", "args": [{"property": "day"}, {"date": "2026-03-02"}]}, [1, 4]),
        ({"op": "<", "args": [{"property": "at"}, {"timestamp": "2026-03-01T15:59:59Z"}]}, [0]),
        ({"op": "=", "args": [{"op": "+", "args": [{"property": "population"}, 1]}, 11]}, [0]),
        ({"op": "and", "args": [{"property": "hot"}, {"op": ">", "args": [{"property": "population"}, 7]}]}, [0]),
    ]
    for document, wanted in cases:
        assert select(table, json.dumps(document), "cql2-json") == wanted, document


def test_geometries_come_in_the_axis_order_of_filter_crs(table):
    swapped = next(crs for crs in served(4549) if crs.uri.endswith("4490"))
    assert select(table, "S_INTERSECTS(geometry, POINT(32.1 118.804))", crs=swapped) == [0]
    assert select(table, "S_INTERSECTS(geometry, BBOX(32.09, 118.80, 32.11, 118.81))", crs=swapped) == [0, 1]


REFUSED = {
    "population > 'a'": 13,
    "pop > 1": 0,
    "population > 1 AND pop > 1": 19,
    "avg(population) > 5": 0,
    "population > avg(population)": 13,
    "population >": 12,
    "population > 1 population": 15,
    "(population > 1": 15,
    "name = 'a": 7,
    "name = #": 7,
    "population": 0,
    "1 + 1": 0,
    "name LIKE 5": 10,
    "name > 1": 7,
    "hot > TRUE": 0,
    "day > TIMESTAMP('2026-03-01T00:00:00Z')": 16,
    "day = DATE('2026-13-01')": 11,
    "at = TIMESTAMP('2026-03-01T00:00:00')": 15,
    "T_DURING(day, DATE('2026-03-01'))": 9,
    "T_AFTER(name, DATE('2026-03-01'))": 8,
    "T_AFTER(day, TIMESTAMP('2026-03-01T00:00:00Z'))": 8,
    "T_DURING(day, INTERVAL('2026-03-03', '2026-03-01'))": 14,
    "S_INTERSECTS(name, POINT(1 1))": 13,
    "S_INTERSECTS(geometry, POINT(1))": 23,
    "S_INTERSECTS(geometry, POINT EMPTY)": 29,
    "S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 0 1, 1 0, 0 0)))": 23,
    "S_INTERSECTS(geometry, BBOX(1, 2))": 23,
    "S_INTERSECTS(geometry, BBOX(3, 2, 1, 4))": 23,
    "geometry = 1": 0,
    "S_BUFFER(geometry, 5) IS NULL": 0,
    "A_CONTAINS(name, ('a'))": 0,
    "population = 1e999": 13,
    "NOT": 3,
    "": 0,
    "level IN ()": 10,
    "AND population > 1": 0,
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_position(text):
    with pytest.raises(QueryError) as caught:
        parse_filter(text, "cql2-text", PROPERTIES, CRS84, ZONE)
    assert caught.value.parameter == "filter"
    assert caught.value.position == REFUSED[text], str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2000 + "hot" + ")" * 2000,
        "NOT " * 900 + "hot",
        "-" * 4000 + "1 = 1",
        "CASEI(" * 600,
        "a" * 5000,
        "POLYGON" + "(" * 3000,
        "hot AND (" * 400,
        "S_INTERSECTS(geometry, GEOMETRYCOLLECTION" + "(" * 500,
    ],
)
def test_deep_and_long_filters_are_refused(text):
    with pytest.raises(QueryError) as caught:
        parse_filter(text, "cql2-text", PROPERTIES, CRS84, ZONE)
    assert caught.value.position is not None


def test_the_limit_of_depth_is_where_it_is_said_to_be(table):
    assert select(table, "(" * 49 + "level = 1" + ")" * 49) == [0]
    with pytest.raises(QueryError, match="50 deep"):
        select(table, "(" * 50 + "level = 1" + ")" * 50)
    flat = " OR ".join(["level = 1"] * 300)
    assert select(table, flat) == [0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "[" * 9000,
        '{"op":"not","args":[' * 200,
        '{"op":1,"args":[]}',
        '{"op":"avg","args":[{"property":"level"}]}',
        '{"op":"=","args":[{"property":"level"},NaN]}',
        '{"op":"=","args":[1e999,1]}',
        "1",
        "null",
        '{"property":[1]}',
        '{"op":"=","args":[{"property":"level"},{"date":5}]}',
        '{"op":"in","args":[{"property":"level"},5]}',
        "9" * 5000,
        '{"op":"s_intersects","args":[{"property":"geometry"},{"type":"Point","coordinates":["a"]}]}',
        '{"op":"s_intersects","args":[{"property":"geometry"},{"type":"x"}]}',
        '{"op":"=","args":[1]}',
        '"a"',
    ],
)
def test_json_that_fits_nothing_is_refused(text):
    with pytest.raises(QueryError):
        parse_filter(text, "cql2-json", PROPERTIES, CRS84, ZONE)


def test_a_fault_in_json_is_named_by_its_path():
    text = '{"op":"and","args":[{"property":"hot"},{"op":">","args":[{"property":"level"},"a"]}]}'
    with pytest.raises(QueryError, match=r"\$\.args\[1\]\.args\[1\]"):
        parse_filter(text, "cql2-json", PROPERTIES, CRS84, ZONE)


_PIECES = st.sampled_from(
    [
        "population",
        "name",
        "geometry",
        "day",
        "1",
        "'a'",
        "(",
        ")",
        ",",
        "AND",
        "OR",
        "NOT",
        "=",
        "<",
        "-",
        "+",
        "LIKE",
        "IN",
        "BETWEEN",
        "IS",
        "NULL",
        "BBOX",
        "POINT",
        "DATE",
        "INTERVAL",
        "S_INTERSECTS",
        "T_AFTER",
        "CASEI",
        "^",
        "/",
        "'",
        '"',
        "é",
    ]
)


@settings(max_examples=400)
@given(st.lists(_PIECES, max_size=25).map(" ".join) | st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    table = FeatureTable(["0"], PROPERTIES, {p.name: [None] for p in PROPERTIES}, np.array([None]), 4326, "t")
    try:
        found = parse_filter(text, "cql2-text", PROPERTIES, CRS84, ZONE)
    except QueryError as error:
        position = error.position
    else:
        assert matching(found, table).shape == (1,)
        position = 0
    assert position is None or 0 <= position <= len(text)


@settings(max_examples=300)
@given(st.text("ab%_\\", max_size=8), st.text("ab%_\\", max_size=8))
def test_like_is_the_plain_recursion(text, pattern):
    from api.ogc.filters.evaluation import is_like

    def slow(t, p):
        if not p:
            return not t
        if p[0] == "\\":
            # An escape character without a successor escapes nothing.
            return (t[:1] == p[1:2] and slow(t[1:], p[2:])) if len(p) > 1 else not t
        if p[0] == "%":
            return slow(t, p[1:]) or (bool(t) and slow(t[1:], p))
        return bool(t) and (p[0] in ("_", t[0])) and slow(t[1:], p[1:])

    assert is_like(text, pattern) == slow(text, pattern)


def test_days_are_days():
    assert plain_values([date(2026, 3, 1), None, float("nan")], "date") == ["2026-03-01", None, None]
