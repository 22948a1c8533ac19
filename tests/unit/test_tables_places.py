"""Coordinates in tables: detection of columns, meaning of headers, and parsing of numbers."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from geo.errors import ColumnError, CrsError, DatumError
from geo.incidents.reading.positions import positions
from geo.layers import Datum
from geo.layers.plane import BEYOND, NO_PREFIX, ZONE_PREFIX, to_lon_lat
from geo.layers.row_datums import datum_of, datums_of_rows
from geo.tables.coordinates import (
    AT_ZERO,
    LAT_LON,
    LON,
    LON_LAT,
    NO_COORDINATES,
    NO_DEGREES,
    NO_NUMBER,
    Place,
    choose_place,
    read_coordinates,
)
from geo.tables.headers import plain_header, reference_of
from geo.tables.heading import find_heading
from geo.tables.numbers import parse_numeric, read_numbers, scaled_degrees, unit_of_header


def place(headers, datum=None, crs=None, **options):
    return choose_place(headers.split(","), {}, "a.csv", datum=datum, crs=crs, **options)


@pytest.mark.parametrize(
    ("headers", "lon"),
    [
        ("经度,纬度", "经度"),
        ("Latitude,Longitude,Location", "Longitude"),
        ("X Coordinate (State Plane),Y Coordinate (State Plane),Latitude,Longitude", "Longitude"),
        ("location.latitude,location.longitude", "location.longitude"),
        ("事发经度,事发纬度,处置经度,处置纬度", "事发经度"),
        ("处置经度,处置纬度,事发经度,事发纬度", "事发经度"),
        ("start_lng,start_lat,end_lng,end_lat", "start_lng"),
        ("lat,lng,plate,flat", "lng"),
        ("MapLongitude,MapLatitude", "MapLongitude"),
        ("X Coordinate,Y Cordinate,Location1", "X Coordinate"),
        ("坐标X,坐标Y", "坐标X"),
        ("东坐标,北坐标", "东坐标"),
        ("latitudeE7,longitudeE7", "longitudeE7"),
    ],
)
def test_pairs_of_headers(headers, lon):
    assert place(headers).columns[LON] == lon


@pytest.mark.parametrize("headers", ["type,year", "plate,flat", "x,type", "经度,高度", "lat,name", "xtype,ytype"])
def test_no_pair_is_made_of_what_is_none(headers):
    assert place(headers) is None


def test_metric_coordinates_go_before_degrees_where_metres_are_declared():
    headers = "lon,lat,X坐标,Y坐标"
    assert place(headers, crs="EPSG:4549", is_projected=True).columns[LON] == "X坐标"
    assert place(headers).columns[LON] == "lon"


def test_only_columns_of_one_stem_are_a_pair():
    headers = "百度经度,WGS84经度,WGS84纬度,百度纬度"
    for datum in ("WGS-84", "CGCS2000", None):
        assert place(headers, datum).columns == {"lon": "WGS84经度", "lat": "WGS84纬度"}
    assert place(headers, "BD-09").columns == {"lon": "百度经度", "lat": "百度纬度"}
    with pytest.raises(ColumnError, match="百度经度 and WGS84纬度 are no pair"):
        place("百度经度,WGS84纬度")


def test_a_header_that_names_a_datum_is_believed_or_refused():
    assert place("经度(GCJ02),纬度(GCJ02)").datum == "GCJ-02"
    assert place("经度(GCJ02),纬度(GCJ02)", "GCJ-02").datum == "GCJ-02"
    with pytest.raises(DatumError, match="name GCJ-02, but WGS-84 is declared"):
        place("经度(GCJ02),纬度(GCJ02)", "WGS-84")
    with pytest.raises(DatumError, match="Beijing 1954, which needs local parameters"):
        place("经度(北京54),纬度(北京54)")
    with pytest.raises(CrsError, match="name EPSG:4549, but EPSG:4548 is declared"):
        place("X(EPSG:4549),Y(EPSG:4549)", crs="EPSG:4548", is_projected=True)
    assert place("X(EPSG:4549),Y(EPSG:4549)").crs == "EPSG:4549"


@pytest.mark.parametrize(
    ("header", "datum"),
    [
        ("lon_wgs84", "WGS-84"),
        ("经度（国家2000）", "CGCS2000"),
        ("CGCS2000经度", "CGCS2000"),
        ("火星经度", "GCJ-02"),
        ("高德地图经度", "GCJ-02"),
        ("lng_bd09", "BD-09"),
        ("baidu_lng", "BD-09"),
        ("西安80经度", "Xian 1980"),
        ("经度", None),
    ],
)
def test_datums_that_headers_name(header, datum):
    assert reference_of(header).datum == datum


def test_headers_are_compared_without_case_width_signs_and_units():
    assert plain_header("Ｒｅｐｏｒｔ_Time (local)") == plain_header("report time") == plain_header("REPORT-TIME")


@pytest.mark.parametrize(
    "text",
    [
        "118.8125",
        "118.8125°",
        "118°48'45\"",
        "118°48′45″",
        "118º48’45”E",
        "118°48'45''",
        "118:48:45",
        "118-48-45",
        "118 48 45",
        "118°48.75'",
        "118d48m45s",
        "东经118度48分45秒",
        "E118.8125",
        "118.8125 E",
        "１１８．８１２５",
        "118,8125",
        "1.188125e2",
    ],
)
def test_one_longitude_in_many_spellings(text):
    assert parse_numeric(text, "degrees") == pytest.approx(118.8125, abs=1e-9)


@pytest.mark.parametrize(
    "text", ["118°60'", "118°48'60\"", "E118.8W", "118.5°30'", "一百", "118.8 32.1", "118.8125E118", "400 10 10", ""]
)
def test_what_is_no_longitude(text):
    assert np.isnan(parse_numeric(text, "degrees"))


@pytest.mark.parametrize(
    ("text", "value"), [("77.5W", -77.5), ("西经77.5", -77.5), ("S32.5", -32.5), ("-77:30:00", -77.5), ("32.5N", 32.5)]
)
def test_hemispheres(text, value):
    assert parse_numeric(text, "degrees") == value


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("380,160", 380160.0),
        ("3,550,050.5", 3550050.5),
        ("380 160", 380160.0),
        ("380'160", 380160.0),
        ("3.550.050,5", 3550050.5),
        ("380160,5", 380160.5),
        ("380160 m", 380160.0),
        ("380,16", 380.16),
        ("38,0160", 38.016),
    ],
)
def test_separators_of_thousands_in_metres(text, metres):
    assert parse_numeric(text, "metres") == metres


def test_a_comma_is_a_decimal_one_where_thousands_make_no_sense():
    assert parse_numeric("118,795", "degrees") == 118.795
    assert parse_numeric("4,5", "length") == 4.5


@pytest.mark.parametrize(
    ("text", "speed"),
    [
        ("1.2 km/h", 1.2 / 3.6),
        ("2 kn", 2 * 1852 / 3600),
        ("10mph", 4.4704),
        ("3", 3.0),
        ("3 m/s", 3.0),
        ("7.2公里/小时", 2.0),
    ],
)
def test_speeds_with_their_units(text, speed):
    assert parse_numeric(text, "speed") == pytest.approx(speed)


def test_units_of_headers():
    assert unit_of_header("速度(km/h)", "speed") == pytest.approx(1 / 3.6)
    assert unit_of_header("speed_kmh", "speed") == pytest.approx(1 / 3.6)
    assert unit_of_header("accuracy (m)", "length") == 1.0
    assert unit_of_header("gps_speed", "speed") == 1.0
    assert read_numbers(pd.Series(["36", "1 m/s"]), "speed", 1 / 3.6).tolist() == [10.0, 1.0]


def test_words_for_nothing_are_no_numbers():
    read = read_numbers(pd.Series(["1", " ", "n/a", "NULL", None, "inf"]), "metres")
    assert read[0] == 1.0
    assert np.isnan(read[1:]).all()


def test_whole_numbers_times_ten_million():
    lon, lat, scaled = scaled_degrees(
        np.array([1187950000.0, 118.795, 40387929.0, 118795000.0]), np.array([321000000.0, 32.1, 3553835.0, 32100000.0])
    )
    assert scaled.tolist() == [True, False, False, False]  # the last may be degrees times a million
    assert (lon[0], lat[0]) == (118.795, 32.1)


def read(values, name=LON_LAT):
    return read_coordinates(pd.DataFrame({"c": values}), Place({name: "c"}), in_degrees=True)


@pytest.mark.parametrize(
    "text",
    [
        "118.795,32.1",
        "(118.795, 32.1)",
        "118.795 32.1",
        "118.795;32.1",
        "118.795，32.1",
        "POINT (118.795 32.1)",
        "SRID=4326;POINT Z(118.795 32.1 5)",
        "32.1N 118.795E",
        "E118.795,N32.1",
        "32.1, 118.795",
        "118.795,32.1,12.5",
        "01010000003333333333B35D40CDCCCCCCCC0C4040",
    ],
)
def test_both_coordinates_in_one_field(text):
    found = read([text])
    assert (found.x[0], found.y[0]) == pytest.approx((118.8, 32.1), abs=0.006)


def test_the_header_tells_the_order_where_the_values_do_not():
    assert read(["(38.9, -77.0)"], LAT_LON).x[0] == -77.0
    assert read(["-77.0, 38.9"]).x[0] == -77.0


def test_rows_without_a_position_have_their_reason():
    frame = pd.DataFrame(
        {"x": ["118.8", None, "0", "200", "abc", "32.1"], "y": ["32.1", None, "0", "32.1", "32.1", "118.8"]}
    )
    found = read_coordinates(frame, Place({"lon": "x", "lat": "y"}), in_degrees=True)
    assert found.reason.tolist() == [None, NO_COORDINATES, AT_ZERO, NO_DEGREES, NO_NUMBER, None]
    assert found.swapped.tolist() == [False] * 5 + [True]


def test_easting_and_northing_that_cannot_be_in_the_crs():
    x = np.array([387929.765, 40387929.765, 387929.765, 1e9, np.nan])
    y = np.array([3553835.569, 3553835.569, 3553835.569, 1e9, 3e6])
    placed = to_lon_lat(x, y, "EPSG:4549", "a.csv: X, Y")
    assert placed.reason.tolist() == [None, ZONE_PREFIX.fill(zone=40), None, BEYOND, None]
    assert (placed.lon[0], placed.lat[0]) == pytest.approx((118.8127, 32.1025), abs=1e-6)
    assert np.isnan(placed.lon[[1, 3, 4]]).all()
    with pytest.raises(CrsError, match="axes are swapped"):
        to_lon_lat(y[:1], x[:1], "EPSG:4549", "a.csv: X, Y")
    with pytest.raises(CrsError, match=r"zone prefix 40 .*declare EPSG:4528"):
        to_lon_lat(x[1:2], y[1:2], "EPSG:4549", "a.csv: X, Y")
    with pytest.raises(CrsError, match=r"zone prefix 20 .*declare EPSG:4498"):
        to_lon_lat(x[1:2] - 20e6, y[1:2], "EPSG:4549", "a.csv: X, Y")
    with_prefix = to_lon_lat(x[[1, 0]], y[:2], "EPSG:4528", "a.csv: X, Y")
    assert with_prefix.reason.tolist() == [None, NO_PREFIX]


def test_the_datum_of_rows():
    assert [datum_of(text).value for text in ("GPS", "百度", "gcj02", "天地图")] == [
        "WGS-84",
        "BD-09",
        "GCJ-02",
        "CGCS2000",
    ]
    reason = np.full(3, None, dtype=object)
    which = datums_of_rows(pd.Series(["高德", None, "klingon"]), None, reason)
    assert which[0] == "GCJ-02"
    assert [None if why is None else why.en[:20] for why in reason] == [
        None,
        "names no datum, and ",
        "names a datum that i",
    ]


def test_a_place_on_the_equator_or_the_meridian_is_one():
    frame = pd.DataFrame({"x": ["0", "36.8"], "y": ["51.5", "0"]})
    found = read_coordinates(frame, Place({"lon": "x", "lat": "y"}), in_degrees=True)
    assert found.reason.tolist() == [None, None]


@pytest.mark.parametrize(
    ("minute", "second"), [("ʹ", "ʺ"), ("ˊ", "〃"), ("′", "″"), ("‵", "‶"), ("’", "”"), ("′", "′′")]
)
def test_all_signs_for_minutes_and_seconds_are_read(minute: str, second: str) -> None:
    assert parse_numeric(f"40° 26{minute} 46{second} N", "degrees") == pytest.approx(
        40 + 26 / 60 + 46 / 3600, abs=1e-12
    )


def one_incident(lon: str, lat: str, x: list[str], y: list[str]) -> tuple[pd.DataFrame, Place]:
    rows = pd.DataFrame({lon: x, lat: y}, dtype="string")
    found = choose_place([lon, lat], {}, "a.csv", datum=None, crs=None)
    assert found is not None
    return rows, found


@pytest.mark.parametrize(
    ("x", "y", "advice"),
    [
        ("387050.25", "3553300", "--crs EPSG:4549 if the central meridian is 120 E"),
        ("3553300", "387050.25", "--crs EPSG:4549 if the central meridian is 120 E"),
        ("40387050.25", "3553300", "--crs EPSG:4528"),
        ("13225969", "3777000", "--crs EPSG:3857"),
    ],
)
@pytest.mark.parametrize("datum", [None, Datum.CGCS2000])
def test_metres_without_a_crs_are_refused_with_the_crs_that_fits(
    x: str, y: str, advice: str, datum: Datum | None
) -> None:
    rows, found = one_incident("X坐标", "Y坐标", [x, x], [y, y])
    with pytest.raises(CrsError, match=re.escape(advice)):
        positions(rows, {}, found, datum, None, "a.csv")
    assert np.isfinite(positions(rows[:0], {}, found, Datum.WGS84, None, "a.csv").lon).all()


def test_degrees_in_columns_x_and_y_need_a_datum_only() -> None:
    rows, found = one_incident("x", "y", ["118.81", "1188100000"], ["32.1", "321000000"])
    assert positions(rows, {}, found, Datum.WGS84, None, "a.csv").lon == pytest.approx([118.81, 118.81])
    with pytest.raises(DatumError):
        positions(rows, {}, found, None, None, "a.csv")


@pytest.mark.parametrize(
    ("group", "below", "datum", "crs"),
    [
        ("高德坐标", ("经度", "纬度"), "GCJ-02", None),
        ("百度地图", ("经度", "纬度"), "BD-09", None),
        ("坐标（国家2000）", ("经度", "纬度"), "CGCS2000", None),
        ("位置（EPSG:4549）", ("X", "Y"), None, "EPSG:4549"),
        ("坐标", ("经度", "纬度"), None, None),
    ],
)
def test_the_upper_row_of_a_heading_names_the_datum(
    group: str, below: tuple[str, str], datum: str | None, crs: str | None
) -> None:
    rows = [["编号", "上报时间", group, None, "内容"], [None, None, *below, None], ["1", "2026-03-02", "1", "2", "a"]]
    heading = find_heading(rows, {"编号", "上报时间", "经度", "纬度", "x", "y"})
    assert heading is not None
    assert heading.last == 1
    found = choose_place(heading.names, {}, "a.xlsx", datum=None, crs=None)
    assert found is not None
    assert (found.datum, found.crs) == (datum, crs)
    assert found.columns[LON].endswith(below[0])
