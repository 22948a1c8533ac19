"""Deadlines, matters and doubts about the datum of incidents: values on a limit, and which of several counts."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import shapely

from geo.errors import InputError
from geo.incidents import Calendar, Catalogue, Limit, datum_doubts, due_times, find_matter, match_kinds
from geo.incidents.catalogue import OLD_STANDARD_REF, STANDARD_REF, Matter
from geo.incidents.kinds import LEAST_CONFIDENCE, match_kind
from geo.incidents.reading.positions import positions
from geo.incidents.statistics import background
from geo.layers import convert
from geo.tables.coordinates import Place

DAYS = {dt.date(2026, 10, 1): False}


def matter(code, name):
    return Matter("own", code, name, "X", "X")


def test_working_days_are_whole():
    noon = pd.Series(pd.to_datetime(["2026-03-02 12:00"]).tz_localize("Asia/Shanghai"))
    for amount in (0.0, 0.5, 1.5):
        with pytest.raises(InputError, match="a whole number, at least 1"):
            Calendar(DAYS).due(noon, Limit(amount, "working_day"))


def test_limits_hold_for_the_codes_of_their_standard():
    incidents = pd.DataFrame(
        {
            "reported_at": pd.to_datetime(["2026-03-02T04:00:00Z"] * 2),
            "kind_code": "06010",
            "standard_ref": [STANDARD_REF, OLD_STANDARD_REF],
        }
    )
    limits = pd.DataFrame({"standard_ref": [STANDARD_REF], "code": ["06010"], "limit": ["2小时"]})
    found = due_times(incidents, limits, Calendar(DAYS))
    assert found.notna().tolist() == [True, False]
    assert due_times(incidents, limits.assign(standard_ref=None), Calendar(DAYS)).notna().all()


def test_the_version_of_a_calendar_changes_with_each_of_its_facts():
    morning = ((dt.time(8), dt.time(12)),)
    calendars = [
        Calendar(DAYS),
        Calendar({dt.date(2026, 10, 1): True}),
        Calendar(DAYS, office_hours=morning),
        Calendar(DAYS, hours_from=[(dt.date(2026, 6, 1), morning)]),
        Calendar(DAYS, zone="Asia/Urumqi"),
    ]
    assert len({calendar.version for calendar in calendars}) == len(calendars)
    assert Calendar(DAYS).version == calendars[0].version


def test_a_code_of_the_old_standard_is_found_by_a_rule_and_component_zero_is_none():
    found = match_kind("01-10", None, standard_ref=OLD_STANDARD_REF)
    assert (found.method, found.confidence) == ("rule", 0.9)
    assert match_kind("06010", None, standard_ref=STANDARD_REF)[1:] == (1.0, "code")
    assert find_matter("01000", standard_ref=STANDARD_REF) is None
    assert find_matter("01001", standard_ref=STANDARD_REF) is not None


def test_of_several_matters_with_one_name_the_first_counts():
    own = Catalogue("own", [matter("X1", "qzqz"), matter("X2", "qzqz")])
    assert find_matter("qzqz", own=own).code == "X1"


def test_a_match_of_exactly_the_least_confidence_is_accepted():
    """Of q, z, qz and z, q, zq two of three are common; the confidence is three quarters of that."""
    own = Catalogue("own", [matter("X1", "qz")])
    found = match_kind(None, "zq", own=own)
    assert (found.matter.code, found.confidence) == ("X1", LEAST_CONFIDENCE)
    frame = pd.DataFrame({"kind_code": [None], "kind_name": ["zq"], "standard_ref": [None]}, dtype=object)
    assert match_kinds(frame, own=own)["kind_code"].tolist() == ["X1"]


def reported(lon, lat, **columns):
    lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    table = {"lon": lon, "lat": lat, "source_row": np.arange(2, 2 + len(lon)), **columns}
    return gpd.GeoDataFrame(table, geometry=shapely.points(lon, lat), crs=4326)


OUTLINE = gpd.GeoDataFrame(geometry=[shapely.box(118.79, 32.09, 118.81, 32.11)], crs=4326)


@pytest.mark.parametrize("kilometres", [0.7, 3.0])
def test_places_of_one_address_are_doubted_only_where_they_are_the_shift_of_a_datum_apart(kilometres):
    lon, lat = convert([118.8], [32.1], "WGS-84", "GCJ-02")
    shifted = reported([118.8, lon[0]], [32.1, lat[0]], address="万寿村12幢")
    assert datum_doubts(shifted)[["source_row", "datum"]].to_numpy().tolist() == [[3, "GCJ-02"]]
    apart = reported([118.8, 118.8 - kilometres / 94.3], [32.1, 32.1], address="万寿村12幢")
    assert datum_doubts(apart).empty


@pytest.mark.parametrize(("count", "outside", "source"), [(1, 0, 0), (9, 0, 0), (10, 10, 0), (19, 19, 0), (20, 20, 20)])
def test_so_many_incidents_outside_are_no_chance_and_so_many_make_a_source_doubtful(count, outside, source):
    """All lie east of the street, and in it on GCJ-02: by chance each could lie on the other side as well."""
    lon, lat = convert(np.full(count, 118.808), np.linspace(32.095, 32.105, count), "WGS-84", "GCJ-02")
    found = datum_doubts(reported(lon, lat, source="12345"), OUTLINE)
    gcj = found[found["datum"] == "GCJ-02"]["evidence"].tolist()
    assert (gcj.count("outside"), gcj.count("source")) == (outside, source)


def test_an_address_with_over_fifty_places_is_too_vague_to_doubt_any():
    lon, lat = convert([118.8], [32.1], "WGS-84", "GCJ-02")
    for others, doubts in ((48, 1), (49, 0)):
        far = 118.9 + 0.01 * np.arange(others)
        many = reported([118.8, lon[0], *far], [32.1, lat[0], *np.full(others, 32.1)], address="某某街道")
        assert len(datum_doubts(many)) == doubts


def test_only_usable_rows_are_counted_as_swapped():
    rows = pd.DataFrame({"lon": ["32.1", "32.1"], "lat": ["118.8", "118.8"], "datum": ["WGS-84", "of my own"]})
    place = Place({"lon": "lon", "lat": "lat"})
    found = positions(rows, {"datum": "datum"}, place, None, None, "a.csv")
    assert found.swapped.tolist() == [True, False]
    assert found.lon.tolist() == pytest.approx([118.8, np.nan], nan_ok=True)


def test_the_fitted_spread_is_increased_by_two_of_its_standard_errors(monkeypatch):
    rng = np.random.default_rng(3)
    cells = 256
    values = rng.negative_binomial(2.0, 0.2, cells).astype(float)
    ring = scipy.sparse.csr_array(np.eye(cells) + np.eye(cells, k=1) + np.eye(cells, k=-1))
    measures = np.ones((cells, 1))
    widened = background.estimate_background(values, ring, measures)
    monkeypatch.setattr(background, "_MARGIN", 0.0)
    plain = background.estimate_background(values, ring, measures)
    neighbourhoods = cells / float(ring.sum(axis=1).mean())
    assert widened.spread / plain.spread == pytest.approx(1 + 2 / np.sqrt(neighbourhoods))
