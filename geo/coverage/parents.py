"""Determines the parent of each cell and finds the faults of nesting.

The first rule that applies is used: a column that names the parent; the prefix of the cell's code, if a parent has that code;
the place, that is, the parent that contains most of the cell. Prefixes can agree by chance, so where codes and place disagree
for many cells, the place is used. The report names the rule.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage import faults
from geo.coverage.report import Kind, Rows, finding
from geo.errors import ColumnError, first_labels
from geo.layers.cells import code_text, require_codes
from geo.layers.columns import CODE, PARENT

Shapes = npt.NDArray[np.object_]

#: Names of the rules for programs; after ``column`` the name of the column follows.
BY_COLUMN, BY_CODE, BY_PLACE = "column", "code", "place"

#: Share of the cells for which prefix and place may disagree before the place is used instead: typing errors and moved
#: borders affect few cells, prefixes that agree by chance affect most.
_MOST_CONTRADICTIONS = 0.25


class Parents(NamedTuple):
    """The parent of each cell.

    Attributes
    ----------
    codes
        Code of each cell's parent as text, shape (n,); '' if parents are found by place and none contains any of the cell.
    rule
        ``column NAME``, ``code`` or ``place``.
    """

    codes: npt.NDArray[np.object_]
    rule: str

    @property
    def named(self) -> bool:
        """Whether the cells name their parents, so that a cell inside another parent is an error."""
        return self.rule != BY_PLACE


def find_parents(cells: gpd.GeoDataFrame, shapes: Shapes, parents: gpd.GeoDataFrame, column: str | None) -> Parents:
    """Determine the parent of each cell.

    Parameters
    ----------
    cells, shapes
        The cells, and their valid polygons.
    parents
        Cells of the level above, with ``code``, in the CRS of `shapes`.
    column
        Column of `cells` that names the parent. By default ``parent``, if it contains the code of any parent; otherwise codes
        or places are used.

    Raises
    ------
    ColumnError
        If the parents have no codes, or the named column does not exist.
    """
    if CODE not in parents:
        raise ColumnError("parents: a column 'code' is required to distinguish them")
    if column is not None and column not in cells:
        raise ColumnError(
            f"cells: no column '{column}' to name the parent; there are {first_labels(list(cells.columns), 20)}"
        )
    require_codes(parents, "parents")
    known = set(parents[CODE].astype(str))
    name = column or PARENT
    if name in cells:
        told = code_text(cells[name], f"cells, column {name}").fillna("").astype(str)
        if column is not None or told.isin(known).any():
            return Parents(told.to_numpy(dtype=object), f"{BY_COLUMN} {name}")
    place = _by_place(shapes, parents)
    if CODE not in cells:
        return Parents(place, BY_PLACE)
    found = _by_beginning(cells[CODE].fillna("").astype(str), known)
    if found is None:
        return Parents(place, BY_PLACE)
    of_known = np.isin(found, list(known))
    # A cell without any parent at its place, and with the prefix of a missing parent, does not count as a disagreement.
    contradicting = np.where(of_known, (place != found) & (place != ""), place != "")
    if contradicting.mean() > _MOST_CONTRADICTIONS:
        return Parents(place, BY_PLACE)
    return Parents(found, BY_CODE)


def _by_beginning(codes: pd.Series, known: set[str]) -> npt.NDArray[np.object_] | None:
    """The longest known code that is a prefix of each code; None if there is none for any."""
    lengths = sorted({len(code) for code in known}, reverse=True)

    def parent_of(code: str) -> str | None:
        return next((code[:n] for n in lengths if n < len(code) and code[:n] in known), None)

    found = codes.map(parent_of)
    if found.isna().all():
        return None
    # A code without a known prefix still implies a parent: its prefix of the usual length.
    usual = found.dropna().str.len().mode().iloc[0]
    named: npt.NDArray[np.object_] = found.where(found.notna(), codes.str[:usual]).to_numpy(dtype=object)
    return named


def _by_place(shapes: Shapes, parents: gpd.GeoDataFrame) -> npt.NDArray[np.object_]:
    """Code of the parent that contains most of each cell, '' where none contains any of it."""
    areas = np.asarray(parents.geometry.array, dtype=object)
    codes = parents[CODE].astype(str).to_numpy(dtype=object)
    tree = shapely.STRtree(areas)
    result = np.full(len(shapes), "", dtype=object)
    cell, parent = tree.query(shapes, predicate="covered_by")
    once = np.bincount(cell, minlength=len(shapes))
    alone = once[cell] == 1
    result[cell[alone]] = codes[parent[alone]]
    rest = np.flatnonzero(once != 1)
    cell, parent = tree.query(shapes[rest], predicate="intersects")
    common = shapely.area(shapely.intersection(shapes[rest[cell]], areas[parent]))
    cell, parent, common = cell[common > 0], parent[common > 0], common[common > 0]
    order = np.lexsort((common, cell))
    result[rest[cell[order]]] = codes[parent[order]]  # the last assignment wins: the parent with the largest share
    return result


def nesting_faults(
    shapes: Shapes, of: Parents, parents: gpd.GeoDataFrame, labels: list[Any], tolerance_m: float
) -> Rows:
    """Cells without a parent, inside the wrong parent, or extending beyond their parent.

    If parents are found by place, only cells without a parent and cells that extend beyond theirs are reported.
    """
    areas = dict(zip(parents[CODE].astype(str), parents.geometry, strict=True))
    rows: Rows = []
    for parent, positions in pd.Series(np.arange(len(shapes))).groupby(of.codes, sort=True):
        members = positions.to_numpy()
        if parent not in areas:
            rows += [finding(Kind.MISSING_PARENT, [labels[i]], shapes[i], parent=str(parent)) for i in members]
            continue
        for place in faults.outside_area(shapes[members], areas[parent], tolerance_m):
            i = int(members[place.cells[0]])
            mostly_outside = place.area_m2 > 0.5 * shapes[i].area
            kind = Kind.WRONG_PARENT if of.named and mostly_outside else Kind.NOT_NESTED
            rows.append(finding(kind, [labels[i]], place.geometry, width_m=place.width_m, parent=str(parent)))
    return rows
