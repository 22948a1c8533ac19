"""Headers of track columns in files, and assignment of a file's columns to ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geo.errors import ColumnError, first_labels
from geo.tables.coordinates import FIELDS, LAT, LAT_LON, LON, LON_LAT, Place, choose_place
from geo.tables.headers import Names, check_given, guess_columns, plain_header
from geo.tracks.columns import ACCURACY_M, DATUM, DEVICE, MOCK, OFFICER, SPEED, TIME

#: The day, if date and clock time are separate columns.
DAY = "date"

_LISTED = {
    DEVICE: """
        device device_id device_name device_no device_sn dev_id terminal terminal_id terminal_no imei sn
        vehicle vehicle_id tid track_id phone mobile
        设备 设备号 设备编号 设备名称 设备id 终端 终端号 终端编号 终端名称 手机号 手机号码 车牌 车牌号 车辆""",
    OFFICER: """
        officer officer_id staff staff_id staff_no user user_id user_name person name 人员 人员编号 人员姓名 工号 姓名 网格员
        网格员编号 网格员姓名 格长 巡查员 巡查人员 用户 用户id 用户名""",
    TIME: """
        time timestamp datetime date_time fix_time gps_time locate_time loc_time location_time reported_at recorded_at device_time
        server_time ts utc utc_time local_time time_stamp 时间 定位时间 上报时间 采集时间 记录时间 gps时间 日期时间 时间戳
        设备时间""",
    DAY: "date day gps_date utc_date local_date fix_date 日期 定位日期 上报日期 采集日期 记录日期 gps日期",
    ACCURACY_M: """
        accuracy_m accuracy acc hacc horizontal_accuracy accuracy_horizontal precision radius 精度 定位精度 水平精度 误差 精度m
        精度米""",
    SPEED: "speed speed_ms velocity 速度 速度ms",
    MOCK: "mock is_mock mocked is_from_mock_provider simulated 模拟 模拟定位 虚拟定位 是否模拟",
    DATUM: "datum coord_type coordinate_system crs 坐标系 坐标类型",
    LON: "lon lng longitude 经度",
    LAT: "lat latitude 纬度",
    LON_LAT: "经纬度 坐标",
    LAT_LON: "latlng latlon",
}

#: Columns that a file can contain, and their headers, most likely first. Coordinates are matched by
#: :mod:`geo.tables.coordinates`; they are listed here for the column map and to detect the header row.
HEADERS: dict[str, tuple[str, ...]] = {name: tuple(listed.split()) for name, listed in _LISTED.items()}

#: Column by the end of an unlisted header: ``location.timestamp``, ``location.horizontal_accuracy``.
_PATTERNS = {
    TIME: r"^(location|position|gps|fix|properties|coords)(timestamp|datetime|time)$",
    ACCURACY_M: r"^(location|position|gps|fix|properties|coords)(horizontal)?(accuracy|acc)(horizontal)?$",
    SPEED: r"^(location|position|gps|fix|properties|coords)(speed|velocity)$",
}

# Headers of a column with both coordinates, if a table of fixes has no other.
_JOINT = frozenset("location position gps loc latlon gps位置 gps坐标 位置 定位 定位点".split())  # noqa: SIM905

NAMES = Names({n: h for n, h in HEADERS.items() if n not in FIELDS}, _PATTERNS, "tracks")

#: Case-folded headers that identify the header row of a table.
KNOWN_HEADERS = frozenset(plain_header(header) for headers in HEADERS.values() for header in headers)


def match_columns(
    headers: list[Any], columns: Mapping[str, str | int], fixed: Mapping[str, str], name: str, datum: str | None
) -> tuple[dict[str, Any], Place]:
    """Determine which column of a file contains what.

    Parameters
    ----------
    headers
        Headers of the file; numbers from 0 if it has none.
    columns
        Our names and headers (or numbers) given by the user; the others are guessed.
    fixed
        Our names and headers defined by the format.
    name
        File, for messages.
    datum
        Datum declared for the file.

    Returns
    -------
    (dict, Place)
        Our names to headers, and the columns of the coordinates.

    Raises
    ------
    ColumnError
        If time or position has no column, or a column named by the user is missing.
    DatumError
        If headers name a datum different from the declared one.
    """
    check_given(columns, headers, HEADERS, name, NAMES.subject)
    given = {ours: str(theirs) for ours, theirs in {**columns, **fixed}.items()}
    texts = [str(header) for header in headers]
    place = choose_place(texts, given, name, datum=datum, crs=None)
    if place is None:
        place = _joint_place(texts)
    used = guess_columns(texts, NAMES, given | (place.columns if place is not None else {}))
    if TIME not in used and DAY in used:
        used[TIME] = used.pop(DAY)
    missing = [*([TIME] if TIME not in used else []), *([LON, LAT] if place is None else [])]
    if place is None or missing:
        raise ColumnError(
            f"{name}: no column for {', '.join(missing)} among {first_labels(texts, 12)}; name them",
            give={"columns": dict.fromkeys(missing, "...")},
        )
    # A table of persons without devices: the person is used as device.
    if DEVICE not in used and OFFICER in used:
        used[DEVICE] = used[OFFICER]
    return used, place


def _joint_place(headers: list[str]) -> Place | None:
    """The column with both coordinates in a table without other coordinates: ``location`` with ``118.81,32.10``.

    In other tables such a column is an address, so it is not among the usual headers of coordinates.
    """
    found = [header for header in headers if plain_header(header) in _JOINT]
    return Place({LON_LAT: found[0]}) if found else None
