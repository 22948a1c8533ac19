"""The pages of the server that are not maps: the first page.

Templates escape what is put into them; scripts and styles come from ``/static`` with a hash of their content in the address.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2

from maps import assets

# What the table of the first page shows, in order: key of the summary, Chinese, English, kind of value.
_ROWS = (
    ("street_name", "街道", "Street", "text"),
    ("communities", "社区、园区（一级网格）", "Communities", "count"),
    ("seconds", "二级网格", "Second-level grids", "count"),
    ("thirds", "三级网格", "Third-level grids", "count"),
    ("area_km2", "面积（平方公里）", "Area (km²)", "area"),
    ("population", "人口", "Residents", "count"),
    ("version", "划分方案版本", "Division version", "text"),
    ("valid_from", "生效日期", "Valid from", "day"),
    ("crs", "坐标系", "Coordinate system", "text"),
    ("digest", "内容校验码", "Digest", "digest"),
)


def render_index(summary: Mapping[str, Any]) -> str:
    """Text of the first page: the figures of the division, the way to the maps, and a box that finds the grid of a point.

    Parameters
    ----------
    summary
        Figures by name, those of ``GET /divisions/current``: `street_name`, `communities`, `seconds`, `thirds`, `area_km2`,
        `population`, `version`, `valid_from`, `crs`, `digest`, `note`. What is missing or None is left out; other names
        are not shown.

    Raises
    ------
    FileError
        If a script or style of the page is missing.
    """
    rows = [
        {"zh": zh, "en": en, "value": _written(summary[key], kind), "key": key}
        for key, zh, en, kind in _ROWS
        if summary.get(key) not in (None, "")
    ]
    return (
        _environment()
        .get_template("index.html")
        .render(
            title=str(summary.get("street_name") or "网格管理"),
            rows=rows,
            note=summary.get("note"),
            style=assets.address("pages/index.css"),
            script=assets.address("pages/index.js"),
        )
    )


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("maps"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _written(value: Any, kind: str) -> str:
    if kind == "count":
        return f"{int(value):,}"
    if kind == "area":
        return f"{float(value):.2f}"
    if kind == "day" and isinstance(value, dt.date):
        return value.isoformat()
    return str(value)[:12] if kind == "digest" else str(value)
