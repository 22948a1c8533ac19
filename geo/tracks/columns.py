"""Names of the columns of tracks, spelled once."""

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
#: Set by cleaning: why a fix is not used, '' where it is.
MARK = "mark"
#: Datum of the row's own coordinates, in files that state it row by row; not a column of the result.
DATUM = "datum"

#: Columns of a track, in order; the geometry (WGS-84 points) stands behind them. `speed` is in m/s as the device says it,
#: `accuracy_m` the radius that the device gives for 68 % of its fixes, `row` the number of the record in `source`,
#: `declared_datum` what the coordinates were before they were brought to WGS-84.
TRACK_COLUMNS = (DEVICE, OFFICER, TIME, LON, LAT, ACCURACY_M, SPEED, MOCK, SOURCE, ROW, DECLARED_DATUM)

#: Columns of stops, of matched segments and of touched cells; those of patrols have the same names.
CELL = "cell"
START = "start"
END = "end"
DURATION_S = "duration_s"
FIXES = "fixes"
LENGTH_M = "length_m"
PROBABILITY = "probability"
