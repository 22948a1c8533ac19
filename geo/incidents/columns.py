"""Names of the columns of incidents, and the headers under which files carry them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Mapping, Sequence

from geo.errors import ColumnError, some
from geo.layers.columns import Level

INCIDENT_ID = "incident_id"
REPORTED_AT = "reported_at"
KIND_CODE = "kind_code"
KIND_NAME = "kind_name"
STANDARD_REF = "standard_ref"
#: How sure the kind is, 0 to 1, and how it was found.
KIND_CONFIDENCE = "kind_confidence"
KIND_MATCH = "kind_match"
SOURCE = "source"
ADDRESS = "address"
LON = "lon"
LAT = "lat"
#: Both coordinates in one field, ``118.81,32.10``: longitude first.
LON_LAT = "lon_lat"
#: Clock time, where the date stands in a column of its own; and the datum of each row, where the file says it row by row.
CLOCK = "clock"
DATUM = "datum"

#: Row of the file, as a spreadsheet numbers it: the first row is 1. In a vector file, the number of the feature.
SOURCE_ROW = "source_row"
REPEAT = "repeat"
DEFAULT_POINT = "default_point"

CELL = "cell"
#: Codes of the cells at the three levels; named as the layers are.
COMMUNITY, SECOND, THIRD = (level.layer for level in (Level.COMMUNITY, Level.SECOND, Level.THIRD))
DISTANCE_M = "distance_m"
ON_BORDER = "on_border"
#: Codes of the other cells that a report on a border belongs to as well, by ``|``.
OTHER_CELLS = "other_cells"
#: Which division a report was assigned by, where there are several.
VALID_FROM = "division_valid_from"

INCIDENTS = "incidents"
PER_KM2 = "per_km2"
PER_1000 = "per_1000"
PER_UNIT = "per_unit"

_LISTED = {
    INCIDENT_ID: """
        incident_id 案件编号 工单编号 任务号 任务编号 案件号 案卷编号 工单号 事件编号 诉求编号 受理编号 编号
        incidentid case_id case_no ccn incidntnum incident_number ticket_id id""",
    REPORTED_AT: """
        reported_at 上报时间 受理时间 来电时间 登记时间 发生时间 创建时间 立案时间 诉求时间 上报日期 受理日期 登记日期 日期 时间
        reportdatetime reported report_time report_date created_at create_time datetime timestamp date time""",
    CLOCK: "clock 时刻 钟点 具体时间 时间 report_clock time",
    KIND_CODE: "kind_code 事项代码 小类代码 类别代码 问题代码 sxdm category_code type_code",
    KIND_NAME: """
        kind_name 事项名称 小类名称 小类 问题类型 问题类别 案件类型 事件类型 诉求类型 类别 类型 sxmc 大类名称 大类
        category offense kind type""",
    STANDARD_REF: "standard_ref 标准号 依据标准 standard",
    SOURCE: "source 来源 问题来源 案件来源 诉求来源 上报来源 渠道 channel",
    ADDRESS: """
        address 地址 事发位置 事发地址 详细地址 发生地址 位置描述 地点 sfwz location_description location""",
    LON: "lon 经度 lng longitude long 坐标经度 gps经度 x坐标 坐标x x",
    LAT: "lat 纬度 latitude 坐标纬度 gps纬度 y坐标 坐标y y",
    LON_LAT: "lon_lat 经纬度 经纬度坐标 坐标 coordinates",
    DATUM: "datum 坐标系 坐标基准 坐标类型 坐标系统 coordinate_system",
}

#: What a file can bring, and the headers it is known by, likeliest first; compared without case, spaces and brackets.
HEADERS: dict[str, tuple[str, ...]] = {name: tuple(listed.split()) for name, listed in _LISTED.items()}


def plain_header(header: Hashable) -> str:
    """Fold a header for comparison: width, case, spaces, underscores, units in brackets.

    >>> plain_header(" 经度（°） "), plain_header("Report_Time")
    ('经度', 'reporttime')
    """
    text = unicodedata.normalize("NFKC", str(header)).lower()
    return re.sub(r"[\s_\-*:]|\(.*?\)|\[.*?\]", "", text)


def guess_columns(headers: Sequence[Hashable], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Say which header holds what.

    Parameters
    ----------
    headers
        Headers of the file.
    given
        What the user says: name of a column of incidents (see :data:`HEADERS`) to header. It wins over the guess.

    Returns
    -------
    dict
        Name of a column of incidents to header; a header serves once. Longitude and latitude come together or not at all.

    Raises
    ------
    ColumnError
        If a name that is given is not known, or its header is not in the file.
    """
    given = dict(given or {})
    known = {str(h): h for h in headers}
    if unknown := [name for name in given if name not in HEADERS]:
        raise ColumnError(f"column map: '{some(unknown)}' is not a column of incidents; use {', '.join(HEADERS)}")
    if missing := [header for header in given.values() if header not in known]:
        raise ColumnError(f"column map: the file has no column '{some(missing)}'; it has {some(list(known), 20)}")
    free = {plain_header(h): str(h) for h in reversed(list(headers)) if str(h) not in given.values()}
    result = dict(given)
    for name, candidates in HEADERS.items():
        found = next((free[key] for key in map(plain_header, candidates) if key in free), None)
        if name not in result and found is not None:
            result[name] = found
            del free[plain_header(found)]
    # A time of day alone is no clock to a date: it is the time itself.
    if CLOCK in result and CLOCK not in given and not _is_date_header(result.get(REPORTED_AT)):
        del result[CLOCK]
    return _coordinates_together(result, given)


def _is_date_header(header: str | None) -> bool:
    return header is not None and plain_header(header).endswith(("日期", "date"))


def _coordinates_together(result: dict[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Drop half a pair that was only guessed, and a joint field where there is a pair."""
    if LON in result and LAT in result and LON_LAT not in given:
        result.pop(LON_LAT, None)
    elif not (LON in result and LAT in result):
        for name in (LON, LAT):
            if name not in given:
                result.pop(name, None)
    return result
