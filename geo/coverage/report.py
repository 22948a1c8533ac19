"""What a check found: findings, and a certificate that machines can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

#: Version of the kinds and of how they are told apart; it stands in every certificate.
RULES = "coverage-1"


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
    """What a finding means: an error spoils the layer, a warning may be meant, what is allowed is only told."""

    ERROR = "error"
    WARNING = "warning"
    ALLOWED = "allowed"


#: How severe each kind is unless a policy says otherwise.
Policy = Mapping[Kind, Severity]

_SHAPES = (Kind.DETACHED_PART, Kind.CORNER_CONTACT, Kind.RING_SHAPED)

#: Layers of others: islands are real, and a ring-shaped ward may be meant.
DEFAULT_POLICY: Policy = MappingProxyType(
    {k: Severity.WARNING if k in (*_SHAPES, Kind.AREA_MISMATCH) else Severity.ERROR for k in Kind}
)

#: A division: one leader walks one connected grid, so shapes are errors too.
DIVISION_POLICY: Policy = MappingProxyType(dict.fromkeys(Kind, Severity.ERROR))

#: Chinese name of each kind, and one sentence in each language; ``{}`` takes the cells.
EXPLANATIONS: Mapping[Kind, tuple[str, str, str]] = MappingProxyType(
    {
        Kind.OVERLAP: ("重叠", "{} 覆盖了同一块地", "{} cover the same ground"),
        Kind.DUPLICATE_POLYGON: ("图形重复", "{} 的图形完全相同", "{} have the same polygon"),
        Kind.GAP: ("空洞", "{} 之间有一块地不属于任何网格", "ground between {} belongs to no cell"),
        Kind.SLIVER: ("缝隙", "{} 之间有一条窄缝不属于任何网格", "a strip between {} belongs to no cell"),
        Kind.OUTLINE_UNCOVERED: (
            "外轮廓未覆盖",
            "外轮廓内侧邻近 {} 的一块地未被覆盖",
            "ground at the outline beside {} is bare",
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
            "a part of {} hangs on by a corner only",
        ),
        Kind.RING_SHAPED: ("环状网格", "{} 环绕着其他网格", "{} lies as a ring around other cells"),
        Kind.NOT_NESTED: ("越出上级", "{} 越出其上级网格", "{} reaches beyond its parent"),
        Kind.WRONG_PARENT: (
            "上级错误",
            "{} 大部分不在所登记的上级网格内",
            "{} lies for the most part in another parent",
        ),
        Kind.MISSING_PARENT: ("缺少上级", "{} 的上级网格不存在", "the parent of {} does not exist"),
        Kind.DUPLICATE_CODE: ("编码重复", "编码 {} 不止一次出现", "code {} stands more than once"),
        Kind.BAD_CODE: ("编码不规范", "编码 {} 不符合编码规则", "code {} is malformed"),
        Kind.WRONG_COUNT: ("数量不符", "网格数量 {} 与要求不符", "the number of cells, {}, is not what was asked for"),
        Kind.AREA_MISMATCH: (
            "面积不符",
            "{} 登记的面积与图形不符",
            "the declared area of {} disagrees with its polygon",
        ),
    }
)


#: What is said instead where one cell alone lies around the place.
_WITHIN_ONE: Mapping[Kind, tuple[str, str]] = MappingProxyType(
    {
        Kind.GAP: ("{} 内部有一块地不属于任何网格", "ground inside {} belongs to no cell"),
        Kind.SLIVER: ("{} 内部有一条窄缝不属于任何网格", "a strip inside {} belongs to no cell"),
    }
)


def finding(
    kind: Kind, cells: list[Any], geometry: shapely.Geometry | None, *, area_m2: float = 0.0, width_m: float = 0.0
) -> dict[str, Any]:
    """One row of the findings, its severity still open."""
    names = "、".join(map(str, cells[:6])) + ("…" if len(cells) > 6 else "") or "—"
    _, *words = EXPLANATIONS[kind]
    zh, en = _WITHIN_ONE.get(kind, words) if len(cells) == 1 else words
    return {
        "kind": kind.value,
        "cells": tuple(cells),
        "area_m2": area_m2,
        "width_m": width_m,
        "explanation": f"{zh.format(names)} / {en.format(names)}",
        "geometry": geometry,
    }


@dataclass(frozen=True)
class LevelReport:
    """What one layer adds up to.

    Attributes
    ----------
    layer
        Name of the layer.
    cells
        Number of rows.
    area_m2
        Ellipsoidal area of the ground that the cells cover, square metres.
    covered
        Share of the outline that is covered, 0 to 1; None if no outline was given.
    overlap_m2, uncovered_m2, outside_m2
        Planar area of the faults wider than the tolerance, square metres.
    below_tolerance
        Number of overlaps, gaps and detached parts narrower than the tolerance, and their area, which are no findings.
    geometry_hash
        SHA-256 of the polygons, in order, as WKB.
    """

    layer: str
    cells: int
    area_m2: float
    covered: float | None
    overlap_m2: float
    uncovered_m2: float
    outside_m2: float
    below_tolerance: dict[str, float]
    geometry_hash: str

    def fine(self) -> str:
        """What is narrower than the tolerance as text, '' if there is nothing."""
        names = {"overlaps": "重叠 overlaps", "gaps": "缝隙 gaps", "parts": "分离部分 parts"}
        return "、".join(f"{self.below_tolerance[k]:,} {name}" for k, name in names.items() if self.below_tolerance[k])


@dataclass(frozen=True)
class Report:
    """Result of a check.

    Attributes
    ----------
    findings
        GeoDataFrame, the worst first: `layer`, `kind`, `severity` (error, warning, allowed), `cells` (tuple of labels),
        `area_m2`, `width_m`, `explanation` (Chinese / English) and `geometry`.
    levels
        One :class:`LevelReport` per layer checked.
    tolerance_m
        Faults narrower than this are no findings.
    """

    findings: gpd.GeoDataFrame
    levels: tuple[LevelReport, ...]
    tolerance_m: float

    @property
    def ok(self) -> bool:
        """True if no finding is an error."""
        return not (self.findings["severity"] == Severity.ERROR).any()

    def counts(self) -> dict[str, int]:
        """Number of findings of each kind that occurs."""
        return {str(kind): int(n) for kind, n in self.findings["kind"].value_counts().items()}

    def summary(self) -> str:
        """Several lines of text for people."""
        lines = [
            f"{level.layer}: {level.cells} cells, {level.area_m2 / 1e6:.2f} km²"
            + ("" if level.covered is None else f", covered {percent(level.covered)}")
            for level in self.levels
        ]
        for kind, n in self.counts().items():
            area = self.findings.loc[self.findings["kind"] == kind, "area_m2"].sum()
            lines.append(f"{kind} ({EXPLANATIONS[Kind(kind)][0]}): {n}, {area:.2f} m²")
        errors = int((self.findings["severity"] == Severity.ERROR).sum())
        return "\n".join([*lines, "OK" if self.ok else f"{errors} errors"])

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values: the certificate."""
        columns = ("layer", "kind", "severity", "area_m2", "width_m", "explanation")
        findings = [
            {
                **{column: row[column] for column in columns},
                "cells": [str(cell) for cell in row["cells"]],
                "geometry": None if row["geometry"] is None else json.loads(shapely.to_geojson(row["geometry"])),
            }
            for row in self.findings.to_dict("records")
        ]
        return {
            "ok": self.ok,
            "rules": RULES,
            "tolerance_m": self.tolerance_m,
            "crs": None if self.findings.crs is None else self.findings.crs.to_string(),
            "levels": [asdict(level) for level in self.levels],
            "counts": self.counts(),
            "findings": findings,
        }


def percent(share: float) -> str:
    """A share as text that never rounds a fault away: 100 % is said only of what is complete to 1e-12."""
    if share >= 1 - 1e-12:
        return "100 %"
    digits = 2
    while digits < 10 and round(share * 100, digits) == 100:
        digits += 1
    return f"{share * 100:.{digits}f} %"


def findings_frame(rows: list[dict[str, Any]], layer: str, crs: object, policy: Policy) -> gpd.GeoDataFrame:
    """Put findings in a frame: errors before warnings, large areas before small ones."""
    columns = ["layer", "kind", "severity", "cells", "area_m2", "width_m", "explanation", "geometry"]
    full = [{"layer": layer, "severity": policy[Kind(row["kind"])].value, **row} for row in rows]
    return worst_first(gpd.GeoDataFrame(pd.DataFrame(full, columns=columns), geometry="geometry", crs=crs))


def worst_first(findings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Sort findings: by severity, then by area, then as they stand."""
    rank = findings["severity"].map({severity.value: i for i, severity in enumerate(Severity)})
    order = pd.DataFrame({"rank": rank, "area": -findings["area_m2"].astype(float)})
    return findings.loc[order.sort_values(["rank", "area"], kind="stable").index].reset_index(drop=True)
