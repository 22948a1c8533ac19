"""Messages with a count of one."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from api.cli.console import error_text
from geo.coverage import check
from geo.errors import CodeError, InputError, first_labels
from geo.wording import singular


@pytest.mark.parametrize(
    ("several", "one"),
    [
        ("cells: 1 cells have no geometry", "cells: 1 cell has no geometry"),
        ("1 cells would lose all of their ground (a)", "1 cell would lose all of their ground (a)"),
        ("Holes: 1 findings at 1 cells (a), 2.00 m²", "Holes: 1 finding at 1 cell (a), 2.00 m²"),
        ("1 cells (a) lie outside; 1 vertices are doubled", "1 cell (a) lies outside; 1 vertex is doubled"),
        ("1 more causes, 1 findings.", "1 more cause, 1 finding."),
        ("1 of 3,052 rows are empty", "1 of 3,052 rows is empty"),
        ("1 fixes, 1 people", "1 fix, 1 person"),
        (
            "11 cells have, 2,1 cells have, 3.1 cells, level 1 cells are",
            "11 cells have, 2,1 cells have, 3.1 cells, level 1 cells are",
        ),
        ("row 1 points are missing", "row 1 points are missing"),
        ("it has 1 lines or points without a time", "it has 1 lines or points without a time"),
        ("", ""),
    ],
)
def test_a_count_of_one_is_followed_by_the_singular(several: str, one: str) -> None:
    assert singular(several) == one
    assert singular(one) == one


def test_errors_are_shown_in_the_singular_and_translated_as_before() -> None:
    message = f"counts: 1 cells have no row ({first_labels(['a'])})"
    error = CodeError(message, ids=["a"])
    assert str(error) == "counts: 1 cell has no row (a)"
    assert error_text(error).en == "counts: 1 cell has no row (a)"
    assert error_text(error).zh == error_text(CodeError(message.replace("1 cells", "2 cells"))).zh.replace("2", "1")
    assert str(InputError("1 rows are empty", give={"skip": 1})) == "1 row is empty (skip=1)"


def test_a_check_with_one_finding() -> None:
    squares = [shapely.box(x, y, x + 10, y + 10) for x in (0, 10, 20) for y in (0, 10, 20) if (x, y) != (10, 10)]
    cells = gpd.GeoDataFrame({"code": [f"c{i}" for i in range(8)]}, geometry=squares, crs=4549)
    cells.geometry = cells.translate(380000, 3550000)
    summary = check(cells).summary()
    assert "1 finding at 8 cells" in summary
    assert summary.endswith("1 error")
