"""Records of evidence and texts of verdicts, piece by piece."""

from __future__ import annotations

import datetime as dt
import hashlib

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.patrols import Rules, visits
from geo.patrols.evidence_records import _Fixes, _merged, _plain, evidence_of_all
from geo.patrols.stays.day_visits import DayVisits
from geo.patrols.wording import Open, _uncounted, settled_by
from geo.tracks.path import SECOND

DAY = dt.date(2026, 11, 23)
MIDNIGHT = pd.Timestamp("2026-11-22T16:00:00Z").as_unit("us")
OPENS = int(MIDNIGHT.timestamp()) * SECOND
CLOSES = OPENS + 86_400 * SECOND


def at(second):
    return MIDNIGHT + pd.Timedelta(seconds=second)


def fixes(*seconds, lon=118.81):
    columns = {"device": "D1", "time": [at(s) for s in seconds], "mark": "", "source": "a.csv"}
    columns["row"] = range(1, len(seconds) + 1)
    return gpd.GeoDataFrame(columns, geometry=shapely.points(lon, np.full(len(seconds), 32.1)), crs=4326)


def test_numbers_in_records_have_six_decimals_and_times_no_more_than_they_need():
    assert _plain(pd.Series([1.23456789, 0.5, np.nan, np.inf])) == [1.234568, 0.5, None, None]
    times = pd.Series([at(0), at(0.25)])
    assert _plain(times) == ["2026-11-22T16:00:00+00:00", "2026-11-22T16:00:00.250000+00:00"]
    assert _plain(pd.Series([DAY, None, "a"], dtype=object)) == ["2026-11-23", None, "a"]


def test_ranges_that_touch_are_one_and_empty_ones_none():
    found = _merged(np.array([20, 0, 5, 9, 40]), np.array([30, 5, 9, 9, 40]))
    assert found == [(0, 9), (20, 30)]


def test_the_digest_of_fixes_knows_a_tenth_of_a_metre():
    one, same, other = (_Fixes.of(fixes(0, 10, lon=lon)) for lon in (118.81, 118.8100004, 118.810001))
    assert one.packed["lon"].tolist() == [118_810_000] * 2
    assert one.packed.tobytes() == same.packed.tobytes() != other.packed.tobytes()


def test_fixes_five_minutes_around_a_presence_are_referenced_but_none_of_another_day():
    """A presence in the last ten minutes of the day."""
    end = 86_400
    tracks = fixes(end - 901, end - 900, end - 600, end - 1, end, end + 10)
    times = np.array([OPENS + (end - 600) * SECOND]), np.array([CLOSES])
    (found,) = _Fixes.of(tracks).references(["D1"], times, (OPENS, CLOSES))
    assert (found["fixes"], found["from"], found["to"]) == (
        3,
        "2026-11-23T15:45:00+00:00",
        "2026-11-23T15:59:59+00:00",
    )
    assert found["rows"] == {"a.csv": [2, 4]}


def presence(start, end, **more):
    lasts = float(end - start)
    row = {"device": "D1", "officer": "S1", "cell": "A", "start": at(start), "end": at(end), "duration_s": lasts}
    row |= {"fixes": int(lasts / 10), "kind": "inside", "day": DAY, "likely_s": lasts, "spread_s2": 0.0}
    return row | {"sure_s": lasts, "length_m": lasts} | more


def test_a_record_names_division_rules_and_the_border_itself():
    """Two cells with the same bounding box."""
    corner = shapely.Polygon([(0, 0), (300, 0), (300, 300)])
    cells = gpd.GeoDataFrame({"code": ["A", "B"]}, geometry=[corner, shapely.box(0, 0, 300, 300)], crs=4549)
    presences = pd.DataFrame([presence(36_000, 37_000)])
    verdicts = pd.DataFrame({"code": ["A", "B"], "day": [DAY, DAY], "verdict": ["short", "not_visited"]})
    one, two = evidence_of_all(
        fixes(36_000, 36_500), presences, visits(presences), verdicts, cells, division="v7", datum="GCJ-02"
    )
    twin = hashlib.sha256(shapely.to_wkb(shapely.normalize(corner), byte_order=1)).hexdigest()
    assert (one["border_sha256"], one["division"], one["datum"]) == (twin, "v7", "GCJ-02")
    assert one["border_sha256"] != two["border_sha256"]
    assert one["rules"]["min_stay_s"] == 60.0
    assert (len(one["visits"]), two["visits"], two["fixes"]) == (1, [], [])
    assert one["fixes"][0]["fixes"] == 2


def day_visits(reasons):
    rows = [presence(36_000 + 3_600 * k, 36_100 + 3_600 * k) for k in range(len(reasons))]
    stays = visits(pd.DataFrame(rows))
    stays["reason"], stays["counted"] = list(reasons), [not reason for reason in reasons]
    return DayVisits.of(stays, Rules())


@pytest.mark.parametrize(("number", "more"), [(6, False), (7, True)])
def test_six_stays_that_do_not_count_are_described_and_of_more_the_number(number, more):
    (text,) = _uncounted(day_visits(["too_short"] * number))
    assert text.zh.count("停留100秒") == min(number, 6)
    assert (f"等共{number}次" in text.zh, f"{number} in all" in text.en) == (more, more)


def test_stays_of_others_are_one_number():
    own, others = _uncounted(day_visits(["not_leader", "too_short", "not_leader"]))
    assert own.zh.count("停留") == 1 + own.zh.count("停留时间不足")
    assert others.zh == "另有他人到访2次，非本网格格长或副职"
    assert others.en == "2 stays of others, not by the leader of the cell or a deputy"


@pytest.mark.parametrize(("interval_s", "told"), [(239.0, False), (240.0, True)])
def test_a_device_with_a_fix_in_four_minutes_is_told_to_be_sparse(interval_s, told):
    zh, en = settled_by("unknown", day_visits(["border"]), Open([], True, 0.5, interval_s), Rules())
    assert ("设备约每4分钟定位一次，改为每60秒一次即可判定" in zh) == told
    assert ("a fix about every 4 min; one every 60 s would decide" in en) == told
    assert settled_by("met", day_visits([""]), Open([], True, 1.0, interval_s), Rules()) == ("", "")
