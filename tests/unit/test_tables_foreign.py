"""Tables of other cities: planar columns beside degrees, systems and texts of Taiwan, headings in two rows."""

from __future__ import annotations

import pytest

from geo.tables.coordinates import LAT, LON, choose_place, find_places
from geo.tables.encodings import decode, encoding_of
from geo.tables.headers import plain_header, reference_of
from geo.tables.heading import find_heading

NEW_YORK = ["Created Date", "X Coordinate (State Plane)", "Y Coordinate (State Plane)", "Latitude", "Longitude"]


def test_a_projected_crs_is_that_of_the_eastings_also_in_feet() -> None:
    degrees = choose_place(NEW_YORK, {}, "a.csv", datum="WGS-84", crs=None)
    feet = choose_place(NEW_YORK, {}, "a.csv", datum=None, crs="EPSG:2263", is_projected=True)
    assert degrees is not None
    assert feet is not None
    assert degrees.columns == {LON: "Longitude", LAT: "Latitude"}
    assert feet.columns == {LON: "X Coordinate (State Plane)", LAT: "Y Coordinate (State Plane)"}


@pytest.mark.parametrize(
    ("header", "crs"),
    [
        ("TWD97_X", "EPSG:3826"),
        ("TWD67 Y", "EPSG:3828"),
        ("X座標(TWD97 TM2)", "EPSG:3826"),
        ("TWD97經度", "EPSG:3824"),
        ("緯度 TWD67", "EPSG:3821"),
        ("經度", None),
    ],
)
def test_systems_of_taiwan_in_headers(header: str, crs: str | None) -> None:
    assert reference_of(header).crs == crs


@pytest.mark.parametrize("pair", [("TWD97_X", "TWD97_Y"), ("X座標", "Y座標"), ("經度", "緯度"), ("橫坐標", "縱坐標")])
def test_pairs_in_traditional_characters(pair: tuple[str, str]) -> None:
    found = find_places(["案號", *pair])
    assert [place.columns for place in found][:1] == [{LON: pair[0], LAT: pair[1]}]


def test_headers_in_traditional_characters_are_those_in_simplified_ones() -> None:
    assert plain_header("案件編號") == "案件编号"
    assert plain_header("發生時間") == "发生时间"


TAIPEI = "案號,發生時間,地點,說明\n1,2026/5/1 下午 3:20,臺北市信義區市府路,路燈不亮\n2,2026/5/2 上午 9:05,大安區,人行道破損\n"
NANJING = "案件编号,发生时间,地点,描述\n1,2026-05-01 15:20,南京市栖霞区迈皋桥街道,路灯不亮\n2,2026-05-02 09:05,和燕路,路面破损\n"


def test_big5_is_told_from_gbk() -> None:
    assert encoding_of(TAIPEI.encode("cp950"), "a.csv") == "cp950"
    assert decode(TAIPEI.encode("cp950"), "a.csv").text == TAIPEI
    for encoding in ("gbk", "gb18030"):
        assert decode(NANJING.encode(encoding), "a.csv").text == NANJING
    assert decode(TAIPEI.encode("gbk"), "a.csv").text == TAIPEI  # traditional text in GBK
    assert encoding_of(TAIPEI.encode("utf-8"), "a.csv") == "utf-8"


def test_a_complete_row_of_headings_below_groups() -> None:
    rows = [["Case", None, "Position", None], ["No", "Opened", "E", "N"], ["7", "2026-05-01", "301000.5", "2770000.25"]]
    found = find_heading(rows, known=())
    assert found is not None
    assert (found.last, len(found.names)) == (1, 4)
    assert [name.split("_")[-1] for name in found.names] == ["No", "Opened", "E", "N"]


@pytest.mark.parametrize(
    "rows",
    [
        [["id", "name", None, "note"], ["a1", "Bob", "x", "hello"], ["a2", "Ann", "y", "bye"]],
        [["id", "name", "kind", "note"], ["a1", "Bob", "x", "hello"], ["7", "1", "2", "3"]],
        [["id", "name", None, "note"], ["a1", "Bob", "Bob", "hello"], ["7", "1", "2", "3"]],
    ],
)
def test_a_row_of_texts_below_a_heading_is_data(rows: list[list[str | None]]) -> None:
    found = find_heading(rows, known=())
    assert found is not None
    assert found.last == 0
