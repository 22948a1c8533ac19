"""Messages with a count of one."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from api.cli.console import error_text
from api.files.reading_notices import give_reading_notices
from geo.coverage import Mesh, check
from geo.errors import GeometryError, WanggeError
from geo.locate import GridIndex
from geo.notices import WanggeWarning
from geo.texts import Text, amount
from geo.wording import counted, form


def squares(*places: tuple[float, float]) -> gpd.GeoDataFrame:
    shapes = [shapely.box(x, y, x + 10, y + 10) for x, y in places]
    cells = gpd.GeoDataFrame({"code": [f"c{i}" for i in range(len(shapes))]}, geometry=shapes, crs=4549)
    cells.geometry = cells.translate(380000, 3550000)
    return cells


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 cells are"), (1, "1 cell is"), (2, "2 cells are"), (21, "21 cells are")]
)
def test_words_after_a_number(number: int, text: str) -> None:
    assert counted(number, "cell is", "cells are") == text
    assert f"{number} cell{form(number, '', 's')}" == text.rsplit(" ", 1)[0]
    assert amount(number, "cell") == Text(str(number), text.rsplit(" ", 1)[0])


def invalid(bad: int) -> gpd.GeoDataFrame:
    cells = squares((0, 0), (10, 0), (20, 0))
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    cells.geometry = [bow] * bad + list(cells.geometry[bad:])
    return cells


@pytest.mark.parametrize(
    ("bad", "said_en", "said_zh"),
    [(1, "1 cell is an invalid polygon", "有1个网格的多边形无效"), (2, "2 cells are invalid polygons", "有2个网格")],
)
def test_invalid_cells_of_a_mesh(bad: int, said_en: str, said_zh: str) -> None:
    with pytest.raises(GeometryError, match=said_en) as caught:
        Mesh.from_layer(invalid(bad))
    assert said_zh in error_text(caught.value).zh


@pytest.mark.parametrize(("bad", "said"), [(1, "1 cell is empty or invalid"), (2, "2 cells are empty or invalid")])
def test_invalid_cells_of_an_index(bad: int, said: str) -> None:
    with pytest.raises(GeometryError, match=said):
        GridIndex(invalid(bad))


def test_an_error_is_shown_as_it_was_written() -> None:
    error = WanggeError("row 1 points are 1 cells", give={"skip": 1})
    assert str(error) == "row 1 points are 1 cells (skip=1)"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([3], "1 row has longitude and latitude exchanged; turned back: rows 3"),
        ([3, 4], "2 rows have longitude and latitude exchanged; turned back: rows 3, 4"),
    ],
)
def test_notices_of_rows(rows: list[int], said: str) -> None:
    with pytest.warns(WanggeWarning, match=said):
        give_reading_notices({"swapped": [{"row": row} for row in rows]})


def test_a_check_with_one_finding() -> None:
    cells = squares(*((x, y) for x in (0, 10, 20) for y in (0, 10, 20) if (x, y) != (10, 10)))
    summary = check(cells).summary()
    assert "8 cells, " in summary
    assert "1 finding at 8 cells" in summary
    assert summary.endswith("1 error")
