"""The one-page summary of an incident study: one HTML file for screen and A4, without scripts and external resources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from api.files.outputs import write_text
from geo.incidents import Calendar
from geo.wording import counted
from maps.encoding.cells import two_languages

_PAGE = """<!doctype html>
{% macro t(text) %}<span class="zh">{{ text.zh }}</span><span class="en" lang="en">{{ text.en }}</span>{% endmacro %}
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title.zh }}</title><style>
@page { size: A4; margin: 10mm }
body { font: 13px/1.4 "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif; color: #1d2733; max-width: 190mm;
  margin: 0 auto; padding: 4mm }
body:has(#english:checked) .zh, body:not(:has(#english:checked)) .en { display: none }
h1 { font-size: 21px; margin: 0 } h2 { font-size: 14px; margin: 3mm 0 1mm; border-bottom: 1px solid #b8c2cc }
small, .quiet { color: #55626e; font-size: 11px } p { margin: 1mm 0 }
.switch { float: right; font-size: 12px }
.figures { display: grid; grid-template-columns: repeat(5, 1fr); gap: 2.5mm; margin: 2.5mm 0 }
.figures div { background: #f1f4f7; border-radius: 2mm; padding: 1.5mm 3mm } .figures b { display: block; font-size: 20px }
.columns { columns: 2; column-gap: 6mm }
section { break-inside: avoid; padding-bottom: 1mm } section h2 { margin-top: 1mm }
table { border-collapse: collapse; width: 100%; font-size: 11.5px } th, td { padding: .4mm 1.2mm; text-align: right }
th { font-weight: 600; border-bottom: 1px solid #8795a3 } th:first-child, td:first-child { text-align: left }
tr:nth-child(even) td { background: #f7f9fa } td.bar { width: 34% } td.bar i { display: block; height: 8px; background: #2a6f97 }
.say { border-left: 4px solid #2a6f97; padding: .6mm 3mm; background: #f1f6f9; font-size: 12px }
.care { border-left-color: #b35900; background: #fdf5ec }
svg text { font-size: 9px; fill: #55626e }
@media (max-width: 600px) { .columns { columns: 1 } .figures { grid-template-columns: repeat(2, 1fr) } }
@media print { .switch { display: none } body { padding: 0 } }
</style></head><body><main>
<label class="switch"><input type="checkbox" id="english"> English</label>
<h1>{{ t(title) }}</h1><p class="quiet">{{ t(when) }} · {{ t({"zh": "数据文件：" + source, "en": "file: " + source}) }}</p>
<div class="figures">{% for f in figures %}
<div><b>{{ f.value }}</b>{{ t(f) }}</div>{% endfor %}</div>
{% for s in said %}<p class="say{{ ' care' if s.care }}">{{ t(s) }}</p>{% endfor %}
{% if days %}<h2>{{ t({"zh": "每日案件", "en": "Incidents per day"}) }}</h2>
<svg viewBox="0 0 700 56" width="100%" role="img" aria-label="每日案件 Incidents per day">{% for d in days %}
<rect x="{{ d.x }}" y="{{ 44 - d.h }}" width="{{ d.w }}" height="{{ d.h }}" fill="{{ '#c9712b' if d.rest else '#2a6f97' }}">
<title>{{ d.day }}: {{ d.n }}</title></rect>{% endfor %}
<text x="0" y="54">{{ days[0].day }}</text><text x="700" y="54" text-anchor="end">{{ days[-1].day }}</text></svg>
<small>{{ t({"zh": "橙色为休息日", "en": "Orange: days off"}) }}</small>{% endif %}
<div class="columns">{% for table in tables %}<section><h2>{{ t(table) }}</h2>
{% if table.rows %}<table><tr>
{% for h in table.headings %}<th>{{ t(h) }}</th>{% endfor %}{% if table.bars %}<td></td>{% endif %}</tr>
{% for row in table.rows %}<tr>{% for v in row %}<td>{% if v is mapping %}{{ t(v) }}{% else %}{{ v }}{% endif %}</td>{% endfor %}
{% if table.bars %}<td class="bar"><i style="width: {{ table.bars[loop.index0] }}%"></i></td>{% endif %}</tr>{% endfor %}</table>
{% else %}<p>{{ t(table.none) }}</p>{% endif %}</section>{% endfor %}</div>
<p class="quiet">{{ t(foot) }}</p></main></body></html>
"""

#: Maximum number of rows of a table, so that the summary fits one A4 sheet.
_ROWS = 6


def write_page(content: dict[str, Any], path: Path) -> Path:
    """Write the page; every text is escaped."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    write_text(environment.from_string(_PAGE).render(content), path)
    return path


Text = tuple[str, str]

_NONE: Text = ("无", "none")


def table(
    title: Text, headings: list[Text], rows: list[list[Any]], *, bar: int | None = None, none: Text = _NONE
) -> dict[str, Any]:
    """A bilingual table of the page; `bar` is the column also drawn as bars."""
    top = max((row[bar] for row in rows), default=0) if bar is not None else 0
    bars = [round(100.0 * row[bar] / top, 1) if top else 0 for row in rows] if bar is not None else None
    return {
        **two_languages(title),
        "headings": [two_languages(heading) for heading in headings],
        "rows": [[two_languages(v) if isinstance(v, tuple) else _shown(v) for v in row] for row in rows],
        "bars": bars,
        "none": two_languages(none),
    }


def days_drawn(local_days: pd.Series[Any], working: Any) -> list[dict[str, Any]]:
    """Bars of the incidents of each day, from the first to the last; at most 370."""
    known = local_days.dropna()
    if known.empty:
        return []
    days = pd.date_range(max(known.min(), known.max() - pd.Timedelta(days=369)), known.max(), freq="D")
    number = known.value_counts().reindex(days, fill_value=0)
    top, width = max(int(number.max()), 1), 700.0 / len(days)
    return [
        {
            "x": round(i * width, 2),
            "w": round(width * 0.82, 2),
            "h": round(42.0 * n / top, 1),
            "n": int(n),
            "day": f"{day:%Y-%m-%d}",
            "rest": not working(day.date()),
        }
        for i, (day, n) in enumerate(zip(days, number, strict=True))
    ]


def _shown(value: Any) -> str:
    if value is None or value != value:
        return "–"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def page_content(
    name: str,
    incidents: pd.DataFrame,
    placed: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    figures: dict[str, Any],
    calendar: Calendar,
    zone: str,
) -> dict[str, Any]:
    """Content of the page.

    Parameters
    ----------
    name
        Name of the input file.
    incidents
        Assigned incidents.
    placed
        Counts without incidents at default points.
    tables
        Tables of the study; at least `hot`.
    figures
        Those of ``summary.json``.
    calendar
        Working days, to mark days off.
    zone
        Time zone of the days.
    """
    local = incidents["reported_at"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    if local.isna().all():
        when = ("时间不详", "times unknown")
    else:
        first, last = local.min(), local.max()
        when = (
            f"{first.year}年{first.month}月{first.day}日至{last.year}年{last.month}月{last.day}日",
            f"{first:%Y-%m-%d} to {last:%Y-%m-%d}",
        )
    return {
        "title": two_languages(TITLE),
        "when": two_languages(when),
        "source": name,
        "said": _said(tables, figures),
        "tables": _page_tables(incidents, placed, tables),
        "figures": [{"value": f"{figures[key]:,}", "zh": zh, "en": en} for key, zh, en in _FIGURES],
        "days": days_drawn(local, calendar.working),
        "foot": two_languages(_FOOT),
    }


TITLE = ("案件分析简报", "Brief on incidents")

_FIGURES = (
    ("incidents", "案件", "incidents"),
    ("inside", "落入网格", "in a grid"),
    ("outside", "网格外", "outside"),
    ("refused_rows", "无法定位", "without a position"),
    ("default_point", "默认坐标", "at a default point"),
)

_FOOT = (
    "网格表不含默认坐标上的案件。区间为95%精确泊松区间；EB为经验贝叶斯平滑后的率，排名以此为准。",
    "Without incidents at default points. Intervals: exact Poisson, 95 %; EB: rates smoothed by empirical Bayes, which rank.",
)


def _said(tables: dict[str, pd.DataFrame], figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Notes on hot spots, trends, cautions and doubtful coordinates."""
    attrs = tables["hot"].attrs
    said = [{"zh": attrs["note_zh"], "en": attrs["note_en"], "care": not attrs["shown"]}]
    if "trends" in tables:
        notes = tables["trends"].attrs
        said.append({"zh": notes["note_zh"], "en": notes["note_en"], "care": False})
    if "patrols" in tables:
        notes = tables["patrols"].attrs
        said.append({"zh": notes["caution_zh"], "en": notes["caution_en"], "care": True})
    doubtful = figures["row_notices"].get("datum")
    if doubtful:
        zh, en = (
            f"{doubtful}行的坐标基准存疑，见 rows.csv。",
            f"The datum of {counted(doubtful, 'row')} is in doubt; see rows.csv.",
        )
        said.append({"zh": zh, "en": en, "care": True})
    return said


_GRID: Text = ("网格", "grid")
_INCIDENTS: Text = ("案件", "incidents")


def _page_tables(
    incidents: pd.DataFrame, placed: pd.DataFrame, tables: dict[str, pd.DataFrame]
) -> list[dict[str, Any]]:
    """The short tables of the page: kinds, cells with most incidents, hot cells, changes, neglected cells."""
    kinds = incidents["kind_name"].fillna("未注明").value_counts().head(_ROWS)
    shown = [
        table(
            ("最多的类别", "Commonest kinds"),
            [("类别", "kind"), _INCIDENTS],
            [[k, int(n)] for k, n in kinds.items()],
            bar=1,
        )
    ]
    main = _main_level(placed)
    names = main.set_index("code")["name"] if "name" in main else pd.Series(dtype=object)
    shown += [_fullest(main, names), _hottest(_main_level(tables["hot"]), names)]
    if "weekly" in tables:
        moved = tables["weekly"].query("change != 'noise'").nsmallest(_ROWS, "q")
        words = {"up": ("升", "up"), "down": ("降", "down")}
        rows = [[_called(r.code, names), int(r.before), int(r.now), words[r.change]] for r in _rows(moved)]
        headings: list[Text] = [_GRID, ("前周", "before"), ("本周", "now"), ("变化", "change")]
        none = ("没有超出随机波动的变化", "No change beyond chance")
        shown.append(table(("周环比", "Week on week"), headings, rows, none=none))
    if "patrols" in tables:
        few = tables["patrols"].query("neglected").nlargest(_ROWS, "by_residents")
        rows = [[_called(r.code, names), int(r.by_residents), int(r.visits), float(r.patrol_hours)] for r in _rows(few)]
        headings = [_GRID, ("居民诉求", "by residents"), ("巡查次", "visits"), ("时长（小时）", "hours")]
        shown.append(table(("诉求多而巡查少", "Many incidents, few visits"), headings, rows))
    return shown


def _fullest(main: pd.DataFrame, names: pd.Series[Any]) -> dict[str, Any]:
    rows = [
        [
            _called(r.code, names),
            int(r.incidents),
            f"{r.incidents_low:.0f}–{r.incidents_high:.0f}",
            float(r.per_1000_eb),
        ]
        for r in _rows(main.nlargest(_ROWS, "incidents"))
    ]
    headings: list[Text] = [_GRID, _INCIDENTS, ("95%区间", "95 % interval"), ("每千人EB", "EB per 1,000")]
    return table(("案件最多的网格", "Grids with most incidents"), headings, rows)


def _hottest(hot: pd.DataFrame, names: pd.Series[Any]) -> dict[str, Any]:
    found = hot[hot["hot"].astype(bool) | hot["core"].astype(bool)].nlargest(_ROWS, "incidents")
    core, around = ("核心", "core"), ("外围", "around")
    rows = [
        [
            _called(r.code, names),
            int(r.incidents),
            int(r.with_neighbours),
            float(r.expected),
            core if r.core else around,
        ]
        for r in _rows(found)
    ]
    headings: list[Text] = [
        _GRID,
        _INCIDENTS,
        ("连同邻格", "with neighbours"),
        ("期望", "expected"),
        ("性质", "nature"),
    ]
    return table(("热点网格", "Hot spots"), headings, rows, none=("未发现热点", "No hot spot"))


def _main_level(frame: pd.DataFrame) -> pd.DataFrame:
    """Second-level grids of a division, or all cells of a single layer."""
    if "level" not in frame:
        return frame
    return frame[frame["level"].isna() | (frame["level"] == 2)] if (frame["level"] == 2).any() else frame


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    return iter(frame.itertuples())


def _called(code: Any, names: pd.Series[Any]) -> str:
    name = names.get(code)
    return name if isinstance(name, str) and name else str(code)
