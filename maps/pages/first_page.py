"""The first page of the server: what happened on the latest day, what needs somebody, and the way to the other pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from maps.pages.frame import render_page
from maps.pages.navigation import Entry

# What the table of technical facts shows, in order: key of the summary, Chinese, English, kind of value.
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


def render_first_page(
    summary: Mapping[str, Any], *, navigation: Sequence[Entry] = (), day: Mapping[str, Any] | None = None
) -> str:
    """Text of the first page.

    Parameters
    ----------
    summary
        Figures of the division by name: `street_name`, `communities`, `seconds`, `thirds`, `area_km2`, `population`, `version`,
        `valid_from`, `crs`, `digest`, `note`. What is missing or None is left out; other names are not shown.
    navigation
        Pages that the reader may open.
    day
        What is known of the latest day, as ``api.overview`` composes it; None if there is nothing that the reader may see.

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
    name = str(summary.get("street_name") or "")
    title = (f"{name}网格" if name else "网格管理", f"Grids of {name}" if name else "Grid management")
    return render_page(
        "first_page.html",
        title=title,
        navigation=navigation,
        here="/",
        rows=rows,
        note=summary.get("note"),
        day=day,
    )


def _written(value: Any, kind: str) -> str:
    if kind == "count":
        return f"{int(value):,}"
    if kind == "area":
        return f"{float(value):.2f}"
    if kind == "day" and isinstance(value, dt.date):
        return value.isoformat()
    return str(value)[:12] if kind == "digest" else str(value)
