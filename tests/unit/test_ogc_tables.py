"""Tables of features: tags, windows, rounding and the concatenated gzip files, without a database."""

from __future__ import annotations

import gzip
import json
import time
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
import shapely

from api.ogc.coordinate_systems import CRS84, converted, served
from api.ogc.feature_table import FeatureTable
from api.ogc.properties import Property, instant_text

PROPERTIES = (
    Property("code", "string", "编码", "code", role="id"),
    Property("population", "number", "人口", "residents"),
)
SQUARES = [shapely.box(388_000 + 100 * k, 3_554_000, 388_100 + 100 * k, 3_554_100) for k in range(4)]


def table(squares=SQUARES, population=(1.0, 2.0, None, 4.0)):
    shapes = np.empty(len(squares), dtype=object)
    shapes[:] = squares
    codes = [f"c{k}" for k in range(len(squares))]
    return FeatureTable(codes, PROPERTIES, {"code": codes, "population": list(population)}, shapes, 4549, "t")


def test_the_tag_of_a_feature_changes_with_its_values_and_with_its_place():
    moved = [*SQUARES[:3], shapely.box(388_300, 3_554_000, 388_400.001, 3_554_100)]
    before = [table().item_tag(row) for row in range(4)]
    assert len(set(before)) == 4
    assert [table(moved).item_tag(row) == tag for row, tag in enumerate(before)] == [True, True, True, False]
    other = table(population=(1.0, 2.5, None, 4.0))
    assert [other.item_tag(row) == tag for row, tag in enumerate(before)] == [True, False, True, True]
    assert all(tag.startswith('"') and tag.endswith('"') for tag in before)


@pytest.mark.parametrize(
    ("box", "rows"),
    [
        ((388_150, 3_554_050, 388_160, 3_554_060), [1]),
        # Borders are included.
        ((388_100, 3_554_050, 388_150, 3_554_060), [0, 1]),
        ((388_050, 3_554_100, 388_060, 3_554_200), [0]),
        ((388_050, 3_554_100.001, 388_060, 3_554_200), []),
        # A box without width, and a point.
        ((388_200, 3_554_050, 388_200, 3_554_060), [1, 2]),
        ((388_350, 3_554_050, 388_350, 3_554_050), [3]),
        ((0, 0, 1e9, 1e9), [0, 1, 2, 3]),
    ],
)
def test_windows(box, rows):
    assert np.flatnonzero(table().intersecting(box, 4549)).tolist() == rows


def test_what_is_joined_is_what_was_compressed():
    made = table()
    for crs in served(4549):
        whole = gzip.decompress(made.packed(crs).closed_by(b'],"numberMatched":4}'))
        some = gzip.decompress(made.packed_rows([3, 1], crs, b"]}"))
        assert [f["id"] for f in json.loads(whole)["features"]] == ["c0", "c1", "c2", "c3"]
        assert [f["id"] for f in json.loads(some)["features"]] == ["c3", "c1"]
        assert json.loads(some)["features"] == [json.loads(whole)["features"][k] for k in (3, 1)]
        assert made.packed(crs, 6).level == 6
        assert made.packed(crs).level == 6


def test_metres_have_millimetres_and_degrees_a_tenth_of_one():
    point = np.array([shapely.Point(388_000.12345, 3_554_000.98765)], dtype=object)
    assert shapely.get_coordinates(converted(point, 4549, 4549)).tolist() == [[388_000.123, 3_554_000.988]]
    degrees = shapely.get_coordinates(converted(point, 4549, 4326))
    assert degrees.tolist() == np.round(degrees, 9).tolist()
    assert shapely.get_coordinates(converted(converted(point, 4549, 4326), 4326, 4549)) == pytest.approx(
        shapely.get_coordinates(point), abs=0.0007
    )
    assert replace(CRS84, swapped=True).decimals == 9


def test_a_time_without_zone_is_one_of_utc_on_every_machine(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert instant_text(datetime(2026, 3, 2, 4, 0)) == "2026-03-02T04:00:00Z"
    finally:
        monkeypatch.undo()
        time.tzset()
