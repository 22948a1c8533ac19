"""Repairing a file of cells."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from api.inputs import finest, optional_layer, read_cells
from api.outputs import write_csv
from geo.coverage import RepairPlan, Report, check, check_division, plan_repair, repair_division
from geo.layers import Division, as_cells, read_layer, write_division, write_layer


@dataclass(frozen=True)
class Repaired:
    """What a repair did."""

    cells: int
    cells_changed: int
    moved_m2: float
    farthest_m: float
    gaps_left_open: int
    errors_before: int
    errors_after: int

    def to_dict(self) -> dict[str, Any]:
        """The numbers by name."""
        return asdict(self)


def repair_file(
    path: Path,
    target: Path,
    *,
    layer: str | None = None,
    outline: Path | None = None,
    code: str | None = None,
    parents: Path | None = None,
    allowed: Path | None = None,
    largest_gap_m2: float | None = None,
    protected: Collection[str] = (),
    changes_path: Path | None = None,
    dry_run: bool = False,
) -> Repaired:
    """Repair a division, or one layer of cells, write it in its metric CRS, and check it again.

    Of a division the third level is repaired and the others are made from it, unless `layer` names one.

    Parameters
    ----------
    protected
        Codes of cells that must keep their ground.
    changes_path
        Where to write what changes, one row per cell; beside it, with ``-transfers`` in its name, every piece of ground that
        changes hands, from whom to whom and why.
    dry_run
        Only plan: write nothing but the changes.
    """
    cells = read_cells(path, layer=layer, code=code)
    if isinstance(cells, Division) and outline is None and parents is None and not protected:
        before = check_division(cells)
        division, plan = repair_division(cells, allowed=optional_layer(allowed), largest_gap_m2=largest_gap_m2)
        after = check_division(division)
        if not dry_run:
            write_division(division, target)
    else:
        frame = finest(cells)
        above = None if parents is None else as_cells(read_layer(parents), parents.name)
        given: dict[str, Any] = {
            "outline": optional_layer(outline),
            "parents": above,
            "allowed": optional_layer(allowed),
        }
        before = check(frame, **given)
        plan = plan_repair(frame, **given, protected=protected, largest_gap_m2=largest_gap_m2)
        after = check(plan.cells, **given)
        if not dry_run:
            write_layer(plan.cells, target)
    if changes_path is not None:
        write_csv(plan.changes, changes_path)
        write_csv(plan.transfers.drop(columns="geometry"), changes_path.with_stem(f"{changes_path.stem}-transfers"))
    return _told(plan, before, after)


def _told(plan: RepairPlan, before: Report, after: Report) -> Repaired:
    return Repaired(
        cells=len(plan.cells),
        cells_changed=len(plan.changes),
        moved_m2=float(plan.transfers["area_m2"].sum()),
        farthest_m=float(plan.changes["moved_m"].max()) if len(plan.changes) else 0.0,
        gaps_left_open=len(plan.asked),
        errors_before=_errors(before),
        errors_after=_errors(after),
    )


def _errors(report: Report) -> int:
    return int((report.findings["severity"] == "error").sum())
