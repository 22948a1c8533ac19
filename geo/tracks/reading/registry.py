"""The known track formats, and recognition of the format of a file."""

from __future__ import annotations

from geo.tracks.reading.format import Format
from geo.tracks.reading.formats import (
    garmin,
    geojson,
    google,
    gpx,
    kml,
    nmea,
    owntracks,
    parquet,
    plt,
    sensor_logger,
    tcx,
    traccar,
)

#: Formats in the order in which they are tested: stricter recognition first.
FORMATS: tuple[Format, ...] = (
    parquet.FORMAT,
    garmin.FORMAT,
    kml.KMZ_FORMAT,
    gpx.FORMAT,
    kml.FORMAT,
    tcx.FORMAT,
    plt.FORMAT,
    nmea.FORMAT,
    owntracks.RECORDER_FORMAT,
    google.FORMAT,
    owntracks.FORMAT,
    traccar.FORMAT,
    sensor_logger.FORMAT,
    traccar.REPORT_FORMAT,
    geojson.FORMAT,
    geojson.RECORDS_FORMAT,
)


def format_of(raw: bytes, ending: str) -> Format | None:
    """Format of a file: by its content, otherwise by the ending of its name; None if unknown.

    Parameters
    ----------
    raw
        Content, unpacked.
    ending
        Ending of the name in lower case, with the dot: ``.gpx``.
    """
    by_content = next((known for known in FORMATS if known.recognises(raw)), None)
    return by_content or next((known for known in FORMATS if ending in known.endings), None)


def endings() -> tuple[str, ...]:
    """Endings of the names of all known formats, in order."""
    return tuple(dict.fromkeys(ending for known in FORMATS for ending in known.endings))
