"""Incidents compared with published results: ids, counts, hot spots and densities."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import shapely

from geo.incidents import assign, counts, density, hotspots, read_incidents
from geo.incidents.statistics.association import gi_star, local_moran
from geo.incidents.surface.kernel_density import kernel_sum
from geo.layers import as_cells, read_layer, to_metric


def _dc(shared_data: Path, cells: str, code: str) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    incidents = read_incidents(shared_data / "dc-2016" / "crime_30days.geojson")
    return incidents, as_cells(read_layer(shared_data / "dc-2016" / cells), cells, code=code)


@pytest.mark.parametrize(
    ("layer", "code", "published", "least_exact"),
    [
        ("ward-2012.geojson", "WARD_ID", "WARD", 0.9979),
        ("advisory-neighborhood-commission-2013.geojson", "ANC_ID", "ANC", 1.0),
    ],
)
def test_washington_agrees_with_the_published_ids_within_a_metre(shared_data, layer, code, published, least_exact):
    incidents, cells = _dc(shared_data, layer, code)
    assert len(incidents) == 2898
    assigned = assign(incidents, cells)
    assert assigned.index.equals(incidents.index)
    same = assigned["cell"] == assigned[published]
    assert same.mean() >= least_exact - 5e-5

    metric = to_metric(cells)
    shapes = metric.set_index("code").geometry
    points = incidents.to_crs(metric.crs).geometry
    away = shapely.distance(points.array, shapes.reindex(incidents[published]).array)
    assert away.max() <= 1.0
    # All differences are reports on a border, which are marked.
    assert assigned.loc[~same, "on_border"].all()


def test_washington_reads_columns_times_and_repeats(shared_data):
    incidents, _ = _dc(shared_data, "ward-2012.geojson", "WARD_ID")
    assert incidents.attrs["columns"] == {"incident_id": "CCN", "reported_at": "REPORTDATETIME", "kind_name": "OFFENSE"}
    assert incidents["reported_at"].iloc[0] == pd.Timestamp("2016-08-05T19:36:07Z")
    assert incidents["repeat"].sum() == 1
    assert incidents.attrs["refused"] == ()
    assert incidents.attrs["default_points"] == []


def _blocks(shared_data: Path) -> gpd.GeoDataFrame:
    archive = shared_data / "sf-2012" / "SFCrime_July_Dec2012.zip"
    layer = read_layer(archive / "SFCrime_July_Dec2012 2" / "SF PD Plots" / "SFCrime_blocks.shp")
    return as_cells(layer, "blocks", code="GEO_ID")


@pytest.mark.parametrize(
    ("file", "published", "equal"),
    [
        ("robbery", "Robbery", 577),
        ("vandalism", "Vandalism", 578),
        ("drugs", "Drugs", 578),
        ("cartheft", "CarTheft", 557),
    ],
)
def test_san_francisco_counts_are_the_published_ones(shared_data, file, published, equal):
    archive = shared_data / "sf-2012" / "SFCrime_July_Dec2012.zip"
    blocks = _blocks(shared_data)
    incidents = read_incidents(archive / "SFCrime_July_Dec2012 2" / "Crime Events" / f"sf_{file}.shp")
    counted = counts(assign(incidents, blocks), blocks)
    assert counted["code"].tolist() == blocks["code"].tolist()
    # Repeated numbers are counted, as by the publisher.
    assert (counted["incidents"].to_numpy() == blocks[published].to_numpy()).sum() == equal
    assert counted["incidents"].sum() == len(incidents) - counted.attrs["outside"]


def test_density_of_washington_adds_up_to_its_reports(shared_data):
    incidents, wards = _dc(shared_data, "ward-2012.geojson", "WARD_ID")
    result = density(incidents, outline=wards, bandwidth_m=300.0, cell_m=100.0)
    assert result.used + result.outside == 2898
    assert result.outside <= 5
    assert result.total() == pytest.approx(result.used, rel=1e-9)


def test_kernel_is_the_reference_kernel(shared_data):
    folder = shared_data / "stats-reference"
    points = pd.read_csv(folder / "kde_points.csv")[["x", "y"]].to_numpy(dtype=float)
    table = pd.read_csv(folder / "kde_reference_sigma500.csv")
    x, y = np.unique(table["x"]), np.unique(table["y"])
    expected = table.sort_values(["y", "x"])["count_per_km2"].to_numpy().reshape(len(y), len(x))
    ours = kernel_sum(points, x, y, 500.0) * 1e6
    assert np.abs(ours - expected).max() <= 1e-9 * expected.max()


def _within(xy: np.ndarray, distance_m: float) -> scipy.sparse.csr_array:
    apart = np.hypot(*(xy[:, None, :] - xy[None, :, :]).transpose(2, 0, 1))
    return scipy.sparse.csr_array((apart <= distance_m).astype(float))


@pytest.mark.parametrize("distance_m", [30, 60, 90, 120, 150])
def test_gi_star_of_the_worked_example(shared_data, distance_m):
    table = pd.read_csv(shared_data / "stats-reference" / "getisord_spdep.csv")
    weights = _within(table[["x", "y"]].to_numpy(dtype=float), distance_m)
    ours = gi_star(table["val"].to_numpy(dtype=float), weights)
    assert np.abs(ours - table[f"Gstar{distance_m}"].to_numpy()).max() <= 1e-9


def test_gi_star_as_printed(shared_data):
    """Getis and Ord (1996) number the 16 rows from the top: their cell 136 is row 120 of the table."""
    table = pd.read_csv(shared_data / "stats-reference" / "getisord_spdep.csv")
    weights = _within(table[["x", "y"]].to_numpy(dtype=float), 30)
    z = gi_star(table["val"].to_numpy(dtype=float), weights, variance="n-1")
    assert round(float(z[256 - 136 - 1]), 4) == 1.4479


@pytest.mark.parametrize(("column", "reference"), [("rate", "GiStar_B"), ("SID74", "GiStar_count")])
def test_gi_star_of_the_carolina_counties(shared_data, column, reference):
    folder = shared_data / "stats-reference"
    table = pd.read_csv(folder / "sids_spdep.csv")
    pairs = pd.read_csv(folder / "sids_queen_neighbours.csv").rename(columns={"i": "a", "j": "b"}).astype(str)
    counties = read_layer(folder / "sids.gpkg")
    counties["code"] = counties["FIPS"].astype(str)
    found = hotspots(table.assign(code=table["FIPS"].astype(str)), counties, column=column, neighbours=pairs)
    expected = table.set_index(table["FIPS"].astype(str))[reference].reindex(counties["code"]).to_numpy()
    assert np.abs(found["z"].to_numpy() - expected).max() <= 1e-9
    assert found["neighbours"].sum() == len(pairs)


def test_hot_spots_of_san_francisco_stand(shared_data):
    """Half of all drug incidents lie in a tenth of the blocks; those must be found, but not all blocks."""
    blocks = _blocks(shared_data)
    table = pd.DataFrame({"code": blocks["code"], "incidents": blocks["Drugs"].astype(int)})
    found = hotspots(table, blocks)
    assert found.attrs["null"] == "background"
    assert 30 <= found["hot"].sum() <= 90
    assert found.loc[found["hot"], "incidents"].sum() > 0.5 * found["incidents"].sum()
    assert found.sort_values("z").iloc[-10:]["hot"].all()
    assert not found.loc[found["with_neighbours"] <= found["with_neighbours"].median(), "hot"].any()


def _sids(shared_data: Path) -> tuple[pd.DataFrame, scipy.sparse.csr_array]:
    folder = shared_data / "stats-reference"
    table, pairs = pd.read_csv(folder / "sids_spdep.csv"), pd.read_csv(folder / "sids_queen_neighbours.csv")
    place = pd.Index(table["FIPS"])
    ends = place.get_indexer(pairs["i"]), place.get_indexer(pairs["j"])
    return table, scipy.sparse.csr_array((np.ones(len(pairs)), ends), shape=(100, 100))


def test_local_measures_of_the_carolina_counties(shared_data):
    table, binary = _sids(shared_data)
    rate = table["rate"].to_numpy()
    rows = scipy.sparse.csr_array(binary.multiply(1.0 / binary.sum(axis=1)[:, None]))
    value, expected, variance = local_moran(rate, rows)
    for ours, column in (
        (value, "Ii"),
        (expected, "E.Ii"),
        (variance, "Var.Ii"),
        ((value - expected) / np.sqrt(variance), "Z.Ii"),
    ):
        assert np.abs(ours - table[column].to_numpy()).max() <= 1e-9, column
