"""Cells without a code, and arguments that are not layers: told with the rows, never a result that looks complete."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.coverage import check, plan_repair
from geo.divide import partition, rebalance
from geo.errors import CodeError, CrsError, GeometryError, InputError
from geo.incidents import assign
from geo.layers import area_m2, as_cells, code_column, detect_datum, to_datum
from geo.layers.crs import lon_lat
from geo.locate import GridIndex
from geo.notices import WanggeWarning

CODES = [f"G{i:02d}" for i in range(16)]
CODES[5] = CODES[6] = None
CODES[9] = "G08"


def squares(**columns: object) -> gpd.GeoDataFrame:
    x, y = 388000 + 100 * (np.arange(16) % 4), 3553000 + 100 * (np.arange(16) // 4)
    boxes = shapely.box(x, y, x + 100, y + 100)
    return gpd.GeoDataFrame(columns, geometry=boxes, crs=4549)


def told(frame: gpd.GeoDataFrame) -> dict[str, list[str]]:
    found = check(as_cells(frame, "cells", faulty=True)).findings
    return {kind: sorted(cells[0] for cells in group) for kind, group in found.groupby("kind")["cells"]}


@pytest.mark.parametrize("missing", [None, "", " "])
@pytest.mark.parametrize("name", ["code", "网格编码"])
def test_a_check_tells_missing_and_repeated_codes_although_names_are_complete(name, missing):
    frame = squares(**{name: [missing if code is None else code for code in CODES]}, 名称=[f"格{i}" for i in range(16)])
    codes = pd.Series(CODES)
    twin = {
        "bad_code": [f"#{i}" for i in codes.index[codes.isna()]],
        "duplicate_code": sorted(codes[codes.duplicated() & codes.notna()]),
    }
    assert told(frame) == twin


def test_numbers_with_missing_ones_are_codes_and_spaces_do_not_distinguish_codes():
    numbers = pd.Series([320113001.0 + i for i in range(16)]).mask(pd.Series(CODES).isna())
    numbers[9] = numbers[8]
    assert told(squares(code=numbers)) == {"bad_code": ["#5", "#6"], "duplicate_code": ["320113009"]}
    assert told(squares(code=["G00", "G00 ", *[f"G{i}" for i in range(14)]])) == {"duplicate_code": ["G00"]}


def test_a_category_and_a_complete_column_of_codes_are_told_from_faulty_codes():
    kinds = squares(code=["a", "b"] * 8, 网格编号=[f"{i:03d}" for i in range(16)])
    assert code_column(kinds, faulty=True) == "网格编号"
    assert code_column(squares(code=["a", "b"] * 8), faulty=True) is None
    assert code_column(squares(code=[None] * 9 + list("abcdefg")), faulty=True) is None


def test_others_use_a_complete_column_and_say_so():
    with pytest.warns(
        WanggeWarning, match="'code' has missing or repeated values, so column 'name' identifies the cells"
    ):
        cells = as_cells(squares(code=CODES, name=[f"格{i}" for i in range(16)]), "cells")
    assert cells["code"].tolist() == [f"格{i}" for i in range(16)]
    with pytest.warns(WanggeWarning, match="so row numbers identify the cells"):
        assert as_cells(squares(code=CODES), "cells")["code"].tolist() == [str(i) for i in range(1, 17)]


def test_points_are_not_located_among_cells_without_a_code():
    cells = as_cells(squares(code=CODES), "cells", code="code")
    points = gpd.GeoDataFrame(geometry=[shapely.Point(388150, 3553150)], crs=4549)
    for use in (GridIndex, lambda frame: assign(points, frame)):
        with pytest.raises(CodeError, match=r"2 rows have no code \(rows 5, 6\)") as refused:
            use(cells)
        assert refused.value.ids == (5, 6)


def test_a_repair_names_a_cell_without_a_code_by_its_row():
    cells = squares(code=CODES)
    cells.loc[5, "geometry"] = cells.geometry[5].buffer(2, join_style="mitre")
    assert set(plan_repair(cells).changes["cell"]) >= {"#5"}


def test_cells_without_a_geometry_are_named_before_they_are_grouped():
    for nothing in (None, shapely.Polygon()):
        cells = squares(workload=[1.0] * 16)
        cells.loc[3, "geometry"] = nothing
        for group in (
            lambda frame: partition(frame, (1, 2, 4)),
            lambda frame: rebalance(frame, pd.Series(np.arange(16) // 8), workload=frame["workload"]),
        ):
            with pytest.raises(GeometryError, match=r"1 row has no geometry \(3\)"):
                group(cells)


@pytest.mark.parametrize(
    "given", [shapely.box(0, 0, 1, 1), pd.DataFrame({"a": [1]}), pd.Series([1]), None, "cells.gpkg"]
)
def test_what_is_no_layer_is_refused_with_its_type(given):
    cells = squares(code=CODES)
    for use in (
        check,
        plan_repair,
        code_column,
        area_m2,
        lon_lat,
        lambda frame: as_cells(frame, "cells"),
        lambda frame: to_datum(frame, "WGS-84", "GCJ-02"),
        lambda frame: detect_datum(frame, cells),
        lambda frame: detect_datum(cells, frame),
        lambda frame: assign(frame, cells[["geometry"]].assign(code=list("abcdefghijklmnop"))),
        lambda frame: assign(cells, frame),
    ):
        with pytest.raises(
            InputError, match=rf"a GeoDataFrame with a geometry column is expected, not a {type(given).__name__}"
        ):
            use(given)


def test_a_layer_without_a_crs_has_no_degrees_and_a_frame_has_areas():
    cells = squares()
    bare = cells.set_crs(None, allow_override=True)
    for use in (lambda: detect_datum(bare, cells), lambda: detect_datum(cells, bare), lambda: lon_lat(bare.geometry)):
        with pytest.raises(CrsError, match="set the CRS that the coordinates are in"):
            use()
    assert area_m2(cells).tolist() == area_m2(cells.geometry).tolist()
