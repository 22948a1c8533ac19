"""The workbook of a run for offices: Chinese headings and words, local times, names of the grids."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from geo.patrols import MARKS, REASONS, VERDICTS

#: Sheets of the workbook.
SHEETS = {
    "verdicts": "核验结论",
    "open": "待确认",
    "visits": "巡查记录",
    "coverage": "网格内覆盖",
    "coverage_by": "覆盖汇总",
    "blind_spots": "巡查盲区",
    "findings": "轨迹疑点",
    "files": "读入文件",
    "refused": "未读入记录",
    "restated": "重述对照",
}

#: Maximum number of rows of a sheet; a longer table is only in its CSV and Parquet files, and the sheet refers to them.
MOST_ROWS = 200_000

#: Headings of the workbook. Columns without one are for programs and are omitted.
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
    "enough_probability": "达标概率（不计中断）",
    "visits_hidden": "中断中估计次数",
    "present_s": "格内停留时长（秒）",
    "unknown_s": "定位中断时长（秒）",
    "rules": "规则版本",
    "reason_zh": "判定依据",
    "settle_zh": "如何确认",
    "corrected": "更正时钟后结论",
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

#: Chinese words for values of single columns; the sheets of files and of refused rows contain other reasons.
WORDS = {
    **{
        name: {key: zh for key, (zh, _) in VERDICTS.items()}
        for name in ("verdict", "verdict_before", "verdict_after", "corrected")
    },
    "reason": {key: zh for key, (zh, _) in REASONS.items()},
    "by": {"grid": "二级网格", "community": "社区"},
    "each": {"day": "日", "week": "周", "month": "月"},
}


#: Chinese reasons why a file was not read: patterns of the English reason, and their translations. Groups are values. Rows
#: have their reasons in both languages.
UNREAD = (
    (r"文件无法使用：(.*)", "{0}"),
    (r"(?:.*/)?unknown format '(.*)' of a track.*", "不支持的轨迹格式“{0}”"),
    (r"the file is empty.*", "文件为空"),
    (r"cannot be unpacked.*", "无法解压"),
    (r"has no track point.*", "没有轨迹点，请导出已记录的轨迹"),
    (r"is not readable XML.*", "不是可读的XML，请重新导出GPX"),
    (r"is XML, but its root is <(.*)> and not <gpx>", "是XML，但根元素是<{0}>，不是<gpx>"),
    (r"has no fix.*", "没有可用定位"),
    (r"none of (\d+) fixes can be used; the first \(record (\d+)\) (.*)", "{0}条定位均不可用，第{1}条：{2}"),
    (r"is not JSON.*", "不是JSON，文件可能不完整"),
    (r"is not GeoJSON.*", "不是GeoJSON"),
    (r"is JSON, but not a collection of features.*", "是JSON，但不是点要素集合"),
    (r"is not UTF-8.*", "不是UTF-8文本"),
    (r"is not a text table.*", "不是文本表格，请另存为UTF-8编码的CSV或.xlsx"),
    (r"cannot be read as an Excel file.*", "不是可读的Excel工作簿，请重新另存为.xlsx"),
    (r"no header row was found.*", "前20行没有表头"),
    (r"has no header row.*", "没有表头，请用 --columns 指定各列位置"),
    (r"has a header but no rows", "只有表头，没有数据"),
    (r"no column for (.*) among .*", "找不到列：{0}；请用 --columns 指定"),
    (r"the datum of its coordinates is not declared.*", "没有说明坐标基准，请用 --datum 声明"),
    (r"times such as '(.*)' have no zone.*", "时间（如“{0}”）没有时区，请用 --zone 说明"),
    (r"has no RMC sentence.*", "没有RMC语句，只有它带日期"),
)


def for_offices(table: pd.DataFrame, name: str, zone: str, names: Mapping[str, str]) -> pd.DataFrame:
    """A table as shown in the workbook: Chinese headings and words, local times to the second, three decimals.

    Codes of cells are followed by their names, if known.
    """
    if len(table) > MOST_ROWS:
        return pd.DataFrame({"说明": [f"共 {len(table):,} 行，见 {name}.csv"]})
    if "reason_zh" in table and "reason" in table and name in ("refused", "files"):
        table = table.assign(reason=table["reason_zh"]).drop(columns="reason_zh")
    headings = HEADINGS | ({"seen": "看到网格数"} if name == "coverage_by" else {})
    sheet = pd.DataFrame({headings[column]: _shown(table[column], zone) for column in table if column in headings})
    if "code" in table and names:
        place = sheet.columns.tolist().index(HEADINGS["code"]) + 1
        sheet.insert(place, "网格名称", table["code"].map(names).astype(object))
    return sheet


def unread_zh(reason: str) -> str:
    """Chinese reason why a file or a row was not read; unchanged if there is no translation."""
    for pattern, words in UNREAD:
        found = re.fullmatch(pattern, reason, re.DOTALL)
        if found:
            return words.format(*(unread_zh(group) for group in found.groups()))
    return reason


def _marked_zh(text: str) -> str:
    """Marks with their counts, in Chinese."""
    parts = [part.rsplit(" ", 1) for part in text.split(", ") if part]
    return "，".join(f"{MARKS[mark][0]} {number}" for mark, number in parts)


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
        said = WORDS.get(str(values.name), {}).get
        other = {"reason": unread_zh, "marked": _marked_zh}.get(str(values.name), str)
        return values.astype(object).map(
            lambda value: (said(value) or other(value)) if isinstance(value, str) else value
        )
    return values
