"""Whether a stay was walked or driven, by its mean speed and by rides in it and near it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo.arrays import Floats
from geo.patrols.columns import LIKELY_S, NEAR_RIDE_M, NEAR_RIDE_S, RIDDEN_M, RIDDEN_S, SPEED_M_S
from geo.patrols.rules import Rules
from geo.tracks.columns import LENGTH_M
from geo.tracks.speed import DENSE_S

#: Relative error of the mean speed of a stay: noise lengthens a path, cut corners shorten it, and a minute has six fixes only.
PACE_ERROR = 0.15

#: Share of the expected time ridden, from which a stay is a ride with stops: in doubt if fixes are too far apart to show when
#: it was walked, otherwise if the time on foot may be long enough.
RIDDEN_SHARE = 0.2
#: If fixes are too far apart to show rides: a stay of which less than this time is not near a ride, seconds, may have been ridden
#: if its mean speed near rides is above this, m/s; the probability that it was walked. In eight days of e-bikes of the second
#: simulator (a fix each 60 s), 18 of the 21 ridden stays with a probability of 0.95 were such.
APART_S, BRISK_M_S, BRISK_WALKED = 180.0, 0.9, 0.8


def paced(stays: pd.DataFrame, steps_s: Floats, rules: Rules) -> Floats:
    """Probability that a stay was walked, or driven, as required by the rules, given the error of its mean speed.

    If patrols are on foot, it is the speed of the part that was not ridden. Fixes more than :data:`DENSE_S` apart do not show
    which part that was.
    """
    if rules.mode == "any":
        return np.ones(len(stays))
    names = (LENGTH_M, "spent_s", LIKELY_S, RIDDEN_M, RIDDEN_S)
    length_m, spent_s, likely_s, ridden_m, ridden_s = (stays[name].to_numpy(dtype=float) for name in names)
    foot = rules.mode == "foot"
    speed = stays[SPEED_M_S].to_numpy(dtype=float)
    if foot:
        left_s = np.maximum(spent_s - ridden_s, 0.0)
        speed = np.divide(np.maximum(length_m - ridden_m, 0.0), left_s, out=np.zeros(len(stays)), where=left_s > 1.0)
    walked = np.clip(0.5 - (speed / rules.max_patrol_speed_m_s - 1.0) / (2.0 * PACE_ERROR), 0.0, 1.0)
    if foot:
        sparse = steps_s > DENSE_S
        near_s, near_m = (stays[name].to_numpy(dtype=float) for name in (NEAR_RIDE_S, NEAR_RIDE_M))
        brisk = sparse & (likely_s - ridden_s - near_s < APART_S) & (near_m > BRISK_M_S * near_s)
        stops = sparse & (ridden_s > RIDDEN_SHARE * likely_s)
        walked = np.where(brisk, np.minimum(walked, BRISK_WALKED), walked)
        walked = np.where(stops, np.minimum(walked, 0.5), walked)
    found: Floats = np.where(spent_s > 0, walked if foot else 1.0 - walked, 1.0)
    return found
