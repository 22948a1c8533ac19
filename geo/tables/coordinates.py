"""Coordinates in tables: finds their columns, the datum or CRS named in the headers, and parses the values."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from geo.arrays import Bools, Floats, Objects
from geo.errors import ColumnError, CrsError, DatumError
from geo.tables.headers import BRACKETED, DEGREE_WORDS, OLD_DATUMS, PLANE_WORDS, Reference, plain_header, reference_of
from geo.tables.headers import LAT as LAT
from geo.tables.headers import LAT_LON as LAT_LON
from geo.tables.headers import LON as LON
from geo.tables.headers import LON_LAT as LON_LAT
from geo.tables.numbers import Kind, read_numbers, scaled_degrees
from geo.tables.refused import are_good, mark
from geo.texts import Text

#: Names of coordinate columns: two columns, or one column with both values, longitude or latitude first.
FIELDS = (LON, LAT, LON_LAT, LAT_LON)

#: Reasons why a row has no position.
NO_COORDINATES = Text("没有坐标", "has no coordinates")
NO_NUMBER = Text("坐标缺失或不是数", "has a coordinate that is missing or not a number")
AT_ZERO = Text("坐标为0, 0，表示没有位置", "is at 0, 0, which stands for no position")
NO_DEGREES = Text("坐标不是经纬度", "has coordinates that are not degrees")
SWAPPED = Text("纬度大于90，经纬度可能颠倒", "has a latitude above 90; longitude and latitude may be swapped")

# Further words allowed in headers with x and y.
_PLANE_REST = re.compile(
    r"(gps|map|gis|geo|point|center|centroid|pos|loc|block|state|事发|案发|中心|图上|地图|点位|位置|平面|平面直角|大地|测量)?(坐标|coordinates?|coords?|coordcd|cord|point|轴|值)?(m|米)?"
)
# Further words in headers, by priority: the place where something happened before the place where it was handled.
_STEMS = (
    "",
    "gps",
    "坐标",
    "事发",
    "案发",
    "发生",
    "上报",
    "事件",
    "案件",
    "诉求",
    "问题",
    "位置",
    "地图",
    "map",
    "point",
    "定位",
    "e7",
)
_JOINT_LON_FIRST = re.compile(
    r"(.*)(经纬度|经纬度坐标|lnglat|lonlat|longlat|坐标|coordinates?|geopoint|geolocation|thegeom|geom|geometry|wkt|point|shape)"
)
_JOINT_LAT_FIRST = re.compile(r"(.*)(纬经度|纬度经度|latlng|latlon|latlong|latitudelongitude|geopoint2d)")

# A row counts as swapped if it is at least the first distance from the median position, and within the second if swapped back.
_FAR_DEG, _NEAR_DEG = 5.0, 2.0


class Place(NamedTuple):
    """Columns of coordinates.

    Attributes
    ----------
    columns
        Names (:data:`FIELDS`) and their headers: a pair, or one column with both values.
    datum, crs
        Datum and CRS named in the headers, see :class:`geo.tables.headers.Reference`.
    is_plane
        Whether the headers mean easting and northing, or x and y.
    """

    columns: dict[str, str]
    datum: str | None = None
    crs: str | None = None
    is_plane: bool = False


def find_places(headers: Sequence[Hashable]) -> list[Place]:
    """Find all coordinate columns among the headers of a file, most likely first.

    >>> [p.columns for p in find_places(["百度经度", "WGS84经度", "WGS84纬度", "百度纬度"])]
    [{'lon': '百度经度', 'lat': '百度纬度'}, {'lon': 'WGS84经度', 'lat': 'WGS84纬度'}]
    """
    read = [(str(header), reference_of(header)) for header in headers]
    # "Y Cordinate" is a misspelling in a widely used export.
    folded = [(h, plain_header(reference.rest).replace("cordinate", "coordinate"), reference) for h, reference in read]
    found: list[tuple[tuple[int, int, int], Place]] = []
    for rank, (east, north) in enumerate((*DEGREE_WORDS, *PLANE_WORDS)):
        is_plane = rank >= len(DEGREE_WORDS)
        for position, (header, plain, reference) in enumerate(folded):
            for stem, partner in _partners(plain, east, north):
                if is_plane and not _PLANE_REST.fullmatch(stem):
                    continue
                other = next(
                    (o for o in folded if o[1] == partner and o[0] != header and o[2][1:] == reference[1:]), None
                )
                if other is not None and not any(place.columns.get(LON) == header for _, place in found):
                    place = Place({LON: header, LAT: other[0]}, reference.datum, reference.crs, is_plane)
                    found.append(((int(is_plane), _stem_rank(stem), position), place))
    pairs = [place for _, place in sorted(found, key=lambda item: item[0])]
    return pairs + _joint_fields(folded)


def _joint_fields(folded: list[tuple[str, str, Reference]]) -> list[Place]:
    taken = []
    for header, plain, reference in folded:
        ordered = next((name for name, pattern in BRACKETED.items() if pattern.fullmatch(header)), None)
        if ordered is not None:
            taken.append((_stem_rank(plain), Place({ordered: header}, reference.datum, reference.crs)))
            continue
        for name, pattern in ((LAT_LON, _JOINT_LAT_FIRST), (LON_LAT, _JOINT_LON_FIRST)):
            match = pattern.fullmatch(plain)
            if match is not None and not re.search(r"(^|[^a-z])[xy]$|^[xy]|[东北横纵xy]$", match[1]):
                taken.append((_stem_rank(match[1]), Place({name: header}, reference.datum, reference.crs)))
                break
    return [place for _, place in sorted(taken, key=lambda item: item[0])]


def _partners(plain: str, east: str, north: str) -> list[tuple[str, str]]:
    """For each occurrence of the word for east: the header without it, and the header expected for north."""
    if east in ("lo", "x", "e"):  # too short to be searched inside other words
        places = [at for at in (0, len(plain) - len(east)) if plain[at : at + len(east)] == east]
        if east == "lo" and plain != "lo":
            places = []
    else:
        places = [match.start() for match in re.finditer(east, plain)]
    return [
        (plain[:at] + plain[at + len(east) :], plain[:at] + north + plain[at + len(east) :])
        for at in dict.fromkeys(places)
    ]


def _stem_rank(stem: str) -> int:
    return _STEMS.index(stem) if stem in _STEMS else len(_STEMS)


def choose_place(
    headers: Sequence[Hashable],
    given: Mapping[str, str],
    file: str,
    *,
    datum: str | None,
    crs: str | None,
    is_projected: bool = False,
) -> Place | None:
    """Decide which columns contain the coordinates.

    Parameters
    ----------
    headers
        Headers of the file.
    given
        Columns given by the user: names of :data:`FIELDS` and their headers; these have priority.
    file
        Name, for messages.
    datum, crs
        Declared for the file, by name; None if not declared.
    is_projected
        Whether the declared CRS is projected: columns of eastings and northings are preferred.

    Returns
    -------
    Place or None
        None if no coordinate columns are found.

    Raises
    ------
    DatumError, CrsError
        If headers name a datum or CRS other than the declared one, or a datum that needs local parameters.
    ColumnError
        If only one of a pair is given, or if the headers that name a datum do not form a pair.
    """
    mine = {name: str(given[name]) for name in FIELDS if name in given}
    if mine:
        if (LON in mine) != (LAT in mine):
            raise ColumnError(f"{file}: the columns must also name {LAT if LON in mine else LON}")
        return _declared(_given_place(mine), file, datum, crs)
    places = find_places(headers)
    if not places:
        _require_no_halves(headers, file)
        return None
    if is_projected:
        places.sort(key=lambda place: not place.is_plane)
    usable = [place for place in places if _agrees(place, datum, crs)]
    if not usable:
        return _declared(places[0], file, datum, crs)
    plane = usable[0].is_plane
    if datum is not None or crs is not None:
        # Of several pairs of one kind, prefer the one whose headers name what is declared.
        # A geometry as text (geom_4326) comes after numbers.
        usable.sort(key=lambda p: (LON not in p.columns, p.is_plane != plane, p.datum is None and p.crs is None))
    else:
        usable.sort(key=lambda place: _ORDER.index(place.datum))
    return _declared(usable[0], file, datum, crs)


# Preference without a declaration: datums that need no conversion first.
_ORDER: tuple[str | None, ...] = ("WGS-84", "CGCS2000", "GCJ-02", "BD-09", None, *OLD_DATUMS)


def _given_place(mine: dict[str, str]) -> Place:
    references = [reference_of(header) for header in mine.values()]
    datums = {reference.datum for reference in references} - {None}
    codes = {reference.crs for reference in references} - {None}
    return Place(mine, datums.pop() if len(datums) == 1 else None, codes.pop() if len(codes) == 1 else None)


def _same(one: str, other: str) -> bool:
    plain = ("WGS-84", "CGCS2000")
    return one == other or (one in plain and other in plain)


def _agrees(place: Place, datum: str | None, crs: str | None) -> bool:
    if place.datum in OLD_DATUMS:
        return False
    if datum is not None and place.datum is not None and not _same(datum, place.datum):
        return False
    return crs is None or place.crs is None or place.crs == crs.upper()


def _declared(place: Place, file: str, datum: str | None, crs: str | None) -> Place:
    """Return the place, or raise if its headers contradict the declaration."""
    shown = ", ".join(place.columns.values())
    if place.datum in OLD_DATUMS:
        raise DatumError(
            f"{file}: the columns {shown} are on {place.datum}, which needs local parameters; convert them to CGCS2000 first"
        )
    if datum is not None and place.datum is not None and not _same(datum, place.datum):
        raise DatumError(
            f"{file}: the headers {shown} name {place.datum}, but {datum} is declared; declare the one that is right, or name "
            "other columns"
        )
    if crs is not None and place.crs is not None and place.crs != crs.upper():
        raise CrsError(
            f"{file}: the headers {shown} name {place.crs}, but {crs} is declared; declare the one that is right"
        )
    return place


def _require_no_halves(headers: Sequence[Hashable], file: str) -> None:
    """Raise if longitude and latitude columns exist but belong to different datums."""
    named = [str(header) for header in headers if reference_of(header).datum is not None]
    east = [header for header in named if re.search(r"经度|lon|lng", header.lower())]
    north = [header for header in named if re.search(r"纬度|lat", header.lower())]
    if east and north:
        raise ColumnError(f"{file}: the headers {east[0]} and {north[0]} are no pair; name the columns of one datum")


class Coordinates(NamedTuple):
    """Coordinates of each row.

    Attributes
    ----------
    x, y
        Longitude and latitude, or easting and northing; NaN if missing.
    reason
        Text why a row has no position, otherwise None. Shape (n,).
    swapped
        Rows in degrees whose longitude and latitude are probably swapped; their values are unchanged.
    scaled
        Rows given as integers, degrees times ten million, and converted.
    """

    x: Floats
    y: Floats
    reason: Objects
    swapped: Bools
    scaled: Bools


def read_coordinates(rows: pd.DataFrame, place: Place, *, in_degrees: bool) -> Coordinates:
    """Parse the coordinates of a table.

    Parameters
    ----------
    rows
        The table.
    place
        Its coordinate columns.
    in_degrees
        Whether values are degrees; otherwise metres.
    """
    kind: Kind = "degrees" if in_degrees else "metres"
    joint = next((name for name in (LON_LAT, LAT_LON) if name in place.columns), None)
    if joint is None:
        x, y = (read_numbers(rows[place.columns[name]], kind) for name in (LON, LAT))
    else:
        x, y = _both(rows[place.columns[joint]], kind, lat_first=joint == LAT_LON)
    reason = np.full(len(rows), None, dtype=object)
    given = np.logical_or.reduce([_there(rows[header]) for header in place.columns.values()])
    mark(reason, ~given, NO_COORDINATES)
    mark(reason, ~(np.isfinite(x) & np.isfinite(y)), NO_NUMBER)
    mark(reason, (x == 0) & (y == 0), AT_ZERO)
    swapped = scaled = np.zeros(len(x), dtype=bool)
    if in_degrees:
        x, y, scaled = scaled_degrees(x, y)
        swapped = are_good(reason) & _exchanged(x, y, are_good(reason))
        mark(reason, ((np.abs(x) > 180) | (np.abs(y) > 90)) & ~swapped, NO_DEGREES)
    return Coordinates(x, y, reason, swapped, scaled)


def _there(values: pd.Series) -> Bools:
    there = values.notna().to_numpy(dtype=bool)
    if isinstance(values.dtype, pd.StringDtype):
        there = there & (values.str.strip() != "").to_numpy(dtype=bool, na_value=False)
    return there


def _both(values: pd.Series, kind: Kind, *, lat_first: bool) -> tuple[Floats, Floats]:
    """Parse fields with both coordinates: ``118.81,32.10``, ``(32.1, 118.8)``, ``POINT (118.81 32.10)``, WKB of a point."""
    codes, different = pd.factorize(values.astype(object), use_na_sentinel=True)
    texts = pd.Series([_split_pair(str(value)) for value in different], dtype=object)
    first, second = (read_numbers(pd.Series([pair[k] for pair in texts], dtype=object), kind) for k in (0, 1))
    side = np.array([pair[2] for pair in texts], dtype=np.int64)
    lat_first_rows = np.where(side == 0, lat_first, side < 0)
    if kind == "degrees" and len(texts):
        with np.errstate(invalid="ignore"):
            only_lat_first = (side == 0) & (np.abs(first) <= 90) & (np.abs(second) > 90)
            only_lon_first = (side == 0) & (np.abs(first) > 90) & (np.abs(second) <= 90)
        # The majority of rows determines the order; rows in the other order are detected later as swapped.
        if only_lat_first.sum() != only_lon_first.sum():
            lat_first_rows = np.where(side == 0, only_lat_first.sum() > only_lon_first.sum(), lat_first_rows)
    x = np.append(np.where(lat_first_rows, second, first), np.nan)
    y = np.append(np.where(lat_first_rows, first, second), np.nan)
    return x[codes], y[codes]


_WKT = re.compile(r"^\s*(?:SRID=\d+;)?\s*POINT\s*(?:Z|M|ZM)?\s*\(\s*(\S+)\s+(\S+?)(?:\s+\S+)*\s*\)\s*$", re.IGNORECASE)
# {"lng": 118.8, "lat": 32.1}, lon=118.8&lat=32.1, 经度：118.8 纬度：32.1; a point in GeoJSON; a geo URI (RFC 5870).
_VALUE = r"""["']?\s*[:=：]\s*["']?(-?\d+(?:\.\d+)?)"""
_LABELLED_LON = re.compile(r"(?:\b(?:lon|lng|long|longitude)|经度)" + _VALUE, re.IGNORECASE)
_LABELLED_LAT = re.compile(r"(?:\b(?:lat|latitude)|纬度)" + _VALUE, re.IGNORECASE)
_GEOJSON = re.compile(r"""["']coordinates["']\s*:\s*\[\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*[,\]]""")
_GEO_URI = re.compile(r"^\s*geo:(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)(?:[,;?]|\s*$)", re.IGNORECASE)
_WKB = re.compile(r"^(00|01)[0-9a-f]{40,}$", re.IGNORECASE)


def _split_pair(text: str) -> tuple[str | None, str | None, int]:
    """Split a field into two numbers; 1 if longitude is certainly first, -1 if latitude is, 0 if unknown."""
    if match := _WKT.match(text):
        return match[1], match[2], 1
    if match := _GEOJSON.search(text):
        return match[1], match[2], 1
    east, north = _LABELLED_LON.search(text), _LABELLED_LAT.search(text)
    if east and north:
        return east[1], north[1], 1
    if _WKB.match(text) and (pair := _point_of_wkb(bytes.fromhex(text))) is not None:
        return repr(pair[0]), repr(pair[1]), 1
    if match := _GEO_URI.match(text):
        return match[1], match[2], -1
    body = text.replace("，", ",").replace("；", ";").replace("（", "(").replace("）", ")").strip().strip("()[]{} ")
    for separator in (r"\s*[,;|/]\s*", r"\s+"):
        parts = re.split(separator, body)
        if len(parts) == 2 or (len(parts) == 3 and re.fullmatch(r"-?\d+(\.\d+)?", parts[2]) and "," in body):
            return parts[0], parts[1], _side_of(parts[0], parts[1])
    return None, None, 0


def _side_of(first: str, second: str) -> int:
    if re.search(r"[ew东西]", first.lower()) and re.search(r"[ns北南]", second.lower()):
        return 1
    return -1 if re.search(r"[ns北南]", first.lower()) and re.search(r"[ew东西]", second.lower()) else 0


def _point_of_wkb(raw: bytes) -> tuple[float, float] | None:
    """x and y of a point in WKB or EWKB, None if it is no point."""
    import struct

    order = "<" if raw[0] == 1 else ">"
    kind = struct.unpack(f"{order}I", raw[1:5])[0]
    at = 9 if kind & 0x20000000 else 5
    if kind & 0xFF != 1 or len(raw) < at + 16:
        return None
    x, y = struct.unpack(f"{order}dd", raw[at : at + 16])
    return x, y


def _exchanged(x: Floats, y: Floats, there: Bools) -> Bools:
    """Rows whose values are swapped: the latitude is over 90, or the swapped position lies near the other rows."""
    with np.errstate(invalid="ignore"):
        surely = (np.abs(x) <= 90) & (np.abs(y) > 90) & (np.abs(y) <= 180)
        sound = there & ~surely & (np.abs(x) <= 180) & (np.abs(y) <= 90)
        if not sound.any():
            return surely
        middle_x, middle_y = np.median(x[sound]), np.median(y[sound])
        far = np.maximum(np.abs(x - middle_x), np.abs(y - middle_y)) > _FAR_DEG
        near = np.maximum(np.abs(y - middle_x), np.abs(x - middle_y)) < _NEAR_DEG
    return surely | (sound & far & near)
