"""The cells of an edited file: selection of layers, columns and rows."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import FileError, GeometryError
from geo.layers import layers_of, read_layer
from geo.layers.columns import CODE, LAYER_COLUMNS, Level
from geo.layers.division import Division
from geo.layers.transformers import to_crs
from geo.notices import WanggeWarning
from geo.redraw.importing.findings import ERROR, MENDED, NOTE, Findings

#: Alternative column names, besides other capitals and the ten letters kept by a Shapefile.
_CHINESE = {
    "编码": CODE,
    "网格编码": CODE,
    "名称": "name",
    "网格名称": "name",
    "人口": "population",
    "常住人口": "population",
    "户数": "households",
    "单位数": "units",
    "工作量": "workload",
    "格长": "leader",
    "面积": "area_m2",
    "上级编码": "parent",
}


def edited_cells(path: str | os.PathLike[str], base: Division, findings: Findings) -> dict[Level, gpd.GeoDataFrame]:
    """Read the layers of an edited file by level, in the CRS of the base, two-dimensional, with the base's column names.

    Raises
    ------
    FileError
        If no layer contains cells of the second or third level.
    """
    frames: dict[Level, gpd.GeoDataFrame] = {}
    columns = Findings()
    for name in layers_of(path):
        with warnings.catch_warnings(record=True) as notices:
            warnings.simplefilter("always", WanggeWarning)
            try:
                frame = read_layer(path, layer=name)
            except GeometryError:  # A table without geometries, such as the styles added by QGIS.
                continue
        for given in notices:
            columns.add("reading", str(given.message), NOTE)
        frame = _matched_columns(frame, base, columns)
        for level, cells in _by_level(name, frame, base).items():
            if level not in frames and len(cells):
                frames[level] = to_crs(cells, base.crs)
    if not frames.keys() & {Level.SECOND, Level.THIRD}:
        raise FileError(
            f"{Path(path).name}: no layer holds second- or third-level cells of this division; their codes have 15 or 18 digits"
        )
    findings.rows += [row for k, row in enumerate(columns.rows) if row not in columns.rows[:k]]
    return frames


def _by_level(name: str, frame: gpd.GeoDataFrame, base: Division) -> dict[Level, gpd.GeoDataFrame]:
    """Rows of a layer by level, determined by its name, the length of its codes, or the cells of the base on its ground."""
    for level in Level:
        if name == level.layer:
            return {level: frame}
    codes = frame[CODE].map(as_code) if CODE in frame else pd.Series("", index=frame.index)
    lengths = {len(str(base.layer(level)[CODE].iloc[0])): level for level in Level if len(base.layer(level))}
    found = codes.str.len().map(lengths)
    known = found.dropna()
    if known.empty:
        return {}
    if known.nunique() == 1:
        return {known.iloc[0]: frame}
    return {level: frame[found == level] for level in known.unique()}


def as_code(value: object) -> str:
    """A code as text: numbers without fraction, empty for NULL."""
    if value is None or value != value:
        return ""
    text = f"{value:.0f}" if isinstance(value, float | np.floating) else str(value).strip()
    return re.sub(r"\.0+$", "", text)


def _matched_columns(frame: gpd.GeoDataFrame, base: Division, findings: Findings) -> gpd.GeoDataFrame:
    wanted = [column for column in base.third.columns if column != base.third.geometry.name]
    everywhere = {column for level in Level for column in base.layer(level).columns}
    names, unknown = {}, []
    for column in frame.columns.drop(frame.geometry.name):
        target = _target(str(column), wanted)
        if target is not None and target != column and target not in frame:
            names[column] = target
        elif target is None and column not in everywhere:
            unknown.append(str(column))
    result = frame.rename(columns=names)
    missing = [column for column in LAYER_COLUMNS if column in wanted and column not in result]
    for name in list(missing):
        for column in unknown:
            if column.lower()[:6] == name[:6]:
                findings.add(
                    "ask_column",
                    f"{column} 是不是 {name}？请改回列名后再导入 / is {column} the column {name}? Name it so and import again",
                    ERROR,
                )
                missing.remove(name)
                unknown.remove(column)
                break
    for kind, severity, zh, en, listed in (
        ("renamed_column", MENDED, "列名已对应", "columns matched", [f"{old} -> {new}" for old, new in names.items()]),
        ("unknown_column", NOTE, "未识别的列，不导入", "columns not known, not imported", unknown),
        ("missing_column", NOTE, "缺少的列沿用原值", "columns missing, the base's values stay", missing),
    ):
        if listed:
            findings.add(kind, f"{zh}：{'、'.join(listed)} / {en}: {', '.join(listed)}", severity)
    return result


def _target(column: str, wanted: list[str]) -> str | None:
    if column in wanted:
        return column
    if column in _CHINESE:
        return _CHINESE[column] if _CHINESE[column] in wanted else None
    lower = column.lower()
    for name in wanted:
        if lower == name.lower() or (len(lower) >= 8 and name.lower().startswith(lower)):
            return name
    return None


def matched_rows(cells: gpd.GeoDataFrame, base: gpd.GeoDataFrame, findings: Findings) -> gpd.GeoDataFrame:
    """Assign each row the code of a cell of the base: its own, or that of the cell whose ground it covers.

    Rows without a geometry are dropped and reported; rows that match neither keep their code.
    """
    codes = cells[CODE].map(as_code) if CODE in cells else pd.Series("", index=cells.index)
    empty = (cells.geometry.isna() | cells.geometry.is_empty).to_numpy()
    for row, code in zip(np.flatnonzero(empty) + 1, codes[empty], strict=True):
        findings.add(
            "empty_geometry",
            f"第{row}行（{code or '无编码'}）没有图形，沿用原边界 / row {row} ({code or 'no code'}) has no geometry; "
            "the base's border stays",
            ERROR,
            [code] if code else [],
        )
    cells, codes = cells[~empty], codes[~empty].copy()
    known = set(base[CODE].astype(str))
    unused = known - set(codes)
    repeated = set(codes[codes.duplicated()])
    tree = base.sindex
    for place, (row, code) in enumerate(zip(np.flatnonzero(~empty) + 1, codes, strict=True)):
        if code in known and code not in repeated:
            continue
        shape = shapely.make_valid(cells.geometry.iloc[place])
        near = tree.query(shape, predicate="intersects")
        shared = shapely.area(shapely.intersection(base.geometry.to_numpy()[near], shape))
        if len(near) and shared.max() > 0.5 * shape.area:
            match = str(base[CODE].iloc[near[int(np.argmax(shared))]])
            if code in known and match not in unused:
                continue
            kind, zh, en = _reason_of_match(code, known)
            findings.add(
                kind,
                f"第{row}行{zh}，按位置对应 {match} / row {row} has {en}; its place is that of {match}",
                MENDED,
                [match],
                cells.geometry.iloc[place],
            )
            codes.iloc[place] = match
    return cells.assign(**{CODE: codes.to_numpy()}).reset_index(drop=True)


def _reason_of_match(code: str, known: set[str]) -> tuple[str, str, str]:
    """Why the code of a row is not used: kind of the finding, and the reason in Chinese and English."""
    if not code:
        return "missing_code", "没有编码", "no code"
    if code in known:
        return "duplicate_code", f"的编码 {code} 与另一行重复", f"the code {code} of another row"
    return "unknown_code", f"编码 {code} 不在原方案中", "an unknown code"
