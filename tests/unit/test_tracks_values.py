"""Values of fixes from files: which of several counts, limits of times and radii, names of devices, refused records."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pandas as pd
import pytest

from geo.errors import FileError
from geo.tracks import read_tracks
from geo.tracks.reading.registry import format_of


def read(text):
    raw = text.encode()
    known = format_of(raw, "")
    assert known is not None
    return known.read(raw, "track.xyz").rows


def gpx(fields):
    return (
        '<gpx version="1.1" creator="x"><trk><trkseg><trkpt lat="32.1" lon="118.8"><time>2026-03-03T00:00:00Z</time>'
        f"{fields}</trkpt></trkseg></trk></gpx>"
    )


def csv(folder, header, *rows, name="D7.csv", **options):
    path = folder / name
    text = "\n".join([header, *rows]).encode()
    path.write_bytes(gzip.compress(text) if options.pop("packed", False) else text)
    return read_tracks(path, **{"datum": "WGS-84", "zone": "Asia/Shanghai", **options})


PLACE = "118.8,32.1"


def test_the_first_of_several_fields_of_a_point_counts():
    assert read(gpx("<speed>1</speed><extensions><speed>9</speed></extensions>"))["speed"].tolist() == ["1.0"]
    assert read(gpx("<hdop>1</hdop><extensions><hdop>9</hdop></extensions>"))["accuracy_m"].tolist() == ["5.0"]
    tcx = (
        "<TrainingCenterDatabase><Trackpoint><Time>2026-03-03T00:00:00Z</Time><Position><LatitudeDegrees>32.1"
        "</LatitudeDegrees><LongitudeDegrees>118.8</LongitudeDegrees></Position><Extensions><Speed>1</Speed><Speed>9</Speed>"
        "</Extensions></Trackpoint></TrainingCenterDatabase>"
    )
    assert read(tcx)["speed"].tolist() == ["1.0"]


def test_the_user_of_owntracks_is_the_officer_and_the_phone_the_device():
    rows = read(
        '{"_type":"location","topic":"owntracks/anna/phone","tst":1772496000,"lat":32.1,"lon":118.8,"tid":"ap"}'
    )
    assert rows[["device", "officer"]].to_numpy().tolist() == [["anna/phone", "anna"]]


def test_times_of_oziexplorer_are_read_to_a_tenth_of_a_second():
    head = (
        "OziExplorer Track Point File Version 2.1\nWGS 84\nAltitude is in Feet\nReserved 3\n0,2,255,walk,0,0,2,1\n1\n"
    )
    half_past = 46084 + (8 * 3600 + 0.5) / 86_400
    assert read(f"{head} 32.1, 118.8,1,-777,{half_past:.9f},,\n")["time"].tolist() == ["2026-03-03 08:00:00.500000"]


def test_a_negative_radius_or_speed_is_unknown_and_none_is_none(tmp_path):
    table = csv(
        tmp_path,
        "time,lon,lat,accuracy,speed",
        f"2026-03-03 08:00:00,{PLACE},-1,-0.5",
        f"2026-03-03 08:00:10,{PLACE},0,0",
    )
    assert table["accuracy_m"].tolist() == pytest.approx([np.nan, 0.0], nan_ok=True)
    assert table["speed"].tolist() == pytest.approx([np.nan, 0.0], nan_ok=True)


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_without_devices_is_the_device_of_its_name(tmp_path, packed):
    name = "D7.csv.gz" if packed else "D7.csv"
    table = csv(tmp_path, "time,lon,lat", f"2026-03-03 08:00:00,{PLACE}", name=name, packed=packed)
    assert table["device"].tolist() == ["D7"]
    assert table.attrs["sources"] == {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}


def test_a_packed_file_is_known_by_its_content(tmp_path):
    table = csv(tmp_path, "time,lon,lat", f"2026-03-03 08:00:00,{PLACE}", name="D7.csv", packed=True)
    assert table["time"].tolist() == [pd.Timestamp("2026-03-03T00:00:00Z")]


def test_a_time_before_the_first_of_gps_is_refused(tmp_path):
    rows = [f"{time},{PLACE}" for time in ("1980-01-06T00:00:00Z", "1980-01-05T23:59:59Z")]
    table = csv(tmp_path, "time,lon,lat", *rows)
    assert table["time"].tolist() == [pd.Timestamp("1980-01-06", tz="UTC")]
    assert [record["row"] for record in table.attrs["refused"]] == [3]


def test_whole_numbers_of_devices_have_no_decimals(tmp_path):
    frame = pd.DataFrame(
        {"device": [7.0, 8.0], "time": pd.to_datetime(["2026-03-03T00:00:00Z"] * 2), "lon": 118.8, "lat": 32.1}
    )
    frame.to_parquet(tmp_path / "fixes.parquet")
    assert read_tracks(tmp_path / "fixes.parquet", datum="WGS-84")["device"].tolist() == ["7", "8"]


def test_a_table_of_persons_has_them_as_devices_and_a_column_of_days_may_hold_times(tmp_path):
    table = csv(tmp_path, "人员,日期,经度,纬度", f"王芳,2026-03-03 08:00:00,{PLACE}")
    assert table[["device", "officer"]].to_numpy().tolist() == [["王芳", "王芳"]]
    assert table["time"].tolist() == [pd.Timestamp("2026-03-03T00:00:00Z")]


@pytest.mark.parametrize(("hours", "late"), [(24, 0), (25, 1)])
def test_fixes_more_than_a_day_later_than_now_are_reported(tmp_path, hours, late):
    now = pd.Timestamp("2026-03-03T00:00:00Z") - pd.Timedelta(hours=hours)
    table = csv(tmp_path, "time,lon,lat", f"2026-03-03 08:00:00,{PLACE}", now=now.to_pydatetime())
    assert len(table.attrs["notices"]) == late


def test_a_declared_datum_and_zone_replace_those_of_the_format(tmp_path):
    path = tmp_path / "walk.gpx"
    path.write_text(gpx(""), encoding="utf-8")
    shifted = read_tracks(path, datum="GCJ-02")
    assert shifted["declared_datum"].tolist() == ["GCJ-02"]
    assert abs(shifted["lon"].iloc[0] - 118.8) > 0.004
    plt = "OziExplorer Track Point File Version 2.1\nWGS 84\nAltitude is in Feet\nReserved 3\n0,2,255,walk,0,0,2,1\n1\n"
    (tmp_path / "walk.plt").write_text(f"{plt} 32.1, 118.8,1,-777,46084.3333333,,\n", encoding="utf-8")
    local = read_tracks(tmp_path / "walk.plt", zone="Asia/Shanghai")["time"].iloc[0]
    assert local.isoformat() == "2026-03-03T00:00:00+00:00"
    assert read_tracks(tmp_path / "walk.plt")["time"].iloc[0] - local == pd.Timedelta(hours=8)


def test_an_error_about_all_fixes_names_the_first(tmp_path):
    with pytest.raises(FileError, match=r"none of 2 fixes can be used; the first \(record 2\) time 'a'"):
        csv(tmp_path, "time,lon,lat", f"a,{PLACE}", f"b,{PLACE}")
