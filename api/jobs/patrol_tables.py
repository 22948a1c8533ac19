"""Tables of verdicts for programs (CSV, Parquet, evidence) and for offices (a workbook in Chinese)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from api.outputs import write_csv
from geo.layers import aside
from geo.patrols import REASONS, VERDICTS, blind_spots, by_group, evidence, integrity, seen

if TYPE_CHECKING:
    from api.jobs.patrols import Verified

#: A third-level grid that nobody has seen for this many days is a blind spot.
BLIND_DAYS = 7

#: Sheets of the workbook.
SHEETS = {
    "verdicts": "核验结论", "visits": "巡查记录", "coverage": "网格内覆盖", "coverage_by": "覆盖汇总", "blind_spots": "巡查盲区",
    "findings": "轨迹疑点", "files": "读入文件", "refused": "未读入记录", "restated": "重述对照",
}  # fmt: skip

#: Rows of the longest sheet; a longer table stands in its CSV and Parquet file only, and the sheet says so.
MOST_ROWS = 200_000

#: Headings of the workbook. A column that has none is for programs and stays out of it.
HEADINGS = {
    "code": "网格编码",
    "day": "日期",
    "verdict": "结论",
    "visits": "可认定次数",
    "required": "规定次数",
    "uncounted": "未计入次数",
    "visits_expected": "估计次数",
    "visits_low": "估计下限",
    "visits_high": "估计上限",
    "enough_probability": "达标概率",
    "visits_hidden": "中断中估计次数",
    "present_s": "在格时间（秒）",
    "unknown_s": "定位中断（秒）",
    "rules": "规则版本",
    "reason_zh": "判定依据",
    "device": "设备",
    "officer": "人员编号",
    "start": "开始时间",
    "end": "结束时间",
    "stay_s": "停留（秒）",
    "counted": "是否计入",
    "reason": "原因",
    "likely_s": "预计停留（秒）",
    "probability": "成立概率",
    "speed_m_s": "平均速度（米/秒）",
    "fixes": "定位点数",
    "swept_share": "看到面积占比",
    "swept_m2": "看到面积（平方米）",
    "road_m": "道路长度（米）",
    "road_seen_m": "看到道路（米）",
    "seen": "是否看到",
    "time_s": "停留时间（秒）",
    "time_s_per_ha": "每公顷时间（秒）",
    "by": "汇总对象",
    "each": "周期",
    "period": "起始日",
    "cells": "三级网格数",
    "road_seen_share": "看到道路占比",
    "last_seen": "最近看到",
    "days_unseen": "未看到天数",
    "sign": "疑点代码",
    "other": "另一设备",
    "p": "p值",
    "note": "细节",
    "what_zh": "疑点",
    "innocent_zh": "可能的正常原因",
    "source": "文件",
    "row": "行号",
    "refused": "未读入行数",
    "marked": "标记",
    "declared_datum": "原坐标基准",
    "verdict_before": "原结论",
    "verdict_after": "现结论",
    "visits_before": "原可认定次数",
    "visits_after": "现可认定次数",
    "rules_before": "原规则版本",
    "rules_after": "现规则版本",
    "changed": "是否变化",
    "why": "重述原因",
    "difference_zh": "差别",
}

#: Words of the workbook for values of single columns; the sheets of files and of refused rows hold reasons of another kind.
WORDS = {
    **{name: {key: zh for key, (zh, _) in VERDICTS.items()} for name in ("verdict", "verdict_before", "verdict_after")},
    "reason": {key: zh for key, (zh, _) in REASONS.items()},
    "by": {"grid": "二级网格", "community": "社区"},
    "each": {"day": "日", "week": "周", "month": "月"},
}


def write_all(
    verified: Verified,
    judged: gpd.GeoDataFrame,
    inner: gpd.GeoDataFrame,
    folder: Path,
    *,
    refused: Sequence[dict[str, Any]] = (),
    division: str = "",
    restated: pd.DataFrame | None = None,
) -> list[Path]:
    """Write verdicts, visits, coverage, blind spots, findings, files and refused rows (CSV, Parquet, a workbook), and evidence.

    Persons are named only where the visit itself is told, never counted, ranked or compared.

    Parameters
    ----------
    division
        Digest of the cells, for the evidence.
    restated
        The verdicts beside those of an earlier run, a table more.
    """
    seen_days = verified.seen if verified.seen is not None else pd.concat(
        [seen(verified.cleaned, inner, day=day, rules=verified.rules) for day in verified.days], ignore_index=True
    )  # fmt: skip
    tables = {
        "verdicts": verified.verdicts,
        "visits": verified.visits,
        "coverage": seen_days,
        "coverage_by": _summed_up(seen_days, inner, judged),
        "blind_spots": blind_spots(seen_days, day=verified.days[-1], days=min(BLIND_DAYS, len(verified.days))),
        "findings": integrity(verified.cleaned, rules=verified.rules),
        "files": by_file(verified.cleaned, refused, verified.sources),
        "refused": pd.DataFrame(list(refused), columns=["source", "row", "reason"]),
    }
    if restated is not None:
        tables["restated"] = restated
    written = []
    for name, table in tables.items():
        written.append(folder / f"{name}.csv")
        write_csv(table, written[-1], zone=verified.rules.zone)
        with aside(folder / f"{name}.parquet") as temporary:
            _typed(table).to_parquet(temporary, index=False)
        written.append(folder / f"{name}.parquet")
    with aside(folder / "patrols.xlsx") as temporary, pd.ExcelWriter(temporary, engine="openpyxl") as book:
        for name, table in tables.items():
            for_offices(table, name, verified.rules.zone).to_excel(book, sheet_name=SHEETS[name], index=False)
    with aside(folder / "evidence.jsonl") as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for record in _records(verified, judged, division):
            file.write(json.dumps(record, ensure_ascii=False, sort_keys=True) + "\n")
    return [*written, folder / "patrols.xlsx", folder / "evidence.jsonl"]


def by_file(cleaned: pd.DataFrame, refused: Sequence[dict[str, Any]], sources: Mapping[str, str]) -> pd.DataFrame:
    """What became of each file.

    Returns
    -------
    DataFrame
        By `source`: `fixes` read, `refused` rows, `marked` (fixes with each mark, in words, most frequent first), `reason`,
        why the whole file could not be read (empty otherwise), `declared_datum` of its coordinates, and its `sha256`.
    """
    rows: dict[str, dict[str, Any]] = {}

    def of(source: str) -> dict[str, Any]:
        return rows.setdefault(
            source,
            {
                "fixes": 0,
                "refused": 0,
                "marked": "",
                "reason": "",
                "declared_datum": "",
                "sha256": sources.get(source, ""),
            },
        )

    for row in refused:
        if row["row"] is None or pd.isna(row["row"]):
            of(row["source"])["reason"] = row["reason"]
        else:
            of(row["source"])["refused"] += 1
    if "source" in cleaned:
        for source, rows_of in cleaned.groupby("source", sort=False):
            marks = rows_of["mark"]
            number = marks[marks != ""].value_counts()
            marked = ", ".join(f"{mark} {count:,}" for mark, count in number.items())
            declared = ", ".join(sorted(rows_of["declared_datum"].unique()))
            of(str(source)).update(fixes=len(marks), marked=marked, declared_datum=declared)
    columns = ["fixes", "refused", "marked", "reason", "declared_datum", "sha256"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis("source").reset_index().sort_values("source", ignore_index=True)


def _summed_up(seen_days: pd.DataFrame, inner: gpd.GeoDataFrame, judged: gpd.GeoDataFrame) -> pd.DataFrame:
    """Coverage by leader's grid and by community, of each day, week and month."""
    if "parent" not in inner:
        return pd.DataFrame(columns=["by", "code", "each", "period", "cells", "seen", "swept_share", "road_seen_share"])
    above = dict(zip(judged["code"], judged["parent"], strict=True)) if "parent" in judged else {}
    cells = inner.assign(grid=inner["parent"], community=inner["parent"].map(above))
    parts = [
        by_group(seen_days, cells, by=by, period=period).rename(columns={by: "code"}).assign(by=by, each=each)
        for by in ("grid", "community")
        if cells[by].notna().any()
        for period, each in (("D", "day"), ("W", "week"), ("M", "month"))
    ]
    return pd.concat(parts, ignore_index=True)[["by", "code", "each", *parts[0].columns.drop(["by", "code", "each"])]]


def _records(verified: Verified, cells: gpd.GeoDataFrame, division: str) -> Iterator[dict[str, Any]]:
    """Evidence of every verdict."""
    found, made = (
        dict(table.groupby([column, "day"], sort=False).indices)
        for table, column in ((verified.presences, "cell"), (verified.visits, "code"))
    )
    fixes = verified.cleaned.groupby("device", sort=False).indices
    place = {code: k for k, code in enumerate(cells["code"])}
    none = np.empty(0, dtype=np.intp)
    for k in range(len(verified.verdicts)):
        row = verified.verdicts.iloc[[k]]
        code, day = row["code"].iloc[0], row["day"].iloc[0]
        # Each record looks at its own rows only: a year of days would take hours otherwise.
        near = verified.presences.iloc[found.get((code, day), none)]
        rows = np.sort(np.concatenate([fixes[device] for device in near["device"].unique()] or [none]))
        yield evidence(
            code, day=day, tracks=verified.cleaned.iloc[rows], presences=near,
            visits=verified.visits.iloc[made.get((code, day), none)], verdicts=row, cells=cells.iloc[[place[code]]],
            rules=verified.rules.on(day), division=division,
        )  # fmt: skip


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """A table as Parquet takes it: mixed rows of numbers and nothing become text."""
    return table.assign(**{name: table[name].astype("string") for name in ("row", "source") if name in table})


def for_offices(table: pd.DataFrame, name: str, zone: str) -> pd.DataFrame:
    """A table as a sheet of the workbook shows it.

    Chinese headings and words, local times to the second without a zone, numbers to three digits, and no text that Excel would
    take for a formula.
    """
    if len(table) > MOST_ROWS:
        return pd.DataFrame({"说明": [f"共 {len(table):,} 行，见 {name}.csv"]})
    headings = HEADINGS | ({"seen": "看到网格数"} if name == "coverage_by" else {})
    return pd.DataFrame({headings[column]: _shown(table[column], zone) for column in table if column in headings})


def _shown(values: pd.Series, zone: str) -> pd.Series:
    """One column of a sheet."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        local: pd.Series = values.dt.tz_convert(zone).dt.tz_localize(None).dt.round("s")
        return local
    if pd.api.types.is_bool_dtype(values.dtype):
        return values.map({True: "是", False: "否"})
    if pd.api.types.is_float_dtype(values.dtype):
        return values.round(3)
    if values.dtype == object or isinstance(values.dtype, pd.StringDtype):
        words = WORDS.get(str(values.name), {})
        return values.map(lambda value: _safe(words.get(value, value)) if isinstance(value, str) else value)
    return values


def _safe(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
