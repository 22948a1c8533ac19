"""Real layers: valid ones give no findings, and known faults are found and repaired."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geo.coverage import Mesh, check, repair
from geo.layers import as_cells, read_layer, to_metric


def cells(path: Path) -> gpd.GeoDataFrame:
    return as_cells(read_layer(path), path.name)


def test_providence_blocks_are_whole_and_make_a_mesh(shared_data: Path) -> None:
    blocks = cells(shared_data / "providence" / "blocks.zip")
    report = check(blocks, expected=3014)
    assert report.ok
    assert set(report.counts()) <= {"detached_part", "ring_shaped"}
    mesh = Mesh.from_layer(to_metric(blocks))
    wards = cells(shared_data / "providence" / "districts.zip")
    assert mesh.areas_m2().sum() == pytest.approx(to_metric(wards).area.sum(), rel=1e-6)


def test_providence_precincts_have_their_known_faults_and_are_mended(shared_data: Path) -> None:
    precincts = cells(shared_data / "providence" / "precincts.zip")
    report = check(precincts)
    counts = report.counts()
    assert (counts["overlap"], counts["gap"]) == (2, 3)
    areas = report.findings.groupby("kind")["area_m2"].sum()
    assert areas["overlap"] == pytest.approx(3.95, abs=0.01)
    assert areas["gap"] == pytest.approx(98042, abs=5)
    mended, _ = repair(precincts, largest_gap_m2=1e6)
    assert check(mended).ok
    assert len(mended) == 59


def test_rhode_island_overlaps_are_those_published(shared_data: Path) -> None:
    precincts = cells(shared_data / "ri-precincts" / "RI_precincts.zip")
    found = check(precincts, tolerance_m=0.0).findings
    overlaps = found[found["kind"] == "overlap"]
    assert len(overlaps) == 21
    assert overlaps["area_m2"].sum() == pytest.approx(75.65, abs=0.01)
    assert overlaps["area_m2"].max() == pytest.approx(29.7, abs=0.05)
    assert found["kind"].isin(["gap", "sliver"]).sum() == 501


def test_berlin_has_its_stray_part_and_its_slivers(shared_data: Path) -> None:
    folder = shared_data / "berlin-lor"
    districts = cells(folder / "berlin-lor-districts.geojson")
    planning = check(cells(folder / "berlin-lor-planning-areas-until-2020.geojson"), parents=districts).findings
    stray = planning[planning["kind"] == "wrong_parent"]
    assert stray["cells"].tolist() == [("06010102",)]
    assert stray["area_m2"].iloc[0] == pytest.approx(562_504, abs=1)
    assert planning.loc[planning["kind"] == "duplicate_code", "cells"].tolist() == [("06010102",)]
    forecast = check(cells(folder / "berlin-lor-forecast-areas-until-2020.geojson"), parents=districts).findings
    slivers = forecast[forecast["kind"] == "not_nested"]
    assert slivers["area_m2"].max() == pytest.approx(12_055, abs=1)


@pytest.mark.parametrize(
    ("file", "gaps_m2"),
    [
        ("berlin-lor/berlin-lor-planning-areas-until-2020.geojson", None),
        ("providence/precincts.zip", 1e6),
        ("ri-precincts/RI_precincts.zip", 1e6),
    ],
)
def test_real_layers_are_whole_after_repair(shared_data: Path, file: str, gaps_m2: float | None) -> None:
    layer = to_metric(cells(shared_data / file))
    mended, _ = repair(layer, largest_gap_m2=gaps_m2)
    report = check(mended)
    assert not set(report.counts()) & {"overlap", "gap", "sliver", "invalid_geometry", "unmatched_edge"}
    assert len(mended) == len(layer)
    assert mended["code"].tolist() == layer["code"].tolist()
    Mesh.from_layer(mended)


@pytest.mark.parametrize(
    ("cells_in", "areas_in", "role"),
    [
        ("berlin-lor/berlin-lor-forecast-areas-until-2020.geojson", "berlin-lor/berlin-lor-city.geojson", "outline"),
        (
            "berlin-lor/berlin-lor-forecast-areas-until-2020.geojson",
            "berlin-lor/berlin-lor-districts.geojson",
            "parents",
        ),
        ("dc-2016/advisory-neighborhood-commission-2013.geojson", "dc-2016/ward-2012.geojson", "outline"),
    ],
)
def test_layers_are_exact_in_an_outline_that_was_drawn_apart(
    shared_data: Path, cells_in: str, areas_in: str, role: str
) -> None:
    """The outline deviates from the cells by millimetres to metres and has other vertices, some of them within 1 mm."""
    layer, areas = to_metric(cells(shared_data / cells_in)), {role: cells(shared_data / areas_in)}
    mended, _ = repair(layer, **areas)
    # Districts have a gap between them, which belongs to none of them.
    assert check(mended, **areas).counts() == ({"gap": 1} if role == "parents" else {})
    ground, border = shapely.union_all(mended.geometry.array), shapely.union_all(to_metric(areas[role]).geometry.array)
    assert shapely.symmetric_difference(ground, border).area < 1e-3
    assert shapely.area(mended.geometry.array).sum() == pytest.approx(ground.area, abs=1e-4)
    again, changes = repair(mended, **areas)
    assert changes.empty
    assert shapely.to_wkb(again.geometry.array).tolist() == shapely.to_wkb(mended.geometry.array).tolist()
