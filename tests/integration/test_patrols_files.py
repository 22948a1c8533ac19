"""Tracks from files: all variants of headers and times, and the difficult files of other parsers' test suites."""

from __future__ import annotations

import datetime as dt
import gzip
import json

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geo.errors import ColumnError, CrsError, DatumError, FileError, InputError
from geo.layers import convert
from geo.patrols import Rules, clean, presences, read_tracks, seen, verify, visits
from geo.tracks.columns import TRACK_COLUMNS
from geo.tracks.reading.read import read_fixes

ENGLISH = "device,officer,time,lon,lat,accuracy_m,mock\nD1,G001,2026-11-23T08:00:00+08:00,118.81,32.10,8.5,false\n"
CHINESE = (
    "设备编号,网格员,定位时间,经度,纬度,定位精度(米),模拟定位\nD1,G001,2026年11月23日 8时00分00秒,118.81,32.10,8.5,否\n"
)


def write(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def test_english_csv(tmp_path):
    track = read_tracks(write(tmp_path, "a.csv", ENGLISH), datum="WGS-84")
    assert track.columns.tolist() == [*TRACK_COLUMNS, "geometry"]
    assert track.crs == "EPSG:4326"
    row = track.iloc[0]
    assert (row["device"], row["officer"], row["time"]) == ("D1", "G001", pd.Timestamp("2026-11-23T00:00:00Z"))
    assert (row["lon"], row["lat"], row["accuracy_m"], row["mock"], row["row"]) == (118.81, 32.10, 8.5, False, 2)
    assert track.attrs["refused"] == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_csv_in_the_encodings_of_offices(tmp_path, encoding):
    track = read_tracks(write(tmp_path, "轨迹.csv", CHINESE, encoding), datum="WGS-84", zone="Asia/Shanghai")
    assert track["time"].iloc[0] == pd.Timestamp("2026-11-23T00:00:00Z")
    assert (track["device"].iloc[0], track["accuracy_m"].iloc[0]) == ("D1", 8.5)
    assert bool(track["mock"].iloc[0]) is False


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators(tmp_path, separator):
    track = read_tracks(write(tmp_path, "a.txt", ENGLISH.replace(",", separator)), datum="WGS-84")
    assert track["lat"].tolist() == [32.10]


def test_the_datum_of_a_csv_is_never_assumed(tmp_path):
    path = write(tmp_path, "a.csv", ENGLISH)
    with pytest.raises(DatumError, match="the datum of its coordinates is not declared"):
        read_tracks(path)
    with pytest.raises(DatumError, match="'wgs' is not a known datum"):
        read_tracks(path, datum="wgs")


def test_gcj_02_is_brought_to_wgs_84(tmp_path):
    track = read_tracks(write(tmp_path, "a.csv", ENGLISH), datum="GCJ-02")
    lon, lat = convert([118.81], [32.10], "GCJ-02", "WGS-84")
    assert track[["lon", "lat"]].iloc[0].tolist() == [lon[0], lat[0]]
    assert abs(track["lon"].iloc[0] - 118.81) > 0.004


def test_each_row_may_name_its_datum(tmp_path):
    text = ENGLISH.replace("mock\n", "mock,坐标系\n").replace("false\n", "false,GCJ02\n")
    text += "D1,G001,2026-11-23T08:00:10+08:00,118.81,32.10,8.5,false,wgs84\n"
    text += "D1,G001,2026-11-23T08:00:20+08:00,118.81,32.10,8.5,false,\n"
    track = read_tracks(write(tmp_path, "a.csv", text))
    assert track["lon"].iloc[1] == 118.81
    assert track["lon"].iloc[0] != 118.81
    refused = track.attrs["refused"]
    assert [(r["source"], r["row"], r["reason"]) for r in refused] == [
        ("a.csv", 4, "names no datum, and none is declared for the file")
    ]
    assert refused[0]["reason_zh"] == "没有说明坐标基准，也没有为文件声明"


def test_times_without_a_zone_are_asked_about(tmp_path):
    path = write(tmp_path, "a.csv", CHINESE)
    with pytest.raises(InputError, match=r"times such as '2026年11月23日 8时00分00秒' have no zone"):
        read_tracks(path, datum="WGS-84")


def test_a_table_without_a_header_needs_positions(tmp_path):
    path = write(
        tmp_path, "a.csv", "32.1|118.81|D1|somewhere|2026-11-23T08:00:00\n32.1|118.82|D1||2026-11-23T08:00:30\n"
    )
    with pytest.raises(ColumnError, match="has no header row"):
        read_tracks(path, datum="WGS-84", zone="Asia/Shanghai")
    where = {"lat": 0, "lon": 1, "device": 2, "time": 4}
    track = read_tracks(path, datum="WGS-84", zone="Asia/Shanghai", columns=where)
    assert track["lon"].tolist() == [118.81, 118.82]
    assert track["row"].tolist() == [1, 2]


def test_named_columns(tmp_path):
    path = write(tmp_path, "a.csv", "who,when,east,north\nD1,2026-11-23T08:00:00Z,118.81,32.1\n")
    with pytest.raises(ColumnError, match="no column for time, lon, lat among who, when, east, north"):
        read_tracks(path, datum="WGS-84")
    names = {"device": "who", "time": "when", "lon": "east", "lat": "north"}
    assert read_tracks(path, datum="WGS-84", columns=names)["device"].tolist() == ["D1"]
    with pytest.raises(ColumnError, match="has no column 'x' \\(lon: 'x'\\)"):
        read_tracks(path, datum="WGS-84", columns=names | {"lon": "x"})
    with pytest.raises(ColumnError, match="columns must also name lat"):
        read_tracks(path, datum="WGS-84", columns={"time": "when", "lon": "east"})


def test_every_row_is_used_or_refused_with_its_number(tmp_path):
    good = "D1,G001,2026-11-23T08:00:00+08:00,118.81,32.10,8.5,false\n"
    bad = {
        3: ("D1,G001,,118.81,32.10,8.5,false\n", "has no time"),
        4: ("D1,G001,tomorrow,118.81,32.10,8.5,false\n", "'tomorrow' is not understood"),
        5: ("D1,G001,2026-11-23T08:00:00+08:00,,32.10,8.5,false\n", "has a coordinate that is missing"),
        6: ("D1,G001,2026-11-23T08:00:00+08:00,0,0,8.5,false\n", "is at 0, 0"),
        7: ("D1,G001,2026-11-23T08:00:00+08:00,32.10,118.81,8.5,false\n", "may be swapped"),
        8: ("D1,G001,2026-11-23T08:00:00+08:00,387000,3553000,8.5,false\n", "not degrees"),
        9: (",G001,2026-11-23T08:00:00+08:00,118.81,32.10,8.5,false\n", "has no device"),
        10: (
            "D1,G001,2026-11-23T08:00:00+08:00,118.81,32.10,8.5,false,and,more\n",
            "has 9 fields where the header has 7",
        ),
        12: ("D1,G001,1970-01-01T00:00:00Z,118.81,32.10,8.5,false\n", "before GPS began"),
        13: ("D1,G001\n", "has no time"),
    }
    text = ENGLISH + "".join(bad[n][0] for n in range(3, 11)) + "\n" + bad[12][0] + bad[13][0] + good
    track = read_tracks(write(tmp_path, "a.csv", text), datum="WGS-84")
    assert track["row"].tolist() == [2, 14]
    refused = track.attrs["refused"]
    assert [r["row"] for r in refused] == list(bad)
    for record in refused:
        assert bad[record["row"]][1] in record["reason"]


def test_gzip_and_several_files(tmp_path):
    one = write(tmp_path, "a.csv.gz", gzip.compress(ENGLISH.encode()))
    two = write(tmp_path, "b.csv", ENGLISH.replace("D1", "D2"))
    empty = write(tmp_path, "c.gpx", "<gpx/>")
    track = read_tracks([one, two, empty], datum="WGS-84")
    assert track["device"].tolist() == ["D1", "D2"]
    assert track["source"].tolist() == ["a.csv.gz", "b.csv"]
    assert track.index.tolist() == [0, 1]
    assert [(r["source"], r["row"]) for r in track.attrs["refused"]] == [("c.gpx", None)]


def test_geojson(tmp_path):
    point = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [118.81, 32.1, 9]},
        "properties": {"device": "D1", "time": "2026-11-23T00:00:00Z", "speed": 1.5},
    }
    line = point | {"geometry": {"type": "LineString", "coordinates": [[118, 32], [119, 32]]}}
    content = {"type": "FeatureCollection", "features": [point, line, point | {"geometry": None}]}
    track = read_tracks(write(tmp_path, "a.geojson", json.dumps(content)))
    assert (track["lon"].tolist(), track["speed"].tolist()) == ([118.81], [1.5])
    assert [(r["row"], r["reason"]) for r in track.attrs["refused"]] == [
        (2, "is not a point but LineString"),
        (3, "is not a point but no geometry"),
    ]
    content["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4549"}}
    with pytest.raises(CrsError, match="4549"):
        read_tracks(write(tmp_path, "b.geojson", json.dumps(content)))
    assert len(read_tracks(write(tmp_path, "c.json", json.dumps({"features": [point]})), datum="BD-09")) == 1


def test_gpx_of_a_phone(tmp_path):
    text = """\ufeff
    <gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><wpt lat="1" lon="2"/><trk><trkseg>
      <trkpt lat="32.1" lon="118.81"><time>2026-11-23T00:00:00Z</time><speed>1.2</speed>
        <extensions><x:accuracy xmlns:x="x">7</x:accuracy><mock>true</mock></extensions></trkpt></trkseg><trkseg>
      <trkpt lat="32.2" lon="118.81"><time>2026-11-23T00:00:10</time></trkpt></trkseg></trk></gpx>"""
    path = write(tmp_path, "G001.gpx", text)
    with pytest.raises(InputError, match="have no zone"):
        read_tracks(path)
    track = read_tracks(path, zone="UTC")
    assert track["device"].tolist() == ["G001", "G001"]
    assert track["officer"].tolist() == [None, None]
    assert track["accuracy_m"].iloc[0] == 7
    assert track["mock"].isna().tolist() == [False, True]
    assert track["time"].iloc[1] == pd.Timestamp("2026-11-23T00:00:10Z")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.gpx", b"", "is empty"),
        ("a.csv", b"  \n ", "is empty"),
        ("a.gpx", b"<gpx><trk>", "is not readable XML"),
        ("a.gpx", b"<kml></kml>", "no track and no point with a time"),
        ("a.gpx", b"<osm/>", "its root is <osm>"),
        ("a.gpx", b"<?xml version='1.0' encoding='klingon'?><gpx/>", "is not readable XML"),
        ("a.geojson", b"{", "is not JSON"),
        ("a.geojson", b"[]", "not a collection of features or records"),
        ("a.geojson", b'{"features": []}', "has no fix"),
        ("a.csv", b"device,time,lon,lat\n", "has a header but no rows"),
        ("a.csv", b"\xff\xff\xff\xff\x00\xff", "neither UTF-8, UTF-16 nor GBK"),
        ("a.shp", b"<kml/>", "no track and no point with a time"),
        ("a.csv.gz", b"\x1f\x8b\x08broken", "cannot be unpacked"),
    ],
)
def test_files_that_hold_no_track(tmp_path, name, content, says):
    with pytest.raises(FileError, match=says) as caught:
        read_tracks(write(tmp_path, name, content), datum="WGS-84")
    assert "\n" not in str(caught.value)


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path):
    paths = []
    for folder in ("zhang", "li"):
        (tmp_path / folder).mkdir()
        paths.append(write(tmp_path / folder, "track.csv", "time,lon,lat\n2026-11-23T00:00:00Z,118.8,32.1\n"))
    track = read_tracks([*paths, write(tmp_path, "c.csv", ENGLISH)], datum="WGS-84")
    assert track["source"].tolist() == ["zhang/track.csv", "li/track.csv", "c.csv"]
    assert track["device"].tolist() == ["zhang/track", "li/track", "D1"]


def test_what_was_refused_is_handed_on_and_not_copied(tmp_path):
    track = read_tracks(write(tmp_path, "a.csv", ENGLISH + "D1,G001,,1,2,,\n"), datum="WGS-84")
    assert len(track.attrs["refused"]) == 1
    assert track[track["lon"] > 0].attrs["refused"] is track.attrs["refused"]


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        read_tracks(tmp_path / "none.gpx")
    with pytest.raises(FileError, match="is a folder"):
        read_tracks(tmp_path)
    with pytest.raises(FileError, match="no file given"):
        read_tracks([])


def test_entities_are_not_fetched(tmp_path):
    secret = write(tmp_path, "secret.txt", "118.81")
    text = (
        f'<!DOCTYPE gpx [<!ENTITY x SYSTEM "{secret.as_uri()}">]><gpx><trk><trkseg><trkpt lat="1" lon="1">'
        "<time>&x;</time></trkpt></trkseg></trk></gpx>"
    )
    with pytest.raises(FileError, match="declares XML entities"):
        read_tracks(write(tmp_path, "a.gpx", text))


#: Usable and refused track points of each difficult file with usable ones.
USABLE = {
    "gpxgo/cerknicko-without-times.gpx": (5, 291),
    "gpxgo/file.gpx": (4, 0),
    "gpxgo/gpx1.0_with_all_fields.gpx": (1, 0),
    "gpxgo/gpx1.1_with_all_fields.gpx": (1, 0),
    "gpxgo/gpx1.1_with_extensions.gpx": (1, 0),
    "gpxgo/graphhopper.gpx.gz": (22, 149),
    "gpxgo/korita-zbevnica.gpx": (513, 358),
    "gpxgo/visnjan.gpx": (413, 0),
    "gpxpy/around-visnjan-with-car.gpx": (104, 0),
    "gpxpy/cerknicko-jezero-no-creator.gpx": (296, 0),
    "gpxpy/cerknicko-jezero-with-elevations-zero.gpx": (296, 0),
    "gpxpy/cerknicko-jezero-without-elevations.gpx": (295, 1),
    "gpxpy/cerknicko-jezero.gpx": (296, 0),
    "gpxpy/cerknicko-without-times.gpx": (5, 291),
    "gpxpy/first_and_last_elevation.gpx": (10, 0),
    "gpxpy/gpx-with-node-with-comments.gpx": (1, 0),
    "gpxpy/gpx1.0_with_all_fields.gpx": (1, 0),
    "gpxpy/gpx1.1_with_all_fields.gpx": (1, 0),
    "gpxpy/korita-zbevnica.gpx": (513, 358),
    "gpxpy/track-with-empty-segment.gpx": (9, 0),
    "gpxpy/track-with-less-sec-time.gpx": (2, 0),
    "gpxpy/track_with_speed.gpx": (3, 0),
    "graphhopper/gpxv1_0.gpx": (14, 0),
    "graphhopper/issue-13.gpx": (29, 0),
    "graphhopper/issue-70.gpx": (17, 0),
    "graphhopper/tour-with-loop.gpx": (11, 0),
    "graphhopper/tour2-with-loop.gpx": (12, 0),
    "graphhopper/tour3-with-long-edge.gpx": (7, 0),
    "graphhopper/tour4-with-uturn.gpx": (5, 0),
}


def test_all_awkward_files_read_or_are_refused_with_the_reason(shared_data):
    folder = shared_data / "gpx-oddities"
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.gpx*"))
    assert set(USABLE) < set(files)
    used, reasons = {}, {}
    for name in files:
        try:
            track = read_tracks(folder / name, zone="UTC")
        except FileError as error:
            reasons[name] = str(error)
            continue
        used[name] = (len(track), len(track.attrs["refused"]))
        assert track["time"].notna().all()
        assert clean(track)["mark"].notna().all()
    assert used == USABLE
    known = ("no track point", "has no time", "before GPS began")
    assert [why for why in reasons.values() if not any(words in why for words in known) or "\n" in why] == []


def test_a_fleet_without_a_header(shared_data):
    track = read_tracks(
        shared_data / "jersey-city-trucks" / "all_dedup.csv",
        datum="WGS-84",
        zone="America/New_York",
        columns={"lat": 0, "lon": 1, "device": 2, "time": 4},
    )
    assert (len(track), track["device"].nunique(), track.attrs["refused"]) == (7971, 68, [])
    assert track["time"].iloc[0] == pd.Timestamp("2015-12-11T02:14:37Z")
    repeated = track.duplicated(["device", "time"]).sum()
    marks = clean(track)["mark"].value_counts()
    assert repeated == 622
    # Of simultaneous fixes one is kept if they are close together, and none if they are apart.
    assert marks["duplicate"] + marks["conflict"] >= repeated
    assert "clock" not in marks
    assert marks[""] > 6000


def test_a_fleet_on_a_lattice_of_its_own_ground(shared_data):
    track = read_tracks(
        shared_data / "jersey-city-trucks" / "all_dedup.csv",
        datum="WGS-84",
        zone="America/New_York",
        columns={"lat": 0, "lon": 1, "device": 2, "time": 4},
    )
    place = track.to_crs(32618).geometry
    west, south = place.x.quantile(0.01), place.y.quantile(0.01)
    boxes = [
        shapely.box(west + 800 * i, south + 800 * j, west + 800 * i + 800, south + 800 * j + 800)
        for j in range(12)
        for i in range(12)
    ]
    cells = gpd.GeoDataFrame({"code": [f"J{k:03d}" for k in range(144)]}, geometry=boxes, crs=32618)
    lorries = Rules(id="lorries", version="1", mode="any", visits_per_day=1, zone="America/New_York")
    cleaned = clean(track, rules=lorries)
    found = presences(cleaned, cells, rules=lorries)
    made = visits(found, rules=lorries)
    day = dt.date(2015, 12, 10)
    result = verify(made, cells, presences=found, rules=lorries, day=day)
    assert result["verdict"].value_counts().to_dict().keys() == {"met", "unknown", "not_visited"}
    # A lorry that is silent for hours has no presence in that time: the longest gap is reported as a gap.
    silent = found[found["kind"] == "unknown"].groupby(["device", "start"])["duration_s"].max()
    assert silent.max() > 20_000
    assert found.loc[found["kind"] == "inside", "duration_s"].max() < 86_400
    some = seen(cleaned, cells, day=day, rules=lorries)
    # An unknown stay may be in a neighbouring cell; counted visits were observed.
    assert set(made.loc[(made["day"] == day) & made["counted"], "code"]) <= set(some.loc[some["seen"], "code"])


def test_fixes_are_the_tracks_without_their_points(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("device,time,lon,lat\nA,2026-11-23T01:00:00Z,118.8,32.1\nA,soon,118.8,32.1\n", encoding="utf-8")
    tracks, fixes = read_tracks(path, datum="WGS-84"), read_fixes(path, datum="WGS-84")
    assert not isinstance(fixes, gpd.GeoDataFrame)
    pd.testing.assert_frame_equal(pd.DataFrame(tracks.drop(columns="geometry")), fixes)
    assert tracks.attrs == fixes.attrs
    assert [row["row"] for row in fixes.attrs["refused"]] == [3]
