"""Routes written by ``wangge patrols``: cells for all devices together, single devices only on request."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.layers.crs import lon_lat


@pytest.fixture
def walk(division, tmp_path):
    """Straight through the street at 1.2 m/s, with a stop of ten minutes in the middle; and the road."""
    west, south, east, north = division.second.total_bounds
    y = south + (north - south) * 0.3
    half = (east - west) / 2 / 1.2
    seconds = np.arange(0, 2 * half + 600, 10)
    x = np.interp(seconds, [0, half, half + 600, 2 * half + 600], [west, (west + east) / 2, (west + east) / 2, east])
    places = lon_lat(gpd.GeoSeries(shapely.points(x, np.full(len(x), y)), crs=division.second.crs))
    times = pd.Timestamp("2026-03-02T09:00:00+08:00") + pd.to_timedelta(seconds, unit="s")
    table = pd.DataFrame({"device": "D1", "officer": "G1", "time": times, "lon": places.x, "lat": places.y})
    table.to_csv(tmp_path / "walk.csv", index=False)
    road = shapely.LineString([(west - 100, y), (east + 100, y)])
    gpd.GeoDataFrame({"name": ["路"]}, geometry=[road], crs=division.second.crs).to_file(tmp_path / "roads.gpkg")
    through = division.third[division.third.intersects(road)]
    return tmp_path / "walk.csv", tmp_path / "roads.gpkg", set(through["code"])


def test_cells_touched_are_written_with_roads_and_persons_only_on_request(wangge, division_file, walk, tmp_path):
    tracks, roads, true = walk
    words = ("patrols", tracks, "--cells", division_file, "--datum", "WGS-84", "--json")
    code, out, _ = wangge(*words, "-o", tmp_path / "plain")
    assert code == 0
    names = {Path(name).stem for name in json.loads(out)["written"]}
    assert "verdicts" in names
    assert not names & {"touched", "stops", "ways"}

    code, out, _ = wangge(*words, "--roads", roads, "-o", tmp_path / "roads")
    assert code == 0
    told = pd.read_csv(tmp_path / "roads" / "touched.csv", dtype={"code": str})
    assert told.columns.tolist() == ["day", "code", "probability", "on_path", "roads"]
    assert set(told["day"]) == {"2026-03-02"}
    assert told["roads"].all()
    found = set(told.loc[told["on_path"], "code"])
    assert 2 * len(found & true) / (len(found) + len(true)) > 0.9
    assert pd.read_parquet(tmp_path / "roads" / "touched.parquet")["code"].tolist() == told["code"].tolist()
    assert not (tmp_path / "roads" / "stops.csv").exists()

    code, out, _ = wangge(*words, "--roads", roads, "--by-device", "-o", tmp_path / "all")
    assert code == 0
    stops = pd.read_csv(tmp_path / "all" / "stops.csv")
    assert stops["device"].tolist() == ["D1"]
    assert stops["duration_s"].iloc[0] == pytest.approx(600, abs=60)
    ways = gpd.read_file(tmp_path / "all" / "routes.gpkg")
    assert ways["on_road"].astype(bool).all()
    assert str(tmp_path / "all" / "routes.gpkg") in json.loads(out)["written"]


def test_cells_touched_without_roads(wangge, division_file, walk, tmp_path):
    tracks, _, true = walk
    words = (
        "patrols",
        tracks,
        "--cells",
        division_file,
        "--datum",
        "WGS-84",
        "--touched",
        "-o",
        tmp_path / "p",
        "--json",
    )
    assert wangge(*words)[0] == 0
    told = pd.read_csv(tmp_path / "p" / "touched.csv", dtype={"code": str})
    assert not told["roads"].any()
    assert true & set(told.loc[told["on_path"], "code"])
