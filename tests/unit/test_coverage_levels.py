from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.coverage import check_division, repair_division
from geo.errors import CodeError
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


def test_the_sample_is_sound() -> None:
    assert check_division(division(), expected=(4, 16, 64)).ok


def test_levels_that_disagree_are_made_from_the_leaves() -> None:
    sound = division()
    shapes = np.array(sound.third.geometry.array, dtype=object)
    shapes[9] = shapely.box(*np.add(shapes[9].bounds, (0, 0, 3, 0)))  # over its eastern neighbour, in another parent
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
