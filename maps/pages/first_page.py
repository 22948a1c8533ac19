"""The first page of the server: the latest day, what needs attention, and links to the other pages."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from maps.english_names import english_name
from maps.pages.frame import render_page
from maps.pages.navigation import Entry
from maps.pages.thumbnails import Outlines, classes_of_counts

# Rows of the table of technical facts, in order: key of the summary, Chinese, English, kind of value.
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


_WEEKDAYS = tuple(zip("一二三四五六日", calendar.day_abbr, strict=True))


def render_first_page(
    summary: Mapping[str, Any],
    *,
    navigation: Sequence[Entry] = (),
    day: Mapping[str, Any] | None = None,
    outlines: Outlines | None = None,
) -> str:
    """HTML of the first page.

    Parameters
    ----------
    summary
        Figures of the division by name: `street_name`, `communities`, `seconds`, `thirds`, `area_km2`, `population`, `version`,
        `valid_from`, `crs`, `digest`, `note`. Missing values and None are omitted; other names are ignored.
    navigation
        Pages that the reader may open.
    day
        Figures of a day, as composed by ``api.overview.day_figures``; None if nothing is visible to the reader.
    outlines
        Grids of the small maps; needed with `day`.

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
    title = (f"{name}网格" if name else "网格管理", f"Grids of {english_name(name)}" if name else "Grid management")
    return render_page(
        "first_page.html",
        title=title,
        navigation=navigation,
        here="/",
        rows=rows,
        note=summary.get("note"),
        dates=_dates(summary, day),
        day=day if day is None else {**day, "overdue": _with_moment(day)},
        **({} if day is None else _drawn(day, outlines)),
    )


def _drawn(day: Mapping[str, Any], outlines: Outlines | None) -> dict[str, Any]:
    """Values of a day for the templates."""
    zh, en = _WEEKDAYS[day["day"].weekday()]
    bars = [bar for community in day["communities"] for bar in community["bars"] if bar]
    week = day["incidents"]
    return {
        "outlines": outlines or Outlines(1.0, {}, ""),
        "weekday": (f"星期{zh}", en),
        "month": f"{day['day']:%b}",
        "tallest": max([1, *(bar["failing"] + bar["unknown"] for bar in bars)]),
        "incident_classes": classes_of_counts(week["by_grid"]) if week else {},
    }


def _with_moment(day: Mapping[str, Any]) -> dict[str, Any] | None:
    """Overdue cases, with the time in both languages; midnight belongs to the day that it ends."""
    late = day["overdue"]
    if late is None:
        return None
    at: dt.datetime = late["at"]
    if at.time() == dt.time() and at.date() > day["day"]:
        end = day["day"]
        return {**late, "when": (f"{end.month}月{end.day}日24时", f"the end of {end:%-d %b}")}
    return {**late, "when": (f"{at.month}月{at.day}日{at:%H:%M}", f"{at:%-d %b %H:%M}")}


def _dates(summary: Mapping[str, Any], day: Mapping[str, Any] | None) -> list[tuple[str, str, str]]:
    """Day of the data, and time of their receipt: Chinese, English, and the date."""
    found = []
    if day is not None:
        found.append(("巡查数据日期", "Day of the patrols", f"{day['day']:%Y-%m-%d}"))
        if day["made_at"] is not None:
            found.append(("核验完成时间", "Verdicts made", f"{day['made_at']:%Y-%m-%d %H:%M}"))
        if day["incidents"] is not None:
            week = day["incidents"]
            found.append(("案件日期", "Incidents of", f"{week['from']:%Y-%m-%d} – {day['day']:%Y-%m-%d}"))
            found.append(("案件接收时间", "Incidents received", f"{week['received_at']:%Y-%m-%d %H:%M}"))
    if summary.get("valid_from"):
        found.append(("网格划分生效日期", "Division valid from", str(summary["valid_from"])))
    return found


def _written(value: Any, kind: str) -> str:
    if kind == "count":
        return f"{int(value):,}"
    if kind == "area":
        return f"{float(value):.2f}"
    if kind == "day" and isinstance(value, dt.date):
        return value.isoformat()
    return str(value)[:12] if kind == "digest" else str(value)
