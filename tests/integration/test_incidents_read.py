"""Reading of incident files as found in practice."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely

from geo.errors import ColumnError, CrsError, DatumError, FileError, GeometryError, InputError
from geo.incidents import INCIDENT_COLUMNS, assign, counts, read_incidents
from geo.layers import convert, write_layer

HEADER = "工单编号,受理时间,问题类型,来源,事发位置,经度,纬度,备注"
ROWS = [
    "A1,2026-03-05 14:30,店外经营,12345热线,和燕路1号,118.8127,32.1025,=1+1",
    'A2,2026/3/6 8:05,乱停车,市长信箱,"和燕路2号,东侧",118.8130,32.1030,<script>alert(1)</script>',
    "A1,2026年3月7日 9时,店外经营,巡查,和燕路1号,118.8127,32.1025,",
    "A4,昨天,暴露垃圾,巡查,迈皋桥街,,,只有地址",
    "A5,2026-03-08,暴露垃圾,巡查,,32.10,118.81,",
    "A6,,暴露垃圾,巡查,,0,0,",
    "A7,2026-03-09 10:00,暴露垃圾,巡查,,１１８．８２,32.11°,全角",
    "A8,2026-03-10 10:00,暴露垃圾,巡查,,abc,32.11,",
]


def _csv(folder: Path, text: str, encoding: str = "utf-8", name: str = "reports.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_in_every_usual_encoding(tmp_path, encoding, delimiter):
    lines = [HEADER, *(row for row in ROWS if '"' not in row)]
    path = _csv(tmp_path, "\r\n".join(lines).replace(",", delimiter) + "\r\n", encoding)
    frame = read_incidents(path, datum="WGS-84")
    assert frame["incident_id"].tolist() == ["A1", "A1", "A5", "A7"]
    assert frame["kind_name"].tolist() == ["店外经营", "店外经营", "暴露垃圾", "暴露垃圾"]
    assert frame.crs == "EPSG:4326"


def test_what_is_read_what_is_refused_and_what_is_marked(tmp_path):
    frame = read_incidents(_csv(tmp_path, "\n".join([HEADER, *ROWS])), datum="WGS-84")
    assert tuple(frame.columns[: len(INCIDENT_COLUMNS)]) == INCIDENT_COLUMNS
    assert frame.index.tolist() == [0, 1, 2, 3, 4]
    assert frame["source_row"].tolist() == [2, 3, 4, 6, 8]
    assert frame["repeat"].tolist() == [False, False, True, False, False]
    assert frame["reported_at"].tolist()[:3] == [
        pd.Timestamp("2026-03-05T06:30Z"),
        pd.Timestamp("2026-03-06T00:05Z"),
        pd.Timestamp("2026-03-07T01:00Z"),
    ]
    # The catalogue completes known kinds and leaves the others unchanged.
    assert frame["kind_code"].tolist() == ["09005", "09009", "09005", "06010", "06010"]
    assert frame["kind_name"].iloc[1] == "乱停车"
    assert frame["kind_match"].tolist()[:2] == ["name", "phrase"]
    assert frame["kind_confidence"].tolist()[:2] == [1.0, 0.9]
    assert frame["standard_ref"].tolist()[:2] == ["GB/T 47678.5-2026", "GB/T 47678.5-2026"]
    assert frame["address"].iloc[1] == "和燕路2号,东侧"
    # Text remains text, including formulas.
    assert frame["备注"].tolist()[:2] == ["=1+1", "<script>alert(1)</script>"]
    assert frame["lon"].tolist()[3:] == [118.81, 118.82]
    assert {r["row"]: r["reason"] for r in frame.attrs["refused"]} == {
        5: "has an address but no coordinates",
        7: "is at 0, 0, which stands for no position",
        9: "has a coordinate that is missing or not a number",
    }
    assert frame.attrs["swapped"] == ({"row": 6},)
    assert frame.attrs["refused"][0]["values"]["事发位置"] == "迈皋桥街"
    assert frame.attrs["columns"] == {
        "incident_id": "工单编号",
        "reported_at": "受理时间",
        "kind_name": "问题类型",
        "source": "来源",
        "address": "事发位置",
        "lon": "经度",
        "lat": "纬度",
    }
    assert len(frame) + len(frame.attrs["refused"]) == len(ROWS)


def test_datum_must_be_declared_and_is_converted(tmp_path):
    lon, lat = convert([118.8127], [32.1025], "WGS-84", "GCJ-02")
    path = _csv(tmp_path, f"id,lon,lat\n007,{lon[0]:.9f},{lat[0]:.9f}\n")
    with pytest.raises(DatumError, match=r"reports\.csv: the datum .* not declared"):
        read_incidents(path)
    with pytest.raises(DatumError, match="not a known datum"):
        read_incidents(path, datum="北京54")
    frame = read_incidents(path, datum="gcj02")
    assert frame["lon"].iloc[0] == pytest.approx(118.8127, abs=1e-8)
    assert frame.geometry.y.iloc[0] == pytest.approx(32.1025, abs=1e-8)
    assert frame["lon_as_read"].iloc[0] == f"{lon[0]:.9f}"
    assert frame["incident_id"].iloc[0] == "007"
    assert frame.attrs["datum"] == "GCJ-02"


def test_title_rows_blank_rows_and_ragged_rows(tmp_path):
    text = "迈皋桥街道案件清单,,\n统计期:2026年3月,,\n编号,经度,纬度\n"
    text += "1,118.81,32.10\n\n2,118.81,32.10,多,余\n3,118.81\n4,118.82,32.11\n"
    frame = read_incidents(_csv(tmp_path, text), datum="CGCS2000")
    assert frame["source_row"].tolist() == [4, 8]
    assert [(r["row"], r["reason"][:12]) for r in frame.attrs["refused"]] == [(6, "has 5 fields"), (7, "has a coordi")]


def test_columns_can_be_named(tmp_path):
    path = _csv(tmp_path, "东,北,何时\n118.81,32.10,46086.5\n")
    with pytest.raises(ColumnError, match="no columns of longitude and latitude among 东, 北, 何时"):
        read_incidents(path, datum="WGS-84")
    frame = read_incidents(path, datum="WGS-84", columns={"lon": "东", "lat": "北", "reported_at": "何时"})
    assert frame["reported_at"].iloc[0] == pd.Timestamp("2026-03-05T04:00Z")
    with pytest.raises(ColumnError, match="the file has no column '西'"):
        read_incidents(path, datum="WGS-84", columns={"lon": "西", "lat": "北"})
    with pytest.raises(ColumnError, match="'height' is not a column of incidents"):
        read_incidents(path, datum="WGS-84", columns={"height": "东"})


def test_both_coordinates_in_one_field_and_metres(tmp_path):
    frame = read_incidents(_csv(tmp_path, '坐标,编号\n"118.8127,32.1025",1\n"(118.82，32.11)",2\n'), datum="WGS-84")
    assert frame["lat"].tolist() == [32.1025, 32.11]
    metres = read_incidents(_csv(tmp_path, "x,y\n387929.765,3553835.569\n"), crs="EPSG:4549")
    assert metres["lon"].iloc[0] == pytest.approx(118.8127, abs=1e-7)
    assert metres["lat"].iloc[0] == pytest.approx(32.1025, abs=1e-7)


def test_excel(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "空"
    sheet = book.create_sheet("案件")
    sheet.append(["案件清单"])
    sheet.append(["编号", "上报时间", "事项代码", "标准号", "经度", "纬度"])
    sheet.append([1001, pd.Timestamp("2026-03-05 14:30").to_pydatetime(), 6010, "GB/T 47678.5-2026", 118.81, 32.10])
    sheet.append([1002.0, 46086.604166667, "09005", None, "118.82", "32.11"])
    sheet.append([])
    sheet.append([1003, "不详", None, None, None, None])
    book.save(tmp_path / "reports.xlsx")
    frame = read_incidents(tmp_path / "reports.xlsx", datum="WGS-84")
    assert frame["incident_id"].tolist() == ["1001", "1002"]
    assert (frame["reported_at"] == pd.Timestamp("2026-03-05T06:30Z")).all()
    assert frame["kind_name"].tolist() == ["暴露垃圾", None]
    assert frame["kind_code"].tolist() == ["06010", "09005"]
    assert frame["source_row"].tolist() == [3, 4]
    assert [r["row"] for r in frame.attrs["refused"]] == [6]
    assert frame.attrs["source"] == {"sheet": "案件"}


def test_times_that_cannot_be_read_are_told(tmp_path):
    given = ["昨天", "", "3/5/2026", "20260305143000"]
    path = _csv(
        tmp_path,
        "\n".join(["id,time,lon,lat", *(f"{i},{t},118.81,32.1" for i, t in enumerate(given, 1))]),
    )
    frame = read_incidents(path, datum="WGS-84")
    assert frame["reported_at"].isna().tolist() == [True, True, True, False]
    relative, unclear = frame.attrs["unread_times"]
    assert (relative["row"], relative["value"], relative["reason_zh"][:12]) == (2, "昨天", "“昨天”须按填表日期推算")
    assert (unclear["row"], unclear["value"], unclear["kind"]) == (4, "3/5/2026", "two readings")
    assert unclear["reason"].startswith("'3/5/2026' is 2026-03-05 or 2026-05-03")
    with pytest.raises(InputError, match="'Nanjing' is not a time zone"):
        read_incidents(path, datum="WGS-84", zone="Nanjing")


def test_times_relative_to_the_day_in_the_title(tmp_path):
    lines = [
        "案件日报（2026年3月2日）,,,",
        "编号,受理时间,经度,纬度",
        "1,昨天下午3点,118.81,32.1",
        "2,2026-02-27 08:00,118.81,32.1",
        "3,上周三,118.81,32.1",
    ]
    frame = read_incidents(_csv(tmp_path, "\n".join(lines)), datum="WGS-84")
    assert frame["reported_at"].dt.tz_convert("Asia/Shanghai").dt.strftime("%m-%d %H:%M").tolist()[:2] == [
        "03-01 15:00",
        "02-27 08:00",
    ]
    assert frame["受理时间"].tolist() == ["昨天下午3点", "2026-02-27 08:00", "上周三"]
    assert frame.attrs["notices"][0].zh == "第3行的时间（“昨天下午3点”）按填表日期推算"
    assert [(one["row"], one["reason"]) for one in frame.attrs["unread_times"]] == [
        (5, "'上周三' is not one certain day; write it as 2026-11-23 08:05")
    ]


@pytest.mark.parametrize(
    ("given", "hours"),
    [
        (["03/05/2026 02:30:00 PM", "03/18/2026 11:00:00 AM"], [6, 3]),  # A day over 12: the month comes first.
        (["05/03/2026 14:30", "18.03.2026 11:00"], [6, 3]),  # The day comes first.
        (["03/05/2026 14:30", "04/05/2026 14:30"], [None, None]),  # Undecidable.
        (["18/03/2026 14:30", "03/18/2026 14:30"], [None, None]),  # Contradictory.
        (["2026年3月5日 下午2点30分", "2026年3月5号 上午11时"], [6, 3]),
        (["Mar 5, 2026 2:30 PM", "5-Mar-2026 11:00"], [6, 3]),
        (["2026-03-05 凌晨1:00", "2026/3/5 中午12:30"], [17, 4]),
        (["5 Foo 2026", "2026-03-05 14:30 XYZ"], [None, None]),
    ],
)
def test_times_as_people_write_them(tmp_path, given, hours):
    lines = ["id,opened,lon,lat", *(f'{i},"{t}",118.81,32.1' for i, t in enumerate(given, 1))]
    frame = read_incidents(_csv(tmp_path, "\n".join(lines)), datum="WGS-84")
    assert frame["reported_at"].dt.hour.astype("Int64").tolist() == [pd.NA if h is None else h for h in hours]
    assert [r["value"] for r in frame.attrs["unread_times"]] == [
        t for t, h in zip(given, hours, strict=True) if h is None
    ]


def test_degrees_as_people_write_them(tmp_path):
    rows = [
        "118.8125°E,32.1025°N",
        "118°48'45\",32°6'9\"",
        "东经118度48分45秒,北纬32度06分09秒",
        "E 118.8125,N 32.1025",
    ]
    bad = ["118°75',32°6'", "一百一十八,三十二", "118.8125E118,32.1025"]
    quoted = [",".join('"' + part.replace('"', '""') + '"' for part in row.split(",")) for row in rows + bad]
    frame = read_incidents(_csv(tmp_path, "\n".join(["经度,纬度", *quoted])), datum="WGS-84")
    assert frame["lon"].to_numpy() == pytest.approx([118.8125] * 4, abs=1e-9)
    assert frame["lat"].to_numpy() == pytest.approx([32.1025] * 4, abs=1e-9)
    assert [r["row"] for r in frame.attrs["refused"]] == [6, 7, 8]
    west = read_incidents(_csv(tmp_path, "lon,lat\n77.5W,38.9N\n西经77.5,38.9\n"), datum="WGS-84")
    assert west["lon"].tolist() == [-77.5, -77.5]


@pytest.mark.parametrize(
    ("header", "row", "used"),
    [
        (
            "问题编号,上报日期,上报时间,大类,小类,坐标X,坐标Y",
            "1,2026-03-05,14:30,市容环境,暴露垃圾,118.81,32.1",
            {
                "incident_id": "问题编号",
                "reported_at": "上报日期",
                "clock": "上报时间",
                "kind_name": "小类",
                "lon": "坐标X",
                "lat": "坐标Y",
            },
        ),
        (
            "上报日期,上报时间,lon,lat",
            "2026-03-05,2026-03-05 14:30:00,118.81,32.1",
            {"reported_at": "上报日期", "clock": "上报时间", "lon": "lon", "lat": "lat"},
        ),
        (
            "投诉时间,结案时间,诉求分类,事发经度,事发纬度",
            "2026/3/5 14:30,2026/3/9 8:00,暴露垃圾,118.81,32.1",
            {"reported_at": "投诉时间", "kind_name": "诉求分类", "lon": "事发经度", "lat": "事发纬度"},
        ),
        (
            "Case #,Closed,Opened,Primary Type,Latitude (deg),Longitude (deg)",
            "1,2026-03-09,2026-03-05 14:30,暴露垃圾,32.1,118.81",
            {
                "incident_id": "Case #",
                "reported_at": "Opened",
                "kind_name": "Primary Type",
                "lon": "Longitude (deg)",
                "lat": "Latitude (deg)",
            },
        ),
        (
            "受理时间,类别,事发坐标",
            "2026-03-05 14:30,暴露垃圾,POINT (118.81 32.1)",
            {"reported_at": "受理时间", "kind_name": "类别", "lon_lat": "事发坐标"},
        ),
        (
            "受理时间,类别,latlng",
            '2026-03-05 14:30,暴露垃圾,"32.1,118.81"',
            {"reported_at": "受理时间", "kind_name": "类别", "lat_lon": "latlng"},
        ),
    ],
)
def test_headers_that_are_not_listed(tmp_path, header, row, used):
    frame = read_incidents(_csv(tmp_path, f"{header}\n{row}\n"), datum="WGS-84")
    assert frame.attrs["columns"] == used
    assert (frame["lon"].iloc[0], frame["lat"].iloc[0]) == (118.81, 32.1)
    assert frame["reported_at"].iloc[0] == pd.Timestamp("2026-03-05T06:30Z")
    assert frame.attrs["swapped"] == ()


def test_a_joint_field_with_the_latitude_first_can_be_named(tmp_path):
    path = _csv(tmp_path, 'id,Location\n1,"(38.9, -77.0)"\n')
    with pytest.raises(ColumnError, match="lon_lat or lat_lon where both stand in one field"):
        read_incidents(path, datum="WGS-84")
    frame = read_incidents(path, datum="WGS-84", columns={"lat_lon": "Location"})
    assert (frame["lon"].iloc[0], frame["lat"].iloc[0]) == (-77.0, 38.9)


def test_of_a_local_hour_that_comes_twice_the_first_is_meant_and_a_missing_one_is_told(tmp_path):
    lines = [
        "id,time,lon,lat",
        "1,2026-11-01 01:30,-77,38.9",
        "2,2026-11-01 03:30,-77,38.9",
        "3,2026-03-08 02:30,-77,38.9",
    ]
    frame = read_incidents(_csv(tmp_path, "\n".join(lines)), datum="WGS-84", zone="America/New_York")
    assert frame["reported_at"].tolist()[:2] == [pd.Timestamp("2026-11-01T05:30Z"), pd.Timestamp("2026-11-01T08:30Z")]
    assert frame.attrs["unread_times"] == ({"row": 4, "value": "2026-03-08 02:30"},)


def test_default_points_are_marked_and_told(tmp_path):
    rng = np.random.default_rng(8)
    lines = [
        f"{i},路{i},{118.80 + rng.integers(0, 4000) * 1e-5:.6f},{32.10 + rng.integers(0, 3000) * 1e-5:.6f}"
        for i in range(900)
    ]
    lines += [f"d{i},地址{i},118.812000,32.101000" for i in range(80)] + [
        f"e{i},同一处,118.820000,32.111000" for i in range(50)
    ]
    frame = read_incidents(_csv(tmp_path, "id,地址,lon,lat\n" + "\n".join(lines)), datum="WGS-84")
    assert frame["default_point"].sum() == 130
    assert len(frame) == 1030
    told = frame.attrs["default_points"]
    assert [(round(p["lon"], 6), p["reports"], p["addresses"]) for p in told] == [(118.812, 80, 80), (118.82, 50, 1)]


def test_geojson_with_rows_of_every_kind(tmp_path):
    shapes = [
        shapely.Point(118.81, 32.10),
        None,
        shapely.box(118.81, 32.10, 118.82, 32.11),
        shapely.MultiPoint([(118.82, 32.11)]),
        shapely.Point(),
        shapely.Point(118.83, 32.11),
    ]
    write_layer(gpd.GeoDataFrame({"kind": list("abcdef")}, geometry=shapes, crs="EPSG:4326"), tmp_path / "r.gpkg")
    frame = read_incidents(tmp_path / "r.gpkg")
    assert frame["kind_name"].tolist() == ["a", "d", "f"]
    assert frame["lon"].tolist() == [118.81, 118.82, 118.83]
    assert [(r["row"], r["reason"]) for r in frame.attrs["refused"]] == [
        (2, "has no position"),
        (3, "is not one point"),
        (5, "has no position"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.csv", b"", "the file is empty"),
        ("r.csv", b"\n \n", "the file is empty"),
        ("r.csv", b"lon,lat\n", "has a header but no rows"),
        ("r.csv", b"hello\n", "no header row"),
        ("r.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\xff", "is not a text table"),
        ("r.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "cannot be read as an Excel file, or is protected|install xlrd"),
        ("r.xlsx", b"PK\x03\x04broken", "cannot be read as an Excel file"),
        ("r.xls", b"<html><table></table></html>", "contains markup or JSON"),
        ("r.doc", b"x", "unknown format"),
    ],
)
def test_files_that_are_none_are_told_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=message) as caught:
        read_incidents(tmp_path / name, datum="WGS-84")
    assert "\n" not in str(caught.value)


def test_other_refusals(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        read_incidents(tmp_path / "nothing.csv", datum="WGS-84")
    with pytest.raises(
        GeometryError, match="no row has a usable position; row 2: has coordinates that are not degrees"
    ):
        read_incidents(_csv(tmp_path, "x,y\n587,1353\n"), datum="WGS-84")
    with pytest.raises(CrsError, match=r"are metres .387929, 3553835. and no CRS is declared"):
        read_incidents(_csv(tmp_path, "x,y\n387929,3553835\n"), datum="WGS-84")
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(1, 2)]).to_parquet(tmp_path / "r.parquet")
    with pytest.raises(CrsError):
        read_incidents(tmp_path / "r.parquet")


def test_from_file_to_counts(tmp_path):
    west, north = 118.80, 32.12
    cells = gpd.GeoDataFrame(
        {"code": ["a", "b"]},
        geometry=[shapely.box(west, 32.09, 118.815, north), shapely.box(118.815, 32.09, 118.83, north)],
        crs="EPSG:4326",
    )
    frame = read_incidents(_csv(tmp_path, "\n".join([HEADER, *ROWS])), datum="WGS-84")
    table = counts(assign(frame, cells), cells)
    assert table["incidents"].tolist() == [4, 1]


EXPORTS = {
    "Boston": (
        "case_enquiry_id,open_dt,case_title,latitude,longitude,geom_4326\n"
        "1,2026-05-06 08:15:00,Parking,42.35,-71.06,0101000020E6\n",
        "America/New_York",
    ),
    "Washington": (
        "X,Y,SERVICECODEDESCRIPTION,ADDDATE,SERVICEREQUESTID,LATITUDE,LONGITUDE\n"
        "397000,136000,Bulk,2026/05/06 12:15:00+00,26-1,42.35,-71.06\n",
        "America/New_York",
    ),
    "Denver": (
        "Case Status,Case Created Date,Case Created dttm,Latitude,Longitude\n"
        "Open,05/06/2026,05/06/2026 08:15:00 AM,42.35,-71.06\n",
        "America/New_York",
    ),
    "Montreal": (
        "ID_UNIQUE,ACTI_NOM,DDS_DATE_CREATION,LOC_LONG,LOC_LAT\n1,Nid,2026-05-06T08:15:00,-71.06,42.35\n",
        "America/Toronto",
    ),
    "Nashville": (
        "Request #,Request Type,Date / Time Opened,Latitude,Longitude\n1,Potholes,05/06/2026 08:15:00 AM,42.35,-71.06\n",
        "America/New_York",
    ),
    "OpenDataSoft": (
        'ID DECLARATION;TYPE DECLARATION;DATE DECLARATION;geo_point_2d\n1;Voirie;2026-05-06T08:15:00-04:00;"42.35, -71.06"\n',
        "Europe/Paris",
    ),
    "Berlin": ("id;Datum;betreff;lat;lng\n1;06.05.2026 - 14:15:00;Muell;42.35;-71.06\n", "Europe/Berlin"),
    "German": ("Nr;Datum;L\u00e4nge;Breite\n1;06.05.2026 14:15;-71,06;42,35\n", "Europe/Berlin"),
}


@pytest.mark.filterwarnings("ignore::geo.notices.WanggeWarning")
@pytest.mark.parametrize("city", EXPORTS)
def test_exports_of_cities(tmp_path, city):
    text, zone = EXPORTS[city]
    (tmp_path / "r.csv").write_text(text, encoding="utf-8")
    frame = read_incidents(tmp_path / "r.csv", datum="WGS-84", zone=zone)
    assert frame["reported_at"].iloc[0] == pd.Timestamp("2026-05-06T12:15:00Z")
    assert (frame["lon"].iloc[0], frame["lat"].iloc[0]) == (-71.06, 42.35)


def test_a_column_datum_is_the_datum_of_the_coordinates_unless_it_holds_dates(tmp_path):
    path = _csv(tmp_path, "id,time,lon,lat,datum\n1,2026-05-06 08:15,118.81,32.1,GCJ-02\n")
    frame = read_incidents(path)
    assert frame.attrs["datums"] == {"GCJ-02": 1}
    assert frame["reported_at"].notna().all()


@pytest.mark.parametrize("headers", ["E (m),N (m)", "E,N", "E_m,N_m", "E坐标,N坐标"])
def test_eastings_and_northings_by_their_letters(tmp_path, headers):
    path = _csv(tmp_path, f"id,{headers}\n1,387671.833 m,3553561.130 m\n")
    frame = read_incidents(path, crs="EPSG:4549")
    assert frame[["lon", "lat"]].iloc[0].tolist() == pytest.approx([118.81, 32.1], abs=1e-7)


def test_lines_that_end_with_carriage_returns(tmp_path):
    (tmp_path / "r.csv").write_bytes("编号,经度,纬度\r1,118.81,32.1\r2,118.82,32.2\r".encode("gbk"))
    frame = read_incidents(tmp_path / "r.csv", datum="WGS-84")
    assert frame["lat"].tolist() == [32.1, 32.2]
