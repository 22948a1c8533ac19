"""Functions of the command line and of the commands that read no file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
import typer

from api.cli.divide import _print_figures
from api.cli.options import parse_counts, parse_day
from api.commands.patrols.history import changes_of, what_is_new
from api.commands.patrols.plans import moment
from api.commands.patrols.run import PatrolOptions, column_map, days_between
from api.commands.patrols.workbook import unread_zh
from api.files.documents import jsonable
from geo.errors import InputError


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0,1,2", "communities is 0"),
        ("1,0,2", "second-level grids is 0"),
        ("1,2,0", "third-level grids is 0"),
        ("1,-1,2", "second-level grids is -1"),
        ("1,2", "three whole numbers"),
        ("1,2,x", "'x' is not a whole number"),
        ("3,2,4", "fewer"),
        ("1,3,2", "fewer"),
    ],
)
def test_counts_are_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(typer.BadParameter, match=reason):
        parse_counts(text)


def test_counts_may_be_equal_and_have_chinese_commas() -> None:
    assert parse_counts("1，1, 1") == (1, 1, 1)


def test_divide_names_the_three_parents_that_are_furthest_off(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"parent": f"P{k}", "reached": reached, "bound": 0.5, "proposal_zh": f"拆分{k}", "proposal_en": f"split {k}"}
        for k, reached in enumerate((0.4, 2.37, 0.2, 1.1))
    ]
    _print_figures({"levels": {}, "obstacles": rows}, Path("division.gpkg"))
    text = "".join(capsys.readouterr().out.split())
    places = [text.find(f"P{k}{share}") for k, share in ((1, "237%"), (3, "110%"), (0, "40%"))]
    assert places == sorted(places)
    assert places[0] > 0
    assert "P2" not in text
    assert "下限bound50%" in text
    assert "split1." in text


def test_days() -> None:
    assert parse_day("2026-03-01", "--day") == dt.date(2026, 3, 1)
    with pytest.raises(typer.BadParameter, match="--day 'Monday'"):
        parse_day("Monday", "--day")
    first = dt.date(2026, 3, 1)
    assert days_between(first, first) == (first,)
    assert len(days_between(first, first + dt.timedelta(days=365))) == 366
    with pytest.raises(InputError, match="at most 366 days"):
        days_between(first, first + dt.timedelta(days=366))
    with pytest.raises(InputError, match="is after"):
        days_between(first, first - dt.timedelta(days=1))


def test_a_column_map_has_names_or_positions() -> None:
    assert column_map(None) is None
    assert column_map("time=2, lon = X") == {"time": 2, "lon": "X"}
    for text in ("time", "time=", "=2", "time=2,"):
        with pytest.raises(InputError, match="no map of columns"):
            column_map(text)


def test_a_moment_is_local_unless_it_says_otherwise() -> None:
    assert moment("2026-03-02T15:00", "Asia/Shanghai") == pd.Timestamp("2026-03-02T07:00", tz="UTC")
    assert moment("2026-03-02T15:00Z", "Asia/Shanghai") == pd.Timestamp("2026-03-02T15:00", tz="UTC")
    for text in ("three", ""):
        with pytest.raises(InputError, match="is not a time"):
            moment(text, "Asia/Shanghai")


def test_a_route_is_needed_for_its_checkpoints_and_its_device(tmp_path) -> None:
    for options in ({"device": "A"}, {"checkpoints": tmp_path}):
        with pytest.raises(InputError, match="--route"):
            PatrolOptions(**options)
        PatrolOptions(**options, route=tmp_path)


def test_json_takes_plain_values() -> None:
    value = {"a": float("inf"), "b": pd.Timestamp("2026-03-01", tz="UTC"), 3: {1}, "c": (True, None, 2)}
    assert jsonable(value) == {"a": None, "b": "2026-03-01T00:00:00+00:00", "3": "{1}", "c": [True, None, 2]}


def facts(**changes):
    whole = {
        "tracks": {"a.gpx": "1", "b.gpx": "2"},
        "rules": {"street@1": {"min_visits": "2", "id": "street"}},
        "cells": {"name": "d.gpkg", "judged": "x"},
        "wangge": "1",
    }
    return {**whole, **changes}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "输入相同 the same input"),
        ({"tracks": {"a.gpx": "1", "b.gpx": "2", "c.gpx": "3"}}, "新增轨迹 tracks that are new: c.gpx"),
        ({"tracks": {"a.gpx": "1"}}, "不再有的轨迹 tracks that are gone: b.gpx"),
        ({"rules": {"street@2": {"min_visits": "3", "id": "street"}}}, "street@1 → street@2; min_visits 2 → 3"),
        ({"cells": {"name": "e.gpkg", "judged": "y"}}, "other cells: d.gpkg → e.gpkg"),
        ({"wangge": "2"}, "version of wangge: 1 → 2"),
    ],
)
def test_what_two_runs_differ_in(changes, words) -> None:
    assert words in what_is_new(facts(), facts(**changes))


def test_a_file_under_another_name_is_the_same_track() -> None:
    assert what_is_new(facts(), facts(tracks={"z.gpx": "1", "b.gpx": "2"})) == "输入相同 the same input"
    assert what_is_new(facts(), facts(cells={"name": "e.gpkg", "judged": "x"})) == "输入相同 the same input"
    assert "other cells" in what_is_new(facts(), facts(cells={"name": "d.gpkg", "judged": "y"}))


def test_changes_are_counted_most_frequent_first() -> None:
    table = pd.DataFrame(
        {
            "changed": [True, True, True, False],
            "verdict_before": ["met", "short", "short", "met"],
            "verdict_after": ["short", "met", "met", "met"],
            "why": "x",
        }
    )
    assert changes_of(table) == {
        "changed": 3,
        "changes": [{"before": "short", "after": "met", "cells": 2}, {"before": "met", "after": "short", "cells": 1}],
        "why": "x",
    }


def test_why_a_row_was_not_read_is_told_in_chinese() -> None:
    assert (
        unread_zh("none of 5 fixes can be used; the first (record 2) has no fix")
        == "5条定位均不可用，第2条：没有可用定位"
    )
    assert unread_zh("something else") == "something else"
