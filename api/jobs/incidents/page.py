"""The one-page summary of a study of incidents: one HTML file, for the screen and for A4, without a script or another host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from api.outputs import write_text
from geo.incidents import Calendar

_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title><style>
@page { size: A4; margin: 12mm }
body { font: 14px/1.45 "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif; color: #1d2733; max-width: 186mm;
  margin: 0 auto; padding: 6mm 4mm }
h1 { font-size: 22px; margin: 0 } h2 { font-size: 15px; margin: 5mm 0 1.5mm; border-bottom: 1px solid #b8c2cc }
small, .en { color: #5b6875; font-size: 11.5px } p { margin: 1.5mm 0 }
.figures { display: grid; grid-template-columns: repeat(5, 1fr); gap: 3mm; margin: 4mm 0 }
.figures div { background: #f1f4f7; border-radius: 2mm; padding: 2mm 3mm } .figures b { display: block; font-size: 22px }
.columns { columns: 2; column-gap: 6mm }
section { break-inside: avoid; padding-bottom: 2mm } section h2 { margin-top: 2mm }
table { border-collapse: collapse; width: 100%; font-size: 12.5px } th, td { padding: .7mm 1.5mm; text-align: right }
th { font-weight: 600; border-bottom: 1px solid #8795a3 } th:first-child, td:first-child { text-align: left }
tr:nth-child(even) td { background: #f7f9fa } td.bar { width: 34% } td.bar i { display: block; height: 9px; background: #2a6f97 }
.say { border-left: 4px solid #2a6f97; padding: 1mm 3mm; background: #f1f6f9 }
.care { border-left-color: #b35900; background: #fdf5ec }
svg text { font-size: 9px; fill: #5b6875 }
</style></head><body>
<h1>{{ title }}</h1><p class="en">{{ when }} · {{ source }}</p>
<div class="figures">{% for f in figures %}
<div><b>{{ f.value }}</b>{{ f.zh }}<br><small>{{ f.en }}</small></div>{% endfor %}</div>
{% for s in said %}<p class="say{{ ' care' if s.care }}">{{ s.zh }}<br><small>{{ s.en }}</small></p>{% endfor %}
{% if days %}<h2>每日案件 <small>Incidents per day</small></h2>
<svg viewBox="0 0 700 70" width="100%" role="img" aria-label="每日案件">{% for d in days %}
<rect x="{{ d.x }}" y="{{ 56 - d.h }}" width="{{ d.w }}" height="{{ d.h }}" fill="{{ '#c9712b' if d.rest else '#2a6f97' }}">
<title>{{ d.day }}: {{ d.n }}</title></rect>{% endfor %}
<text x="0" y="68">{{ days[0].day }}</text><text x="700" y="68" text-anchor="end">{{ days[-1].day }}</text></svg>
<small>橙色为休息日 Orange: days off</small>{% endif %}
<div class="columns">{% for t in tables %}<section><h2>{{ t.zh }} <small>{{ t.en }}</small></h2>
{% if t.rows %}<table><tr>{% for h in t.headings %}<th>{{ h }}</th>{% endfor %}{% if t.bars %}<th></th>{% endif %}</tr>
{% for row in t.rows %}<tr>{% for v in row %}<td>{{ v }}</td>{% endfor %}
{% if t.bars %}<td class="bar"><i style="width: {{ t.bars[loop.index0] }}%"></i></td>{% endif %}</tr>{% endfor %}</table>
{% else %}<p>{{ t.none }}</p>{% endif %}</section>{% endfor %}</div>
<p class="en">{{ foot }}</p></body></html>
"""


def write_page(content: dict[str, Any], path: Path) -> Path:
    """Write the page; every text is escaped."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    write_text(environment.from_string(_PAGE).render(content), path)
    return path


def table(
    zh: str, en: str, headings: list[str], rows: list[list[Any]], *, bar: int | None = None, none: str = "无"
) -> dict[str, Any]:
    """A table of the page; `bar` is the column that is drawn as bars too."""
    top = max((row[bar] for row in rows), default=0) if bar is not None else 0
    bars = [round(100.0 * row[bar] / top, 1) if top else 0 for row in rows] if bar is not None else None
    return {
        "zh": zh,
        "en": en,
        "headings": headings,
        "rows": [[_shown(v) for v in row] for row in rows],
        "bars": bars,
        "none": none,
    }


def days_drawn(local_days: pd.Series[Any], working: Any) -> list[dict[str, Any]]:
    """Bars of the incidents of each day, from the first to the last; at most 370 of them."""
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
            "h": round(54.0 * n / top, 1),
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
        The file that was studied.
    incidents
        Assigned incidents.
    placed
        Counts without incidents at default points.
    tables
        Tables of the study; `hot` at least.
    figures
        Those of ``summary.json``.
    calendar
        Working days, to tell days off.
    zone
        Zone of the days.
    """
    local = incidents["reported_at"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    when = "时间不详" if local.isna().all() else f"{local.min():%Y-%m-%d} — {local.max():%Y-%m-%d}"
    boxes = [
        ("incidents", "案件", "incidents"),
        ("inside", "落入网格", "in a cell"),
        ("outside", "网格外", "outside"),
        ("refused_rows", "无法定位", "without a position"),
        ("default_point", "默认坐标", "at a default point"),
    ]
    attrs = tables["hot"].attrs
    said = [{"zh": attrs["note_zh"], "en": attrs["note_en"], "care": not attrs["shown"]}]
    if "trends" in tables:
        notes = tables["trends"].attrs
        said.append({"zh": notes["note_zh"], "en": notes["note_en"], "care": False})
    if "patrols" in tables:
        notes = tables["patrols"].attrs
        said.append({"zh": notes["caution_zh"], "en": notes["caution_en"], "care": True})
    if figures["told"].get("datum"):
        number = figures["told"]["datum"]
        said.append(
            {
                "zh": f"{number}行的坐标基准存疑，见 rows.csv。",
                "en": f"The datum of {number} rows is in doubt.",
                "care": True,
            }
        )
    return {
        "title": "案件分析一页纸",
        "when": when,
        "source": name,
        "said": said,
        "tables": _page_tables(incidents, placed, tables),
        "figures": [{"value": f"{figures[key]:,}", "zh": zh, "en": en} for key, zh, en in boxes],
        "days": days_drawn(local, calendar.working),
        "foot": "网格表不含默认坐标上的案件。区间为95%精确泊松区间；EB为经验贝叶斯收缩后的率，排名以此为准。"
        "Without incidents at default points. Intervals: exact Poisson, 95 %; EB: rates drawn together.",
    }


def _page_tables(
    incidents: pd.DataFrame, placed: pd.DataFrame, tables: dict[str, pd.DataFrame]
) -> list[dict[str, Any]]:
    """The short tables of the page: kinds, fullest cells, hot cells, changes, neglected cells."""
    kinds = incidents["kind_name"].fillna("未注明").value_counts().head(8)
    shown = [table("最多的类别", "Commonest kinds", ["类别", "案件"], [[k, int(n)] for k, n in kinds.items()], bar=1)]
    main, hot = _main_level(placed), _main_level(tables["hot"])
    names = main.set_index("code")["name"] if "name" in main else pd.Series(dtype=object)
    top = main.nlargest(8, "incidents")
    rows = [
        [
            _called(r.code, names),
            int(r.incidents),
            f"{r.incidents_low:.0f}–{r.incidents_high:.0f}",
            float(r.per_1000_eb),
        ]
        for r in _rows(top)
    ]
    shown.append(table("案件最多的网格", "Fullest cells", ["网格", "案件", "95%区间", "每千人EB"], rows))
    hottest = hot[hot["hot"].astype(bool) | hot["core"].astype(bool)].nlargest(8, "incidents")
    rows = [
        [_called(r.code, names), int(r.incidents), int(r.with_neighbours), float(r.usual), "核心" if r.core else "外围"]
        for r in _rows(hottest)
    ]
    shown.append(
        table(
            "热点网格", "Hot cells", ["网格", "案件", "连同邻格", "通常", "性质"], rows, none="未发现热点 No hot spot"
        )
    )
    if "weekly" in tables:
        moved = tables["weekly"].query("change != 'noise'").nsmallest(8, "q")
        rows = [
            [_called(r.code, names), int(r.before), int(r.now), "升" if r.change == "up" else "降"]
            for r in _rows(moved)
        ]
        none = "没有超出随机波动的变化 No change beyond chance"
        shown.append(table("周环比", "Week on week", ["网格", "前周", "本周", "变化"], rows, none=none))
    if "patrols" in tables:
        few = tables["patrols"].query("neglected").nlargest(8, "by_residents")
        rows = [[_called(r.code, names), int(r.by_residents), int(r.visits), float(r.patrol_hours)] for r in _rows(few)]
        shown.append(
            table("诉求多而巡查少", "Many incidents, few visits", ["网格", "居民诉求", "巡查次", "时长 h"], rows)
        )
    return shown


def _main_level(frame: pd.DataFrame) -> pd.DataFrame:
    """Second-level grids of a division; of a single layer all cells."""
    if "level" not in frame:
        return frame
    return frame[frame["level"].isna() | (frame["level"] == 2)] if (frame["level"] == 2).any() else frame


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    return iter(frame.itertuples())


def _called(code: Any, names: pd.Series[Any]) -> str:
    name = names.get(code)
    return name if isinstance(name, str) and name else str(code)
