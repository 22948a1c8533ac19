"""``wangge patrols`` on a small street with known answers."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely

from geo.layers import convert, digest_of, write_layer
from geo.patrols import digest

DAY = "2026-03-02"


def test_patrols_gives_the_four_grids_their_verdicts(wangge, division, division_file, tracks_csv, tmp_path):
    out_dir = tmp_path / "patrols"
    code, out, _ = wangge("patrols", tracks_csv, "--cells", division_file, "--datum", "WGS-84", "-o", out_dir, "--json")
    assert code == 0
    figures = json.loads(out)
    assert figures["rules"] == "street-twice-a-day@2"
    assert list(figures["days"]) == [DAY]
    verdicts = pd.read_csv(out_dir / "verdicts.csv", dtype={"code": str}).set_index("code")["verdict"]
    assert verdicts.loc[division.second["code"]].tolist()[:2] == ["met", "short"]
    assert verdicts.loc[division.second["code"]].tolist()[3] == "not_visited"
    assert verdicts.loc[division.second["code"]].tolist()[2] != "met"
    visits = pd.read_csv(out_dir / "visits.csv", dtype={"code": str})
    assert visits[visits["counted"]]["code"].value_counts().to_dict() == {
        division.second["code"][0]: 2,
        division.second["code"][1]: 1,
    }
    assert (out_dir / "coverage.html").stat().st_size > 50_000
    book = pd.read_excel(out_dir / "patrols.xlsx", sheet_name=None, dtype={"网格编码": str})
    assert list(book) == [
        "核验结论",
        "待确认",
        "巡查记录",
        "网格内覆盖",
        "覆盖汇总",
        "巡查盲区",
        "轨迹疑点",
        "读入文件",
        "未读入记录",
    ]
    told = book["核验结论"].set_index("网格编码")
    assert told.loc[division.second["code"], "结论"].tolist()[:2] == ["达标", "次数不足"]
    assert {"可认定次数", "估计次数", "判定依据"} < set(told)
    assert set(book["巡查记录"]["是否计入"]) <= {"是", "否"}
    assert (book["巡查记录"]["开始时间"].dt.hour >= 8).all()


def test_patrols_prints_a_table_in_both_languages(wangge, division_file, tracks_csv, tmp_path):
    code, out, _ = wangge("patrols", tracks_csv, "--cells", division_file, "--datum", "WGS-84", "-o", tmp_path / "p")
    assert code == 0
    assert "达标 met" in out
    assert "每日巡查" in out


def test_patrols_of_several_days(wangge, division_file, tracks_csv, tmp_path):
    words = ("patrols", tracks_csv, "--cells", division_file, "--datum", "WGS-84", "-o", tmp_path / "p", "--json")
    figures = json.loads(wangge(*words, "--from", "2026-03-01", "--to", "2026-03-03")[1])
    assert list(figures["days"]) == ["2026-03-01", DAY, "2026-03-03"]
    assert figures["days"]["2026-03-01"]["met"] == 0
    assert list(json.loads(wangge(*words, "--day", DAY)[1])["days"]) == [DAY]
    for days, least in (("2", 1), ("3", 3)):
        assert wangge(*words, "--from", "2026-03-01", "--to", "2026-03-03", "--blind-days", days)[0] == 0
        blind = pd.read_csv(tmp_path / "p" / "blind_spots.csv")["days_unseen"]
        assert blind.min() >= least
        assert blind.max() == 3


def test_patrols_read_a_folder_and_tell_of_each_file(wangge, division_file, tracks_csv, tmp_path):
    folder = tmp_path / "phones"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        (folder / name / "day.csv").write_bytes(tracks_csv.read_bytes())
    (folder / "photo.jpg").write_bytes(b"no track")
    (folder / ".hidden").write_text("", encoding="utf-8")
    words = ("patrols", folder, "--cells", division_file, "-o", tmp_path / "p")
    code, out, _ = wangge(*words, "--datum", "WGS-84", "--json")
    assert (code, json.loads(out)["files_not_read"]) == (0, ["photo.jpg"])
    files = pd.read_csv(tmp_path / "p" / "files.csv", keep_default_na=False).set_index("source")
    rows = len(pd.read_csv(tracks_csv))
    assert files["fixes"].to_dict() == {"a/day.csv": rows, "b/day.csv": rows, "photo.jpg": 0}
    assert files.loc["b/day.csv", "marked"].startswith(("duplicate", "conflict"))
    assert files.loc["photo.jpg", "reason"].startswith("unknown format '.jpg'")
    out = wangge(*words, "--datum", "WGS-84")[1]
    assert "整份未读入 files not read: 1 (photo.jpg; files.csv)" in out
    (tmp_path / "empty").mkdir()
    code, _, err = wangge("patrols", tmp_path / "empty", "--cells", division_file, "-o", tmp_path / "p")
    assert (code, "the folder contains no file" in err) == (2, True)


def test_patrols_name_the_option_that_helps(wangge, division_file, tmp_path):
    def says(text, *more):
        (tmp_path / "t.csv").write_text(text, encoding="utf-8")
        code, _, err = wangge("patrols", tmp_path / "t.csv", "--cells", division_file, "-o", tmp_path / "p", *more)
        assert code == 2
        return err

    plain = "118.81,32.1,A,2026-03-02T08:00:00\n"
    assert "(--columns lat=0,lon=1,device=2,time=3)" in says(plain)
    assert "(--columns time=...)" in says("device,lon,lat\nA,118.81,32.1\n")
    by_place = ("--columns", "lon=0,lat=1,device=2,time=3")
    assert "(--zone Asia/Shanghai)" in says(plain, *by_place)
    assert "(--datum WGS-84)" in says(plain, *by_place, "--zone", "Asia/Shanghai")
    far = says("device,time,lon,lat\nA,2026-03-02T08:00:00Z,8,47\n", "--datum", "wgs")
    assert "'wgs' is not a known datum" in far


def test_patrols_say_so_when_nothing_is_near_a_grid(wangge, division_file, tmp_path):
    (tmp_path / "t.csv").write_text("device,time,lon,lat\nA,2026-03-02T08:00:00Z,8,47\n", encoding="utf-8")
    code, out, _ = wangge(
        "patrols", tmp_path / "t.csv", "--cells", division_file, "--datum", "WGS-84", "-o", tmp_path / "p"
    )
    assert (code, "No fix in or near a grid" in out) == (0, True)


def test_patrols_by_another_rule_set(wangge, division, division_file, tracks_csv, tmp_path):
    (tmp_path / "once.toml").write_text('id = "once"\nversion = "2"\nvisits_per_day = 1\n', encoding="utf-8")
    words = ("patrols", tracks_csv, "--cells", division_file, "--datum", "WGS-84", "-o", tmp_path / "p", "--json")
    figures = json.loads(wangge(*words, "--rules", tmp_path / "once.toml")[1])
    assert figures["rules"] == "once@2"
    assert figures["days"][DAY]["met"] == 2
    assert "每日巡查不少于1次 (once@2;" in wangge(*words[:-1], "--rules", tmp_path / "once.toml")[1]


def test_patrols_tell_what_is_due_what_the_roster_can_do_and_how_a_route_went(
    wangge, division, division_file, tracks_csv, tmp_path
):
    first = division.second.geometry.iloc[0]
    middle = first.representative_point()
    line = shapely.LineString([(middle.x - 40, middle.y), (middle.x + 40, middle.y)])
    gpd.GeoDataFrame(geometry=[line], crs=division.crs).to_file(tmp_path / "route.gpkg")
    far = shapely.Point(middle.x + 5_000, middle.y)
    gpd.GeoDataFrame({"name": ["门", "远"]}, geometry=[middle, far], crs=division.crs).to_file(tmp_path / "gates.gpkg")
    lon, lat = shapely.get_coordinates(gpd.GeoSeries([middle], crs=division.crs).to_crs(4326).array)[0]
    (tmp_path / "roster.csv").write_text(f"officer,hours,lon,lat\nG1,8,{lon},{lat}\n", encoding="utf-8")
    out_dir = tmp_path / "p"
    words = ("patrols", tracks_csv, "--cells", division_file, "--datum", "WGS-84", "-o", out_dir, "--json")
    plans = (
        "--due-at",
        f"{DAY}T09:30",
        "--roster",
        tmp_path / "roster.csv",
        "--route",
        tmp_path / "route.gpkg",
        "--checkpoints",
        tmp_path / "gates.gpkg",
    )
    code, out, _ = wangge(*words, *plans, "--device", "A")
    assert code == 0
    figures = json.loads(out)
    assert figures["feasibility"]["possible"] is True
    assert 0 < figures["route"]["share"] <= 1
    assert (figures["route"]["checkpoints"], figures["route"]["checkpoints_reached"]) == (2, 1)
    assert figures["visits_expected"] == pytest.approx(figures["visits_counted"], abs=1)
    due = pd.read_csv(out_dir / "due.csv", dtype={"code": str}).set_index("code")["missing"]
    assert due.loc[division.second["code"]].tolist() == [1, 1, 2, 2]
    groups = pd.read_csv(out_dir / "coverage_by.csv", dtype={"code": str})
    assert set(zip(groups["by"], groups["each"], strict=True)) == {
        (by, each) for by in ("grid", "community") for each in ("day", "week", "month")
    }
    assert "startRoute" in (out_dir / "route.html").read_text(encoding="utf-8")
    code, _, err = wangge(*words, *plans)
    assert (code, "say which one" in err) == (2, True)
    said = wangge(*words[:-1], *plans, "--device", "A")[1]
    assert f"{DAY} 09:30 仍未完成 still due: 4, 其中已来不及 too late: 0, 无人在线 nobody heard: 4" in said
    assert "排班 roster: 可行 feasible" in said
    assert re.search(r"计划路线 route: 走到 covered \d+ / 80 m .*打卡点 checkpoints 1 / 2, 08:0\d–08:\d\d", said)
    assert wangge(*words, "--due-at", "teatime")[0] == 2
    assert wangge(*words, "--columns", "time")[0] == 2


def test_patrols_of_a_foreign_layer_have_their_pages_too(wangge, division, tracks_csv, tmp_path):
    second = division.second.rename(columns={"code": "GRID_ID"})
    write_layer(second.to_crs(4326), tmp_path / "grids.geojson")
    words = ("patrols", tracks_csv, "--datum", "WGS-84", "-o", tmp_path / "p")
    code, out, _ = wangge(*words, "--cells", tmp_path / "grids.geojson", "--json")
    assert code == 0
    assert {"verdicts.csv", "coverage.html", "checker.html"} <= {Path(path).name for path in json.loads(out)["written"]}
    grids = payload(tmp_path / "p" / "checker.html")["grids"]["levels"]
    assert [len(level["code"]) for level in grids] == [1, 0, 4, 0]
    assert grids[2]["parent"] == [0, 0, 0, 0]


def payload(page: Path) -> dict[str, Any]:
    """Data embedded in a page."""
    found = re.search(r'id="payload">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_patrols_write_the_evidence_of_every_verdict_and_what_they_were_made_from(
    wangge, division, division_file, tracks_csv, tmp_path
):
    table = pd.read_csv(tracks_csv)
    lon, lat = convert(table["lon"].to_numpy(), table["lat"].to_numpy(), "WGS-84", "GCJ-02")
    table.assign(lon=lon, lat=lat).to_csv(tmp_path / "gcj.csv", index=False)
    out_dir = tmp_path / "p"
    assert wangge("patrols", tmp_path / "gcj.csv", "--cells", division_file, "--datum", "gcj02", "-o", out_dir)[0] == 0
    lines = gzip.decompress((out_dir / "evidence.jsonl.gz").read_bytes()).decode("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["cell"] for record in records] == division.second["code"].tolist()
    assert [record["verdict"]["verdict"] for record in records][:2] == ["met", "short"]
    assert all(digest(record) == record["sha256"] for record in records)
    run = json.loads((out_dir / "run.json").read_text(encoding="utf-8"))
    assert {record["division"] for record in records} == {run["cells"]["digest"]} == {digest_of(division)}
    assert records[0]["datum"] == "GCJ-02"
    assert run["tracks"] == {"gcj.csv": hashlib.sha256((tmp_path / "gcj.csv").read_bytes()).hexdigest()}
    assert run["rules"]["street-twice-a-day@2"]["visits_per_day"] == 2
    files = pd.read_csv(out_dir / "files.csv").iloc[0]
    assert (files["declared_datum"], files["sha256"]) == ("GCJ-02", run["tracks"]["gcj.csv"])
    # Times of a CSV are local, with their offset; those of Parquet are UTC.
    assert pd.read_csv(out_dir / "visits.csv")["start"].str.endswith("+08:00").all()
    assert pd.read_parquet(out_dir / "visits.parquet")["start"].dt.tz is not None


def test_the_workbook_can_be_read_as_it_opens(wangge, division, division_file, stay, tmp_path):
    folder = tmp_path / "phones"
    folder.mkdir()
    stays = stay(division.second["code"][0], "A", "08:00", 10)
    good = stays.to_csv(index=False)
    bad = [
        "A,,,118.81,32.1",
        "A,,tomorrow,118.81,32.1",
        "A,,1970-01-01T00:00:00Z,118.81,32.1",
        "A,,2026-03-02T08:00:00Z,,32.1",
        "A,,2026-03-02T08:00:00Z,0,0",
        "A,,2026-03-02T08:00:00Z,32.1,118.81",
        "A,,2026-03-02T08:00:00Z,387000,3553000",
        ",,2026-03-02T08:00:00Z,118.81,32.1",
        "A,,2026-03-02T08:00:00Z,118.81,32.1,and,more",
    ]
    (folder / "=a.csv").write_text(good + good.split("\n", 1)[1] + "\n".join(bad) + "\n", encoding="utf-8")
    message = {"_type": "lwt", "tst": 1}
    fix = {"_type": "location", "tst": 1772409600, "lat": 32.1, "lon": 118.81, "tid": "B"}
    (folder / "own.json").write_text(json.dumps([message, fix, 7]), encoding="utf-8")
    (folder / "traccar.json").write_text(
        json.dumps([{"fixTime": "2026-03-02T00:00:00Z", "valid": False}]), encoding="utf-8"
    )
    rmc = "$GPRMC,010000,A,3206.0,N,11848.0,E,,,020326,,*00\n$GPRMC,010010,V,,,,,,,020326,,\n$GPRMC,1,A\n$GPRMC\n"
    (folder / "log.nmea").write_text(rmc + "$GPRMC,010020,A,3206.0,N,11848.0,E,,,020326,,", encoding="ascii")
    for name, content in (
        ("photo.jpg", "no"),
        ("empty.gpx", ""),
        ("route.gpx", "<gpx><rte/></gpx>"),
        ("cut.gpx", "<gpx><trk>"),
        ("svg.gpx", "<svg/>"),
        ("cut.json", "[{"),
        ("none.geojson", "{}"),
    ):
        (folder / name).write_text(content, encoding="utf-8")
    assert wangge("patrols", folder, "--cells", division_file, "--datum", "WGS-84", "-o", tmp_path / "p")[0] == 0
    book = openpyxl.load_workbook(tmp_path / "p" / "patrols.xlsx")
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref.startswith("A1:")
        assert all(sheet.column_dimensions[cell.column_letter].width >= len(str(cell.value)) for cell in sheet[1])
        assert all(cell.font.bold for cell in sheet[1])
        assert not any(cell.data_type == "f" for row in sheet for cell in row)
    verdicts = book["核验结论"]
    assert verdicts.column_dimensions["A"].width > 15
    assert [cell.value for cell in verdicts[1]][:3] == ["网格编码", "网格名称", "日期"]
    assert verdicts["B2"].value == division.second["name"].iloc[0]
    refused = [row[2].value for row in book["未读入记录"].iter_rows(min_row=2)]
    assert len(refused) == 9 + 2 + 4 + 8, refused
    assert {
        "没有时间",
        "坐标缺失或不是数",
        "没有设备号",
        "有7个字段，表头为5个",
        "是 OwnTracks 的 lwt 消息，不是位置",
        "没有轨迹点，请导出已记录的轨迹",
    } <= set(refused)
    # Every reason has a Chinese text.
    assert [reason for reason in refused if not re.search("[\u4e00-\u9fff]", reason)] == []
    files = {row[0].value: row[3].value for row in book["读入文件"].iter_rows(min_row=2)}
    assert files["=a.csv"] == f"重复上报 {len(stays)}"


def test_late_data_and_other_rules_stand_beside_the_verdicts_of_before(
    wangge, division, division_file, tracks_csv, stay, tmp_path
):
    first, second, *_ = division.second["code"]
    words = ("patrols", "--cells", division_file, "--datum", "WGS-84")
    assert wangge(*words, tracks_csv, "-o", tmp_path / "p1")[0] == 0
    stay(second, "E", "15:00", 10).to_csv(tmp_path / "late.csv", index=False)
    code, out, _ = wangge(*words, tracks_csv, tmp_path / "late.csv", "-o", tmp_path / "p2", "--before", tmp_path / "p1")
    assert code == 0
    assert "次数不足 short → 达标 met 1" in out
    assert "新增轨迹 tracks that are new: late.csv" in out
    table = pd.read_csv(tmp_path / "p2" / "restated.csv", dtype={"code": str}).set_index("code")
    assert table.loc[second, ["verdict_before", "verdict_after"]].tolist() == ["short", "met"]
    assert table.loc[second, "difference_zh"] == "新增到访1次（15:00–15:10）"
    assert not table.loc[first, "changed"]
    assert "重述对照" in pd.read_excel(tmp_path / "p2" / "patrols.xlsx", sheet_name=None)
    (tmp_path / "r.toml").write_text('id = "street-twice-a-day"\nversion = "2"\nmin_stay_s = 1200\n', encoding="utf-8")
    rules = ("--rules", tmp_path / "r.toml", "--before", tmp_path / "p2", "-o", tmp_path / "p3")
    figures = json.loads(wangge(*words, tracks_csv, tmp_path / "late.csv", *rules, "--json")[1])["restated"]
    assert "min_stay_s 60.0 → 1200.0" in figures["why"]
    assert {"before": "met", "after": "not_visited", "cells": 2} in figures["changes"]
    table = pd.read_csv(tmp_path / "p3" / "restated.csv", dtype={"code": str}).set_index("code")
    assert table.loc[first, ["verdict_before", "verdict_after"]].tolist() == ["met", "not_visited"]
    assert "08:00–08:10由“计入”改为“停留时间不足”" in table.loc[first, "difference_zh"]
    kept = (tmp_path / "p2" / "verdicts.csv").read_bytes()
    code, _, err = wangge(*words, tracks_csv, "-o", tmp_path / "p2", "--before", tmp_path / "p2")
    assert (code, "nothing is overwritten" in err) == (2, True)
    assert (tmp_path / "p2" / "verdicts.csv").read_bytes() == kept
    code, _, err = wangge(*words, tracks_csv, "-o", tmp_path / "p4", "--before", tmp_path)
    assert (code, "contains no earlier run" in err) == (2, True)
