"""Reading of incidents: what counts as one point, which day a table has, and which notices are given."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import shapely

from geo.incidents import read_incidents


def test_several_points_are_not_one_but_a_collection_of_one_is(tmp_path):
    shapes = [shapely.MultiPoint([(118.81, 32.1)]), shapely.MultiPoint([(118.81, 32.1), (118.82, 32.1)])]
    shapes += [shapely.Point(118.83, 32.1), shapely.LineString([(118.81, 32.1), (118.82, 32.1)]), shapely.Point()]
    gpd.GeoDataFrame({"工单编号": list("abcde")}, geometry=shapes, crs=4326).to_file(tmp_path / "a.gpkg")
    frame = read_incidents(tmp_path / "a.gpkg")
    assert frame["incident_id"].tolist() == ["a", "c"]
    assert frame["source_row"].tolist() == [1, 3]
    assert frame["lon"].tolist() == [118.81, 118.83]
    refused = [(record["row"], record["reason"]) for record in frame.attrs["refused"]]
    assert refused == [(2, "is not one point"), (4, "is not one point"), (5, "has no position")]


def test_the_day_of_a_table_is_that_of_its_title_and_only_without_one_that_of_its_name(tmp_path):
    rows = "编号,上报时间,经度,纬度\n1,昨天下午3点,118.81,32.1\n"
    (tmp_path / "工单_20260305.csv").write_text(rows)
    named = read_incidents(tmp_path / "工单_20260305.csv", datum="WGS-84")
    (tmp_path / "日报_20260305.csv").write_text(f"12345工单日报（2026年3月2日）,,,\n{rows}")
    titled = read_incidents(tmp_path / "日报_20260305.csv", datum="WGS-84")
    assert named.attrs["days"] == {dt.date(2026, 3, 5)}
    assert titled.attrs["days"] == {dt.date(2026, 3, 2)}
    assert [frame["reported_at"].iloc[0].isoformat() for frame in (named, titled)] == [
        "2026-03-04T07:00:00+00:00",
        "2026-03-01T07:00:00+00:00",
    ]


def test_the_datum_of_the_headers_is_told_only_if_none_was_declared(tmp_path):
    (tmp_path / "a.csv").write_text("编号,WGS84经度,WGS84纬度\n1,118.81,32.1\n")
    told = "read on WGS-84, as the headers WGS84经度, WGS84纬度 say"
    assert [notice.en for notice in read_incidents(tmp_path / "a.csv").attrs["notices"]] == [told]
    assert list(read_incidents(tmp_path / "a.csv", datum="WGS-84").attrs["notices"]) == []
    assert list(read_incidents(tmp_path / "a.csv", crs="EPSG:4326").attrs["notices"]) == []
