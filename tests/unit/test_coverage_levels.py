from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.coverage import Mesh, check_division, repair_division
from geo.errors import CodeError, ColumnError, CrsError, ImpossibleError
from geo.layers import Division, Level, area_m2

E, N = 387000.0, 3553000.0


def division() -> Division:
    """A square of 400 m in 2 × 2 communities, each in 2 × 2 second-level grids of 2 × 2 third-level grids."""
    rows = []
    for i in range(8):
        for j in range(8):
            code = f"320113003{i // 4 * 2 + j // 4 + 1:03d}{i % 4 // 2 * 2 + j % 4 // 2 + 1:03d}{i % 2 * 2 + j % 2 + 1:03d}"
            rows.append((code, shapely.box(E + 50 * i, N + 50 * j, E + 50 * i + 50, N + 50 * j + 50)))
    third = gpd.GeoDataFrame({"code": [c for c, _ in rows]}, geometry=[s for _, s in rows], crs=4549)
    layers = []
    for digits in (9, 12, 15, 18):
        merged = third.assign(code=third["code"].str[:digits]).dissolve("code", method="coverage").reset_index()
        layers.append(merged.assign(parent=merged["code"].str[:-3], area_m2=area_m2(merged.geometry)))
    return Division(*layers)


def nested(communities: int, seconds: int, thirds: int) -> Division:
    """A row of communities, each with the given numbers of second-level and third-level grids, all squares of 50 m or strips."""
    rows = []
    for k in range(communities * seconds * thirds):
        c, s, t = k // (seconds * thirds), k // thirds % seconds, k % thirds
        rows.append(
            (f"320113003{c + 1:03d}{s + 1:03d}{t + 1:03d}", shapely.box(E + 50 * k, N, E + 50 * k + 50, N + 50))
        )
    third = gpd.GeoDataFrame({"code": [c for c, _ in rows]}, geometry=[s for _, s in rows], crs=4549)
    layers = []
    for digits in (9, 12, 15, 18):
        merged = third.assign(code=third["code"].str[:digits]).dissolve("code", method="coverage").reset_index()
        layers.append(merged.assign(parent=merged["code"].str[:-3], area_m2=area_m2(merged.geometry)))
    return Division(*layers)


@pytest.mark.parametrize("shape", [(3, 2, 1), (3, 1, 4), (1, 3, 2), (3, 1, 1), (1, 1, 3), (1, 1, 1)], ids=str)
def test_levels_of_single_children_are_made_all_the_same(shape: tuple[int, int, int]) -> None:
    sound = nested(*shape)
    mended, _ = repair_division(sound)
    mesh = Mesh.from_layer(sound.third)
    for level in Level:
        twin = sound.third.dissolve(sound.third["code"].str[: (9, 12, 15, 18)[level]])
        assert mesh.layer(level)["code"].tolist() == twin.index.tolist()
        assert shapely.equals(mesh.layer(level).geometry.array, twin.geometry.array).all()
        frame = mended.layer(level)
        assert not (frame.geometry.isna() | frame.geometry.is_empty).any()
        assert shapely.equals(frame.geometry.array, sound.layer(level).geometry.array).all()
    assert check_division(mended).ok


def test_a_mesh_knows_its_level_by_its_codes() -> None:
    sound = nested(2, 2, 2)
    assert Mesh.from_layer(sound.second).level is Level.SECOND
    assert Mesh.from_layer(sound.second).layer(Level.COMMUNITY)["code"].tolist() == ["320113003001", "320113003002"]
    with pytest.raises(ImpossibleError, match="third"):
        Mesh.from_layer(sound.second).layer(Level.THIRD)
    mixed = sound.third.assign(code=[*sound.third["code"].iloc[:-1], "320113003009"])
    with pytest.raises(CodeError, match="several"):
        Mesh.from_layer(mixed).layer(Level.COMMUNITY)
    with pytest.raises(ColumnError, match="code"):
        Mesh.from_layer(sound.third.drop(columns="code")).layer(Level.COMMUNITY)


def test_ancestors_by_parent_column() -> None:
    sound = nested(2, 3, 2)
    rows = sound.ancestor_rows()
    assert sound.second["code"].to_numpy()[rows[Level.SECOND]].tolist() == sound.third["code"].str[:15].tolist()
    assert sound.community["code"].to_numpy()[rows[Level.COMMUNITY]].tolist() == sound.third["code"].str[:12].tolist()
    lost = sound.with_layer(Level.SECOND, sound.second.iloc[1:])
    with pytest.raises(CodeError, match="layer third: 2 cells name a parent that does not exist"):
        lost.ancestor_rows()


def test_the_sample_is_sound() -> None:
    assert check_division(division(), expected=(4, 16, 64)).ok


@pytest.mark.parametrize("epsg", [3035, 3857, 32651, 4549])
def test_a_division_in_any_crs_in_metres_is_checked_in_that_of_its_place(epsg: int) -> None:
    given = division()
    other = Division(*(given.layer(level).to_crs(epsg) for level in Level))
    assert check_division(other).ok
    third = other.third.drop(index=9)
    report = check_division(other.with_layer(Level.THIRD, third))
    hole = report.findings[report.findings["kind"] == "gap"].geometry.iloc[0]
    assert report.findings.crs.axis_info[0].unit_name == "metre"
    assert area_m2(gpd.GeoSeries([hole], crs=report.findings.crs))[0] == pytest.approx(
        area_m2(given.third.geometry)[9], rel=1e-6
    )


@pytest.mark.parametrize("away_m", [1e6, 5e6, 1e7])
@pytest.mark.parametrize("which", [[9], list(range(64))])
def test_cells_far_from_the_street_are_findings(away_m: float, which: list[int]) -> None:
    given = division()
    shapes = np.array(given.third.geometry.array, dtype=object)
    shapes[which] = shapely.transform(shapes[which], lambda xy: xy + away_m)
    broken = given.with_layer(Level.THIRD, given.third.set_geometry(gpd.GeoSeries(shapes, crs=4549)))
    findings = check_division(broken).findings
    named = {str(code) for cells in findings["cells"] for code in cells}
    assert set(given.third["code"].iloc[which]) <= named
    assert {"gap", "outline_uncovered"} & set(findings["kind"])


@pytest.mark.parametrize("away_m", [1e9, 1e13, 1e300])
def test_coordinates_beyond_the_crs_are_refused_by_code(away_m: float) -> None:
    given = division()
    shapes = np.array(given.third.geometry.array, dtype=object)
    shapes[9] = shapely.transform(shapes[9], lambda xy: xy + away_m)
    broken = given.with_layer(Level.THIRD, given.third.set_geometry(gpd.GeoSeries(shapes, crs=4549)))
    with pytest.raises(CrsError, match=f"third: 1 cell has coordinates beyond .*{given.third['code'].iloc[9]}"):
        check_division(broken)


def test_levels_that_disagree_are_made_from_the_leaves() -> None:
    sound = division()
    shapes = np.array(sound.third.geometry.array, dtype=object)
    shapes[9] = shapely.box(*np.add(shapes[9].bounds, (0, 0, 3, 0)))  # Onto its eastern neighbour, in another parent.
    broken = sound.with_layer(Level.THIRD, sound.third.set_geometry(gpd.GeoSeries(shapes, crs=4549)))
    moved = np.array(sound.second.geometry.array, dtype=object)
    moved[3] = shapely.buffer(moved[3], 1.0, join_style="mitre")
    broken = broken.with_layer(Level.SECOND, broken.second.set_geometry(gpd.GeoSeries(moved, crs=4549)))
    assert not check_division(broken).ok
    mended, plan = repair_division(broken)
    report = check_division(mended, expected=(4, 16, 64))
    assert report.ok, report.summary()
    assert len(plan.changes) >= 1
    assert mended.third["code"].tolist() == sound.third["code"].tolist()


def test_codes_must_nest() -> None:
    sound = division()
    third = sound.third.assign(code=["320113003009001001", *sound.third["code"].iloc[1:]])
    with pytest.raises(CodeError, match="320113003009001"):
        repair_division(sound.with_layer(Level.THIRD, third))


def test_a_parent_without_children_and_double_codes_are_refused() -> None:
    sound = division()
    extra = sound.second.iloc[[0]].assign(code="320113003001009")
    more = gpd.GeoDataFrame(pd.concat([sound.second, extra], ignore_index=True), crs=4549)
    with pytest.raises(CodeError, match=r"second: cells have no children in third \(320113003001009\)"):
        repair_division(sound.with_layer(Level.SECOND, more))
    twice = sound.third.assign(code=[sound.third["code"].iloc[1], *sound.third["code"].iloc[1:]])
    with pytest.raises(CodeError, match="third: codes that occur more than once"):
        repair_division(sound.with_layer(Level.THIRD, twice))
