"""Input and output files of incidents: unusual exports, GeoTIFF, contours, the command."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import zipfile
import zlib

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
import rasterio
import shapely

from api.commands.incidents.run import IncidentOptions, incident_file
from api.commands.incidents.tables import read_column_map, without_formulas, write_tables
from geo.errors import ColumnError, CrsError, DatumError, FileError, InputError
from geo.incidents import contours, density, geotiff, read_incidents
from geo.layers import Division, Level, convert, write_division
from geo.notices import WanggeWarning

CRS = "EPSG:4549"
X0, Y0 = 388_000.0, 3_553_000.0


def data_of(page: str) -> str:
    """The data embedded in a map file, as JSON without spaces."""
    packed = re.findall(r'<script type="application/x-deflate" id="[^"]+">[0-9]+ ([^<]+)</script>', page)
    data = [zlib.decompress(base64.b64decode(text), wbits=-15).decode("utf-8") for text in packed]
    return "".join(data).replace(" ", "")


# An empty sheet and one with a header and a row, in the format of Excel 97; deflated.
OLD_EXCEL = (
    "c-rk)O=wd=5dQWhX?{raQ`15!gix^7wior{rF|-BMKDx7C?aZN14>IO!HYTAYRyp)#Dn6cP!&O{Ueuz3-aH5qJqU`B=+To<tA{qv*~valV}%52"
    "v9e#-nc3N$-ObGGzJ2diAzYli-(Eru`r$y?@}j9qC#ZPsN(j_$SyHsQhl-`Ks^IldAe&rx-2BolV<_WYf`NO^=R|>zR1V`55~G=Pd<C(c*N_x)"
    "4Sm8%xo6-yl>nl=t`?@pnXX}am-{|px|KB-nf6iNqBw+tndsi4^7x?9!EFJe0uR~d9cwnC6)$8Sk6jX#zAkLbo=lGXn+-9iA5);n4Wu*aY;vTC"
    "2!(J8U#&PWYwy)(ajjojy#VRIFV?%4&|fy3z&Na9LMCD!KD>8ufJH8shaW+gtQlh0iMhl)x<I|TQ17;}Z~JLq_!2i#bLrVDq$!-ed4$*<Vm^6P"
    "^VSY6+S<*W@P4902(ldJv=7nYJ%9Vl>piJK^C)Y^`8cm&om?d>oRb!09H@C%bhAYd)AKy)T9(_HMkrZ{cMi5HVdn(*xxlTRG|y(n8*_b?+(mN!"
    "^WI0X{3mk*$<qU+Tx9yKIf)K>2n~_F{7s-&^ona&C1y;U3w1nvU>g1HsOUFZ@IVT5Q2fI3`Aq!LXFMrKaJBi&V}#V&Ep;0RVu5`I@`psFCcPtm"
    ")(qvVO3gtvhZ;-NjP(>T)`f{n+Os<<!nifV@+N7^QNvPE)6me+(9qD((5M?iT}mD5TIy1lUbp(Lvp}V+Ka>2o*oRU2ou=2)9mo*R;!H#N(*~EY"
    "#}akg*xw5!4$$mb3?s$s7;ZR!>7_+f|DU=IL(8{?8lAt~$U6V>{67F{s`Rt"
)


def street() -> Division:
    """6 × 6 third-level grids of 100 m, in 9 second-level grids and one community."""
    rows = [
        {
            "code": f"320113003001{1 + r // 2 * 3 + c // 2:03d}{1 + r % 2 * 2 + c % 2:03d}",
            "geometry": shapely.box(x, y, x + 100, y + 100),
        }
        for r in range(6)
        for c in range(6)
        for x, y in [(X0 + c * 100, Y0 + r * 100)]
    ]
    third = gpd.GeoDataFrame(rows, crs=CRS)
    third = third.assign(parent=third["code"].str[:15], level=3, name="格", population=50, units=2)
    layers = {}
    for level, digits in ((Level.SECOND, 15), (Level.COMMUNITY, 12), (Level.STREET, 9)):
        frame = third.assign(code=third["code"].str[:digits]).dissolve(
            "code", aggfunc={"population": "sum", "units": "sum"}
        )
        frame = frame.reset_index()
        layers[level.layer] = frame.assign(
            level=int(level), parent=frame["code"].str[:-3], name=frame["code"], valid_from="2026-01-01"
        )
    return Division(third=third, **layers)


def table(n: int = 400, seed: int = 1) -> pd.DataFrame:
    """Reports of four weeks, half of them in one grid, in GCJ-02, with one of each fault in the first rows."""
    rng = np.random.default_rng(seed)
    x = np.r_[rng.uniform(0, 600, n // 2), rng.uniform(210, 290, n - n // 2)] + X0
    y = np.r_[rng.uniform(0, 600, n // 2), rng.uniform(210, 290, n - n // 2)] + Y0
    place = gpd.GeoSeries(gpd.points_from_xy(x, y), crs=CRS).to_crs("EPSG:4326")
    lon, lat = convert(place.x, place.y, "WGS-84", "GCJ-02")
    days = pd.Timestamp("2026-03-01") + pd.to_timedelta(rng.integers(0, 28, n), unit="D")
    frame = pd.DataFrame(
        {
            "工单编号": [f"N{i:04d}" for i in range(n)],
            "受理日期": days.strftime("%Y-%m-%d"),
            "时间": "14:30",
            "问题类型": "暴露垃圾",
            "来源": "12345热线",
            "地址": [f"和燕路{i}号" for i in range(n)],
            "经度": lon.round(8).astype(str),
            "纬度": lat.round(8).astype(str),
            "备注": "",
        }
    )
    frame.loc[0, "备注"] = "=cmd|' /C calc'!A0"
    frame.loc[1, ["问题类型", "备注"]] = "<script>alert(1)</script>"
    frame.loc[2, ["经度", "纬度"]] = frame.loc[2, ["纬度", "经度"]].to_list()
    frame.loc[3, ["经度", "纬度"]] = ""
    frame.loc[4, "受理日期"] = "昨天"
    frame.loc[5, "工单编号"] = "N0006"
    return frame


class TestReading:
    def test_date_and_clock_in_two_columns(self, tmp_path):
        given = pd.DataFrame(
            {
                "编号": range(6),
                "日期": ["2026-03-05", "2026/3/5", "20260305", "2026-03-05", "2026-03-05", "2026-03-05"],
                "时间": ["14:30", "9时5分", "0.5", "", "14点", "傍晚"],
                "经度": 118.81,
                "纬度": 32.1,
            }
        )
        given.to_csv(tmp_path / "r.csv", index=False)
        frame = read_incidents(tmp_path / "r.csv", datum="WGS-84")
        assert frame.attrs["columns"]["clock"] == "时间"
        local = frame["reported_at"].dt.tz_convert("Asia/Shanghai").dt.strftime("%d %H:%M")
        assert local.tolist()[:5] == ["05 14:30", "05 09:05", "05 12:00", "05 00:00", "05 14:00"]
        assert frame.attrs["unread_times"] == ({"row": 7, "value": "2026-03-05 傍晚"},)

    def test_a_time_alone_is_no_clock(self, tmp_path):
        (tmp_path / "r.csv").write_text("上报时间,时间,经度,纬度\n2026-03-05 14:30,30,118.81,32.1\n", encoding="utf-8")
        frame = read_incidents(tmp_path / "r.csv", datum="WGS-84")
        assert "clock" not in frame.attrs["columns"]

    def test_the_datum_row_by_row(self, tmp_path):
        lon, lat = convert([118.81], [32.1], "WGS-84", "BD-09")
        lines = [
            "编号,经度,纬度,坐标系",
            f"1,{lon[0]:.9f},{lat[0]:.9f},百度",
            "2,118.81,32.1,WGS84",
            "3,118.81,32.1,北京54",
            "4,118.81,32.1,",
        ]
        (tmp_path / "r.csv").write_text("\n".join(lines), encoding="utf-8")
        frame = read_incidents(tmp_path / "r.csv")
        assert frame["lon"].tolist() == pytest.approx([118.81, 118.81], abs=1e-8)
        assert frame.attrs["datums"] == {"BD-09": 1, "WGS-84": 1}
        assert [(r["row"], r["reason"][:26]) for r in frame.attrs["refused"]] == [
            (4, "names a datum that is not k"[:26]),
            (5, "names no datum, and none i"),
        ]
        assert read_incidents(tmp_path / "r.csv", datum="WGS-84").attrs["datums"] == {"BD-09": 1, "WGS-84": 2}
        with pytest.raises(DatumError):
            read_incidents(tmp_path / "r.csv", datum="北京54")

    def test_swapped_by_what_the_others_are(self, tmp_path):
        lines = ["id,lon,lat", *(f"{i},-77.0{i},38.9{i}" for i in range(5)), "9,38.91,-77.02", "10,12.5,55.7"]
        (tmp_path / "r.csv").write_text("\n".join(lines), encoding="utf-8")
        frame = read_incidents(tmp_path / "r.csv", datum="WGS-84")
        assert frame["lon"].tolist()[5:] == [-77.02, 12.5]  # the last is far away either way
        assert frame.attrs["swapped"] == ({"row": 7},)

    def test_an_html_table_called_xls(self, tmp_path):
        rows = "".join(
            f"<tr><td>N{i}</td><td>118.81</td><td>32.1{i}</td><td>a &lt;b&gt; &amp; c</td></tr>" for i in range(3)
        )
        page = f"<html><meta charset=gbk><table><tr><th>编号</th><th>经度<th>纬度</th><th>备注</th></tr>{rows}</table></html>"
        (tmp_path / "r.xls").write_bytes(page.encode("gbk"))
        frame = read_incidents(tmp_path / "r.xls", datum="WGS-84")
        assert frame["incident_id"].tolist() == ["N0", "N1", "N2"]
        assert frame["备注"].iloc[0] == "a <b> & c"

    def test_an_old_excel_file(self, tmp_path):
        pytest.importorskip("xlrd", reason="reading .xls needs xlrd")
        (tmp_path / "r.xls").write_bytes(zlib.decompress(base64.b85decode(OLD_EXCEL)))
        frame = read_incidents(tmp_path / "r.xls", datum="WGS-84")
        assert frame["incident_id"].tolist() == ["7"]
        assert frame["reported_at"].iloc[0] == pd.Timestamp("2026-03-05T04:00Z")

    def test_quoted_line_breaks_and_blank_lines_keep_the_rows_numbers(self, tmp_path):
        (tmp_path / "r.csv").write_text(
            '编号,经度,纬度,备注\n1,118.81,32.1,"两\n行"\n\n2,118.82,32.1,\n3,abc,32.1,\n', encoding="utf-8"
        )
        frame = read_incidents(tmp_path / "r.csv", datum="WGS-84")
        assert frame["source_row"].tolist() == [2, 4]
        assert frame["备注"].iloc[0] == "两\n行"
        assert frame.attrs["refused"][0]["row"] == 5
        assert frame.attrs["refused"][0]["values"] == {"编号": "3", "经度": "abc", "纬度": "32.1", "备注": None}

    def test_many_rows_at_one_place(self, tmp_path):
        pd.DataFrame({"编号": range(60_000), "经度": 118.81, "纬度": 32.1}).to_csv(tmp_path / "r.csv", index=False)
        frame = read_incidents(tmp_path / "r.csv", datum="WGS-84")
        assert len(frame) == 60_000


@pytest.fixture(scope="module")
def surface():
    rng = np.random.default_rng(2)
    xy = rng.normal(300, 60, (500, 2))
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(X0 + xy[:, 0], Y0 + xy[:, 1]), crs=CRS)
    return density(points, outline=street(), bandwidth_m=60.0, cell_m=10.0)


class TestRasters:
    def test_geotiff_comes_back(self, surface):
        """Size, position, CRS, nodata and pixels, as read by another library."""
        raw = geotiff(surface)
        assert raw[:4] == b"II*\0"
        with rasterio.MemoryFile(raw) as memory, memory.open() as file:
            assert (file.height, file.width, file.count) == (*surface.values.shape, 1)
            west, south, east, north = surface.x[0] - 5, surface.y[0] - 5, surface.x[-1] + 5, surface.y[-1] + 5
            assert tuple(file.bounds) == (west, south, east, north)
            assert file.crs.to_epsg() == 4549
            assert (file.nodata, file.dtypes, file.profile["compress"]) == (-9999.0, ("float32",), "deflate")
            pixels = file.read(1)[::-1]
        np.testing.assert_array_equal(pixels, np.where(surface.inside, surface.values, -9999).astype("f4"))
        assert pixels[pixels >= 0].sum() * 100 / 1e6 == pytest.approx(surface.used, rel=1e-5)
        assert geotiff(surface) == raw

    def test_contours_part_higher_from_lower(self, surface):
        top = surface.values.max()
        lines = contours(surface, [0.25 * top, 0.5 * top, 2 * top])
        assert lines["level"].tolist() == [0.25 * top, 0.5 * top]
        for row in lines.itertuples():
            rings = [shapely.Polygon(line) for line in row.geometry.geoms if line.is_closed]
            assert len(rings) == len(row.geometry.geoms)
            area = shapely.union_all(rings)
            gx, gy = np.meshgrid(surface.x, surface.y)
            inside = shapely.contains_xy(area, gx, gy)
            assert ((surface.values >= row.level) == inside).mean() > 0.999
            # Higher values lie on the left: rings around a peak run counter-clockwise.
            assert max(rings, key=lambda ring: ring.area).exterior.is_ccw


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    division = street()
    write_division(division, folder / "division.gpkg")
    table().to_csv(folder / "r.csv", index=False, encoding="gbk")
    visits = pd.DataFrame(
        {
            "code": division.second["code"].repeat(5),
            "start": "2026-03-05T01:00:00+00:00",
            "end": "2026-03-05T01:20:00+00:00",
            "stay_s": 1200,
            "counted": True,
            "reason": "",
        }
    )
    visits.to_csv(folder / "visits.csv", index=False)
    options = IncidentOptions(datum="GCJ-02", bandwidths_m=(60.0, 120.0), visits=folder / "visits.csv")
    with pytest.warns(WanggeWarning) as notices:
        result, written = incident_file(folder / "r.csv", folder / "division.gpkg", folder / "out", options=options)
    told = "\n".join(str(notice.message) for notice in notices)
    assert "1 row is left out" in told
    assert "1 time is not understood" in told
    return folder / "out", result, written


@pytest.mark.parametrize(
    ("at", "cells_crs", "table_crs"),
    [
        ((-71.41, 41.82), 2840, 2840),  # metres of the state: its eastings and northings look like those of China
        ((-71.41, 41.82), 3438, 3438),  # feet
        ((-71.41, 41.82), 4326, 32619),
        ((103.9, 30.6), 4490, 4543),
        ((103.9, 30.6), 4326, 4522),
        ((103.9, 30.6), 4326, 3857),
    ],
)
def test_the_advised_crs_is_that_in_which_the_coordinates_lie_at_the_cells(tmp_path, at, cells_crs, table_crs):
    here = gpd.GeoSeries(gpd.points_from_xy(*zip(at, (at[0] + 0.01, at[1] + 0.01), strict=True)), crs=4326)
    boxes = gpd.GeoSeries([shapely.box(at[0], at[1], at[0] + 0.02, at[1] + 0.02)], crs=4326).to_crs(cells_crs)
    gpd.GeoDataFrame({"code": ["1"]}, geometry=boxes).to_file(tmp_path / "cells.gpkg")
    points = here.to_crs(table_crs)
    pd.DataFrame({"x": points.x, "y": points.y, "id": ["a", "b"]}).to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(CrsError, match=f"in EPSG:{table_crs} they lie at the cells: --crs EPSG:{table_crs}$"):
        incident_file(tmp_path / "r.csv", tmp_path / "cells.gpkg", tmp_path / "out")
    options = IncidentOptions(crs=f"EPSG:{table_crs}")
    result, _ = incident_file(tmp_path / "r.csv", tmp_path / "cells.gpkg", tmp_path / "out", options=options)
    assert np.allclose(result.incidents[["lon", "lat"]], shapely.get_coordinates(here), atol=1e-6)


def test_months_and_dates_with_two_readings_are_told_each_with_what_to_do(tmp_path):
    write_division(street(), tmp_path / "division.gpkg")
    given = table().head(5)
    when = next(name for name, values in given.items() if "2026" in str(values.iloc[0]))
    given[when] = ["2026-05", "05/06/2026", "06/07/2026", "2026-03-05", "someday"]
    given.to_csv(tmp_path / "r.csv", index=False)
    with pytest.warns(WanggeWarning) as notices:
        incident_file(
            tmp_path / "r.csv", tmp_path / "division.gpkg", tmp_path / "out", options=IncidentOptions(datum="GCJ-02")
        )
    told = "\n".join(str(notice.message) for notice in notices)
    assert "1 time is a month without a day, left empty" in told
    assert "2 dates can be read in two ways" in told
    assert "2026-05-06 or 2026-06-05" in told
    assert "--dates month-first" in told
    assert "such as 'someday" in told
    rows = (tmp_path / "out" / "rows.csv").read_text(encoding="utf-8-sig")
    assert "is 2026-06-07 or 2026-07-06" in rows
    dated = IncidentOptions(datum="GCJ-02", dates="day-first")
    with pytest.warns(WanggeWarning):
        result, _ = incident_file(tmp_path / "r.csv", tmp_path / "division.gpkg", tmp_path / "two", options=dated)
    assert result.incidents["reported_at"].dt.month.tolist()[1:3] == [6, 7]


@pytest.mark.filterwarnings(
    "ignore::geo.notices.WanggeWarning"
)  # The content omitted from r.csv is tested by the fixture.
class TestTheCommand:
    def test_every_file_is_there(self, study):
        folder, _, written = study
        assert {path.name for path in written} == {path.name for path in folder.iterdir()}
        assert {path.name for path in written} >= {
            "assigned.csv",
            "counts.csv",
            "kinds.csv",
            "hot.csv",
            "weekly.csv",
            "trends.csv",
            "patrols.csv",
            "rows.csv",
            "refused.csv",
            "outside.csv",
            "columns.toml",
            "incidents.xlsx",
            "summary.json",
            "summary.html",
            "density.tif",
            "density.png",
            "contours.geojson",
            "density_120m.tif",
            "heat.html",
        }

    def test_nothing_is_lost_and_each_fault_is_listed_by_row(self, study):
        folder, result, _ = study
        refused = pd.read_csv(folder / "refused.csv", dtype=str)
        assert len(result.incidents) + len(refused) == 400
        assert refused["工单编号"].tolist() == ["N0003"]
        notices = pd.read_csv(folder / "rows.csv")
        first = {(row.row, row.kind) for row in notices.itertuples() if row.row <= 8}
        assert {(3, "kind"), (4, "swapped"), (5, "refused"), (6, "time"), (8, "repeat")} <= first

    def test_texts_are_neither_run_nor_markup(self, study):
        folder, _, _ = study
        assigned = pd.read_csv(folder / "assigned.csv", dtype=str)
        assert assigned["备注"].iloc[0] == "'=cmd|' /C calc'!A0"
        book = openpyxl.load_workbook(folder / "incidents.xlsx")
        cells = [
            c for row in book["案件"].iter_rows() for c in row if isinstance(c.value, str) and c.value.startswith("=")
        ]
        assert [c.data_type for c in cells] == ["s"]
        with zipfile.ZipFile(folder / "incidents.xlsx") as archive:
            assert not any(b"<f>" in archive.read(name) for name in archive.namelist() if "sheet" in name)
        page = (folder / "summary.html").read_text(encoding="utf-8")
        assert "<script" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "http" not in page

    def test_the_summary_says_what_the_tables_say(self, study):
        folder, result, _ = study
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        assert summary["datums"] == {"GCJ-02": 399}
        assert summary["row_notices"]["repeat"] == 1
        assert summary["levels"]["third"]["incidents"] == result.inside == summary["inside"]
        assert "巡查越多，发现越多" in summary["caution_zh"]
        counted = pd.read_csv(folder / "counts.csv", dtype={"code": str})
        assert {"per_km2_low", "per_1000_eb", "per_unit", "incidents_high"} <= set(counted.columns)

    def test_the_column_map_comes_back(self, study, tmp_path):
        folder, _, _ = study
        used = read_column_map(folder / "columns.toml")
        assert (used["lon"], used["clock"], used["reported_at"]) == ("经度", "时间", "受理日期")
        text = (folder / "columns.toml").read_text(encoding="utf-8").replace('address = "地址"', 'address = "备注"')
        (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
        frame = read_incidents(folder.parent / "r.csv", datum="GCJ-02", columns=read_column_map(tmp_path / "mine.toml"))
        assert frame["address"].iloc[0].startswith("=cmd")

    @pytest.mark.parametrize(("text", "error"), [("columns = 3", ColumnError), ("[columns", FileError)])
    def test_column_maps_that_are_none(self, tmp_path, text, error):
        (tmp_path / "c.toml").write_text(text, encoding="utf-8")
        with pytest.raises(error):
            read_column_map(tmp_path / "c.toml")

    def test_numbers_written_as_text_are_no_formulas(self):
        given = pa.array(["-5", "+86 25", "-x", "@b", None])
        assert without_formulas(given).to_pylist() == ["-5", "'+86 25", "'-x", "'@b", None]

    def test_values_of_every_kind_as_they_stand_in_a_file(self, tmp_path):
        frame = pd.DataFrame(
            {
                "when": pd.to_datetime(["2026-03-05T06:30:01Z", None], utc=True),
                "yes": [True, False],
                "number": [0.1, np.nan],
                "mixed": ["a,b", 3],
                "day": [dt.date(2026, 3, 5), None],
            }
        )
        write_tables({"t": frame}, tmp_path)
        lines = (tmp_path / "t.csv").read_bytes().decode("utf-8-sig").splitlines()
        assert lines[1:] == ['"2026-03-05 06:30:01+00:00","True",0.1,"a,b",2026-03-05', ',"False",,"3",']

    def test_divisions_that_held_before(self, study, tmp_path):
        folder, _, _ = study
        old = street()
        layers = {level.layer: old.layer(level) for level in Level}
        renamed = {
            name: frame.assign(code="A" + frame["code"], parent="A" + frame["parent"]) for name, frame in layers.items()
        }
        later = {k: v.assign(valid_from="2026-03-15") if k == "street" else v for k, v in renamed.items()}
        write_division(Division(**later), tmp_path / "new.gpkg")
        options = IncidentOptions(datum="GCJ-02", earlier=(folder.parent / "division.gpkg",))
        incident_file(folder.parent / "r.csv", tmp_path / "new.gpkg", tmp_path / "out", options=options)
        assigned = pd.read_csv(tmp_path / "out" / "assigned.csv", dtype=str)
        known = assigned[assigned["reported_at"].notna() & assigned["cell"].notna()]
        local = pd.to_datetime(known["reported_at"], utc=True).dt.tz_convert("Asia/Shanghai")
        assert ((local >= "2026-03-15") == known["cell"].str.startswith("A")).all()
        assert set(known["division_valid_from"]) == {"2026-01-01", "2026-03-15"}
        # The present division alone is used for all days, with a notice about older reports.
        incident_file(
            folder.parent / "r.csv", tmp_path / "new.gpkg", tmp_path / "alone", options=IncidentOptions(datum="GCJ-02")
        )
        rows = pd.read_csv(tmp_path / "alone" / "rows.csv", dtype=str)
        old_rows = set(known.loc[local < "2026-03-15", "source_row"])
        assert old_rows <= set(rows.loc[rows["kind"] == "division", "row"])
        twice = IncidentOptions(datum="GCJ-02", earlier=(tmp_path / "new.gpkg",))
        with pytest.raises(InputError, match="valid from the same day"):
            incident_file(folder.parent / "r.csv", tmp_path / "new.gpkg", tmp_path / "twice", options=twice)

    def test_the_map_has_the_first_bandwidth(self, study, tmp_path):
        folder, _, _ = study
        options = IncidentOptions(datum="GCJ-02", bandwidths_m=(90.0, 60.0))
        incident_file(folder.parent / "r.csv", folder.parent / "division.gpkg", tmp_path, options=options)
        assert '"bandwidth_m":90' in data_of((tmp_path / "heat.html").read_text(encoding="utf-8"))
