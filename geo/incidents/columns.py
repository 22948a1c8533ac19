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
#: The same, ``(32.10, 118.81)``: latitude first.
LAT_LON = "lat_lon"
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
    LAT_LON: "lat_lon 纬经度 纬度经度 latlon lat_lng latlong",
    DATUM: "datum 坐标系 坐标基准 坐标类型 坐标系统 coordinate_system",
}

#: What a file can bring, and the headers it is known by, likeliest first; compared without case, spaces and brackets.
HEADERS: dict[str, tuple[str, ...]] = {name: tuple(listed.split()) for name, listed in _LISTED.items()}


#: What a header ends with or holds that none of the above is; asked only for what is still missing, the first header that fits.
_PATTERNS: dict[str, str] = {
    INCIDENT_ID: r"(工单|案件|案卷|事件|诉求|问题|任务|受理|投诉|单据).*(编号|号|id)$"
    r"|^(case|incident|request|event|ticket)(number|no|id|#)*$",
    REPORTED_AT: r"(上报|受理|来电|登记|发生|创建|立案|诉求|投诉|反映|接报|接单|举报|采集|事发).*(时间|日期)$"
    r"|^(opened|created|occurred|reported|requested|received)|(report|occur|creat|request|offense|incident).*(date|time)",
    KIND_CODE: r"(小类|事项|类别|问题|类型).*(代码|编码|code)$",
    KIND_NAME: r"(小类|类型|类别|分类|种类|事项)(名称|名)?$"
    r"|(primary|request|complaint|crime|offen[cs]e|call|case|incident|problem)type|offen[cs]edesc|servicename|categor",
    SOURCE: r"(来源|渠道)$|channel",
    ADDRESS: r"(地址|位置|地点)(描述|名称)?$|address",
    LON: r"经度|longitude|^lng|lng$",
    LAT: r"纬度|latitude",
    LON_LAT: r"坐标$|经纬度|^(point|geopoint|geolocation)$",
}


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
    for name, pattern in _PATTERNS.items():
        fits = (key for key in map(plain_header, headers) if key in free and re.search(pattern, key))
        if name not in result and (key := next(fits, None)) is not None:
            result[name] = free.pop(key)
    _split_time(result, free, given)
    # A time of day alone is no clock to a date: it is the time itself.
    if CLOCK in result and CLOCK not in given and not _is_date_header(result.get(REPORTED_AT)):
        del result[CLOCK]
    return _coordinates_together(result, given)


def _split_time(result: dict[str, str], free: dict[str, str], given: Mapping[str, str]) -> None:
    """Where ``上报日期`` stands beside ``上报时间``, the one is the day and the other the clock."""
    if REPORTED_AT in given or CLOCK in result or REPORTED_AT not in result:
        return
    stem = re.fullmatch(r"(.*)(时间|time)", plain_header(result[REPORTED_AT]))
    if stem is None:
        return
    day = next((free[key] for key in (f"{stem[1]}日期", f"{stem[1]}date") if key in free), None)
    if day is not None:
        result[CLOCK], result[REPORTED_AT] = result[REPORTED_AT], day


def _is_date_header(header: str | None) -> bool:
    return header is not None and plain_header(header).endswith(("日期", "date"))


def _coordinates_together(result: dict[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Drop half a pair that was only guessed, and a joint field where there is a pair or another."""
    pair = LON in result and LAT in result
    for name in () if pair else (LON, LAT):
        if name not in given:
            result.pop(name, None)
    for name in (LON_LAT, LAT_LON):
        if name not in given and (pair or LON_LAT in given or LAT_LON in given):
            result.pop(name, None)
    if LON_LAT in result and LAT_LON in result:
        del result[LAT_LON if LON_LAT in given or LAT_LON not in given else LON_LAT]
    return result
