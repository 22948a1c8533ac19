"""Edges of the rules of visits and verdicts, each in one small situation."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import pandas as pd
import shapely

from geo.patrols import Rules, verify, visits

DAY = dt.date(2026, 11, 23)
MIDNIGHT = pd.Timestamp("2026-11-22T16:00:00Z").as_unit("us")


def at(clock):
    return MIDNIGHT + pd.Timedelta(f"{clock}:00" if clock.count(":") == 1 else clock)


def presence(start, end, *, officer="S1", likely=1.0):
    lasts_s = (at(end) - at(start)).total_seconds()
    return {
        "device": "D1",
        "officer": officer,
        "cell": "A",
        "start": at(start),
        "end": at(end),
        "duration_s": lasts_s,
        "fixes": int(lasts_s / 10),
        "kind": "inside",
        "day": DAY,
        "likely_s": likely * lasts_s,
        "spread_s2": likely * (1 - likely) * lasts_s**2,
        "sure_s": 0.0,
        "length_m": lasts_s,
    }


def test_a_stay_of_exactly_the_least_time_within_the_hours_is_not_off_duty():
    """A minute that was most likely spent next door; and the same with its last second after the hours."""
    in_time = visits(pd.DataFrame([presence("21:59:00", "22:00:00", likely=0.01)]))
    late = visits(pd.DataFrame([presence("21:59:01", "22:00:01", likely=0.01)]))
    assert in_time["stay_s"].tolist() == late["stay_s"].tolist() == [60.0]
    assert in_time["reason"].tolist() == ["next_door"]
    assert late["reason"].tolist() == ["off_hours"]


def test_rounds_by_a_device_without_a_known_holder_are_not_the_leaders():
    """Two clear rounds of twenty minutes, hours apart, in a cell of which only the leader counts."""
    rules = Rules(who="leader")
    layer = gpd.GeoDataFrame({"code": ["A"], "leader": ["S1"]}, geometry=[shapely.box(0, 0, 200, 200)], crs=4549)

    def verdict(officer):
        found = pd.DataFrame([presence(a, b, officer=officer) for a, b in (("08:30", "08:50"), ("15:00", "15:20"))])
        return verify(visits(found, rules=rules), layer, presences=found, rules=rules, day=DAY).iloc[0]

    assert verdict("S1")[["verdict", "visits"]].tolist() == ["met", 2]
    assert verdict(None)[["verdict", "visits"]].tolist() == ["unknown", 0]
    assert "持机人未登记" in verdict(None)["reason_zh"]
    assert verdict("S2")[["verdict", "visits"]].tolist() == ["not_visited", 0]
