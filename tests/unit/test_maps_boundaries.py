"""Pages, papers and drawings: figures, directions and numbers at their boundaries."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import re
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pypdf
import pytest
import shapely

from geo.coverage import check
from geo.duty.ledgers.columns import LedgerKind, columns_of
from geo.errors import InputError
from geo.layers import lon_lat
from geo.patrols import route_match
from maps import check as check_page
from maps import check_map, render, sheet
from maps.checker import _settling
from maps.encoding.cells import ROAD_KINDS, _english_road
from maps.encoding.density_image import _rising
from maps.english_names import english_name
from maps.figures.division_poster import _communities, _Sheet
from maps.figures.planted_faults import plant
from maps.pages.first_page import _drawn, _with_moment
from maps.pages.funnel_drawing import funnel_svg
from maps.prints.papers import Heading, _first_of, _is_low, _meta, ledger_pdf
from maps.prints.public_papers import badge_values, letter_values, map_values
from maps.route import _encoded
from tests.unit.test_duty_papers import ledger
from tests.unit.test_maps_coverage import payload
from tests.unit.test_patrols_route import route, walk


def test_a_list_of_thirteen_cases_is_printed_whole_and_of_fourteen_twelve() -> None:
    texts = ["、".join(f"N{k}" for k in range(count)) for count in (13, 14)]
    assert _first_of(texts[0]) == texts[0]
    assert _first_of(texts[1]) == "、".join(f"N{k}" for k in range(12)) + "等14件"
    columns = [{"width": 3.35 * 10 + 2.8}]
    # Sixteen lines of 4.65 mm are 74.4 mm, seventeen are over half a page.
    assert [_is_low(["字" * (10 * lines - 1)], columns) for lines in (16, 17)] == [True, False]


def test_the_head_of_a_ledger_says_which_days_and_what_place() -> None:
    week = ledger(LedgerKind.C, 1)
    week.attrs |= {"start": "2026-03-02", "end": "2026-03-09"}
    assert _meta(week, LedgerKind.C, Heading("街道", "长营村")) == [
        ("社区", "长营村"),
        ("起止", "2026年3月2日至3月8日"),
    ]
    assert _meta(ledger(LedgerKind.F, 1), LedgerKind.F, Heading("街道", "第1网格"))[0] == ("网格", "第1网格")
    assert _meta(week, LedgerKind.C, Heading("街道"))[0] == ("街道", "街道")


def test_letters_do_not_boast_of_nothing_and_nobody_gets_no_badge() -> None:
    row = {"audience": "居民", "date": "2026-03-02", "leader": "", "phone": "", "community": "社区", "grid": "第1网格"}
    row |= {"matters": "五项", "supervision_phone": "", "post": "", "progress": "近30天办结0件"}
    rows = pd.DataFrame([row, {**row, "progress": "近30天办结3件", "leader": "王堃"}])
    said = ["办结" in "".join(letter["paragraphs"]) for letter in letter_values(rows, {})]
    assert said == [False, True]
    assert [badge["name"] for badge in badge_values(rows, {})] == ["王堃"]


def test_the_map_of_a_board_has_north_on_top() -> None:
    cells = gpd.GeoDataFrame(
        {"code": ["1", "2"], "name": ["南", "北"]},
        geometry=[shapely.box(0, 0, 100, 100), shapely.box(0, 100, 100, 200)],
        crs="EPSG:4549",
    ).set_index("code")
    found = map_values(cells, "1")
    own, north = (np.array(cell["ring"])[:, 1].mean() for cell in sorted(found["cells"], key=lambda c: not c["own"]))
    assert north < own, "millimetres are counted from the top of the paper"


def test_a_funnel_has_high_shares_on_top_and_marks_what_is_outside() -> None:
    points = [
        {"n": 50, "value": value, "band": band, "label": band}
        for value, band in ((0.9, "within"), (0.5, "outside_998"), (0.6, "outside_95"))
    ]
    block = {
        "most": 100,
        "floor": 0.0,
        "ceiling": 1.0,
        "ticks": [0.0, 1.0],
        "counts": [50],
        "common": 0.8,
        "title": "",
        "axis": "",
    }
    drawn = funnel_svg({**block, "limits_95": [], "limits_998": [], "points": points})
    circles = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="5" fill="(#?\w+)"', drawn)
    assert [(float(x), float(y), fill) for x, y, fill in circles] == [
        (368.0, 34.0, "#7d93a1"),
        (368.0, 130.0, "#a8321f"),
        (368.0, 106.0, "#7d93a1"),
    ]


def test_midnight_belongs_to_the_day_that_it_ends() -> None:
    day = dt.date(2026, 3, 2)
    for at, zh, en in (
        (dt.datetime(2026, 3, 3), "3月2日24时", "the end of 2 Mar"),
        (dt.datetime(2026, 3, 2), "3月2日00:00", "2 Mar 00:00"),
        (dt.datetime(2026, 3, 2, 18, 30), "3月2日18:30", "2 Mar 18:30"),
    ):
        assert _with_moment({"day": day, "overdue": {"at": at, "n": 1}}) == {"at": at, "n": 1, "when": (zh, en)}
    bars = [{"bars": [{"failing": 2, "unknown": 3}, None, {"failing": 4, "unknown": 0}]}]
    shown = _drawn({"day": day, "communities": bars, "incidents": None}, None)
    assert (shown["tallest"], shown["weekday"]) == (5, ("星期一", "Mon"))


def test_a_route_is_drawn_where_it_is_with_local_times() -> None:
    match = route_match(walk(np.arange(0.0, 300.0, 10.0)), route())
    drawn = _encoded(match, "Asia/Shanghai")
    line = gpd.GeoSeries([match.line], crs=match.missed.crs).to_crs(4326).iloc[0]
    assert np.allclose(drawn["line"], np.array(line.coords)[:, ::-1], atol=1e-6), "latitude first"
    assert drawn["covered_m"] == round(match.covered_m, 1)
    assert drawn["covered_m"] < drawn["length_m"]
    assert drawn["started"] == f"{match.started.tz_convert('Asia/Shanghai'):%H:%M}"
    assert drawn["started"] != f"{match.started.tz_convert('UTC'):%H:%M}"


def test_the_worst_findings_are_drawn_and_errors_are_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    example = plant("sliver")
    cells = example.cells
    report = check(cells, outline=shapely.union_all(cells.geometry).buffer(3), tolerance_m=0.001)
    findings = report.findings
    assert len(findings) > 1
    data = payload(render(check_map(report, cells)))
    errors = int((findings["severity"] == "error").sum())
    assert data["when"]["en"].startswith(f"{len(findings)} findings, {errors} error")
    assert data["levels"][0]["area_km2"] == pytest.approx(cells.geometry.area.sum() / 1e6, abs=2e-3)
    monkeypatch.setattr(check_page, "MOST_FINDINGS", 1)
    assert payload(render(check_map(report, cells)))["findings"]["kind"] == findings["kind"].astype(str).tolist()[:1]
    told = dataclasses.replace(report, findings=findings.assign(severity=["allowed", *findings["severity"].iloc[1:]]))
    assert f", {errors - 1} error" in payload(render(check_map(told, cells)))["when"]["en"]
    assert data["todo"]["more"] == len(report.groups()) - len(data["todo"]["first"])


def test_of_very_many_cells_those_beside_a_finding_are_drawn_also_in_degrees() -> None:
    x, y = np.meshgrid(118.0 + 0.001 * np.arange(111), 32.0 + 0.001 * np.arange(111))
    cells = gpd.GeoDataFrame(geometry=shapely.box(x, y, x + 0.001, y + 0.001).ravel(), crs="EPSG:4326")
    assert len(cells) > check_page.MOST_CELLS
    place = gpd.GeoSeries([shapely.Point(118.0505, 32.0505)], crs="EPSG:4326")
    shown = gpd.GeoDataFrame({"cells": [()]}, geometry=place)
    drawn = check_page._ground(cells, shown)
    # 60 m are 0.00054 degrees: the cell of the finding, and those beyond its sides.
    assert len(drawn) == 9
    assert drawn.geometry.contains(place.iloc[0]).any()
    metric = check_page._ground(cells.to_crs(4549), shown)
    assert len(metric) == 9


def test_the_sign_of_a_finding_stands_in_its_largest_piece() -> None:
    small, large = shapely.box(0, 0, 1, 1), shapely.box(10, 0, 20, 10)
    for pieces in ((small, large), (large, small)):
        assert large.contains(check_page._place(shapely.MultiPolygon(pieces)))


def test_a_ledger_with_more_than_eight_columns_is_landscape() -> None:
    for kind in LedgerKind:
        if len(columns_of(kind)) in (8, 9):
            box = pypdf.PdfReader(io.BytesIO(ledger_pdf(ledger(kind, 1)))).pages[0].mediabox
            assert (box.width > box.height) is (len(columns_of(kind)) == 9)
    corrected = ledger_pdf(ledger(LedgerKind.F, 1), Heading("街道", "网格", corrections=("N11：状态更正",)))
    assert "状态更正" in pypdf.PdfReader(io.BytesIO(corrected)).pages[0].extract_text()


def test_a_sheet_is_a3_unless_a4_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sizes = []
    monkeypatch.setattr(sheet, "photograph", lambda *_, size_px, **__: sizes.append(size_px))
    monkeypatch.setattr(sheet, "render", lambda _: "")
    for view in ("", "paper=A4", "level=2"):
        sheet.print_sheet(None, tmp_path / "a.pdf", view=view)  # type: ignore[arg-type]
    assert sizes[0] == sizes[2]
    assert sizes[0][0] > sizes[1][0]
    with pytest.raises(InputError):
        sheet.print_sheet(None, tmp_path / "a.pdf", view="paper=A5")  # type: ignore[arg-type]


def test_a_finding_without_a_place_stands_on_its_sound_cells() -> None:
    sound = shapely.box(380_000, 3_550_000, 380_100, 3_550_100)
    bow = shapely.Polygon([(380_200, 3_550_000), (380_300, 3_550_100), (380_300, 3_550_000), (380_200, 3_550_100)])
    cells = gpd.GeoDataFrame({"code": ["a", "b", "c"]}, geometry=[sound, bow, None], crs=4549)
    named = [("a", "b", "c"), ("b",)]
    nowhere = gpd.GeoDataFrame({"cells": named}, geometry=gpd.GeoSeries([None, None]), crs=4549)
    placed = check_page._placed(nowhere, cells, cells.crs).geometry
    assert placed.iloc[0].equals_exact(lon_lat(cells.geometry[:1]).iloc[0], 1e-12)
    assert placed.iloc[1] is None
    # Places of findings are in their own CRS.
    degrees = gpd.GeoDataFrame({"cells": [("a",)]}, geometry=[shapely.Point(118.5, 32.1)], crs=4326)
    assert check_page._placed(degrees, cells, cells.crs).geometry.iloc[0].equals(shapely.Point(118.5, 32.1))


def test_what_would_settle_other_days_is_not_told() -> None:
    rows = {"code": ["A", "B"], "verdict": "unknown", "settle_zh": "查看定位", "settle_en": "look at the fixes"}
    days = [dt.date(2026, 3, 2), dt.date(2026, 3, 3)]
    found = _settling(pd.DataFrame({**rows, "day": days}), days[1])
    assert list(found["texts"]) == ["B"]


def test_a_road_with_an_english_name_has_one_name() -> None:
    assert _english_road("S26") == {}
    assert _english_road("迈皋桥街") == {"name_en": english_name("迈皋桥街", ROAD_KINDS)}


def test_a_grid_of_density_is_turned_to_the_north_east() -> None:
    x, y = np.array([0.0, 1.0, 2.0]), np.array([10.0, 11.0])
    values = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    for columns, rows in ((x, y[::-1]), (x[::-1], y), (x[::-1], y[::-1])):
        turned = values[:: 1 if rows is y else -1, :: 1 if columns is x else -1]
        for made, wanted in zip(_rising(columns, rows, turned), (x, y, values), strict=True):
            assert made.tolist() == wanted.tolist()


def test_neighbouring_communities_have_different_colours() -> None:
    cells = [shapely.box(x, y, x + 100, y + 100) for x in range(0, 500, 100) for y in range(0, 500, 100)]
    communities = gpd.GeoDataFrame(geometry=cells, crs=4549)
    division = SimpleNamespace(community=communities, street=communities.dissolve())
    paths = _communities(_Sheet(division, 400), division)  # type: ignore[arg-type]
    colours = [re.search('fill="([^"]+)"', path)[1] for path in paths]  # type: ignore[index]
    beside = [(i, j) for i in range(25) for j in range(i) if shapely.dwithin(cells[i], cells[j], 1.0)]
    assert len(beside) == 72
    assert all(colours[i] != colours[j] for i, j in beside)
