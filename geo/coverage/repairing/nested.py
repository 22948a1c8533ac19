"""Repairs a division: the third level is repaired and the upper levels are dissolved from it."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd

from geo.coverage.mesh import Mesh
from geo.coverage.repairing.plan import RepairPlan, plan_repair
from geo.errors import CodeError, first_labels
from geo.layers.cells import Area
from geo.layers.codes import ancestor_codes, require_unique
from geo.layers.columns import AREA_M2, CODE, Level
from geo.layers.crs import area_m2
from geo.layers.division import Division


def repair_division(
    division: Division, *, allowed: Area | None = None, largest_gap_m2: float | None = None
) -> tuple[Division, RepairPlan]:
    """Repair the third level inside the street's outline, and dissolve the other levels from it.

    The levels therefore nest regardless of the input: a second-level grid becomes the union of its third-level grids.

    Parameters
    ----------
    division
        Codes must nest: each third-level code begins with that of its second-level grid, and so on.
    allowed, largest_gap_m2
        As for :func:`geo.coverage.plan_repair`.

    Returns
    -------
    (division, plan)
        The division with the attributes of its rows, recomputed areas and geometry on the 1 mm lattice; and the plan of the
        third level.

    Raises
    ------
    CodeError
        If a cell's parent has no row.
    GeometryError, ImpossibleError
        As for :func:`geo.coverage.plan_repair`.
    """
    _require_nested(division)
    plan = plan_repair(division.third, outline=division.street, allowed=allowed, largest_gap_m2=largest_gap_m2)
    mesh = Mesh.from_layer(plan.cells)
    for level in Level:
        made = mesh.layer(level).set_index(CODE).geometry
        frame = division.layer(level)
        frame = frame.set_geometry(gpd.GeoSeries(made.reindex(frame[CODE]).array, index=frame.index, crs=division.crs))
        division = division.with_layer(level, frame.assign(**{AREA_M2: area_m2(frame.geometry)}))
    return division, replace(plan, cells=division.third)


def _require_nested(division: Division) -> None:
    for level in (Level.THIRD, Level.SECOND, Level.COMMUNITY):
        require_unique(division.layer(level)[CODE], level.layer)
        above = Level(level - 1)
        wanted = ancestor_codes(division.layer(level)[CODE], above)
        orphans = sorted(set(wanted) - set(division.layer(above)[CODE].astype(str)))
        if orphans:
            raise CodeError(
                f"{level.layer}: cells name parents that have no row in {above.layer} ({first_labels(orphans)}); "
                "correct the codes first",
                ids=orphans,
            )
        childless = sorted(set(division.layer(above)[CODE].astype(str)) - set(wanted))
        if childless:
            raise CodeError(
                f"{above.layer}: cells have no children in {level.layer} ({first_labels(childless)}); correct the codes first",
                ids=childless,
            )
