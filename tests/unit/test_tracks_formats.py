"""Formats of tracks: results of each reader on files of its programs, and refusals."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import random
import struct
import zipfile

import fitdecode
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import pytest
import shapely

from geo.errors import CrsError, FileError, InputError
from geo.tracks import read_tracks
from geo.tracks.reading.formats import google, kml, parquet
from geo.tracks.reading.formats.point_fields import accuracy_m, accuracy_of_hdop, degrees, measured, speed_m_s
from geo.tracks.reading.registry import FORMATS, format_of

KNOT_M_S = 1852 / 3600


def read(raw, name="track.xyz"):
    """Table and refused rows of a content, under any file name."""
    raw = raw.encode() if isinstance(raw, str) else raw
    known = format_of(raw, "")
    assert known is not None, "not recognised"
    return known.read(raw, name)


def kind_of(raw):
    known = format_of(raw.encode() if isinstance(raw, str) else raw, "")
    return None if known is None else known.name


def column(table, name):
    """Values of a column as floats, NaN if missing."""
    return [float("nan") if value is None else float(value) for value in table.rows[name]]


# -- fields ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "m_s"),
    [
        ("3.6 km/h", "m/s", 1.0),
        ("36km/h", "m/s", 10.0),
        ("10", "m/s", 10.0),
        (10, "kn", 10 * KNOT_M_S),
        ("2 kn", "m/s", 2 * KNOT_M_S),
        ("10 mph", "m/s", 4.4704),
        ("1,5", "m/s", 1.5),
        (0, "kn", 0.0),
        ("7.2", "km/h", 2.0),
        ("1.2 m/s", "km/h", 1.2),
    ],
)
def test_speeds_are_converted(value, unit, m_s):
    assert float(speed_m_s(value, unit)) == pytest.approx(m_s, rel=1e-12)


@pytest.mark.parametrize("value", [None, "", "fast", -1, "-0.1", "3 furlongs", True, "nan", "inf", [1]])
def test_speeds_that_are_none(value):
    assert speed_m_s(value) is None


def test_error_radii():
    assert [accuracy_m(v) for v in ("4.9", "10 m", "10 ft", 0, -1, None, "good")] == [
        "4.9",
        "10.0",
        "3.048",
        None,
        None,
        None,
        None,
    ]
    assert accuracy_of_hdop("1.2") == "6.0"
    assert [accuracy_of_hdop(v) for v in ("0", "50", "99.99", "", None)] == [None] * 5
    assert accuracy_of_hdop("49.9") is not None
    assert measured("speed", "-1") is None
    assert measured("accuracy_m", "5 m") == "5.0"
    assert measured("device", "7") == "7"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("32.1°", 32.1),
        ("-118.795", -118.795),
        ("118° 47.7' E", 118.795),
        ("118° 47.7' W", -118.795),
        ("33° 55' 30'' S", -33.925),
        ("N 32° 6'", 32.1),
        ("32,1°", 32.1),
        ("32.1 N", 32.1),
        ("-33° 30'", -33.5),
        ("33° 55' 30\"", 33.925),
    ],
)
def test_angles_in_degrees_minutes_and_seconds(text, value):
    assert float(degrees(text)) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("text", [None, "", "here", "32.1 X", "1;2"])
def test_angles_that_are_none(text):
    assert degrees(text) is None


# -- GPX ---------------------------------------------------------------------------------------------------------------------

GPX = """<?xml version="1.0"?><gpx version="1.1" creator="{creator}"
xmlns="http://www.topografix.com/GPX/1/1" xmlns:o="o"><trk><trkseg>
<trkpt lat="32.1" lon="118.795"><time>{time}</time>{more}</trkpt></trkseg></trk></gpx>"""


def gpx(more="", creator="x", time="2026-03-03T00:00:00Z"):
    return GPX.format(more=more, creator=creator, time=time)


@pytest.mark.parametrize(
    ("more", "creator", "accuracy"),
    [
        ("<extensions><o:accuracy_horizontal>6.3</o:accuracy_horizontal></extensions>", "OpenTracks", 6.3),
        ("<hdop>1.2</hdop>", "GPSLogger 99", 6.0),
        ("<hdop>1.2</hdop><extensions><o:accuracy>4</o:accuracy></extensions>", "x", 4.0),
        ("<hdop>7.5</hdop>", "OsmAnd 4.2", 7.5),
        ("<hdop>7.5</hdop>", "Locus Map", 7.5),
        ("<hdop>99.9</hdop>", "x", np.nan),
        ("<extensions><o:accuracy>0</o:accuracy></extensions><hdop>2</hdop>", "x", 10.0),
        ("<extensions><e:horaccur xmlns:e='e'>10</e:horaccur></extensions>", "x", 10.0),
    ],
)
def test_gpx_error_radius(more, creator, accuracy):
    table = read(gpx(more, creator))
    np.testing.assert_allclose(column(table, "accuracy_m") if "accuracy_m" in table.rows else [np.nan], [accuracy])


def test_gpx_speed_of_the_standard_and_of_extensions():
    assert column(read(gpx("<speed>1.25</speed>")), "speed") == [1.25]
    extension = "<extensions><o:TrackPointExtension><o:speed>2.5</o:speed></o:TrackPointExtension></extensions>"
    assert column(read(gpx(extension)), "speed") == [2.5]
    assert read(gpx()).datum == "WGS-84"


def test_gpx_times_without_a_zone_are_asked_about(tmp_path):
    path = tmp_path / "a.gpx"
    path.write_text(gpx(time="2026-03-03 08:00:00"), encoding="utf-8")
    with pytest.raises(InputError, match="have no zone"):
        read_tracks(path)
    assert read_tracks(path, zone="Asia/Shanghai")["time"].iloc[0] == pd.Timestamp("2026-03-03T00:00:00Z")
    path.write_text(gpx(time="2026-03-03T08:00:00Z"), encoding="utf-8")
    assert read_tracks(path, zone="Asia/Shanghai")["time"].iloc[0] == pd.Timestamp("2026-03-03T08:00:00Z")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_xml_in_other_encodings_is_known_by_its_content(encoding):
    text = gpx().replace(
        '<?xml version="1.0"?>', "" if encoding == "utf-8" else f'<?xml version="1.0" encoding="{encoding[:6]}"?>'
    )
    assert kind_of(text.encode(encoding)) == "GPX"
    assert column(read(text.encode(encoding)), "lat") == [32.1]


# -- KML, KMZ ----------------------------------------------------------------------------------------------------------------

TRACK = """<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">
<Document><Placemark><name>walk</name><gx:Track>
<when>2026-03-03T00:00:00Z</when><when>2026-03-03T00:00:10Z</when><when>2026-03-03T00:00:20Z</when>
<gx:coord>118.795 32.1 10</gx:coord><gx:coord>118.796 32.2 11</gx:coord><gx:coord></gx:coord>
<ExtendedData><SchemaData><gx:SimpleArrayData name="speed"><gx:value>1.5</gx:value><gx:value>2.5</gx:value></gx:SimpleArrayData>
<gx:SimpleArrayData name="accuracy"><gx:value>5</gx:value><gx:value>-1</gx:value></gx:SimpleArrayData></SchemaData></ExtendedData>
</gx:Track></Placemark></Document></kml>"""

POINTS = """<kml xmlns="http://www.opengis.net/kml/2.2"><Document>
<Placemark><TimeStamp><when>2026-03-03T08:00:00+08:00</when></TimeStamp>
<ExtendedData><Data name="Accuracy"><value>7 m</value></Data>
<Data name="device"><value>D7</value></Data></ExtendedData><Point><coordinates> 118.795,32.1,3 </coordinates></Point></Placemark>
<Placemark><TimeSpan><begin>2026-03-03T00:01:00Z</begin>
<end>2026-03-03T00:09:00Z</end></TimeSpan><Point><coordinates>118.8,32.2</coordinates></Point></Placemark>
<Placemark><Point><coordinates>1,2</coordinates></Point></Placemark>
<Placemark><LineString><coordinates>1,2 3,4</coordinates></LineString></Placemark></Document></kml>"""


def test_kml_track():
    table = read(TRACK)
    assert column(table, "lon")[:2] == [118.795, 118.796]
    assert column(table, "lat")[:2] == [32.1, 32.2]
    assert table.rows["time"].tolist() == [f"2026-03-03T00:00:{s}0Z" for s in (0, 1, 2)]
    np.testing.assert_equal(column(table, "speed"), [1.5, 2.5, np.nan])
    np.testing.assert_equal(column(table, "accuracy_m"), [5.0, np.nan, np.nan])
    assert pd.isna(table.rows["lon"].iloc[2])
    assert (table.datum, table.zone, table.numbers.tolist()) == ("WGS-84", None, [1, 2, 3])


def test_kml_track_of_version_2_3_and_times_without_places():
    text = TRACK.replace("gx:", "").replace("<coord></coord>", "")
    table = read(text)
    assert len(table.rows) == 2
    assert [row["row"] for row in table.refused] == [3]


def test_kml_points_with_times():
    table = read(POINTS)
    assert column(table, "lat") == [32.1, 32.2]
    assert table.rows["time"].tolist() == ["2026-03-03T08:00:00+08:00", "2026-03-03T00:01:00Z"]
    assert table.rows["device"].iloc[0] == "D7"
    np.testing.assert_equal(column(table, "accuracy_m"), [7.0, np.nan])


def test_kml_without_times_says_what_it_has():
    text = "<kml><Placemark><LineString><coordinates>1,2 3,4</coordinates></LineString></Placemark></kml>"
    with pytest.raises(FileError, match="it has 1 line or point without a time"):
        read(text)


def kmz(*files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files:
            archive.writestr(name, text)
    return packed.getvalue()


def test_kmz_reads_the_document():
    raw = kmz(("images/a.png", b"x"), ("files/other.kml", POINTS), ("a.kml", POINTS), ("doc.kml", TRACK))
    assert kind_of(raw) == "KMZ"
    assert len(read(raw).rows) == 3
    assert column(read(kmz(("sub/My Track.KML", POINTS))), "lat") == [32.1, 32.2]


def test_kmz_bombs_and_broken_ones_are_refused(monkeypatch):
    monkeypatch.setattr(kml, "MOST_BYTES", 1000)
    with pytest.raises(FileError, match="unpacks to more than"):
        read(kmz(("doc.kml", "<kml>" + " " * 2000 + "</kml>")))
    good = kmz(("doc.kml", TRACK))
    for broken in (good[: len(good) // 2], good[:60] + b"\x00" * 40 + good[100:], b"PK\x03\x04", b"nothing"):
        with pytest.raises(FileError):
            kml.read_kmz(broken, "a.kmz")
    with pytest.raises(FileError, match="contains no KML file"):
        kml.read_kmz(kmz(("a.txt", "x")), "a.kmz")


@pytest.mark.parametrize("root", ["gpx", "kml", "TrainingCenterDatabase"])
def test_xml_bombs_are_refused(root):
    lol = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + k)} "{("&" + chr(97 + k) + ";") * 10}">' for k in range(8)
    )
    text = f"<?xml version='1.0'?>{lol}]><{root}>&i;</{root}>"
    for raw in (text.encode(), text.replace("version='1.0'", "version='1.0' encoding='utf-16'").encode("utf-16")):
        with pytest.raises(FileError, match="declares XML entities"):
            read(raw)


@pytest.mark.parametrize("root", ["gpx", "kml", "TrainingCenterDatabase"])
def test_xml_that_is_cut_off_or_empty_is_refused(root):
    for text in (
        f"<{root}><a>",
        f"<{root}/>",
        f"<{root}></{root}><b>",
        f"<{root} a=1/>",
        "<" + root + ">" + "<a>" * 5000,
    ):
        with pytest.raises(FileError) as caught:
            read(text)
        assert "\n" not in str(caught.value)


# -- TCX ---------------------------------------------------------------------------------------------------------------------


def test_tcx():
    table = read(
        """<TrainingCenterDatabase xmlns="g" xmlns:n3="e"><Activities><Activity Sport="Other">
        <Id>2020-01-01T00:00:00Z</Id><Lap><Track>
        <Trackpoint><Time>2026-03-03T00:00:00.000Z</Time><Position><LatitudeDegrees>32.1</LatitudeDegrees><LongitudeDegrees>118.795
        </LongitudeDegrees></Position><Extensions><n3:TPX><n3:Speed>1.2</n3:Speed></n3:TPX></Extensions></Trackpoint>
        <Trackpoint><Time>2026-03-03T00:00:01Z</Time></Trackpoint></Track></Lap></Activity></Activities></TrainingCenterDatabase>"""
    )
    assert table.rows["time"].tolist() == ["2026-03-03T00:00:00.000Z", "2026-03-03T00:00:01Z"]
    assert (column(table, "lat")[0], column(table, "lon")[0], column(table, "speed")[0]) == (32.1, 118.795, 1.2)
    assert pd.isna(table.rows["lat"].iloc[1])


# -- FIT ---------------------------------------------------------------------------------------------------------------------


def fit_crc(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


FIT_EPOCH = dt.datetime(1989, 12, 31, tzinfo=dt.UTC)


def fit(records, serial=4711):
    """A FIT file: a file_id, then records of (seconds, latitude, longitude, speed in mm/s, accuracy in metres)."""
    body = struct.pack("<BBBHB", 0x40, 0, 0, 0, 1) + bytes([3, 4, 0x8C]) + struct.pack("<BI", 0x00, serial)
    body += struct.pack("<BBBHB", 0x41, 0, 0, 20, 5)
    body += bytes([253, 4, 0x86, 0, 4, 0x85, 1, 4, 0x85, 6, 2, 0x84, 31, 1, 0x02])
    for at, lat, lon, speed, accuracy in records:
        lat, lon = (0x7FFFFFFF if v is None else round(v * 2**31 / 180) for v in (lat, lon))
        body += struct.pack("<BIiiHB", 0x01, at, lat, lon, speed, accuracy)
    head = struct.pack("<BBHI4s", 14, 0x20, 2132, len(body), b".FIT")
    head += struct.pack("<H", fit_crc(head))
    return head + body + struct.pack("<H", fit_crc(head + body))


def fit_seconds(at):
    return int((at - FIT_EPOCH).total_seconds())


START = dt.datetime(2026, 3, 3, tzinfo=dt.UTC)
FIT = fit(
    [
        (fit_seconds(START), 32.1, 118.795, 1200, 4),
        (fit_seconds(START) + 10, -32.1, -118.795, 0xFFFF, 0xFF),
        (fit_seconds(START) + 20, None, None, 0, 4),
    ]
)


def test_fit():
    table = read(FIT)
    np.testing.assert_allclose(column(table, "lat"), [32.1, -32.1], atol=1e-7)
    np.testing.assert_allclose(column(table, "lon"), [118.795, -118.795], atol=1e-7)
    np.testing.assert_equal(column(table, "speed"), [1.2, np.nan])
    np.testing.assert_equal(column(table, "accuracy_m"), [4.0, np.nan])
    assert pd.to_datetime(table.rows["time"]).tolist() == [
        pd.Timestamp(START),
        pd.Timestamp(START) + pd.Timedelta("10s"),
    ]
    assert table.rows["device"].tolist() == ["4711", "4711"]
    assert [(row["row"], row["reason"]) for row in table.refused] == [(3, "has no position")]
    assert table.numbers.tolist() == [1, 2]


def test_fit_that_is_cut_off_or_damaged_is_refused():
    for size in (12, 14, 30, len(FIT) - 20, len(FIT) - 1):
        with pytest.raises(FileError, match=r"truncated|no record"):
            read(FIT[:size])
    damaged = bytearray(FIT)
    damaged[60] ^= 1
    with pytest.raises(FileError, match="damaged"):
        read(bytes(damaged))
    with pytest.raises(FileError, match="has no record"):
        read(fit([]))
    assert issubclass(fitdecode.FitCRCError, fitdecode.FitError)


# -- PLT ---------------------------------------------------------------------------------------------------------------------

GEOLIFE = """Geolife trajectory
WGS 84
Altitude is in Feet
Reserved 3
0,2,255,My Track,0,0,2,8421376
0
39.906631,116.385564,0,492,39745.1201851852,2008-10-24,02:53:04
39.906554,116.385625,0,492,39745.1202546296,2008-10-24
"""

OZI = """OziExplorer Track Point File Version 2.1
WGS 84
Altitude is in Feet
Reserved 3
0,2,255,walk,0,0,2,8421376
3
 32.1, 118.795,1,-777,46084.3333333, 03-Mar-26, 08:00:00
32.2,118.796,0,100.0,46084.3334491, ,
32.2,118.796,0,100.0,0.0000000, ,
"""


def test_geolife():
    table = read(GEOLIFE)
    assert table.rows["time"].tolist() == ["2008-10-24 02:53:04Z"]
    assert (column(table, "lat"), column(table, "lon")) == ([39.906631], [116.385564])
    assert table.numbers.tolist() == [7]
    assert [row["row"] for row in table.refused] == [8]


def test_oziexplorer_counts_days():
    table = read(OZI.replace("\n", "\r\n"))
    at = pd.to_datetime(table.rows["time"])
    assert at.tolist() == [pd.Timestamp("2026-03-03 08:00:00"), pd.Timestamp("2026-03-03 08:00:10")]
    assert (table.zone, table.numbers.tolist()) == ("UTC", [7, 8])
    assert [(row["row"], row["reason"]) for row in table.refused] == [(9, "has no time")]
    assert column(table, "lon") == [118.795, 118.796]


def test_plt_on_another_datum_is_refused():
    with pytest.raises(FileError, match="datum 'Beijing 1954'"):
        read(OZI.replace("WGS 84", "Beijing 1954"))
    with pytest.raises(FileError, match="no point"):
        read(OZI[: OZI.index(" 32.1")])


# -- NMEA --------------------------------------------------------------------------------------------------------------------


def sentence(body):
    checksum = 0
    for character in body.encode():
        checksum ^= character
    return f"${body}*{checksum:02X}"


RMC = sentence("GNRMC,000000.500,A,3206.0000,N,11847.7000,E,10.0,171.41,030326,,,A")


def test_nmea_by_its_content():
    table = read("\n".join([sentence("GNGGA,000000.500,3206.0000,N,11847.7000,E,1,06,1.7,47.5,M,46.0,M,,"), RMC]))
    assert table.rows["time"].tolist() == ["2026-03-03T00:00:00.500000Z"]
    np.testing.assert_allclose([column(table, "lat")[0], column(table, "lon")[0]], [32.1, 118.795], atol=1e-9)
    assert column(table, "speed") == [pytest.approx(10 * KNOT_M_S)]
    assert (column(table, "accuracy_m"), table.numbers.tolist()) == ([8.5], [2])


def test_nmea_behind_words_and_before_numbers():
    table = read(f"NMEA,{RMC},1772496000123\n2026-03-03 08:00:01 {RMC}\r\n")
    assert column(table, "lat") == [pytest.approx(32.1)] * 2
    assert (
        len(read(sentence("GPRMC,000001,A,3206.0000,N,11847.7000,E,1,1,030326")).rows) == 1
    )  # no field after the date
    south = sentence("GPRMC,000001,A,3206.0000,S,11847.7000,W,,,030326,,,S")
    table = read(south)
    np.testing.assert_allclose([column(table, "lat")[0], column(table, "lon")[0]], [-32.1, -118.795], atol=1e-9)
    assert table.rows["mock"].tolist() == ["true"]
    assert np.isnan(column(table, "speed")[0])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (RMC[:-2] + "00", "checksum 00"),
        (sentence("GPRMC,000000,V,,,,,,,030326,,"), "without a fix"),
        (sentence("GPRMC,000000,A,3206.0000,N"), "fields missing"),
        (sentence("GPRMC,000000,A,3206.0000,N,11847.7000,E,1,1"), "fields missing"),
        (sentence("GPRMC,000000,A,3206.0000,X,11847.7000,E,1,1,030326,,"), "not a hemisphere"),
        (sentence("GPRMC,000000,A,3206.0000,N,11847.7000,N,1,1,030326,,"), "'N' is not a hemisphere"),
        (sentence("GPRMC,250000,A,3206.0000,N,11847.7000,E,1,1,030326,,"), "cannot be read"),
        (sentence("GPRMC,000000,A,3206.0000,N,11847.7000,E,1,1,320326,,"), "cannot be read"),
        (sentence("GPRMC,000000,A,north,N,11847.7000,E,1,1,030326,,"), "cannot be read"),
        ("$GPRMC;000000", "broken RMC"),
    ],
)
def test_nmea_sentences_that_are_refused(line, why):
    table = read(f"{RMC}\n{line}")
    assert [(row["row"], why in row["reason"]) for row in table.refused] == [(2, True)]
    assert len(table.rows) == 1


def test_nmea_dilution_is_that_of_the_sentence_near_by():
    far = ["$GPGSV,1,1,00"] * 200
    gga = sentence("GPGGA,000000.500,3206.0000,N,11847.7000,E,1,06,1.0,47.5,M,46.0,M,,")
    table = read("\n".join([gga, *far, RMC]))
    assert np.isnan(column(table, "accuracy_m")[0])


def test_nmea_without_rmc_is_dated_by_zda():
    gga = "GPGGA,{},3206.0000,N,11847.7000,E,{},06,2.0,47.5,M,46.0,M,,"
    lines = [sentence(gga.format("235957", 1)), sentence("GPZDA,235958,03,03,2026,00,00")]
    lines += [sentence(gga.format("235959", 1)), sentence(gga.format("000001", 1)), sentence(gga.format("000002", 0))]
    table = read("\n".join(lines))
    assert table.rows["time"].tolist() == ["2026-03-03T23:59:59.000000Z", "2026-03-04T00:00:01.000000Z"]
    assert column(table, "accuracy_m") == [10.0, 10.0]
    assert [(row["row"], "without a fix" in row["reason"]) for row in table.refused] == [(5, True)]
    with pytest.raises(FileError, match="no RMC sentence"):
        read(sentence(gga.format("235957", 1)))


# -- Google ------------------------------------------------------------------------------------------------------------------


def test_google_records():
    rows = [
        {
            "timestampMs": "1772496000123",
            "latitudeE7": 321000000,
            "longitudeE7": 1187950000,
            "accuracy": 20,
            "velocity": 3,
            "deviceTag": -77,
        },
        {
            "timestamp": "2026-03-03T00:00:10.5Z",
            "latitudeE7": 4294967296 - 321000000,
            "longitudeE7": 4294967296 - 1187950000,
            "deviceTag": 8,
        },
        {"timestamp": "2026-03-03T00:00:20Z", "accuracy": 20},
        {"latitudeE7": 1, "longitudeE7": 1},
    ]
    table = read(json.dumps({"locations": rows}))
    assert column(table, "lat") == [32.1, -32.1]
    assert column(table, "lon") == [118.795, -118.795]
    assert table.rows["time"].tolist() == ["2026-03-03T00:00:00.123000Z", "2026-03-03T00:00:10.5Z"]
    np.testing.assert_equal(column(table, "accuracy_m"), [20.0, np.nan])
    np.testing.assert_equal(column(table, "speed"), [3.0, np.nan])
    assert table.rows["device"].tolist() == ["-77", "8"]
    assert [(row["row"], row["reason"]) for row in table.refused] == [(3, "has no position"), (4, "has no time")]


def test_google_semantic_history():
    place = {"latitudeE7": 321000000, "longitudeE7": 1187950000}
    activity = {
        "startLocation": place | {"sourceInfo": {"deviceTag": 5}},
        "endLocation": {"latitudeE7": 322000000, "longitudeE7": 1187960000},
        "duration": {"startTimestamp": "2026-03-03T00:00:00Z", "endTimestampMs": "1772496600000"},
        "simplifiedRawPath": {
            "points": [
                {"latE7": 321500000, "lngE7": 1187955000, "timestamp": "2026-03-03T00:05:00Z", "accuracyMeters": 9}
            ]
        },
        "waypointPath": {"waypoints": [{"latE7": 1, "lngE7": 1}]},
    }
    visit = {
        "location": place,
        "duration": {"startTimestampMs": "1772496600000", "endTimestamp": "2026-03-03T01:00:00Z"},
    }
    table = read(json.dumps({"timelineObjects": [{"activitySegment": activity}, {"placeVisit": visit}]}))
    assert column(table, "lat") == [32.1, 32.15, 32.2, 32.1, 32.1]
    at = pd.to_datetime(table.rows["time"], format="ISO8601")
    assert ((at - at.iloc[0]).dt.total_seconds() / 60).tolist() == [0, 5, 10, 10, 60]
    np.testing.assert_equal(column(table, "accuracy_m"), [np.nan, 9, np.nan, np.nan, np.nan])
    assert table.rows["device"].tolist() == ["5"] * 5


def test_google_timeline_of_android():
    position = {
        "LatLng": "32.1°, 118.795°",
        "accuracyMeters": 13,
        "timestamp": "2026-03-03T09:00:00.000+08:00",
        "speedMetersPerSecond": 1.5,
    }
    content = {
        "semanticSegments": [
            {
                "startTime": "2026-03-03T08:00:00.000+08:00",
                "endTime": "2026-03-03T08:30:00.000+08:00",
                "timelinePath": [{"point": "32.2°, 118.8°", "time": "2026-03-03T08:10:00.000+08:00"}],
            },
            {
                "startTime": "2026-03-03T08:00:00.000+08:00",
                "endTime": "2026-03-03T08:30:00.000+08:00",
                "activity": {"start": {"latLng": "32.3°, 118.8°"}, "end": {"latLng": "-32.4°, -118.8°"}},
            },
            {
                "startTime": "2026-03-03T09:00:00.000+08:00",
                "endTime": "2026-03-03T10:00:00.000+08:00",
                "visit": {"topCandidate": {"placeLocation": {"latLng": "32.5°, 118.8°"}}},
            },
        ],
        "rawSignals": [{"position": position}, {"wifiScan": {}}, {"activityRecord": {}}],
    }
    table = read(json.dumps(content))
    # The visit starts with the measured position, which is more accurate, and ends after it.
    assert column(table, "lat") == [32.1, 32.2, 32.3, -32.4, 32.5]
    assert column(table, "lon") == [118.795, 118.8, 118.8, -118.8, 118.8]
    assert (column(table, "accuracy_m")[0], column(table, "speed")[0]) == (13.0, 1.5)
    assert table.rows["time"].iloc[4] == "2026-03-03T10:00:00.000+08:00"
    assert "device" not in table.rows


def test_google_history_of_ios():
    content = [
        {
            "startTime": "2026-03-03T08:00:00.000+08:00",
            "endTime": "2026-03-03T10:00:00.000+08:00",
            "timelinePath": [{"point": "geo:32.1,118.795", "durationMinutesOffsetFromStartTime": "12"}],
        },
        {
            "startTime": "2026-03-03T08:00:00.000+08:00",
            "endTime": "2026-03-03T08:30:00.000+08:00",
            "activity": {"start": "geo:32.2,118.8", "end": "geo:-32.3,118.8"},
        },
        {
            "startTime": "2026-03-03T09:00:00.000+08:00",
            "endTime": "2026-03-03T10:00:00.000+08:00",
            "visit": {"topCandidate": {"placeLocation": "geo:32.4,118.8"}},
        },
    ]
    for some in (content, content[1:], content[2:]):
        assert kind_of(json.dumps(some)) == "Google location history"
    table = read(json.dumps(content))
    assert column(table, "lat") == [32.1, 32.2, -32.3, 32.4, 32.4]
    at = pd.to_datetime(table.rows["time"], format="ISO8601", utc=True)
    assert at.iloc[0] == pd.Timestamp("2026-03-03T00:12:00Z")


def test_google_edits_state_millimetres():
    position = {
        "point": {"latE7": 321000000, "lngE7": 1187950000},
        "accuracyMm": 13500,
        "timestamp": "2026-03-03T00:00:00Z",
    }
    table = read(json.dumps({"timelineEdits": [{"deviceId": "9", "rawSignal": {"signal": {"position": position}}}]}))
    assert (column(table, "accuracy_m"), column(table, "lon"), table.rows["device"].tolist()) == (
        [13.5],
        [118.795],
        ["9"],
    )


@pytest.mark.parametrize(
    "content",
    [
        {"timelineObjects": [1, None, {"activitySegment": 3}]},
        {"locations": [{"latitudeE7": 1}], "rawSignals": {}},
        {"semanticSegments": [{"timelinePath": 3, "activity": [], "visit": {"topCandidate": []}}]},
        {"rawSignals": []},
        {"rawSignals": [{"position": {"LatLng": 4, "timestamp": []}}]},
        {"timelineEdits": [{"rawSignal": "x"}]},
        {"timelineObjects": [{"placeVisit": {"duration": 3, "location": "x"}}]},
    ],
)
def test_google_files_without_any_position(content):
    try:
        table = google.read_google(json.dumps(content).encode(), "a.json")
    except FileError:
        return
    assert table.rows.empty
    assert table.refused


# -- OwnTracks, Traccar, Sensor Logger -----------------------------------------------------------------------------------------


def test_owntracks_recorder():
    fix = {"_type": "location", "tst": 1772496000, "lat": 32.1, "lon": 118.795, "acc": 9, "vel": 36, "tid": "ab"}
    lines = [
        "2026-03-03T00:05:00Z\t*                 \t" + json.dumps(fix),
        "2026-03-03T00:05:01Z\tlwt               \t" + json.dumps({"_type": "lwt", "tst": 1}),
        "2026-03-03T00:05:02Z\tcmd               \tnot json",
        "half a line",
        "2026-03-03T00:05:03Z\t*                 \t"
        + json.dumps(fix | {"topic": "owntracks/li/phone", "tst": 1772496010}),
    ]
    table = read("\n".join(lines), "2026-03.rec")
    assert (column(table, "speed"), column(table, "accuracy_m")) == ([10.0, 10.0], [9.0, 9.0])
    assert table.rows["time"].tolist() == ["1772496000", "1772496010"]
    assert table.rows["device"].tolist() == ["ab", "li/phone"]
    assert (table.numbers.tolist(), [row["row"] for row in table.refused]) == ([1, 5], [2, 3, 4])
    with pytest.raises(FileError, match="no location"):
        read("\n".join(lines[1:4] + lines[1:2]).removeprefix("\n"))


REPORT = """Device Name,Valid,Time,Latitude,Longitude,Altitude,Speed,Address,Attributes
officer1,true,2026-03-03 08:00:00,32.1°,118.795°,10 m,36 km/h,x,y
officer1,false,2026-03-03 08:00:10,32.1°,118.795°,10 m,36 km/h,x,y
officer1,true,2026-03-03 08:00:20,32° 6.0' N,118° 47.7' E,10 m,2 kn,x,y
officer1,true,2026-03-03 08:00:30,32.1
"""


def test_traccar_report():
    table = read(REPORT)
    np.testing.assert_allclose(column(table, "speed"), [10.0, 2 * KNOT_M_S])
    np.testing.assert_allclose(column(table, "lat"), [32.1, 32.1])
    np.testing.assert_allclose(column(table, "lon"), [118.795, 118.795])
    assert table.rows["device"].tolist() == ["officer1", "officer1"]
    assert (table.numbers.tolist(), [row["row"] for row in table.refused]) == ([2, 4], [3, 5])
    assert (table.datum, table.zone) == ("WGS-84", None)


def test_traccar_csv_of_its_interface_is_in_knots():
    text = (
        "id;deviceId;protocol;serverTime;deviceTime;fixTime;valid;latitude;longitude;speed;accuracy\n"
        "1;7;osmand;2026-03-03T09:00:00Z;2026-03-03T08:00:00Z;2026-03-03T00:00:00.000+00:00;true;32.1;118.795;10;0\n"
    )
    table = read(text)
    assert column(table, "speed") == [pytest.approx(10 * KNOT_M_S)]
    assert np.isnan(column(table, "accuracy_m")[0])
    assert table.rows["time"].tolist() == ["2026-03-03T00:00:00.000+00:00"]
    assert table.rows["device"].tolist() == ["7"]
    header = "Valid,Time,Latitude,Longitude,Speed (km/h),Address\nyes,2026-03-03 08:00:00,32.1,118.795,36,x\n"
    assert column(read(header), "speed") == [10.0]
    assert "device" not in read(header).rows


def test_traccar_positions_with_odd_attributes():
    rows = [
        {"fixTime": "2026-03-03T00:00:00Z", "latitude": 1.0, "longitude": 2.0, "attributes": "x", "speed": "fast"},
        3,
    ]
    table = read(json.dumps(rows))
    assert len(table.rows) == 1
    assert [row["row"] for row in table.refused] == [2]


def test_sensor_logger():
    header = "time,seconds_elapsed,horizontalAccuracy,speed,latitude,longitude\n"
    table = read(
        header
        + "1772496000500000000,0.1,4.9,1.2,32.1,118.795\n1772496001000000000,1.1,-1,-1,32.1,118.795\n12,1,1,1,1,1\n"
    )
    assert table.rows["time"].tolist() == ["2026-03-03T00:00:00.500000Z", "2026-03-03T00:00:01.000000Z"]
    np.testing.assert_equal(column(table, "accuracy_m"), [4.9, np.nan])
    np.testing.assert_equal(column(table, "speed"), [1.2, np.nan])
    assert (table.numbers.tolist(), [row["row"] for row in table.refused]) == ([2, 3], [4])
    rows = [
        {
            "sensor": "Location",
            "time": "1772496000500000000",
            "seconds_elapsed": "1",
            "latitude": "32.1",
            "longitude": "118.795",
            "horizontalAccuracy": "3",
        },
        {"sensor": "Accelerometer", "time": "1", "seconds_elapsed": "1"},
    ]
    table = read(json.dumps(rows))
    assert (column(table, "lat"), column(table, "accuracy_m")) == ([32.1], [3.0])
    assert ["Accelerometer" in row["reason"] for row in table.refused] == [True]


# -- Parquet -----------------------------------------------------------------------------------------------------------------


def parquet_bytes(table, geo=None):
    table = table if isinstance(table, pa.Table) else pa.Table.from_pandas(pd.DataFrame(table))
    if geo is not None:
        table = table.replace_schema_metadata({b"geo": json.dumps(geo).encode() if isinstance(geo, dict) else geo})
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


TIMES = pd.to_datetime(["2026-03-03T08:00:00.5", "2026-03-03T08:00:10.0"])


def geo_of(crs="none"):
    column = {"encoding": "WKB", "geometry_types": ["Point"]} | ({} if crs == "none" else {"crs": crs})
    return {"version": "1.0.0", "primary_column": "where", "columns": {"where": column}}


def wkb_table(points):
    return {
        "time": TIMES.tz_localize("Asia/Shanghai"),
        "where": [None if p is None else shapely.to_wkb(p) for p in points],
        "lon": [1, 2],
    }


def test_plain_parquet_keeps_its_headers():
    table = read(parquet_bytes({"定位时间": TIMES, "经度": [118.795, 118.796], "纬度": [32.1, 32.2], "n": [1, 2]}))
    assert not table.named
    assert table.rows["定位时间"].tolist() == ["2026-03-03T08:00:00.500000", "2026-03-03T08:00:10.000000"]
    assert (table.datum, table.numbers.tolist()) == (None, [1, 2])


@pytest.mark.parametrize(
    ("crs", "datum"), [("none", "WGS-84"), (None, "WGS-84"), ("OGC:CRS84", "WGS-84"), ("EPSG:4490", "CGCS2000")]
)
def test_geoparquet_in_degrees(crs, datum):
    stated = crs if crs in ("none", None) else pyproj.CRS(crs).to_json_dict()
    table = read(
        parquet_bytes(wkb_table([shapely.Point(118.795, 32.1), shapely.LineString([(0, 0), (1, 1)])]), geo_of(stated))
    )
    assert (table.rows["lon"].tolist(), table.rows["lat"].tolist(), table.datum) == ([118.795], [32.1], datum)
    assert table.rows["time"].tolist() == ["2026-03-03T00:00:00.500000Z"]
    assert [(row["row"], row["reason"]) for row in table.refused] == [(2, "is not a point but LineString")]


def test_geoparquet_in_metres_is_converted():
    x, y = pyproj.Transformer.from_crs(4326, 4549, always_xy=True).transform(118.795, 32.1)
    table = read(parquet_bytes(wkb_table([shapely.Point(x, y), None]), geo_of(pyproj.CRS(4549).to_json_dict())))
    np.testing.assert_allclose([table.rows["lon"].iloc[0], table.rows["lat"].iloc[0]], [118.795, 32.1], atol=1e-8)
    assert table.datum == "WGS-84"
    assert [(row["row"], row["reason"]) for row in table.refused] == [(2, "has no position")]


def test_parquet_with_wkt_or_wkb_needs_a_datum():
    for values in (
        ["POINT (118.795 32.1)", "SRID=4326;POINT(118.796 32.2)"],
        [shapely.to_wkb(shapely.Point(118.795, 32.1)), None],
    ):
        table = read(parquet_bytes({"time": TIMES, "shape": values, "note": ["a", "b"]}))
        assert (table.rows["lon"].iloc[0], table.rows["lat"].iloc[0], table.datum) == (118.795, 32.1, None)
        assert "shape" not in table.rows


def test_parquet_that_is_damaged_or_too_large_is_refused(monkeypatch):
    raw = parquet_bytes(wkb_table([shapely.Point(1, 2)] * 2), geo_of())
    for broken in (raw[:20], raw[: len(raw) // 2], raw[:-4] + b"XXXX", b"PAR1", b"PAR1" + b"\x00" * 40 + b"PAR1"):
        with pytest.raises(FileError):
            read(broken)
    for geo in (b"{", b"[]", {"primary_column": "absent", "columns": {"absent": {}}}, {"columns": {}}):
        with pytest.raises(FileError, match="usable description"):
            read(parquet_bytes(wkb_table([shapely.Point(1, 2)] * 2), geo))
    with pytest.raises(CrsError, match="CRS that is not known"):
        read(parquet_bytes(wkb_table([shapely.Point(1, 2)] * 2), geo_of({"type": "nonsense"})))
    monkeypatch.setattr(parquet, "MOST_ROWS", 1)
    with pytest.raises(FileError, match="has 2 rows"):
        read(raw)


# -- JSON records, and both coordinates in one column --------------------------------------------------------------------------

AT = ({"lng": 118.795, "lat": 32.1}, {"lng": 118.796, "lat": 32.101})
WHEN = ("2026-03-03T00:00:00Z", "2026-03-03T00:00:30Z")
RECORDS = [{"deviceNo": "a", "gpsTime": when, **at} for when, at in zip(WHEN, AT, strict=True)]
INNER = [{"sn": "a", "time": when, "location": at} for when, at in zip(WHEN, AT, strict=True)]
FEATURES = [
    {
        "type": "Feature",
        "properties": {"device": "a", "time": when},
        "geometry": {"type": "Point", "coordinates": [at["lng"], at["lat"]]},
    }
    for when, at in zip(WHEN, AT, strict=True)
]
LINE = {
    "type": "Feature",
    "properties": {"device": "a", "coordTimes": list(WHEN)},
    "geometry": {"type": "LineString", "coordinates": [[at["lng"], at["lat"], 12.0] for at in AT]},
}


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(RECORDS),
        json.dumps({"code": 0, "data": RECORDS}),
        json.dumps({"code": 0, "data": {"total": 2, "list": RECORDS}}),
        json.dumps({"result": INNER}),
        "\n".join(json.dumps(record) for record in RECORDS),
        "\n".join(json.dumps(feature) for feature in FEATURES),
        json.dumps({"type": "FeatureCollection", "features": [LINE]}),
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [LINE | {"properties": {"device": "a", "coordinateProperties": {"times": list(WHEN)}}}],
            }
        ),
    ],
)
def test_json_of_any_service(raw, tmp_path):
    (tmp_path / "answer.json").write_text(raw)
    track = read_tracks(tmp_path / "answer.json", datum="WGS-84")
    assert track["device"].tolist() == ["a", "a"]
    assert track["row"].tolist() == [1, 2]
    assert track["time"].tolist() == [pd.Timestamp(when) for when in WHEN]
    assert track[["lon", "lat"]].to_numpy().tolist() == [[118.795, 32.1], [118.796, 32.101]]


def test_a_line_with_too_few_times_is_refused():
    short = LINE | {"properties": {"coordTimes": [WHEN[0]]}}
    table = read(json.dumps({"type": "FeatureCollection", "features": [short, FEATURES[0]]}))
    assert [record["row"] for record in table.refused] == [1]
    assert table.numbers.tolist() == [2]


def test_json_without_records_is_refused():
    table = read('[1, {"time": 2, "lat": 32.1, "lng": 118.795}]')
    assert [record["row"] for record in table.refused] == [1]
    assert table.numbers.tolist() == [2]
    with pytest.raises(FileError, match="not a collection of features or records"):
        read("[1, 2]")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("location", '"118.795,32.1"'),
        ("position", '"geo:32.1,118.795;u=9"'),
        ("gps", "32.1 118.795"),
        ("位置", "经度：118.795 纬度：32.1"),
        ("location", '"{""lng"": 118.795, ""lat"": 32.1}"'),
        ("location", "lat=32.1&lon=118.795"),
        ("geometry", '"{""type"": ""Point"", ""coordinates"": [118.795, 32.1]}"'),
    ],
)
def test_both_coordinates_in_one_column(header, value, tmp_path):
    (tmp_path / "a.csv").write_text(f"device,time,{header}\na,2026-03-03T00:00:00Z,{value}\n")
    track = read_tracks(tmp_path / "a.csv", datum="WGS-84")
    assert track[["lon", "lat"]].to_numpy().tolist() == [[118.795, 32.1]]


def test_a_column_with_addresses_beside_the_coordinates_is_left_alone(tmp_path):
    (tmp_path / "a.csv").write_text("device,time,location,lon,lat\na,2026-03-03T00:00:00Z,Main St 3,118.795,32.1\n")
    assert read_tracks(tmp_path / "a.csv", datum="WGS-84")["lat"].tolist() == [32.1]


# -- all of them -------------------------------------------------------------------------------------------------------------

LOCATIONS = json.dumps(
    {"locations": [{"timestamp": "2026-03-03T00:00:00Z", "latitudeE7": 321000000, "longitudeE7": 1187950000}]}
)
IOS = json.dumps(
    [
        {
            "startTime": "2026-03-03T08:00:00+08:00",
            "endTime": "2026-03-03T10:00:00+08:00",
            "visit": {"topCandidate": {"placeLocation": "geo:32.1,118.795"}},
        }
    ]
)
OWNTRACKS = json.dumps({"_type": "location", "tst": 1772496000, "lat": 32.1, "lon": 118.795})
SAMPLES = {
    "GPX": gpx(),
    "KML": TRACK,
    "KMZ": kmz(("doc.kml", TRACK)),
    "TCX": "<TrainingCenterDatabase><Trackpoint><Time>2026-03-03T00:00:00Z</Time><Position>"
    "<LatitudeDegrees>32.1</LatitudeDegrees>"
    "<LongitudeDegrees>118.795</LongitudeDegrees></Position></Trackpoint></TrainingCenterDatabase>",
    "FIT": FIT,
    "PLT": OZI,
    "NMEA 0183": RMC,
    "Google location history": LOCATIONS,
    "OwnTracks": OWNTRACKS,
    "OwnTracks recorder": "2026-03-03T00:05:00Z\t*                 \t" + OWNTRACKS,
    "Traccar": json.dumps([{"fixTime": "2026-03-03T00:00:00Z", "latitude": 32.1, "longitude": 118.795}]),
    "Traccar report": REPORT,
    "Sensor Logger": "time,seconds_elapsed,latitude,longitude\n1772496000000000000,0,32.1,118.795\n",
    "Parquet": parquet_bytes(wkb_table([shapely.Point(118.795, 32.1)] * 2), geo_of()),
    "GeoJSON": json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [118.795, 32.1]},
                    "properties": {"time": "2026-03-03T00:00:00Z"},
                }
            ],
        }
    ),
    "JSON records": json.dumps(
        {"data": [{"time": "2026-03-03T00:00:00Z", "lng": 118.795, "lat": 32.1, "datum": "WGS-84"}]}
    ),
}
SAMPLES = {name: text if isinstance(text, bytes) else text.encode() for name, text in SAMPLES.items()}


def test_every_format_has_a_sample():
    assert set(SAMPLES) == {known.name for known in FORMATS}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_content_is_of_one_format_whatever_the_file_is_called(name, tmp_path):
    raw = SAMPLES[name]
    assert next(known.name for known in FORMATS if known.recognises(raw)) == name
    places = []
    for file, content in (("a.txt", raw), ("b.csv", raw), ("c.dat.gz", gzip.compress(raw))):
        (tmp_path / file).write_bytes(content)
        track = read_tracks(tmp_path / file, zone="Asia/Shanghai")
        places.append((round(track["lon"].iloc[0], 6), round(track["lat"].iloc[0], 6)))
    assert places == [(118.795, 32.1)] * 3


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_files_are_read_or_refused_in_one_line(name):
    """Truncated, or with bytes changed, removed or repeated: only errors of wangge are raised."""
    known = next(known for known in FORMATS if known.name == name)
    rng, raw = random.Random(3), SAMPLES[name]
    for _ in range(150):
        some = bytearray(raw)
        for _ in range(rng.choice([1, 1, 3, 10])):
            at = rng.randrange(len(some)) if some else 0
            kind = rng.randrange(5)
            if kind == 0:
                del some[at:]
            elif kind == 1 and some:
                some[at] = rng.randrange(256)
            elif kind == 2:
                del some[at : at + rng.randrange(1, 20)]
            elif kind == 3:
                some[at:at] = some[at : at + rng.randrange(1, 40)]
            else:
                some[at:at] = rng.choice(
                    [b"null", b"[]", b"{}", b"-", b"9" * 30, b"\x00", b",", b"\n", b"1e999", b"\xff", b"true"]
                )
        known.recognises(bytes(some))
        try:
            table = known.read(bytes(some), "a.dat")
        except InputError as error:
            said = str(error)
        else:
            assert len(table.rows) == len(table.numbers)
            said = ""
        assert "\n" not in said


@pytest.mark.parametrize(
    "raw", [b"[" * 100_000, b'{"a":' * 100_000, b'[{"_type": "location", "tst": ' + b"9" * 5000 + b"}]"]
)
@pytest.mark.parametrize(
    "name", ["Google location history", "OwnTracks", "Traccar", "GeoJSON", "Sensor Logger", "JSON records"]
)
def test_json_that_is_nested_too_deeply_or_holds_endless_numbers(name, raw):
    known = next(known for known in FORMATS if known.name == name)
    with pytest.raises(FileError):
        known.read(raw, "a.json")


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_empty_and_foreign_contents_are_refused(known):
    for raw in (b"", b"\n", b"\x00" * 100, b"PK\x03\x04", "设备,时间\n".encode("gb18030"), b"\x89PNG\r\n\x1a\n"):
        assert not known.recognises(raw)
        try:
            assert known.read(raw, "a.dat").rows.empty
        except InputError:
            continue


def test_one_odd_file_in_a_folder_is_refused_by_itself(tmp_path):
    odd = {
        "cut.fit": FIT[:40],
        "bomb.gpx": b'<!DOCTYPE g [<!ENTITY a "b">]><gpx>&a;</gpx>',
        "half.kmz": kmz(("doc.kml", TRACK))[:50],
        "empty.kml": b"",
        "local.gpx": gpx(time="2026-03-03 08:00:00").encode(),
        "deep.json": b"[" * 100_000,
        "half.parquet": SAMPLES["Parquet"][:50],
        "other.plt": OZI.replace("WGS 84", "Tokyo").encode(),
        "noise.rec": b"\x00\x01",
    }
    for name, raw in odd.items():
        (tmp_path / name).write_bytes(raw)
    (tmp_path / "log.txt").write_text(RMC, encoding="ascii")
    track = read_tracks(sorted(tmp_path.iterdir()))
    assert track["source"].tolist() == ["log.txt"]
    assert sorted(row["source"] for row in track.attrs["refused"] if row["row"] is None) == sorted(odd)


def test_equal_texts_of_fixes_are_one_object(tmp_path):
    path = tmp_path / "day.csv"
    path.write_text("device,time,lon,lat\n" + "A,2026-03-02T08:00:00Z,118.8,32.1\n" * 50)
    read = read_tracks(path, datum="WGS-84")
    for column in ("device", "source", "declared_datum"):
        assert len({id(value) for value in read[column]}) == 1, column
