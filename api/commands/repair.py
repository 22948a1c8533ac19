"""Repairs a file of cells."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd

from api.files.inputs import finest, optional_layer, read_cells
from api.files.outputs import require_csv, write_csv
from api.files.small_input import few_vertices
from geo.coverage import LayerOptions, RepairPlan, Report, check, check_division, plan_repair, repair_division
from geo.kernels import uncompiled
from geo.layers import Division, as_cells, read_layer, write_division, write_layer


@dataclass(frozen=True)
class Repaired:
    """Result of a repair."""

    cells: int
    cells_changed: int
    moved_m2: float
    farthest_m: float
    gaps_left_open: int
    errors_before: int
    errors_after: int
    made_valid: tuple[tuple[str, str], ...] = ()
    parent_rule: str | None = None
    crs: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The numbers by name; repaired polygons with the reason why they were invalid."""
        return {**asdict(self), "made_valid": [{"cell": cell, "reason": reason} for cell, reason in self.made_valid]}


@dataclass(frozen=True)
class RepairOptions:
    """Options of a repair in addition to its files.

    Attributes
    ----------
    layer
        For a division, a single layer to repair; by default the third level is repaired and the others are dissolved from it.
    outline, parents, allowed
        Files with the area to be covered, with the cells of the level above, and with ground that may stay uncovered.
    code, parent
        Columns of the cells' code, and of their parent's code; guessed by default.
    crs
        CRS of files that declare none.
    largest_gap_m2
        Larger gaps stay open, m².
    protected
        Codes of cells that must keep their ground.
    changes_path
        CSV of changes, one row per cell; a second file with ``-transfers`` in its name lists every piece of ground whose owner
        changes, with the reason.
    dry_run
        Plan only: write nothing but the changes.
    """

    layer: str | None = None
    outline: Path | None = None
    code: str | None = None
    parent: str | None = None
    crs: str | None = None
    parents: Path | None = None
    allowed: Path | None = None
    largest_gap_m2: float | None = None
    protected: tuple[str, ...] = ()
    changes_path: Path | None = None
    dry_run: bool = False


def repair_file(path: Path, target: Path, options: RepairOptions = RepairOptions()) -> Repaired:
    """Repair a division, or one layer of cells, write it in the CRS of the input, and check the result.

    Raises
    ------
    FileError
        If a file cannot be read or written.
    """
    if options.changes_path is not None:
        require_csv(options.changes_path)
    cells = read_cells(path, layer=options.layer, code=options.code, crs=options.crs, faulty=True)
    given = options.outline is not None or options.parents is not None or options.protected
    if isinstance(cells, Division) and not given:
        before = check_division(cells)
        division, plan = repair_division(
            cells, allowed=optional_layer(options.allowed, crs=options.crs), largest_gap_m2=options.largest_gap_m2
        )
        after = check_division(division)
        if not options.dry_run:
            write_division(division, target)
    else:
        with uncompiled(when=few_vertices(cells)):
            before, plan, after = _repair_layer(finest(cells), options)
        if not options.dry_run:
            write_layer(plan.cells, target)
    if options.changes_path is not None:
        changes = options.changes_path
        write_csv(plan.changes, changes)
        write_csv(plan.transfers.drop(columns="geometry"), changes.with_stem(f"{changes.stem}-transfers"))
    return _figures(plan, before, after)


def _repair_layer(frame: gpd.GeoDataFrame, options: RepairOptions) -> tuple[Report, RepairPlan, Report]:
    """Repair one layer: report before, plan, and report after."""
    crs = options.crs
    parents = None if options.parents is None else as_cells(read_layer(options.parents, crs=crs), options.parents.name)
    against: dict[str, Any] = {
        "outline": optional_layer(options.outline, crs=crs),
        "parents": parents,
        "allowed": optional_layer(options.allowed, crs=crs),
    }
    checked = LayerOptions(parent_column=options.parent)
    before = check(frame, **against, options=checked)
    plan = plan_repair(
        frame,
        **against,
        protected=options.protected,
        largest_gap_m2=options.largest_gap_m2,
        parent_column=options.parent,
    )
    return before, plan, check(plan.cells, **against, options=checked)


def _figures(plan: RepairPlan, before: Report, after: Report) -> Repaired:
    return Repaired(
        cells=len(plan.cells),
        cells_changed=len(plan.changes),
        moved_m2=float(plan.transfers["area_m2"].sum()),
        farthest_m=float(plan.changes["moved_m"].max()) if len(plan.changes) else 0.0,
        gaps_left_open=len(plan.open_gaps),
        errors_before=_errors(before),
        errors_after=_errors(after),
        made_valid=tuple(
            (str(cell), str(reason))
            for cell, reason in zip(plan.changes["cell"], plan.changes["made_valid"], strict=True)
            if reason
        ),
        parent_rule=plan.parent_rule,
        crs=None if plan.cells.crs is None else plan.cells.crs.to_string(),
    )


def _errors(report: Report) -> int:
    return int((report.findings["severity"] == "error").sum())
