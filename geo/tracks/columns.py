"""Names of the columns of tracks, defined in one place."""

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
#: Result of cleaning: why a fix is not used, '' if it is.
MARK = "mark"
#: Datum of a row's coordinates, in files that state it per row; not a column of the result.
DATUM = "datum"

#: Columns of a track, in order, before the geometry (WGS-84 points). `speed` is in m/s as reported by the device, `accuracy_m`
#: the radius with 68 % probability reported by the device, `row` the number of the record in `source`, `declared_datum` the
#: datum of the coordinates before conversion to WGS-84.
TRACK_COLUMNS = (DEVICE, OFFICER, TIME, LON, LAT, ACCURACY_M, SPEED, MOCK, SOURCE, ROW, DECLARED_DATUM)

#: Columns of stops, matched segments and touched cells; columns of patrols have the same names.
CELL = "cell"
START = "start"
END = "end"
DURATION_S = "duration_s"
FIXES = "fixes"
LENGTH_M = "length_m"
PROBABILITY = "probability"
