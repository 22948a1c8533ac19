"""Names of the columns of presences, visits and verdicts, defined in one place; those of tracks are in `geo.tracks.columns`."""

from __future__ import annotations

from geo.tracks.columns import CELL, DEVICE, DURATION_S, END, FIXES, LENGTH_M, OFFICER, PROBABILITY, START

DAY = "day"
KIND = "kind"
LIKELY_S = "likely_s"
SPREAD_S2 = "spread_s2"
SURE_S = "sure_s"
RIDDEN_S = "ridden_s"
RESTING_S = "resting_s"
RIDE_IN_S = "ride_in_s"
RIDE_OUT_S = "ride_out_s"
NEAR_RIDE_S = "near_ride_s"
NEAR_RIDE_M = "near_ride_m"
DETACHED_S = "detached_s"
RIDDEN_M = "ridden_m"
SURE_FIXES = "sure_fixes"

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
    RIDDEN_S,
    RESTING_S,
    RIDE_IN_S,
    RIDE_OUT_S,
    NEAR_RIDE_S,
    NEAR_RIDE_M,
    DETACHED_S,
    RIDDEN_M,
    SURE_FIXES,
)

CODE = "code"
STAY_S = "stay_s"
COUNTED = "counted"
REASON = "reason"
HOURS_S = "hours_s"
SPEED_M_S = "speed_m_s"
EARLIEST = "earliest"
LATEST = "latest"
OWN_PROBABILITY = "own_probability"
OWN_REASON = "own_reason"
ABSENCE_S = "absence_s"

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
    OWN_PROBABILITY,
    OWN_REASON,
    ABSENCE_S,
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
    PROBABILITY,
    "settle_zh",
    "settle_en",
)
