"""Tables as found in practice: reconstructed from public reports, and the shared files if available."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from geo.errors import ColumnError, CrsError, DatumError, FileError
from geo.incidents import read_incidents
from geo.tracks import read_tracks

HEAD = ["工单编号", "受理时间", "经度", "纬度"]


def csv(folder: Path, text: str, name: str = "a.csv", encoding: str = "utf-8") -> Path:
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


def book(folder: Path, **sheets: list[list[object]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
    made.save(folder / "book.xlsx")
    return folder / "book.xlsx"


def rows(prefix: str, lon: float = 118.81) -> list[list[object]]:
    return [HEAD, *([f"{prefix}{i}", dt.datetime(2026, 3, 1, 8, i), lon + i / 1000, 32.1] for i in range(3))]


def test_other_sheets_are_told_and_can_be_named(tmp_path):
    path = book(tmp_path, 三月=rows("G"), 二月=rows("H", 118.82))
    frame = read_incidents(path, datum="WGS-84")
    assert frame["incident_id"].tolist() == ["G0", "G1", "G2"]
    assert "read the sheet '三月' alone, not 二月; name another as book.xlsx/SHEET" in str(frame.attrs["notices"][0])
    named = read_incidents(path / "二月", datum="WGS-84")
    assert named["incident_id"].tolist() == ["H0", "H1", "H2"]
    assert named.attrs["notices"] == []
    with pytest.raises(FileError, match="has no sheet '四月'; it has 三月, 二月"):
        read_incidents(path / "四月", datum="WGS-84")


def test_a_cover_sheet_is_passed_over_and_said(tmp_path):
    cover = [["导出说明", None], ["本表由系统导出", "请勿修改"], ["时间", "2026-03"]]
    frame = read_incidents(book(tmp_path, 说明=cover, 工单=rows("G")), datum="WGS-84")
    assert frame["incident_id"].tolist() == ["G0", "G1", "G2"]
    assert frame.attrs["source"] == {"sheet": "工单"}
    assert "passed over sheets without a table: 说明" in str(frame.attrs["notices"][0])


def test_a_heading_merged_over_two_rows_and_cells_merged_over_rows(tmp_path):
    made = openpyxl.Workbook()
    sheet = made.active
    for row in (
        ["明细表"],
        ["工单编号", "受理时间", "位置", None, "来源"],
        [None, None, "经度", "纬度", None],
        ["G0", "2026-03-01 08:00", 118.81, 32.1, "热线"],
        ["G1", "2026-03-01 08:01", 118.82, 32.1, None],
        ["G2", "2026-03-01 08:02", 118.83, 32.1, None],
    ):
        sheet.append(row)
    for span in ("A1:E1", "A2:A3", "B2:B3", "C2:D2", "E2:E3", "E4:E5"):
        sheet.merge_cells(span)
    made.save(tmp_path / "a.xlsx")
    frame = read_incidents(tmp_path / "a.xlsx", datum="WGS-84")
    assert frame["incident_id"].tolist() == ["G0", "G1", "G2"]
    assert frame["reported_at"].notna().all()
    assert frame["lon"].tolist() == [118.81, 118.82, 118.83]
    assert frame["source"].tolist() == ["热线", "热线", None]
    assert frame["source_row"].tolist() == [4, 5, 6]


def test_a_page_named_xls_with_spans(tmp_path):
    page = """<html><table><tr><th rowspan=2>编号</th><th colspan=2>位置</th></tr><tr><th>经度</th><th>纬度</th></tr>
      <tr><td>1</td><td>118.81</td><td>32.1</td></tr><tr><td>2</td><td>118.82</td><td>32.1</td></tr></table></html>"""
    frame = read_incidents(csv(tmp_path, page, "a.xls"), datum="WGS-84")
    assert frame["incident_id"].tolist() == ["1", "2"]
    assert frame["lon"].tolist() == [118.81, 118.82]


@pytest.mark.parametrize("damage", ["cut", "zeros", "no sheet", "bad xml"])
def test_damaged_workbooks_are_refused_in_one_line(damage, tmp_path):
    path = book(tmp_path, 工单=[HEAD, *([f"G{i}", "2026-03-01", 118.8, 32.1] for i in range(2_000))])
    raw = path.read_bytes()
    if damage == "cut":
        path.write_bytes(raw[: len(raw) // 2])
    elif damage == "zeros":
        with zipfile.ZipFile(path) as archive:
            start = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 200
        path.write_bytes(raw[:start] + bytes(500) + raw[start + 500 :])
    else:
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        parts["xl/worksheets/sheet1.xml"] = b"<worksheet><sheetData><row>"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                if damage == "bad xml" or name != "xl/worksheets/sheet1.xml":
                    archive.writestr(name, content)
    for read in (read_incidents, read_tracks):
        with pytest.raises(
            FileError, match=r"book\.xlsx: (cannot be read as an Excel file|all sheets are empty)"
        ) as caught:
            read(path, datum="WGS-84", zone="Asia/Shanghai")
        assert "\n" not in str(caught.value)


def test_a_file_of_ours_that_names_columns_like_ours(tmp_path):
    frame = read_incidents(csv(tmp_path, "id,lon,lat,cell,repeat\n1,118.8,32.1,mine,never\n"), datum="WGS-84")
    assert frame["cell_as_read"].tolist() == ["mine"]
    assert frame["repeat_as_read"].tolist() == ["never"]
    assert frame["repeat"].tolist() == [False]
    assert "have reserved names; kept as cell_as_read, repeat_as_read" in str(frame.attrs["notices"][0])


def test_northing_first_and_zone_prefixes_are_named(tmp_path):
    with pytest.raises(CrsError, match=r"a\.csv: X坐标, Y坐标: easting and northing are exchanged .* axes are swapped"):
        read_incidents(csv(tmp_path, "X坐标,Y坐标\n3553835.569,387929.765\n"), crs="EPSG:4549")
    lines = "X坐标,Y坐标\n40387929.765,3553835.569\n387929.765,3553835.569\n387930.765,3553835.569\n"
    frame = read_incidents(csv(tmp_path, lines), crs="EPSG:4549")
    assert [(r["row"], r["reason"]) for r in frame.attrs["refused"]] == [(2, "has an easting with the zone prefix 40")]
    assert len(frame) == 2


def test_a_delimiter_in_quotes_and_thousands(tmp_path):
    lines = ["编号,上报时间,X坐标,Y坐标,描述"]
    lines += [f'{i},2026-03-01 08:00,"387,92{i}.5","3,553,835",' + '"a;b;c;d;e;f"' for i in range(5)]
    frame = read_incidents(csv(tmp_path, "\n".join(lines)), crs="EPSG:4549")
    assert len(frame) == 5
    assert frame["描述"].tolist() == ["a;b;c;d;e;f"] * 5


#: First rows of the exports of cities: headers, a row, and the expected number, kind and local time.
CITIES = {
    "New York 311": (
        "Unique Key,Created Date,Closed Date,Agency,Complaint Type,Descriptor,Incident Address,"
        "X Coordinate (State Plane),Y Coordinate (State Plane),Open Data Channel Type,Latitude,Longitude,Location",
        '1,03/14/2026 02:30:00 PM,,NYPD,Noise,x,1 A ST,,,PHONE,40.7,-74,"(40.7, -74)"',
        ("1", "Noise", "2026-03-14 14:30"),
    ),
    "New York police": (
        "CMPLNT_NUM,CMPLNT_FR_DT,CMPLNT_FR_TM,RPT_DT,KY_CD,OFNS_DESC,X_COORD_CD,Y_COORD_CD,Latitude,Longitude,Lat_Lon",
        "1,03/13/2026,10:00:00,03/14/2026,341,LARCENY,980000,190000,40.7,-74,POINT (-74 40.7)",
        ("1", "LARCENY", "2026-03-14 00:00"),
    ),
    "Los Angeles": (
        "DR_NO,Date Rptd,DATE OCC,TIME OCC,AREA,AREA NAME,Crm Cd,Crm Cd Desc,LOCATION,Cross Street,LAT,LON",
        "1,03/14/2026 12:00:00 AM,03/13/2026 12:00:00 AM,1430,1,Central,510,STOLEN,1 A ST,,40.7,-74",
        ("1", "STOLEN", "2026-03-14 00:00"),
    ),
    "Chicago": (
        "ID,Case Number,Date,Block,IUCR,Primary Type,Description,Location Description,"
        "X Coordinate,Y Coordinate,Latitude,Longitude,Location",
        "9,JA1,03/14/2026 02:30:00 PM,1 A ST,0486,BATTERY,x,STREET,,,40.7,-74,",
        ("JA1", "BATTERY", "2026-03-14 14:30"),
    ),
    "Chicago 311": (
        "SR_NUMBER,SR_TYPE,SR_SHORT_CODE,STATUS,ORIGIN,CREATED_DATE,LAST_MODIFIED_DATE,STREET_ADDRESS,LATITUDE,LONGITUDE",
        "SR1,Pothole,PHF,Open,Web,03/14/2026 02:30:00 PM,,1 A ST,40.7,-74",
        ("SR1", "Pothole", "2026-03-14 14:30"),
    ),
    "Houston 311": (
        "CASE NUMBER,NEIGHBORHOOD,DEPARTMENT,SR TYPE,QUEUE,SR CREATE DATE,DUE DATE,DATE CLOSED,x,y,"
        "LATITUDE,LONGITUDE,Channel Type",
        "1,A,B,Pothole,Q,2026-03-14 14:30:00,,,,,40.7,-74,WEB",
        ("1", "Pothole", "2026-03-14 14:30"),
    ),
    "Houston police": (
        "Incident,RMSOccurrenceDate,RMSOccurrenceHour,NIBRSClass,NIBRSDescription,Beat,StreetName,MapLongitude,MapLatitude",
        "1,2026-03-14,14,23F,Theft,1A,MAIN,-74,40.7",
        ("1", "Theft", "2026-03-14 00:00"),
    ),
    "Philadelphia": (
        "the_geom,cartodb_id,objectid,dc_dist,dispatch_date_time,dispatch_date,dispatch_time,dc_key,location_block,ucr_general,"
        "text_general_code,point_x,point_y,lat,lng",
        "0101,1,2,3,2026-03-14 14:30:00-04:00,2026-03-14,14:30:00,77,1 A ST,600,Thefts,-74,40.7,40.7,-74",
        ("77", "Thefts", "2026-03-14 14:30"),
    ),
    "San Diego": (
        "service_request_id,date_requested,case_age_days,service_name,date_closed,status,lat,lng,street_address,case_origin",
        "1,2026-03-14T14:30:00,3,Pothole,,Open,40.7,-74,1 A ST,Mobile",
        ("1", "Pothole", "2026-03-14 14:30"),
    ),
    "San Francisco": (
        "Incident Datetime,Incident Date,Incident Time,Report Datetime,Row ID,Incident ID,Incident Number,Incident Category,"
        "Latitude,Longitude,Point",
        "2026/03/13 10:00:00 AM,2026/03/13,10:00,2026/03/14 02:30:00 PM,1,2,77,Fraud,40.7,-74,POINT (-74 40.7)",
        ("2", "Fraud", "2026-03-14 14:30"),
    ),
    "San Francisco 311": (
        "CaseID,Opened,Closed,Updated,Status,Responsible Agency,Category,Request Type,Address,Latitude,Longitude,Source",
        "1,03/14/2026 02:30:00 PM,,,Open,DPW,Streets,Cleaning,1 A ST,40.7,-74,Phone",
        ("1", "Cleaning", "2026-03-14 14:30"),
    ),
    "Boston": (
        "CASE_ENQUIRY_ID,OPEN_DT,SLA_TARGET_DT,CLOSED_DT,CASE_STATUS,CASE_TITLE,SUBJECT,REASON,TYPE,LATITUDE,LONGITUDE,SOURCE",
        "1,2026-03-14 14:30:00,,,Open,x,y,z,Pothole,40.7,-74,App",
        ("1", "Pothole", "2026-03-14 14:30"),
    ),
    "Boston police": (
        "INCIDENT_NUMBER,OFFENSE_CODE,OFFENSE_CODE_GROUP,OFFENSE_DESCRIPTION,OCCURRED_ON_DATE,YEAR,MONTH,STREET,Lat,Long,Location",
        '1,619,Larceny,LARCENY ALL,2026-03-14 14:30:00,2026,3,MAIN,40.7,-74,"(40.7, -74)"',
        ("1", "Larceny", "2026-03-14 14:30"),
    ),
    "Open311": (
        "service_request_id,status,service_name,service_code,requested_datetime,updated_datetime,expected_datetime,address,lat,long",
        "1,open,Pothole,7,2026-03-14T14:30:00-04:00,2026-03-15T14:30:00-04:00,,1 A ST,40.7,-74",
        ("1", "Pothole", "2026-03-14 14:30"),
    ),
    "Toronto": (
        "OBJECTID,EVENT_UNIQUE_ID,REPORT_DATE,OCC_DATE,REPORT_YEAR,DIVISION,OFFENCE,MCI_CATEGORY,LONG_WGS84,LAT_WGS84,x,y",
        "9,GO-1,2026-03-14 14:30:00,2026-03-13,2026,D1,Assault B.H.,Assault,-74,40.7,-8000000,5000000",
        ("GO-1", "Assault", "2026-03-14 14:30"),
    ),
    "Washington": (
        "CCN,REPORT_DAT,SHIFT,METHOD,OFFENSE,BLOCK,XBLOCK,YBLOCK,LATITUDE,LONGITUDE,X,Y",
        "1,2026/03/14 14:30:00,DAY,OTHERS,THEFT,1 A ST,397000,137000,40.7,-74,1,2",
        ("1", "THEFT", "2026-03-14 14:30"),
    ),
}


@pytest.mark.parametrize("city", list(CITIES))
def test_the_headers_of_cities_are_guessed(city, tmp_path):
    header, row, (number, kind, local) = CITIES[city]
    frame = read_incidents(csv(tmp_path, f"{header}\n{row}\n"), datum="WGS-84", zone="America/New_York")
    found = frame.iloc[0]
    assert (found["incident_id"], found["kind_name"]) == (number, kind)
    assert (found["lon"], found["lat"]) == (-74.0, 40.7)
    assert found["reported_at"] == pd.Timestamp(local, tz="America/New_York")


def test_a_year_to_come_is_told(tmp_path):
    path = csv(tmp_path, "device,time,lon,lat\nA,2099-03-03 08:00:00,118.8,32.1\nA,2026-03-03 08:00:00,118.8,32.1\n")
    now = dt.datetime(2026, 3, 4, tzinfo=dt.UTC)
    track = read_tracks(path, datum="WGS-84", zone="Asia/Shanghai", now=now)
    assert len(track) == 2
    assert "1 fix is later than now (such as a.csv row 2, the last of 2099-03-03)" in str(track.attrs["notices"][0])
    assert read_tracks(path, datum="WGS-84", zone="Asia/Shanghai").attrs["notices"] == []


def test_one_odd_file_among_several_is_refused_by_itself(tmp_path):
    good = csv(tmp_path, "device,time,lon,lat\nA,2026-03-03T08:00:00Z,118.8,32.1\n")
    odd = [
        csv(tmp_path, "who,when\na,b\n", "b.csv"),
        csv(tmp_path, "PK\x03\x04", "c.xlsx"),
        csv(tmp_path, "<kml/>x", "d.txt"),
    ]
    odd.append(csv(tmp_path, "time,百度经度,百度纬度\n2026-03-03T08:00:00Z,118.8,32.1\n", "e.csv"))
    track = read_tracks([good, *odd], datum="WGS-84")
    assert track["source"].tolist() == ["a.csv"]
    assert [(r["source"], r["row"]) for r in track.attrs["refused"]] == [(path.name, None) for path in odd]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("日期,时间,经度,纬度,姓名", "2026-03-03,08:00:00,118.795,32.10,张三"),
        ("手机号,上报时间,经纬度", '1,2026-03-03 08:00:00,"118.795,32.1"'),
        ("time,lat,lon", "46084.333333,32.1,118.795"),
        ("time,lat,lon", "2026-03-03T08:00:00+0800,32.1,118.795"),
        ("time,lat,lon", "2026-03-03 08:00:00 +08:00,32.1,118.795"),
        ("time,lat,lon", "2026-03-03 上午8:00,32.1°,118.795°"),
        ("time,lat,lon", "2026-03-03 8:00 AM,32.1N,118.795E"),
        ("time,latitudeE7,longitudeE7", "1772496000000,321000000,1187950000"),
        ("timestamp,location.latitude,location.longitude", "1772496000000000000,32.1,118.795"),
        ("time,wkt", "2026-03-03 08:00:00,POINT (118.795 32.1)"),
        ("Device Name,Valid,Time,Latitude,Longitude,Speed", "o1,true,2026-03-03 08:00:00,32.1°,118.795°,3.6 km/h"),
        ("time,speed(km/h),lon(WGS84),lat(WGS84)", "2026/3/3 8:00,3.6,118.795,32.1"),
    ],
)
def test_tracks_as_programs_export_them(header, row, tmp_path):
    datum = None if "WGS84" in header else "WGS-84"
    track = read_tracks(csv(tmp_path, f"{header}\n{row}\n"), datum=datum, zone="Asia/Shanghai")
    assert (track["lon"].iloc[0], track["lat"].iloc[0]) == (118.795, 32.1)
    assert track["time"].iloc[0] == pd.Timestamp("2026-03-03T00:00Z")
    assert track["speed"].iloc[0] == (1.0 if "peed" in header else pytest.approx(float("nan"), nan_ok=True))


def test_negative_accuracy_and_speed_mean_that_nothing_is_known(tmp_path):
    path = csv(tmp_path, "time,lon,lat,horizontalAccuracy,speed\n2026-03-03T08:00:00Z,118.8,32.1,-1,-1\n")
    track = read_tracks(path, datum="WGS-84")
    assert track[["accuracy_m", "speed"]].isna().all(axis=None)


def test_the_shared_reports_about_incidents(shared_data):
    folder = shared_data / "field-reports"

    def read(name, **options):
        return read_incidents(folder / name, **({"datum": "WGS-84"} | options))

    assert read("01-glued-date-crash.csv").attrs["unread_times"] == ({"row": 3, "value": "2026-03-01（补录）"},)
    quoted = read("02-unbalanced-quote.csv")
    assert len(quoted) == 5
    assert "rows 3 have a quotation mark" in quoted.attrs["notices"][0].en
    ranges = read("03-range-as-offset.csv")
    assert [r["row"] for r in ranges.attrs["unread_times"]] == [2, 4, 5, 7]
    local = ranges["reported_at"].dropna().dt.tz_convert("Asia/Shanghai")
    assert local.dt.strftime("%H:%M").tolist() == [
        "09:05",
        "09:00",
        "09:05",
    ]
    assert read("04-header-names-datum.csv")["lon"].tolist() == [118.81]
    assert abs(read("04-header-names-datum.csv", datum="BD-09")["lon"].iloc[0] - 118.81) < 0.001
    with pytest.raises(DatumError, match="GCJ-02"):
        read("05-gcj-in-header.csv")
    assert abs(read("05-gcj-in-header.csv", datum=None)["lon"].iloc[0] - 118.81) < 0.001
    merged = read("06-two-row-header.xlsx")
    assert merged["incident_id"].tolist() == ["G0", "G1", "G2"]
    assert merged["reported_at"].notna().all()
    assert len(read("07-second-sheet.xlsx").attrs["notices"]) == 1
    assert read("07-second-sheet.xlsx/二月")["incident_id"].tolist() == ["H0", "H1", "H2"]
    assert read("07b-cover-sheet.xlsx")["incident_id"].tolist() == ["G0", "G1", "G2"]
    with pytest.raises(CrsError, match="axes are swapped"):
        read("10-northing-first.csv", datum=None, crs="EPSG:4549")
    beyond = read("11-beyond-crs.csv", datum=None, crs="EPSG:4549")
    assert [(r["row"], r["reason"]) for r in beyond.attrs["refused"]] == [(2, "has an easting with the zone prefix 40")]
    assert len(read("13-delimiter-in-quotes.csv")) == 5


def test_the_shared_reports_about_tracks(shared_data):
    folder = shared_data / "field-reports-tracks"
    moment = pd.Timestamp("2026-03-03T00:00Z")
    names = [
        "offset-hours-only",
        "date_time_zh",
        "lnglat_one",
        "excelserial",
        "off4",
        "offsp",
        "sensor-logger",
        "traccar_report",
    ]
    for name in names:
        track = read_tracks(folder / f"{name}.csv", datum="WGS-84", zone="Asia/Shanghai")
        assert (track["time"].iloc[0], track["lon"].iloc[0], track["lat"].iloc[0]) == (moment, 118.795, 32.1), name
    assert read_tracks(folder / "ns.csv", datum="WGS-84")["time"].iloc[0] == pd.Timestamp("2026-03-03T08:00:00.123456Z")
    assert read_tracks(folder / "baidu.csv", zone="Asia/Shanghai")["declared_datum"].tolist() == ["BD-09"]
    with pytest.raises(FileError, match=r"corrupt\.xlsx: cannot be read as an Excel file"):
        read_tracks(folder / "corrupt.xlsx", datum="WGS-84")
    inside = sorted((folder / "folder-with-nmea-txt").iterdir())
    both = read_tracks(inside, datum="WGS-84", zone="Asia/Shanghai")
    assert both["source"].drop_duplicates().tolist() == ["nmea+ms.txt", "zh.csv"]


def test_positions_alone_are_no_guess(tmp_path):
    with pytest.raises(ColumnError, match="经度\\(GCJ02\\) and 纬度\\(WGS84\\) are no pair"):
        read_incidents(csv(tmp_path, "编号,经度(GCJ02),纬度(WGS84)\n1,118.8,32.1\n"), datum="WGS-84")
