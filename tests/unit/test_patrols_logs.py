"""Logs of other programs: Traccar, OwnTracks, NMEA and Excel."""

from __future__ import annotations

import json

import openpyxl
import pytest

from geo.errors import DatumError, FileError, InputError
from geo.patrols import read_tracks


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_traccar_positions(tmp_path):
    rows = [
        {
            "deviceId": 7,
            "fixTime": "2026-11-23T01:00:00.000+00:00",
            "latitude": 32.1,
            "longitude": 118.8,
            "speed": 2.0,
            "accuracy": 8.5,
            "valid": True,
            "attributes": {"mock": True},
        },
        {
            "deviceId": 7,
            "fixTime": "2026-11-23T01:00:10.000+00:00",
            "latitude": 32.1,
            "longitude": 118.8,
            "valid": False,
        },
    ]
    found = read_tracks(written(tmp_path, "traccar.json", rows))
    assert found[["device", "lon", "lat", "accuracy_m"]].to_numpy().tolist() == [["7", 118.8, 32.1, 8.5]]
    assert found["speed"].iloc[0] == pytest.approx(2 * 1852 / 3600)
    assert bool(found["mock"].iloc[0])
    assert [(row["row"], "invalid" in row["reason"]) for row in found.attrs["refused"]] == [(2, True)]


def test_owntracks_lines_with_other_messages_between(tmp_path):
    lines = [
        {
            "_type": "location",
            "tst": 1795395600,
            "lat": 32.1,
            "lon": 118.8,
            "acc": 12,
            "vel": 36,
            "topic": "owntracks/li/phone",
        },
        {"_type": "lwt", "tst": 1795395600},
    ]
    lines.append(lines[0] | {"topic": "owntracks/wang/phone"})
    found = read_tracks(written(tmp_path, "log.json", "\n".join(json.dumps(line) for line in lines)))
    assert found[["device", "officer"]].to_numpy().tolist() == [["li/phone", "li"], ["wang/phone", "wang"]]
    assert found["speed"].iloc[0] == pytest.approx(10.0)
    assert str(found["time"].iloc[0]) == "2026-11-23 01:00:00+00:00"
    assert found.attrs["refused"][0]["row"] == 2


def sentence(body):
    value = 0
    for character in body.encode():
        value ^= character
    return f"${body}*{value:02X}"


def test_nmea_takes_what_is_sound_and_names_the_rest(tmp_path):
    good = sentence("GPRMC,010000.00,A,3206.0000,N,11848.0000,E,002.0,084.4,231126,,")
    lines = [
        sentence("GPGGA,010000.00,3206.0,N,11848.0,E,1,08,1.2,20,M,,M,,"),
        good,
        good[:-2] + "00",
        sentence("GPRMC,010010.00,V,,,,,,,231126,,"),
        sentence("GPRMC,010020.00,A,3206.0,X,11848.0,E,,,231126,,"),
    ]
    found = read_tracks(written(tmp_path, "log.nmea", "\n".join(lines)))
    assert found[["lat", "lon", "accuracy_m"]].to_numpy().tolist() == [[32.1, 118.8, 6.0]]
    assert str(found["time"].iloc[0]) == "2026-11-23 01:00:00+00:00"
    assert [row["row"] for row in found.attrs["refused"]] == [3, 4, 5]


def test_nmea_without_dates_is_refused(tmp_path):
    with pytest.raises(FileError, match="no RMC sentence"):
        read_tracks(written(tmp_path, "log.nmea", "$GPGSV,3,1,11*00"))


def test_excel_with_a_title_above_the_header(tmp_path):
    book = openpyxl.Workbook()
    for row in (
        ["巡查轨迹"],
        ["设备号", "时间", "经度", "纬度"],
        ["D1", "2026-11-23 09:00:00", 118.8, 32.1],
        [None] * 4,
    ):
        book.active.append(row)
    path = tmp_path / "tracks.xlsx"
    book.save(path)
    found = read_tracks(path, datum="WGS-84", zone="Asia/Shanghai")
    assert found[["device", "row"]].to_numpy().tolist() == [["D1", 3]]
    assert str(found["time"].iloc[0]) == "2026-11-23 01:00:00+00:00"
    with pytest.raises(DatumError):
        read_tracks(path, zone="Asia/Shanghai")
    with pytest.raises(InputError):
        read_tracks(path, datum="WGS-84")


def test_what_is_no_workbook_is_refused(tmp_path):
    with pytest.raises(FileError, match="no header row"):
        read_tracks(written(tmp_path, "tracks.xlsx", "text"))
