"""Groups findings by cause and says what to do about each cause, instead of one line for every place.

One cause often has hundreds of findings: a border that was drawn twice leaves a strip at every vertex, and a missing parent
gives an error for each of its cells. The cause follows from the kind of a finding and its width relative to its cells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.coverage.kinds import Kind, Severity
from geo.wording import counted

#: Ground narrower than this share of the side of the neighbouring cells is attributed to two drawings of one border: in layers
#: of statistical offices and of the model street such strips are below 0.05, missing or duplicated cells above 0.3.
NARROW_SHARE = 0.1

#: Maximum number of cells and parents that a group names; its findings name all.
MOST_NAMED = 10


class Cause(StrEnum):
    """Causes of findings."""

    INVALID_POLYGON = "invalid_polygon"
    DUPLICATE_CELL = "duplicate_cell"
    MISSING_PARENT = "missing_parent"
    WRONG_PARENT = "wrong_parent"
    BORDERS_DRAWN_TWICE = "borders_drawn_twice"
    LEVELS_DRAWN_TWICE = "levels_drawn_twice"
    MISSING_CELL = "missing_cell"
    DOUBLY_ASSIGNED = "doubly_assigned"
    BARE_AT_OUTLINE = "bare_at_outline"
    BEYOND_OUTLINE = "beyond_outline"
    BEYOND_PARENT = "beyond_parent"
    SHAPE = "shape"
    CODES = "codes"
    COUNT = "count"
    AREA = "area"


#: Description of each cause and what to do about it, in Chinese and English.
TEXTS: Mapping[Cause, tuple[str, str, str, str]] = MappingProxyType(
    {
        Cause.INVALID_POLYGON: (
            "图形无效或缺失",
            "invalid or missing polygons",
            "重画这些网格；自相交的可用 wangge repair 处理",
            "redraw these cells; wangge repair handles rings that cross themselves",
        ),
        Cause.DUPLICATE_CELL: (
            "同一图形出现两次",
            "a cell occurs twice",
            "删除多余的一行",
            "delete one of the two rows",
        ),
        Cause.MISSING_PARENT: (
            "上级网格没有对应的行",
            "a parent has no row",
            "补上该上级网格，或改正这些网格的上级编码",
            "add the parent, or correct the parent that these cells name",
        ),
        Cause.WRONG_PARENT: (
            "登记的上级与位置不符",
            "cells name another parent than the one they lie in",
            "改正这些网格的编码或上级",
            "correct the codes or the parents of these cells",
        ),
        Cause.BORDERS_DRAWN_TWICE: (
            "相邻网格的边界绘制不一致",
            "common borders were drawn separately",
            "用 wangge repair 合拢边界",
            "close the borders with wangge repair",
        ),
        Cause.LEVELS_DRAWN_TWICE: (
            "上下级网格的边界绘制不一致",
            "borders of the levels were drawn separately",
            "用 wangge repair --parents 对齐到上级",
            "fit the cells to their parents with wangge repair --parents",
        ),
        Cause.MISSING_CELL: (
            "网格之间有整块空地",
            "ground between cells is not covered",
            "补画缺少的网格，或用 --allowed 声明该处可不划网格",
            "draw the missing cells, or declare the ground with --allowed",
        ),
        Cause.DOUBLY_ASSIGNED: (
            "整块土地同属多个网格",
            "ground was assigned to several cells",
            "确定归属后修改，或用 wangge repair 划归其一",
            "decide who gets it, or let wangge repair give it to one of them",
        ),
        Cause.BARE_AT_OUTLINE: (
            "外轮廓内侧有整块空地",
            "ground at the outline is not covered",
            "补画网格，核对外轮廓，或用 --allowed 声明",
            "draw the missing cells, check the outline, or declare the ground with --allowed",
        ),
        Cause.BEYOND_OUTLINE: (
            "网格伸出外轮廓",
            "cells reach beyond the outline",
            "核对外轮廓；确认后用 wangge repair --outline 裁去",
            "check the outline, then cut the cells with wangge repair --outline",
        ),
        Cause.BEYOND_PARENT: (
            "网格伸出上级网格",
            "cells reach beyond their parents",
            "确定归属后修改，或用 wangge repair --parents",
            "decide where the border runs, or use wangge repair --parents",
        ),
        Cause.SHAPE: (
            "网格由几块组成或成环",
            "cells in several parts or around others",
            "确认是否有意如此",
            "confirm that this is intended",
        ),
        Cause.CODES: (
            "编码缺失、重复或不规范",
            "missing, duplicate or malformed codes",
            "改正编码",
            "correct the codes",
        ),
        Cause.COUNT: ("网格数量不符", "unexpected number of cells", "核对应有数量", "check the expected number"),
        Cause.AREA: (
            "登记面积与图形不符",
            "declared areas disagree with the polygons",
            "按图形更新面积",
            "take the areas from the polygons",
        ),
    }
)

_BARE = {Kind.GAP, Kind.SLIVER}
_RIM = {Kind.OUTLINE_UNCOVERED, Kind.INLET}
_OF_KIND = {
    Kind.INVALID_GEOMETRY: Cause.INVALID_POLYGON,
    Kind.EMPTY_GEOMETRY: Cause.INVALID_POLYGON,
    Kind.DUPLICATE_POLYGON: Cause.DUPLICATE_CELL,
    Kind.MISSING_PARENT: Cause.MISSING_PARENT,
    Kind.WRONG_PARENT: Cause.WRONG_PARENT,
    Kind.UNMATCHED_EDGE: Cause.BORDERS_DRAWN_TWICE,
    Kind.DETACHED_PART: Cause.SHAPE,
    Kind.CORNER_CONTACT: Cause.SHAPE,
    Kind.RING_SHAPED: Cause.SHAPE,
    Kind.DUPLICATE_CODE: Cause.CODES,
    Kind.BAD_CODE: Cause.CODES,
    Kind.WRONG_COUNT: Cause.COUNT,
    Kind.AREA_MISMATCH: Cause.AREA,
}


def cause_of(kind: Kind, width_m: float, side_m: float) -> Cause:
    """Determine the cause of one finding.

    Parameters
    ----------
    width_m
        Width of the piece of ground.
    side_m
        Side of a square with the area of the smallest neighbouring cell; 0 if there is none.

    >>> cause_of(Kind.GAP, 0.8, 60.0).value, cause_of(Kind.GAP, 40.0, 60.0).value
    ('borders_drawn_twice', 'missing_cell')
    """
    if kind in _OF_KIND:
        return _OF_KIND[kind]
    narrow = width_m <= NARROW_SHARE * side_m
    if kind is Kind.NOT_NESTED:
        return Cause.LEVELS_DRAWN_TWICE if narrow else Cause.BEYOND_PARENT
    if narrow or kind is Kind.SLIVER:
        return Cause.BORDERS_DRAWN_TWICE
    if kind in _BARE:
        return Cause.MISSING_CELL
    if kind in _RIM:
        return Cause.BARE_AT_OUTLINE
    return Cause.BEYOND_OUTLINE if kind is Kind.OUTSIDE_OUTLINE else Cause.DOUBLY_ASSIGNED


@dataclass(frozen=True)
class Group:
    """Findings of one cause in one layer.

    Attributes
    ----------
    cause
        Cause of the findings.
    layer, severity
        As in the findings.
    count, area_m2, width_m
        Number of findings, their total area, and the largest width.
    kinds
        Number of findings of each kind.
    cells, parents
        Labels of the cells, and codes of the parents, that occur in most findings of the group, with the number of findings
        of each; at most :data:`MOST_NAMED`.
    n_cells
        Number of cells concerned.
    place
        A point in the largest finding, in the CRS of the findings; None if no finding has a geometry.
    zh, en
        Description and recommended action, in one sentence.
    """

    cause: Cause
    layer: str
    severity: str
    count: int
    area_m2: float
    width_m: float
    kinds: Mapping[str, int]
    cells: Mapping[str, int]
    parents: Mapping[str, int]
    n_cells: int
    place: tuple[float, float] | None
    zh: str
    en: str

    def to_dict(self) -> dict[str, Any]:
        """All values as JSON types."""
        return {
            name: dict(value) if isinstance(value, Mapping) else value
            for name, value in ((field, getattr(self, field)) for field in self.__dataclass_fields__)
        }


def group_findings(findings: pd.DataFrame) -> tuple[Group, ...]:
    """Group findings by layer, severity and cause, and those of a missing parent by that parent.

    Returns
    -------
    tuple of Group
        Sorted by severity, then number of findings, then area.
    """
    if findings.empty:
        return ()
    subject = findings["parent"].where(findings["cause"] == Cause.MISSING_PARENT.value, "").fillna("")
    keys = [findings["layer"], findings["severity"], findings["cause"], subject]
    groups = [
        _group(str(key[0]), str(key[1]), Cause(str(key[2])), part) for key, part in findings.groupby(keys, sort=False)
    ]
    rank = {severity.value: i for i, severity in enumerate(Severity)}
    return tuple(sorted(groups, key=lambda group: (rank[group.severity], -group.count, -group.area_m2)))


def _group(layer: str, severity: str, cause: Cause, part: pd.DataFrame) -> Group:
    cells = Counter(str(cell) for labels in part["cells"] for cell in labels)
    parents = Counter(str(parent) for parent in part["parent"].dropna())
    area, width = float(part["area_m2"].sum()), float(part["width_m"].max())
    zh, en = _sentence(cause, len(part), cells, parents, area, width)
    return Group(
        cause=cause,
        layer=layer,
        severity=severity,
        count=len(part),
        area_m2=area,
        width_m=width,
        kinds=MappingProxyType({str(kind): int(n) for kind, n in part["kind"].value_counts().items()}),
        cells=MappingProxyType(dict(cells.most_common(MOST_NAMED))),
        parents=MappingProxyType(dict(parents.most_common(MOST_NAMED))),
        n_cells=len(cells),
        place=_place(part),
        zh=zh,
        en=en,
    )


def _sentence(
    cause: Cause, count: int, cells: Mapping[str, int], parents: Mapping[str, int], area_m2: float, width_m: float
) -> tuple[str, str]:
    zh, en, do_zh, do_en = TEXTS[cause]
    shown = list(cells)[:3]
    more = "…" if len(cells) > len(shown) else ""
    if cause is Cause.MISSING_PARENT and parents:
        shown, more = list(parents)[:3], ""
    wide = f"，最宽 {width_m:,.2f} 米" if width_m > 0 else ""
    wide_en = f", up to {width_m:,.2f} m wide" if width_m > 0 else ""
    return (
        f"{zh}：{count:,} 处，涉及 {len(cells):,} 个网格（{'、'.join(shown)}{more}），{area_m2:,.2f} m²{wide}。{do_zh}。",
        f"{en}: {counted(count, 'finding')} at {counted(len(cells), 'cell')} ({', '.join(shown)}{more}), "
        f"{area_m2:,.2f} m²{wide_en}; {do_en}.",
    )


def _place(part: pd.DataFrame) -> tuple[float, float] | None:
    shapes: npt.NDArray[np.object_] = part["geometry"].to_numpy(dtype=object)
    placed = [i for i, shape in enumerate(shapes) if shape is not None and not shape.is_empty]
    if not placed:
        return None
    largest = max(placed, key=lambda i: float(part["area_m2"].iloc[i]))
    point = shapes[largest].centroid
    return round(float(point.x), 3), round(float(point.y), 3)
