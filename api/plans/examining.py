"""Analysis of a whole draft: comparison, crosswalk, findings, and proposals that balance the workload."""

from __future__ import annotations

import json
from typing import Any

import shapely

from api.errors import ConflictError, EditRefusedError, NotStoredError
from api.json_values import plain_rows
from api.plans.open_draft import OpenDraft
from api.plans.wire import consequences_out, place_of, refusal_members
from geo.coverage import check_division
from geo.divide import rebalance
from geo.errors import ImpossibleError, RefusedEdit
from geo.layers import Division, Level
from geo.layers.columns import CODE, PARENT, POPULATION, WORKLOAD
from geo.redraw import Draft, Transfer, compare, consequences, split_by_buildings

Plain = dict[str, Any]


def comparison(old: Division, new: Division) -> Plain:
    """Differences of two divisions; unchanged cells are omitted."""
    found = compare(old, new)
    return {
        "words": [{"zh": zh, "en": en} for zh, en in found.words()],
        "cells": plain_rows(found.cells[found.cells["status"] != "same"]),
        "leaders": plain_rows(found.leaders),
        "residents": found.residents_with_another_leader,
    }


def findings_of(division: Division, revision: int) -> Plain:
    """Findings of the check, most severe first."""
    report = check_division(division)
    listed = [
        {
            "kind": str(row["kind"]),
            "level": str(row["layer"]),
            "severity": str(row["severity"]),
            "cells": [str(code) for code in row["cells"]],
            "area_m2": _number(row["area_m2"]),
            "width_m": _number(row["width_m"]),
            "explanation": str(row["explanation"]),
            "place": place_of(row["geometry"]),
        }
        for row in report.findings.to_dict("records")
    ]
    return {"ok": report.ok, "revision": revision, "findings": listed}


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def proposal(opened: OpenDraft, code: str, tolerance: float, seed: int) -> Plain:
    """Transfers that balance the workload inside a community (the given one, or the one of the given second-level grid).

    Raises
    ------
    NotStoredError
        If there is no such community or grid.
    ConflictError
        If no transfer improves the balance.
    """
    rows = opened.draft.rows
    if code not in rows or rows.level(code) not in (Level.COMMUNITY, Level.SECOND):
        raise NotStoredError(f"there is no community and no second-level grid {code[:50]} in the draft", ids=[code])
    community = code if rows.level(code) is Level.COMMUNITY else rows.parent(code)
    grids = set(rows.children(community))
    third = opened.division().third
    cells = third[third[PARENT].isin(grids)].set_index(CODE, drop=False)
    locked = sorted(grid for grid in grids if any(grid.startswith(lock) for lock in rows.locked))
    if len(grids) < 2 or WORKLOAD not in cells or cells[WORKLOAD].isna().any() or len(locked) == len(grids):
        raise _no_help(community)
    people = cells[POPULATION] if POPULATION in cells and cells[POPULATION].sum() > 0 else None
    try:
        frontier = rebalance(
            cells,
            cells[PARENT],
            workload=cells[WORKLOAD],
            residents=people,
            rng=seed,
            locked=locked,
            tolerances=(*(t for t in (0.5, 0.25, 0.12) if t > tolerance), tolerance),
        )
    except ImpossibleError as error:
        raise _no_help(community) from error
    best = min(frontier.points, key=lambda p: (max(p.imbalance, tolerance), p.moved))
    moved = best.grids[best.grids != cells[PARENT]]
    edits = _in_order(opened.draft, {to: sorted(part.index) for to, part in moved.groupby(moved)})
    if not edits:
        raise _no_help(community)
    found = consequences(opened.draft, edits)
    return {
        "revision": opened.revision,
        "edits": [edit.to_dict() for edit in edits],
        "consequences": consequences_out(found),
    }


def split_proposal(opened: OpenDraft, code: str, parts: int) -> Plain:
    """Split of a third-level cell between two groups of its buildings, so that no building is cut.

    Raises
    ------
    NotStoredError
        If there is no such third-level cell.
    ConflictError
        If the installation has no layer of buildings.
    EditRefusedError
        If the cell has fewer buildings than parts, no single line separates them, or the split would be refused.
    """
    draft = opened.draft
    if code not in draft.rows or draft.rows.level(code) is not Level.THIRD:
        raise NotStoredError(f"there is no third-level cell {code[:50]} in the draft", ids=[code])
    if draft.buildings is None:
        raise ConflictError(
            "the installation has no layer of buildings (WANGGE_LAYERS)",
            kind="nothing",
            zh="没有楼栋图层，不能按楼栋分组分割",
            en="there is no layer of buildings to split between",
        )
    try:
        edit = split_by_buildings(draft, code, parts)
        found = consequences(draft, [edit])
    except RefusedEdit as refused:
        raise EditRefusedError(str(refused), **refusal_members(refused)) from refused
    return {"revision": opened.revision, "edits": [edit.to_dict()], "consequences": consequences_out(found)}


def _in_order(draft: Draft, moves: dict[str, list[str]]) -> list[Transfer]:
    """Order transfers so that every grid stays connected, one connected group of cells at a time."""
    waiting = [Transfer(tuple(codes), to) for to, codes in sorted(moves.items())]
    waiting += [Transfer((code,), one.to) for one in waiting if len(one.codes) > 1 for code in one.codes]
    done: list[Transfer] = []
    left = {code for codes in moves.values() for code in codes}
    progress = True
    while left and progress:
        progress = False
        for one in waiting:
            if not set(one.codes) <= left:
                continue
            try:
                with draft.trial([*done, one]):
                    pass
            except RefusedEdit:
                continue
            done.append(one)
            left -= set(one.codes)
            progress = True
    return done


def _no_help(community: str) -> ConflictError:
    return ConflictError(
        f"no transfer of cells makes the workload in {community} more even",
        kind="nothing",
        zh="没有能使工作量更均衡的划转",
        en="no transfer of cells makes the workload more even",
    )


def import_findings(frame: Any) -> list[Plain]:
    """Findings of an import as plain values."""
    return [
        {
            "kind": str(row["kind"]),
            "severity": str(row["severity"]),
            "cells": [str(code) for code in row["cells"]],
            "place": None if row["geometry"] is None else json.loads(shapely.to_geojson(row["geometry"])),
            "explanation": str(row["explanation"]),
        }
        for row in frame.to_dict("records")
    ]
