from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import CrsError, FileError, GeometryError, InputError
from geo.layers import Division, Level, as_cells, read_division, read_layer, write_division, write_layer
from geo.layers.columns import LAYER_COLUMNS

E, N = 387000.0, 3553000.0


def layer(level: Level, n: int) -> gpd.GeoDataFrame:
    """A square kilometre in n × n cells whose codes contain their parents."""
    step = 1000 / n
    boxes = [
        shapely.box(E + i * step, N + j * step, E + (i + 1) * step, N + (j + 1) * step)
        for j in range(n)
        for i in range(n)
    ]
    codes = [f"320113003{'001' * (int(level) - 1)}{k:03d}" if level else "320113003" for k in range(1, n * n + 1)]
    columns: dict[str, object] = dict.fromkeys(LAYER_COLUMNS[:-1], 0.0)
    text = {
        "code": codes,
        "name": "长营",
        "parent": [c[:-3] for c in codes],
        "level": int(level),
        "leader": "",
        "valid_from": "2026-01-01",
    }
    return gpd.GeoDataFrame({**columns, **text, "valid_to": None}, geometry=boxes, crs=4549, index=range(n * n))


@pytest.fixture
def division() -> Division:
    return Division(*(layer(level, n) for level, n in zip(Level, (1, 2, 4, 8), strict=True)))


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "parquet"])
def test_division_there_and_back_to_the_last_bit(division: Division, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"division.{ending}"
    write_division(division, path)
    back = read_division(path)
    assert back.counts == (4, 16, 64)
    assert back.crs.to_epsg() == 4549
    for level in Level:
        one, two = division.layer(level), back.layer(level)
        assert two["code"].tolist() == one["code"].tolist()
        assert (
            shapely.to_wkb(shapely.normalize(two.geometry.array)).tolist()
            == shapely.to_wkb(shapely.normalize(one.geometry.array)).tolist()
        )


def test_the_same_division_gives_the_same_bytes(division: Division, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_division(division, tmp_path / f"{name}.gpkg")
    assert (tmp_path / "a.gpkg").read_bytes() == (tmp_path / "b.gpkg").read_bytes()


def test_a_failed_write_leaves_the_old_file(division: Division, tmp_path: Path) -> None:
    path = tmp_path / "division.gpkg"
    write_division(division, path)
    before = path.read_bytes()
    broken = division.with_layer(Level.THIRD, division.third.assign(bad=np.ones(64, dtype=complex)))
    with pytest.raises(Exception, match="complex"):
        write_division(broken, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["division.gpkg"]


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_files_that_cannot_be_read_say_why_in_one_line(tmp_path: Path) -> None:
    gbk = '{"type": "FeatureCollection", "features": [], "name": "长营"}'.encode("gbk")
    cases = {
        tmp_path / "missing.gpkg": "no such file",
        tmp_path: "folder",
        write(tmp_path / "empty.geojson", b""): "0 bytes",
        write(tmp_path / "gbk.geojson", gbk): "not UTF-8",
        write(tmp_path / "cut.geojson", '{"type": "Feat'): "not JSON",
        write(tmp_path / "noise.gpkg", b"\x00\x01" * 500): "cannot be read",
        write(tmp_path / "noise.parquet", b"\x00\x01" * 500): "cannot be read",
        write(tmp_path / "noise.zip", b"\x00\x01" * 500): "not a zip",
        write(tmp_path / "cells.dwg", b"x"): "unknown format",
        write(tmp_path / "plain.json", '{"a": 1}'): "cannot be read",
    }
    for path, message in cases.items():
        with pytest.raises(FileError, match=message) as caught:
            read_layer(path)
        assert "\n" not in str(caught.value)


def test_layers_that_are_empty_or_without_crs(tmp_path: Path) -> None:
    empty = write(tmp_path / "none.geojson", '{"type": "FeatureCollection", "features": []}')
    with pytest.raises(InputError, match=r"empty|no geometry"):
        read_layer(empty)
    bare = layer(Level.COMMUNITY, 2).set_crs(None, allow_override=True)
    bare.to_parquet(tmp_path / "bare.parquet")
    with pytest.raises(CrsError, match="declares no coordinate reference system"):
        read_layer(tmp_path / "bare.parquet")
    assert read_layer(tmp_path / "bare.parquet", crs=4549).crs.to_epsg() == 4549


def test_metres_under_degrees_are_refused(tmp_path: Path) -> None:
    layer(Level.COMMUNITY, 2).set_crs(4326, allow_override=True).to_parquet(tmp_path / "metres.parquet")
    with pytest.raises(CrsError, match="not degrees"):
        read_layer(tmp_path / "metres.parquet")


def test_points_are_no_cells(tmp_path: Path) -> None:
    points = gpd.GeoDataFrame(geometry=[shapely.Point(118.8, 32.1)], crs=4326)
    write_layer(points, tmp_path / "points.geojson")
    with pytest.raises(GeometryError, match="1 Point"):
        as_cells(read_layer(tmp_path / "points.geojson"), "points.geojson")


def test_several_layers_and_archives_must_be_named(division: Division, tmp_path: Path) -> None:
    write_division(division, tmp_path / "d.gpkg")
    with pytest.raises(FileError, match=r"4 layers .*street"):
        read_layer(tmp_path / "d.gpkg")
    with pytest.raises(FileError, match="no layer 'x'"):
        read_layer(tmp_path / "d.gpkg", layer="x")
    for name in ("a", "b"):
        write_layer(division.community, tmp_path / f"{name}.geojson")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.write(tmp_path / "a.geojson", "in/a.geojson")
        archive.write(tmp_path / "b.geojson", "in/b.geojson")
    with pytest.raises(FileError, match="2 vector files"):
        read_layer(tmp_path / "two.zip")
    assert len(read_layer(tmp_path / "two.zip" / "in" / "b.geojson")) == 4


def test_code_is_guessed_but_never_a_row_number() -> None:
    frame = layer(Level.COMMUNITY, 2).drop(columns="code").assign(OBJECTID=[1, 2, 3, 4], WARD_ID=["8", "6", "7", "2"])
    assert as_cells(frame, "x")["code"].tolist() == ["8", "6", "7", "2"]
    assert as_cells(frame.drop(columns="WARD_ID"), "x")["code"].tolist() == ["1", "2", "3", "4"]


def test_gpkg_is_read_by_others(division: Division, tmp_path: Path) -> None:
    write_division(division, tmp_path / "d.gpkg")
    third = gpd.read_file(tmp_path / "d.gpkg", layer="third")
    assert third.crs.to_epsg() == 4549
    assert third.geometry.area.sum() == pytest.approx(1e6)
    assert np.isfinite(third.total_bounds).all()
