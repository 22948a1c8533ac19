"""Names of the columns of tracks, presences, visits and verdicts, spelled once, and the headers that files use for them."""

from __future__ import annotations

DEVICE = "device"
OFFICER = "officer"
TIME = "time"
LON = "lon"
LAT = "lat"
ACCURACY_M = "accuracy_m"
SPEED = "speed"
MOCK = "mock"
SOURCE = "source"
ROW = "row"
DECLARED_DATUM = "declared_datum"
MARK = "mark"

#: Columns of a track, in order; the geometry (WGS-84 points) stands behind them. `speed` is in m/s as the device says it,
#: `accuracy_m` the radius that the device gives for 68 % of its fixes, `row` the number of the record in `source`,
#: `declared_datum` what the coordinates were before they were brought to WGS-84.
TRACK_COLUMNS = (DEVICE, OFFICER, TIME, LON, LAT, ACCURACY_M, SPEED, MOCK, SOURCE, ROW, DECLARED_DATUM)

CELL = "cell"
START = "start"
END = "end"
DAY = "day"
KIND = "kind"
DURATION_S = "duration_s"
FIXES = "fixes"
LIKELY_S = "likely_s"
SPREAD_S2 = "spread_s2"
SURE_S = "sure_s"
LENGTH_M = "length_m"

#: Columns of presences, in order.
PRESENCE_COLUMNS = (
    DEVICE,
    OFFICER,
    CELL,
    START,
    END,
    DURATION_S,
    FIXES,
    KIND,
    DAY,
    LIKELY_S,
    SPREAD_S2,
    SURE_S,
    LENGTH_M,
)

CODE = "code"
STAY_S = "stay_s"
COUNTED = "counted"
REASON = "reason"
HOURS_S = "hours_s"
SPEED_M_S = "speed_m_s"
PROBABILITY = "probability"
EARLIEST = "earliest"
LATEST = "latest"

#: Columns of visits, in order.
VISIT_COLUMNS = (
    CODE,
    DEVICE,
    OFFICER,
    START,
    END,
    STAY_S,
    COUNTED,
    REASON,
    DAY,
    HOURS_S,
    LIKELY_S,
    PROBABILITY,
    SPEED_M_S,
    FIXES,
    EARLIEST,
    LATEST,
)

VERDICT = "verdict"

#: Columns of verdicts, in order.
VERDICT_COLUMNS = (
    CODE,
    DAY,
    VERDICT,
    "visits",
    "required",
    "uncounted",
    "visits_expected",
    "visits_low",
    "visits_high",
    "enough_probability",
    "visits_hidden",
    "present_s",
    "unknown_s",
    "rules",
    "reason_zh",
    "reason_en",
)

#: Headers under which files carry each column, in lower case without spaces, underscores, hyphens and units in brackets;
#: best first.
HEADERS: dict[str, tuple[str, ...]] = {
    DEVICE: (
        "device",
        "deviceid",
        "terminal",
        "terminalid",
        "imei",
        "vehicle",
        "vehicleid",
        "tid",
        "trackid",
        "设备",
        "设备号",
        "设备编号",
        "设备id",
        "终端",
        "终端号",
        "终端编号",
        "手机号",
        "车牌",
        "车牌号",
        "车辆",
    ),
    OFFICER: (
        "officer",
        "officerid",
        "staff",
        "staffid",
        "staffno",
        "user",
        "userid",
        "person",
        "name",
        "人员",
        "人员编号",
        "工号",
        "姓名",
        "网格员",
        "网格员编号",
        "格长",
        "巡查员",
        "巡查人员",
        "用户",
    ),
    TIME: (
        "time",
        "timestamp",
        "datetime",
        "fixtime",
        "gpstime",
        "locatetime",
        "reportedat",
        "recordedat",
        "ts",
        "utc",
        "时间",
        "定位时间",
        "上报时间",
        "采集时间",
        "记录时间",
        "gps时间",
        "日期时间",
    ),
    LON: ("lon", "lng", "long", "longitude", "x", "经度", "lonwgs84", "lngwgs84", "wgs84经度", "经度wgs84"),
    LAT: ("lat", "latitude", "y", "纬度", "latwgs84", "wgs84纬度", "纬度wgs84"),
    ACCURACY_M: (
        "accuracym",
        "accuracy",
        "acc",
        "hacc",
        "horizontalaccuracy",
        "精度",
        "定位精度",
        "误差",
        "精度m",
        "精度米",
    ),
    SPEED: ("speed", "speedms", "velocity", "速度", "速度ms"),
    MOCK: ("mock", "ismock", "mocked", "isfrommockprovider", "simulated", "模拟", "模拟定位", "虚拟定位", "是否模拟"),
    "datum": ("datum", "coordtype", "coordinatesystem", "crs", "坐标系", "坐标类型"),
}
