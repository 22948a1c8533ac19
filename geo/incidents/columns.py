"""Names of the columns of incidents, and their headers in files."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence

from geo.layers.columns import Level
from geo.tables import headers as tables
from geo.tables.coordinates import FIELDS, Place
from geo.tables.coordinates import LAT as LAT
from geo.tables.coordinates import LAT_LON as LAT_LON
from geo.tables.coordinates import LON as LON
from geo.tables.coordinates import LON_LAT as LON_LAT
from geo.tables.headers import Names, check_given, plain_header

INCIDENT_ID = "incident_id"
REPORTED_AT = "reported_at"
KIND_CODE = "kind_code"
KIND_NAME = "kind_name"
STANDARD_REF = "standard_ref"
#: Confidence of the kind, 0 to 1, and how it was found.
KIND_CONFIDENCE = "kind_confidence"
KIND_MATCH = "kind_match"
SOURCE = "source"
ADDRESS = "address"
#: Clock time, if the date is in a separate column; and the datum of each row, if the file has one per row.
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
#: Codes of the other cells of an incident on a border, separated by ``|``.
OTHER_CELLS = "other_cells"
#: The division by which an incident was assigned, if there are several.
VALID_FROM = "division_valid_from"

#: Columns that assignment adds.
ASSIGNED_COLUMNS = (CELL, COMMUNITY, SECOND, THIRD, DISTANCE_M, ON_BORDER, OTHER_CELLS, VALID_FROM)

INCIDENTS = "incidents"
PER_KM2 = "per_km2"
PER_1000 = "per_1000"
PER_UNIT = "per_unit"

# Chinese systems first, then Open311 and the exports of New York, Los Angeles, Chicago, Houston, Philadelphia, San Antonio, San
# Diego, Dallas, San Francisco, Boston, Washington, Toronto, London, Phoenix, Denver, Nashville, Montreal, Paris and Berlin.
# If a row has several times, that of the report is used.
_LISTED = {
    INCIDENT_ID: """
        incident_id 案件编号 工单编号 任务号 任务编号 案件号 案卷编号 工单号 事件编号 诉求编号 受理编号 编号
        incident_number incidntnum incidentid case_id case_no ccn ticket_id unique_key service_request_id sr_number srnumber
        case_enquiry_id cmplnt_num dr_no case_number event_unique_id incident_number_w/year service_request_number crime_id
        dc_key inc_number incident request_# id_unique id_declaration id""",
    REPORTED_AT: """
        reported_at 上报时间 受理时间 来电时间 登记时间 发生时间 创建时间 立案时间 诉求时间 上报日期 受理日期 登记日期 日期 时间
        requested_datetime open_dt openeddatetime case_created_dttm adddate date_time_opened dds_date_creation
        date_declaration created_date created_datetime date_requested sr_create_date
        report_datetime reportdatetime report_dat reporteddate rpt_dt date_rptd date_of_report reported report_time report_date
        dispatch_date_time incident_datetime occurred_on_date occurred_on date_occ cmplnt_fr_dt occ_date occurrencedate
        rmsoccurrencedate date1_of_occurrence incident_date dispatch_date
        created_at create_time opened datetime timestamp eingangsdatum erstellungsdatum date time month""",
    CLOCK: "clock 时刻 钟点 具体时间 时间 report_clock time uhrzeit hora heure ora время",
    KIND_CODE: """
        kind_code 事项代码 小类代码 类别代码 问题代码 sxdm category_code type_code service_code sr_short_code offense_code crm_cd
        ky_cd iucr nibrsclass ucr_general ucr_code""",
    KIND_NAME: """
        kind_name 事项名称 小类名称 小类 问题类型 问题类别 案件类型 事件类型 诉求类型 类别 类型 sxmc 大类名称 大类
        complaint_type request_type service_request_type sr_type service_name typename primary_type ofns_desc crm_cd_desc
        offense_code_group offense_description nibrsdescription text_general_code incident_category mci_category mci offence
        crime_type type_of_incident ucr_crime_category servicecodedescription acti_nom type_declaration category betreff offense
        kind type""",
    STANDARD_REF: "standard_ref 标准号 依据标准 standard",
    SOURCE: """
        source 来源 问题来源 案件来源 诉求来源 上报来源 渠道 channel open_data_channel_type channel_type request_source
        requestsource case_origin origin method_received_description sourceid""",
    ADDRESS: """
        address 地址 事发位置 事发地址 详细地址 发生地址 位置描述 地点 sfwz incident_address street_address location_block
        objectdesc 100_block_addr block location_description location location_street_name street adresse""",
    LON: "lon 经度 lng longitude long 坐标经度 gps经度 x坐标 坐标x x xcoord",
    LAT: "lat 纬度 latitude 坐标纬度 gps纬度 y坐标 坐标y y ycoord",
    LON_LAT: "lon_lat 经纬度 经纬度坐标 坐标 coordinates wkt",
    LAT_LON: "lat_lon 纬经度 纬度经度 latlon lat_lng latlong",
    DATUM: "datum 坐标系 坐标基准 坐标类型 坐标系统 coordinate_system",
}

#: Columns that a file can contain, and their headers, most likely first; compared without case, punctuation and brackets.
#: Coordinates are matched by :mod:`geo.tables.coordinates`; they are listed here for the column map and to detect the
#: header row.
HEADERS: dict[str, tuple[str, ...]] = {name: tuple(listed.split()) for name, listed in _LISTED.items()}


#: Headers of the time of a report in other languages, folded; Japanese characters are folded like traditional ones.
_TIMES_ELSEWHERE = (
    r"^date(de|d)?(la)?(received|lodged|logged|raised|submitted|recorded|entered|added|déclaration|declaration|création"
    r"|creation|signalement)$"
    r"|^fecha(de|del)?(la)?(ingreso|recepci[oó]n|creaci[oó]n|registro|alta|solicitud|apertura|reporte|denuncia)?$"
    r"|^data(da|de|di|do)?(registo|registro|abertura|apertura|cria[cç][aã]o|ocorr[eê]ncia|segnalazione|solicita[cç][aã]o)$"
    r"|^(erstellt|eingegangen|gemeldet|erfasst)(am)?$|^(melde|erfassungs)(datum|zeit)$"
    r"|^дата(обращения|создания|регистрации|подачи)?$|^(접수|신고|발생|등록)(일시|일자|날짜)$|^(受付|通报|通報|发生|登録|受理)?(日时|日時|年月日)$"
    r"|^تاريخ|^ngày(tiếpnhận|tạo|gửi|phảnánh)?$"
)

#: Patterns in unlisted headers; used only for missing columns, first match first.
_PATTERNS: dict[str, str] = {
    INCIDENT_ID: r"(工单|案件|案卷|事件|诉求|问题|任务|受理|投诉|单据).*(编号|号|id)$"
    r"|^(case|incident|request|event|ticket)(number|no|id|#)*$",
    REPORTED_AT: r"(上报|受理|来电|登记|发生|创建|立案|诉求|投诉|反映|接报|接单|举报|采集|事发).*(时间|日期)$"
    r"|^(opened|created|occurred|reported|requested|received)|(report|occur|creat|request|offense|incident).*(date|time)|"
    + _TIMES_ELSEWHERE,
    KIND_CODE: r"(小类|事项|类别|问题|类型).*(代码|编码|code)$",
    KIND_NAME: r"(小类|类型|类别|分类|种类|事项)(名称|名)?$"
    r"|(primary|request|complaint|crime|offen[cs]e|call|case|incident|problem)type|offen[cs]edesc|servicename|categor",
    SOURCE: r"(来源|渠道)$|channel",
    ADDRESS: r"(地址|位置|地点)(描述|名称)?$|address",
}


#: The headers of incidents.
NAMES = Names({n: h for n, h in HEADERS.items() if n not in FIELDS}, _PATTERNS, "incidents")

#: Case-folded headers that identify the header row of a table.
KNOWN_HEADERS = frozenset(plain_header(header) for headers in HEADERS.values() for header in headers)


def guess_columns(
    headers: Sequence[Hashable],
    given: Mapping[str, str] | None = None,
    *,
    file: str = "column map",
    place: Place | None = None,
) -> dict[str, str]:
    """Determine which header contains what.

    Parameters
    ----------
    headers
        Headers of the file.
    given
        Names of incident columns (see :data:`HEADERS`) and headers given by the user; they take precedence over guesses.
    file
        Name, for messages.
    place
        Columns of the coordinates, as returned by :func:`geo.tables.coordinates.choose_place`.

    Returns
    -------
    dict
        Names of incident columns and their headers; a header is used once.

    Raises
    ------
    ColumnError
        If a given name is unknown, or its header is not in the file.
    """
    given = dict(given or {})
    check_given(given, headers, HEADERS, file, NAMES.subject)
    settled = given | (place.columns if place is not None else {})
    result = tables.guess_columns(headers, NAMES, settled)
    free = {plain_header(h): str(h) for h in reversed(list(headers)) if str(h) not in result.values()}
    _split_time(result, free, given)
    # A clock column without a date column is the time itself.
    if CLOCK in result and CLOCK not in given and not _is_day(result.get(REPORTED_AT)):
        del result[CLOCK]
    return {name: result[name] for name in HEADERS if name in result}


def _split_time(result: dict[str, str], free: dict[str, str], given: Mapping[str, str]) -> None:
    """Split date and clock time if ``上报日期`` exists together with ``上报时间``, or ``DATE OCC`` with a time."""
    if REPORTED_AT in given or CLOCK in result or REPORTED_AT not in result:
        return
    header = plain_header(result[REPORTED_AT])
    for of_day, of_clock in (
        ("日期", "时间"),
        ("date", "time"),
        ("dt", "tm"),
        ("fecha", "hora"),
        ("data", "ora"),
        ("data", "hora"),
    ):
        if of_clock in header and (day := free.get(header.replace(of_clock, of_day))) is not None:
            result[CLOCK], result[REPORTED_AT] = result[REPORTED_AT], day
            return
        if of_day in header and (clock := free.get(header.replace(of_day, of_clock))) is not None:
            result[CLOCK] = clock
            return


def clock_for_datum(headers: Iterable[Hashable], used: Mapping[str, str]) -> dict[str, str]:
    """The column of the clock time in a table whose days are in a column ``Datum``."""
    free = (str(h) for h in headers if plain_header(h) in ("uhrzeit", "zeit", "tid") and str(h) not in used.values())
    clock = next(free, None)
    return {} if clock is None or CLOCK in used else {CLOCK: clock}


def _is_day(header: str | None) -> bool:
    """Whether a header is that of a date column: 上报日期, ``DATE OCC``, ``CMPLNT_FR_DT``."""
    return (
        header is not None and re.search(r"日期|date|dt$|^fecha|^datum$|^data|^дата", plain_header(header)) is not None
    )
