"""Import of divisions edited in a GIS: damage as made by QGIS, simulated on a small street and read from shared files."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import FileError
from geo.layers import Division, Level, read_division, write_division
from geo.redraw import Draft, Merge, MoveVertex, Rename, Split, Transfer, read_edited

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def model() -> Division:
    return read_division(ROOT / "data" / "boundaries" / "division.gpkg")


@pytest.fixture
def base(small_street, tmp_path: Path) -> Division:
    path = tmp_path / "base.gpkg"
    write_division(small_street.division(), path)
    return read_division(path)


def _write(path: Path, **layers: gpd.GeoDataFrame) -> Path:
    for name, layer in layers.items():
        layer.to_file(path, layer=name, driver="GPKG")
    return path


def _kinds(findings) -> dict[str, str]:
    return dict(zip(findings["kind"], findings["severity"], strict=True))


@pytest.mark.parametrize(
    ("name", "edits", "kinds"),
    [
        ("00_clean", [], {"no_change"}),
        ("01_good_edit", [MoveVertex, Rename], {"stale_area"}),
        ("03_moved_in_one_owner", [MoveVertex], {"moved_in_one_owner", "jitter", "stale_area"}),
        ("04_split_t_junctions_double_code", [Split], {"split", "people_doubled", "unmatched_vertex"}),
        (
            "07_z_columns_null_empty",
            [],
            {"ask_column", "empty_geometry", "missing_code", "renamed_column", "missing_column"},
        ),
        ("08_jitter_2cm_and_bowtie", [], {"jitter", "self_crossing"}),
        ("10_second_level_only", [], {"cuts_third_level"}),
    ],
)
def test_what_qgis_brings_back(model: Division, shared_data: Path, name: str, edits: list, kinds: set[str]) -> None:
    found, findings = read_edited(model, shared_data / "qgis-roundtrip" / f"{name}.gpkg")
    assert [type(edit) for edit in found] == edits
    assert kinds <= set(findings["kind"])
    assert list(findings.columns) == ["kind", "cells", "geometry", "explanation", "severity"]
    assert findings["kind"].is_unique or name == "03_moved_in_one_owner"
    draft = Draft.of(model)
    for edit in found:
        draft.apply(edit)
    assert len(draft.edits) == len(edits)


def test_a_moved_node_and_a_new_name_are_all_there_is(model: Division, shared_data: Path) -> None:
    found, _ = read_edited(model, shared_data / "qgis-roundtrip" / "01_good_edit.gpkg")
    move, rename = found
    assert np.hypot(move.to[0] - move.at[0] - 3.0, move.to[1] - move.at[1] - 1.0) < 0.01
    assert rename == Rename("320113003009002004", "迈皋桥街社区第2网格-04（新）")


def test_there_and_back_in_another_crs_is_no_change(base: Division, tmp_path: Path) -> None:
    path = _write(tmp_path / "back.gpkg", **{level.layer: base.layer(level).to_crs("EPSG:4326") for level in Level})
    found, findings = read_edited(base, path)
    assert found == []
    assert _kinds(findings) == {"no_change": "note"}


def test_codes_as_numbers_and_shuffled_rows_are_understood(base: Division, tmp_path: Path) -> None:
    third = base.third.sample(frac=1.0, random_state=3).assign(code=lambda f: f["code"].astype(np.int64))
    found, findings = read_edited(base, _write(tmp_path / "back.gpkg", third=third))
    assert found == []
    assert "unknown_code" not in set(findings["kind"])


def test_a_merged_cell_becomes_a_merge(base: Division, tmp_path: Path) -> None:
    grid = base.third[base.third["parent"] == base.second["code"].iloc[0]]
    keep, gone = grid.index[:2]
    joined = shapely.union_all(base.third.geometry.loc[[keep, gone]])
    third = base.third.drop(index=gone)
    third.loc[keep, "geometry"] = joined
    found, _ = read_edited(base, _write(tmp_path / "back.gpkg", third=third))
    assert found == [Merge((base.third["code"].loc[keep], base.third["code"].loc[gone]))]


def test_a_missing_cell_is_told_and_stays(base: Division, tmp_path: Path) -> None:
    third = base.third.drop(index=5)
    found, findings = read_edited(base, _write(tmp_path / "back.gpkg", third=third))
    assert found == []
    row = findings[findings["kind"] == "missing_cell"].iloc[0]
    assert row["cells"] == (base.third["code"].iloc[5],)
    assert row["severity"] == "error"
    assert shapely.equals(row["geometry"], base.third.geometry.iloc[5])


def test_a_second_level_grid_that_takes_a_whole_cell_becomes_a_transfer(base: Division, tmp_path: Path) -> None:
    one, other = base.second["code"].iloc[:2]
    near = base.third[
        (base.third["parent"] == one) & (base.third.intersection(base.second.geometry.iloc[1]).length > 1.0)
    ]
    second = base.second.copy()
    second.loc[0, "geometry"] = second.geometry.iloc[0].difference(near.geometry.iloc[0])
    second.loc[1, "geometry"] = second.geometry.iloc[1].union(near.geometry.iloc[0])
    found, findings = read_edited(base, _write(tmp_path / "back.gpkg", 二级网格=second))
    assert found == [Transfer((near["code"].iloc[0],), other)]
    assert "error" not in set(findings["severity"])


def test_an_outline_that_was_moved_is_refused_with_its_reason(base: Division, tmp_path: Path) -> None:
    third = base.third.copy()
    corner = third.geometry.iloc[0].exterior.coords
    outer = min(corner, key=lambda xy: (xy[0], -xy[1]))
    moved = shapely.transform(
        third.geometry.iloc[0], lambda xy: np.where((xy == outer).all(axis=1)[:, None], xy + np.array([-3.0, 3.0]), xy)
    )
    third.loc[0, "geometry"] = moved
    found, findings = read_edited(base, _write(tmp_path / "back.gpkg", third=third))
    assert found == []
    assert _kinds(findings)["outline"] == "error"


def test_a_file_of_something_else_is_refused(base: Division, tmp_path: Path) -> None:
    other = gpd.GeoDataFrame(
        {"name": ["路"]}, geometry=[shapely.box(388_000, 3_553_000, 388_009, 3_553_009)], crs="EPSG:4549"
    )
    with pytest.raises(FileError, match="no layer holds"):
        read_edited(base, _write(tmp_path / "other.gpkg", roads=other))


def test_a_row_with_the_code_of_another_keeps_its_place(base: Division, tmp_path: Path) -> None:
    third = base.third.copy()
    wrong, right = third["code"].iloc[[0, 1]]
    third.loc[third.index[0], "code"] = right
    edits, findings = read_edited(base, _write(tmp_path / "edited.gpkg", third=third))
    assert edits == []
    assert _kinds(findings) == {"duplicate_code": "mended"}
    assert findings["cells"].tolist() == [(wrong,)]
    assert f"row 1 has the code {right} of another row; its place is that of {wrong}" in findings["explanation"].iloc[0]
