"""Converts an edited file to edits that apply in order, and findings."""

from __future__ import annotations

import os
from collections import Counter

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import LineString

from geo.arrays import Floats
from geo.errors import RefusedEdit
from geo.layers.columns import AREA_M2, CODE, HOUSEHOLDS, LEADER, NAME, PARENT, POPULATION, UNITS, Level
from geo.layers.division import Division
from geo.redraw.draft import Draft
from geo.redraw.edits import Edit, Merge, MoveVertex, Rename, Reshape, SetLeader, Split, Transfer
from geo.redraw.importing.findings import ERROR, MENDED, NOTE, Findings
from geo.redraw.importing.layers import edited_cells, matched_rows
from geo.redraw.importing.vertices import BaseVertices, Moves, compare_rings, lattice_ring, settle_moves
from geo.redraw.working.lattice import Vertex
from geo.wording import counted

#: Minimum area of remaining differences between edits and file that are reported, square metres.
_LEFT_M2 = 0.5


def read_edited(division: Division, path: str | os.PathLike[str]) -> tuple[list[Edit], pd.DataFrame]:
    """Read a division that was edited in a GIS, as edits of the base.

    Parameters
    ----------
    division
        The exported base.
    path
        The edited file: all layers, some of them, or one layer of second- or third-level cells; any CRS.

    Returns
    -------
    (edits, findings)
        Edits that apply to a draft of the base one after the other, and a DataFrame `kind`, `cells`, `geometry`, `explanation`,
        `severity` (``error``: the planner has to decide; ``mended``; ``note``). Each cause gives one finding.

    Raises
    ------
    FileError
        If the file cannot be read or contains no cells of the division.

    Notes
    ----- A file may contain a part of the division, such as one community: missing cells are unchanged if the file does not cover
    their ground.
    """
    findings = Findings()
    frames = edited_cells(path, division, findings)
    edits: list[Edit] = []
    if Level.THIRD in frames:
        edits += _third_level(division, frames[Level.THIRD], findings)
    elif Level.SECOND in frames:
        edits += _second_level_alone(division, frames[Level.SECOND], findings)
    for level in (Level.SECOND, Level.THIRD):
        if level in frames:
            edits += _attributes(division.layer(level), frames[level], findings)
    return _tried(division, edits, findings), findings.frame()


def _third_level(division: Division, cells: gpd.GeoDataFrame, findings: Findings) -> list[Edit]:
    cells = matched_rows(cells, division.third, findings)
    base = division.third.set_index(division.third[CODE].astype(str))
    cells = _without_self_crossings(cells, findings)
    counts = Counter(cells[CODE])
    double = {code for code, count in counts.items() if count > 1 and code in base.index}
    vertices = BaseVertices(division.third)
    moves = Moves()
    single = cells[~cells[CODE].isin(double) & cells[CODE].isin(base.index)]
    for code, shape in zip(single[CODE], single.geometry, strict=True):
        _compare(code, base.geometry[code], shape, vertices, moves)
    settled = settle_moves(moves, vertices, set(single[CODE]), findings)
    edits: list[Edit] = [MoveVertex(_metres(old), _metres(to)) for old, to in sorted(settled.items())]
    edits += _splits(cells, base, double, findings)
    edits += _reshapes(moves, vertices, set(single[CODE]), double, findings)
    edits += _merges(cells, base, findings)
    return edits


def _metres(vertex: Vertex) -> tuple[float, float]:
    return vertex[0] / 1000, vertex[1] / 1000


def _without_self_crossings(cells: gpd.GeoDataFrame, findings: Findings) -> gpd.GeoDataFrame:
    invalid = ~cells.geometry.is_valid.to_numpy()
    for code, shape in zip(cells[CODE][invalid], cells.geometry[invalid], strict=True):
        findings.add(
            "self_crossing",
            f"网格 {code} 的边界自相交，沿用原边界 / the border of {code} crosses itself; the base's border stays",
            ERROR,
            [code],
            shape,
        )
    return cells[~invalid].reset_index(drop=True)


def _compare(code: str, base: shapely.Geometry, shape: shapely.Geometry, vertices: BaseVertices, moves: Moves) -> None:
    former = [lattice_ring(shapely.get_coordinates(ring)) for ring in shapely.get_rings(shapely.orient_polygons(base))]
    edited = [lattice_ring(shapely.get_coordinates(ring)) for ring in shapely.get_rings(shapely.orient_polygons(shape))]
    edited = [vertices.snapped(ring) for ring in edited]
    for ring in former:
        common = [len(set(ring) & set(other)) for other in edited]
        if common and max(common) > 0:
            compare_rings(code, ring, edited[int(np.argmax(common))], moves)


def _splits(cells: gpd.GeoDataFrame, base: gpd.GeoDataFrame, double: set[str], findings: Findings) -> list[Edit]:
    """A code of several rows is a split: one row keeps it, the line between the rows cuts the cell."""
    edits: list[Edit] = []
    for code in sorted(double):
        parts = cells[cells[CODE] == code]
        shapes = parts.geometry.to_numpy()
        line = line_between(shapes[0], shapely.union_all(shapes[1:]), base.geometry[code])
        if line is None:
            findings.add(
                "duplicate_code",
                f"{len(parts)} 行的编码都是 {code}，看不出分割线 / {len(parts)} rows bear the code {code}, "
                "with no line between them",
                ERROR,
                [code],
                shapely.union_all(shapes),
            )
            continue
        findings.add(
            "split",
            f"网格 {code} 被分成 {len(parts)} 部分，编码重复；新的部分另给编码 / "
            f"cell {code} was split in {len(parts)} parts with one code; the new part gets a code of its own",
            MENDED,
            [code],
            line,
        )
        if any(
            pd.to_numeric(parts[column], errors="coerce").sum() > float(base.at[code, column] or 0)
            for column in (POPULATION, HOUSEHOLDS, UNITS)
            if column in parts and column in base
        ):
            findings.add(
                "people_doubled",
                f"网格 {code} 的人口、户数和单位数在各部分重复填写，已分摊 / "
                f"residents, households and units of {code} stood in every part; they are shared out",
                MENDED,
                [code],
            )
        if _loose_vertices(shapes, base, code):
            findings.add(
                "unmatched_vertex",
                f"{code} 的分割线端点在相邻网格中没有折点（T 形连接），已补上 / "
                f"the line through {code} ends where its neighbours have no vertex; they get it",
                MENDED,
                [code],
                shapely.MultiPoint([line.coords[1], line.coords[-2]]),
            )
        edits.append(Split(code, line))
    return edits


def _loose_vertices(shapes: np.ndarray, base: gpd.GeoDataFrame, code: str) -> bool:
    """Whether parts of a cell have vertices on its border that are missing in the base."""
    border = shapely.boundary(base.geometry[code])
    known = set(map(tuple, np.round(shapely.get_coordinates(border), 3)))
    fresh = [xy for xy in np.round(shapely.get_coordinates(shapes), 3) if tuple(xy) not in known]
    return bool((shapely.distance(border, shapely.points(fresh)) < 0.03).any()) if fresh else False


def line_between(one: shapely.Geometry, other: shapely.Geometry, cell: shapely.Geometry) -> LineString | None:
    """The line between two parts of a cell, extended by a metre past the cell's border; None if there is none.

    Parameters
    ----------
    one, other
        The parts, in the metric CRS of the cell; their borders may be 2 cm apart.
    """
    common = shapely.line_merge(shapely.intersection(shapely.boundary(one), shapely.buffer(other, 0.02)))
    inner = shapely.intersection(common, shapely.buffer(cell, -0.05))
    lines = [part for part in shapely.get_parts(shapely.line_merge(inner)) if part.geom_type == "LineString"]
    if not lines:
        return None
    line = max(lines, key=lambda part: part.length)
    xy = shapely.get_coordinates(line)

    def beyond(a: Floats, b: Floats) -> Floats:
        further: Floats = b + (b - a) / np.hypot(*(b - a))
        return further

    return LineString([beyond(xy[1], xy[0]), *xy, beyond(xy[-2], xy[-1])])


def _reshapes(
    moves: Moves, vertices: BaseVertices, edited: set[str], double: set[str], findings: Findings
) -> list[Edit]:
    """Convert sections on which all adjacent cells agree to reshapes; vertices on a straight edge are ignored."""
    drawn: dict[tuple[Vertex, ...], dict[str, list[Vertex]]] = {}
    for code, former, new in moves.redrawn:
        key, line = (tuple(former), new) if former[0] <= former[-1] else (tuple(former[::-1]), new[::-1])
        drawn.setdefault(key, {})[code] = line
    edits: list[Edit] = []
    loose: set[str] = set()
    for ends, lines in sorted(drawn.items()):
        former = list(ends)
        sharing = set.intersection(*(vertices.cells[v] for v in (former[0], former[-1]))) & edited
        line = max(lines.values(), key=len)
        bent = LineString([_metres(v) for v in line])
        straight = shapely.hausdorff_distance(bent, LineString([_metres(v) for v in former])) < 0.03
        if straight:
            loose |= set(lines)
            continue
        if len(set(map(tuple, lines.values()))) == 1 and set(lines) >= sharing - double:
            edits.append(Reshape(bent))
            continue
        findings.add(
            "border_differs",
            f"{'、'.join(sorted(lines))} 与相邻网格的边界画法不同；建议按新画的线一起调整 / "
            "a border was drawn in one cell only; the new line is proposed for all",
            ERROR,
            set(lines) | sharing,
            bent,
        )
        edits.append(Reshape(bent))
    if loose:
        findings.add(
            "unmatched_vertex",
            "边界上有相邻网格没有的折点（T 形连接），不改变边界，已去除 / vertices that neighbours lack lie on straight borders; "
            "they were left out",
            MENDED,
            loose,
        )
    return edits


def _merges(cells: gpd.GeoDataFrame, base: gpd.GeoDataFrame, findings: Findings) -> list[Edit]:
    """A missing cell whose ground is covered by another one was merged; if nothing covers it, it is kept."""
    edits: list[Edit] = []
    tree = shapely.STRtree(cells.geometry.to_numpy())
    there = base[PARENT].astype(str).groupby(base[PARENT].astype(str)).transform("size")
    held = base.index.isin(cells[CODE])
    covered = pd.Series(held, index=base.index).groupby(base[PARENT].astype(str)).transform("sum") >= 0.5 * there
    for code in base.index[~held & covered.to_numpy()]:
        shape = base.geometry[code]
        near = tree.query(shape)
        shared = shapely.area(shapely.intersection(cells.geometry.to_numpy()[near], shape))
        if len(near) and shared.max() > 0.9 * shape.area:
            edits.append(Merge((str(cells[CODE].iloc[near[int(np.argmax(shared))]]), str(code))))
        elif not any(code in row["cells"] for row in findings.rows):
            findings.add(
                "missing_cell",
                f"网格 {code} 不在文件中，其位置没有被其他网格覆盖，沿用原状 / "
                f"cell {code} is missing and nothing covers its ground; it stays",
                ERROR,
                [str(code)],
                shape,
            )
    return edits


def _second_level_alone(division: Division, cells: gpd.GeoDataFrame, findings: Findings) -> list[Edit]:
    """Second-level grids without cells: whole cells are transferred; cells cut by a border are reported."""
    cells = matched_rows(cells, division.second, findings)
    cells = _without_self_crossings(cells, findings)
    third = division.third
    tree = shapely.STRtree(cells.geometry.to_numpy())
    shapes = third.geometry.to_numpy()
    moved: dict[str, list[str]] = {}
    cut: dict[str, shapely.Geometry] = {}
    for code, parent, shape in zip(third[CODE].astype(str), third[PARENT].astype(str), shapes, strict=True):
        near = tree.query(shape)
        shared = shapely.area(shapely.intersection(cells.geometry.to_numpy()[near], shape))
        if len(near) == 0 or shared.sum() < 0.5 * shape.area:
            continue
        best = str(cells[CODE].iloc[near[int(np.argmax(shared))]])
        if shared.sum() - shared.max() > _LEFT_M2:
            cut[code] = shape
        if best != parent:
            moved.setdefault(best, []).append(code)
    if cut:
        findings.add(
            "cuts_third_level",
            f"二级网格的新边界切过 {len(cut)} 个三级网格；建议采用最近的三级网格边界，或先分割这些网格 / "
            f"the new border of second-level grids runs through {counted(len(cut), 'third-level cell')}; the nearest borders "
            "are proposed, or split cells first",
            ERROR,
            cut,
            shapely.multipolygons([part for shape in cut.values() for part in shapely.get_parts(shape)]),
        )
    return [Transfer(tuple(codes), to) for to, codes in sorted(moved.items())]


def _attributes(base: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, findings: Findings) -> list[Edit]:
    """Changed names and leaders; outdated areas are recomputed."""
    rows = base.set_index(base[CODE].astype(str))
    cells = matched_rows(cells, base, Findings()).drop_duplicates(CODE)
    cells = cells[cells[CODE].isin(rows.index)].set_index(CODE)
    former = rows.loc[cells.index]
    edits: list[Edit] = []
    for column, make in ((NAME, Rename), (LEADER, SetLeader)):
        if column not in cells or column not in former:
            continue
        for code, old, new in zip(cells.index, former[column], cells[column], strict=True):
            if pd.notna(new) and str(new).strip() and new != old:
                edits.append(make(str(code), str(new)))
    if AREA_M2 in cells and AREA_M2 in former:
        stated = pd.to_numeric(cells[AREA_M2], errors="coerce")
        stale = (np.abs(shapely.area(cells.geometry.to_numpy()) - former.geometry.area.to_numpy()) > 0.5) & (
            (stated - former[AREA_M2]).abs() < 0.01
        ).to_numpy()
        set_back = {
            code for row in findings.rows if row["kind"] in ("jitter", "self_crossing") for code in row["cells"]
        }
        stale &= ~cells.index.isin(set_back)
        if stale.any():
            findings.add(
                "stale_area",
                f"{int(stale.sum())} 个网格的面积列未随边界更新，已重新计算 / "
                f"the area of {counted(int(stale.sum()), 'cell')} was not brought up to date; it is computed anew",
                MENDED,
                cells.index[stale],
            )
    return edits


def _tried(division: Division, edits: list[Edit], findings: Findings) -> list[Edit]:
    """The applicable edits, in order; a refused one is reported and dropped."""
    draft = Draft.of(division)
    passed: list[Edit] = []
    for edit in edits:
        try:
            draft.apply(edit)
        except RefusedEdit as refused:
            findings.add(
                refused.kind,
                f"{type(edit).__name__}：{refused.zh} / {type(edit).__name__}: {refused.en}",
                ERROR,
                refused.cells,
                refused.geometry,
            )
        else:
            passed.append(edit)
    if not edits and not findings.rows:
        findings.add("no_change", "与原方案相同 / nothing was changed", NOTE)
    return passed
