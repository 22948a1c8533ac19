"""`touched` on a real track with autocorrelated errors: never worse than straight lines between fixes."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.tracks import clean, read_tracks, touched

UTM = 32631
CELL_M = 64.0


def lattice(bounds, east_m: float, north_m: float) -> gpd.GeoDataFrame:
    """Squares of 64 m over some bounds, shifted."""
    x = np.arange(bounds[0] - 300 + east_m, bounds[2] + 300, CELL_M)
    y = np.arange(bounds[1] - 300 + north_m, bounds[3] + 300, CELL_M)
    west, south = (values.ravel() for values in np.meshgrid(x, y))
    squares = shapely.box(west, south, west + CELL_M, south + CELL_M)
    return gpd.GeoDataFrame({"code": [f"{k:06d}" for k in range(len(squares))]}, geometry=squares, crs=UTM)


def f1(found: set[str], true: set[str]) -> float:
    return 2 * len(found & true) / (len(found) + len(true))


@pytest.mark.parametrize(("east_m", "north_m"), [(0.0, 0.0), (20.0, 40.0), (50.0, 10.0)])
def test_touched_is_never_worse_than_the_straight_line(shared_data: Path, east_m: float, north_m: float) -> None:
    folder = shared_data / "field-reports-tracks"
    tracks = clean(read_tracks(folder / "touched-worse-track.csv", datum="WGS-84"))
    route = gpd.read_file(folder / "touched-worse-route.geojson").set_crs(4326, allow_override=True).to_crs(UTM)
    cells = lattice(route.total_bounds, east_m, north_m)
    codes, tree = cells["code"].to_numpy(), shapely.STRtree(cells.geometry.array)
    true = set(codes[tree.query(route.geometry.iloc[0], predicate="intersects")])
    fixes = tracks[tracks["mark"].isin(["", "detached"])].geometry.to_crs(UTM)
    line = shapely.LineString(shapely.get_coordinates(fixes.array))
    straight = f1(set(codes[tree.query(line, predicate="intersects")]), true)
    found = touched(tracks, cells)
    assert f1(set(found.loc[found["on_path"], "cell"]), true) >= straight - 0.001
    assert straight > 0.7
