"""The kinds of finding, their severity under a policy, and their explanations."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """The kinds of finding."""

    OVERLAP = "overlap"
    DUPLICATE_POLYGON = "duplicate_polygon"
    GAP = "gap"
    SLIVER = "sliver"
    OUTLINE_UNCOVERED = "outline_uncovered"
    INLET = "inlet"
    OUTSIDE_OUTLINE = "outside_outline"
    UNMATCHED_EDGE = "unmatched_edge"
    INVALID_GEOMETRY = "invalid_geometry"
    EMPTY_GEOMETRY = "empty_geometry"
    DETACHED_PART = "detached_part"
    CORNER_CONTACT = "corner_contact"
    RING_SHAPED = "ring_shaped"
    NOT_NESTED = "not_nested"
    WRONG_PARENT = "wrong_parent"
    MISSING_PARENT = "missing_parent"
    DUPLICATE_CODE = "duplicate_code"
    BAD_CODE = "bad_code"
    WRONG_COUNT = "wrong_count"
    AREA_MISMATCH = "area_mismatch"


class Severity(StrEnum):
    """Severity of a finding: an error makes the layer unusable, a warning may be intended, allowed ones are information."""

    ERROR = "error"
    WARNING = "warning"
    ALLOWED = "allowed"


#: Severity of each kind of finding.
Policy = Mapping[Kind, Severity]

_SHAPES = (Kind.DETACHED_PART, Kind.CORNER_CONTACT, Kind.RING_SHAPED)

#: For layers from other sources: islands are real, and a ring-shaped ward may be intended.
DEFAULT_POLICY: Policy = MappingProxyType(
    {k: Severity.WARNING if k in (*_SHAPES, Kind.AREA_MISMATCH) else Severity.ERROR for k in Kind}
)

#: For divisions: one leader walks one connected grid, so several parts and rings are errors too.
DIVISION_POLICY: Policy = MappingProxyType(dict.fromkeys(Kind, Severity.ERROR))

#: Chinese name of each kind, and one sentence in Chinese and English; ``{}`` is replaced by the cells.
EXPLANATIONS: Mapping[Kind, tuple[str, str, str]] = MappingProxyType(
    {
        Kind.OVERLAP: ("重叠", "{} 覆盖同一地块", "{} cover the same ground"),
        Kind.DUPLICATE_POLYGON: ("图形重复", "{} 的图形完全相同", "{} have the same polygon"),
        Kind.GAP: ("空洞", "{} 之间有一块地不属于任何网格", "ground between {} belongs to no cell"),
        Kind.SLIVER: ("缝隙", "{} 之间有一条窄缝不属于任何网格", "a strip between {} belongs to no cell"),
        Kind.OUTLINE_UNCOVERED: (
            "外轮廓未覆盖",
            "外轮廓内侧邻近 {} 的一块地未被覆盖",
            "ground at the outline next to {} is not covered",
        ),
        Kind.INLET: ("外缘缺口", "外轮廓边上有缺口伸入 {}", "an inlet runs from the outline into {}"),
        Kind.OUTSIDE_OUTLINE: ("超出外轮廓", "{} 超出外轮廓", "{} reaches beyond the outline"),
        Kind.UNMATCHED_EDGE: (
            "顶点不一致",
            "{} 的共同边界上顶点不一致",
            "{} do not share the vertices of their border",
        ),
        Kind.INVALID_GEOMETRY: ("几何无效", "{} 的多边形无效", "the polygon of {} is invalid"),
        Kind.EMPTY_GEOMETRY: ("几何缺失", "{} 没有图形", "{} has no geometry"),
        Kind.DETACHED_PART: (
            "分离部分",
            "{} 由互不相连的几块组成，此为较小的一块",
            "{} has several parts; this is a smaller one",
        ),
        Kind.CORNER_CONTACT: (
            "仅角点相连",
            "{} 的一块只通过一个角点与其余部分相连",
            "a part of {} touches the rest at a point only",
        ),
        Kind.RING_SHAPED: ("环状网格", "{} 环绕着其他网格", "{} surrounds other cells"),
        Kind.NOT_NESTED: ("越出上级", "{} 越出其上级网格", "{} reaches beyond its parent"),
        Kind.WRONG_PARENT: (
            "上级错误",
            "{} 大部分不在所登记的上级网格内",
            "most of {} lies in another parent",
        ),
        Kind.MISSING_PARENT: ("缺少上级", "{} 的上级网格不存在", "the parent of {} does not exist"),
        Kind.DUPLICATE_CODE: ("编码重复", "编码 {} 重复出现", "code {} is used more than once"),
        Kind.BAD_CODE: ("编码不规范", "编码 {} 不符合编码规则", "code {} is malformed"),
        Kind.WRONG_COUNT: (
            "数量不符",
            "网格数量 {} 与要求不符",
            "the number of cells differs from the expected one: {}",
        ),
        Kind.AREA_MISMATCH: (
            "面积不符",
            "{} 登记的面积与图形不符",
            "the declared area of {} disagrees with its polygon",
        ),
    }
)
