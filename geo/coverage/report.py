"""Results of a check: findings, and a certificate in JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.coverage.grouping import Group, cause_of, group_findings
from geo.coverage.kinds import DEFAULT_POLICY, DIVISION_POLICY, EXPLANATIONS, Kind, Policy, Severity
from geo.wording import counted

__all__ = ["DEFAULT_POLICY", "DIVISION_POLICY", "EXPLANATIONS", "Kind", "Policy", "Severity"]

#: Version of the kinds of finding and the rules that distinguish them; part of every certificate.
RULES = "coverage-2"

#: Number of causes listed on the first screen of the terminal and of the page.
FIRST_SCREEN = 5

_PARENT_RULES = {
    "column": ("上级按列 {} 认定", "parents by the column {}"),
    "code": ("上级按编码前缀认定", "parents by code prefix"),
    "place": (
        "上级按位置认定（编码未指明上级，或与位置普遍不符）",
        "parents by place (codes do not name any, or disagree with the place for many cells)",
    ),
}


#: Explanations used instead where a single cell surrounds the place.
_WITHIN_ONE: Mapping[Kind, tuple[str, str]] = MappingProxyType(
    {
        Kind.GAP: ("{} 内部有一块地不属于任何网格", "ground inside {} belongs to no cell"),
        Kind.SLIVER: ("{} 内部有一条窄缝不属于任何网格", "a strip inside {} belongs to no cell"),
    }
)


#: Rows of findings before they become a frame.
Rows = list[dict[str, Any]]

# Kinds whose geometry is a complete cell, so that the area does not measure the size of the fault.
_OF_WHOLE_CELLS = (Kind.MISSING_PARENT, Kind.DUPLICATE_CODE, Kind.BAD_CODE, Kind.AREA_MISMATCH)


def finding(
    kind: Kind,
    cells: list[Any],
    geometry: shapely.Geometry | None,
    *,
    width_m: float = 0.0,
    parent: str | None = None,
    detail: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """One row of the findings, without its severity. The area is that of the geometry.

    Parameters
    ----------
    parent
        Code of the parent concerned.
    detail
        Text appended to the explanation, in Chinese and English.
    """
    names = "、".join(map(str, cells[:6])) + ("…" if len(cells) > 6 else "") or "—"
    _, *words = EXPLANATIONS[kind]
    zh, en = _WITHIN_ONE.get(kind, words) if len(cells) == 1 else words
    zh_detail, en_detail = detail or ("", "")
    return {
        "kind": kind.value,
        "cells": tuple(cells),
        "parent": parent,
        "area_m2": 0.0 if geometry is None else float(geometry.area),
        "width_m": width_m,
        "explanation": f"{zh.format(names)}{zh_detail} / {en.format(names)}{en_detail}",
        "geometry": geometry,
    }


#: Value of :attr:`LevelReport.not_listed` without consequences of invalid polygons.
NOTHING_HELD_BACK: Mapping[str, float] = MappingProxyType(
    {"overlaps": 0, "overlap_m2": 0.0, "gaps": 0, "gap_m2": 0.0, "outside": 0, "outside_m2": 0.0}
)


@dataclass(frozen=True)
class LevelReport:
    """Totals of one layer.

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
        Planar area of the faults wider than the tolerance, square metres, listed or not. Ground that may stay uncovered is
        not counted.
    below_tolerance
        Number and area of overlaps, gaps and detached parts narrower than the tolerance; these are not findings.
    not_listed
        Number and area of overlaps, gaps and ground outside that are consequences of the self-crossing of an invalid
        polygon; included in the totals above, but not listed as findings.
    parent_rule
        Rule that determined the parents of the cells: ``column NAME``, ``code`` or ``place``; None without parents.
    shapes
        The polygons as given, in order.
    """

    layer: str
    cells: int
    area_m2: float
    covered: float | None
    overlap_m2: float
    uncovered_m2: float
    outside_m2: float
    below_tolerance: Mapping[str, float]
    not_listed: Mapping[str, float] = field(default_factory=lambda: NOTHING_HELD_BACK)
    parent_rule: str | None = None
    shapes: npt.NDArray[np.object_] = field(
        default_factory=lambda: np.empty(0, dtype=object), repr=False, compare=False
    )

    @cached_property
    def geometry_hash(self) -> str:
        """SHA-256 of the polygons, in order, as WKB; computed on first use."""
        return hashlib.sha256(b"".join(wkb or b"" for wkb in shapely.to_wkb(self.shapes).tolist())).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """All values as JSON types, with the hash of the geometry instead of the polygons."""
        names = [name for name in self.__dataclass_fields__ if name != "shapes"]
        values = {name: getattr(self, name) for name in names}
        plain = {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}
        return {**plain, "geometry_hash": self.geometry_hash}

    def remarks(self) -> list[tuple[str, str]]:
        """Remarks for the reader in addition to the findings, in Chinese and English."""
        texts = []
        if self.parent_rule is not None:
            texts.append(_PARENT_RULES[self.parent_rule.split()[0]])
            if " " in self.parent_rule:
                name = self.parent_rule.split(" ", 1)[1]
                texts[-1] = (texts[-1][0].format(name), texts[-1][1].format(name))
        number = int(self.not_listed["overlaps"] + self.not_listed["gaps"] + self.not_listed["outside"])
        if number:
            area = self.not_listed["overlap_m2"] + self.not_listed["gap_m2"] + self.not_listed["outside_m2"]
            texts.append(
                (
                    f"无效图形自相交处另有 {number:,} 处重叠或空缺（{area:,.2f} m²），已计入面积，未逐条列出",
                    f"overlaps and gaps where an invalid polygon crosses itself: {number:,} ({area:,.2f} m²), counted, "
                    "not listed",
                )
            )
        return texts

    def fine(self) -> str:
        """Number and area of the faults below the tolerance as text, '' if there are none."""
        names = {"overlaps": "重叠 overlaps", "gaps": "缝隙 gaps", "parts": "分离部分 parts"}
        return "、".join(f"{self.below_tolerance[k]:,} {name}" for k, name in names.items() if self.below_tolerance[k])


@dataclass(frozen=True)
class Report:
    """Result of a check.

    Attributes
    ----------
    findings
        GeoDataFrame, most severe first: `layer`, `kind`, `severity` (error, warning, allowed), `cause` (see
        :class:`geo.coverage.grouping.Cause`), `cells` (tuple of labels), `parent` (code of the parent concerned or None),
        `area_m2` (of the geometry), `width_m`, `explanation` (Chinese / English) and `geometry`.
    levels
        One :class:`LevelReport` per layer checked.
    tolerance_m
        Faults narrower than this are not findings.
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

    def groups(self) -> tuple[Group, ...]:
        """The findings grouped by cause, the most severe and most frequent first, each with what to do."""
        return group_findings(self.findings)

    def summary(self) -> str:
        """Summary for people: the layers, what to do, and the number of findings of each kind."""
        lines = [
            f"{level.layer}: {counted(level.cells, 'cell')}, {level.area_m2 / 1e6:.2f} km²"
            + ("" if level.covered is None else f", covered {percent(level.covered)}")
            for level in self.levels
        ]
        lines += [f"{level.layer}: {zh} / {en}" for level in self.levels for zh, en in level.remarks()]
        groups = self.groups()
        lines += [f"{i}. {group.zh} / {group.en}" for i, group in enumerate(groups[:FIRST_SCREEN], start=1)]
        if len(groups) > FIRST_SCREEN:
            lines.append(f"… {counted(len(groups) - FIRST_SCREEN, 'more cause')}")
        for kind, n in self.counts().items():
            area = self.findings.loc[self.findings["kind"] == kind, "area_m2"].sum()
            lines.append(f"{kind} ({EXPLANATIONS[Kind(kind)][0]}): {n}, {area:.2f} m²")
        errors = int((self.findings["severity"] == Severity.ERROR).sum())
        return "\n".join([*lines, "OK" if self.ok else counted(errors, "error")])

    def to_dict(self) -> dict[str, Any]:
        """All values as JSON types: the certificate."""
        columns = ("layer", "kind", "severity", "cause", "parent", "area_m2", "width_m", "explanation")
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
            "levels": [level.to_dict() for level in self.levels],
            "to_do": [group.to_dict() for group in self.groups()],
            "counts": self.counts(),
            "findings": findings,
        }


def percent(share: float) -> str:
    """A share as text, rounded so that incompleteness stays visible: 100 % only if complete to 1e-12."""
    if share >= 1 - 1e-12:
        return "100 %"
    digits = 2
    while digits < 10 and round(share * 100, digits) == 100:
        digits += 1
    return f"{share * 100:.{digits}f} %"


_COLUMNS = (
    "layer",
    "kind",
    "severity",
    "cause",
    "cells",
    "parent",
    "area_m2",
    "width_m",
    "explanation",
    "geometry",
)


def findings_frame(
    rows: Rows, layer: str, crs: object, policy: Policy, areas_m2: Mapping[Any, float] = MappingProxyType({})
) -> gpd.GeoDataFrame:
    """Put findings in a frame: errors before warnings, large areas of ground before small ones.

    Parameters
    ----------
    areas_m2
        Area of each cell's polygon, by label, used to determine causes.
    """
    for row in rows:
        side = min((areas_m2.get(label, 0.0) for label in row["cells"]), default=0.0) ** 0.5
        row["cause"] = cause_of(Kind(row["kind"]), row["width_m"], side).value
        row["layer"] = layer
        row.setdefault("severity", policy[Kind(row["kind"])].value)
    columns = {name: _values(name, [row[name] for row in rows]) for name in _COLUMNS[:-1]}
    columns["geometry"] = gpd.array.from_shapely(_values("geometry", [row["geometry"] for row in rows]), crs=crs)
    return worst_first(gpd.GeoDataFrame(columns))


def _values(column: str, values: list[Any]) -> npt.NDArray[Any]:
    made = np.empty(len(values), dtype=np.float64 if column in ("area_m2", "width_m") else object)
    for position, value in enumerate(values):
        made[position] = value
    return made


def worst_first(findings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Sort findings by severity, then by area (of faulty ground, not of complete cells); otherwise keep their order."""
    if len(findings) < 2:
        return findings
    rank = findings["severity"].map({severity.value: i for i, severity in enumerate(Severity)}).to_numpy(dtype=float)
    whole = findings["kind"].isin([kind.value for kind in _OF_WHOLE_CELLS]).to_numpy()
    area = np.where(whole, 0.0, findings["area_m2"].to_numpy(dtype=float))
    return findings.iloc[np.lexsort((-area, rank))].reset_index(drop=True)
