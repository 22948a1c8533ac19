"""Names of the columns of tracks, presences, visits and verdicts, spelled once."""

from __future__ import annotations

from geo.tracks.columns import ACCURACY_M as ACCURACY_M
from geo.tracks.columns import CELL as CELL
from geo.tracks.columns import DECLARED_DATUM as DECLARED_DATUM
from geo.tracks.columns import DEVICE as DEVICE
from geo.tracks.columns import DURATION_S as DURATION_S
from geo.tracks.columns import END as END
from geo.tracks.columns import FIXES as FIXES
from geo.tracks.columns import LAT as LAT
from geo.tracks.columns import LENGTH_M as LENGTH_M
from geo.tracks.columns import LON as LON
from geo.tracks.columns import MARK as MARK
from geo.tracks.columns import MOCK as MOCK
from geo.tracks.columns import OFFICER as OFFICER
from geo.tracks.columns import PROBABILITY as PROBABILITY
from geo.tracks.columns import ROW as ROW
from geo.tracks.columns import SOURCE as SOURCE
from geo.tracks.columns import SPEED as SPEED
from geo.tracks.columns import START as START
from geo.tracks.columns import TIME as TIME
from geo.tracks.columns import TRACK_COLUMNS as TRACK_COLUMNS

DAY = "day"
KIND = "kind"
LIKELY_S = "likely_s"
SPREAD_S2 = "spread_s2"
SURE_S = "sure_s"

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
