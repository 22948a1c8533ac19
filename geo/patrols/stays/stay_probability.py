"""Probability that a stay was long enough, given the fixes and prior odds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.special

from geo.arrays import Floats
from geo.patrols.columns import LIKELY_S, RIDDEN_S, SPREAD_S2, STAY_S, SURE_FIXES, SURE_S
from geo.patrols.rules import Rules

#: Prior odds that a stay shown by the path was long enough. A stay observed at a border was mostly in the neighbouring cell,
#: because people walk along borders far more often than across them: 0.04 for one minute and a fix every 10 s. They
#: increase with the duration up to ten minutes, because a round is more likely than one long error, and slightly with the
#: interval between fixes, because fewer false stays are observed then. They were chosen so that the number of visits is
#: right for walkers who keep to their side of the border and for walkers who roam inside the cell; docs/patrols.md has both
#: measurements.
PRIOR_ODDS, PRIOR_STAY, PRIOR_STEP = 0.04, 0.5, 0.17
_PRIOR_MOST_S, USUAL_STEP_S = 600.0, 10.0
#: Power of the odds that fixes give to a stay of the leader or a deputy, who are in the cell in order to patrol it: their prior
#: odds are even, but an error that lasts as long as a walk makes dense fixes less certain than each span shows. If fixes are
#: minutes apart, the deviation between them matters most; it is independent, and its assumed size is on the safe side.
OWN_POWER, SPARSE_POWER = 0.5, 1.2
#: Intervals between fixes up to which the first power applies, and from which the second, seconds; by the logarithm between.
OWN_POWER_S, SPARSE_POWER_S = 60.0, 300.0
#: Standard deviation of the time on foot if part of a stay was ridden, seconds: half of the time over which speeds are measured.
RIDE_SD_S = 15.0

#: Number of isolated fixes, all well inside, that prove a stay, and the probability assigned to it: of anyone, and of the leader.
#: All 494 such stays of leaders in three days of the second simulator (seeds 8401, 8601, 8602) with a fix each 300 s were true.
PROVING_FIXES, PROVEN, OWN_PROVEN = 3, 0.97, 0.99
#: Longest minimum stay that they prove: three fixes are at least two intervals of 120 s apart.
PROVEN_LEAST_S = 120.0
#: Share of a time expected inside from which only its crossings are in doubt.
CERTAIN_SHARE = 0.99
#: Minimum standard deviation of a time inside: crossing times are known to a few seconds.
LEAST_SD_S = 5.0


def probability_from_fixes(stays: pd.DataFrame, rules: Rules) -> Floats:
    """Probability, given the fixes alone, that the true time inside, on duty and on foot, was long enough."""
    room = stays["room_s"].to_numpy(dtype=float)
    # Time ridden is not time on foot.
    left_out = stays[RIDDEN_S].to_numpy(dtype=float) if rules.mode == "foot" else 0.0
    mean = np.clip(stays[LIKELY_S].to_numpy(dtype=float) - left_out, 0.0, room)
    # The ride may have begun and ended earlier or later.
    rides = np.asarray(left_out) > 0
    sure = np.clip(stays[SURE_S].to_numpy(dtype=float) - 2 * RIDE_SD_S * rides, 0.0, mean)
    # Time inside regardless of the error is certain; only the remaining time is in doubt.
    spread = stays[SPREAD_S2].to_numpy(dtype=float) + np.where(rides, RIDE_SD_S**2, 0.0)
    return at_least(mean - sure, spread, room - sure, rules.min_stay_s - sure)


def prior_odds(stays: pd.DataFrame, step_s: Floats) -> Floats:
    """Prior odds of each stay, whoever made it."""
    stay = np.minimum(stays[STAY_S].to_numpy(dtype=float), _PRIOR_MOST_S)
    odds: Floats = PRIOR_ODDS * ((stay + 10.0) / 60.0) ** PRIOR_STAY * (step_s / USUAL_STEP_S) ** PRIOR_STEP
    return odds


def with_prior_odds(plain: Floats, odds: Floats, stays: pd.DataFrame, rules: Rules) -> Floats:
    """Probability of each stay, given the fixes and the prior odds; isolated fixes well inside prove a stay."""
    return _with_proofs(odds * plain / (odds * plain + 1.0 - plain), PROVEN, stays, rules)


def own_probability(plain: Floats, step_s: Floats, stays: pd.DataFrame, rules: Rules) -> Floats:
    """Probability of each stay, given the fixes and their interval, if the officer is the leader or a deputy of the cell."""
    share = np.clip(np.log(step_s / OWN_POWER_S) / np.log(SPARSE_POWER_S / OWN_POWER_S), 0.0, 1.0)
    power = OWN_POWER + (SPARSE_POWER - OWN_POWER) * share
    for_, against = plain**power, (1.0 - plain) ** power
    return _with_proofs(for_ / (for_ + against), OWN_PROVEN, stays, rules)


def _with_proofs(chance: Floats, least: float, stays: pd.DataFrame, rules: Rules) -> Floats:
    proven = stays[SURE_FIXES].to_numpy(dtype=float) >= PROVING_FIXES
    found = np.where(proven & (rules.min_stay_s <= PROVEN_LEAST_S), np.maximum(chance, least), chance)
    return np.minimum(found, 1.0)


def at_least(mean_s: Floats, spread_s2: Floats, room_s: Floats, least_s: float) -> Floats:
    """Probability that a beta variable on [0, room] with this mean and variance is at least `least_s`.

    A time that is certain but for its crossings may be longer or shorter at both ends, so it has room for one standard deviation
    above the mean.
    """
    spread = spread_s2 + LEAST_SD_S**2
    safe = np.where(mean_s >= CERTAIN_SHARE * room_s, mean_s + np.sqrt(spread), np.maximum(room_s, 1e-9))
    m = np.clip(mean_s / safe, 1e-6, 1 - 1e-6)
    v = np.minimum(spread / safe**2, 0.98 * m * (1 - m))
    size = m * (1 - m) / v - 1
    chance = scipy.special.betaincc(m * size, (1 - m) * size, np.clip(least_s / safe, 0.0, 1.0))
    # If no error matters, the rule is exact to the second.
    chance = np.where(spread_s2 > 0, chance, mean_s >= least_s - 1e-6)
    found: Floats = np.where(room_s >= least_s - 1e-6, np.where(least_s > 0, chance, 1.0), 0.0)
    return found
