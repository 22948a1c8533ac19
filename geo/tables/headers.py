"""Matches the headers of files: folds headers, assigns columns, and finds the datum or CRS named in a header.

The known names are defined by the rooms that read tables (incidents, tracks, points).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from geo.errors import ColumnError, first_labels

_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
# Traditional characters of headers in Taiwan and Hong Kong, Japanese ones, and their simplified forms.
_SIMPLIFIED = str.maketrans(
    "經緯座標編號時間發類處點單報稱區縣鄉鎮據體請說內開結臺狀態電話現場門牌項舉訴聯絡橫縱東経発",
    "经纬坐标编号时间发类处点单报称区县乡镇据体请说内开结台状态电话现场门牌项举诉联络横纵东经发",
)
_SIGNS = re.compile(r"[\s_\-*:·/.#'\"]")


def plain_header(header: Hashable) -> str:
    """Fold a header for comparison: half width, lower case, simplified, without spaces, signs and bracketed text (mostly units).

    >>> plain_header(" 經度（°） "), plain_header("Report_Time"), plain_header("location.latitude")
    ('经度', 'reporttime', 'locationlatitude')
    """
    text = unicodedata.normalize("NFKC", str(header)).lower()
    return _SIGNS.sub("", _BRACKETS.sub("", text)).translate(_SIMPLIFIED)


#: Names of coordinate columns.
LON, LAT = "lon", "lat"
LON_LAT, LAT_LON = "lon_lat", "lat_lon"

#: Words for the two axes, most likely first; the two headers of a pair must be equal apart from these words.
DEGREE_WORDS = (
    ("经度", "纬度"),
    ("longitude", "latitude"),
    ("lon", "lat"),
    ("lng", "lat"),
    ("long", "lat"),
    ("länge", "breite"),
    ("lengte", "breedte"),
    ("lengde", "bredde"),
    ("długość", "szerokość"),
    ("долгота", "широта"),
    ("boylam", "enlem"),
    ("경도", "위도"),
    ("kinhđộ", "vĩđộ"),
    ("ลองจิจูด", "ละติจูด"),
    ("خطالطول", "خطالعرض"),
    ("lo", "la"),
)
#: The same for eastings and northings.
PLANE_WORDS = (
    ("easting", "northing"),
    ("东坐标", "北坐标"),
    ("横坐标", "纵坐标"),
    ("rechtswert", "hochwert"),
    ("x", "y"),
    ("e", "n"),
)
#: Brackets that name the order: 位置(纬度,经度), Coordinates (lon, lat).
BRACKETED = {
    name: re.compile(rf".*[(（\[【]\s*(?:{first})\W*(?:{then})\s*[)）\]】]\s*", re.IGNORECASE)
    for name, first, then in (
        (LAT_LON, "[纬緯]度?|lat(?:itude)?", "[经經]度?|lon(?:g|gitude)?|lng"),
        (LON_LAT, "[经經]度?|lon(?:g|gitude)?|lng", "[纬緯]度?|lat(?:itude)?"),
    )
}


class Reference(NamedTuple):
    """Datum and CRS named in a header.

    Attributes
    ----------
    rest
        The header without these names.
    datum
        Name of the datum: ``WGS-84``, ``CGCS2000``, ``GCJ-02``, ``BD-09``, or one that needs local parameters
        (:data:`OLD_DATUMS`). None if none is named.
    crs
        A code such as ``EPSG:4549``, None if none is named.
    """

    rest: str
    datum: str | None
    crs: str | None


#: Datums that cannot be converted without local parameters.
OLD_DATUMS = ("Beijing 1954", "Xian 1980")

# Spellings of the datums in headers, in lower case; longer ones first, so that they are removed completely.
_DATUM_WORDS: tuple[tuple[str, str], ...] = (
    (r"wgs[\s_-]*(?:19)?84|gps坐标系|国际坐标系?", "WGS-84"),
    (r"cgcs[\s_-]*2000|国家2000|大地2000|2000(?:国家大地)?坐标系?|天地图", "CGCS2000"),
    (r"gcj[\s_-]*0?2|火星坐标系?|火星|高德(?:地图)?|腾讯(?:地图)?|国测局|amap|gaode", "GCJ-02"),
    (r"bd[\s_-]*0?9(?:[\s_-]*ll)?|百度(?:地图)?|baidu", "BD-09"),
    (r"北京[\s_-]*(?:19)?54|beijing[\s_-]*(?:19)?54", "Beijing 1954"),
    (r"西安[\s_-]*(?:19)?80|xi'?an[\s_-]*(?:19)?80", "Xian 1980"),
)
# Systems of Taiwan: in degrees, and eastings and northings of the main island.
_TAIWAN = re.compile(r"twd[\s_-]*(97|67)(?:[\s_-]*tm2)?")
_TAIWAN_CRS = {"97": ("EPSG:3824", "EPSG:3826"), "67": ("EPSG:3821", "EPSG:3828")}
_OF_DEGREES = re.compile(r"[经經纬緯]|lon|lng|lat")
_EPSG = re.compile(r"epsg[\s:_-]*(\d{4,5})|(?<=[_\s(（\[])(?=4[345]\d\d|32[67]\d\d|3857|2\d{3})(\d{4,5})(?!\d)")


def reference_of(header: Hashable) -> Reference:
    """Find the datum and the CRS named in a header.

    >>> reference_of("经度(GCJ02)")
    Reference(rest='经度()', datum='GCJ-02', crs=None)
    >>> reference_of("百度经度").datum, reference_of("lon_wgs84").datum, reference_of("X [EPSG:4549]").crs
    ('BD-09', 'WGS-84', 'EPSG:4549')
    >>> reference_of("TWD97_X").crs, reference_of("TWD67緯度").crs
    ('EPSG:3826', 'EPSG:3821')
    """
    text = unicodedata.normalize("NFKC", str(header)).lower()
    crs = None
    if code := _EPSG.search(text):
        crs = f"EPSG:{code[1] or code[2]}"
        text = text[: code.start()] + text[code.end() :]
    elif found := _TAIWAN.search(text):
        text = text[: found.start()] + text[found.end() :]
        crs = _TAIWAN_CRS[found[1]][0 if _OF_DEGREES.search(text) else 1]
    for pattern, datum in _DATUM_WORDS:
        if re.search(pattern, text):
            return Reference(re.sub(pattern, "", text), datum, crs)
    return Reference(text, None, crs)


class Names(NamedTuple):
    """Known headers of one kind of table.

    Attributes
    ----------
    listed
        For each column name, the headers with this meaning, most likely first.
    patterns
        For each column name, a regular expression for folded headers (:func:`plain_header`), tried if no listed header matches.
    subject
        Kind of table, for messages: ``"incidents"``.
    """

    listed: Mapping[str, tuple[str, ...]]
    patterns: Mapping[str, str]
    subject: str

    @property
    def plain(self) -> frozenset[str]:
        """All listed headers, folded."""
        return frozenset(plain_header(header) for headers in self.listed.values() for header in headers)


def check_given(
    given: Mapping[str, object], headers: Sequence[Hashable], names: Iterable[str], file: str, what: str
) -> None:
    """Validate the columns given by the user.

    Raises
    ------
    ColumnError
        If a column name is unknown, or its header is not in the file.
    """
    names = list(names)
    if unknown := [name for name in given if name not in names]:
        raise ColumnError(f"column map: '{first_labels(unknown)}' is not a column of {what}; use {', '.join(names)}")
    known = [str(header) for header in headers]
    absent = [f"{name}: {header!r}" for name, header in given.items() if str(header) not in known]
    if absent:
        missing = str(next(header for header in given.values() if str(header) not in known))
        raise ColumnError(
            f"{file}: the file has no column '{missing}' ({first_labels(absent)}); it has {first_labels(known, 20)}"
        )


def guess_columns(
    headers: Sequence[Hashable], names: Names, given: Mapping[str, str], skip: Iterable[str] = ()
) -> dict[str, str]:
    """Assign headers to column names.

    Parameters
    ----------
    headers
        Headers of the file.
    names
        Known headers.
    given
        Column names and headers that are already decided.
    skip
        Headers already in use, for instance as coordinates.

    Returns
    -------
    dict
        Column name to header. Each header is used once; listed headers have priority over patterns.
    """
    taken = {*given.values(), *skip}
    free = {plain_header(header): str(header) for header in reversed(list(headers)) if str(header) not in taken}
    result = dict(given)
    for name, candidates in names.listed.items():
        key = next((key for key in map(plain_header, candidates) if key in free), None)
        if name not in result and key is not None:
            result[name] = free.pop(key)
    for name, pattern in names.patterns.items():
        if name not in result:
            key = next((key for key in map(plain_header, headers) if key in free and re.search(pattern, key)), None)
            if key is not None:
                result[name] = free.pop(key)
    return result
